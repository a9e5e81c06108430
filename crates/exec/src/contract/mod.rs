//! Contractions: matrix products, convolutions and all their gradients, as one code path.
//!
//! An affine access of a tensor separates into a part that depends on the row of the result and a part that depends
//! on the term of the sum: `address(m, k) = row[m] + run(k)`. A [`Contraction`] holds these parts as tables, made
//! once at plan time, so the kernels read operands where they are, whatever their layout, stride or padding.
//! [`ContractPlan`] checks the tables once and decides tiles, blocks, packing and the division among workers.
//!
//! The order of arithmetic is fixed by [`Contraction`] alone: every kernel set, tile and team size gives the bits of
//! [`execute_reference`] (NaN stays NaN; its payload is not specified). Contractions of i8 have kernels of their own
//! ([`integer`]) over the same tables.

mod any;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod behind;
mod depthwise;
mod division;
mod execute;
mod integer;
mod kernel;
pub mod loops;
mod pack;
mod plan;
mod shared;
mod spec;
mod terms;
#[cfg(test)]
mod tests;

pub use behind::Behind;
pub use execute::Operands;
pub use integer::{IntegerOperands, IntegerPlan, Lanewise, Requantise};
pub use plan::{ContractPlan, PlanOptions};
pub use shared::SharedSlice;
pub use spec::{Base, CHUNK, Contraction, Group, Lengths, Row, Run, SpecError, execute_reference};
