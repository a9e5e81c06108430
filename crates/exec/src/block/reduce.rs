//! Reductions: the terms come from a block program, the order of accumulation is that of docs/NUMERICS.md.

use super::evaluate::{Kept, Registers, evaluate, store};
use super::lower::identity;
use super::run::{Finish, MAX_DIMS, Tiling, collapse, set_place, share};
use super::sums::ByteSums;
use super::{Affine, BLOCK, BlockProgram, Rectangle, Register, Slot};
use crate::kernels::KernelSet;
use crate::memory::Slots;
use crate::team::Member;
use tacit_ir::interpret::{LANES, PIECE};
use tacit_ir::math;
use tacit_ir::types::DType;

/// An output dimension whose axis is solved by a division: index = coefficient·axis + rest. The output is
/// visited in |coefficient| phases; within one the axis moves by one as the loop dimension does.
#[derive(Clone, Debug)]
pub struct Phase {
    pub dim: usize,
    /// The pseudo-dimension that carries the solved constant.
    pub shift: usize,
    pub coefficient: i64,
    /// What the equation adds to coefficient·axis.
    pub rest: Affine,
    /// The output dimension's extent and its stride in memory.
    pub extent: usize,
    pub stride: usize,
}

#[derive(Clone, Debug)]
pub struct ReduceLoop {
    pub program: BlockProgram,
    pub term: Register,
    /// 1 where the term exists; `None` if all do.
    pub valid: Option<Register>,
    pub maximum: bool,
    pub dtype: DType,
    /// Output dimensions, then the reduction box's.
    pub extents: Vec<usize>,
    pub output_dims: usize,
    pub phases: Vec<Phase>,
    /// Over all dimensions; only those of the output count.
    pub store: Affine,
    pub slot: Slot,
    /// The tree of interleaved lanes, or one term after another.
    pub in_lanes: bool,
    /// Blocks run along the box, one output element at a time.
    pub along_box: bool,
    /// Some equation ties a solved axis to other output dimensions: no blocks, no phases.
    pub one_by_one: bool,
    /// The reduction, if it only adds bytes.
    pub byte_sums: Option<ByteSums>,
}

/// Registers beside the program's own: the lanes, and the total of the pieces.
pub const ACCUMULATORS: usize = LANES + 1;

impl ReduceLoop {
    /// Joins dimensions that are walked as one, and looks whether there is a shorter way.
    pub fn collapsed(mut self) -> ReduceLoop {
        if self.phases.is_empty() {
            let mut affines: Vec<&mut Affine> = self.program.affines().chain([&mut self.store]).collect();
            let dims = self.extents.len();
            collapse(&mut self.extents, self.output_dims..dims, &mut affines);
            self.output_dims = collapse(&mut self.extents, 0..self.output_dims, &mut affines);
        }
        self.byte_sums = ByteSums::of(&self);
        self
    }

    /// Computes this worker's share of the output.
    pub fn run(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        workspace: Slot,
        registers: Registers<'_>,
        member: &Member<'_>,
        finish: Finish<'_>,
    ) {
        if let Some(sums) = &self.byte_sums {
            sums.run(self, kernels, slots, member, finish);
        } else if self.runs_pieces() {
            self.run_pieces(kernels, slots, workspace, registers, member, finish);
        } else {
            self.run_along_output(kernels, slots, registers, member, finish);
        }
    }

    /// How often a run divides its work.
    pub fn divisions(&self) -> usize {
        // The pieces and then their results, or each phase.
        self.phase_count().max(2)
    }

    fn phase_count(&self) -> usize {
        self.phases.iter().map(|p| self.steps(p)).product()
    }

    /// True if finished elements come in consecutive blocks.
    pub fn finishes_in_long_ranges(&self) -> bool {
        self.phases.is_empty() && !self.along_box
    }

    fn dims(&self) -> usize {
        self.extents.len() + self.phases.len()
    }

    /// The number of phases of an output dimension.
    fn steps(&self, phase: &Phase) -> usize {
        if self.one_by_one { 1 } else { phase.coefficient.unsigned_abs() as usize }
    }

    pub(super) fn box_extents(&self) -> &[usize] {
        &self.extents[self.output_dims..]
    }

    /// Each rectangle of the output visits every position of the box.
    fn run_along_output(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        regs: Registers<'_>,
        member: &Member<'_>,
        finish: Finish<'_>,
    ) {
        let mut corner_memory = [0i64; MAX_DIMS];
        let corner = &mut corner_memory[..self.dims()];
        let positions: usize = self.box_extents().iter().product();
        let mut extents_memory = [1usize; MAX_DIMS];
        let extents = &mut extents_memory[..self.output_dims];
        let (regs, accumulators) = regs.split_at_mut(self.program.register_count);
        let start = identity(self.maximum, self.dtype);
        let mut kept = Kept::default();
        for phase in 0..self.phase_count() {
            extents.copy_from_slice(&self.extents[..self.output_dims]);
            let mut remaining = phase;
            let mut offset = 0;
            let mut residues = [0i64; MAX_DIMS];
            for (k, p) in self.phases.iter().enumerate() {
                let steps = self.steps(p);
                let residue = remaining % steps;
                remaining /= steps;
                extents[p.dim] = (p.extent + steps - 1 - residue) / steps;
                offset += residue * p.stride;
                residues[k] = residue as i64;
            }
            let tiling = if self.one_by_one { Tiling::single(extents) } else { Tiling::new(extents) };
            for block in share(tiling.blocks, member, phase, tiling.block_elements() * positions.max(1)) {
                let (rows, columns) = {
                    let r = tiling.rectangle(block, extents, &mut corner[..self.output_dims]);
                    (r.rows, r.columns)
                };
                let n = rows * columns;
                let (total, lanes) = accumulators.as_flattened_mut().split_at_mut(n);
                let lanes = &mut lanes[..LANES * n];
                lanes.fill(start);
                total.fill(start);
                for position in 0..positions {
                    if self.in_lanes && position > 0 && position % PIECE == 0 {
                        self.end_piece(kernels, lanes, total, position, PIECE);
                        lanes.fill(start);
                    }
                    set_place(&mut corner[self.output_dims..self.extents.len()], self.box_extents(), position);
                    if !self.solve(&residues, corner) {
                        continue;
                    }
                    let rectangle = Rectangle {
                        corner,
                        row_dim: self.output_dims.saturating_sub(2),
                        column_dim: self.output_dims.saturating_sub(1),
                        rows,
                        columns,
                    };
                    evaluate(kernels, &self.program, slots, &rectangle, regs, &mut kept);
                    let lane = if self.in_lanes { position % LANES } else { 0 };
                    let valid = self.valid.map(|register| &regs[register][..n]);
                    let into = &mut lanes[lane * n..][..n];
                    accumulate(kernels, self.maximum, self.dtype, into, &regs[self.term][..n], valid);
                }
                let filled = match (self.in_lanes, positions % PIECE) {
                    (false, _) => 1,
                    (true, 0) => positions.min(PIECE),
                    (true, rest) => rest,
                };
                self.end_piece(kernels, lanes, total, positions.max(1), filled);
                let rectangle = Rectangle {
                    corner,
                    row_dim: self.output_dims.saturating_sub(2),
                    column_dim: self.output_dims.saturating_sub(1),
                    rows,
                    columns,
                };
                self.complete(slots, &rectangle, offset, total, finish);
            }
        }
    }

    /// Joins the lanes, of which the first `filled` got terms, and their result to the total of the pieces before this one,
    /// which ends at a position.
    fn end_piece(&self, kernels: KernelSet, lanes: &mut [u32], total: &mut [u32], end: usize, filled: usize) {
        let n = total.len();
        self.combine_lanes(kernels, lanes, n, filled);
        self.join_piece(kernels, total, &lanes[..n], !self.in_lanes || end <= PIECE);
    }

    /// Joins the result of a piece to the total of those before it; the first is the total.
    pub(super) fn join_piece(&self, kernels: KernelSet, total: &mut [u32], result: &[u32], is_first: bool) {
        match is_first {
            true => total.copy_from_slice(result),
            false => accumulate(kernels, self.maximum, self.dtype, total, result, None),
        }
    }

    /// Combines lanes of `n` elements each, of which the first `filled` got terms; the first is the result.
    pub(super) fn combine_lanes(&self, kernels: KernelSet, lanes: &mut [u32], n: usize, filled: usize) {
        join_halves(lanes, n, filled, |low, high| accumulate(kernels, self.maximum, self.dtype, low, high, None));
    }

    /// Stores a rectangle of results, `offset` elements further than its corner says, and passes them on. A sum of floats
    /// is flushed.
    pub(super) fn complete(
        &self,
        slots: &Slots,
        rectangle: &Rectangle<'_>,
        offset: usize,
        values: &mut [u32],
        finish: Finish<'_>,
    ) {
        if !self.maximum && self.dtype == DType::F32 {
            for value in values.iter_mut() {
                *value = math::flush(f32::from_bits(*value)).to_bits();
            }
        }
        let (rows, columns) = (rectangle.rows, rectangle.columns);
        // Box dimensions and shifts have no part in the output's offset.
        let (base, row, column) = rectangle.steps(&self.store);
        let base = base + offset as i64;
        store(slots, self.slot, self.dtype, (base, row, column), rectangle, values);
        let dense = column == 1 || columns == 1;
        if dense && (rows == 1 || row == columns as i64) {
            finish(base as usize..base as usize + rows * columns);
            return;
        }
        for r in 0..rows as i64 {
            for c in 0..if dense { 1 } else { columns as i64 } {
                let start = (base + r * row + c * column) as usize;
                finish(start..start + if dense { columns } else { 1 });
            }
        }
    }

    /// Sets the shifts for a position of the box; false if the division leaves a remainder.
    fn solve(&self, residues: &[i64], corner: &mut [i64]) -> bool {
        for (k, p) in self.phases.iter().enumerate() {
            let rest: i64 = p.rest.coefficients.iter().zip(&*corner).map(|(c, index)| c * index).sum();
            let index = if self.one_by_one { corner[p.dim] } else { residues[k] };
            let multiple = index - p.rest.constant - rest;
            if multiple % p.coefficient != 0 {
                return false;
            }
            corner[p.shift] = multiple / p.coefficient;
        }
        true
    }
}

/// accumulator = accumulator ∘ term, where valid.
pub(super) fn accumulate(
    kernels: KernelSet,
    maximum: bool,
    dtype: DType,
    accumulator: &mut [u32],
    terms: &[u32],
    valid: Option<&[u32]>,
) {
    match kernels {
        // SAFETY: a kernel set is chosen only after its features were detected.
        #[cfg(target_arch = "x86_64")]
        KernelSet::Avx512 => unsafe { accumulate_avx512(maximum, dtype, accumulator, terms, valid) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        KernelSet::Avx2 => unsafe { accumulate_avx2(maximum, dtype, accumulator, terms, valid) },
        #[cfg(not(target_arch = "x86_64"))]
        KernelSet::Avx512 | KernelSet::Avx2 => accumulate_with(maximum, dtype, accumulator, terms, valid),
        KernelSet::Baseline => accumulate_with(maximum, dtype, accumulator, terms, valid),
    }
}

/// Joins terms to as many lanes as there are, over and over.
pub(super) fn accumulate_in_lanes(kernels: KernelSet, maximum: bool, dtype: DType, lanes: &mut [u32], terms: &[u32]) {
    let (whole, rest) = match <&mut [u32; LANES]>::try_from(&mut *lanes) {
        Ok(all) => {
            let (whole, rest) = terms.as_chunks::<LANES>();
            match kernels {
                // SAFETY: a kernel set is chosen only after its features were detected.
                #[cfg(target_arch = "x86_64")]
                KernelSet::Avx512 | KernelSet::Avx2 => unsafe { accumulate_whole_avx2(maximum, dtype, all, whole) },
                #[cfg(not(target_arch = "x86_64"))]
                KernelSet::Avx512 | KernelSet::Avx2 => accumulate_whole(maximum, dtype, all, whole),
                KernelSet::Baseline => accumulate_whole(maximum, dtype, all, whole),
            }
            (whole.len() * LANES, rest)
        }
        Err(_) => (0, terms),
    };
    debug_assert!(whole + rest.len() == terms.len() && rest.len() <= lanes.len());
    accumulate(kernels, maximum, dtype, &mut lanes[..rest.len()], rest, None);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn accumulate_whole_avx2(maximum: bool, dtype: DType, lanes: &mut [u32; LANES], terms: &[[u32; LANES]]) {
    accumulate_whole(maximum, dtype, lanes, terms);
}

/// The lanes stay in registers.
#[inline(always)]
fn accumulate_whole(maximum: bool, dtype: DType, lanes: &mut [u32; LANES], terms: &[[u32; LANES]]) {
    let mut sums = *lanes;
    for term in terms {
        accumulate_with(maximum, dtype, &mut sums, term, None);
    }
    *lanes = sums;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,fma")]
fn accumulate_avx512(maximum: bool, dtype: DType, a: &mut [u32], terms: &[u32], valid: Option<&[u32]>) {
    accumulate_with(maximum, dtype, a, terms, valid);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn accumulate_avx2(maximum: bool, dtype: DType, a: &mut [u32], terms: &[u32], valid: Option<&[u32]>) {
    accumulate_with(maximum, dtype, a, terms, valid);
}

#[inline(always)]
fn accumulate_with(maximum: bool, dtype: DType, a: &mut [u32], terms: &[u32], valid: Option<&[u32]>) {
    match (dtype, maximum) {
        (DType::F32, false) => combine(a, terms, valid, |x, y| (f32::from_bits(x) + f32::from_bits(y)).to_bits()),
        (DType::F32, true) => {
            combine(a, terms, valid, |x, y| if f32::from_bits(y) < f32::from_bits(x) { x } else { y })
        }
        (DType::I32 | DType::I8 | DType::Bool, false) => combine(a, terms, valid, u32::wrapping_add),
        (DType::I32 | DType::I8 | DType::Bool, true) => {
            combine(a, terms, valid, |x, y| (x as i32).max(y as i32) as u32)
        }
    }
}

/// Joins lanes of `n` elements each, of which the first `filled` got terms, in halves; the first is the result.
#[inline(always)]
fn join_halves(lanes: &mut [u32], n: usize, filled: usize, join: impl Fn(&mut [u32], &[u32])) {
    let mut width = LANES / 2;
    while width > 0 {
        let used = width.min(filled.saturating_sub(width)) * n;
        let (low, high) = lanes.split_at_mut(width * n);
        join(&mut low[..used], &high[..used]);
        width /= 2;
    }
}

/// Joins each row of terms, which are as many rows as there are results: terms to lanes, and then lanes in halves.
pub(super) fn reduce_rows(kernels: KernelSet, maximum: bool, dtype: DType, terms: &[u32], results: &mut [u32]) {
    match kernels {
        // SAFETY: a kernel set is chosen only after its features were detected.
        #[cfg(target_arch = "x86_64")]
        KernelSet::Avx512 | KernelSet::Avx2 => unsafe { reduce_rows_avx2(maximum, dtype, terms, results) },
        #[cfg(not(target_arch = "x86_64"))]
        KernelSet::Avx512 | KernelSet::Avx2 => reduce_rows_with(maximum, dtype, terms, results),
        KernelSet::Baseline => reduce_rows_with(maximum, dtype, terms, results),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn reduce_rows_avx2(maximum: bool, dtype: DType, terms: &[u32], results: &mut [u32]) {
    reduce_rows_with(maximum, dtype, terms, results);
}

#[inline(always)]
fn reduce_rows_with(maximum: bool, dtype: DType, terms: &[u32], results: &mut [u32]) {
    let columns = terms.len() / results.len();
    let start = [identity(maximum, dtype); LANES];
    for (row, result) in terms.chunks_exact(columns).zip(results) {
        let (whole, rest) = row.as_chunks::<LANES>();
        let mut lanes = start;
        accumulate_whole(maximum, dtype, &mut lanes, whole);
        accumulate_with(maximum, dtype, &mut lanes[..rest.len()], rest, None);
        join_halves(&mut lanes, 1, columns, |low, high| accumulate_with(maximum, dtype, low, high, None));
        *result = lanes[0];
    }
}

#[inline(always)]
fn combine(accumulator: &mut [u32], terms: &[u32], valid: Option<&[u32]>, f: impl Fn(u32, u32) -> u32) {
    match valid {
        None => {
            for (a, t) in accumulator.iter_mut().zip(terms) {
                *a = f(*a, *t);
            }
        }
        Some(valid) => {
            for ((a, t), v) in accumulator.iter_mut().zip(terms).zip(valid) {
                *a = if *v != 0 { f(*a, *t) } else { *a };
            }
        }
    }
}

const _: () = assert!(BLOCK.is_multiple_of(LANES));
