//! From a program for one example to a program for n: an axis in front of every value that depends on an input.

use super::rebuild::Rebuild;
use crate::error::{self, GraphError, Result};
use crate::graph::{Graph, Instruction, Op, ValueId, plain_access};
use crate::nest::{Index, Nest};
use crate::types::{Scalar, TensorType};

/// Parameters and constants stay as they are; inputs, states and random numbers get one example each.
pub fn batch(graph: &Graph, n: usize) -> Result<Graph> {
    let mut rebuild = Rebuild::new(graph);
    let mut batched = vec![false; graph.instructions().len()];
    for value in graph.values() {
        let instruction = rebuild.translated(value);
        let Instruction { op, operands, nest, ty } = instruction;
        let from: Vec<bool> = graph.instruction(value).operands.iter().map(|v| batched[v.index()]).collect();
        let wider = TensorType { dtype: ty.dtype, shape: std::iter::once(n).chain(ty.shape.clone()).collect() };
        let (op, nest, ty) = match op {
            Op::Input { .. } | Op::State { .. } => {
                batched[value.index()] = true;
                (op, nest, wider)
            }
            Op::Random { .. } if from[0] => {
                let message = "`random` with a key that depends on an input cannot be batched; pass one key for all";
                return Err(GraphError::new(error::PASS, message));
            }
            Op::Random { .. } => {
                batched[value.index()] = true;
                (op, nest, wider)
            }
            Op::Extent { dim } => (Op::Extent { dim: dim + from[0] as usize }, nest, ty),
            Op::Param { .. } | Op::Constant { .. } | Op::Iota => (op, nest, ty),
            Op::Contract | Op::Map(_) | Op::Reduce(_) | Op::Move { .. } | Op::Gather | Op::Scatter => {
                match from.contains(&true) {
                    false => (op, nest, ty),
                    true => {
                        batched[value.index()] = true;
                        (op, with_axis(nest, &from, n)?, wider)
                    }
                }
            }
        };
        let new = rebuild.new.add(Instruction { op, operands, nest, ty })?;
        rebuild.set(value, new);
    }
    for (name, value) in graph.outputs() {
        let value = rebuild.get(*value);
        rebuild.new.set_output(name, value)?;
    }
    for (leaf, next) in graph.updates() {
        let (leaf_is_batched, next_is_batched) = (batched[leaf.index()], batched[next.index()]);
        let (leaf, mut next) = (rebuild.get(*leaf), rebuild.get(*next));
        // A state that becomes the same for every example still has one value each.
        if leaf_is_batched && !next_is_batched {
            next = repeated(&mut rebuild.new, next, n)?;
        }
        rebuild.new.set_update(leaf, next)?;
    }
    Ok(rebuild.new)
}

/// The value n times along a new first dimension.
fn repeated(graph: &mut Graph, value: ValueId, n: usize) -> Result<ValueId> {
    let TensorType { dtype, shape } = graph.ty(value).clone();
    let axes: Vec<_> = ('a'..='z').zip(shape.iter().copied()).collect();
    let access = plain_access(&axes);
    let nest = with_axis(Nest { axes, operands: vec![access.clone()], output: access }, &[false], n)?;
    let shape: Vec<usize> = std::iter::once(n).chain(shape).collect();
    graph.with_shape(Op::Move { fill: Scalar::zero(dtype) }, nest, &[value], &shape)
}

/// The nest with a new first axis in the output and in the operands that `from` marks.
fn with_axis(nest: Nest, from: &[bool], n: usize) -> Result<Nest> {
    let axis = nest.fresh_axis()?;
    let prefix = |access: Vec<Index>| std::iter::once(Index::Axis(axis)).chain(access).collect::<Vec<_>>();
    Ok(Nest {
        axes: std::iter::once((axis, n)).chain(nest.axes).collect(),
        operands: nest.operands.into_iter().zip(from).map(|(a, b)| if *b { prefix(a) } else { a }).collect(),
        output: prefix(nest.output),
    })
}
