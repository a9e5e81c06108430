//! Sums of products of bytes that follow one another in memory, several at a time: processors have instructions for them.

use super::super::rewrite::{each_affine, each_loop};
use super::super::{Affine, Counter, DOT, Element, Expression, Function, Statement, Variable};
use std::collections::HashMap;
use tacit_ir::ScalarFn;
use tacit_ir::types::DType;

pub fn dots(mut function: Function) -> Function {
    let body = std::mem::take(&mut function.body);
    function.body = each_loop(body, &mut |counter, extent, body| {
        let products = if extent >= DOT { products(&function, counter, &body) } else { None };
        match products {
            Some(products) => in_dots(&mut function, &products, counter, extent, body),
            None => vec![Statement::For { counter, extent, body }],
        }
    });
    function
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

/// The loop with [`DOT`] turns as one, and what is left.
fn in_dots(
    function: &mut Function,
    products: &[Product],
    counter: Counter,
    extent: usize,
    mut body: Vec<Statement>,
) -> Vec<Statement> {
    let turns = extent / DOT;
    let first = each_turn(counter, turns).times(DOT as i64);
    let dot = |Product { sum, factors }: &Product| {
        let [a, b] = factors.clone().map(|element| {
            let position = element.position.clone().with(counter, &first);
            Element { position, ..element }
        });
        Statement::Set { variable: *sum, value: Expression::Dot { sum: Box::new(Expression::Variable(*sum)), a, b } }
    };
    let mut new = in_turns(counter, turns, products.iter().map(dot).collect());
    let rest = extent % DOT;
    if rest > 0 {
        function.counters += 1;
        let own = function.counters - 1;
        let at = each_turn(own, rest).plus(&Affine::constant((turns * DOT) as i64));
        each_affine(&mut body, &mut |affine| *affine = std::mem::take(affine).with(counter, &at));
        new.extend(in_turns(own, rest, body));
    }
    new
}

/// A body so many times; once needs no loop.
fn in_turns(counter: Counter, turns: usize, body: Vec<Statement>) -> Vec<Statement> {
    match turns {
        1 => body,
        extent => vec![Statement::For { counter, extent, body }],
    }
}

/// The number of the turn in such a body.
fn each_turn(counter: Counter, turns: usize) -> Affine {
    match turns {
        1 => Affine::default(),
        _ => Affine::counter(counter),
    }
}
