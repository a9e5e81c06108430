//! Normalisation. Means divide by `extent`, so that a network that loses channels keeps its meaning.

use crate::ops::{add, at_least, count, div, mean_last, mean_rows, misshapen, mul, offset, scale, sub, unary};
use crate::ops::{with_rows, with_vector};
use tacit_ir::{Graph, Result, Scalar, ScalarFn, ValueId};

/// What is added to a variance before its root.
pub const EPSILON: f32 = 1e-5;

/// Each channel to mean 0 and variance 1 over all places of the batch, then gain·x + shift (Ioffe and Szegedy,
/// arXiv:1502.03167, algorithm 1): x [n, .., c], gain and shift [c]. Returns the result, the batch's mean [c] and its
/// variance [c], for [`update_running_statistics`].
pub fn batch_norm_training(
    graph: &mut Graph,
    x: ValueId,
    gain: ValueId,
    shift: ValueId,
) -> Result<(ValueId, ValueId, ValueId)> {
    let mean = mean_rows(graph, x)?;
    let centred = with_vector(graph, ScalarFn::Sub, x, mean)?;
    let square = mul(graph, centred, centred)?;
    let variance = mean_rows(graph, square)?;
    let deviation = root(graph, variance)?;
    let factor = div(graph, gain, deviation)?;
    let scaled = with_vector(graph, ScalarFn::Mul, centred, factor)?;
    Ok((with_vector(graph, ScalarFn::Add, scaled, shift)?, mean, variance))
}

/// Batch normalisation with fixed statistics: gain·(x − mean) / √(variance + ε) + shift, as one factor and one term a
/// channel. x [.., c], the others [c].
pub fn batch_norm(
    graph: &mut Graph,
    x: ValueId,
    gain: ValueId,
    shift: ValueId,
    mean: ValueId,
    variance: ValueId,
) -> Result<ValueId> {
    let deviation = root(graph, variance)?;
    let factor = div(graph, gain, deviation)?;
    let moved = mul(graph, mean, factor)?;
    let term = sub(graph, shift, moved)?;
    let scaled = with_vector(graph, ScalarFn::Mul, x, factor)?;
    with_vector(graph, ScalarFn::Add, scaled, term)
}

/// Moves running statistics towards those of a batch of `x` by `momentum`: the mean and the unbiased variance
/// (arXiv:1502.03167, algorithm 2, step 10). The running values are states [c].
pub fn update_running_statistics(
    graph: &mut Graph,
    x: ValueId,
    batch: [ValueId; 2],
    running: [ValueId; 2],
    momentum: f32,
) -> Result<()> {
    let dims: Vec<usize> = (0..graph.shape(x).len().saturating_sub(1)).collect();
    let places = count(graph, x, &dims)?;
    let others = offset(graph, places, -1.0)?;
    // A batch of one place has no unbiased variance; its variance is 0.
    let others = at_least(graph, others, 1.0)?;
    let correction = div(graph, places, others)?;
    let unbiased = mul(graph, batch[1], correction)?;
    for (running, value) in running.into_iter().zip([batch[0], unbiased]) {
        let difference = sub(graph, value, running)?;
        let step = scale(graph, difference, momentum)?;
        let next = add(graph, running, step)?;
        let next = unary(graph, ScalarFn::Flush, next)?;
        graph.set_update(running, next)?;
    }
    Ok(())
}

/// Each row to mean 0 and variance 1 over its last dimension, then gain·x + shift (Ba, Kiros and Hinton,
/// arXiv:1607.06450): x [.., c], gain and shift [c].
pub fn layer_norm(graph: &mut Graph, x: ValueId, gain: ValueId, shift: ValueId) -> Result<ValueId> {
    let mean = mean_last(graph, x)?;
    let centred = with_rows(graph, ScalarFn::Sub, x, mean)?;
    let square = mul(graph, centred, centred)?;
    let variance = mean_last(graph, square)?;
    let deviation = root(graph, variance)?;
    let normal = with_rows(graph, ScalarFn::Div, centred, deviation)?;
    let scaled = with_vector(graph, ScalarFn::Mul, normal, gain)?;
    with_vector(graph, ScalarFn::Add, scaled, shift)
}

/// Each row divided by the root of its mean square, times gain (Zhang and Sennrich, arXiv:1910.07467): x [.., c],
/// gain [c].
pub fn rms_norm(graph: &mut Graph, x: ValueId, gain: ValueId) -> Result<ValueId> {
    let square = mul(graph, x, x)?;
    let mean = mean_last(graph, square)?;
    let size = root(graph, mean)?;
    let normal = with_rows(graph, ScalarFn::Div, x, size)?;
    with_vector(graph, ScalarFn::Mul, normal, gain)
}

/// (x − mean) / deviation with statistics of the data that are known before: x [.., c]. It makes the preparation of an
/// input part of the program.
pub fn standardise(graph: &mut Graph, x: ValueId, mean: &[f32], deviation: &[f32]) -> Result<ValueId> {
    if mean.len() != deviation.len() || deviation.iter().any(|d| d.is_nan() || *d <= 0.0) {
        return misshapen("standardising takes one mean and one positive deviation a channel");
    }
    let constant = |values: &[f32]| values.iter().map(|v| Scalar::F32(*v)).collect::<Vec<_>>();
    let mean = graph.constant(constant(mean), &[mean.len()])?;
    let deviation = graph.constant(constant(deviation), &[deviation.len()])?;
    let centred = with_vector(graph, ScalarFn::Sub, x, mean)?;
    with_vector(graph, ScalarFn::Div, centred, deviation)
}

/// √(variance + ε).
fn root(graph: &mut Graph, variance: ValueId) -> Result<ValueId> {
    let variance = offset(graph, variance, EPSILON)?;
    unary(graph, ScalarFn::Sqrt, variance)
}
