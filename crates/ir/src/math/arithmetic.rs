//! What the sequences are made of. On f32 they compute; on another type they can be recorded and turned into code for a
//! machine, so that every backend has the one definition.

/// A 32-bit number, seen as an f32 or as the integer that its bit pattern spells.
pub trait Arithmetic: Copy {
    /// The answer of a comparison.
    type Truth: Copy;

    /// A constant. It takes a number because a recorded one knows where it is recorded.
    fn number(self, value: f32) -> Self;
    fn pattern(self, bits: u32) -> Self;

    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn over(self, other: Self) -> Self;
    /// self·factor + term, rounded once.
    fn times_plus(self, factor: Self, term: Self) -> Self;

    /// False if either is NaN.
    fn less(self, other: Self) -> Self::Truth;
    /// False if either is NaN; −0 equals +0.
    fn equal(self, other: Self) -> Self::Truth;
    fn select(truth: Self::Truth, yes: Self, no: Self) -> Self;

    /// Operations on the patterns; integers wrap.
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn plus_integer(self, other: Self) -> Self;
    fn minus_integer(self, other: Self) -> Self;
    fn shift_left(self, places: u32) -> Self;
    /// Copies of the sign come in from the left.
    fn shift_right(self, places: u32) -> Self;
    /// The f32 nearest to the integer that the pattern spells.
    fn integer_to_number(self) -> Self;

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.and(self.pattern(!super::SIGN_BIT))
    }

    #[inline(always)]
    fn opposite(self) -> Self {
        self.xor(self.pattern(super::SIGN_BIT))
    }

    #[inline(always)]
    fn sign(self) -> Self {
        self.and(self.pattern(super::SIGN_BIT))
    }
}

impl Arithmetic for f32 {
    type Truth = bool;

    #[inline(always)]
    fn number(self, value: f32) -> f32 {
        value
    }

    #[inline(always)]
    fn pattern(self, bits: u32) -> f32 {
        f32::from_bits(bits)
    }

    #[inline(always)]
    fn plus(self, other: f32) -> f32 {
        self + other
    }

    #[inline(always)]
    fn minus(self, other: f32) -> f32 {
        self - other
    }

    #[inline(always)]
    fn times(self, other: f32) -> f32 {
        self * other
    }

    #[inline(always)]
    fn over(self, other: f32) -> f32 {
        self / other
    }

    #[inline(always)]
    fn times_plus(self, factor: f32, term: f32) -> f32 {
        self.mul_add(factor, term)
    }

    #[inline(always)]
    fn less(self, other: f32) -> bool {
        self < other
    }

    #[inline(always)]
    fn equal(self, other: f32) -> bool {
        self == other
    }

    #[inline(always)]
    fn select(truth: bool, yes: f32, no: f32) -> f32 {
        if truth { yes } else { no }
    }

    #[inline(always)]
    fn and(self, other: f32) -> f32 {
        f32::from_bits(self.to_bits() & other.to_bits())
    }

    #[inline(always)]
    fn or(self, other: f32) -> f32 {
        f32::from_bits(self.to_bits() | other.to_bits())
    }

    #[inline(always)]
    fn xor(self, other: f32) -> f32 {
        f32::from_bits(self.to_bits() ^ other.to_bits())
    }

    #[inline(always)]
    fn plus_integer(self, other: f32) -> f32 {
        f32::from_bits(self.to_bits().wrapping_add(other.to_bits()))
    }

    #[inline(always)]
    fn minus_integer(self, other: f32) -> f32 {
        f32::from_bits(self.to_bits().wrapping_sub(other.to_bits()))
    }

    #[inline(always)]
    fn shift_left(self, places: u32) -> f32 {
        f32::from_bits(self.to_bits() << places)
    }

    #[inline(always)]
    fn shift_right(self, places: u32) -> f32 {
        f32::from_bits((self.to_bits() as i32 >> places) as u32)
    }

    #[inline(always)]
    fn integer_to_number(self) -> f32 {
        self.to_bits() as i32 as f32
    }
}
