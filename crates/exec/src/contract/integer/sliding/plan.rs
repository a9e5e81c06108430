//! Plans a depthwise convolution by sliding windows, and runs it.

use std::ops::Range;

use super::super::super::plan::PlanOptions;
use super::super::super::spec::{Base, Contraction};
use super::super::convolution::{Convolution, WINDOW};
use super::super::kernel::KernelTable;
use super::super::plan::IntegerOperands;
use super::super::results::Results;
use super::super::units::{Unit, Units};
use super::kernel::{PAIRINGS, SlidingCall, pairings};
use crate::team::Member;

/// A depthwise convolution of 3×3 pixels prepared for execution.
pub struct SlidingPlan {
    convolution: Convolution,
    batches: Vec<Base>,
    lanes: usize,
    b_lane_stride: i32,
    kernels: KernelTable,
    /// Rows of results are the blocks.
    units: Units,
}

impl SlidingPlan {
    /// Nothing for what is no such convolution, or not one of whole panels.
    pub fn new(spec: &Contraction, options: &PlanOptions) -> Option<SlidingPlan> {
        let kernels = KernelTable::of(options.kernels);
        let is_apt = options.b_constant
            && spec.a_lane_stride == 1
            && spec.c_lane_stride == 1
            && spec.lanes.is_multiple_of(kernels.panel_lanes)
            && spec.batches.windows(2).all(|pair| pair[0].b == pair[1].b);
        let convolution = if is_apt { Convolution::of(spec)? } else { return None };
        if convolution.channels != 1 || convolution.width < 2 {
            return None;
        }
        Some(SlidingPlan {
            batches: spec.batches.clone(),
            lanes: spec.lanes,
            b_lane_stride: spec.b_lane_stride,
            kernels,
            units: Units::new(spec.batches.len(), convolution.height, spec.lanes / kernels.panel_lanes, options),
            convolution,
        })
    }

    fn panels(&self) -> usize {
        self.lanes / self.kernels.panel_lanes
    }

    /// Numbers of one panel.
    fn panel_len(&self) -> usize {
        WINDOW * PAIRINGS * 2 * self.kernels.panel_lanes
    }

    /// Numbers of all windows.
    pub fn packed_len(&self) -> usize {
        self.panels() * self.panel_len()
    }

    /// Lays the windows out in pairs.
    pub fn pack(&self, b: &[i8], packed: &mut [i16]) {
        let panel_lanes = self.kernels.panel_lanes;
        for (panel, to) in packed.chunks_exact_mut(self.panel_len()).enumerate() {
            for lane in 0..panel_lanes {
                let start = self.batches[0].b + (panel * panel_lanes + lane) as i32 * self.b_lane_stride;
                let place = (self.kernels.turned_lane)(lane);
                for x in 0..WINDOW {
                    let number = |y| i16::from(b[(start + self.convolution.terms[y * WINDOW + x]) as usize]);
                    for (k, pair) in pairings(std::array::from_fn(number)).into_iter().enumerate() {
                        to[((x * PAIRINGS + k) * panel_lanes + place) * 2..][..2].copy_from_slice(&pair);
                    }
                }
            }
        }
    }

    /// Runs one worker's part.
    ///
    /// # Safety
    /// As for [`super::super::IntegerPlan::execute`]; the operands are as long as planned.
    pub unsafe fn run(&self, member: &Member<'_>, operands: &IntegerOperands<'_>) {
        for Unit { batch, blocks: rows, panels } in self.units.by_panels(member) {
            for panel in panels {
                // SAFETY: passed on; every unit is in one part.
                unsafe { self.run_rows(operands, batch, rows.clone(), panel) };
            }
        }
    }

    /// Computes rows of a batch item's results by one panel.
    ///
    /// # Safety
    /// As for `run`; nobody else computes these results.
    unsafe fn run_rows(&self, operands: &IntegerOperands<'_>, batch: usize, rows: Range<usize>, panel: usize) {
        let Convolution { width, a_first, a_row, a_pixel, ref results, ref terms, .. } = self.convolution;
        let base = self.batches[batch];
        let packed = operands.packed.expect("windows were laid out before").as_ptr();
        let call = SlidingCall {
            a: operands.a.as_ptr().wrapping_offset((base.a + a_first + rows.start as i32 * a_row) as isize),
            a_pixel: a_pixel as isize,
            a_row: a_row as isize,
            width,
            places: &results[rows.start * width..rows.end * width],
            windows: packed.wrapping_add(panel * self.panel_len()),
            results: Results {
                c: operands.c.as_mut_ptr(),
                base: base.c as isize,
                lane_stride: 1,
                lane: panel * self.kernels.panel_lanes,
                lanes: self.kernels.panel_lanes,
                terms: terms.len(),
                requantise: operands.requantise,
            },
        };
        // SAFETY: the plan's maker found the kernel set available on this machine; addresses are those that `check` has seen,
        // and those of what was laid out.
        unsafe { (self.kernels.sliding)(&call) }
    }
}
