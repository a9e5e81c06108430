//! What a contraction does to its results while they are in registers: the commonest maps behind one.

use super::kernel::{BandCall, Lanes};
use super::spec::Row;

/// Maps behind a contraction, in this order, each of which may be missing: `max((x + bias) · factor + term + residual, floor)`, every
/// operation rounded by itself. Operands are slots while a program is planned, and slices when it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behind<M> {
    /// One number for each lane.
    pub bias: Option<M>,
    /// One number for each lane, as is the next: what a batch normalisation comes to.
    pub factor: Option<M>,
    pub term: Option<M>,
    /// One number at the address of every result.
    pub residual: Option<M>,
    pub floor: Option<f32>,
}

impl<M> Behind<M> {
    pub const NOTHING: Behind<M> = Behind { bias: None, factor: None, term: None, residual: None, floor: None };

    /// The same maps with their operands in other memory.
    pub fn with_memory<N>(self, memory: impl Fn(M) -> N) -> Behind<N> {
        Behind {
            bias: self.bias.map(&memory),
            factor: self.factor.map(&memory),
            term: self.term.map(&memory),
            residual: self.residual.map(&memory),
            floor: self.floor,
        }
    }
}

/// Takes complete results of some rows by the vectors from `lane` on through the maps of a call.
///
/// # Safety
/// As for [`super::kernel::TileKernel`]; the maps' operands have a number for every existing lane of the rows.
#[inline(always)]
pub(super) unsafe fn take_on<V: Lanes, const M: usize, const NV: usize>(
    call: &BandCall<'_>,
    rows: &[Row; M],
    lane: usize,
    sums: &mut [[V; NV]; M],
    masks: [V::Mask; NV],
) {
    // SAFETY: the caller promises valid addresses for existing lanes, and the masks keep the others from being touched.
    unsafe {
        if let Some(bias) = call.behind.bias {
            by_lane(bias, lane, sums, masks, |x, bias| x.add(bias));
        }
        if let Some(factor) = call.behind.factor {
            by_lane(factor, lane, sums, masks, |x, factor| x.mul(factor));
        }
        if let Some(term) = call.behind.term {
            by_lane(term, lane, sums, masks, |x, term| x.add(term));
        }
        if let Some(residual) = call.behind.residual {
            let start = residual.as_ptr().wrapping_offset(call.c_base).wrapping_add(lane);
            for i in 0..M {
                let row = start.wrapping_offset(rows[i].c as isize);
                for j in 0..NV {
                    sums[i][j] = sums[i][j].add(V::load(row.wrapping_add(j * V::WIDTH), masks[j]));
                }
            }
        }
        if let Some(floor) = call.behind.floor {
            let floor = V::splat(floor);
            for sum in sums.as_flattened_mut() {
                *sum = sum.max(floor);
            }
        }
    }
}

/// # Safety
/// As for [`take_on`].
#[inline(always)]
unsafe fn by_lane<V: Lanes, const M: usize, const NV: usize>(
    values: &[f32],
    lane: usize,
    sums: &mut [[V; NV]; M],
    masks: [V::Mask; NV],
    map: impl Fn(V, V) -> V,
) {
    for j in 0..NV {
        // SAFETY: passed on.
        let value = unsafe { V::load(values.as_ptr().wrapping_add(lane + j * V::WIDTH), masks[j]) };
        for row in sums.iter_mut() {
            row[j] = map(row[j], value);
        }
    }
}
