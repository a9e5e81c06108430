//! Decides at plan time how a contraction runs: tiles, blocks, packing, and the share of each worker.

use std::ops::Range;

use super::depthwise::TERMS_MAX;
use super::division::{Division, Region, Share, Tile};
use super::division::{choose_division, part_of, parts_each_of, regions_of, shares_of, tiles_of};
use super::kernel::KernelTable;
use super::spec::{Base, Contraction, Group, Lengths, Row, Run, SpecError};
use super::terms::{A_PITCH, BLOCK_ELEMENTS, Terms, terms_of};
use crate::cache::second_level_bytes;
use crate::kernels::KernelSet;

/// What a plan is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// The kernels to use.
    pub kernels: KernelSet,
    /// The size of the team that executes the plan.
    pub workers: usize,
    /// The most parts that each worker's work is cut into, so that others can take them over.
    pub parts_each: usize,
    /// Whether `b` never changes, so that it is packed once, by [`ContractPlan::pack_constant`].
    pub b_constant: bool,
    /// Whether to copy rows of `a` into the kernel's order before use; `None` leaves it to the plan.
    pub pack_a: Option<bool>,
    /// Whether to copy `b` likewise. Where `b` has lanes that are not adjacent it is always packed.
    pub pack_b: Option<bool>,
}

impl PlanOptions {
    /// All choices left to the plan, operands that vary.
    pub fn new(kernels: KernelSet, workers: usize) -> PlanOptions {
        PlanOptions { kernels, workers, parts_each: 1, b_constant: false, pack_a: None, pack_b: None }
    }
}

/// A contraction checked and prepared for execution.
pub struct ContractPlan {
    pub(super) batches: Vec<Base>,
    pub(super) rows: Vec<Row>,
    /// With chunk results: the same rows of `a`, and where each row's part of a chunk's results begins.
    pub(super) result_rows: Vec<Row>,
    /// Whether the results of each row begin where those of the row before end.
    pub(super) rows_adjoin: bool,
    /// Whether every row of results begins at a multiple of the lanes.
    rows_are_lanes: bool,
    /// For rows that are written in another order than that of memory: what is finished with each part. Else none.
    pub(super) regions: Vec<Region>,
    pub(super) lanes: usize,
    pub(super) a_moves: bool,
    /// Few terms of operands that all have the lanes: a band is one call of a kernel of its own, whatever its height.
    pub(super) is_depthwise: bool,
    pub(super) b_lane_stride: isize,
    pub(super) c_lane_stride: isize,
    pub(super) lengths: Lengths,
    pub(super) kernels: KernelTable,
    pub(super) avx2: bool,
    pub(super) workers: usize,
    pub(super) tiles: Vec<Tile>,
    pub(super) terms: Terms,
    pub(super) b_source: BSource,
    pub(super) pack_a: bool,
    /// Blocks of panels, outermost; the blocks of chunks are in `terms`.
    pub(super) lane_blocks: Vec<Range<usize>>,
    pub(super) near: Near,
    pub(super) division: Division,
    /// The parts of the first worker, then those of the next.
    pub(super) shares: Vec<Share>,
    /// How many of the shares each worker has.
    pub(super) parts_each: usize,
    pub(super) workspace: Workspace,
}

/// Where the kernels read `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BSource {
    /// In the operand.
    InPlace,
    /// In the workspace, where each use packs it block by block.
    PackedPerUse,
    /// In the operand, which was packed once.
    PackedOnce,
}

/// What is met again while it is in the second-level cache: a part of a block of `b` by some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Near {
    pub panels: usize,
    pub rows: usize,
}

/// The parts of the workspace, in elements, each aligned to a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Workspace {
    /// Length of one buffer for packed `b`, and how many there are.
    pub b_len: usize,
    pub b_count: usize,
    /// Length of a worker's buffer for packed `a`; each has one.
    pub a_len: usize,
    /// Length of all chunk results.
    pub results_len: usize,
    /// All of it, with room to align the start.
    pub total: usize,
}

/// Elements in a cache line: the workspace is aligned to it.
pub(super) const LINE: usize = 16;
/// The fewest lanes that a block of `b` is cut down to.
const BLOCK_LANES_MIN: usize = 512;
/// The fewest rows that meet a part of `b` before the next part comes.
const NEAR_ROWS_MIN: usize = 24;
/// Elements this far apart are in the same set of a first-level cache of 64 sets.
const SET_STEP: u32 = 1024;
/// The most rows of a tile that shares one set, which has 8 lines or more.
const COLLIDING_ROWS_MAX: usize = 8;
/// The rows of a depthwise tile: the filter is loaded once for them, and they stay in the first cache with what they read.
const DEPTHWISE_ROWS: usize = 24;

impl ContractPlan {
    /// Checks the tables of `spec` and plans its execution.
    ///
    /// # Panics
    /// If this machine lacks the kernel set.
    pub fn new(spec: &Contraction, options: PlanOptions) -> Result<ContractPlan, SpecError> {
        assert!(options.kernels.is_available(), "the machine has the kernel set");
        let lengths = spec.check()?;
        let kernels = KernelTable::of(options.kernels);
        let workers = options.workers.max(1);
        let panels = spec.lanes.div_ceil(kernels.panel_lanes);
        let rows_max = if panels == 1 && rows_collide(spec) { COLLIDING_ROWS_MAX } else { kernels.rows_max };
        let is_depthwise = is_depthwise(spec);
        let rows_max = if is_depthwise { DEPTHWISE_ROWS } else { rows_max.min(kernels.rows_max) };
        let tiles = tiles_of(spec, rows_max, workers);
        let b_source = choose_b_source(spec, &options, tiles.len(), kernels.panel_lanes);
        let pack_a = choose_pack_a(spec, &options, panels);

        let total_terms = spec.groups.iter().map(terms_of).max().unwrap_or(0);
        let lane_blocks = lane_blocks_of(panels, kernels.panel_lanes, total_terms);
        let block_panels = lane_blocks.iter().map(Range::len).max().unwrap_or(0);
        let block_lanes = block_panels * kernels.panel_lanes;

        let division = choose_division(spec, workers, tiles.len(), panels);
        let mut terms = Terms::of(spec, pack_a);
        let results = spec.rows.len() * spec.lanes;
        terms.cut_blocks(block_lanes, results, division);
        if b_source != BSource::InPlace {
            terms.pack_b(kernels.panel_lanes);
        }
        let near = near_of(&terms, kernels.panel_lanes, block_panels, pack_a);
        let parts_each = parts_each_of(spec, &options, division, tiles.len(), near, block_panels, &terms);
        let shares = shares_of(spec, workers, parts_each, division, &tiles, panels, terms.blocks.len());
        let regions = regions_of(spec, division, &tiles, &shares, &lane_blocks);
        let workspace = Workspace::of(spec, &terms, b_source, division, workers, block_lanes, pack_a);
        Ok(ContractPlan {
            batches: spec.batches.clone(),
            rows: spec.rows.clone(),
            result_rows: match division {
                Division::Batches | Division::Grid => vec![],
                Division::Chunks => result_rows(spec),
            },
            rows_adjoin: rows_adjoin(spec),
            rows_are_lanes: rows_are_lanes(spec),
            regions,
            lanes: spec.lanes,
            a_moves: spec.a_lane_stride == 1,
            is_depthwise,
            b_lane_stride: spec.b_lane_stride as isize,
            c_lane_stride: spec.c_lane_stride as isize,
            lengths,
            kernels,
            avx2: options.kernels != KernelSet::Baseline && KernelSet::Avx2.is_available(),
            workers,
            tiles,
            terms,
            b_source,
            pack_a,
            lane_blocks,
            near,
            division,
            shares,
            parts_each,
            workspace,
        })
    }

    /// True if finished elements come in consecutive rows, many at a time.
    pub fn finishes_in_long_ranges(&self) -> bool {
        self.rows_adjoin || !self.regions.is_empty()
    }

    /// True if results can be taken on before they are stored; by one number for each of so many channels if these are the
    /// lanes of every row.
    pub fn can_take_on(&self, channels: Option<usize>) -> bool {
        let are_rows = |channels: usize| self.rows_are_lanes && self.lanes == channels;
        self.c_lane_stride == 1 && self.division != Division::Chunks && channels.is_none_or(are_rows)
    }

    /// The number of elements that the workspace must have at least.
    pub fn workspace_len(&self) -> usize {
        self.workspace.total
    }

    /// The number of elements that the operands must have at least; `b` as it is before packing.
    pub fn lengths(&self) -> Lengths {
        self.lengths
    }

    /// How often a run divides its work.
    pub fn divisions(&self) -> usize {
        match self.division {
            Division::Batches => 1,
            Division::Grid => self.batches.len() * self.lane_blocks.len() * self.terms.blocks.len(),
            Division::Chunks => self.batches.len(),
        }
    }

    /// The size of the team that the plan is made for.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The number of elements of a constant `b` once it is packed; `None` where `b` is read as it is.
    pub fn packed_len(&self) -> Option<usize> {
        match self.b_source {
            BSource::InPlace | BSource::PackedPerUse => None,
            BSource::PackedOnce => Some(self.batches.len() * self.packed_batch_len()),
        }
    }

    /// The packed length of one batch item of a constant `b`.
    pub(super) fn packed_batch_len(&self) -> usize {
        self.panel_count() * self.kernels.panel_lanes * self.terms.packed_count()
    }

    pub(super) fn panel_count(&self) -> usize {
        self.lanes.div_ceil(self.kernels.panel_lanes)
    }
}

impl Workspace {
    fn of(
        spec: &Contraction,
        terms: &Terms,
        b_source: BSource,
        division: Division,
        workers: usize,
        block_lanes: usize,
        pack_a: bool,
    ) -> Workspace {
        let round = |len: usize| len.next_multiple_of(LINE);
        let packed_max = terms.blocks.iter().map(|block| block.packed).max().unwrap_or(0);
        let (b_len, b_count) = match b_source {
            BSource::InPlace | BSource::PackedOnce => (0, 0),
            BSource::PackedPerUse => {
                let count = match division {
                    Division::Batches | Division::Chunks => workers,
                    // One is packed while the others may still read the other.
                    Division::Grid => 2.min(workers),
                };
                (round(packed_max * block_lanes), count)
            }
        };
        let chunk_max = (0..terms.chunk_count).map(|chunk| terms.chunk_terms_max(chunk)).max();
        let a_len = if pack_a { round(chunk_max.unwrap_or(0) * A_PITCH) } else { 0 };
        let results_len = match division {
            Division::Batches | Division::Grid => 0,
            Division::Chunks => results_len(spec),
        };
        let used = b_len * b_count + a_len * workers + results_len;
        let total = if used == 0 { 0 } else { used + LINE };
        Workspace { b_len, b_count, a_len, results_len, total }
    }
}

/// The elements that hold all chunk results of one batch item.
pub(super) fn results_len(spec: &Contraction) -> usize {
    spec.chunk_count() * spec.rows.len() * result_pitch(spec.lanes)
}

/// Elements from row to row of a chunk's results.
pub(super) fn result_pitch(lanes: usize) -> usize {
    lanes.next_multiple_of(LINE)
}

fn result_rows(spec: &Contraction) -> Vec<Row> {
    let pitch = result_pitch(spec.lanes);
    spec.rows.iter().enumerate().map(|(k, row)| Row { a: row.a, c: (k * pitch) as i32 }).collect()
}

/// Whether neighbouring rows of `a` are so far apart that all fall into the same set of the first cache.
fn rows_collide(spec: &Contraction) -> bool {
    let steps = spec.rows.windows(2).map(|pair| (pair[1].a - pair[0].a).unsigned_abs());
    let (mut near, mut far) = (0usize, 0usize);
    for step in steps {
        if step > 0 && step.is_multiple_of(SET_STEP) {
            far += 1;
        } else {
            near += 1;
        }
    }
    far > near
}

/// Whether every result is a sum of few terms of operands that all have the lanes.
fn is_depthwise(spec: &Contraction) -> bool {
    let few = |group: &Group| (1..=TERMS_MAX).contains(&terms_of(group));
    spec.a_lane_stride == 1 && spec.c_lane_stride == 1 && spec.chunk_count() == 1 && spec.groups.iter().all(few)
}

/// Whether rows of results lie one behind the other.
pub(super) fn rows_adjoin(spec: &Contraction) -> bool {
    let lanes = spec.lanes as i32;
    spec.c_lane_stride == 1 && spec.rows.windows(2).all(|pair| pair[1].c == pair[0].c + lanes)
}

/// Whether every row of results begins at a multiple of the lanes, so that a lane is the place in the last dimension.
fn rows_are_lanes(spec: &Contraction) -> bool {
    let begins = |base: &Base, row: &Row| spec.lanes > 0 && ((base.c + row.c) as usize).is_multiple_of(spec.lanes);
    spec.batches.iter().all(|base| spec.rows.iter().all(|row| begins(base, row)))
}

fn choose_b_source(spec: &Contraction, options: &PlanOptions, tiles: usize, panel_lanes: usize) -> BSource {
    let adjacent = spec.b_lane_stride == 1 || spec.lanes <= 1;
    // Terms that are a large power of two apart fall into few sets of the cache; copying pays when the copy is
    // read by enough tiles.
    let far = |run: &Run| run.len > 1 && run.b_stride.unsigned_abs() >= 256;
    let scattered = spec.groups.iter().any(|group| group.runs.iter().any(far));
    // Copying once costs nothing later; one panel is read in place as well as from a copy.
    let pays = if options.b_constant { spec.lanes > panel_lanes } else { scattered && tiles >= 8 };
    let pack = !adjacent || options.pack_b.unwrap_or(pays);
    match (pack, options.b_constant) {
        (false, _) => BSource::InPlace,
        (true, false) => BSource::PackedPerUse,
        (true, true) => BSource::PackedOnce,
    }
}

fn choose_pack_a(spec: &Contraction, options: &PlanOptions, panels: usize) -> bool {
    // Likewise for `a`, whose copy is read by every panel.
    let far = |run: &Run| run.len > 1 && run.a_stride.unsigned_abs() >= 256;
    let scattered = spec.groups.iter().any(|group| group.runs.iter().any(far));
    spec.a_lane_stride == 0 && options.pack_a.unwrap_or(scattered && panels >= 4)
}

/// Cuts the panels into blocks of nearly equal width.
fn lane_blocks_of(panels: usize, panel_lanes: usize, terms: usize) -> Vec<Range<usize>> {
    let lanes = (BLOCK_ELEMENTS / terms.max(1)).max(BLOCK_LANES_MIN);
    let count = panels.div_ceil((lanes / panel_lanes).max(1)).max(1);
    (0..count).map(|index| part_of(panels, index, count)).collect()
}

/// Panels of a block whose terms take half of the second-level cache, and rows whose results take a quarter.
fn near_of(terms: &Terms, panel_lanes: usize, block_panels: usize, pack_a: bool) -> Near {
    let elements = second_level_bytes() / size_of::<f32>();
    let block_terms = terms.blocks.iter().map(|block| terms.block_terms_max(block)).max().unwrap_or(0);
    // A packed row of `a` is used for all panels before the next is packed.
    let panels = if pack_a { block_panels } else { elements / 2 / (block_terms * panel_lanes).max(1) };
    let rows = elements / 4 / (block_panels * panel_lanes).max(1);
    Near { panels: panels.clamp(1, block_panels.max(1)), rows: rows.max(NEAR_ROWS_MIN) }
}
