//! `tacit bench`: how long answers take on this machine.

use std::time::Duration;

use serde_json::json;
use tacit_spec::Exit;
use tacit_train::Artifact;

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
        measured.push(json!({
            "rows": batch, "answers": found.times_us.len(), "latency_us": median, "latency_us_90": most,
            "latency_us_99": nearly_all, "rows_per_second": throughput,
        }));
        machine = found.machine;
    }
    print(&match arguments.format {
        Format::Text => format!("{}{machine}\n", table::aligned(&rows)),
        Format::Json => format!("{}\n", json!({ "machine": machine, "measured": measured })),
    })?;
    Ok(Exit::Ok)
}
