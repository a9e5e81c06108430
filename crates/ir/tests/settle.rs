//! Computing once what follows from parameters changes no bit, and leaves nothing of it to a run.

use proptest::prelude::*;
use std::collections::HashMap;
use tacit_ir::interpret::{Tensor, interpret};
use tacit_ir::passes::{plan::plan, settle};
use tacit_ir::testing::{self, first_difference, random_graph, random_leaves};
use tacit_ir::{Graph, Op, text};

/// The bindings of the leaves that a program has.
fn leaves_of(graph: &Graph, all: &HashMap<String, Tensor<f32>>) -> HashMap<String, Tensor<f32>> {
    all.iter().filter(|(name, _)| graph.leaf(name).is_some()).map(|(name, t)| (name.clone(), t.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_settled_program_gives_the_same_bits(seed in any::<u64>(), instructions in 1usize..30) {
        let options = testing::Options { instructions, ..testing::Options::default() };
        let graph = random_graph(seed, &options);
        let leaves = random_leaves(&graph, seed, &options);
        let settled = settle(&graph, &leaves).unwrap();
        let expected = interpret(&graph, &leaves).unwrap();
        let found = interpret(&settled, &leaves_of(&settled, &leaves)).unwrap();
        for (name, tensor) in &expected.outputs {
            prop_assert_eq!(first_difference(&found.outputs[name], tensor), None, "{} of\n{}", name, text::print(&graph));
        }
        for (name, tensor) in &expected.updates {
            prop_assert_eq!(first_difference(&found.updates[name], tensor), None, "{} of\n{}", name, text::print(&graph));
        }
    }
}

#[test]
fn the_statistics_of_a_normalisation_become_constants_and_the_filter_stays() {
    let graph = text::parse(
        "tacit-ir 1\n\
         %0 = input \"x\" -> f32[4]\n\
         %1 = param \"w\" -> f32[4,3]\n\
         %2 = param \"variance\" -> f32[3]\n\
         %3 = contract \"i,io->o\" i=4 o=3 (%0, %1) -> f32[3]\n\
         %4 = map sqrt (%2) -> f32[3]\n\
         %5 = map div (%3, %4) -> f32[3]\n\
         output \"y\" = %5\n",
    )
    .unwrap();
    let mut parameters = HashMap::new();
    parameters.insert("w".to_owned(), Tensor::floats(&[4, 3], vec![0.5; 12]));
    parameters.insert("variance".to_owned(), Tensor::floats(&[3], vec![1.0, 4.0, 9.0]));
    let settled = settle(&graph, &parameters).unwrap();
    assert!(plan(&settled).kernels.iter().all(|kernel| !kernel.settled), "{}", text::print(&settled));
    let constants = settled.instructions().iter().filter(|i| matches!(i.op, Op::Constant { .. })).count();
    assert_eq!(constants, 1, "{}", text::print(&settled));
    assert!(text::print(&settled).contains("constant [1.0, 2.0, 3.0]"), "{}", text::print(&settled));
}

#[test]
fn a_parameter_that_is_not_bound_is_named() {
    let graph = text::parse("tacit-ir 1\n%0 = param \"w\" -> f32[2]\n%1 = map exp (%0) -> f32[2]\noutput \"y\" = %1\n")
        .unwrap();
    let error = settle(&graph, &HashMap::new()).unwrap_err();
    assert!(error.to_string().contains('w'), "{error}");
}
