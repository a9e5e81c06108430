//! Optimisers: what gradients do to parameters, as updates of the graph. What they keep between steps is `state`.

use crate::ops::{add, div, mul, offset, scale, sub, sum, unary};
use crate::schedule::{Schedule, learning_rate};
use tacit_ir::gradient::differentiate;
use tacit_ir::{DType, Graph, Result, Scalar, ScalarFn, ValueId};

/// How parameters follow their gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimiser {
    pub kind: OptimiserKind,
    pub schedule: Schedule,
    /// Each step takes this share, times the learning rate, from every decaying parameter, apart from its gradient
    /// (Loshchilov and Hutter, arXiv:1711.05101, algorithms 1 and 2).
    pub weight_decay: f32,
    /// The greatest norm of all gradients together; a longer one is scaled down (Pascanu, Mikolov and Bengio,
    /// arXiv:1211.5063, algorithm 1).
    pub clip: Option<f32>,
    /// Keeps an average of each parameter's values in the state `average/<name>`; see [`average_decay`].
    pub average: Option<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimiserKind {
    /// v ← momentum·v + g, p ← p − rate·v (Polyak 1964, as in Sutskever et al. 2013 without Nesterov's step).
    Sgd { momentum: f32 },
    /// Adam (Kingma and Ba, arXiv:1412.6980, algorithm 1) with the decay of its own of arXiv:1711.05101.
    AdamW { beta1: f32, beta2: f32, epsilon: f32 },
}

impl OptimiserKind {
    /// AdamW with the constants of its paper.
    pub const ADAMW: OptimiserKind = OptimiserKind::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
}

/// The state that counts finished steps, an i32.
pub const STEP: &str = "step";

/// One parameter and its gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradient<'a> {
    pub name: &'a str,
    pub parameter: ValueId,
    pub gradient: ValueId,
    /// Whether weight decay applies.
    pub decays: bool,
}

/// What [`optimise`] leaves to look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimised {
    pub learning_rate: ValueId,
    /// The norm of all gradients together, before clipping.
    pub gradient_norm: ValueId,
}

/// Differentiates a loss by parameters, each with its name and whether it decays, and sets their updates: see [`optimise`].
pub fn minimise(
    graph: &mut Graph,
    optimiser: &Optimiser,
    loss: ValueId,
    parameters: &[(&str, ValueId, bool)],
) -> Result<Optimised> {
    let leaves: Vec<ValueId> = parameters.iter().map(|(_, parameter, _)| *parameter).collect();
    let values = differentiate(graph, loss, &leaves)?;
    let gradients: Vec<Gradient> = parameters
        .iter()
        .zip(values)
        .map(|((name, parameter, decays), gradient)| Gradient {
            name,
            parameter: *parameter,
            gradient,
            decays: *decays,
        })
        .collect();
    optimise(graph, optimiser, &gradients)
}

/// Sets the update of every parameter and of the optimiser's state: `step`, `momentum/<name>` or `first/<name>` and
/// `second/<name>`, `average/<name>`. Every result is flushed, since subnormal numbers are slow.
pub fn optimise(graph: &mut Graph, optimiser: &Optimiser, gradients: &[Gradient]) -> Result<Optimised> {
    let step = graph.state(STEP, Scalar::I32(0), &[])?;
    let one = graph.scalar(Scalar::I32(1))?;
    let next = add(graph, step, one)?;
    graph.set_update(step, next)?;
    let before = unary(graph, ScalarFn::Cast(DType::F32), step)?;
    let count = unary(graph, ScalarFn::Cast(DType::F32), next)?;
    let rate = learning_rate(graph, &optimiser.schedule, before)?;
    let values: Vec<ValueId> = gradients.iter().map(|g| g.gradient).collect();
    let gradient_norm = global_norm(graph, &values)?;
    let shrink = match optimiser.clip {
        Some(limit) => Some(clip_factor(graph, gradient_norm, limit)?),
        None => None,
    };
    let keep = match optimiser.average {
        Some(decay) => Some(average_decay(graph, before, decay)?),
        None => None,
    };
    for Gradient { name, parameter, gradient, decays } in gradients {
        let gradient = match shrink {
            Some(factor) => mul(graph, *gradient, factor)?,
            None => *gradient,
        };
        let mut direction = match optimiser.kind {
            OptimiserKind::AdamW { beta1, beta2, epsilon } => {
                let mean = moment(graph, &format!("first/{name}"), gradient, beta1)?;
                let square = mul(graph, gradient, gradient)?;
                let square = moment(graph, &format!("second/{name}"), square, beta2)?;
                // Both corrections are one value for all parameters: the graph shares equal instructions.
                let [first, second] = [bias_correction(graph, beta1, count)?, bias_correction(graph, beta2, count)?];
                let mean = mul(graph, mean, first)?;
                let square = mul(graph, square, second)?;
                let root = unary(graph, ScalarFn::Sqrt, square)?;
                let size = offset(graph, root, epsilon)?;
                div(graph, mean, size)?
            }
            OptimiserKind::Sgd { momentum: 0.0 } => gradient,
            OptimiserKind::Sgd { momentum } => {
                let velocity = like(graph, &format!("momentum/{name}"), gradient)?;
                let kept = scale(graph, velocity, momentum)?;
                let next = add(graph, kept, gradient)?;
                update(graph, velocity, next)?
            }
        };
        if *decays && optimiser.weight_decay != 0.0 {
            let pull = scale(graph, *parameter, optimiser.weight_decay)?;
            direction = add(graph, direction, pull)?;
        }
        let change = mul(graph, direction, rate)?;
        let next = sub(graph, *parameter, change)?;
        let next = update(graph, *parameter, next)?;
        if let Some(keep) = keep {
            // average + (1 − keep)·(p − average)
            let average = like(graph, &format!("average/{name}"), next)?;
            let difference = sub(graph, average, next)?;
            let kept = mul(graph, difference, keep)?;
            let moved = add(graph, next, kept)?;
            update(graph, average, moved)?;
        }
    }
    Ok(Optimised { learning_rate: rate, gradient_norm })
}

/// √Σ g² over all elements of all values.
pub fn global_norm(graph: &mut Graph, values: &[ValueId]) -> Result<ValueId> {
    let mut total = graph.float(0.0)?;
    for value in values {
        let square = mul(graph, *value, *value)?;
        let square = sum(graph, square)?;
        total = add(graph, total, square)?;
    }
    unary(graph, ScalarFn::Sqrt, total)
}

/// limit / max(limit, norm): 1 for short gradients. The order of the maximum's operands lets a NaN through, so that a
/// search that has diverged shows it.
pub fn clip_factor(graph: &mut Graph, norm: ValueId, limit: f32) -> Result<ValueId> {
    let limit = graph.float(limit)?;
    let greater = graph.map(ScalarFn::Max, &[limit, norm])?;
    div(graph, limit, greater)
}

/// The share of an average that stays: min(decay, t / (t + 10)) after t steps. It begins with 0, so that the average's
/// first value is the first parameters whatever it was before, and short searches do not remember their start.
pub fn average_decay(graph: &mut Graph, steps: ValueId, decay: f32) -> Result<ValueId> {
    let later = offset(graph, steps, 10.0)?;
    let share = div(graph, steps, later)?;
    crate::ops::at_most(graph, share, decay)
}

/// 1 / (1 − βᵗ), which makes up for an average that began at zero (arXiv:1412.6980, section 3). As a factor, since one
/// division for all is cheaper than one an element.
fn bias_correction(graph: &mut Graph, beta: f32, count: ValueId) -> Result<ValueId> {
    let exponent = scale(graph, count, (beta as f64).ln() as f32)?;
    let power = unary(graph, ScalarFn::Exp, exponent)?;
    let one = graph.float(1.0)?;
    let share = sub(graph, one, power)?;
    div(graph, one, share)
}

/// The next value of a moving average: β·m + (1 − β)·x.
fn moment(graph: &mut Graph, name: &str, x: ValueId, beta: f32) -> Result<ValueId> {
    let state = like(graph, name, x)?;
    let kept = scale(graph, state, beta)?;
    let new = scale(graph, x, (1.0 - beta as f64) as f32)?;
    let next = add(graph, kept, new)?;
    update(graph, state, next)
}

/// A state of zeros in the shape of a value.
fn like(graph: &mut Graph, name: &str, x: ValueId) -> Result<ValueId> {
    let shape = graph.shape(x).to_vec();
    graph.state(name, Scalar::F32(0.0), &shape)
}

/// Flushes the next value of a leaf and states it.
fn update(graph: &mut Graph, leaf: ValueId, next: ValueId) -> Result<ValueId> {
    let next = unary(graph, ScalarFn::Flush, next)?;
    graph.set_update(leaf, next)?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use tacit_ir::gradient::differentiate;
    use tacit_ir::{Graph, Tensor, interpret};

    fn optimiser(kind: OptimiserKind) -> Optimiser {
        let schedule = Schedule::Constant { rate: 0.1 };
        Optimiser { kind, schedule, weight_decay: 0.0, clip: None, average: None }
    }

    /// The goal Σ p² of one parameter [2], whose gradient is 2·p; returns p and the states after each step.
    fn steps(optimiser: &Optimiser, decays: bool, start: [f64; 2], count: usize) -> Vec<HashMap<String, Tensor<f64>>> {
        let mut graph = Graph::new();
        let parameter = graph.param("p", &[2]).unwrap();
        let square = mul(&mut graph, parameter, parameter).unwrap();
        let loss = sum(&mut graph, square).unwrap();
        let gradient = differentiate(&mut graph, loss, &[parameter]).unwrap()[0];
        let gradients = [Gradient { name: "p", parameter, gradient, decays }];
        let optimised = optimise(&mut graph, optimiser, &gradients).unwrap();
        graph.set_output("norm", optimised.gradient_norm).unwrap();
        tacit_ir::passes::verify(&graph).unwrap();
        let mut leaves = HashMap::from([("p".to_string(), Tensor::floats(&[2], start.to_vec()))]);
        (0..count)
            .map(|_| {
                leaves.extend(interpret(&graph, &leaves).unwrap().updates);
                leaves.clone()
            })
            .collect()
    }

    #[track_caller]
    fn assert_close(found: &Tensor<f64>, expected: [f64; 2]) {
        for (a, b) in found.as_floats().iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn sgd_with_momentum_is_its_recurrence() {
        let (mut p, mut v) = ([1.0, -2.0], [0.0, 0.0]);
        for after in steps(&optimiser(OptimiserKind::Sgd { momentum: 0.9 }), true, p, 5) {
            v = [0, 1].map(|k| 0.9 * v[k] + 2.0 * p[k]);
            p = [0, 1].map(|k| p[k] - 0.1 * v[k]);
            assert_close(&after["p"], p);
            assert_close(&after["momentum/p"], v);
        }
        assert_close(&steps(&optimiser(OptimiserKind::Sgd { momentum: 0.0 }), true, [1.0, 2.0], 1)[0]["p"], [0.8, 1.6]);
    }

    #[test]
    fn adamw_is_its_recurrence_and_decay_spares_what_does_not_decay() {
        for decays in [true, false] {
            let decay = if decays { 0.05f64 } else { 0.0 };
            let (mut p, mut m, mut v) = ([1.0, -2.0f64], [0.0, 0.0], [0.0, 0.0]);
            let optimiser = Optimiser { weight_decay: 0.05, ..optimiser(OptimiserKind::ADAMW) };
            for (t, after) in (1..).zip(steps(&optimiser, decays, p, 6)) {
                for k in 0..2 {
                    let g = 2.0 * p[k];
                    m[k] = 0.9 * m[k] + 0.1 * g;
                    v[k] = 0.999 * v[k] + 0.001 * g * g;
                    let root = (v[k] / (1.0 - 0.999f64.powi(t))).sqrt() + 1e-8;
                    p[k] -= 0.1 * (m[k] / (1.0 - 0.9f64.powi(t)) / root + decay * p[k]);
                }
                for (a, b) in after["p"].as_floats().iter().zip(p) {
                    // Constants of the graph are f32, so 1 − 0.999 is good to 10⁻⁴ of it.
                    assert!((a - b).abs() < 1e-4, "step {t}: {after:?} is not {p:?}");
                }
                assert_eq!(after[STEP], Tensor::integers(&[], vec![t]));
            }
        }
    }

    #[test]
    fn long_gradients_are_scaled_to_the_limit_and_short_ones_kept() {
        let clipped = |limit| {
            let optimiser = Optimiser { clip: Some(limit), ..optimiser(OptimiserKind::Sgd { momentum: 0.0 }) };
            steps(&optimiser, false, [3.0, 4.0], 1).remove(0)
        };
        // The gradient (6, 8) has the norm 10.
        assert_close(&clipped(1.0)["p"], [3.0 - 0.06, 4.0 - 0.08]);
        assert_close(&clipped(20.0)["p"], [3.0 - 0.6, 4.0 - 0.8]);
    }

    #[test]
    fn an_average_starts_with_the_first_value_and_then_lags() {
        let optimiser = Optimiser { average: Some(0.15), ..optimiser(OptimiserKind::Sgd { momentum: 0.0 }) };
        let after = steps(&optimiser, false, [1.0, -1.0], 3);
        assert_close(&after[0]["average/p"], [0.8, -0.8]);
        let second = 0.64 + (0.8 - 0.64) / 11.0;
        assert_close(&after[1]["average/p"], [second, -second]);
        // From here on the given decay is the smaller one.
        let third = 0.512 + 0.15 * (second - 0.512);
        assert_close(&after[2]["average/p"], [third, -third]);
    }
}
