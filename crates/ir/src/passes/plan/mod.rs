//! Planning: which instructions share a kernel, in which order kernels run, and where every intermediate lies.

mod fuse;
mod memory;
mod offsets;
mod order;

pub use fuse::{Fate, Kernel, KernelKind, settled};
pub use memory::{Buffer, Contents};
pub use offsets::{Life, Placement, place};

use crate::graph::{Graph, Op, ValueId};
use memory::Outside;

/// A graph laid out for execution. Nothing in it depends on the machine.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What becomes of each value, by its number.
    pub fates: Vec<Fate>,
    /// Of each value, whether it follows from constants and from parameters that no step changes.
    pub settled: Vec<bool>,
    /// In the order in which they run.
    pub kernels: Vec<Kernel>,
    /// Those of the arena, and outputs outside it. Every value with `Fate::Stored` lies in one of them.
    pub buffers: Vec<Buffer>,
    pub arena_bytes: usize,
    /// The greatest sum of bytes that live at once: no placement of this schedule needs less.
    pub lower_bound_bytes: usize,
    /// Every placement of this schedule needs at least this: the greatest live sum, or more where a search has shown
    /// that it cannot be met. Where it equals `arena_bytes`, the arena is proven least.
    pub least_bytes: usize,
}

impl Plan {
    /// What a kernel of this plan computes and reads.
    pub fn contents(&self, graph: &Graph, kernel: &Kernel) -> Contents {
        memory::contents(graph, &self.fates, kernel)
    }

    /// True if an operand lies in memory that holds the same from step to step.
    pub fn stays(&self, operand: ValueId) -> bool {
        match &self.fates[operand.index()] {
            Fate::Alias(of) => self.stays(*of),
            Fate::Leaf => self.settled[operand.index()],
            Fate::Stored(_) => self.kernels.iter().any(|kernel| kernel.root == operand && kernel.settled),
            Fate::Merged(_) | Fate::InPlace(_) | Fate::Inline | Fate::Unused => false,
        }
    }

    /// The buffer that holds a value, following aliases; `None` for leaves and for values that are never stored.
    pub fn buffer(&self, value: ValueId) -> Option<&Buffer> {
        match &self.fates[value.index()] {
            Fate::Stored(buffer) => Some(&self.buffers[*buffer]),
            Fate::Alias(of) | Fate::Merged(of) => self.buffer(*of),
            Fate::Leaf | Fate::Inline | Fate::InPlace(_) | Fate::Unused => None,
        }
    }
}

/// Plans a verified graph, with its outputs in the arena.
pub fn plan(graph: &Graph) -> Plan {
    plan_with(graph, |_, _| vec![])
}

/// Plans a verified graph whose outputs are written straight into memory of the caller's, where nothing else is in the way:
/// outputs that are leaves, parts of something larger, or other names of the same memory are for the caller to copy.
pub fn plan_with_outputs_outside(graph: &Graph) -> Plan {
    plan_with(graph, memory::outside)
}

fn plan_with(graph: &Graph, outside: impl FnOnce(&Graph, &[Fate]) -> Vec<Outside>) -> Plan {
    let settled = fuse::settled(graph);
    let (fates, kernels) = fuse::fuse(graph, &settled);
    let outside = outside(graph, &fates);
    let reordered = order::order(graph, &fates, &kernels, &outside);
    let given = lay_out(graph, settled.clone(), fates.clone(), kernels, &outside);
    // Where the order makes no difference to the arena, kernels run as they are written.
    let other = reordered.map(|kernels| lay_out(graph, settled, fates, kernels, &outside));
    other.filter(|other| other.arena_bytes < given.arena_bytes).unwrap_or(given)
}

/// Gives the values of kernels in their final order their places.
fn lay_out(graph: &Graph, settled: Vec<bool>, mut fates: Vec<Fate>, kernels: Vec<Kernel>, outside: &[Outside]) -> Plan {
    let mut buffers = memory::lifetimes(graph, &mut fates, &kernels, outside);
    let placement = memory::assign_offsets(&mut buffers);
    Plan {
        fates,
        settled,
        kernels,
        buffers,
        arena_bytes: placement.arena_bytes,
        lower_bound_bytes: placement.live_bytes,
        least_bytes: placement.least_bytes,
    }
}

/// True for leaves whose memory outlives a step: inputs, parameters, states and constants with data.
pub fn is_persistent(op: &Op) -> bool {
    match op {
        Op::Input { .. } | Op::Param { .. } | Op::State { .. } | Op::Constant { .. } => true,
        Op::Iota
        | Op::Random { .. }
        | Op::Extent { .. }
        | Op::Contract
        | Op::Map(_)
        | Op::Reduce(_)
        | Op::Move { .. }
        | Op::Gather
        | Op::Scatter => false,
    }
}
