//! What a clock says about a finished program. It decides requirements on the latency where it is asked, and is stored
//! nowhere.

use std::time::{Duration, Instant};

use tacit_exec::Options;
use tacit_train::evaluate::Evaluator;
use tacit_train::{Artifact, Contract};

use crate::output::Result;

/// A contract with its requirements on the latency decided on this machine, if there are any.
pub fn decided(contract: &Contract, artifact: &Artifact, options: &Options) -> Result<Contract> {
    match contract.requires_latency() {
        true => Ok(contract.with_latency(latency_us(artifact, options)?)),
        false => Ok(contract.clone()),
    }
}

/// The median time of one answer, from its inputs in memory to its numbers, in microseconds.
fn latency_us(artifact: &Artifact, options: &Options) -> Result<f64> {
    const ANSWERS_MAX: usize = 2001;
    const TIME_MAX: Duration = Duration::from_secs(1);
    let mut evaluator = Evaluator::new(&artifact.graph, 1, options)?;
    evaluator.set_weights(&artifact.weights)?;
    // What is in the cache after the first answer is there for all others too.
    evaluator.answer(1, |_, _| Ok(()))?;
    let start = Instant::now();
    let mut times = Vec::with_capacity(ANSWERS_MAX);
    while times.is_empty() || (times.len() < ANSWERS_MAX && start.elapsed() < TIME_MAX) {
        let before = Instant::now();
        // The values change neither the work nor its time.
        evaluator.answer(1, |_, _| Ok(()))?;
        times.push(before.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2].as_secs_f64() * 1e6)
}
