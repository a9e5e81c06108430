//! Tacit's own scalar functions: the definition of their bits.
//!
//! The interpreter, the vector kernels and every emitted program compute these sequences, so all of them give the
//! same bits. Each is straight-line code: fused and plain f32 arithmetic, comparisons that select a value, and integer
//! operations on the bit pattern. There is no branch, table or library call, so LLVM vectorises each of them inside a
//! loop over slices; and each is written over [`Arithmetic`], so that it can be recorded ([`sequence`]) instead of computed.
//! Fused means one rounding: where the machine has no such instruction, [`f32::mul_add`] computes the same bits in software,
//! slowly.
//!
//! Errors are in units in the last place ([`oracle::error_ulp`]) and are the largest over all 2³² inputs, measured by
//!
//! ```text
//! cargo run --release -p tacit-ir --example ulp -- all
//! ```
//!
//! NaN is one value here: a function whose result is NaN fixes neither its sign nor its payload. Polynomial
//! coefficients and split constants come from `crates/ir/scripts/coefficients.py`.

/// c₀ + x·(c₁ + x·(c₂ + …)), one fused multiply-add a coefficient (Horner's scheme).
macro_rules! horner {
    ($x:expr; $last:expr) => { $x.number($last) };
    ($x:expr; $first:expr, $($rest:expr),+) => { $x.times_plus(horner!($x; $($rest),+), $x.number($first)) };
}

mod arithmetic;
mod basic;
mod exponential;
mod integer;
mod logarithm;
pub mod oracle;
mod random;
pub mod sequence;
#[cfg(test)]
mod tests;
mod trigonometric;

pub use arithmetic::Arithmetic;
pub use basic::{flush, max, min, round, sqrt};
pub use exponential::{erf, exp, sigmoid, tanh};
pub use integer::mulshift;
pub use logarithm::log;
pub use random::{philox_fill_uniform, philox4x32_10, uniform};
pub use trigonometric::{cos, sin};

/// 1.5·2²³. Adding it to a value v, |v| ≤ 2²², rounds v to the nearest integer, ties to even, and leaves that integer in
/// the low bits of the sum's bit pattern; subtracting it again gives the integer as f32. Both steps cost one addition
/// on every machine, where a conversion with Rust's saturation or a rounding instruction would not.
const TO_INTEGER: f32 = 12_582_912.0;

const SIGN_BIT: u32 = 1 << 31;
