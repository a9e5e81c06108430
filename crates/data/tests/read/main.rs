//! The data of a specification as a whole: every error with its place, sound files however they are written, types and
//! targets, splits, rows that are set aside, and values that memory has no room for.

mod codes;
mod csv;
mod hostile;
mod large;
mod rejects;
mod splits;
mod support;
mod types;
