//! Examples: read from files, checked against the specification, divided into parts, and dealt out in batches.
//!
//! Nothing is dropped or filled in silence: a cell that cannot be used is an error that names its file, line and column.
//! All that is random follows from a seed by the generator in [`random`], so it is the same on every machine.

#![forbid(unsafe_code)]

pub mod augment;
pub mod convert;
pub mod dates;
pub mod fit;
pub mod layout;
pub mod profile;
pub mod propose;
pub mod random;
pub mod source;
pub mod store;

mod dataset;
mod read;
mod split;
mod stream;

pub use convert::{CellFault, Converter, Dictionary};
pub use dataset::{
    DataFileSummary, Dataset, GROUPS_MAX, Groups, InputValues, Location, Part, RequirementRows, SplitKeys, Target,
    TargetValues,
};
pub use read::{CLASSES_MAX, ReadOptions, data_files, label_order, labels_file, read, source_options};
pub use split::{Parts, divide, split};
pub use store::Store;
pub use stream::Batches;
