//! The comparison of Tacit with its peers: installs and builds what it needs, then measures.

use crate::cargo;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Measures Tacit beside its peers, with the options of `tacit-bench compare`.
///
/// The peers in Python are installed into `bench/.venv`, once for each state of their requirements, unless `--python` names
/// an environment that has them. Nothing of this is needed if nothing is measured.
///
/// # Errors
/// If something does not build, or if the comparison fails.
pub fn bench(root: &Path, options: &[&str]) -> Result<(), String> {
    let mut passed_on: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let measures = !options.iter().any(|option| matches!(*option, "--render" | "help" | "-h" | "--help"));
    // What is measured is built first, so that nothing is installed for a program that does not build.
    let mut packages = vec!["-p", "tacit-bench"];
    if measures {
        packages.extend(["-p", "tacit-cli"]);
    }
    succeed(release(root).args(packages), "the release build")?;
    if measures && !options.contains(&"--python") {
        let python = environment(&root.join("bench"))?;
        passed_on.extend(["--python".into(), python.display().to_string()]);
    }
    if measures && !options.contains(&"--native") {
        match native(&root.join("bench/native")) {
            Ok(program) => passed_on.extend(["--native".into(), program.display().to_string()]),
            // The other peers are measured even so.
            Err(message) => eprintln!("the peers in Rust are left out: {message}"),
        }
    }
    let program = root.join("target/release/tacit-bench");
    succeed(Command::new(program).arg("compare").args(passed_on), "the comparison")
}

/// A release build whose programs lie in the folder's own `target`, wherever others are kept.
fn release(folder: &Path) -> Command {
    let mut command = cargo();
    command.current_dir(folder).args(["build", "--release", "--target-dir", "target"]);
    command
}

/// Builds the peers that are libraries in Rust.
fn native(folder: &Path) -> Result<PathBuf, String> {
    succeed(release(folder).arg("--locked"), "their build")?;
    Ok(folder.join("target/release/tacit-bench-native"))
}

/// The Python of an environment in which the requirements are installed.
fn environment(bench: &Path) -> Result<PathBuf, String> {
    let requirements = bench.join("peers/requirements.txt");
    let wanted = fs::read(&requirements).map_err(|error| format!("{}: {error}", requirements.display()))?;
    let folder = bench.join(".venv");
    let (python, stamp) = (folder.join("bin/python"), folder.join("requirements.stamp"));
    let mark = mark(&wanted);
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == mark) {
        return Ok(python);
    }
    if !python.exists() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder), "`python3 -m venv`")?;
    }
    let install = ["-m", "pip", "install", "--disable-pip-version-check", "--requirement"];
    succeed(Command::new(&python).args(install).arg(&requirements), "the installation of the peers in Python")?;
    fs::write(&stamp, mark).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(python)
}

/// What stands in an environment for the requirements that are installed there.
fn mark(requirements: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    requirements.hash(&mut hasher);
    format!("{:016x}\n", hasher.finish())
}

/// Runs a command, its output shown.
fn succeed(command: &mut Command, what: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} failed: {status}")),
        Err(error) => Err(format!("{what} could not be started: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_requirements_have_another_mark() {
        assert_eq!(mark(b"torch==1\n"), mark(b"torch==1\n"));
        assert_ne!(mark(b"torch==1\n"), mark(b"torch==2\n"));
    }
}
