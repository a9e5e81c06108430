//! Reductions to few elements, such as the sum of each channel: a block holds many positions of the box at a time, which
//! join as many lanes in one pass.

use super::evaluate::{Kept, Registers, evaluate, store};
use super::lower::identity;
use super::reduce::{ReduceLoop, accumulate};
use super::run::{Finish, MAX_DIMS, share};
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
        let accumulators = &mut accumulators.as_flattened_mut()[..LANES * n];
        for row in share(rows, worker, workers, n * self.positions(), 4096) {
            self.accumulate_box(kernels, slots, registers, accumulators, row);
            self.combine_lanes(kernels, slots, accumulators, row, finish);
        }
    }

    /// The index of every loop dimension at the start of a row of the output.
    fn corner_of(&self, row: usize) -> [i64; MAX_DIMS] {
        let mut corner = [0i64; MAX_DIMS];
        let mut rest = row;
        for dim in (0..self.output_dims.saturating_sub(1)).rev() {
            corner[dim] = (rest % self.extents[dim]) as i64;
            rest /= self.extents[dim];
        }
        corner
    }

    /// Joins the terms of a row of the output to the lanes: (lanes, columns).
    fn accumulate_box(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        registers: Registers<'_>,
        accumulators: &mut [u32],
        row: usize,
    ) {
        let n = self.columns();
        let last = self.extents.len() - 1;
        let column_dim = self.output_dims.saturating_sub(1);
        let mut corner_memory = self.corner_of(row);
        let corner = &mut corner_memory[..self.extents.len()];
        let mut kept = Kept::default();
        accumulators.fill(identity(self.maximum, self.dtype));
        let mut position = 0;
        while position < self.positions() {
            let mut rest = position;
            for dim in (self.output_dims..=last).rev() {
                corner[dim] = (rest % self.extents[dim]) as i64;
                rest /= self.extents[dim];
            }
            let lane = position % LANES;
            let rows = (BLOCK / n).min(LANES - lane).min(self.extents[last] - corner[last] as usize);
            let rectangle = Rectangle { corner, row_dim: last, column_dim, rows, columns: n };
            evaluate(kernels, &self.program, slots, &rectangle, registers, &mut kept);
            let into = &mut accumulators[lane * n..][..rows * n];
            accumulate(kernels, self.maximum, self.dtype, into, &registers[self.term][..rows * n], None);
            position += rows;
        }
    }

    /// Combines the lanes of a row of the output and stores it.
    fn combine_lanes(&self, kernels: KernelSet, slots: &Slots, lanes: &mut [u32], row: usize, finish: Finish<'_>) {
        let n = self.columns();
        let filled = self.positions().min(LANES);
        let mut width = LANES / 2;
        while width > 0 {
            let used = width.min(filled.saturating_sub(width)) * n;
            let (low, high) = lanes.split_at_mut(width * n);
            accumulate(kernels, self.maximum, self.dtype, &mut low[..used], &high[..used], None);
            width /= 2;
        }
        let result = &mut lanes[..n];
        self.finish(kernels, result);
        let corner = &self.corner_of(row)[..self.extents.len()];
        let column_dim = self.output_dims.saturating_sub(1);
        let rectangle = Rectangle { corner, row_dim: 0, column_dim, rows: 1, columns: n };
        let steps = self.output_steps(&rectangle);
        store(slots, self.slot, self.dtype, steps, &rectangle, result);
        let starts = (0..n as i64).map(|column| (steps.0 + column * steps.2) as usize);
        match steps.2 == 1 || n == 1 {
            true => finish(steps.0 as usize..steps.0 as usize + n),
            false => starts.for_each(|start| finish(start..start + 1)),
        }
    }
}
