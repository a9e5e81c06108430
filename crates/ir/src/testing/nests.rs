//! Random nests: accesses for given operands, and outputs over the axes that they name.

use super::{Draw, Options, accept, any, any_of};
use crate::error::Result;
use crate::graph::{Graph, Instruction, Op, Reduction, ValueId};
use crate::nest::{Access, AxisName, Index, Nest};
use crate::rules::output_shape;
use crate::scalar::ScalarFn;
use crate::types::{DType, TensorType};

type Axes = Vec<(AxisName, usize)>;

pub(super) fn leaf_of(graph: &mut Graph, op: Op, ty: TensorType) -> Result<ValueId> {
    let nest = Nest { axes: vec![], operands: vec![], output: vec![] };
    graph.add(Instruction { op, operands: vec![], nest, ty })
}

/// A map in the shape of the operand with the greatest rank. The others omit axes and permute them; operands whose
/// extents do not fit leave the graph as it was.
pub(super) fn map(graph: &mut Graph, draw: &mut Draw, options: &Options, function: ScalarFn, operands: &[ValueId]) {
    let lead = *operands.iter().max_by_key(|v| graph.shape(**v).len()).expect("a function has operands");
    let mut axes: Axes = ('a'..).zip(graph.shape(lead).iter().copied()).collect();
    // Now and then no operand shows some axis.
    if draw.chance(10) && elements(&axes) * 2 <= options.elements_max {
        axes.push(('z', 2));
    }
    if draw.chance(20) {
        draw.shuffle(&mut axes);
    }
    let mut accesses = vec![];
    for operand in operands {
        let mut free = axes.clone();
        if draw.chance(30) {
            draw.shuffle(&mut free);
        }
        let mut access = vec![];
        for extent in graph.shape(*operand) {
            let Some(k) = free.iter().position(|(_, e)| e == extent) else { return };
            access.push(Index::Axis(free.remove(k).0));
        }
        accesses.push(access);
    }
    let output: Access = axes.iter().map(|(name, _)| Index::Axis(*name)).collect();
    add(graph, Op::Map(function), Nest { axes, operands: accesses, output }, operands);
}

pub(super) fn contract(graph: &mut Graph, draw: &mut Draw, options: &Options) {
    let dtype = match draw.below(8) {
        0 => DType::I8,
        1 => DType::I32,
        _ => DType::F32,
    };
    let (Some(a), Some(b)) = (any_of(graph, draw, dtype), any_of(graph, draw, dtype)) else { return };
    let mut axes = vec![];
    let operands = [a, b].map(|v| read(draw, &mut axes, graph.shape(v))).to_vec();
    accumulate(graph, draw, options, Op::Contract, axes, operands, &[a, b]);
}

pub(super) fn reduce(graph: &mut Graph, draw: &mut Draw, options: &Options, reduction: Reduction) {
    let operand = any(graph, draw);
    let mut axes = vec![];
    let operands = vec![read(draw, &mut axes, graph.shape(operand))];
    accumulate(graph, draw, options, Op::Reduce(reduction), axes, operands, &[operand]);
}

/// A pad, slice, stride, reversal, permutation, expansion, window, split or merge, or several at once.
pub(super) fn move_one(graph: &mut Graph, draw: &mut Draw, options: &Options) {
    let operand = any(graph, draw);
    let mut axes = vec![];
    let operands = vec![read(draw, &mut axes, graph.shape(operand))];
    if draw.chance(15) {
        fresh(&mut axes, 1 + draw.below(3));
    }
    let fill = super::scalar(draw, graph.ty(operand).dtype, options);
    whole(graph, draw, options, Op::Move { fill }, axes, operands, &[operand]);
}

/// Several values of one shape but for the joined dimension, one after another, with gaps now and then.
pub(super) fn concatenate(graph: &mut Graph, draw: &mut Draw, options: &Options) {
    let first = any(graph, draw);
    let TensorType { dtype, shape } = graph.ty(first).clone();
    if shape.is_empty() {
        return;
    }
    let joined = draw.below(shape.len());
    let alike = |v: &ValueId| {
        let ty = graph.ty(*v);
        let same = |k: usize| k == joined || ty.shape[k] == shape[k];
        ty.dtype == dtype && ty.shape.len() == shape.len() && (0..shape.len()).all(same)
    };
    let fitting: Vec<ValueId> = graph.values().filter(alike).collect();
    let parts: Vec<ValueId> = (0..1 + draw.below(3)).map(|_| draw.pick(&fitting)).collect();
    let mut axes: Axes = ('a'..).zip(shape.iter().copied()).collect();
    let output: Access = axes.iter().map(|(name, _)| Index::Axis(*name)).collect();
    let mut operands = vec![];
    let mut offset = draw.below(2);
    for part in &parts {
        let mut access = output.clone();
        access[joined] = Index::Affine { terms: vec![(1, axes[joined].0)], constant: -(offset as i64) };
        operands.push(access);
        offset += graph.shape(*part)[joined] + draw.chance(20) as usize;
    }
    axes[joined].1 = offset;
    if elements(&axes) <= options.elements_max {
        let fill = super::scalar(draw, dtype, options);
        add(graph, Op::Move { fill }, Nest { axes, operands, output }, &parts);
    }
}

pub(super) fn gather(graph: &mut Graph, draw: &mut Draw, options: &Options) {
    let table = any(graph, draw);
    let Some(index) = any_of(graph, draw, DType::I32) else { return };
    if graph.shape(table).is_empty() {
        return;
    }
    let mut axes = vec![];
    let mut operands = vec![read(draw, &mut axes, graph.shape(table))];
    let looked_up = draw.below(operands[0].len());
    operands[0][looked_up] = Index::Lookup;
    operands.push(read(draw, &mut axes, graph.shape(index)));
    whole(graph, draw, options, Op::Gather, axes, operands, &[table, index]);
}

pub(super) fn scatter(graph: &mut Graph, draw: &mut Draw, options: &Options) {
    let dtype = draw.pick(&[DType::F32, DType::F32, DType::I32]);
    let (Some(source), Some(index)) = (any_of(graph, draw, dtype), any_of(graph, draw, DType::I32)) else { return };
    let mut axes = vec![];
    let operands: Vec<Access> = [source, index].map(|v| read(draw, &mut axes, graph.shape(v))).to_vec();
    let (mut output, mut shape) = written(draw, &axes);
    let at = draw.below(output.len() + 1);
    output.insert(at, Index::Lookup);
    shape.insert(at, 1 + draw.below(options.extent_max));
    draw.shuffle(&mut axes);
    finish(graph, options, Op::Scatter, Nest { axes, operands, output }, &[source, index], &shape);
}

/// An access that reads a tensor of this shape: plain axes mostly, else merged ones or an affine index.
fn read(draw: &mut Draw, axes: &mut Axes, shape: &[usize]) -> Access {
    shape
        .iter()
        .map(|extent| match draw.below(10) {
            0 | 1 => affine(draw, axes, *extent),
            2 if *extent > 1 => {
                let factors: Vec<usize> = (1..=*extent).filter(|f| extent.is_multiple_of(*f)).collect();
                let high = draw.pick(&factors);
                let first = axis_of(draw, axes, high);
                match axis_of(draw, axes, extent / high) {
                    // One axis twice in a merged dimension has no meaning.
                    second if second == first => Index::Radix(vec![first, fresh(axes, extent / high)]),
                    second => Index::Radix(vec![first, second]),
                }
            }
            _ => Index::Axis(axis_of(draw, axes, *extent)),
        })
        .collect()
}

/// One or two terms of small coefficients; the constant keeps a part of the range inside.
fn affine(draw: &mut Draw, axes: &mut Axes, extent: usize) -> Index {
    let mut terms: Vec<(i64, AxisName)> = vec![];
    for _ in 0..draw.below(3) {
        let coefficient = draw.pick(&[1, 1, 1, 2, 3, -1]);
        let axis = match draw.chance(30) && !axes.is_empty() {
            true => draw.pick(axes).0,
            false => fresh(axes, 1 + draw.below(4)),
        };
        if terms.iter().all(|(_, known)| *known != axis) {
            terms.push((coefficient, axis));
        }
    }
    let back = terms.iter().any(|(c, _)| *c < 0);
    let constant = draw.below(4) as i64 - 2 + if back { extent as i64 } else { 0 };
    Index::Affine { terms, constant }
}

/// An axis of this extent: a known one half of the time, so that operands share axes.
fn axis_of(draw: &mut Draw, axes: &mut Axes, extent: usize) -> AxisName {
    let known: Vec<AxisName> = axes.iter().filter(|(_, e)| *e == extent).map(|(name, _)| *name).collect();
    match !known.is_empty() && draw.chance(60) {
        true => draw.pick(&known),
        false => fresh(axes, extent),
    }
}

/// A new axis. Operands here have ranks far too small to use all letters up.
fn fresh(axes: &mut Axes, extent: usize) -> AxisName {
    let name = ('a'..='z').find(|letter| axes.iter().all(|(known, _)| known != letter));
    let name = name.expect("random nests use few axes");
    axes.push((name, extent));
    name
}

fn elements(axes: &Axes) -> usize {
    axes.iter().map(|(_, extent)| extent).product()
}

/// Groups axes into dimensions, most of them of one axis.
fn grouped(draw: &mut Draw, mut axes: Vec<AxisName>) -> Access {
    draw.shuffle(&mut axes);
    let mut access = vec![];
    while let Some(axis) = axes.pop() {
        match axes.last() {
            Some(_) if draw.chance(15) => access.push(Index::Radix(vec![axis, axes.pop().expect("it was seen")])),
            _ => access.push(Index::Axis(axis)),
        }
    }
    access
}

/// An output that scatters: some axes plain, some in affine sums, the others reduced.
fn written(draw: &mut Draw, axes: &Axes) -> (Access, Vec<usize>) {
    let mut output = vec![];
    let mut shape = vec![];
    let mut left: Axes = axes.clone();
    draw.shuffle(&mut left);
    while let Some((axis, extent)) = left.pop() {
        match draw.below(6) {
            0 | 1 => {
                output.push(Index::Axis(axis));
                shape.push(extent);
            }
            2 | 3 => {
                let mut terms = vec![(draw.pick(&[1i64, 1, 2, -1]), axis)];
                if let Some((other, _)) = left.last().filter(|_| draw.chance(50)) {
                    terms.push((draw.pick(&[1i64, 1, 2, -1]), *other));
                    if draw.chance(70) {
                        left.pop();
                    }
                }
                let back = terms.iter().any(|(c, _)| *c < 0);
                let dimension = 1 + draw.below(2 * extent + 2);
                let constant = draw.below(4) as i64 - 2 + if back { extent as i64 } else { 0 };
                output.push(Index::Affine { terms, constant });
                shape.push(dimension);
            }
            _ => {}
        }
    }
    (output, shape)
}

/// Finishes a `contract` or `reduce`: an output that gathers, or for sums one that scatters.
fn accumulate(
    graph: &mut Graph,
    draw: &mut Draw,
    options: &Options,
    op: Op,
    mut axes: Axes,
    operands: Vec<Access>,
    values: &[ValueId],
) {
    let scatters = op != Op::Reduce(Reduction::Max) && draw.chance(30);
    let (output, shape) = match scatters {
        true => written(draw, &axes),
        false => {
            let kept = axes.iter().map(|(name, _)| *name).filter(|_| draw.chance(50)).collect();
            let output = grouped(draw, kept);
            let nest = Nest { axes: axes.clone(), operands: vec![], output };
            let shape = output_shape(&nest).expect("every axis has an extent");
            (nest.output, shape)
        }
    };
    draw.shuffle(&mut axes);
    finish(graph, options, op, Nest { axes, operands, output }, values, &shape);
}

/// Finishes a `move` or `gather`: the output names every axis plainly.
fn whole(
    graph: &mut Graph,
    draw: &mut Draw,
    options: &Options,
    op: Op,
    axes: Axes,
    operands: Vec<Access>,
    values: &[ValueId],
) {
    // An axis that the lookup of a gather took from its table stays as an expansion.
    let output = grouped(draw, axes.iter().map(|(name, _)| *name).collect());
    let nest = Nest { axes, operands, output };
    let shape = output_shape(&nest).expect("every axis has an extent");
    finish(graph, options, op, nest, values, &shape);
}

fn finish(graph: &mut Graph, options: &Options, op: Op, nest: Nest, values: &[ValueId], shape: &[usize]) {
    let resolved = nest.resolve();
    let terms: usize = resolved.reduction.iter().map(|axis| nest.axes[*axis].1).product();
    let fits = shape.iter().product::<usize>() <= options.elements_max && terms <= options.elements_max;
    if fits && elements(&nest.axes) <= options.elements_max * options.elements_max.min(64) {
        accept(graph.with_shape(op, nest, values, shape));
    }
}

fn add(graph: &mut Graph, op: Op, nest: Nest, values: &[ValueId]) {
    let shape = output_shape(&nest).expect("every axis has an extent");
    accept(graph.with_shape(op, nest, values, &shape));
}
