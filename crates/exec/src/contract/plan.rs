//! Decides at plan time how a contraction runs: tiles, blocks, packing, and the share of each worker.

use std::collections::HashMap;
use std::ops::Range;

use super::depthwise::TERMS_MAX;
use super::kernel::{KernelTable, TileRun};
use super::pack::PackRun;
use super::spec::{Base, Contraction, Group, Lengths, Row, Run, SpecError};
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

/// Rows of one group, computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub first_row: u32,
    pub rows: u32,
    pub group: u32,
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

/// How the work is divided among the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Division {
    /// Every worker has batch items of its own.
    Batches,
    /// Every worker has a rectangle of tiles by panels.
    Grid,
    /// Every worker has chunks of all results; chunk results are kept and added in order.
    Chunks,
}

/// Elements of the result that are finished with a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// What no other part writes.
    pub own: Range<usize>,
    /// What it and those before it write, complete when all are through.
    pub shared: Range<usize>,
}

/// A part of the work that one worker does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub batches: Range<usize>,
    pub tiles: Range<usize>,
    /// This part of so many equal parts of each block's panels.
    pub panel_part: (usize, usize),
    pub chunk_blocks: Range<usize>,
}

/// The terms of every group and chunk.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    pub chunk_count: usize,
    /// `[group · (chunk_count + 1) + chunk]`: where the chunk's runs begin.
    starts: Vec<u32>,
    runs: Vec<TileRun>,
    /// With packed `a`: the runs by which it is packed, parallel to `runs`.
    a_runs: Vec<PackRun>,
    pub blocks: Vec<ChunkBlock>,
    /// With packed `b`: what is packed, by block.
    pub pack_runs: Vec<PackRun>,
}

/// Chunks whose part of `b` is in cache together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChunkBlock {
    pub chunks: Range<usize>,
    /// Terms before this block when all of `b` is packed, and in it.
    pub packed_before: usize,
    pub packed: usize,
    /// Which of `pack_runs` pack it.
    pub pack_runs: Range<usize>,
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
/// Step from term to term in packed `a`.
pub(super) const A_PITCH: usize = 16;
/// How much of `b` is worked on at a time: half of a second-level cache of 2 MiB, in elements.
const BLOCK_ELEMENTS: usize = 256 * 1024;
/// How many results may be met once a chunk.
const NEAR_RESULTS_MAX: usize = 160 * 1024;
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
/// The most elements that chunk results may take.
const RESULTS_MAX: usize = 2 * 1024 * 1024;

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

impl Terms {
    fn of(spec: &Contraction, pack_a: bool) -> Terms {
        let mut terms = Terms { chunk_count: spec.chunk_count(), ..Terms::default() };
        for group in &spec.groups {
            terms.starts.push(terms.runs.len() as u32);
            let mut in_chunk = 0;
            let last = group.runs.len().wrapping_sub(1);
            for (index, run) in group.runs.iter().enumerate() {
                // `check` has not looked at the terms of a group without rows, so nothing may read them.
                if run.len > 0 && group.rows > 0 {
                    terms.push(run, in_chunk, pack_a);
                    in_chunk += run.len;
                }
                if run.ends_chunk || index == last {
                    terms.starts.push(terms.runs.len() as u32);
                    in_chunk = 0;
                }
            }
        }
        terms
    }

    fn push(&mut self, run: &Run, at: u32, pack_a: bool) {
        let Run { a, b, len, a_stride, b_stride, ends_chunk: _ } = *run;
        if pack_a {
            let pitch = A_PITCH as i32;
            self.a_runs.push(PackRun { from: a, stride: a_stride, len, at });
            self.runs.push(TileRun { a: at as i32 * pitch, b, len, a_stride: pitch, b_stride });
        } else {
            self.runs.push(TileRun { a, b, len, a_stride, b_stride });
        }
    }

    /// The runs of a group's chunk.
    pub fn chunk(&self, group: usize, chunk: usize) -> &[TileRun] {
        &self.runs[self.chunk_range(group, chunk)]
    }

    /// The runs by which a group's chunk of `a` is packed.
    pub fn a_chunk(&self, group: usize, chunk: usize) -> &[PackRun] {
        &self.a_runs[self.chunk_range(group, chunk)]
    }

    fn chunk_range(&self, group: usize, chunk: usize) -> Range<usize> {
        let at = group * (self.chunk_count + 1) + chunk;
        self.starts[at] as usize..self.starts[at + 1] as usize
    }

    fn group_count(&self) -> usize {
        self.starts.len() / (self.chunk_count + 1)
    }

    /// The most terms that any group has in the chunk.
    fn chunk_terms_max(&self, chunk: usize) -> usize {
        let terms = |group| self.chunk(group, chunk).iter().map(|run| run.len as usize).sum();
        (0..self.group_count()).map(terms).max().unwrap_or(0)
    }

    /// The most terms that any group has in a block.
    fn block_terms_max(&self, block: &ChunkBlock) -> usize {
        block.chunks.clone().map(|chunk| self.chunk_terms_max(chunk)).sum()
    }

    /// Puts chunks together until their part of `b` fills the cache, so that results are met rarely. Results that stay
    /// in cache themselves are met once a chunk, which leaves more of the cache to the operands. When workers share
    /// the chunks each is a block of its own.
    fn cut_blocks(&mut self, block_lanes: usize, results: usize, division: Division) {
        let limit = match division {
            Division::Batches | Division::Grid if results > NEAR_RESULTS_MAX => BLOCK_ELEMENTS,
            Division::Batches | Division::Grid | Division::Chunks => 0,
        };
        let mut elements = 0;
        for chunk in 0..self.chunk_count {
            let more = self.chunk_terms_max(chunk) * block_lanes;
            match self.blocks.last_mut() {
                Some(block) if elements + more <= limit => {
                    block.chunks.end = chunk + 1;
                    elements += more;
                }
                Some(_) | None => {
                    elements = more;
                    self.blocks.push(ChunkBlock {
                        chunks: chunk..chunk + 1,
                        packed_before: 0,
                        packed: 0,
                        pack_runs: 0..0,
                    });
                }
            }
        }
        // A contraction without chunks still has results to write.
        if self.blocks.is_empty() {
            let pack_runs = 0..0;
            self.blocks.push(ChunkBlock { chunks: 0..0, packed_before: 0, packed: 0, pack_runs });
        }
    }

    /// Plans the packing of `b`: the distinct terms of a block's chunks in the order of their first use, so that
    /// groups that skip some of them read the same copy. Runs are rewritten to read it.
    fn pack_b(&mut self, pitch: usize) {
        let mut new_runs = Vec::with_capacity(self.runs.len());
        let mut new_a_runs = Vec::with_capacity(self.a_runs.len());
        let mut new_starts = self.starts.clone();
        let mut rewritten: Vec<Vec<Piece>> = vec![Vec::new(); self.starts.len()];
        let mut before = 0;
        for index in 0..self.blocks.len() {
            let chunks = self.blocks[index].chunks.clone();
            let first_pack_run = self.pack_runs.len();
            let mut places: HashMap<i32, u32> = HashMap::new();
            for chunk in chunks {
                for group in 0..self.group_count() {
                    for run in self.chunk_range(group, chunk) {
                        let TileRun { b, len, b_stride, .. } = self.runs[run];
                        let mut pieces = Pieces::default();
                        for i in 0..len as i32 {
                            let from = b + i * b_stride;
                            let next = places.len() as u32;
                            let place = *places.entry(from).or_insert_with(|| {
                                push_term(&mut self.pack_runs, first_pack_run, from, next);
                                next
                            });
                            pieces.push(place);
                        }
                        let at = group * (self.chunk_count + 1) + chunk;
                        let list = pieces.list.into_iter().map(|piece| Piece { run, ..piece });
                        rewritten[at].extend(list);
                    }
                }
            }
            let block = &mut self.blocks[index];
            block.packed_before = before;
            block.packed = places.len();
            block.pack_runs = first_pack_run..self.pack_runs.len();
            before += places.len();
        }
        for (at, pieces) in rewritten.iter().enumerate() {
            new_starts[at] = new_runs.len() as u32;
            for piece in pieces {
                let TileRun { a, a_stride, .. } = self.runs[piece.run];
                let skipped = piece.skipped as i32;
                new_runs.push(TileRun {
                    a: a + skipped * a_stride,
                    b: piece.place as i32 * pitch as i32,
                    len: piece.len,
                    a_stride,
                    b_stride: piece.step * pitch as i32,
                });
                if let Some(&PackRun { from, stride, at, .. }) = self.a_runs.get(piece.run) {
                    new_a_runs.push(PackRun {
                        from: from + skipped * stride,
                        stride,
                        len: piece.len,
                        at: at + piece.skipped,
                    });
                }
            }
        }
        self.runs = new_runs;
        self.a_runs = new_a_runs;
        self.starts = new_starts;
    }

    /// The terms of `b` that are packed in all.
    fn packed_count(&self) -> usize {
        self.blocks.iter().map(|block| block.packed).sum()
    }
}

/// Part of a run whose packed terms go in equal steps.
#[derive(Clone, Copy)]
struct Piece {
    run: usize,
    /// Terms of the run before this piece.
    skipped: u32,
    place: u32,
    step: i32,
    len: u32,
}

#[derive(Default)]
struct Pieces {
    list: Vec<Piece>,
    count: u32,
}

impl Pieces {
    fn push(&mut self, place: u32) {
        let skipped = self.count;
        self.count += 1;
        if let Some(piece) = self.list.last_mut() {
            let last = piece.place as i32 + (piece.len as i32 - 1) * piece.step;
            let step = place as i32 - last;
            if piece.len == 1 {
                piece.step = step;
            }
            if step == piece.step {
                piece.len += 1;
                return;
            }
        }
        self.list.push(Piece { run: 0, skipped, place, step: 1, len: 1 });
    }
}

/// Appends a term to the runs from `first_run` on, in equal steps where it fits.
fn push_term(runs: &mut Vec<PackRun>, first_run: usize, from: i32, at: u32) {
    if runs.len() > first_run {
        let run = runs.last_mut().expect("there is a run after first_run");
        let step = from - (run.from + (run.len as i32 - 1) * run.stride);
        if run.len == 1 {
            run.stride = step;
        }
        if step == run.stride {
            run.len += 1;
            return;
        }
    }
    runs.push(PackRun { from, stride: 1, len: 1, at });
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
fn results_len(spec: &Contraction) -> usize {
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

fn terms_of(group: &Group) -> usize {
    group.runs.iter().map(|run| run.len as usize).sum()
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
fn rows_adjoin(spec: &Contraction) -> bool {
    let lanes = spec.lanes as i32;
    spec.c_lane_stride == 1 && spec.rows.windows(2).all(|pair| pair[1].c == pair[0].c + lanes)
}

/// The workers' regions where groups are written in turns, but together fill the result.
fn regions_of(
    spec: &Contraction,
    division: Division,
    tiles: &[Tile],
    shares: &[Share],
    lane_blocks: &[Range<usize>],
) -> Vec<Region> {
    let end = spec.rows.len() * spec.lanes;
    let mut starts: Vec<i32> = spec.rows.iter().map(|row| row.c).collect();
    starts.sort_unstable();
    let fills = starts.iter().enumerate().all(|(k, start)| *start as usize == k * spec.lanes);
    let whole_rows = shares.iter().all(|share| share.panel_part == (0, 1)) && lane_blocks.len() == 1;
    let one_item = spec.batches.len() == 1 && spec.batches[0].c == 0;
    let rows_of = |tile: &Tile| &spec.rows[tile.first_row as usize..(tile.first_row + tile.rows) as usize];
    let ascend = tiles.iter().all(|tile| rows_of(tile).is_sorted_by_key(|row| row.c));
    let applies = spec.c_lane_stride == 1
        && division == Division::Grid
        && !rows_adjoin(spec)
        && fills
        && ascend
        && whole_rows
        && one_item
        && shares.iter().all(|share| !share.tiles.is_empty());
    if !applies {
        return vec![];
    }
    let first_of = |tile: &Tile| spec.rows[tile.first_row as usize].c as usize;
    let end_of = |tile: &Tile| spec.rows[(tile.first_row + tile.rows - 1) as usize].c as usize + spec.lanes;
    let mut regions: Vec<Region> = vec![];
    let mut written = 0;
    for share in shares {
        let own_end = tiles.get(share.tiles.end).map_or(end, first_of).max(written);
        let before = regions.last().map_or(0, |region| region.own.end);
        regions.push(Region { own: written..own_end, shared: before..written });
        written = tiles[share.tiles.clone()].iter().map(end_of).fold(own_end, usize::max);
    }
    regions
}

/// Cuts every group into tiles of nearly equal height, so that no short tile is left over.
fn tiles_of(spec: &Contraction, rows_max: usize, workers: usize) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let single = spec.groups.iter().filter(|group| group.rows > 0).count() == 1;
    for (index, (rows, group)) in spec.groups_with_rows().enumerate() {
        let mut count = group.rows.div_ceil(rows_max);
        if single && count > 1 && count < 8 * workers {
            // Few tiles divide evenly only if there are as many for each worker.
            count = count.next_multiple_of(workers).min(group.rows);
        }
        for tile in 0..count {
            let part = part_of(group.rows, tile, count);
            tiles.push(Tile {
                first_row: (rows.start + part.start) as u32,
                rows: part.len() as u32,
                group: index as u32,
            });
        }
    }
    // Tiles of different groups that write near each other also read near each other.
    tiles.sort_by_key(|tile| spec.rows[tile.first_row as usize].c);
    tiles
}

/// The `index`-th of `count` nearly equal parts of `0..total`.
pub(super) fn part_of(total: usize, index: usize, count: usize) -> Range<usize> {
    total * index / count..total * (index + 1) / count
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

fn choose_division(spec: &Contraction, workers: usize, tiles: usize, panels: usize) -> Division {
    let batches = spec.batches.len();
    if batches >= workers && (batches.is_multiple_of(workers) || batches >= 4 * workers) {
        return Division::Batches;
    }
    let chunks = spec.chunk_count();
    let (rows, columns) = grid_of(workers, tiles, panels, reads_more_lanes(spec));
    // The parts of the whole work that the busiest worker has.
    let grid = (tiles.div_ceil(rows) * panels.div_ceil(columns)) as f64 / (tiles * panels) as f64;
    let by_chunks = chunks.div_ceil(workers) as f64 / chunks.max(1) as f64;
    if by_chunks < 0.75 * grid && results_len(spec) <= RESULTS_MAX { Division::Chunks } else { Division::Grid }
}

/// True if there is more to read of `b` than of `a`.
fn reads_more_lanes(spec: &Contraction) -> bool {
    spec.lanes > spec.rows.len()
}

/// The numbers of parts of tiles and of panels that give the busiest worker least.
fn grid_of(workers: usize, tiles: usize, panels: usize, reads_more_lanes: bool) -> (usize, usize) {
    (1..=workers)
        .map(|rows| (rows, workers / rows))
        .min_by_key(|&(rows, columns)| {
            // Each worker should read its own part of the larger operand; the other way has to save a tenth for each part.
            let along = if reads_more_lanes { rows } else { columns };
            (tiles.div_ceil(rows) * panels.div_ceil(columns) * (9 + along), along)
        })
        .unwrap_or((1, 1))
}

/// How many parts each worker gets: as many as asked for, if they stay large enough.
fn parts_each_of(
    spec: &Contraction,
    options: &PlanOptions,
    division: Division,
    tiles: usize,
    near: Near,
    block_panels: usize,
    terms: &Terms,
) -> usize {
    let units = match division {
        Division::Batches => spec.batches.len(),
        Division::Chunks => terms.blocks.len(),
        // A part of `b` that leaves the cache must be worth its return.
        Division::Grid if near.panels < block_panels => spec.rows.len() / near.rows,
        Division::Grid => tiles,
    };
    (units / options.workers.max(1)).clamp(1, options.parts_each.max(1))
}

/// The parts of all workers, `each` for everyone.
fn shares_of(
    spec: &Contraction,
    workers: usize,
    each: usize,
    division: Division,
    tiles: &[Tile],
    panels: usize,
    chunk_blocks: usize,
) -> Vec<Share> {
    let all = Share {
        batches: 0..spec.batches.len(),
        tiles: 0..tiles.len(),
        panel_part: (0, 1),
        chunk_blocks: 0..chunk_blocks,
    };
    let (grid_rows, grid_columns) = grid_of(workers, tiles.len(), panels, reads_more_lanes(spec));
    let bounds = tile_bounds(spec, tiles, grid_rows * each);
    let parts = workers * each;
    (0..parts)
        .map(|part| match division {
            Division::Batches => Share { batches: part_of(spec.batches.len(), part, parts), ..all.clone() },
            Division::Chunks => Share { chunk_blocks: part_of(chunk_blocks, part, parts), ..all.clone() },
            Division::Grid => {
                let worker = part / each;
                let (row, column) = (worker / grid_columns, worker % grid_columns);
                let at = row * each + part % each;
                let tiles = if row < grid_rows { bounds[at]..bounds[at + 1] } else { 0..0 };
                Share { tiles, panel_part: (column, grid_columns), ..all.clone() }
            }
        })
        .collect()
}

/// Cuts the tiles into `parts` of nearly equal work.
fn tile_bounds(spec: &Contraction, tiles: &[Tile], parts: usize) -> Vec<usize> {
    let terms: Vec<usize> = spec.groups.iter().map(terms_of).collect();
    // A tile of few rows waits for its chains and takes as long as one of four.
    let work = |tile: &Tile| (tile.rows.max(4) as usize) * (terms[tile.group as usize] + 4);
    let total: usize = tiles.iter().map(work).sum();
    let mut bounds = vec![0];
    let mut done = 0;
    for (index, tile) in tiles.iter().enumerate() {
        // A boundary lies where the middle of a tile passes an equal part.
        while bounds.len() < parts && (done + work(tile) / 2) * parts >= total * bounds.len() {
            bounds.push(index);
        }
        done += work(tile);
    }
    bounds.resize(parts, tiles.len());
    bounds.push(tiles.len());
    bounds
}
