//! Which results of a contraction a weight belongs to: the channels that get a scale each.

use crate::error::Result;
use crate::graph::{Graph, Op, ValueId};
use crate::nest::{Access, Index, Nest, axes_of};
use crate::types::{Scalar, row_major_strides};

/// True if every axis of this dimension stands plainly in the access.
pub(super) fn depends_on(access: &Access, dimension: &Index) -> bool {
    let plain = Nest::plain_axes(access);
    axes_of(std::slice::from_ref(dimension)).iter().all(|axis| plain.contains(axis))
}

/// True if an access is made of plain axes, alone or merged, each at most once.
pub(super) fn is_plain(access: &Access) -> bool {
    let axes = axes_of(access);
    axes.len() == Nest::plain_axes(access).len() && axes.iter().enumerate().all(|(k, axis)| !axes[..k].contains(axis))
}

/// A value that has some dimensions of a nest's result, repeated so that it has the shape of an operand with this access.
pub(super) fn spread(
    graph: &mut Graph,
    value: ValueId,
    dims: &[usize],
    nest: &Nest,
    access: &Access,
) -> Result<ValueId> {
    let axes = axes_of(access);
    let nest = Nest {
        axes: nest.axes.iter().filter(|(axis, _)| axes.contains(axis)).copied().collect(),
        operands: vec![dims.iter().map(|dim| nest.output[*dim].clone()).collect()],
        output: access.clone(),
    };
    let shape: Vec<usize> = access.iter().map(|index| extent(&nest, index)).collect();
    graph.with_shape(Op::Move { fill: Scalar::F32(0.0) }, nest, &[value], &shape)
}

fn extent(nest: &Nest, index: &Index) -> usize {
    axes_of(std::slice::from_ref(index)).iter().map(|axis| nest.extent(*axis).expect("the nest has the axis")).product()
}

/// The channels of a contraction's weight, whose access is plain.
pub(super) struct Channels {
    /// The dimensions of the result whose axes the weight has.
    pub dims: Vec<usize>,
    /// Their extents.
    pub shape: Vec<usize>,
    /// For each element of the weight the row-major place of its channel.
    pub of: Vec<usize>,
}

impl Channels {
    pub fn new(nest: &Nest, access: &Access, weight_shape: &[usize]) -> Channels {
        let dims: Vec<usize> = (0..nest.output.len()).filter(|dim| depends_on(access, &nest.output[*dim])).collect();
        let shape: Vec<usize> = dims.iter().map(|dim| extent(nest, &nest.output[*dim])).collect();
        let strides = row_major_strides(weight_shape);
        let mut axes = vec![0usize; nest.axes.len()];
        let of = (0..weight_shape.iter().product()).map(|position| {
            for (dim, index) in access.iter().enumerate() {
                let mut rest = position / strides[dim] % weight_shape[dim];
                for (_, axis) in nest.affine(index).0.iter().rev() {
                    axes[*axis] = rest % nest.axes[*axis].1;
                    rest /= nest.axes[*axis].1;
                }
            }
            let place = |dim: &usize| {
                nest.affine(&nest.output[*dim])
                    .0
                    .iter()
                    .map(|(stride, axis)| *stride as usize * axes[*axis])
                    .sum::<usize>()
            };
            dims.iter().zip(&shape).fold(0, |place_before, (dim, extent)| place_before * extent + place(dim))
        });
        let of = of.collect();
        Channels { dims, shape, of }
    }

    /// One channel that all results share.
    pub fn one() -> Channels {
        Channels { dims: vec![], shape: vec![], of: vec![] }
    }

    /// The number of channels; 1 where all results share a scale.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}
