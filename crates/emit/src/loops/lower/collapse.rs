//! Loops that hold nothing but an innermost loop, where both walk through memory as one longer loop would. (Of loops around a
//! loop over lanes, gcc 12 makes worse code where they are one.)

use super::super::rewrite::each_affine;
use super::super::{Function, Statement};

pub fn collapse(mut function: Function) -> Function {
    function.body = statements(function.body);
    function
}

fn statements(all: Vec<Statement>) -> Vec<Statement> {
    let statement = |statement| match statement {
        Statement::For { counter, extent, body } => {
            let mut body = statements(body);
            let [Statement::For { counter: inner, extent: turns, body: inside }] = &mut body[..] else {
                return Statement::For { counter, extent, body };
            };
            let mut is_one_walk = !inside.iter().any(|statement| matches!(statement, Statement::For { .. }));
            each_affine(inside, &mut |affine| {
                is_one_walk &= affine.step(counter) == affine.step(*inner) * *turns as i64
            });
            if !is_one_walk {
                return Statement::For { counter, extent, body };
            }
            let mut inside = std::mem::take(inside);
            each_affine(&mut inside, &mut |affine| affine.terms.retain(|(_, other)| *other != counter));
            Statement::For { counter: *inner, extent: extent * *turns, body: inside }
        }
        Statement::If { conditions, then, otherwise } => {
            Statement::If { conditions, then: statements(then), otherwise: statements(otherwise) }
        }
        other @ (Statement::Divide { .. } | Statement::Set { .. } | Statement::Store { .. }) => other,
    };
    all.into_iter().map(statement).collect()
}
