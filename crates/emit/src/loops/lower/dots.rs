//! Sums of products of bytes that follow one another in memory, several at a time: processors have instructions for them.

use super::super::rewrite::each_affine;
use super::super::{Affine, Counter, DOT, Element, Expression, Function, Statement, Variable};
use std::collections::HashMap;
use tacit_ir::ScalarFn;
use tacit_ir::types::DType;

pub fn dots(mut function: Function) -> Function {
    let body = std::mem::take(&mut function.body);
    function.body = statements(body, &mut function);
    function
}

fn statements(all: Vec<Statement>, function: &mut Function) -> Vec<Statement> {
    let mut new = vec![];
    for statement in all {
        match statement {
            Statement::For { counter, extent, body } => {
                let products = if extent >= DOT { products(function, counter, &body) } else { None };
                match products {
                    Some(products) => new.extend(in_dots(function, &products, counter, extent, &body)),
                    None => new.push(Statement::For { counter, extent, body: statements(body, function) }),
                }
            }
            Statement::If { conditions, then, otherwise } => {
                let (then, otherwise) = (statements(then, function), statements(otherwise, function));
                new.push(Statement::If { conditions, then, otherwise });
            }
            other @ (Statement::Divide { .. } | Statement::Set { .. } | Statement::Store { .. }) => new.push(other),
        }
    }
    new
}

/// A sum, and the bytes whose product each turn of a loop adds to it.
struct Product {
    sum: Variable,
    factors: [Element; 2],
}

/// The products of a loop's body, if it does nothing but add products of neighbouring bytes to sums.
fn products(function: &Function, counter: Counter, body: &[Statement]) -> Option<Vec<Product>> {
    let is_run = |element: &Element| {
        function.dtype_of(element.array) == DType::I8
            && element.position.step(counter) == 1
            && element.modulo.is_none()
            && element.row.is_none()
    };
    let mut loaded: HashMap<Variable, &Element> = HashMap::new();
    let mut products = vec![];
    for statement in body {
        let Statement::Set { variable, value } = statement else { return None };
        if let Expression::Load(element) = value
            && is_run(element)
        {
            loaded.insert(*variable, element);
            continue;
        }
        let [sum, product] = applied(value, ScalarFn::Add)? else { return None };
        if *sum != Expression::Variable(*variable) {
            return None;
        }
        let [a, b] = applied(product, ScalarFn::Mul)? else { return None };
        let factor = |wide: &Expression| -> Option<Element> {
            let [narrow] = applied(wide, ScalarFn::Cast(DType::I32))? else { return None };
            if let Expression::Variable(variable) = narrow {
                return loaded.get(variable).map(|element| (*element).clone());
            }
            if let Expression::Load(element) = narrow
                && is_run(element)
            {
                return Some(element.clone());
            }
            None
        };
        products.push(Product { sum: *variable, factors: [factor(a)?, factor(b)?] });
    }
    (!products.is_empty()).then_some(products)
}

/// The operands of a function, if it is this one.
fn applied(expression: &Expression, wanted: ScalarFn) -> Option<&[Expression]> {
    let Expression::Apply { function, operands } = expression else { return None };
    (*function == wanted).then_some(operands)
}

/// The loop with so many turns as one, and what is left.
fn in_dots(
    function: &mut Function,
    products: &[Product],
    counter: Counter,
    extent: usize,
    body: &[Statement],
) -> Vec<Statement> {
    let in_turns = |affine: &Affine, first: usize, step: i64| {
        let rest = Affine { terms: affine.terms.iter().filter(|(_, c)| *c != counter).copied().collect(), ..*affine };
        let at = affine.step(counter);
        rest.plus(&Affine::counter(counter).times(step * at)).plus(&Affine::constant(first as i64 * at))
    };
    let turns = extent / DOT;
    let dot = |Product { sum, factors }: &Product| {
        let [a, b] = factors.clone().map(|element| Element {
            position: match turns {
                1 => in_turns(&element.position, 0, 0),
                _ => in_turns(&element.position, 0, DOT as i64),
            },
            ..element
        });
        Statement::Set { variable: *sum, value: Expression::Dot { sum: Box::new(Expression::Variable(*sum)), a, b } }
    };
    let dots: Vec<Statement> = products.iter().map(dot).collect();
    let mut new = match turns {
        1 => dots,
        _ => vec![Statement::For { counter, extent: turns, body: dots }],
    };
    let rest = extent % DOT;
    if rest > 0 {
        function.counters += 1;
        let own = function.counters - 1;
        let mut body = body.to_vec();
        each_affine(&mut body, &mut |affine| {
            let at = affine.step(counter);
            let first = (turns * DOT) as i64;
            affine.terms.retain(|(_, other)| *other != counter);
            let moved = match rest {
                1 => Affine::constant(first * at),
                _ => Affine::counter(own).times(at).plus(&Affine::constant(first * at)),
            };
            *affine = std::mem::take(affine).plus(&moved);
        });
        match rest {
            1 => new.extend(body),
            _ => new.push(Statement::For { counter: own, extent: rest, body }),
        }
    }
    new
}
