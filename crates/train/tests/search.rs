//! What a search finds, and that neither checkpoints nor where it runs change it.

mod common;

use common::{CATEGORY, NUMBER, OPTIONS, assembled, examples, found, found_with, specification};
use tacit_exec::{KernelSet, Options};
use tacit_spec::Metric;
use tacit_train::search::{Event, Keeping, SearchOptions, search};
use tacit_train::{Artifact, build_hash};

#[test]
fn a_line_is_found_through_several_inputs() {
    let specification = specification(CATEGORY);
    let examples = examples(&specification);
    let found = found(&specification, &examples, None);
    let (first, last) = (&found.history[0], found.history.last().unwrap());
    assert!(last.training_loss < 0.7 * first.training_loss, "{:#?}", found.history);
    assert_eq!(found.steps, 31, "six epochs of 36 rows in steps of 7");
    let best = found.history.iter().map(|e| e.validation_loss).fold(f64::INFINITY, f64::min);
    let kept = found.history.iter().find(|e| e.step == found.best_step).unwrap();
    assert_eq!(kept.validation_loss, best);
}

#[test]
fn a_number_is_found_whatever_its_unit() {
    let specification = specification(NUMBER);
    let examples = examples(&specification);
    let found = found(&specification, &examples, None);
    let artifact = assembled(&specification, &examples, found);
    let mae = &artifact.contract.lines[0];
    assert_eq!(mae.metric, Metric::MeanAbsoluteError.name());
    // Prices run from 68,000 to 107,000.
    assert!(mae.value.unwrap() < 500.0 && mae.met == Some(true), "{mae:?}");
    assert!(artifact.contract.is_met());
}

#[test]
fn patience_ends_a_search_that_no_longer_improves() {
    let text = NUMBER.replace("patience = 20", "patience = 2").replace("learning-rate = 0.05", "learning-rate = 1.9");
    let specification = specification(&text);
    let examples = examples(&specification);
    let found = found(&specification, &examples, None);
    assert!(found.history.len() < 60, "{}", found.history.len());
    assert!(found.history.len() as u64 >= 3 && found.steps < 36 * 60 / 8);
}

#[test]
fn a_search_that_stopped_after_any_step_goes_on_to_the_same_bits() {
    let specification = specification(CATEGORY);
    let examples = examples(&specification);
    let straight = found(&specification, &examples, None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.checkpoint");
    let build = build_hash(&specification, &examples.dataset, None);
    let keeping = Some(Keeping { path: path.clone(), steps: 1 });
    let options = SearchOptions { exec: OPTIONS, keeping, start: Vec::new() };
    // After every step the state is copied away, as if the search had been killed there.
    let copy = |step: u64| folder.path().join(format!("{step}.checkpoint"));
    let mut stopped = Vec::new();
    let whole = search(&specification, &examples.dataset, &examples.prepared, &build, &options, &mut |event| {
        if let Event::Step { step, .. } = event
            && step > 1
        {
            std::fs::copy(&path, copy(step - 1)).unwrap();
            stopped.push(step - 1);
        }
    })
    .unwrap();
    assert_eq!((whole.weights_hash(), stopped.len()), (straight.weights_hash(), 30));
    for step in stopped {
        let resumed = found(&specification, &examples, Some((copy(step), 1000)));
        assert_eq!(resumed.weights_hash(), straight.weights_hash(), "stopped after step {step}");
        assert_eq!(resumed.history, straight.history);
    }
}

#[test]
fn threads_and_kernels_change_no_bit() {
    let specification = specification(CATEGORY);
    let examples = examples(&specification);
    let expected = found(&specification, &examples, None).weights_hash();
    for kernels in KernelSet::ALL.into_iter().filter(|set| set.is_available()) {
        for threads in [1, 2] {
            let options = SearchOptions { exec: Options { threads, kernels }, keeping: None, start: Vec::new() };
            let found = found_with(&specification, &examples, &options).unwrap();
            assert_eq!(found.weights_hash(), expected, "{kernels:?} on {threads} threads");
        }
    }
}

#[test]
fn the_same_build_gives_the_same_bytes_and_they_read_back() {
    let specification = specification(CATEGORY);
    let examples = examples(&specification);
    let build = || assembled(&specification, &examples, found(&specification, &examples, None));
    let mut artifact = build();
    let bytes = artifact.encode();
    assert!(bytes == build().encode());
    assert_eq!(Artifact::decode(&bytes).unwrap(), artifact);
    let size = artifact.contract.lines.iter().find(|line| line.metric == "file-size").unwrap();
    assert_eq!((size.value, size.met), (Some(bytes.len() as f64), Some(true)));
    assert_eq!(artifact.contract.lines[0].rows_where.as_deref(), Some("age > 20"));
    let inputs: Vec<&str> = artifact.interface.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(inputs, ["pair", "age", "flags"]);
}
