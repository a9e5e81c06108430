//! The search: steps over shuffled batches, validation after each epoch, the best weights kept.
//!
//! Everything that a step depends on is in the checkpoint or follows from the seed and the step's number, so a search
//! that was killed at any moment and started again ends in the same bits.

use std::path::PathBuf;

use tacit_data::random::SplitMix64;
use tacit_data::{Batches, Dataset, Parts, TargetValues, gather};
use tacit_exec::{Options, Program};
use tacit_ir::types::DType;
use tacit_ir::{Graph, Op, math};
use tacit_nn::{Parameter, initialise};
use tacit_spec::{Loss, Metric, Specification};

use crate::checkpoint::{Checkpoint, Epoch, Progress};
use crate::container::{Tensor, Values, hash_tensors};
use crate::error::{self, CodedError, Result};
use crate::evaluate::Evaluator;
use crate::files;
use crate::graphs::{Graphs, KEY, TARGET, TRAINING_INPUT, class_weights, graphs};
use crate::metrics::{Answers, value};

/// Where and how often the state of a search is kept.
#[derive(Clone, Debug)]
pub struct Keeping {
    pub path: PathBuf,
    /// Steps between two checkpoints.
    pub steps: u64,
}

/// How a search runs; nothing in it changes the result.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    pub exec: Options,
    /// No checkpoints without it.
    pub keeping: Option<Keeping>,
}

/// What a search tells while it runs.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A checkpoint that cannot be used; the search starts anew.
    Ignored(CodedError),
    /// The search goes on from a checkpoint.
    Resumed { step: u64, steps: u64 },
    /// A step is done.
    Step { step: u64, steps: u64, epoch: u64 },
    /// An epoch is done and validated.
    Epoch { epoch: &'a Epoch, epochs: u64, is_best: bool },
    /// No better epoch came for as long as the manifest allows.
    Stopped { epoch: u64 },
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The program for one example.
    pub program: Graph,
    /// Its parameters, ascending by name.
    pub weights: Vec<Tensor>,
    /// The step after which the weights were taken.
    pub best_step: u64,
    /// The steps that were taken in all.
    pub steps: u64,
    pub history: Vec<Epoch>,
}

impl Found {
    /// BLAKE3 of the weights; see [`hash_tensors`].
    pub fn weights_hash(&self) -> String {
        hash_tensors(&self.weights)
    }
}

/// The rows of one batch when a part of the data is answered.
const EVALUATION_ROWS: usize = 64;

/// The steps of a whole search, unless patience ends it before.
pub fn steps(specification: &Specification, parts: &Parts) -> u64 {
    let Specification { search, program, .. } = specification;
    Batches::new(&parts.training, search.batch, program.seed).steps(search.epochs)
}

/// Searches for the weights of a program. `build` names all that decides the result; see [`Progress::build`].
///
/// # Errors
/// `E0501` if the loss is no longer finite, the codes of files, graphs and execution.
pub fn search(
    specification: &Specification,
    dataset: &Dataset,
    parts: &Parts,
    build: &str,
    options: &SearchOptions,
    observe: &mut dyn FnMut(Event),
) -> Result<Found> {
    let seed = specification.program.seed;
    let mut batches = Batches::new(&parts.training, specification.search.batch, seed);
    let steps = steps(specification, parts);
    let Graphs { step, program, parameters, target_scale } = graphs(specification, dataset, &parts.training, steps)?;
    let mut trainer = Trainer::new(&step, &parameters, seed, &options.exec)?;
    let mut evaluator = Evaluator::new(&program, EVALUATION_ROWS, &options.exec)?;
    let weighting = class_weights(specification, dataset, &parts.training);

    let mut progress = Progress::start(build.to_owned());
    let mut best: Vec<Tensor> = Vec::new();
    if let Some(keeping) = &options.keeping {
        match Checkpoint::load(&keeping.path, build).and_then(|found| match found {
            Some(checkpoint) => trainer.restore(&checkpoint.leaves).map(|()| Some(checkpoint)),
            None => Ok(None),
        }) {
            Ok(Some(checkpoint)) => {
                progress = checkpoint.progress;
                best = checkpoint.best;
                observe(Event::Resumed { step: progress.step, steps });
            }
            Ok(None) => {}
            Err(reason) => observe(Event::Ignored(reason)),
        }
    }

    let mut rows = vec![0; specification.search.batch];
    let mut batch = Batch::new(specification, dataset, &step);
    let patience = specification.search.patience_epochs;
    let mut saved_step = progress.step;
    while progress.step < steps && patience.is_none_or(|patience| progress.epochs_without_improvement < patience) {
        batches.indices_for_step(progress.step, &mut rows);
        batch.fill(dataset, &rows, |target| target_scale.apply(target));
        trainer.set_batch(&batch, key(seed, progress.step))?;
        let loss = trainer.step()?;
        progress.step += 1;
        if !loss.is_finite() {
            return Err(diverged(progress.step).into());
        }
        progress.loss_sum += f64::from(loss);
        progress.loss_count += 1;
        observe(Event::Step { step: progress.step, steps, epoch: progress.epoch + 1 });

        let epochs_done = batches.epochs_after(progress.step);
        if epochs_done > progress.epoch || progress.step == steps {
            progress.epoch = epochs_done.max(progress.epoch);
            let weights = trainer.weights(&parameters)?;
            evaluator.set_weights(&weights)?;
            let answers = evaluator.answers(dataset, &parts.validation)?;
            let loss = validation_loss(specification.goal.loss, weighting.as_deref(), &answers);
            if !loss.is_finite() {
                return Err(diverged(progress.step).into());
            }
            let is_best = progress.best_loss.is_none_or(|best| loss < best);
            if is_best {
                (progress.best_loss, progress.best_step) = (Some(loss), progress.step);
                progress.epochs_without_improvement = 0;
                best = weights;
            } else {
                progress.epochs_without_improvement += 1;
            }
            progress.history.push(Epoch {
                epoch: progress.epoch,
                step: progress.step,
                training_loss: progress.loss_sum / progress.loss_count as f64,
                validation_loss: loss,
                validation_figure: validation_figure(&answers),
            });
            (progress.loss_sum, progress.loss_count) = (0.0, 0);
            let epoch = progress.history.last().expect("an epoch was just added");
            observe(Event::Epoch { epoch, epochs: specification.search.epochs, is_best });
            if patience.is_some_and(|patience| progress.epochs_without_improvement >= patience) {
                observe(Event::Stopped { epoch: progress.epoch });
            }
        }
        if let Some(keeping) = &options.keeping
            && (progress.step - saved_step >= keeping.steps || progress.step == steps)
        {
            let checkpoint = Checkpoint { progress: progress.clone(), leaves: trainer.leaves()?, best: best.clone() };
            checkpoint.save(&keeping.path)?;
            saved_step = progress.step;
        }
    }
    best.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Found { program, weights: best, best_step: progress.best_step, steps: progress.step, history: progress.history })
}

/// Removes the state of a search that is done.
///
/// # Errors
/// `E0306`.
pub fn forget(keeping: &Keeping) -> Result<()> {
    Ok(files::remove_if_present(&keeping.path)?)
}

/// The loss of the goal over all rows, in the targets' own unit and without label smoothing: what decides which weights
/// are kept. Rows are weighted as in training.
pub fn validation_loss(loss: Loss, weights: Option<&[f32]>, answers: &Answers) -> f64 {
    match answers {
        Answers::Category { classes, truth, probabilities } => {
            let (mut sum, mut total) = (0.0, 0.0);
            for (t, p) in truth.iter().zip(probabilities.chunks_exact(*classes)) {
                let weight = weights.map_or(1.0, |weights| f64::from(weights[*t as usize]));
                // Not a number stays one; the project's logarithm is the same on every machine.
                let p = p[*t as usize];
                let p = if p < f32::MIN_POSITIVE { f32::MIN_POSITIVE } else { p };
                sum -= weight * f64::from(math::log(p));
                total += weight;
            }
            sum / total
        }
        Answers::Number { truth, answers } => {
            let errors = truth.iter().zip(answers).map(|(t, y)| f64::from(*y) - f64::from(*t));
            let one = |e: f64| match loss {
                Loss::SquaredError | Loss::CrossEntropy { .. } => e * e,
                Loss::AbsoluteError => e.abs(),
                Loss::Huber { delta } if e.abs() <= delta => 0.5 * e * e,
                Loss::Huber { delta } => delta * (e.abs() - 0.5 * delta),
            };
            errors.map(one).sum::<f64>() / truth.len() as f64
        }
        Answers::Labels { .. } => value(Metric::LogLoss.into(), answers),
        // What an anomaly score measures is what the search makes small.
        Answers::Anomaly { scores, .. } => {
            scores.iter().map(|score| f64::from(*score)).sum::<f64>() / scores.len() as f64
        }
    }
}

fn validation_figure(answers: &Answers) -> f64 {
    let metric = match answers {
        Answers::Category { .. } | Answers::Labels { .. } => Metric::Accuracy,
        Answers::Number { .. } => Metric::MeanAbsoluteError,
        Answers::Anomaly { .. } => Metric::SelectionRate,
    };
    value(metric.into(), answers)
}

/// The random key of a step.
fn key(seed: u64, step: u64) -> [i32; 2] {
    [SplitMix64::new(seed).next_u64() as i32, step as i32]
}

fn diverged(step: u64) -> CodedError {
    CodedError::new(error::DIVERGED, format!("the loss is no longer a finite number after step {step}"))
        .help("choose a smaller `learning-rate`, or add `clip = 1.0` or some `warmup` to `[search]`")
}

/// The values of one batch, in the order of the manifest's inputs.
struct Batch {
    inputs: Vec<(String, Vec<f32>)>,
    target: Target,
}

enum Target {
    Category(Vec<i32>),
    Number(Vec<f32>),
}

impl Batch {
    fn new(specification: &Specification, dataset: &Dataset, step: &Graph) -> Batch {
        let rows = specification.search.batch;
        let name = |name: &str| format!("{TRAINING_INPUT}{name}");
        let inputs = specification.inputs.iter().map(|i| (name(&i.name), vec![0.0; rows * i.values()])).collect();
        let elements = step.leaf(TARGET).map_or(0, |target| step.ty(target).elements());
        let target = match dataset.targets[0].values {
            TargetValues::Category { .. } => Target::Category(vec![0; elements]),
            TargetValues::Number(_) => Target::Number(vec![0.0; elements]),
        };
        Batch { inputs, target }
    }

    fn fill(&mut self, dataset: &Dataset, rows: &[usize], scale: impl Fn(f32) -> f32) {
        for (values, (_, out)) in dataset.inputs.iter().zip(&mut self.inputs) {
            gather(&values.values, values.shape.values(), rows, out);
        }
        match (&dataset.targets[0].values, &mut self.target) {
            (TargetValues::Category { ids, .. }, Target::Category(out)) => gather(ids, 1, rows, out),
            (TargetValues::Number(values), Target::Number(out)) => {
                gather(values, 1, rows, out);
                out.iter_mut().for_each(|target| *target = scale(*target));
            }
            (TargetValues::Category { .. }, Target::Number(_)) | (TargetValues::Number(_), Target::Category(_)) => {
                panic!("the batch was made for this data")
            }
        }
    }
}

/// A training step with its parameters and states.
struct Trainer {
    program: Program,
    /// The parameters and states: name, type and shape.
    leaves: Vec<(String, DType, Vec<usize>)>,
}

impl Trainer {
    /// Compiles the step and gives every parameter its first value.
    fn new(graph: &Graph, parameters: &[Parameter], seed: u64, options: &Options) -> Result<Trainer> {
        let mut program = Program::compile(graph, options)?;
        for Parameter { name, shape, initialiser, .. } in parameters {
            program.set_f32(name, &initialise(*initialiser, seed, name, shape.iter().product()))?;
        }
        let mut leaves = Vec::new();
        for value in graph.values() {
            let instruction = graph.instruction(value);
            if let Op::Param { name } | Op::State { name, .. } = &instruction.op {
                leaves.push((name.clone(), instruction.ty.dtype, instruction.ty.shape.clone()));
            }
        }
        Ok(Trainer { program, leaves })
    }

    fn set_batch(&mut self, batch: &Batch, key: [i32; 2]) -> Result<()> {
        for (name, values) in &batch.inputs {
            self.program.set_f32(name, values)?;
        }
        match &batch.target {
            Target::Category(ids) => self.program.set_i32(TARGET, ids)?,
            Target::Number(values) => self.program.set_f32(TARGET, values)?,
        }
        Ok(self.program.set_i32(KEY, &key)?)
    }

    /// One step; gives its loss.
    fn step(&mut self) -> Result<f32> {
        self.program.step();
        Ok(self.program.output_f32("loss")?[0])
    }

    /// The parameters of the program as they are now: averaged ones where the search averages.
    fn weights(&self, parameters: &[Parameter]) -> Result<Vec<Tensor>> {
        let one = |parameter: &Parameter| {
            let averaged = format!("average/{}", parameter.name);
            let is_averaged = self.leaves.iter().any(|(name, ..)| *name == averaged);
            let values = self.program.leaf_f32(if is_averaged { &averaged } else { &parameter.name })?.to_vec();
            Ok(Tensor { name: parameter.name.clone(), shape: parameter.shape.clone(), values: Values::F32(values) })
        };
        parameters.iter().map(one).collect()
    }

    /// Every parameter and state.
    fn leaves(&self) -> Result<Vec<Tensor>> {
        let one = |(name, dtype, shape): &(String, DType, Vec<usize>)| {
            let values = match dtype {
                DType::F32 => Values::F32(self.program.leaf_f32(name)?.to_vec()),
                DType::I32 => Values::I32(self.program.leaf_i32(name)?.to_vec()),
                DType::I8 | DType::Bool => panic!("a training step keeps f32 and i32 only"),
            };
            Ok(Tensor { name: name.clone(), shape: shape.clone(), values })
        };
        self.leaves.iter().map(one).collect()
    }

    /// Sets every parameter and state; changes nothing if one is missing or has another shape.
    fn restore(&mut self, tensors: &[Tensor]) -> std::result::Result<(), CodedError> {
        let dtype = |values: &Values| match values {
            Values::F32(_) => DType::F32,
            Values::I32(_) => DType::I32,
        };
        let fits =
            |t: &Tensor| self.leaves.iter().any(|(n, d, s)| *n == t.name && *d == dtype(&t.values) && *s == t.shape);
        if tensors.len() != self.leaves.len() || !tensors.iter().all(fits) {
            return Err(CodedError::new(error::CONTENTS, "the checkpoint does not hold the state of this search"));
        }
        for tensor in tensors {
            match &tensor.values {
                Values::F32(values) => self.program.set_f32(&tensor.name, values)?,
                Values::I32(values) => self.program.set_i32(&tensor.name, values)?,
            }
        }
        Ok(())
    }
}
