//! The natural logarithm.

use super::Arithmetic;
use std::f32::consts::LN_2;

/// What LN_2 lacks of ln 2.
const LN_2_REST: f32 = -1.904_654_2e-9;

/// The natural logarithm. Subnormal inputs are not flushed: they are scaled by 2²³ and have the same error as others.
/// ±0 gives −∞, negative numbers and −∞ give NaN, 1 gives +0, +∞ gives +∞, NaN gives NaN.
#[inline(always)]
pub fn log<A: Arithmetic>(x: A) -> A {
    const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
    const MANTISSA: u32 = 0x007f_ffff;
    const TWO_TO_23: f32 = 8_388_608.0;
    let subnormal = x.less(x.number(f32::MIN_POSITIVE));
    let scaled = A::select(subnormal, x.times(x.number(TWO_TO_23)), x);
    let scale = A::select(subnormal, x.number(-23.0), x.number(0.0));

    // x = 2ᵉ·m with √½ ≤ m < √2. Counting exponents from √½ puts the seam between two of them there.
    let offset = scaled.minus_integer(x.pattern(SQRT_HALF_BITS));
    let e = offset.shift_right(23).integer_to_number().plus(scale);
    let m = offset.and(x.pattern(MANTISSA)).plus_integer(x.pattern(SQRT_HALF_BITS));

    // log m = f + f²·p(f), f = m − 1, which is exact.
    let f = m.minus(x.number(1.0));
    let p = horner!(
        f;
        -0.5, 0.333_333_3, -0.250_008_2, 0.200_012_42, -0.166_234_09, 0.142_015_89, -0.131_596_27, 0.127_621_11,
        -0.076_362_12
    );
    let rest = f.times(f).times_plus(p, e.times(x.number(LN_2_REST)));
    let y = e.times_plus(x.number(LN_2), f.plus(rest));

    let y = A::select(x.number(0.0).less(x), y, x.number(f32::NAN));
    let y = A::select(x.equal(x.number(0.0)), x.number(f32::NEG_INFINITY), y);
    A::select(x.equal(x.number(f32::INFINITY)), x, y)
}
