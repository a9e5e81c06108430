//! Sine and cosine.
//!
//! Both subtract the nearest zero of the function: x = z + r, |r| ≤ π/2, where z is a multiple of π for the sine and an
//! odd multiple of π/2 for the cosine. What is left is ± sin r, so one odd polynomial serves both, and the relative
//! error stays small near every zero (Cody and Waite's reduction in three parts, with fused multiply-adds).

use super::{SIGN_BIT, TO_INTEGER};
use std::f32::consts::{FRAC_1_PI, FRAC_PI_2, PI};

/// Beyond this the number of half turns no longer fits the reduction.
const LARGEST_ANGLE: f32 = 4_194_304.0;

/// The sine, for |x| ≤ 2²² radians. Any larger finite x counts as a zero of its sign (neighbouring f32 are more than
/// half a radian apart there) and gives ±0. ±0 gives ±0, subnormal x gives x, ±∞ and NaN give NaN.
#[inline(always)]
pub fn sin(x: f32) -> f32 {
    let x = limit(x);
    let t = x.mul_add(FRAC_1_PI, TO_INTEGER);
    let n = t - TO_INTEGER;
    let r = n.mul_add(-PI, x);
    let r = n.mul_add(8.742_278e-8, r);
    let r = n.mul_add(3.430_249e-15, r);
    sin_reduced(r, t.to_bits() << 31)
}

/// The cosine, for |x| ≤ 2²² radians. Any larger finite x counts as zero and gives 1. ±0 and subnormal x give 1, ±∞ and
/// NaN give NaN.
#[inline(always)]
pub fn cos(x: f32) -> f32 {
    let x = limit(x);
    let t = x.mul_add(FRAC_1_PI, -0.5) + TO_INTEGER;
    let odd = (t - TO_INTEGER).mul_add(2.0, 1.0);
    let r = odd.mul_add(-FRAC_PI_2, x);
    let r = odd.mul_add(4.371_139e-8, r);
    let r = odd.mul_add(1.715_124_5e-15, r);
    // cos(r + (k + ½)π) = −(−1)ᵏ·sin r.
    sin_reduced(r, (t.to_bits() << 31) ^ SIGN_BIT)
}

/// x, or x·0 beyond the largest angle: that is ±0 for finite x and NaN for infinite x.
#[inline(always)]
fn limit(x: f32) -> f32 {
    if x.abs() > LARGEST_ANGLE { x * 0.0 } else { x }
}

/// sin r for |r| ≤ π/2, with the sign flipped where `flip` has the sign bit.
#[inline(always)]
fn sin_reduced(r: f32, flip: u32) -> f32 {
    // On |r|, because the sum r + r³·p would turn −0 into +0.
    let a = r.abs();
    let s = a * a;
    let p = horner!(s; -0.166_666_6, 0.008_333_069, -0.000_198_097_78, 2.606_102_7e-6);
    let y = (a * s).mul_add(p, a);
    f32::from_bits(y.to_bits() ^ (r.to_bits() & SIGN_BIT) ^ flip)
}
