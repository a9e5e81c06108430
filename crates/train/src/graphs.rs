//! From a specification and its data to graphs: the training step, and the program for one example that takes what
//! stands in the data and gives what the manifest asks for.

use tacit_data::{Dataset, Statistics, TargetValues, statistics};
use tacit_ir::passes::{Rebuild, simplify, verify};
use tacit_ir::{DType, Graph, Index, Nest, Op, Scalar, ScalarFn, ValueId};
use tacit_nn::{Goal, Layer, Optimiser, OptimiserKind, Parameter, Schedule, TrainingSpec};
use tacit_spec::{
    ClassWeights, InputKind, Loss, Optimiser as SpecOptimiser, OutputKind, Padding, Schedule as SpecSchedule, Shape,
    Specification, Window,
};

use crate::error::{self, CodedError, Result};

/// The leaf names of a training step that are not a parameter or a state. The inputs' names begin with
/// [`TRAINING_INPUT`], so that no input of a manifest is taken for a leaf of the optimiser.
pub const TARGET: &str = "target/values";
pub const KEY: &str = tacit_nn::training::KEY;
/// What stands before the name of an input in a training step.
pub const TRAINING_INPUT: &str = "input/";

/// The graphs of a search.
#[derive(Clone, Debug)]
pub struct Graphs {
    /// One step over a batch; see [`tacit_nn::training_step`].
    pub step: Graph,
    /// The program for one example: raw inputs by their names, one output by its name.
    pub program: Graph,
    /// The parameters of the program and where they start.
    pub parameters: Vec<Parameter>,
    /// How targets that are numbers are scaled for the training step.
    pub target_scale: TargetScale,
}

/// Numbers are learnt as (t − mean) / deviation over the training part, so that their unit does not matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetScale {
    pub mean: f32,
    pub deviation: f32,
}

/// Builds the graphs; `training` are the rows that statistics may look at, `steps` the length of the whole search.
///
/// # Errors
/// `E0502` for what this version cannot build, and the codes of graphs.
pub fn graphs(specification: &Specification, dataset: &Dataset, training: &[usize], steps: u64) -> Result<Graphs> {
    let [output] = &specification.outputs[..] else {
        let message = "programs with several outputs are not available yet";
        return Err(CodedError::new(error::UNSUPPORTED, message).help("build one program for each output").into());
    };
    let (units, target_scale) = match &dataset.targets[0].values {
        TargetValues::Category { labels, .. } => (labels.len(), TargetScale { mean: 0.0, deviation: 1.0 }),
        TargetValues::Number(values) => (1, target_scale(values, training)),
    };
    let mut layers: Vec<Layer> = specification.layers.iter().map(layer).collect();
    if matches!(after(specification), Shape::Image { .. }) {
        layers.push(Layer::Flatten);
    }
    layers.push(Layer::Dense { units });
    let joined = specification.inputs.len() > 1;
    let spec = TrainingSpec {
        input: match joined {
            true => JOINED.to_owned(),
            false => format!("{TRAINING_INPUT}{}", specification.inputs[0].name),
        },
        input_shape: extents(specification.input_shape()),
        standardise: Some(standardisation(specification, dataset, training)),
        layers,
        target: TARGET.to_owned(),
        goal: goal(specification, dataset, training, target_scale),
        optimiser: optimiser(specification, steps)?,
    };
    let step = tacit_nn::training_step(&spec, specification.search.batch)?;
    let program = tacit_nn::program(&TrainingSpec {
        input: if joined { JOINED.to_owned() } else { specification.inputs[0].name.clone() },
        ..spec.clone()
    })?;
    let mut graph = program.graph;
    let mut step_graph = step.graph;
    if joined {
        step_graph = with_joined_inputs(&step_graph, specification, TRAINING_INPUT, Some(specification.search.batch))?;
        graph = with_joined_inputs(&graph, specification, "", None)?;
    }
    let answer = graph.output("prediction").expect("a program gives its prediction");
    let answer = match output.kind {
        OutputKind::Category { .. } | OutputKind::Labels { .. } | OutputKind::Anomaly => answer,
        OutputKind::Number => {
            let deviation = graph.float(target_scale.deviation)?;
            let mean = graph.float(target_scale.mean)?;
            let scaled = graph.map(ScalarFn::Mul, &[answer, deviation])?;
            graph.map(ScalarFn::Add, &[scaled, mean])?
        }
    };
    graph.clear_roots();
    graph.set_output(&output.name, answer)?;
    let (step, program_graph) = (simplify(&step_graph)?, simplify(&graph)?);
    if cfg!(debug_assertions) {
        verify(&step)?;
        verify(&program_graph)?;
    }
    Ok(Graphs { step, program: program_graph, parameters: program.parameters, target_scale })
}

impl TargetScale {
    /// What the training step is given for a target.
    pub fn apply(self, target: f32) -> f32 {
        (target - self.mean) / self.deviation
    }
}

/// The extents of a shape, without a batch.
pub fn extents(shape: Shape) -> Vec<usize> {
    match shape {
        Shape::Vector(length) => vec![length],
        Shape::Image { height, width, channels } => vec![height, width, channels],
    }
}

/// For each class N / (C·n) if classes are balanced, else nothing.
pub fn class_weights(specification: &Specification, dataset: &Dataset, training: &[usize]) -> Option<Vec<f32>> {
    match (specification.goal.class_weights, &dataset.targets[0].values) {
        (ClassWeights::Uniform, _) | (ClassWeights::Balanced, TargetValues::Number(_)) => None,
        (ClassWeights::Balanced, TargetValues::Category { labels, ids }) => {
            let mut counts = vec![0usize; labels.len()];
            training.iter().for_each(|row| counts[ids[*row] as usize] += 1);
            let total = training.len() as f64 / labels.len() as f64;
            // Every class has a row: the split has checked it.
            Some(counts.into_iter().map(|count| (total / count.max(1) as f64) as f32).collect())
        }
    }
}

/// The one input that several inputs are joined to.
const JOINED: &str = "inputs";

/// The shape of what the last layer of the skeleton gives; the manifest was checked, so every layer fits.
fn after(specification: &Specification) -> Shape {
    let fits = "a checked skeleton fits its input";
    specification.layers.iter().fold(specification.input_shape(), |shape, layer| layer.shape(shape).expect(fits))
}

fn layer(layer: &tacit_spec::Layer) -> Layer {
    match layer {
        tacit_spec::Layer::Conv { window: w, channels, groups } => {
            Layer::Conv { window: window(w), channels: *channels, groups: *groups }
        }
        tacit_spec::Layer::Depthwise { window: w } => Layer::Depthwise { window: window(w) },
        tacit_spec::Layer::Dense { units } => Layer::Dense { units: *units },
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
        tacit_spec::Layer::Residual(layers) => Layer::Residual(layers.iter().map(self::layer).collect()),
    }
}

fn window(window: &Window) -> tacit_nn::Window {
    let padding = match window.padding {
        Padding::Same => tacit_nn::Padding::Same,
        Padding::Valid => tacit_nn::Padding::Valid,
    };
    tacit_nn::Window { kernel: window.kernel, stride: window.stride, dilation: window.dilation, padding }
}

fn goal(specification: &Specification, dataset: &Dataset, training: &[usize], scale: TargetScale) -> Goal {
    match specification.goal.loss {
        Loss::CrossEntropy { label_smoothing } => Goal::CrossEntropy {
            class_weights: class_weights(specification, dataset, training),
            label_smoothing: label_smoothing as f32,
        },
        Loss::SquaredError => Goal::Squared,
        Loss::AbsoluteError => Goal::Absolute,
        // Errors are divided by the deviation, so the place of the bend is too.
        Loss::Huber { delta } => Goal::Huber { delta: (delta / f64::from(scale.deviation)) as f32 },
    }
}

fn optimiser(specification: &Specification, steps: u64) -> Result<Optimiser> {
    let search = &specification.search;
    let rate = search.learning_rate as f32;
    let steps = u32::try_from(steps).ok().filter(|steps| *steps <= i32::MAX as u32).ok_or_else(|| {
        let message = format!("the search would take {steps} steps, and at most {} are counted", i32::MAX);
        CodedError::new(error::UNSUPPORTED, message).help("choose fewer `epochs` or a larger `batch`")
    })?;
    let warmup = search.warmup_steps.min(u64::from(steps)) as u32;
    let rest = (steps - warmup).max(1);
    let schedule = match search.schedule {
        SpecSchedule::Constant => Schedule::Constant { rate },
        SpecSchedule::Cosine => Schedule::Cosine { rate, end: 0.0, steps: rest },
        SpecSchedule::OneCycle => Schedule::OneCycle { peak: rate, steps: rest },
    };
    let schedule = match warmup {
        0 => schedule,
        _ => Schedule::WarmUp { steps: warmup, then: Box::new(schedule) },
    };
    let kind = match search.optimiser {
        SpecOptimiser::AdamW => OptimiserKind::ADAMW,
        SpecOptimiser::Sgd { momentum } => OptimiserKind::Sgd { momentum: momentum as f32 },
    };
    Ok(Optimiser {
        kind,
        schedule,
        weight_decay: search.weight_decay as f32,
        clip: search.clip.map(|clip| clip as f32),
        average: search.average.map(|average| average as f32),
    })
}

/// What the program takes off its input and divides by: the scale of an image that has one, else the mean and deviation
/// of the training part. One of each a channel of an image or a value of a vector.
fn standardisation(specification: &Specification, dataset: &Dataset, training: &[usize]) -> (Vec<f32>, Vec<f32>) {
    let (mut means, mut divisors) = (Vec::new(), Vec::new());
    for (input, values) in specification.inputs.iter().zip(&dataset.inputs) {
        let channels = *extents(input.shape()).last().expect("a shape has a dimension");
        let (mean, divisor) = match input.kind {
            InputKind::Image { scale: Some(scale), .. } => (vec![0.0; channels], vec![scale; channels]),
            InputKind::Number | InputKind::Vector { .. } | InputKind::Image { scale: None, .. } => {
                let found: Statistics = statistics(values, training);
                (found.mean.clone(), found.divisor())
            }
        };
        means.extend(mean.iter().map(|mean| *mean as f32));
        divisors.extend(divisor.iter().map(|divisor| usable_divisor(*divisor)));
    }
    (means, divisors)
}

/// A divisor as an f32; 1 where values are so close together that it would vanish.
fn usable_divisor(divisor: f64) -> f32 {
    let divisor = divisor as f32;
    if divisor.is_normal() && divisor > 0.0 { divisor } else { 1.0 }
}

fn target_scale(values: &[f32], training: &[usize]) -> TargetScale {
    let count = training.len().max(1) as f64;
    let mean = training.iter().map(|row| f64::from(values[*row])).sum::<f64>() / count;
    let squares = training.iter().map(|row| (f64::from(values[*row]) - mean).powi(2)).sum::<f64>();
    TargetScale { mean: mean as f32, deviation: usable_divisor((squares / count).sqrt()) }
}

/// The graph with its one input replaced by the inputs of the manifest, one after another. Several inputs are vectors:
/// an image stands alone in a checked manifest.
fn with_joined_inputs(
    graph: &Graph,
    specification: &Specification,
    prefix: &str,
    batch: Option<usize>,
) -> Result<Graph> {
    let mut rebuild = Rebuild::new(graph);
    for value in graph.values() {
        match &graph.instruction(value).op {
            Op::Input { name } if name == JOINED => {
                let joined = join(&mut rebuild.new, specification, prefix, batch)?;
                rebuild.set(value, joined);
            }
            Op::Input { .. }
            | Op::Param { .. }
            | Op::State { .. }
            | Op::Constant { .. }
            | Op::Iota
            | Op::Random { .. }
            | Op::Extent { .. }
            | Op::Contract
            | Op::Map(_)
            | Op::Reduce(_)
            | Op::Move { .. }
            | Op::Gather
            | Op::Scatter => {
                rebuild.copy(value)?;
            }
        }
    }
    Ok(rebuild.finish()?)
}

fn join(graph: &mut Graph, specification: &Specification, prefix: &str, batch: Option<usize>) -> Result<ValueId> {
    let total = specification.input_shape().values();
    let leading: Vec<usize> = batch.into_iter().collect();
    let (mut operands, mut accesses, mut first) = (Vec::new(), Vec::new(), 0);
    let batch_access: Vec<Index> = batch.iter().map(|_| Index::Axis('n')).collect();
    for input in &specification.inputs {
        let shape = [leading.clone(), extents(input.shape())].concat();
        let value = graph.input(&format!("{prefix}{}", input.name), DType::F32, &shape)?;
        operands.push(value);
        let place = Index::Affine { terms: vec![(1, 'k')], constant: -(first as i64) };
        accesses.push([batch_access.clone(), vec![place]].concat());
        first += input.values();
    }
    let axes = batch.map(|n| ('n', n)).into_iter().chain([('k', total)]).collect();
    let output = [batch_access, vec![Index::Axis('k')]].concat();
    let shape = [leading, vec![total]].concat();
    let nest = Nest { axes, operands: accesses, output };
    Ok(graph.with_shape(Op::Move { fill: Scalar::F32(0.0) }, nest, &operands, &shape)?)
}
