//! Expressions of four lanes: f32, i32 with an i8's sign, or truths of all bits or none.

use super::code::Width;
use super::function::{Emitter, Home, scalar_type};
use super::lanes::WIDTH;
use super::scalars::{Helper, repeated};
use crate::loops::{Affine, Element, Expression};
use tacit_ir::ScalarFn;
use tacit_ir::types::DType;
use wasm_encoder::{Instruction as I, MemArg, ValType};

impl Emitter<'_> {
    pub fn is_uniform(&self, expression: &Expression) -> bool {
        self.lanes.as_ref().expect("vectors are written in a loop of lanes").is_uniform(expression)
    }

    /// The elements from one lane's position to the next one's.
    fn step(&self, position: &Affine) -> i64 {
        position.step(self.lanes.as_ref().expect("vectors are written in a loop of lanes").counter)
    }

    pub fn push_vector(&mut self, expression: &Expression) {
        if self.is_uniform(expression) {
            let dtype = self.function.dtype(expression);
            return self.push_repeated(expression, dtype);
        }
        match expression {
            Expression::Constant(_) | Expression::Dot { .. } | Expression::Random { .. } => {
                panic!("it does not vary from lane to lane")
            }
            Expression::Variable(variable) => {
                let local = self.vector(*variable);
                self.code.push(I::LocalGet(local));
            }
            Expression::Load(element) => self.load_four(element),
            Expression::Position(affine) => {
                let step = self.step(affine) as i32;
                self.push_position(affine);
                self.code.all([I::I32x4Splat, I::V128Const(words([0, step, 2 * step, 3 * step])), I::I32x4Add]);
            }
            Expression::Apply { function, operands } => self.apply_four(*function, operands),
            Expression::MulAdd(operands) => {
                operands.iter().for_each(|operand| self.push_vector(operand));
                self.helpers.fused(&mut self.code, Width::Four);
            }
        }
    }

    /// One number in all lanes.
    fn push_repeated(&mut self, expression: &Expression, dtype: DType) {
        if dtype == DType::Bool {
            self.code.push(I::I32Const(0));
        }
        self.push_scalar(expression);
        match dtype {
            DType::F32 => self.code.push(I::F32x4Splat),
            DType::I32 | DType::I8 => self.code.push(I::I32x4Splat),
            DType::Bool => self.code.all([I::I32Sub, I::I32x4Splat]),
        }
    }

    /// The local of four elements that begin at the element.
    pub fn vector_of(&self, element: &Element) -> Option<u32> {
        let Some(Home::Locals { vectors, .. }) = self.home(element.array) else { return None };
        let (_, position) = self.resolved(&element.position);
        Some(vectors[position as usize / WIDTH])
    }

    fn load_four(&mut self, element: &Element) {
        if let Some(vector) = self.vector_of(element) {
            return self.code.push(I::LocalGet(vector));
        }
        let dtype = self.function.dtype_of(element.array);
        let step = self.step(&element.position);
        match dtype {
            DType::F32 | DType::I32 if step != 1 => self.gather(element, step),
            DType::F32 | DType::I32 => {
                let argument = self.push_element_address(element);
                self.code.push(I::V128Load(argument));
            }
            DType::I8 | DType::Bool => {
                let argument = self.push_element_address(element);
                self.code.push(I::V128Load32Zero(argument));
                match dtype == DType::I8 {
                    true => self.code.all([I::I16x8ExtendLowI8x16S, I::I32x4ExtendLowI16x8S]),
                    false => {
                        self.code.all([I::I16x8ExtendLowI8x16U, I::I32x4ExtendLowI16x8U]);
                        // A caller may write any byte for true.
                        self.code.all([I::V128Const(0), I::I32x4Ne]);
                    }
                }
            }
        }
    }

    /// Words that do not lie side by side, one by one.
    fn gather(&mut self, element: &Element, step: i64) {
        let vector = self.code.take(ValType::V128);
        let mut lane = element.clone();
        for number in 0..WIDTH as u8 {
            let argument = self.push_element_address(&lane);
            match number {
                0 => self.code.push(I::V128Load32Zero(argument)),
                _ => self.code.all([I::LocalGet(vector), I::V128Load32Lane { memarg: argument, lane: number }]),
            }
            self.code.push(I::LocalSet(vector));
            lane.position.constant += step;
        }
        self.code.push(I::LocalGet(vector));
        self.code.give(ValType::V128, vector);
    }

    pub fn store_four(&mut self, element: &Element, value: &Expression) {
        if let Some(vector) = self.vector_of(element) {
            self.push_vector(value);
            return self.code.push(I::LocalSet(vector));
        }
        let dtype = self.function.dtype_of(element.array);
        let step = self.step(&element.position);
        match dtype {
            DType::F32 | DType::I32 if step != 1 => {
                self.push_vector(value);
                let vector = self.code.take(ValType::V128);
                self.code.push(I::LocalSet(vector));
                let mut lane = element.clone();
                for number in 0..WIDTH as u8 {
                    let argument = self.push_element_address(&lane);
                    self.code.all([I::LocalGet(vector), I::V128Store32Lane { memarg: argument, lane: number }]);
                    lane.position.constant += step;
                }
                self.code.give(ValType::V128, vector);
            }
            DType::F32 | DType::I32 => {
                let argument = self.push_element_address(element);
                self.push_vector(value);
                self.code.push(I::V128Store(argument));
            }
            DType::I8 | DType::Bool => {
                let argument: MemArg = self.push_element_address(element);
                self.push_vector(value);
                if dtype == DType::Bool {
                    self.code.all([I::V128Const(repeated(1)), I::V128And]);
                }
                self.code.all([I::V128Const(0), I::I16x8NarrowI32x4S, I::V128Const(0), I::I8x16NarrowI16x8S]);
                self.code.push(I::V128Store32Lane { memarg: MemArg { align: 0, ..argument }, lane: 0 });
            }
        }
    }

    fn apply_four(&mut self, function: ScalarFn, operands: &[Expression]) {
        let dtype = self.function.dtype(operands.last().expect("a function has an operand"));
        let is_float = dtype == DType::F32;
        let each = |emitter: &mut Self| operands.iter().for_each(|operand| emitter.push_vector(operand));
        let instruction = |float: I<'static>, integer: I<'static>| if is_float { float } else { integer };
        match function {
            ScalarFn::Add => {
                each(self);
                self.code.push(instruction(I::F32x4Add, I::I32x4Add));
                self.wrap_four(dtype);
            }
            ScalarFn::Sub => {
                each(self);
                self.code.push(instruction(I::F32x4Sub, I::I32x4Sub));
                self.wrap_four(dtype);
            }
            ScalarFn::Mul => {
                each(self);
                self.code.push(instruction(I::F32x4Mul, I::I32x4Mul));
                self.wrap_four(dtype);
            }
            ScalarFn::Div if is_float => {
                each(self);
                self.code.push(I::F32x4Div);
            }
            ScalarFn::Div => {
                self.one_by_one(operands, dtype, |emitter| emitter.call(Helper::Divide));
                self.wrap_four(dtype);
            }
            ScalarFn::Neg => {
                each(self);
                self.code.push(instruction(I::F32x4Neg, I::I32x4Neg));
                self.wrap_four(dtype);
            }
            ScalarFn::Max | ScalarFn::Min => self.choose_between_fours(operands, dtype, function == ScalarFn::Max),
            ScalarFn::Less => {
                match dtype {
                    DType::F32 | DType::I32 | DType::I8 => each(self),
                    // A true lane is −1, so the order is the other one.
                    DType::Bool => operands.iter().rev().for_each(|operand| self.push_vector(operand)),
                }
                self.code.push(instruction(I::F32x4Lt, I::I32x4LtS));
            }
            ScalarFn::Equal => {
                each(self);
                self.code.push(instruction(I::F32x4Eq, I::I32x4Eq));
            }
            ScalarFn::Select => {
                let [truth, yes, no] = operands else { panic!("`select` has three operands") };
                [yes, no, truth].iter().for_each(|operand| self.push_vector(operand));
                self.code.push(I::V128Bitselect);
            }
            ScalarFn::Straight => self.push_vector(&operands[1]),
            ScalarFn::Cast(to) => {
                each(self);
                self.cast_four(dtype, to);
            }
            ScalarFn::MulShift => {
                each(self);
                self.call(Helper::MulShift(Width::Four));
            }
            ScalarFn::ShiftLeft | ScalarFn::ShiftRight => {
                let shift = if function == ScalarFn::ShiftLeft { I::I32Shl } else { I::I32ShrS };
                self.one_by_one(operands, dtype, |emitter| {
                    super::scalars::bounded(&mut emitter.code, 31, false);
                    super::scalars::bounded(&mut emitter.code, 0, true);
                    emitter.code.push(shift.clone());
                });
            }
            ScalarFn::Sqrt => {
                each(self);
                self.code.push(I::F32x4Sqrt);
            }
            ScalarFn::Exp
            | ScalarFn::Log
            | ScalarFn::Tanh
            | ScalarFn::Sigmoid
            | ScalarFn::Erf
            | ScalarFn::Sin
            | ScalarFn::Cos
            | ScalarFn::Round
            | ScalarFn::Flush => {
                each(self);
                self.call(Helper::Sequence(function, Width::Four));
            }
        }
    }

    /// The i8 that each lane wraps to.
    fn wrap_four(&mut self, dtype: DType) {
        if dtype == DType::I8 {
            self.code.all([I::I32Const(24), I::I32x4Shl, I::I32Const(24), I::I32x4ShrS]);
        }
    }

    fn choose_between_fours(&mut self, operands: &[Expression], dtype: DType, is_greater: bool) {
        let [a, b] = operands else { panic!("`max` and `min` have two operands") };
        match dtype {
            // pmax(b, a) is b < a ? a : b, and pmin(b, a) is a < b ? a : b.
            DType::F32 => {
                [b, a].iter().for_each(|operand| self.push_vector(operand));
                self.code.push(if is_greater { I::F32x4PMax } else { I::F32x4PMin });
            }
            DType::I32 | DType::I8 => {
                [a, b].iter().for_each(|operand| self.push_vector(operand));
                self.code.push(if is_greater { I::I32x4MaxS } else { I::I32x4MinS });
            }
            DType::Bool => {
                [a, b].iter().for_each(|operand| self.push_vector(operand));
                self.code.push(if is_greater { I::V128Or } else { I::V128And });
            }
        }
    }

    /// A function of words that vectors do not have, lane after lane.
    fn one_by_one(&mut self, operands: &[Expression], dtype: DType, function: impl Fn(&mut Self)) {
        let vectors: Vec<u32> = operands
            .iter()
            .map(|operand| {
                self.push_vector(operand);
                let local = self.code.take(ValType::V128);
                self.code.push(I::LocalSet(local));
                local
            })
            .collect();
        assert_eq!(scalar_type(dtype), ValType::I32, "floats have all their functions as vectors");
        self.code.push(I::V128Const(0));
        for lane in 0..WIDTH as u8 {
            for vector in &vectors {
                self.code.all([I::LocalGet(*vector), I::I32x4ExtractLane(lane)]);
            }
            function(self);
            self.code.push(I::I32x4ReplaceLane(lane));
        }
        vectors.into_iter().for_each(|vector| self.code.give(ValType::V128, vector));
    }

    fn cast_four(&mut self, from: DType, to: DType) {
        match (from, to) {
            (DType::F32, DType::F32) | (DType::Bool, DType::Bool) => {}
            (DType::I32 | DType::I8, DType::F32) => self.code.push(I::F32x4ConvertI32x4S),
            (DType::Bool, DType::F32) => self.code.all([I::V128Const(repeated(1.0f32.to_bits())), I::V128And]),
            (DType::F32, DType::I32) => self.code.push(I::I32x4TruncSatF32x4S),
            (DType::F32, DType::I8) => {
                self.code.push(I::I32x4TruncSatF32x4S);
                self.narrow_four();
            }
            (DType::I32, DType::I8) => self.narrow_four(),
            (DType::I32 | DType::I8, DType::I32) | (DType::I8, DType::I8) => {}
            (DType::Bool, DType::I32 | DType::I8) => self.code.all([I::V128Const(repeated(1)), I::V128And]),
            (DType::F32, DType::Bool) => self.code.all([I::V128Const(0), I::F32x4Ne]),
            (DType::I32 | DType::I8, DType::Bool) => self.code.all([I::V128Const(0), I::I32x4Ne]),
        }
    }

    fn narrow_four(&mut self) {
        self.code.all([I::V128Const(repeated(127)), I::I32x4MinS]);
        self.code.all([I::V128Const(repeated(-128_i32 as u32)), I::I32x4MaxS]);
    }
}

/// A vector of four integers.
fn words(lanes: [i32; WIDTH]) -> i128 {
    lanes.iter().rev().fold(0u128, |all, lane| all << 32 | u128::from(*lane as u32)) as i128
}
