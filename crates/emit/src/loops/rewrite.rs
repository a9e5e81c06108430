//! Walks that change statements in place.

use super::{Affine, Element, Expression, Statement};

/// Every expression of the statements, operands before what is made of them.
pub fn each_expression(statements: &mut [Statement], change: &mut dyn FnMut(&mut Expression)) {
    each_statement(statements, &mut |statement| match statement {
        Statement::For { .. } | Statement::If { .. } | Statement::Divide { .. } => {}
        Statement::Set { value, .. } | Statement::Store { value, .. } => each_within(value, change),
    });
}

/// Every element that is loaded or stored.
pub fn each_element(statements: &mut [Statement], change: &mut dyn FnMut(&mut Element)) {
    each_expression(statements, &mut |expression| match expression {
        Expression::Load(element) => change(element),
        Expression::Dot { a, b, .. } => {
            change(a);
            change(b);
        }
        Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Position(_)
        | Expression::Apply { .. }
        | Expression::MulAdd(_)
        | Expression::Random { .. } => {}
    });
    each_statement(statements, &mut |statement| {
        if let Statement::Store { element, .. } = statement {
            change(element);
        }
    });
}

/// Every sum of counters: positions of elements, what conditions and quotients are about, places of random numbers.
pub fn each_affine(statements: &mut [Statement], change: &mut dyn FnMut(&mut Affine)) {
    each_element(statements, &mut |element| change(&mut element.position));
    each_expression(statements, &mut |expression| match expression {
        Expression::Position(position) | Expression::Random { place: position, .. } => change(position),
        Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Load(_)
        | Expression::Apply { .. }
        | Expression::MulAdd(_)
        | Expression::Dot { .. } => {}
    });
    each_statement(statements, &mut |statement| match statement {
        Statement::If { conditions, .. } => conditions.iter_mut().for_each(|one| change(one.position_mut())),
        Statement::Divide { numerator, .. } => change(numerator),
        Statement::For { .. } | Statement::Set { .. } | Statement::Store { .. } => {}
    });
}

fn each_statement(statements: &mut [Statement], change: &mut dyn FnMut(&mut Statement)) {
    for statement in statements {
        match statement {
            Statement::For { body, .. } => each_statement(body, change),
            Statement::If { then, otherwise, .. } => {
                each_statement(then, change);
                each_statement(otherwise, change);
            }
            Statement::Divide { .. } | Statement::Set { .. } | Statement::Store { .. } => {}
        }
        change(statement);
    }
}

fn each_within(expression: &mut Expression, change: &mut dyn FnMut(&mut Expression)) {
    expression.operands_mut().iter_mut().for_each(|operand| each_within(operand, change));
    change(expression);
}
