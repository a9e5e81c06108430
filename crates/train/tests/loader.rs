//! Batches made ready by a thread of their own, out of memory or out of a file: the same bits, in bounded memory.

mod common;

use common::{OPTIONS, examples_of, folder, found, found_with, specification};
use tacit_data::Batches;
use tacit_data::random::SplitMix64;
use tacit_exec::{KernelSet, Options};
use tacit_train::batch::{Batch, BatchSource, with_batches};
use tacit_train::graphs::graphs;
use tacit_train::search::{Event, Keeping, SearchOptions, search};
use tacit_train::{CodedError, Examples, Failure, build_hash};
use tempfile::TempDir;

/// Pictures of 16 × 16, together more than a MiB, whose brighter half is the label.
fn pictures() -> TempDir {
    const ROWS: usize = 4608;
    let mut random = SplitMix64::new(3);
    let (mut pixels, mut labels) = (idx(&[ROWS as u32, 16, 16]), idx(&[ROWS as u32]));
    for row in 0..ROWS {
        labels.push((row % 2) as u8);
        let bright = |pixel: usize| usize::from(pixel < 128) == row % 2;
        pixels.extend((0..256).map(|pixel| random.below(100) as u8 + if bright(pixel) { 150 } else { 0 }));
    }
    folder(&[("x-images", &pixels), ("x-labels", &labels)])
}

/// The head of an idx file of bytes.
fn idx(extents: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, extents.len() as u8];
    extents.iter().for_each(|extent| bytes.extend(extent.to_be_bytes()));
    bytes
}

fn manifest(memory: u32, augment: &str) -> String {
    format!(
        r#"
[program]
name = "halves"
[input.image]
type = "image"
size = [16, 16]
[output.label]
type = "category"
[data]
source = "x-images"
memory = {memory}
[augment]
{augment}
[skeleton]
layers = ["average-pool 4", "flatten", "dense 4", "tanh"]
[search]
epochs = 1
batch = 128
learning-rate = 0.01
"#
    )
}

const AUGMENT: &str = "shift = 2\nflip = true\nrotate = 10\ncutout = 4\nmixup = 0.2";

#[test]
fn pictures_in_memory_and_in_a_file_changed_or_not_give_the_same_weights() {
    let folder = pictures();
    for augment in ["", AUGMENT] {
        let hashes = [1, 2048].map(|memory| {
            let specification = specification(&manifest(memory, augment));
            let examples = examples_of(&specification, &folder);
            assert_eq!(examples.dataset.inputs[0].store.is_spooled(), memory == 1);
            let found = found(&specification, &examples, None);
            assert!(found.history[0].validation_figure > 0.9, "{:?}", found.history);
            found.weights_hash()
        });
        assert_eq!(hashes[0], hashes[1], "{augment}");
    }
    assert!(!folder.path().join(".tacit").exists(), "values in a file leave nothing behind");
}

#[test]
fn tables_in_memory_and_in_a_file_give_the_same_weights() {
    const ROWS: usize = 7000;
    let names: String = (0..40).map(|column| format!("v{column},")).collect();
    let row = |row: usize| {
        let digits: String = (0..40).map(|column| format!("{},", (row * (column + 3) / 7) % 10)).collect();
        format!("{digits}c{},{}\n", row % 40, ["cat", "dog"][row / 40 % 2])
    };
    let text = format!("{names}colour,kind\n{}", (0..ROWS).map(row).collect::<String>());
    let folder = folder(&[("t.csv", text.as_bytes())]);
    let hashes = [1, 2048].map(|memory| {
        let text = format!(
            "[program]\nname = \"t\"\n[input.v]\ntype = \"vector\"\ncolumns = \"v*\"\nsize = 40\nbins = 4\n\
             [input.colour]\ntype = \"category\"\n[output.kind]\ntype = \"category\"\n\
             [data]\nsource = \"t.csv\"\nmemory = {memory}\n[skeleton]\nlayers = [\"dense 4\", \"relu\"]\n\
             [search]\nepochs = 1\nbatch = 256\n"
        );
        let specification = specification(&text);
        let examples = examples_of(&specification, &folder);
        assert_eq!(examples.dataset.inputs[0].store.is_spooled(), memory == 1);
        found(&specification, &examples, None).weights_hash()
    });
    assert_eq!(hashes[0], hashes[1]);
}

#[test]
fn threads_and_a_stop_in_between_change_no_bit_of_a_search_with_a_loader() {
    let pictures = pictures();
    let specification = specification(&manifest(1, AUGMENT));
    let examples = examples_of(&specification, &pictures);
    let straight = found(&specification, &examples, None);
    let two = Options { threads: 2, kernels: KernelSet::Baseline };
    let options = SearchOptions { exec: two, keeping: None, start: Vec::new() };
    assert_eq!(found_with(&specification, &examples, &options).unwrap().weights_hash(), straight.weights_hash());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halves.checkpoint");
    let keeping = Some(Keeping { path: path.clone(), steps: 1 });
    let options = SearchOptions { exec: OPTIONS, keeping, start: Vec::new() };
    let build = build_hash(&specification, &examples.dataset, None);
    let copy = |step: u64| folder.path().join(format!("{step}.checkpoint"));
    let Examples { dataset, prepared, .. } = &examples;
    search(&specification, dataset, prepared, &build, &options, &mut |event| {
        if let Event::Step { step, .. } = event
            && [5, 12, 25].contains(&step)
        {
            std::fs::copy(&path, copy(step - 1)).unwrap();
        }
    })
    .unwrap();
    for step in [4, 11, 24] {
        let resumed = found(&specification, &examples, Some((copy(step), 1000)));
        assert_eq!(resumed.weights_hash(), straight.weights_hash(), "stopped after step {step}");
        assert_eq!(resumed.history, straight.history);
    }
}

#[test]
fn batches_come_in_order_and_are_those_that_are_filled_by_hand() {
    let pictures = pictures();
    for (memory, augment) in [(1, ""), (2048, ""), (2048, AUGMENT)] {
        let specification = specification(&manifest(memory, augment));
        let examples = examples_of(&specification, &pictures);
        let made = graphs(&specification, &examples.dataset, &examples.prepared, 10, 0.01).unwrap();
        let source = BatchSource::new(&specification, &examples.dataset, &made.targets);
        let batches = Batches::new(&examples.prepared.training, 32, specification.program.seed);
        let mut given: Vec<(u64, Batch)> = Vec::new();
        with_batches(source, batches.clone(), 32, 3, 9, |next| {
            for step in 3..9 {
                next(step, &mut |batch| {
                    given.push((step, batch.clone()));
                    Ok(())
                })?;
            }
            Ok(())
        })
        .unwrap();
        let (mut by_hand, mut rows) = (batches, vec![0; 32]);
        for (step, batch) in given {
            let mut expected = source.batch(32);
            by_hand.indices_for_step(step, &mut rows);
            source.fill(step, &rows, &mut expected).unwrap();
            assert_eq!(batch, expected, "step {step}");
        }
    }
}

#[test]
fn work_that_fails_ends_the_loader_too() {
    let pictures = pictures();
    let specification = specification(&manifest(2048, AUGMENT));
    let examples = examples_of(&specification, &pictures);
    let made = graphs(&specification, &examples.dataset, &examples.prepared, 10, 0.01).unwrap();
    let source = BatchSource::new(&specification, &examples.dataset, &made.targets);
    let batches = Batches::new(&examples.prepared.training, 32, 1);
    let result: Result<(), Failure> = with_batches(source, batches, 32, 0, u64::MAX, |next| {
        next(0, &mut |_| Err(CodedError::new(tacit_train::error::DIVERGED, "enough").into()))
    });
    assert!(matches!(result, Err(Failure::Coded(error)) if error.message == "enough"));
}
