//! The size of the program `tacit`, and how soon it answers one row.

use super::record::{Start, Timing};
use super::statistics::{least, median};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const RUNS: usize = 60;

/// Measures the program that `cargo build --release -p tacit-cli` leaves; its answer only if the example was built.
///
/// # Errors
/// If the program is not there.
pub fn measure(moment: &str) -> Result<Start, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies in the workspace");
    let program = root.join("target/release/tacit");
    let size = std::fs::metadata(&program).map_err(|_| "target/release/tacit was not built")?.len();
    let answer = match answer(&program, &root.join("examples/digits")) {
        Ok(timing) => Some(timing),
        Err(reason) => {
            eprintln!("  the start was not measured: {reason}");
            None
        }
    };
    Ok(Start { run: moment.to_owned(), binary_bytes: size, answer })
}

/// From the start of the process to its end, with the first row of the example's data.
fn answer(program: &Path, example: &Path) -> Result<Timing, String> {
    let built = example.join("digits.tacit");
    if !built.exists() {
        return Err("examples/digits was not built with `tacit build`".into());
    }
    let rows = std::fs::read_to_string(example.join("digits.csv")).map_err(|error| format!("digits.csv: {error}"))?;
    let row: String = rows.split_inclusive('\n').take(2).collect();
    let mut times = vec![];
    for _ in 0..RUNS {
        let begin = Instant::now();
        let mut child = Command::new(program)
            .arg("run")
            .arg(&built)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`tacit` could not be started: {error}"))?;
        let mut input = child.stdin.take().expect("the input is a pipe");
        // A program that ends early says why in its own words.
        let _ = input.write_all(row.as_bytes());
        drop(input);
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        times.push(begin.elapsed().as_nanos() as u64);
        if !output.status.success() || output.stdout.is_empty() {
            return Err(format!("`tacit run` failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
    }
    let (Some(min_ns), Some(median_ns)) = (least(&times), median(&times)) else { return Err("no runs".into()) };
    Ok(Timing { min_ns, median_ns, samples: times.len(), peak_rss_kib: None, deviation: 0.0 })
}
