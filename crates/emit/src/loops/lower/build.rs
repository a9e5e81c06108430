//! A function under construction: the block that statements go to, and what is known there.

use super::super::{
    Affine, Array, Condition, Counter, Element, Expression, Function, Local, Operand, Place, Statement, Variable,
};
use std::collections::HashMap;
use tacit_ir::ValueId;
use tacit_ir::types::{DType, Scalar};

/// What an evaluated element of a value is called: the value and its index.
type Key = (ValueId, Vec<Affine>);

#[derive(Default)]
pub struct Builder {
    function: Function,
    places: Vec<Place>,
    /// The extents of the counters.
    extents: Vec<usize>,
    /// Blocks that are open, the innermost last, each with the elements that are known in it.
    blocks: Vec<Block>,
}

#[derive(Default)]
struct Block {
    statements: Vec<Statement>,
    known: HashMap<Key, Expression>,
}

impl Builder {
    pub fn new() -> Builder {
        Builder { blocks: vec![Block::default()], ..Builder::default() }
    }

    /// The function and the places of its operands.
    pub fn finish(mut self) -> (Function, Vec<Place>) {
        self.function.body = self.close();
        assert!(self.blocks.is_empty(), "every block was closed");
        (self.function, self.places)
    }

    /// The operand at a place, as one for every element type.
    pub fn operand(&mut self, place: Place, dtype: DType, elements: usize, is_written: bool) -> Array {
        let is_same = |k: usize| self.places[k] == place && self.function.operands[k].dtype == dtype;
        let position = (0..self.places.len()).find(|k| is_same(*k)).unwrap_or_else(|| {
            self.places.push(place);
            self.function.operands.push(Operand { dtype, elements, is_written });
            self.places.len() - 1
        });
        let operand = &mut self.function.operands[position];
        operand.is_written |= is_written;
        operand.elements = operand.elements.max(elements);
        Array::Operand(position)
    }

    pub fn local(&mut self, dtype: DType, elements: usize) -> Array {
        self.function.locals.push(Local { dtype, elements });
        Array::Local(self.function.locals.len() - 1)
    }

    pub fn variable(&mut self, dtype: DType) -> Variable {
        self.function.variables.push(dtype);
        self.function.variables.len() - 1
    }

    fn close(&mut self) -> Vec<Statement> {
        self.blocks.pop().expect("a block is open").statements
    }

    fn push(&mut self, statement: Statement) {
        self.blocks.last_mut().expect("a block is open").statements.push(statement);
    }

    fn counter(&mut self, extent: usize) -> Counter {
        self.extents.push(extent);
        self.function.counters += 1;
        self.extents.len() - 1
    }

    /// The body for each index below the extent; a single index needs no loop.
    pub fn each<T>(&mut self, extent: usize, body: impl FnOnce(&mut Builder, Affine) -> T) -> T {
        if extent == 1 {
            return body(self, Affine::constant(0));
        }
        let counter = self.counter(extent);
        self.blocks.push(Block::default());
        let result = body(self, Affine::counter(counter));
        let body = self.close();
        self.push(Statement::For { counter, extent, body });
        result
    }

    /// A loop in a loop, the first index outside.
    pub fn each_of(&mut self, extents: &[usize], body: &mut dyn FnMut(&mut Builder, &[Affine])) {
        fn nested(
            builder: &mut Builder,
            extents: &[usize],
            indices: &mut Vec<Affine>,
            body: &mut dyn FnMut(&mut Builder, &[Affine]),
        ) {
            match extents.split_first() {
                None => body(builder, indices),
                Some((extent, rest)) => builder.each(*extent, |builder, index| {
                    indices.push(index);
                    nested(builder, rest, indices, body);
                    indices.pop();
                }),
            }
        }
        nested(self, extents, &mut vec![], body);
    }

    /// The body where all conditions hold.
    pub fn when<T>(&mut self, conditions: Vec<Condition>, body: impl FnOnce(&mut Builder) -> T) -> T {
        let conditions = self.undecided(conditions);
        if conditions == Some(vec![]) {
            return body(self);
        }
        self.blocks.push(Block::default());
        let result = body(self);
        let then = self.close();
        // A condition that never holds leaves no statement behind.
        if let Some(conditions) = conditions {
            self.push(Statement::If { conditions, then, otherwise: vec![] });
        }
        result
    }

    /// One value where all conditions hold, another elsewhere.
    pub fn choose(
        &mut self,
        conditions: Vec<Condition>,
        dtype: DType,
        then: impl FnOnce(&mut Builder) -> Expression,
        otherwise: impl FnOnce(&mut Builder) -> Expression,
    ) -> Expression {
        match self.undecided(conditions) {
            None => otherwise(self),
            Some(conditions) if conditions.is_empty() => then(self),
            Some(conditions) => {
                let variable = self.variable(dtype);
                let mut branch = |value: &mut dyn FnMut(&mut Builder) -> Expression| {
                    self.blocks.push(Block::default());
                    let value = value(self);
                    self.set(variable, value);
                    self.close()
                };
                let (mut then, mut otherwise) = (Some(then), Some(otherwise));
                let then = branch(&mut |builder| then.take().expect("called once")(builder));
                let otherwise = branch(&mut |builder| otherwise.take().expect("called once")(builder));
                self.push(Statement::If { conditions, then, otherwise });
                Expression::Variable(variable)
            }
        }
    }

    /// The conditions that the extents of the counters leave open; `None` if one never holds.
    fn undecided(&self, conditions: Vec<Condition>) -> Option<Vec<Condition>> {
        let mut open = vec![];
        for condition in conditions {
            let decided = match &condition {
                Condition::Within { position, extent } => {
                    let (low, high) = self.range(position);
                    match (low >= *extent || high < 0 || *extent == 0, low >= 0 && high < *extent) {
                        (true, _) => Some(false),
                        (_, true) => Some(true),
                        (false, false) => None,
                    }
                }
                Condition::Multiple { position, of } => {
                    let steps = position.terms.iter().all(|(step, _)| step % of == 0);
                    steps.then_some(position.constant % of == 0)
                }
            };
            match decided {
                Some(true) => {}
                Some(false) => return None,
                None if open.contains(&condition) => {}
                None => open.push(condition),
            }
        }
        Some(open)
    }

    /// True if an affine is never negative and always below a bound.
    pub fn is_below(&self, affine: &Affine, bound: i64) -> bool {
        let (low, high) = self.range(affine);
        low >= 0 && high < bound
    }

    /// The least and the greatest value.
    fn range(&self, affine: &Affine) -> (i64, i64) {
        let mut range = (affine.constant, affine.constant);
        for (step, counter) in &affine.terms {
            let reach = step * (self.extents[*counter] as i64 - 1);
            range.0 += reach.min(0);
            range.1 += reach.max(0);
        }
        range
    }

    /// An exact quotient below the extent, which conditions around it guarantee.
    pub fn quotient(&mut self, numerator: Affine, divisor: i64, extent: usize) -> Affine {
        if divisor.abs() == 1 {
            return numerator.times(divisor);
        }
        let counter = self.counter(extent);
        self.push(Statement::Divide { counter, numerator, divisor });
        Affine::counter(counter)
    }

    pub fn set(&mut self, variable: Variable, value: Expression) {
        self.push(Statement::Set { variable, value });
    }

    /// A scalar that holds the expression's value.
    pub fn bind(&mut self, value: Expression) -> Expression {
        match value {
            Expression::Variable(_) | Expression::Constant(_) => value,
            Expression::Load(_)
            | Expression::Position(_)
            | Expression::Apply { .. }
            | Expression::MulAdd(_)
            | Expression::Dot { .. }
            | Expression::Random { .. } => {
                let variable = self.variable(self.function.dtype(&value));
                self.set(variable, value);
                Expression::Variable(variable)
            }
        }
    }

    /// Binds the value of an element, so that it is evaluated once in this block and those inside.
    pub fn know(&mut self, key: Key, value: Expression) -> Expression {
        let value = self.bind(value);
        self.blocks.last_mut().expect("a block is open").known.insert(key, value.clone());
        value
    }

    pub fn known(&self, key: &Key) -> Option<Expression> {
        self.blocks.iter().rev().find_map(|block| block.known.get(key)).cloned()
    }

    pub fn store(&mut self, element: Element, value: Expression) {
        self.push(Statement::Store { element, value });
    }

    /// All elements of a local array.
    pub fn fill(&mut self, array: Array, elements: usize, value: Scalar) {
        self.each(elements, |builder, index| {
            builder.store(Element::plain(array, index), Expression::Constant(value));
        });
    }
}
