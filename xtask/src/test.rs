//! Everything that has to hold before a commit, as one command.

use crate::{cargo, docs, setup, tidy};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs set-up, formatting, lints, house rules, generated documents and all tests, and ends with one line of counts.
///
/// All checks run even if an early one fails, so that one run tells everything. The counts are those of the test
/// runner; a check that fails counts as one more failure.
///
/// # Errors
/// If anything failed.
pub fn test(root: &Path) -> Result<(), String> {
    setup::setup()?;
    let mut counts = Counts::default();
    let mut check = |name: &str, outcome: Result<(), String>| {
        if let Err(message) = outcome {
            println!("{name} is not content: {message}");
            counts.failed += 1;
        }
    };
    check("`cargo fmt`", succeed(cargo().current_dir(root).args(["fmt", "--all", "--check"])));
    let lints = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    check("`cargo clippy`", succeed(cargo().current_dir(root).args(lints)));
    check("`cargo xtask tidy`", tidy::tidy(root));
    check("`cargo xtask docs`", docs::check(root));
    counts.add(run_tests(root, &["--workspace"])?);
    // What only a feature brings, which the workspace is not tested with.
    counts.add(run_tests(root, &["--package", "tacit-data", "--features", "parquet", "--test", "source", "parquet"])?);
    println!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    match counts.failed {
        0 => Ok(()),
        _ => Err("not everything holds; the failures are above".into()),
    }
}

/// Runs the tests that are chosen, those in documentation included, and shows the runner's output as it comes.
fn run_tests(root: &Path, chosen: &[&str]) -> Result<Counts, String> {
    let mut runner = cargo()
        .current_dir(root)
        .args(["test", "--no-fail-fast"])
        .args(chosen)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    let output = BufReader::new(runner.stdout.take().expect("the runner's output is a pipe"));
    let mut counts = Counts::default();
    for line in output.split(b'\n') {
        let line = line.map_err(|error| format!("the runner's output cannot be read: {error}"))?;
        let line = String::from_utf8_lossy(&line);
        // Who reads along may stop; the tests go on.
        let _ = writeln!(std::io::stdout(), "{line}");
        counts.add(read_line(&line));
    }
    let status = runner.wait().map_err(|error| format!("cargo cannot be waited for: {error}"))?;
    // A program that does not build, or a test that takes its whole process down, leaves no summary.
    if !status.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(counts)
}

/// What a test runner counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The counts that one line of the runner's output adds: those of a summary, such as
/// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`.
fn read_line(line: &str) -> Counts {
    let mut counts = Counts::default();
    let Some(summary) = line.strip_prefix("test result: ") else { return counts };
    let clauses = summary.split_once(". ").map_or("", |(_, clauses)| clauses);
    for clause in clauses.split("; ") {
        let Some((number, what)) = clause.split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match what {
            "passed" => counts.passed = number,
            "failed" => counts.failed = number,
            "ignored" => counts.skipped = number,
            _ => {}
        }
    }
    counts
}

/// Runs a command, its output shown.
fn succeed(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(status.to_string()),
        Err(error) => Err(format!("it could not be started: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_summaries_of_the_runner_are_counted() {
        let output = "\
running 3 tests
test a ... ok
test result: FAILED. 5 passed; 2 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s
   Doc-tests tacit_ir
9 passed; 9 failed
test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";
        let mut counts = Counts::default();
        for line in output.lines() {
            counts.add(read_line(line));
        }
        assert_eq!(counts, Counts { passed: 15, failed: 2, skipped: 1 });
    }
}
