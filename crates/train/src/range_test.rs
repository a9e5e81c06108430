//! A learning rate found by a range test (Smith, arXiv:1506.01186, section 3.3): over a few steps the rate rises from very
//! small to very large, and the loss shows where steps become too long.

use serde::{Deserialize, Serialize};
use tacit_data::{Batches, Dataset};
use tacit_nn::Parameter;
use tacit_spec::{Optimiser, Specification};

use crate::batch::{BatchSource, with_batches};
use crate::error::Result;
use crate::graphs::{Graphs, graphs_of_range_test};
use crate::prepare::Prepared;
use crate::search::{SearchOptions, Trainer, key};

/// What a range test found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeTest {
    pub learning_rate: f64,
    /// The rate and the smoothed loss of each step.
    pub curve: Vec<[f64; 2]>,
}

/// The steps of a test, and what the rate runs through.
pub const STEPS: u64 = 100;

/// The rates that a test begins and ends with.
pub fn rates(optimiser: Optimiser) -> [f64; 2] {
    match optimiser {
        Optimiser::AdamW => [1e-5, 1.0],
        Optimiser::Sgd { .. } => [1e-4, 10.0],
    }
}

/// Runs a test from the parameters that the search starts with, which it leaves as they are.
///
/// # Errors
/// The codes of graphs and of execution.
pub fn range_test(
    specification: &Specification,
    dataset: &Dataset,
    prepared: &Prepared,
    options: &SearchOptions,
) -> Result<RangeTest> {
    let seed = specification.program.seed;
    let Graphs { step, parameters, targets, .. } = graphs_of_range_test(specification, dataset, prepared)?;
    let parameters: &[Parameter] = &parameters;
    let mut trainer = Trainer::new(&step, parameters, seed, &options.start, &options.exec)?;
    let source = BatchSource::new(specification, dataset, &targets);
    let batches = Batches::new(&prepared.training, prepared.choices.batch, seed);
    let mut curve: Vec<[f64; 2]> = Vec::new();
    with_batches(source, batches, prepared.choices.batch, 0, STEPS, |next| {
        let mut smooth = Smooth::default();
        for number in 0..STEPS {
            let mut loss = 0.0;
            next(number, &mut |batch| {
                trainer.set_batch(batch, key(seed, number))?;
                loss = f64::from(trainer.step()?);
                Ok(())
            })?;
            let loss = smooth.add(loss);
            if !loss.is_finite()
                || curve.iter().any(|[_, earlier]| loss > TOO_HIGH * earlier.abs().max(f64::MIN_POSITIVE))
            {
                break;
            }
            curve.push([trainer.learning_rate()?, loss]);
        }
        Ok(())
    })?;
    let [low, _] = rates(specification.search.optimiser);
    let lowest = curve.iter().min_by(|a, b| a[1].total_cmp(&b[1])).map_or(low, |[rate, _]| *rate);
    Ok(RangeTest { learning_rate: lowest * SAFETY, curve })
}

/// A loss so many times an earlier one has left the range of useful rates.
const TOO_HIGH: f64 = 4.0;
/// Where the loss is lowest, steps are about to become too long: the rate for a whole search is a tenth.
const SAFETY: f64 = 0.1;

/// A running average that forgets, corrected for its start (Kingma and Ba, arXiv:1412.6980, section 3).
#[derive(Default)]
struct Smooth {
    average: f64,
    weight: f64,
}

impl Smooth {
    fn add(&mut self, value: f64) -> f64 {
        const KEPT: f64 = 0.9;
        self.average = KEPT * self.average + (1.0 - KEPT) * value;
        self.weight = KEPT * self.weight + (1.0 - KEPT);
        self.average / self.weight
    }
}
