//! Reductions: sums and maxima of elements that are loaded or evaluated.

use super::super::{Affine, Array, Condition, Element, Expression, Variable};
use super::Options;
use super::build::Builder;
use super::contract::{Accumulator, apply};
use super::element::Scope;
use super::terms::{Lanes, Visitor, Walk};
use super::windows::{POSITIONS_MAX, written_out};
use tacit_ir::graph::{Op, Reduction};
use tacit_ir::interpret::{LANES, PIECE, reduces_in_lanes};
use tacit_ir::types::{DType, Scalar};
use tacit_ir::{Instruction, ScalarFn};

pub fn reduce(scope: &Scope, builder: &mut Builder, options: Options) {
    let Instruction { op, operands, nest, ty } = scope.graph.instruction(scope.anchor());
    let Op::Reduce(reduction) = op else { panic!("the plan calls this kernel a reduction") };
    let walk = Walk::new(scope);
    match reduces_in_lanes(nest, scope.graph.shape(operands[0])) {
        true if walk.box_size() <= POSITIONS_MAX => written_out(scope, builder, &walk, *reduction, options),
        true => in_lanes(scope, builder, &walk, *reduction),
        false => one_by_one(scope, builder, &walk, *reduction, ty.dtype, options),
    }
}

pub fn function_of(reduction: Reduction) -> ScalarFn {
    match reduction {
        Reduction::Sum => ScalarFn::Add,
        Reduction::Max => ScalarFn::Max,
    }
}

pub fn start_of(reduction: Reduction, dtype: DType) -> Scalar {
    match reduction {
        Reduction::Sum => Scalar::zero(dtype),
        Reduction::Max => Scalar::lowest(dtype),
    }
}

/// A sum of floats is flushed; a maximum passes its element on.
pub fn finished(reduction: Reduction, dtype: DType, value: Expression) -> Expression {
    match (reduction, dtype) {
        (Reduction::Sum, DType::F32) => apply(ScalarFn::Flush, [value]),
        (Reduction::Sum | Reduction::Max, _) => value,
    }
}

/// The element that a term takes in.
pub fn term(scope: &Scope, builder: &mut Builder, axes: &[Affine]) -> Expression {
    let anchor = scope.anchor();
    let Instruction { operands, nest, .. } = scope.graph.instruction(anchor);
    let index = scope.index(anchor, &nest.operands[0], axes);
    scope.element(builder, operands[0], &index)
}

/// One accumulator for each result; terms join in the order of the box.
fn one_by_one(scope: &Scope, builder: &mut Builder, walk: &Walk, reduction: Reduction, dtype: DType, options: Options) {
    walk.blocks(builder, options, &mut |builder, block| {
        let start = Expression::Constant(start_of(reduction, dtype));
        let result = Accumulator::new(builder, dtype, block, start);
        let function = function_of(reduction);
        walk.terms(builder, block, usize::MAX, &mut Joined { scope, walk, block, result: &result, function });
        block.each(builder, &mut |builder, lane| {
            let value = finished(reduction, dtype, result.get(&lane));
            scope.result(builder, &block.place(&lane).index, value);
        });
    });
}

struct Joined<'a> {
    scope: &'a Scope<'a>,
    walk: &'a Walk<'a>,
    block: &'a Lanes,
    result: &'a Accumulator,
    function: ScalarFn,
}

impl Visitor for Joined<'_> {
    fn boundary(&mut self, _: &mut Builder, _: &Affine) {
        unreachable!("a box without pieces has no boundaries")
    }

    fn term(&mut self, builder: &mut Builder, _: &Affine, axes: &[Affine]) {
        self.block.each(builder, &mut |builder, lane| {
            let axes = self.block.axes_of_lane(axes, &lane);
            builder.when(self.walk.lane_conditions(self.block, &axes), |builder| {
                let term = term(self.scope, builder, &axes);
                let joined = apply(self.function, [self.result.get(&lane), term]);
                self.result.set(builder, &lane, joined);
            });
        });
    }
}

/// Sixteen interleaved accumulators, joined in halves after every piece.
fn in_lanes(scope: &Scope, builder: &mut Builder, walk: &Walk, reduction: Reduction) {
    let dtype = scope.graph.ty(scope.anchor()).dtype;
    let positions = walk.box_size();
    let width = positions.min(LANES);
    let start = start_of(reduction, dtype);
    walk.blocks(builder, Options { lanes: 1, is_unrolled: false }, &mut |builder, block| {
        let mut lanes = Interleaved {
            scope,
            function: function_of(reduction),
            start,
            width,
            lanes: builder.local(dtype, width.max(1)),
            total: (positions > PIECE).then(|| builder.variable(dtype)),
        };
        lanes.clear(builder);
        walk.terms(builder, block, PIECE, &mut lanes);
        let last_piece = positions - positions.saturating_sub(1) / PIECE * PIECE;
        let mut value = lanes.joined(builder, last_piece);
        if let Some(total) = lanes.total {
            value = apply(lanes.function, [Expression::Variable(total), value]);
        }
        let value = finished(reduction, dtype, value);
        scope.result(builder, &block.place(&Affine::default()).index, value);
    });
}

struct Interleaved<'a> {
    scope: &'a Scope<'a>,
    function: ScalarFn,
    start: Scalar,
    /// The lanes that get a term.
    width: usize,
    lanes: Array,
    /// The result of the pieces before, if there are several.
    total: Option<Variable>,
}

impl Interleaved<'_> {
    fn clear(&self, builder: &mut Builder) {
        builder.fill(self.lanes, self.width.max(1), self.start);
    }

    /// The result of a piece with so many terms.
    fn joined(&self, builder: &mut Builder, terms: usize) -> Expression {
        let lane = |index: Affine| Element::plain(self.lanes, index);
        let mut half = LANES / 2;
        while half > 0 {
            let pairs = half.min(terms.saturating_sub(half));
            if pairs > 0 {
                builder.each(pairs, |builder, index| {
                    let other = index.clone().plus(&Affine::constant(half as i64));
                    let both = [Expression::Load(lane(index.clone())), Expression::Load(lane(other))];
                    builder.store(lane(index), apply(self.function, both));
                });
            }
            half /= 2;
        }
        Expression::Load(lane(Affine::default()))
    }
}

impl Visitor for Interleaved<'_> {
    fn boundary(&mut self, builder: &mut Builder, place: &Affine) {
        let total = self.total.expect("a box with boundaries has several pieces");
        let result = self.joined(builder, PIECE);
        let is_first =
            Condition::Within { position: place.clone().plus(&Affine::constant(-(PIECE as i64))), extent: 1 };
        let dtype = self.start.dtype();
        let first = result.clone();
        let value = builder.choose(
            vec![is_first],
            dtype,
            |_| first,
            |_| apply(self.function, [Expression::Variable(total), result]),
        );
        builder.set(total, value);
        self.clear(builder);
    }

    fn term(&mut self, builder: &mut Builder, place: &Affine, axes: &[Affine]) {
        let term = term(self.scope, builder, axes);
        // The place's lane; where steps of sixteen and a rest below tell it, no remainder is taken.
        let below: Vec<(i64, usize)> =
            place.terms.iter().copied().filter(|(step, _)| step % LANES as i64 != 0).collect();
        let rest = Affine { terms: below, constant: place.constant % LANES as i64 };
        let modulo = (!builder.is_below(&rest, LANES as i64)).then_some(LANES);
        let lane = Element { array: self.lanes, position: rest, modulo, row: None };
        let joined = apply(self.function, [Expression::Load(lane.clone()), term]);
        builder.store(lane, joined);
    }
}
