//! Plans a convolution by tiles, and runs it.

use std::ops::Range;

use super::super::super::division::part_of;
use super::super::super::plan::PlanOptions;
use super::super::super::spec::{Base, Contraction};
use super::super::convolution::{Convolution, WINDOW};
use super::super::kernel::KernelTable;
use super::super::plan::IntegerOperands;
use super::super::results::Results;
use super::super::units::{Unit, Units};
use super::products::ProductsCall;
use super::transforms::{HALVES, InputCall, OutputCall, POINTS, TILE, Tile, window};
use crate::memory::ALIGNMENT;
use crate::team::Member;

/// With more channels a sum may exceed the 2²⁵ up to which its division is exact: 9·224·2¹⁴ is less.
const CHANNELS_MAX: usize = 224;

/// The most tiles that go through all steps together.
const GROUP_MAX: usize = 12;

/// A convolution of 3×3 pixels prepared for execution.
pub struct WinogradPlan {
    convolution: Convolution,
    batches: Vec<Base>,
    lanes: usize,
    b_lane_stride: i32,
    tiles: Vec<Tile>,
    /// The groups into which the tiles of a batch item are divided.
    groups: usize,
    kernels: KernelTable,
    /// Groups are the blocks.
    units: Units,
}

impl WinogradPlan {
    /// Nothing for what is no such convolution, or not one that it pays for.
    pub fn new(spec: &Contraction, options: &PlanOptions) -> Option<WinogradPlan> {
        let kernels = KernelTable::of(options.kernels);
        let is_apt = options.b_constant
            && (spec.a_lane_stride, spec.c_lane_stride) == (0, 1)
            && spec.lanes.is_multiple_of(kernels.vector_lanes())
            && spec.batches.windows(2).all(|pair| pair[0].b == pair[1].b);
        let convolution = if is_apt { Convolution::of(spec)? } else { return None };
        let Convolution { height, width, channels, a_pixel, .. } = convolution;
        if a_pixel as usize != channels
            || !channels.is_multiple_of(HALVES)
            || channels > CHANNELS_MAX
            || height < TILE
            || width < TILE
        {
            return None;
        }
        let tiles: Vec<Tile> = (0..height)
            .step_by(TILE)
            .flat_map(|y| (0..width).step_by(TILE).map(move |x| (y, x)))
            .map(|place| tile(&convolution, place))
            .collect();
        let groups = tiles.len().div_ceil(GROUP_MAX);
        let panels = spec.lanes.div_ceil(kernels.panel_lanes);
        Some(WinogradPlan {
            batches: spec.batches.clone(),
            lanes: spec.lanes,
            b_lane_stride: spec.b_lane_stride,
            tiles,
            groups,
            kernels,
            units: Units::new(spec.batches.len(), groups, panels, options),
            convolution,
        })
    }

    fn panels(&self) -> usize {
        self.lanes.div_ceil(self.kernels.panel_lanes)
    }

    /// Numbers of one point in one panel.
    fn panel_len(&self) -> usize {
        self.convolution.channels * self.kernels.panel_lanes
    }

    /// Numbers of the transformed windows.
    pub fn packed_len(&self) -> usize {
        POINTS * POINTS * self.panels() * self.panel_len()
    }

    /// So many tiles, as few at a time as give kernels of nearly the same height.
    fn bands(&self, tiles: usize) -> impl Iterator<Item = Range<usize>> {
        let count = tiles.div_ceil(self.kernels.rows_max);
        (0..count).map(move |band| part_of(tiles, band, count))
    }

    /// The bytes of the transforms that a worker has at a time: of what is read, and of its products with a panel.
    fn transforms_bytes(&self) -> [usize; 2] {
        let tiles = POINTS * POINTS * self.tiles.len().min(GROUP_MAX);
        let input = tiles * self.convolution.channels * size_of::<i16>();
        let sums = tiles * self.kernels.panel_lanes * size_of::<i32>();
        [input.next_multiple_of(ALIGNMENT), sums.next_multiple_of(ALIGNMENT)]
    }

    pub fn workspace_bytes(&self) -> usize {
        self.units.workers * self.transforms_bytes().iter().sum::<usize>()
    }

    /// Transforms the windows into pairs of channels: panel by panel, point by point.
    pub fn pack(&self, b: &[i8], packed: &mut [i16]) {
        let Convolution { channels, terms, .. } = &self.convolution;
        let panel_lanes = self.kernels.panel_lanes;
        for (panel, of_panel) in packed.chunks_exact_mut(POINTS * POINTS * self.panel_len()).enumerate() {
            of_panel.fill(0);
            for lane in 0..panel_lanes.min(self.lanes - panel * panel_lanes) {
                let start = self.batches[0].b + (panel * panel_lanes + lane) as i32 * self.b_lane_stride;
                for channel in 0..*channels {
                    let g: [[i8; WINDOW]; WINDOW] = std::array::from_fn(|y| {
                        std::array::from_fn(|x| b[(start + terms[(y * WINDOW + x) * channels + channel]) as usize])
                    });
                    let at = (channel / 2 * panel_lanes + lane) * 2 + channel % 2;
                    for (point, number) in window(g).as_flattened().iter().enumerate() {
                        of_panel[point * self.panel_len() + at] = *number;
                    }
                }
            }
        }
    }

    /// Runs one worker's part.
    ///
    /// # Safety
    /// As for [`super::super::IntegerPlan::execute`]; the operands are as long as planned, and the workspace begins at this
    /// address.
    pub unsafe fn run(&self, member: &Member<'_>, operands: &IntegerOperands<'_>, workspace: *mut u8) {
        let [input_bytes, sums_bytes] = self.transforms_bytes();
        let input = workspace.wrapping_add(member.worker * (input_bytes + sums_bytes));
        let sums = input.wrapping_add(input_bytes);
        let context = Context { plan: self, operands, input: input.cast(), sums: sums.cast() };
        // All panels of a group of tiles, then the next group.
        let mut transformed = None;
        for Unit { batch, blocks, panels } in self.units.by_blocks(member) {
            let base = &self.batches[batch];
            let tiles = &self.tiles[part_of(self.tiles.len(), blocks.start, self.groups)];
            // SAFETY: every unit is in one part, and the worker's part of the workspace is its own.
            unsafe {
                if transformed.replace((batch, blocks.start)) != Some((batch, blocks.start)) {
                    context.transform_input(base, tiles);
                }
                context.run_panels(base, tiles, panels);
            }
        }
    }
}

/// The tile whose first result is at this row and column.
fn tile(convolution: &Convolution, (y, x): (usize, usize)) -> Tile {
    let Convolution { height, width, channels, a_first, a_row, ref results, .. } = *convolution;
    // What lies outside only meets results that do not exist.
    let within = |first: usize, k: usize, extent: usize| (first + k).min(extent + WINDOW - 2) as i32;
    Tile {
        rows: std::array::from_fn(|k| a_first + within(y, k, height) * a_row),
        columns: std::array::from_fn(|k| within(x, k, width) * channels as i32),
        results: std::array::from_fn(|row| {
            std::array::from_fn(|column| {
                let (y, x) = (y + row, x + column);
                (y < height && x < width).then(|| results[y * width + x])
            })
        }),
    }
}

/// What one worker knows while it runs.
struct Context<'a> {
    plan: &'a WinogradPlan,
    operands: &'a IntegerOperands<'a>,
    input: *mut i16,
    sums: *mut i32,
}

impl Context<'_> {
    /// # Safety
    /// As for [`WinogradPlan::run`].
    unsafe fn transform_input(&self, base: &Base, tiles: &[Tile]) {
        let call = InputCall {
            a: self.operands.a.as_ptr().wrapping_offset(base.a as isize),
            tiles,
            channels: self.plan.convolution.channels,
            to: self.input,
        };
        // SAFETY: the tables were checked, and the workspace has room for a group of tiles.
        unsafe { (self.plan.kernels.transforms.input)(&call) }
    }

    /// Computes the results of transformed tiles by some panels.
    ///
    /// # Safety
    /// As for [`WinogradPlan::run`]; nobody else computes these results.
    unsafe fn run_panels(&self, base: &Base, tiles: &[Tile], panels: Range<usize>) {
        let plan = self.plan;
        let channels = plan.convolution.channels;
        let packed = self.operands.packed.expect("windows were transformed before").as_ptr();
        for panel in panels {
            let lane = panel * plan.kernels.panel_lanes;
            let lanes = plan.kernels.panel_lanes.min(plan.lanes - lane);
            // SAFETY: the workspace has room for a group of tiles, and `pack` filled all panels of all points.
            unsafe {
                for band in plan.bands(tiles.len()) {
                    let kernel = plan.kernels.products(band.len(), lanes);
                    kernel(&ProductsCall {
                        input: self.input.wrapping_add(band.start * channels),
                        input_stride: tiles.len() * channels,
                        channels,
                        windows: packed.wrapping_add(panel * POINTS * POINTS * plan.panel_len()),
                        windows_stride: plan.panel_len(),
                        sums: self.sums.wrapping_add(band.start * lanes),
                        sums_stride: tiles.len() * lanes,
                    });
                }
                (plan.kernels.transforms.output)(&OutputCall {
                    sums: self.sums,
                    tiles,
                    results: Results {
                        c: self.operands.c.as_mut_ptr(),
                        base: base.c as isize,
                        lane_stride: 1,
                        lane,
                        lanes,
                        terms: plan.convolution.terms.len(),
                        requantise: self.operands.requantise,
                    },
                });
            }
        }
    }
}
