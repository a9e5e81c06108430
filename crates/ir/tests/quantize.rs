//! f32 programs as int8 programs: their texts (`quantize/NAME.tacit-ir` becomes `quantize/NAME.int8.tacit-ir`), LiteRT's
//! reference kernels bit for bit (`litert/NAME.json`, which make_vectors.py wrote), and how far from f32 they are.

#[path = "programs/json.rs"]
mod json;

use json::Json;
use std::collections::HashMap;
use std::path::PathBuf;
use tacit_ir::passes::quantize::{Quantisation, Quantiser, observed_name};
use tacit_ir::passes::{batch, verify};
use tacit_ir::testing::Draw;
use tacit_ir::{DType, Graph, Op, Reduction, Scalar, ScalarFn, Tensor, ValueId, interpret, text};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn names(folder_name: &str, ending: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder(folder_name)).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> =
        files.filter_map(|name| Some(name.to_str()?.strip_suffix(ending)?.to_owned())).collect();
    names.retain(|name| !name.contains('.'));
    names.sort();
    names
}

// LiteRT.

#[test]
fn int8_programs_have_the_bits_of_the_reference_kernels_of_litert() {
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
        let quantiser = Quantiser::new(&graph).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(quantiser.groups().len(), quantisations.len(), "{name}: {:?}", quantiser.groups());
        let quantised = quantiser.quantize(&params, &quantisations).unwrap();
        verify(&quantised.graph).unwrap();
        let mut leaves: HashMap<String, Tensor<f32>> = quantised.params.into_iter().collect();
        for step in vectors.get("steps").unwrap().list() {
            let given = step.get("x").unwrap();
            let first = quantisations[0];
            let reals = numbers(given).iter().map(|q| (q - first.zero_point as f32) * first.scale).collect();
            leaves.insert("x".into(), Tensor::floats(&shape(given), reals));
            let found = interpret(&quantised.graph, &leaves).unwrap().outputs.remove("y").unwrap();
            let last = quantisations[quantisations.len() - 1];
            let steps = found.as_floats().iter().map(|x| (x / last.scale).round() + last.zero_point as f32);
            assert_eq!(steps.collect::<Vec<_>>(), numbers(step.get("y").unwrap()), "{name}");
        }
    }
}

fn shape(tensor: &Json) -> Vec<usize> {
    tensor.get("shape").unwrap().list().iter().map(|extent| extent.number() as usize).collect()
}

fn numbers(tensor: &Json) -> Vec<f32> {
    tensor.get("data").unwrap().list().iter().map(|x| x.number() as f32).collect()
}

// Ranges and parameters for tests that need some.

/// Values for the parameters of a graph: weights of both signs, and positive ones for what is called a variance.
fn drawn_params(graph: &Graph, draw: &mut Draw) -> HashMap<String, Tensor<f32>> {
    let param = |(name, value): (&str, ValueId)| {
        let ty = graph.ty(value);
        let positive = name.ends_with("variance") || name.ends_with("gain");
        let number = |draw: &mut Draw| draw.below(2001) as f32 / 1000.0 - 1.0;
        let values = (0..ty.elements()).map(|_| if positive { number(draw).abs() + 0.5 } else { number(draw) });
        (name.to_owned(), Tensor::floats(&ty.shape, values.collect()))
    };
    graph.params().map(param).collect()
}

fn drawn_inputs(graph: &Graph, draw: &mut Draw) -> HashMap<String, Tensor<f32>> {
    let inputs = graph.values().filter(|v| matches!(graph.instruction(*v).op, Op::Input { .. }));
    let input = |value: ValueId| {
        let ty = graph.ty(value);
        let values = (0..ty.elements()).map(|_| draw.below(3001) as f32 / 1000.0 - 1.0).collect();
        (graph.instruction(value).op.leaf_name().unwrap().to_owned(), Tensor::floats(&ty.shape, values))
    };
    inputs.map(input).collect()
}

/// The ranges that values have over some examples.
fn observed(
    quantiser: &Quantiser,
    params: &HashMap<String, Tensor<f32>>,
    examples: &[HashMap<String, Tensor<f32>>],
) -> Vec<Quantisation> {
    let graph = quantiser.observed().unwrap();
    let mut ranges = vec![[0f32; 2]; quantiser.groups().len()];
    for example in examples {
        let leaves = params.clone().into_iter().chain(example.clone()).collect();
        let outputs = interpret(&graph, &leaves).unwrap().outputs;
        let mut place = 0;
        for (range, group) in ranges.iter_mut().zip(quantiser.groups()) {
            for _ in group {
                for x in outputs[&observed_name(place)].as_floats() {
                    *range = [range[0].min(*x), range[1].max(*x)];
                }
                place += 1;
            }
        }
    }
    ranges.iter().map(|[low, high]| Quantisation::of_range(*low, *high)).collect()
}

// Text forms.

#[test]
fn programs_become_the_int8_programs_of_the_folder() {
    let names = names("quantize", ".tacit-ir");
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let file = |ending: &str| folder("quantize").join(format!("{name}{ending}"));
        let graph = text::parse(&std::fs::read_to_string(file(".tacit-ir")).unwrap()).unwrap();
        let mut draw = Draw::new(7);
        let params = drawn_params(&graph, &mut draw);
        let examples: Vec<_> = (0..6).map(|_| drawn_inputs(&graph, &mut draw)).collect();
        let quantiser = Quantiser::new(&graph).unwrap_or_else(|e| panic!("{name}: {e}"));
        let quantisations = observed(&quantiser, &params, &examples);
        let quantised = quantiser.quantize(&params, &quantisations).unwrap();
        verify(&quantised.graph).unwrap();
        assert_eq!(quantised.graph.params().count(), quantised.params.len(), "{name}");
        let found = text::print(&quantised.graph);
        if std::env::var_os("UPDATE_GRAPHS").is_some() {
            std::fs::write(file(".int8.tacit-ir"), &found).unwrap();
        }
        let expected = std::fs::read_to_string(file(".int8.tacit-ir")).unwrap();
        assert_eq!(found, expected, "{name} differs; UPDATE_GRAPHS=1 writes what is found");
        let exact = run(&graph, &params, &examples[0]);
        let close = run(&quantised.graph, &quantised.params.iter().cloned().collect(), &examples[0]);
        let faked = run(&quantiser.fake(&quantisations).unwrap(), &params, &examples[0]);
        for (output, exact) in &exact {
            assert!(deviation(exact, &close[output]) < 0.04, "{name}: {}", deviation(exact, &close[output]));
            assert!(deviation(&faked[output], &close[output]) < 0.02, "{name}: the rounded f32 program differs");
        }
    }
}

fn run(
    graph: &Graph,
    params: &HashMap<String, Tensor<f32>>,
    example: &HashMap<String, Tensor<f32>>,
) -> HashMap<String, Tensor<f32>> {
    let leaves = params.clone().into_iter().chain(example.clone()).collect();
    interpret(graph, &leaves).unwrap().outputs
}

/// The greatest difference over the span of the first.
fn deviation(exact: &Tensor<f32>, other: &Tensor<f32>) -> f32 {
    let values = exact.as_floats();
    let [low, high] = values.iter().fold([0f32; 2], |[low, high], x| [low.min(*x), high.max(*x)]);
    let differences = values.iter().zip(other.as_floats()).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f32::max) / (high - low).max(f32::MIN_POSITIVE)
}

// Random networks.

/// A network of random layers over an image, with a dense head.
fn random_network(draw: &mut Draw) -> Graph {
    let mut graph = Graph::new();
    let g = &mut graph;
    let channels = 2 + draw.below(4);
    let mut x = g.input("x", DType::F32, &[6 + draw.below(3), 6 + draw.below(3), channels]).unwrap();
    for layer in 0..3 + draw.below(4) {
        x = random_layer(g, draw, x, layer);
    }
    let flat = g.move_nest(Scalar::F32(0.0), "hwc->(hwc)", &[x], &[]).unwrap();
    let units = 2 + draw.below(4);
    let weight = g.param("head.weight", &[g.shape(flat)[0], units]).unwrap();
    let y = g.contract("m,mz->z", flat, weight, &[]).unwrap();
    let bias = g.param("head.bias", &[units]).unwrap();
    let y = g.map(ScalarFn::Add, &[y, bias]).unwrap();
    g.set_output("y", y).unwrap();
    graph
}

fn random_layer(g: &mut Graph, draw: &mut Draw, x: ValueId, layer: usize) -> ValueId {
    let [h, w, c] = g.shape(x).try_into().unwrap();
    let vector = |g: &mut Graph, name: &str, n: usize| g.param(&format!("layer{layer}.{name}"), &[n]).unwrap();
    match draw.below(9) {
        0 | 1 => {
            let (stride, outputs) = (1 + draw.below(2), 2 + draw.below(5));
            let weight = g.param(&format!("layer{layer}.weight"), &[3, 3, c, outputs]).unwrap();
            let words = format!("{{{stride}h+i-1}}{{{stride}w+j-1}}c,ijco->hwo");
            let y = g.contract(&words, x, weight, &[('h', h.div_ceil(stride)), ('w', w.div_ceil(stride))]).unwrap();
            let bias = vector(g, "bias", outputs);
            g.map_nest(ScalarFn::Add, "hwo,o->hwo", &[y, bias]).unwrap()
        }
        2 => {
            let weight = g.param(&format!("layer{layer}.weight"), &[3, 3, c]).unwrap();
            g.contract("{h+i-1}{w+j-1}c,ijc->hwc", x, weight, &[('h', h), ('w', w)]).unwrap()
        }
        3 => {
            let [gain, shift, variance] = ["gain", "shift", "variance"].map(|name| vector(g, name, c));
            let deviation = g.map(ScalarFn::Sqrt, &[variance]).unwrap();
            let y = g.map_nest(ScalarFn::Mul, "hwc,c->hwc", &[x, gain]).unwrap();
            let y = g.map_nest(ScalarFn::Div, "hwc,c->hwc", &[y, deviation]).unwrap();
            g.map_nest(ScalarFn::Sub, "hwc,c->hwc", &[y, shift]).unwrap()
        }
        4 | 5 => {
            let zero = g.float(0.0).unwrap();
            let y = g.map(ScalarFn::Max, &[x, zero]).unwrap();
            match draw.below(2) {
                0 => y,
                _ => {
                    let six = g.float(6.0).unwrap();
                    g.map(ScalarFn::Min, &[y, six]).unwrap()
                }
            }
        }
        6 => {
            let weight = g.param(&format!("layer{layer}.weight"), &[c, c]).unwrap();
            let y = g.contract("hwc,co->hwo", x, weight, &[]).unwrap();
            g.map(ScalarFn::Add, &[x, y]).unwrap()
        }
        7 => g.reduce(Reduction::Max, "{h+i}{w+j}c->hwc", x, &[('h', h), ('w', w), ('i', 2), ('j', 2)]).unwrap(),
        _ => {
            let places = [h.div_ceil(2), w.div_ceil(2)];
            let given = [('h', places[0]), ('w', places[1]), ('i', 2), ('j', 2)];
            let ones = g.float(1.0).unwrap();
            let ones = g.move_nest(Scalar::F32(0.0), "->hw", &[ones], &[('h', h), ('w', w)]).unwrap();
            let count = g.reduce(Reduction::Sum, "{2h+i}{2w+j}->hw", ones, &given).unwrap();
            let sum = g.reduce(Reduction::Sum, "{2h+i}{2w+j}c->hwc", x, &given).unwrap();
            g.map_nest(ScalarFn::Div, "hwc,hw->hwc", &[sum, count]).unwrap()
        }
    }
}

#[test]
fn random_networks_stay_near_their_f32_programs_and_nearer_to_those_that_round() {
    let (mut from_exact, mut from_faked) = (vec![], vec![]);
    for seed in 0..150 {
        let mut draw = Draw::new(seed);
        let graph = random_network(&mut draw);
        let params = drawn_params(&graph, &mut draw);
        let examples: Vec<_> = (0..4).map(|_| drawn_inputs(&graph, &mut draw)).collect();
        let quantiser = Quantiser::new(&graph).unwrap();
        let quantisations = observed(&quantiser, &params, &examples);
        let quantised = quantiser.quantize(&params, &quantisations).unwrap();
        verify(&quantised.graph).unwrap();
        verify(&batch(&quantised.graph, 2).unwrap()).unwrap();
        let integers = quantised.params.iter().cloned().collect();
        let fake = quantiser.fake(&quantisations).unwrap();
        verify(&fake).unwrap();
        for example in &examples {
            let [exact, close, faked] =
                [(&graph, &params), (&quantised.graph, &integers), (&fake, &params)].map(|(g, p)| run(g, p, example));
            from_exact.push(deviation(&exact["y"], &close["y"]));
            from_faked.push(deviation(&faked["y"], &close["y"]));
        }
    }
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let most = |values: &[f32]| values.iter().copied().fold(0.0, f32::max);
    // Single roundings fall to either side, above all where a mean of four ends in a half, and count where results are few.
    assert!(mean(&from_exact) < 0.015 && most(&from_exact) < 0.15, "{} {}", mean(&from_exact), most(&from_exact));
    assert!(mean(&from_faked) < 0.005 && most(&from_faked) < 0.15, "{} {}", mean(&from_faked), most(&from_faked));
}

#[test]
fn a_program_without_anything_to_quantise_says_why() {
    let product = "tacit-ir 1
%0 = input \"a\" -> f32[3]
%1 = input \"b\" -> f32[3]
%2 = contract \"i,i->\" i=3 (%0, %1) -> f32[]
output \"y\" = %2
";
    let error = Quantiser::new(&text::parse(product).unwrap()).unwrap_err();
    assert_eq!(error.code, "E1009");
    assert!(error.message.contains("`%2` stays in f32: it multiplies two computed values"), "{error}");
    let map = "tacit-ir 1\n%0 = input \"a\" -> f32[3]\n%1 = map neg (%0) -> f32[3]\noutput \"y\" = %1\n";
    let error = Quantiser::new(&text::parse(map).unwrap()).unwrap_err();
    assert!(error.message.contains("no layer with weights"), "{error}");
}

#[test]
fn a_layer_that_stays_in_f32_beside_others_is_noted() {
    let program = "tacit-ir 1
%0 = input \"x\" -> f32[3,4]
%1 = param \"query.weight\" -> f32[4,4]
%2 = contract \"tc,cd->td\" t=3 c=4 d=4 (%0, %1) -> f32[3,4]
%3 = contract \"tc,uc->tu\" t=3 u=3 c=4 (%2, %2) -> f32[3,3]
output \"y\" = %3
";
    let quantiser = Quantiser::new(&text::parse(program).unwrap()).unwrap();
    assert_eq!(quantiser.notes(), ["`%3` stays in f32: it multiplies two computed values"]);
}

#[test]
fn a_bias_beyond_tiny_weights_does_not_overflow() {
    let program = "tacit-ir 1
%0 = input \"x\" -> f32[2]
%1 = param \"a.weight\" -> f32[2,2]
%2 = param \"a.bias\" -> f32[2]
%3 = contract \"m,mz->z\" z=2 m=2 (%0, %1) -> f32[2]
%4 = map add (%3, %2) -> f32[2]
output \"y\" = %4
";
    let graph = text::parse(program).unwrap();
    let params = HashMap::from([
        ("a.weight".to_owned(), Tensor::floats(&[2, 2], vec![1e-12, 0.0, -1e-12, 0.0])),
        ("a.bias".to_owned(), Tensor::floats(&[2], vec![3.0, -5.0])),
    ]);
    let quantiser = Quantiser::new(&graph).unwrap();
    let quantised = quantiser.quantize(&params, &[Quantisation::of_range(-1.0, 1.0)]).unwrap();
    let example = HashMap::from([("x".to_owned(), Tensor::floats(&[2], vec![1.0, -1.0]))]);
    let found = run(&quantised.graph, &quantised.params.into_iter().collect(), &example).remove("y").unwrap();
    assert!((found.as_floats()[0] - 3.0).abs() < 1e-5 && (found.as_floats()[1] + 5.0).abs() < 1e-5, "{found:?}");
}
