//! The terms of a planned contraction: chunk by chunk, block by block, and how operands are packed for them.

use std::collections::HashMap;
use std::ops::Range;

use super::division::Division;
use super::kernel::TileRun;
use super::pack::PackRun;
use super::spec::{Contraction, Group, Run};

/// How much of `b` is worked on at a time: half of a second-level cache of 2 MiB, in elements.
pub(super) const BLOCK_ELEMENTS: usize = 256 * 1024;

/// How many results may be met once a chunk.
const NEAR_RESULTS_MAX: usize = 160 * 1024;

/// Step from term to term in packed `a`.
pub(super) const A_PITCH: usize = 16;

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

impl Terms {
    pub fn of(spec: &Contraction, pack_a: bool) -> Terms {
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
    pub fn chunk_terms_max(&self, chunk: usize) -> usize {
        let terms = |group| self.chunk(group, chunk).iter().map(|run| run.len as usize).sum();
        (0..self.group_count()).map(terms).max().unwrap_or(0)
    }

    /// The most terms that any group has in a block.
    pub fn block_terms_max(&self, block: &ChunkBlock) -> usize {
        block.chunks.clone().map(|chunk| self.chunk_terms_max(chunk)).sum()
    }

    /// Puts chunks together until their part of `b` fills the cache, so that results are met rarely. Results that stay
    /// in cache themselves are met once a chunk, which leaves more of the cache to the operands. When workers share
    /// the chunks each is a block of its own.
    pub fn cut_blocks(&mut self, block_lanes: usize, results: usize, division: Division) {
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
    pub fn pack_b(&mut self, pitch: usize) {
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
    pub fn packed_count(&self) -> usize {
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

pub(super) fn terms_of(group: &Group) -> usize {
    group.runs.iter().map(|run| run.len as usize).sum()
}
