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
