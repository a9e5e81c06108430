//! Functions whose result is exact or correctly rounded.

use super::Arithmetic;

/// √x, correctly rounded (IEEE 754). −0 gives −0, any other negative number NaN.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    x.sqrt()
}

/// The nearest integer, ties to even (IEEE 754 roundToIntegralTiesToEven). The sign of x is kept, also on a result of
/// zero: −0.3 gives −0. ±∞ and NaN pass.
#[inline(always)]
pub fn round<A: Arithmetic>(x: A) -> A {
    // From 2²³ on every f32 is an integer; below, adding 2²³ leaves no bits for a fraction.
    let integers = x.number(8_388_608.0);
    let a = x.magnitude();
    let rounded = a.plus(integers).minus(integers);
    A::select(a.less(integers), rounded, a).or(x.sign())
}

/// +0 where |x| is below the smallest normal number (so −0 gives +0), else x. NaN passes.
#[inline(always)]
pub fn flush<A: Arithmetic>(x: A) -> A {
    A::select(x.magnitude().less(x.number(f32::MIN_POSITIVE)), x.number(0.0), x)
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
