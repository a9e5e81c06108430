//! Reductions to few elements, such as the sum of each channel: a block holds many positions of the box at a time, which
//! join as many lanes in one pass.

use super::evaluate::{Kept, Registers, evaluate};
use super::lower::identity;
use super::reduce::{ReduceLoop, accumulate};
use super::run::{Finish, MAX_DIMS, set_place, share};
use super::{BLOCK, Rectangle};
use crate::kernels::KernelSet;
use crate::memory::Slots;
use tacit_ir::interpret::LANES;

/// A row of the output that is longer fills blocks well enough by itself.
const COLUMNS_MAX: usize = BLOCK / 2;

impl ReduceLoop {
    /// True if blocks over the output would be small, and the last dimension of the box can fill them.
    pub(super) fn is_narrow(&self) -> bool {
        let from_end = |k: usize| self.output_dims.checked_sub(k).map_or(1, |dim| self.extents[dim]);
        self.in_lanes
            && self.phases.is_empty()
            && self.valid.is_none()
            && !self.box_extents().is_empty()
            && from_end(1) * from_end(2) <= COLUMNS_MAX
    }

    /// Elements of the output's last dimension.
    fn columns(&self) -> usize {
        if self.output_dims > 0 { self.extents[self.output_dims - 1] } else { 1 }
    }

    fn rows(&self) -> usize {
        self.extents[..self.output_dims.saturating_sub(1)].iter().product()
    }

    fn positions(&self) -> usize {
        self.box_extents().iter().product()
    }

    /// Computes this worker's share: rows of the output. Where there is one row, one worker does it all, which was measured
    /// to be faster than dividing the columns or the lanes among two: either way each reads every other piece of memory.
    pub(super) fn run_narrow(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        registers: Registers<'_>,
        worker: usize,
        workers: usize,
        finish: Finish<'_>,
    ) {
        let (n, rows) = (self.columns(), self.rows());
        if n * rows == 0 {
            return;
        }
        let (registers, accumulators) = registers.split_at_mut(self.program.register_count);
        let lanes = &mut accumulators.as_flattened_mut()[..LANES * n];
        let mut corner_memory = [0i64; MAX_DIMS];
        let corner = &mut corner_memory[..self.extents.len()];
        let column_dim = self.output_dims.saturating_sub(1);
        let mut kept = Kept::default();
        for row in share(rows, worker, workers, n * self.positions(), 4096) {
            set_place(&mut corner[..column_dim], &self.extents[..column_dim], row);
            self.accumulate_box(kernels, slots, registers, &mut kept, lanes, corner);
            self.combine_lanes(kernels, lanes, n, self.positions());
            let rectangle = Rectangle { corner, row_dim: 0, column_dim, rows: 1, columns: n };
            self.complete(slots, &rectangle, 0, &mut lanes[..n], finish);
        }
    }

    /// Joins the terms of the row of the output at the corner to the lanes: (lanes, columns).
    fn accumulate_box(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        registers: Registers<'_>,
        kept: &mut Kept,
        lanes: &mut [u32],
        corner: &mut [i64],
    ) {
        let n = self.columns();
        let last = self.extents.len() - 1;
        let column_dim = self.output_dims.saturating_sub(1);
        lanes.fill(identity(self.maximum, self.dtype));
        let mut position = 0;
        while position < self.positions() {
            set_place(&mut corner[self.output_dims..], self.box_extents(), position);
            let lane = position % LANES;
            let rows = (BLOCK / n).min(LANES - lane).min(self.extents[last] - corner[last] as usize);
            let rectangle = Rectangle { corner, row_dim: last, column_dim, rows, columns: n };
            evaluate(kernels, &self.program, slots, &rectangle, registers, kept);
            let into = &mut lanes[lane * n..][..rows * n];
            accumulate(kernels, self.maximum, self.dtype, into, &registers[self.term][..rows * n], None);
            position += rows;
        }
    }
}
