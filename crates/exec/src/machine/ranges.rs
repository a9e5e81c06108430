//! Which numbers the integers of a loop may be: where nothing can overflow, shorter code does.

use super::operations::{Binary, Operation, Recorder, Shift, Value};
use tacit_ir::types::DType;

/// From the least to the greatest number that a value may be, as an i32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    low: i32,
    high: i32,
}

impl Range {
    const ALL: Range = Range { low: i32::MIN, high: i32::MAX };

    pub fn of(dtype: DType) -> Range {
        match dtype {
            DType::I8 => Range { low: i32::from(i8::MIN), high: i32::from(i8::MAX) },
            DType::Bool => Range { low: 0, high: 1 },
            DType::F32 | DType::I32 => Range::ALL,
        }
    }

    fn of_one(number: i32) -> Range {
        Range { low: number, high: number }
    }

    /// Numbers up to this magnitude.
    pub fn up_to(reach: i32) -> Range {
        Range { low: -reach, high: reach }
    }

    /// The results of a function that is greatest and least at ends of its operands; all numbers where it may wrap.
    fn of_ends(self, other: Range, function: impl Fn(i64, i64) -> i64) -> Range {
        let ends = [(self.low, other.low), (self.low, other.high), (self.high, other.low), (self.high, other.high)];
        let results = ends.map(|(x, y)| function(i64::from(x), i64::from(y)));
        let (low, high) = results.iter().fold((i64::MAX, i64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        match (i32::try_from(low), i32::try_from(high)) {
            (Ok(low), Ok(high)) => Range { low, high },
            (_, _) => Range::ALL,
        }
    }

    /// The greatest magnitude.
    pub fn reach(self) -> i64 {
        i64::from(self.high).max(-i64::from(self.low))
    }
}

impl Recorder {
    /// The numbers that an integer value may be.
    pub fn range(&self, value: Value) -> Range {
        self.ranges.borrow()[value]
    }

    /// Says what is known of a value beside what follows from its operation.
    pub fn bound(&self, value: Value, range: Range) {
        self.ranges.borrow_mut()[value] = range;
    }

    /// What follows from an operation and the ranges of its operands.
    pub fn range_of(&self, operation: Operation) -> Range {
        let range = |value: Value| self.range(value);
        match operation {
            Operation::Constant(bits) => Range::of_one(bits as i32),
            Operation::Binary(binary, a, b) => match binary {
                Binary::AddInteger => range(a).of_ends(range(b), |x, y| x + y),
                Binary::SubInteger => range(a).of_ends(range(b), |x, y| x - y),
                Binary::MulInteger => range(a).of_ends(range(b), |x, y| x * y),
                Binary::MinInteger => range(a).of_ends(range(b), i64::min),
                Binary::MaxInteger => range(a).of_ends(range(b), i64::max),
                Binary::Add
                | Binary::Sub
                | Binary::Mul
                | Binary::Div
                | Binary::Min
                | Binary::Max
                | Binary::Less
                | Binary::Equal
                | Binary::And
                | Binary::Or
                | Binary::Xor
                | Binary::EqualInteger
                | Binary::GreaterInteger
                | Binary::MulEven
                | Binary::AddLong
                | Binary::ShiftLeft
                | Binary::ShiftRightSigned
                | Binary::OddOfSecond => Range::ALL,
            },
            Operation::Shift(Shift::Left, a, places) => {
                range(a).of_ends(Range::of_one(i32::from(places)), |x, places| x << places)
            }
            Operation::Shift(Shift::RightSigned, a, places) => {
                range(a).of_ends(Range::of_one(i32::from(places)), |x, places| x >> places)
            }
            Operation::Copy(a) => range(a),
            Operation::Stream(_)
            | Operation::MulAdd(..)
            | Operation::Sqrt(_)
            | Operation::FromInteger(_)
            | Operation::ToInteger(_)
            | Operation::Shift(Shift::RightLong, ..)
            | Operation::Select { .. } => Range::ALL,
        }
    }
}
