//! The search for a program that meets a specification: checkpoints, the measured contract, and the artifact.
//!
//! Nothing here depends on time, on the number of threads or on the kernels: the same manifest, data, seed and versions
//! give the same bytes, also when the search was killed in between.

#![forbid(unsafe_code)]

pub mod artifact;
pub mod batch;
pub mod build;
pub mod charts;
pub mod checkpoint;
pub mod container;
pub mod contract;
pub mod error;
pub mod evaluate;
pub mod files;
pub mod graphs;
pub mod interface;
pub mod interval;
pub mod learning;
pub mod metrics;
pub mod prepare;
pub mod quantise;
pub mod range_test;
pub mod rows;
pub mod search;
pub mod study;
pub mod transfer;
pub mod tuning;
pub mod worst;

pub use artifact::Artifact;
pub use build::{Examples, Remeasured, assemble, build_hash, examples, remeasure};
pub use checkpoint::{Checkpoint, Epoch, Progress};
pub use contract::Contract;
pub use error::{CODES, CodedError, Failure, Result};
pub use search::{Event, Found, Keeping, SearchOptions, forget, search};
