//! Kernels whose addresses depend on data (`gather`, `scatter`) and the one that draws numbers (`random`).

use crate::block::Slot;
use crate::memory::Slots;
use tacit_ir::math;
use tacit_ir::nest::{Index, Terms};
use tacit_ir::types::{DType, row_major_strides};
use tacit_ir::{Graph, Instruction, ValueId};

/// An access as offsets: Σ stride·axis, with bounds where it may leave the tensor.
#[derive(Clone, Debug)]
struct Line {
    constant: i64,
    strides: Vec<i64>,
    /// (Σ terms, constant, extent) for every dimension that may be out of range.
    bounds: Vec<(Terms, i64, i64)>,
}

/// `gather` and `scatter`: rows of a table, chosen by an index tensor.
#[derive(Clone, Debug)]
pub struct RowsLoop {
    extents: Vec<usize>,
    table: Line,
    row_stride: i64,
    rows: i64,
    index: Line,
    other: Line,
    table_slot: Slot,
    index_slot: Slot,
    other_slot: Slot,
    dtype: DType,
}

impl RowsLoop {
    /// `table` is what is looked up: operand 0 of a gather, the output of a scatter.
    pub fn lower(graph: &Graph, value: ValueId, slot_of: &dyn Fn(ValueId) -> Slot) -> RowsLoop {
        let Instruction { op, operands, nest, ty } = graph.instruction(value);
        let gathers = matches!(op, tacit_ir::Op::Gather);
        let line = |access: &[Index], shape: &[usize]| {
            let mut line = Line { constant: 0, strides: vec![0; nest.axes.len()], bounds: vec![] };
            for ((index, stride), extent) in access.iter().zip(row_major_strides(shape)).zip(shape) {
                let (terms, constant) = nest.affine(index);
                line.constant += constant * stride as i64;
                for (c, axis) in &terms {
                    line.strides[*axis] += c * stride as i64;
                }
                let inside = nest.range(index).is_some_and(|(low, high)| low >= 0 && high < *extent as i64);
                if !inside && *index != Index::Lookup {
                    line.bounds.push((terms, constant, *extent as i64));
                }
            }
            line
        };
        let (table_access, table_shape, other_access, other_shape) = match gathers {
            true => (&nest.operands[0], graph.shape(operands[0]), &nest.output, &ty.shape[..]),
            false => (&nest.output, &ty.shape[..], &nest.operands[0], graph.shape(operands[0])),
        };
        let looked_up = table_access.iter().position(|i| *i == Index::Lookup).expect("verified: one dimension");
        let (table_slot, other_slot) = match gathers {
            true => (slot_of(operands[0]), slot_of(value)),
            false => (slot_of(value), slot_of(operands[0])),
        };
        RowsLoop {
            extents: nest.axes.iter().map(|(_, extent)| *extent).collect(),
            table: line(table_access, table_shape),
            row_stride: row_major_strides(table_shape)[looked_up] as i64,
            rows: table_shape[looked_up] as i64,
            index: line(&nest.operands[1], graph.shape(operands[1])),
            other: line(other_access, other_shape),
            table_slot,
            index_slot: slot_of(operands[1]),
            other_slot,
            dtype: ty.dtype,
        }
    }

    /// Reads this worker's share of the rows; a row out of range gives zeros.
    pub fn gather(&self, slots: &Slots, worker: usize, workers: usize) {
        match self.dtype {
            DType::F32 | DType::I32 => self.gather_as::<u32>(slots, worker, workers),
            DType::I8 | DType::Bool => self.gather_as::<u8>(slots, worker, workers),
        }
    }

    fn gather_as<T: Copy + Default>(&self, slots: &Slots, worker: usize, workers: usize) {
        let table = slots.read::<T>(self.table_slot);
        let (outer, inner) = self.runs();
        let [table_step, other_step] = self.steps();
        self.each(slots, outer * worker / workers..outer * (worker + 1) / workers, |place| {
            if let (Some(from), 1, 1) = (place.table, table_step, other_step) {
                let target = slots.write::<T>(self.other_slot, place.other as usize, inner);
                target.copy_from_slice(&table[from as usize..from as usize + inner]);
                return;
            }
            for i in 0..inner as i64 {
                let target = slots.write::<T>(self.other_slot, (place.other + i * other_step) as usize, 1);
                target[0] = place.table.map_or(T::default(), |at| table[(at + i * table_step) as usize]);
            }
        });
    }

    /// Adds rows into zeros one by one in the declared order. Workers divide the rows of the table where each is one piece of
    /// it; each then goes through all iterations, so that no element's order depends on their number.
    pub fn scatter(&self, slots: &Slots, elements: usize, worker: usize, workers: usize) {
        let rows = self.rows as usize;
        let is_outermost = self.row_stride as usize * rows == elements;
        let (first, end) = match (is_outermost, worker) {
            (true, _) => (rows * worker / workers, rows * (worker + 1) / workers),
            (false, 0) => (0, rows),
            (false, _) => (0, 0),
        };
        let own = match is_outermost {
            true => first * self.row_stride as usize..end * self.row_stride as usize,
            false if first < end => 0..elements,
            false => 0..0,
        };
        if own.is_empty() {
            return;
        }
        let table = slots.write::<u32>(self.table_slot, own.start, own.len());
        table.fill(0);
        let source = slots.read::<u32>(self.other_slot);
        let (outer, inner) = self.runs();
        let [table_step, other_step] = self.steps();
        self.each(slots, 0..outer, |place| {
            let Some(at) = place.table.filter(|_| (first..end).contains(&place.row)) else { return };
            let at = at - own.start as i64;
            for i in 0..inner as i64 {
                let into = &mut table[(at + i * table_step) as usize];
                let term = source[(place.other + i * other_step) as usize];
                *into = match self.dtype {
                    DType::F32 => (f32::from_bits(*into) + f32::from_bits(term)).to_bits(),
                    DType::I32 | DType::I8 | DType::Bool => into.wrapping_add(term),
                };
            }
        });
        if self.dtype == DType::F32 {
            for value in table {
                *value = math::flush(f32::from_bits(*value)).to_bits();
            }
        }
    }

    /// How many iterations choose a row, and how many follow each that stay in it: those of the last axis, if neither the
    /// index nor any bound depends on it.
    fn runs(&self) -> (usize, usize) {
        let total: usize = self.extents.iter().product();
        let Some(last) = self.extents.len().checked_sub(1) else { return (total, 1) };
        let lines = [&self.table, &self.index, &self.other];
        let bounded =
            lines.iter().flat_map(|line| &line.bounds).any(|(terms, _, _)| terms.iter().any(|(_, axis)| *axis == last));
        match bounded || self.index.strides[last] != 0 || total == 0 {
            true => (total, 1),
            false => (total / self.extents[last], self.extents[last]),
        }
    }

    /// How far the table and the other tensor go from one iteration of a run to the next.
    fn steps(&self) -> [i64; 2] {
        [&self.table, &self.other].map(|line| line.strides.last().copied().unwrap_or(0))
    }

    /// Visits the first iteration of each run in the declared order, skipping those whose index or other operand is out of
    /// bounds.
    fn each(&self, slots: &Slots, range: std::ops::Range<usize>, mut visit: impl FnMut(Place)) {
        let index = slots.read::<i32>(self.index_slot);
        let (_, inner) = self.runs();
        let counted = if inner > 1 { self.extents.len() - 1 } else { self.extents.len() };
        let extents = &self.extents[..counted];
        let mut axes = [0i64; 26];
        let axes = &mut axes[..self.extents.len()];
        let mut rest = range.start;
        for (axis, extent) in axes.iter_mut().zip(extents).rev() {
            *axis = (rest % extent.max(&1)) as i64;
            rest /= extent.max(&1);
        }
        for _ in range {
            let other = self.other.at(axes);
            let row = self.index.at(axes).map(|at| index[at as usize] as i64).filter(|r| *r >= 0 && *r < self.rows);
            let table = row.and_then(|row| Some(self.table.at(axes)? + row * self.row_stride));
            if let Some(other) = other {
                visit(Place { other, table, row: row.unwrap_or(0) as usize });
            }
            for (axis, extent) in axes.iter_mut().zip(extents).rev() {
                *axis += 1;
                if *axis < *extent as i64 {
                    break;
                }
                *axis = 0;
            }
        }
    }
}

struct Place {
    other: i64,
    table: Option<i64>,
    /// The row of the table, where there is one.
    row: usize,
}

impl Line {
    fn at(&self, axes: &[i64]) -> Option<i64> {
        let inside = self.bounds.iter().all(|(terms, constant, extent)| {
            let index = constant + terms.iter().map(|(c, axis)| c * axes[*axis]).sum::<i64>();
            index >= 0 && index < *extent
        });
        inside.then(|| self.constant + self.strides.iter().zip(axes).map(|(s, a)| s * a).sum::<i64>())
    }
}

/// Draws this worker's share of uniform numbers.
pub fn random(slots: &Slots, slot: Slot, key: Slot, stream: u32, elements: usize, worker: usize, workers: usize) {
    let key = slots.read::<i32>(key);
    // Shares begin at multiples of four, the words of one Philox block.
    let at = |w: usize| (elements.div_ceil(4) * w / workers * 4).min(elements);
    let (first, end) = (at(worker), at(worker + 1));
    let out = slots.write::<f32>(slot, first, end - first);
    math::philox_fill_uniform(out, first as u64, stream, [key[0] as u32, key[1] as u32]);
}
