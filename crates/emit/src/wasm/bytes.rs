//! Sums of products of bytes. One instruction multiplies two numbers of 16 bits of each lane by two others and adds both
//! products, so the turns of a loop over terms go in pairs, eight lanes at a time.

use super::function::{Count, Emitter, Home};
use super::lanes::{Lanes, WIDTH};
use crate::loops::rewrite::each_affine;
use crate::loops::{Affine, Array, Counter, Element, Expression, Statement, Variable};
use tacit_ir::ScalarFn;
use tacit_ir::types::DType;
use wasm_encoder::{Instruction as I, ValType};

/// The lanes that a load of bytes fills.
const BYTES: usize = 2 * WIDTH;

/// A loop over terms whose body is sum[lane] += a·b of two bytes for some lanes.
pub struct Products<'a> {
    /// The counter of the terms.
    term: Counter,
    lane: Counter,
    lanes: usize,
    /// What is set before the loop over lanes, which may be a factor.
    before: &'a [Statement],
    body: &'a [Statement],
    sum: &'a Element,
    factors: [Factor<'a>; 2],
}

#[derive(Clone, Copy)]
enum Factor<'a> {
    /// One byte for all lanes.
    Same(&'a Element),
    /// A byte for each, side by side.
    Each(&'a Element),
}

impl<'a> Products<'a> {
    /// The products that a loop's body is, if it is nothing else.
    pub fn of(emitter: &Emitter, term: Counter, body: &'a [Statement]) -> Option<Products<'a>> {
        let (Statement::For { counter: lane, extent, body }, before) = body.split_last()? else { return None };
        if !emitter.is_vectorised || !emitter.unrolling.counters[*lane] || *extent < BYTES {
            return None;
        }
        Lanes::of(emitter.function, &emitter.unrolling, *lane, body)?;
        let [Statement::Store { element: sum, value: Expression::Apply { function: ScalarFn::Add, operands } }] =
            &body[..]
        else {
            return None;
        };
        let [Expression::Load(old), Expression::Apply { function: ScalarFn::Mul, operands: factors }] = &operands[..]
        else {
            return None;
        };
        let is_in_locals = matches!(emitter.home(sum.array), Some(Home::Locals { .. }));
        let is_first = sum.position.constant == 0 && sum.position.step(*lane) == 1;
        if old != sum || !is_in_locals || !is_first {
            return None;
        }
        let [a, b] = &factors[..] else { return None };
        let factor = |wide| factor(emitter, wide, before, *lane);
        Some(Products { term, lane: *lane, lanes: *extent, before, body, sum, factors: [factor(a)?, factor(b)?] })
    }
}

/// A byte of an operand that is widened, in each lane or for all.
fn factor<'a>(emitter: &Emitter, wide: &'a Expression, before: &'a [Statement], lane: Counter) -> Option<Factor<'a>> {
    let Expression::Apply { function: ScalarFn::Cast(DType::I32), operands } = wide else { return None };
    let set_before = |variable: &Variable| {
        let of_variable =
            |statement: &&Statement| matches!(statement, Statement::Set { variable: set, .. } if set == variable);
        match before.iter().rev().find(of_variable) {
            Some(Statement::Set { value: Expression::Load(element), .. }) => Some(element),
            Some(_) | None => None,
        }
    };
    let element = match &operands[..] {
        [Expression::Load(element)] => element,
        [Expression::Variable(variable)] => set_before(variable)?,
        _ => return None,
    };
    let is_plain = matches!(element.array, Array::Operand(_)) && element.modulo.is_none() && element.row.is_none();
    match (is_plain && emitter.function.dtype_of(element.array) == DType::I8, element.position.step(lane)) {
        (true, 0) => Some(Factor::Same(element)),
        (true, 1) => Some(Factor::Each(element)),
        (_, _) => None,
    }
}

impl Emitter<'_> {
    /// The products of this turn of the loop over terms and the next one.
    pub fn add_pairs(&mut self, products: &Products) {
        let same = products.factors.map(|factor| match factor {
            Factor::Same(element) => Some(self.pair_for_all(element, products.term)),
            Factor::Each(_) => None,
        });
        let whole = products.lanes / BYTES * BYTES;
        for lane in (0..whole).step_by(BYTES) {
            self.counters[products.lane] = Some(Count::Constant(lane as i64));
            let pairs = [0, 1].map(|k| match products.factors[k] {
                Factor::Same(_) => None,
                Factor::Each(element) => Some(self.pairs_of_lanes(element, products.term)),
            });
            let widened = [I::I16x8ExtendLowI8x16S, I::I16x8ExtendHighI8x16S];
            for (half, widened) in widened.into_iter().enumerate() {
                let mut sum = products.sum.clone();
                sum.position.constant += (half * WIDTH) as i64;
                let sum = self.vector_of(&sum).expect("the sums are in locals");
                self.code.push(I::LocalGet(sum));
                for k in 0..2 {
                    match (same[k], pairs[k]) {
                        (Some(same), _) => self.code.push(I::LocalGet(same)),
                        (None, Some(pairs)) => self.code.all([I::LocalGet(pairs), widened.clone()]),
                        (None, None) => panic!("a factor is the same for all lanes, or there is one for each"),
                    }
                }
                self.code.all([I::I32x4DotI16x8S, I::I32x4Add, I::LocalSet(sum)]);
            }
            pairs.into_iter().flatten().for_each(|local| self.code.give(ValType::V128, local));
        }
        same.into_iter().flatten().for_each(|local| self.code.give(ValType::V128, local));
        if whole < products.lanes {
            let next = Affine::counter(products.term).plus(&Affine::constant(1));
            for turn in [None, Some(&next)] {
                let of_turn = |statements: &[Statement]| {
                    let mut statements = statements.to_vec();
                    if let Some(next) = turn {
                        each_affine(&mut statements, &mut |affine| {
                            *affine = std::mem::take(affine).with(products.term, next);
                        });
                    }
                    statements
                };
                self.statements(&of_turn(products.before));
                self.unrolled(products.lane, whole, products.lanes, &of_turn(products.body));
            }
        }
    }

    /// The bytes of this turn and the next as two numbers of 16 bits, in all lanes of a local.
    fn pair_for_all(&mut self, element: &Element, term: Counter) -> u32 {
        let local = self.code.take(ValType::V128);
        if element.position.step(term) == 1 {
            let argument = self.push_element_address(element);
            self.code.all([I::V128Load16Splat(argument), I::I16x8ExtendLowI8x16S]);
        } else {
            let argument = self.push_element_address(element);
            self.code.all([I::I32Load8S(argument), I::I32Const(0xffff), I::I32And]);
            let argument = self.push_element_address(&next_turn(element, term));
            self.code.all([I::I32Load8S(argument), I::I32Const(16), I::I32Shl, I::I32Or, I::I32x4Splat]);
        }
        self.code.push(I::LocalSet(local));
        local
    }

    /// The bytes of this turn and the next in turns, for eight lanes, in a local.
    fn pairs_of_lanes(&mut self, element: &Element, term: Counter) -> u32 {
        let local = self.code.take(ValType::V128);
        let argument = self.push_element_address(element);
        self.code.push(I::V128Load64Zero(argument));
        let argument = self.push_element_address(&next_turn(element, term));
        self.code.push(I::V128Load64Zero(argument));
        self.code.push(I::I8x16Shuffle([0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23]));
        self.code.push(I::LocalSet(local));
        local
    }
}

/// What the next turn of a loop reads there.
fn next_turn(element: &Element, counter: Counter) -> Element {
    let mut next = element.clone();
    next.position.constant += next.position.step(counter);
    next
}
