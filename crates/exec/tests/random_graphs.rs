//! Random programs, simplified, planned and fused, on every kernel set and on one and two threads, give the
//! interpreter's bits; so do the programs that compute their gradients.

mod common;

use common::set;
use proptest::prelude::*;
use std::collections::HashMap;
use tacit_exec::{KernelSet, Options, Program};
use tacit_ir::interpret::{Data, Tensor, interpret};
use tacit_ir::passes::plan::plan;
use tacit_ir::passes::simplify;
use tacit_ir::testing::{self, first_difference, random_graph, random_leaves, with_gradients};
use tacit_ir::{DType, Graph, Scalar, ScalarFn, ValueId, text};
use tacit_nn::{
    Bins, Block, Categories, Dates, Goal, Head, HeadKind, Layer, Numbers, Optimiser, OptimiserKind, Raw, Schedule,
    TrainingSpec, Window, training_step,
};

fn output(program: &Program, name: &str, like: &Tensor<f32>) -> Tensor<f32> {
    let data = match &like.data {
        Data::Float(_) => Data::Float(program.output_f32(name).unwrap().to_vec()),
        Data::I32(_) => Data::I32(program.output_i32(name).unwrap().to_vec()),
        Data::I8(_) => Data::I8(program.output_i8(name).unwrap().to_vec()),
        Data::Bool(_) => Data::Bool(program.output_bool(name).unwrap().to_vec()),
    };
    Tensor { shape: like.shape.clone(), data }
}

fn check(graph: &Graph, leaves: &HashMap<String, Tensor<f32>>) -> Result<(), TestCaseError> {
    let simpler = simplify(graph).unwrap();
    let first = interpret(graph, leaves).unwrap();
    let mut carried = leaves.clone();
    carried.extend(first.updates.clone());
    let second = interpret(graph, &carried).unwrap();
    for kernels in [KernelSet::Avx512, KernelSet::Avx2, KernelSet::Baseline].into_iter().filter(|k| k.is_available()) {
        for threads in [1, 2] {
            let mut program = Program::compile(&simpler, &Options { threads, kernels }).unwrap();
            for (name, tensor) in leaves {
                if simpler.leaf(name).is_some() {
                    set(&mut program, name, tensor);
                }
            }
            for (step, expected) in [&first, &second].into_iter().enumerate() {
                program.step();
                for (name, tensor) in &expected.outputs {
                    let found = output(&program, name, tensor);
                    prop_assert_eq!(
                        first_difference(&found, tensor),
                        None,
                        "output `{}` of step {} with {} on {} threads of\n{}",
                        name,
                        step,
                        kernels,
                        threads,
                        text::print(&simpler)
                    );
                }
                for (name, tensor) in &expected.updates {
                    if let Data::Float(x) = &tensor.data {
                        let found = Tensor::floats(&tensor.shape, program.leaf_f32(name).unwrap().to_vec());
                        prop_assert_eq!(
                            first_difference(&found, tensor),
                            None,
                            "leaf `{}` ({} elements) after step {} with {} on {} threads of\n{}",
                            name,
                            x.len(),
                            step,
                            kernels,
                            threads,
                            text::print(&simpler)
                        );
                    }
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn planned_programs_give_the_interpreters_bits(seed in any::<u64>(), instructions in 1usize..30) {
        let options = testing::Options { instructions, ..testing::Options::default() };
        let graph = random_graph(seed, &options);
        check(&graph, &random_leaves(&graph, seed, &options))?;
    }

    #[test]
    fn planned_gradients_give_the_interpreters_bits(seed in any::<u64>(), instructions in 1usize..14) {
        let options = testing::Options { instructions, ..testing::Options::default() };
        let graph = random_graph(seed, &options);
        check(&with_gradients(&graph), &random_leaves(&graph, seed, &options))?;
    }

    #[test]
    fn what_is_settled_follows_from_what_is_settled(seed in any::<u64>(), instructions in 1usize..14) {
        let options = testing::Options { instructions, ..testing::Options::default() };
        let graph = simplify(&with_gradients(&random_graph(seed, &options))).unwrap();
        let plan = plan(&graph);
        let written: HashMap<ValueId, bool> = plan
            .kernels
            .iter()
            .flat_map(|kernel| kernel.also_stored.iter().chain([&kernel.root]).map(|value| (*value, kernel.settled)))
            .collect();
        for kernel in plan.kernels.iter().filter(|kernel| kernel.settled) {
            for read in plan.contents(&graph, kernel).reads {
                prop_assert_ne!(written.get(&read), Some(&false), "%{} reads %{}", kernel.root.index(), read.index());
            }
        }
    }

    #[test]
    fn no_two_live_buffers_overlap_and_the_peak_is_at_least_the_bound(seed in any::<u64>(), instructions in 1usize..40) {
        let options = testing::Options { instructions, ..testing::Options::default() };
        let graph = with_gradients(&random_graph(seed, &options));
        let plan = plan(&graph);
        prop_assert!(plan.arena_bytes >= plan.lower_bound_bytes);
        for (k, one) in plan.buffers.iter().enumerate() {
            prop_assert!(one.offset + one.bytes <= plan.arena_bytes);
            for other in &plan.buffers[..k] {
                let together = one.first <= other.last && other.first <= one.last;
                let apart = one.offset + one.bytes <= other.offset || other.offset + other.bytes <= one.offset;
                prop_assert!(apart || !together, "{one:?} and {other:?}");
            }
        }
    }
}

/// Neighbours combined by constants along two dimensions, and merged into the rows and columns of an image with maps behind, as
/// in Winograd's convolutions: every term is an operation of a loop, and borders cut its index space into boxes.
fn combination(seed: u64, side: usize, tiles: [usize; 2], places: usize, offset: i64, channels: usize) -> Graph {
    let mut draw = testing::Draw::new(seed);
    let mut matrix = |graph: &mut Graph, rows: usize, columns: usize| {
        let values = (0..rows * columns).map(|_| Scalar::F32(draw.float(false))).collect();
        graph.constant(values, &[rows, columns]).unwrap()
    };
    let [rows, columns] = tiles.map(|count| count * side);
    let mut graph = Graph::new();
    let x = graph.input("x", DType::F32, &[2, rows + 1, columns + 2, channels]).unwrap();
    let bias = graph.param("bias", &[channels]).unwrap();
    let to = matrix(&mut graph, places, side + 2);
    let from = matrix(&mut graph, side, places);
    let reads = |tile: char, step: char| format!("{{{side}{tile}+{step}{offset:+}}}");
    let given = [('t', tiles[0]), ('u', tiles[1])];
    let y = graph.contract(&format!("n{}wc,ai->ntawc", reads('t', 'i')), x, to, &given[..1]).unwrap();
    let y = graph.contract(&format!("nta{}c,bj->nabtuc", reads('u', 'j')), y, to, &given[1..]).unwrap();
    let y = graph.contract("nabtuc,ra->nbtruc", y, from, &[]).unwrap();
    let y = graph.contract("nbtruc,sb->n(tr)(us)c", y, from, &[]).unwrap();
    let sum = graph.map_nest(ScalarFn::Add, "nhwc,c->nhwc", &[y, bias]).unwrap();
    let zero = graph.float(0.0).unwrap();
    let result = graph.map(ScalarFn::Max, &[sum, zero]).unwrap();
    graph.set_output("result", result).unwrap();
    if seed.is_multiple_of(2) {
        graph.set_output("sum", sum).unwrap();
    }
    graph
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn combinations_by_constants_give_the_interpreters_bits(
        seed in any::<u64>(),
        side in 1usize..5,
        tiles in [1usize..5, 1usize..6],
        places in 1usize..7,
        offset in -3i64..3,
        channels in 1usize..40,
    ) {
        let graph = combination(seed, side, tiles, places, offset, channels);
        check(&graph, &random_leaves(&graph, seed, &testing::Options::default()))?;
    }
}

/// A product with random maps behind it: biases, scales, residuals, bounds, and some that no tile takes on.
fn product_with_maps(seed: u64, [rows, terms, lanes]: [usize; 3], maps: usize) -> Graph {
    let mut draw = testing::Draw::new(seed);
    let mut graph = Graph::new();
    let x = graph.input("x", DType::F32, &[rows, terms]).unwrap();
    let weights = graph.param("weights", &[terms, lanes]).unwrap();
    let mut y = graph.contract("am,mz->az", x, weights, &[]).unwrap();
    for k in 0..maps {
        let function = draw.pick(&[ScalarFn::Add, ScalarFn::Add, ScalarFn::Mul, ScalarFn::Max, ScalarFn::Min]);
        let of_row = |graph: &mut Graph| graph.input(&format!("row{k}"), DType::F32, &[rows]).unwrap();
        y = match draw.below(9) {
            0..3 => {
                let channels = graph.param(&format!("channels{k}"), &[lanes]).unwrap();
                graph.map_nest(function, "az,z->az", &[y, channels])
            }
            3 | 4 => {
                let residual = graph.input(&format!("residual{k}"), DType::F32, &[rows, lanes]).unwrap();
                graph.map(function, &[residual, y])
            }
            5 | 6 => {
                let bound = graph.float(draw.float(false)).unwrap();
                graph.map(draw.pick(&[function, ScalarFn::Max]), &[y, bound])
            }
            7 => {
                let row = of_row(&mut graph);
                graph.map_nest(function, "az,a->az", &[y, row])
            }
            _ => graph.map(ScalarFn::Sigmoid, &[y]),
        }
        .unwrap();
    }
    graph.set_output("y", y).unwrap();
    graph
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn maps_behind_a_product_give_the_interpreters_bits(
        seed in any::<u64>(),
        sizes in [1usize..40, 1usize..20, 1usize..40],
        maps in 1usize..6,
    ) {
        let graph = product_with_maps(seed, sizes, maps);
        check(&graph, &random_leaves(&graph, seed, &testing::Options::default()))?;
    }
}

/// The training step over layers of every kind, on random images and parameters.
#[test]
fn the_training_step_of_every_layer_goal_and_optimiser_gives_the_interpreters_bits() {
    let layers = vec![
        Layer::Conv { window: Window::same([3, 3]), channels: 4, groups: 1 },
        Layer::BatchNorm,
        Layer::Relu,
        Layer::Conv { window: Window { stride: [2, 2], ..Window::same([3, 3]) }, channels: 6, groups: 2 },
        Layer::Tanh,
        Layer::residual(vec![Layer::Depthwise { window: Window::same([3, 3]) }, Layer::Gelu]),
        Layer::MaxPool { window: Window { stride: [1, 1], ..Window::tiles([2, 2]) } },
        Layer::AveragePool { window: Window { stride: [1, 1], ..Window::tiles([2, 2]) } },
        Layer::LayerNorm,
        Layer::Flatten,
        Layer::Dropout(0.3),
        Layer::Dense { units: 8, groups: 2 },
        Layer::Sigmoid,
    ];
    let goals = [
        Goal::CrossEntropy { class_weights: Some(vec![0.5, 1.0, 1.5]), label_smoothing: 0.1 },
        Goal::Distribution,
        Goal::BinaryCrossEntropy,
        Goal::Squared,
        Goal::Absolute,
        Goal::Huber { delta: 0.5 },
    ];
    for (k, goal) in goals.into_iter().enumerate() {
        let kind = if k % 2 == 0 { OptimiserKind::ADAMW } else { OptimiserKind::Sgd { momentum: 0.9 } };
        let spec = TrainingSpec {
            blocks: vec![Block::Image {
                name: "image".into(),
                shape: [7, 7, 2],
                mean: vec![0.5, 0.25],
                deviation: vec![0.5, 2.0],
            }],
            even_columns: false,
            layers: layers.clone(),
            members: 1,
            heads: vec![answer("answer", 3, goal)],
            optimiser: optimiser(kind),
        };
        let graph = training_step(&spec, 5).unwrap().graph;
        let options = testing::Options { specials: false, ..testing::Options::default() };
        check(&graph, &random_leaves(&graph, k as u64, &options)).unwrap();
    }
}

/// The training step over every kind of column, with members and two outputs.
#[test]
fn the_training_step_of_tables_gives_the_interpreters_bits() {
    let raw = |name: &str, values| Raw { name: name.into(), values };
    let numbers = Numbers {
        inputs: vec![raw("a", 1), raw("b", 2)],
        fill: Some(vec![0.5, -1.0, 2.0]),
        mean: vec![0.0, 1.0, -1.0],
        deviation: vec![1.0, 2.0, 0.5],
        bins: Bins { count: 2, low: vec![-1.0, 0.0, 0.5, 0.0, -2.0, 1.0], scale: vec![1.0, 0.5, 2.0, 0.0, 0.25, 1.0] },
    };
    let categories = Categories {
        inputs: vec![raw("c", 1), raw("d", 1)],
        positions: vec![3, 2],
        width: 4,
        learnt: true,
        masked: 0.2,
    };
    let dates = Dates { inputs: vec![raw("t", 2)], fill: vec![3.0], mean: vec![1.0], deviation: vec![2.0] };
    let blocks = vec![Block::Numbers(numbers), Block::Categories(categories), Block::Dates(dates)];
    let dense = |units| Layer::Dense { units, groups: 1 };
    for (members, even_columns) in [(1, false), (3, false), (1, true)] {
        let spec = TrainingSpec {
            blocks: blocks.clone(),
            even_columns,
            layers: vec![dense(6), Layer::Relu, Layer::Dropout(0.1), dense(5), Layer::Relu],
            members,
            heads: vec![
                answer("class", 3, Goal::CrossEntropy { class_weights: None, label_smoothing: 0.0 }),
                answer("size", 1, Goal::Squared),
            ],
            optimiser: optimiser(OptimiserKind::ADAMW),
        };
        let graph = training_step(&spec, 5).unwrap().graph;
        let options = testing::Options { specials: false, ..testing::Options::default() };
        check(&graph, &random_leaves(&graph, members as u64, &options)).unwrap();
    }
}

fn answer(name: &str, units: usize, goal: Goal) -> Head {
    Head { name: name.into(), kind: HeadKind::Answer { units, mean: 0.0, deviation: 1.0 }, goal, weight: 1.0 }
}

fn optimiser(kind: OptimiserKind) -> Optimiser {
    Optimiser {
        kind,
        schedule: Schedule::OneCycle { peak: 0.02, steps: 10 },
        weight_decay: 0.01,
        clip: Some(1.0),
        average: Some(0.9),
    }
}
