//! The same functions in f64, from the platform and the `libm` crate: what errors are measured against and what the
//! interpreter uses as the oracle for gradients. Their bits are no part of any program's meaning.

pub fn exp(x: f64) -> f64 {
    x.exp()
}

pub fn log(x: f64) -> f64 {
    // The platform's logarithm of a negative number is NaN as well, but its −0 need not be −∞.
    if x == 0.0 { f64::NEG_INFINITY } else { x.ln() }
}

pub fn tanh(x: f64) -> f64 {
    x.tanh()
}

pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

pub fn sin(x: f64) -> f64 {
    x.sin()
}

pub fn cos(x: f64) -> f64 {
    x.cos()
}

/// 1 / (1 + e⁻ˣ) in the form that neither overflows nor cancels.
pub fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    let numerator = if x < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

/// The nearest integer, ties to even.
pub fn round(x: f64) -> f64 {
    x.round_ties_even()
}

/// How far an f32 result is from the exact value, in units in the last place of f32 at the exact value: the distance
/// between the two f32 around it, and 2⁻¹⁴⁹ below the smallest normal number. An infinite result counts as 2¹²⁸, so
/// that overflow in the right place is no error. NaN for NaN is 0; NaN for a number, a number for NaN, and any number
/// for an exact infinity are infinitely wrong.
pub fn error_ulp(got: f32, exact: f64) -> f64 {
    // Half a unit above the largest f32, from where rounding gives infinity.
    let overflow = 2f64.powi(128) - 2f64.powi(103);
    if exact.is_nan() || got.is_nan() {
        return if exact.is_nan() && got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if got as f64 == exact || (got.is_infinite() && exact.abs() >= overflow && (got > 0.0) == (exact > 0.0)) {
        return 0.0;
    }
    if exact.is_infinite() {
        return f64::INFINITY;
    }
    let exponent = (((exact.to_bits() >> 52) & 0x7ff) as i64 - 1023).clamp(-126, 127);
    let ulp = f64::from_bits(((exponent - 23 + 1023) as u64) << 52);
    let got = if got.is_infinite() { 2f64.powi(128).copysign(got as f64) } else { got as f64 };
    (got - exact).abs() / ulp
}
