//! Planned programs give the interpreter's bits: every kernel set, several team sizes, states carried over steps.

mod common;

use common::set;
use std::collections::HashMap;
use tacit_exec::{KernelSet, Options, Program};
use tacit_ir::gradient::differentiate;
use tacit_ir::interpret::{Data, Tensor, interpret};
use tacit_ir::{DType, Graph, Op, Reduction, Scalar, ScalarFn, ValueId};

/// A small generator of reproducible numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

fn leaves(graph: &Graph, numbers: &mut Numbers) -> HashMap<String, Tensor<f32>> {
    let mut bound = HashMap::new();
    for value in graph.values() {
        let instruction = graph.instruction(value);
        let Some(name) = instruction.op.leaf_name() else { continue };
        let n = instruction.ty.elements();
        let data = match instruction.ty.dtype {
            DType::F32 => Data::Float((0..n).map(|_| numbers.float()).collect()),
            DType::I32 => Data::I32((0..n).map(|_| (numbers.next() % 7) as i32 - 1).collect()),
            DType::I8 => Data::I8((0..n).map(|_| numbers.next() as i8).collect()),
            DType::Bool => Data::Bool((0..n).map(|_| numbers.next().is_multiple_of(2)).collect()),
        };
        bound.insert(name.to_string(), Tensor { shape: instruction.ty.shape.clone(), data });
    }
    bound
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }).collect()
}

/// Three steps of the interpreter and of every planned program agree in every output and every updated leaf.
fn holds_the_bits(graph: &Graph, seed: u64) {
    const STEPS: usize = 3;
    let bound = leaves(graph, &mut Numbers(seed));
    let mut expected = vec![];
    let mut now = bound.clone();
    for _ in 0..STEPS {
        let outcome = interpret(graph, &now).unwrap();
        now.extend(outcome.updates.clone());
        expected.push(outcome);
    }
    for kernels in [KernelSet::Avx512, KernelSet::Avx2, KernelSet::Baseline].into_iter().filter(|k| k.is_available()) {
        for threads in [1, 2, 3] {
            let mut program = Program::compile(graph, &Options { threads, kernels }).unwrap();
            for (name, tensor) in &bound {
                set(&mut program, name, tensor);
            }
            for (step, expected) in expected.iter().enumerate() {
                program.step();
                let place = |name: &str| {
                    let text = tacit_ir::text::print(graph);
                    format!("`{name}`, step {step}, {kernels}, {threads} threads\n{text}")
                };
                for (name, tensor) in &expected.outputs {
                    match &tensor.data {
                        Data::Float(x) => {
                            assert_eq!(bits(program.output_f32(name).unwrap()), bits(x), "{}", place(name))
                        }
                        Data::I32(x) => assert_eq!(program.output_i32(name).unwrap(), x, "{}", place(name)),
                        Data::I8(x) => assert_eq!(program.output_i8(name).unwrap(), x, "{}", place(name)),
                        Data::Bool(x) => assert_eq!(program.output_bool(name).unwrap(), x, "{}", place(name)),
                    }
                }
                for (name, tensor) in &expected.updates {
                    if let Data::Float(x) = &tensor.data {
                        assert_eq!(bits(program.leaf_f32(name).unwrap()), bits(x), "{}", place(name));
                    }
                }
            }
        }
    }
}

/// Adds Σ value·weights as output and the gradient of it for every parameter.
fn with_gradients(graph: &mut Graph, value: ValueId) {
    let params: Vec<(String, ValueId)> = graph.params().map(|(n, v)| (n.to_string(), v)).collect();
    let square = graph.map(ScalarFn::Mul, &[value, value]).unwrap();
    let words: String = ('a'..='z').take(graph.shape(value).len()).collect();
    let loss = graph.reduce(Reduction::Sum, &format!("{words}->"), square, &[]).unwrap();
    graph.set_output("value", value).unwrap();
    graph.set_output("loss", loss).unwrap();
    let wanted: Vec<ValueId> = params.iter().map(|(_, v)| *v).collect();
    let gradients = differentiate(graph, loss, &wanted).unwrap();
    for ((name, _), gradient) in params.iter().zip(gradients) {
        graph.set_output(&format!("gradient.{name}"), gradient).unwrap();
    }
}

#[test]
fn a_normalised_softmax_layer() {
    let mut g = Graph::new();
    let x = g.param("x", &[37, 45]).unwrap();
    let top = g.reduce(Reduction::Max, "ij->i", x, &[]).unwrap();
    let shifted = g.map_nest(ScalarFn::Sub, "ij,i->ij", &[x, top]).unwrap();
    let e = g.map(ScalarFn::Exp, &[shifted]).unwrap();
    let sum = g.reduce(Reduction::Sum, "ij->i", e, &[]).unwrap();
    let y = g.map_nest(ScalarFn::Div, "ij,i->ij", &[e, sum]).unwrap();
    with_gradients(&mut g, y);
    holds_the_bits(&g, 1);
}

#[test]
fn column_sums_and_means_over_several_axes() {
    let mut g = Graph::new();
    let x = g.param("x", &[5, 7, 9, 33]).unwrap();
    let b = g.param("b", &[33]).unwrap();
    let y = g.map_nest(ScalarFn::Add, "nhwc,c->nhwc", &[x, b]).unwrap();
    let zero = g.float(0.0).unwrap();
    let y = g.map(ScalarFn::Max, &[y, zero]).unwrap();
    let sum = g.reduce(Reduction::Sum, "nhwc->c", y, &[]).unwrap();
    let middle = g.map_nest(ScalarFn::Sub, "nhwc,c->nhwc", &[y, sum]).unwrap();
    with_gradients(&mut g, middle);
    holds_the_bits(&g, 2);
}

#[test]
fn sums_and_maxima_of_channels_over_many_places() {
    // From rows that fill blocks with 16 places to one channel, along one axis or several that cannot be walked as one,
    // with terms for all lanes and for few.
    for (n, h, w, c) in [(20, 13, 11, 32), (3, 57, 5, 17), (9, 20, 40, 2), (1, 1, 70, 130), (2, 1, 3, 200)] {
        let mut g = Graph::new();
        let x = g.param("x", &[n, h, w, c]).unwrap();
        let mean = g.param("mean", &[c]).unwrap();
        let centred = g.map_nest(ScalarFn::Sub, "nhwc,c->nhwc", &[x, mean]).unwrap();
        let square = g.map(ScalarFn::Mul, &[centred, centred]).unwrap();
        let root = |g: &mut Graph, value| g.map(ScalarFn::Sqrt, &[value]).unwrap();
        for (name, reduction, words, value) in [
            ("sum", Reduction::Sum, "nhwc->c", square),
            ("greatest", Reduction::Max, "nhwc->c", centred),
            ("turned", Reduction::Sum, "wnhc->c", square),
            ("by-row", Reduction::Max, "nhwc->nc", square),
            ("first", Reduction::Sum, "nhwc->n", x),
        ] {
            let value = g.reduce(reduction, words, value, &[]).unwrap();
            let value = if reduction == Reduction::Sum { root(&mut g, value) } else { value };
            g.set_output(name, value).unwrap();
        }
        holds_the_bits(&g, 8);
    }
}

#[test]
fn reductions_over_several_pieces() {
    for (shape, words) in [
        (vec![5000], "a->"),
        (vec![3, 4099], "ab->a"),
        (vec![2100, 5], "ab->b"),
        (vec![2, 4500, 3], "abc->ac"),
        (vec![41, 53, 2, 7], "abcd->cd"),
        (vec![2049, 300], "ab->b"),
        (vec![3, 7, 683, 40], "abcd->ad"),
    ] {
        let mut g = Graph::new();
        let x = g.param("x", &shape).unwrap();
        let squares = g.map(ScalarFn::Mul, &[x, x]).unwrap();
        for (name, reduction, value) in [("sum", Reduction::Sum, squares), ("max", Reduction::Max, x)] {
            let y = g.reduce(reduction, words, value, &[]).unwrap();
            let z = g.map(ScalarFn::Tanh, &[y]).unwrap();
            g.set_output(name, z).unwrap();
        }
        holds_the_bits(&g, 11);
    }
}

#[test]
fn overlapping_and_padded_max_pools_with_ties() {
    for (words, extents) in [
        ("{2h+i}{2w+j}c->hwc", [('h', 4), ('w', 4), ('i', 3), ('j', 3)]),
        ("{2h+i-1}{2w+j-1}c->hwc", [('h', 5), ('w', 5), ('i', 3), ('j', 3)]),
        ("{2h+i}{2w+j}c->hwc", [('h', 4), ('w', 4), ('i', 2), ('j', 2)]),
        ("{h+i}{w+2j}c->hwc", [('h', 8), ('w', 6), ('i', 2), ('j', 2)]),
    ] {
        let mut g = Graph::new();
        let x = g.param("x", &[9, 9, 17]).unwrap();
        let round = g.map(ScalarFn::Round, &[x]).unwrap();
        let tied = g.map(ScalarFn::Straight, &[x, round]).unwrap();
        let y = g.reduce(Reduction::Max, words, tied, &extents).unwrap();
        with_gradients(&mut g, y);
        holds_the_bits(&g, 3);
    }
}

#[test]
fn a_kernel_with_more_values_at_once_than_registers() {
    for columns in [1, 7, 8, 67] {
        let mut g = Graph::new();
        let row = g.param("row", &[columns]).unwrap();
        let column = g.param("column", &[5]).unwrap();
        let each: Vec<_> = (0..24)
            .map(|k| {
                let x = g.param(&format!("x{k}"), &[5, columns]).unwrap();
                g.map(ScalarFn::Sigmoid, &[x]).unwrap()
            })
            .collect();
        let mut sum = g.map_nest(ScalarFn::Mul, "i,j->ij", &[column, row]).unwrap();
        for (a, b) in each.iter().zip(each.iter().rev()) {
            let product = g.map(ScalarFn::Mul, &[*a, *b]).unwrap();
            let less = g.map(ScalarFn::Less, &[sum, product]).unwrap();
            let shorter = g.map(ScalarFn::Sub, &[sum, *b]).unwrap();
            sum = g.map(ScalarFn::Select, &[less, product, shorter]).unwrap();
        }
        g.set_output("sum", sum).unwrap();
        g.set_output("first", each[0]).unwrap();
        holds_the_bits(&g, 7);
    }
}

#[test]
fn what_follows_from_parameters_is_computed_again_when_they_are_set() {
    let mut g = Graph::new();
    let x = g.input("x", DType::F32, &[9, 40]).unwrap();
    let w = g.param("w", &[40, 50]).unwrap();
    let gain = g.param("gain", &[50]).unwrap();
    let scale = g.map(ScalarFn::Exp, &[gain]).unwrap();
    let y = g.contract("mk,kn->mn", x, w, &[]).unwrap();
    let y = g.map_nest(ScalarFn::Mul, "mn,n->mn", &[y, scale]).unwrap();
    g.set_output("y", y).unwrap();
    g.set_output("scale", scale).unwrap();
    for kernels in [KernelSet::Avx512, KernelSet::Avx2, KernelSet::Baseline].into_iter().filter(|k| k.is_available()) {
        let mut program = Program::compile(&g, &Options { threads: 2, kernels }).unwrap();
        let mut bound = leaves(&g, &mut Numbers(1));
        for seed in 1..4 {
            // Only one of them is set anew each time.
            let name = ["x", "w", "gain"][seed as usize % 3];
            bound.insert(name.to_owned(), leaves(&g, &mut Numbers(seed))[name].clone());
            for (name, tensor) in bound.iter().filter(|(n, _)| seed == 1 || *n == name) {
                set(&mut program, name, tensor);
            }
            let expected = interpret(&g, &bound).unwrap();
            for _ in 0..2 {
                program.step();
                for (name, tensor) in &expected.outputs {
                    assert_eq!(bits(program.output_f32(name).unwrap()), bits(tensor.as_floats()), "{name} {kernels}");
                }
            }
        }
    }
}

#[test]
fn what_follows_from_parameters_is_there_before_what_follows_from_it() {
    let text = "tacit-ir 1
%0 = param \"w\" -> f32[]
%1 = input \"x\" -> f32[2]
%2 = map cast \"->z\" z=2 (%0) -> f32[2]
%3 = map sub (%2, %1) -> f32[2]
%4 = reduce sum \"z->\" z=2 (%2) -> f32[]
output \"difference\" = %3
output \"wide\" = %2
output \"sum\" = %4
";
    let g = tacit_ir::text::parse(text).unwrap();
    holds_the_bits(&g, 14);
}

#[test]
fn moves_pad_slice_concatenate_flip_and_reshape() {
    let mut g = Graph::new();
    let x = g.param("x", &[6, 20]).unwrap();
    let y = g.param("y", &[6, 11]).unwrap();
    let fill = Scalar::F32(0.5);
    let padded = g.move_nest(fill, "{i-2}{j-1}->ij", &[x], &[('i', 9), ('j', 23)]).unwrap();
    let flipped = g.move_nest(fill, "{-i+8}{2j}->ji", &[padded], &[('i', 9), ('j', 12)]).unwrap();
    let joined = g.move_nest(fill, "i{j},i{j-20}->ij", &[x, y], &[('j', 33)]).unwrap();
    let split = g.move_nest(fill, "i(ab)->aib", &[joined], &[('a', 3)]).unwrap();
    let merged = g.move_nest(fill, "aib->(ai)b", &[split], &[]).unwrap();
    let tanh = g.map(ScalarFn::Tanh, &[merged]).unwrap();
    let flat = g.move_nest(fill, "ab->(ab)", &[tanh], &[]).unwrap();
    g.set_output("flipped", flipped).unwrap();
    g.set_output("flat", flat).unwrap();
    with_gradients(&mut g, flat);
    holds_the_bits(&g, 4);
}

#[test]
fn rows_by_index_and_their_adjoint() {
    let mut g = Graph::new();
    let table = g.param("table", &[5, 12]).unwrap();
    let index = g.input("index", DType::I32, &[40]).unwrap();
    let rows = g.gather("*d,i->id", table, index).unwrap();
    let squared = g.map(ScalarFn::Mul, &[rows, rows]).unwrap();
    with_gradients(&mut g, squared);
    holds_the_bits(&g, 5);
}

#[test]
fn contractions_with_strides_padding_and_long_sums() {
    for (words, x, w, extents) in [
        ("{2h+i-1}{2w+j-1}c,ijco->hwo", vec![9, 9, 3], vec![3, 3, 3, 20], vec![('h', 5), ('w', 5)]),
        ("{h+2i-2}{w+2j-2}c,ijco->hwo", vec![9, 9, 3], vec![3, 3, 3, 7], vec![('h', 9), ('w', 9)]),
        ("{h+i-1}{w+j-1}c,ijc->hwc", vec![9, 9, 19], vec![3, 3, 19], vec![('h', 9), ('w', 9)]),
        ("{h+i}{w+j}(gc),ijgco->hw(go)", vec![7, 7, 6], vec![3, 3, 2, 3, 5], vec![('h', 5), ('w', 5), ('g', 2)]),
        ("mk,kn->mn", vec![30, 1100], vec![1100, 37], vec![]),
        ("km,nk->mn", vec![600, 30], vec![37, 600], vec![]),
        ("bmk,bnk->bmn", vec![3, 17, 20], vec![3, 18, 20], vec![]),
        ("k,kn->n", vec![700], vec![700, 37], vec![]),
        ("k,k->", vec![1500], vec![1500], vec![]),
    ] {
        let mut g = Graph::new();
        let x = g.param("x", &x).unwrap();
        let w = g.param("w", &w).unwrap();
        let y = g.contract(words, x, w, &extents).unwrap();
        let y = g.map(ScalarFn::Tanh, &[y]).unwrap();
        with_gradients(&mut g, y);
        holds_the_bits(&g, 6);
    }
}

#[test]
fn kernels_that_are_handed_out_in_parts() {
    // Each takes so long that two workers have several parts each: rows, batches, chunks and blocks
    // of columns; epilogues at once and across seams.
    for (words, x, w, extents) in [
        ("n{h+i-1}{w+j-1}c,ijco->nhwo", vec![4, 16, 16, 12], vec![3, 3, 12, 16], vec![('h', 16), ('w', 16)]),
        ("n{h+i-1}{w+j-1}c,ijc->nhwc", vec![8, 25, 5, 64], vec![3, 3, 64], vec![('h', 25), ('w', 5)]),
        ("mk,kn->mn", vec![100, 40], vec![40, 500], vec![]),
        ("mk,kn->mn", vec![100, 1030], vec![1030, 17], vec![]),
        ("bmk,bnk->bmn", vec![12, 40, 50], vec![12, 90, 50], vec![]),
        ("mk,kn->mn", vec![3, 9000], vec![9000, 60], vec![]),
    ] {
        let mut g = Graph::new();
        let x = g.param("x", &x).unwrap();
        let w = g.param("w", &w).unwrap();
        let y = g.contract(words, x, w, &extents).unwrap();
        let zero = g.float(0.0).unwrap();
        let y = g.map(ScalarFn::Max, &[y, zero]).unwrap();
        with_gradients(&mut g, y);
        holds_the_bits(&g, 12);
    }
    let mut g = Graph::new();
    let x = g.param("x", &[900, 200]).unwrap();
    let e = g.map(ScalarFn::Exp, &[x]).unwrap();
    let sum = g.reduce(Reduction::Sum, "ij->i", e, &[]).unwrap();
    let y = g.map_nest(ScalarFn::Div, "ij,i->ij", &[e, sum]).unwrap();
    with_gradients(&mut g, y);
    holds_the_bits(&g, 13);
}

#[test]
fn transposed_convolutions_write_through_an_affine_access() {
    let mut g = Graph::new();
    let x = g.param("x", &[5, 5, 4]).unwrap();
    let w = g.param("w", &[3, 3, 4, 6]).unwrap();
    let order = [('h', 5), ('w', 5), ('c', 4), ('i', 3), ('j', 3), ('o', 6)];
    let (operands, output) = tacit_ir::Nest::parse_accesses("hwc,ijco->{2h+i-1}{2w+j-1}o").unwrap();
    let axes = vec![order[3], order[4], order[0], order[1], order[2], order[5]];
    let nest = tacit_ir::Nest { axes, operands, output };
    let y = g.with_shape(Op::Contract, nest, &[x, w], &[10, 10, 6]).unwrap();
    with_gradients(&mut g, y);
    holds_the_bits(&g, 7);
}

#[test]
fn integers_and_booleans() {
    let mut g = Graph::new();
    let a = g.input("a", DType::I8, &[20, 30]).unwrap();
    let b = g.input("b", DType::I8, &[30, 10]).unwrap();
    let sum = g.contract("mk,kn->mn", a, b, &[]).unwrap();
    let m = g.scalar(Scalar::I32(1_518_500_250)).unwrap();
    let s = g.scalar(Scalar::I32(-4)).unwrap();
    let scaled = g.map(ScalarFn::MulShift, &[sum, m, s]).unwrap();
    let narrow = g.map(ScalarFn::Cast(DType::I8), &[scaled]).unwrap();
    let wrapped = g.map(ScalarFn::Mul, &[narrow, narrow]).unwrap();
    let zero = g.scalar(Scalar::I8(0)).unwrap();
    let negative = g.map(ScalarFn::Less, &[wrapped, zero]).unwrap();
    let any = g.reduce(Reduction::Max, "mn->n", negative, &[]).unwrap();
    let total = g.reduce(Reduction::Sum, "mn->", scaled, &[]).unwrap();
    for (name, value) in [("sum", sum), ("narrow", wrapped), ("negative", negative), ("any", any), ("total", total)] {
        g.set_output(name, value).unwrap();
    }
    holds_the_bits(&g, 8);
}

#[test]
fn sums_of_bytes_over_places() {
    // Channels that fill rows of sums, some that do not, and more than one row; places along one axis and along several that
    // cannot be walked as one.
    for (n, h, w, c) in [(1, 25, 5, 64), (3, 7, 6, 130), (2, 9, 4, 5), (4, 1, 1, 200), (2, 40, 30, 96)] {
        let mut g = Graph::new();
        let x = g.input("x", DType::I8, &[n, h, w, c]).unwrap();
        let wide = g.map(ScalarFn::Cast(DType::I32), &[x]).unwrap();
        for (name, words) in [
            ("images", "nhwc->nc"),
            ("rows", "nhwc->hc"),
            ("columns", "nhwc->wc"),
            ("channels", "nhwc->c"),
            ("turned", "nhwc->cn"),
            ("places", "nhwc->nhw"),
        ] {
            let sum = g.reduce(Reduction::Sum, words, wide, &[]).unwrap();
            g.set_output(name, sum).unwrap();
        }
        let greatest = g.reduce(Reduction::Max, "nhwc->nc", wide, &[]).unwrap();
        g.set_output("greatest", greatest).unwrap();
        holds_the_bits(&g, 12);
    }
}

#[test]
fn sums_of_bytes_at_scales_of_their_own() {
    let mut numbers = Numbers(21);
    for case in 0..60 {
        let mut g = Graph::new();
        let shape = [[24, 16], [7, 5], [3, 4096], [130, 8]][case % 4];
        let integer = |g: &mut Graph, value: i32| g.scalar(Scalar::I32(value)).unwrap();
        // As a residual sum has them, and at the ends of what there can be.
        let factor = |numbers: &mut Numbers| match numbers.next() % 8 {
            0 => i32::MAX,
            1 => i32::MIN,
            2 => 1 << 30,
            3 => numbers.next() as i32,
            _ => (numbers.next() >> 33) as i32 | 1 << 30,
        };
        let mut scaled = vec![];
        for name in ["a", "b"] {
            let x = g.input(name, DType::I8, &shape).unwrap();
            let x = g.map(ScalarFn::Cast(DType::I32), &[x]).unwrap();
            let zero_point = integer(&mut g, numbers.next() as i8 as i32);
            let x = g.map(ScalarFn::Sub, &[x, zero_point]).unwrap();
            let places =
                integer(&mut g, if numbers.next().is_multiple_of(3) { (numbers.next() % 32) as i32 } else { 20 });
            let x = g.map(ScalarFn::ShiftLeft, &[x, places]).unwrap();
            let factor = integer(&mut g, factor(&mut numbers));
            let shift = integer(&mut g, -((numbers.next() % 5) as i32));
            scaled.push(g.map(ScalarFn::MulShift, &[x, factor, shift]).unwrap());
        }
        let sum = g.map(ScalarFn::Add, &scaled).unwrap();
        let factor = integer(&mut g, factor(&mut numbers));
        let shift = integer(&mut g, -((numbers.next() % 24) as i32));
        let sum = g.map(ScalarFn::MulShift, &[sum, factor, shift]).unwrap();
        let zero_point = integer(&mut g, numbers.next() as i8 as i32);
        let sum = g.map(ScalarFn::Add, &[sum, zero_point]).unwrap();
        let narrow = g.map(ScalarFn::Cast(DType::I8), &[sum]).unwrap();
        let zero = g.scalar(Scalar::I8(0)).unwrap();
        let positive = g.map(ScalarFn::Less, &[zero, narrow]).unwrap();
        g.set_output("narrow", narrow).unwrap();
        g.set_output("positive", positive).unwrap();
        holds_the_bits(&g, 100 + case as u64);
    }
}

#[test]
fn floats_of_every_kind_become_integers() {
    for shape in [vec![3, 40], vec![5, 7], vec![4096]] {
        let mut g = Graph::new();
        let x = g.param("x", &shape).unwrap();
        let nothing = g.map(ScalarFn::Sub, &[x, x]).unwrap();
        let infinite = g.map(ScalarFn::Div, &[x, nothing]).unwrap();
        let no_number = g.map(ScalarFn::Div, &[nothing, nothing]).unwrap();
        let mut floats = vec![("infinite".to_owned(), infinite), ("no-number".to_owned(), no_number)];
        for scale in [1.0, 130.0, 40_000.0, 2.2e9, f32::MAX] {
            let factor = g.float(scale).unwrap();
            floats.push((format!("scale_{scale:e}"), g.map(ScalarFn::Mul, &[x, factor]).unwrap()));
        }
        for edge in [127.99, -128.99, 2_147_483_520.0, 2_147_483_648.0, -2_147_483_648.0, -0.0] {
            let zero = g.float(0.0).unwrap();
            let nothing = g.map(ScalarFn::Max, &[nothing, zero]).unwrap();
            let value = g.float(edge).unwrap();
            floats.push((format!("edge_{edge}"), g.map(ScalarFn::Add, &[nothing, value]).unwrap()));
        }
        for (name, float) in floats {
            for dtype in [DType::I32, DType::I8] {
                let integer = g.map(ScalarFn::Cast(dtype), &[float]).unwrap();
                g.set_output(&format!("{name}_as_{dtype:?}"), integer).unwrap();
            }
        }
        holds_the_bits(&g, 14);
    }
}

#[test]
fn updates_in_place_and_by_copy() {
    let mut g = Graph::new();
    let key = g.input("key", DType::I32, &[2]).unwrap();
    let w = g.param("w", &[50, 30]).unwrap();
    let m = g.state("m", Scalar::F32(0.0), &[50, 30]).unwrap();
    let queue = g.state("queue", Scalar::F32(0.0), &[4, 30]).unwrap();
    let noise = g.random(key, 3, &[50, 30]).unwrap();
    let rate = g.float(0.1).unwrap();
    let gradient = g.map(ScalarFn::Mul, &[w, noise]).unwrap();
    let kept = g.map(ScalarFn::Mul, &[m, rate]).unwrap();
    let next_m = g.map(ScalarFn::Add, &[kept, gradient]).unwrap();
    let step = g.map(ScalarFn::Mul, &[next_m, rate]).unwrap();
    let next_w = g.map(ScalarFn::Sub, &[w, step]).unwrap();
    let sum = g.reduce(Reduction::Sum, "ij->j", next_w, &[]).unwrap();
    let slab = g.move_nest(Scalar::F32(0.0), "j->aj", &[sum], &[('a', 1)]).unwrap();
    let shifted = g.move_nest(Scalar::F32(0.0), "{i+1}j,{i-3}j->ij", &[queue, slab], &[('i', 4)]).unwrap();
    g.set_update(m, next_m).unwrap();
    g.set_update(w, next_w).unwrap();
    g.set_update(queue, shifted).unwrap();
    g.set_output("sum", sum).unwrap();
    holds_the_bits(&g, 9);
}
