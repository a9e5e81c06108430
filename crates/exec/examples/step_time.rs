//! Times a training step of two small ConvNets, kernel by kernel: `cargo run --release --example step_time -- w7`.

use std::time::Instant;
use tacit_exec::{Options, Program};
use tacit_ir::gradient::differentiate;
use tacit_ir::{DType, Graph, Reduction, Result, Scalar, ScalarFn, ValueId};

fn main() {
    let which = std::env::args().nth(1).unwrap_or("w7".into());
    let graph = match which.as_str() {
        "w2" => convnet(64, 28, [(32, 1, 0), (64, 1, 0)], true, 128),
        _ => convnet(32, 8, [(16, 1, 1), (32, 2, 1)], false, 64),
    }
    .expect("the graph is sound");
    let options = Options::from_environment().expect("the environment is sound");
    let mut program = Program::compile(&graph, &options).expect("there are kernels");
    let mut seed = 1u32;
    for value in graph.values() {
        let instruction = graph.instruction(value);
        let Some(name) = instruction.op.leaf_name() else { continue };
        let n = instruction.ty.elements();
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        if name == "label" {
            // Labels that cannot be learnt keep gradients away from zero.
            let labels: Vec<i32> = (0..n).map(|_| (next().abs() * 20.0) as i32).collect();
            program.set_i32(name, &labels).expect("a label");
        }
        if instruction.ty.dtype == DType::F32 && !name.contains('.') {
            let values: Vec<f32> = (0..n).map(|_| next() * 0.2).collect();
            program.set_f32(name, &values).expect("a float leaf");
        }
    }
    let mut times = vec![];
    for _ in 0..60 {
        let start = Instant::now();
        program.step();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let plan = program.plan();
    println!(
        "{which}: min {:.1} µs, median {:.1} µs, {} kernels, arena {} KiB (bound {}), loss {:?}",
        times[0] * 1e6,
        times[times.len() / 2] * 1e6,
        plan.kernels.len(),
        plan.arena_bytes / 1024,
        plan.lower_bound_bytes / 1024,
        program.output_f32("loss"),
    );
    let mut rows = program.profile(&graph);
    for _ in 0..20 {
        for (row, again) in rows.iter_mut().zip(program.profile(&graph)) {
            row.1 = row.1.min(again.1);
        }
    }
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (line, seconds) in rows.iter().take(25) {
        println!("{:8.1} µs  {line}", seconds * 1e6);
    }
}

/// conv3, relu, conv3, relu, (max-pool 2), dense, relu, dense 10, cross-entropy, AdamW.
fn convnet(n: usize, size: usize, convs: [(usize, usize, i64); 2], pool: bool, hidden: usize) -> Result<Graph> {
    let g = &mut Graph::new();
    let mut x = g.input("x", DType::F32, &[n, size, size, 1])?;
    let label = g.input("label", DType::I32, &[n])?;
    let mut params: Vec<ValueId> = vec![];
    let zero = g.float(0.0)?;
    for (k, (channels, stride, pad)) in convs.into_iter().enumerate() {
        let [_, h, _, c] = g.shape(x)[..] else { unreachable!() };
        let out = (h + 2 * pad as usize - 3) / stride + 1;
        let w = g.param(&format!("w{k}"), &[3, 3, c, channels])?;
        let b = g.param(&format!("b{k}"), &[channels])?;
        let words =
            format!("n{{{stride}h+i-{pad}}}{{{stride}w+j-{pad}}}c,ijco->nhwo").replace("-0}", "}").replace("{1", "{");
        let y = g.contract(&words, x, w, &[('h', out), ('w', out)])?;
        let y = g.map_nest(ScalarFn::Add, "nhwo,o->nhwo", &[y, b])?;
        x = g.map(ScalarFn::Max, &[y, zero])?;
        params.extend([w, b]);
    }
    if pool {
        let half = g.shape(x)[1] / 2;
        x = g.reduce(Reduction::Max, "n{2h+i}{2w+j}c->nhwc", x, &[('h', half), ('w', half), ('i', 2), ('j', 2)])?;
    }
    x = g.move_nest(Scalar::F32(0.0), "nhwc->n(hwc)", &[x], &[])?;
    for (k, units) in [hidden, 10].into_iter().enumerate() {
        let w = g.param(&format!("d{k}"), &[g.shape(x)[1], units])?;
        let b = g.param(&format!("e{k}"), &[units])?;
        let y = g.contract("nk,ko->no", x, w, &[])?;
        x = g.map_nest(ScalarFn::Add, "no,o->no", &[y, b])?;
        if k == 0 {
            x = g.map(ScalarFn::Max, &[x, zero])?;
        }
        params.extend([w, b]);
    }
    let top = g.reduce(Reduction::Max, "no->n", x, &[])?;
    let top = g.map(ScalarFn::Straight, &[zero, top]).or_else(|_| {
        let zeros = g.move_nest(Scalar::F32(0.0), "->n", &[zero], &[('n', n)])?;
        g.map(ScalarFn::Straight, &[zeros, top])
    })?;
    let shifted = g.map_nest(ScalarFn::Sub, "no,n->no", &[x, top])?;
    let e = g.map(ScalarFn::Exp, &[shifted])?;
    let sum = g.reduce(Reduction::Sum, "no->n", e, &[])?;
    let log = g.map(ScalarFn::Log, &[sum])?;
    let classes = g.iota(10)?;
    let hot = g.map_nest(ScalarFn::Equal, "n,o->no", &[label, classes])?;
    let hot = g.map(ScalarFn::Cast(DType::F32), &[hot])?;
    let picked = g.map(ScalarFn::Mul, &[hot, shifted])?;
    let picked = g.reduce(Reduction::Sum, "no->n", picked, &[])?;
    let each = g.map(ScalarFn::Sub, &[log, picked])?;
    let total = g.reduce(Reduction::Sum, "n->", each, &[])?;
    let count = g.float(n as f32)?;
    let loss = g.map(ScalarFn::Div, &[total, count])?;
    g.set_output("loss", loss)?;
    let gradients = differentiate(g, loss, &params)?;
    for (k, (p, d)) in params.into_iter().zip(gradients).enumerate() {
        let shape = g.shape(p).to_vec();
        let m = g.state(&format!("m.{k}"), Scalar::F32(0.0), &shape)?;
        let v = g.state(&format!("v.{k}"), Scalar::F32(0.0), &shape)?;
        let [b1, c1, b2, c2, eps, rate] = [0.9, 0.1, 0.999, 0.001, 1e-8, 1e-3].map(|x| g.float(x).expect("a number"));
        let kept = g.map(ScalarFn::Mul, &[m, b1])?;
        let new = g.map(ScalarFn::Mul, &[d, c1])?;
        let m_next = g.map(ScalarFn::Add, &[kept, new])?;
        let square = g.map(ScalarFn::Mul, &[d, d])?;
        let kept = g.map(ScalarFn::Mul, &[v, b2])?;
        let new = g.map(ScalarFn::Mul, &[square, c2])?;
        let v_next = g.map(ScalarFn::Add, &[kept, new])?;
        let root = g.map(ScalarFn::Sqrt, &[v_next])?;
        let below = g.map(ScalarFn::Add, &[root, eps])?;
        let step = g.map(ScalarFn::Div, &[m_next, below])?;
        let step = g.map(ScalarFn::Mul, &[step, rate])?;
        let p_next = g.map(ScalarFn::Sub, &[p, step])?;
        g.set_update(m, m_next)?;
        g.set_update(v, v_next)?;
        g.set_update(p, p_next)?;
    }
    Ok(std::mem::take(g))
}
