//! The search: steps over shuffled batches, validation after each epoch, the best weights kept.
//!
//! Everything that a step depends on is in the checkpoint or follows from the seed and the step's number, so a search
//! that was killed at any moment and started again ends in the same bits.

use std::path::PathBuf;

use tacit_data::fit::quantile;
use tacit_data::random::SplitMix64;
use tacit_data::{Batches, Dataset};
use tacit_exec::{Options, Program};
use tacit_ir::passes::quantize::Quantiser;
use tacit_ir::types::DType;
use tacit_ir::{Graph, Op, math};
use tacit_nn::{Parameter, initialise};
use tacit_spec::{Loss, OutputKind, Precision, Quantisation, Specification};

use crate::batch::{Batch, BatchSource, BatchTarget, with_batches};
use crate::checkpoint::{Checkpoint, Epoch, Progress};
use crate::container::{Tensor, Values, hash_tensors};
use crate::error::{self, CodedError, Result};
use crate::evaluate::Evaluator;
use crate::files;
use crate::graphs::{Graphs, KEY, TargetForm, class_weights, graphs};
use crate::metrics::{Answers, Figure, usual_metrics, value};
use crate::prepare::Prepared;
use crate::quantise::{calibrate, quantised};
use crate::range_test::{RangeTest, range_test};
use crate::tuning::Tuning;

/// Where and how often the state of a search is kept.
#[derive(Clone, Debug)]
pub struct Keeping {
    pub path: PathBuf,
    /// Steps between two checkpoints.
    pub steps: u64,
}

/// How a search runs.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    pub exec: Options,
    /// No checkpoints without it.
    pub keeping: Option<Keeping>,
    /// Values that parameters start with instead of drawn ones, by name; those of another shape are not used.
    pub start: Vec<Tensor>,
}

/// What a search tells while it runs.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A checkpoint that cannot be used; the search starts anew.
    Ignored(CodedError),
    /// A range test found the learning rate.
    RangeTested(&'a RangeTest),
    /// The search goes on from a checkpoint.
    Resumed { step: u64, steps: u64 },
    /// A step is done.
    Step { step: u64, steps: u64, epoch: u64 },
    /// An epoch is done and validated.
    Epoch { epoch: &'a Epoch, epochs: u64, is_best: bool },
    /// No better epoch came for as long as the manifest allows.
    Stopped { epoch: u64 },
    /// The program became one of 8-bit integers: sentences about layers that stay in f32, and the losses over the validation
    /// rows before and after.
    Quantised { notes: &'a [String], loss_before: f64, loss_after: f64 },
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
    /// The greatest learning rate of the schedule, and the test that found it, if there was one.
    pub learning_rate: f64,
    pub range_test: Option<RangeTest>,
    /// For each output that scores anomalies, the score above which a row is called one.
    pub thresholds: Vec<Option<f32>>,
}

impl Found {
    /// BLAKE3 of the weights; see [`hash_tensors`].
    pub fn weights_hash(&self) -> String {
        hash_tensors(&self.weights)
    }
}

/// The rows of one batch when a part of the data is answered.
pub const EVALUATION_ROWS: usize = 64;

/// The steps of a whole search, unless patience ends it before.
pub fn steps(specification: &Specification, prepared: &Prepared) -> u64 {
    let choices = &prepared.choices;
    Batches::new(&prepared.training, choices.batch, specification.program.seed).steps(choices.epochs)
}

/// Searches for the weights of a program. `build` names all that decides the result; see [`Progress::build`].
///
/// # Errors
/// `E0501` if the loss is no longer finite, the codes of files, graphs and execution.
pub fn search(
    specification: &Specification,
    dataset: &Dataset,
    prepared: &Prepared,
    build: &str,
    options: &SearchOptions,
    observe: &mut dyn FnMut(Event),
) -> Result<Found> {
    let seed = specification.program.seed;
    let choices = &prepared.choices;
    let steps = steps(specification, prepared);
    let (learning_rate, range_test) = match choices.learning_rate {
        Some(rate) => (rate, None),
        None => {
            let found = range_test(specification, dataset, prepared, options)?;
            observe(Event::RangeTested(&found));
            (found.learning_rate, Some(found))
        }
    };
    let Graphs { step, program, parameters, targets } = graphs(specification, dataset, prepared, steps, learning_rate)?;
    let mut trainer = Trainer::new(&step, &parameters, seed, &options.start, &options.exec)?;
    let mut evaluator = Evaluator::new(&program, EVALUATION_ROWS, &options.exec)?;
    let judge = Judge::new(specification, dataset, prepared, &targets);

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

    let batches = Batches::new(&prepared.training, choices.batch, seed);
    let epochs_after = batches.clone();
    let source = BatchSource::new(specification, dataset, &targets);
    let patience = choices.patience_epochs;
    let first = progress.step;
    with_batches(source, batches, choices.batch, first, steps, |next| {
        let mut saved_step = progress.step;
        while progress.step < steps && patience.is_none_or(|patience| progress.epochs_without_improvement < patience) {
            let mut loss = 0.0;
            next(progress.step, &mut |batch| {
                trainer.set_batch(batch, key(seed, progress.step))?;
                loss = trainer.step()?;
                Ok(())
            })?;
            progress.step += 1;
            if !loss.is_finite() {
                return Err(diverged(progress.step).into());
            }
            progress.loss_sum += f64::from(loss);
            progress.loss_count += 1;
            observe(Event::Step { step: progress.step, steps, epoch: progress.epoch + 1 });

            let epochs_done = epochs_after.epochs_after(progress.step);
            if epochs_done > progress.epoch || progress.step == steps {
                progress.epoch = epochs_done.max(progress.epoch);
                let weights = trainer.weights(&parameters)?;
                evaluator.set_weights(&weights)?;
                let answers = evaluator.answers(dataset, &prepared.validation, &[])?;
                let loss = judge.loss(&answers);
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
                    validation_figure: validation_figure(&answers[0]),
                    learning_rate: trainer.learning_rate()?,
                });
                (progress.loss_sum, progress.loss_count) = (0.0, 0);
                let epoch = progress.history.last().expect("an epoch was just added");
                observe(Event::Epoch { epoch, epochs: choices.epochs, is_best });
                if patience.is_some_and(|patience| progress.epochs_without_improvement >= patience) {
                    observe(Event::Stopped { epoch: progress.epoch });
                }
            }
            if let Some(keeping) = &options.keeping
                && (progress.step - saved_step >= keeping.steps || progress.step == steps)
            {
                let checkpoint =
                    Checkpoint { progress: progress.clone(), leaves: trainer.leaves()?, best: best.clone() };
                checkpoint.save(&keeping.path)?;
                saved_step = progress.step;
            }
        }
        Ok(())
    })?;
    best.sort_by(|a, b| a.name.cmp(&b.name));
    evaluator.set_weights(&best)?;
    let mut program = program;
    if let Precision::Int8 { calibration, quantisation } = specification.program.precision {
        let quantiser = Quantiser::new(&program)?;
        let training = &prepared.training;
        let quantisations = calibrate(&quantiser, &best, dataset, training, calibration, &options.exec)?;
        let loss_before = judge.loss(&evaluator.answers(dataset, &prepared.validation, &[])?);
        if quantisation == Quantisation::Aware {
            let tuning = Tuning { specification, dataset, prepared, targets: &targets, parameters: &parameters };
            best = tuning.run(best, steps, learning_rate, &quantisations, &options.exec, observe)?;
        }
        (program, best) = quantised(&quantiser, &best, &quantisations)?;
        evaluator = Evaluator::new(&program, EVALUATION_ROWS, &options.exec)?;
        evaluator.set_weights(&best)?;
        let loss_after = judge.loss(&evaluator.answers(dataset, &prepared.validation, &[])?);
        observe(Event::Quantised { notes: quantiser.notes(), loss_before, loss_after });
    }
    let thresholds = thresholds(specification, dataset, prepared, &mut evaluator)?;
    Ok(Found {
        program,
        weights: best,
        best_step: progress.best_step,
        steps: progress.step,
        history: progress.history,
        learning_rate,
        range_test,
        thresholds,
    })
}

/// For each output that scores anomalies, the score that the stated share of the validation rows lies above.
fn thresholds(
    specification: &Specification,
    dataset: &Dataset,
    prepared: &Prepared,
    evaluator: &mut Evaluator,
) -> Result<Vec<Option<f32>>> {
    let shares: Vec<Option<f64>> = specification
        .outputs
        .iter()
        .map(|output| match output.kind {
            OutputKind::Anomaly { share, .. } => Some(share),
            OutputKind::Category { .. } | OutputKind::Labels { .. } | OutputKind::Number => None,
        })
        .collect();
    if shares.iter().all(Option::is_none) {
        return Ok(vec![None; shares.len()]);
    }
    let answers = evaluator.answers(dataset, &prepared.validation, &[])?;
    let threshold = |(share, answers): (&Option<f64>, &Answers)| match (share, answers) {
        (Some(share), Answers::Anomaly { scores, .. }) => {
            let mut sorted = scores.clone();
            sorted.sort_by(f32::total_cmp);
            Some(quantile(&sorted, 1.0 - share))
        }
        (Some(_), Answers::Category { .. } | Answers::Labels { .. } | Answers::Number { .. }) | (None, _) => None,
    };
    Ok(shares.iter().zip(&answers).map(threshold).collect())
}

/// Removes the state of a search that is done.
///
/// # Errors
/// `E0306`.
pub fn forget(keeping: &Keeping) -> Result<()> {
    Ok(files::remove_if_present(&keeping.path)?)
}

/// What decides which weights are kept: the loss of the goal over rows as it is while training, without label smoothing.
pub struct Judge {
    outputs: Vec<JudgedOutput>,
}

struct JudgedOutput {
    loss: Loss,
    weight: f64,
    class_weights: Option<Vec<f32>>,
    /// The unit in which numbers are learnt.
    unit: f64,
}

impl Judge {
    pub fn new(specification: &Specification, dataset: &Dataset, prepared: &Prepared, targets: &[TargetForm]) -> Judge {
        let one = |(index, form): (usize, &TargetForm)| JudgedOutput {
            loss: specification.goal.losses[index],
            weight: specification.outputs[index].weight,
            class_weights: class_weights(specification, dataset, index, &prepared.training),
            unit: match form {
                TargetForm::Number { deviation, .. } => f64::from(*deviation),
                TargetForm::Class | TargetForm::Shares { .. } | TargetForm::Labels(_) | TargetForm::Features => 1.0,
            },
        };
        Judge { outputs: targets.iter().enumerate().map(one).collect() }
    }

    /// The sum over the outputs of their mean losses, weighted.
    pub fn loss(&self, answers: &[Answers]) -> f64 {
        self.outputs.iter().zip(answers).map(|(output, answers)| output.weight * output.mean_loss(answers)).sum()
    }
}

impl JudgedOutput {
    fn mean_loss(&self, answers: &Answers) -> f64 {
        match answers {
            Answers::Category { classes, truth, probabilities } => {
                let (mut sum, mut total) = (0.0, 0.0);
                for (t, p) in truth.iter().zip(probabilities.chunks_exact(*classes)) {
                    let weight = self.class_weights.as_ref().map_or(1.0, |weights| f64::from(weights[*t as usize]));
                    sum += weight * surprise(p[*t as usize]);
                    total += weight;
                }
                sum / total
            }
            Answers::Labels { truth, probabilities, .. } => {
                let losses = truth.iter().zip(probabilities).map(|(t, p)| surprise(if *t { *p } else { 1.0 - *p }));
                losses.sum::<f64>() / truth.len() as f64
            }
            Answers::Number { truth, answers } => {
                let errors = truth.iter().zip(answers).map(|(t, y)| (f64::from(*y) - f64::from(*t)) / self.unit);
                let one = |e: f64| match self.loss {
                    Loss::SquaredError | Loss::CrossEntropy { .. } => e * e,
                    Loss::AbsoluteError => e.abs(),
                    Loss::Huber { delta } => {
                        let delta = delta / self.unit;
                        if e.abs() <= delta { 0.5 * e * e } else { delta * (e.abs() - 0.5 * delta) }
                    }
                };
                errors.map(one).sum::<f64>() / truth.len() as f64
            }
            Answers::Anomaly { scores, .. } => {
                scores.iter().map(|score| f64::from(*score)).sum::<f64>() / scores.len() as f64
            }
        }
    }
}

/// −ln p, by the project's logarithm, which is the same on every machine. Not a number stays one.
fn surprise(p: f32) -> f64 {
    -f64::from(math::log(if p < f32::MIN_POSITIVE { f32::MIN_POSITIVE } else { p }))
}

/// The first of the usual figures of an output.
fn validation_figure(answers: &Answers) -> f64 {
    let metric = usual_metrics(answers).first().copied();
    metric.map_or(f64::NAN, |metric| value(Figure::from(metric), answers))
}

/// The random key of a step.
pub(crate) fn key(seed: u64, step: u64) -> [i32; 2] {
    [SplitMix64::new(seed).next_u64() as i32, step as i32]
}

pub(crate) fn diverged(step: u64) -> CodedError {
    CodedError::new(error::DIVERGED, format!("the loss is no longer a finite number after step {step}"))
        .help("choose a smaller `learning-rate`, or add `clip = 1.0` or some `warmup` to `[search]`")
}

/// A training step with its parameters and states.
pub(crate) struct Trainer {
    program: Program,
    /// The parameters and states: name, type and shape.
    leaves: Vec<(String, DType, Vec<usize>)>,
    has_key: bool,
}

impl Trainer {
    /// Compiles the step and gives every parameter its first value: that of `start` if its shape is the same, else a
    /// drawn one.
    pub fn new(
        graph: &Graph,
        parameters: &[Parameter],
        seed: u64,
        start: &[Tensor],
        options: &Options,
    ) -> Result<Trainer> {
        let mut program = Program::compile(graph, options)?;
        for Parameter { name, shape, initialiser, .. } in parameters {
            let given = start.iter().find(|tensor| tensor.name == *name && tensor.shape == *shape);
            match given.map(|tensor| &tensor.values) {
                Some(Values::F32(values)) => program.set_f32(name, values)?,
                Some(Values::I32(_) | Values::I8(_)) | None => {
                    program.set_f32(name, &initialise(*initialiser, seed, name, shape.iter().product()))?;
                }
            }
        }
        let mut leaves = Vec::new();
        for value in graph.values() {
            let instruction = graph.instruction(value);
            if let Op::Param { name } | Op::State { name, .. } = &instruction.op {
                leaves.push((name.clone(), instruction.ty.dtype, instruction.ty.shape.clone()));
            }
        }
        let has_key = graph.leaf(KEY).is_some();
        Ok(Trainer { program, leaves, has_key })
    }

    pub fn set_batch(&mut self, batch: &Batch, key: [i32; 2]) -> Result<()> {
        for (name, values) in &batch.inputs {
            self.program.set_f32(name, values)?;
        }
        for (name, target) in &batch.targets {
            match target {
                BatchTarget::Classes(ids) => self.program.set_i32(name, ids)?,
                BatchTarget::Values(values) => self.program.set_f32(name, values)?,
            }
        }
        // A step that draws no numbers has no key.
        match self.has_key {
            true => Ok(self.program.set_i32(KEY, &key)?),
            false => Ok(()),
        }
    }

    /// One step; gives its loss.
    pub fn step(&mut self) -> Result<f32> {
        self.program.step();
        Ok(self.program.output_f32("loss")?[0])
    }

    /// The learning rate of the last step.
    pub fn learning_rate(&self) -> Result<f64> {
        Ok(f64::from(self.program.output_f32("learning-rate")?[0]))
    }

    /// The parameters of the program as they are now: averaged ones where the search averages.
    pub fn weights(&self, parameters: &[Parameter]) -> Result<Vec<Tensor>> {
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
        let fits =
            |t: &Tensor| self.leaves.iter().any(|(n, d, s)| *n == t.name && *d == t.values.dtype() && *s == t.shape);
        if tensors.len() != self.leaves.len() || !tensors.iter().all(fits) {
            return Err(CodedError::new(error::CONTENTS, "the checkpoint does not hold the state of this search"));
        }
        for tensor in tensors {
            match &tensor.values {
                Values::F32(values) => self.program.set_f32(&tensor.name, values)?,
                Values::I32(values) => self.program.set_i32(&tensor.name, values)?,
                Values::I8(values) => self.program.set_i8(&tensor.name, values)?,
            }
        }
        Ok(())
    }
}
