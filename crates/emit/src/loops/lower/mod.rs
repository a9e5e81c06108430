//! From a planned graph to loops.

mod build;
mod collapse;
mod contract;
mod dots;
mod element;
mod places;
mod reduce;
mod rows;
mod split;
mod terms;
mod tidy;
mod windows;

use super::{Affine, Call, Expression, Function, Loops, Place};
use build::Builder;
use element::Scope;
use places::Places;
use std::collections::HashMap;
use tacit_ir::passes::plan::{KernelKind, plan_with_outputs_outside};
use tacit_ir::{Graph, Op};

/// What a target asks of the loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The results next to each other that a contraction computes at once: as many sums as the target has registers for.
    pub lanes: usize,
    /// Whether they are scalars with statements of their own instead of a small array, for processors without vectors.
    pub is_unrolled: bool,
}

/// Plans a verified graph and lowers it.
pub fn lower(graph: &Graph, options: &Options) -> Loops {
    let plan = plan_with_outputs_outside(graph);
    let mut places = Places::new(graph, &plan);
    let mut functions: Vec<Function> = vec![];
    let mut known: HashMap<Function, usize> = HashMap::new();
    let mut calls = vec![];
    for kernel in &plan.kernels {
        let mut builder = Builder::new();
        let scope = Scope { graph, plan: &plan, kernel, places: &places };
        match kernel.kind {
            KernelKind::Elementwise => elementwise(&scope, &mut builder),
            KernelKind::Reduce => reduce::reduce(&scope, &mut builder, *options),
            KernelKind::Contract => contract::contract(&scope, &mut builder, *options),
            KernelKind::Gather => rows::gather(&scope, &mut builder),
            KernelKind::Scatter => rows::scatter(&scope, &mut builder),
            KernelKind::Random => random(&scope, &mut builder),
        }
        let (function, of_operands) = builder.finish();
        let function = dots::dots(collapse::collapse(split::split(function)));
        let (function, of_operands) = tidy::tidy(function, of_operands);
        let number = *known.entry(function).or_insert_with_key(|function| {
            functions.push(function.clone());
            functions.len() - 1
        });
        calls.push(Call { function: number, places: of_operands, root: kernel.root, anchor: kernel.anchor });
    }
    places.copies(graph, &plan);
    let mut loops = Loops {
        functions,
        calls,
        inputs: places.inputs,
        outputs: places.outputs,
        kept: places.kept,
        constants: places.constants,
        copies: places.copies,
        arena_bytes: places.arena_bytes,
        lower_bound_bytes: plan.lower_bound_bytes,
    };
    drop_unread_constants(&mut loops);
    loops
}

/// Leaves out what nothing reads, such as parameters of which only settled values were made.
fn drop_unread_constants(loops: &mut Loops) {
    let mut is_read = vec![false; loops.constants.len()];
    let mut numbers = vec![0; loops.constants.len()];
    loops.each_place(&mut |place| {
        if let Place::Constant(constant) = place {
            is_read[*constant] = true;
        }
    });
    for (constant, leaf) in std::mem::take(&mut loops.constants).into_iter().enumerate() {
        numbers[constant] = loops.constants.len();
        if is_read[constant] {
            loops.constants.push(leaf);
        }
    }
    loops.each_place(&mut |place| {
        if let Place::Constant(constant) = place {
            *constant = numbers[*constant];
        }
    });
}

/// Maps and moves over one index space: the root's elements in row-major order.
fn elementwise(scope: &Scope, builder: &mut Builder) {
    let root = scope.kernel.root;
    let instruction = scope.graph.instruction(root);
    if !instruction.op.has_nest() {
        builder.each_of(&instruction.ty.shape, &mut |builder, index| {
            let value = scope.evaluated(builder, root, index);
            scope.store(builder, root, index, value);
        });
        return;
    }
    // A move may write merged axes, so that the loops are the axes' and not the dimensions'.
    let order = scope.output_axes(root);
    let extents: Vec<usize> = order.iter().map(|axis| instruction.nest.axes[*axis].1).collect();
    builder.each_of(&extents, &mut |builder, counters| {
        let mut axes = vec![Affine::default(); instruction.nest.axes.len()];
        for (axis, counter) in order.iter().zip(counters) {
            axes[*axis] = counter.clone();
        }
        let index = scope.index(root, &instruction.nest.output, &axes);
        let value = scope.at_axes(builder, root, &axes);
        let value = builder.know((root, index.clone()), value);
        scope.store_all(builder, &index, value);
    });
}

/// Uniform numbers, one for each place of a stream.
fn random(scope: &Scope, builder: &mut Builder) {
    let root = scope.kernel.root;
    let instruction = scope.graph.instruction(root);
    let Op::Random { stream } = instruction.op else { panic!("the plan calls this kernel `random`") };
    let key = instruction.operands[0];
    let word = |builder: &mut Builder, k| {
        let word = scope.element(builder, key, &[Affine::constant(k)]);
        builder.bind(word)
    };
    let key = [word(builder, 0), word(builder, 1)];
    builder.each(instruction.ty.elements(), |builder, place| {
        let value =
            Expression::Random { stream, place: place.clone(), key: Box::new([key[0].clone(), key[1].clone()]) };
        scope.store_at(builder, root, place, value);
    });
}
