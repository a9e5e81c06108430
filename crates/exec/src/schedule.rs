//! Who runs each kernel, and where workers wait for each other.
//!
//! A kernel too small to be worth dividing is given to one worker. Workers meet at a barrier only where a kernel touches
//! memory that another worker has touched since they last met.

use std::ops::Range;
use tacit_ir::passes::instruction_cost;
use tacit_ir::passes::plan::{Contents, Kernel, Plan};
use tacit_ir::{Graph, Op, ValueId};

/// One kernel's turn in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub kernel: usize,
    /// All workers meet before it.
    pub meet: bool,
    /// The one worker that runs it; nothing if all do.
    pub alone: Option<usize>,
}

/// The memory that a kernel touches, in bytes of the arena, and about how long it takes.
#[derive(Clone, Debug, Default)]
pub struct Touch {
    pub reads: Vec<Range<usize>>,
    pub writes: Vec<Range<usize>>,
    pub nanoseconds: u64,
    /// Whether it is worth dividing.
    pub divides: bool,
}

impl Touch {
    /// True if one writes what the other reads or writes.
    fn conflicts(&self, other: &Touch) -> bool {
        let meets = |a: &[Range<usize>], b: &[Range<usize>]| {
            a.iter().any(|x| b.iter().any(|y| x.start < y.end && y.start < x.end))
        };
        meets(&self.writes, &other.writes) || meets(&self.writes, &other.reads) || meets(&self.reads, &other.writes)
    }
}

/// Turns of kernels in this order.
pub fn schedule(kernels: impl Iterator<Item = (usize, Touch)>, workers: usize) -> Vec<Turn> {
    // What was touched since the workers last met, by whom, and how long each has been at it.
    let mut open: Vec<(Option<usize>, Touch)> = vec![];
    let mut busy = vec![0; workers];
    let mut turns = vec![];
    for (kernel, touch) in kernels {
        let by: Vec<Option<usize>> =
            open.iter().filter(|(_, other)| touch.conflicts(other)).map(|(worker, _)| *worker).collect();
        let least_busy = (0..workers).min_by_key(|worker| (busy[*worker], *worker)).unwrap_or(0);
        let (meet, alone) = match (touch.divides, by.first()) {
            (true, first) => (first.is_some(), None),
            (false, None) => (false, Some(least_busy)),
            // The worker that made what this needs goes on with it.
            (false, Some(Some(first))) if by.iter().all(|worker| *worker == Some(*first)) => (false, Some(*first)),
            (false, Some(_)) => (true, Some(0)),
        };
        if meet {
            open.clear();
            busy.fill(0);
        }
        match alone {
            Some(worker) => busy[worker] += touch.nanoseconds,
            None => busy.iter_mut().for_each(|time| *time += touch.nanoseconds / workers as u64),
        }
        open.push((alone, touch));
        turns.push(Turn { kernel, meet, alone });
    }
    turns
}

/// What a kernel has to do.
pub struct Work {
    /// The instructions that it computes, and the values that it reads from memory.
    pub instructions: Vec<ValueId>,
    pub reads: Vec<ValueId>,
    pub writes: Vec<ValueId>,
    /// Operations of its contraction, and of all else, a multiply-add being two; skipped terms count.
    pub contracted: u64,
    pub mapped: u64,
    /// Bytes of all tensors that it reads and writes, each counted once.
    pub bytes: u64,
}

impl Work {
    pub fn of(graph: &Graph, plan: &Plan, kernel: &Kernel) -> Work {
        let Contents { instructions, reads } = plan.contents(graph, kernel);
        let writes: Vec<ValueId> = std::iter::once(kernel.root).chain(kernel.also_stored.iter().copied()).collect();
        let (mut contracted, mut mapped) = (0, 0);
        for value in &instructions {
            let cost = instruction_cost(graph, *value);
            match graph.instruction(*value).op {
                Op::Contract => contracted += cost.float_operations + cost.integer_operations,
                Op::Map(_)
                | Op::Reduce(_)
                | Op::Move { .. }
                | Op::Gather
                | Op::Scatter
                | Op::Random { .. }
                | Op::Input { .. }
                | Op::Param { .. }
                | Op::State { .. }
                | Op::Constant { .. }
                | Op::Iota
                | Op::Extent { .. } => mapped += cost.float_operations + cost.integer_operations,
            }
        }
        let bytes = reads.iter().chain(&writes).map(|value| graph.ty(*value).bytes() as u64).sum();
        Work { instructions, reads, writes, contracted, mapped, bytes }
    }

    /// About how long one worker takes, by what kernels reach on one core: some 64 operations of a contraction, 8 of maps and
    /// 16 bytes a nanosecond.
    pub fn nanoseconds(&self) -> u64 {
        self.contracted / 64 + self.mapped / 8 + self.bytes / 16
    }

    /// How many parts each worker gets, so that another can take over what a late one has not begun.
    pub fn parts_each(&self, workers: usize) -> usize {
        match workers {
            0 | 1 => 1,
            _ => (self.nanoseconds() / workers as u64 / PART_NS).clamp(1, PARTS_MAX) as usize,
        }
    }

    /// Whether dividing it saves more than it takes the workers to meet.
    pub fn divides(&self) -> bool {
        self.nanoseconds() > DIVIDED_MIN_NS
    }
}

/// Taking a part costs a tenth of a microsecond, and its data may lie in another core's cache.
const PART_NS: u64 = 12_000;
const PARTS_MAX: u64 = 8;

/// A barrier takes about a quarter of a microsecond where nobody is late.
const DIVIDED_MIN_NS: u64 = 4000;

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(reads: &[usize], writes: &[usize], divides: bool) -> Touch {
        let ranges = |places: &[usize]| places.iter().map(|place| *place..place + 1).collect();
        Touch { reads: ranges(reads), writes: ranges(writes), nanoseconds: 10, divides }
    }

    fn turns(kernels: &[Touch]) -> Vec<(bool, Option<usize>)> {
        let turns = schedule(kernels.iter().cloned().enumerate(), 2);
        assert!(turns.iter().enumerate().all(|(k, turn)| turn.kernel == k));
        turns.into_iter().map(|turn| (turn.meet, turn.alone)).collect()
    }

    #[test]
    fn workers_meet_where_one_needs_what_another_wrote() {
        let chain = [touch(&[0], &[1], true), touch(&[1], &[2], true), touch(&[1], &[3], true)];
        assert_eq!(turns(&chain), [(false, None), (true, None), (false, None)]);
        // Written again although it may still be read.
        assert_eq!(turns(&[touch(&[0], &[1], true), touch(&[2], &[0], true)]), [(false, None), (true, None)]);
    }

    #[test]
    fn small_kernels_are_shared_out_and_follow_what_they_need() {
        let apart = [touch(&[0], &[1], false), touch(&[0], &[2], false), touch(&[1], &[3], false)];
        assert_eq!(turns(&apart), [(false, Some(0)), (false, Some(1)), (false, Some(0))]);
        let both = [touch(&[0], &[1], false), touch(&[0], &[2], false), touch(&[1, 2], &[3], false)];
        assert_eq!(turns(&both), [(false, Some(0)), (false, Some(1)), (true, Some(0))]);
        let behind = [touch(&[0], &[1], true), touch(&[1], &[2], false), touch(&[2], &[3], true)];
        assert_eq!(turns(&behind), [(false, None), (true, Some(0)), (true, None)]);
    }
}
