//! int8 programs on every kernel set and on one to three threads: the bits of the interpreter, and those of LiteRT's reference
//! kernels on the layers that `crates/ir/tests/litert/make_vectors.py` made.

mod common;

use common::set;
#[path = "../../ir/tests/programs/json.rs"]
mod json;

use json::Json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tacit_exec::{KernelSet, Options, Program};
use tacit_ir::interpret::{Data, Tensor, interpret};
use tacit_ir::passes::quantize::{Quantisation, Quantised, Quantiser};
use tacit_ir::passes::{batch, simplify};
use tacit_ir::testing::Draw;
use tacit_ir::{Graph, Op, text};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ir/tests").join(name)
}

/// The files of a folder that end so, without their ending.
fn names(folder_name: &str, ending: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder(folder_name)).unwrap().map(|entry| entry.unwrap().file_name());
    let names = files.filter_map(|name| Some(name.to_str()?.strip_suffix(ending)?.to_owned()));
    let mut names: Vec<String> = names.filter(|name| !name.contains('.')).collect();
    names.sort();
    names
}

/// Programs of a graph with these leaves on every kernel set and team size, and what they are.
fn programs<'g>(
    graph: &'g Graph,
    leaves: &'g HashMap<String, Tensor<f32>>,
) -> impl Iterator<Item = (Program, String)> + 'g {
    let sets = KernelSet::ALL.into_iter().filter(|set| set.is_available());
    sets.flat_map(|kernels| [1, 2, 3].map(|threads| Options { threads, kernels })).map(move |options| {
        let mut program = Program::compile(graph, &options).unwrap();
        for (name, tensor) in leaves.iter().filter(|(name, _)| graph.leaf(name).is_some()) {
            set(&mut program, name, tensor);
        }
        (program, format!("{} on {} threads", options.kernels, options.threads))
    })
}

/// Holds a program to the interpreter.
fn check(graph: &Graph, leaves: &HashMap<String, Tensor<f32>>, what: &str) {
    let expected = interpret(graph, leaves).unwrap().outputs;
    for (mut program, how) in programs(&simplify(graph).unwrap(), leaves) {
        // Twice, since nothing may be left over from the first run.
        for _ in 0..2 {
            program.step();
            for (name, tensor) in &expected {
                let same = match &tensor.data {
                    Data::Float(x) => {
                        program.output_f32(name).unwrap().iter().map(|x| x.to_bits()).eq(x.iter().map(|x| x.to_bits()))
                    }
                    Data::I32(x) => program.output_i32(name).unwrap() == x,
                    Data::I8(x) => program.output_i8(name).unwrap() == x,
                    Data::Bool(x) => program.output_bool(name).unwrap() == x,
                };
                assert!(same, "`{name}` of {what} with {how}:\n{}", text::print(graph));
            }
        }
    }
}

#[test]
fn layers_have_the_bits_of_the_reference_kernels_of_litert() {
    let names = names("litert", ".json");
    assert!(names.len() >= 14, "{names:?}");
    for name in names {
        let vectors = json::parse(&std::fs::read_to_string(folder("litert").join(format!("{name}.json"))).unwrap());
        assert!(vectors.get("made by").unwrap().text().contains("reference kernels"));
        let program = std::fs::read_to_string(folder("litert").join(format!("{name}.tacit-ir"))).unwrap();
        let graph = text::parse(&program).unwrap_or_else(|e| panic!("{name}: {e}"));
        let params = vectors.get("params").unwrap().entries().iter();
        let params = params.map(|(key, value)| (key.clone(), Tensor::floats(&shape(value), numbers(value)))).collect();
        let quantisations = vectors.get("quantisations").unwrap().list().iter();
        let quantisations: Vec<Quantisation> = quantisations
            .map(|one| Quantisation {
                scale: one.get("scale").unwrap().number() as f32,
                zero_point: one.get("zero_point").unwrap().number() as i32,
            })
            .collect();
        let Quantised { graph, params } = Quantiser::new(&graph).unwrap().quantize(&params, &quantisations).unwrap();
        let params: HashMap<String, Tensor<f32>> = params.into_iter().collect();
        let (first, last) = (quantisations[0], quantisations[quantisations.len() - 1]);
        for (mut program, how) in programs(&graph, &params) {
            for step in vectors.get("steps").unwrap().list() {
                let reals = numbers(step.get("x").unwrap());
                let reals: Vec<f32> = reals.iter().map(|q| (q - first.zero_point as f32) * first.scale).collect();
                program.set_f32("x", &reals).unwrap();
                program.step();
                let found = program.output_f32("y").unwrap();
                let found = found.iter().map(|x| (x / last.scale).round() + last.zero_point as f32);
                assert_eq!(found.collect::<Vec<_>>(), numbers(step.get("y").unwrap()), "{name} with {how}");
            }
        }
    }
}

fn shape(tensor: &Json) -> Vec<usize> {
    tensor.get("shape").unwrap().list().iter().map(|extent| extent.number() as usize).collect()
}

fn numbers(tensor: &Json) -> Vec<f32> {
    tensor.get("data").unwrap().list().iter().map(|x| x.number() as f32).collect()
}

/// Values for the leaves of a graph: numbers of both signs, and positive ones for what is called a variance.
fn drawn_leaves(graph: &Graph, draw: &mut Draw) -> HashMap<String, Tensor<f32>> {
    let named = graph.values().filter_map(|v| Some((graph.instruction(v).op.leaf_name()?.to_owned(), v)));
    let leaf = |(name, value): (String, tacit_ir::ValueId)| {
        let ty = graph.ty(value);
        let positive = name.ends_with("variance") || name.ends_with("gain");
        let number = |draw: &mut Draw| draw.below(2001) as f32 / 1000.0 - 1.0;
        let values = (0..ty.elements()).map(|_| if positive { number(draw).abs() + 0.5 } else { number(draw) });
        let tensor = Tensor::floats(&ty.shape, values.collect());
        (name, tensor)
    };
    named.map(leaf).collect()
}

/// The quantisations that a pass could choose, drawn.
fn drawn_quantisations(quantiser: &Quantiser, draw: &mut Draw) -> Vec<Quantisation> {
    let mut drawn = || match draw.below(4) {
        // Zero in the middle: what is padded is skipped.
        0 => Quantisation { scale: 0.05, zero_point: 0 },
        1 => Quantisation::of_range(0.0, 1.0 + draw.below(5) as f32),
        _ => Quantisation::of_range(-1.0 - draw.below(3) as f32, 2.0),
    };
    quantiser.groups().iter().map(|_| drawn()).collect()
}

#[test]
fn quantised_networks_give_the_interpreters_bits() {
    let names = names("quantize", ".tacit-ir");
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let text = std::fs::read_to_string(folder("quantize").join(format!("{name}.tacit-ir"))).unwrap();
        let graph = text::parse(&text).unwrap();
        let mut draw = Draw::new(31);
        for turn in 0..6 {
            let leaves = drawn_leaves(&graph, &mut draw);
            let quantiser = Quantiser::new(&graph).unwrap();
            let quantisations = drawn_quantisations(&quantiser, &mut draw);
            let Quantised { graph, params } = quantiser.quantize(&leaves, &quantisations).unwrap();
            let graph = if turn % 2 == 0 { graph } else { batch(&graph, 3).unwrap() };
            let mut leaves: HashMap<String, Tensor<f32>> = params.into_iter().collect();
            let inputs = graph.values().filter(|v| matches!(graph.instruction(*v).op, Op::Input { .. }));
            for input in inputs {
                let ty = graph.ty(input);
                let values = (0..ty.elements()).map(|_| draw.below(2001) as f32 / 500.0 - 2.0).collect();
                let name = graph.instruction(input).op.leaf_name().unwrap().to_owned();
                leaves.insert(name, Tensor::floats(&ty.shape, values));
            }
            check(&graph, &leaves, &name);
        }
    }
}

/// A convolution in integers with its maps, by every way to end it.
#[test]
fn layers_of_any_size_give_the_interpreters_bits() {
    let mut draw = Draw::new(32);
    for _ in 0..60 {
        let (h, w, c, o) = (1 + draw.below(9), 1 + draw.below(9), 1 + draw.below(20), 1 + draw.below(40));
        let (i, j, stride) = (1 + draw.below(3), 1 + draw.below(3), 1 + draw.below(2));
        // Some are convolutions of 3×3 pixels inside of an image, for which there are transforms.
        let is_inside = draw.chance(30);
        let (h, w, c, o) = match is_inside {
            true => (4 + draw.below(9), 4 + draw.below(9), 16 * (1 + draw.below(3)), 16 * (1 + draw.below(3))),
            false => (h, w, c, o),
        };
        let (i, j, stride) = if is_inside { (3, 3, 1) } else { (i, j, stride) };
        let before = if is_inside { "" } else { "-1" };
        let are_usual = draw.chance(50);
        let is_depthwise = draw.chance(40);
        let o = if is_depthwise { c } else { o };
        let contraction = match is_depthwise {
            true => format!(
                "contract \"{{{stride}h+i{before}}}{{{stride}w+j{before}}}c,ijc->hwc\" h={h} w={w} c={c} i={i} j={j} (%0, %1) -> i32[{h},{w},{o}]"
            ),
            false => format!(
                "contract \"{{{stride}h+i{before}}}{{{stride}w+j{before}}}c,ijco->hwo\" h={h} w={w} o={o} i={i} j={j} c={c} (%0, %1) -> i32[{h},{w},{o}]"
            ),
        };
        let (rows, columns) = match is_inside {
            true => (h + 2, w + 2),
            false => (1 + draw.below(2 * h), 1 + draw.below(2 * w)),
        };
        let x_type = format!("i8[{rows},{columns},{c}]");
        let w_type = if is_depthwise { format!("i8[{i},{j},{c}]") } else { format!("i8[{i},{j},{c},{o}]") };
        let mut lines = vec![
            "tacit-ir 1".to_owned(),
            format!("%0 = input \"x\" -> {x_type}"),
            format!("%1 = {} \"w\" -> {w_type}", if is_inside || draw.chance(50) { "param" } else { "input" }),
            format!("%2 = input \"bias\" -> i32[{o}]"),
            format!("%3 = input \"factor\" -> i32[{o}]"),
            format!("%4 = input \"shift\" -> i32[{o}]"),
            format!("%5 = input \"residual\" -> i8[{h},{w},{o}]"),
            format!("%6 = {contraction}"),
        ];
        let mut last = 6;
        let mut add = |lines: &mut Vec<String>, line: String| {
            last += 1;
            lines.push(format!("%{last} = {line}"));
            last
        };
        let (all, i32_type) = (format!("a={h} b={w} c={o}"), format!("i32[{h},{w},{o}]"));
        let mut at = 6;
        if draw.chance(70) {
            at = add(&mut lines, format!("map add \"abc,c->abc\" {all} (%{at}, %2) -> {i32_type}"));
        }
        at = add(&mut lines, format!("map mulshift \"abc,c,c->abc\" {all} (%{at}, %3, %4) -> {i32_type}"));
        for (function, value, percent) in
            [("add", draw.below(256) as i32 - 128, 70), ("max", -100, 30), ("min", 90, 30)]
        {
            if draw.chance(percent) {
                let constant = add(&mut lines, format!("constant {value} -> i32[]"));
                at = add(&mut lines, format!("map {function} (%{at}, %{constant}) -> {i32_type}"));
            }
        }
        at = add(&mut lines, format!("map cast (%{at}) -> i8[{h},{w},{o}]"));
        if draw.chance(30) {
            at = add(&mut lines, format!("map add (%{at}, %5) -> i8[{h},{w},{o}]"));
        }
        lines.push(format!("output \"y\" = %{at}"));
        let program = lines.join("\n") + "\n";
        let graph = text::parse(&program).unwrap_or_else(|e| panic!("{e}:\n{program}"));
        let leaf = |name: &str, draw: &mut Draw| {
            let ty = graph.ty(graph.leaf(name).unwrap()).clone();
            let word = |draw: &mut Draw| draw.bits() as i32;
            let mut values =
                |of: &mut dyn FnMut(&mut Draw) -> i32| (0..ty.elements()).map(|_| of(draw)).collect::<Vec<i32>>();
            let data = match name {
                "bias" => Data::I32(values(&mut |draw| word(draw) >> 16)),
                "factor" => Data::I32(values(&mut |draw| match draw.below(8) {
                    0 if !are_usual => i32::MIN,
                    1 if !are_usual => word(draw),
                    _ => word(draw) & i32::MAX | 1 << 30,
                })),
                "shift" => Data::I32(values(&mut |draw| match draw.below(8) {
                    0 if !are_usual => word(draw),
                    1 if !are_usual => draw.below(40) as i32,
                    _ => -(usize::from(are_usual) as i32) - draw.below(14) as i32,
                })),
                _ => Data::I8(values(&mut |draw| word(draw)).into_iter().map(|x| x as i8).collect()),
            };
            (name.to_owned(), Tensor { shape: ty.shape, data })
        };
        let leaves = ["x", "w", "bias", "factor", "shift", "residual"].map(|name| leaf(name, &mut draw));
        check(&graph, &leaves.into_iter().collect(), "a layer");
    }
}
