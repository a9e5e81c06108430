//! Every fuzz target for some time, outside the tests: `cargo xtask fuzz 600` gives each ten minutes.

use crate::cargo;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};

/// What the compiler must do so that libFuzzer sees which paths an input takes. `RUSTC_BOOTSTRAP` lets the stable compiler
/// take the flags.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks --cfg fuzzing";

/// Builds the targets and runs each for so many seconds, as many at a time as there are processors. What they write goes
/// to `fuzz/logs`, what they found to learn from to `fuzz/corpus`.
///
/// # Errors
/// A target that does not build, or that found an input it fails on, which then lies in `fuzz/artifacts`.
pub fn fuzz(root: &Path, seconds: u64) -> Result<(), String> {
    let folder = root.join("fuzz");
    let host = host()?;
    let status = cargo()
        .current_dir(&folder)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", FLAGS)
        // Naming the target keeps the flags from the build scripts.
        .args(["build", "--release", "--bins", "--target", &host])
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if !status.success() {
        return Err("the fuzz targets do not build".into());
    }
    let mut waiting = targets(&folder)?;
    waiting.reverse();
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let mut running: Vec<(String, Child)> = Vec::new();
    let mut failed = Vec::new();
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < at_once {
            let Some(name) = waiting.pop() else { break };
            let binary = folder.join("target").join(&host).join("release").join(&name);
            running.push((name.clone(), start(&folder, &binary, &name, seconds)?));
        }
        let (name, mut child) = running.remove(0);
        let status = child.wait().map_err(|error| format!("{name}: {error}"))?;
        let log = fs::read_to_string(folder.join("logs").join(format!("{name}.log"))).unwrap_or_default();
        // After a run without findings the statistics follow the line that tells how many inputs were tried.
        let told = log.lines().rev().find(|line| line.starts_with("Done ") || line.starts_with("SUMMARY"));
        println!("{name}: {}", told.or(log.lines().last()).unwrap_or("nothing was written"));
        if !status.success() {
            failed.push(name);
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!("inputs were found that these fail on: {}; see fuzz/logs", failed.join(", "))),
    }
}

fn start(folder: &Path, binary: &Path, name: &str, seconds: u64) -> Result<Child, String> {
    let [corpus, artifacts, logs] = ["corpus", "artifacts", "logs"].map(|kind| folder.join(kind));
    let corpus = corpus.join(name);
    for made in [&corpus, &artifacts, &logs] {
        fs::create_dir_all(made).map_err(|error| format!("{}: {error}", made.display()))?;
    }
    let log = logs.join(format!("{name}.log"));
    let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    Command::new(binary)
        .arg(&corpus)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/{name}-", artifacts.display()))
        .args(["-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1"])
        .stdout(std::process::Stdio::null())
        .stderr(file)
        .spawn()
        .map_err(|error| format!("{}: {error}", binary.display()))
}

/// The names of the targets, in order.
fn targets(folder: &Path) -> Result<Vec<String>, String> {
    let sources = folder.join("fuzz_targets");
    let entries = fs::read_dir(&sources).map_err(|error| format!("{}: {error}", sources.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok())
        .filter_map(|entry| entry.path().file_stem().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// The target that the compiler builds for.
fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|error| format!("`rustc`: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "`rustc -vV` names no host".to_owned())
}
