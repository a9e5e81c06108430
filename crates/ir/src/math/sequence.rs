//! The scalar functions as sequences of operations, recorded from their one definition, so that machine code and every
//! emitted program compute the same bits.

use super::Arithmetic;
use crate::scalar::ScalarFn;
use std::cell::RefCell;

/// The number of an operation, whose result it stands for.
pub type Step = usize;

/// Operations on 32-bit words, seen as floats or as the integers that their bits spell. Operands come before their uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    pub operations: Vec<Operation>,
    pub result: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The one argument.
    Argument,
    /// A word by its bits.
    Word(u32),
    Binary(Binary, Step, Step),
    /// a·b + c as floats, rounded once.
    MulAdd(Step, Step, Step),
    /// A truth: false if either float is NaN.
    Less(Step, Step),
    /// A truth: false if either float is NaN; −0 equals +0.
    Equal(Step, Step),
    /// The truth, then the word where it holds and the word where it does not.
    Select(Step, Step, Step),
    ShiftLeft(Step, u32),
    /// Copies of the sign come in from the left.
    ShiftRight(Step, u32),
    /// The float nearest to the integer.
    FromInteger(Step),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    And,
    Or,
    Xor,
    /// Integers wrap.
    AddInteger,
    SubInteger,
}

/// The sequence of a function that is one; `None` for those that are a single operation of every target or of integers.
pub fn sequence(function: ScalarFn) -> Option<Sequence> {
    let tape = RefCell::new(vec![]);
    let x = Recorded { tape: &tape, step: push(&tape, Operation::Argument) };
    let result = match function {
        ScalarFn::Exp => super::exp(x),
        ScalarFn::Log => super::log(x),
        ScalarFn::Tanh => super::tanh(x),
        ScalarFn::Sigmoid => super::sigmoid(x),
        ScalarFn::Erf => super::erf(x),
        ScalarFn::Sin => super::sin(x),
        ScalarFn::Cos => super::cos(x),
        ScalarFn::Round => super::round(x),
        ScalarFn::Flush => super::flush(x),
        ScalarFn::Add
        | ScalarFn::Sub
        | ScalarFn::Mul
        | ScalarFn::Div
        | ScalarFn::Neg
        | ScalarFn::Max
        | ScalarFn::Min
        | ScalarFn::Less
        | ScalarFn::Equal
        | ScalarFn::Select
        | ScalarFn::Sqrt
        | ScalarFn::Straight
        | ScalarFn::Cast(_)
        | ScalarFn::MulShift
        | ScalarFn::ShiftLeft
        | ScalarFn::ShiftRight => return None,
    };
    let result = result.step;
    Some(Sequence { operations: tape.into_inner(), result })
}

/// A word that is written down instead of computed.
#[derive(Clone, Copy)]
struct Recorded<'a> {
    tape: &'a RefCell<Vec<Operation>>,
    step: Step,
}

/// A truth that is written down.
#[derive(Clone, Copy)]
struct RecordedTruth<'a>(Recorded<'a>);

/// The step of an operation; equal ones share one.
fn push(tape: &RefCell<Vec<Operation>>, operation: Operation) -> Step {
    let mut operations = tape.borrow_mut();
    operations.iter().position(|known| *known == operation).unwrap_or_else(|| {
        operations.push(operation);
        operations.len() - 1
    })
}

impl<'a> Recorded<'a> {
    fn then(self, operation: Operation) -> Recorded<'a> {
        Recorded { tape: self.tape, step: push(self.tape, operation) }
    }

    fn binary(self, binary: Binary, other: Recorded<'a>) -> Recorded<'a> {
        self.then(Operation::Binary(binary, self.step, other.step))
    }
}

impl<'a> Arithmetic for Recorded<'a> {
    type Truth = RecordedTruth<'a>;

    fn number(self, value: f32) -> Self {
        self.pattern(value.to_bits())
    }

    fn pattern(self, bits: u32) -> Self {
        self.then(Operation::Word(bits))
    }

    fn plus(self, other: Self) -> Self {
        self.binary(Binary::Add, other)
    }

    fn minus(self, other: Self) -> Self {
        self.binary(Binary::Sub, other)
    }

    fn times(self, other: Self) -> Self {
        self.binary(Binary::Mul, other)
    }

    fn over(self, other: Self) -> Self {
        self.binary(Binary::Div, other)
    }

    fn times_plus(self, factor: Self, term: Self) -> Self {
        self.then(Operation::MulAdd(self.step, factor.step, term.step))
    }

    fn less(self, other: Self) -> RecordedTruth<'a> {
        RecordedTruth(self.then(Operation::Less(self.step, other.step)))
    }

    fn equal(self, other: Self) -> RecordedTruth<'a> {
        RecordedTruth(self.then(Operation::Equal(self.step, other.step)))
    }

    fn select(truth: RecordedTruth<'a>, yes: Self, no: Self) -> Self {
        truth.0.then(Operation::Select(truth.0.step, yes.step, no.step))
    }

    fn and(self, other: Self) -> Self {
        self.binary(Binary::And, other)
    }

    fn or(self, other: Self) -> Self {
        self.binary(Binary::Or, other)
    }

    fn xor(self, other: Self) -> Self {
        self.binary(Binary::Xor, other)
    }

    fn plus_integer(self, other: Self) -> Self {
        self.binary(Binary::AddInteger, other)
    }

    fn minus_integer(self, other: Self) -> Self {
        self.binary(Binary::SubInteger, other)
    }

    fn shift_left(self, places: u32) -> Self {
        self.then(Operation::ShiftLeft(self.step, places))
    }

    fn shift_right(self, places: u32) -> Self {
        self.then(Operation::ShiftRight(self.step, places))
    }

    fn integer_to_number(self) -> Self {
        self.then(Operation::FromInteger(self.step))
    }
}
