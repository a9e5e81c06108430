//! Whole programs in the text form, held to PyTorch's float64 numbers and gradients: `programs/NAME.tacit-ir` beside
//! `programs/NAME.json`, which make_vectors.py computed once.

#[path = "programs/json.rs"]
mod json;

use json::Json;
use std::collections::HashMap;
use std::path::PathBuf;
use tacit_ir::scalar::Real;
use tacit_ir::{DType, Data, Graph, Scalar, ScalarFn, Tensor, TensorType, ValueId};
use tacit_ir::{gradient, interpret, passes, text};

/// The bound on the oracle's error where a program's vectors state no other; they state the bound on f32's.
/// Errors are relative to the greatest magnitude of the expected tensor.
const F64_TOLERANCE: f64 = 1e-9;

macro_rules! programs {
    ($($name:ident),* $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(#[test]
        fn $name() {
            agrees_with_pytorch(stringify!($name));
        })*
    };
}

programs!(
    adamw,
    attention,
    attention_queue,
    average_pool,
    batch_norm_running,
    batch_norm_training,
    conv_depthwise,
    conv_dilation,
    conv_groups,
    conv_int8,
    conv_padding,
    conv_stride,
    conv_transposed,
    ctc,
    dense,
    dropout,
    embedding,
    gelu_erf,
    gelu_tanh,
    gru_step,
    layer_norm,
    log_mel,
    lstm_step,
    max_pool,
    rms_norm,
    softmax_cross_entropy,
    wavenet_block,
);

#[test]
fn every_program_of_the_folder_is_tested() {
    for extension in ["tacit-ir", "json"] {
        let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<String> = files
            .filter(|path| path.extension().is_some_and(|e| e == extension))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_string())
            .collect();
        names.sort();
        assert_eq!(names, NAMES);
    }
}

#[test]
fn every_program_prints_to_a_text_that_gives_the_same_graph() {
    for name in NAMES {
        let graph = read_program(name);
        assert_eq!(text::parse(&text::print(&graph)).unwrap(), graph, "{name}");
    }
}

#[test]
fn dropout_drops_at_its_rate_and_differently_for_every_key() {
    let graph = read_program("dropout");
    let (rows, columns, keys) = (6, 10, 500);
    let ones: Tensor<f32> = Tensor::floats(&[rows, columns], vec![1.0; rows * columns]);
    let mut dropped = vec![0; rows * columns];
    for key in 0..keys {
        let leaves = HashMap::from([
            ("x".to_string(), ones.clone()),
            ("key".to_string(), Tensor::integers(&[2], vec![key, 17])),
        ]);
        let outcome = interpret(&graph, &leaves).unwrap();
        for (count, y) in dropped.iter_mut().zip(outcome.outputs["y"].as_floats()) {
            assert!(*y == 0.0 || *y == 1.0 / 0.75);
            *count += (*y == 0.0) as i32;
        }
    }
    // Five standard deviations of a binomial count, over all elements and for each element.
    let within = |count: i32, draws: i32| {
        let (mean, deviation) = (draws as f64 * 0.25, (draws as f64 * 0.25 * 0.75).sqrt());
        (count as f64 - mean).abs() < 5.0 * deviation
    };
    assert!(within(dropped.iter().sum(), keys * (rows * columns) as i32), "{dropped:?}");
    assert!(dropped.iter().all(|count| within(*count, keys)), "{dropped:?}");
}

/// A precision of the interpreter that takes the vectors' numbers.
trait Precision: Real {
    fn from_f64(x: f64) -> Self;
}

impl Precision for f32 {
    fn from_f64(x: f64) -> f32 {
        x as f32
    }
}

impl Precision for f64 {
    fn from_f64(x: f64) -> f64 {
        x
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/programs")
}

fn read_program(name: &str) -> Graph {
    let source = std::fs::read_to_string(folder().join(format!("{name}.tacit-ir"))).unwrap();
    text::parse(&source).unwrap_or_else(|error| panic!("{name}.tacit-ir: {error}"))
}

fn agrees_with_pytorch(name: &str) {
    let vectors = json::parse(&std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap());
    let mut graph = read_program(name);
    if let Some(steps) = vectors.get("unroll") {
        graph = passes::unroll(&graph, steps.number() as usize).unwrap();
    }
    if let (Some(weights), Some(gradients)) = (vectors.get("weights"), vectors.get("gradients")) {
        add_gradients(&mut graph, weights, gradients);
        assert_eq!(text::parse(&text::print(&graph)).unwrap(), graph, "the gradients of {name}");
    }
    run::<f64>(name, &graph, &vectors, vectors.get("f64").map_or(F64_TOLERANCE, Json::number));
    run::<f32>(name, &graph, &vectors, vectors.get("f32").unwrap().number());
}

/// Adds the gradients of Σ output·weights as outputs `gradient/LEAF`.
fn add_gradients(graph: &mut Graph, weights: &Json, gradients: &Json) {
    let mut total = graph.float(0.0).unwrap();
    for (name, weight) in weights.entries() {
        let output = graph.output(name).unwrap();
        let ty = TensorType::new(DType::F32, &shape(weight));
        assert_eq!(*graph.ty(output), ty);
        let data: Vec<Scalar> = numbers(weight).map(|x| Scalar::F32(x as f32)).collect();
        let weight = graph.constant(data, &ty.shape).unwrap();
        let axes: String = ('a'..='z').take(ty.shape.len()).collect();
        let sum = graph.contract(&format!("{axes},{axes}->"), output, weight, &[]).unwrap();
        total = graph.map(ScalarFn::Add, &[total, sum]).unwrap();
    }
    let leaves: Vec<ValueId> = gradients.entries().iter().map(|(name, _)| graph.leaf(name).unwrap()).collect();
    let results = gradient::differentiate(graph, total, &leaves).unwrap();
    for ((name, _), result) in gradients.entries().iter().zip(results) {
        graph.set_output(&format!("gradient/{name}"), result).unwrap();
    }
}

/// Runs every step, each with the parameters and states that the one before left, and compares all that it lists.
fn run<R: Precision>(name: &str, graph: &Graph, vectors: &Json, tolerance: f64) {
    let mut leaves: HashMap<String, Tensor<R>> = HashMap::new();
    let bind = |leaves: &mut HashMap<String, Tensor<R>>, tensors: &Json| {
        for (name, value) in tensors.entries() {
            leaves.insert(name.clone(), tensor(value));
        }
    };
    bind(&mut leaves, vectors.get("leaves").unwrap());
    for (k, step) in vectors.get("steps").unwrap().list().iter().enumerate() {
        if let Some(tensors) = step.get("leaves") {
            bind(&mut leaves, tensors);
        }
        let outcome = interpret(graph, &leaves).unwrap();
        let place = |what: &str| format!("{name}, step {k}, {} bytes a float: {what}", size_of::<R>());
        for (output, expected) in step.get("outputs").unwrap().entries() {
            compare(&place(output), &outcome.outputs[output], expected, tolerance);
        }
        for (leaf, expected) in step.get("updates").map_or(&[][..], Json::entries) {
            compare(&place(leaf), &outcome.updates[leaf], expected, tolerance);
        }
        if k == 0 {
            for (leaf, expected) in vectors.get("gradients").map_or(&[][..], Json::entries) {
                let gradient = format!("gradient/{leaf}");
                compare(&place(&gradient), &outcome.outputs[&gradient], expected, tolerance);
            }
        }
        leaves.extend(outcome.updates);
    }
}

fn compare<R: Real>(place: &str, found: &Tensor<R>, expected: &Json, tolerance: f64) {
    let wanted: Tensor<f64> = tensor(expected);
    assert_eq!(found.ty(), wanted.ty(), "{place}");
    let (found, wanted) = match (&found.data, &wanted.data) {
        (Data::Float(found), Data::Float(wanted)) => (found, wanted),
        (Data::I32(found), Data::I32(wanted)) => return assert_eq!(found, wanted, "{place}"),
        (Data::I8(found), Data::I8(wanted)) => return assert_eq!(found, wanted, "{place}"),
        (Data::Bool(found), Data::Bool(wanted)) => return assert_eq!(found, wanted, "{place}"),
        (Data::Float(_) | Data::I32(_) | Data::I8(_) | Data::Bool(_), _) => unreachable!("the types were compared"),
    };
    let scale = wanted.iter().fold(0.0, |scale: f64, x| scale.max(x.abs()));
    for (position, (x, y)) in found.iter().map(|x| x.to_f64()).zip(wanted).enumerate() {
        let error = (x - y).abs();
        assert!(error <= tolerance * scale, "{place}: element {position} is {x}, not {y}: {:e}", error / scale);
    }
}

fn shape(tensor: &Json) -> Vec<usize> {
    tensor.get("shape").unwrap().list().iter().map(|extent| extent.number() as usize).collect()
}

fn numbers(tensor: &Json) -> impl Iterator<Item = f64> {
    tensor.get("data").unwrap().list().iter().map(Json::number)
}

fn tensor<R: Precision>(tensor: &Json) -> Tensor<R> {
    let dtype = DType::from_name(tensor.get("type").unwrap().text()).unwrap();
    let data = match dtype {
        DType::F32 => Data::Float(numbers(tensor).map(R::from_f64).collect()),
        DType::I32 => Data::I32(numbers(tensor).map(|x| x as i32).collect()),
        DType::I8 => Data::I8(numbers(tensor).map(|x| x as i8).collect()),
        DType::Bool => Data::Bool(numbers(tensor).map(|x| x != 0.0).collect()),
    };
    Tensor { shape: shape(tensor), data }
}
