//! What is proposed for data that nobody has described: each rule with data that is on either side of it.

mod awkward;
mod columns;
mod findings;
mod pictures;
mod public;
mod support;
mod targets;
