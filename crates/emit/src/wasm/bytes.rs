//! Sums of products of bytes, eight lanes at a time: two products of 16-bit numbers give the 32-bit products of eight lanes.

use super::function::{Count, Emitter, Home};
use super::lanes::WIDTH;
use crate::loops::{Array, Counter, Element, Expression, Statement};
use tacit_ir::ScalarFn;
use tacit_ir::types::DType;
use wasm_encoder::{Instruction as I, ValType};

/// The lanes of a vector of 16-bit numbers.
pub const BYTES: usize = 2 * WIDTH;

/// sum[lane] += a·b of two bytes, each the same for all lanes or loaded.
pub struct Products<'a> {
    sum: &'a Element,
    factors: [&'a Expression; 2],
}

impl<'a> Products<'a> {
    /// The products that a loop's body is, if it is nothing else.
    pub fn of(emitter: &Emitter, body: &'a [Statement]) -> Option<Products<'a>> {
        let [Statement::Store { element: sum, value: Expression::Apply { function: ScalarFn::Add, operands } }] = body
        else {
            return None;
        };
        let [Expression::Load(before), Expression::Apply { function: ScalarFn::Mul, operands: factors }] =
            &operands[..]
        else {
            return None;
        };
        let is_in_locals = matches!(emitter.home(sum.array), Some(Home::Locals { .. }));
        let [a, b] = &factors[..] else { return None };
        let factors = [emitter.byte(a)?, emitter.byte(b)?];
        (before == sum && is_in_locals).then_some(Products { sum, factors })
    }
}

impl Emitter<'_> {
    /// A byte that is widened, if eight lanes of it can be had at once.
    fn byte<'a>(&self, wide: &'a Expression) -> Option<&'a Expression> {
        let lanes = self.lanes.as_ref().expect("products are those of a loop of lanes");
        let Expression::Apply { function: ScalarFn::Cast(DType::I32), operands } = wide else { return None };
        let [narrow] = &operands[..] else { return None };
        let is_loaded = match narrow {
            Expression::Load(Element { array: Array::Operand(_), position, modulo: None, row: None }) => {
                position.step(lanes.counter) == 1
            }
            Expression::Load(_)
            | Expression::Constant(_)
            | Expression::Variable(_)
            | Expression::Position(_)
            | Expression::Apply { .. }
            | Expression::MulAdd(_)
            | Expression::Dot { .. }
            | Expression::Random { .. } => false,
        };
        let is_byte = self.function.dtype(narrow) == DType::I8;
        (is_byte && (is_loaded || lanes.is_uniform(narrow))).then_some(narrow)
    }

    /// The products of the lanes from `lane` on.
    pub fn add_products(&mut self, products: &Products, counter: Counter, lane: usize) {
        self.counters[counter] = Some(Count::Constant(lane as i64));
        let factors = products.factors.map(|factor| {
            if let Expression::Load(element) = factor
                && !self.is_uniform(factor)
            {
                let argument = self.push_element_address(element);
                self.code.push(I::V128Load8x8S(argument));
            } else {
                self.push_scalar(factor);
                self.code.push(I::I16x8Splat);
            }
            let local = self.code.take(ValType::V128);
            self.code.push(I::LocalSet(local));
            local
        });
        let first = self.vector_of(products.sum).expect("the sums are in locals");
        let mut next = products.sum.clone();
        next.position.constant += WIDTH as i64;
        let second = self.vector_of(&next).expect("the sums are in locals");
        for (sum, product) in [(first, I::I32x4ExtMulLowI16x8S), (second, I::I32x4ExtMulHighI16x8S)] {
            self.code.all([I::LocalGet(sum), I::LocalGet(factors[0]), I::LocalGet(factors[1]), product]);
            self.code.all([I::I32x4Add, I::LocalSet(sum)]);
        }
        factors.into_iter().for_each(|local| self.code.give(ValType::V128, local));
    }
}
