//! Loops that hold nothing but an innermost loop, where both walk through memory as one longer loop would. (Of loops around a
//! loop over lanes, gcc 12 makes worse code where they are one.)

use super::super::rewrite::{each_affine, each_loop};
use super::super::{Affine, Counter, Function, Statement};

pub fn collapse(mut function: Function) -> Function {
    function.body = each_loop(function.body, &mut |counter, extent, body| vec![one_loop(counter, extent, body)]);
    function
}

/// A loop, with the one inside it taken into it if that is all it holds.
fn one_loop(counter: Counter, extent: usize, mut body: Vec<Statement>) -> Statement {
    if let [Statement::For { counter: inner, extent: turns, body: inside }] = &mut body[..] {
        let mut is_one_walk = !inside.iter().any(|statement| matches!(statement, Statement::For { .. }));
        each_affine(inside, &mut |affine| is_one_walk &= affine.step(counter) == affine.step(*inner) * *turns as i64);
        if is_one_walk {
            let mut inside = std::mem::take(inside);
            each_affine(&mut inside, &mut |affine| {
                *affine = std::mem::take(affine).with(counter, &Affine::default());
            });
            return Statement::For { counter: *inner, extent: extent * *turns, body: inside };
        }
    }
    Statement::For { counter, extent, body }
}
