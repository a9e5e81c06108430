//! What lowering leaves behind where a condition never holds or an extent is 0: bodies without statements, scalars that
//! nothing reads, and operands that nothing touches.

use super::super::{Array, Element, Expression, Function, Place, Statement};

/// The function without them, and the places of the operands that are left.
pub fn tidy(mut function: Function, places: Vec<Place>) -> (Function, Vec<Place>) {
    loop {
        let mut is_read = vec![false; function.variables.len()];
        visit(&function.body, &mut |mention| {
            if let Mention::Variable(variable) = mention {
                is_read[variable] = true;
            }
        });
        let mut has_changed = false;
        function.body = kept(std::mem::take(&mut function.body), &is_read, &mut has_changed);
        if !has_changed {
            break;
        }
    }
    let mut operands = Numbering::new(function.operands.len());
    let mut locals = Numbering::new(function.locals.len());
    visit(&function.body, &mut |mention| match mention {
        Mention::Array(Array::Operand(operand)) => operands.is_used[operand] = true,
        Mention::Array(Array::Local(local)) => locals.is_used[local] = true,
        Mention::Variable(_) => {}
    });
    function.operands = operands.kept(function.operands);
    function.locals = locals.kept(function.locals);
    let places = operands.kept(places);
    renumber(&mut function.body, &|array| match array {
        Array::Operand(operand) => Array::Operand(operands.number(operand)),
        Array::Local(local) => Array::Local(locals.number(local)),
    });
    (function, places)
}

/// Which of several things are used, and their numbers among those.
struct Numbering {
    is_used: Vec<bool>,
}

impl Numbering {
    fn new(length: usize) -> Numbering {
        Numbering { is_used: vec![false; length] }
    }

    fn number(&self, old: usize) -> usize {
        self.is_used[..old].iter().filter(|used| **used).count()
    }

    fn kept<T>(&self, all: Vec<T>) -> Vec<T> {
        all.into_iter().zip(&self.is_used).filter(|(_, used)| **used).map(|(one, _)| one).collect()
    }
}

/// Something that a statement reads or writes.
enum Mention {
    /// A scalar that is read.
    Variable(usize),
    Array(Array),
}

fn visit(statements: &[Statement], found: &mut dyn FnMut(Mention)) {
    for statement in statements {
        match statement {
            Statement::For { body, .. } => visit(body, found),
            Statement::If { then, otherwise, .. } => {
                visit(then, found);
                visit(otherwise, found);
            }
            Statement::Divide { .. } => {}
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
    if let Some((variable, _)) = element.row {
        found(Mention::Variable(variable));
    }
}

fn visit_expression(expression: &Expression, found: &mut dyn FnMut(Mention)) {
    match expression {
        Expression::Constant(_) | Expression::Position(_) => {}
        Expression::Variable(variable) => found(Mention::Variable(*variable)),
        Expression::Load(element) => visit_element(element, found),
        Expression::Apply { operands, .. } => operands.iter().for_each(|operand| visit_expression(operand, found)),
        Expression::MulAdd(operands) => operands.iter().for_each(|operand| visit_expression(operand, found)),
        Expression::Random { key, .. } => key.iter().for_each(|operand| visit_expression(operand, found)),
    }
}

fn kept(statements: Vec<Statement>, is_read: &[bool], has_changed: &mut bool) -> Vec<Statement> {
    let mut all = vec![];
    for statement in statements {
        let kept = match statement {
            Statement::For { counter, extent, body } => {
                let body = kept(body, is_read, has_changed);
                (extent > 0 && !body.is_empty()).then_some(Statement::For { counter, extent, body })
            }
            Statement::If { conditions, then, otherwise } => {
                let then = kept(then, is_read, has_changed);
                let otherwise = kept(otherwise, is_read, has_changed);
                let is_empty = then.is_empty() && otherwise.is_empty();
                (!is_empty).then_some(Statement::If { conditions, then, otherwise })
            }
            Statement::Set { variable, value } => is_read[variable].then_some(Statement::Set { variable, value }),
            statement @ (Statement::Divide { .. } | Statement::Store { .. }) => Some(statement),
        };
        *has_changed |= kept.is_none();
        all.extend(kept);
    }
    // A quotient stands for the rest of its block.
    while matches!(all.last(), Some(Statement::Divide { .. })) {
        all.pop();
        *has_changed = true;
    }
    all
}

fn renumber(statements: &mut [Statement], number: &dyn Fn(Array) -> Array) {
    for statement in statements {
        match statement {
            Statement::For { body, .. } => renumber(body, number),
            Statement::If { then, otherwise, .. } => {
                renumber(then, number);
                renumber(otherwise, number);
            }
            Statement::Divide { .. } => {}
            Statement::Set { value, .. } => renumber_expression(value, number),
            Statement::Store { element, value } => {
                element.array = number(element.array);
                renumber_expression(value, number);
            }
        }
    }
}

fn renumber_expression(expression: &mut Expression, number: &dyn Fn(Array) -> Array) {
    match expression {
        Expression::Constant(_) | Expression::Position(_) | Expression::Variable(_) => {}
        Expression::Load(element) => element.array = number(element.array),
        Expression::Apply { operands, .. } => operands.iter_mut().for_each(|one| renumber_expression(one, number)),
        Expression::MulAdd(operands) => operands.iter_mut().for_each(|one| renumber_expression(one, number)),
        Expression::Random { key, .. } => key.iter_mut().for_each(|one| renumber_expression(one, number)),
    }
}
