//! Reductions by pieces of the box: to few elements, such as the sum of each channel, or along rows in memory. A piece is
//! [`PIECE`] positions of the box, whose terms join interleaved lanes; the results of the pieces are joined in order, so
//! that workers can divide the pieces where there are few results.

use super::evaluate::{Kept, Registers, evaluate};
use super::lower::identity;
use super::reduce::{ReduceLoop, accumulate, accumulate_in_lanes, reduce_rows};
use super::run::{Finish, MAX_DIMS, set_place, share, stretch, stretches};
use super::{BLOCK, Rectangle, Slot};
use crate::kernels::KernelSet;
use crate::memory::Slots;
use crate::team::Member;
use tacit_ir::interpret::{LANES, PIECE};

/// A row of the output that is longer fills blocks well enough by itself.
const COLUMNS_MAX: usize = BLOCK / 2;

impl ReduceLoop {
    /// True if the box is reduced piece by piece.
    pub(super) fn runs_pieces(&self) -> bool {
        self.byte_sums.is_none() && (self.along_box || self.is_narrow())
    }

    /// True if blocks over the output would be small, and the last dimension of the box can fill them.
    fn is_narrow(&self) -> bool {
        let from_end = |k: usize| self.output_dims.checked_sub(k).map_or(1, |dim| self.extents[dim]);
        self.in_lanes
            && self.phases.is_empty()
            && self.valid.is_none()
            && !self.box_extents().is_empty()
            && from_end(1) * from_end(2) <= COLUMNS_MAX
    }

    /// Elements of the output that a piece has terms for: a row of it, or one along the box.
    fn columns(&self) -> usize {
        if self.along_box || self.output_dims == 0 { 1 } else { self.extents[self.output_dims - 1] }
    }

    /// How often there are so many.
    fn rows(&self) -> usize {
        let outputs: usize = self.extents[..self.output_dims].iter().product();
        outputs / self.columns().max(1)
    }

    pub(super) fn positions(&self) -> usize {
        self.box_extents().iter().product()
    }

    fn pieces(&self) -> usize {
        self.positions().div_ceil(PIECE)
    }

    /// True if workers divide the pieces, since the rows are too few to be divided evenly.
    fn divides_pieces(&self, workers: usize) -> bool {
        self.runs_pieces() && workers > 1 && self.pieces() > 1 && self.rows() < 4 * workers
    }

    /// True if a block has room for several rows of terms that lie behind each other, as in a softmax or a layer norm.
    fn has_short_rows(&self) -> bool {
        self.along_box
            && self.output_dims > 0
            && self.box_extents().len() == 1
            && (1..=BLOCK / 2).contains(&self.positions())
    }

    /// Computes some rows, as many at a time as a block has room for.
    #[expect(clippy::too_many_arguments, reason = "what a run keeps, and the rows")]
    fn short_rows(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        registers: Registers<'_>,
        kept: &mut Kept,
        results: &mut [u32],
        corner: &mut [i64],
        mut stretch: std::ops::Range<usize>,
        finish: Finish<'_>,
    ) {
        let (row_dim, column_dim, columns) = (self.output_dims - 1, self.output_dims, self.positions());
        while !stretch.is_empty() {
            self.set_row(stretch.start, corner);
            corner[column_dim] = 0;
            let room = self.extents[row_dim] - corner[row_dim] as usize;
            let rows = (BLOCK / columns).min(room).min(stretch.len());
            let rectangle = Rectangle { corner, row_dim, column_dim, rows, columns };
            evaluate(kernels, &self.program, slots, &rectangle, registers, kept);
            let results = &mut results[..rows];
            let terms = &registers[self.term][..rows * columns];
            reduce_rows(kernels, self.maximum, self.dtype, terms, results);
            let rectangle = Rectangle { corner, row_dim: 0, column_dim: row_dim, rows: 1, columns: rows };
            self.complete(slots, &rectangle, 0, results, finish);
            stretch.start += rows;
        }
    }

    /// Bytes of workspace that a run of so many workers needs: the results of all pieces.
    pub fn workspace_bytes(&self, workers: usize) -> usize {
        match self.divides_pieces(workers) {
            true => self.rows() * self.pieces() * self.columns() * size_of::<u32>(),
            false => 0,
        }
    }

    /// Computes this worker's share.
    pub(super) fn run_pieces(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        workspace: Slot,
        registers: Registers<'_>,
        member: &Member<'_>,
        finish: Finish<'_>,
    ) {
        let (n, rows, pieces) = (self.columns(), self.rows(), self.pieces());
        let (registers, accumulators) = registers.split_at_mut(self.program.register_count);
        let (total, lanes) = accumulators.as_flattened_mut().split_at_mut(BLOCK);
        let lanes = &mut lanes[..LANES * n];
        let mut corner_memory = [0i64; MAX_DIMS];
        let corner = &mut corner_memory[..self.extents.len()];
        let mut kept = Kept::default();
        if self.has_short_rows() {
            for stretch in stretches(rows, member, 0, self.positions()) {
                self.short_rows(kernels, slots, registers, &mut kept, total, corner, stretch, finish);
            }
            return;
        }
        let total = &mut total[..n];
        if self.divides_pieces(member.count) {
            for unit in share(rows * pieces, member, 0, n * PIECE) {
                self.piece(kernels, slots, registers, &mut kept, lanes, corner, (unit / pieces, unit % pieces));
                slots.write::<u32>(workspace, unit * n, n).copy_from_slice(&lanes[..n]);
            }
            member.barrier();
            for row in share(rows, member, 1, n * pieces) {
                let results = &slots.read::<u32>(workspace)[row * pieces * n..(row + 1) * pieces * n];
                for (piece, result) in results.chunks_exact(n).enumerate() {
                    self.join_piece(kernels, total, result, piece == 0);
                }
                self.complete_row(slots, row, corner, total, finish);
            }
            return;
        }
        for row in share(rows, member, 0, n * self.positions()) {
            // What a box without positions gives.
            total.fill(identity(self.maximum, self.dtype));
            for piece in 0..pieces {
                self.piece(kernels, slots, registers, &mut kept, lanes, corner, (row, piece));
                self.join_piece(kernels, total, &lanes[..n], piece == 0);
            }
            self.complete_row(slots, row, corner, total, finish);
        }
    }

    /// Sets the corner's output dimensions to a row's.
    fn set_row(&self, row: usize, corner: &mut [i64]) {
        let dims = if self.along_box { self.output_dims } else { self.output_dims.saturating_sub(1) };
        set_place(&mut corner[..dims], &self.extents[..dims], row);
        corner[dims..self.output_dims].fill(0);
    }

    fn complete_row(&self, slots: &Slots, row: usize, corner: &mut [i64], total: &mut [u32], finish: Finish<'_>) {
        self.set_row(row, corner);
        let column_dim = self.output_dims.saturating_sub(1);
        let rectangle = Rectangle { corner, row_dim: 0, column_dim, rows: 1, columns: total.len() };
        self.complete(slots, &rectangle, 0, total, finish);
    }

    /// Joins the terms of one piece of one row: lanes of `columns` elements each, the first of which is the result.
    #[expect(clippy::too_many_arguments, reason = "what a run keeps, and the piece")]
    fn piece(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        registers: Registers<'_>,
        kept: &mut Kept,
        lanes: &mut [u32],
        corner: &mut [i64],
        (row, piece): (usize, usize),
    ) {
        let n = self.columns();
        let last = self.extents.len().saturating_sub(1);
        let (start, end) = (piece * PIECE, self.positions().min((piece + 1) * PIECE));
        self.set_row(row, corner);
        lanes.fill(identity(self.maximum, self.dtype));
        let mut position = start;
        while position < end {
            set_place(&mut corner[self.output_dims..], self.box_extents(), position);
            let lane = position % LANES;
            if self.along_box {
                let (rows, columns) = stretch(self.box_extents(), position, (end - position).min(BLOCK));
                let row_dim = self.extents.len().saturating_sub(2).max(self.output_dims);
                let rectangle = Rectangle { corner, row_dim, column_dim: last, rows, columns };
                evaluate(kernels, &self.program, slots, &rectangle, registers, kept);
                self.join_along_box(kernels, lanes, lane, &registers[self.term][..rows * columns]);
                position += rows * columns;
            } else {
                let room = self.extents[last] - corner[last] as usize;
                let rows = (BLOCK / n).min(LANES - lane).min(room).min(end - position);
                let column_dim = self.output_dims.saturating_sub(1);
                let rectangle = Rectangle { corner, row_dim: last, column_dim, rows, columns: n };
                evaluate(kernels, &self.program, slots, &rectangle, registers, kept);
                let into = &mut lanes[lane * n..][..rows * n];
                accumulate(kernels, self.maximum, self.dtype, into, &registers[self.term][..rows * n], None);
                position += rows;
            }
        }
        self.combine_lanes(kernels, lanes, n, end - start);
    }

    /// Joins consecutive terms to the lanes from `lane` on.
    fn join_along_box(&self, kernels: KernelSet, lanes: &mut [u32], mut lane: usize, mut terms: &[u32]) {
        while !terms.is_empty() {
            let count = match lane {
                0 if terms.len() >= LANES => terms.len() / LANES * LANES,
                _ => (LANES - lane).min(terms.len()),
            };
            let (now, later) = terms.split_at(count);
            accumulate_in_lanes(kernels, self.maximum, self.dtype, &mut lanes[lane..], now);
            lane = (lane + count) % LANES;
            terms = later;
        }
    }
}

const _: () = assert!(PIECE.is_multiple_of(LANES));
