//! eˣ and the functions composed from eˣ − 1.

use super::TO_INTEGER;
use std::f32::consts::{LN_2, LOG2_E};

/// What LN_2 lacks of ln 2.
const LN_2_REST: f32 = -1.904_654_2e-9;

/// eˣ. Above 88.722 839 the result is +∞; below −87.336 540, where it would be less than the smallest normal number, it
/// is +0, so no result is subnormal. ±0 gives 1, −∞ gives +0, NaN gives NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // The largest input whose result is finite, and the smallest whose result is normal.
    const FINITE: f32 = 88.722_83;
    const NORMAL: f32 = -87.336_54;
    let (t, r) = reduce(x);
    let near_one = 1.0 + expm1_reduced(r);
    // Adding n to the exponent field multiplies by 2ⁿ. It is exact from −126 to 128, wherever no select follows.
    let y = f32::from_bits(near_one.to_bits().wrapping_add(t.to_bits() << 23));
    let y = if x > FINITE { f32::INFINITY } else { y };
    let y = if x < NORMAL { 0.0 } else { y };
    if x.is_nan() { x } else { y }
}

/// 1 / (1 + e⁻ˣ), computed as e⁻ᵃ/(1 + e⁻ᵃ) for x < 0 and 1/(1 + e⁻ᵃ) otherwise, a = |x|: nothing overflows. Below
/// −87.336 540 it is +0 (no result is subnormal); it lies in [0, 1] and s·(1 − s) is finite. ±0 gives ½, −∞ gives +0,
/// +∞ gives 1, NaN gives NaN.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    let numerator = if x < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

/// The hyperbolic tangent −u/(2 + u), u = e⁻²ᵃ − 1, a = |x|, with the sign of x. ±0 gives ±0, subnormal x gives x,
/// ±∞ gives ±1, NaN gives NaN.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    // tanh rounds to 1 from 9.02 on; the limit keeps 2ⁿ in range and lets NaN pass.
    const ONE: f32 = 10.0;
    let a = x.abs();
    let a = if a > ONE { ONE } else { a };
    let u = expm1_negative(-2.0 * a);
    (u / (2.0 + u)).copysign(x)
}

/// The error function 2/√π · ∫₀ˣ exp(−t²) dt, computed as 1 − e⁻ʰ with the polynomial h(a) = −log(1 − erf a), a = |x|,
/// and the sign of x. ±0 gives ±0, ±∞ gives ±1, NaN gives NaN.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    // erf rounds to 1 from 3.92 on; the polynomial is fitted up to 4. The comparison lets NaN pass.
    const ONE: f32 = 4.0;
    let a = x.abs();
    let a = if a > ONE { ONE } else { a };
    let p = horner!(
        a;
        0.128_379_17, 0.636_619_57, 0.102_776_304, -0.019_147_82, -0.000_169_512_42, 0.001_675_689_6,
        -0.000_637_373_36, 0.000_118_864_84, -9.388_434e-6
    );
    let h = a.mul_add(p, a);
    expm1_negative(-h).copysign(x)
}

/// x = n·ln 2 + r with |r| ≤ ½·ln 2, for |x| < 2²⁰: n in the low bits of the first result, and r.
#[inline(always)]
fn reduce(x: f32) -> (f32, f32) {
    let t = x.mul_add(LOG2_E, TO_INTEGER);
    let n = t - TO_INTEGER;
    // The first step is exact: n·LN_2 and x are multiples of 2⁻²⁵ and |r| < ½.
    let r = n.mul_add(-LN_2, x);
    (t, n.mul_add(-LN_2_REST, r))
}

/// eʳ − 1 for |r| ≤ ½·ln 2.
#[inline(always)]
fn expm1_reduced(r: f32) -> f32 {
    let p = horner!(r; 0.499_999_97, 0.166_665_46, 0.041_667_443, 0.008_366_253, 0.001_386_993_8);
    (r * r).mul_add(p, r)
}

/// eˣ − 1 for −87 ≤ x ≤ 0; the sign of a zero is not fixed.
#[inline(always)]
fn expm1_negative(x: f32) -> f32 {
    let (t, r) = reduce(x);
    let scale = f32::from_bits(1.0f32.to_bits().wrapping_add(t.to_bits() << 23));
    // scale·(eʳ − 1) + (scale − 1): for negative x the two have no cancellation to speak of.
    scale.mul_add(expm1_reduced(r), scale - 1.0)
}
