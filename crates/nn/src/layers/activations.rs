//! Elementwise activations.

use crate::ops::{add, at_least, at_most, mul, offset, scale, unary};
use tacit_ir::{Graph, Result, ScalarFn, ValueId};

/// max(x, 0); the derivative at 0 is 0.
pub fn relu(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    at_least(graph, x, 0.0)
}

/// x where it is positive, else slope·x (Maas, Hannun and Ng 2013).
pub fn leaky_relu(graph: &mut Graph, x: ValueId, slope: f32) -> Result<ValueId> {
    let zero = graph.float(0.0)?;
    let positive = graph.map(ScalarFn::Less, &[zero, x])?;
    let small = scale(graph, x, slope)?;
    graph.map(ScalarFn::Select, &[positive, x, small])
}

/// x where it is positive, else scale·(eˣ − 1) (Clevert, Unterthiner and Hochreiter, arXiv:1511.07289).
pub fn elu(graph: &mut Graph, x: ValueId, saturation: f32) -> Result<ValueId> {
    let zero = graph.float(0.0)?;
    let positive = graph.map(ScalarFn::Less, &[zero, x])?;
    // Without the minimum the unused side overflows, and its gradient 0·∞ is NaN.
    let negative_part = at_most(graph, x, 0.0)?;
    let exponential = unary(graph, ScalarFn::Exp, negative_part)?;
    let below = offset(graph, exponential, -1.0)?;
    let below = scale(graph, below, saturation)?;
    graph.map(ScalarFn::Select, &[positive, x, below])
}

pub fn tanh(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    unary(graph, ScalarFn::Tanh, x)
}

/// 1 / (1 + e⁻ˣ).
pub fn sigmoid(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    unary(graph, ScalarFn::Sigmoid, x)
}

/// x·σ(x) (Elfwing, Uchibe and Doya, arXiv:1702.03118).
pub fn silu(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let gate = sigmoid(graph, x)?;
    mul(graph, x, gate)
}

/// x·Φ(x) = x/2·(1 + erf(x/√2)) (Hendrycks and Gimpel, arXiv:1606.08415, section 2).
pub fn gelu(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let scaled = scale(graph, x, std::f32::consts::FRAC_1_SQRT_2)?;
    let erf = unary(graph, ScalarFn::Erf, scaled)?;
    gate_by_half(graph, x, erf)
}

/// The tanh form of [`gelu`]: x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), at most 5·10⁻⁴ from it.
pub fn gelu_tanh(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let square = mul(graph, x, x)?;
    let cubic = scale(graph, square, 0.044715)?;
    let cubic = offset(graph, cubic, 1.0)?;
    let inner = mul(graph, x, cubic)?;
    // √(2/π)
    let inner = scale(graph, inner, 0.797_884_6)?;
    let tanh = unary(graph, ScalarFn::Tanh, inner)?;
    gate_by_half(graph, x, tanh)
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), which never overflows.
///
/// −|x| is min(−x, x), whose derivative at 0 is 1: with it the sum of both terms has the derivative ½ there, as it must.
pub fn softplus(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let positive = relu(graph, x)?;
    let negative = unary(graph, ScalarFn::Neg, x)?;
    let negative = graph.map(ScalarFn::Min, &[negative, x])?;
    let decay = unary(graph, ScalarFn::Exp, negative)?;
    let decay = offset(graph, decay, 1.0)?;
    let rest = unary(graph, ScalarFn::Log, decay)?;
    add(graph, positive, rest)
}

/// x/2·(1 + gate).
fn gate_by_half(graph: &mut Graph, x: ValueId, gate: ValueId) -> Result<ValueId> {
    let half = scale(graph, x, 0.5)?;
    let gate = offset(graph, gate, 1.0)?;
    mul(graph, half, gate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{check_gradients, value_of};
    use tacit_ir::gradient::differentiate;
    use tacit_ir::{DType, Tensor};

    type Function = fn(&mut Graph, ValueId) -> Result<ValueId>;

    /// Name, function, whether it is twice differentiable everywhere, and its values at −2, 0, 0.5 and 30.
    const TABLE: [(&str, Function, bool, [f64; 4]); 9] = [
        ("relu", relu, false, [0.0, 0.0, 0.5, 30.0]),
        ("leaky relu", |g, x| leaky_relu(g, x, 0.25), false, [-0.5, 0.0, 0.5, 30.0]),
        ("elu", |g, x| elu(g, x, 2.0), false, [-1.7293294335267746, 0.0, 0.5, 30.0]),
        ("tanh", tanh, true, [-0.9640275800758169, 0.0, 0.46211715726000973, 1.0]),
        ("sigmoid", sigmoid, true, [0.11920292202211755, 0.5, 0.6224593312018546, 1.0]),
        ("silu", silu, true, [-0.2384058440442351, 0.0, 0.3112296656009273, 30.0]),
        ("gelu", gelu, true, [-0.04550026389635842, 0.0, 0.34573123063700656, 30.0]),
        ("gelu by tanh", gelu_tanh, true, [-0.04540230591222725, 0.0, 0.34571400982514394, 30.0]),
        ("softplus", softplus, true, [0.12692801104297252, std::f64::consts::LN_2, 0.9740769841801067, 30.0]),
    ];

    #[test]
    fn values_are_those_of_the_formulas() {
        for (name, function, _, expected) in TABLE {
            let found = value_of(|g, x| function(g, x[0]), &[Tensor::floats(&[4], vec![-2.0, 0.0, 0.5, 30.0])]);
            for (a, b) in found.as_floats().iter().zip(expected) {
                assert!((a - b).abs() < 1e-7, "{name}: {found:?}");
            }
        }
    }

    #[test]
    fn derivatives_agree_with_central_differences() {
        for (_, function, smooth, _) in TABLE {
            check_gradients(|g, x| function(g, x[0]), &[&[3, 4]], smooth);
        }
    }

    #[test]
    fn nothing_overflows_far_from_zero_and_corners_have_the_stated_slopes() {
        let slope = |function: Function, at: f32| {
            let mut graph = Graph::new();
            let x = graph.input("x", DType::F32, &[]).unwrap();
            let y = function(&mut graph, x).unwrap();
            let slope = differentiate(&mut graph, y, &[x]).unwrap()[0];
            graph.set_output("slope", slope).unwrap();
            let leaves = [("x".to_string(), Tensor::floats(&[], vec![at]))].into();
            tacit_ir::interpret(&graph, &leaves).unwrap().outputs["slope"].as_floats()[0]
        };
        for (name, function, _, _) in TABLE {
            for at in [-1000.0, -100.0, 100.0, 1000.0] {
                assert!(slope(function, at).is_finite(), "{name} at {at}");
            }
        }
        assert_eq!(slope(relu, 0.0), 0.0);
        assert_eq!(slope(|g, x| leaky_relu(g, x, 0.25), 0.0), 0.25);
        assert_eq!(slope(softplus, 0.0), 0.5);
    }
}
