//! Random programs: the text form reads back to the identical graph and survives damage, and passes keep the
//! interpreter's bits.

use proptest::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use tacit_ir::interpret::Data;
use tacit_ir::passes::{batch, simplify, unroll, verify};
use tacit_ir::testing::{Draw, FAMILIES, Options, family, first_difference, random_graph, random_leaves};
use tacit_ir::{DType, Graph, Op, Outcome, ScalarFn, Tensor, interpret, text};

/// Counts the bytes that a thread has allocated, freed ones included, so that parsing can be held to a limit.
struct Counting;

thread_local! {
    static ALLOCATED_BYTES: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    ALLOCATED_BYTES.with(|total| total.set(total.get() + bytes));
}

// SAFETY: every call is handed to the system allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A program of up to 25 instructions, so that shrinking gives a short one.
fn options(random: bool, param_updates: bool) -> impl Strategy<Value = (u64, Options)> {
    (any::<u64>(), 1usize..25).prop_map(move |(seed, instructions)| {
        (seed, Options { instructions, random, param_updates, ..Options::default() })
    })
}

#[test]
fn random_programs_use_every_instruction_function_and_type() {
    let mut uses = [0; FAMILIES];
    let mut functions: HashMap<ScalarFn, usize> = HashMap::new();
    let mut scattering = 0;
    let mut contracted: HashMap<DType, usize> = HashMap::new();
    for seed in 0..500 {
        let graph = random_graph(seed, &Options::default());
        for instruction in graph.instructions() {
            uses[family(&instruction.op)] += 1;
            if let Op::Map(function) = instruction.op {
                *functions.entry(function).or_default() += 1;
            }
            if instruction.op == Op::Contract {
                *contracted.entry(graph.ty(instruction.operands[0]).dtype).or_default() += 1;
                scattering += !instruction.nest.resolve().is_plain() as usize;
            }
        }
    }
    assert!(uses.iter().all(|count| *count >= 50), "{uses:?}");
    for function in ScalarFn::ALL {
        assert!(functions.get(&function).is_some_and(|count| *count >= 5), "{}", function.name());
    }
    assert!([DType::F32, DType::I32, DType::I8].iter().all(|dtype| contracted[dtype] >= 50), "{contracted:?}");
    assert!(scattering >= 50, "{scattering}");
}

fn run(graph: &Graph, leaves: &HashMap<String, Tensor<f32>>) -> Outcome<f32> {
    interpret(graph, leaves).unwrap_or_else(|e| panic!("{e}\n{}", text::print(graph)))
}

fn assert_same(what: &str, expected: &HashMap<String, Tensor<f32>>, got: &HashMap<String, Tensor<f32>>, graph: &Graph) {
    assert_eq!(expected.len(), got.len());
    for (name, tensor) in expected {
        if let Some(k) = first_difference(tensor, &got[name]) {
            panic!("{what} `{name}` differs in element {k}: {tensor:?} and {:?}\n{}", got[name], text::print(graph));
        }
    }
}

/// Tensors of one type along a new first dimension.
fn stack(tensors: &[&Tensor<f32>]) -> Tensor<f32> {
    fn joined<T: Clone>(parts: Vec<&[T]>) -> Vec<T> {
        parts.concat()
    }
    let data = match &tensors[0].data {
        Data::Float(_) => Data::Float(joined(tensors.iter().map(|t| t.as_floats()).collect())),
        Data::I32(_) => Data::I32(joined(tensors.iter().map(|t| t.as_integers()).collect())),
        Data::I8(_) => Data::I8(joined(
            tensors
                .iter()
                .map(|t| match &t.data {
                    Data::I8(values) => &values[..],
                    Data::Float(_) | Data::I32(_) | Data::Bool(_) => panic!("types differ"),
                })
                .collect(),
        )),
        Data::Bool(_) => Data::Bool(joined(
            tensors
                .iter()
                .map(|t| match &t.data {
                    Data::Bool(values) => &values[..],
                    Data::Float(_) | Data::I32(_) | Data::I8(_) => panic!("types differ"),
                })
                .collect(),
        )),
    };
    Tensor { shape: std::iter::once(tensors.len()).chain(tensors[0].shape.iter().copied()).collect(), data }
}

/// What a run gave as outputs and updates, one after another for n runs.
fn stacked(runs: &[HashMap<String, Tensor<f32>>]) -> HashMap<String, Tensor<f32>> {
    runs[0].keys().map(|name| (name.clone(), stack(&runs.iter().map(|run| &run[name]).collect::<Vec<_>>()))).collect()
}

fn is_param(graph: &Graph, name: &str) -> bool {
    graph.params().any(|(known, _)| known == name)
}

/// One to six edits of a text: bytes replaced, taken out or put in, pieces repeated, numbers made huge.
fn damaged(text: &str, draw: &mut Draw) -> String {
    const SNIPPETS: [&str; 16] = [
        "%",
        "0",
        "2147483648",
        "99999999999999999999",
        "->",
        "\"",
        "(",
        "{-3i+1}",
        "*",
        "=",
        "[",
        "é",
        "\n",
        "nan:",
        "f32[2147483647]",
        "a=2147483647 ",
    ];
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..1 + draw.below(6) {
        let at = draw.below(characters.len() + 1);
        let to = (at + draw.below(20)).min(characters.len());
        match draw.below(5) {
            0 => drop(characters.drain(at..to)),
            1 => {
                let piece: Vec<char> = characters[at..to].to_vec();
                characters.splice(at..at, piece);
            }
            2 if at < characters.len() => characters[at] = (32 + draw.below(95) as u8) as char,
            3 => {
                let other = draw.below(characters.len() + 1);
                let end = (other + draw.below(20)).min(characters.len());
                let piece: Vec<char> = characters[other..end].to_vec();
                characters.splice(at..at, piece);
            }
            _ => drop(characters.splice(at..at, draw.pick(&SNIPPETS).chars())),
        }
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_program_reads_back_as_it_was_printed((seed, options) in options(true, true)) {
        let graph = random_graph(seed, &options);
        let printed = text::print(&graph);
        let parsed = text::parse(&printed).unwrap_or_else(|e| panic!("{e}\n{printed}"));
        prop_assert!(parsed == graph, "{printed}");
        prop_assert_eq!(text::print(&parsed), printed);
    }

    #[test]
    fn damaged_text_is_read_or_refused_within_memory_of_its_own_size(
        (seed, options) in options(true, true),
        damage in any::<u64>(),
    ) {
        let printed = text::print(&random_graph(seed, &options));
        let mut draw = Draw::new(damage);
        for _ in 0..10 {
            let text = damaged(&printed, &mut draw);
            let before = ALLOCATED_BYTES.get();
            let parsed = text::parse(&text);
            let allocated = ALLOCATED_BYTES.get() - before;
            // A one-letter axis becomes an index of 32 bytes, a few times over in the checks.
            prop_assert!(allocated <= 20_000 + 200 * text.len(), "{allocated} bytes for {} of text", text.len());
            match parsed {
                Ok(graph) => verify(&graph).unwrap(),
                Err(error) => prop_assert!(error.offset.is_some_and(|at| at <= text.len()), "{error}\n{text}"),
            }
        }
    }

    #[test]
    fn simplifying_keeps_every_bit((seed, options) in options(true, true)) {
        let graph = random_graph(seed, &options);
        let simpler = simplify(&graph).unwrap();
        verify(&simpler).unwrap();
        prop_assert!(simplify(&simpler).unwrap() == simpler, "{}", text::print(&simpler));
        let leaves = random_leaves(&graph, seed, &options);
        let (expected, got) = (run(&graph, &leaves), run(&simpler, &leaves));
        assert_same("output", &expected.outputs, &got.outputs, &graph);
        assert_same("update", &expected.updates, &got.updates, &graph);
    }

    #[test]
    fn a_row_of_a_batch_has_the_bits_of_a_run_of_its_own((seed, options) in options(false, false), n in 1usize..4) {
        let graph = random_graph(seed, &options);
        let batched = batch(&graph, n).unwrap_or_else(|e| panic!("{e}\n{}", text::print(&graph)));
        verify(&batched).unwrap();
        let shared = random_leaves(&graph, seed, &options);
        let rows: Vec<_> = (0..n as u64)
            .map(|row| {
                let mut leaves = random_leaves(&graph, seed ^ (row + 1), &options);
                for (name, tensor) in &mut leaves {
                    if is_param(&graph, name) {
                        *tensor = shared[name].clone();
                    }
                }
                leaves
            })
            .collect();
        let mut leaves = stacked(&rows);
        for (name, tensor) in &mut leaves {
            if is_param(&graph, name) {
                *tensor = shared[name].clone();
            }
        }
        let got = run(&batched, &leaves);
        let single: Vec<_> = rows.iter().map(|row| run(&graph, row)).collect();
        let mut outputs = stacked(&single.iter().map(|o| o.outputs.clone()).collect::<Vec<_>>());
        // What depends on no example is computed once for all.
        for (name, tensor) in &mut outputs {
            if got.outputs[name].shape.len() < tensor.shape.len() {
                *tensor = single[0].outputs[name].clone();
            }
        }
        assert_same("output", &outputs, &got.outputs, &graph);
        let updates = stacked(&single.iter().map(|o| o.updates.clone()).collect::<Vec<_>>());
        assert_same("update", &updates, &got.updates, &graph);
    }

    #[test]
    fn an_unrolled_program_has_the_bits_of_its_steps((seed, options) in options(false, false), steps in 1usize..4) {
        let graph = random_graph(seed, &options);
        let unrolled = unroll(&graph, steps).unwrap_or_else(|e| panic!("{e}\n{}", text::print(&graph)));
        verify(&unrolled).unwrap();
        let first = random_leaves(&graph, seed, &options);
        let is_input = |name: &str| matches!(graph.instruction(graph.leaf(name).unwrap()).op, Op::Input { .. });
        let mut inputs: Vec<HashMap<String, Tensor<f32>>> = vec![];
        let mut outputs = vec![];
        let mut states = first.clone();
        let mut updates = HashMap::new();
        for step in 0..steps as u64 {
            let mut leaves = random_leaves(&graph, seed ^ (step + 1), &options);
            leaves.retain(|name, _| is_input(name));
            inputs.push(leaves.clone());
            let held = states.iter().filter(|(name, _)| !is_input(name));
            leaves.extend(held.map(|(name, tensor)| (name.clone(), tensor.clone())));
            let outcome = run(&graph, &leaves);
            outputs.push(outcome.outputs);
            states.extend(outcome.updates.clone());
            updates = outcome.updates;
        }
        let mut leaves = first;
        leaves.extend(stacked(&inputs));
        let got = run(&unrolled, &leaves);
        assert_same("output", &stacked(&outputs), &got.outputs, &graph);
        assert_same("update", &updates, &got.updates, &graph);
    }
}
