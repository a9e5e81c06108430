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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{check_gradients, value_of};
    use tacit_ir::Tensor;

    #[test]
    fn rows_are_shares_and_large_values_do_not_overflow() {
        let x = Tensor::floats(&[2, 2], vec![0.0, 3f64.ln(), 1e30, 1e30]);
        let shares = value_of(|g, x| softmax(g, x[0]), std::slice::from_ref(&x));
        let logarithms = value_of(|g, x| log_softmax(g, x[0]), &[x]);
        for ((share, logarithm), expected) in
            shares.as_floats().iter().zip(logarithms.as_floats()).zip([0.25, 0.75, 0.5, 0.5])
        {
            assert!((share - expected).abs() < 1e-12 && (logarithm - f64::ln(expected)).abs() < 1e-12);
        }
    }

    #[test]
    fn derivatives_agree_with_central_differences() {
        check_gradients(|g, x| softmax(g, x[0]), &[&[2, 4]], true);
        check_gradients(|g, x| log_softmax(g, x[0]), &[&[2, 4]], true);
        check_gradients(|g, x| softmax(g, x[0]), &[&[4]], true);
    }
}
