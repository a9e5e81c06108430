//! What statements read and write.

use super::{Affine, Array, Condition, Element, Expression, Statement};

/// Something that a statement reads or writes.
pub enum Mention {
    /// A scalar that is read.
    Variable(usize),
    Array(Array),
    /// A counter from which a position or condition follows.
    Counter(usize),
    /// An element whose address depends on a scalar.
    Lookup,
}

pub fn visit(statements: &[Statement], found: &mut dyn FnMut(Mention)) {
    for statement in statements {
        match statement {
            Statement::For { body, .. } => visit(body, found),
            Statement::If { conditions, then, otherwise } => {
                for condition in conditions {
                    match condition {
                        Condition::Within { position, .. } | Condition::Multiple { position, .. } => {
                            visit_affine(position, found);
                        }
                    }
                }
                visit(then, found);
                visit(otherwise, found);
            }
            Statement::Divide { numerator, .. } => visit_affine(numerator, found),
            Statement::Set { value, .. } => visit_expression(value, found),
            Statement::Store { element, value } => {
                visit_element(element, found);
                visit_expression(value, found);
            }
        }
    }
}

fn visit_element(element: &Element, found: &mut dyn FnMut(Mention)) {
    found(Mention::Array(element.array));
    visit_affine(&element.position, found);
    if let Some((variable, _)) = element.row {
        found(Mention::Variable(variable));
        found(Mention::Lookup);
    }
}

fn visit_expression(expression: &Expression, found: &mut dyn FnMut(Mention)) {
    match expression {
        Expression::Constant(_) => {}
        Expression::Position(position) => visit_affine(position, found),
        Expression::Variable(variable) => found(Mention::Variable(*variable)),
        Expression::Load(element) => visit_element(element, found),
        Expression::Apply { operands, .. } => operands.iter().for_each(|operand| visit_expression(operand, found)),
        Expression::MulAdd(operands) => operands.iter().for_each(|operand| visit_expression(operand, found)),
        Expression::Random { place, key, .. } => {
            visit_affine(place, found);
            key.iter().for_each(|operand| visit_expression(operand, found));
        }
    }
}

fn visit_affine(affine: &Affine, found: &mut dyn FnMut(Mention)) {
    affine.terms.iter().for_each(|(_, counter)| found(Mention::Counter(*counter)));
}
