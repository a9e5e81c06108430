//! Words for the arithmetic that layers, goals and optimisers are made of.

use tacit_ir::error::{self, GraphError};
use tacit_ir::{DType, Graph, Reduction, Result, Scalar, ScalarFn, ValueId};

/// Letters for the leading dimensions of a value; layers name their own dimensions from `m` on.
const LEADING: &str = "abcdefghijkl";

/// Letters for the first `count` dimensions.
pub(crate) fn letters(count: usize) -> Result<&'static str> {
    LEADING.get(..count).ok_or_else(|| GraphError::new(error::SIZE, format!("a rank of {count} exceeds 12")))
}

/// Letters for all dimensions of `x`.
pub(crate) fn all(graph: &Graph, x: ValueId) -> Result<&'static str> {
    letters(graph.shape(x).len())
}

/// Letters for all dimensions of `x` but the last `count`, which a layer names itself.
pub(crate) fn leading(graph: &Graph, x: ValueId, count: usize, layer: &str) -> Result<&'static str> {
    let shape = graph.shape(x);
    match shape.len().checked_sub(count) {
        Some(rank) => letters(rank),
        None => Err(GraphError::new(
            error::SHAPE,
            format!("{layer} takes a value of {count} or more dimensions, not one of shape {shape:?}"),
        )),
    }
}

/// An error about a value's shape.
pub(crate) fn misshapen<T>(message: impl Into<String>) -> Result<T> {
    Err(GraphError::new(error::SHAPE, message))
}

pub(crate) fn add(graph: &mut Graph, a: ValueId, b: ValueId) -> Result<ValueId> {
    graph.map(ScalarFn::Add, &[a, b])
}

pub(crate) fn sub(graph: &mut Graph, a: ValueId, b: ValueId) -> Result<ValueId> {
    graph.map(ScalarFn::Sub, &[a, b])
}

pub(crate) fn mul(graph: &mut Graph, a: ValueId, b: ValueId) -> Result<ValueId> {
    graph.map(ScalarFn::Mul, &[a, b])
}

pub(crate) fn div(graph: &mut Graph, a: ValueId, b: ValueId) -> Result<ValueId> {
    graph.map(ScalarFn::Div, &[a, b])
}

pub(crate) fn unary(graph: &mut Graph, function: ScalarFn, a: ValueId) -> Result<ValueId> {
    graph.map(function, &[a])
}

pub(crate) fn scale(graph: &mut Graph, a: ValueId, factor: f32) -> Result<ValueId> {
    let factor = graph.float(factor)?;
    mul(graph, a, factor)
}

pub(crate) fn offset(graph: &mut Graph, a: ValueId, term: f32) -> Result<ValueId> {
    let term = graph.float(term)?;
    add(graph, a, term)
}

/// max(a, floor): this order of operands makes the gradient at equality 0, as in `relu`.
pub(crate) fn at_least(graph: &mut Graph, a: ValueId, floor: f32) -> Result<ValueId> {
    let floor = graph.float(floor)?;
    graph.map(ScalarFn::Max, &[a, floor])
}

pub(crate) fn at_most(graph: &mut Graph, a: ValueId, ceiling: f32) -> Result<ValueId> {
    let ceiling = graph.float(ceiling)?;
    graph.map(ScalarFn::Min, &[a, ceiling])
}

/// A function of `x` and a vector over its last dimension.
pub(crate) fn with_vector(graph: &mut Graph, function: ScalarFn, x: ValueId, vector: ValueId) -> Result<ValueId> {
    let rows = leading(graph, x, 1, "a vector over the last dimension")?;
    graph.map_nest(function, &format!("{rows}z,z->{rows}z"), &[x, vector])
}

/// A function of `x` and a value that lacks its last dimension.
pub(crate) fn with_rows(graph: &mut Graph, function: ScalarFn, x: ValueId, row: ValueId) -> Result<ValueId> {
    let rows = leading(graph, x, 1, "one number a row")?;
    graph.map_nest(function, &format!("{rows}z,{rows}->{rows}z"), &[x, row])
}

/// Reduces the last dimension.
pub(crate) fn reduce_last(graph: &mut Graph, reduction: Reduction, x: ValueId) -> Result<ValueId> {
    let rows = leading(graph, x, 1, "a reduction of the last dimension")?;
    graph.reduce(reduction, &format!("{rows}z->{rows}"), x, &[])
}

/// The mean over the last dimension.
pub(crate) fn mean_last(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let sum = reduce_last(graph, Reduction::Sum, x)?;
    let count = count(graph, x, &[graph.shape(x).len() - 1])?;
    div(graph, sum, count)
}

/// The mean over all dimensions but the last.
pub(crate) fn mean_rows(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let rows = leading(graph, x, 1, "a mean over rows")?;
    let sum = graph.reduce(Reduction::Sum, &format!("{rows}z->z"), x, &[])?;
    let count = count(graph, x, &(0..rows.len()).collect::<Vec<_>>())?;
    div(graph, sum, count)
}

/// The sum of all elements.
pub(crate) fn sum(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let letters = all(graph, x)?;
    match letters {
        "" => Ok(x),
        _ => graph.reduce(Reduction::Sum, &format!("{letters}->"), x, &[]),
    }
}

/// The mean of all elements.
pub(crate) fn mean(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let dims: Vec<usize> = (0..graph.shape(x).len()).collect();
    let total = sum(graph, x)?;
    let count = count(graph, x, &dims)?;
    div(graph, total, count)
}

/// The product of the extents of these dimensions as f32: read off the value, so that it survives a change of sizes.
pub(crate) fn count(graph: &mut Graph, x: ValueId, dims: &[usize]) -> Result<ValueId> {
    let mut product = None;
    for dim in dims {
        let extent = graph.extent(x, *dim)?;
        let extent = unary(graph, ScalarFn::Cast(DType::F32), extent)?;
        product = Some(match product {
            Some(earlier) => mul(graph, earlier, extent)?,
            None => extent,
        });
    }
    match product {
        Some(product) => Ok(product),
        None => graph.float(1.0),
    }
}

/// A value without gradient: `straight` passes it to zero.
pub(crate) fn stop(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let zero = graph.float(0.0)?;
    graph.map(ScalarFn::Straight, &[zero, x])
}

/// `x` repeated: a move along axes that the operand omits.
pub(crate) fn expand(graph: &mut Graph, words: &str, x: ValueId, given: &[(char, usize)]) -> Result<ValueId> {
    let fill = Scalar::zero(graph.ty(x).dtype);
    graph.move_nest(fill, words, &[x], given)
}
