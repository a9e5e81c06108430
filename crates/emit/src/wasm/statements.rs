//! Statements: loops, conditions on counters, assignments and stores.

use super::bytes::Products;
use super::function::{Count, Emitter, Home};
use super::lanes::{Lanes, WIDTH};
use super::pointers::{Move, ScopeKind};
use crate::loops::{Condition, Counter, Element, Expression, Statement};
use tacit_ir::types::DType;
use wasm_encoder::{BlockType, Instruction as I, ValType};

type Instructions = Vec<I<'static>>;

impl Emitter<'_> {
    /// The code of statements, apart from what is there.
    pub fn written(&mut self, statements: &[Statement]) -> Instructions {
        self.apart(|emitter| emitter.statements(statements))
    }

    /// The code that is written, apart from what is there.
    fn apart(&mut self, write: impl FnOnce(&mut Self)) -> Instructions {
        let before = self.code.apart();
        write(self);
        std::mem::replace(&mut self.code.instructions, before)
    }

    pub fn statements(&mut self, statements: &[Statement]) {
        for (number, statement) in statements.iter().enumerate() {
            match statement {
                Statement::For { counter, extent, body } => self.each(*counter, *extent, body),
                Statement::If { conditions, then, otherwise } => self.either(conditions, then, otherwise),
                // The rest of the block is inside of the quotient's scope.
                Statement::Divide { counter, numerator, divisor } => {
                    let local = self.code.local(ValType::I32);
                    self.push_position(numerator);
                    self.code.all([I::I32Const(*divisor as i32), I::I32DivS, I::LocalSet(local)]);
                    self.counters[*counter] = Some(Count::Local(local));
                    let rest = &statements[number + 1..];
                    let (rest, _) = self.scoped(ScopeKind::Quotient(*counter), |emitter| emitter.written(rest));
                    self.code.instructions.extend(rest);
                    return;
                }
                Statement::Set { variable, value } => {
                    let varies = self.lanes.as_ref().is_some_and(|lanes| lanes.varies(*variable));
                    let local = if varies {
                        self.push_vector(value);
                        self.vector(*variable)
                    } else {
                        self.push_scalar(value);
                        self.scalar(*variable)
                    };
                    self.code.push(I::LocalSet(local));
                }
                Statement::Store { element, value } => match &self.lanes {
                    Some(_) => self.store_four(element, value),
                    None => self.store_one(element, value),
                },
            }
        }
    }

    fn each(&mut self, counter: Counter, extent: usize, body: &[Statement]) {
        if self.unrolling.counters[counter] {
            return self.unrolled(counter, 0, extent, body);
        }
        let local = self.code.local(ValType::I32);
        self.counters[counter] = Some(Count::Local(local));
        if extent > 1
            && let Some(products) = Products::of(self, counter, body)
        {
            let (parts, moves) = self.scoped(ScopeKind::Loop(counter), |emitter| {
                let two = emitter.apart(|emitter| emitter.add_pairs(&products));
                let one = (extent % 2 == 1).then(|| emitter.written(body));
                (two, one)
            });
            return self.in_parts(local, 2, extent, (Some(parts.0), parts.1), &moves);
        }
        let lanes = self.lanes_of(counter, extent, body);
        let in_fours = if lanes.is_some() { extent / WIDTH * WIDTH } else { 0 };
        let (parts, moves) = self.scoped(ScopeKind::Loop(counter), |emitter| {
            emitter.lanes = lanes;
            let fours = (in_fours > 0).then(|| emitter.written(body));
            emitter.lanes = None;
            let ones = (in_fours < extent).then(|| emitter.written(body));
            (fours, ones)
        });
        self.in_parts(local, WIDTH, extent, parts, &moves);
    }

    /// The lanes of a loop, if it can run four at a time.
    fn lanes_of(&self, counter: Counter, extent: usize, body: &[Statement]) -> Option<Lanes> {
        match self.is_vectorised && extent >= WIDTH {
            true => Lanes::of(self.function, &self.unrolling, counter, body),
            false => None,
        }
    }

    /// The turns from one to another of a loop that is written out.
    pub fn unrolled(&mut self, counter: Counter, first: usize, end: usize, body: &[Statement]) {
        self.lanes = self.lanes_of(counter, end - first, body);
        let in_fours = if self.lanes.is_some() { first + (end - first) / WIDTH * WIDTH } else { first };
        for value in (first..in_fours).step_by(WIDTH) {
            self.counters[counter] = Some(Count::Constant(value as i64));
            self.statements(body);
        }
        self.lanes = None;
        for value in in_fours..end {
            self.counters[counter] = Some(Count::Constant(value as i64));
            self.statements(body);
        }
    }

    /// A loop of several turns at a time and then of one, as far as there are bodies for them.
    fn in_parts(
        &mut self,
        counter: u32,
        together: usize,
        extent: usize,
        (several, one): (Option<Instructions>, Option<Instructions>),
        moves: &[Move],
    ) {
        self.code.all([I::I32Const(0), I::LocalSet(counter)]);
        if let Some(body) = several {
            self.repeated(counter, together, extent / together * together, body, moves);
        }
        if let Some(body) = one {
            self.repeated(counter, 1, extent, body, moves);
        }
    }

    /// A loop from the counter's value on, in steps, up to below the end. It runs at least once.
    fn repeated(&mut self, counter: u32, step: usize, end: usize, body: Instructions, moves: &[Move]) {
        self.code.push(I::Loop(BlockType::Empty));
        self.code.instructions.extend(body);
        for (pointer, bytes) in moves.iter().filter(|(_, bytes)| *bytes != 0) {
            let bytes = I::I32Const((bytes * step as i64) as i32);
            self.code.all([I::LocalGet(*pointer), bytes, I::I32Add, I::LocalSet(*pointer)]);
        }
        self.code.all([I::LocalGet(counter), I::I32Const(step as i32), I::I32Add, I::LocalTee(counter)]);
        self.code.all([I::I32Const(end as i32), I::I32LtU, I::BrIf(0), I::End]);
    }

    /// A branch on counters; none where unrolled loops decide it.
    fn either(&mut self, conditions: &[Condition], then: &[Statement], otherwise: &[Statement]) {
        let mut open = vec![];
        for condition in conditions {
            match self.decided(condition) {
                Some(true) => {}
                Some(false) => return self.statements(otherwise),
                None => open.push(condition),
            }
        }
        if open.is_empty() {
            return self.statements(then);
        }
        for (number, condition) in open.iter().enumerate() {
            self.push_position(condition.position());
            match condition {
                // A negative position is a large one without its sign.
                Condition::Within { extent, .. } => self.code.all([I::I32Const(*extent as i32), I::I32LtU]),
                Condition::Multiple { of, .. } => self.code.all([I::I32Const(*of as i32), I::I32RemS, I::I32Eqz]),
            }
            if number > 0 {
                self.code.push(I::I32And);
            }
        }
        self.code.push(I::If(BlockType::Empty));
        self.statements(then);
        if !otherwise.is_empty() {
            self.code.push(I::Else);
            self.statements(otherwise);
        }
        self.code.push(I::End);
    }

    fn decided(&self, condition: &Condition) -> Option<bool> {
        let (terms, position) = self.resolved(condition.position());
        terms.is_empty().then_some(match condition {
            Condition::Within { extent, .. } => (0..*extent).contains(&position),
            Condition::Multiple { of, .. } => position % of == 0,
        })
    }

    fn store_one(&mut self, element: &Element, value: &Expression) {
        if self.home(element.array).is_some() {
            let (_, position) = self.resolved(&element.position);
            return self.store_in_locals(element, position as usize, value);
        }
        let argument = self.push_element_address(element);
        self.push_scalar(value);
        self.code.push(match self.function.dtype_of(element.array) {
            DType::F32 => I::F32Store(argument),
            DType::I32 => I::I32Store(argument),
            DType::I8 | DType::Bool => I::I32Store8(argument),
        });
    }

    fn store_in_locals(&mut self, element: &Element, position: usize, value: &Expression) {
        let Some(Home::Locals { vectors, rest }) = self.home(element.array) else { panic!("the array is in locals") };
        match vectors.get(position / WIDTH).copied() {
            Some(vector) => {
                self.code.push(I::LocalGet(vector));
                self.push_scalar(value);
                let dtype = self.function.dtype_of(element.array);
                if dtype == DType::Bool {
                    // A true lane has all its bits.
                    let truth = self.code.take(ValType::I32);
                    self.code.all([I::LocalSet(truth), I::I32Const(0), I::LocalGet(truth), I::I32Sub]);
                    self.code.give(ValType::I32, truth);
                }
                let lane = (position % WIDTH) as u8;
                self.code.push(match dtype {
                    DType::F32 => I::F32x4ReplaceLane(lane),
                    DType::I32 | DType::I8 | DType::Bool => I::I32x4ReplaceLane(lane),
                });
                self.code.push(I::LocalSet(vector));
            }
            None => {
                let local = rest[position - vectors.len() * WIDTH];
                self.push_scalar(value);
                self.code.push(I::LocalSet(local));
            }
        }
    }
}
