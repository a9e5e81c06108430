//! What the tests of this crate share: running graphs in f64 and holding gradients to central differences.

use std::collections::HashMap;
use tacit_ir::gradient::differentiate;
use tacit_ir::{DType, Graph, Outcome, Result, Tensor, ValueId, interpret};

pub(crate) fn run(graph: &Graph, leaves: &[(&str, Tensor<f64>)]) -> Outcome<f64> {
    let leaves: HashMap<String, Tensor<f64>> = leaves.iter().map(|(n, t)| (n.to_string(), t.clone())).collect();
    interpret(graph, &leaves).unwrap()
}

/// Numbers in ±1, without pattern and away from the corners of piecewise functions; equal for equal seeds.
pub(crate) fn numbers(seed: u64, shape: &[usize]) -> Tensor<f64> {
    let count = shape.iter().product::<usize>();
    let number = |k: u64| {
        let mixed = (k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = (mixed >> 11) as f64 / (1u64 << 53) as f64;
        let number = 2.0 * unit - 1.0;
        number + 0.01f64.copysign(number)
    };
    Tensor::floats(shape, (0..count as u64).map(number).collect())
}

/// The value of a function of f32 inputs `x0`, `x1`, …
pub(crate) fn value_of(
    function: impl Fn(&mut Graph, &[ValueId]) -> Result<ValueId>,
    arguments: &[Tensor<f64>],
) -> Tensor<f64> {
    let mut graph = Graph::new();
    let (names, inputs) = inputs(&mut graph, arguments);
    let value = function(&mut graph, &inputs).unwrap();
    graph.set_output("y", value).unwrap();
    let leaves: Vec<_> = names.iter().map(String::as_str).zip(arguments.iter().cloned()).collect();
    run(&graph, &leaves).outputs.remove("y").unwrap()
}

/// Holds the first derivatives of a function (and for smooth ones the second) to central differences. A result of many
/// elements is weighted by fixed numbers, so that no gradient cancels.
#[track_caller]
pub(crate) fn check_gradients(
    function: impl Fn(&mut Graph, &[ValueId]) -> Result<ValueId>,
    shapes: &[&[usize]],
    smooth: bool,
) {
    let arguments: Vec<Tensor<f64>> = (0..).zip(shapes).map(|(k, shape)| numbers(k, shape)).collect();
    let first = |graph: &mut Graph, inputs: &[ValueId]| {
        let value = function(graph, inputs)?;
        weighted(graph, value, 77)
    };
    hold_to_differences(&first, &arguments);
    if smooth {
        let second = |graph: &mut Graph, inputs: &[ValueId]| {
            let value = first(graph, inputs)?;
            let gradients = differentiate(graph, value, inputs)?;
            let mut total = graph.float(0.0)?;
            for (k, gradient) in (0..).zip(gradients) {
                let part = weighted(graph, gradient, 99 + k)?;
                total = crate::ops::add(graph, total, part)?;
            }
            Ok(total)
        };
        hold_to_differences(&second, &arguments);
    }
}

#[track_caller]
fn hold_to_differences(function: &impl Fn(&mut Graph, &[ValueId]) -> Result<ValueId>, arguments: &[Tensor<f64>]) {
    let mut graph = Graph::new();
    let (names, inputs) = inputs(&mut graph, arguments);
    let value = function(&mut graph, &inputs).unwrap();
    let gradients = differentiate(&mut graph, value, &inputs).unwrap();
    graph.set_output("value", value).unwrap();
    for (name, gradient) in names.iter().zip(gradients) {
        graph.set_output(name, gradient).unwrap();
    }
    tacit_ir::passes::verify(&graph).unwrap();
    let at = |arguments: &[Tensor<f64>]| {
        let leaves: Vec<_> = names.iter().map(String::as_str).zip(arguments.iter().cloned()).collect();
        run(&graph, &leaves).outputs
    };
    let found = at(arguments);
    let step = 1e-5;
    for (k, name) in names.iter().enumerate() {
        for element in 0..arguments[k].as_floats().len() {
            let moved = |by: f64| {
                let mut moved = arguments.to_vec();
                let mut values = moved[k].as_floats().to_vec();
                values[element] += by;
                moved[k] = Tensor::floats(&arguments[k].shape, values);
                at(&moved)["value"].as_floats()[0]
            };
            let difference = (moved(step) - moved(-step)) / (2.0 * step);
            let gradient = found[name].as_floats()[element];
            assert!(
                (difference - gradient).abs() <= 1e-6 * (1.0 + gradient.abs()),
                "element {element} of {name}: the gradient is {gradient}, the central difference {difference}"
            );
        }
    }
}

fn inputs(graph: &mut Graph, arguments: &[Tensor<f64>]) -> (Vec<String>, Vec<ValueId>) {
    let names: Vec<String> = (0..arguments.len()).map(|k| format!("x{k}")).collect();
    let values = names.iter().zip(arguments).map(|(n, t)| graph.input(n, DType::F32, &t.shape).unwrap()).collect();
    (names, values)
}

fn weighted(graph: &mut Graph, value: ValueId, seed: u64) -> Result<ValueId> {
    let shape = graph.shape(value).to_vec();
    let weights = numbers(seed, &shape).as_floats().iter().map(|w| tacit_ir::Scalar::F32(*w as f32)).collect();
    let weights = graph.constant(weights, &shape)?;
    let product = crate::ops::mul(graph, value, weights)?;
    crate::ops::sum(graph, product)
}
