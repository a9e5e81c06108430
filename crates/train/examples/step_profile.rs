//! Where the time of a training step goes: `cargo run --release -p tacit-train --example step_profile -- FOLDER` builds the
//! step of the manifest in a folder and prints the seconds of each kernel, the slowest first.

use std::path::Path;

use tacit_exec::{Options, Program};
use tacit_train::examples;
use tacit_train::graphs::graphs;

fn main() {
    let folder = std::env::args().nth(1).expect("the folder of a manifest");
    let folder = Path::new(&folder);
    let specification = tacit_spec::read(&folder.join("Tacit.toml")).expect("a manifest without errors");
    let examples = examples(&specification, folder, &folder.join("profile.tacit")).expect("data without errors");
    let graphs = graphs(&specification, &examples.dataset, &examples.prepared, 1000, 0.001).expect("a graph");
    let options = Options::from_environment().expect("an environment without errors");
    let mut program = Program::compile(&graphs.step, &options).expect("a program");
    let mut best = program.profile(&graphs.step);
    for _ in 0..20 {
        for (kernel, again) in best.iter_mut().zip(program.profile(&graphs.step)) {
            kernel.1 = kernel.1.min(again.1);
        }
    }
    let total: f64 = best.iter().map(|(_, seconds)| seconds).sum();
    println!("{:.3} ms in {} kernels", 1e3 * total, best.len());
    best.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (name, seconds) in best.iter().take(60) {
        println!("{:9.3} ms  {name}", 1e3 * seconds);
    }
}
