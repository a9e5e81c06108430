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
/// Fewer columns than these are not divided among workers: a line of the cache holds as many.
const COLUMNS_MIN: usize = 16;

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

    /// Computes this worker's share, some elements of one row of the output after another.
    pub(super) fn run_narrow(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        registers: Registers<'_>,
        worker: usize,
        workers: usize,
        finish: Finish<'_>,
    ) {
        let columns_all = if self.output_dims > 0 { self.extents[self.output_dims - 1] } else { 1 };
        let outer: usize = self.extents[..self.output_dims.saturating_sub(1)].iter().product();
        if outer * columns_all == 0 {
            return;
        }
        let positions: usize = self.box_extents().iter().product();
        // Each worker has columns to do, if there are enough.
        let pieces = workers.div_ceil(outer).min(columns_all / COLUMNS_MIN).max(1);
        let columns = columns_all.div_ceil(pieces).next_multiple_of(COLUMNS_MIN).min(columns_all);
        let pieces = columns_all.div_ceil(columns);
        let (registers, accumulators) = registers.split_at_mut(self.program.register_count);
        let accumulators = accumulators.as_flattened_mut();
        let mut corner_memory = [0i64; MAX_DIMS];
        let corner = &mut corner_memory[..self.extents.len()];
        for block in share(outer * pieces, worker, workers, columns * positions, 4096) {
            let mut rest = block / pieces;
            for dim in (0..self.output_dims.saturating_sub(1)).rev() {
                corner[dim] = (rest % self.extents[dim]) as i64;
                rest /= self.extents[dim];
            }
            let first_column = block % pieces * columns;
            if self.output_dims > 0 {
                corner[self.output_dims - 1] = first_column as i64;
            }
            let n = columns.min(columns_all - first_column);
            self.accumulate_box(kernels, slots, registers, &mut accumulators[..LANES * n], corner);
            let result = &mut accumulators[..n];
            self.finish(kernels, result);
            let column_dim = self.output_dims.saturating_sub(1);
            let rectangle = Rectangle { corner, row_dim: 0, column_dim, rows: 1, columns: n };
            let steps = self.output_steps(&rectangle);
            store(slots, self.slot, self.dtype, steps, &rectangle, result);
            match steps.2 == 1 || n == 1 {
                true => finish(steps.0 as usize..steps.0 as usize + n),
                false => (0..n as i64).for_each(|column| {
                    let at = (steps.0 + column * steps.2) as usize;
                    finish(at..at + 1);
                }),
            }
        }
    }

    /// Combines all terms of the elements from the corner on, as many as a sixteenth of the accumulators; they are the
    /// first of them afterwards.
    fn accumulate_box(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        registers: Registers<'_>,
        accumulators: &mut [u32],
        corner: &mut [i64],
    ) {
        let n = accumulators.len() / LANES;
        let last = self.extents.len() - 1;
        let along = self.extents[last];
        let positions: usize = self.box_extents().iter().product();
        accumulators.fill(identity(self.maximum, self.dtype));
        let mut kept = Kept::default();
        let mut position = 0;
        while position < positions {
            let mut rest = position;
            for dim in (self.output_dims..=last).rev() {
                corner[dim] = (rest % self.extents[dim]) as i64;
                rest /= self.extents[dim];
            }
            let lane = position % LANES;
            let rows = (BLOCK / n).min(LANES - lane).min(along - corner[last] as usize);
            let column_dim = self.output_dims.saturating_sub(1);
            let rectangle = Rectangle { corner, row_dim: last, column_dim, rows, columns: n };
            evaluate(kernels, &self.program, slots, &rectangle, registers, &mut kept);
            let into = &mut accumulators[lane * n..(lane + rows) * n];
            accumulate(kernels, self.maximum, self.dtype, into, &registers[self.term][..rows * n], None);
            position += rows;
        }
        let mut width = LANES / 2;
        while width > 0 {
            let used = width.min(positions.min(LANES).saturating_sub(width)) * n;
            let (low, high) = accumulators.split_at_mut(width * n);
            accumulate(kernels, self.maximum, self.dtype, &mut low[..used], &high[..used], None);
            width /= 2;
        }
        corner[self.output_dims..].fill(0);
    }
}
