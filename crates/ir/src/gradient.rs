//! Reverse-mode differentiation: every rule on one page, each into the same instruction set.
//!
//! Graphs that already contain gradients differentiate again. A rule is *nothing*, said in so many words
//! where a function is flat or not differentiable, or a *value*.

use crate::error::{self, GraphError, Result};
use crate::graph::{Graph, Instruction, Op, Reduction, ValueId, plain_access};
use crate::nest::{Access, Index, Nest};
use crate::scalar::ScalarFn;
use crate::types::{DType, Scalar};

/// What one operand receives.
enum Rule {
    /// No gradient flows: the function is piecewise constant in this operand, or not of type f32.
    Nothing,
    Value(ValueId),
}

/// Adds the gradients of `of`, a single f32, with respect to each value in `with_respect_to`.
pub fn differentiate(graph: &mut Graph, of: ValueId, with_respect_to: &[ValueId]) -> Result<Vec<ValueId>> {
    if graph.ty(of).dtype != DType::F32 || graph.ty(of).elements() != 1 {
        let message = format!("a gradient is taken of a single f32, but %{} is {}", of.0, graph.ty(of));
        return Err(GraphError::new(error::GRADIENT, message));
    }
    let seed = broadcast(graph, 1.0, of)?;
    pull_back(graph, of, seed, with_respect_to)
}

/// Adds Σ incoming·∂of/∂v for each value v in `with_respect_to`; `incoming` has the type of `of`.
pub fn pull_back(
    graph: &mut Graph,
    of: ValueId,
    incoming: ValueId,
    with_respect_to: &[ValueId],
) -> Result<Vec<ValueId>> {
    if let Some(value) = with_respect_to.iter().find(|v| graph.ty(**v).dtype != DType::F32) {
        let message = format!("%{} is {}; gradients exist for f32 alone", value.0, graph.ty(*value));
        return Err(GraphError::new(error::GRADIENT, message));
    }
    // Only values that depend on one of the asked ones can pass a gradient to it.
    let mut active = vec![false; of.index() + 1];
    for value in (0..=of.0).map(ValueId) {
        let instruction = graph.instruction(value);
        active[value.index()] = instruction.ty.dtype == DType::F32
            && (with_respect_to.contains(&value) || instruction.operands.iter().any(|v| active[v.index()]));
    }
    let mut gradients: Vec<Option<ValueId>> = vec![None; of.index() + 1];
    gradients[of.index()] = Some(incoming);
    for value in (0..=of.0).rev().map(ValueId) {
        let Some(d) = gradients[value.index()].filter(|_| active[value.index()]) else { continue };
        let instruction = graph.instruction(value).clone();
        for (k, operand) in instruction.operands.iter().enumerate() {
            if !active[operand.index()] {
                continue;
            }
            let contribution = match rule(graph, value, &instruction, k, d)? {
                Rule::Nothing => continue,
                Rule::Value(contribution) => contribution,
            };
            let sum = match gradients[operand.index()] {
                None => contribution,
                Some(earlier) => graph.map(ScalarFn::Add, &[earlier, contribution])?,
            };
            gradients[operand.index()] = Some(sum);
        }
    }
    with_respect_to
        .iter()
        .map(|value| match gradients.get(value.index()).copied().flatten() {
            Some(gradient) => Ok(gradient),
            None => broadcast(graph, 0.0, *value),
        })
        .collect()
}

/// What operand `k` of `instruction`, which defines `out`, receives for the incoming gradient `d`.
fn rule(graph: &mut Graph, out: ValueId, instruction: &Instruction, k: usize, d: ValueId) -> Result<Rule> {
    let Instruction { op, operands, nest, .. } = instruction;
    let operand = operands[k];
    match op {
        Op::Input { .. }
        | Op::Param { .. }
        | Op::State { .. }
        | Op::Constant { .. }
        | Op::Iota
        | Op::Random { .. }
        | Op::Extent { .. } => Ok(Rule::Nothing),
        // The roles of the output and of the operand are exchanged, the other operand stays.
        Op::Contract => {
            let (mut accesses, mut values) = (nest.operands.clone(), operands.clone());
            let output = std::mem::replace(&mut accesses[k], nest.output.clone());
            values[k] = d;
            let adjoint = Nest { axes: nest.adjoint_axes(), operands: accesses, output };
            let shape = graph.shape(operand).to_vec();
            graph.with_shape(Op::Contract, adjoint, &values, &shape).map(Rule::Value)
        }
        Op::Map(function) => map_rule(graph, out, instruction, *function, k, d),
        Op::Reduce(Reduction::Sum) => sum_through(graph, nest, &nest.output, d, k, operand),
        Op::Reduce(Reduction::Max) => {
            let chosen = first_of_equals(graph, nest, operand, out, d)?;
            sum_through(graph, nest, &plain_access(&nest.axes), chosen, 0, operand)
        }
        Op::Move { .. } => sum_through(graph, nest, &nest.output, d, k, operand),
        Op::Gather if k == 0 => {
            let adjoint = Nest {
                axes: nest.axes.clone(),
                operands: vec![nest.output.clone(), nest.operands[1].clone()],
                output: nest.operands[0].clone(),
            };
            let shape = graph.shape(operand).to_vec();
            graph.with_shape(Op::Scatter, adjoint, &[d, operands[1]], &shape).map(Rule::Value)
        }
        Op::Scatter if k == 0 => {
            let adjoint = Nest {
                axes: nest.axes.clone(),
                operands: vec![nest.output.clone(), nest.operands[1].clone()],
                output: plain_access(&nest.axes),
            };
            let extents: Vec<usize> = nest.axes.iter().map(|(_, extent)| *extent).collect();
            let rows = graph.with_shape(Op::Gather, adjoint.clone(), &[d, operands[1]], &extents)?;
            let back = Nest { operands: vec![nest.operands[0].clone()], ..adjoint };
            sum_through(graph, &back, &back.output, rows, 0, operand)
        }
        Op::Gather | Op::Scatter => Ok(Rule::Nothing),
    }
}

/// The table of derivatives. Every line is a map over the whole nest; axes that the operand omits are summed after.
fn map_rule(
    graph: &mut Graph,
    out: ValueId,
    instruction: &Instruction,
    function: ScalarFn,
    k: usize,
    d: ValueId,
) -> Result<Rule> {
    let Instruction { operands, nest, .. } = instruction;
    let at = |i: usize| (operands[i], nest.operands[i].clone());
    let full = |value: ValueId| (value, nest.output.clone());
    let mut page = Page { graph, nest };
    let (d, y) = (full(d), full(out));
    let zero = page.number(0.0)?;
    let value = match (function, k) {
        (ScalarFn::Add, _) | (ScalarFn::Sub, 0) => d.0,
        (ScalarFn::Sub, _) | (ScalarFn::Neg, _) => page.map(ScalarFn::Neg, &[d])?,
        (ScalarFn::Mul, _) => page.map(ScalarFn::Mul, &[d, at(1 - k)])?,
        (ScalarFn::Div, 0) => page.map(ScalarFn::Div, &[d, at(1)])?,
        (ScalarFn::Div, _) => {
            let quotient = page.map(ScalarFn::Div, &[d, at(1)])?;
            let product = page.map(ScalarFn::Mul, &[full(quotient), y])?;
            page.map(ScalarFn::Neg, &[full(product)])?
        }
        (ScalarFn::Max, _) => {
            let first = page.map(ScalarFn::Less, &[at(1), at(0)])?;
            page.choose(full(first), d, zero, k == 0)?
        }
        (ScalarFn::Min, _) => {
            let first = page.map(ScalarFn::Less, &[at(0), at(1)])?;
            page.choose(full(first), d, zero, k == 0)?
        }
        (ScalarFn::Select, 0) => return Ok(Rule::Nothing),
        (ScalarFn::Select, _) => page.choose(at(0), d, zero, k == 1)?,
        (ScalarFn::Exp, _) => page.map(ScalarFn::Mul, &[d, y])?,
        (ScalarFn::Log, _) => page.map(ScalarFn::Div, &[d, at(0)])?,
        (ScalarFn::Sqrt, _) => {
            let half = page.number(0.5)?;
            let halved = page.map(ScalarFn::Mul, &[d, half])?;
            page.map(ScalarFn::Div, &[full(halved), y])?
        }
        (ScalarFn::Tanh, _) => {
            let one = page.number(1.0)?;
            let square = page.map(ScalarFn::Mul, &[y.clone(), y])?;
            let slope = page.map(ScalarFn::Sub, &[one, full(square)])?;
            page.map(ScalarFn::Mul, &[d, full(slope)])?
        }
        (ScalarFn::Sigmoid, _) => {
            let one = page.number(1.0)?;
            let rest = page.map(ScalarFn::Sub, &[one, y.clone()])?;
            let slope = page.map(ScalarFn::Mul, &[y, full(rest)])?;
            page.map(ScalarFn::Mul, &[d, full(slope)])?
        }
        (ScalarFn::Erf, _) => {
            let scale = page.number(std::f32::consts::FRAC_2_SQRT_PI)?;
            let square = page.map(ScalarFn::Mul, &[at(0), at(0)])?;
            let negative = page.map(ScalarFn::Neg, &[full(square)])?;
            let bell = page.map(ScalarFn::Exp, &[full(negative)])?;
            let slope = page.map(ScalarFn::Mul, &[full(bell), scale])?;
            page.map(ScalarFn::Mul, &[d, full(slope)])?
        }
        (ScalarFn::Sin, _) => {
            let slope = page.map(ScalarFn::Cos, &[at(0)])?;
            page.map(ScalarFn::Mul, &[d, full(slope)])?
        }
        (ScalarFn::Cos, _) => {
            let sine = page.map(ScalarFn::Sin, &[at(0)])?;
            let slope = page.map(ScalarFn::Neg, &[full(sine)])?;
            page.map(ScalarFn::Mul, &[d, full(slope)])?
        }
        (ScalarFn::Flush, _) | (ScalarFn::Cast(DType::F32), _) | (ScalarFn::Straight, 0) => d.0,
        (ScalarFn::Straight, _)
        | (ScalarFn::Round, _)
        | (ScalarFn::Less, _)
        | (ScalarFn::Equal, _)
        | (ScalarFn::Cast(_), _)
        | (ScalarFn::MulShift, _)
        | (ScalarFn::ShiftLeft, _)
        | (ScalarFn::ShiftRight, _) => return Ok(Rule::Nothing),
    };
    sum_through(page.graph, nest, &nest.output, value, k, operands[k])
}

/// Builds maps over the axes of one nest.
struct Page<'g> {
    graph: &'g mut Graph,
    nest: &'g Nest,
}

impl Page<'_> {
    fn number(&mut self, value: f32) -> Result<(ValueId, Access)> {
        Ok((self.graph.float(value)?, vec![]))
    }

    /// A map whose result has the whole nest's shape.
    fn map(&mut self, function: ScalarFn, operands: &[(ValueId, Access)]) -> Result<ValueId> {
        let (values, accesses): (Vec<ValueId>, Vec<Access>) = operands.iter().cloned().unzip();
        let nest = Nest { operands: accesses, ..self.nest.clone() };
        let shape: Vec<usize> = Nest::plain_axes(&nest.output).iter().map(|a| nest.extent(*a).unwrap_or(1)).collect();
        self.graph.with_shape(Op::Map(function), nest, &values, &shape)
    }

    /// `d` where the condition says `wanted`, else zero.
    fn choose(
        &mut self,
        condition: (ValueId, Access),
        d: (ValueId, Access),
        zero: (ValueId, Access),
        wanted: bool,
    ) -> Result<ValueId> {
        match wanted {
            true => self.map(ScalarFn::Select, &[condition, d, zero]),
            false => self.map(ScalarFn::Select, &[condition, zero, d]),
        }
    }
}

/// Sums a gradient, accessed by `from` in the nest, into operand `k`'s access: the adjoint of every access.
///
/// Where each element receives at most one term, it is a `move` (which also keeps −0 and subnormals as they are).
fn sum_through(
    graph: &mut Graph,
    nest: &Nest,
    from: &Access,
    gradient: ValueId,
    k: usize,
    operand: ValueId,
) -> Result<Rule> {
    let to = &nest.operands[k];
    let axes = nest.adjoint_axes();
    let shape = graph.shape(operand).to_vec();
    if from == to && graph.shape(gradient) == shape {
        return Ok(Rule::Value(gradient));
    }
    if let Some(inverse) = inverted(&axes, from, to, &shape) {
        let value = graph.with_shape(Op::Move { fill: Scalar::F32(0.0) }, inverse, &[gradient], &shape)?;
        return Ok(Rule::Value(value));
    }
    // Axes that neither access names repeat the same term: they stay out of a map's operands only.
    let adjoint = Nest { axes, operands: vec![from.clone()], output: to.clone() };
    graph.with_shape(Op::Reduce(Reduction::Sum), adjoint, &[gradient], &shape).map(Rule::Value)
}

/// True if step·outer + inner takes every place of the dimension once: windows without overlap or rest.
fn side_by_side(axes: &[(char, usize)], outer: char, step: i64, inner: char, dimension: usize) -> bool {
    let extent = |axis: char| axes.iter().find(|(name, _)| *name == axis).map_or(0, |(_, extent)| *extent);
    extent(inner) as i64 == step && extent(outer) * extent(inner) == dimension
}

/// The move that undoes an access: possible if every dimension of `to` is made of axes of its own with coefficient 1
/// that `from` reads plainly, and all axes are named. A shifted axis is replaced by the dimension's own; windows that lie
/// side by side are two axes merged into one.
fn inverted(axes: &[(char, usize)], from: &Access, to: &Access, shape: &[usize]) -> Option<Nest> {
    let mut output = vec![];
    let mut replaced: Vec<(char, i64)> = vec![];
    let mut extents = axes.to_vec();
    for (index, dimension) in to.iter().zip(shape) {
        match index {
            Index::Axis(_) | Index::Radix(_) => output.push(index.clone()),
            Index::Affine { terms, constant } => match terms[..] {
                [(1, axis)] if from.contains(&Index::Axis(axis)) => {
                    replaced.push((axis, *constant));
                    extents.iter_mut().find(|(name, _)| *name == axis)?.1 = *dimension;
                    output.push(Index::Axis(axis));
                }
                [(1, inner), (step, outer)] | [(step, outer), (1, inner)]
                    if *constant == 0 && side_by_side(axes, outer, step, inner, *dimension) =>
                {
                    output.push(Index::Radix(vec![outer, inner]));
                }
                _ => return None,
            },
            Index::Lookup => return None,
        }
    }
    let named = Nest::plain_axes(&output);
    let once = named.iter().enumerate().all(|(k, axis)| !named[..k].contains(axis));
    if !once || named.len() != axes.len() {
        return None;
    }
    let mut operand = vec![];
    for index in from {
        operand.push(match index {
            Index::Axis(axis) => match replaced.iter().find(|(name, _)| name == axis) {
                Some((_, constant)) => Index::Affine { terms: vec![(1, *axis)], constant: -constant },
                None => index.clone(),
            },
            Index::Radix(_) | Index::Affine { .. } => {
                let uses = crate::nest::axes_of(std::slice::from_ref(index));
                if uses.iter().any(|axis| replaced.iter().any(|(name, _)| name == axis)) {
                    return None;
                }
                index.clone()
            }
            Index::Lookup => return None,
        });
    }
    Some(Nest { axes: extents, operands: vec![operand], output })
}

/// For a maximum: the incoming gradient at the first position, in the declared order, that equals it; else zero.
/// The result has all the nest's axes.
fn first_of_equals(graph: &mut Graph, nest: &Nest, operand: ValueId, out: ValueId, d: ValueId) -> Result<ValueId> {
    let all = plain_access(&nest.axes);
    let extents: Vec<usize> = nest.axes.iter().map(|(_, extent)| *extent).collect();
    let whole = |accesses: &[&Access]| Nest {
        axes: nest.axes.clone(),
        operands: accesses.iter().map(|a| (*a).clone()).collect(),
        output: all.clone(),
    };
    // A skipped term is filled with NaN, which equals nothing.
    let nan = Op::Move { fill: Scalar::F32(f32::NAN) };
    let window = graph.with_shape(nan.clone(), whole(&[&nest.operands[0]]), &[operand], &extents)?;
    // Merged output dimensions are split, so that maps can read them by plain axes.
    let kept: Vec<(char, usize)> = {
        let plain = Nest::plain_axes(&nest.output);
        plain.iter().map(|axis| (*axis, nest.extent(*axis).unwrap_or(1))).collect()
    };
    let kept_access = plain_access(&kept);
    let kept_extents: Vec<usize> = kept.iter().map(|(_, extent)| *extent).collect();
    let split = Nest { axes: kept.clone(), operands: vec![nest.output.clone()], output: kept_access.clone() };
    let plain = |graph: &mut Graph, value: ValueId| match nest.output == kept_access {
        true => Ok(value),
        false => graph.with_shape(nan.clone(), split.clone(), &[value], &kept_extents),
    };
    let best = plain(graph, out)?;
    let d = plain(graph, d)?;
    let equal = graph.with_shape(Op::Map(ScalarFn::Equal), whole(&[&all, &kept_access]), &[window, best], &extents)?;
    // The negated place in the box, so that the greatest is the first.
    let reduced: Vec<(char, usize)> = nest.axes.iter().filter(|axis| !kept.contains(axis)).copied().collect();
    let mut place = graph.scalar(Scalar::I32(0))?;
    let mut place_access: Access = vec![];
    let mut stride = 1;
    for (k, (axis, extent)) in reduced.iter().enumerate().rev() {
        let digits = graph.iota(*extent)?;
        let scale = graph.scalar(Scalar::I32(-stride))?;
        let scaled = graph.map(ScalarFn::Mul, &[digits, scale])?;
        let output = plain_access(&reduced[k..]);
        let operands = vec![vec![Index::Axis(*axis)], place_access];
        let sum = Nest { axes: reduced[k..].to_vec(), operands, output: output.clone() };
        let shape: Vec<usize> = reduced[k..].iter().map(|(_, extent)| *extent).collect();
        place = graph.with_shape(Op::Map(ScalarFn::Add), sum, &[scaled, place], &shape)?;
        place_access = output;
        stride = stride.saturating_mul(*extent as i32);
    }
    let never = graph.scalar(Scalar::I32(i32::MIN))?;
    let none = vec![];
    let candidate = whole(&[&all, &place_access, &none]);
    let candidate = graph.with_shape(Op::Map(ScalarFn::Select), candidate, &[equal, place, never], &extents)?;
    let first = Nest { axes: nest.axes.clone(), operands: vec![all.clone()], output: kept_access.clone() };
    let first = graph.with_shape(Op::Reduce(Reduction::Max), first, &[candidate], &kept_extents)?;
    let chosen = whole(&[&place_access, &kept_access]);
    let chosen = graph.with_shape(Op::Map(ScalarFn::Equal), chosen, &[place, first], &extents)?;
    let zero = graph.float(0.0)?;
    graph.with_shape(Op::Map(ScalarFn::Select), whole(&[&all, &kept_access, &none]), &[chosen, d, zero], &extents)
}

/// A constant value in the shape of another value.
fn broadcast(graph: &mut Graph, value: f32, like: ValueId) -> Result<ValueId> {
    let shape = graph.shape(like).to_vec();
    let scalar = graph.float(value)?;
    let axes: Vec<_> = ('a'..='z').zip(shape.iter().copied()).collect();
    if axes.is_empty() {
        return Ok(scalar);
    }
    let nest = Nest { output: plain_access(&axes), axes, operands: vec![vec![]] };
    graph.with_shape(Op::Move { fill: Scalar::F32(0.0) }, nest, &[scalar], &shape)
}
