//! Fusion: an instruction joins the kernel of its consumers where that recomputes nothing and changes no bit.
//!
//! A kernel has one root. Maps and moves that feed it are evaluated inside its loop (the prologue); aligned maps whose
//! results are also needed elsewhere are stored by the same loop.

use super::is_persistent;
use crate::graph::{Graph, Instruction, Op, ValueId};
use crate::nest::{Access, Index};
use crate::scalar::ScalarFn;
use crate::types::{DType, Literal, row_major_strides};

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No output or update needs it.
    Unused,
    /// Memory that outlives the step.
    Leaf,
    /// Evaluated inside the kernel, or kernels, that read it, never stored.
    Inline,
    /// The same bytes as another value's.
    Alias(ValueId),
    /// A contraction or reduction that its kernel's root, this value, is written over. Sums of i32 that become i8
    /// have no memory in the plan: whoever cannot take them on one by one finds some.
    Merged(ValueId),
    /// The next value of this leaf, written over it.
    InPlace(ValueId),
    /// In the arena: the position in [`super::Plan::buffers`].
    Stored(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelKind {
    /// Maps and moves over one index space.
    Elementwise,
    /// A reduction with maps and moves in front and, if it is not the root itself, maps behind.
    Reduce,
    /// A contraction and, if it is not the root itself, the maps behind it.
    Contract,
    Gather,
    Scatter,
    Random,
}

#[derive(Clone, Debug)]
pub struct Kernel {
    pub kind: KernelKind,
    pub root: ValueId,
    /// The contraction or reduction whose result the root's maps take on while it is in cache.
    pub anchor: Option<ValueId>,
    /// Maps that the root's loop also stores, in order of definition; they have the root's shape.
    pub also_stored: Vec<ValueId>,
    /// It follows from parameters that no step changes and from constants: once computed, it stays.
    pub settled: bool,
}

/// Decides every value's fate and the kernels in order. `Stored` positions are assigned later.
pub fn fuse(graph: &Graph, settled: &[bool]) -> (Vec<Fate>, Vec<Kernel>) {
    let needed = evaluated(graph);
    let mut readers = readers(graph, &needed);
    let rooted = rooted(graph);
    // The root of the kernel that evaluates each value, and whether it is evaluated at the root's own index.
    let mut group: Vec<ValueId> = graph.values().collect();
    let mut aligned = vec![true; graph.instructions().len()];
    let mut fates = vec![Fate::Stored(0); graph.instructions().len()];
    // A next value is better written over its leaf than over an anchor.
    let updates: Vec<ValueId> = graph.updates().iter().map(|(_, next)| *next).collect();
    let mut anchors: Vec<Option<ValueId>> = vec![None; graph.instructions().len()];
    let mut also: Vec<Vec<ValueId>> = vec![vec![]; graph.instructions().len()];
    for value in graph.values().rev() {
        let at = value.index();
        let instruction = graph.instruction(value);
        if !needed[at] {
            fates[at] = Fate::Unused;
            continue;
        }
        let everywhere = !rooted[at] && !feeds_opaque(graph, &readers[at]);
        if is_cheap(graph, value) && everywhere {
            fates[at] = Fate::Inline;
            hand_readers_on(graph, value, &mut readers);
            continue;
        }
        if is_persistent(&instruction.op) {
            fates[at] = Fate::Leaf;
            continue;
        }
        if let Some(of) = alias(graph, value) {
            fates[at] = Fate::Alias(of);
            continue;
        }
        if !can_join(instruction) {
            if let Some(root) = epilogue(graph, value, &readers[at], &group, &aligned, &fates)
                && settled[at] == settled[root.index()]
                && anchors[root.index()].is_none()
                && !rooted[at]
                && !updates.contains(&root)
            {
                anchors[root.index()] = Some(value);
                fates[at] = Fate::Merged(root);
            }
            continue;
        }
        // What is settled is not computed again in every step, if keeping it takes no more than what it follows from.
        let serves_steps = readers[at].iter().any(|r| !settled[r.value.index()]);
        if settled[at] && serves_steps && !outgrows_operands(graph, instruction) {
            continue;
        }
        // A contraction requantises its sums in registers, and stores a quarter of their bytes.
        if requantises_sums(graph, value) {
            continue;
        }
        let Some(root) = common_group(graph, &readers[at], &group, &fates) else { continue };
        let inside = |r: &Reader| group[r.value.index()] == root;
        let is_aligned = readers[at].iter().all(|r| !inside(r) || (aligned[r.value.index()] && r.at_own_index))
            && graph.shape(value) == graph.shape(root)
            && writes_row_major(graph.instruction(root))
            && writes_row_major(instruction);
        let leaves_group = rooted[at] || !readers[at].iter().all(inside);
        let later = readers[at].iter().all(|r| inside(r) || r.value > root);
        if leaves_group && everywhere && !settled[at] && is_one_operation_away(graph, value) {
            fates[at] = Fate::Inline;
            hand_readers_on(graph, value, &mut readers);
            continue;
        }
        if leaves_group {
            // What is settled is computed before all steps, and so is what it follows from.
            if !settled[root.index()] && readers[at].iter().any(|r| settled[r.value.index()]) {
                continue;
            }
            let elementwise = kind(&graph.instruction(root).op) == KernelKind::Elementwise;
            if !(is_aligned && later && elementwise && matches!(instruction.op, Op::Map(_))) {
                continue;
            }
            also[root.index()].push(value);
        } else {
            let grows = readers[at].iter().any(|r| grows(graph, r.value, value));
            let only_loads = matches!(instruction.op, Op::Move { .. }) && loads_memory(graph, instruction);
            if grows && !only_loads {
                continue;
            }
            fates[at] = Fate::Inline;
        }
        group[at] = root;
        aligned[at] = is_aligned;
    }
    let mut kernels = vec![];
    for value in graph.values() {
        let stored = matches!(fates[value.index()], Fate::Stored(_));
        if stored && group[value.index()] == value {
            let mut also_stored = std::mem::take(&mut also[value.index()]);
            also_stored.sort();
            let anchor = anchors[value.index()];
            let kind = kind(&graph.instruction(anchor.unwrap_or(value)).op);
            let settled = settled[value.index()];
            kernels.push(Kernel { kind, root: value, anchor, also_stored, settled });
        }
    }
    (fates, kernels)
}

fn kind(op: &Op) -> KernelKind {
    match op {
        Op::Map(_) | Op::Move { .. } | Op::Iota | Op::Extent { .. } | Op::Constant { .. } => KernelKind::Elementwise,
        Op::Reduce(_) => KernelKind::Reduce,
        Op::Contract => KernelKind::Contract,
        Op::Gather => KernelKind::Gather,
        Op::Scatter => KernelKind::Scatter,
        Op::Random { .. } => KernelKind::Random,
        Op::Input { .. } | Op::Param { .. } | Op::State { .. } => unreachable!("bound leaves have no kernel"),
    }
}

/// Values whose elements something needs. The operand of an `extent` lends its shape alone.
fn evaluated(graph: &Graph) -> Vec<bool> {
    let mut needed = rooted(graph);
    for value in graph.values().rev() {
        let instruction = graph.instruction(value);
        needed[value.index()] |= instruction.op.leaf_name().is_some();
        if needed[value.index()] && !matches!(instruction.op, Op::Extent { .. }) {
            for operand in &instruction.operands {
                needed[operand.index()] = true;
            }
        }
    }
    needed
}

/// An instruction whose kernel reads a value.
#[derive(Clone, Copy)]
struct Reader {
    value: ValueId,
    /// True if it reads the value with the access by which it writes its own result, and nowhere else.
    at_own_index: bool,
}

/// Notes that an instruction reads a value.
fn note_reader(readers: &mut Vec<Reader>, new: Reader) {
    match readers.iter_mut().find(|r| r.value == new.value) {
        Some(known) => known.at_own_index &= new.at_own_index,
        None => readers.push(new),
    }
}

/// The instructions that read each value.
fn readers(graph: &Graph, needed: &[bool]) -> Vec<Vec<Reader>> {
    let mut readers = vec![vec![]; graph.instructions().len()];
    for value in graph.values().filter(|v| needed[v.index()]) {
        let Instruction { op, operands, nest, .. } = graph.instruction(value);
        // An extent is known from the type alone.
        if matches!(op, Op::Extent { .. }) {
            continue;
        }
        for (operand, access) in operands.iter().zip(&nest.operands) {
            let at_own_index = matches!(op, Op::Map(_)) && *access == nest.output;
            note_reader(&mut readers[operand.index()], Reader { value, at_own_index });
        }
    }
    readers
}

/// What is evaluated wherever it is read makes its readers readers of its operands.
fn hand_readers_on(graph: &Graph, value: ValueId, readers: &mut [Vec<Reader>]) {
    let own = std::mem::take(&mut readers[value.index()]);
    for operand in &graph.instruction(value).operands {
        let of_operand = &mut readers[operand.index()];
        let Some(position) = of_operand.iter().position(|r| r.value == value) else { continue };
        let link = of_operand.remove(position);
        for reader in &own {
            note_reader(of_operand, Reader { at_own_index: reader.at_own_index && link.at_own_index, ..*reader });
        }
    }
}

/// Values that an output or update names.
fn rooted(graph: &Graph) -> Vec<bool> {
    let mut rooted = vec![false; graph.instructions().len()];
    let outputs = graph.outputs().iter().map(|(_, value)| value);
    for value in outputs.chain(graph.updates().iter().map(|(_, next)| next)) {
        rooted[value.index()] = true;
    }
    rooted
}

/// Values that follow from constants and from parameters that no step changes.
pub fn settled(graph: &Graph) -> Vec<bool> {
    let updated: Vec<ValueId> = graph.updates().iter().map(|(leaf, _)| *leaf).collect();
    let mut settled = vec![false; graph.instructions().len()];
    for value in graph.values() {
        let Instruction { op, operands, .. } = graph.instruction(value);
        settled[value.index()] = match op {
            Op::Input { .. } | Op::State { .. } | Op::Random { .. } => false,
            Op::Param { .. } => !updated.contains(&value),
            Op::Constant { .. } | Op::Iota | Op::Extent { .. } => true,
            Op::Contract | Op::Map(_) | Op::Reduce(_) | Op::Move { .. } | Op::Gather | Op::Scatter => {
                operands.iter().all(|operand| settled[operand.index()])
            }
        };
    }
    settled
}

/// True if a result has more elements than any operand.
fn outgrows_operands(graph: &Graph, instruction: &Instruction) -> bool {
    instruction.operands.iter().all(|operand| graph.ty(*operand).elements() < instruction.ty.elements())
}

/// Scalars, counts, and what follows from them by copying: recomputing them costs nothing.
fn is_cheap(graph: &Graph, value: ValueId) -> bool {
    let instruction = graph.instruction(value);
    match &instruction.op {
        Op::Iota | Op::Extent { .. } | Op::Constant { value: Literal::Splat(_) } => true,
        Op::Move { .. } => {
            all_axes(&instruction.nest.output) && instruction.operands.iter().all(|v| is_cheap(graph, *v))
        }
        // Scalars that follow from sizes and constants alone, such as 1/n.
        Op::Map(_) => instruction.ty.shape.is_empty() && instruction.operands.iter().all(|v| is_cheap(graph, *v)),
        Op::Input { .. }
        | Op::Param { .. }
        | Op::State { .. }
        | Op::Constant { value: Literal::Dense(_) }
        | Op::Random { .. }
        | Op::Contract
        | Op::Reduce(_)
        | Op::Gather
        | Op::Scatter => false,
    }
}

/// One operation of one element away from a value with no more bytes that is in memory or as near to it: reading that
/// value and computing this one again costs less than keeping both.
fn is_one_operation_away(graph: &Graph, value: ValueId) -> bool {
    let Instruction { op, ty, operands, .. } = graph.instruction(value);
    let Op::Map(function) = op else { return false };
    let one_operation = match function {
        ScalarFn::Add
        | ScalarFn::Sub
        | ScalarFn::Mul
        | ScalarFn::Div
        | ScalarFn::Neg
        | ScalarFn::Max
        | ScalarFn::Min
        | ScalarFn::Less
        | ScalarFn::Equal
        | ScalarFn::Cast(_) => true,
        ScalarFn::Select
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
        | ScalarFn::MulShift
        | ScalarFn::ShiftLeft
        | ScalarFn::ShiftRight => false,
    };
    let mut large = operands.iter().filter(|v| graph.ty(**v).elements() * 8 > ty.elements());
    let source = large.next();
    let fits = source.is_some_and(|v| graph.shape(*v) == ty.shape && graph.ty(*v).bytes() <= ty.bytes());
    // A leaf that the step updates could no longer be written over if it were read later.
    let updated = graph.updates().iter().any(|(leaf, _)| operands.contains(leaf));
    one_operation && fits && !updated && large.next().is_none()
}

/// True for the i8 numbers that the sums of a contraction are brought to, one by one.
fn requantises_sums(graph: &Graph, value: ValueId) -> bool {
    let sums_of = |value: ValueId, function: ScalarFn| {
        let Instruction { op, operands, .. } = graph.instruction(value);
        (*op == Op::Map(function)).then(|| operands[0])
    };
    let Some(mut steps) = sums_of(value, ScalarFn::Cast(DType::I8)) else { return false };
    for function in [ScalarFn::Min, ScalarFn::Max, ScalarFn::Add, ScalarFn::MulShift, ScalarFn::Add] {
        // All but the factor may be missing.
        match sums_of(steps, function) {
            Some(before) => steps = before,
            None if function == ScalarFn::MulShift => return false,
            None => {}
        }
    }
    graph.ty(steps).dtype == DType::I32 && matches!(graph.instruction(steps).op, Op::Contract)
}

/// True if some reader reads its operands from memory only.
fn feeds_opaque(graph: &Graph, readers: &[Reader]) -> bool {
    readers.iter().any(|r| match graph.instruction(r.value).op {
        Op::Contract | Op::Gather | Op::Scatter | Op::Random { .. } => true,
        // An alias hands its operand's memory on.
        Op::Move { .. } => alias(graph, r.value).is_some(),
        Op::Map(_)
        | Op::Reduce(_)
        | Op::Extent { .. }
        | Op::Input { .. }
        | Op::Param { .. }
        | Op::State { .. }
        | Op::Constant { .. }
        | Op::Iota => false,
    })
}

fn all_axes(access: &Access) -> bool {
    access.iter().all(|index| matches!(index, Index::Axis(_)))
}

/// Maps, and moves whose output index gives the axes without division.
fn can_join(instruction: &Instruction) -> bool {
    matches!(instruction.op, Op::Map(_) | Op::Move { .. }) && all_axes(&instruction.nest.output)
}

/// The one kernel that evaluates all readers, ignoring later readers elsewhere; `None` if an earlier or opaque reader
/// needs the value in memory before.
fn common_group(graph: &Graph, readers: &[Reader], group: &[ValueId], fates: &[Fate]) -> Option<ValueId> {
    let inside = |v: &ValueId| {
        let op = &graph.instruction(*v).op;
        matches!(op, Op::Map(_) | Op::Move { .. } | Op::Reduce(_)) && !matches!(fates[v.index()], Fate::Alias(_))
    };
    let values = || readers.iter().map(|r| r.value);
    let first = values().filter(inside).map(|v| group[v.index()]).min()?;
    values().all(|v| (inside(&v) && group[v.index()] == first) || v > first).then_some(first)
}

/// The elementwise root that can take an anchor's result on: all readers are in its kernel, at its own index.
fn epilogue(
    graph: &Graph,
    value: ValueId,
    readers: &[Reader],
    group: &[ValueId],
    aligned: &[bool],
    fates: &[Fate],
) -> Option<ValueId> {
    let Instruction { op, ty, nest, .. } = graph.instruction(value);
    let root = readers.first().map(|r| group[r.value.index()])?;
    let narrows = matches!(op, Op::Contract)
        && graph.shape(root) == ty.shape
        && (ty.dtype, graph.ty(root).dtype) == (DType::I32, DType::I8);
    let fits = matches!(op, Op::Contract | Op::Reduce(_))
        && nest.output.iter().all(|index| matches!(index, Index::Axis(_) | Index::Radix(_) | Index::Affine { .. }))
        && matches!(graph.instruction(root).op, Op::Map(_))
        && matches!(fates[root.index()], Fate::Stored(_))
        && writes_row_major(graph.instruction(root))
        && (graph.ty(root) == ty || narrows);
    let all_aligned =
        readers.iter().all(|r| group[r.value.index()] == root && aligned[r.value.index()] && r.at_own_index);
    (fits && all_aligned).then_some(root)
}

/// True if the axes of a nest, in their declared order, are the output's dimensions.
fn writes_row_major(instruction: &Instruction) -> bool {
    all_axes(&instruction.nest.output)
}

/// True if the consumer visits more iterations than the value has elements, so that joining would recompute.
fn grows(graph: &Graph, consumer: ValueId, value: ValueId) -> bool {
    let iterations: usize = graph.instruction(consumer).nest.axes.iter().map(|(_, extent)| *extent).product();
    iterations > graph.ty(value).elements()
}

/// True if every operand is in memory, so that the move is a load and nothing else.
fn loads_memory(graph: &Graph, instruction: &Instruction) -> bool {
    instruction.operands.iter().all(|v| match graph.instruction(*v).op {
        Op::Map(_) | Op::Move { .. } => false,
        Op::Input { .. }
        | Op::Param { .. }
        | Op::State { .. }
        | Op::Constant { .. }
        | Op::Iota
        | Op::Random { .. }
        | Op::Extent { .. }
        | Op::Contract
        | Op::Reduce(_)
        | Op::Gather
        | Op::Scatter => true,
    })
}

/// The operand whose memory a move repeats byte for byte: every axis has one stride in both.
fn alias(graph: &Graph, value: ValueId) -> Option<ValueId> {
    let Instruction { op, operands, nest, ty } = graph.instruction(value);
    let Op::Move { .. } = op else { return None };
    let [operand] = operands[..] else { return None };
    let from = graph.ty(operand);
    if from.elements() != ty.elements() || !nest.stays_inside(&nest.operands[0], &from.shape) {
        return None;
    }
    // A scalar constant has no memory of its own to share.
    if matches!(graph.instruction(operand).op, Op::Constant { .. } | Op::Iota | Op::Extent { .. }) {
        return None;
    }
    let strides = |access: &Access, shape: &[usize]| {
        let mut strides = vec![0i64; nest.axes.len()];
        let mut offset = 0;
        for (index, stride) in access.iter().zip(row_major_strides(shape)) {
            let (terms, constant) = nest.affine(index);
            offset += constant * stride as i64;
            for (coefficient, axis) in terms {
                strides[axis] += coefficient * stride as i64;
            }
        }
        for (stride, (_, extent)) in strides.iter_mut().zip(&nest.axes) {
            if *extent == 1 {
                *stride = 0;
            }
        }
        (strides, offset)
    };
    (strides(&nest.operands[0], &from.shape) == strides(&nest.output, &ty.shape)).then_some(operand)
}
