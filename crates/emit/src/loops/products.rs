//! Products that are rounded on their own, for targets whose machines do not fuse them with a sum.

use super::{Expression, Loops, Statement};
use tacit_ir::ScalarFn;

/// The program with a·b + c as a product, rounded, and a sum, rounded. How far its results are from the interpreter's is
/// stated in docs/NUMERICS.md.
pub fn with_rounded_products(loops: &Loops) -> Loops {
    let mut loops = loops.clone();
    loops.functions.iter_mut().for_each(|function| in_statements(&mut function.body));
    loops
}

fn in_statements(statements: &mut [Statement]) {
    for statement in statements {
        match statement {
            Statement::For { body, .. } => in_statements(body),
            Statement::If { then, otherwise, .. } => {
                in_statements(then);
                in_statements(otherwise);
            }
            Statement::Divide { .. } => {}
            Statement::Set { value, .. } | Statement::Store { value, .. } => in_expression(value),
        }
    }
}

fn in_expression(expression: &mut Expression) {
    expression.operands_mut().iter_mut().for_each(in_expression);
    if let Expression::MulAdd(operands) = expression {
        let [a, b, c] = (**operands).clone();
        let product = Expression::Apply { function: ScalarFn::Mul, operands: vec![a, b] };
        *expression = Expression::Apply { function: ScalarFn::Add, operands: vec![c, product] };
    }
}
