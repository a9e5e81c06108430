//! Random programs and their gradients, lowered to loops, give the interpreter's bits.

mod common;

use common::{Leaves, byte_rows, tensor, value};
use proptest::prelude::*;
use tacit_emit::loops::{DOT, Loops, Memory, Options, bytes_of, evaluate, lower};
use tacit_ir::interpret::interpret;
use tacit_ir::passes::simplify;
use tacit_ir::testing::{self, first_difference, random_graph, random_leaves, with_gradients};
use tacit_ir::{Graph, text};

fn memory(graph: &Graph, loops: &Loops, leaves: &Leaves) -> Memory {
    let mut memory = Memory::new(loops, |leaf| value(graph, leaves, leaf));
    for (kept, bytes) in loops.kept.iter().zip(&mut memory.kept) {
        if let Some(tensor) = kept.leaf.name.as_ref().and_then(|name| leaves.get(name)) {
            *bytes = bytes_of(tensor);
        }
    }
    memory
}

fn check(graph: &Graph, leaves: &Leaves, lanes: usize) -> Result<(), TestCaseError> {
    let simpler = simplify(graph).unwrap();
    let first = interpret(graph, leaves).unwrap();
    let mut carried = leaves.clone();
    carried.extend(first.updates.clone());
    let second = interpret(graph, &carried).unwrap();
    let loops = lower(&simpler, &Options { lanes, is_unrolled: lanes % 2 == 1 });
    let mut memory = memory(&simpler, &loops, leaves);
    for (step, expected) in [&first, &second].into_iter().enumerate() {
        evaluate(&loops, &mut memory);
        for (name, expected) in &expected.outputs {
            let found = tensor(memory.output(&loops, name).expect("the output has a place"), expected);
            let difference = first_difference(&found, expected);
            prop_assert_eq!(difference, None, "output `{}` of step {} of\n{}", name, step, text::print(&simpler));
        }
        for (name, expected) in &expected.updates {
            let position = loops.kept.iter().position(|kept| kept.leaf.name.as_ref() == Some(name));
            let found = tensor(&memory.kept[position.expect("what is updated is kept")], expected);
            let difference = first_difference(&found, expected);
            prop_assert_eq!(difference, None, "leaf `{}` after step {} of\n{}", name, step, text::print(&simpler));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lowered_programs_give_the_interpreters_bits(
        seed in any::<u64>(), instructions in 1usize..30, lanes in 1usize..9,
    ) {
        let options = testing::Options { instructions, ..testing::Options::default() };
        let graph = random_graph(seed, &options);
        check(&graph, &random_leaves(&graph, seed, &options), lanes)?;
    }

    #[test]
    fn lowered_gradients_give_the_interpreters_bits(
        seed in any::<u64>(), instructions in 1usize..14, lanes in 1usize..9,
    ) {
        let options = testing::Options { instructions, ..testing::Options::default() };
        let graph = random_graph(seed, &options);
        check(&with_gradients(&graph), &random_leaves(&graph, seed, &options), lanes)?;
    }

    #[test]
    fn sums_of_several_chunks_and_pieces_give_the_interpreters_bits(
        seed in any::<u64>(), i in 1usize..8, c in 1usize..90, rows in 1usize..5, long in 1usize..5000, lanes in 1usize..9,
    ) {
        let (box_size, terms) = (i * i * c, rows * long);
        let source = format!(
            "tacit-ir 1\n\
             %0 = input \"image\" -> f32[5,6,{c}]\n\
             %1 = param \"w\" -> f32[{i},{i},{c},5]\n\
             %2 = contract \"{{h+i-1}}{{2w+j-1}}c,ijco->hwo\" h=4 w=3 o=5 i={i} j={i} c={c} (%0, %1) -> f32[4,3,5]\n\
             %3 = input \"x\" -> f32[{rows},{long},2]\n\
             %4 = reduce sum \"ijk->k\" i={rows} j={long} k=2 (%3) -> f32[2]\n\
             %5 = map exp (%3) -> f32[{rows},{long},2]\n\
             %6 = reduce max \"ijk->k\" i={rows} j={long} k=2 (%5) -> f32[2]\n\
             %7 = input \"v\" -> f32[{box_size}]\n\
             %8 = param \"m\" -> f32[{box_size},3]\n\
             %9 = contract \"i,io->o\" o=3 i={box_size} (%7, %8) -> f32[3]\n\
             %10 = input \"one\" -> f32[{terms}]\n\
             %11 = reduce sum \"(ij)->\" i={rows} j={long} (%10) -> f32[]\n\
             output \"convolved\" = %2\n\
             output \"sums\" = %4\n\
             output \"greatest\" = %6\n\
             output \"product\" = %9\n\
             output \"all\" = %11\n"
        );
        let graph = text::parse(&source).unwrap();
        check(&graph, &random_leaves(&graph, seed, &testing::Options::default()), lanes)?;
    }
}

/// Rows of every length against rows: whole dots, dots with a rest, and none.
#[test]
fn neighbouring_bytes_are_multiplied_several_at_a_time_with_the_interpreters_bits() {
    for length in 1..14 {
        let graph = byte_rows(length);
        let leaves = random_leaves(&graph, length as u64, &testing::Options::default());
        let loops = lower(&graph, &Options { lanes: 4, is_unrolled: true });
        let has_dots = format!("{loops:?}").contains("Dot {");
        assert_eq!(has_dots, length >= DOT, "rows of {length}");
        let mut memory = Memory::new(&loops, |leaf| value(&graph, &leaves, leaf));
        evaluate(&loops, &mut memory);
        let expected = &interpret(&graph, &leaves).unwrap().outputs["y"];
        assert_eq!(memory.output(&loops, "y").unwrap(), bytes_of(expected), "rows of {length}");
    }
}

/// What a sum of nothing is stands in no variable, and still is known to the map behind it.
#[test]
fn a_map_behind_a_reduction_of_nothing_takes_its_first_value() {
    for reduction in ["sum", "max"] {
        let text = format!(
            "tacit-ir 1\n%0 = input \"x\" -> i32[0,3]\n%1 = input \"y\" -> i32[3]\n\
             %2 = reduce {reduction} \"ab->b\" a=0 b=3 (%0) -> i32[3]\n%3 = map add (%2, %1) -> i32[3]\noutput \"z\" = %3\n"
        );
        let graph = text::parse(&text).unwrap();
        for lanes in [1, 2] {
            check(&graph, &random_leaves(&graph, 1, &testing::Options::default()), lanes).unwrap();
        }
    }
}
