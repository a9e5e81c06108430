//! Where the time of a program goes: what each kernel took, beside the work that it has to do.

use crate::program::Program;
use std::time::{Duration, Instant};
use tacit_ir::passes::instruction_cost;
use tacit_ir::passes::plan::{Fate, Kernel, KernelKind, Plan};
use tacit_ir::{Graph, Op, ValueId};

/// One kernel of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelTime {
    /// The instruction at its root, in text form.
    pub root: String,
    /// The contraction or reduction that its maps stand behind, in text form.
    pub anchor: Option<String>,
    pub kind: KernelKind,
    /// The instructions that it computes.
    pub instructions: usize,
    /// The least of all runs.
    pub seconds: f64,
    /// Floating-point operations, a multiply-add being two; terms that are skipped at edges count.
    pub float_operations: u64,
    /// Bytes of all tensors that it reads and writes, each counted once.
    pub bytes: u64,
}

impl KernelTime {
    /// Billions of floating-point operations a second.
    pub fn gflops(&self) -> f64 {
        self.float_operations as f64 / self.seconds / 1e9
    }

    /// Billions of bytes a second.
    pub fn gigabytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.seconds / 1e9
    }
}

/// Runs a program of this graph again and again for about so long, and gives the kernels in their order.
pub fn profile(program: &mut Program, graph: &Graph, time: Duration) -> Vec<KernelTime> {
    let mut seconds = program.kernel_seconds();
    let start = Instant::now();
    while start.elapsed() < time {
        for (least, again) in seconds.iter_mut().zip(program.kernel_seconds()) {
            *least = least.min(again);
        }
    }
    let plan = program.plan();
    plan.kernels.iter().zip(seconds).map(|(kernel, seconds)| described(graph, plan, kernel, seconds)).collect()
}

fn described(graph: &Graph, plan: &Plan, kernel: &Kernel, seconds: f64) -> KernelTime {
    let line = |value: ValueId| tacit_ir::text::print_instruction(graph, value);
    let mut inside: Vec<ValueId> = vec![];
    let mut read: Vec<ValueId> = vec![];
    let mut open: Vec<ValueId> = std::iter::once(kernel.root).chain(kernel.also_stored.iter().copied()).collect();
    while let Some(value) = open.pop() {
        if inside.contains(&value) {
            continue;
        }
        inside.push(value);
        if matches!(graph.instruction(value).op, Op::Extent { .. }) {
            continue;
        }
        for operand in &graph.instruction(value).operands {
            let is_own = plan.fates[operand.index()] == Fate::Inline
                || kernel.anchor == Some(*operand)
                || kernel.also_stored.contains(operand);
            match is_own {
                true => open.push(*operand),
                false if !read.contains(operand) => read.push(*operand),
                false => {}
            }
        }
    }
    let written = 1 + kernel.also_stored.len();
    let bytes = read.iter().map(|value| graph.ty(*value).bytes() as u64).sum::<u64>()
        + written as u64 * graph.ty(kernel.root).bytes() as u64;
    KernelTime {
        root: line(kernel.root),
        anchor: kernel.anchor.map(line),
        kind: kernel.kind,
        instructions: inside.len(),
        seconds,
        float_operations: inside.iter().map(|value| instruction_cost(graph, *value).float_operations).sum(),
        bytes,
    }
}
