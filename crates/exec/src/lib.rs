//! CPU kernels, the thread team and planned execution: the place of all `unsafe` code.

mod block;
mod cache;
mod ceiling;
pub mod contract;
pub mod kernels;
mod machine;
mod memory;
pub mod parts;
mod profile;
mod program;
mod rows;
mod schedule;
pub mod team;

pub use ceiling::{Ceiling, ceiling, widest_vectors};
pub use kernels::KernelSet;
pub use profile::{KernelTime, profile};
pub use program::{CODES, ExecError, Options, Program};
