//! Loops that do no more to every element than a contraction can do before it stores it.

use super::run::ElementwiseLoop;
use super::{Affine, Code, Slot};
use crate::contract::{Behind, Lanewise, Requantise};
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
    /// True for an offset that is the index of the last dimension.
    fn is_column(&self, offset: &Affine) -> bool {
        let steps = offset.coefficients.iter().rev().copied();
        offset.constant == 0 && steps.eq((0..self.extents.len()).map(|k| i64::from(k == 0)))
    }

    /// What the loop does to the elements of a slot, which it writes over; nothing if that is anything else. With it the
    /// extent of the last dimension.
    pub fn as_behind(&self, of: Slot) -> Option<(Behind<Slot>, usize)> {
        let [store] = &self.stores[..] else { return None };
        let channels = *self.extents.last()?;
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
                    } else if *slot != of && self.is_column(offset) {
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

/// What the result of an operation over integers is.
#[derive(Clone, Copy)]
enum KnownInteger {
    /// The element after what was done so far.
    Element,
    Number(Lanewise<Slot>),
}

/// How far the maps of a requantisation have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Sum,
    Bias,
    Scaled,
    ZeroPoint,
    Low,
    High,
    Narrow,
}

impl ElementwiseLoop {
    /// The requantisation that the loop is of the sums in a slot; nothing if it is anything else. With it the extent of the
    /// last dimension.
    pub fn as_requantise(&self, of: Slot) -> Option<(Requantise<Slot>, usize)> {
        let [store] = &self.stores[..] else { return None };
        let channels = *self.extents.last()?;
        let one = Lanewise::Same(0);
        let mut maps = Requantise { bias: one, factor: one, shift: one, zero_point: 0, low: i32::MIN, high: i32::MAX };
        let (mut stage, mut latest) = (Stage::Sum, None);
        let mut known: Vec<KnownInteger> = vec![];
        for (k, code) in self.program.codes.iter().enumerate() {
            known.push(match code {
                Code::Load { dtype: DType::I32, slot, offset, guards, .. } if guards.is_empty() => {
                    if *slot == of && *offset == store.offset && latest.is_none() {
                        latest = Some(k);
                        KnownInteger::Element
                    } else if *slot != of && self.is_column(offset) {
                        KnownInteger::Number(Lanewise::Each(*slot))
                    } else {
                        return None;
                    }
                }
                Code::Splat { bits } => KnownInteger::Number(Lanewise::Same(*bits as i32)),
                Code::Apply { function, dtype: DType::I32, operands } => {
                    let operands = &operands[..function.arity()];
                    let element = *operands.iter().find(|operand| matches!(known[**operand], KnownInteger::Element))?;
                    let number = |operand: &usize| match known[*operand] {
                        KnownInteger::Element => None,
                        KnownInteger::Number(number) => Some(number),
                    };
                    let numbers: Vec<Lanewise<Slot>> = operands.iter().filter_map(number).collect();
                    // Only additions, maxima and minima may have the element second.
                    let is_first = operands[0] == element;
                    let next = match (function, &numbers[..]) {
                        (ScalarFn::Add, [bias]) if stage < Stage::Bias => {
                            maps.bias = *bias;
                            Stage::Bias
                        }
                        (ScalarFn::MulShift, [factor, shift]) if stage < Stage::Scaled && is_first => {
                            (maps.factor, maps.shift) = (*factor, *shift);
                            Stage::Scaled
                        }
                        (ScalarFn::Add, [Lanewise::Same(zero_point)]) if stage == Stage::Scaled => {
                            maps.zero_point = *zero_point;
                            Stage::ZeroPoint
                        }
                        (ScalarFn::Max, [Lanewise::Same(low)]) if (Stage::Scaled..Stage::Low).contains(&stage) => {
                            maps.low = *low;
                            Stage::Low
                        }
                        (ScalarFn::Min, [Lanewise::Same(high)]) if (Stage::Scaled..Stage::High).contains(&stage) => {
                            maps.high = *high;
                            Stage::High
                        }
                        (ScalarFn::Cast(DType::I8), []) if (Stage::Scaled..Stage::Narrow).contains(&stage) => {
                            Stage::Narrow
                        }
                        (_, _) => return None,
                    };
                    if latest != Some(element) {
                        return None;
                    }
                    (stage, latest) = (next, Some(k));
                    KnownInteger::Element
                }
                Code::Load { .. }
                | Code::Index { .. }
                | Code::Within { .. }
                | Code::Apply { .. }
                | Code::MulAdd { .. } => return None,
            });
        }
        let is_all =
            stage == Stage::Narrow && store.dtype == DType::I8 && self.program.results.first() == latest.as_ref();
        is_all.then_some((maps, channels))
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
