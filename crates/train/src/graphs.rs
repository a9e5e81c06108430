//! From a prepared specification to graphs: the training step, and the program for one example that takes what stands in
//! the data and gives what the manifest asks for.

use tacit_data::{Dataset, TargetValues};
use tacit_ir::Graph;
use tacit_ir::passes::{simplify, verify, winograd};
use tacit_nn::{Goal, Head, HeadKind, Layer, Optimiser, OptimiserKind, Parameter, Schedule, TrainingSpec};
use tacit_spec::{
    Choices, ClassWeights, Convolutions, Loss, Optimiser as SpecOptimiser, Output, Padding, Schedule as SpecSchedule,
    Shape, Specification, Window,
};

use crate::error::{self, CodedError, Result};
use crate::prepare::{Prepared, usable_divisor};
use crate::range_test;

/// The leaf names of a training step that are not a parameter or a state.
pub use tacit_nn::training::{INPUT, KEY};

/// The graphs of a search.
#[derive(Clone, Debug)]
pub struct Graphs {
    /// One step over a batch; see [`tacit_nn::training_step`].
    pub step: Graph,
    /// The program for one example: raw inputs by their names, outputs by theirs.
    pub program: Graph,
    /// The parameters of the program and where they start.
    pub parameters: Vec<Parameter>,
    /// What the training step is given for each output.
    pub targets: Vec<TargetForm>,
}

/// How the right answers of an output are given to the training step.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetForm {
    /// The number of the class, an i32 [n].
    Class,
    /// A share for each class, f32 [n, classes]; a row of class c counts `weights[c]`.
    Shares { classes: usize, smoothing: f32, weights: Vec<f32> },
    /// 0 or 1 for each label, f32 [n, labels].
    Labels(usize),
    /// (t − mean) / deviation over the training part, so that their unit does not matter, f32 [n, 1].
    Number { mean: f32, deviation: f32 },
    /// Nothing: the features themselves are the target.
    Features,
}

/// Builds the graphs for a search of so many steps with this greatest learning rate.
///
/// # Errors
/// `E0502` for what cannot be built, and the codes of graphs.
pub fn graphs(
    specification: &Specification,
    dataset: &Dataset,
    prepared: &Prepared,
    steps: u64,
    learning_rate: f64,
) -> Result<Graphs> {
    let schedule = schedule(&prepared.choices, steps, learning_rate)?;
    graphs_by_schedule(specification, dataset, prepared, schedule)
}

/// Builds the graphs for a range test, whose learning rate rises.
///
/// # Errors
/// As [`graphs`].
pub fn graphs_of_range_test(specification: &Specification, dataset: &Dataset, prepared: &Prepared) -> Result<Graphs> {
    let [from, to] = range_test::rates(specification.search.optimiser).map(|rate| rate as f32);
    let schedule = Schedule::Exponential { from, to, steps: range_test::STEPS as u32 };
    graphs_by_schedule(specification, dataset, prepared, schedule)
}

fn graphs_by_schedule(
    specification: &Specification,
    dataset: &Dataset,
    prepared: &Prepared,
    schedule: Schedule,
) -> Result<Graphs> {
    let (spec, targets) = training_spec(specification, dataset, prepared, schedule);
    let step = tacit_nn::training_step(&spec, prepared.choices.batch)?;
    let program = tacit_nn::program(&spec)?;
    let (step, graph) = (simplify(&step.graph)?, simplify(&program.graph)?);
    let graph = match specification.program.convolutions {
        Convolutions::Direct => graph,
        Convolutions::Winograd => winograd(&graph)?,
    };
    if cfg!(debug_assertions) {
        verify(&step)?;
        verify(&graph)?;
    }
    Ok(Graphs { step, program: graph, parameters: program.parameters, targets })
}

/// The step of a search that goes on, over so many steps, with the program that `rounded` makes of the one before its
/// predictions; the learning rate falls from this one to nothing.
///
/// # Errors
/// Those of `rounded`, and the codes of graphs.
pub fn rounding_step(
    specification: &Specification,
    dataset: &Dataset,
    prepared: &Prepared,
    steps: u64,
    learning_rate: f64,
    rounded: impl FnOnce(&Graph) -> Result<Graph>,
) -> Result<Graph> {
    let schedule = Schedule::Cosine { rate: learning_rate as f32, end: 0.0, steps: steps.max(1) as u32 };
    let (mut spec, _) = training_spec(specification, dataset, prepared, schedule);
    // An average would hold weights from before the rounding.
    spec.optimiser.average = None;
    let answers = tacit_nn::answers(&spec)?;
    let program = rounded(&simplify(&answers.graph)?)?;
    let step = tacit_nn::training_step_of(&program, &spec, prepared.choices.batch, answers.parameters)?;
    let step = simplify(&step.graph)?;
    if cfg!(debug_assertions) {
        verify(&step)?;
    }
    Ok(step)
}

/// What is trained, and what the step is given for each output.
fn training_spec(
    specification: &Specification,
    dataset: &Dataset,
    prepared: &Prepared,
    schedule: Schedule,
) -> (TrainingSpec, Vec<TargetForm>) {
    let mixes = specification.augmentation.mixup > 0.0;
    let (mut heads, mut targets) = (Vec::new(), Vec::new());
    for (index, output) in specification.outputs.iter().enumerate() {
        let (head, form) = head(specification, dataset, prepared, index, output, mixes);
        heads.push(head);
        targets.push(form);
    }
    let mut layers: Vec<Layer> = prepared.layers.iter().map(layer).collect();
    if matches!(after(specification, prepared), Shape::Image { .. }) {
        layers.push(Layer::Flatten);
    }
    let spec = TrainingSpec {
        blocks: prepared.blocks.clone(),
        even_columns: prepared.choices.even_columns,
        layers,
        members: prepared.choices.members,
        heads,
        optimiser: optimiser(specification, &prepared.choices, schedule),
    };
    (spec, targets)
}

/// The extents of a shape, without a batch.
pub fn extents(shape: Shape) -> Vec<usize> {
    match shape {
        Shape::Vector(length) => vec![length],
        Shape::Image { height, width, channels } => vec![height, width, channels],
    }
}

/// For each class of an output N / (C·n) if classes are balanced, else nothing.
pub fn class_weights(
    specification: &Specification,
    dataset: &Dataset,
    output: usize,
    training: &[usize],
) -> Option<Vec<f32>> {
    match (specification.goal.class_weights, &dataset.targets[output].values) {
        (ClassWeights::Balanced, TargetValues::Category { labels, ids }) => {
            let mut counts = vec![0usize; labels.len()];
            training.iter().for_each(|row| counts[ids[*row] as usize] += 1);
            let total = training.len() as f64 / labels.len() as f64;
            // Every class has a row: the split has checked it.
            Some(counts.into_iter().map(|count| (total / count.max(1) as f64) as f32).collect())
        }
        (ClassWeights::Uniform, _)
        | (ClassWeights::Balanced, TargetValues::Number(_) | TargetValues::Labels { .. } | TargetValues::Anomaly(_)) => {
            None
        }
    }
}

fn head(
    specification: &Specification,
    dataset: &Dataset,
    prepared: &Prepared,
    index: usize,
    output: &Output,
    mixes: bool,
) -> (Head, TargetForm) {
    let training = &prepared.training;
    let loss = specification.goal.losses[index];
    let answer = |units| HeadKind::Answer { units, mean: 0.0, deviation: 1.0 };
    let (kind, goal, form) = match &dataset.targets[index].values {
        TargetValues::Category { labels, .. } => {
            let weights = class_weights(specification, dataset, index, training);
            let smoothing = match loss {
                Loss::CrossEntropy { label_smoothing } => label_smoothing as f32,
                Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => 0.0,
            };
            let classes = labels.len();
            match mixes {
                true => {
                    let weights = weights.unwrap_or_else(|| vec![1.0; classes]);
                    (answer(classes), Goal::Distribution, TargetForm::Shares { classes, smoothing, weights })
                }
                false => {
                    let goal = Goal::CrossEntropy { class_weights: weights, label_smoothing: smoothing };
                    (answer(classes), goal, TargetForm::Class)
                }
            }
        }
        TargetValues::Labels { labels, .. } => {
            (answer(labels.len()), Goal::BinaryCrossEntropy, TargetForm::Labels(labels.len()))
        }
        TargetValues::Number(values) => {
            let (mean, deviation) = target_scale(values, training);
            let kind = HeadKind::Answer { units: 1, mean, deviation };
            (kind, goal_of_numbers(loss, deviation), TargetForm::Number { mean, deviation })
        }
        TargetValues::Anomaly(_) => (HeadKind::Reconstruction, goal_of_numbers(loss, 1.0), TargetForm::Features),
    };
    (Head { name: output.name.clone(), kind, goal, weight: output.weight as f32 }, form)
}

fn goal_of_numbers(loss: Loss, deviation: f32) -> Goal {
    match loss {
        Loss::SquaredError | Loss::CrossEntropy { .. } => Goal::Squared,
        Loss::AbsoluteError => Goal::Absolute,
        // Errors are divided by the deviation, so the place of the bend is too.
        Loss::Huber { delta } => Goal::Huber { delta: (delta / f64::from(deviation)) as f32 },
    }
}

/// The shape of what the last layer of the skeleton gives; the layers were checked, so every one fits.
fn after(specification: &Specification, prepared: &Prepared) -> Shape {
    match specification.input_shape() {
        image @ Shape::Image { .. } => {
            let fits = "a checked skeleton fits its input";
            prepared.layers.iter().fold(image, |shape, layer| layer.shape(shape).expect(fits))
        }
        vector @ Shape::Vector(_) => vector,
    }
}

fn layer(layer: &tacit_spec::Layer) -> Layer {
    match layer {
        tacit_spec::Layer::Conv { window: w, channels, groups } => {
            Layer::Conv { window: window(w), channels: *channels, groups: *groups }
        }
        tacit_spec::Layer::Depthwise { window: w } => Layer::Depthwise { window: window(w) },
        tacit_spec::Layer::Dense { units, groups } => Layer::Dense { units: *units, groups: *groups },
        tacit_spec::Layer::Relu => Layer::Relu,
        tacit_spec::Layer::Gelu => Layer::Gelu,
        tacit_spec::Layer::Tanh => Layer::Tanh,
        tacit_spec::Layer::Sigmoid => Layer::Sigmoid,
        tacit_spec::Layer::Pool { window: w } => Layer::MaxPool { window: window(w) },
        tacit_spec::Layer::AveragePool { window: w } => Layer::AveragePool { window: window(w) },
        tacit_spec::Layer::GlobalAveragePool => Layer::GlobalAveragePool,
        tacit_spec::Layer::Flatten => Layer::Flatten,
        tacit_spec::Layer::BatchNorm => Layer::BatchNorm,
        tacit_spec::Layer::LayerNorm => Layer::LayerNorm,
        tacit_spec::Layer::Dropout { probability } => Layer::Dropout(*probability as f32),
        tacit_spec::Layer::Residual { layers, shortcut } => Layer::Residual {
            layers: layers.iter().map(self::layer).collect(),
            shortcut: shortcut.iter().map(self::layer).collect(),
        },
    }
}

fn window(window: &Window) -> tacit_nn::Window {
    let padding = match window.padding {
        Padding::Same => tacit_nn::Padding::Same,
        Padding::Valid => tacit_nn::Padding::Valid,
    };
    tacit_nn::Window { kernel: window.kernel, stride: window.stride, dilation: window.dilation, padding }
}

fn schedule(choices: &Choices, steps: u64, learning_rate: f64) -> Result<Schedule> {
    let rate = learning_rate as f32;
    let steps = u32::try_from(steps).ok().filter(|steps| *steps <= i32::MAX as u32).ok_or_else(|| {
        let message = format!("the search would take {steps} steps, and at most {} are counted", i32::MAX);
        CodedError::new(error::UNSUPPORTED, message).help("choose fewer `epochs` or a larger `batch`")
    })?;
    let warmup = choices.warmup_steps.min(u64::from(steps)) as u32;
    let rest = (steps - warmup).max(1);
    let schedule = match choices.schedule {
        SpecSchedule::Constant => Schedule::Constant { rate },
        SpecSchedule::Cosine => Schedule::Cosine { rate, end: 0.0, steps: rest },
        SpecSchedule::OneCycle => Schedule::OneCycle { peak: rate, steps: rest },
    };
    Ok(match warmup {
        0 => schedule,
        _ => Schedule::WarmUp { steps: warmup, then: Box::new(schedule) },
    })
}

fn optimiser(specification: &Specification, choices: &Choices, schedule: Schedule) -> Optimiser {
    let kind = match specification.search.optimiser {
        SpecOptimiser::AdamW => OptimiserKind::ADAMW,
        SpecOptimiser::Sgd { momentum } => OptimiserKind::Sgd { momentum: momentum as f32 },
    };
    Optimiser {
        kind,
        schedule,
        weight_decay: choices.weight_decay as f32,
        clip: choices.clip.map(|clip| clip as f32),
        average: choices.average.map(|average| average as f32),
    }
}

/// Mean and deviation of the targets over the training rows.
fn target_scale(values: &[f32], training: &[usize]) -> (f32, f32) {
    let count = training.len().max(1) as f64;
    let mean = training.iter().map(|row| f64::from(values[*row])).sum::<f64>() / count;
    let squares = training.iter().map(|row| (f64::from(values[*row]) - mean).powi(2)).sum::<f64>();
    (mean as f32, usable_divisor((squares / count).sqrt()))
}
