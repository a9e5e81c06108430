//! Loops whose bodies ask where the counter stands, cut into loops that know: concatenations and borders then copy without
//! a condition. (Conditions on the innermost counter are also what gcc 12 miscompiles with AVX2's masked loads.)

use super::super::mentions::{Mention, visit};
use super::super::rewrite::each_loop;
use super::super::{Affine, Condition, Counter, Element, Expression, Function, Statement, Variable};
use std::collections::{BTreeSet, HashMap};

/// The pieces that a loop is cut into at most, since each has a body of its own.
const PIECES_MAX: usize = 4;

pub fn split(mut function: Function) -> Function {
    let body = std::mem::take(&mut function.body);
    function.body = each_loop(body, &mut |counter, extent, body| {
        let pieces = pieces(counter, extent, &body);
        match pieces.len() {
            2..=PIECES_MAX => pieces.into_iter().flat_map(|piece| cut(counter, &body, piece, &mut function)).collect(),
            _ => vec![Statement::For { counter, extent, body }],
        }
    });
    function
}

/// The longest ranges of a counter in which every condition on it alone has one answer.
fn pieces(counter: Counter, extent: usize, body: &[Statement]) -> Vec<std::ops::Range<usize>> {
    let mut conditions = vec![];
    conditions_on(counter, body, &mut conditions);
    let answers = |at: usize| -> Vec<bool> { conditions.iter().map(|condition| holds(condition, at as i64)).collect() };
    let mut pieces: Vec<std::ops::Range<usize>> = vec![];
    let mut last = None;
    for at in 0..extent {
        let now = answers(at);
        match pieces.last_mut() {
            Some(piece) if last.as_ref() == Some(&now) => piece.end = at + 1,
            Some(_) | None => pieces.push(at..at + 1),
        }
        if pieces.len() > PIECES_MAX {
            return pieces;
        }
        last = Some(now);
    }
    pieces
}

fn conditions_on(counter: Counter, body: &[Statement], found: &mut Vec<Condition>) {
    for statement in body {
        match statement {
            Statement::For { body, .. } => conditions_on(counter, body, found),
            Statement::If { conditions, then, otherwise } => {
                let alone = conditions.iter().filter(|condition| is_alone(condition, counter));
                found.extend(alone.cloned());
                conditions_on(counter, then, found);
                conditions_on(counter, otherwise, found);
            }
            Statement::Divide { .. } | Statement::Set { .. } | Statement::Store { .. } => {}
        }
    }
}

fn is_alone(condition: &Condition, counter: Counter) -> bool {
    matches!(condition.position().terms[..], [(_, only)] if only == counter)
}

/// A condition on one counter alone, at one of its values.
fn holds(condition: &Condition, at: i64) -> bool {
    let affine = condition.position();
    let position = affine.constant + affine.terms.iter().map(|(step, _)| step * at).sum::<i64>();
    match condition {
        Condition::Within { extent, .. } => (0..*extent).contains(&position),
        Condition::Multiple { of, .. } => position % of == 0,
    }
}

/// The loop over a piece, with counters and scalars of its own.
fn cut(counter: Counter, body: &[Statement], piece: std::ops::Range<usize>, function: &mut Function) -> Vec<Statement> {
    let mut names = Names { counters: HashMap::new(), variables: HashMap::new(), inner: BTreeSet::new(), function };
    inner_variables(body, &mut names.inner);
    let begin = Affine::constant(piece.start as i64);
    if piece.len() == 1 {
        names.counters.insert(counter, begin);
        return names.statements(body, counter, &piece);
    }
    let new = names.fresh_counter();
    names.counters.insert(counter, Affine::counter(new).plus(&begin));
    let body = names.statements(body, counter, &piece);
    vec![Statement::For { counter: new, extent: piece.len(), body }]
}

/// Scalars whose first mention is an assignment in the body: nothing outside reads them, since blocks inside a loop know
/// more than those around it and not the other way round.
fn inner_variables(body: &[Statement], inner: &mut BTreeSet<Variable>) {
    let mut read_first = BTreeSet::new();
    visit(body, &mut |mention| match mention {
        Mention::Read(variable) if !inner.contains(&variable) => {
            read_first.insert(variable);
        }
        Mention::Set(variable) if !read_first.contains(&variable) => {
            inner.insert(variable);
        }
        Mention::Read(_) | Mention::Set(_) | Mention::Load(_) | Mention::Store(_) | Mention::Counter(_) => {}
    });
}

/// What counters and scalars are called in a copy of a body.
struct Names<'a> {
    counters: HashMap<Counter, Affine>,
    variables: HashMap<Variable, Variable>,
    /// Scalars that the body alone mentions.
    inner: BTreeSet<Variable>,
    function: &'a mut Function,
}

impl Names<'_> {
    fn fresh_counter(&mut self) -> Counter {
        self.function.counters += 1;
        self.function.counters - 1
    }

    fn variable(&mut self, old: Variable) -> Variable {
        if !self.inner.contains(&old) {
            return old;
        }
        if let Some(new) = self.variables.get(&old) {
            return *new;
        }
        self.function.variables.push(self.function.variables[old]);
        let new = self.function.variables.len() - 1;
        self.variables.insert(old, new);
        new
    }

    fn affine(&self, old: &Affine) -> Affine {
        old.terms.iter().fold(Affine::constant(old.constant), |sum, (step, counter)| {
            let counter = self.counters.get(counter).cloned().unwrap_or_else(|| Affine::counter(*counter));
            sum.plus(&counter.times(*step))
        })
    }

    /// The statements for a piece of a counter's range, without the conditions that it decides.
    fn statements(&mut self, all: &[Statement], cut: Counter, piece: &std::ops::Range<usize>) -> Vec<Statement> {
        let mut new = vec![];
        for statement in all {
            match statement {
                Statement::For { counter, extent, body } => {
                    let own = self.fresh_counter();
                    self.counters.insert(*counter, Affine::counter(own));
                    let body = self.statements(body, cut, piece);
                    new.push(Statement::For { counter: own, extent: *extent, body });
                }
                Statement::If { conditions, then, otherwise } => {
                    let (decided, open): (Vec<&Condition>, Vec<&Condition>) =
                        conditions.iter().partition(|condition| is_alone(condition, cut));
                    let is_left_out = decided.iter().any(|condition| !holds(condition, piece.start as i64));
                    if is_left_out {
                        new.extend(self.statements(otherwise, cut, piece));
                    } else if open.is_empty() {
                        new.extend(self.statements(then, cut, piece));
                    } else {
                        let conditions = open.into_iter().map(|condition| self.condition(condition)).collect();
                        let then = self.statements(then, cut, piece);
                        let otherwise = self.statements(otherwise, cut, piece);
                        new.push(Statement::If { conditions, then, otherwise });
                    }
                }
                Statement::Divide { counter, numerator, divisor } => {
                    let numerator = self.affine(numerator);
                    if numerator.terms.is_empty() {
                        self.counters.insert(*counter, Affine::constant(numerator.constant / divisor));
                        continue;
                    }
                    let own = self.fresh_counter();
                    self.counters.insert(*counter, Affine::counter(own));
                    new.push(Statement::Divide { counter: own, numerator, divisor: *divisor });
                }
                Statement::Set { variable, value } => {
                    let value = self.expression(value);
                    new.push(Statement::Set { variable: self.variable(*variable), value });
                }
                Statement::Store { element, value } => {
                    let value = self.expression(value);
                    new.push(Statement::Store { element: self.element(element), value });
                }
            }
        }
        new
    }

    fn condition(&self, old: &Condition) -> Condition {
        match old {
            Condition::Within { position, extent } => {
                Condition::Within { position: self.affine(position), extent: *extent }
            }
            Condition::Multiple { position, of } => Condition::Multiple { position: self.affine(position), of: *of },
        }
    }

    fn element(&mut self, old: &Element) -> Element {
        let row = old.row.map(|(variable, stride)| (self.variable(variable), stride));
        Element { position: self.affine(&old.position), row, ..old.clone() }
    }

    fn expression(&mut self, old: &Expression) -> Expression {
        match old {
            Expression::Constant(value) => Expression::Constant(*value),
            Expression::Variable(variable) => Expression::Variable(self.variable(*variable)),
            Expression::Load(element) => Expression::Load(self.element(element)),
            Expression::Position(affine) => Expression::Position(self.affine(affine)),
            Expression::Apply { function, operands } => Expression::Apply {
                function: *function,
                operands: operands.iter().map(|operand| self.expression(operand)).collect(),
            },
            Expression::MulAdd(operands) => {
                Expression::MulAdd(Box::new(operands.each_ref().map(|operand| self.expression(operand))))
            }
            Expression::Dot { sum, a, b } => {
                Expression::Dot { sum: Box::new(self.expression(sum)), a: self.element(a), b: self.element(b) }
            }
            Expression::Random { stream, place, key } => Expression::Random {
                stream: *stream,
                place: self.affine(place),
                key: Box::new(key.each_ref().map(|word| self.expression(word))),
            },
        }
    }
}
