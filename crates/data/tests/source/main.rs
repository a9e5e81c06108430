//! The readers of data sources: good files are read as they are meant, bad ones are told with their place, and no bytes
//! whatever make a reader panic.

mod codes;
mod csv;
mod folder;
mod hostile;
mod idx;
mod image;
mod json_lines;
#[cfg(feature = "parquet")]
mod parquet;
mod sniff;
mod support;
