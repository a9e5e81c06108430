//! Walks that change statements.

use super::{Affine, Counter, Element, Expression, Statement};

/// Every loop as the statements that take its place, those inside it first.
pub fn each_loop(
    statements: Vec<Statement>,
    replace: &mut dyn FnMut(Counter, usize, Vec<Statement>) -> Vec<Statement>,
) -> Vec<Statement> {
    let mut new = vec![];
    for statement in statements {
        match statement {
            Statement::For { counter, extent, body } => {
                let body = each_loop(body, replace);
                new.extend(replace(counter, extent, body));
            }
            Statement::If { conditions, then, otherwise } => {
                let (then, otherwise) = (each_loop(then, replace), each_loop(otherwise, replace));
                new.push(Statement::If { conditions, then, otherwise });
            }
            other @ (Statement::Divide { .. } | Statement::Set { .. } | Statement::Store { .. }) => new.push(other),
        }
    }
    new
}

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
