//! What an f32 program loses by becoming one of 8-bit integers: its accuracy on the test rows before, after each
//! calibration, and after training that rounds.
//!
//!     cargo run --release -p tacit-train --example int8 -- FOLDER ARTIFACT
//!
//! FOLDER holds the manifest's data, and ARTIFACT is an f32 program that was built from it. The first output is a category.

use std::path::Path;

use tacit_exec::Options;
use tacit_ir::passes::quantize::Quantiser;
use tacit_spec::Calibration;
use tacit_train::container::Tensor;
use tacit_train::evaluate::Evaluator;
use tacit_train::graphs::graphs;
use tacit_train::metrics::Answers;
use tacit_train::quantise::{calibrate, quantised};
use tacit_train::search::EVALUATION_ROWS;
use tacit_train::tuning::Tuning;
use tacit_train::{Artifact, Examples, Result, examples};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, path] = &arguments[..] else { panic!("give FOLDER and ARTIFACT") };
    let options = Options::from_environment()?;
    let artifact = Artifact::load(Path::new(path))?;
    let specification = artifact.specification()?;
    let Examples { dataset, parts, prepared } = examples(&specification, Path::new(folder), Path::new(path))?;
    let tested = |graph: &tacit_ir::Graph, weights: &[Tensor]| -> Result<Vec<bool>> {
        let mut evaluator = Evaluator::new(graph, EVALUATION_ROWS, &options)?;
        evaluator.set_weights(weights)?;
        Ok(right(&evaluator.answers(&dataset, &parts.test, &[])?[0]))
    };
    let show = |name: &str, answers: &[bool]| {
        let count = answers.iter().filter(|is_right| **is_right).count();
        println!("{name:<22} {count} of {}: {:.4}", answers.len(), count as f64 / answers.len() as f64);
    };
    show("f32", &tested(&artifact.graph, &artifact.weights)?);
    let quantiser = Quantiser::new(&artifact.graph)?;
    quantiser.notes().iter().for_each(|note| println!("{note}"));
    let steps = artifact.provenance.steps;
    let rate = artifact.provenance.learning_rate;
    let built = graphs(&specification, &dataset, &prepared, steps, rate)?;
    let tuning = Tuning {
        specification: &specification,
        dataset: &dataset,
        prepared: &prepared,
        targets: &built.targets,
        parameters: &built.parameters,
    };
    let weights = &artifact.weights;
    let mut chosen = vec![];
    for (name, calibration) in
        [("min-max", Calibration::MinMax), ("percentile", Calibration::Percentile), ("mse", Calibration::Mse)]
    {
        let quantisations = calibrate(&quantiser, weights, &dataset, &prepared.training, calibration, &options)?;
        let (graph, integers) = quantised(&quantiser, weights, &quantisations)?;
        show(&format!("int8, {name}"), &tested(&graph, &integers)?);
        chosen.push((name, quantisations));
    }
    for (name, quantisations) in chosen {
        let tuned = tuning.run(weights.clone(), steps, rate, &quantisations, &options, &mut |_| {})?;
        let (graph, integers) = quantised(&quantiser, &tuned, &quantisations)?;
        show(&format!("int8, {name}, aware"), &tested(&graph, &integers)?);
    }
    Ok(())
}

/// Whether the likeliest class of each row is the right one.
fn right(answers: &Answers) -> Vec<bool> {
    let Answers::Category { classes, truth, probabilities } = answers else {
        panic!("the first output is a category");
    };
    let is_right = |(truth, row): (&i32, &[f32])| row.iter().all(|other| *other <= row[*truth as usize]);
    truth.iter().zip(probabilities.chunks_exact(*classes)).map(is_right).collect()
}
