//! Expressions of loops as C.

use super::constants;
use super::scalars::Helper;
use crate::loops::{Affine, Array, Condition, Element, Expression, Function};
use std::collections::BTreeSet;
use tacit_ir::ScalarFn;
use tacit_ir::types::{DType, Scalar};

/// The C type of an element.
pub fn c_type(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float",
        DType::I32 => "int32_t",
        DType::I8 => "int8_t",
        DType::Bool => "uint8_t",
    }
}

/// Expressions of one function, noting the helpers that they call.
pub struct Printer<'a> {
    pub function: &'a Function,
    pub used: &'a mut BTreeSet<Helper>,
}

impl Printer<'_> {
    pub fn expression(&mut self, expression: &Expression) -> String {
        match expression {
            Expression::Constant(value) => self.scalar(*value),
            Expression::Variable(variable) => format!("v{variable}"),
            Expression::Load(element) => self.element(element),
            Expression::Position(affine) => affine_text(affine),
            Expression::Apply { function, operands } => self.apply(*function, operands),
            Expression::MulAdd(operands) => {
                let [a, b, c] = operands.each_ref().map(|operand| self.expression(operand));
                self.call(Helper::MulAdd, &[a, b, c])
            }
            Expression::Dot { sum, a, b } => {
                let sum = self.expression(sum);
                let [a, b] = [a, b].map(|element| format!("&{}", self.element(element)));
                self.call(Helper::Dot, &[a, b, sum])
            }
            Expression::Random { stream, place, key } => {
                let [low, high] = key.each_ref().map(|word| self.expression(word));
                let place = format!("(uint32_t){}", affine_text(place));
                self.call(Helper::Random, &[place, format!("{stream}u"), low, high])
            }
        }
    }

    /// A place in memory, to be read or written.
    pub fn element(&self, element: &Element) -> String {
        let array = match element.array {
            Array::Operand(operand) => format!("a{operand}"),
            Array::Local(local) => format!("s{local}"),
        };
        let mut position = sum_text(&element.position);
        if let Some(modulo) = element.modulo {
            position = format!("{} % {modulo}", affine_text(&element.position));
        }
        match element.row {
            None => {}
            Some((variable, 1)) => position += &format!(" + v{variable}"),
            Some((variable, stride)) => position += &format!(" + v{variable} * {stride}"),
        }
        format!("{array}[{position}]")
    }

    fn call(&mut self, helper: Helper, arguments: &[String]) -> String {
        self.used.insert(helper);
        format!("{}({})", helper.name(), arguments.join(", "))
    }

    fn scalar(&mut self, value: Scalar) -> String {
        match value {
            Scalar::F32(x) if x.is_finite() => constants::float(x),
            Scalar::F32(x) => self.call(Helper::FromBits, &[format!("0x{:08x}u", x.to_bits())]),
            Scalar::I32(x) => constants::integer(x),
            Scalar::I8(x) => x.to_string(),
            Scalar::Bool(x) => u8::from(x).to_string(),
        }
    }

    fn apply(&mut self, function: ScalarFn, operands: &[Expression]) -> String {
        let dtype = self.function.dtype(operands.last().expect("a function has an operand"));
        let arguments: Vec<String> = operands.iter().map(|operand| self.expression(operand)).collect();
        let first = || arguments[0].clone();
        let infix = |operator: &str| format!("({} {operator} {})", arguments[0], arguments[1]);
        match function {
            ScalarFn::Add => self.sum("+", dtype, &arguments),
            ScalarFn::Sub => self.sum("-", dtype, &arguments),
            ScalarFn::Mul => self.sum("*", dtype, &arguments),
            ScalarFn::Div => match dtype {
                DType::F32 => infix("/"),
                DType::I32 => self.call(Helper::Divide, &arguments),
                DType::I8 => format!("(int8_t){}", self.call(Helper::Divide, &arguments)),
                DType::Bool => undefined(function, dtype),
            },
            ScalarFn::Neg => match dtype {
                DType::F32 => format!("(-{})", first()),
                DType::I32 => format!("(int32_t)(0u - (uint32_t){})", first()),
                DType::I8 => format!("(int8_t)(0u - (uint32_t){})", first()),
                DType::Bool => undefined(function, dtype),
            },
            ScalarFn::Max => match dtype {
                DType::F32 => self.call(Helper::MaxFloat, &arguments),
                DType::I32 => self.call(Helper::MaxInteger, &arguments),
                DType::I8 => format!("(int8_t){}", self.call(Helper::MaxInteger, &arguments)),
                DType::Bool => infix("|"),
            },
            ScalarFn::Min => match dtype {
                DType::F32 => self.call(Helper::MinFloat, &arguments),
                DType::I32 => self.call(Helper::MinInteger, &arguments),
                DType::I8 => format!("(int8_t){}", self.call(Helper::MinInteger, &arguments)),
                DType::Bool => infix("&"),
            },
            ScalarFn::Less => format!("(uint8_t){}", infix("<")),
            ScalarFn::Equal => format!("(uint8_t){}", infix("==")),
            ScalarFn::Select => match dtype {
                DType::F32 => self.call(Helper::SelectFloat, &arguments),
                DType::I32 => self.call(Helper::SelectInteger, &arguments),
                DType::I8 => format!("(int8_t){}", self.call(Helper::SelectInteger, &arguments)),
                DType::Bool => format!("(uint8_t){}", self.call(Helper::SelectInteger, &arguments)),
            },
            ScalarFn::Straight => arguments[1].clone(),
            ScalarFn::Cast(to) => self.cast(dtype, to, first()),
            ScalarFn::MulShift => self.call(Helper::MulShift, &arguments),
            ScalarFn::ShiftLeft => self.call(Helper::ShiftLeft, &arguments),
            ScalarFn::ShiftRight => self.call(Helper::ShiftRight, &arguments),
            ScalarFn::Sqrt => self.call(Helper::Sqrt, &arguments),
            ScalarFn::Exp
            | ScalarFn::Log
            | ScalarFn::Tanh
            | ScalarFn::Sigmoid
            | ScalarFn::Erf
            | ScalarFn::Sin
            | ScalarFn::Cos
            | ScalarFn::Round
            | ScalarFn::Flush => self.call(Helper::Sequence(function.name()), &arguments),
        }
    }

    /// Integers wrap, which signed ones of C do not.
    fn sum(&mut self, operator: &str, dtype: DType, arguments: &[String]) -> String {
        let [a, b] = arguments else { panic!("a sum has two operands") };
        match dtype {
            DType::F32 => format!("({a} {operator} {b})"),
            DType::I32 => format!("(int32_t)((uint32_t){a} {operator} (uint32_t){b})"),
            DType::I8 => format!("(int8_t)((uint32_t){a} {operator} (uint32_t){b})"),
            DType::Bool => panic!("bools are not added"),
        }
    }

    fn cast(&mut self, from: DType, to: DType, argument: String) -> String {
        let to_integer = |printer: &mut Self| match from {
            DType::F32 => printer.call(Helper::ToInteger, std::slice::from_ref(&argument)),
            DType::I32 => argument.clone(),
            DType::I8 | DType::Bool => format!("(int32_t){argument}"),
        };
        match (from, to) {
            (DType::F32, DType::F32)
            | (DType::I32, DType::I32)
            | (DType::I8, DType::I8)
            | (DType::Bool, DType::Bool) => argument,
            (DType::I32 | DType::I8 | DType::Bool, DType::F32) => format!("(float){argument}"),
            (_, DType::I32) => to_integer(self),
            (DType::Bool, DType::I8) => format!("(int8_t){argument}"),
            (_, DType::I8) => {
                let wide = to_integer(self);
                self.call(Helper::Narrow, &[wide])
            }
            (DType::F32, DType::Bool) => format!("(uint8_t)({argument} != 0.0f)"),
            (DType::I32 | DType::I8, DType::Bool) => format!("(uint8_t)({argument} != 0)"),
        }
    }
}

fn undefined(function: ScalarFn, dtype: DType) -> String {
    panic!("the verifier refuses `{}` on {}", function.name(), dtype.name())
}

/// A sum of counters, in parentheses if it has several parts.
pub fn affine_text(affine: &Affine) -> String {
    let text = sum_text(affine);
    if text.contains([' ', '-']) { format!("({text})") } else { text }
}

fn sum_text(affine: &Affine) -> String {
    let mut parts: Vec<String> = vec![];
    for (step, counter) in &affine.terms {
        let term = match step.abs() {
            1 => format!("i{counter}"),
            step => format!("i{counter} * {step}"),
        };
        parts.push(match (parts.is_empty(), *step < 0) {
            (true, false) => term,
            (true, true) => format!("-{term}"),
            (false, false) => format!("+ {term}"),
            (false, true) => format!("- {term}"),
        });
    }
    match (parts.is_empty(), affine.constant) {
        (true, constant) => parts.push(constant.to_string()),
        (false, 0) => {}
        (false, constant) if constant < 0 => parts.push(format!("- {}", -constant)),
        (false, constant) => parts.push(format!("+ {constant}")),
    }
    parts.join(" ")
}

/// A condition on counters.
pub fn condition_text(condition: &Condition) -> String {
    match condition {
        // A negative index is a large one without its sign.
        Condition::Within { position, extent } => format!("(uint32_t){} < {extent}u", affine_text(position)),
        Condition::Multiple { position, of } => format!("{} % {of} == 0", affine_text(position)),
    }
}
