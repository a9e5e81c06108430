//! Weights laid out by their terms: other memory, the same results.

use std::collections::HashMap;
use tacit_ir::interpret::{Data, Tensor, interpret};
use tacit_ir::passes::{terms_last, verify};
use tacit_ir::{Graph, text};

type Leaves = HashMap<String, Tensor<f32>>;

fn parse(lines: &str) -> Graph {
    text::parse(&format!("tacit-ir 1\n{lines}\n")).expect("the graph is legal")
}

/// Bytes that differ from place to place.
fn bytes(shape: &[usize]) -> Tensor<f32> {
    let count: usize = shape.iter().product();
    Tensor { shape: shape.to_vec(), data: Data::I8((0..count).map(|k| (k * 37 % 251) as u8 as i8).collect()) }
}

/// The parameters after the pass, with the results held to those before.
fn laid_out(graph: &Graph, input: &[usize]) -> Leaves {
    let mut parameters: Leaves =
        graph.params().map(|(name, value)| (name.to_owned(), bytes(graph.shape(value)))).collect();
    let with_input = |parameters: &Leaves| {
        let mut leaves = parameters.clone();
        leaves.insert("x".to_owned(), bytes(input));
        leaves
    };
    let before = interpret(graph, &with_input(&parameters)).unwrap();
    let after = terms_last(graph, &mut parameters).unwrap();
    verify(&after).unwrap();
    assert_eq!(before.outputs, interpret(&after, &with_input(&parameters)).unwrap().outputs);
    parameters
}

#[test]
fn a_filter_has_the_terms_of_each_channel_side_by_side() {
    let graph = parse(
        r#"%0 = input "x" -> i8[6,7,3]
%1 = param "w" -> i8[3,3,3,5]
%2 = contract "{y+u}{x+v}c,uvcz->yxz" y=4 x=5 z=5 u=3 v=3 c=3 (%0, %1) -> i32[4,5,5]
output "y" = %2"#,
    );
    let parameters = laid_out(&graph, &[6, 7, 3]);
    assert_eq!(parameters["w"].shape, [5, 3, 3, 3]);
}

#[test]
fn weights_stay_whose_terms_meet_what_is_apart_or_which_something_else_reads() {
    // Of a depthwise filter neighbouring terms meet pixels that lie the channels apart.
    let depthwise = parse(
        r#"%0 = input "x" -> i8[6,7,4]
%1 = param "w" -> i8[3,3,4]
%2 = contract "{y+u}{x+v}c,uvc->yxc" y=4 x=5 c=4 u=3 v=3 (%0, %1) -> i32[4,5,4]
output "y" = %2"#,
    );
    assert_eq!(laid_out(&depthwise, &[6, 7, 4])["w"].shape, [3, 3, 4]);
    let shared = parse(
        r#"%0 = input "x" -> i8[6]
%1 = param "w" -> i8[6,6]
%2 = contract "i,ij->j" i=6 j=6 (%0, %1) -> i32[6]
%3 = contract "j,ij->i" i=6 j=6 (%0, %1) -> i32[6]
output "y" = %2
output "z" = %3"#,
    );
    assert_eq!(laid_out(&shared, &[6])["w"].shape, [6, 6]);
    let own = parse(
        r#"%0 = input "x" -> i8[6]
%1 = param "w" -> i8[6,9]
%2 = contract "i,ij->j" i=6 j=9 (%0, %1) -> i32[9]
output "y" = %2"#,
    );
    assert_eq!(laid_out(&own, &[6])["w"].shape, [9, 6]);
}
