//! Expressions of one number. Integers and truths (0 or 1) are words; an i8 is kept with its sign.

use super::code::Width;
use super::function::{Emitter, Home, scalar_type};
use super::lanes::WIDTH;
use super::scalars::{Helper, bounded};
use crate::loops::{DOT, Element, Expression};
use tacit_ir::ScalarFn;
use tacit_ir::types::{DType, Scalar};
use wasm_encoder::{Instruction as I, ValType};

impl Emitter<'_> {
    pub fn push_scalar(&mut self, expression: &Expression) {
        match expression {
            Expression::Constant(value) => self.code.push(constant(*value)),
            Expression::Variable(variable) => {
                let local = self.scalar(*variable);
                self.code.push(I::LocalGet(local));
            }
            Expression::Load(element) => self.load_one(element),
            Expression::Position(affine) => self.push_position(affine),
            Expression::Apply { function, operands } => self.apply_one(*function, operands),
            Expression::MulAdd(operands) => {
                operands.iter().for_each(|operand| self.push_scalar(operand));
                self.helpers.fused(&mut self.code, Width::One);
            }
            Expression::Dot { sum, a, b } => {
                self.push_scalar(sum);
                for (a, b) in a.run(DOT).zip(b.run(DOT)) {
                    self.load_one(&a);
                    self.load_one(&b);
                    self.code.all([I::I32Mul, I::I32Add]);
                }
            }
            Expression::Random { stream, place, key } => {
                self.push_position(place);
                self.code.push(I::I32Const(*stream as i32));
                key.iter().for_each(|word| self.push_scalar(word));
                self.call(Helper::Uniform);
            }
        }
    }

    pub fn call(&mut self, helper: Helper) {
        let number = self.helpers.number(helper);
        self.code.push(I::Call(number));
    }

    fn load_one(&mut self, element: &Element) {
        let dtype = self.function.dtype_of(element.array);
        if self.home(element.array).is_some() {
            let (_, position) = self.resolved(&element.position);
            return self.load_from_locals(element, position as usize, dtype);
        }
        let argument = self.push_element_address(element);
        match dtype {
            DType::F32 => self.code.push(I::F32Load(argument)),
            DType::I32 => self.code.push(I::I32Load(argument)),
            DType::I8 => self.code.push(I::I32Load8S(argument)),
            // A caller may write any byte for true.
            DType::Bool => self.code.all([I::I32Load8U(argument), I::I32Const(0), I::I32Ne]),
        }
    }

    fn load_from_locals(&mut self, element: &Element, position: usize, dtype: DType) {
        let Some(Home::Locals { vectors, rest }) = self.home(element.array) else { panic!("the array is in locals") };
        let Some(vector) = vectors.get(position / WIDTH).copied() else {
            let local = rest[position - vectors.len() * WIDTH];
            return self.code.push(I::LocalGet(local));
        };
        let lane = (position % WIDTH) as u8;
        self.code.push(I::LocalGet(vector));
        match dtype {
            DType::F32 => self.code.push(I::F32x4ExtractLane(lane)),
            DType::I32 | DType::I8 => self.code.push(I::I32x4ExtractLane(lane)),
            DType::Bool => self.code.all([I::I32x4ExtractLane(lane), I::I32Const(1), I::I32And]),
        }
    }

    fn apply_one(&mut self, function: ScalarFn, operands: &[Expression]) {
        let dtype = self.function.dtype(operands.last().expect("a function has an operand"));
        let is_float = dtype == DType::F32;
        let each = |emitter: &mut Self| operands.iter().for_each(|operand| emitter.push_scalar(operand));
        let instruction = |float: I<'static>, integer: I<'static>| if is_float { float } else { integer };
        match function {
            ScalarFn::Add => {
                each(self);
                self.code.push(instruction(I::F32Add, I::I32Add));
                self.wrap(dtype);
            }
            ScalarFn::Sub => {
                each(self);
                self.code.push(instruction(I::F32Sub, I::I32Sub));
                self.wrap(dtype);
            }
            ScalarFn::Mul => {
                each(self);
                self.code.push(instruction(I::F32Mul, I::I32Mul));
                self.wrap(dtype);
            }
            ScalarFn::Div => {
                each(self);
                match is_float {
                    true => self.code.push(I::F32Div),
                    false => self.call(Helper::Divide),
                }
                self.wrap(dtype);
            }
            ScalarFn::Neg if is_float => {
                each(self);
                self.code.push(I::F32Neg);
            }
            ScalarFn::Neg => {
                self.code.push(I::I32Const(0));
                each(self);
                self.code.push(I::I32Sub);
                self.wrap(dtype);
            }
            // b < a ? a : b
            ScalarFn::Max => self.choose_between(operands, dtype, true),
            // a < b ? a : b
            ScalarFn::Min => self.choose_between(operands, dtype, false),
            ScalarFn::Less => {
                each(self);
                self.code.push(instruction(I::F32Lt, I::I32LtS));
            }
            ScalarFn::Equal => {
                each(self);
                self.code.push(instruction(I::F32Eq, I::I32Eq));
            }
            ScalarFn::Select => {
                let [truth, yes, no] = operands else { panic!("`select` has three operands") };
                let [a, b] = self.kept([yes, no], dtype);
                self.push_scalar(truth);
                self.choose(a, b, dtype);
            }
            ScalarFn::Straight => self.push_scalar(&operands[1]),
            ScalarFn::Cast(to) => {
                each(self);
                self.cast(dtype, to);
            }
            ScalarFn::MulShift => {
                each(self);
                self.call(Helper::MulShift(Width::One));
            }
            ScalarFn::ShiftLeft | ScalarFn::ShiftRight => {
                each(self);
                bounded(&mut self.code, 31, false);
                bounded(&mut self.code, 0, true);
                self.code.push(if function == ScalarFn::ShiftLeft { I::I32Shl } else { I::I32ShrS });
            }
            ScalarFn::Sqrt => {
                each(self);
                self.code.push(I::F32Sqrt);
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
                self.call(Helper::Sequence(function, Width::One));
            }
        }
    }

    /// The i8 that the word on the stack wraps to.
    fn wrap(&mut self, dtype: DType) {
        if dtype == DType::I8 {
            self.code.push(I::I32Extend8S);
        }
    }

    /// Two values in locals of a moment.
    fn kept(&mut self, values: [&Expression; 2], dtype: DType) -> [u32; 2] {
        values.map(|value| {
            self.push_scalar(value);
            let local = self.code.take(scalar_type(dtype));
            self.code.push(I::LocalSet(local));
            local
        })
    }

    fn choose_between(&mut self, operands: &[Expression], dtype: DType, is_greater: bool) {
        let [a, b] = operands else { panic!("`max` and `min` have two operands") };
        let [a, b] = self.kept([a, b], dtype);
        let (first, second) = if is_greater { (b, a) } else { (a, b) };
        self.code.all([I::LocalGet(first), I::LocalGet(second)]);
        self.code.push(if dtype == DType::F32 { I::F32Lt } else { I::I32LtS });
        self.choose(a, b, dtype);
    }

    /// One of two locals of a moment by the truth on the stack: no ^ ((yes ^ no) & −truth). A select of floats is a
    /// branch on some machines.
    fn choose(&mut self, yes: u32, no: u32, dtype: DType) {
        let truth = self.code.take(ValType::I32);
        self.code.push(I::LocalSet(truth));
        let word = |emitter: &mut Self, local: u32| {
            emitter.code.push(I::LocalGet(local));
            if dtype == DType::F32 {
                emitter.code.push(I::I32ReinterpretF32);
            }
        };
        word(self, no);
        word(self, yes);
        word(self, no);
        self.code.all([I::I32Xor, I::I32Const(0), I::LocalGet(truth), I::I32Sub, I::I32And, I::I32Xor]);
        if dtype == DType::F32 {
            self.code.push(I::F32ReinterpretI32);
        }
        self.code.give(ValType::I32, truth);
        self.code.give(scalar_type(dtype), yes);
        self.code.give(scalar_type(dtype), no);
    }

    fn cast(&mut self, from: DType, to: DType) {
        match (from, to) {
            (DType::F32, DType::F32) | (DType::Bool, DType::Bool) => {}
            (DType::I32 | DType::I8 | DType::Bool, DType::F32) => self.code.push(I::F32ConvertI32S),
            (DType::F32, DType::I32) => self.code.push(I::I32TruncSatF32S),
            (DType::F32, DType::I8) => {
                self.code.push(I::I32TruncSatF32S);
                self.narrow();
            }
            (DType::I32, DType::I8) => self.narrow(),
            (DType::I32 | DType::I8 | DType::Bool, DType::I32) | (DType::I8 | DType::Bool, DType::I8) => {}
            (DType::F32, DType::Bool) => self.code.all([I::F32Const(0.0.into()), I::F32Ne]),
            (DType::I32 | DType::I8, DType::Bool) => self.code.all([I::I32Const(0), I::I32Ne]),
        }
    }

    fn narrow(&mut self) {
        bounded(&mut self.code, 127, false);
        bounded(&mut self.code, -128, true);
    }
}

fn constant(value: Scalar) -> I<'static> {
    match value {
        Scalar::F32(x) => I::F32Const(x.into()),
        Scalar::I32(x) => I::I32Const(x),
        Scalar::I8(x) => I::I32Const(i32::from(x)),
        Scalar::Bool(x) => I::I32Const(i32::from(x)),
    }
}
