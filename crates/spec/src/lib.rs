//! `Tacit.toml` to a checked [`Specification`], and the diagnostics of the whole tool.
//!
//! [`parse`] finds all errors of a manifest, not only the first, and never panics, whatever the text. [`report`] shows
//! diagnostics, [`codes`] holds every error code, [`keys`], [`layer`] and [`metric`] define what a manifest can say.

#![forbid(unsafe_code)]

pub mod codes;
pub mod defaults;
pub mod expression;
pub mod keys;
pub mod layer;
pub mod manual;
pub mod metric;
pub mod report;
pub mod schema;
pub mod shape;
pub mod specification;
pub mod suggest;

mod contract;
mod data;
mod goal;
mod interface;
mod manifest;
mod read;
mod searched;
mod skeleton;

pub use codes::{Code, Stage};
pub use defaults::{Choices, Facts, choices};
pub use layer::{Layer, Padding, Window};
pub use manifest::{parse, read};
pub use metric::{AnswerKind, Metric};
pub use report::{Diagnostic, Exit, Place, Severity, Source};
pub use shape::Shape;
pub use skeleton::Preset;
pub use specification::*;
