//! The sections of the page, a module each: what the section shows, and how it is drawn. A section without contents is absent.

pub mod answers;
pub mod baselines;
pub mod contract;
pub mod cost;
pub mod curves;
pub mod data;
pub mod effects;
pub mod head;
pub mod importance;
pub mod learning;
pub mod memory;
pub mod provenance;
pub mod slices;
pub mod worst;
