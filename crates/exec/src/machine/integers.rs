//! The functions of quantised programs, recorded as vector operations. [`tacit_ir::math::mulshift`] defines the bits.

use super::operations::{Binary, Operation, Recorder, Shift, Value};
use super::ranges::Range;
use tacit_ir::types::DType;

impl Recorder {
    fn shifted(&self, shift: Shift, value: Value, places: u8) -> Value {
        match places {
            0 => value,
            _ => self.push(Operation::Shift(shift, value, places)),
        }
    }

    /// The number, if it is the same everywhere and known.
    fn known(&self, value: Value) -> Option<i32> {
        match self.operation(value) {
            Operation::Constant(bits) => Some(bits as i32),
            Operation::Stream(_)
            | Operation::Binary(..)
            | Operation::MulAdd(..)
            | Operation::Sqrt(_)
            | Operation::FromInteger(_)
            | Operation::ToInteger(_)
            | Operation::Shift(..)
            | Operation::Select { .. }
            | Operation::Copy(_) => None,
        }
    }

    /// The number within bounds.
    fn clamped(&self, value: Value, low: i32, high: i32) -> Value {
        match self.known(value) {
            Some(known) => self.constant(known.clamp(low, high) as u32),
            None => {
                let value = self.binary(Binary::MaxInteger, value, self.constant(low as u32));
                self.binary(Binary::MinInteger, value, self.constant(high as u32))
            }
        }
    }

    /// 0 where a float is no number, else the float.
    fn number(&self, x: Value) -> Value {
        self.binary(Binary::And, x, self.binary(Binary::Equal, x, x))
    }

    /// A float towards zero, saturated to an i32; 0 if it is no number.
    pub fn integer(&self, x: Value) -> Value {
        // The greatest float below 2³¹.
        let greatest = self.constant(2_147_483_520f32.to_bits());
        let x = self.number(x);
        let integer = self.push(Operation::ToInteger(x));
        // What is too great became the least number.
        self.binary(Binary::Xor, integer, self.binary(Binary::Less, greatest, x))
    }

    /// A float towards zero, saturated to an i8; 0 if it is no number.
    pub fn small_integer(&self, x: Value) -> Value {
        let [low, high] = [i8::MIN, i8::MAX].map(|end| self.constant(f32::from(end).to_bits()));
        let x = self.binary(Binary::Max, self.number(x), low);
        let integer = self.push(Operation::ToInteger(self.binary(Binary::Min, x, high)));
        self.bound(integer, Range::of(DType::I8));
        integer
    }

    /// Saturated to an i8.
    pub fn saturated(&self, value: Value) -> Value {
        self.clamped(value, i32::from(i8::MIN), i32::from(i8::MAX))
    }

    /// Wrapped to an i8.
    pub fn wrapped(&self, value: Value) -> Value {
        self.shifted(Shift::RightSigned, self.shifted(Shift::Left, value, 24), 24)
    }

    /// x·2^places, wrapping; the places are clamped to 0…31.
    pub fn shift_left(&self, x: Value, places: Value) -> Value {
        let places = self.clamped(places, 0, 31);
        match self.known(places) {
            Some(known) => self.shifted(Shift::Left, x, known as u8),
            None => self.binary(Binary::ShiftLeft, x, places),
        }
    }

    /// ⌊x / 2^places⌋; the places are clamped to 0…31.
    pub fn shift_right(&self, x: Value, places: Value) -> Value {
        let places = self.clamped(places, 0, 31);
        match self.known(places) {
            Some(known) => self.shifted(Shift::RightSigned, x, known as u8),
            None => self.binary(Binary::ShiftRightSigned, x, places),
        }
    }

    /// x·factor·2^(shift − 31), rounded twice.
    pub fn mulshift(&self, x: Value, factor: Value, shift: Value) -> Value {
        let shift = self.clamped(shift, -31, 31);
        let opposite = match self.known(shift) {
            Some(known) => self.constant(-known as u32),
            None => self.binary(Binary::SubInteger, self.constant(0), shift),
        };
        let high = self.high_of_double_product(self.shift_left(x, shift), factor);
        self.rounding_shift(high, self.clamped(opposite, 0, 31))
    }

    /// ⌊(x·factor + 2³⁰) / 2³¹⌋; the one result that overflows is the greatest number.
    fn high_of_double_product(&self, x: Value, factor: Value) -> Value {
        if let Some(high) = self.known(factor).and_then(|factor| self.high_of_scaled_product(x, factor)) {
            return high;
        }
        let odd_of = |value: Value| self.shifted(Shift::RightLong, value, 32);
        // 2³⁰ as a number of 64 bits: constants are words.
        let nudge = self.shifted(Shift::RightLong, self.constant(1 << 31), 33);
        let product = |a: Value, b: Value| {
            let exact = self.binary(Binary::MulEven, a, b);
            self.binary(Binary::AddLong, exact, nudge)
        };
        let odd_factor = if self.known(factor).is_some() { factor } else { odd_of(factor) };
        let (even, odd) = (product(x, factor), product(odd_of(x), odd_factor));
        let even = self.shifted(Shift::RightLong, even, 31);
        let odd = self.binary(Binary::AddLong, odd, odd);
        let high = self.binary(Binary::OddOfSecond, even, odd);
        match self.known(factor) {
            Some(known) if known != i32::MIN => {
                // A factor is below 1 in magnitude, and rounding reaches the next integer at most.
                let reach = self.range(x).reach().min(i64::from(i32::MAX)) as i32;
                self.bound(high, Range::up_to(reach));
                high
            }
            Some(_) | None => {
                let least = self.constant(i32::MIN as u32);
                self.binary(Binary::Xor, high, self.binary(Binary::EqualInteger, high, least))
            }
        }
    }

    /// The same of x = y·2^places where products of y by halves of the factor are words: with factor = upper·2¹⁶ + lower it is
    /// y·upper·2^(places − 15) + ⌊(y·lower + 2^(30 − places)) / 2^(31 − places)⌋. Residual sums begin so, with bytes.
    fn high_of_scaled_product(&self, x: Value, factor: i32) -> Option<Value> {
        let Operation::Shift(Shift::Left, y, places @ 15..=30) = self.operation(x) else { return None };
        let (upper, lower) = (factor >> 16, factor & 0xffff);
        let nudge = 1i64 << (30 - places);
        let reach = self.range(y).reach();
        // The shift lost nothing, and the lower product is a word.
        if reach << places > i64::from(i32::MAX) || reach * i64::from(lower) + nudge > i64::from(i32::MAX) {
            return None;
        }
        let product = |half: i32| self.binary(Binary::MulInteger, y, self.constant(half as u32));
        let above = self.shifted(Shift::Left, product(upper), places - 15);
        let below = self.binary(Binary::AddInteger, product(lower), self.constant(nudge as u32));
        let high = self.binary(Binary::AddInteger, above, self.shifted(Shift::RightSigned, below, 31 - places));
        let reach = self.range(x).reach() as i32;
        self.bound(high, Range::up_to(reach));
        Some(high)
    }

    /// x / 2^places to nearest, ties away from zero; the places are within 0…31.
    fn rounding_shift(&self, x: Value, places: Value) -> Value {
        let negative = self.shifted(Shift::RightSigned, x, 31);
        let (mask, half) = match self.known(places) {
            Some(0) => return x,
            Some(known) => {
                let mask = (1u32 << known) - 1;
                let half = (mask >> 1) + 1;
                if self.range(x).reach() + i64::from(half) <= i64::from(i32::MAX) {
                    // A negative number rounds down at its half.
                    let nudged = self.binary(Binary::AddInteger, x, negative);
                    let nudged = self.binary(Binary::AddInteger, nudged, self.constant(half));
                    return self.shifted(Shift::RightSigned, nudged, known as u8);
                }
                (self.constant(mask), self.constant(mask >> 1))
            }
            None => {
                let one = self.constant(1);
                let mask = self.binary(Binary::SubInteger, self.binary(Binary::ShiftLeft, one, places), one);
                (mask, self.shifted(Shift::RightSigned, mask, 1))
            }
        };
        let lost = self.binary(Binary::And, x, mask);
        let threshold = self.binary(Binary::SubInteger, half, negative);
        let up = self.binary(Binary::GreaterInteger, lost, threshold);
        self.binary(Binary::SubInteger, self.shift_right(x, places), up)
    }
}
