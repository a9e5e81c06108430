//! Rows of a table by index: the one place where an address depends on data.

use super::super::{Affine, Array, Condition, Element, Expression};
use super::build::Builder;
use super::contract::apply;
use super::element::{Scope, dimension};
use tacit_ir::types::{DType, Scalar, row_major_strides};
use tacit_ir::{Access, Index, Instruction, ScalarFn, ValueId};

/// An access with the looked-up dimension apart.
struct Rows {
    /// The position without the row, and the conditions of the other dimensions.
    position: Affine,
    conditions: Vec<Condition>,
    /// Of the looked-up dimension: the elements from row to row, and the number of rows.
    stride: usize,
    extent: usize,
}

impl Rows {
    fn new(scope: &Scope, value: ValueId, shape: &[usize], access: &Access, axes: &[Affine]) -> Rows {
        let nest = &scope.graph.instruction(value).nest;
        let mut rows = Rows { position: Affine::default(), conditions: vec![], stride: 0, extent: 0 };
        for ((index, stride), extent) in access.iter().zip(row_major_strides(shape)).zip(shape) {
            if *index == Index::Lookup {
                (rows.stride, rows.extent) = (stride, *extent);
                continue;
            }
            let position = dimension(nest, index, axes);
            rows.position = rows.position.plus(&position.clone().times(stride as i64));
            rows.conditions.push(Condition::Within { position, extent: *extent as i64 });
        }
        if rows.extent == 0 {
            // A table without rows has no element that could be looked at.
            rows.conditions.push(Condition::Within { position: Affine::default(), extent: 0 });
        }
        rows
    }

    /// The row, moved into the table, and whether it was there.
    fn looked_up(&self, builder: &mut Builder, array: Array, index: Expression) -> (Element, Expression) {
        let number = |x: i64| Expression::Constant(Scalar::I32(i32::try_from(x).expect("a table has an i32 of rows")));
        let index = builder.bind(index);
        let last = self.extent as i64 - 1;
        let clamped = apply(ScalarFn::Max, [apply(ScalarFn::Min, [index.clone(), number(last)]), number(0)]);
        let row = builder.bind(clamped);
        let is_there = apply(ScalarFn::Equal, [index, row.clone()]);
        let is_there = builder.bind(is_there);
        let Expression::Variable(variable) = row else { panic!("what is applied is bound to a variable") };
        let element =
            Element { array, position: self.position.clone(), modulo: None, row: Some((variable, self.stride)) };
        (element, is_there)
    }
}

/// Every element of the result is one of the table, or 0 where its row is out of range.
pub fn gather(scope: &Scope, builder: &mut Builder) {
    let root = scope.kernel.root;
    let Instruction { operands, nest, ty, .. } = scope.graph.instruction(root);
    let order = scope.output_axes(root);
    let extents: Vec<usize> = order.iter().map(|axis| nest.axes[*axis].1).collect();
    let zero = Expression::Constant(Scalar::zero(ty.dtype));
    builder.each_of(&extents, &mut |builder, counters| {
        let mut axes = vec![Affine::default(); nest.axes.len()];
        for (axis, counter) in order.iter().zip(counters) {
            axes[*axis] = counter.clone();
        }
        let table = scope.graph.ty(operands[0]);
        let rows = Rows::new(scope, root, &table.shape, &nest.operands[0], &axes);
        let of_index = scope.index(root, &nest.operands[1], &axes);
        let mut conditions = scope.within(operands[1], &of_index);
        conditions.extend(rows.conditions.iter().cloned());
        let value = builder.choose(
            conditions,
            ty.dtype,
            |builder| {
                let index = scope.loaded(builder, operands[1], scope.position(operands[1], &of_index));
                let array = builder.operand(scope.places.of(operands[0]), table.dtype, table.elements(), false);
                let (element, is_there) = rows.looked_up(builder, array, index);
                apply(ScalarFn::Select, [is_there, Expression::Load(element), zero.clone()])
            },
            |_| zero.clone(),
        );
        let index = scope.index(root, &nest.output, &axes);
        scope.store(builder, root, &index, value);
    });
}

/// Rows are added one by one in the declared order of the axes; a row out of range is added to nothing.
pub fn scatter(scope: &Scope, builder: &mut Builder) {
    let root = scope.kernel.root;
    let Instruction { operands, nest, ty, .. } = scope.graph.instruction(root);
    let array = builder.operand(scope.places.of(root), ty.dtype, ty.elements(), true);
    builder.fill(array, ty.elements(), Scalar::zero(ty.dtype));
    let extents: Vec<usize> = nest.axes.iter().map(|(_, extent)| *extent).collect();
    builder.each_of(&extents, &mut |builder, axes| {
        let rows = Rows::new(scope, root, &ty.shape, &nest.output, axes);
        let of_source = scope.index(root, &nest.operands[0], axes);
        let of_index = scope.index(root, &nest.operands[1], axes);
        let mut conditions = scope.within(operands[0], &of_source);
        conditions.extend(scope.within(operands[1], &of_index));
        conditions.extend(rows.conditions.iter().cloned());
        builder.when(conditions, |builder| {
            let index = scope.loaded(builder, operands[1], scope.position(operands[1], &of_index));
            let (target, is_there) = rows.looked_up(builder, array, index);
            let source = scope.loaded(builder, operands[0], scope.position(operands[0], &of_source));
            let before = builder.bind(Expression::Load(target.clone()));
            let sum = apply(ScalarFn::Add, [before.clone(), source]);
            builder.store(target, apply(ScalarFn::Select, [is_there, sum, before]));
        });
    });
    if ty.dtype == DType::F32 {
        builder.each(ty.elements(), |builder, index| {
            let element = Element::plain(array, index);
            let sum = Expression::Load(element.clone());
            builder.store(element, apply(ScalarFn::Flush, [sum]));
        });
    }
}
