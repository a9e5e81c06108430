//! Loops that do no more to every element than a contraction can do before it stores it.

use super::run::ElementwiseLoop;
use super::{Affine, Code, Slot};
use crate::contract::Behind;
use tacit_ir::ScalarFn;
use tacit_ir::types::DType;

/// What the result of an operation is.
#[derive(Clone, Copy)]
enum Known {
    /// The element after what was done so far.
    Element,
    Constant(f32),
    /// One number for each index of the last dimension.
    Lanes(Slot),
    /// A number for every element.
    Places(Slot),
}

impl ElementwiseLoop {
    /// What the loop does to the elements of a slot, which it writes over; nothing if that is anything else. With it the
    /// extent of the last dimension.
    pub fn as_behind(&self, of: Slot) -> Option<(Behind<Slot>, usize)> {
        let [store] = &self.stores[..] else { return None };
        let channels = *self.extents.last()?;
        let is_column = |offset: &Affine| {
            let steps = offset.coefficients.iter().rev().copied();
            offset.constant == 0 && steps.eq((0..self.extents.len()).map(|k| i64::from(k == 0)))
        };
        let mut behind = Behind::NOTHING;
        let mut known: Vec<Known> = vec![];
        let mut latest = None;
        for (k, code) in self.program.codes.iter().enumerate() {
            known.push(match code {
                Code::Load { dtype: DType::F32, slot, offset, guards, .. } if guards.is_empty() => {
                    if *slot == of && *offset == store.offset && latest.is_none() {
                        latest = Some(k);
                        Known::Element
                    } else if *slot != of && *offset == store.offset {
                        Known::Places(*slot)
                    } else if *slot != of && is_column(offset) {
                        Known::Lanes(*slot)
                    } else {
                        return None;
                    }
                }
                Code::Splat { bits } => Known::Constant(f32::from_bits(*bits)),
                Code::Apply { function, dtype: DType::F32, operands: [a, b, _] } => {
                    let commutes = matches!(function, ScalarFn::Add | ScalarFn::Mul);
                    let (element, other) = match (known[*a], known[*b]) {
                        (Known::Element, other) => (a, other),
                        (other, Known::Element) if commutes => (b, other),
                        (Known::Constant(_) | Known::Lanes(_) | Known::Places(_), _) => return None,
                    };
                    if latest != Some(*element) || !append(&mut behind, *function, other) {
                        return None;
                    }
                    latest = Some(k);
                    Known::Element
                }
                Code::Load { .. }
                | Code::Index { .. }
                | Code::Within { .. }
                | Code::Apply { .. }
                | Code::MulAdd { .. } => return None,
            });
        }
        let is_all = store.slot == of && store.dtype == DType::F32 && self.program.results.first() == latest.as_ref();
        is_all.then_some((behind, channels))
    }
}

/// Adds an operation if it comes after those that are there; tells whether it does.
fn append(behind: &mut Behind<Slot>, function: ScalarFn, other: Known) -> bool {
    let Behind { bias, factor, term, residual, floor } = behind;
    // How many of the places in their order are behind us.
    let done = match () {
        () if floor.is_some() => 5,
        () if residual.is_some() => 4,
        () if term.is_some() => 3,
        () if factor.is_some() => 2,
        () if bias.is_some() => 1,
        () => 0,
    };
    match (function, other) {
        (ScalarFn::Add, Known::Lanes(slot)) if done < 1 => *bias = Some(slot),
        (ScalarFn::Mul, Known::Lanes(slot)) if done < 2 => *factor = Some(slot),
        (ScalarFn::Add, Known::Lanes(slot)) if done < 3 => *term = Some(slot),
        (ScalarFn::Add, Known::Places(slot)) if done < 4 => *residual = Some(slot),
        (ScalarFn::Max, Known::Constant(value)) if done < 5 => *floor = Some(value),
        (_, Known::Element | Known::Constant(_) | Known::Lanes(_) | Known::Places(_)) => return false,
    }
    true
}
