//! Steps of recurrent layers. The caller holds what a step carries over, as `state` or unrolled.

use crate::ops::{add, leading, mul, sub, with_vector};
use tacit_ir::{Graph, Result, Scalar, ScalarFn, ValueId};

/// The parameters of a recurrent step with g gates, m inputs and z units; the gate is an axis of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gates {
    /// [m, g, z].
    pub input: ValueId,
    /// [z, g, z].
    pub hidden: ValueId,
    /// [g, z].
    pub bias: ValueId,
}

/// One step of a long short-term memory with forget gate (Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins
/// 2000): x [.., m], h and c [.., z] → the next h and c. The gates are input, forget, candidate and output.
pub fn lstm_step(graph: &mut Graph, x: ValueId, h: ValueId, c: ValueId, gates: Gates) -> Result<(ValueId, ValueId)> {
    let from_input = project(graph, x, gates.input)?;
    let from_hidden = project(graph, h, gates.hidden)?;
    let sum = add(graph, from_input, from_hidden)?;
    let sum = with_bias(graph, sum, gates.bias)?; // [.., 4, z]
    let input = gate(graph, sum, 0, ScalarFn::Sigmoid)?;
    let forget = gate(graph, sum, 1, ScalarFn::Sigmoid)?;
    let candidate = gate(graph, sum, 2, ScalarFn::Tanh)?;
    let output = gate(graph, sum, 3, ScalarFn::Sigmoid)?;
    let kept = mul(graph, forget, c)?;
    let new = mul(graph, input, candidate)?;
    let c = add(graph, kept, new)?;
    let shown = graph.map(ScalarFn::Tanh, &[c])?;
    Ok((mul(graph, output, shown)?, c))
}

/// One step of a gated recurrent unit (Cho et al., arXiv:1406.1078, section 2.3, with the reset after the product, so that
/// one contraction serves all gates): x [.., m], h [.., z] → the next h. The gates are reset, update and candidate;
/// `hidden_bias` [z] stands inside the reset of the candidate.
pub fn gru_step(graph: &mut Graph, x: ValueId, h: ValueId, gates: Gates, hidden_bias: ValueId) -> Result<ValueId> {
    let from_input = project(graph, x, gates.input)?;
    let from_input = with_bias(graph, from_input, gates.bias)?; // [.., 3, z]
    let from_hidden = project(graph, h, gates.hidden)?; // [.., 3, z]
    let sum = add(graph, from_input, from_hidden)?;
    let reset = gate(graph, sum, 0, ScalarFn::Sigmoid)?;
    let update = gate(graph, sum, 1, ScalarFn::Sigmoid)?;
    let from_hidden = slice(graph, from_hidden, 2)?;
    let from_hidden = with_vector(graph, ScalarFn::Add, from_hidden, hidden_bias)?;
    let from_input = slice(graph, from_input, 2)?;
    let let_through = mul(graph, reset, from_hidden)?;
    let candidate = add(graph, from_input, let_through)?;
    let candidate = graph.map(ScalarFn::Tanh, &[candidate])?;
    // (1 − update)·candidate + update·h
    let difference = sub(graph, h, candidate)?;
    let kept = mul(graph, update, difference)?;
    add(graph, candidate, kept)
}

fn project(graph: &mut Graph, x: ValueId, weight: ValueId) -> Result<ValueId> {
    let n = leading(graph, x, 1, "a recurrent step")?;
    graph.contract(&format!("{n}m,mpz->{n}pz"), x, weight, &[])
}

fn with_bias(graph: &mut Graph, x: ValueId, bias: ValueId) -> Result<ValueId> {
    let n = leading(graph, x, 2, "a recurrent step")?;
    graph.map_nest(ScalarFn::Add, &format!("{n}pz,pz->{n}pz"), &[x, bias])
}

/// Gate k of [.., g, z], before its function.
fn slice(graph: &mut Graph, gates: ValueId, k: usize) -> Result<ValueId> {
    let n = leading(graph, gates, 2, "a recurrent step")?;
    graph.move_nest(Scalar::F32(0.0), &format!("{n}{{{k}}}z->{n}z"), &[gates], &[])
}

fn gate(graph: &mut Graph, gates: ValueId, k: usize, function: ScalarFn) -> Result<ValueId> {
    let sum = slice(graph, gates, k)?;
    graph.map(function, &[sum])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{check_gradients, value_of};
    use tacit_ir::Tensor;

    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    fn number(shape: &[usize], values: &[f64]) -> Tensor<f64> {
        Tensor::floats(shape, values.to_vec())
    }

    fn lstm(g: &mut Graph, x: &[ValueId]) -> Result<ValueId> {
        let (h, c) = lstm_step(g, x[0], x[1], x[2], Gates { input: x[3], hidden: x[4], bias: x[5] })?;
        // Both results matter, so they are made one.
        let twice = crate::ops::scale(g, c, 2.0)?;
        add(g, h, twice)
    }

    fn gru(g: &mut Graph, x: &[ValueId]) -> Result<ValueId> {
        gru_step(g, x[0], x[1], Gates { input: x[2], hidden: x[3], bias: x[4] }, x[5])
    }

    #[test]
    fn a_step_of_one_unit_is_the_formula() {
        let (x, h, c) = (0.7, -0.4, 0.3);
        let (w, u, b) = ([0.1, -0.2, 0.3, 0.4], [0.5, 0.6, -0.7, 0.8], [0.0, 1.0, 0.1, -0.1]);
        let sum = |k: usize| w[k] * x + u[k] * h + b[k];
        let next_c = sigmoid(sum(1)) * c + sigmoid(sum(0)) * sum(2).tanh();
        let expected = sigmoid(sum(3)) * next_c.tanh() + 2.0 * next_c;
        let gates = [number(&[1, 4, 1], &w), number(&[1, 4, 1], &u), number(&[4, 1], &b)];
        let state = [number(&[1], &[x]), number(&[1], &[h]), number(&[1], &[c])];
        let found = value_of(lstm, &[&state[..], &gates[..]].concat());
        assert!((found.as_floats()[0] - expected).abs() < 1e-12);

        let (r, z) = (sigmoid(sum(0)), sigmoid(sum(1)));
        let candidate = (w[2] * x + b[2] + r * (u[2] * h + 0.2)).tanh();
        let expected = (1.0 - z) * candidate + z * h;
        let gates = [number(&[1, 3, 1], &w[..3]), number(&[1, 3, 1], &u[..3]), number(&[3, 1], &b[..3])];
        let found = value_of(gru, &[&state[..2], &gates[..], &[number(&[1], &[0.2])]].concat());
        assert!((found.as_floats()[0] - expected).abs() < 1e-12);
    }

    #[test]
    fn derivatives_agree_with_central_differences() {
        check_gradients(lstm, &[&[2, 3], &[2, 2], &[2, 2], &[3, 4, 2], &[2, 4, 2], &[4, 2]], true);
        check_gradients(lstm, &[&[3], &[2], &[2], &[3, 4, 2], &[2, 4, 2], &[4, 2]], false);
        check_gradients(gru, &[&[2, 3], &[2, 2], &[3, 3, 2], &[2, 3, 2], &[3, 2], &[2]], true);
    }
}
