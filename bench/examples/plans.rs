//! The arena of every workload beside the least that its kernels' order allows, and how long planning takes.
//!
//!     cargo run --release -p tacit-bench --example plans

#[path = "../src/workloads/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the workloads' inputs are of no interest here")]
mod workloads;

use std::time::Instant;
use tacit_ir::passes::plan::plan;
use workloads::{Mode, WORKLOADS};

fn main() {
    println!(
        "{:<12} {:<6} {:>5} {:>8} {:>8} {:>12} {:>12} {:>6} {:>9}",
        "workload", "mode", "batch", "kernels", "buffers", "arena", "live sum", "least", "plan, ms"
    );
    for workload in WORKLOADS {
        let training = workload.training_batch.map(|batch| (Mode::Train, batch));
        let answers = workload.answers.then_some((Mode::Infer, 1));
        for (mode, batch) in training.into_iter().chain(answers) {
            let graph = workload.measured(mode, batch).expect("workloads are legal graphs").graph;
            let start = Instant::now();
            let plan = plan(&graph);
            println!(
                "{:<12} {:<6} {batch:>5} {:>8} {:>8} {:>12} {:>12} {:>6} {:>9.2}",
                workload.name,
                format!("{mode:?}").to_lowercase(),
                plan.kernels.len(),
                plan.buffers.len(),
                plan.arena_bytes,
                plan.lower_bound_bytes,
                if plan.arena_bytes == plan.least_bytes { "yes" } else { "?" },
                start.elapsed().as_secs_f64() * 1e3
            );
        }
    }
}
