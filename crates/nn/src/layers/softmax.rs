//! Softmax over the last dimension.

use crate::ops::{reduce_last, stop, unary, with_rows};
use tacit_ir::{Graph, Reduction, Result, ScalarFn, ValueId};

/// eˣ / Σ eˣ: [.., k] → [.., k].
pub fn softmax(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let shifted = shift_by_max(graph, x)?;
    let exponentials = unary(graph, ScalarFn::Exp, shifted)?;
    let total = reduce_last(graph, Reduction::Sum, exponentials)?;
    with_rows(graph, ScalarFn::Div, exponentials, total)
}

/// x − ln Σ eˣ: [.., k] → [.., k].
pub fn log_softmax(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let shifted = shift_by_max(graph, x)?;
    let exponentials = unary(graph, ScalarFn::Exp, shifted)?;
    let total = reduce_last(graph, Reduction::Sum, exponentials)?;
    let total = unary(graph, ScalarFn::Log, total)?;
    with_rows(graph, ScalarFn::Sub, shifted, total)
}

/// x less its greatest value, so that no exponential overflows. The result does not depend on the shift, so no gradient
/// needs to pass through the maximum.
fn shift_by_max(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let greatest = reduce_last(graph, Reduction::Max, x)?;
    let greatest = stop(graph, greatest)?;
    with_rows(graph, ScalarFn::Sub, x, greatest)
}
