//! The functions of quantised programs, recorded as vector operations. [`tacit_ir::math::mulshift`] defines the bits.

use super::operations::{Binary, Operation, Recorder, Shift, Value};

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
            Some(known) if known != i32::MIN => high,
            Some(_) | None => {
                let least = self.constant(i32::MIN as u32);
                self.binary(Binary::Xor, high, self.binary(Binary::EqualInteger, high, least))
            }
        }
    }

    /// x / 2^places to nearest, ties away from zero; the places are within 0…31.
    fn rounding_shift(&self, x: Value, places: Value) -> Value {
        let (mask, half) = match self.known(places) {
            Some(0) => return x,
            Some(known) => {
                let mask = (1u32 << known) - 1;
                (self.constant(mask), self.constant(mask >> 1))
            }
            None => {
                let one = self.constant(1);
                let mask = self.binary(Binary::SubInteger, self.binary(Binary::ShiftLeft, one, places), one);
                (mask, self.shifted(Shift::RightSigned, mask, 1))
            }
        };
        let negative = self.shifted(Shift::RightSigned, x, 31);
        let lost = self.binary(Binary::And, x, mask);
        let threshold = self.binary(Binary::SubInteger, half, negative);
        let up = self.binary(Binary::GreaterInteger, lost, threshold);
        self.binary(Binary::SubInteger, self.shift_right(x, places), up)
    }
}
