//! Depthwise convolutions of 3×3 pixels: a window slides along a row of results.
//!
//! What makes depthwise contractions slow is not their products but how pairs of numbers are made for them. Here each column of
//! three pixels becomes two pairs, which all three windows take that it is part of.

pub(super) mod kernel;
mod plan;

pub(super) use plan::SlidingPlan;
