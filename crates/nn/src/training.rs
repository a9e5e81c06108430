//! Whole programs: the training step as one static graph, and the program for one example that it finds.

use crate::goals::Goal;
use crate::layers::standardise;
use crate::optimise::{Gradient, Optimiser, optimise};
use crate::skeleton::{Layer, Mode, Parameter, forward};
use tacit_ir::gradient::differentiate;
use tacit_ir::{DType, Graph, Result, ValueId};

/// What is trained, towards what and how.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSpec {
    /// The name of the input, an f32 of `input_shape`.
    pub input: String,
    /// The shape of one example: [h, w, c] or [features].
    pub input_shape: Vec<usize>,
    /// Mean and deviation of the input by channel, which the program itself takes off and divides by.
    pub standardise: Option<(Vec<f32>, Vec<f32>)>,
    pub layers: Vec<Layer>,
    /// The name of the targets.
    pub target: String,
    pub goal: Goal,
    pub optimiser: Optimiser,
}

/// A graph and what it must be given.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    pub graph: Graph,
    /// In the order of the layers; running statistics among them.
    pub parameters: Vec<Parameter>,
}

/// The name of the random key, an i32[2] that is fresh for every step.
pub const KEY: &str = "key";

/// One step over a batch of n: inputs `spec.input` [n, ..], `spec.target` (see [`Goal::target`]) and [`KEY`]; outputs
/// `loss`, `logits`, `learning-rate` and `gradient-norm`; updates of all parameters and states.
pub fn training_step(spec: &TrainingSpec, n: usize) -> Result<Training> {
    let mut graph = Graph::new();
    let shape: Vec<usize> = std::iter::once(n).chain(spec.input_shape.iter().copied()).collect();
    let x = graph.input(&spec.input, DType::F32, &shape)?;
    let key = graph.input(KEY, DType::I32, &[2])?;
    let (logits, parameters) = laid_out(&mut graph, spec, x, Mode::Training { key })?;
    let predictions = graph.shape(logits).to_vec();
    let target = spec.goal.target(&mut graph, &spec.target, &predictions)?;
    let loss = spec.goal.loss(&mut graph, logits, target)?;

    let trained: Vec<&Parameter> = parameters.iter().filter(|p| p.trained).collect();
    let leaves: Vec<ValueId> =
        trained.iter().map(|p| graph.leaf(&p.name).expect("`forward` made every parameter")).collect();
    let values = differentiate(&mut graph, loss, &leaves)?;
    let gradients: Vec<Gradient> = trained
        .iter()
        .zip(leaves.iter().zip(&values))
        .map(|(p, (leaf, value))| Gradient { name: &p.name, parameter: *leaf, gradient: *value, decays: p.decays })
        .collect();
    let optimised = optimise(&mut graph, &spec.optimiser, &gradients)?;

    graph.set_output("loss", loss)?;
    graph.set_output("logits", logits)?;
    graph.set_output("learning-rate", optimised.learning_rate)?;
    graph.set_output("gradient-norm", optimised.gradient_norm)?;
    Ok(Training { graph, parameters })
}

/// The program for one example: input `spec.input`, outputs `logits` and `prediction` (see [`Goal::prediction`]). Its
/// parameters are those of the training step by name, with the running statistics.
pub fn program(spec: &TrainingSpec) -> Result<Training> {
    let mut graph = Graph::new();
    let x = graph.input(&spec.input, DType::F32, &spec.input_shape)?;
    let (logits, parameters) = laid_out(&mut graph, spec, x, Mode::Inference)?;
    let prediction = spec.goal.prediction(&mut graph, logits)?;
    graph.set_output("logits", logits)?;
    graph.set_output("prediction", prediction)?;
    Ok(Training { graph, parameters })
}

fn laid_out(graph: &mut Graph, spec: &TrainingSpec, x: ValueId, mode: Mode) -> Result<(ValueId, Vec<Parameter>)> {
    let x = match &spec.standardise {
        Some((mean, deviation)) => standardise(graph, x, mean, deviation)?,
        None => x,
    };
    forward(graph, &spec.layers, x, mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Window;
    use crate::optimise::OptimiserKind;
    use crate::schedule::Schedule;
    use crate::{Initialiser, initialise};
    use std::collections::HashMap;
    use tacit_ir::passes::{batch, simplify, verify};
    use tacit_ir::{Tensor, interpret};

    fn small_spec() -> TrainingSpec {
        TrainingSpec {
            input: "image".into(),
            input_shape: vec![6, 6, 1],
            standardise: Some((vec![0.5], vec![0.5])),
            layers: vec![
                Layer::Conv { window: Window::same([3, 3]), channels: 4, groups: 1 },
                Layer::BatchNorm,
                Layer::Relu,
                Layer::Residual(vec![Layer::Depthwise { window: Window::same([3, 3]) }, Layer::Gelu]),
                Layer::MaxPool { window: Window { stride: [2, 2], ..Window::tiles([3, 3]) } },
                Layer::Flatten,
                Layer::Dropout(0.1),
                Layer::Dense { units: 3 },
            ],
            target: "class".into(),
            goal: Goal::CrossEntropy { class_weights: None, label_smoothing: 0.05 },
            optimiser: Optimiser {
                kind: OptimiserKind::ADAMW,
                schedule: Schedule::Constant { rate: 0.02 },
                weight_decay: 0.01,
                clip: Some(5.0),
                average: Some(0.9),
            },
        }
    }

    /// Images whose brightest row tells the class.
    fn examples(n: usize, seed: u64) -> (Vec<f32>, Vec<i32>) {
        let noise = initialise(Initialiser::Normal { deviation: 0.2 }, seed, "noise", n * 36);
        let classes: Vec<i32> = (0..n as i32).map(|k| k % 3).collect();
        let pixel = |(k, noise): (usize, &f32)| {
            let (example, row) = (k / 36, k % 36 / 6);
            noise + if row as i32 / 2 == classes[example] { 1.0 } else { 0.0 }
        };
        (noise.iter().enumerate().map(pixel).collect(), classes)
    }

    fn started(training: &Training) -> HashMap<String, Tensor<f32>> {
        let start = |p: &Parameter| {
            let values = initialise(p.initialiser, 1, &p.name, p.shape.iter().product());
            (p.name.clone(), Tensor::floats(&p.shape, values))
        };
        training.parameters.iter().map(start).collect()
    }

    /// Runs steps on fresh examples and returns the losses; `leaves` keeps parameters and states.
    fn train(graph: &Graph, leaves: &mut HashMap<String, Tensor<f32>>, n: usize, steps: u64) -> Vec<f32> {
        let mut losses = vec![];
        for step in 0..steps {
            let (images, classes) = examples(n, step);
            leaves.insert("image".into(), Tensor::floats(&[n, 6, 6, 1], images));
            leaves.insert("class".into(), Tensor::integers(&[n], classes));
            leaves.insert(KEY.into(), Tensor::integers(&[2], vec![7, step as i32]));
            let outcome = interpret(graph, leaves).unwrap();
            losses.push(outcome.outputs["loss"].as_floats()[0]);
            leaves.extend(outcome.updates);
        }
        losses
    }

    #[test]
    fn thirty_steps_lower_the_loss_and_the_program_has_learnt_the_classes() {
        let spec = small_spec();
        let training = training_step(&spec, 12).unwrap();
        verify(&training.graph).unwrap();
        let mut leaves = started(&training);
        let losses = train(&training.graph, &mut leaves, 12, 30);
        assert!(losses[0] > 0.8 && losses[29] < 0.45, "{losses:?}");

        let finished = program(&spec).unwrap();
        verify(&finished.graph).unwrap();
        let batched = batch(&finished.graph, 12).unwrap();
        let (images, classes) = examples(12, 999);
        let mut inputs: HashMap<String, Tensor<f32>> =
            finished.parameters.iter().map(|p| (p.name.clone(), leaves[&p.name].clone())).collect();
        inputs.insert("image".into(), Tensor::floats(&[12, 6, 6, 1], images));
        let outputs = interpret(&batched, &inputs).unwrap().outputs;
        let right = outputs["prediction"].as_floats().chunks(3).zip(&classes).filter(|(p, class)| {
            let class = **class as usize;
            p.iter().all(|other| *other <= p[class])
        });
        assert!(right.count() >= 11);
    }

    #[test]
    fn training_and_inference_name_their_parameters_alike() {
        let spec = small_spec();
        let training = training_step(&spec, 2).unwrap();
        let finished = program(&spec).unwrap();
        assert_eq!(training.parameters, finished.parameters);
        let names: Vec<&str> = finished.parameters.iter().map(|p| p.name.as_str()).collect();
        let expected = [
            "conv1.weight",
            "conv1.bias",
            "norm2.gain",
            "norm2.shift",
            "norm2.mean",
            "norm2.variance",
            "depthwise3.weight",
            "depthwise3.bias",
            "dense4.weight",
            "dense4.bias",
        ];
        assert_eq!(names, expected);
        for parameter in &finished.parameters {
            let leaf = finished.graph.leaf(&parameter.name).unwrap();
            assert_eq!(finished.graph.shape(leaf), parameter.shape);
        }
    }

    #[test]
    fn simplifying_the_step_keeps_its_bits() {
        let training = training_step(&small_spec(), 3).unwrap();
        let simpler = simplify(&training.graph).unwrap();
        let (mut one, mut other) = (started(&training), started(&training));
        assert_eq!(train(&training.graph, &mut one, 3, 2), train(&simpler, &mut other, 3, 2));
        assert_eq!(one, other);
    }

    /// Plain descent at rate 1 moves each parameter by its gradient, which the losses beside it tell as well.
    #[test]
    fn the_whole_step_moves_against_the_central_differences_of_its_loss() {
        let mut spec = small_spec();
        spec.optimiser = Optimiser {
            kind: OptimiserKind::Sgd { momentum: 0.0 },
            schedule: Schedule::Constant { rate: 1.0 },
            weight_decay: 0.0,
            clip: None,
            average: None,
        };
        let training = training_step(&spec, 3).unwrap();
        let (images, classes) = examples(3, 1);
        let wide = |values: &[f32]| values.iter().map(|v| *v as f64).collect::<Vec<f64>>();
        let mut leaves: HashMap<String, Tensor<f64>> =
            started(&training).into_iter().map(|(n, t)| (n, Tensor::floats(&t.shape, wide(t.as_floats())))).collect();
        leaves.insert("image".into(), Tensor::floats(&[3, 6, 6, 1], wide(&images)));
        leaves.insert("class".into(), Tensor::integers(&[3], classes));
        leaves.insert(KEY.into(), Tensor::integers(&[2], vec![1, 2]));
        let outcome = interpret(&training.graph, &leaves).unwrap();
        for parameter in training.parameters.iter().filter(|p| p.trained) {
            let start = leaves[&parameter.name].clone();
            // Every third element is enough to tell a wrong gradient.
            for element in (0..start.as_floats().len()).step_by(3) {
                let mut loss_at = |by: f64| {
                    let mut values = start.as_floats().to_vec();
                    values[element] += by;
                    leaves.insert(parameter.name.clone(), Tensor::floats(&start.shape, values));
                    interpret(&training.graph, &leaves).unwrap().outputs["loss"].as_floats()[0]
                };
                let difference = (loss_at(1e-6) - loss_at(-1e-6)) / 2e-6;
                let moved = start.as_floats()[element] - outcome.updates[&parameter.name].as_floats()[element];
                assert!((moved - difference).abs() < 1e-6, "{} {element}: {moved}, {difference}", parameter.name);
            }
            leaves.insert(parameter.name.clone(), start);
        }
    }

    /// Targets that are a linear function of the input, fitted by each optimiser under each schedule.
    #[test]
    fn every_optimiser_and_schedule_fits_a_line() {
        let schedules = [
            Schedule::Constant { rate: 0.05 },
            Schedule::Cosine { rate: 0.1, end: 0.0, steps: 60 },
            Schedule::OneCycle { peak: 0.1, steps: 60 },
            Schedule::WarmUp { steps: 5, then: Box::new(Schedule::Constant { rate: 0.05 }) },
        ];
        for schedule in schedules {
            for kind in [OptimiserKind::Sgd { momentum: 0.5 }, OptimiserKind::ADAMW] {
                let spec = TrainingSpec {
                    input: "x".into(),
                    input_shape: vec![2],
                    standardise: None,
                    layers: vec![Layer::Dense { units: 1 }],
                    target: "y".into(),
                    goal: Goal::Squared,
                    optimiser: Optimiser {
                        kind,
                        schedule: schedule.clone(),
                        weight_decay: 0.0,
                        clip: None,
                        average: None,
                    },
                };
                let training = training_step(&spec, 8).unwrap();
                let mut leaves = started(&training);
                let x = initialise(Initialiser::Normal { deviation: 1.0 }, 5, "x", 16);
                let y = x.chunks(2).map(|x| 0.5 * x[0] - 0.25 * x[1] + 0.5).collect();
                leaves.insert("x".into(), Tensor::floats(&[8, 2], x));
                leaves.insert("y".into(), Tensor::floats(&[8, 1], y));
                leaves.insert(KEY.into(), Tensor::integers(&[2], vec![0, 0]));
                let mut loss = f32::INFINITY;
                for _ in 0..60 {
                    let outcome = interpret(&training.graph, &leaves).unwrap();
                    loss = outcome.outputs["loss"].as_floats()[0];
                    leaves.extend(outcome.updates);
                }
                assert!(loss < 0.02, "{kind:?} under {schedule:?} leaves {loss}");
            }
        }
    }

    #[test]
    fn a_layer_that_does_not_fit_is_named() {
        let mut spec = small_spec();
        spec.layers =
            vec![Layer::Dense { units: 4 }, Layer::Conv { window: Window::same([3, 3]), channels: 2, groups: 1 }];
        let error = training_step(&spec, 2).unwrap_err();
        assert!(error.message.contains("`conv2` takes an image"), "{error}");
        spec.layers = vec![Layer::Residual(vec![Layer::Flatten])];
        assert!(program(&spec).unwrap_err().message.contains("`residual`"));
        let window = Window { padding: crate::Padding::Valid, ..Window::same([9, 9]) };
        spec.layers = vec![Layer::MaxPool { window }];
        assert!(program(&spec).unwrap_err().message.contains("9x9 does not fit an image of 6x6"));
    }
}
