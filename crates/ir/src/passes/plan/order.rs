//! The order of the kernels: one that needs less memory at once than that in which their roots are defined, if it is found.
//!
//! What a kernel writes is live until the last kernel that reads it. States of a run are sets of kernels that have run; they
//! are visited from the lowest peak upwards, so the first complete one has the least peak of all orders. A kernel that raises
//! neither what is live nor the peak is run at once, without loss. Where that takes too many steps, a greedy order is tried
//! instead. In the count no value is written over another.

use super::fuse::{Fate, Kernel};
use super::memory::{Outside, contents, storage};
use crate::graph::{Graph, ValueId};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Kernels in an order with a lower peak than theirs; nothing if none is found. Settled kernels come first.
pub fn order(graph: &Graph, fates: &[Fate], kernels: &[Kernel], outside: &[Outside]) -> Option<Vec<Kernel>> {
    let tasks = tasks(graph, fates, kernels, outside);
    let given: Vec<usize> = (0..tasks.len()).collect();
    let bound = tasks.peak(&given);
    // No order needs less than its most demanding kernel.
    if tasks.len() > TASKS_MAX || bound == tasks.floor() {
        return None;
    }
    let found = match tasks.least(bound) {
        Search::Found(order) => order,
        Search::NoneBelow => return None,
        Search::OutOfSteps => tasks.greedy(),
    };
    if tasks.peak(&found) >= bound {
        return None;
    }
    let settled = kernels.iter().filter(|kernel| kernel.settled);
    Some(settled.chain(found.into_iter().map(|task| &kernels[tasks.kernels[task]])).cloned().collect())
}

/// Programs of more kernels keep their order.
const TASKS_MAX: usize = 4096;

/// Tasks that a search may look at, whether they can run: some hundredths of a second.
const STEPS_MAX: usize = 4_000_000;

/// The kernels of every step, with the memory that they need and what each waits for.
struct Tasks {
    /// The position of each among all kernels.
    kernels: Vec<usize>,
    /// What must run before each.
    before: Vec<Vec<usize>>,
    /// The bytes that each writes, and the buffers that it reads.
    written: Vec<usize>,
    reads: Vec<Vec<usize>>,
    /// Of each buffer: its bytes, who writes it, who reads it, and whether it outlives the step.
    buffers: Vec<Shared>,
}

struct Shared {
    bytes: usize,
    readers: Vec<usize>,
    kept: bool,
}

fn tasks(graph: &Graph, fates: &[Fate], kernels: &[Kernel], outside: &[Outside]) -> Tasks {
    let positions: Vec<usize> = (0..kernels.len()).filter(|k| !kernels[*k].settled).collect();
    let count = positions.len();
    let kept: Vec<ValueId> = graph.outputs().iter().map(|(_, v)| storage(fates, *v)).collect();
    let next: Vec<ValueId> = graph.updates().iter().map(|(_, next)| *next).collect();
    let mut tasks = Tasks {
        kernels: positions,
        before: vec![vec![]; count],
        written: vec![0; count],
        reads: vec![vec![]; count],
        buffers: vec![],
    };
    let mut buffer_of: HashMap<ValueId, usize> = HashMap::new();
    let mut writer_of: HashMap<ValueId, usize> = HashMap::new();
    for (task, k) in tasks.kernels.iter().enumerate() {
        for value in kernels[*k].also_stored.iter().chain([&kernels[*k].root]) {
            writer_of.insert(*value, task);
            // Most next values are written over their leaf, and what lies outside the arena takes nothing of it.
            if !next.contains(value) && !outside.iter().any(|(stored, _)| stored == value) {
                let bytes = graph.ty(*value).bytes();
                buffer_of.insert(*value, tasks.buffers.len());
                tasks.buffers.push(Shared { bytes, readers: vec![], kept: kept.contains(value) });
                tasks.written[task] += bytes;
            }
        }
    }
    let mut leaf_readers: HashMap<ValueId, Vec<usize>> = HashMap::new();
    for (task, k) in tasks.kernels.iter().enumerate() {
        for read in contents(graph, fates, &kernels[*k]).reads {
            let value = storage(fates, read);
            match writer_of.get(&value) {
                Some(writer) if !tasks.before[task].contains(writer) => tasks.before[task].push(*writer),
                Some(_) => {}
                None => leaf_readers.entry(value).or_default().push(task),
            }
            if let Some(buffer) = buffer_of.get(&value)
                && !tasks.reads[task].contains(buffer)
            {
                tasks.reads[task].push(*buffer);
                tasks.buffers[*buffer].readers.push(task);
            }
        }
    }
    // A leaf that can be written over stays so: who reads it comes before who writes its next value.
    for (leaf, next) in graph.updates() {
        let (Some(writer), Some(readers)) = (writer_of.get(next), leaf_readers.get(leaf)) else { continue };
        if readers.iter().all(|reader| reader <= writer) {
            tasks.before[*writer].extend(readers.iter().filter(|reader| *reader < writer));
        }
    }
    tasks
}

/// A set of tasks that have run.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Done(Vec<u64>);

impl Done {
    fn has(&self, task: usize) -> bool {
        self.0[task / 64] >> (task % 64) & 1 == 1
    }

    fn insert(&mut self, task: usize) {
        self.0[task / 64] |= 1 << (task % 64);
    }
}

impl Tasks {
    fn len(&self) -> usize {
        self.kernels.len()
    }

    /// What a task frees after a set has run: what it reads, and no other that has not run.
    fn freed(&self, done: &Done, task: usize) -> usize {
        let is_last = |buffer: &&usize| {
            let Shared { readers, kept, .. } = &self.buffers[**buffer];
            !kept && readers.iter().all(|reader| *reader == task || done.has(*reader))
        };
        self.reads[task].iter().filter(is_last).map(|buffer| self.buffers[*buffer].bytes).sum()
    }

    fn ready<'t>(&'t self, done: &'t Done) -> impl Iterator<Item = usize> + 't {
        let waits = |task: usize| self.before[task].iter().any(|before| !done.has(*before));
        (0..self.len()).filter(move |task| !done.has(*task) && !waits(*task))
    }

    fn nothing(&self) -> Done {
        Done(vec![0; self.len().div_ceil(64)])
    }

    /// The most that is live at once in this order.
    fn peak(&self, order: &[usize]) -> usize {
        let mut done = self.nothing();
        let (mut live, mut peak) = (0, 0);
        for task in order {
            live += self.written[*task];
            peak = peak.max(live);
            live -= self.freed(&done, *task);
            done.insert(*task);
        }
        peak
    }

    /// What the most demanding task reads and writes.
    fn floor(&self) -> usize {
        let read = |task: usize| self.reads[task].iter().map(|buffer| self.buffers[*buffer].bytes).sum::<usize>();
        (0..self.len()).map(|task| read(task) + self.written[task]).max().unwrap_or(0)
    }
    /// The order of least peak below `bound`, if there is one and the steps suffice.
    fn least(&self, bound: usize) -> Search {
        let mut states = vec![State { done: self.nothing(), live: 0, peak: self.floor(), ran: vec![], from: None }];
        let mut best: HashMap<Done, usize> = HashMap::new();
        // The lowest peak first; of equals the set that is nearest to all.
        let mut open = BinaryHeap::from([(Reverse(states[0].peak), 0, Reverse(0))]);
        let mut steps = 0;
        while let Some((Reverse(peak), ran, Reverse(at))) = open.pop() {
            if ran == self.len() {
                return Search::Found(order_of(&states, at));
            }
            if best.get(&states[at].done).is_some_and(|best| *best < peak) {
                continue;
            }
            let ready: Vec<usize> = self.ready(&states[at].done).collect();
            for task in ready {
                if steps > STEPS_MAX {
                    return Search::OutOfSteps;
                }
                let next = self.after(&states[at], task, at);
                // All tasks were looked at behind each that ran.
                steps += next.ran.len() * self.len();
                if next.peak >= bound || best.get(&next.done).is_some_and(|best| *best <= next.peak) {
                    continue;
                }
                best.insert(next.done.clone(), next.peak);
                open.push((Reverse(next.peak), ran + next.ran.len(), Reverse(states.len())));
                states.push(next);
            }
        }
        Search::NoneBelow
    }

    /// The state after one more task and all that can be run without loss behind it.
    fn after(&self, state: &State, task: usize, from: usize) -> State {
        let mut next = State { done: state.done.clone(), ran: vec![], from: Some(from), ..*state };
        let mut run = Some(task);
        while let Some(task) = run {
            self.run(&mut next, task);
            run = self.ready(&next.done).find(|task| {
                let raised = next.live + self.written[*task];
                raised <= next.peak && raised - self.freed(&next.done, *task) <= next.live
            });
        }
        next
    }

    fn run(&self, state: &mut State, task: usize) {
        state.live += self.written[task];
        state.peak = state.peak.max(state.live);
        state.live -= self.freed(&state.done, task);
        state.done.insert(task);
        state.ran.push(task);
    }

    /// Always the task after which the least is live; of equals the first.
    fn greedy(&self) -> Vec<usize> {
        let mut state = State { done: self.nothing(), live: 0, peak: 0, ran: vec![], from: None };
        while let Some(task) =
            self.ready(&state.done).min_by_key(|task| state.live + self.written[*task] - self.freed(&state.done, *task))
        {
            self.run(&mut state, task);
        }
        state.ran
    }
}

enum Search {
    Found(Vec<usize>),
    /// No order has a lower peak than the bound.
    NoneBelow,
    OutOfSteps,
}

struct State {
    done: Done,
    live: usize,
    peak: usize,
    /// What ran since the state before.
    ran: Vec<usize>,
    from: Option<usize>,
}

fn order_of(states: &[State], at: usize) -> Vec<usize> {
    let mut path = vec![at];
    while let Some(from) = states[path[path.len() - 1]].from {
        path.push(from);
    }
    path.iter().rev().flat_map(|state| states[*state].ran.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tasks of one buffer each, which read those of some before them.
    fn tasks(sizes: &[usize], reads: &[u64]) -> Tasks {
        let mut tasks = Tasks {
            kernels: (0..sizes.len()).collect(),
            before: vec![],
            written: sizes.to_vec(),
            reads: vec![],
            buffers: vec![],
        };
        for (task, bytes) in sizes.iter().enumerate() {
            let read: Vec<usize> = (0..task).filter(|other| reads[task] >> other & 1 == 1).collect();
            read.iter().for_each(|buffer| tasks.buffers[*buffer].readers.push(task));
            tasks.before.push(read.clone());
            tasks.reads.push(read);
            tasks.buffers.push(Shared { bytes: *bytes, readers: vec![], kept: false });
        }
        tasks
    }

    /// The least peak of all orders that keep what waits behind what it waits for.
    fn least_peak(tasks: &Tasks, order: &mut Vec<usize>) -> usize {
        if order.len() == tasks.len() {
            return tasks.peak(order);
        }
        let mut least = usize::MAX;
        for task in 0..tasks.len() {
            if !order.contains(&task) && tasks.before[task].iter().all(|before| order.contains(before)) {
                order.push(task);
                least = least.min(least_peak(tasks, order));
                order.pop();
            }
        }
        least
    }

    proptest! {
        #[test]
        fn the_order_found_is_legal_and_no_order_has_a_lower_peak(
            drawn in prop::collection::vec((1usize..9, any::<u64>(), any::<u64>()), 1..8),
        ) {
            let (sizes, reads): (Vec<usize>, Vec<u64>) = drawn.into_iter().map(|(size, a, b)| (size, a & b)).unzip();
            let tasks = tasks(&sizes, &reads);
            let least = least_peak(&tasks, &mut vec![]);
            let Search::Found(found) = tasks.least(usize::MAX) else { panic!("some order is below no bound") };
            prop_assert_eq!(tasks.peak(&found), least);
            for order in [found, tasks.greedy()] {
                let at = |task: usize| order.iter().position(|other| *other == task).unwrap();
                prop_assert_eq!(order.len(), tasks.len());
                for task in 0..tasks.len() {
                    prop_assert!(tasks.before[task].iter().all(|before| at(*before) < at(task)));
                }
            }
            prop_assert!(matches!(tasks.least(least), Search::NoneBelow));
        }
    }
}
