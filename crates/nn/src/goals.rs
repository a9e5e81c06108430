//! Goals to minimise: the mean over the batch, or over batch and outputs, as one number.

use crate::layers::{log_softmax, relu, sigmoid, softmax, softplus};
use crate::ops::{
    add, at_least, at_most, count, div, leading, mean, misshapen, mul, reduce_last, scale, sub, sum, unary,
};
use tacit_ir::{DType, Graph, Reduction, Result, Scalar, ScalarFn, ValueId};

/// What a search minimises.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// For categories; see [`cross_entropy`]. The target is i32 [n].
    CrossEntropy {
        class_weights: Option<Vec<f32>>,
        label_smoothing: f32,
    },
    /// For shares of categories, as mixed rows have; see [`distribution`]. The target is f32 of the shape of the logits.
    Distribution,
    /// For labels that are each true or not; see [`binary_cross_entropy`]. The target is f32 of the shape of the logits.
    BinaryCrossEntropy,
    /// For numbers; the target is f32 of the shape of the predictions, as in the next two.
    Squared,
    Absolute,
    Huber {
        delta: f32,
    },
}

impl Goal {
    /// The input that holds the targets for predictions of this shape.
    pub fn target(&self, graph: &mut Graph, name: &str, predictions: &[usize]) -> Result<ValueId> {
        match self {
            Goal::CrossEntropy { .. } => {
                let rows = predictions.split_last().map_or(&[][..], |(_, rows)| rows);
                graph.input(name, DType::I32, rows)
            }
            Goal::Distribution | Goal::BinaryCrossEntropy | Goal::Squared | Goal::Absolute | Goal::Huber { .. } => {
                graph.input(name, DType::F32, predictions)
            }
        }
    }

    /// The goal as one f32.
    pub fn loss(&self, graph: &mut Graph, predictions: ValueId, target: ValueId) -> Result<ValueId> {
        match self {
            Goal::CrossEntropy { class_weights, label_smoothing } => {
                cross_entropy(graph, predictions, target, class_weights.as_deref(), *label_smoothing)
            }
            Goal::Distribution => distribution(graph, predictions, target),
            Goal::BinaryCrossEntropy => binary_cross_entropy(graph, predictions, target),
            Goal::Squared => squared_error(graph, predictions, target),
            Goal::Absolute => absolute_error(graph, predictions, target),
            Goal::Huber { delta } => huber(graph, predictions, target, *delta),
        }
    }

    /// What a finished program gives for the values that the goal is taken of: probabilities for logits.
    pub fn prediction(&self, graph: &mut Graph, values: ValueId) -> Result<ValueId> {
        match self {
            Goal::CrossEntropy { .. } | Goal::Distribution => softmax(graph, values),
            Goal::BinaryCrossEntropy => sigmoid(graph, values),
            Goal::Squared | Goal::Absolute | Goal::Huber { .. } => Ok(values),
        }
    }
}

/// −Σ q·log softmax(logits), averaged over the rows: logits [.., k], target i32 [..]. q is 1 − s at the target and s/k
/// more everywhere (label smoothing, Szegedy et al., arXiv:1512.00567, section 7); class weights [k] multiply the terms.
/// A target outside 0…k−1 names no class: only the smoothing counts there.
pub fn cross_entropy(
    graph: &mut Graph,
    logits: ValueId,
    target: ValueId,
    class_weights: Option<&[f32]>,
    smoothing: f32,
) -> Result<ValueId> {
    leading(graph, logits, 1, "cross-entropy")?;
    if !(0.0..1.0).contains(&smoothing) {
        return misshapen(format!("label smoothing is at least 0 and below 1, not {smoothing}"));
    }
    let logarithms = log_softmax(graph, logits)?;
    log_likelihood_loss(graph, logarithms, target, class_weights, smoothing)
}

/// [`cross_entropy`] from the logarithms of the probabilities [.., k].
pub(crate) fn log_likelihood_loss(
    graph: &mut Graph,
    logarithms: ValueId,
    target: ValueId,
    class_weights: Option<&[f32]>,
    smoothing: f32,
) -> Result<ValueId> {
    let rows = leading(graph, logarithms, 1, "cross-entropy")?;
    let last = graph.shape(logarithms).len() - 1;
    let classes = graph.shape(logarithms)[last];
    let class = graph.iota(classes)?;
    let hit = graph.map_nest(ScalarFn::Equal, &format!("z,{rows}->{rows}z"), &[class, target])?;
    let mut share = graph.map(ScalarFn::Cast(DType::F32), &[hit])?; // [.., k]
    if smoothing > 0.0 {
        let count = count(graph, logarithms, &[last])?;
        let spread = graph.float(smoothing)?;
        let spread = div(graph, spread, count)?;
        share = scale(graph, share, 1.0 - smoothing)?;
        share = add(graph, share, spread)?;
    }
    if let Some(weights) = class_weights {
        if weights.len() != classes {
            return misshapen(format!("{} class weights were given for {classes} classes", weights.len()));
        }
        let weights = graph.constant(weights.iter().map(|w| Scalar::F32(*w)).collect(), &[classes])?;
        share = crate::ops::with_vector(graph, ScalarFn::Mul, share, weights)?;
    }
    let agreement = mul(graph, share, logarithms)?;
    let total = sum(graph, agreement)?;
    let rows: Vec<usize> = (0..last).collect();
    let count = count(graph, logarithms, &rows)?;
    let mean = div(graph, total, count)?;
    unary(graph, ScalarFn::Neg, mean)
}

/// softplus(z) − z·y = −y·log σ(z) − (1 − y)·log(1 − σ(z)), averaged over all elements.
pub fn binary_cross_entropy(graph: &mut Graph, logits: ValueId, target: ValueId) -> Result<ValueId> {
    let cost = softplus(graph, logits)?;
    let product = mul(graph, logits, target)?;
    let cost = sub(graph, cost, product)?;
    mean(graph, cost)
}

/// (p − y)², averaged over all elements.
pub fn squared_error(graph: &mut Graph, predictions: ValueId, target: ValueId) -> Result<ValueId> {
    let error = sub(graph, predictions, target)?;
    let square = mul(graph, error, error)?;
    mean(graph, square)
}

/// |p − y|, averaged over all elements. As max(e, 0) + max(−e, 0), so that an exact prediction has no gradient.
pub fn absolute_error(graph: &mut Graph, predictions: ValueId, target: ValueId) -> Result<ValueId> {
    let above = sub(graph, predictions, target)?;
    let below = unary(graph, ScalarFn::Neg, above)?;
    let above = relu(graph, above)?;
    let below = relu(graph, below)?;
    let error = add(graph, above, below)?;
    mean(graph, error)
}

/// e²/2 where |e| ≤ delta, else delta·(|e| − delta/2) (Huber 1964), averaged over all elements. With c = e clamped to
/// ±delta both are c·(e − c/2).
pub fn huber(graph: &mut Graph, predictions: ValueId, target: ValueId, delta: f32) -> Result<ValueId> {
    if delta.is_nan() || delta <= 0.0 {
        return misshapen(format!("the delta of a huber goal is positive, not {delta}"));
    }
    let error = sub(graph, predictions, target)?;
    let clamped = at_least(graph, error, -delta)?;
    let clamped = at_most(graph, clamped, delta)?;
    let half = scale(graph, clamped, 0.5)?;
    let rest = sub(graph, error, half)?;
    let cost = mul(graph, clamped, rest)?;
    mean(graph, cost)
}

/// −Σ q·log softmax(logits), averaged over the rows: logits and q [.., k]. The rows of q need not sum to 1: a row that
/// weighs more has a larger sum.
pub fn distribution(graph: &mut Graph, logits: ValueId, q: ValueId) -> Result<ValueId> {
    let logs = log_softmax(graph, logits)?;
    let terms = mul(graph, logs, q)?;
    let rows = reduce_last(graph, Reduction::Sum, terms)?;
    let average = mean(graph, rows)?;
    scale(graph, average, -1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{check_gradients, value_of};
    use tacit_ir::Tensor;
    use tacit_ir::gradient::differentiate;

    fn labels(graph: &mut Graph, labels: &[i32]) -> Result<ValueId> {
        graph.constant(labels.iter().map(|label| Scalar::I32(*label)).collect(), &[labels.len()])
    }

    #[track_caller]
    fn assert_value(
        function: impl Fn(&mut Graph, &[ValueId]) -> Result<ValueId>,
        arguments: &[Tensor<f64>],
        expected: f64,
    ) {
        let found = value_of(function, arguments).as_floats()[0];
        assert!((found - expected).abs() < 1e-7, "{found} is not {expected}");
    }

    #[test]
    fn cross_entropy_is_the_formula_with_weights_and_smoothing() {
        // The shares are (1/4, 3/4) and (1/2, 1/2).
        let logits = [Tensor::floats(&[2, 2], vec![0.0, 3f64.ln(), 5.0, 5.0])];
        let [quarter, most, half] = [0.25, 0.75, 0.5].map(f64::ln);
        let goal = |weights: Option<&'static [f32]>, smoothing, target: &'static [i32]| {
            move |g: &mut Graph, x: &[ValueId]| {
                let target = labels(g, target)?;
                cross_entropy(g, x[0], target, weights, smoothing)
            }
        };
        assert_value(goal(None, 0.0, &[1, 0]), &logits, -(most + half) / 2.0);
        assert_value(goal(Some(&[3.0, 1.0]), 0.0, &[1, 0]), &logits, -(most + 3.0 * half) / 2.0);
        let smoothed = -(0.1 * quarter + 0.9 * most + half) / 2.0;
        assert_value(goal(None, 0.2, &[1, 0]), &logits, smoothed);
        let both = -(0.1 * 3.0 * quarter + 0.9 * most + 0.9 * 3.0 * half + 0.1 * half) / 2.0;
        assert_value(goal(Some(&[3.0, 1.0]), 0.2, &[1, 0]), &logits, both);
        assert_value(goal(None, 0.0, &[1, -1]), &logits, -most / 2.0);
        for (weights, smoothing) in [(None, 0.0), (Some(&[3.0f32, 0.5, 1.0][..]), 0.1)] {
            let goal = |g: &mut Graph, x: &[ValueId]| {
                let target = labels(g, &[2, 0])?;
                cross_entropy(g, x[0], target, weights, smoothing)
            };
            check_gradients(goal, &[&[2, 3]], true);
        }
    }

    #[test]
    fn a_distribution_that_is_certain_is_a_class() {
        let logits = Tensor::floats(&[2, 3], vec![0.5, -1.0, 2.0, 0.0, 0.25, 1.0]);
        let by_class = |g: &mut Graph, x: &[ValueId]| {
            let target = labels(g, &[2, 0])?;
            cross_entropy(g, x[0], target, None, 0.0)
        };
        let expected = value_of(by_class, std::slice::from_ref(&logits)).as_floats()[0];
        let certain = Tensor::floats(&[2, 3], vec![0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        assert_value(|g, x| distribution(g, x[0], x[1]), &[logits, certain], expected);
        check_gradients(|g, x| distribution(g, x[0], x[1]), &[&[2, 3], &[2, 3]], true);
    }

    #[test]
    fn goals_for_numbers_are_their_formulas() {
        let pair =
            |p: [f64; 2], y: [f64; 2]| [Tensor::floats(&[2, 1], p.to_vec()), Tensor::floats(&[2, 1], y.to_vec())];
        assert_value(|g, x| squared_error(g, x[0], x[1]), &pair([1.0, 5.0], [3.0, 4.0]), 2.5);
        assert_value(|g, x| absolute_error(g, x[0], x[1]), &pair([1.0, 5.0], [3.0, 4.0]), 1.5);
        assert_value(|g, x| huber(g, x[0], x[1], 1.0), &pair([1.0, 4.5], [4.0, 4.0]), (2.5 + 0.125) / 2.0);
        assert_value(|g, x| huber(g, x[0], x[1], 2.0), &pair([4.0, 1.0], [1.0, 4.0]), 4.0);
        let stable = pair([0.0, -200.0], [1.0, 1.0]);
        assert_value(|g, x| binary_cross_entropy(g, x[0], x[1]), &stable, (std::f64::consts::LN_2 + 200.0) / 2.0);
        let shapes: [&[usize]; 2] = [&[3, 2], &[3, 2]];
        check_gradients(|g, x| squared_error(g, x[0], x[1]), &shapes, true);
        check_gradients(|g, x| absolute_error(g, x[0], x[1]), &shapes, false);
        check_gradients(|g, x| huber(g, x[0], x[1], 0.5), &shapes, false);
        check_gradients(|g, x| binary_cross_entropy(g, x[0], x[1]), &shapes, true);
    }

    #[test]
    fn an_exact_prediction_has_no_gradient() {
        let goals = [Goal::Squared, Goal::Absolute, Goal::Huber { delta: 1.0 }];
        for goal in goals {
            let slope = |g: &mut Graph, x: &[ValueId]| {
                let loss = goal.loss(g, x[0], x[1])?;
                Ok(differentiate(g, loss, &x[..1])?[0])
            };
            let number = Tensor::floats(&[1], vec![2.0]);
            assert_eq!(value_of(slope, &[number.clone(), number]).as_floats()[0], 0.0, "{goal:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut graph = Graph::new();
        let logits = graph.input("x", DType::F32, &[2, 3]).unwrap();
        let target = labels(&mut graph, &[0, 1]).unwrap();
        assert!(cross_entropy(&mut graph, logits, target, Some(&[1.0]), 0.0).is_err());
        assert!(cross_entropy(&mut graph, logits, target, None, 1.0).is_err());
        assert!(huber(&mut graph, logits, logits, 0.0).is_err());
        let wrong = labels(&mut graph, &[0, 1, 2]).unwrap();
        assert!(cross_entropy(&mut graph, logits, wrong, None, 0.0).is_err());
    }
}
