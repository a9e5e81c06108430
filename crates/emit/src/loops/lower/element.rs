//! The elements of a kernel's values: loaded from memory, or evaluated from their instruction where the plan says so.

use super::super::{Affine, Condition, Element, Expression};
use super::build::Builder;
use super::places::Places;
use tacit_ir::nest::{Access, Nest};
use tacit_ir::passes::plan::{Fate, Kernel, Plan};
use tacit_ir::types::{Scalar, row_major_strides};
use tacit_ir::{Graph, Index, Instruction, Op, ScalarFn, ValueId};

/// A kernel and what it stands in.
pub struct Scope<'a> {
    pub graph: &'a Graph,
    pub plan: &'a Plan,
    pub kernel: &'a Kernel,
    pub places: &'a Places,
}

impl Scope<'_> {
    /// The contraction, reduction or other instruction whose loops these are.
    pub fn anchor(&self) -> ValueId {
        self.kernel.anchor.unwrap_or(self.kernel.root)
    }

    /// The axes in the order in which the output names them.
    pub fn output_axes(&self, value: ValueId) -> Vec<usize> {
        let nest = &self.graph.instruction(value).nest;
        nest.output.iter().flat_map(|index| nest.affine(index).0).map(|(_, axis)| axis).collect()
    }

    /// The index of each dimension of an access.
    pub fn index(&self, value: ValueId, access: &Access, axes: &[Affine]) -> Vec<Affine> {
        let nest = &self.graph.instruction(value).nest;
        access.iter().map(|index| dimension(nest, index, axes)).collect()
    }

    /// An element at an index that is in bounds.
    pub fn element(&self, builder: &mut Builder, value: ValueId, index: &[Affine]) -> Expression {
        let key = (value, index.to_vec());
        if let Some(known) = builder.known(&key) {
            return known;
        }
        if self.is_evaluated(value) {
            let expression = self.evaluated(builder, value, index);
            return builder.know(key, expression);
        }
        let position = self.position(value, index);
        let load = self.loaded(builder, value, position);
        builder.know(key, load)
    }

    /// True if the kernel computes the value itself.
    fn is_evaluated(&self, value: ValueId) -> bool {
        self.plan.fates[value.index()] == Fate::Inline || self.kernel.also_stored.contains(&value)
    }

    /// A load of a value that lies in memory.
    pub fn loaded(&self, builder: &mut Builder, value: ValueId, position: Affine) -> Expression {
        let ty = self.graph.ty(value);
        let array = builder.operand(self.places.of(value), ty.dtype, ty.elements(), false);
        Expression::Load(Element::plain(array, position))
    }

    /// The element from the value's instruction.
    pub fn evaluated(&self, builder: &mut Builder, value: ValueId, index: &[Affine]) -> Expression {
        let Instruction { op, nest, operands, .. } = self.graph.instruction(value);
        match op {
            Op::Constant { value } => Expression::Constant(value.at(0)),
            Op::Iota => Expression::Position(index[0].clone()),
            Op::Extent { dim } => {
                let extent = self.graph.shape(operands[0])[*dim];
                Expression::Constant(Scalar::I32(i32::try_from(extent).expect("a dimension has an i32 extent")))
            }
            Op::Map(_) | Op::Move { .. } => {
                let mut axes = vec![Affine::default(); nest.axes.len()];
                for (dimension, index) in nest.output.iter().zip(index) {
                    let Index::Axis(axis) = dimension else { panic!("only plain axes are evaluated inside") };
                    axes[nest.position(*axis).expect("a verified nest names its axes")] = index.clone();
                }
                self.at_axes(builder, value, &axes)
            }
            Op::Input { .. }
            | Op::Param { .. }
            | Op::State { .. }
            | Op::Random { .. }
            | Op::Contract
            | Op::Reduce(_)
            | Op::Gather
            | Op::Scatter => panic!("`{}` has a kernel of its own", op.keyword()),
        }
    }

    /// A map or move where its axes have these values.
    pub fn at_axes(&self, builder: &mut Builder, value: ValueId, axes: &[Affine]) -> Expression {
        let Instruction { op, nest, operands, .. } = self.graph.instruction(value);
        match op {
            // Its first operand lends a gradient alone.
            Op::Map(ScalarFn::Straight) => {
                let index = self.index(value, &nest.operands[1], axes);
                self.element(builder, operands[1], &index)
            }
            Op::Map(function) => {
                let arguments = operands.iter().zip(&nest.operands).map(|(operand, access)| {
                    let index = self.index(value, access, axes);
                    self.element(builder, *operand, &index)
                });
                Expression::Apply { function: *function, operands: arguments.collect() }
            }
            Op::Move { fill } => self.moved(builder, value, axes, 0, *fill),
            Op::Constant { .. }
            | Op::Iota
            | Op::Extent { .. }
            | Op::Input { .. }
            | Op::Param { .. }
            | Op::State { .. }
            | Op::Random { .. }
            | Op::Contract
            | Op::Reduce(_)
            | Op::Gather
            | Op::Scatter => panic!("`{}` is not evaluated at axes", op.keyword()),
        }
    }

    /// The first operand from `from` on that is in bounds, else the fill.
    fn moved(&self, builder: &mut Builder, value: ValueId, axes: &[Affine], from: usize, fill: Scalar) -> Expression {
        let Instruction { nest, operands, ty, .. } = self.graph.instruction(value);
        let Some(operand) = operands.get(from) else { return Expression::Constant(fill) };
        let index = self.index(value, &nest.operands[from], axes);
        builder.choose(
            self.within(*operand, &index),
            ty.dtype,
            |builder| self.element(builder, *operand, &index),
            |builder| self.moved(builder, value, axes, from + 1, fill),
        )
    }

    /// That an index is in bounds.
    pub fn within(&self, value: ValueId, index: &[Affine]) -> Vec<Condition> {
        let bounds = index.iter().zip(self.graph.shape(value));
        bounds.map(|(index, extent)| Condition::Within { position: index.clone(), extent: *extent as i64 }).collect()
    }

    /// Elements from the beginning of a value.
    pub fn position(&self, value: ValueId, index: &[Affine]) -> Affine {
        let strides = row_major_strides(self.graph.shape(value));
        index
            .iter()
            .zip(strides)
            .fold(Affine::default(), |sum, (index, stride)| sum.plus(&index.clone().times(stride as i64)))
    }

    pub fn store(&self, builder: &mut Builder, value: ValueId, index: &[Affine], element: Expression) {
        let position = self.position(value, index);
        self.store_at(builder, value, position, element);
    }

    pub fn store_at(&self, builder: &mut Builder, value: ValueId, position: Affine, element: Expression) {
        let ty = self.graph.ty(value);
        let array = builder.operand(self.places.of(value), ty.dtype, ty.elements(), true);
        builder.store(Element::plain(array, position), element);
    }

    /// The result of the anchor at an index: what follows from it is computed, and the root is stored.
    pub fn result(&self, builder: &mut Builder, index: &[Affine], result: Expression) {
        let root = self.kernel.root;
        let mut value = builder.know((self.anchor(), index.to_vec()), result);
        if self.kernel.anchor.is_some() {
            value = self.evaluated(builder, root, index);
            value = builder.know((root, index.to_vec()), value);
        }
        self.store_all(builder, index, value);
    }

    /// Stores the root's element and those that its loop stores as well. The root may be written over what they read, so
    /// that all are evaluated first.
    pub fn store_all(&self, builder: &mut Builder, index: &[Affine], root: Expression) {
        let also: Vec<Expression> =
            self.kernel.also_stored.iter().map(|also| self.element(builder, *also, index)).collect();
        for (value, element) in self.kernel.also_stored.iter().zip(also) {
            self.store(builder, *value, index, element);
        }
        self.store(builder, self.kernel.root, index, root);
    }
}

/// The index of one dimension of an access.
pub fn dimension(nest: &Nest, index: &Index, axes: &[Affine]) -> Affine {
    let (terms, constant) = nest.affine(index);
    terms.into_iter().fold(Affine::constant(constant), |sum, (step, axis)| sum.plus(&axes[axis].clone().times(step)))
}
