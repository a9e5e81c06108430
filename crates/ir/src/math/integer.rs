//! The integer function of quantised programs.

/// x·multiplier·2^(shift − 31), rounded as TensorFlow Lite's reference kernels do it (MultiplyByQuantizedMultiplier with
/// double rounding; the steps are gemmlowp's `fixedpoint.h`):
///
/// 1. x is shifted left by max(shift, 0) bits, wrapping;
/// 2. *saturating rounding doubling high multiply*: the 64-bit product is divided by 2³¹ and rounded to nearest, ties
///    towards +∞; the one product that overflows, i32::MIN², gives i32::MAX;
/// 3. *rounding divide by a power of two*: division by 2^max(−shift, 0), rounded to nearest, ties away from zero.
///
/// Shifts are clamped to −31..=31.
#[inline(always)]
pub fn mulshift(x: i32, multiplier: i32, shift: i32) -> i32 {
    let left = shift.clamp(0, 31);
    let right = (-shift.clamp(-31, 0)) & 31;
    rounding_divide_by_power_of_two(doubling_high_multiply(x << left, multiplier), right)
}

#[inline(always)]
fn doubling_high_multiply(a: i32, b: i32) -> i32 {
    // gemmlowp adds ±2³⁰ by sign and divides truncating; for both signs that is this floor.
    let high = (a as i64 * b as i64 + (1 << 30)) >> 31;
    high.min(i32::MAX as i64) as i32
}

#[inline(always)]
fn rounding_divide_by_power_of_two(x: i32, exponent: i32) -> i32 {
    let mask = ((1u32 << exponent) - 1) as i32;
    let remainder = x & mask;
    let threshold = (mask >> 1) + (x < 0) as i32;
    (x >> exponent) + (remainder > threshold) as i32
}
