//! Examples: read from files, checked against the specification, divided into parts, and dealt out in batches.
//!
//! Nothing is dropped or filled in silence: a cell that cannot be used is an error that names its file, line and column.
//! All that is random follows from a seed by the generator in [`random`], so it is the same on every machine.

#![forbid(unsafe_code)]

pub mod random;

mod dataset;
mod read_csv;
mod split;
mod stats;
mod stream;

pub use dataset::{Dataset, GROUPS_MAX, Groups, InputValues, RequirementRows, Target, TargetValues, gather};
pub use read_csv::{CLASSES_MAX, read_csv, read_csv_bytes};
pub use split::{Parts, divide, split};
pub use stats::{Statistics, statistics};
pub use stream::Batches;
