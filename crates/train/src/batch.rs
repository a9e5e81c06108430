//! The values of one batch, and a loader that makes the next one ready while a step runs.

use std::sync::mpsc;
use std::thread;

use tacit_data::augment::{Mixed, augment, is_idle};
use tacit_data::{Batches, Dataset, TargetValues};
use tacit_spec::{Augmentation, InputKind, Specification};

use crate::error::Result;
use crate::graphs::{INPUT, TargetForm};
use crate::prepare::unreadable_spool;

/// The values of one batch, by the names of the training step's leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub inputs: Vec<(String, Vec<f32>)>,
    pub targets: Vec<(String, BatchTarget)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum BatchTarget {
    /// [n].
    Classes(Vec<i32>),
    /// [n, units].
    Values(Vec<f32>),
}

/// What batches are made from.
#[derive(Clone, Copy)]
pub struct BatchSource<'a> {
    pub dataset: &'a Dataset,
    pub targets: &'a [TargetForm],
    pub augmentation: &'a Augmentation,
    /// The size of the images, if they are augmented.
    pub image: Option<[usize; 3]>,
    pub seed: u64,
}

impl<'a> BatchSource<'a> {
    pub fn new(specification: &'a Specification, dataset: &'a Dataset, targets: &'a [TargetForm]) -> BatchSource<'a> {
        let image = specification.inputs.iter().find_map(|input| match input.kind {
            InputKind::Image { height, width, channels, .. } => Some([height, width, channels]),
            InputKind::Number { .. }
            | InputKind::Category { .. }
            | InputKind::Ordinal { .. }
            | InputKind::Date { .. }
            | InputKind::Vector { .. } => None,
        });
        let augmentation = &specification.augmentation;
        let image = image.filter(|_| !is_idle(augmentation));
        BatchSource { dataset, targets, augmentation, image, seed: specification.program.seed }
    }

    /// An empty batch of `rows` rows.
    pub fn batch(&self, rows: usize) -> Batch {
        let inputs = self.dataset.inputs.iter();
        let targets = self.dataset.targets.iter().zip(self.targets).filter_map(|(target, form)| {
            let values = match form {
                TargetForm::Class => BatchTarget::Classes(vec![0; rows]),
                TargetForm::Shares { classes, .. } => BatchTarget::Values(vec![0.0; rows * classes]),
                TargetForm::Labels(labels) => BatchTarget::Values(vec![0.0; rows * labels]),
                TargetForm::Number { .. } => BatchTarget::Values(vec![0.0; rows]),
                TargetForm::Features => return None,
            };
            Some((format!("{}{}", tacit_nn::training::TARGET, target.name), values))
        });
        Batch {
            inputs: inputs.map(|one| (format!("{INPUT}{}", one.name), vec![0.0; rows * one.width()])).collect(),
            targets: targets.collect(),
        }
    }

    /// Fills a batch with the rows of a step.
    ///
    /// # Errors
    /// Values that are kept in a file cannot be read.
    pub fn fill(&self, step: u64, rows: &[usize], batch: &mut Batch) -> Result<()> {
        for (values, (_, out)) in self.dataset.inputs.iter().zip(&mut batch.inputs) {
            values.store.gather(rows, out).map_err(unreadable_spool)?;
        }
        let mixed = match (self.image, batch.inputs.first_mut()) {
            (Some(size), Some((_, images))) => augment(self.augmentation, size, self.seed, step, images),
            (None, _) | (_, None) => None,
        };
        let targets = self.dataset.targets.iter().zip(self.targets);
        let with_targets = targets.filter(|(_, form)| **form != TargetForm::Features);
        for ((target, form), (_, out)) in with_targets.zip(&mut batch.targets) {
            fill_target(&target.values, form, rows, mixed.as_deref(), out);
        }
        Ok(())
    }
}

fn fill_target(
    values: &TargetValues,
    form: &TargetForm,
    rows: &[usize],
    mixed: Option<&[Mixed]>,
    out: &mut BatchTarget,
) {
    match (values, form, out) {
        (TargetValues::Category { ids, .. }, TargetForm::Class, BatchTarget::Classes(out)) => {
            out.iter_mut().zip(rows).for_each(|(out, row)| *out = ids[*row]);
        }
        (
            TargetValues::Category { ids, .. },
            TargetForm::Shares { classes, smoothing, weights },
            BatchTarget::Values(out),
        ) => {
            out.fill(0.0);
            for (place, out) in out.chunks_exact_mut(*classes).enumerate() {
                let mut add = |row: usize, share: f32| {
                    let class = ids[row] as usize;
                    let amount = share * weights[class];
                    out.iter_mut().for_each(|out| *out += amount * smoothing / *classes as f32);
                    out[class] += amount * (1.0 - smoothing);
                };
                match mixed.map(|mixed| mixed[place]) {
                    Some(Mixed { partner, share }) => {
                        add(rows[place], share);
                        add(rows[partner], 1.0 - share);
                    }
                    None => add(rows[place], 1.0),
                }
            }
        }
        (TargetValues::Labels { labels, values }, TargetForm::Labels(_), BatchTarget::Values(out)) => {
            let width = labels.len();
            let one = |row: usize, label: usize| f32::from(u8::from(values[row * width + label]));
            fill_numbers(rows, mixed, width, out, one);
        }
        (TargetValues::Number(values), TargetForm::Number { mean, deviation }, BatchTarget::Values(out)) => {
            fill_numbers(rows, mixed, 1, out, |row, _| (values[row] - mean) / deviation);
        }
        (
            TargetValues::Category { .. }
            | TargetValues::Labels { .. }
            | TargetValues::Number(_)
            | TargetValues::Anomaly(_),
            _,
            _,
        ) => panic!("the batch was made for this data"),
    }
}

fn fill_numbers(
    rows: &[usize],
    mixed: Option<&[Mixed]>,
    width: usize,
    out: &mut [f32],
    one: impl Fn(usize, usize) -> f32,
) {
    for (place, out) in out.chunks_exact_mut(width).enumerate() {
        for (column, out) in out.iter_mut().enumerate() {
            *out = match mixed.map(|mixed| mixed[place]) {
                Some(Mixed { partner, share }) => {
                    share * one(rows[place], column) + (1.0 - share) * one(rows[partner], column)
                }
                None => one(rows[place], column),
            };
        }
    }
}

/// Batches that are ready before they are asked for, at most this many.
const READY: usize = 2;

/// Runs `work` with a function that gives the batch of each step, from `first` on, in order. Where making a batch takes
/// more than copying it (images that are changed, values in a file), a thread of its own makes the next ones ready while
/// a step runs; it holds [`READY`] batches and no more.
///
/// # Errors
/// Those of `work`, and values in a file that cannot be read.
pub fn with_batches<T>(
    source: BatchSource,
    mut batches: Batches,
    rows: usize,
    first: u64,
    last: u64,
    work: impl FnOnce(&mut dyn FnMut(u64, &mut dyn FnMut(&Batch) -> Result<()>) -> Result<()>) -> Result<T>,
) -> Result<T> {
    let copies = source.image.is_none() && source.dataset.inputs.iter().all(|input| !input.store.is_spooled());
    let mut indices = vec![0; rows];
    if copies {
        let mut batch = source.batch(rows);
        return work(&mut |step, take| {
            batches.indices_for_step(step, &mut indices);
            source.fill(step, &indices, &mut batch)?;
            take(&batch)
        });
    }
    let (ready_sender, ready) = mpsc::sync_channel::<(u64, Result<Batch>)>(READY);
    let (used_sender, used) = mpsc::channel::<Batch>();
    thread::scope(|scope| {
        scope.spawn(move || {
            for step in first..last {
                let mut batch = used.try_recv().unwrap_or_else(|_| source.batch(rows));
                batches.indices_for_step(step, &mut indices);
                let filled = source.fill(step, &indices, &mut batch).map(|()| batch);
                // Nobody waits any longer once the search has ended.
                if ready_sender.send((step, filled)).is_err() {
                    return;
                }
            }
        });
        let result = work(&mut |step, take| {
            let (made, batch) = ready.recv().expect("the loader makes a batch for every step");
            assert_eq!(made, step, "batches come in the order of their steps");
            let batch = batch?;
            take(&batch)?;
            // The loader may have ended, and then needs no memory to fill.
            let _ = used_sender.send(batch);
            Ok(())
        });
        // The loader stops at its next batch, which it cannot hand over.
        drop(ready);
        result
    })
}
