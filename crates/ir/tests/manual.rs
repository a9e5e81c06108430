//! The manual covers the whole set, its examples run, and the document on disk is the one that the code writes.

use std::path::Path;
use tacit_ir::manual::{families, function_example, manual};
use tacit_ir::passes::verify;
use tacit_ir::testing::{FAMILIES, Options, family, random_leaves};
use tacit_ir::{Graph, Op, ScalarFn, interpret, text};

fn runs(mut graph: Graph) {
    verify(&graph).unwrap();
    let last = graph.values().next_back().unwrap();
    graph.set_output("last", last).unwrap();
    let outcome = interpret(&graph, &random_leaves(&graph, 1, &Options::default())).unwrap();
    assert_eq!(&outcome.outputs["last"].ty(), graph.ty(last));
}

#[test]
fn every_instruction_has_a_page_whose_example_runs() {
    let families = families();
    assert_eq!(families.iter().map(family).collect::<Vec<_>>(), (0..FAMILIES).collect::<Vec<_>>());
    for op in families {
        let page = op.manual();
        let graph = text::parse(&format!("{}\n{}\n", text::HEADER, page.example)).unwrap();
        let shown = &graph.instructions().last().unwrap().op;
        assert_eq!(family(shown), family(&op), "{}", page.title);
        runs(graph);
    }
}

#[test]
fn every_scalar_function_has_an_example_that_runs() {
    for function in ScalarFn::ALL {
        let graph = text::parse(&function_example(function)).unwrap();
        assert_eq!(graph.instructions().last().unwrap().op, Op::Map(function));
        runs(graph);
        assert!(manual().contains(&format!("\n## {}(", function.name())));
    }
}

#[test]
fn the_document_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ISA.md");
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == manual(), "docs/ISA.md is not what the code says; run `cargo xtask docs` and commit it");
}
