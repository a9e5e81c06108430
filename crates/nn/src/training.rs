//! Whole programs: the training step as one static graph, and the program for one example that it finds.

use crate::encode::{Block, encode};
use crate::goals::Goal;
use crate::layers::flatten;
use crate::ops::{add, mean_last, misshapen, mul, scale, stop, sub};
use crate::optimise::{Optimiser, minimise};
use crate::skeleton::{Layer, Mode, Parameter, forward, head};
use tacit_ir::passes::batch;
use tacit_ir::{DType, Graph, Reduction, Result, ScalarFn, ValueId};

/// What is trained, towards what and how.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSpec {
    /// The inputs and how they are encoded.
    pub blocks: Vec<Block>,
    /// Whether every column becomes as many features as any other.
    pub even_columns: bool,
    pub layers: Vec<Layer>,
    /// Networks that share most of their weights and answer together; 1 for a plain one.
    pub members: usize,
    /// At least one.
    pub heads: Vec<Head>,
    pub optimiser: Optimiser,
}

/// An output: a dense layer of its own after all others, and what is asked of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The name of the output. Its layer is called after it.
    pub name: String,
    pub kind: HeadKind,
    pub goal: Goal,
    /// How much its loss counts in the sum.
    pub weight: f32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum HeadKind {
    /// Units whose targets are given as the input [`Head::target`]. The program answers with the goal's prediction, times
    /// `deviation`, plus `mean`: numbers are learnt as (t − mean) / deviation, so that their unit does not matter.
    Answer { units: usize, mean: f32, deviation: f32 },
    /// The features themselves are the target. The program answers with the mean squared difference, one number, which
    /// is small for what is like the training rows.
    Reconstruction,
}

impl Head {
    /// The name of the training step's input that holds its targets.
    pub fn target(&self) -> String {
        format!("{TARGET}{}", self.name)
    }
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
/// What stands before the names of inputs and targets in a training step, so that none is taken for another leaf.
pub const INPUT: &str = "input/";
pub const TARGET: &str = "target/";

/// One step over a batch of n: the inputs of the blocks behind [`INPUT`], the targets of the heads (see
/// [`Goal::target`]) and [`KEY`]; outputs `loss`, `learning-rate` and `gradient-norm`; updates of all parameters and
/// states.
///
/// With members, the loss is the mean of theirs, each with the same target.
pub fn training_step(spec: &TrainingSpec, n: usize) -> Result<Training> {
    let mut graph = Graph::new();
    let key = graph.input(KEY, DType::I32, &[2])?;
    let laid_out = laid_out(&mut graph, spec, INPUT, Some(n), Mode::Training { key })?;
    let LaidOut { features, answers, parameters } = laid_out;
    step_of(graph, spec, n, &answers, Some(features), parameters)
}

/// The program for one example before its predictions: the inputs of the blocks behind [`INPUT`], and an output for each head
/// with what its goal compares with targets. The features that a reconstruction is compared with are an output
/// [`Head::target`].
pub fn answers(spec: &TrainingSpec) -> Result<Training> {
    let mut graph = Graph::new();
    let LaidOut { features, answers, parameters } = laid_out(&mut graph, spec, INPUT, None, Mode::Inference)?;
    for (head, answer) in spec.heads.iter().zip(answers) {
        graph.set_output(&head.name, answer)?;
        if head.kind == HeadKind::Reconstruction {
            graph.set_output(&head.target(), features)?;
        }
    }
    Ok(Training { graph, parameters })
}

/// One step over a batch of n of a program with the interface of [`answers`], as [`training_step`] has one. Running
/// statistics are parameters that stay as they are.
pub fn training_step_of(
    program: &Graph,
    spec: &TrainingSpec,
    n: usize,
    parameters: Vec<Parameter>,
) -> Result<Training> {
    let mut graph = batch(program, n)?;
    let output = |name: &str| match graph.output(name) {
        Some(value) => Ok(value),
        None => misshapen(format!("the program has no output `{name}`")),
    };
    let answers = spec.heads.iter().map(|head| output(&head.name)).collect::<Result<Vec<_>>>()?;
    let reconstruction = spec.heads.iter().find(|head| head.kind == HeadKind::Reconstruction);
    let features = reconstruction.map(|head| output(&head.target())).transpose()?;
    graph.clear_roots();
    step_of(graph, spec, n, &answers, features, parameters)
}

/// The losses, gradients and updates behind the answers of a batch.
fn step_of(
    mut graph: Graph,
    spec: &TrainingSpec,
    n: usize,
    answers: &[ValueId],
    features: Option<ValueId>,
    parameters: Vec<Parameter>,
) -> Result<Training> {
    let mut total = None;
    for (head, answer) in spec.heads.iter().zip(answers) {
        let target = match (&head.kind, features) {
            (HeadKind::Answer { units, .. }, _) => head.goal.target(&mut graph, &head.target(), &[n, *units])?,
            // A target that gave way would be learnt instead of the answer.
            (HeadKind::Reconstruction, Some(features)) => stop(&mut graph, features)?,
            (HeadKind::Reconstruction, None) => return misshapen("a reconstruction has features to be compared with"),
        };
        let target = for_members(&mut graph, target, *answer, spec.members)?;
        let loss = head.goal.loss(&mut graph, *answer, target)?;
        let loss = if head.weight == 1.0 { loss } else { scale(&mut graph, loss, head.weight)? };
        total = Some(match total {
            Some(sum) => add(&mut graph, sum, loss)?,
            None => loss,
        });
    }
    let Some(loss) = total else { return misshapen("a program has an output") };
    let trained: Vec<&Parameter> = parameters.iter().filter(|p| p.trained).collect();
    let leaf = |p: &&Parameter| graph.leaf(&p.name).expect("laying out made every parameter");
    let trained: Vec<(&str, ValueId, bool)> = trained.iter().map(|p| (&p.name[..], leaf(p), p.decays)).collect();
    let optimised = minimise(&mut graph, &spec.optimiser, loss, &trained)?;
    graph.set_output("loss", loss)?;
    graph.set_output("learning-rate", optimised.learning_rate)?;
    graph.set_output("gradient-norm", optimised.gradient_norm)?;
    Ok(Training { graph, parameters })
}

/// The program for one example: the inputs of the blocks, and an output for each head. Its parameters are those of the
/// training step by name, with the running statistics. Members answer with the mean of their predictions.
pub fn program(spec: &TrainingSpec) -> Result<Training> {
    let mut graph = Graph::new();
    let laid_out = laid_out(&mut graph, spec, "", None, Mode::Inference)?;
    for (head, answer) in spec.heads.iter().zip(&laid_out.answers) {
        let answer = match head.kind {
            HeadKind::Answer { mean, deviation, .. } => {
                let each = head.goal.prediction(&mut graph, *answer)?;
                let answer = mean_of_members(&mut graph, each, spec.members)?;
                rescaled(&mut graph, answer, mean, deviation)?
            }
            HeadKind::Reconstruction => {
                let answer = mean_of_members(&mut graph, *answer, spec.members)?;
                let difference = sub(&mut graph, answer, laid_out.features)?;
                let squares = mul(&mut graph, difference, difference)?;
                let score = mean_last(&mut graph, squares)?;
                // A scalar as a vector of one, as every answer is.
                crate::ops::expand(&mut graph, "->u", score, &[('u', 1)])?
            }
        };
        graph.set_output(&head.name, answer)?;
    }
    Ok(Training { graph, parameters: laid_out.parameters })
}

struct LaidOut {
    /// The features that the first layer gets, as one vector.
    features: ValueId,
    /// One for each head.
    answers: Vec<ValueId>,
    parameters: Vec<Parameter>,
}

fn laid_out(graph: &mut Graph, spec: &TrainingSpec, prefix: &str, n: Option<usize>, mode: Mode) -> Result<LaidOut> {
    let (x, mut parameters) = encode(graph, &spec.blocks, prefix, n, mode, spec.even_columns)?;
    let features = flatten(graph, x, n.iter().count())?;
    let width = *graph.shape(features).last().expect("features have a dimension");
    let (y, layers) = forward(graph, &spec.layers, x, mode, spec.members)?;
    parameters.extend(layers);
    let mut answers = Vec::new();
    for one in &spec.heads {
        let units = match one.kind {
            HeadKind::Answer { units, .. } => units,
            HeadKind::Reconstruction => width,
        };
        let (answer, own) = head(graph, &format!("{HEAD}{}", one.name), units, y, mode, spec.members)?;
        answers.push(answer);
        parameters.extend(own);
    }
    Ok(LaidOut { features, answers, parameters })
}

/// What stands before an output's name in the names of its parameters.
const HEAD: &str = "output/";

/// The same target [n, ..] for every member's answer [n, members, units].
fn for_members(graph: &mut Graph, target: ValueId, answer: ValueId, members: usize) -> Result<ValueId> {
    if members == 1 {
        return Ok(target);
    }
    let words = if graph.shape(target).len() + 1 == graph.shape(answer).len() { "nz->nkz" } else { "n->nk" };
    crate::ops::expand(graph, words, target, &[('k', members)])
}

/// [members, units] → [units].
fn mean_of_members(graph: &mut Graph, each: ValueId, members: usize) -> Result<ValueId> {
    if members == 1 {
        return Ok(each);
    }
    let sum = graph.reduce(Reduction::Sum, "kz->z", each, &[])?;
    let count = crate::ops::count(graph, each, &[0])?;
    graph.map_nest(ScalarFn::Div, "z,->z", &[sum, count])
}

fn rescaled(graph: &mut Graph, answer: ValueId, mean: f32, deviation: f32) -> Result<ValueId> {
    if (mean, deviation) == (0.0, 1.0) {
        return Ok(answer);
    }
    let answer = scale(graph, answer, deviation)?;
    crate::ops::offset(graph, answer, mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{Bins, Numbers, Raw};
    use crate::layers::Window;
    use crate::optimise::OptimiserKind;
    use crate::schedule::Schedule;
    use crate::{Initialiser, initialise};
    use std::collections::HashMap;
    use tacit_ir::passes::{simplify, verify};
    use tacit_ir::{Tensor, interpret};

    fn small_spec() -> TrainingSpec {
        TrainingSpec {
            blocks: vec![Block::Image {
                name: "image".into(),
                shape: [6, 6, 1],
                mean: vec![0.5],
                deviation: vec![0.5],
            }],
            even_columns: false,
            members: 1,
            layers: vec![
                Layer::Conv { window: Window::same([3, 3]), channels: 4, groups: 1 },
                Layer::BatchNorm,
                Layer::Relu,
                Layer::residual(vec![Layer::Depthwise { window: Window::same([3, 3]) }, Layer::Gelu]),
                Layer::MaxPool { window: Window { stride: [2, 2], ..Window::tiles([3, 3]) } },
                Layer::Flatten,
                Layer::Dropout(0.1),
            ],
            heads: vec![head_of("class", 3, Goal::CrossEntropy { class_weights: None, label_smoothing: 0.05 })],
            optimiser: Optimiser {
                kind: OptimiserKind::ADAMW,
                schedule: Schedule::Constant { rate: 0.02 },
                weight_decay: 0.01,
                clip: Some(5.0),
                average: Some(0.9),
            },
        }
    }

    fn head_of(name: &str, units: usize, goal: Goal) -> Head {
        Head { name: name.into(), kind: HeadKind::Answer { units, mean: 0.0, deviation: 1.0 }, goal, weight: 1.0 }
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
            leaves.insert("input/image".into(), Tensor::floats(&[n, 6, 6, 1], images));
            leaves.insert("target/class".into(), Tensor::integers(&[n], classes));
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
        let right = outputs["class"].as_floats().chunks(3).zip(&classes).filter(|(p, class)| {
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
            "output/class.weight",
            "output/class.bias",
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
        leaves.insert("input/image".into(), Tensor::floats(&[3, 6, 6, 1], wide(&images)));
        leaves.insert("target/class".into(), Tensor::integers(&[3], classes));
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

    /// Numbers that are features as they are.
    fn plain(name: &str, values: usize) -> Numbers {
        Numbers {
            inputs: vec![Raw { name: name.into(), values }],
            fill: None,
            mean: vec![0.0; values],
            deviation: vec![1.0; values],
            bins: Bins::default(),
        }
    }

    /// Targets that are a linear function of the input, fitted by each optimiser under each schedule.
    #[test]
    fn every_optimiser_and_schedule_fits_a_line() {
        let schedules = [
            Schedule::Constant { rate: 0.05 },
            Schedule::Cosine { rate: 0.1, end: 0.0, steps: 60 },
            Schedule::OneCycle { peak: 0.2, steps: 60 },
            Schedule::WarmUp { steps: 5, then: Box::new(Schedule::Constant { rate: 0.05 }) },
        ];
        for schedule in schedules {
            for kind in [OptimiserKind::Sgd { momentum: 0.5 }, OptimiserKind::ADAMW] {
                let spec = TrainingSpec {
                    blocks: vec![Block::Numbers(plain("x", 2))],
                    even_columns: false,
                    layers: vec![],
                    members: 1,
                    heads: vec![head_of("y", 1, Goal::Squared)],
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
                leaves.insert("input/x".into(), Tensor::floats(&[8, 2], x));
                leaves.insert("target/y".into(), Tensor::floats(&[8, 1], y));
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

    /// Two outputs and three members on numbers: the step's loss against its interpretation in f64, the program's answers
    /// as means over members.
    #[test]
    fn members_and_several_outputs_learn_together_and_answer_once() {
        let spec = TrainingSpec {
            blocks: vec![Block::Numbers(plain("x", 3))],
            even_columns: false,
            layers: vec![Layer::Dense { units: 8, groups: 1 }, Layer::Relu],
            members: 3,
            heads: vec![
                head_of("class", 2, Goal::CrossEntropy { class_weights: None, label_smoothing: 0.0 }),
                Head {
                    kind: HeadKind::Answer { units: 1, mean: 10.0, deviation: 2.0 },
                    weight: 0.5,
                    ..head_of("size", 1, Goal::Squared)
                },
            ],
            optimiser: Optimiser {
                kind: OptimiserKind::ADAMW,
                schedule: Schedule::Constant { rate: 0.03 },
                weight_decay: 0.0,
                clip: None,
                average: None,
            },
        };
        let n = 16;
        let training = training_step(&spec, n).unwrap();
        verify(&training.graph).unwrap();
        let mut leaves = started(&training);
        let x = initialise(Initialiser::Normal { deviation: 1.0 }, 5, "x", 3 * n);
        let classes: Vec<i32> = x.chunks(3).map(|x| i32::from(x[0] > 0.0)).collect();
        let sizes: Vec<f32> = x.chunks(3).map(|x| x[1] - x[2]).collect();
        leaves.insert("input/x".into(), Tensor::floats(&[n, 3], x.clone()));
        leaves.insert("target/class".into(), Tensor::integers(&[n], classes.clone()));
        leaves.insert("target/size".into(), Tensor::floats(&[n, 1], sizes.clone()));
        leaves.insert(KEY.into(), Tensor::integers(&[2], vec![0, 0]));
        for _ in 0..120 {
            let outcome = interpret(&training.graph, &leaves).unwrap();
            leaves.extend(outcome.updates);
        }
        let finished = program(&spec).unwrap();
        verify(&finished.graph).unwrap();
        let mut inputs: HashMap<String, Tensor<f32>> =
            finished.parameters.iter().map(|p| (p.name.clone(), leaves[&p.name].clone())).collect();
        for (row, (class, size)) in classes.iter().zip(&sizes).enumerate() {
            inputs.insert("x".into(), Tensor::floats(&[3], x[3 * row..][..3].to_vec()));
            let outputs = interpret(&finished.graph, &inputs).unwrap().outputs;
            let shares = outputs["class"].as_floats();
            assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-5 && shares[*class as usize] > 0.5);
            assert!((outputs["size"].as_floats()[0] - (10.0 + 2.0 * size)).abs() < 0.6);
        }
    }

    #[test]
    fn a_reconstruction_scores_what_is_unlike_the_training_rows_higher() {
        let spec = TrainingSpec {
            blocks: vec![Block::Numbers(plain("x", 2))],
            even_columns: false,
            layers: vec![Layer::Dense { units: 1, groups: 1 }],
            members: 1,
            heads: vec![Head { kind: HeadKind::Reconstruction, ..head_of("odd", 0, Goal::Squared) }],
            optimiser: Optimiser {
                kind: OptimiserKind::ADAMW,
                schedule: Schedule::Constant { rate: 0.05 },
                weight_decay: 0.0,
                clip: None,
                average: None,
            },
        };
        let n = 8;
        let training = training_step(&spec, n).unwrap();
        let mut leaves = started(&training);
        // All on the diagonal, which one number describes.
        let x: Vec<f32> = (0..n).flat_map(|k| [k as f32 - 3.5; 2]).collect();
        leaves.insert("input/x".into(), Tensor::floats(&[n, 2], x));
        leaves.insert(KEY.into(), Tensor::integers(&[2], vec![0, 0]));
        for _ in 0..200 {
            let outcome = interpret(&training.graph, &leaves).unwrap();
            leaves.extend(outcome.updates);
        }
        let finished = program(&spec).unwrap();
        let mut inputs: HashMap<String, Tensor<f32>> =
            finished.parameters.iter().map(|p| (p.name.clone(), leaves[&p.name].clone())).collect();
        let mut score = |x: [f32; 2]| {
            inputs.insert("x".into(), Tensor::floats(&[2], x.to_vec()));
            interpret(&finished.graph, &inputs).unwrap().outputs["odd"].as_floats()[0]
        };
        assert!(score([2.0, 2.0]) < 0.05 && score([2.0, -2.0]) > 1.0);
    }

    #[test]
    fn a_layer_that_does_not_fit_is_named() {
        let mut spec = small_spec();
        spec.layers = vec![
            Layer::Dense { units: 4, groups: 1 },
            Layer::Conv { window: Window::same([3, 3]), channels: 2, groups: 1 },
        ];
        let error = training_step(&spec, 2).unwrap_err();
        assert!(error.message.contains("`conv2` takes an image"), "{error}");
        spec.layers = vec![Layer::residual(vec![Layer::Flatten])];
        assert!(program(&spec).unwrap_err().message.contains("`residual`"));
        let window = Window { padding: crate::Padding::Valid, ..Window::same([9, 9]) };
        spec.layers = vec![Layer::MaxPool { window }];
        assert!(program(&spec).unwrap_err().message.contains("9x9 does not fit an image of 6x6"));
    }
}
