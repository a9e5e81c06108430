//! Weights of integer contractions with the terms of a result side by side.

use super::plan::settled;
use super::rebuild::Rebuild;
use crate::error::Result;
use crate::graph::{Graph, Instruction, Op, ValueId};
use crate::interpret::{Tensor, compute};
use crate::nest::{Index, Nest};
use crate::types::{DType, Scalar};
use std::collections::HashMap;

/// The program with the weights of contractions of bytes in the order of their terms: first the dimensions of the results, then
/// those that are summed over, as they are. Machines that multiply several neighbouring bytes at once ask for that. Bits stay,
/// since sums of integers have no order. The values of the parameters change with their shapes.
///
/// # Errors
/// None that a legal graph gives.
pub fn terms_last(graph: &Graph, parameters: &mut HashMap<String, Tensor<f32>>) -> Result<Graph> {
    let orders = orders(graph);
    let mut rebuild = Rebuild::new(graph);
    for value in graph.values() {
        let mut instruction = rebuild.translated(value);
        if let (Some(order), Op::Param { name }) = (orders.get(&value), &instruction.op) {
            instruction.ty.shape = order.iter().map(|dim| graph.shape(value)[*dim]).collect();
            if let Some(tensor) = parameters.get_mut(name) {
                *tensor = transposed(tensor, order)?;
            }
        }
        for (operand, access) in graph.instruction(value).operands.iter().zip(&mut instruction.nest.operands) {
            if let Some(order) = orders.get(operand) {
                *access = order.iter().map(|dim| access[*dim].clone()).collect();
            }
        }
        let new = rebuild.new.add(instruction)?;
        rebuild.set(value, new);
    }
    rebuild.finish()
}

/// The order of the dimensions of each parameter that is laid out anew: no step changes it, and one contraction reads it.
fn orders(graph: &Graph) -> HashMap<ValueId, Vec<usize>> {
    let settled = settled(graph);
    let is_root = |value: ValueId| graph.outputs().iter().any(|(_, output)| *output == value);
    let readers = |of: ValueId| {
        let reads =
            |value: &ValueId| graph.instruction(*value).operands.iter().filter(|operand| **operand == of).count();
        graph.values().map(|value| reads(&value)).sum::<usize>()
    };
    let mut orders = HashMap::new();
    for value in graph.values() {
        if !matches!(graph.instruction(value).op, Op::Contract) {
            continue;
        }
        for (k, operand) in graph.instruction(value).operands.iter().enumerate() {
            let is_parameter = matches!(graph.instruction(*operand).op, Op::Param { .. }) && settled[operand.index()];
            let is_own = graph.ty(*operand).dtype == DType::I8 && !is_root(*operand) && readers(*operand) == 1;
            if is_parameter
                && is_own
                && let Some(order) = order(graph, value, k)
            {
                orders.insert(*operand, order);
            }
        }
    }
    orders
}

/// The dimensions of an operand in the order of its terms, if they are plain axes in another order, and the other operand's
/// terms follow one another in memory.
fn order(graph: &Graph, contraction: ValueId, operand: usize) -> Option<Vec<usize>> {
    let Instruction { nest, operands, .. } = graph.instruction(contraction);
    let reduction = nest.resolve().reduction;
    let last = reduction.iter().rev().find(|axis| nest.axes[**axis].1 > 1)?;
    let other = 1 - operand;
    if !is_walked(nest, &nest.operands[other], graph.shape(operands[other]), *last) {
        return None;
    }
    let place = |index: &Index| match index {
        Index::Axis(axis) => {
            let axis = nest.position(*axis)?;
            Some(reduction.iter().position(|summed| *summed == axis).map_or(0, |place| place + 1))
        }
        Index::Radix(_) | Index::Affine { .. } | Index::Lookup => None,
    };
    let places: Vec<usize> = nest.operands[operand].iter().map(place).collect::<Option<_>>()?;
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|dim| places[*dim]);
    (!order.is_sorted()).then_some(order)
}

/// True if an operand's next element is the one at the next index of an axis.
fn is_walked(nest: &Nest, access: &[Index], shape: &[usize], axis: usize) -> bool {
    let behind = |dim: usize| shape[dim + 1..].iter().product::<usize>();
    let innermost = (0..shape.len()).filter(|dim| behind(*dim) == 1);
    innermost.flat_map(|dim| nest.affine(&access[dim]).0).any(|(step, other)| other == axis && step == 1)
}

fn transposed(tensor: &Tensor<f32>, order: &[usize]) -> Result<Tensor<f32>> {
    let letter = |dim: usize| (b'a' + dim as u8) as char;
    let from: String = (0..order.len()).map(letter).collect();
    let to: String = order.iter().map(|dim| letter(*dim)).collect();
    let mut graph = Graph::new();
    let whole = graph.param_of("whole", tensor.ty().dtype, &tensor.shape)?;
    let moved = graph.move_nest(Scalar::zero(tensor.ty().dtype), &format!("{from}->{to}"), &[whole], &[])?;
    Ok(compute(graph.instruction(moved), &[tensor]))
}
