//! Which values need memory, and from which kernel to which.

use super::fuse::{Fate, Kernel, KernelKind};
use super::offsets::{Life, Placement, place};
use crate::graph::{Graph, Op, ValueId};

/// Offsets are multiples of a cache line, so that vector loads are aligned and threads do not share lines.
pub const ALIGNMENT: usize = 64;

/// Memory from the kernel that first writes it to the last that reads it, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// What lies there: the first value, and those that are written over it, one after another.
    pub values: Vec<ValueId>,
    pub bytes: usize,
    pub first: usize,
    pub last: usize,
    /// In bytes from the arena's start; set by [`assign_offsets`].
    pub offset: usize,
    /// The output whose memory this is, by its position, if the buffer lies outside the arena; its offset is then 0.
    pub output: Option<usize>,
}

impl Buffer {
    pub fn is_in_arena(&self) -> bool {
        self.output.is_none()
    }
}

/// A stored value that is all of an output, and the output's position.
pub type Outside = (ValueId, usize);

/// The outputs that can be written where a caller wants them: each has memory of exactly its size that no other output names.
pub fn outside(graph: &Graph, fates: &[Fate]) -> Vec<Outside> {
    let storages: Vec<ValueId> = graph.outputs().iter().map(|(_, value)| storage(fates, *value)).collect();
    let is_alone = |position: usize| {
        let (stored, value) = (storages[position], graph.outputs()[position].1);
        matches!(fates[stored.index()], Fate::Stored(_))
            && graph.ty(stored).bytes() == graph.ty(value).bytes()
            && storages.iter().filter(|other| **other == stored).count() == 1
    };
    (0..storages.len()).filter(|position| is_alone(*position)).map(|position| (storages[position], position)).collect()
}

/// The value whose memory holds another.
pub fn storage(fates: &[Fate], mut value: ValueId) -> ValueId {
    while let Fate::Alias(of) | Fate::Merged(of) = fates[value.index()] {
        value = of;
    }
    value
}

/// Buffers for all stored values. Next values that can be written over their leaf need none, and a value that can be written
/// over an operand shares its buffer.
pub fn lifetimes(graph: &Graph, fates: &mut [Fate], kernels: &[Kernel], outside: &[Outside]) -> Vec<Buffer> {
    // What each kernel reads, through the values that it evaluates inside.
    let reads: Vec<Vec<ValueId>> = kernels.iter().map(|kernel| contents(graph, fates, kernel).reads).collect();
    let mut last_read = vec![0; graph.instructions().len()];
    let mut written = vec![0; graph.instructions().len()];
    for (k, kernel) in kernels.iter().enumerate() {
        for value in &reads[k] {
            last_read[storage(fates, *value).index()] = k;
        }
        for value in kernel.also_stored.iter().chain([&kernel.root]) {
            written[value.index()] = k;
        }
    }
    // An update is written over its leaf if nothing reads the leaf afterwards and the writing kernel reads it, if at
    // all, at the index that it writes.
    for (leaf, next) in graph.updates() {
        let k = written[next.index()];
        let stored = matches!(fates[next.index()], Fate::Stored(_));
        let unread_later =
            (k + 1..kernels.len()).all(|later| !reads[later].iter().any(|v| storage(fates, *v) == *leaf));
        let updated_once = graph.updates().iter().filter(|(_, n)| n == next).count() == 1;
        // Another update that still hands this leaf's old value on would find it overwritten.
        let handed_on = graph.updates().iter().any(|(_, n)| storage(fates, *n) == *leaf)
            || graph.outputs().iter().any(|(_, v)| storage(fates, *v) == *leaf);
        let output = graph.outputs().iter().any(|(_, v)| storage(fates, *v) == *next);
        let own_index = kernels.get(k).is_some_and(|kernel| {
            // A settled value is computed before the others, which may still read the leaf.
            kernel.kind == KernelKind::Elementwise && !kernel.settled && reads_aligned(graph, fates, kernel, *leaf)
        });
        if stored && unread_later && updated_once && !handed_on && !output && own_index {
            fates[next.index()] = Fate::InPlace(*leaf);
        }
    }
    let end = kernels.len().saturating_sub(1);
    let kept: Vec<ValueId> =
        graph.outputs().iter().map(|(_, v)| *v).chain(graph.updates().iter().map(|(_, n)| *n)).collect();
    let mut kept: Vec<ValueId> = kept.into_iter().map(|value| storage(fates, value)).collect();
    for value in &kept {
        last_read[value.index()] = end;
    }
    // What is settled is kept from step to step.
    for kernel in kernels.iter().filter(|kernel| kernel.settled) {
        kept.extend(kernel.also_stored.iter().chain([&kernel.root]));
    }
    let mut buffers: Vec<Buffer> = vec![];
    for (k, kernel) in kernels.iter().enumerate() {
        for value in kernel.also_stored.iter().copied().chain([kernel.root]) {
            if !matches!(fates[value.index()], Fate::Stored(_)) {
                continue;
            }
            let (first, last) = match kernel.settled {
                true => (0, end),
                false => (k, last_read[value.index()].max(k)),
            };
            // What is settled outlives a run, and the caller's memory need not.
            let output = outside.iter().find(|(stored, _)| *stored == value && !kernel.settled).map(|(_, k)| *k);
            // An operand that nothing needs afterwards, whose memory no other result of this kernel has taken.
            let dying = reads[k].iter().find_map(|read| {
                let Fate::Stored(position) = fates[read.index()] else { return None };
                let is_free = buffers[position].last == k && buffers[position].values.last() == Some(read);
                let fits = graph.ty(*read).dtype.size() == graph.ty(value).dtype.size()
                    && graph.shape(*read) == graph.shape(value);
                let is_dying = is_free && fits && !kept.contains(read) && last_read[read.index()] == k;
                (is_dying && writes_over(kernel) && reads_aligned(graph, fates, kernel, *read)).then_some(position)
            });
            let position = match dying {
                Some(position) => {
                    buffers[position].values.push(value);
                    buffers[position].last = last;
                    buffers[position].output = output;
                    position
                }
                None => {
                    let bytes = graph.ty(value).bytes().next_multiple_of(ALIGNMENT);
                    buffers.push(Buffer { values: vec![value], bytes, first, last, offset: 0, output });
                    buffers.len() - 1
                }
            };
            fates[value.index()] = Fate::Stored(position);
        }
    }
    buffers
}

/// True if a kernel reads everything that it needs of an index before it writes there, whatever its blocks and threads: loops
/// over maps do. A contraction or reduction does not, not even for the maps behind it, since its own results are written to
/// the root's memory before these read theirs. What is settled is computed at another time than the rest.
fn writes_over(kernel: &Kernel) -> bool {
    kernel.kind == KernelKind::Elementwise && kernel.anchor.is_none() && !kernel.settled
}

/// What a kernel computes, and the stored or bound values that it reads.
pub struct Contents {
    pub instructions: Vec<ValueId>,
    pub reads: Vec<ValueId>,
}

/// The contents of a kernel: what it evaluates inside comes from its root.
pub fn contents(graph: &Graph, fates: &[Fate], kernel: &Kernel) -> Contents {
    let mut reads = vec![];
    let mut open: Vec<ValueId> = vec![kernel.root];
    let mut instructions = vec![];
    while let Some(value) = open.pop() {
        if instructions.contains(&value) {
            continue;
        }
        instructions.push(value);
        // An extent is known from the type alone.
        if matches!(graph.instruction(value).op, Op::Extent { .. }) {
            continue;
        }
        for operand in &graph.instruction(value).operands {
            let inside = fates[operand.index()] == Fate::Inline || kernel.also_stored.contains(operand);
            if inside || kernel.anchor == Some(*operand) {
                open.push(*operand);
            } else if !reads.contains(operand) {
                reads.push(*operand);
            }
        }
    }
    Contents { instructions, reads }
}

/// True if the kernel reads a value, a leaf or another stored one, only at the index that it writes: everything between the
/// root and each use is a map over the root's shape that reads its operand plainly.
fn reads_aligned(graph: &Graph, fates: &[Fate], kernel: &Kernel, of: ValueId) -> bool {
    let mut open = vec![(kernel.root, true)];
    let mut seen = vec![];
    while let Some((value, at_own_index)) = open.pop() {
        if seen.contains(&(value, at_own_index)) {
            continue;
        }
        seen.push((value, at_own_index));
        let instruction = graph.instruction(value);
        let plain = matches!(instruction.op, Op::Map(_)) && graph.shape(value) == graph.shape(kernel.root);
        for (operand, access) in instruction.operands.iter().zip(&instruction.nest.operands) {
            let aligned = at_own_index && plain && *access == instruction.nest.output;
            let inside = fates[operand.index()] == Fate::Inline || kernel.also_stored.contains(operand);
            if inside {
                open.push((*operand, aligned));
            } else if storage(fates, *operand) == of && !(aligned && *operand == of) {
                // Under another name it may have another shape.
                return false;
            }
        }
    }
    true
}

/// Gives every buffer of the arena its offset.
pub fn assign_offsets(buffers: &mut [Buffer]) -> Placement {
    let mut inside: Vec<&mut Buffer> = buffers.iter_mut().filter(|buffer| buffer.is_in_arena()).collect();
    let life = |buffer: &&mut Buffer| Life { bytes: buffer.bytes, first: buffer.first, last: buffer.last };
    let placement = place(&inside.iter().map(life).collect::<Vec<_>>(), SEARCH_STEPS_MAX);
    for (buffer, offset) in inside.iter_mut().zip(&placement.offsets) {
        buffer.offset = *offset;
    }
    placement
}

/// A few tenths of a second, for the few programs whose greedy placement is not known to be the least.
const SEARCH_STEPS_MAX: u64 = 20_000_000;
