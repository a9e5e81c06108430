//! The report of a build: everything that was found out about a program, as one page that needs nothing else, and the
//! curves of its search as TensorBoard event files.
//!
//! A [`Report`] is plain data. [`html`] draws it; its JSON (with any `serde` format) is the same data, so that a page can be
//! drawn again from it. What a report does not have is absent from the page: a default report has only a head.
//!
//! - Nothing here reads a file, a clock or the network, and the page loads nothing: its policy forbids it.
//! - All text that comes from data is escaped, and characters that hide or rearrange others are written out.
//! - The same report gives the same page, byte for byte, on every machine.

mod element;
mod figures;
mod format;
mod page;
mod palette;
mod picture;
mod report;
mod scale;
mod sections;
mod svg;
pub mod tensorboard;
mod text;

pub use figures::{Better, Estimate, Histogram, Quantile, Unit, finite};
pub use page::html;
pub use picture::Picture;
pub use report::Report;
pub use sections::answers::{
    AnomalyAnswers, Answers, CategoryAnswers, ClassFigures, Confused, Confusion, Density, LabelFigures, LabelsAnswers,
    NumberAnswers, Output, RateCurve, Reliability, ReliabilityBin, Scatter, ScoreGroup,
};
pub use sections::baselines::{Baselines, ComparedFigure, Contender, ContenderKind};
pub use sections::contract::{Bound, Contract, Deciding, Group, Line};
pub use sections::cost::{Cost, Latency};
pub use sections::curves::{Curves, Epoch, RangeTest};
pub use sections::data::{CategoryCount, ColumnNotes, ColumnValues, DataNotes, Rejects, Warning, WarningKind};
pub use sections::effects::{CategoryEffect, Effect, EffectKind, EffectPoint, Effects, Shape};
pub use sections::head::{Comparison, Hash, Head, KeyFigure, Part, Rival};
pub use sections::importance::{Importance, InputImportance};
pub use sections::learning::{LearningCurve, LearningPoint};
pub use sections::memory::{MemoryBuffer, MemoryMap};
pub use sections::provenance::{Provenance, Version};
pub use sections::slices::{Slice, Slices};
pub use sections::worst::{Cell, Example, WorstExamples};
