//! Where the time of a program goes: what each kernel took, beside the work that it has to do.

use crate::program::Program;
use crate::schedule::Work;
use std::time::{Duration, Instant};
use tacit_ir::passes::plan::{Kernel, KernelKind, Plan};
use tacit_ir::{Graph, ValueId};

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
    /// Arithmetic operations, a multiply-add being two; terms that are skipped at edges count.
    pub operations: u64,
    /// Bytes of all tensors that it reads and writes, each counted once.
    pub bytes: u64,
}

impl KernelTime {
    /// Billions of operations a second.
    pub fn gflops(&self) -> f64 {
        self.operations as f64 / self.seconds / 1e9
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
    let work = Work::of(graph, plan, kernel);
    KernelTime {
        root: line(kernel.root),
        anchor: kernel.anchor.map(line),
        kind: kernel.kind,
        instructions: work.instructions.len(),
        seconds,
        operations: work.contracted + work.mapped,
        bytes: work.bytes,
    }
}
