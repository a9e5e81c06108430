//! What statements read and write, in the order in which they do.

use super::{Affine, Counter, Element, Expression, Statement, Variable};

/// Something that a statement reads or writes.
pub enum Mention<'s> {
    /// A scalar that is read.
    Read(Variable),
    /// A scalar that is set, after what its value reads.
    Set(Variable),
    /// An element that is loaded, with those behind it if it begins a run.
    Load(&'s Element),
    /// An element that is stored, after what its value reads.
    Store(&'s Element),
    /// A counter from which a position or condition follows.
    Counter(Counter),
}

pub fn visit<'s>(statements: &'s [Statement], found: &mut dyn FnMut(Mention<'s>)) {
    for statement in statements {
        match statement {
            Statement::For { body, .. } => visit(body, found),
            Statement::If { conditions, then, otherwise } => {
                conditions.iter().for_each(|condition| visit_affine(condition.position(), found));
                visit(then, found);
                visit(otherwise, found);
            }
            Statement::Divide { numerator, .. } => visit_affine(numerator, found),
            Statement::Set { variable, value } => {
                visit_expression(value, found);
                found(Mention::Set(*variable));
            }
            Statement::Store { element, value } => {
                visit_expression(value, found);
                visit_element(element, found);
                found(Mention::Store(element));
            }
        }
    }
}

fn visit_expression<'s>(expression: &'s Expression, found: &mut dyn FnMut(Mention<'s>)) {
    expression.operands().iter().for_each(|operand| visit_expression(operand, found));
    match expression {
        Expression::Variable(variable) => found(Mention::Read(*variable)),
        Expression::Load(element) => {
            visit_element(element, found);
            found(Mention::Load(element));
        }
        Expression::Dot { a, b, .. } => {
            for element in [a, b] {
                visit_element(element, found);
                found(Mention::Load(element));
            }
        }
        Expression::Position(position) | Expression::Random { place: position, .. } => visit_affine(position, found),
        Expression::Constant(_) | Expression::Apply { .. } | Expression::MulAdd(_) => {}
    }
}

/// What an element's address follows from.
fn visit_element<'s>(element: &Element, found: &mut dyn FnMut(Mention<'s>)) {
    visit_affine(&element.position, found);
    if let Some((variable, _)) = element.row {
        found(Mention::Read(variable));
    }
}

fn visit_affine<'s>(affine: &Affine, found: &mut dyn FnMut(Mention<'s>)) {
    affine.terms.iter().for_each(|(_, counter)| found(Mention::Counter(*counter)));
}

/// Every element that statements load or store.
pub fn visit_elements<'s>(statements: &'s [Statement], found: &mut dyn FnMut(&'s Element)) {
    visit(statements, &mut |mention| match mention {
        Mention::Load(element) | Mention::Store(element) => found(element),
        Mention::Read(_) | Mention::Set(_) | Mention::Counter(_) => {}
    });
}
