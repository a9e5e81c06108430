//! The text form of graphs: one line an instruction, printed so that parsing gives the identical graph.
//!
//! ```text
//! tacit-ir 1
//! %0 = input "x" -> f32[32,32,3]
//! %1 = param "w" -> f32[3,3,3,16]
//! %2 = contract "{2h+i-1}{2w+j-1}c,ijco->hwo" h=16 w=16 o=16 i=3 j=3 c=3 (%0, %1) -> f32[16,16,16]
//! %3 = constant 0.0 -> f32[]
//! %4 = map max (%2, %3) -> f32[16,16,16]
//! output "y" = %4
//! ```
//!
//! `#` starts a comment. An elementwise map over whole operands needs no accesses.

mod parse;
mod print;

pub use parse::parse;
pub use print::{print, print_instruction};

/// The first line of every text form.
pub const HEADER: &str = "tacit-ir 1";
