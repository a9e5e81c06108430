//! Dead code, small constant folding and algebra that keep the meaning bit for bit.
//!
//! Equal instructions are shared by the graph itself. `extent` is never folded: it must survive a change of sizes.

use super::rebuild::{Rebuild, needed};
use crate::error::Result;
use crate::graph::{Graph, Instruction, Op, ValueId};
use crate::interpret::{Tensor, compute};
use crate::nest::Index;
use crate::scalar::ScalarFn;
use crate::types::{Literal, Scalar};

pub fn simplify(graph: &Graph) -> Result<Graph> {
    let needed = needed(graph);
    let mut rebuild = Rebuild::new(graph);
    for value in graph.values().filter(|v| needed[v.index()]) {
        let instruction = rebuild.translated(value);
        let new = match same_value(&rebuild.new, &instruction) {
            Some(same) => same,
            None => match folded(&rebuild.new, &instruction) {
                Some(constant) => rebuild.new.scalar(constant)?,
                None => rebuild.new.add(instruction)?,
            },
        };
        rebuild.set(value, new);
    }
    let simpler = rebuild.finish()?;
    // Folding may have left constants behind that nothing reads.
    let needed = super::rebuild::needed(&simpler);
    if needed.iter().all(|n| *n) {
        return Ok(simpler);
    }
    let mut sweep = Rebuild::new(&simpler);
    for value in simpler.values().filter(|v| needed[v.index()]) {
        sweep.copy(value)?;
    }
    sweep.finish()
}

/// The existing value that an instruction repeats, if its result has the same bits for every operand.
fn same_value(graph: &Graph, instruction: &Instruction) -> Option<ValueId> {
    let Instruction { op, operands, nest, ty } = instruction;
    let whole = |k: usize| graph.ty(operands[k]) == ty && nest.operands[k] == nest.output;
    let is = |k: usize, wanted: f32| {
        let constant = Op::Constant { value: Literal::Splat(Scalar::F32(wanted)) };
        graph.instruction(operands[k]).op == constant
    };
    // A move of the whole operand by plain axes, in their order, is the operand.
    if let Op::Move { .. } = op {
        let plain = nest.output.iter().all(|index| matches!(index, Index::Axis(_)));
        return (operands.len() == 1 && whole(0) && plain).then(|| operands[0]);
    }
    let Op::Map(function) = op else { return None };
    let repeats = match function {
        // x·1, x/1 and x − (+0) keep every bit; x + 0 does not (−0 + 0 = +0), but x + (−0) does.
        ScalarFn::Mul if whole(0) && is(1, 1.0) => 0,
        ScalarFn::Mul if whole(1) && is(0, 1.0) => 1,
        ScalarFn::Div if whole(0) && is(1, 1.0) => 0,
        ScalarFn::Sub if whole(0) && is(1, 0.0) => 0,
        ScalarFn::Add if whole(0) && is(1, -0.0) => 0,
        ScalarFn::Cast(to) if whole(0) && *to == graph.ty(operands[0]).dtype => 0,
        ScalarFn::Select if whole(1) && operands[1] == operands[2] && whole(2) => 1,
        ScalarFn::Add
        | ScalarFn::Sub
        | ScalarFn::Mul
        | ScalarFn::Div
        | ScalarFn::Neg
        | ScalarFn::Max
        | ScalarFn::Min
        | ScalarFn::Less
        | ScalarFn::Equal
        | ScalarFn::Select
        | ScalarFn::Exp
        | ScalarFn::Log
        | ScalarFn::Sqrt
        | ScalarFn::Tanh
        | ScalarFn::Sigmoid
        | ScalarFn::Erf
        | ScalarFn::Sin
        | ScalarFn::Cos
        | ScalarFn::Round
        | ScalarFn::Flush
        | ScalarFn::Straight
        | ScalarFn::Cast(_)
        | ScalarFn::MulShift
        | ScalarFn::ShiftLeft
        | ScalarFn::ShiftRight => return None,
    };
    Some(operands[repeats])
}

/// The scalar that a map of scalar constants gives.
fn folded(graph: &Graph, instruction: &Instruction) -> Option<Scalar> {
    let Instruction { op, operands, ty, .. } = instruction;
    if !matches!(op, Op::Map(_)) || !ty.shape.is_empty() {
        return None;
    }
    let constants: Vec<Tensor<f32>> = operands
        .iter()
        .map(|v| {
            let Op::Constant { value } = &graph.instruction(*v).op else { return None };
            Some(Tensor::filled(graph.ty(*v), value.at(0)))
        })
        .collect::<Option<_>>()?;
    let constants: Vec<&Tensor<f32>> = constants.iter().collect();
    Some(compute(instruction, &constants).at(0).scalar())
}
