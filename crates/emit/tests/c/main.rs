//! Emitted C, compiled without a warning, gives the interpreter's bits.

#[path = "../common/mod.rs"]
mod common;

use common::{Leaves, byte_rows, tensor, value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use tacit_emit::c::{Interface, Program, emit};
use tacit_emit::loops::{Leaf, Loops, Options, bytes_of, lower};
use tacit_ir::interpret::{Tensor, interpret};
use tacit_ir::passes::simplify;
use tacit_ir::testing::{self, first_difference, function_programs, random_graph, random_leaves};
use tacit_ir::{Graph, Op, text};

/// A program, its bindings, and what two runs of it give.
struct Case {
    name: String,
    graph: Graph,
    loops: Loops,
    leaves: Leaves,
    expected: [Leaves; 2],
}

impl Case {
    fn new(name: String, graph: &Graph, leaves: Leaves, lanes: usize) -> Case {
        let graph = simplify(graph).unwrap();
        let leaves: Leaves = leaves.into_iter().filter(|(name, _)| graph.leaf(name).is_some()).collect();
        let first = interpret(&graph, &leaves).unwrap();
        let mut carried = leaves.clone();
        carried.extend(first.updates);
        let second = interpret(&graph, &carried).unwrap();
        let loops = lower(&graph, &Options { lanes, is_unrolled: lanes % 2 == 1 });
        Case { name, graph, loops, leaves, expected: [first.outputs, second.outputs] }
    }

    fn value(&self, leaf: &Leaf) -> Tensor<f32> {
        value(&self.graph, &self.leaves, leaf)
    }
}

/// Programs with what a test of C cannot bind: states begin with their initial values.
fn random_case(number: usize, seed: u64, instructions: usize, lanes: usize) -> Case {
    let options = testing::Options { instructions, ..testing::Options::default() };
    let graph = random_graph(seed, &options);
    let mut leaves = random_leaves(&graph, seed, &options);
    leaves.retain(|name, _| {
        let leaf = graph.leaf(name).expect("leaves are bound by their names");
        !matches!(graph.instruction(leaf).op, Op::State { .. })
    });
    Case::new(format!("program{number}"), &graph, leaves, lanes)
}

/// Inputs are arrays; the outputs of two runs of every program go to the machine as bytes, the least significant first.
fn driver(cases: &[Case]) -> String {
    let mut text = "#include \"bundle.h\"\n#include \"machine.h\"\n".to_owned();
    text += "static void put_words(const uint32_t *words, int count)\n{\n    for (int i = 0; i < count; ++i) {\n        \
             const unsigned char bytes[4] = { (unsigned char)words[i], (unsigned char)(words[i] >> 8), (unsigned \
             char)(words[i] >> 16), (unsigned char)(words[i] >> 24) };\n        put(bytes, 4);\n    }\n}\n";
    let mut body = String::new();
    for case in cases {
        let (name, upper) = (&case.name, case.name.to_ascii_uppercase());
        let _ = writeln!(
            text,
            "static union {{ uint64_t alignment; unsigned char bytes[{upper}_ARENA_BYTES]; }} {name}_arena;"
        );
        let mut arguments = vec![format!("{name}_arena.bytes")];
        for (k, leaf) in case.loops.inputs.iter().enumerate() {
            let bytes = bytes_of(&case.value(leaf));
            let (ty, list): (&str, Vec<String>) = match leaf.dtype.size() {
                4 => {
                    let words = bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
                    ("uint32_t", words.map(|word| format!("{word}u")).collect())
                }
                _ => ("unsigned char", bytes.iter().map(u8::to_string).collect()),
            };
            let list = if list.is_empty() { "0".to_owned() } else { list.join(",") };
            let _ = writeln!(text, "static const {ty} {name}_in{k}[] = {{{list}}};");
            arguments.push(format!("(const void *){name}_in{k}"));
        }
        for (k, output) in case.loops.outputs.iter().enumerate() {
            let ty = if output.dtype.size() == 4 { "uint32_t" } else { "unsigned char" };
            let _ = writeln!(text, "static {ty} {name}_out{k}[{}];", output.elements.max(1));
            arguments.push(format!("(void *){name}_out{k}"));
        }
        // Memory that was never written must not matter.
        let _ = writeln!(body, "    for (int i = 0; i < {upper}_ARENA_BYTES; ++i) {name}_arena.bytes[i] = 0xa5;");
        if !case.loops.kept.is_empty() {
            let _ = writeln!(body, "    {name}_reset({});", arguments[0]);
        }
        let _ = writeln!(
            body,
            "    for (int step = 0; step < 2; ++step) {{\n        {name}_run({});",
            arguments.join(", ")
        );
        for (k, output) in case.loops.outputs.iter().enumerate() {
            let put = if output.dtype.size() == 4 { "put_words" } else { "put" };
            let _ = writeln!(body, "        {put}({name}_out{k}, {});", output.elements);
        }
        body += "    }\n";
    }
    text + "void run_all(void)\n{\n" + &body + "}\n"
}

/// A compiler with its options, the file that stands for the machine, and what runs the program.
struct Machine {
    name: &'static str,
    compiler: &'static str,
    flags: &'static [&'static str],
    source: &'static str,
    runner: &'static [&'static str],
}

/// The other compiler, whose sanitizer needs no library where it ends the program.
const CLANG: Machine = Machine {
    name: "clang",
    compiler: "clang",
    flags: &["-O2", "-DTACIT_EXACT", "-fsanitize=undefined", "-fsanitize-trap=undefined"],
    source: "host.c",
    runner: &["./driver"],
};

const fn host(name: &'static str, flags: &'static [&'static str]) -> Machine {
    Machine { name, compiler: "cc", flags, source: "host.c", runner: &["./driver"] }
}

/// Compiles the files of a folder and gives what the program prints.
fn compiled_and_run(folder: &Path, machine: &Machine) -> Vec<u8> {
    let Machine { name, compiler, flags, source, runner } = machine;
    let mut command = Command::new(compiler);
    command.current_dir(folder).args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-ffp-contract=off"]);
    let compiled = command.args(["-o", "driver", "bundle.c", "driver.c", source]).args(*flags).output();
    let compiled = compiled.unwrap_or_else(|fault| panic!("`{compiler}` cannot be run: {fault}; `cargo xtask setup`"));
    let messages = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{name} in {}: {messages}", folder.display());
    let run = Command::new(runner[0]).current_dir(folder).args(&runner[1..]).output();
    let run = run.unwrap_or_else(|fault| panic!("`{}` cannot be run: {fault}; `cargo xtask setup`", runner[0]));
    let messages = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{name}: the program ended with {}: {messages}", run.status);
    run.stdout
}

/// All programs in one bundle, compiled with each list of flags.
fn check(test: &str, cases: &[Case], machines: &[Machine]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&folder).unwrap();
    let values: Vec<_> = cases.iter().map(|case| move |leaf: &Leaf| case.value(leaf)).collect();
    let programs: Vec<Program> = cases
        .iter()
        .zip(&values)
        .map(|(case, values)| Program {
            name: &case.name,
            loops: &case.loops,
            values,
            describe: &|root| format!("%{}", root.0),
            interface: Interface::default(),
            operations: 0,
            keeps_with: None,
        })
        .collect();
    for (name, text) in emit("bundle", &programs).files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    std::fs::write(folder.join("driver.c"), driver(cases)).unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/machines");
    for file in std::fs::read_dir(sources).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    for machine in machines {
        let found = compiled_and_run(&folder, machine);
        let mut rest = &found[..];
        for case in cases {
            for (step, expected) in case.expected.iter().enumerate() {
                for output in &case.loops.outputs {
                    let bytes =
                        rest.split_off(..output.elements * output.dtype.size()).expect("all outputs are printed");
                    let expected = &expected[&output.name];
                    let found = tensor(bytes, expected);
                    assert_eq!(
                        first_difference(&found, expected),
                        None,
                        "{}: output `{}` of step {step} of {}\n{}",
                        machine.name,
                        output.name,
                        case.name,
                        text::print(&case.graph)
                    );
                }
            }
        }
    }
}

/// This machine, with a product and a sum fused by software and, where there is one, by an instruction.
fn this_machine() -> Vec<Machine> {
    let sanitizers = &["-O1", "-DTACIT_EXACT", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let mut all = vec![
        // Without the instruction for roots as well.
        host("fused by software", &["-O1", "-DTACIT_EXACT", "-U__SSE__"]),
        host("with sanitizers", sanitizers),
        CLANG,
    ];
    if std::arch::is_x86_feature_detected!("fma") {
        all.push(host("for speed", &["-O3", "-mavx2", "-mfma"]));
        all.push(host("for size", &["-Os", "-mavx2", "-mfma"]));
    }
    all
}

/// Machines that are emulated. Those without a fused multiply-add have it by software.
fn other_machines() -> Vec<Machine> {
    const M3: &[&str] =
        &["-mcpu=cortex-m3", "-mthumb", "-Os", "-DTACIT_EXACT", "-nostartfiles", "-Tcortex_m.ld", "-lc", "-lgcc"];
    const M4: &[&str] = &[
        "-mcpu=cortex-m4",
        "-mthumb",
        "-mfpu=fpv4-sp-d16",
        "-mfloat-abi=hard",
        "-Os",
        "-nostartfiles",
        "-Tcortex_m.ld",
        "-lc",
        "-lgcc",
    ];
    const M7: &[&str] = &[
        "-mcpu=cortex-m7",
        "-mthumb",
        "-mfpu=fpv5-sp-d16",
        "-mfloat-abi=hard",
        "-O3",
        "-nostartfiles",
        "-Tcortex_m.ld",
        "-lc",
        "-lgcc",
    ];
    let cortex = |name, flags, board: &'static [&'static str]| Machine {
        name,
        compiler: "arm-none-eabi-gcc",
        flags,
        source: "cortex_m.c",
        runner: board,
    };
    vec![
        cortex(
            "Cortex-M3",
            M3,
            &[
                "qemu-system-arm",
                "-M",
                "mps2-an385",
                "-display",
                "none",
                "-monitor",
                "none",
                "-serial",
                "none",
                "-semihosting",
                "-kernel",
                "driver",
            ],
        ),
        cortex(
            "Cortex-M4",
            M4,
            &[
                "qemu-system-arm",
                "-M",
                "mps2-an386",
                "-display",
                "none",
                "-monitor",
                "none",
                "-serial",
                "none",
                "-semihosting",
                "-kernel",
                "driver",
            ],
        ),
        cortex(
            "Cortex-M7",
            M7,
            &[
                "qemu-system-arm",
                "-M",
                "mps2-an500",
                "-display",
                "none",
                "-monitor",
                "none",
                "-serial",
                "none",
                "-semihosting",
                "-kernel",
                "driver",
            ],
        ),
        Machine {
            name: "RISC-V of 32 bits",
            compiler: "riscv64-unknown-elf-gcc",
            flags: &[
                "-march=rv32imac",
                "-mabi=ilp32",
                "-mno-relax",
                "-O2",
                "-DTACIT_EXACT",
                "-ffreestanding",
                "-nostdlib",
                "-static",
                "-Wl,--entry=start",
                "-lgcc",
            ],
            source: "linux.c",
            runner: &["qemu-riscv32", "./driver"],
        },
        Machine {
            name: "MIPS, the most significant byte first",
            compiler: "mips-linux-gnu-gcc",
            flags: &[
                "-O2",
                "-DTACIT_EXACT",
                "-ffreestanding",
                "-nostdlib",
                "-static",
                "-mno-abicalls",
                "-G0",
                "-fno-pic",
                "-Wl,--entry=start",
                "-lgcc",
            ],
            source: "linux.c",
            runner: &["qemu-mips", "./driver"],
        },
    ]
}

fn random_cases(count: usize, instructions: std::ops::Range<usize>) -> Vec<Case> {
    let mut runner = TestRunner::default();
    let strategy = (any::<u64>(), instructions, 1usize..9);
    let draw = |number| {
        let (seed, instructions, lanes) = strategy.new_tree(&mut runner).unwrap().current();
        random_case(number, seed, instructions, lanes)
    };
    (0..count).map(draw).collect()
}

#[test]
fn random_programs_in_c_give_the_interpreters_bits() {
    // A compiler takes longer than an evaluation.
    let count = ProptestConfig::default().cases as usize / 4;
    check("random", &random_cases(count, 1..30), &this_machine());
}

#[test]
fn neighbouring_bytes_are_multiplied_several_at_a_time_with_the_interpreters_bits() {
    let case = |length: usize| {
        let graph = byte_rows(length);
        let leaves = random_leaves(&graph, length as u64, &testing::Options::default());
        Case::new(format!("rows{length}"), &graph, leaves, 3)
    };
    let cases: Vec<Case> = (1..14).map(case).collect();
    check("bytes", &cases, &this_machine());
    check("bytes", &cases, &other_machines());
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bytes/bundle.c");
    assert!(std::fs::read_to_string(source).unwrap().contains("= tacit_dot("));
}

#[test]
fn other_processors_give_the_same_bits() {
    let count = ProptestConfig::default().cases as usize / 8;
    check("machines", &random_cases(count, 1..30), &other_machines());
}

/// Every function on every element type that it is defined on, over ordinary and special values.
#[test]
fn every_scalar_function_in_c_gives_the_interpreters_bits() {
    const ELEMENTS: usize = 3000;
    let options = testing::Options { specials: true, ..testing::Options::default() };
    let case = |(number, (name, graph)): (usize, (String, Graph))| {
        let leaves = random_leaves(&graph, number as u64, &options);
        Case::new(format!("f{number}_{name}"), &graph, leaves, 4)
    };
    let cases: Vec<Case> = function_programs(ELEMENTS).into_iter().enumerate().map(case).collect();
    assert!(cases.len() > 50, "only {} functions", cases.len());
    check("functions", &cases, &this_machine());
    check("functions", &cases, &other_machines());
}

#[test]
fn programs_of_a_bundle_share_functions_and_equal_constants() {
    let case = random_case(0, 7, 25, 4);
    let values = |leaf: &Leaf| case.value(leaf);
    let program = |name| Program {
        name,
        loops: &case.loops,
        values: &values,
        describe: &|root| format!("%{}", root.0),
        interface: Interface::default(),
        operations: 0,
        keeps_with: None,
    };
    let source = |programs: &[Program]| emit("bundle", programs).files[0].1.clone();
    let count = |text: &str, what: &str| text.lines().filter(|line| line.starts_with(what)).count();
    let (one, two) = (source(&[program("first")]), source(&[program("first"), program("second")]));
    for what in ["static void kernel_", "static const "] {
        assert!(count(&one, what) > 0);
        assert_eq!(count(&one, what), count(&two, what), "{what}");
    }
    assert_eq!((count(&one, "void first_run"), count(&two, "void second_run")), (1, 1));
}
