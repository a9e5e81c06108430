//! Attention.

use super::softmax::softmax;
use crate::ops::{add, count, div, leading, misshapen, scale, sub, unary};
use tacit_ir::{DType, Graph, Result, Scalar, ScalarFn, ValueId};

/// The parameters and the form of an attention layer over d features with h heads of size e.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// [d, h, e] each; the head is an axis of its own, so that heads can be removed.
    pub query: ValueId,
    pub key: ValueId,
    pub value: ValueId,
    /// [h, e, d].
    pub output: ValueId,
    /// No place sees a later one.
    pub causal: bool,
    /// Turn queries and keys by their place ([`rotary`]).
    pub rotary: bool,
}

/// What a masked score is set to: its exponential is 0, and unlike −∞ it leaves no NaN in any difference.
const MASKED: f32 = -1e30;

/// softmax(q·kᵀ / √e)·v for each head, then the output matrix (Vaswani et al., arXiv:1706.03762, section 3.2):
/// x [.., t, d] → [.., t, d].
pub fn attention(graph: &mut Graph, x: ValueId, layer: Attention) -> Result<ValueId> {
    let n = leading(graph, x, 2, "attention")?;
    let places = graph.shape(x)[n.len()];
    // z: the d features, x: the h heads, y: their e features, t and u: places.
    let into_heads = format!("{n}tz,zxy->{n}xty");
    let project = |graph: &mut Graph, weight| graph.contract(&into_heads, x, weight, &[]);
    let mut query = project(graph, layer.query)?; // [.., h, t, e]
    let mut key = project(graph, layer.key)?; // [.., h, t, e]
    let value = project(graph, layer.value)?; // [.., h, t, e]
    if layer.rotary {
        query = rotary(graph, query)?;
        key = rotary(graph, key)?;
    }
    let mut scores = graph.contract(&format!("{n}xty,{n}xuy->{n}xtu"), query, key, &[])?; // [.., h, t, u]
    let size = count(graph, layer.query, &[2])?;
    let size = unary(graph, ScalarFn::Sqrt, size)?;
    scores = div(graph, scores, size)?;
    if layer.causal {
        let place = graph.iota(places)?;
        let later = graph.map_nest(ScalarFn::Less, "t,u->tu", &[place, place])?;
        let masked = graph.float(MASKED)?;
        scores = graph.map_nest(ScalarFn::Select, &format!("tu,,{n}xtu->{n}xtu"), &[later, masked, scores])?;
    }
    let weights = softmax(graph, scores)?; // [.., h, t, u]
    let mixed = graph.contract(&format!("{n}xtu,{n}xuy->{n}txy"), weights, value, &[])?; // [.., t, h, e]
    graph.contract(&format!("{n}txy,xyz->{n}tz"), mixed, layer.output, &[])
}

/// Rotary positions (Su et al., arXiv:2104.09864, section 3.2): features f and f + e/2 of place t are turned as a pair by
/// the angle t·10000^(−2f/e). x [.., t, e] with e even → the same.
pub fn rotary(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let n = leading(graph, x, 2, "a rotary position")?;
    let [places, size] = [graph.shape(x)[n.len()], graph.shape(x)[n.len() + 1]];
    if size % 2 != 0 {
        return misshapen(format!("rotary positions turn pairs of features, and {size} is odd"));
    }
    let half = size / 2;
    let feature = iota(graph, half)?;
    let rate = scale(graph, feature, -2.0 * 10000f32.ln() / size as f32)?;
    let rate = unary(graph, ScalarFn::Exp, rate)?;
    let place = iota(graph, places)?;
    let angle = graph.map_nest(ScalarFn::Mul, "t,y->ty", &[place, rate])?; // [t, e/2]
    let cos = unary(graph, ScalarFn::Cos, angle)?;
    let sin = unary(graph, ScalarFn::Sin, angle)?;
    let zero = Scalar::F32(0.0);
    let first = graph.move_nest(zero, &format!("{n}t{{y}}->{n}ty"), &[x], &[('y', half)])?;
    let second = graph.move_nest(zero, &format!("{n}t{{y+{half}}}->{n}ty"), &[x], &[('y', half)])?;
    let turned =
        |graph: &mut Graph, value, by| graph.map_nest(ScalarFn::Mul, &format!("{n}ty,ty->{n}ty"), &[value, by]);
    let (a, b) = (turned(graph, first, cos)?, turned(graph, second, sin)?);
    let (c, d) = (turned(graph, first, sin)?, turned(graph, second, cos)?);
    let (left, right) = (sub(graph, a, b)?, add(graph, c, d)?);
    let joined = format!("{n}t{{y}},{n}t{{y-{half}}}->{n}ty");
    graph.move_nest(zero, &joined, &[left, right], &[('y', size)])
}

/// 0, 1, … as f32.
fn iota(graph: &mut Graph, extent: usize) -> Result<ValueId> {
    let numbers = graph.iota(extent)?;
    graph.map(ScalarFn::Cast(DType::F32), &[numbers])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{check_gradients, numbers, value_of};
    use tacit_ir::Tensor;

    const SHAPES: [&[usize]; 5] = [&[3, 4], &[4, 2, 2], &[4, 2, 2], &[4, 2, 2], &[2, 2, 4]];

    fn layer(causal: bool, rotary: bool) -> impl Fn(&mut Graph, &[ValueId]) -> Result<ValueId> {
        move |g, x| {
            let layer = Attention { query: x[1], key: x[2], value: x[3], output: x[4], causal, rotary };
            attention(g, x[0], layer)
        }
    }

    /// Attention by its formula, place by place and head by head.
    fn reference(arguments: &[Tensor<f64>], causal: bool) -> Vec<f64> {
        let [x, query, key, value, output] = arguments else { panic!("five arguments") };
        let project = |weight: &Tensor<f64>, t: usize, h: usize, e: usize| -> f64 {
            (0..4).map(|d| x.as_floats()[t * 4 + d] * weight.as_floats()[(d * 2 + h) * 2 + e]).sum()
        };
        let mut sums = vec![0.0; 12];
        for (t, h) in (0..3).flat_map(|t| (0..2).map(move |h| (t, h))) {
            let seen = if causal { t + 1 } else { 3 };
            let score = |u| (0..2).map(|e| project(query, t, h, e) * project(key, u, h, e)).sum::<f64>() / 2f64.sqrt();
            let weights: Vec<f64> = (0..seen).map(|u| f64::exp(score(u))).collect();
            let total: f64 = weights.iter().sum();
            for (e, d) in (0..2).flat_map(|e| (0..4).map(move |d| (e, d))) {
                let mixed: f64 = (0..seen).map(|u| weights[u] / total * project(value, u, h, e)).sum();
                sums[t * 4 + d] += mixed * output.as_floats()[(h * 2 + e) * 4 + d];
            }
        }
        sums
    }

    #[test]
    fn attention_is_its_formula_and_causal_places_see_no_later_one() {
        let arguments: Vec<Tensor<f64>> = (0..).zip(SHAPES).map(|(k, shape)| numbers(k, shape)).collect();
        for causal in [false, true] {
            let found = value_of(layer(causal, false), &arguments);
            for (a, b) in found.as_floats().iter().zip(reference(&arguments, causal)) {
                assert!((a - b).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn rotary_scores_depend_on_the_distance_alone() {
        // The same features at every place: x·y of two turned places is a function of their distance.
        let row = [0.3, -0.8, 0.5, 0.9];
        let x = Tensor::floats(&[4, 4], row.repeat(4));
        let turned = value_of(|g, x| rotary(g, x[0]), &[x]);
        let turned = turned.as_floats();
        let dot = |t: usize, u: usize| -> f64 { (0..4).map(|e| turned[t * 4 + e] * turned[u * 4 + e]).sum() };
        assert_eq!(&turned[..4], row.map(|v| v));
        assert!((dot(0, 1) - dot(2, 3)).abs() < 1e-6 && (dot(0, 2) - dot(1, 3)).abs() < 1e-6);
        // Feature 0 turns with feature 2 by one radian a place.
        assert!((turned[4] - (0.3 * 1f64.cos() - 0.5 * 1f64.sin())).abs() < 1e-6);
        assert!((turned[7] - (-0.8 * 0.01f64.sin() + 0.9 * 0.01f64.cos())).abs() < 1e-6);
        let mut graph = Graph::new();
        let odd = graph.input("x", DType::F32, &[4, 3]).unwrap();
        assert!(rotary(&mut graph, odd).is_err());
    }

    #[test]
    fn derivatives_agree_with_central_differences() {
        check_gradients(layer(false, false), &SHAPES, true);
        check_gradients(layer(true, true), &SHAPES, true);
        let mut batched = SHAPES;
        batched[0] = &[2, 3, 4];
        check_gradients(layer(true, false), &batched, false);
    }
}
