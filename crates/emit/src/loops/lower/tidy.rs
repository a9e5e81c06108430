//! What lowering leaves behind where a condition never holds or an extent is 0: bodies without statements, scalars that
//! nothing reads, and operands that nothing touches. And what is compared with itself, of which compilers warn.

use super::super::mentions::{Mention, visit, visit_elements};
use super::super::rewrite::{each_element, each_expression};
use super::super::{Array, Expression, Function, Place, Statement};
use tacit_ir::ScalarFn;
use tacit_ir::types::{DType, Scalar};

/// The function without them, and the places of the operands that are left.
pub fn tidy(mut function: Function, places: Vec<Place>) -> (Function, Vec<Place>) {
    let mut body = std::mem::take(&mut function.body);
    each_expression(&mut body, &mut |expression| decide(&function, expression));
    function.body = body;
    loop {
        let mut used =
            Used { variables: vec![false; function.variables.len()], counters: vec![false; function.counters] };
        visit(&function.body, &mut |mention| match mention {
            Mention::Read(variable) => used.variables[variable] = true,
            Mention::Counter(counter) => used.counters[counter] = true,
            Mention::Set(_) | Mention::Load(_) | Mention::Store(_) => {}
        });
        let mut has_changed = false;
        function.body = kept(std::mem::take(&mut function.body), &used, &mut has_changed);
        if !has_changed {
            break;
        }
    }
    let mut operands = Numbering::new(function.operands.len());
    let mut locals = Numbering::new(function.locals.len());
    visit_elements(&function.body, &mut |element| match element.array {
        Array::Operand(operand) => operands.is_used[operand] = true,
        Array::Local(local) => locals.is_used[local] = true,
    });
    function.operands = operands.kept(function.operands);
    function.locals = locals.kept(function.locals);
    let places = operands.kept(places);
    let number = |array: &mut Array| match array {
        Array::Operand(operand) => *operand = operands.number(*operand),
        Array::Local(local) => *local = locals.number(*local),
    };
    each_element(&mut function.body, &mut |element| number(&mut element.array));
    (function, places)
}

/// A comparison of a value with itself as what it always is; only NaN is not equal to itself.
fn decide(function: &Function, expression: &mut Expression) {
    let Expression::Apply { function: compared, operands } = &*expression else { return };
    let [a, b] = &operands[..] else { return };
    let is_less = *compared == ScalarFn::Less;
    let is_equal = *compared == ScalarFn::Equal && function.dtype(a) != DType::F32;
    if a == b && (is_less || is_equal) {
        *expression = Expression::Constant(Scalar::Bool(is_equal));
    }
}

/// What some statement reads.
struct Used {
    variables: Vec<bool>,
    counters: Vec<bool>,
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

fn kept(statements: Vec<Statement>, used: &Used, has_changed: &mut bool) -> Vec<Statement> {
    let mut all = vec![];
    for statement in statements {
        let kept = match statement {
            Statement::For { counter, extent, body } => {
                let body = kept(body, used, has_changed);
                (extent > 0 && !body.is_empty()).then_some(Statement::For { counter, extent, body })
            }
            Statement::If { conditions, then, otherwise } => {
                let then = kept(then, used, has_changed);
                let otherwise = kept(otherwise, used, has_changed);
                let is_empty = then.is_empty() && otherwise.is_empty();
                (!is_empty).then_some(Statement::If { conditions, then, otherwise })
            }
            Statement::Set { variable, value } => {
                used.variables[variable].then_some(Statement::Set { variable, value })
            }
            Statement::Divide { counter, numerator, divisor } => {
                used.counters[counter].then_some(Statement::Divide { counter, numerator, divisor })
            }
            statement @ Statement::Store { .. } => Some(statement),
        };
        *has_changed |= kept.is_none();
        all.extend(kept);
    }
    all
}
