//! Functions whose result is exact or correctly rounded.

use super::SIGN_BIT;

/// √x, correctly rounded (IEEE 754). −0 gives −0, any other negative number NaN.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    x.sqrt()
}

/// The nearest integer, ties to even (IEEE 754 roundToIntegralTiesToEven). The sign of x is kept, also on a result of
/// zero: −0.3 gives −0. ±∞ and NaN pass.
#[inline(always)]
pub fn round(x: f32) -> f32 {
    // From 2²³ on every f32 is an integer; below, adding 2²³ leaves no bits for a fraction.
    const INTEGERS: f32 = 8_388_608.0;
    let a = x.abs();
    let rounded = (a + INTEGERS) - INTEGERS;
    let kept = if a < INTEGERS { rounded } else { a };
    f32::from_bits(kept.to_bits() | (x.to_bits() & SIGN_BIT))
}

/// +0 where |x| is below the smallest normal number (so −0 gives +0), else x. NaN passes.
#[inline(always)]
pub fn flush(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x }
}

/// b where it is not the smaller: `if b < a { a } else { b }`. So max(NaN, b) = b, max(a, NaN) = NaN, and of +0 and −0
/// the second operand is returned.
#[inline(always)]
pub fn max(a: f32, b: f32) -> f32 {
    if b < a { a } else { b }
}

/// b where it is not the greater: `if a < b { a } else { b }`. So min(NaN, b) = b, min(a, NaN) = NaN, and of +0 and −0
/// the second operand is returned.
#[inline(always)]
pub fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}
