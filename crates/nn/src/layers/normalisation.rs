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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{check_gradients, run, value_of};
    use tacit_ir::{DType, Tensor};

    fn assert_close(found: &Tensor<f64>, expected: &[f64]) {
        assert_eq!(found.as_floats().len(), expected.len());
        for (a, b) in found.as_floats().iter().zip(expected) {
            assert!((a - b).abs() < 2e-5, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn rows_and_channels_get_mean_zero_and_variance_one() {
        let x = Tensor::floats(&[2, 2], vec![1.0, 3.0, 5.0, 13.0]);
        let (gain, shift) = (Tensor::floats(&[2], vec![1.0, 2.0]), Tensor::floats(&[2], vec![0.0, 10.0]));
        let all = [x.clone(), gain.clone(), shift.clone()];
        assert_close(&value_of(|g, x| layer_norm(g, x[0], x[1], x[2]), &all), &[-1.0, 12.0, -1.0, 12.0]);
        let trained = value_of(|g, x| Ok(batch_norm_training(g, x[0], x[1], x[2])?.0), &all);
        assert_close(&trained, &[-1.0, 8.0, 1.0, 12.0]);
        // The mean squares are 5 and 97.
        let expected = [1.0 / 5f64.sqrt(), 6.0 / 5f64.sqrt(), 5.0 / 97f64.sqrt(), 26.0 / 97f64.sqrt()];
        assert_close(&value_of(|g, x| rms_norm(g, x[0], x[1]), &all[..2]), &expected);
        let fixed = [x, gain, shift, Tensor::floats(&[2], vec![1.0, 3.0]), Tensor::floats(&[2], vec![4.0, 25.0])];
        let inference = value_of(|g, x| batch_norm(g, x[0], x[1], x[2], x[3], x[4]), &fixed);
        assert_close(&inference, &[0.0, 10.0, 2.0, 14.0]);
    }

    #[test]
    fn derivatives_agree_with_central_differences() {
        let vector: &[usize] = &[3];
        check_gradients(|g, x| layer_norm(g, x[0], x[1], x[2]), &[&[2, 4, 3], vector, vector], true);
        check_gradients(|g, x| rms_norm(g, x[0], x[1]), &[&[4, 3], vector], true);
        let batch = |g: &mut Graph, x: &[ValueId]| Ok(batch_norm_training(g, x[0], x[1], x[2])?.0);
        check_gradients(batch, &[&[4, 3], vector, vector], true);
        check_gradients(batch, &[&[2, 2, 2, 3], vector, vector], true);
        check_gradients(|g, x| standardise(g, x[0], &[0.5, 0.0, 1.0], &[1.0, 2.0, 4.0]), &[&[2, 3]], true);
    }

    #[test]
    fn running_statistics_move_a_tenth_of_the_way_to_mean_and_unbiased_variance() {
        let mut graph = Graph::new();
        let x = graph.input("x", DType::F32, &[4, 2]).unwrap();
        let mean = graph.state("mean", Scalar::F32(0.0), &[2]).unwrap();
        let variance = graph.state("variance", Scalar::F32(1.0), &[2]).unwrap();
        let (gain, shift) = (graph.param("gain", &[2]).unwrap(), graph.param("shift", &[2]).unwrap());
        let (_, m, v) = batch_norm_training(&mut graph, x, gain, shift).unwrap();
        update_running_statistics(&mut graph, x, [m, v], [mean, variance], 0.1).unwrap();
        let ones = Tensor::floats(&[2], vec![1.0; 2]);
        let x = Tensor::floats(&[4, 2], vec![1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 4.0, 4.0]);
        let updates = run(&graph, &[("x", x), ("gain", ones.clone()), ("shift", ones)]).updates;
        assert_close(&updates["mean"], &[0.25, 0.1]);
        // The unbiased variances are 5/3 and 4.
        assert_close(&updates["variance"], &[0.9 + 0.5 / 3.0, 0.9 + 0.4]);
    }

    #[test]
    fn statistics_that_cannot_be_divided_by_are_refused() {
        let mut graph = Graph::new();
        let x = graph.input("x", DType::F32, &[4, 2]).unwrap();
        assert!(standardise(&mut graph, x, &[0.0, 0.0], &[1.0, 0.0]).is_err());
        assert!(standardise(&mut graph, x, &[0.0], &[1.0, 1.0]).is_err());
        assert!(standardise(&mut graph, x, &[0.0], &[1.0]).is_err());
    }
}
