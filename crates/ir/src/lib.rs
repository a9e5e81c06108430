//! The heart of Tacit: programs as graphs of a small closed instruction set, and the passes over them.
//!
//! A [`Graph`] holds [`Instruction`]s. Each is a loop nest ([`Nest`]) with a scalar body; shape rule, operation count,
//! reference kernel and manual page are read off the nest. This crate does no IO and knows no kernels.

pub mod error;
pub mod gradient;
pub mod graph;
pub mod interpret;
pub mod manual;
pub mod math;
pub mod nest;
pub mod passes;
pub mod rules;
pub mod scalar;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod types;

pub use error::{GraphError, Result};
pub use graph::{Graph, Instruction, Op, Reduction, ValueId};
pub use interpret::{Data, Outcome, Tensor, interpret};
pub use nest::{Access, AxisName, Index, Nest};
pub use scalar::ScalarFn;
pub use types::{DType, Literal, Scalar, TensorType};
