//! What the topologies of MLPerf Tiny take of a Cortex-M4 as emitted int8 programs: code, constants, arena and stack, as the
//! compiler sees them, and the instructions of one run on an emulated one. Their weights are drawn, which changes none of that.
//!
//!     cargo run --release -p tacit-bench --example deploy        needs arm-none-eabi-gcc and qemu-system-arm

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
use tacit_ir::passes::{cost, instruction_cost, settle, terms_last};
use tacit_ir::{Graph, Op, Tensor, ValueId, text};
use tacit_nn::{Initialiser, initialise};
use workloads::{INPUT, Mode, Workload};

const FLAGS: &[&str] =
    &["-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "-std=c99", "-ffp-contract=off"];

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

/// What a command prints in a folder.
fn printed(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let said = Command::new(program).current_dir(folder).args(arguments).output();
    let said = said.unwrap_or_else(|fault| panic!("`{program}` cannot be run: {fault}"));
    assert!(said.status.success(), "`{program}`: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).into_owned()
}

/// The bytes of code, and a bound of the stack: the entry's frame, the largest kernel's, and those of all helpers.
fn compiled(folder: &Path) -> (usize, usize) {
    printed(
        folder,
        "arm-none-eabi-gcc",
        &[FLAGS, &["-Os", "-fstack-usage", "-c", "-o", "program.o", "program.c"]].concat(),
    );
    let sizes = printed(folder, "arm-none-eabi-size", &["-A", "program.o"]);
    let lines = sizes.lines().filter(|line| line.starts_with(".text"));
    let code = lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok()).sum();
    let frames = std::fs::read_to_string(folder.join("program.su")).expect("the compiler tells its frames");
    let (mut kernel, mut others) = (0, 0);
    for frame in frames.lines() {
        let (place, bytes) = frame.split_once('\t').expect("a function and its frame");
        let bytes: usize = bytes.split('\t').next().and_then(|bytes| bytes.parse().ok()).expect("a number of bytes");
        match place.rsplit(':').next().is_some_and(|name| name.starts_with("kernel_")) {
            true => kernel = kernel.max(bytes),
            false => others += bytes,
        }
    }
    (code, kernel + others)
}

/// The instructions of one run, compiled with this optimisation, on an emulated Cortex-M4 whose clock advances by one nanosecond for each. What a tick of its
/// timer is in instructions is measured with a loop of known length.
fn instructions(folder: &Path, loops: &Loops, optimisation: &str) -> u64 {
    const LOOP: u64 = 8_000_000;
    let machines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/emit/tests/c/machines");
    for file in ["cortex_m.c", "cortex_m.ld", "machine.h"] {
        std::fs::copy(machines.join(file), folder.join(file)).expect("the start-up code can be copied");
    }
    let (inputs, outputs) = (bytes(&loops.inputs), loops.outputs[0].elements * loops.outputs[0].dtype.size());
    let driver = format!(
        "#include \"program.h\"\n#include \"machine.h\"\n\
         static union {{ uint64_t alignment; uint8_t bytes[PROGRAM_ARENA_BYTES]; }} arena;\n\
         static float input[{inputs} / 4], output[{outputs} / 4];\n\
         static volatile uint32_t *const timer = (volatile uint32_t *)0xe000e010;\n\
         static void put_number(uint32_t number)\n{{\n    unsigned char digits[11];\n    int first = 11;\n    \
         digits[--first] = '\\n';\n    do digits[--first] = (unsigned char)('0' + number % 10); while (number /= 10);\n    \
         put(digits + first, 11 - first);\n}}\n\
         static void begin(void)\n{{\n    timer[1] = 0xffffff; timer[2] = 0; timer[0] = 5;\n}}\n\
         void run_all(void)\n{{\n    begin();\n    uint32_t turns = {LOOP} / 2;\n    \
         __asm__ volatile(\"1: subs %0, #1\\n bne 1b\" : \"+r\"(turns) : : \"cc\");\n    \
         put_number(0xffffff - timer[2]);\n    begin();\n    program_run(arena.bytes, input, output);\n    \
         put_number(0xffffff - timer[2]);\n}}\n"
    );
    std::fs::write(folder.join("driver.c"), driver).expect("the folder of built files is writable");
    let files = ["-o", "run.elf", "cortex_m.c", "driver.c", "program.c"];
    let link = ["-nostartfiles", "-Tcortex_m.ld", "-lc", "-lgcc"];
    printed(folder, "arm-none-eabi-gcc", &[FLAGS, &[optimisation], &files, &link].concat());
    let quiet = ["-display", "none", "-monitor", "none", "-serial", "none", "-semihosting", "-kernel", "run.elf"];
    let machine = ["-M", "mps2-an386", "-icount", "shift=0"];
    let said = printed(folder, "qemu-system-arm", &[&machine[..], &quiet].concat());
    let ticks: Vec<u64> = said.lines().map(|line| line.parse().expect("the machine prints numbers")).collect();
    ticks[1] * LOOP / ticks[0]
}

/// Multiply-adds of contractions.
fn products(graph: &Graph) -> u64 {
    let is_contraction = |value: &ValueId| matches!(graph.instruction(*value).op, Op::Contract);
    let cost = |value| instruction_cost(graph, value);
    graph.values().filter(is_contraction).map(|value| cost(value).integer_operations / 2).sum()
}

fn main() {
    println!(
        "{:<12} {:>13} {:>16} {:>16} {:>6} {:>10} {:>7} {:>6} {:>6} {:>7}",
        "workload",
        "multiply-adds",
        "instructions -Os",
        "instructions -O2",
        "code",
        "constants",
        "arena",
        "stack",
        "input",
        "output"
    );
    for name in ["kws", "w3", "autoencoder"] {
        let workload = Workload::find(name).expect("a workload of this name");
        let (graph, mut params) = program(workload);
        let graph = settle(&graph, &params).expect("all parameters are bound");
        let graph = terms_last(&graph, &mut params).expect("weights can be laid out anew");
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
            keeps_with: None,
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/deploy").join(name);
        std::fs::create_dir_all(&folder).expect("the folder of built files is writable");
        for (file, text) in emit("program", &[program]).files {
            std::fs::write(folder.join(file), text).expect("the folder of built files is writable");
        }
        let (code, stack) = compiled(&folder);
        println!(
            "{name:<12} {:>13} {:>16} {:>16} {code:>6} {:>10} {:>7} {stack:>6} {:>6} {:>7}",
            products(&graph),
            instructions(&folder, &loops, "-Os"),
            instructions(&folder, &loops, "-O2"),
            bytes(&loops.constants),
            arena_bytes(&loops),
            bytes(&loops.inputs),
            loops.outputs[0].elements * loops.outputs[0].dtype.size()
        );
    }
}
