//! Where a plan puts values, on graphs whose answer can be read off.

use tacit_ir::passes::plan::{Fate, Plan, plan, plan_with_outputs_outside};
use tacit_ir::{Graph, ValueId, text};

fn parse(lines: &str) -> Graph {
    text::parse(&format!("tacit-ir 1\n{lines}\n")).expect("the graph is legal")
}

/// The buffer that holds a value.
fn buffer_of(plan: &Plan, value: u32) -> usize {
    let Fate::Stored(buffer) = plan.fates[value as usize] else { panic!("%{value} is not stored: {plan:?}") };
    buffer
}

/// Two products, a map of one of them, and what becomes of it; %2 and %3 are the products.
fn after_products(map: &str) -> Plan {
    plan(&parse(&format!(
        r#"%0 = input "x" -> f32[4,4]
%1 = param "w" -> f32[4,4]
%2 = contract "ik,kj->ij" i=4 j=4 k=4 (%0, %1) -> f32[4,4]
%3 = contract "ik,kj->ij" i=4 j=4 k=4 (%2, %2) -> f32[4,4]
{map}"#
    )))
}

#[test]
fn a_map_is_written_over_an_operand_that_dies_there() {
    let plan = after_products(
        r#"%4 = map add (%2, %3) -> f32[4,4]
%5 = contract "ik,kj->ij" i=4 j=4 k=4 (%4, %3) -> f32[4,4]
output "y" = %5"#,
    );
    // %3 is needed later, %2 is not.
    assert_eq!(buffer_of(&plan, 4), buffer_of(&plan, 2));
    assert_eq!(plan.buffers[buffer_of(&plan, 4)].values, [ValueId(2), ValueId(4)]);
    assert_eq!((plan.buffers.len(), plan.arena_bytes), (3, 3 * 64));
}

#[test]
fn nothing_is_written_over_what_is_read_elsewhere_than_at_the_index_written() {
    let transposed = after_products(
        r#"%4 = map add "ij,ji->ij" i=4 j=4 (%3, %2) -> f32[4,4]
%5 = contract "ik,kj->ij" i=4 j=4 k=4 (%4, %3) -> f32[4,4]
output "y" = %5"#,
    );
    assert_ne!(buffer_of(&transposed, 4), buffer_of(&transposed, 2));
    // Once at its own index and once not.
    let both = after_products(
        r#"%4 = map mul "ij,ji->ij" i=4 j=4 (%2, %2) -> f32[4,4]
%5 = contract "ik,kj->ij" i=4 j=4 k=4 (%4, %3) -> f32[4,4]
output "y" = %5"#,
    );
    assert_ne!(buffer_of(&both, 4), buffer_of(&both, 2));
}

#[test]
fn nothing_is_written_over_a_result_of_the_program_or_over_another_element_size() {
    let output = after_products(
        r#"%4 = map add (%2, %3) -> f32[4,4]
%5 = contract "ik,kj->ij" i=4 j=4 k=4 (%4, %4) -> f32[4,4]
output "y" = %5
output "product" = %2
output "square" = %3"#,
    );
    assert!(![buffer_of(&output, 2), buffer_of(&output, 3)].contains(&buffer_of(&output, 4)));
    let narrow = after_products(
        r#"%4 = map less (%2, %3) -> bool[4,4]
output "y" = %4"#,
    );
    assert!(![buffer_of(&narrow, 2), buffer_of(&narrow, 3)].contains(&buffer_of(&narrow, 4)));
}

#[test]
fn the_maps_behind_a_contraction_are_not_written_over_their_operand() {
    // The product is written to the sum's memory before the sum is taken.
    let plan = after_products(
        r#"%4 = contract "ik,kj->ij" i=4 j=4 k=4 (%3, %3) -> f32[4,4]
%5 = map add (%4, %2) -> f32[4,4]
output "y" = %5"#,
    );
    assert_eq!(plan.fates[4], Fate::Merged(ValueId(5)));
    assert_ne!(buffer_of(&plan, 5), buffer_of(&plan, 2));
}

/// Branches as wide as told, each from the input to one number, and the sum of these; all wide values come first in the
/// text.
fn branches(widths: &[usize]) -> Graph {
    let mut lines = vec!["%0 = input \"x\" -> f32[64]".to_owned()];
    let mut next = 1;
    let mut add = |line: String| {
        lines.push(format!("%{next} = {line}"));
        next += 1;
        next - 1
    };
    let wide: Vec<usize> = widths
        .iter()
        .enumerate()
        .map(|(k, width)| {
            let w = add(format!("param \"w{k}\" -> f32[64,{width}]"));
            add(format!("contract \"i,ij->j\" j={width} i=64 (%0, %{w}) -> f32[{width}]"))
        })
        .collect();
    let mut narrow: Vec<usize> = vec![];
    for (value, width) in wide.iter().zip(widths) {
        narrow.push(add(format!("contract \"j,j->\" j={width} (%{value}, %{value}) -> f32[]")));
    }
    let mut sum = narrow[0];
    for value in &narrow[1..] {
        sum = add(format!("contract \",->\" (%{sum}, %{value}) -> f32[]"));
    }
    parse(&format!("{}\noutput \"y\" = %{sum}", lines.join("\n")))
}

#[test]
fn branches_run_one_after_another_where_that_needs_less() {
    // As written, all four wide values live at once: 4 · (64 + 128 + 256 + 32) bytes. One after another, the widest first, there
    // are never more than its 1024 bytes and the number that follows from it, which takes a line of 64; the others come beside
    // two numbers at most.
    let plan = plan(&branches(&[64, 128, 256, 32]));
    assert_eq!((plan.arena_bytes, plan.least_bytes), (1024 + 64, 1024 + 64));
}

#[test]
fn an_order_that_needs_no_more_than_any_other_is_kept() {
    let plan = plan(&branches(&[64]));
    assert!(plan.kernels.is_sorted_by_key(|kernel| kernel.root));
}

#[test]
fn an_output_in_memory_of_its_own_takes_nothing_of_the_arena() {
    let text = "%0 = input \"x\" -> f32[1000]
        %1 = map exp \"z->z\" z=1000 (%0) -> f32[1000]
        %2 = contract \"z,z->\" z=1000 (%1, %0) -> f32[]
        %3 = map mul \"z,->z\" z=1000 (%1, %2) -> f32[1000]
        output \"y\" = %3
        output \"x\" = %0";
    let graph = parse(text);
    let inside = plan(&graph);
    let outside = plan_with_outputs_outside(&graph);
    // The exponentials lie where the output goes, and the input stays where it is.
    assert_eq!((inside.arena_bytes, outside.arena_bytes), (4032 + 64, 64));
    let outputs: Vec<Option<usize>> = outside.buffers.iter().map(|buffer| buffer.output).collect();
    assert!(outputs.contains(&Some(0)) && !outputs.contains(&Some(1)), "{outputs:?}");
}
