//! What a clock says about a finished program. It decides requirements on the latency where it is asked, is shown in
//! reports, and is stored in no program.

use std::time::{Duration, Instant};

use tacit_data::propose::counted;
use tacit_exec::Options;
use tacit_train::evaluate::Evaluator;
use tacit_train::{Artifact, Contract};

use crate::output::Result;

/// The times of single answers, ascending.
#[derive(Clone, Debug)]
pub struct Latencies {
    pub times_us: Vec<f64>,
    /// What they were measured on, in words.
    pub machine: String,
}

impl Latencies {
    pub fn median_us(&self) -> Option<f64> {
        self.quantile_us(0.5)
    }

    /// The time that a share of the answers does not exceed.
    pub fn quantile_us(&self, share: f64) -> Option<f64> {
        let last = self.times_us.len().checked_sub(1)?;
        Some(self.times_us[(share * last as f64 + 0.5) as usize])
    }
}

/// A contract with its requirements on the latency decided on this machine, if there are any.
pub fn decided(contract: &Contract, artifact: &Artifact, options: &Options) -> Result<Contract> {
    match contract.requires_latency() {
        true => {
            let latencies = latencies(artifact, options, 1, Duration::from_secs(1))?;
            Ok(contract.with_latency(latencies.median_us().unwrap_or(f64::NAN)))
        }
        false => Ok(contract.clone()),
    }
}

/// Times answers to batches of `rows` rows, from their inputs in memory to their numbers, for at most this long.
pub fn latencies(artifact: &Artifact, options: &Options, rows: usize, time_max: Duration) -> Result<Latencies> {
    const ANSWERS_MAX: usize = 2001;
    let mut evaluator = Evaluator::new(&artifact.graph, rows, options)?;
    evaluator.set_weights(&artifact.weights)?;
    // What is in the cache after the first answer is there for all others too.
    evaluator.answer(rows, |_, _| Ok(()))?;
    let start = Instant::now();
    let mut times = Vec::with_capacity(ANSWERS_MAX);
    while times.is_empty() || (times.len() < ANSWERS_MAX && start.elapsed() < time_max) {
        let before = Instant::now();
        // The values change neither the work nor its time.
        evaluator.answer(rows, |_, _| Ok(()))?;
        times.push(before.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let machine = format!(
        "{} {}, {}, {} kernels",
        std::env::consts::OS,
        std::env::consts::ARCH,
        counted(options.threads as u64, "thread"),
        options.kernels
    );
    Ok(Latencies { times_us: times, machine })
}
