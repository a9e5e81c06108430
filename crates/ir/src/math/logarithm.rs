//! The natural logarithm.

use std::f32::consts::LN_2;

/// What LN_2 lacks of ln 2.
const LN_2_REST: f32 = -1.904_654_2e-9;

/// The natural logarithm. Subnormal inputs are not flushed: they are scaled by 2²³ and have the same error as others.
/// ±0 gives −∞, negative numbers and −∞ give NaN, 1 gives +0, +∞ gives +∞, NaN gives NaN.
#[inline(always)]
pub fn log(x: f32) -> f32 {
    const SQRT_HALF_BITS: i32 = 0x3f35_04f3;
    const MANTISSA: i32 = 0x007f_ffff;
    const TWO_TO_23: f32 = 8_388_608.0;
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * TWO_TO_23 } else { x };
    let scale = if subnormal { -23.0 } else { 0.0 };

    // x = 2ᵉ·m with √½ ≤ m < √2. Counting exponents from √½ puts the seam between two of them there.
    let offset = (scaled.to_bits() as i32).wrapping_sub(SQRT_HALF_BITS);
    let e = (offset >> 23) as f32 + scale;
    let m = f32::from_bits(((offset & MANTISSA) + SQRT_HALF_BITS) as u32);

    // log m = f + f²·p(f), f = m − 1, which is exact.
    let f = m - 1.0;
    let p = horner!(
        f;
        -0.5, 0.333_333_3, -0.250_008_2, 0.200_012_42, -0.166_234_09, 0.142_015_89, -0.131_596_27, 0.127_621_11,
        -0.076_362_12
    );
    let rest = (f * f).mul_add(p, e * LN_2_REST);
    let y = e.mul_add(LN_2, f + rest);

    let y = if x > 0.0 { y } else { f32::NAN };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x == f32::INFINITY { x } else { y }
}
