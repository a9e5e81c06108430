//! Sine and cosine.
//!
//! Both subtract the nearest zero of the function: x = z + r, |r| ≤ π/2, where z is a multiple of π for the sine and an
//! odd multiple of π/2 for the cosine. What is left is ± sin r, so one odd polynomial serves both, and the relative
//! error stays small near every zero (Cody and Waite's reduction with fused multiply-adds). The three parts of π are
//! truncated, so all are positive: then n·(−part) is −0 for n = 0, and the zero keeps the sign of x.

use super::{Arithmetic, SIGN_BIT, TO_INTEGER};
use std::f32::consts::FRAC_1_PI;

const PI_PARTS: [f32; 3] = [3.141_592_5, 1.509_957_9e-7, 1.078_060_5e-14];
const HALF_PI_PARTS: [f32; 3] = [PI_PARTS[0] / 2.0, PI_PARTS[1] / 2.0, PI_PARTS[2] / 2.0];

/// 2²⁰. Up to here 1/π as f32 places the seam between two half turns well enough for the polynomial.
const LARGEST_ANGLE: f32 = 1_048_576.0;

/// The sine, for |x| ≤ 2²⁰ radians; it lies in [−1, 1]. Any larger finite x counts as ±0 and gives that. ±0 gives ±0,
/// subnormal x gives x, ±∞ and NaN give NaN.
#[inline(always)]
pub fn sin<A: Arithmetic>(x: A) -> A {
    let x = limit(x);
    let t = x.times_plus(x.number(FRAC_1_PI), x.number(TO_INTEGER));
    let r = subtract(x, t.minus(x.number(TO_INTEGER)), PI_PARTS);
    sin_reduced(r, t.shift_left(31))
}

/// The cosine, for |x| ≤ 2²⁰ radians; it lies in [−1, 1]. Any larger finite x counts as 0 and gives 1. ±0 and subnormal
/// x give 1, ±∞ and NaN give NaN.
#[inline(always)]
pub fn cos<A: Arithmetic>(x: A) -> A {
    let x = limit(x.magnitude());
    let t = x.times_plus(x.number(FRAC_1_PI), x.number(-0.5)).plus(x.number(TO_INTEGER));
    let odd = t.minus(x.number(TO_INTEGER)).times_plus(x.number(2.0), x.number(1.0));
    let r = subtract(x, odd, HALF_PI_PARTS);
    // cos(r + (k + ½)π) = −(−1)ᵏ·sin r.
    sin_reduced(r, t.shift_left(31).xor(x.pattern(SIGN_BIT)))
}

/// x, or x·0 beyond the largest angle: that is ±0 for finite x and NaN for infinite x.
#[inline(always)]
fn limit<A: Arithmetic>(x: A) -> A {
    A::select(x.number(LARGEST_ANGLE).less(x.magnitude()), x.times(x.number(0.0)), x)
}

/// x − n·(sum of the parts).
#[inline(always)]
fn subtract<A: Arithmetic>(x: A, n: A, parts: [f32; 3]) -> A {
    let [first, second, third] = parts.map(|part| x.number(-part));
    let r = n.times_plus(first, x);
    let r = n.times_plus(second, r);
    n.times_plus(third, r)
}

/// sin r for |r| ≤ π/2 + 0.05, with the sign flipped where `flip` has the sign bit.
#[inline(always)]
fn sin_reduced<A: Arithmetic>(r: A, flip: A) -> A {
    // On |r|, because the sum r + r³·p would turn −0 into +0.
    let a = r.magnitude();
    let s = a.times(a);
    let p = horner!(s; -0.166_666_57, 0.008_332_991, -0.000_198_039_62, 2.593_138e-6);
    let y = a.times(s).times_plus(p, a);
    // Rounding may leave the sum a unit above 1.
    let one = r.number(1.0);
    let y = A::select(one.less(y), one, y);
    y.xor(r.sign()).xor(flip)
}
