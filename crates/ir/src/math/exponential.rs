//! eˣ and the functions composed from it.

use super::{Arithmetic, TO_INTEGER};
use std::f32::consts::{LN_2, LOG2_E};

/// What LN_2 lacks of ln 2.
const LN_2_REST: f32 = -1.904_654_2e-9;

/// The smallest x whose eˣ is a normal number.
const NORMAL: f32 = -87.336_54;

/// eˣ. Above 88.722 83 the result is +∞; below −87.336 54, where it would be less than the smallest normal number, it
/// is +0, so no result is subnormal. ±0 gives 1, −∞ gives +0, NaN gives NaN.
#[inline(always)]
pub fn exp<A: Arithmetic>(x: A) -> A {
    // The largest x whose eˣ is finite.
    const FINITE: f32 = 88.722_83;
    let (t, r) = reduce(x);
    let near_one = x.number(1.0).plus(expm1_reduced(r));
    // Adding n to the exponent field multiplies by 2ⁿ: exactly, wherever none of the selects below replaces the result.
    let y = near_one.plus_integer(t.shift_left(23));
    let y = A::select(x.number(FINITE).less(x), x.number(f32::INFINITY), y);
    let y = A::select(x.less(x.number(NORMAL)), x.number(0.0), y);
    A::select(x.equal(x), y, x)
}

/// 1 / (1 + e⁻ˣ). Below −87.336 54 it is +0, so no result is subnormal; it lies in [0, 1], and s·(1 − s) is finite. ±0
/// gives ½, −∞ gives +0, +∞ gives 1, NaN gives NaN.
#[inline(always)]
pub fn sigmoid<A: Arithmetic>(x: A) -> A {
    // Within ±88 the power of two stays finite. The comparisons let NaN pass.
    let limit = x.number(88.0);
    let y = A::select(limit.less(x), limit, x);
    let y = A::select(y.less(x.number(-88.0)), x.number(-88.0), y);
    // 1 + e⁻ˣ = 2ⁿ·(eʳ − 1) + (2ⁿ + 1), rounded once, where 1 + exp(−x) would round twice. From 2²⁴ on 2ⁿ + 1 would round
    // as well, so where 2ⁿ is large, 1 = 2ⁿ·2⁻ⁿ joins the first factor.
    const LARGE: f32 = 4096.0;
    let (t, r) = reduce(y.opposite());
    let scale = power_of_two(t);
    let inverse = x.pattern(2 * 1.0f32.to_bits()).minus_integer(scale);
    let p = expm1_reduced(r);
    let is_large = x.number(LARGE).less(scale);
    let p = A::select(is_large, p.plus(inverse), p);
    let rest = A::select(is_large, scale, scale.plus(x.number(1.0)));
    let s = x.number(1.0).over(scale.times_plus(p, rest));
    A::select(x.less(x.number(NORMAL)), x.number(0.0), s)
}

/// The hyperbolic tangent: with a = |x|, a + a³·p(a²) up to a = ⅝ and 1 − 2/(1 + e²ᵃ) above, with the sign of x. ±0
/// gives ±0, subnormal x gives x, ±∞ gives ±1, NaN gives NaN.
#[inline(always)]
pub fn tanh<A: Arithmetic>(x: A) -> A {
    // tanh rounds to 1 from 9.02 on; the limit keeps the power of two finite. The comparisons let NaN pass.
    const ONE: f32 = 10.0;
    const SMALL: f32 = 0.625;
    let a = at_most(x.magnitude(), ONE);
    let s = a.times(a);
    let p = horner!(s; -0.333_332_8, 0.133_314_12, -0.053_737_435, 0.020_632_321, -0.005_698_03);
    let small = a.times(s).times_plus(p, a);
    let (t, r) = reduce(x.number(2.0).times(a));
    let scale = power_of_two(t);
    let divisor = scale.times_plus(expm1_reduced(r), scale.plus(x.number(1.0)));
    let large = x.number(1.0).minus(x.number(2.0).over(divisor));
    let y = A::select(a.less(x.number(SMALL)), small, large);
    with_sign(y, x)
}

/// The error function 2/√π · ∫₀ˣ exp(−t²) dt: 1 − e⁻ʰ with a polynomial for h(a) = −log(1 − erf a), a = |x|, and the
/// sign of x. ±0 gives ±0, ±∞ gives ±1, NaN gives NaN.
#[inline(always)]
pub fn erf<A: Arithmetic>(x: A) -> A {
    // erf rounds to 1 from 3.92 on; the polynomial is fitted up to 4. The comparison lets NaN pass.
    const ONE: f32 = 4.0;
    let a = at_most(x.magnitude(), ONE);
    let p = horner!(
        a;
        0.128_379_17, 0.636_619_57, 0.102_776_304, -0.019_147_82, -0.000_169_512_42, 0.001_675_689_6,
        -0.000_637_373_36, 0.000_118_864_84, -9.388_434e-6
    );
    let h = a.times_plus(p, a);
    // e⁻ʰ − 1 = 2ⁿ·(eʳ − 1) + (2ⁿ − 1), rounded once.
    let (t, r) = reduce(h.opposite());
    let scale = power_of_two(t);
    let y = scale.times_plus(expm1_reduced(r), scale.minus(x.number(1.0)));
    with_sign(y, x)
}

/// x where it is not greater; NaN passes.
#[inline(always)]
fn at_most<A: Arithmetic>(x: A, limit: f32) -> A {
    let limit = x.number(limit);
    A::select(limit.less(x), limit, x)
}

/// The magnitude of y with the sign of x.
#[inline(always)]
fn with_sign<A: Arithmetic>(y: A, x: A) -> A {
    y.magnitude().or(x.sign())
}

/// x = n·ln 2 + r with |r| ≤ ½·ln 2, for |x| ≤ 128: a number with n in its low bits, and r.
#[inline(always)]
fn reduce<A: Arithmetic>(x: A) -> (A, A) {
    let t = x.times_plus(x.number(LOG2_E), x.number(TO_INTEGER));
    let n = t.minus(x.number(TO_INTEGER));
    // The first step is exact: n·LN_2 and x are multiples of 2⁻²⁵, and |r| < ½.
    let r = n.times_plus(x.number(-LN_2), x);
    (t, n.times_plus(x.number(-LN_2_REST), r))
}

/// 2ⁿ for the n of [`reduce`], −126 ≤ n ≤ 127, and 0 for n = −127.
#[inline(always)]
fn power_of_two<A: Arithmetic>(t: A) -> A {
    t.number(1.0).plus_integer(t.shift_left(23))
}

/// eʳ − 1 for |r| ≤ ½·ln 2.
#[inline(always)]
fn expm1_reduced<A: Arithmetic>(r: A) -> A {
    let p = horner!(r; 0.5, 0.166_666_66, 0.041_666_493, 0.008_333_546, 0.001_393_232_1, 0.000_197_617_25);
    r.times(r).times_plus(p, r)
}
