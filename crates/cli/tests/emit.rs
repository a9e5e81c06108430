//! `tacit emit` and `tacit certify`: what is written gives the answers of the program, and what is wrong is said.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{BUILD, digits, run, tacit};
use tacit_ir::interpret::{Tensor, interpret};
use tacit_nn::OptimiserKind;
use tacit_train::Artifact;
use tacit_train::learning::{Learning, learner};
use tacit_train::quantise::param_values;
use tempfile::TempDir;

/// A folder with a digits program of two epochs.
fn program() -> TempDir {
    let folder = digits(2);
    let (code, _, err) = run(folder.path(), BUILD);
    assert!(code <= 1, "{err}");
    folder
}

/// Options under which compiled C gives the bits of `tacit run` on this machine.
fn exact_flags() -> &'static str {
    match cfg!(target_arch = "x86_64") {
        true => "-O2 -std=c99 -ffp-contract=off -DTACIT_EXACT",
        false => "-O2 -std=c99 -ffp-contract=off",
    }
}

/// The answers of the compiled program to the pixels of a row.
fn answer(binary: &Path, pixels: &str) -> Vec<f32> {
    let mut child = Command::new(binary).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), pixels.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success());
    let said = String::from_utf8(said.stdout).unwrap();
    said.lines().map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn emitted_c_gives_the_answers_of_the_program_bit_for_bit() {
    let folder = program();
    let here = folder.path();
    let (code, files, err) = run(here, &["emit", "c", "digits.tacit", "--output", "c"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(files, "c/digits.c\nc/digits.h\nc/main.c\nc/Makefile\nc/CMakeLists.txt\n");
    assert!(err.contains("bytes of arena") && err.contains("operations a run"), "{err}");
    let compiled = Command::new("make")
        .current_dir(here.join("c"))
        .arg(format!("CFLAGS={} -Werror", exact_flags()))
        .output()
        .expect("make runs");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let (_, answers, _) = run(here, &["run", "digits.tacit", "digits.csv"]);
    let rows = fs::read_to_string(here.join("digits.csv")).unwrap();
    for (row, said) in rows.lines().skip(1).zip(answers.lines()).step_by(36) {
        let pixels: Vec<&str> = row.split(',').take(64).collect();
        let found = answer(&here.join("c/example"), &pixels.join(" "));
        let said: serde_json::Value = serde_json::from_str(said).unwrap();
        let expected: Vec<f32> =
            (0..10).map(|digit: usize| said["probabilities"][digit.to_string()].as_f64().unwrap() as f32).collect();
        assert_eq!(found, expected, "{row}");
    }
}

/// The pixels of some rows of the data, and the digits that they show.
fn rows(folder: &Path, count: usize) -> (Vec<f32>, Vec<i32>) {
    let text = fs::read_to_string(folder.join("digits.csv")).unwrap();
    let rows = text.lines().skip(1).take(count).map(|row| row.rsplit_once(',').expect("the digit stands last"));
    let (pixels, digits): (Vec<&str>, Vec<&str>) = rows.unzip();
    let pixels = pixels.iter().flat_map(|row| row.split(',')).map(|pixel| pixel.parse().unwrap());
    (pixels.collect(), digits.iter().map(|digit| digit.parse().unwrap()).collect())
}

#[test]
fn a_step_of_learning_in_c_gives_the_interpreters_bits_and_answers_follow_it() {
    const STEPS: usize = 3;
    let folder = program();
    let here = folder.path();
    let learn = ["--learn", "4", "--layers", "dense,output", "--rate", "0.001", "--optimiser", "adamw"];
    let (code, _, err) =
        run(here, &[&["emit", "c", "digits.tacit", "--output", "c", "--certify"][..], &learn].concat());
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("digits_learn: no branch and no address depends on the inputs"), "{err}");
    let (images, digits) = rows(here, 4);
    let list = |values: Vec<String>| values.join(", ");
    let driver = format!(
        "#include \"digits.h\"\n#include <stdio.h>\n\
         static union {{ uint64_t alignment; uint8_t bytes[DIGITS_ARENA_BYTES]; }} arena;\n\
         static const float images[] = {{ {} }};\nstatic const int32_t right[] = {{ {} }};\n\
         int main(void)\n{{\n    float loss = 0.0f;\n    float answer[10];\n    digits_reset(arena.bytes);\n    \
         for (int i = 0; i < {STEPS}; ++i) {{\n        digits_learn_run(arena.bytes, images, right, &loss);\n        \
         digits_run(arena.bytes, images, answer);\n        fwrite(&loss, 4, 1, stdout);\n        \
         fwrite(answer, 4, 10, stdout);\n    }}\n    return 0;\n}}\n",
        list(images.iter().map(|x| format!("{x:?}f")).collect()),
        list(digits.iter().map(i32::to_string).collect())
    );
    fs::write(here.join("c/driver.c"), driver).unwrap();
    let mut compiler = Command::new("cc");
    compiler.current_dir(here.join("c")).args(exact_flags().split(' ')).args([
        "-Wall",
        "-Wextra",
        "-pedantic",
        "-Werror",
    ]);
    let compiled = compiler.args(["-o", "driver", "driver.c", "digits.c"]).output().expect("cc runs");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let said = Command::new(here.join("c/driver")).output().unwrap().stdout;
    let found: Vec<f32> = said.as_chunks::<4>().0.iter().map(|word| f32::from_ne_bytes(*word)).collect();

    let artifact = Artifact::load(&here.join("digits.tacit")).unwrap();
    let layers = vec!["dense".to_owned(), "output".to_owned()];
    let learning = Learning { batch: 4, optimiser: OptimiserKind::ADAMW, rate: 0.001, layers };
    let learner = learner(&artifact, &learning).unwrap();
    let mut weights = param_values(&artifact.weights);
    let mut expected = vec![];
    for _ in 0..STEPS {
        let mut leaves = weights.clone();
        leaves.insert("image".to_owned(), Tensor::floats(&[4, 8, 8, 1], images.clone()));
        leaves.insert("target/digit".to_owned(), Tensor::integers(&[4], digits.clone()));
        let step = interpret(&learner.step, &leaves).unwrap();
        expected.extend_from_slice(step.outputs["loss"].as_floats());
        weights.extend(step.updates);
        let mut leaves = weights.clone();
        leaves.retain(|name, _| learner.program.leaf(name).is_some());
        leaves.insert("image".to_owned(), Tensor::floats(&[8, 8, 1], images[..64].to_vec()));
        expected.extend_from_slice(interpret(&learner.program, &leaves).unwrap().outputs["digit"].as_floats());
    }
    assert_eq!(found, expected);
    assert!(found[2 * 11] < found[0], "the loss falls: {found:?}");
    assert_ne!(found[1..11], found[12..22], "answers follow what is learnt");
}

#[test]
fn two_programs_of_one_name_are_refused_in_a_bundle() {
    let folder = program();
    let here = folder.path();
    fs::copy(here.join("digits.tacit"), here.join("again.tacit")).unwrap();
    let (code, _, err) = run(here, &["emit", "c", "digits.tacit", "again.tacit", "--name", "both", "--output", "two"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("error[E0805]: ") && err.contains("`digits`"), "{err}");
    assert!(!here.join("two").exists(), "nothing was written");
}

#[test]
fn a_certificate_is_shown_again_and_holds_for_its_source_alone() {
    let folder = program();
    let here = folder.path();
    let certify = ["certify", "c", "--flags", "-O2 -std=c99 -ffp-contract=off"];
    let emit = ["emit", "c", "digits.tacit", "--output", "c", "--certify", "--flags", certify[3]];
    let (code, _, err) = run(here, &emit);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("no branch and no address depends on the inputs"), "{err}");
    let (code, text, err) = run(here, &certify);
    assert_eq!((code, err.as_str()), (0, ""), "{text}");
    let (code, json, _) = run(here, &[&certify[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["evidence"]["undefined_symbols"]), (0, &serde_json::json!([])));
    assert_eq!(json["evidence"]["programs"][0]["data_dependent"], 0);
    assert!(json["evidence"]["programs"][0]["instructions"].as_u64().unwrap() > 10_000);
    let left: Vec<_> = fs::read_dir(here.join("c")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 6, "nothing of the check is left: {left:?}");

    // A source with a branch on its input is found out, and so is one that is not the certified one.
    let source = fs::read_to_string(here.join("c/digits.c")).unwrap();
    let place = source.find("void digits_run(").unwrap();
    let begin = place + source[place..].find("{\n").unwrap() + 2;
    let branch = "    if (image[0] > 1.0f) { for (volatile int i = 0; i < 9; ++i) { } }\n";
    fs::write(here.join("c/digits.c"), format!("{}{branch}{}", &source[..begin], &source[begin..])).unwrap();
    let (code, _, err) = run(here, &certify);
    assert!(code == 2 && err.starts_with("error[E0802]: ") && err.contains("digits_run"), "{err}");
    fs::write(here.join("c/digits.c"), format!("{source}\n")).unwrap();
    let (code, _, err) = run(here, &certify);
    assert!(code == 2 && err.starts_with("error[E0802]: `digits.c` or `digits.h` is not the one"), "{err}");
    let (code, _, err) = run(here, &[&certify[..], &["--renew"]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
}

#[test]
fn wrong_requests_are_coded_errors() {
    let folder = program();
    let here = folder.path();
    fs::write(here.join("file"), "").unwrap();
    let cases: [(&[&str], &str); 10] = [
        (&["emit", "c", "missing.tacit"], "error[E0307]"),
        (&["emit", "c", "digits.csv"], "error[E0301]"),
        (&["emit", "c", "digits.tacit", "--output", "file/c"], "error[E0306]"),
        (&["emit", "c", "digits.tacit", "--certify", "--compiler", "no-such-compiler"], "error[E0801]"),
        (&["certify", "."], "error[E0307]"),
        (&["emit", "c", "digits.tacit", "--lanes", "0"], "error: invalid value"),
        (&["emit", "c", "digits.tacit", "--learn", "0"], "error: invalid value"),
        (&["emit", "c", "digits.tacit", "--learn", "2", "--rate", "-1"], "error: "),
        (&["emit", "c", "digits.tacit", "--learn", "2", "--layers", "dense9"], "error[E0806]"),
        (&["emit", "c", "digits.tacit", "digits.tacit", "--learn", "2"], "error[E0806]"),
    ];
    for (arguments, expected) in cases {
        let (code, out, err) = run(here, arguments);
        assert!(code == 2 && out.is_empty() && err.contains(expected), "{arguments:?}: {code} {out} {err}");
    }
    for text in [
        "{}",
        "no json",
        "{\"version\":1,\"name\":\"../x\",\"source\":\"\",\"programs\":[],\"evidence\":\
         {\"compiler\":\"\",\"flags\":[],\"valgrind\":\"\",\"undefined_symbols\":[],\"programs\":[]}}",
    ] {
        fs::write(here.join("certificate.json"), text).unwrap();
        let (code, _, err) = run(here, &["certify", "."]);
        assert!(code == 2 && err.starts_with("error[E0304]"), "{err}");
    }
    let mut command = tacit(here, &["emit", "c", "digits.tacit", "--output", "fine"]);
    assert!(command.output().unwrap().status.success());
}

#[test]
fn a_program_fits_a_part_or_is_refused_with_what_is_largest() {
    let folder = program();
    let here = folder.path();
    let (code, _, err) = run(here, &["emit", "c", "digits.tacit", "--output", "m4", "--target", "cortex-m4"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.starts_with("STM32F446RE: flash 15"), "{err}");
    // The compiler for this part has no library with it, and needs none.
    let (code, _, err) = run(here, &["emit", "c", "digits.tacit", "--output", "riscv", "--target", "rv32imac"]);
    assert!(code == 2 && err.starts_with("error[E0804]: GD32VF103CB: flash "), "{err}");
    assert!(err.contains("bytes of flash too many (the most are 131072 of dense5.weight)"), "{err}");
    let mut left: Vec<_> = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(
        left,
        ["Tacit.toml", "digits.csv", "digits.tacit", "m4", "test-looks.json"],
        "a program that does not fit is not written"
    );
}
