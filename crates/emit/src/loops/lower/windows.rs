//! Reductions over few positions, such as the windows of pooling: written out, so that results lie side by side instead of
//! the sixteen accumulators of one.

use super::super::Expression;
use super::Options;
use super::build::Builder;
use super::contract::apply;
use super::element::Scope;
use super::reduce::{finished, function_of, start_of, term};
use super::terms::Walk;
use tacit_ir::graph::Reduction;
use tacit_ir::interpret::LANES;

/// The most positions that are written out: a window of 3×3.
pub const POSITIONS_MAX: usize = 9;

/// Each accumulator takes in one term, and they are joined in halves.
pub fn written_out(scope: &Scope, builder: &mut Builder, walk: &Walk, reduction: Reduction, options: Options) {
    let dtype = scope.graph.ty(scope.anchor()).dtype;
    let function = function_of(reduction);
    let start = Expression::Constant(start_of(reduction, dtype));
    walk.blocks(builder, options, &mut |builder, block| {
        let places = walk.places(block);
        block.each(builder, &mut |builder, lane| {
            let mut taken: Vec<Expression> = vec![];
            for axes in &places {
                let term = term(scope, builder, &block.axes_of_lane(axes, &lane));
                taken.push(builder.bind(apply(function, [start.clone(), term])));
            }
            let mut half = LANES / 2;
            while half > 0 {
                for first in 0..half.min(taken.len().saturating_sub(half)) {
                    let both = [taken[first].clone(), taken[first + half].clone()];
                    taken[first] = builder.bind(apply(function, both));
                }
                half /= 2;
            }
            let value = taken.into_iter().next().unwrap_or_else(|| start.clone());
            scope.result(builder, &block.place(&lane).index, finished(reduction, dtype, value));
        });
    });
}
