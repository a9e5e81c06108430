//! Contractions: sums of products, several results side by side.

use super::super::{Affine, Array, Element, Expression, Variable};
use super::Options;
use super::build::Builder;
use super::element::Scope;
use super::terms::{Lanes, Visitor, Walk};
use tacit_ir::interpret::CHUNK;
use tacit_ir::types::{DType, Scalar};
use tacit_ir::{ScalarFn, ValueId};

pub fn contract(scope: &Scope, builder: &mut Builder, options: Options) {
    let dtype = scope.graph.ty(scope.anchor()).dtype;
    let walk = Walk::new(scope);
    // Sums of integers are the same in every order, so they need no chunks.
    let piece = if dtype == DType::F32 { CHUNK } else { usize::MAX };
    let has_chunks = walk.box_size() > piece;
    walk.blocks(builder, options, &mut |builder, block| {
        let zero = Expression::Constant(Scalar::zero(dtype));
        let chain = Accumulator::new(builder, dtype, block, zero.clone());
        let total = has_chunks.then(|| Accumulator::new(builder, dtype, block, zero));
        let mut products = Products { scope, walk: &walk, block, chain: &chain, total: total.as_ref() };
        walk.terms(builder, block, piece, &mut products);
        block.each(builder, &mut |builder, lane| {
            let mut sum = chain.get(&lane);
            if let Some(total) = &total {
                sum = apply(ScalarFn::Add, [total.get(&lane), sum]);
            }
            if dtype == DType::F32 {
                sum = apply(ScalarFn::Flush, [sum]);
            }
            scope.result(builder, &block.place(&lane).index, sum);
        });
    });
}

struct Products<'a> {
    scope: &'a Scope<'a>,
    walk: &'a Walk<'a>,
    block: &'a Lanes,
    /// The chain of the chunk at hand.
    chain: &'a Accumulator,
    /// The sum of the chunks before, if there are several.
    total: Option<&'a Accumulator>,
}

impl Visitor for Products<'_> {
    fn boundary(&mut self, builder: &mut Builder, _: &Affine) {
        let total = self.total.expect("a box with boundaries has several chunks");
        self.block.each(builder, &mut |builder, lane| {
            let sum = apply(ScalarFn::Add, [total.get(&lane), self.chain.get(&lane)]);
            total.set(builder, &lane, sum);
            self.chain.set(builder, &lane, Expression::Constant(Scalar::F32(0.0)));
        });
    }

    fn term(&mut self, builder: &mut Builder, _: &Affine, axes: &[Affine]) {
        // What is the same for all lanes is loaded once.
        let shared: Vec<Option<Expression>> = (0..2)
            .map(|k| {
                let position = self.position(k, axes);
                let at_lane = |lane: i64| self.position(k, &self.axes_of_lane(axes, &Affine::constant(lane)));
                let is_shared = self.block.width > 1
                    && at_lane(1) == position
                    && self.walk.lane_conditions(self.block, axes).is_empty();
                is_shared.then(|| {
                    let load = self.scope.loaded(builder, self.operand(k), position);
                    builder.bind(load)
                })
            })
            .collect();
        self.block.each(builder, &mut |builder, lane| {
            let axes = self.axes_of_lane(axes, &lane);
            builder.when(self.walk.lane_conditions(self.block, &axes), |builder| {
                let [a, b] = [0, 1].map(|k| match &shared[k] {
                    Some(value) => value.clone(),
                    None => self.scope.loaded(builder, self.operand(k), self.position(k, &axes)),
                });
                let sum = self.chain.get(&lane);
                let next = match self.scope.graph.ty(self.operand(0)).dtype {
                    DType::F32 => Expression::MulAdd(Box::new([a, b, sum])),
                    DType::I8 => {
                        let wide = [a, b].map(|narrow| apply(ScalarFn::Cast(DType::I32), [narrow]));
                        apply(ScalarFn::Add, [sum, apply(ScalarFn::Mul, wide)])
                    }
                    DType::I32 => apply(ScalarFn::Add, [sum, apply(ScalarFn::Mul, [a, b])]),
                    DType::Bool => panic!("the verifier refuses products of bools"),
                };
                self.chain.set(builder, &lane, next);
            });
        });
    }
}

impl Products<'_> {
    fn operand(&self, k: usize) -> ValueId {
        self.scope.graph.instruction(self.scope.anchor()).operands[k]
    }

    fn position(&self, k: usize, axes: &[Affine]) -> Affine {
        let anchor = self.scope.anchor();
        let access = &self.scope.graph.instruction(anchor).nest.operands[k];
        self.scope.position(self.operand(k), &self.scope.index(anchor, access, axes))
    }

    /// The axes of a term for one of the block's results.
    fn axes_of_lane(&self, axes: &[Affine], lane: &Affine) -> Vec<Affine> {
        self.block.axes_of_lane(axes, lane)
    }
}

/// One running result for each lane: scalars, or an array.
pub enum Accumulator {
    Scalars(Vec<Variable>),
    Lanes(Array),
}

impl Accumulator {
    pub fn new(builder: &mut Builder, dtype: DType, block: &Lanes, start: Expression) -> Accumulator {
        if block.width == 1 || block.is_unrolled {
            let scalar = |_| {
                let variable = builder.variable(dtype);
                builder.set(variable, start.clone());
                variable
            };
            return Accumulator::Scalars((0..block.width).map(scalar).collect());
        }
        let array = builder.local(dtype, block.width);
        builder.each(block.width, |builder, lane| builder.store(Element::plain(array, lane), start.clone()));
        Accumulator::Lanes(array)
    }

    pub fn get(&self, lane: &Affine) -> Expression {
        match self {
            Accumulator::Scalars(variables) => Expression::Variable(variables[number(lane)]),
            Accumulator::Lanes(array) => Expression::Load(Element::plain(*array, lane.clone())),
        }
    }

    pub fn set(&self, builder: &mut Builder, lane: &Affine, value: Expression) {
        match self {
            Accumulator::Scalars(variables) => builder.set(variables[number(lane)], value),
            Accumulator::Lanes(array) => builder.store(Element::plain(*array, lane.clone()), value),
        }
    }
}

/// A lane that no loop counts.
fn number(lane: &Affine) -> usize {
    assert!(lane.terms.is_empty(), "scalars are told apart while lowering");
    lane.constant as usize
}

pub fn apply<const N: usize>(function: ScalarFn, operands: [Expression; N]) -> Expression {
    Expression::Apply { function, operands: operands.into() }
}
