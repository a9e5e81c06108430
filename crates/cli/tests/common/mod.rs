//! What the tests of the command share: a folder with the digits example, and running `tacit` in it.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A fresh folder with the digits example, its search cut to some epochs.
pub fn digits(epochs: u32) -> TempDir {
    let example = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits");
    let folder = tempfile::tempdir().unwrap();
    fs::copy(example.join("digits.csv"), folder.path().join("digits.csv")).unwrap();
    let manifest = fs::read_to_string(example.join("Tacit.toml")).unwrap();
    let epochs_line = |line: &str| match line.starts_with("epochs = ") {
        true => format!("epochs = {epochs}"),
        false => line.to_owned(),
    };
    let manifest: Vec<String> = manifest.lines().map(epochs_line).collect();
    assert!(manifest.contains(&format!("epochs = {epochs}")), "the manifest states its epochs");
    fs::write(folder.path().join("Tacit.toml"), manifest.join("\n")).unwrap();
    folder
}

/// A build of the program alone, without a report and without what it is compared with.
pub const BUILD: &[&str] = &["build", "--no-report", "--no-baselines"];

/// `tacit` with its work in `folder`, without colours.
pub fn tacit(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tacit"));
    command.current_dir(folder).args(arguments).env("NO_COLOR", "1").env("TACIT_THREADS", "1");
    command
}

/// Runs `tacit` and gives its exit code, stdout and stderr.
pub fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    read(tacit(folder, arguments).output().unwrap())
}

/// The same with text on stdin.
pub fn run_with_stdin(folder: &Path, arguments: &[&str], stdin: &str) -> (i32, String, String) {
    let mut command = tacit(folder, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    read(child.wait_with_output().unwrap())
}

/// The hash of a program's weights.
pub fn weights_hash(folder: &Path, program: &str) -> String {
    let (code, hash, errors) = run(folder, &["inspect", program, "--hash", "weights"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    assert_eq!(hash.trim().len(), 64);
    hash
}

fn read(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().expect("the command was not killed"), text(output.stdout), text(output.stderr))
}
