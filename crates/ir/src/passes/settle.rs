//! What follows from parameters that no step changes is computed once and becomes part of the program.

use super::plan::plan;
use super::rebuild::{Rebuild, needed};
use crate::error::{self, GraphError, Result};
use crate::graph::{Graph, Instruction, Op, ValueId};
use crate::interpret::{Tensor, compute};
use crate::types::Scalar;
use std::collections::HashMap;

/// The program with every value that its plan would keep from step to step as a constant; bits are those of the
/// interpreter. Parameters are bound by name; those that nothing reads any more stay as leaves.
pub fn settle(graph: &Graph, parameters: &HashMap<String, Tensor<f32>>) -> Result<Graph> {
    let plan = plan(graph);
    let mut is_kept = vec![false; graph.instructions().len()];
    for kernel in plan.kernels.iter().filter(|kernel| kernel.settled) {
        for value in kernel.also_stored.iter().chain([&kernel.root]) {
            is_kept[value.index()] = true;
        }
    }
    let values = evaluate_for(graph, &is_kept, parameters)?;
    let needed = needed(graph);
    let mut rebuild = Rebuild::new(graph);
    for value in graph.values().filter(|v| needed[v.index()]) {
        match &values[value.index()] {
            // A constant has at least one element.
            Some(tensor) if is_kept[value.index()] && tensor.ty().elements() > 0 => {
                let scalars = (0..tensor.ty().elements()).map(|position| tensor.at(position).scalar());
                let constant = rebuild.new.constant(scalars.collect(), &tensor.shape)?;
                rebuild.set(value, constant);
            }
            Some(_) | None => {
                rebuild.copy(value)?;
            }
        }
    }
    // What only kept values were made of is of no use any more.
    super::simplify(&rebuild.finish()?)
}

/// The wanted values and those that they are made of.
fn evaluate_for(
    graph: &Graph,
    wanted: &[bool],
    parameters: &HashMap<String, Tensor<f32>>,
) -> Result<Vec<Option<Tensor<f32>>>> {
    let mut is_needed = wanted.to_vec();
    for value in graph.values().rev() {
        let Instruction { op, operands, .. } = graph.instruction(value);
        // An extent is known from the type alone.
        if is_needed[value.index()] && !matches!(op, Op::Extent { .. }) {
            for operand in operands {
                is_needed[operand.index()] = true;
            }
        }
    }
    let mut values: Vec<Option<Tensor<f32>>> = vec![None; graph.instructions().len()];
    for value in graph.values().filter(|v| is_needed[v.index()]) {
        let instruction = graph.instruction(value);
        values[value.index()] = Some(match &instruction.op {
            Op::Param { name } => bound(graph, value, parameters.get(name), name)?,
            Op::Input { .. } | Op::State { .. } => panic!("what is settled follows from parameters alone"),
            Op::Extent { dim } => {
                let extent = graph.shape(instruction.operands[0])[*dim];
                Tensor::filled(&instruction.ty, Scalar::I32(extent as i32))
            }
            Op::Constant { .. }
            | Op::Iota
            | Op::Random { .. }
            | Op::Contract
            | Op::Map(_)
            | Op::Reduce(_)
            | Op::Move { .. }
            | Op::Gather
            | Op::Scatter => {
                let operand = |v: &ValueId| values[v.index()].as_ref().expect("operands come first");
                compute(instruction, &instruction.operands.iter().map(operand).collect::<Vec<_>>())
            }
        });
    }
    Ok(values)
}

fn bound(graph: &Graph, value: ValueId, given: Option<&Tensor<f32>>, name: &str) -> Result<Tensor<f32>> {
    let ty = graph.ty(value);
    match given {
        Some(tensor) if tensor.ty() == *ty => Ok(tensor.clone()),
        Some(tensor) => {
            Err(GraphError::new(error::BINDING, format!("`{name}` is declared {ty} but bound to {}", tensor.ty())))
        }
        None => Err(GraphError::new(error::BINDING, format!("`{name}` ({ty}) is not bound"))),
    }
}
