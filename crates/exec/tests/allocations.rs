//! Nothing is allocated inside a step, whatever the kernels and the team.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use tacit_exec::{KernelSet, Options, Program};
use tacit_ir::gradient::differentiate;
use tacit_ir::{DType, Graph, Reduction, Scalar, ScalarFn};

/// Counts every request of every thread.
struct Counting;

static REQUESTS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every request is passed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        REQUESTS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A training step with every kind of kernel: contractions (padded, strided, integer), reductions along both
/// directions, moves, rows by index, random numbers, updates in place and by copy.
fn training_step() -> Graph {
    let mut g = Graph::new();
    let key = g.input("key", DType::I32, &[2]).unwrap();
    let index = g.input("index", DType::I32, &[8]).unwrap();
    let table = g.param("table", &[5, 192]).unwrap();
    let rows = g.gather("*d,i->id", table, index).unwrap();
    let x = g.move_nest(Scalar::F32(0.0), "n(hwc)->nhwc", &[rows], &[('h', 8), ('w', 8)]).unwrap();
    let w = g.param("w", &[3, 3, 3, 20]).unwrap();
    let words = "n{2h+i-1}{2w+j-1}c,ijco->nhwo";
    let y = g.contract(words, x, w, &[('h', 4), ('w', 4)]).unwrap();
    let noise = g.random(key, 1, &[8, 4, 4, 20]).unwrap();
    let y = g.map(ScalarFn::Mul, &[y, noise]).unwrap();
    let pooled =
        g.reduce(Reduction::Max, "n{2h+i}{2w+j}o->nhwo", y, &[('h', 2), ('w', 2), ('i', 2), ('j', 2)]).unwrap();
    let flat = g.move_nest(Scalar::F32(0.0), "nhwo->n(hwo)", &[pooled], &[]).unwrap();
    let e = g.map(ScalarFn::Exp, &[flat]).unwrap();
    let sum = g.reduce(Reduction::Sum, "nk->n", e, &[]).unwrap();
    let log = g.map(ScalarFn::Log, &[sum]).unwrap();
    let loss = g.reduce(Reduction::Sum, "n->", log, &[]).unwrap();
    g.set_output("loss", loss).unwrap();
    let params = [table, w];
    let gradients = differentiate(&mut g, loss, &params).unwrap();
    let rate = g.float(0.01).unwrap();
    for (param, gradient) in params.into_iter().zip(gradients) {
        let step = g.map(ScalarFn::Mul, &[gradient, rate]).unwrap();
        let next = g.map(ScalarFn::Sub, &[param, step]).unwrap();
        g.set_update(param, next).unwrap();
    }
    let queue = g.state("queue", Scalar::F32(0.0), &[4, 8]).unwrap();
    let row = g.move_nest(Scalar::F32(0.0), "n->an", &[log], &[('a', 1)]).unwrap();
    let shifted = g.move_nest(Scalar::F32(0.0), "{i+1}j,{i-3}j->ij", &[queue, row], &[('i', 4)]).unwrap();
    g.set_update(queue, shifted).unwrap();
    let a = g.input("a", DType::I8, &[6, 7]).unwrap();
    let product = g.contract("mk,nk->mn", a, a, &[]).unwrap();
    g.set_output("product", product).unwrap();
    g
}

#[test]
fn a_step_allocates_nothing() {
    let graph = training_step();
    for kernels in [KernelSet::Avx512, KernelSet::Avx2, KernelSet::Baseline].into_iter().filter(|k| k.is_available()) {
        for threads in [1, 2] {
            let mut program = Program::compile(&graph, &Options { threads, kernels }).unwrap();
            // The first step may set up what the system gives to new threads.
            program.step();
            let before = REQUESTS.load(Ordering::SeqCst);
            for _ in 0..5 {
                program.step();
            }
            assert_eq!(REQUESTS.load(Ordering::SeqCst) - before, 0, "{kernels}, {threads} threads");
        }
    }
}
