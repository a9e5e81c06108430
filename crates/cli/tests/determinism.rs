//! The same build gives the same bits: on any number of threads, with any kernels, and killed at any moment.

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{BUILD, digits, run, tacit, weights_hash};
use tacit_exec::KernelSet;

/// A build of the program alone, with more arguments.
fn build<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [BUILD, more].concat()
}

#[test]
fn threads_and_kernels_change_no_bit_of_the_file() {
    let folder = digits(1);
    let here = folder.path();
    let mut first: Option<Vec<u8>> = None;
    for kernels in KernelSet::ALL.into_iter().filter(|set| set.is_available()) {
        for threads in ["1", "2"] {
            let mut command = tacit(here, &build(&["--force"]));
            let output = command.env("TACIT_THREADS", threads).env("TACIT_KERNELS", kernels.name()).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
            let bytes = fs::read(here.join("digits.tacit")).unwrap();
            match &first {
                None => first = Some(bytes),
                Some(first) => assert!(*first == bytes, "{} kernels on {threads} threads", kernels.name()),
            }
        }
    }
}

#[test]
fn another_seed_is_another_program() {
    let folder = digits(1);
    let here = folder.path();
    run(here, &build(&["--seed", "1"]));
    run(here, &build(&["--seed", "2", "-o", "other.tacit"]));
    assert_ne!(weights_hash(here, "digits.tacit"), weights_hash(here, "other.tacit"));
}

#[test]
fn a_search_killed_at_twenty_moments_ends_in_the_same_bits() {
    let folder = digits(3);
    let here = folder.path();
    let start = Instant::now();
    let (_, _, err) = run(here, BUILD);
    let whole = start.elapsed();
    let expected = fs::read(here.join("digits.tacit")).unwrap_or_else(|e| panic!("{e}: {err}"));
    fs::remove_file(here.join("digits.tacit")).unwrap();

    let build = build(&["--checkpoint", "3"]);
    let spawn = || tacit(here, &build).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // The first is killed once there is something to go on from, the others at any moment of a search.
    let mut child = spawn();
    await_checkpoint(here);
    child.kill().unwrap();
    child.wait().unwrap();
    let (mut kills, mut resumed, mut percent) = (1, false, 7);
    while kills < 20 {
        let mut child = spawn();
        percent = (percent * 37 + 11) % 83;
        sleep(whole * percent / 100);
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        resumed |= String::from_utf8_lossy(&output.stderr).contains("resuming after step ");
        kills += usize::from(output.status.code().is_none());
        if here.join("digits.tacit").exists() {
            assert!(fs::read(here.join("digits.tacit")).unwrap() == expected, "after {kills} kills");
            fs::remove_file(here.join("digits.tacit")).unwrap();
        }
    }
    let (_, _, err) = run(here, &build);
    assert!(resumed || err.contains("resuming after step "), "no run went on from a checkpoint");
    assert!(fs::read(here.join("digits.tacit")).unwrap() == expected);
    assert!(!here.join(".tacit").exists());
}

/// Waits until the search in a folder has left a checkpoint.
fn await_checkpoint(folder: &Path) {
    while !folder.join(".tacit/digits.checkpoint").exists() {
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_checkpoint_of_another_build_is_not_used() {
    let folder = digits(3);
    let here = folder.path();
    let mut child = tacit(here, &build(&["--checkpoint", "1"])).stderr(Stdio::null()).spawn().unwrap();
    let checkpoint = here.join(".tacit/digits.checkpoint");
    await_checkpoint(here);
    child.kill().unwrap();
    child.wait().unwrap();
    let (_, _, err) = run(here, &build(&["--seed", "9"]));
    assert!(err.contains("the checkpoint is not used: error[E0305]: ") && !err.contains("resuming"), "{err}");
    let bytes = fs::read(here.join("digits.tacit")).unwrap();
    run(here, &build(&["--seed", "9", "--force"]));
    assert!(fs::read(here.join("digits.tacit")).unwrap() == bytes);

    // A damaged one costs nothing but the time it held.
    fs::create_dir_all(here.join(".tacit")).unwrap();
    fs::write(&checkpoint, b"not a checkpoint").unwrap();
    fs::remove_file(here.join("digits.tacit")).unwrap();
    let (_, _, err) = run(here, &build(&["--seed", "9"]));
    assert!(err.contains("the checkpoint is not used: error[E0301]: "), "{err}");
    assert!(fs::read(here.join("digits.tacit")).unwrap() == bytes);
}
