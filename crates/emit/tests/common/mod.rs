//! What the tests of several targets share.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::HashMap;
use tacit_emit::loops::Leaf;
use tacit_ir::interpret::{Data, Tensor, compute};
use tacit_ir::{Graph, text};

pub type Leaves = HashMap<String, Tensor<f32>>;

/// The elements of a bound leaf or a constant.
pub fn value(graph: &Graph, leaves: &Leaves, leaf: &Leaf) -> Tensor<f32> {
    match &leaf.name {
        Some(name) => leaves[name].clone(),
        None => compute(graph.instruction(leaf.value), &[]),
    }
}

/// Products of rows of bytes of some length with each other.
pub fn byte_rows(length: usize) -> Graph {
    let text = format!(
        "tacit-ir 1\n%0 = input \"x\" -> i8[3,{length}]\n%1 = param \"w\" -> i8[7,{length}]\n\
         %2 = contract \"ik,jk->ij\" i=3 j=7 k={length} (%0, %1) -> i32[3,7]\noutput \"y\" = %2\n"
    );
    text::parse(&text).expect("the graph is legal")
}

/// The tensor that lies in memory as these bytes.
pub fn tensor(bytes: &[u8], like: &Tensor<f32>) -> Tensor<f32> {
    let words = || bytes.chunks_exact(4).map(|word| word.try_into().expect("a word has four bytes"));
    let data = match &like.data {
        Data::Float(_) => Data::Float(words().map(f32::from_le_bytes).collect()),
        Data::I32(_) => Data::I32(words().map(i32::from_le_bytes).collect()),
        Data::I8(_) => Data::I8(bytes.iter().map(|byte| *byte as i8).collect()),
        Data::Bool(_) => Data::Bool(bytes.iter().map(|byte| *byte != 0).collect()),
    };
    Tensor { shape: like.shape.clone(), data }
}
