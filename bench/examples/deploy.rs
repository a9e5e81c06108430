//! What the topologies of MLPerf Tiny take of a Cortex-M4 as emitted int8 programs: code, constants, arena and stack, as the
//! compiler sees them. Their weights are drawn, which changes no size.
//!
//!     cargo run --release -p tacit-bench --example deploy        needs arm-none-eabi-gcc

#[path = "../src/int8.rs"]
mod int8;
#[path = "../src/workloads/mod.rs"]
#[allow(dead_code, unused_imports, reason = "an example needs a part of the workloads")]
mod workloads;

use int8::quantised;
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use tacit_emit::c::{Interface, Program, arena_bytes, emit};
use tacit_emit::loops::{Leaf, Loops, Options, lower};
use tacit_ir::interpret::compute;
use tacit_ir::passes::{cost, settle};
use tacit_ir::{Graph, Tensor, text};
use tacit_nn::{Initialiser, initialise};
use workloads::{INPUT, Mode, Workload};

const FLAGS: &[&str] = &[
    "-mcpu=cortex-m4",
    "-mthumb",
    "-mfpu=fpv4-sp-d16",
    "-mfloat-abi=hard",
    "-Os",
    "-std=c99",
    "-ffp-contract=off",
    "-c",
];

/// The int8 program of a workload for one row, with its weights.
fn program(workload: &Workload) -> (Graph, HashMap<String, Tensor<f32>>) {
    let laid = workload.measured(Mode::Int8, 1).expect("workloads are legal graphs");
    let mut leaves = HashMap::new();
    let mut drawn = |name: &str, shape: &[usize], bound: f32| {
        let values = initialise(Initialiser::Uniform { bound }, 1, name, shape.iter().product());
        leaves.insert(name.to_owned(), Tensor::floats(shape, values));
    };
    for parameter in &laid.parameters {
        drawn(&parameter.name, &parameter.shape, 0.1);
    }
    let input = laid.graph.leaf(INPUT).expect("every workload has an input");
    drawn(INPUT, laid.graph.shape(input), 1.0);
    // Variances are positive.
    for (name, tensor) in &mut leaves {
        if name.ends_with("variance") {
            *tensor = Tensor::floats(&tensor.shape, tensor.as_floats().iter().map(|x| x.abs() + 1.0).collect());
        }
    }
    let int8 = quantised(&laid.graph, &leaves).expect("the networks have an int8 form");
    (int8.graph, int8.params.into_iter().collect())
}

fn bytes(leaves: &[Leaf]) -> usize {
    leaves.iter().map(|leaf| leaf.elements * leaf.dtype.size()).sum()
}

/// The bytes of a section that `arm-none-eabi-size` tells.
fn text_bytes(folder: &Path) -> usize {
    let run = |program: &str, arguments: &[&str]| {
        let said = Command::new(program).current_dir(folder).args(arguments).output().expect("the compiler runs");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    run("arm-none-eabi-gcc", &[FLAGS, &["-o", "program.o", "program.c"]].concat());
    let sizes = run("arm-none-eabi-size", &["-A", "program.o"]);
    let lines = sizes.lines().filter(|line| line.starts_with(".text"));
    lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok()).sum()
}

fn main() {
    println!("{:<12} {:>11} {:>6} {:>10} {:>7} {:>6}", "workload", "operations", "code", "constants", "arena", "input");
    for name in ["kws", "w3", "autoencoder"] {
        let workload = Workload::find(name).expect("a workload of this name");
        let (graph, params) = program(workload);
        let graph = settle(&graph, &params).expect("all parameters are bound");
        let loops: Loops = lower(&graph, &Options { lanes: 4, is_unrolled: true });
        let cost = cost(&graph);
        let values = |leaf: &Leaf| match &leaf.name {
            Some(name) => params[name].clone(),
            None => compute(graph.instruction(leaf.value), &[]),
        };
        let describe = |value| text::print_instruction(&graph, value);
        let operations = cost.float_operations + cost.integer_operations;
        let program = Program {
            name: "program",
            loops: &loops,
            values: &values,
            describe: &describe,
            interface: Interface::default(),
            operations,
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/deploy").join(name);
        std::fs::create_dir_all(&folder).expect("the folder of built files is writable");
        for (file, text) in emit("program", &[program]).files {
            std::fs::write(folder.join(file), text).expect("the folder of built files is writable");
        }
        println!(
            "{name:<12} {operations:>11} {:>6} {:>10} {:>7} {:>6}",
            text_bytes(&folder),
            bytes(&loops.constants),
            arena_bytes(&loops),
            bytes(&loops.inputs)
        );
    }
}
