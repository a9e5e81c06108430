//! Reductions that only add bytes: each position of the box adds a row of memory to sums that stay in registers. Sums of
//! integers wrap, so their order is of no matter.

use super::reduce::ReduceLoop;
use super::run::{Finish, MAX_DIMS, set_place, share};
use super::{Affine, Code, Rectangle, Slot};
use crate::kernels::KernelSet;
use crate::memory::Slots;
use crate::team::Member;
use tacit_ir::ScalarFn;
use tacit_ir::types::DType;

/// Sums that are in registers at the same time.
const TOGETHER: usize = 64;

/// What a sum of bytes reads.
#[derive(Clone, Debug)]
pub struct ByteSums {
    slot: Slot,
    /// Over the dimensions of the output and the box.
    offset: Affine,
}

impl ByteSums {
    /// Nothing if the reduction does anything else, or its rows do not lie in memory one element behind the other.
    pub fn of(reduce: &ReduceLoop) -> Option<ByteSums> {
        let column_dim = reduce.output_dims.checked_sub(1)?;
        let is_sum = !reduce.maximum && reduce.dtype == DType::I32;
        let is_plain = reduce.valid.is_none() && reduce.phases.is_empty() && !reduce.one_by_one && !reduce.along_box;
        if !is_sum || !is_plain {
            return None;
        }
        let load = match &reduce.program.codes[..] {
            [load] => load,
            [load, Code::Apply { function: ScalarFn::Cast(DType::I32), dtype: DType::I8, .. }] => load,
            _ => return None,
        };
        match load {
            Code::Load { slot, dtype: DType::I8, offset, guards, .. }
                if guards.is_empty() && offset.coefficients[column_dim] == 1 =>
            {
                Some(ByteSums { slot: *slot, offset: offset.clone() })
            }
            Code::Load { .. }
            | Code::Splat { .. }
            | Code::Index { .. }
            | Code::Within { .. }
            | Code::Apply { .. }
            | Code::MulAdd { .. } => None,
        }
    }

    /// Computes this worker's share of the results.
    pub fn run(&self, reduce: &ReduceLoop, kernels: KernelSet, slots: &Slots, member: &Member<'_>, finish: Finish<'_>) {
        let (outer, columns) = (&reduce.extents[..reduce.output_dims - 1], reduce.extents[reduce.output_dims - 1]);
        let parts = columns.div_ceil(TOGETHER);
        let rows: usize = outer.iter().product();
        let mut corner_memory = [0i64; MAX_DIMS];
        let corner = &mut corner_memory[..reduce.extents.len()];
        for unit in share(rows * parts, member, 0, TOGETHER * reduce.positions()) {
            let first = unit % parts * TOGETHER;
            set_place(&mut corner[..outer.len()], outer, unit / parts);
            corner[outer.len()] = first as i64;
            let mut sums = [0u32; TOGETHER];
            let sums = &mut sums[..TOGETHER.min(columns - first)];
            self.add(reduce, kernels, slots, corner, sums);
            let rectangle = Rectangle { corner, row_dim: 0, column_dim: outer.len(), rows: 1, columns: sums.len() };
            reduce.complete(slots, &rectangle, 0, sums, finish);
        }
    }

    /// Adds all positions of the box, one stretch of its last dimension after another.
    fn add(&self, reduce: &ReduceLoop, kernels: KernelSet, slots: &Slots, corner: &mut [i64], sums: &mut [u32]) {
        let bytes = slots.read::<i8>(self.slot);
        let (row_dim, column_dim, columns) = (corner.len() - 1, reduce.output_dims - 1, sums.len());
        let (rows, outer) = reduce.box_extents().split_last().map_or((1, &[][..]), |(last, outer)| (*last, outer));
        for stretch in 0..outer.iter().product() {
            set_place(&mut corner[reduce.output_dims..][..outer.len()], outer, stretch);
            let (start, step, _) = Rectangle { corner, row_dim, column_dim, rows, columns }.steps(&self.offset);
            add_rows(kernels, bytes, (0..rows as i64).map(|row| (start + row * step) as usize), sums);
        }
    }
}

/// Adds rows of bytes that begin at these places.
fn add_rows(kernels: KernelSet, bytes: &[i8], places: impl Iterator<Item = usize>, sums: &mut [u32]) {
    match kernels {
        // SAFETY: a kernel set is chosen only after its features were detected.
        #[cfg(target_arch = "x86_64")]
        KernelSet::Avx512 | KernelSet::Avx2 => unsafe { add_rows_avx2(bytes, places, sums) },
        #[cfg(not(target_arch = "x86_64"))]
        KernelSet::Avx512 | KernelSet::Avx2 => add_rows_with(bytes, places, sums),
        KernelSet::Baseline => add_rows_with(bytes, places, sums),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_rows_avx2(bytes: &[i8], places: impl Iterator<Item = usize>, sums: &mut [u32]) {
    add_rows_with(bytes, places, sums);
}

#[inline(always)]
fn add_rows_with(bytes: &[i8], places: impl Iterator<Item = usize>, sums: &mut [u32]) {
    match <&mut [u32; TOGETHER]>::try_from(&mut *sums) {
        Ok(all) => {
            // A copy, which stays in registers.
            let mut sums = *all;
            for place in places {
                let row: &[i8; TOGETHER] = bytes[place..].first_chunk().expect("rows lie in their slot");
                add_row(row, &mut sums);
            }
            *all = sums;
        }
        Err(_) => {
            for place in places {
                add_row(&bytes[place..place + sums.len()], sums);
            }
        }
    }
}

#[inline(always)]
fn add_row(row: &[i8], sums: &mut [u32]) {
    for (sum, byte) in sums.iter_mut().zip(row) {
        *sum = sum.wrapping_add(*byte as u32);
    }
}
