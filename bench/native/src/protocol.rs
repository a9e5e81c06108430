//! What all engines share: the clock and the answers, one line of JSON each.

use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Numbers of an answer that are compared.
pub const FIRST_OUTPUTS: usize = 4096;

/// What a worker is started for.
pub struct Arguments {
    pub workload: String,
    pub is_training: bool,
    /// The weights and the data that all sides start from.
    pub file: PathBuf,
    pub threads: usize,
}

/// A network that is ready to be timed.
pub trait Prepared {
    fn version(&self) -> String;

    /// The losses of the first five steps, or the first numbers of the answer.
    ///
    /// # Errors
    /// If the engine fails.
    fn first(&mut self) -> Result<Vec<f32>, String>;

    /// One step or one answer.
    fn call(&mut self);
}

/// Says that the network is ready, or why not, and obeys commands until `quit` or the end of the input.
///
/// # Errors
/// If a command is none or cannot be read.
pub fn serve(prepared: Result<Box<dyn Prepared>, String>, is_training: bool) -> Result<(), String> {
    let ready = prepared.and_then(|mut prepared| prepared.first().map(|first| (prepared, first)));
    let (mut prepared, first) = match ready {
        Ok(ready) => ready,
        Err(reason) => {
            say(&json!({ "error": reason }));
            return Ok(());
        }
    };
    let key = if is_training { "losses" } else { "outputs" };
    say(&json!({ "ready": { key: first }, "version": prepared.version() }));
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["time", seconds] => {
                let seconds = seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds"))?;
                say(&json!({ "times_ns": timed(seconds, prepared.as_mut()) }));
            }
            ["quit"] => {
                say(&json!({ "peak_rss_kib": peak_rss_kib() }));
                return Ok(());
            }
            _ => return Err(format!("`{line}` is no command")),
        }
    }
    Ok(())
}

/// Nanoseconds of each call, or of the mean call of a short run where one alone would be lost in the clock.
fn timed(seconds: f64, prepared: &mut dyn Prepared) -> Vec<u64> {
    let start = Instant::now();
    prepared.call();
    let run = if start.elapsed() < Duration::from_micros(50) { 20 } else { 1 };
    let mut times = vec![];
    while times.len() < 3 || (start.elapsed().as_secs_f64() < seconds && times.len() < 2000) {
        let begin = Instant::now();
        for _ in 0..run {
            prepared.call();
        }
        times.push((begin.elapsed().as_nanos() / run) as u64);
    }
    times
}

fn say(message: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{message}").and_then(|()| out.flush()).expect("whoever started this worker reads what it says");
}

/// The greatest resident memory of this process so far; 0 where the system does not tell.
fn peak_rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}
