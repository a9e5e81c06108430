//! The path for every contraction that fits no table: integers, and accesses that tie rows to lanes.
//!
//! It follows the definition term by term, without allocating, and is divided among the workers by output elements.

use super::CHUNK;
use crate::block::{Finish, Slot};
use crate::memory::Slots;
use tacit_ir::math;
use tacit_ir::nest::{Determined, Resolved, Terms};
use tacit_ir::types::{DType, TensorType, row_major_strides};
use tacit_ir::{Access, Nest};

/// Axes of a nest at most.
const AXES: usize = 26;

pub struct AnyLoop {
    resolved: Resolved,
    extents: Vec<usize>,
    output_shape: Vec<usize>,
    output_strides: Vec<usize>,
    operands: [Lines; 2],
    /// Of the operands.
    dtype: DType,
}

/// Σ terms + constant of every dimension of an operand, with the dimension's extent.
type Lines = Vec<(Terms, i64, i64)>;

impl AnyLoop {
    pub fn new(nest: &Nest, resolved: &Resolved, shapes: [&[usize]; 2], dtype: DType, ty: &TensorType) -> AnyLoop {
        let lines = |access: &Access, shape: &[usize]| -> Lines {
            access
                .iter()
                .zip(shape)
                .map(|(index, extent)| {
                    let (terms, constant) = nest.affine(index);
                    (terms, constant, *extent as i64)
                })
                .collect()
        };
        AnyLoop {
            resolved: resolved.clone(),
            extents: nest.axes.iter().map(|(_, extent)| *extent).collect(),
            output_shape: ty.shape.clone(),
            output_strides: row_major_strides(&ty.shape),
            operands: [lines(&nest.operands[0], shapes[0]), lines(&nest.operands[1], shapes[1])],
            dtype,
        }
    }

    /// Computes this worker's share of the output elements.
    #[expect(clippy::too_many_arguments, reason = "three operands and a share of the work")]
    pub fn run(
        &self,
        slots: &Slots,
        a: Slot,
        b: Slot,
        c: Slot,
        worker: usize,
        workers: usize,
        finish: Option<Finish<'_>>,
    ) {
        let total: usize = self.output_shape.iter().product();
        let share = total * worker / workers..total * (worker + 1) / workers;
        for position in share.clone() {
            match self.dtype {
                DType::F32 => {
                    let (a, b) = (slots.read::<f32>(a), slots.read::<f32>(b));
                    slots.write::<f32>(c, position, 1)[0] = self.chain(position, a, b);
                }
                DType::I32 => {
                    let (a, b) = (slots.read::<i32>(a), slots.read::<i32>(b));
                    let product = |p: usize, q: usize| a[p].wrapping_mul(b[q]);
                    slots.write::<i32>(c, position, 1)[0] = self.sum(position, product);
                }
                DType::I8 | DType::Bool => {
                    let (a, b) = (slots.read::<i8>(a), slots.read::<i8>(b));
                    let product = |p: usize, q: usize| a[p] as i32 * b[q] as i32;
                    slots.write::<i32>(c, position, 1)[0] = self.sum(position, product);
                }
            }
        }
        if let Some(finish) = finish {
            finish(share);
        }
    }

    fn chain(&self, position: usize, a: &[f32], b: &[f32]) -> f32 {
        let (mut total, mut chain) = (0.0f32, 0.0f32);
        self.terms(position, |place, offsets| {
            if place % CHUNK == 0 && place > 0 {
                total += chain;
                chain = 0.0;
            }
            if let Some((p, q)) = offsets {
                chain = a[p].mul_add(b[q], chain);
            }
        });
        math::flush(total + chain)
    }

    fn sum(&self, position: usize, product: impl Fn(usize, usize) -> i32) -> i32 {
        let mut total = 0i32;
        self.terms(position, |_, offsets| {
            if let Some((p, q)) = offsets {
                total = total.wrapping_add(product(p, q));
            }
        });
        total
    }

    /// Visits every place of the reduction box: its number, and the operands' offsets unless the term is skipped.
    fn terms(&self, position: usize, mut visit: impl FnMut(usize, Option<(usize, usize)>)) {
        let mut axes = [0i64; AXES];
        let index = |dim: usize| (position / self.output_strides[dim] % self.output_shape[dim]) as i64;
        for (dim, determined) in self.resolved.output.iter().enumerate() {
            if let Determined::Digits(digits) = determined {
                let mut rest = index(dim) as usize;
                for axis in digits.iter().rev() {
                    axes[*axis] = (rest % self.extents[*axis]) as i64;
                    rest /= self.extents[*axis];
                }
            }
        }
        let places: usize = self.resolved.reduction.iter().map(|axis| self.extents[*axis]).product();
        for place in 0..places {
            let offsets = match self.solve(&index, &mut axes) {
                true => self.offset(0, &axes).zip(self.offset(1, &axes)),
                false => None,
            };
            visit(place, offsets);
            for axis in self.resolved.reduction.iter().rev() {
                axes[*axis] += 1;
                if axes[*axis] < self.extents[*axis] as i64 {
                    break;
                }
                axes[*axis] = 0;
            }
        }
    }

    fn solve(&self, index: &impl Fn(usize) -> i64, axes: &mut [i64; AXES]) -> bool {
        let sum = |terms: &[(i64, usize)], axes: &[i64; AXES]| terms.iter().map(|(c, a)| c * axes[*a]).sum::<i64>();
        for (dim, determined) in self.resolved.output.iter().enumerate() {
            if let Determined::Solved { axis, coefficient, others, constant } = determined {
                let multiple = index(dim) - constant - sum(others, axes);
                let digit = multiple / coefficient;
                if multiple % coefficient != 0 || digit < 0 || digit >= self.extents[*axis] as i64 {
                    return false;
                }
                axes[*axis] = digit;
            }
        }
        self.resolved.output.iter().enumerate().all(|(dim, determined)| match determined {
            Determined::Checked { terms, constant } => sum(terms, axes) + constant == index(dim),
            Determined::Digits(_) | Determined::Solved { .. } | Determined::Lookup => true,
        })
    }

    fn offset(&self, operand: usize, axes: &[i64; AXES]) -> Option<usize> {
        let mut offset = 0;
        for (terms, constant, extent) in &self.operands[operand] {
            let index = constant + terms.iter().map(|(c, axis)| c * axes[*axis]).sum::<i64>();
            if index < 0 || index >= *extent {
                return None;
            }
            offset = offset * *extent as usize + index as usize;
        }
        Some(offset)
    }
}
