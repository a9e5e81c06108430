//! From vector operations to a loop: which value is in which register, and what it is loaded from and stored to.

use super::LANES;
use super::assembler::*;
use super::operations::{Binary, Operation, Operations, Shift, Value, Width};

/// Registers that hold values; the last vector register holds the mask of a row's last columns.
const REGISTERS: usize = 15;
/// The most of them that keep a value through a whole row.
const KEPT_MAX: usize = 10;
const MASK: Vector = Vector(15);

/// Bytes from one spilled value to the next.
const SPILL_BYTES: u32 = 32;

/// Where the arguments lie, in bytes from their start: see [`super::Routine::run`].
const WHOLE_COLUMNS: i32 = 8;
const COLUMNS_LEFT: i32 = 16;

fn start_of(stream: usize) -> i32 {
    24 + 16 * stream as i32
}

fn row_bytes_of(stream: usize) -> i32 {
    start_of(stream) + 8
}

/// Writes a routine:
///
/// ```text
/// constants into registers, as far as there are some left
/// for each row
///     what the row has one of into registers, likewise
///     for each eight columns: the operations
///     for the columns left over: the operations under a mask; where bytes are in place there are none
///     every stream to its next row
/// ```
pub fn emit(operations: &Operations, assembler: &mut Assembler) {
    let uses = uses(operations);
    let starts = starts(operations);
    let kept = kept(operations, &uses, &starts);
    let frame = assembler.enter();
    let mut spilled = 0;
    assembler.load_word(RSI, RDI, 0);
    for (stream, start) in starts.iter().enumerate() {
        if let Some(register) = start {
            assembler.load_word(*register, RDI, start_of(stream));
        }
    }
    for (value, register) in kept.registers() {
        if let Operation::Constant(bits) = operations.operations[value] {
            assembler.vector(LOAD, register, Vector(0), Operand::Constant(bits), None);
        }
    }
    let row = assembler.label();
    for (value, register) in kept.registers() {
        if let Operation::Stream(stream) = operations.operations[value] {
            let start = start_register(&starts, stream, assembler);
            assembler.vector(BROADCAST, register, Vector(0), Operand::At(start, 0), None);
        }
    }
    assembler.zero(RCX);
    assembler.load_word(RDX, RDI, WHOLE_COLUMNS);
    let no_whole = assembler.jump_ahead_if_zero(RDX);
    let column = assembler.label();
    spilled = spilled.max(body(operations, &uses, &kept, &starts, assembler, false).spilled);
    assembler.add_immediate(RCX, LANES as i32);
    assembler.jump_back_if_below(RCX, RDX, column);
    assembler.land(no_whole);
    if !operations.has_bytes() {
        assembler.load_word(RDX, RDI, COLUMNS_LEFT);
        let none_left = assembler.jump_ahead_if_zero(RDX);
        assembler.load_mask(MASK, RDX, RAX);
        spilled = spilled.max(body(operations, &uses, &kept, &starts, assembler, true).spilled);
        assembler.land(none_left);
    }
    for (stream, start) in starts.iter().enumerate() {
        match start {
            Some(register) => assembler.add_word(*register, RDI, row_bytes_of(stream)),
            None => {
                assembler.load_word(RAX, RDI, row_bytes_of(stream));
                assembler.add_to_word(RDI, start_of(stream), RAX);
            }
        }
    }
    assembler.count_down(RSI, row);
    let bytes = spilled as u32 * SPILL_BYTES;
    assembler.set_frame(frame, bytes);
    assembler.leave(bytes);
}

/// Values that stay in a register of their own, from the last one down.
#[derive(Clone, Debug, Default)]
struct Kept(Vec<Value>);

impl Kept {
    fn registers(&self) -> impl Iterator<Item = (Value, Vector)> {
        self.0.iter().enumerate().map(|(k, value)| (*value, Vector((REGISTERS - 1 - k) as u8)))
    }

    /// The registers that are left for other values.
    fn left(&self) -> usize {
        REGISTERS - self.0.len()
    }
}

/// Constants and what rows have one of, the most used first, as many as it pays to keep: each takes a register from the
/// others, which may have to be read from memory more often.
fn kept(operations: &Operations, uses: &[Vec<usize>], starts: &[Option<General>]) -> Kept {
    let lasts = |value: &Value| match operations.operations[*value] {
        Operation::Constant(_) => true,
        Operation::Stream(stream) => operations.streams[stream].one_a_row,
        Operation::Binary(..)
        | Operation::MulAdd(..)
        | Operation::Sqrt(_)
        | Operation::FromInteger(_)
        | Operation::ToInteger(_)
        | Operation::Shift(..)
        | Operation::Select { .. }
        | Operation::Copy(_) => false,
    };
    let mut candidates: Vec<Value> = (0..operations.operations.len()).filter(lasts).collect();
    candidates.retain(|value| !uses[*value].is_empty());
    candidates.sort_by_key(|value| std::cmp::Reverse(uses[*value].len()));
    candidates.truncate(KEPT_MAX);
    let choices = (0..=candidates.len()).map(|count| Kept(candidates[..count].to_vec()));
    let accesses = |kept: &Kept| body(operations, uses, kept, starts, &mut Assembler::default(), false).accesses;
    choices.min_by_key(accesses).unwrap_or_default()
}

/// The registers in which the starts of streams lie: those that are read in every step come first.
fn starts(operations: &Operations) -> Vec<Option<General>> {
    let count = operations.streams.len() + operations.results.len();
    let one_a_row = |stream: &usize| operations.streams.get(*stream).is_some_and(|stream| stream.one_a_row);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(one_a_row);
    let mut starts = vec![None; count];
    for (stream, register) in order.into_iter().zip(FREE) {
        starts[stream] = Some(register);
    }
    starts
}

/// A register that holds the start of a stream, loaded if it lies in memory.
fn start_register(starts: &[Option<General>], stream: usize, assembler: &mut Assembler) -> General {
    starts[stream].unwrap_or_else(|| {
        assembler.load_word(RAX, RDI, start_of(stream));
        RAX
    })
}

/// The operations that use each value, in order; a result is used behind the last one.
fn uses(operations: &Operations) -> Vec<Vec<usize>> {
    let mut uses = vec![vec![]; operations.operations.len()];
    for (at, operation) in operations.operations.iter().enumerate() {
        for operand in operation.operands() {
            uses[operand].push(at);
        }
    }
    for (k, result) in operations.results.iter().enumerate() {
        uses[*result].push(operations.operations.len() + k);
    }
    uses
}

/// What one pass over the operations needs.
struct Needs {
    /// Values that had to be kept in memory.
    spilled: usize,
    /// Reads and writes of vectors in memory.
    accesses: usize,
}

/// One pass over the operations.
fn body(
    operations: &Operations,
    uses: &[Vec<usize>],
    kept: &Kept,
    starts: &[Option<General>],
    assembler: &mut Assembler,
    masked: bool,
) -> Needs {
    let mut places = vec![None; operations.operations.len()];
    for (value, register) in kept.registers() {
        places[value] = Some(register);
    }
    let mut allocator = Allocator {
        operations,
        uses,
        kept: &kept.0,
        starts,
        assembler,
        masked,
        at: 0,
        holds: vec![None; kept.left()],
        places,
        spills: vec![None; operations.operations.len()],
        spilled: 0,
        accesses: 0,
    };
    for value in 0..operations.operations.len() {
        allocator.at = value;
        allocator.operation(value);
    }
    for (k, result) in operations.results.iter().enumerate() {
        allocator.at = operations.operations.len() + k;
        allocator.store(*result, k);
        allocator.release_dead();
    }
    Needs { spilled: allocator.spilled, accesses: allocator.accesses }
}

struct Allocator<'a> {
    operations: &'a Operations,
    uses: &'a [Vec<usize>],
    /// What stays in its register.
    kept: &'a [Value],
    starts: &'a [Option<General>],
    assembler: &'a mut Assembler,
    masked: bool,
    /// The operation that is written now.
    at: usize,
    /// The values in the registers that are not kept.
    holds: Vec<Option<Value>>,
    /// The register of each value.
    places: Vec<Option<Vector>>,
    /// The place on the stack of each value that was moved there.
    spills: Vec<Option<usize>>,
    spilled: usize,
    accesses: usize,
}

impl Allocator<'_> {
    fn operation(&mut self, value: Value) {
        match self.operations.operations[value] {
            // Read where they are used.
            Operation::Constant(_) | Operation::Stream(_) => {}
            Operation::Binary(binary, a, b) => {
                let first = self.register(a, &[b]);
                let second = self.operand(b, &[a]);
                let to = self.result(value, &[a, b]);
                let (instruction, predicate) = encoded(binary);
                self.assembler.vector(instruction, to, first, second, predicate);
            }
            Operation::MulAdd(a, b, c) => self.mul_add(value, [a, b, c]),
            Operation::Sqrt(a) => self.unary(value, SQRT, a),
            Operation::FromInteger(a) => self.unary(value, FROM_INTEGER, a),
            Operation::ToInteger(a) => self.unary(value, TO_INTEGER, a),
            Operation::Copy(a) => self.unary(value, LOAD, a),
            Operation::Shift(shift, a, places) => {
                let from = self.register(a, &[]);
                let to = self.result(value, &[a]);
                let (instruction, kind) = match shift {
                    Shift::Left => (SHIFT, SHIFT_LEFT),
                    Shift::RightSigned => (SHIFT, SHIFT_RIGHT_SIGNED),
                    Shift::RightLong => (SHIFT_LONG, SHIFT_RIGHT),
                };
                // The result takes the place of the second operand, the kind that of the first.
                self.assembler.vector(instruction, Vector(kind), to, Operand::Vector(from), Some(places));
            }
            Operation::Select { mask, yes, no } => {
                let mask_at = self.register(mask, &[yes, no]);
                let no_at = self.register(no, &[mask, yes]);
                let yes_at = self.operand(yes, &[mask, no]);
                let to = self.result(value, &[mask, yes, no]);
                self.assembler.vector(BLEND, to, no_at, yes_at, Some(mask_at.0 << 4));
            }
        }
        self.release_dead();
    }

    fn unary(&mut self, value: Value, instruction: Instruction, a: Value) {
        let from = self.operand(a, &[]);
        let to = self.result(value, &[a]);
        self.assembler.vector(instruction, to, Vector(0), from, None);
    }

    /// The instruction overwrites one of its operands, so one that is not needed any more is chosen, or copied.
    fn mul_add(&mut self, value: Value, [a, b, c]: [Value; 3]) {
        let dies = |s: &Self, v: Value| s.places[v].is_some() && s.next_use(v).is_none();
        let b_at = self.register(b, &[a, c]);
        let a_at = self.register(a, &[b, c]);
        if dies(self, c) && c != a && c != b {
            let c_at = self.register(c, &[a, b]);
            self.take(c, value);
            self.assembler.vector(MUL_ADD_231, c_at, a_at, Operand::Vector(b_at), None);
        } else if dies(self, a) && a != b && a != c {
            let c_at = self.operand(c, &[a, b]);
            self.take(a, value);
            self.assembler.vector(MUL_ADD_213, a_at, b_at, c_at, None);
        } else if dies(self, b) && a != b && b != c {
            let c_at = self.operand(c, &[a, b]);
            self.take(b, value);
            self.assembler.vector(MUL_ADD_213, b_at, a_at, c_at, None);
        } else {
            let c_at = self.operand(c, &[a, b]);
            let to = self.free_register(&[a, b, c]);
            self.place(value, to);
            self.assembler.vector(LOAD, to, Vector(0), c_at, None);
            self.assembler.vector(MUL_ADD_231, to, a_at, Operand::Vector(b_at), None);
        }
    }

    /// The next operation behind this one that uses a value.
    fn next_use(&self, value: Value) -> Option<usize> {
        if self.kept.contains(&value) {
            return Some(usize::MAX);
        }
        let uses = &self.uses[value];
        uses.get(uses.partition_point(|at| *at <= self.at)).copied()
    }

    /// A value in a register; `others` stay where they are.
    fn register(&mut self, value: Value, others: &[Value]) -> Vector {
        if let Some(register) = self.places[value] {
            return register;
        }
        let to = self.free_register(others);
        match self.operations.operations[value] {
            Operation::Stream(stream) => self.load(stream, to),
            Operation::Constant(_) => {
                let from = self.operand(value, others);
                self.assembler.vector(LOAD, to, Vector(0), from, None);
            }
            Operation::Binary(..)
            | Operation::MulAdd(..)
            | Operation::Sqrt(_)
            | Operation::FromInteger(_)
            | Operation::ToInteger(_)
            | Operation::Shift(..)
            | Operation::Select { .. }
            | Operation::Copy(_) => {
                let from = self.spilled_at(value);
                self.assembler.vector(LOAD, to, Vector(0), from, None);
            }
        }
        self.place(value, to);
        to
    }

    /// A value as a last operand: where it is, if it can be read from there.
    fn operand(&mut self, value: Value, others: &[Value]) -> Operand {
        match (self.places[value], self.operations.operations[value]) {
            (Some(register), _) => Operand::Vector(register),
            (None, Operation::Constant(bits)) => {
                self.accesses += 1;
                Operand::Constant(bits)
            }
            (None, Operation::Stream(stream))
                if !self.masked
                    && !self.operations.streams[stream].one_a_row
                    && self.operations.streams[stream].width == Width::Words
                    && self.next_use(value).is_none() =>
            {
                self.accesses += 1;
                Operand::Word(start_register(self.starts, stream, self.assembler), RCX)
            }
            (None, Operation::Stream(_)) => Operand::Vector(self.register(value, others)),
            (None, _) if self.next_use(value).is_none() => self.spilled_at(value),
            (None, _) => Operand::Vector(self.register(value, others)),
        }
    }

    fn spilled_at(&mut self, value: Value) -> Operand {
        self.accesses += 1;
        let place = self.spills[value].expect("a value is in a register or was spilled");
        Operand::At(RSP, (place as u32 * SPILL_BYTES) as i32)
    }

    fn load(&mut self, stream: usize, to: Vector) {
        self.accesses += 1;
        let start = start_register(self.starts, stream, self.assembler);
        if self.operations.streams[stream].width == Width::Bytes {
            self.assembler.vector(LOAD_BYTES, to, Vector(0), Operand::Byte(start, RCX), None);
        } else if self.operations.streams[stream].one_a_row {
            self.assembler.vector(BROADCAST, to, Vector(0), Operand::At(start, 0), None);
        } else if self.masked {
            self.assembler.vector(LOAD_MASKED, to, MASK, Operand::Word(start, RCX), None);
        } else {
            self.assembler.vector(LOAD, to, Vector(0), Operand::Word(start, RCX), None);
        }
    }

    fn store(&mut self, value: Value, result: usize) {
        let from = self.register(value, &[]);
        let stream = self.operations.streams.len() + result;
        if self.operations.widths[result] == Width::Bytes {
            let narrow = self.free_register(&[value]);
            self.assembler.vector(UPPER_HALF, from, Vector(0), Operand::Vector(narrow), Some(1));
            self.assembler.vector(NARROW_WORDS, narrow, from, Operand::Vector(narrow), None);
            self.assembler.vector(NARROW_HALVES, narrow, narrow, Operand::Vector(narrow), None);
            let start = start_register(self.starts, stream, self.assembler);
            self.assembler.vector(STORE_EIGHT_BYTES, narrow, Vector(0), Operand::Byte(start, RCX), None);
            return;
        }
        let start = start_register(self.starts, stream, self.assembler);
        match self.masked {
            true => self.assembler.vector(STORE_MASKED, from, MASK, Operand::Word(start, RCX), None),
            false => self.assembler.vector(STORE, from, Vector(0), Operand::Word(start, RCX), None),
        }
    }

    /// A register for the result of the operation that is written now; an operand's, if it is not needed any more.
    fn result(&mut self, value: Value, operands: &[Value]) -> Vector {
        let dead = operands.iter().copied().find(|v| self.places[*v].is_some() && self.next_use(*v).is_none());
        match dead {
            Some(operand) => {
                let register = self.places[operand].expect("a dead operand's register was looked for");
                self.take(operand, value);
                register
            }
            None => {
                let register = self.free_register(operands);
                self.place(value, register);
                register
            }
        }
    }

    /// Gives a value's register to another one.
    fn take(&mut self, from: Value, to: Value) {
        let register = self.places[from].take().expect("it is in a register");
        self.place(to, register);
    }

    fn place(&mut self, value: Value, register: Vector) {
        self.holds[register.0 as usize] = Some(value);
        self.places[value] = Some(register);
    }

    /// A register without a value, if need be that of the value whose next use is the furthest, but none of `kept`.
    fn free_register(&mut self, kept: &[Value]) -> Vector {
        if let Some(free) = self.holds.iter().position(Option::is_none) {
            return Vector(free as u8);
        }
        let movable = |value: &Value| !kept.contains(value);
        let held = self.holds.iter().enumerate().filter_map(|(register, value)| Some((register, (*value)?)));
        let (register, value) = held
            .filter(|(_, value)| movable(value))
            .max_by_key(|(_, value)| self.next_use(*value).unwrap_or(usize::MAX))
            .expect("an operation has fewer operands than there are registers");
        let again = matches!(self.operations.operations[value], Operation::Stream(_) | Operation::Constant(_));
        if !again && self.spills[value].is_none() {
            self.spills[value] = Some(self.spilled);
            self.spilled += 1;
            let to = self.spilled_at(value);
            self.assembler.vector(STORE, Vector(register as u8), Vector(0), to, None);
        }
        self.places[value] = None;
        self.holds[register] = None;
        Vector(register as u8)
    }

    /// Frees the registers of values that nothing needs any more.
    fn release_dead(&mut self) {
        for register in 0..self.holds.len() {
            if let Some(value) = self.holds[register]
                && self.next_use(value).is_none()
            {
                self.holds[register] = None;
                self.places[value] = None;
            }
        }
    }
}

fn encoded(binary: Binary) -> (Instruction, Option<u8>) {
    match binary {
        Binary::Add => (ADD, None),
        Binary::Sub => (SUB, None),
        Binary::Mul => (MUL, None),
        Binary::Div => (DIV, None),
        Binary::Min => (MIN, None),
        Binary::Max => (MAX, None),
        Binary::Less => (COMPARE, Some(LESS)),
        Binary::Equal => (COMPARE, Some(EQUAL)),
        Binary::And => (AND, None),
        Binary::Or => (OR, None),
        Binary::Xor => (XOR, None),
        Binary::AddInteger => (ADD_INTEGER, None),
        Binary::SubInteger => (SUB_INTEGER, None),
        Binary::MulInteger => (MUL_INTEGER, None),
        Binary::MinInteger => (MIN_INTEGER, None),
        Binary::MaxInteger => (MAX_INTEGER, None),
        Binary::EqualInteger => (EQUAL_INTEGER, None),
        Binary::GreaterInteger => (GREATER_INTEGER, None),
        Binary::MulEven => (MUL_EVEN, None),
        Binary::AddLong => (ADD_LONG, None),
        Binary::ShiftLeft => (SHIFT_LEFT_EACH, None),
        Binary::ShiftRightSigned => (SHIFT_RIGHT_SIGNED_EACH, None),
        Binary::OddOfSecond => (CHOOSE_WORDS, Some(ODD_WORDS)),
    }
}
