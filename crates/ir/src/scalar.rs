//! The scalar functions of `map`: one table with names, arity, type rule, evaluation and manual text.

use crate::error::{self, GraphError, Result};
use crate::math;
use crate::types::{DType, Scalar};

/// Declares the functions and lists them in one go, so that none can be missing from [`ScalarFn::ALL`] and thereby
/// from every test that iterates over it. The casts stand between the two lists.
macro_rules! functions {
    ($($before:ident)*; $($after:ident)*) => {
        /// A scalar function. `DType` in `Cast` is the type of the result.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ScalarFn {
            $($before,)*
            Cast(DType),
            $($after,)*
        }

        impl ScalarFn {
            const COUNT: usize = [$(stringify!($before),)* $(stringify!($after),)*].len() + DType::ALL.len();

            pub const ALL: [ScalarFn; ScalarFn::COUNT] = [
                $(ScalarFn::$before,)*
                ScalarFn::Cast(DType::ALL[0]),
                ScalarFn::Cast(DType::ALL[1]),
                ScalarFn::Cast(DType::ALL[2]),
                ScalarFn::Cast(DType::ALL[3]),
                $(ScalarFn::$after,)*
            ];
        }
    };
}

functions! {
    Add Sub Mul Div Neg Max Min Less Equal Select
    Exp Log Sqrt Tanh Sigmoid Erf Sin Cos Round Flush Straight;
    MulShift ShiftLeft ShiftRight
}

/// Which element types a function accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Domain {
    /// f32, i32 and i8.
    Numbers,
    /// Every type.
    Any,
    Floats,
    /// i32 alone.
    Words,
}

/// One row of the manual.
pub struct Row {
    pub name: &'static str,
    pub operands: &'static [&'static str],
    domain: Domain,
    pub doc: &'static str,
}

impl ScalarFn {
    pub fn row(self) -> Row {
        use Domain::*;
        let row = |name, operands, domain, doc| Row { name, operands, domain, doc };
        match self {
            ScalarFn::Add => row("add", &["a", "b"], Numbers, "a + b; integers wrap."),
            ScalarFn::Sub => row("sub", &["a", "b"], Numbers, "a − b; integers wrap."),
            ScalarFn::Mul => row("mul", &["a", "b"], Numbers, "a · b; integers wrap."),
            ScalarFn::Div => {
                row("div", &["a", "b"], Numbers, "a / b; integers truncate and wrap, and dividing by 0 gives 0.")
            }
            ScalarFn::Neg => row("neg", &["a"], Numbers, "−a; a float's sign bit is flipped, integers wrap."),
            ScalarFn::Max => row(
                "max",
                &["a", "b"],
                Any,
                "b < a ? a : b. So max(NaN, b) = b, max(a, NaN) = NaN, and equal operands give b. On bool: or.",
            ),
            ScalarFn::Min => row("min", &["a", "b"], Any, "a < b ? a : b. So min(a, NaN) = NaN. On bool: and."),
            ScalarFn::Less => row("less", &["a", "b"], Any, "a < b as bool; false if either is NaN; false < true."),
            ScalarFn::Equal => row("equal", &["a", "b"], Any, "a = b as bool; −0 = +0; NaN equals nothing."),
            ScalarFn::Select => row("select", &["c", "a", "b"], Any, "c ? a : b, where c is bool."),
            ScalarFn::Exp => row("exp", &["a"], Floats, "eᵃ; a result below the smallest normal number is +0."),
            ScalarFn::Log => row("log", &["a"], Floats, "The natural logarithm; −∞ at ±0, NaN below."),
            ScalarFn::Sqrt => row("sqrt", &["a"], Floats, "The square root, correctly rounded; NaN below −0."),
            ScalarFn::Tanh => row("tanh", &["a"], Floats, "The hyperbolic tangent."),
            ScalarFn::Sigmoid => row("sigmoid", &["a"], Floats, "1 / (1 + e⁻ᵃ)."),
            ScalarFn::Erf => row("erf", &["a"], Floats, "2/√π · ∫₀ᵃ exp(−t²) dt."),
            ScalarFn::Sin => row("sin", &["a"], Floats, "The sine; accurate over the range stated in NUMERICS.md."),
            ScalarFn::Cos => row("cos", &["a"], Floats, "The cosine; accurate over the range stated in NUMERICS.md."),
            ScalarFn::Round => row("round", &["a"], Floats, "The nearest integer, ties to even; keeps the sign of 0."),
            ScalarFn::Flush => {
                row("flush", &["a"], Floats, "+0 where |a| is below the smallest normal number, else a.")
            }
            ScalarFn::Straight => row(
                "straight",
                &["x", "q"],
                Numbers,
                "The value of q with the gradient of x (straight-through); straight(0, q) stops a gradient.",
            ),
            ScalarFn::Cast(_) => row(
                "cast",
                &["a"],
                Any,
                "a as the result's type: to f32 to nearest; f32 to integers towards zero, saturating, NaN to 0; i32 \
                 to i8 saturating; to bool: a ≠ 0; bool to numbers: 0 or 1.",
            ),
            ScalarFn::MulShift => row(
                "mulshift",
                &["x", "m", "s"],
                Words,
                "x · m · 2^(s−31) as TFLite's reference kernels round it: shift left by max(s, 0), saturating \
                 rounding doubling high multiply by m, rounding shift right by max(−s, 0).",
            ),
            ScalarFn::ShiftLeft => row("shiftleft", &["a", "s"], Words, "a · 2ˢ, wrapping, s clamped to 0…31."),
            ScalarFn::ShiftRight => row("shiftright", &["a", "s"], Words, "⌊a / 2ˢ⌋, s clamped to 0…31."),
        }
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub fn arity(self) -> usize {
        self.row().operands.len()
    }

    /// The function of a name; `result` picks the cast.
    pub fn from_name(name: &str, result: DType) -> Option<ScalarFn> {
        match name {
            "cast" => Some(ScalarFn::Cast(result)),
            _ => ScalarFn::ALL.into_iter().find(|f| f.name() == name),
        }
    }

    /// The type of the result, or why the operands do not fit.
    pub fn result_type(self, operands: &[DType]) -> Result<DType> {
        let row = self.row();
        let fail = |message| Err(GraphError::new(error::TYPE, message));
        if operands.len() != row.operands.len() {
            return fail(format!("`{}` takes {} operands, not {}", row.name, row.operands.len(), operands.len()));
        }
        let values = if self == ScalarFn::Select { &operands[1..] } else { operands };
        if self == ScalarFn::Select && operands[0] != DType::Bool {
            return fail(format!("the condition of `{}` is bool, not {}", row.name, operands[0].name()));
        }
        if let Some(other) = values.iter().find(|t| **t != values[0]) {
            return fail(format!(
                "operands of `{}` agree in type, but {} and {} were given; use `cast`",
                row.name,
                values[0].name(),
                other.name()
            ));
        }
        let allowed = match row.domain {
            Domain::Any => true,
            Domain::Numbers => values[0] != DType::Bool,
            Domain::Floats => values[0] == DType::F32,
            Domain::Words => values[0] == DType::I32,
        };
        if !allowed {
            return fail(format!("`{}` is not defined on {}", row.name, values[0].name()));
        }
        let compares = matches!(self, ScalarFn::Less | ScalarFn::Equal);
        Ok(if let ScalarFn::Cast(result) = self {
            result
        } else if compares {
            DType::Bool
        } else {
            values[0]
        })
    }

    /// The value for operands of verified types.
    pub fn apply<R: Real>(self, operands: &[Value<R>]) -> Value<R> {
        use Value::*;
        match (self, operands) {
            (ScalarFn::Select, [Bool(c), a, b]) => {
                if *c {
                    *a
                } else {
                    *b
                }
            }
            (ScalarFn::Cast(to), [a]) => a.cast(to),
            (ScalarFn::Less, [a, b]) => Bool(match (*a, *b) {
                (Float(a), Float(b)) => a < b,
                (I32(a), I32(b)) => a < b,
                (I8(a), I8(b)) => a < b,
                (Bool(a), Bool(b)) => !a & b,
                _ => mistyped(self),
            }),
            (ScalarFn::Equal, [a, b]) => Bool(match (*a, *b) {
                (Float(a), Float(b)) => a == b,
                (I32(a), I32(b)) => a == b,
                (I8(a), I8(b)) => a == b,
                (Bool(a), Bool(b)) => a == b,
                _ => mistyped(self),
            }),
            (_, [Float(a)]) => Float(self.unary(*a)),
            (_, [Float(a), Float(b)]) => Float(self.binary(*a, *b)),
            (ScalarFn::Neg, [I32(a)]) => I32(a.wrapping_neg()),
            (ScalarFn::Neg, [I8(a)]) => I8(a.wrapping_neg()),
            (_, [I32(a), I32(b)]) => I32(self.integer(*a, *b)),
            (_, [I8(a), I8(b)]) => I8(self.integer(*a as i32, *b as i32) as i8),
            (ScalarFn::MulShift, [I32(x), I32(m), I32(s)]) => I32(math::mulshift(*x, *m, *s)),
            (ScalarFn::Max, [Bool(a), Bool(b)]) => Bool(a | b),
            (ScalarFn::Min, [Bool(a), Bool(b)]) => Bool(a & b),
            _ => mistyped(self),
        }
    }

    fn unary<R: Real>(self, a: R) -> R {
        match self {
            ScalarFn::Neg => a.neg(),
            ScalarFn::Exp => a.exp(),
            ScalarFn::Log => a.log(),
            ScalarFn::Sqrt => a.sqrt(),
            ScalarFn::Tanh => a.tanh(),
            ScalarFn::Sigmoid => a.sigmoid(),
            ScalarFn::Erf => a.erf(),
            ScalarFn::Sin => a.sin(),
            ScalarFn::Cos => a.cos(),
            ScalarFn::Round => a.round(),
            ScalarFn::Flush => a.flush(),
            ScalarFn::Add
            | ScalarFn::Sub
            | ScalarFn::Mul
            | ScalarFn::Div
            | ScalarFn::Max
            | ScalarFn::Min
            | ScalarFn::Less
            | ScalarFn::Equal
            | ScalarFn::Select
            | ScalarFn::Straight
            | ScalarFn::Cast(_)
            | ScalarFn::MulShift
            | ScalarFn::ShiftLeft
            | ScalarFn::ShiftRight => mistyped(self),
        }
    }

    fn binary<R: Real>(self, a: R, b: R) -> R {
        match self {
            ScalarFn::Add => a.add(b),
            ScalarFn::Sub => a.sub(b),
            ScalarFn::Mul => a.mul(b),
            ScalarFn::Div => a.div(b),
            ScalarFn::Max => {
                if b < a {
                    a
                } else {
                    b
                }
            }
            ScalarFn::Min => {
                if a < b {
                    a
                } else {
                    b
                }
            }
            ScalarFn::Straight => b,
            ScalarFn::Neg
            | ScalarFn::Less
            | ScalarFn::Equal
            | ScalarFn::Select
            | ScalarFn::Exp
            | ScalarFn::Log
            | ScalarFn::Sqrt
            | ScalarFn::Tanh
            | ScalarFn::Sigmoid
            | ScalarFn::Erf
            | ScalarFn::Sin
            | ScalarFn::Cos
            | ScalarFn::Round
            | ScalarFn::Flush
            | ScalarFn::Cast(_)
            | ScalarFn::MulShift
            | ScalarFn::ShiftLeft
            | ScalarFn::ShiftRight => mistyped(self),
        }
    }

    /// On i32; an i8 is computed here and wraps afterwards.
    pub fn integer(self, a: i32, b: i32) -> i32 {
        match self {
            ScalarFn::Add => a.wrapping_add(b),
            ScalarFn::Sub => a.wrapping_sub(b),
            ScalarFn::Mul => a.wrapping_mul(b),
            ScalarFn::Div => {
                if b == 0 {
                    0
                } else {
                    a.wrapping_div(b)
                }
            }
            ScalarFn::Max => a.max(b),
            ScalarFn::Min => a.min(b),
            ScalarFn::Straight => b,
            ScalarFn::ShiftLeft => a.wrapping_shl(b.clamp(0, 31) as u32),
            ScalarFn::ShiftRight => a >> b.clamp(0, 31),
            ScalarFn::Neg
            | ScalarFn::Less
            | ScalarFn::Equal
            | ScalarFn::Select
            | ScalarFn::Exp
            | ScalarFn::Log
            | ScalarFn::Sqrt
            | ScalarFn::Tanh
            | ScalarFn::Sigmoid
            | ScalarFn::Erf
            | ScalarFn::Sin
            | ScalarFn::Cos
            | ScalarFn::Round
            | ScalarFn::Flush
            | ScalarFn::Cast(_)
            | ScalarFn::MulShift => mistyped(self),
        }
    }
}

fn mistyped(function: ScalarFn) -> ! {
    panic!("`{}` was applied to operands that the verifier refuses", function.name())
}

/// A value while interpreting: floats are f32 (which defines the bits) or f64 (the oracle).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<R> {
    Float(R),
    I32(i32),
    I8(i8),
    Bool(bool),
}

impl Value<f32> {
    /// The value as a graph holds it.
    pub fn scalar(self) -> Scalar {
        match self {
            Value::Float(x) => Scalar::F32(x),
            Value::I32(x) => Scalar::I32(x),
            Value::I8(x) => Scalar::I8(x),
            Value::Bool(x) => Scalar::Bool(x),
        }
    }
}

impl<R: Real> Value<R> {
    pub fn from_scalar(scalar: Scalar) -> Value<R> {
        match scalar {
            Scalar::F32(x) => Value::Float(R::from_f32(x)),
            Scalar::I32(x) => Value::I32(x),
            Scalar::I8(x) => Value::I8(x),
            Scalar::Bool(x) => Value::Bool(x),
        }
    }

    fn cast(self, to: DType) -> Value<R> {
        match (self, to) {
            (Value::Float(x), DType::F32) => Value::Float(x),
            (Value::I32(x), DType::F32) => Value::Float(R::from_i32(x)),
            (Value::I8(x), DType::F32) => Value::Float(R::from_i32(x as i32)),
            (Value::Bool(x), DType::F32) => Value::Float(R::from_i32(x as i32)),
            (Value::Float(x), DType::I32) => Value::I32(x.to_i32()),
            (Value::I32(x), DType::I32) => Value::I32(x),
            (Value::I8(x), DType::I32) => Value::I32(x as i32),
            (Value::Bool(x), DType::I32) => Value::I32(x as i32),
            (Value::Float(x), DType::I8) => Value::I8(x.to_i32().clamp(-128, 127) as i8),
            (Value::I32(x), DType::I8) => Value::I8(x.clamp(-128, 127) as i8),
            (Value::I8(x), DType::I8) => Value::I8(x),
            (Value::Bool(x), DType::I8) => Value::I8(x as i8),
            (Value::Float(x), DType::Bool) => Value::Bool(x != R::from_i32(0)),
            (Value::I32(x), DType::Bool) => Value::Bool(x != 0),
            (Value::I8(x), DType::Bool) => Value::Bool(x != 0),
            (Value::Bool(x), DType::Bool) => Value::Bool(x),
        }
    }
}

/// The two precisions of the interpreter.
pub trait Real: Copy + PartialOrd + Send + Sync + std::fmt::Debug + 'static {
    fn from_f32(x: f32) -> Self;
    fn from_i32(x: i32) -> Self;
    fn to_i32(self) -> i32;
    fn to_f64(self) -> f64;
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    fn div(self, b: Self) -> Self;
    fn neg(self) -> Self;
    /// a·b + c, rounded once.
    fn fma(a: Self, b: Self, c: Self) -> Self;
    fn exp(self) -> Self;
    fn log(self) -> Self;
    fn sqrt(self) -> Self;
    fn tanh(self) -> Self;
    fn sigmoid(self) -> Self;
    fn erf(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn round(self) -> Self;
    /// The oracle keeps small values: flushing is a property of f32.
    fn flush(self) -> Self;
}

macro_rules! real {
    ($type:ty, $functions:path, $flush:expr) => {
        impl Real for $type {
            fn from_f32(x: f32) -> Self {
                x as $type
            }
            fn from_i32(x: i32) -> Self {
                x as $type
            }
            fn to_i32(self) -> i32 {
                self as i32
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn add(self, b: Self) -> Self {
                self + b
            }
            fn sub(self, b: Self) -> Self {
                self - b
            }
            fn mul(self, b: Self) -> Self {
                self * b
            }
            fn div(self, b: Self) -> Self {
                self / b
            }
            fn neg(self) -> Self {
                -self
            }
            fn fma(a: Self, b: Self, c: Self) -> Self {
                a.mul_add(b, c)
            }
            fn exp(self) -> Self {
                use $functions as functions;
                functions::exp(self)
            }
            fn log(self) -> Self {
                use $functions as functions;
                functions::log(self)
            }
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            fn tanh(self) -> Self {
                use $functions as functions;
                functions::tanh(self)
            }
            fn sigmoid(self) -> Self {
                use $functions as functions;
                functions::sigmoid(self)
            }
            fn erf(self) -> Self {
                use $functions as functions;
                functions::erf(self)
            }
            fn sin(self) -> Self {
                use $functions as functions;
                functions::sin(self)
            }
            fn cos(self) -> Self {
                use $functions as functions;
                functions::cos(self)
            }
            fn round(self) -> Self {
                self.round_ties_even()
            }
            fn flush(self) -> Self {
                $flush(self)
            }
        }
    };
}

real!(f32, crate::math, math::flush);
real!(f64, crate::math::oracle, std::convert::identity);
