//! Addresses. An access in a loop reads a pointer that the loop moves on, instead of computing its address anew: engines
//! do not find that for themselves.

use super::function::{Count, Emitter, Home};
use crate::loops::{Affine, Array, Counter, Element};
use wasm_encoder::{Instruction as I, MemArg, MemArgTarget, ValType};

/// The elements by which a pointer may lie before its array; the layout leaves as much room at the memory's beginning.
pub const BEFORE_MAX: i64 = 256;

/// The address of an array's element whose position is affine in the counters of open loops.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    array: Array,
    /// Ascending by counter.
    terms: Vec<(i64, Counter)>,
    constant: i64,
}

impl Form {
    fn has(&self, counter: Counter) -> bool {
        self.terms.iter().any(|(_, known)| *known == counter)
    }
}

/// Part of a function in which counters have values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    Function,
    /// The body of a loop, whose counter begins at 0.
    Loop(Counter),
    /// The statements behind a quotient.
    Quotient(Counter),
}

impl ScopeKind {
    fn counter(self) -> Option<Counter> {
        match self {
            ScopeKind::Function => None,
            ScopeKind::Loop(counter) | ScopeKind::Quotient(counter) => Some(counter),
        }
    }
}

pub struct Scope {
    kind: ScopeKind,
    /// Addresses and the locals that hold them.
    pointers: Vec<(Form, u32)>,
}

/// A pointer's local and the bytes by which it moves from one iteration to the next.
pub type Move = (u32, i64);

impl Emitter<'_> {
    /// Opens a scope for `body`, which gives the code that it writes, and sets the pointers that this code needs.
    pub fn scoped<T>(&mut self, kind: ScopeKind, body: impl FnOnce(&mut Self) -> T) -> (T, Vec<Move>) {
        self.scopes.push(Scope { kind, pointers: vec![] });
        let result = body(self);
        let Scope { pointers, .. } = self.scopes.pop().expect("the scope was opened here");
        let mut moves = vec![];
        for (mut form, local) in pointers {
            let counter = kind.counter();
            let step = form.terms.iter().find(|(_, known)| Some(*known) == counter).map_or(0, |(step, _)| *step);
            form.terms.retain(|(_, known)| Some(*known) != counter);
            let step = step * self.element_bytes(form.array);
            self.push_address(&form);
            if let ScopeKind::Quotient(counter) = kind {
                self.push_count(counter);
                self.code.all([I::I32Const(step as i32), I::I32Mul, I::I32Add]);
            }
            self.code.push(I::LocalSet(local));
            moves.push((local, step));
        }
        (result, moves)
    }

    fn push_address(&mut self, form: &Form) {
        if !form.terms.is_empty() {
            let pointer = self.pointer(form.clone());
            return self.code.push(I::LocalGet(pointer));
        }
        self.push_beginning(form.array);
        if form.constant != 0 {
            let bytes = form.constant * self.element_bytes(form.array);
            self.code.all([I::I32Const(bytes as i32), I::I32Add]);
        }
    }

    /// The address at which an array begins.
    fn push_beginning(&mut self, array: Array) {
        match array {
            Array::Operand(operand) => self.code.push(I::LocalGet(operand as u32)),
            Array::Local(local) => match &self.homes[local] {
                Home::Memory(address) => self.code.push(I::I32Const(*address as i32)),
                Home::Locals { .. } => panic!("what lies in locals has no address"),
            },
        }
    }

    /// The local that holds an address here.
    fn pointer(&mut self, form: Form) -> u32 {
        if let Form { array: Array::Operand(operand), constant: 0, .. } = form
            && form.terms.is_empty()
        {
            return operand as u32;
        }
        let known = self.scopes.iter().flat_map(|scope| &scope.pointers).find(|(known, _)| *known == form);
        if let Some((_, local)) = known {
            return *local;
        }
        // It is set where the innermost of its counters gets its value.
        let innermost = self.scopes.iter().rposition(|scope| scope.kind.counter().is_some_and(|c| form.has(c)));
        let local = self.code.local(ValType::I32);
        self.scopes[innermost.unwrap_or(0)].pointers.push((form, local));
        local
    }

    pub fn element_bytes(&self, array: Array) -> i64 {
        self.function.dtype_of(array).size() as i64
    }

    /// An element's address on the stack, and what an instruction adds to it.
    pub fn push_element_address(&mut self, element: &Element) -> MemArg {
        let bytes = self.element_bytes(element.array);
        let align = bytes.trailing_zeros();
        let argument = |offset: i64| MemArg {
            offset: u64::try_from(offset).expect("what is added is not negative"),
            align,
            target: MemArgTarget::default(),
            ordering: None,
        };
        if let Some(modulo) = element.modulo {
            self.push_position(&element.position);
            self.push_remainder(modulo as i32);
            self.code.all([I::I32Const(bytes as i32), I::I32Mul]);
            self.push_beginning(element.array);
            self.code.push(I::I32Add);
            return argument(0);
        }
        let (form, offset) = self.form(element.array, &element.position);
        let pointer = self.pointer(form);
        self.code.push(I::LocalGet(pointer));
        if let Some((row, stride)) = element.row {
            let row = self.scalar(row);
            self.code.all([I::LocalGet(row), I::I32Const((stride as i64 * bytes) as i32), I::I32Mul, I::I32Add]);
        }
        argument(offset * bytes)
    }

    /// The form of a position, and the elements that are added to it. An address is a number without a sign, so a form must
    /// not be below address 0 where it is read: it keeps a constant that makes up for steps or a beginning below 0.
    fn form(&self, array: Array, position: &Affine) -> (Form, i64) {
        let (terms, constant) = self.resolved(position);
        let written_out = constant - position.constant;
        let goes_down = terms.iter().any(|(step, _)| *step < 0);
        let kept = match (goes_down, position.constant < 0) {
            (false, false) if written_out >= 0 => 0,
            // The lanes of one group share a pointer, which may begin before the array.
            (false, true) if (0..=BEFORE_MAX).contains(&written_out) => position.constant,
            (_, _) => constant,
        };
        (Form { array, terms, constant: kept }, constant - kept)
    }

    /// The terms with counters of loops, ascending, and the constant with all others.
    pub fn resolved(&self, position: &Affine) -> (Vec<(i64, Counter)>, i64) {
        let mut terms = vec![];
        let mut constant = position.constant;
        for (step, counter) in &position.terms {
            match self.count(*counter) {
                Count::Constant(value) => constant += step * value,
                Count::Local(_) => terms.push((*step, *counter)),
            }
        }
        terms.sort_by_key(|(_, counter)| *counter);
        (terms, constant)
    }

    fn push_count(&mut self, counter: Counter) {
        match self.count(counter) {
            Count::Constant(value) => self.code.push(I::I32Const(value as i32)),
            Count::Local(local) => self.code.push(I::LocalGet(local)),
        }
    }

    /// A position as an integer.
    pub fn push_position(&mut self, position: &Affine) {
        let (terms, constant) = self.resolved(position);
        for (number, (step, counter)) in terms.iter().enumerate() {
            self.push_count(*counter);
            if *step != 1 {
                self.code.all([I::I32Const(*step as i32), I::I32Mul]);
            }
            if number > 0 {
                self.code.push(I::I32Add);
            }
        }
        if terms.is_empty() {
            self.code.push(I::I32Const(constant as i32));
        } else if constant != 0 {
            self.code.all([I::I32Const(constant as i32), I::I32Add]);
        }
    }

    /// The integer on the stack as a remainder that is not negative.
    fn push_remainder(&mut self, modulo: i32) {
        if modulo.count_ones() == 1 {
            return self.code.all([I::I32Const(modulo - 1), I::I32And]);
        }
        self.code.all([
            I::I32Const(modulo),
            I::I32RemS,
            I::I32Const(modulo),
            I::I32Add,
            I::I32Const(modulo),
            I::I32RemS,
        ]);
    }
}
