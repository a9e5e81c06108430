//! The rate of matrix products and convolutions, with their input and weight gradients, in GFLOP/s:
//! `cargo run --release --example contract_rate -- [part of a name]`. Threads and kernels come from `TACIT_THREADS`
//! and `TACIT_KERNELS`; other load on the machine shows, so the best of many runs is printed.

use std::time::{Duration, Instant};

use tacit_exec::{Options, Program, profile};
use tacit_ir::gradient::differentiate;
use tacit_ir::passes::plan::KernelKind;
use tacit_ir::{DType, Graph, Op, Reduction, Result, ScalarFn};

/// A contraction by its accesses, the shapes of its operands and the extents that these do not show.
struct Case {
    name: &'static str,
    words: &'static str,
    shapes: [&'static [usize]; 2],
    given: &'static [(char, usize)],
}

const CASES: &[Case] = &[
    Case { name: "product 512", words: "mk,kn->mn", shapes: [&[512, 512], &[512, 512]], given: &[] },
    Case { name: "product 1024", words: "mk,kn->mn", shapes: [&[1024, 1024], &[1024, 1024]], given: &[] },
    Case { name: "product 128x512x784", words: "mk,kn->mn", shapes: [&[128, 784], &[784, 512]], given: &[] },
    Case { name: "product 128x10x512", words: "mk,kn->mn", shapes: [&[128, 512], &[512, 10]], given: &[] },
    Case { name: "product 64x128x9216", words: "mk,kn->mn", shapes: [&[64, 9216], &[9216, 128]], given: &[] },
    Case { name: "product 1024x1024x256", words: "mk,kn->mn", shapes: [&[1024, 256], &[256, 1024]], given: &[] },
    Case { name: "product 1024x256x1024", words: "mk,kn->mn", shapes: [&[1024, 1024], &[1024, 256]], given: &[] },
    Case { name: "row 1024", words: "mk,kn->mn", shapes: [&[1, 1024], &[1024, 1024]], given: &[] },
    Case {
        name: "attention 16 heads 128x64",
        words: "bthd,bshd->bhts",
        shapes: [&[1, 128, 16, 64], &[1, 128, 16, 64]],
        given: &[],
    },
    Case {
        name: "conv 28 1->32 valid",
        words: "n{h+i}{w+j}c,ijco->nhwo",
        shapes: [&[64, 28, 28, 1], &[3, 3, 1, 32]],
        given: &[('h', 26), ('w', 26)],
    },
    Case {
        name: "conv 26 32->64 valid",
        words: "n{h+i}{w+j}c,ijco->nhwo",
        shapes: [&[64, 26, 26, 32], &[3, 3, 32, 64]],
        given: &[('h', 24), ('w', 24)],
    },
    Case {
        name: "conv 16 32->32 same",
        words: "n{h+i-1}{w+j-1}c,ijco->nhwo",
        shapes: [&[32, 16, 16, 32], &[3, 3, 32, 32]],
        given: &[('h', 16), ('w', 16)],
    },
    Case {
        name: "conv 32 16->16 same",
        words: "n{h+i-1}{w+j-1}c,ijco->nhwo",
        shapes: [&[32, 32, 32, 16], &[3, 3, 16, 16]],
        given: &[('h', 32), ('w', 32)],
    },
    Case {
        name: "conv 8 64->64 same",
        words: "n{h+i-1}{w+j-1}c,ijco->nhwo",
        shapes: [&[32, 8, 8, 64], &[3, 3, 64, 64]],
        given: &[('h', 8), ('w', 8)],
    },
    Case {
        name: "conv 32 16->32 stride 2",
        words: "n{2h+i-1}{2w+j-1}c,ijco->nhwo",
        shapes: [&[32, 32, 32, 16], &[3, 3, 16, 32]],
        given: &[('h', 16), ('w', 16)],
    },
    Case {
        name: "conv 14 256->256 same",
        words: "n{h+i-1}{w+j-1}c,ijco->nhwo",
        shapes: [&[4, 14, 14, 256], &[3, 3, 256, 256]],
        given: &[('h', 14), ('w', 14)],
    },
    Case {
        name: "depthwise 16 64 same",
        words: "n{h+i-1}{w+j-1}c,ijc->nhwc",
        shapes: [&[32, 16, 16, 64], &[3, 3, 64]],
        given: &[('h', 16), ('w', 16)],
    },
];

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let options = Options::from_environment().expect("the environment is sound");
    println!("{} threads, {}: forward, then the gradients of the operands", options.threads, options.kernels);
    for case in CASES.iter().filter(|case| case.name.contains(&wanted)) {
        let (graph, flops) = graph(case).expect("the case is sound");
        let planning = Instant::now();
        let mut program = Program::compile(&graph, &options).expect("there are kernels");
        let planned_ms = planning.elapsed().as_secs_f64() * 1e3;
        for value in graph.values() {
            let instruction = graph.instruction(value);
            if let Some(name) = instruction.op.leaf_name() {
                program.set_f32(name, &vec![0.5; instruction.ty.elements()]).expect("a float leaf");
            }
        }
        print!("{:28}", case.name);
        let kernels = profile(&mut program, &graph, Duration::from_millis(700));
        for kernel in kernels.iter().filter(|kernel| kernel.kind == KernelKind::Contract) {
            print!(" {:6.1}", flops / kernel.seconds / 1e9);
        }
        println!("   (planned in {planned_ms:.1} ms)");
    }
}

/// The contraction and its gradients, and the operations of each, skipped ones included.
fn graph(case: &Case) -> Result<(Graph, f64)> {
    let mut graph = Graph::new();
    let g = &mut graph;
    let a = g.input("a", DType::F32, case.shapes[0])?;
    let b = g.input("b", DType::F32, case.shapes[1])?;
    let y = g.contract(case.words, a, b, case.given)?;
    let shape = g.shape(y).to_vec();
    let dy = g.input("dy", DType::F32, &shape)?;
    let product = g.map(ScalarFn::Mul, &[y, dy])?;
    let axes: String = ('a'..='z').take(shape.len()).collect();
    let loss = g.reduce(Reduction::Sum, &format!("{axes}->"), product, &[])?;
    let gradients = differentiate(g, loss, &[a, b])?;
    g.set_output("loss", loss)?;
    g.set_output("da", gradients[0])?;
    g.set_output("db", gradients[1])?;
    let instruction = g.instruction(y);
    assert_eq!(instruction.op, Op::Contract);
    let flops = 2.0 * instruction.nest.axes.iter().map(|(_, extent)| *extent as f64).product::<f64>();
    Ok((graph, flops))
}
