//! `tacit bench`: how long answers take on this machine, and where the time goes.

use std::time::Duration;

use serde_json::{Value, json};
use tacit_exec::{Ceiling, KernelTime, Options, ceiling};
use tacit_spec::Exit;
use tacit_train::Artifact;
use tacit_train::evaluate::Evaluator;

use crate::latency::latencies;
use crate::output::{Result, exec_options, print};
use crate::{BenchArguments, Format, table};

pub fn bench(arguments: &BenchArguments) -> Result<Exit> {
    let artifact = Artifact::load(&arguments.program)?;
    let exec = exec_options()?;
    let mut rows =
        vec![["rows at once", "answers", "median", "90 %", "99 %", "rows a second"].map(str::to_owned).to_vec()];
    let mut measured = Vec::new();
    let mut machine = String::new();
    let top = arguments.profile.then(|| ceiling(exec.threads, COPIED_BYTES));
    let mut profiles = String::new();
    for batch in &arguments.batch {
        let found = latencies(&artifact, &exec, *batch as usize, Duration::from_secs_f64(arguments.seconds))?;
        let [median, most, nearly_all] = [0.5, 0.9, 0.99].map(|share| found.quantile_us(share).unwrap_or(f64::NAN));
        let throughput = *batch as f64 / (median * 1e-6);
        rows.push(vec![
            batch.to_string(),
            found.times_us.len().to_string(),
            format!("{median:.1} µs"),
            format!("{most:.1} µs"),
            format!("{nearly_all:.1} µs"),
            format!("{throughput:.0}"),
        ]);
        let mut figures = json!({
            "rows": batch, "answers": found.times_us.len(), "latency_us": median, "latency_us_90": most,
            "latency_us_99": nearly_all, "rows_per_second": throughput,
        });
        if let Some(top) = top {
            let kernels = profile(&artifact, &exec, *batch as usize, Duration::from_secs_f64(arguments.seconds))?;
            profiles += &format!("\n{batch} at once\n{}", profile_table(&kernels, top));
            figures["kernels"] = kernels.iter().map(kernel_figures).collect();
        }
        measured.push(figures);
        machine = found.machine;
    }
    let most = top.map(|top| {
        format!(
            "At most {:.1} GFLOP/s and {:.1} GB/s, by a loop of multiply-adds and a copy.\n",
            top.gflops, top.copied_gb
        )
    });
    let reached = top.map(|top| json!({ "gflops": top.gflops, "gigabytes_per_second": top.copied_gb }));
    print(&match arguments.format {
        Format::Text => format!("{}{machine}\n{profiles}{}", table::aligned(&rows), most.unwrap_or_default()),
        Format::Json => format!("{}\n", json!({ "machine": machine, "at_most": reached, "measured": measured })),
    })?;
    Ok(Exit::Ok)
}

/// Enough to leave the caches of most processors.
const COPIED_BYTES: usize = 64 << 20;

/// The kernels of a program for so many rows, the slowest first; those that a step does not run are left out.
fn profile(artifact: &Artifact, exec: &Options, rows: usize, time: Duration) -> Result<Vec<KernelTime>> {
    let mut evaluator = Evaluator::new(&artifact.graph, rows, exec)?;
    evaluator.set_weights(&artifact.weights)?;
    // What follows from the weights alone is computed once.
    evaluator.answer(rows, |_, _| Ok(()))?;
    let mut kernels = evaluator.profile(&artifact.graph, time)?;
    kernels.retain(|kernel| kernel.seconds > 0.0);
    kernels.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    Ok(kernels)
}

fn profile_table(kernels: &[KernelTime], top: Ceiling) -> String {
    let total: f64 = kernels.iter().map(|kernel| kernel.seconds).sum();
    let heads = ["time", "share", "GFLOP/s", "of peak", "GB/s", "of copy", "kernel"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for kernel in kernels {
        let (gflops, bytes) = (kernel.gflops(), kernel.gigabytes_per_second());
        rows.push(vec![
            format!("{:.1} µs", kernel.seconds * 1e6),
            format!("{:.0} %", 100.0 * kernel.seconds / total),
            format!("{gflops:.1}"),
            format!("{:.0} %", 100.0 * gflops / top.gflops),
            format!("{bytes:.1}"),
            format!("{:.0} %", 100.0 * bytes / top.copied_gb),
            kernel.anchor.as_ref().unwrap_or(&kernel.root).clone(),
        ]);
    }
    table::aligned(&rows)
}

fn kernel_figures(kernel: &KernelTime) -> Value {
    json!({
        "root": kernel.root, "anchor": kernel.anchor, "instructions": kernel.instructions,
        "seconds": kernel.seconds, "operations": kernel.operations, "bytes": kernel.bytes,
    })
}
