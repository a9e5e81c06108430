//! The verifier: rebuilds a graph through the checked constructors.

use crate::error::Result;
use crate::graph::Graph;
use crate::text;

/// Checks every rule of every instruction, every root, and that the text form parses back to this very graph.
///
/// A graph is only ever built by checked methods, so a failure is a defect of a pass.
pub fn verify(graph: &Graph) -> Result<()> {
    let copy = text::parse(&text::print(graph))?;
    assert!(copy == *graph, "a graph and its text form differ");
    Ok(())
}
