//! From a step with state to a program over t steps: inputs and outputs get a leading axis of steps.

use super::rebuild::Rebuild;
use crate::error::{self, GraphError, Result};
use crate::graph::{Graph, Instruction, Op, ValueId, plain_access};
use crate::nest::{Index, Nest};
use crate::types::{Scalar, TensorType};

/// Lays `steps` copies of the graph out in time. Each state starts from its leaf and ends in its update.
pub fn unroll(graph: &Graph, steps: usize) -> Result<Graph> {
    let refuse = |message: String| Err(GraphError::new(error::PASS, message));
    if steps == 0 {
        return refuse("a program is unrolled over at least one step".into());
    }
    let mut rebuild = Rebuild::new(graph);
    // Leaves come once; an input holds all steps.
    let mut sequences: Vec<(ValueId, ValueId)> = vec![];
    for value in graph.values() {
        let Instruction { op, ty, .. } = graph.instruction(value);
        match op {
            Op::Input { name } => {
                let shape: Vec<usize> = std::iter::once(steps).chain(ty.shape.iter().copied()).collect();
                sequences.push((value, rebuild.new.input(name, ty.dtype, &shape)?));
            }
            Op::Param { .. } | Op::State { .. } => {
                rebuild.copy(value)?;
            }
            Op::Random { .. } => {
                return refuse(format!("%{} draws random numbers, which every step would repeat", value.0));
            }
            Op::Constant { .. }
            | Op::Iota
            | Op::Extent { .. }
            | Op::Contract
            | Op::Map(_)
            | Op::Reduce(_)
            | Op::Move { .. }
            | Op::Gather
            | Op::Scatter => {}
        }
    }
    if let Some((leaf, _)) = graph.updates().iter().find(|(l, _)| matches!(graph.instruction(*l).op, Op::Param { .. }))
    {
        return refuse(format!("%{} is a parameter with an update; training steps are not unrolled", leaf.0));
    }
    let states: Vec<ValueId> = graph.updates().iter().map(|(leaf, _)| rebuild.get(*leaf)).collect();
    let mut results: Vec<Vec<ValueId>> = vec![vec![]; graph.outputs().len()];
    for step in 0..steps {
        for (old, sequence) in &sequences {
            let one = slice(&mut rebuild.new, *sequence, step)?;
            rebuild.set(*old, one);
        }
        for value in graph.values().filter(|v| graph.instruction(*v).op.leaf_name().is_none()) {
            rebuild.copy(value)?;
        }
        for (result, (_, value)) in results.iter_mut().zip(graph.outputs()) {
            result.push(rebuild.get(*value));
        }
        // All next values are read before any is replaced, since one may be another state's leaf.
        let next: Vec<ValueId> = graph.updates().iter().map(|(_, next)| rebuild.get(*next)).collect();
        for ((leaf, _), next) in graph.updates().iter().zip(next) {
            rebuild.set(*leaf, next);
        }
    }
    let last: Vec<ValueId> = graph.updates().iter().map(|(leaf, _)| rebuild.get(*leaf)).collect();
    let mut unrolled = rebuild.new;
    for ((name, _), values) in graph.outputs().iter().zip(&results) {
        let stacked = stack(&mut unrolled, values)?;
        unrolled.set_output(name, stacked)?;
    }
    for (leaf, next) in states.into_iter().zip(last) {
        unrolled.set_update(leaf, next)?;
    }
    Ok(unrolled)
}

/// Element `at` along the first dimension.
pub fn slice(graph: &mut Graph, value: ValueId, at: usize) -> Result<ValueId> {
    let TensorType { dtype, shape } = graph.ty(value).clone();
    let axes: Vec<_> = ('a'..='z').zip(shape[1..].iter().copied()).collect();
    let output = plain_access(&axes);
    let first = Index::Affine { terms: vec![], constant: at as i64 };
    let operand = std::iter::once(first).chain(output.clone()).collect();
    let nest = Nest { axes, operands: vec![operand], output };
    graph.with_shape(Op::Move { fill: Scalar::zero(dtype) }, nest, &[value], &shape[1..])
}

/// Values of one type, one after another along a new first dimension.
pub fn stack(graph: &mut Graph, values: &[ValueId]) -> Result<ValueId> {
    let TensorType { dtype, shape } = graph.ty(values[0]).clone();
    // Each value becomes a slab of extent 1, so that the concatenation reads it at one index only.
    let axes: Vec<_> = ('a'..='z').zip(shape.iter().copied()).collect();
    let inner = plain_access(&axes);
    let new = Nest { axes: axes.clone(), operands: vec![], output: vec![] }.fresh_axis()?;
    let whole: Vec<Index> = std::iter::once(Index::Axis(new)).chain(inner.clone()).collect();
    let fill = Op::Move { fill: Scalar::zero(dtype) };
    let mut slabs = vec![];
    for value in values {
        let nest = Nest {
            axes: std::iter::once((new, 1)).chain(axes.clone()).collect(),
            operands: vec![inner.clone()],
            output: whole.clone(),
        };
        let slab: Vec<usize> = std::iter::once(1).chain(shape.iter().copied()).collect();
        slabs.push(graph.with_shape(fill.clone(), nest, &[*value], &slab)?);
    }
    let at = |k: usize| Index::Affine { terms: vec![(1, new)], constant: -(k as i64) };
    let nest = Nest {
        axes: std::iter::once((new, values.len())).chain(axes).collect(),
        operands: (0..values.len()).map(|k| std::iter::once(at(k)).chain(inner.clone()).collect()).collect(),
        output: whole,
    };
    let stacked: Vec<usize> = std::iter::once(values.len()).chain(shape).collect();
    graph.with_shape(fill, nest, &slabs, &stacked)
}
