//! What the tests of several targets share.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::HashMap;
use tacit_emit::loops::Leaf;
use tacit_ir::Graph;
use tacit_ir::interpret::{Data, Tensor, compute};

pub type Leaves = HashMap<String, Tensor<f32>>;

/// The elements of a bound leaf or a constant.
pub fn value(graph: &Graph, leaves: &Leaves, leaf: &Leaf) -> Tensor<f32> {
    match &leaf.name {
        Some(name) => leaves[name].clone(),
        None => compute(graph.instruction(leaf.value), &[]),
    }
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
