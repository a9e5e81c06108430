//! Sine and cosine.
//!
//! Both subtract the nearest zero of the function: x = z + r, |r| ≤ π/2, where z is a multiple of π for the sine and an
//! odd multiple of π/2 for the cosine. What is left is ± sin r, so one odd polynomial serves both, and the relative
//! error stays small near every zero (Cody and Waite's reduction with fused multiply-adds). The three parts of π are
//! truncated, so all are positive: then n·(−part) is −0 for n = 0, and the zero keeps the sign of x.

use super::{SIGN_BIT, TO_INTEGER};
use std::f32::consts::FRAC_1_PI;

const PI_PARTS: [f32; 3] = [3.141_592_5, 1.509_957_9e-7, 1.078_060_5e-14];
const HALF_PI_PARTS: [f32; 3] = [PI_PARTS[0] / 2.0, PI_PARTS[1] / 2.0, PI_PARTS[2] / 2.0];

/// 2²⁰. Up to here 1/π as f32 places the seam between two half turns well enough for the polynomial.
const LARGEST_ANGLE: f32 = 1_048_576.0;

/// The sine, for |x| ≤ 2²⁰ radians; it lies in [−1, 1]. Any larger finite x counts as ±0 and gives that. ±0 gives ±0,
/// subnormal x gives x, ±∞ and NaN give NaN.
#[inline(always)]
pub fn sin(x: f32) -> f32 {
    let x = limit(x);
    let t = x.mul_add(FRAC_1_PI, TO_INTEGER);
    let r = subtract(x, t - TO_INTEGER, PI_PARTS);
    sin_reduced(r, t.to_bits() << 31)
}

/// The cosine, for |x| ≤ 2²⁰ radians; it lies in [−1, 1]. Any larger finite x counts as 0 and gives 1. ±0 and subnormal
/// x give 1, ±∞ and NaN give NaN.
#[inline(always)]
pub fn cos(x: f32) -> f32 {
    let x = limit(x.abs());
    let t = x.mul_add(FRAC_1_PI, -0.5) + TO_INTEGER;
    let odd = (t - TO_INTEGER).mul_add(2.0, 1.0);
    let r = subtract(x, odd, HALF_PI_PARTS);
    // cos(r + (k + ½)π) = −(−1)ᵏ·sin r.
    sin_reduced(r, (t.to_bits() << 31) ^ SIGN_BIT)
}

/// x, or x·0 beyond the largest angle: that is ±0 for finite x and NaN for infinite x.
#[inline(always)]
fn limit(x: f32) -> f32 {
    if x.abs() > LARGEST_ANGLE { x * 0.0 } else { x }
}

/// x − n·(sum of the parts).
#[inline(always)]
fn subtract(x: f32, n: f32, parts: [f32; 3]) -> f32 {
    let r = n.mul_add(-parts[0], x);
    let r = n.mul_add(-parts[1], r);
    n.mul_add(-parts[2], r)
}

/// sin r for |r| ≤ π/2 + 0.05, with the sign flipped where `flip` has the sign bit.
#[inline(always)]
fn sin_reduced(r: f32, flip: u32) -> f32 {
    // On |r|, because the sum r + r³·p would turn −0 into +0.
    let a = r.abs();
    let s = a * a;
    let p = horner!(s; -0.166_666_57, 0.008_332_991, -0.000_198_039_62, 2.593_138e-6);
    let y = (a * s).mul_add(p, a);
    // Rounding may leave the sum a unit above 1.
    let y = if y > 1.0 { 1.0 } else { y };
    f32::from_bits(y.to_bits() ^ (r.to_bits() & SIGN_BIT) ^ flip)
}
