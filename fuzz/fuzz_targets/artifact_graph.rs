//! Any text as the graph of an artifact whose checksum is right, as a forger would make it; what loads must run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tacit_exec::{KernelSet, Options};
use tacit_train::evaluate::Evaluator;
use tacit_train::{Artifact, container};

fuzz_target!(|graph: &str| {
    let document = json!({
        "format_version": 1,
        "name": "forged",
        "graph": graph,
        "interface": {
            "inputs": [{ "name": "x", "type": "vector", "shape": [2], "columns": ["a", "b"] }],
            "output": { "name": "y", "classes": null, "column": "y" },
        },
        "contract": { "lines": [] },
        "provenance": {
            "data_file": "", "data_hash": "", "manifest_hash": "", "seed": 1, "best_step": 0, "steps": 0,
            "split": { "validation": 0.1, "test": 0.1, "seed": 1 },
            "tool_version": "", "numerics_version": 1, "weights_hash": container::hash_tensors(&[]),
        },
    });
    let document = document.as_object().expect("the literal is an object");
    let Ok(artifact) = Artifact::decode(&container::encode("tacit", document, &[])) else { return };
    let costs = artifact.costs();
    if costs.flops > 1_000_000 || costs.peak_memory_bytes > 1 << 20 {
        return;
    }
    let options = Options { threads: 1, kernels: KernelSet::Baseline };
    if let Ok(mut evaluator) = Evaluator::new(&artifact.graph, 2, &options) {
        let ones = |_: usize, values: &mut [f32]| {
            values.fill(1.0);
            Ok(())
        };
        evaluator.answer(2, ones).expect("a program that was compiled runs");
    }
});
