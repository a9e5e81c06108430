//! A search that goes on with numbers rounded as the int8 program will round them, so that the weights take it into account
//! (Jacob et al., arXiv:1712.05877, section 3). Batch normalisation is folded, with the statistics that the search found.

use tacit_data::{Batches, Dataset};
use tacit_exec::Options;
use tacit_ir::passes::quantize::{Quantisation, Quantiser};
use tacit_nn::Parameter;
use tacit_spec::Specification;

use crate::batch::{BatchSource, with_batches};
use crate::container::Tensor;
use crate::error::Result;
use crate::graphs::{TargetForm, rounding_step};
use crate::prepare::Prepared;
use crate::search::{Event, Trainer, diverged, key};

/// The share of the search's steps that follow it, rounded.
const STEPS_SHARE: u64 = 10;
/// The learning rate begins at this share of the search's greatest.
const RATE_SHARE: f64 = 0.05;

/// What goes on.
pub struct Tuning<'a> {
    pub specification: &'a Specification,
    pub dataset: &'a Dataset,
    pub prepared: &'a Prepared,
    pub targets: &'a [TargetForm],
    pub parameters: &'a [Parameter],
}

impl Tuning<'_> {
    /// The weights after the rounded steps, ascending by name; `first` steps came before.
    ///
    /// # Errors
    /// `E0501` if the loss is no longer finite, and the codes of graphs and execution.
    pub fn run(
        &self,
        weights: Vec<Tensor>,
        first: u64,
        learning_rate: f64,
        quantisations: &[Quantisation],
        options: &Options,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Vec<Tensor>> {
        let Tuning { specification, dataset, prepared, targets, parameters } = *self;
        let choices = &prepared.choices;
        let seed = specification.program.seed;
        let steps = (first / STEPS_SHARE).max(1);
        let rate = learning_rate * RATE_SHARE;
        let step = rounding_step(specification, dataset, prepared, steps, rate, |answers| {
            Ok(Quantiser::new(answers)?.fake(quantisations)?)
        })?;
        let mut trainer = Trainer::new(&step, parameters, seed, &weights, options)?;
        let batches = Batches::new(&prepared.training, choices.batch, seed);
        let source = BatchSource::new(specification, dataset, targets);
        let end = first + steps;
        with_batches(source, batches, choices.batch, first, end, |next| {
            for number in first..end {
                let mut loss = 0.0;
                next(number, &mut |batch| {
                    trainer.set_batch(batch, key(seed, number))?;
                    loss = trainer.step()?;
                    Ok(())
                })?;
                if !loss.is_finite() {
                    return Err(diverged(number + 1).into());
                }
                observe(Event::Step { step: number + 1, steps: end, epoch: choices.epochs });
            }
            Ok(())
        })?;
        let mut tuned = trainer.weights(parameters)?;
        tuned.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tuned)
    }
}
