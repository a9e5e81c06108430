//! Emitted C, compiled without a warning, gives the interpreter's bits.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tacit_emit::c::{Interface, Program, emit};
use tacit_emit::loops::{Leaf, Loops, Options, bytes_of, lower};
use tacit_ir::interpret::{Data, Tensor, compute, interpret};
use tacit_ir::passes::simplify;
use tacit_ir::testing::{self, first_difference, random_graph, random_leaves};
use tacit_ir::{DType, Graph, Op, ScalarFn, text};

type Leaves = HashMap<String, Tensor<f32>>;

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
        let loops = lower(&graph, &Options { lanes });
        Case { name, graph, loops, leaves, expected: [first.outputs, second.outputs] }
    }

    fn value(&self, leaf: &Leaf) -> Tensor<f32> {
        match &leaf.name {
            Some(name) => self.leaves[name].clone(),
            None => compute(self.graph.instruction(leaf.value), &[]),
        }
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

/// Reads nothing: inputs are arrays, and the outputs of two runs of every program go to standard output as bytes.
fn driver(cases: &[Case]) -> String {
    let mut text = "#include \"bundle.h\"\n#include <stdio.h>\n#include <stdlib.h>\n".to_owned();
    let mut body = String::new();
    for case in cases {
        let (name, upper) = (&case.name, case.name.to_ascii_uppercase());
        let mut arguments = vec!["arena".to_owned()];
        for (k, leaf) in case.loops.inputs.iter().enumerate() {
            let bytes = bytes_of(&case.value(leaf));
            let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
            let list = if list.is_empty() { "0".to_owned() } else { list.join(",") };
            let _ = writeln!(
                text,
                "static const union {{ uint64_t a; unsigned char b[{}]; }} {name}_in{k}_align = {{0}};",
                bytes.len().max(1)
            );
            let _ =
                writeln!(text, "static const unsigned char {name}_in{k}[] __attribute__((aligned(16))) = {{{list}}};");
            let _ = writeln!(body, "    (void){name}_in{k}_align;");
            arguments.push(format!("(const void *){name}_in{k}"));
        }
        for (k, output) in case.loops.outputs.iter().enumerate() {
            let bytes = (output.elements * output.dtype.size()).max(1);
            let _ = writeln!(text, "static unsigned char {name}_out{k}[{bytes}] __attribute__((aligned(16)));");
            arguments.push(format!("(void *){name}_out{k}"));
        }
        // Memory that was never written must not matter, and every byte past the arena would be found.
        let _ = writeln!(body, "    arena = malloc({upper}_ARENA_BYTES);\n    if (!arena) return 1;");
        let _ =
            writeln!(body, "    for (size_t i = 0; i < {upper}_ARENA_BYTES; ++i) ((unsigned char *)arena)[i] = 0xa5;");
        if !case.loops.kept.is_empty() {
            let _ = writeln!(body, "    {name}_reset(arena);");
        }
        let _ = writeln!(
            body,
            "    for (int step = 0; step < 2; ++step) {{\n        {name}_run({});",
            arguments.join(", ")
        );
        for (k, output) in case.loops.outputs.iter().enumerate() {
            let bytes = output.elements * output.dtype.size();
            let _ = writeln!(body, "        fwrite({name}_out{k}, 1, {bytes}, stdout);");
        }
        body += "    }\n    free(arena);\n";
    }
    text + "int main(void)\n{\n    void *arena;\n" + &body + "    return 0;\n}\n"
}

/// Compiles the files of a folder and gives what the program prints.
fn compiled_and_run(folder: &Path, compiler: &str, flags: &[&str]) -> Vec<u8> {
    let mut command = Command::new(compiler);
    command.current_dir(folder).args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]).args(flags);
    let compiled = command.args(["-o", "driver", "bundle.c", "driver.c"]).output().expect("a C compiler runs");
    let messages = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{compiler} {flags:?} in {}: {messages}", folder.display());
    let mut child = Command::new(folder.join("driver"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("what was compiled runs");
    child.stdin.take().expect("it was piped").flush().unwrap();
    let run = child.wait_with_output().unwrap();
    assert!(run.status.success(), "{compiler} {flags:?}: the program ended with {}", run.status);
    run.stdout
}

fn tensor(bytes: &[u8], like: &Tensor<f32>) -> Tensor<f32> {
    let words = || bytes.chunks_exact(4).map(|word| word.try_into().expect("a word has four bytes"));
    let data = match &like.data {
        Data::Float(_) => Data::Float(words().map(f32::from_le_bytes).collect()),
        Data::I32(_) => Data::I32(words().map(i32::from_le_bytes).collect()),
        Data::I8(_) => Data::I8(bytes.iter().map(|byte| *byte as i8).collect()),
        Data::Bool(_) => Data::Bool(bytes.iter().map(|byte| *byte != 0).collect()),
    };
    Tensor { shape: like.shape.clone(), data }
}

/// All programs in one bundle, compiled with each list of flags.
fn check(test: &str, cases: &[Case], compilers: &[(&str, &[&str])]) {
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
        })
        .collect();
    for (name, text) in emit("bundle", &programs).files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    std::fs::write(folder.join("driver.c"), driver(cases)).unwrap();
    for (compiler, flags) in compilers {
        let found = compiled_and_run(&folder, compiler, flags);
        let mut rest = &found[..];
        for case in cases {
            for (step, expected) in case.expected.iter().enumerate() {
                for output in &case.loops.outputs {
                    let bytes =
                        rest.split_off(..output.elements * output.dtype.size()).expect("all outputs are printed");
                    let expected = &expected[&output.name];
                    assert_eq!(
                        first_difference(&tensor(bytes, expected), expected),
                        None,
                        "{compiler} {flags:?}: output `{}` of step {step} of {}\n{}",
                        output.name,
                        case.name,
                        text::print(&case.graph)
                    );
                }
            }
        }
    }
}

/// Flags under which a multiplication and an addition are fused by an instruction, or by software.
fn compilers() -> Vec<(&'static str, &'static [&'static str])> {
    let mut all: Vec<(&str, &[&str])> = vec![
        // Without the instruction for roots as well.
        ("cc", &["-O1", "-DTACIT_EXACT", "-U__SSE__"]),
        ("cc", &["-O1", "-DTACIT_EXACT", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]),
    ];
    if std::arch::is_x86_feature_detected!("fma") {
        all.push(("cc", &["-O3", "-mavx2", "-mfma"]));
        all.push(("cc", &["-Os", "-mavx2", "-mfma"]));
    }
    all
}

#[test]
fn random_programs_in_c_give_the_interpreters_bits() {
    // A compiler takes longer than an evaluation.
    let cases = ProptestConfig::default().cases as usize / 4;
    let mut runner = TestRunner::default();
    let strategy = (any::<u64>(), 1usize..30, 1usize..9);
    let cases: Vec<Case> = (0..cases)
        .map(|number| {
            let (seed, instructions, lanes) = strategy.new_tree(&mut runner).unwrap().current();
            random_case(number, seed, instructions, lanes)
        })
        .collect();
    check("random", &cases, &compilers());
}

/// Every function on every element type that it is defined on, over ordinary and special values.
#[test]
fn every_scalar_function_in_c_gives_the_interpreters_bits() {
    const ELEMENTS: usize = 3000;
    let mut cases: Vec<Case> = vec![];
    for function in ScalarFn::ALL {
        for dtype in DType::ALL {
            let mut operands = vec![dtype; function.arity()];
            if function == ScalarFn::Select {
                operands[0] = DType::Bool;
            }
            let Ok(result) = function.result_type(&operands) else { continue };
            let mut source = "tacit-ir 1\n".to_owned();
            for (k, operand) in operands.iter().enumerate() {
                let _ = writeln!(source, "%{k} = input \"x{k}\" -> {}[{ELEMENTS}]", operand.name());
            }
            let list: Vec<String> = (0..operands.len()).map(|k| format!("%{k}")).collect();
            let _ = writeln!(
                source,
                "%{n} = map {} ({}) -> {}[{ELEMENTS}]\noutput \"y\" = %{n}",
                function.name(),
                list.join(", "),
                result.name(),
                n = operands.len()
            );
            let graph = text::parse(&source).unwrap();
            let options = testing::Options { specials: true, ..testing::Options::default() };
            let leaves = random_leaves(&graph, cases.len() as u64, &options);
            let name = format!("{}{}", function.name(), dtype.name());
            cases.push(Case::new(format!("f{}_{name}", cases.len()), &graph, leaves, 4));
        }
    }
    assert!(cases.len() > 50, "only {} functions", cases.len());
    check("functions", &cases, &compilers());
}
