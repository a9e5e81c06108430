//! Loops that only move bytes: a load to a store, in stretches of memory.

use super::evaluate::columns_within;
use super::run::{Store, set_place, share};
use super::{BlockProgram, Code, Rectangle, Slot, is_word};
use crate::memory::Slots;
use crate::team::Member;
use tacit_ir::types::DType;

/// A loop as copies of consecutive elements.
#[derive(Clone, Debug)]
pub struct Copies {
    from: Slot,
    to: Slot,
    dtype: DType,
    /// What is written where there is nothing to copy, as a register holds it.
    fill: u32,
    stretches: Vec<Stretch>,
    elements: usize,
}

/// Consecutive elements that are copied from a place, or filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    to: usize,
    from: Option<usize>,
    len: usize,
}

/// Shorter stretches are as soon done in blocks, which read words as they are and bytes one by one.
const WORDS_MIN: usize = 12;
const BYTES_MIN: usize = 6;
/// Loops of more rows than this are not looked through.
const ROWS_MAX: usize = 1 << 18;

impl Copies {
    /// Nothing if the loop does anything else, or has only short stretches.
    pub fn of(program: &BlockProgram, extents: &[usize], stores: &[Store]) -> Option<Copies> {
        let ([Code::Load { slot, dtype, offset, guards, fill }], [store]) = (&program.codes[..], stores) else {
            return None;
        };
        let column_dim = extents.len().checked_sub(1)?;
        let rows: usize = extents[..column_dim].iter().product();
        let is_row = |affine: &super::Affine| affine.coefficients[column_dim] == 1 || extents[column_dim] == 1;
        if store.dtype != *dtype || rows > ROWS_MAX || !is_row(offset) || !is_row(&store.offset) {
            return None;
        }
        let mut stretches: Vec<Stretch> = vec![];
        let mut add = |to: usize, from: Option<usize>, len: usize| {
            match stretches.last_mut() {
                Some(last) if last.to + last.len == to && last.from.map(|from| from + last.len) == from => {
                    last.len += len
                }
                Some(_) | None if len > 0 => stretches.push(Stretch { to, from, len }),
                Some(_) | None => {}
            };
        };
        for row in 0..rows {
            let mut corner = vec![0; extents.len()];
            set_place(&mut corner[..column_dim], &extents[..column_dim], row);
            let (row_dim, columns) = (column_dim.saturating_sub(1), extents[column_dim]);
            let rectangle = Rectangle { corner: &corner, row_dim, column_dim, rows: 1, columns };
            let (first, end) = columns_within(guards, &rectangle, 0);
            let end = end.max(first);
            let (to, from) = (rectangle.steps(&store.offset).0 as usize, rectangle.steps(offset).0);
            add(to, None, first);
            add(to + first, Some((from + first as i64) as usize), end - first);
            add(to + end, None, columns - end);
        }
        let elements = rows * extents[column_dim];
        let least = if is_word(*dtype) { WORDS_MIN } else { BYTES_MIN };
        let is_worth_it = elements >= stretches.len() * least;
        is_worth_it.then_some(Copies { from: *slot, to: store.slot, dtype: *dtype, fill: *fill, stretches, elements })
    }

    /// Does this worker's share.
    pub fn run(&self, slots: &Slots, member: &Member<'_>) {
        let count = self.stretches.len();
        for k in share(count, member, 0, self.elements.div_ceil(count.max(1))) {
            let stretch = &self.stretches[k];
            match self.dtype {
                DType::F32 | DType::I32 => stretch.run::<u32>(slots, self, self.fill),
                DType::I8 | DType::Bool => stretch.run::<u8>(slots, self, self.fill as u8),
            }
        }
    }
}

impl Stretch {
    fn run<T: Copy>(&self, slots: &Slots, copies: &Copies, fill: T) {
        let to = slots.write::<T>(copies.to, self.to, self.len);
        match self.from {
            Some(from) => to.copy_from_slice(&slots.read::<T>(copies.from)[from..from + self.len]),
            None => to.fill(fill),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Affine, Guard};
    use super::*;

    fn affine(coefficients: &[i64], constant: i64) -> Affine {
        Affine { coefficients: coefficients.to_vec(), constant }
    }

    #[test]
    fn a_padded_image_is_its_rows_and_what_lies_between_them() {
        // 3 by 4 by 20 bytes with a border of one.
        let guard = |coefficients: &[i64], extent| Guard { value: affine(coefficients, -1), extent };
        let guards = vec![guard(&[1, 0, 0], 3), guard(&[0, 1, 0], 4)];
        let offset = affine(&[80, 20, 1], -100);
        let load = Code::Load { slot: 0, dtype: DType::I8, offset, guards, fill: 7 };
        let program = BlockProgram::new(vec![load], vec![0], None);
        let store = Store { slot: 1, dtype: DType::I8, offset: affine(&[120, 20, 1], 0) };
        let copies = Copies::of(&program, &[5, 6, 20], &[store]).expect("it only moves bytes");
        let row = |k: usize| Stretch { to: 140 + 120 * k, from: Some(80 * k), len: 80 };
        let fill = |to, len| Stretch { to, from: None, len };
        let expected = [fill(0, 140), row(0), fill(220, 40), row(1), fill(340, 40), row(2), fill(460, 140)];
        assert_eq!(copies.stretches, expected);
        // One byte at a time is no stretch.
        let mut apart = program.clone();
        if let Code::Load { offset, .. } = &mut apart.codes[0] {
            offset.coefficients[2] = 5;
        }
        let store = Store { slot: 1, dtype: DType::I8, offset: affine(&[120, 20, 1], 0) };
        assert!(Copies::of(&apart, &[5, 6, 20], &[store]).is_none());
    }
}
