//! Which loops are unrolled, which arrays lie in locals, and which loops run four lanes at a time.

use crate::loops::mentions::{Mention, visit, visit_elements};
use crate::loops::{Array, Counter, Element, Expression, Function, Statement, Variable};
use tacit_ir::types::DType;

/// The lanes of a vector of 32-bit numbers.
pub const WIDTH: usize = 4;
/// The longest loop that is unrolled, and the most elements of an array that lies in locals.
const UNROLLED_MAX: usize = 64;

/// What a function keeps out of memory.
pub struct Unrolling {
    /// For each small array of the function whether its elements are locals.
    pub in_locals: Vec<bool>,
    /// For each counter whether its loop is written out, because it counts elements of such an array.
    pub counters: Vec<bool>,
}

impl Unrolling {
    pub fn of(function: &Function) -> Unrolling {
        let mut extents = vec![None; function.counters];
        innermost_extents(&function.body, &mut extents);
        let is_short = |counter: Counter| extents[counter].is_some_and(|extent| extent <= UNROLLED_MAX);
        let mut in_locals: Vec<bool> =
            function.locals.iter().map(|local| (1..=UNROLLED_MAX).contains(&local.elements)).collect();
        visit_elements(&function.body, &mut |element| {
            if let Array::Local(local) = element.array {
                let is_plain = element.modulo.is_none() && element.row.is_none();
                in_locals[local] &= is_plain && element.position.terms.iter().all(|(_, counter)| is_short(*counter));
            }
        });
        let mut counters = vec![false; function.counters];
        visit_elements(&function.body, &mut |element| {
            if matches!(element.array, Array::Local(local) if in_locals[local]) {
                element.position.terms.iter().for_each(|(_, counter)| counters[*counter] = true);
            }
        });
        Unrolling { in_locals, counters }
    }
}

/// The extents of the loops that hold no other; the others stay unknown.
fn innermost_extents(statements: &[Statement], extents: &mut [Option<usize>]) {
    for statement in statements {
        match statement {
            Statement::For { counter, extent, body } => {
                if !has_loop(body) {
                    extents[*counter] = Some(*extent);
                }
                innermost_extents(body, extents);
            }
            Statement::If { then, otherwise, .. } => {
                innermost_extents(then, extents);
                innermost_extents(otherwise, extents);
            }
            Statement::Divide { .. } | Statement::Set { .. } | Statement::Store { .. } => {}
        }
    }
}

fn has_loop(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| match statement {
        Statement::For { .. } => true,
        Statement::If { then, otherwise, .. } => has_loop(then) || has_loop(otherwise),
        Statement::Divide { .. } | Statement::Set { .. } | Statement::Store { .. } => false,
    })
}

/// Every variable that statements read (false) or set (true), in the order in which they run.
fn each_variable(statements: &[Statement], found: &mut dyn FnMut(Variable, bool)) {
    visit(statements, &mut |mention| match mention {
        Mention::Read(variable) => found(variable, false),
        Mention::Set(variable) => found(variable, true),
        Mention::Load(_) | Mention::Store(_) | Mention::Counter(_) => {}
    });
}

/// A loop whose iterations run four at a time.
pub struct Lanes {
    pub counter: Counter,
    /// For each variable of the function whether it differs from lane to lane.
    varying: Vec<bool>,
}

impl Lanes {
    /// The lanes of a loop, if its iterations neither depend on one another nor do what vectors cannot.
    pub fn of(function: &Function, unrolling: &Unrolling, counter: Counter, body: &[Statement]) -> Option<Lanes> {
        let mut lanes = Lanes { counter, varying: vec![false; function.variables.len()] };
        // What a variable is made of may be found to vary after it.
        while lanes.spread(body) {}
        let is_possible = lanes.fits(function, unrolling, body)
            && lanes.stores_are_apart(body)
            && !is_carried(body)
            && !lanes.is_read_elsewhere(function, body);
        is_possible.then_some(lanes)
    }

    /// Marks the variables that are set to what varies; true if there is a new one.
    fn spread(&mut self, statements: &[Statement]) -> bool {
        statements.iter().any(|statement| match statement {
            Statement::Set { variable, value } => {
                let is_new = !self.varying[*variable] && !self.is_uniform(value);
                self.varying[*variable] |= is_new;
                is_new
            }
            Statement::If { then, otherwise, .. } => self.spread(then) || self.spread(otherwise),
            Statement::For { .. } | Statement::Divide { .. } | Statement::Store { .. } => false,
        })
    }

    pub fn varies(&self, variable: Variable) -> bool {
        self.varying[variable]
    }

    /// True if all lanes have the same value.
    pub fn is_uniform(&self, expression: &Expression) -> bool {
        let all_operands = || expression.operands().iter().all(|operand| self.is_uniform(operand));
        match expression {
            Expression::Constant(_) => true,
            Expression::Variable(variable) => !self.varying[*variable],
            Expression::Load(element) => self.is_uniform_element(element),
            Expression::Position(affine) => affine.step(self.counter) == 0,
            Expression::Apply { .. } | Expression::MulAdd(_) => all_operands(),
            Expression::Dot { a, b, .. } => self.is_uniform_element(a) && self.is_uniform_element(b) && all_operands(),
            Expression::Random { place, .. } => place.step(self.counter) == 0 && all_operands(),
        }
    }

    fn is_uniform_element(&self, element: &Element) -> bool {
        let is_same_row = element.row.is_none_or(|(row, _)| !self.varying[row]);
        element.position.step(self.counter) == 0 && is_same_row
    }

    fn fits(&self, function: &Function, unrolling: &Unrolling, statements: &[Statement]) -> bool {
        statements.iter().all(|statement| match statement {
            Statement::For { .. } | Statement::Divide { .. } => false,
            Statement::If { conditions, then, otherwise } => {
                conditions.iter().all(|condition| condition.position().step(self.counter) == 0)
                    && self.fits(function, unrolling, then)
                    && self.fits(function, unrolling, otherwise)
            }
            Statement::Set { value, .. } => self.can_compute(function, unrolling, value),
            Statement::Store { element, value } => {
                !self.is_uniform_element(element)
                    && self.can_reach(function, unrolling, element)
                    && self.can_compute(function, unrolling, value)
            }
        })
    }

    fn can_compute(&self, function: &Function, unrolling: &Unrolling, expression: &Expression) -> bool {
        self.is_uniform(expression)
            || match expression {
                Expression::Constant(_) | Expression::Variable(_) | Expression::Position(_) => true,
                Expression::Load(element) => self.can_reach(function, unrolling, element),
                Expression::Apply { .. } | Expression::MulAdd(_) => {
                    expression.operands().iter().all(|operand| self.can_compute(function, unrolling, operand))
                }
                Expression::Dot { .. } | Expression::Random { .. } => false,
            }
    }

    /// True if the elements of four lanes can be loaded or stored.
    fn can_reach(&self, function: &Function, unrolling: &Unrolling, element: &Element) -> bool {
        if self.is_uniform_element(element) {
            return true;
        }
        let Element { array, position, modulo, row } = element;
        let is_plain = modulo.is_none() && row.is_none_or(|(row, _)| !self.varying[row]);
        let step = position.step(self.counter);
        match array {
            // Four elements of an array in locals are one local.
            Array::Local(local) if unrolling.in_locals[*local] => {
                step == 1 && position.terms.len() == 1 && position.constant % WIDTH as i64 == 0
            }
            // Words can be gathered one by one.
            Array::Local(_) | Array::Operand(_) => match function.dtype_of(*array) {
                DType::F32 | DType::I32 => is_plain && (step == 1 || step.abs() > 1),
                DType::I8 | DType::Bool => is_plain && step == 1,
            },
        }
    }

    /// True if no iteration touches what another one stores: everything in a stored array is at one position.
    fn stores_are_apart(&self, body: &[Statement]) -> bool {
        let mut stored: Vec<&Element> = vec![];
        visit(body, &mut |mention| {
            if let Mention::Store(element) = mention {
                stored.push(element);
            }
        });
        let mut are_apart = true;
        visit_elements(body, &mut |element| {
            are_apart &= stored.iter().all(|store| store.array != element.array || *store == element);
        });
        are_apart
    }

    /// True if something outside of the body reads what the lanes set.
    fn is_read_elsewhere(&self, function: &Function, body: &[Statement]) -> bool {
        let mut set = vec![false; function.variables.len()];
        let mut inside = vec![0usize; function.variables.len()];
        each_variable(body, &mut |variable, is_set| match is_set {
            true => set[variable] = true,
            false => inside[variable] += 1,
        });
        let mut everywhere = vec![0usize; function.variables.len()];
        each_variable(&function.body, &mut |variable, is_set| everywhere[variable] += usize::from(!is_set));
        (0..set.len()).any(|variable| set[variable] && everywhere[variable] > inside[variable])
    }
}

/// True if an iteration may read a variable that an earlier one has set.
fn is_carried(body: &[Statement]) -> bool {
    let mut set_anywhere = vec![];
    each_variable(body, &mut |variable, is_set| {
        if is_set {
            set_anywhere.push(variable);
        }
    });
    let mut seen = vec![];
    let mut carried = false;
    each_variable(body, &mut |variable, is_set| match is_set {
        true => seen.push(variable),
        false => carried |= set_anywhere.contains(&variable) && !seen.contains(&variable),
    });
    carried
}
