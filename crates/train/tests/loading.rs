//! Files that were damaged or made up: whatever the bytes, loading gives a coded error or a program that runs.

mod common;

use std::path::Path;

use common::{CATEGORY, OPTIONS, assembled, examples, found, specification};
use serde_json::{Map, Value};
use tacit_data::random::SplitMix64;
use tacit_train::container::{self, Tensor, Values};
use tacit_train::evaluate::Evaluator;
use tacit_train::{Artifact, CODES, Checkpoint, CodedError};

fn artifact_bytes() -> Vec<u8> {
    let specification = specification(CATEGORY);
    let examples = examples(&specification);
    assembled(&specification, &examples, found(&specification, &examples, None)).encode()
}

fn checkpoint_bytes() -> Vec<u8> {
    let specification = specification(CATEGORY);
    let examples = examples(&specification);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.checkpoint");
    found(&specification, &examples, Some((path.clone(), 10)));
    std::fs::read(path).unwrap()
}

/// Flipped bits, cut ends, repeated and lost pieces, and numbers that claim great sizes.
fn damaged(bytes: &[u8], random: &mut SplitMix64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut below = |bound: usize| random.below(bound as u64) as usize;
    match below(6) {
        0 => {
            let bit = below(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        1 => bytes.truncate(below(bytes.len())),
        2 => {
            let at = below(bytes.len());
            let length = 1 + below((bytes.len() - at).min(64));
            bytes.drain(at..at + length);
        }
        3 => {
            let at = below(bytes.len());
            let length = 1 + below((bytes.len() - at).min(64));
            let piece = bytes[at..at + length].to_vec();
            bytes.splice(at..at, piece);
        }
        4 => {
            let length =
                [0, 1, 7, u64::MAX, 1 << 63, 1 << 40, u32::MAX as u64][below(7)].wrapping_add(below(3) as u64 * 8);
            bytes[..8].copy_from_slice(&length.to_le_bytes());
        }
        _ => {
            // A digit of the header becomes a long number, with the header's length corrected.
            let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let digits: Vec<usize> = (8..end).filter(|at| bytes[*at].is_ascii_digit()).collect();
            let at = digits[below(digits.len())];
            let number = [&b"18446744073709551615"[..], b"4294967296", b"2147483648", b"00", b"-1", b"1e9"][below(6)];
            bytes.splice(at..at + 1, number.iter().copied());
            let length = (end - 8 + number.len() - 1) as u64;
            bytes[..8].copy_from_slice(&length.to_le_bytes());
        }
    }
    bytes
}

fn assert_coded(error: &CodedError) {
    assert!(CODES.iter().chain(tacit_ir::error::CODES).any(|(code, _)| *code == error.code), "{error}");
}

#[test]
fn two_thousand_damaged_files_give_coded_errors() {
    for (index, bytes) in [artifact_bytes(), checkpoint_bytes()].iter().enumerate() {
        let mut random = SplitMix64::new(index as u64);
        let mut changed = 0;
        while changed < 1000 {
            let broken = damaged(bytes, &mut random);
            if broken == *bytes {
                continue;
            }
            changed += 1;
            match index {
                0 => assert_coded(&Artifact::decode(&broken).unwrap_err()),
                _ => assert_coded(&Checkpoint::decode(&broken).unwrap_err()),
            }
        }
    }
}

/// A forger can make a right checksum, so what is behind it is changed too.
#[test]
fn forged_files_give_coded_errors_or_programs_that_run() {
    let (document, tensors) = container::decode("tacit", &artifact_bytes(), |_| Ok(())).unwrap();
    let graph = document["graph"].as_str().unwrap().to_owned();
    let mut random = SplitMix64::new(5);
    let (mut refused, mut ran) = (0, 0);
    for _ in 0..1500 {
        let mut forged = document.clone();
        forged.insert("graph".into(), Value::String(mutated(&graph, &mut random)));
        match Artifact::decode(&container::encode("tacit", &forged, &tensors)) {
            Err(error) => {
                assert_coded(&error);
                refused += 1;
            }
            Ok(artifact) => {
                ran += 1;
                runs(&artifact);
            }
        }
    }
    assert!(refused > 500 && ran > 0, "{refused} were refused, {ran} ran");
}

/// Runs a loaded program unless it would take much memory or time.
fn runs(artifact: &Artifact) {
    let costs = artifact.costs();
    if costs.flops < 1_000_000 && costs.peak_memory_bytes < 1 << 20 {
        match Evaluator::new(&artifact.graph, 2, &OPTIONS) {
            Ok(mut evaluator) => {
                evaluator.set_weights(&artifact.weights).unwrap();
                let fill = |_, values: &mut [f32]| {
                    values.fill(1.0);
                    Ok(())
                };
                evaluator.answer(2, fill).unwrap();
                for (index, (_, width)) in evaluator.outputs().iter().enumerate() {
                    assert_eq!(evaluator.output(index, 2).unwrap().len(), 2 * width);
                }
            }
            Err(tacit_train::Failure::Coded(error)) => assert!(error.code.starts_with('E')),
            Err(tacit_train::Failure::Diagnostics(_)) => panic!("a program has no diagnostics"),
        }
    }
}

/// A text with one line lost, repeated or exchanged, or one digit or letter changed.
fn mutated(text: &str, random: &mut SplitMix64) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut below = |bound: usize| random.below(bound as u64) as usize;
    let at = below(lines.len());
    match below(5) {
        0 => {
            lines.remove(at);
        }
        1 => lines.insert(at, lines[below(lines.len())].clone()),
        2 => {
            let other = below(lines.len());
            lines.swap(at, other);
        }
        _ => {
            let characters: Vec<char> = lines[at].chars().collect();
            let place = below(characters.len());
            let new = ['0', '1', '9', 'a', 'h', '%', '"', '-', '(', '{', ' ', 'n'][below(12)];
            lines[at] = characters.iter().enumerate().map(|(k, c)| if k == place { new } else { *c }).collect();
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn each_part_that_does_not_fit_the_others_is_named() {
    let (document, tensors) = container::decode("tacit", &artifact_bytes(), |_| Ok(())).unwrap();
    let refused = |document: &Map<String, Value>, tensors: &[Tensor]| {
        Artifact::decode(&container::encode("tacit", document, tensors)).unwrap_err()
    };
    let changed = |pointer: &str, value: Value| {
        let mut document = Value::Object(document.clone());
        *document.pointer_mut(pointer).unwrap() = value;
        let Value::Object(document) = document else { panic!("it stays an object") };
        refused(&document, &tensors)
    };
    for (pointer, value, code, message) in [
        ("/format_version", 3.into(), "E0303", "format version 3"),
        ("/format_version", 0.into(), "E0303", "format version 0"),
        ("/name", Value::Null, "E0304", "does not have its form"),
        ("/interface/inputs/0/name", "other".into(), "E0304", "no input `other`"),
        ("/interface/inputs/0/columns", Vec::<Value>::new().into(), "E0304", "no input `pair`"),
        ("/interface/inputs", Vec::<Value>::new().into(), "E0304", "every input"),
        ("/interface/inputs/1/type", "image".into(), "E0304", "the input `age`"),
        ("/interface/inputs/1/type", "date".into(), "E0304", "the input `age`"),
        ("/interface/outputs", Vec::<Value>::new().into(), "E0304", "every output"),
        ("/interface/outputs/0/name", "other".into(), "E0304", "no output `other`"),
        ("/interface/outputs/0/labels", Vec::<Value>::new().into(), "E0304", "the output `kind`"),
        ("/interface/outputs/0/labels", Value::Null, "E0304", "does not have its form"),
        ("/interface/outputs/0/type", "number".into(), "E0304", "the output `kind`"),
        ("/contract/lines/0/metric", "speed".into(), "E0304", "the metric `speed`"),
        ("/contract/lines/0/rows_where", "(((".into(), "E0304", "`(((`"),
        ("/provenance/weights_hash", "0".into(), "E0304", "hash of the weights"),
        ("/graph", "".into(), "E1001", "tacit-ir 1"),
    ] {
        let error = changed(pointer, value);
        assert!(error.code == code && error.message.contains(message), "{pointer}: {error}");
    }
    let without = refused(&document, &tensors[1..]);
    assert!(without.code == "E0304" && without.message.contains("has no tensor"), "{without}");
    let mut more = tensors.clone();
    more.push(Tensor { name: "zz".into(), shape: vec![], values: Values::F32(vec![1.0]) });
    assert!(refused(&document, &more).message.contains("`zz` is not a parameter"));
    let mut infinite = tensors.clone();
    let Values::F32(values) = &mut infinite[0].values else { panic!("weights are f32") };
    values[0] = f32::INFINITY;
    assert!(refused(&document, &infinite).message.contains("not finite"));
}

#[test]
fn a_program_that_needs_all_memory_is_refused_before_it_gets_any() {
    let (mut document, _) = container::decode("tacit", &artifact_bytes(), |_| Ok(())).unwrap();
    let graph = "tacit-ir 1\n%0 = iota -> i32[2147483648]\n%1 = map cast (%0) -> f32[2147483648]\n\
                 %2 = reduce sum \"a->\" a=2147483648 (%1) -> f32[]\noutput \"kind\" = %2\n";
    document.insert("graph".into(), graph.into());
    let error = Artifact::decode(&container::encode("tacit", &document, &[])).unwrap_err();
    assert_eq!(error.code, "E0309", "{error}");
}

#[test]
fn missing_and_oversized_files_are_told_with_their_name() {
    let error = Artifact::load(Path::new("/nowhere/x.tacit")).unwrap_err();
    assert!(error.code == "E0307" && error.message.contains("/nowhere/x.tacit"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("y");
    tacit_train::files::write_atomic(&path, &[0; 100]).unwrap();
    assert_eq!(tacit_train::files::read_limited(&path, 99).unwrap_err().code, "E0309");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    let error = tacit_train::files::write_atomic(&folder.path().join("none/z"), &[]).unwrap_err();
    assert_eq!(error.code, "E0306");
}
