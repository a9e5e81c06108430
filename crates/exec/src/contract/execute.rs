//! Runs a planned contraction: blocks of `b`, tiles of rows, chunks of terms, panels of lanes.

use std::ops::Range;

use super::behind::Behind;
use super::division::{Division, Tile, part_of, part_within};
use super::kernel::{BandCall, ROWS_MAX};
use super::pack::{PACK_LANES_MAX, PackLanes, PackRun, pack};
use super::plan::{BSource, ContractPlan, LINE, result_pitch};
use super::shared::SharedSlice;
use super::spec::Row;
use super::terms::A_PITCH;
use crate::team::{Member, Team};

/// The memory that a contraction works on.
#[derive(Clone, Copy)]
pub struct Operands<'a> {
    pub a: &'a [f32],
    /// The operand itself, or what [`ContractPlan::pack_constant`] made of it where
    /// [`ContractPlan::packed_len`] says so.
    pub b: &'a [f32],
    pub c: SharedSlice<'a>,
    /// At least [`ContractPlan::workspace_len`] elements, whose content is of no matter.
    pub workspace: SharedSlice<'a>,
    /// What is done to complete results before they are stored; nothing unless [`ContractPlan::can_take_on`].
    pub behind: Behind<&'a [f32]>,
}

impl ContractPlan {
    /// Packs a constant `b` into `packed`, of [`ContractPlan::packed_len`] elements.
    ///
    /// # Panics
    /// If the plan reads `b` as it is, or a slice is too short.
    pub fn pack_constant(&self, b: &[f32], packed: &mut [f32]) {
        let len = self.packed_len().expect("the plan packs a constant b");
        assert!(packed.len() >= len, "room for the packed operand");
        assert!(b.len() >= self.lengths.b, "operand b has all addresses");
        for (batch, base) in self.batches.iter().enumerate() {
            let from = b.as_ptr().wrapping_offset(base.b as isize);
            for lane_block in &self.lane_blocks {
                for chunk_block in 0..self.terms.blocks.len() {
                    let at = self.packed_once_at(batch, lane_block, chunk_block);
                    // SAFETY: `check` found all addresses of `b` below its length; the block lies within the
                    // packed operand.
                    unsafe {
                        self.pack_b_block(from, lane_block.clone(), chunk_block, packed.as_mut_ptr().add(at), (0, 1));
                    }
                }
            }
        }
    }

    /// Runs the whole contraction on `team`, and `finish` on every range of results that will not change any more.
    ///
    /// # Panics
    /// If the team has another size than planned, or a slice is too short.
    pub fn run(&self, team: &mut Team, operands: &Operands<'_>, finish: &(dyn Fn(Range<usize>) + Sync)) {
        // SAFETY: every worker runs its own part once, with the same operands; the shared slices were made from
        // exclusive borrows that last longer.
        team.run(|member| unsafe { self.execute(member, operands, Some(&mut |range| finish(range))) });
    }

    /// Runs one worker's part, and `finish`, if anything is to be done, on every range of elements of `c` that this worker
    /// finishes.
    ///
    /// A plan for one worker may run in any one worker of a larger team; a plan for more runs in all at the same
    /// time, since they may meet at the barrier.
    ///
    /// # Safety
    /// All workers use the same operands, and each runs its part once; nothing else writes the operands or touches
    /// `c` and the workspace until all are through, except that `finish` may use its range of `c`.
    ///
    /// # Panics
    /// If the team has another size than planned, or a slice is too short.
    pub unsafe fn execute(
        &self,
        member: Member<'_>,
        operands: &Operands<'_>,
        finish: Option<&mut dyn FnMut(Range<usize>)>,
    ) {
        let b_len = self.packed_len().unwrap_or(self.lengths.b);
        assert!(operands.a.len() >= self.lengths.a, "operand a has all addresses");
        assert!(operands.b.len() >= b_len, "operand b has all addresses");
        assert!(operands.c.len() >= self.lengths.c, "the result has all addresses");
        assert!(operands.workspace.len() >= self.workspace.total, "the workspace is large enough");
        assert!(self.workers == 1 || self.workers == member.count, "a team as planned");
        let Behind { bias, factor, term, residual, floor } = operands.behind;
        let by_lane = [bias, factor, term].into_iter().flatten();
        assert!(by_lane.clone().all(|values| values.len() >= self.lanes), "maps behind have a number for every lane");
        assert!(
            residual.is_none_or(|values| values.len() >= self.lengths.c),
            "maps behind have a number for every result"
        );
        let (is_by_lane, is_any) = (by_lane.count() > 0, residual.is_some() || floor.is_some());
        assert!(!is_by_lane || self.can_take_on(Some(self.lanes)), "maps behind are for rows of all lanes");
        assert!(!is_any || self.can_take_on(None), "maps behind are for adjacent lanes");
        if self.rows.is_empty() || self.lanes == 0 {
            return;
        }
        let member = if self.workers == 1 { Member::ALONE } else { member };
        let finishes = finish.is_some();
        let mut nothing = |_| {};
        let finish = finish.unwrap_or(&mut nothing);
        let context = Context { plan: self, operands, member, buffers: self.buffers(operands), finishes };
        // SAFETY: `check` has found every address within the lengths asserted above, and the caller promises that
        // the workers' parts are all that touches these.
        unsafe {
            match self.division {
                Division::Batches => context.run_batches(finish),
                Division::Grid => context.run_grid(finish),
                Division::Chunks => context.run_chunks(finish),
            }
        }
        if finishes && self.regions.iter().any(|region| !region.shared.is_empty()) {
            // Only whoever is through with all parts knows that the seams between them are complete.
            member.barrier();
            let own = member.worker * self.parts_each..(member.worker + 1) * self.parts_each;
            let seams = self.regions[own].iter().map(|region| region.shared.clone());
            seams.filter(|seam| !seam.is_empty()).for_each(finish);
        }
    }

    /// Rows and lanes of a batch item as ranges of consecutive elements of the result, neighbouring rows joined.
    fn each_range(&self, batch: usize, rows: Range<usize>, lanes: Range<usize>, visit: &mut dyn FnMut(Range<usize>)) {
        let base = self.batches[batch].c as isize;
        let step = self.c_lane_stride;
        if self.rows_adjoin && lanes.len() == self.lanes {
            let first = (base + self.rows[rows.start].c as isize) as usize;
            visit(first..first + rows.len() * self.lanes);
            return;
        }
        let mut open: Option<Range<usize>> = None;
        for row in &self.rows[rows] {
            let first = base + row.c as isize;
            // Lanes that are apart make a range each.
            let (pieces, length) = if step == 1 { (1, lanes.len()) } else { (lanes.len(), 1) };
            for piece in 0..pieces {
                let start = (first + (lanes.start + piece) as isize * step) as usize;
                open = match open {
                    Some(range) if range.end == start => Some(range.start..start + length),
                    Some(range) => {
                        visit(range);
                        Some(start..start + length)
                    }
                    None => Some(start..start + length),
                };
            }
        }
        if let Some(range) = open {
            visit(range);
        }
    }

    /// The parts of the workspace, its start aligned to a cache line.
    fn buffers(&self, operands: &Operands<'_>) -> Buffers {
        let start = operands.workspace.as_mut_ptr();
        let padding = start.align_offset(LINE * size_of::<f32>()).min(LINE);
        let b = start.wrapping_add(if self.workspace.total == 0 { 0 } else { padding });
        let a = b.wrapping_add(self.workspace.b_len * self.workspace.b_count);
        let results = a.wrapping_add(self.workspace.a_len * self.workers);
        Buffers { b, a, results }
    }

    /// Where a block of a constant `b` begins in its packed form.
    fn packed_once_at(&self, batch: usize, lane_block: &Range<usize>, chunk_block: usize) -> usize {
        let panel_lanes = self.kernels.panel_lanes;
        let before_lanes: usize = lane_block.start * panel_lanes;
        let terms: usize = self.terms.blocks.iter().map(|block| block.packed).sum();
        batch * self.packed_batch_len()
            + before_lanes * terms
            + lane_block.len() * panel_lanes * self.terms.blocks[chunk_block].packed_before
    }

    /// Packs one part of so many of a block of `b`: panel after panel, each term by term.
    ///
    /// # Safety
    /// `b` is the start of a batch item; `to` has room for the block, and this part of it is written by this call
    /// alone.
    unsafe fn pack_b_block(
        &self,
        b: *const f32,
        panels: Range<usize>,
        chunk_block: usize,
        to: *mut f32,
        (part, parts): (usize, usize),
    ) {
        /// Terms of a panel that are the unit of division.
        const SEGMENT: usize = 64;
        let block = &self.terms.blocks[chunk_block];
        let runs = &self.terms.pack_runs[block.pack_runs.clone()];
        let segments = block.packed.div_ceil(SEGMENT);
        for unit in part_of(panels.len() * segments, part, parts) {
            let (panel, segment) = (unit / segments, unit % segments);
            let terms = segment * SEGMENT..block.packed.min((segment + 1) * SEGMENT);
            // SAFETY: the unit lies within the block.
            unsafe {
                let to = to.add(panel * block.packed * self.kernels.panel_lanes);
                self.pack_b_panel(b, panels.start + panel, runs, terms, to);
            }
        }
    }

    /// Packs some terms of one panel.
    ///
    /// # Safety
    /// As for `pack_b_block`; `to` is the start of the panel.
    unsafe fn pack_b_panel(&self, b: *const f32, panel: usize, runs: &[PackRun], terms: Range<usize>, to: *mut f32) {
        let panel_lanes = self.kernels.panel_lanes;
        let first_lane = panel * panel_lanes;
        let count = panel_lanes.min(self.lanes - first_lane);
        let mut starts = [std::ptr::null(); PACK_LANES_MAX];
        for (l, start) in starts[..count].iter_mut().enumerate() {
            *start = b.wrapping_offset((first_lane + l) as isize * self.b_lane_stride);
        }
        let lanes =
            PackLanes { starts: &starts[..count], adjacent: self.b_lane_stride == 1 || count == 1, avx2: self.avx2 };
        let first_run = runs.partition_point(|run| (run.at + run.len) as usize <= terms.start);
        for run in &runs[first_run..] {
            let (at, end) = (run.at as usize, (run.at + run.len) as usize);
            if at >= terms.end {
                break;
            }
            let from = terms.start.max(at);
            let count = terms.end.min(end) - from;
            let stride = run.stride as isize;
            let first = run.from as isize + (from - at) as isize * stride;
            // SAFETY: these terms and lanes are addresses of `b` that `check` has seen.
            unsafe { pack(&lanes, first, stride, count, to.add(from * panel_lanes), panel_lanes) };
        }
    }
}

/// Where the parts of the workspace begin.
#[derive(Clone, Copy)]
struct Buffers {
    b: *mut f32,
    a: *mut f32,
    results: *mut f32,
}

/// What one worker knows while it runs.
struct Context<'a> {
    plan: &'a ContractPlan,
    operands: &'a Operands<'a>,
    member: Member<'a>,
    buffers: Buffers,
    /// Whether anything is done to ranges of results that are complete.
    finishes: bool,
}

/// A block of `b`, where the kernels find it.
#[derive(Clone, Copy)]
struct BBlock {
    /// The start of the block's first panel, or of lane 0 for an operand in place.
    start: *const f32,
    /// From panel to panel.
    panel_stride: usize,
    /// The panel at `start`.
    first_panel: usize,
}

impl Context<'_> {
    /// Runs this worker's parts when workers divide batches.
    ///
    /// # Safety
    /// As for `execute`.
    unsafe fn run_batches(&self, finish: &mut dyn FnMut(Range<usize>)) {
        let plan = self.plan;
        for part in self.member.parts(0, plan.parts_each) {
            for batch in plan.shares[part].batches.clone() {
                for lane_block in &plan.lane_blocks {
                    for block in 0..plan.terms.blocks.len() {
                        // SAFETY: passed on; the buffer for `b` is this worker's.
                        unsafe {
                            let b = self.b_block(batch, lane_block, block, 0);
                            self.run_part(batch, lane_block, block, b, part, finish);
                        }
                    }
                }
            }
        }
    }

    /// Runs this worker's parts when workers divide tiles and panels.
    ///
    /// # Safety
    /// As for `execute`.
    unsafe fn run_grid(&self, finish: &mut dyn FnMut(Range<usize>)) {
        let plan = self.plan;
        let blocks = plan.terms.blocks.len();
        // Results of one block are added to those of the block before: by the same worker, or when all have met.
        let member = match blocks == 1 || self.shares_b() {
            true => self.member,
            false => self.member.with_claims(None),
        };
        let mut turn = 0;
        for batch in 0..plan.batches.len() {
            for lane_block in &plan.lane_blocks {
                for block in 0..blocks {
                    // SAFETY: passed on.
                    let b = unsafe { self.b_block(batch, lane_block, block, turn) };
                    for part in member.parts(turn, plan.parts_each) {
                        // SAFETY: passed on; every part is handed out once.
                        unsafe { self.run_part(batch, lane_block, block, b, part, finish) };
                    }
                    turn += 1;
                }
            }
        }
    }

    /// Computes one part's results of a block, and finishes those that are complete.
    ///
    /// # Safety
    /// As for `execute`; `b` is where the block lies.
    unsafe fn run_part(
        &self,
        batch: usize,
        lane_block: &Range<usize>,
        block: usize,
        b: BBlock,
        part: usize,
        finish: &mut dyn FnMut(Range<usize>),
    ) {
        let plan = self.plan;
        let share = &plan.shares[part];
        let (column, columns) = share.panel_part;
        let panels = part_within(lane_block, column, columns);
        if panels.is_empty() {
            return;
        }
        let region = plan.regions.get(part);
        let mut finished = region.map_or(0, |region| region.own.start);
        let chunks = plan.terms.blocks[block].chunks.clone();
        let mut tiles_left = &plan.tiles[share.tiles.clone()];
        while !tiles_left.is_empty() {
            let (stretch, later) = tiles_left.split_at(self.stretch(tiles_left, &panels));
            tiles_left = later;
            // SAFETY: passed on.
            unsafe { self.run_stretch(batch, stretch, &panels, chunks.clone(), b) };
            if !self.finishes || block + 1 < plan.terms.blocks.len() {
                continue;
            }
            let Some(region) = region else {
                for band in bands(stretch, usize::MAX) {
                    plan.each_range(batch, band_rows(band), self.lanes_of(&panels), finish);
                }
                continue;
            };
            // Tiles are in the order of their first results, so what lies before the next one's is complete.
            let next = tiles_left.first().map(|tile| plan.rows[tile.first_row as usize].c as usize);
            let end = next.map_or(region.own.end, |next| next.min(region.own.end));
            if finished < end {
                finish(finished..end);
                finished = end;
            }
        }
    }

    /// Computes the results of some chunks apart from each other.
    ///
    /// # Safety
    /// As for `execute`; no other worker computes these chunks.
    unsafe fn run_chunk_results(&self, batch: usize, chunk_blocks: Range<usize>) {
        let plan = self.plan;
        for lane_block in &plan.lane_blocks {
            for index in chunk_blocks.clone() {
                // SAFETY: passed on.
                let b = unsafe { self.b_block(batch, lane_block, index, 0) };
                let chunks = plan.terms.blocks[index].chunks.clone();
                for band in bands(&plan.tiles, self.band_rows_max(lane_block)) {
                    // SAFETY: passed on; chunk results of different chunks do not meet.
                    unsafe { self.run_band(batch, band, lane_block, chunks.clone(), b, true) };
                }
            }
        }
    }

    /// How many of the tiles meet one part of the panels before the next part comes.
    fn stretch(&self, tiles: &[Tile], panels: &Range<usize>) -> usize {
        let near = self.plan.near;
        if panels.len() <= near.panels {
            // All of `b` stays in cache, so that results are taken on as soon as there are enough.
            return bands(tiles, self.band_rows_max(panels)).next().map_or(0, <[Tile]>::len);
        }
        let mut rows = 0;
        let enough = |tile: &Tile| {
            rows += tile.rows as usize;
            rows >= near.rows
        };
        tiles.iter().position(enough).map_or(tiles.len(), |last| last + 1)
    }

    /// The rows of a band that leave the results of these panels in the first caches.
    fn band_rows_max(&self, panels: &Range<usize>) -> usize {
        BAND_RESULTS / (panels.len() * self.plan.kernels.panel_lanes)
    }

    /// Computes some tiles, for one part of the panels after another.
    ///
    /// # Safety
    /// As for `run_band`.
    unsafe fn run_stretch(
        &self,
        batch: usize,
        stretch: &[Tile],
        panels: &Range<usize>,
        chunks: Range<usize>,
        b: BBlock,
    ) {
        let parts = panels.len().div_ceil(self.plan.near.panels);
        for part in 0..parts {
            let panels = part_within(panels, part, parts);
            for band in bands(stretch, self.band_rows_max(&panels)) {
                // SAFETY: passed on.
                unsafe { self.run_band(batch, band, &panels, chunks.clone(), b, false) };
            }
        }
    }

    /// Runs this worker's part when workers divide the chunks: chunk results first, then their sums in order.
    ///
    /// # Safety
    /// As for `execute`.
    unsafe fn run_chunks(&self, finish: &mut dyn FnMut(Range<usize>)) {
        let plan = self.plan;
        for batch in 0..plan.batches.len() {
            for part in self.member.parts(batch, plan.parts_each) {
                // SAFETY: passed on; every part is handed out once.
                unsafe { self.run_chunk_results(batch, plan.shares[part].chunk_blocks.clone()) };
            }
            self.member.barrier();
            let panels = plan.panel_count();
            for unit in part_of(plan.rows.len() * panels, self.member.worker, plan.workers) {
                let (row, panel) = (unit / panels, unit % panels);
                // SAFETY: all chunk results are there, and each worker writes units of its own.
                unsafe { self.sum_chunks(batch, row, panel) };
                if self.finishes {
                    plan.each_range(batch, row..row + 1, self.lanes_of(&(panel..panel + 1)), finish);
                }
            }
            // The next batch item's chunk results take the place of these.
            self.member.barrier();
        }
    }

    /// Whether all workers read one copy of a block of `b`, and meet when it is complete.
    fn shares_b(&self) -> bool {
        let plan = self.plan;
        plan.b_source == BSource::PackedPerUse && plan.division == Division::Grid && plan.workers > 1
    }

    fn lanes_of(&self, panels: &Range<usize>) -> Range<usize> {
        let panel_lanes = self.plan.kernels.panel_lanes;
        panels.start * panel_lanes..self.plan.lanes.min(panels.end * panel_lanes)
    }

    /// Finds a block of `b`, packing it where the plan says so.
    ///
    /// # Safety
    /// As for `execute`. `turn` counts this worker's calls, and all workers of a grid make the same calls.
    unsafe fn b_block(&self, batch: usize, lane_block: &Range<usize>, chunk_block: usize, turn: usize) -> BBlock {
        let plan = self.plan;
        let panel_lanes = plan.kernels.panel_lanes;
        let b = self.operands.b.as_ptr();
        let base = plan.batches[batch].b as isize;
        let packed = BBlock {
            start: b,
            panel_stride: plan.terms.blocks[chunk_block].packed * panel_lanes,
            first_panel: lane_block.start,
        };
        match plan.b_source {
            BSource::InPlace => BBlock { start: b.wrapping_offset(base), panel_stride: panel_lanes, first_panel: 0 },
            BSource::PackedOnce => {
                let at = plan.packed_once_at(batch, lane_block, chunk_block);
                BBlock { start: b.wrapping_add(at), ..packed }
            }
            BSource::PackedPerUse => {
                let shared = self.shares_b();
                let (buffer, part) = if shared {
                    (turn % plan.workspace.b_count, (self.member.worker, plan.workers))
                } else {
                    // A grid of one worker has one buffer.
                    (self.member.worker % plan.workspace.b_count, (0, 1))
                };
                let to = self.buffers.b.wrapping_add(buffer * plan.workspace.b_len);
                // SAFETY: the buffer has room for the largest block. A shared one was last read two turns ago, and
                // every worker has since passed the barrier of the turn in between.
                unsafe {
                    let b = b.wrapping_offset(base);
                    plan.pack_b_block(b, lane_block.clone(), chunk_block, to, part);
                }
                if shared {
                    self.member.barrier();
                }
                BBlock { start: to, ..packed }
            }
        }
    }

    /// Computes a band over some chunks; into the chunk results if `apart`, else into `c`.
    ///
    /// # Safety
    /// As for `execute`; nobody else writes these results.
    unsafe fn run_band(
        &self,
        batch: usize,
        band: &[Tile],
        panels: &Range<usize>,
        chunks: Range<usize>,
        b: BBlock,
        apart: bool,
    ) {
        let plan = self.plan;
        let base = plan.batches[batch];
        let a = self.operands.a.as_ptr().wrapping_offset(base.a as isize);
        let c = self.operands.c.as_mut_ptr().wrapping_offset(base.c as isize);
        let mut call = BandCall {
            a,
            c,
            rows: &plan.rows[band_rows(band)],
            b: b.start,
            b_panel_stride: b.panel_stride,
            runs: &[],
            lane: 0,
            lanes: 0,
            blocks: 0,
            c_lane_stride: if apart { 1 } else { plan.c_lane_stride },
            first: true,
            last: false,
            behind: if apart { Behind::NOTHING } else { self.operands.behind },
            c_base: base.c as isize,
        };
        let height = band[0].rows as usize;
        let group = band[0].group as usize;
        let last_chunk = plan.terms.chunk_count;
        if chunks.is_empty() {
            // Without any term the results are sums of nothing.
            call.last = true;
            // SAFETY: passed on.
            unsafe { self.run_panels(&mut call, height, panels, b) };
            return;
        }
        for chunk in chunks {
            call.runs = plan.terms.chunk(group, chunk);
            if apart {
                call.rows = &plan.result_rows[band_rows(band)];
                call.c = self.buffers.results.wrapping_add(self.result_at(chunk, 0));
            } else {
                call.first = chunk == 0;
                call.last = chunk + 1 == last_chunk;
                // A chunk without terms adds +0, which changes nothing before the flush.
                if call.runs.is_empty() && !call.first && !call.last {
                    continue;
                }
            }
            if !plan.pack_a {
                // SAFETY: passed on.
                unsafe { self.run_panels(&mut call, height, panels, b) };
                continue;
            }
            for rows in call.rows.chunks_exact(height) {
                let packed = self.buffers.a.wrapping_add(self.member.worker * plan.workspace.a_len);
                let mut packed_rows = [Row::default(); ROWS_MAX];
                for (i, (packed, row)) in packed_rows.iter_mut().zip(rows).enumerate() {
                    *packed = Row { a: i as i32, c: row.c };
                }
                // SAFETY: passed on; the buffer is this worker's.
                unsafe {
                    self.pack_a_chunk(a, rows, group, chunk, packed);
                    let mut call = BandCall { a: packed, rows: &packed_rows[..height], ..call };
                    self.run_panels(&mut call, height, panels, b);
                }
            }
        }
    }

    /// Runs one chunk of a band of tiles so high over its panels.
    ///
    /// # Safety
    /// As for `run_band`.
    unsafe fn run_panels(&self, call: &mut BandCall<'_>, height: usize, panels: &Range<usize>, b: BBlock) {
        let plan = self.plan;
        let panel_lanes = plan.kernels.panel_lanes;
        let end = plan.lanes.min(panels.end * panel_lanes);
        call.lane = panels.start * panel_lanes;
        while call.lane < end {
            let panel = call.lane / panel_lanes;
            call.b = b.start.wrapping_add((panel - b.first_panel) * b.panel_stride);
            if plan.is_depthwise {
                call.lanes = end - call.lane;
                // SAFETY: as below.
                return unsafe { plan.kernels.choose_depthwise(call.runs, call.lanes)(call) };
            }
            let (kernel, lanes, blocks) = plan.kernels.choose(plan.a_moves, height, end - call.lane);
            (call.lanes, call.blocks) = (lanes, blocks);
            // SAFETY: the plan's maker found the kernel set available on this machine; addresses are those that
            // `check` has seen.
            unsafe { kernel(call) };
            call.lane += lanes * blocks;
        }
    }

    /// Packs a tile's rows of `a`, a batch item, over one chunk.
    ///
    /// # Safety
    /// As for `run_band`; `to` is this worker's buffer.
    unsafe fn pack_a_chunk(&self, a: *const f32, rows: &[Row], group: usize, chunk: usize, to: *mut f32) {
        let plan = self.plan;
        let mut starts = [std::ptr::null(); ROWS_MAX];
        for (start, row) in starts.iter_mut().zip(rows) {
            *start = a.wrapping_offset(row.a as isize);
        }
        let starts = &starts[..rows.len()];
        let adjacent = starts.windows(2).all(|pair| pair[0].wrapping_add(1) == pair[1]);
        let lanes = PackLanes { starts, adjacent, avx2: plan.avx2 };
        for run in plan.terms.a_chunk(group, chunk) {
            let to = to.wrapping_add(run.at as usize * A_PITCH);
            let (first, stride) = (run.from as isize, run.stride as isize);
            // SAFETY: these are addresses of `a` that `check` has seen; the buffer holds the longest chunk.
            unsafe { pack(&lanes, first, stride, run.len as usize, to, A_PITCH) };
        }
    }

    /// Where the result of a chunk for a row begins.
    fn result_at(&self, chunk: usize, row: usize) -> usize {
        (chunk * self.plan.rows.len() + row) * result_pitch(self.plan.lanes)
    }

    /// Adds the chunk results of one row and panel in ascending order and finishes the sums.
    ///
    /// # Safety
    /// All chunk results are written, and nobody else writes these results.
    unsafe fn sum_chunks(&self, batch: usize, row: usize, panel: usize) {
        let plan = self.plan;
        let panel_lanes = plan.kernels.panel_lanes;
        let first = panel * panel_lanes;
        let count = panel_lanes.min(plan.lanes - first);
        let mut sums = [0.0f32; PACK_LANES_MAX];
        let sums = &mut sums[..count];
        for chunk in 0..plan.terms.chunk_count {
            let at = self.result_at(chunk, row) + first;
            // SAFETY: within the results; nobody writes them between the two barriers.
            let part = unsafe { std::slice::from_raw_parts(self.buffers.results.add(at), count) };
            for (sum, part) in sums.iter_mut().zip(part) {
                *sum += part;
            }
        }
        let base = plan.batches[batch].c as isize + plan.rows[row].c as isize;
        for (l, &sum) in sums.iter().enumerate() {
            let value = if sum.abs() < f32::MIN_POSITIVE { 0.0 } else { sum };
            let at = base + (first + l) as isize * plan.c_lane_stride;
            // SAFETY: an address of `c` that `check` has seen, in this worker's unit.
            unsafe { *self.operands.c.as_mut_ptr().offset(at) = value };
        }
    }
}

/// Results that one call of the micro-kernel leaves in the first caches for the epilogue.
const BAND_RESULTS: usize = 2048;

/// Tiles of equal height, one below the other in a group, up to about so many rows at a time; at least one tile.
pub(super) fn bands(tiles: &[Tile], rows_max: usize) -> impl Iterator<Item = &[Tile]> {
    let mut rest = tiles;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let continues = |count: &usize| {
            let (tile, before) = (&rest[*count], &rest[*count - 1]);
            tile.group == first.group
                && tile.rows == first.rows
                && tile.first_row == before.first_row + before.rows
                && (*count + 1) * first.rows as usize <= rows_max
        };
        let count = (1..rest.len()).take_while(continues).count() + 1;
        let (band, later) = rest.split_at(count);
        rest = later;
        Some(band)
    })
}

pub(super) fn band_rows(band: &[Tile]) -> Range<usize> {
    let last = &band[band.len() - 1];
    band[0].first_row as usize..(last.first_row + last.rows) as usize
}
