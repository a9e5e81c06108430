//! Contractions of i8 whose sums are i32.
//!
//! Sums of integers wrap and have no order, so terms go in pairs: one instruction multiplies two i16 of each lane by two others
//! and adds both products. `b` is laid into [`slots`] for that, lane by lane; `a` is widened to i16 where it lies, so that
//! the two numbers of a pair are one word of it. What cannot be read so is gathered row by row. A term that a row skips is
//! multiplied by 0, which is the same for integers. Convolutions of 3×3 pixels take a quarter of the products, exactly
//! ([`winograd`]), and depthwise ones make fewer pairs ([`sliding`]).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod convolution;
mod depthwise;
mod direct;
mod execute;
mod kernel;
mod plain;
mod plan;
mod requantise;
mod results;
mod sliding;
mod slots;
#[cfg(test)]
mod tests;
mod units;
mod winograd;
mod words;

pub use plan::{IntegerOperands, IntegerPlan};
pub use requantise::{Lanewise, Requantise};
