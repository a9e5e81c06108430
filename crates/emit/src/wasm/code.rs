//! A function's instructions and locals while they are written.

use wasm_encoder::{Instruction, ValType};

/// Whether one number is computed or the four of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    One,
    Four,
}

impl Width {
    pub fn of<T>(self, one: T, four: T) -> T {
        match self {
            Width::One => one,
            Width::Four => four,
        }
    }
}

pub struct Code {
    pub instructions: Vec<Instruction<'static>>,
    /// The number of parameters, which are the first locals.
    parameters: usize,
    /// The types of the locals behind the parameters.
    pub locals: Vec<ValType>,
    /// Locals that are of no use at the moment.
    free: Vec<(ValType, u32)>,
}

impl Code {
    pub fn new(parameters: usize) -> Code {
        Code { instructions: vec![], parameters, locals: vec![], free: vec![] }
    }

    pub fn push(&mut self, instruction: Instruction<'static>) {
        self.instructions.push(instruction);
    }

    pub fn all<const N: usize>(&mut self, instructions: [Instruction<'static>; N]) {
        self.instructions.extend(instructions);
    }

    /// A local of its own.
    pub fn local(&mut self, ty: ValType) -> u32 {
        self.locals.push(ty);
        (self.parameters + self.locals.len() - 1) as u32
    }

    /// A local for a moment.
    pub fn take(&mut self, ty: ValType) -> u32 {
        match self.free.iter().position(|(free, _)| *free == ty) {
            Some(position) => self.free.swap_remove(position).1,
            None => self.local(ty),
        }
    }

    /// Gives a local of a moment back.
    pub fn give(&mut self, ty: ValType, local: u32) {
        self.free.push((ty, local));
    }

    /// Writes what `body` writes somewhere else than behind what is there, and gives it.
    pub fn apart(&mut self) -> Vec<Instruction<'static>> {
        std::mem::take(&mut self.instructions)
    }

    pub fn function(&self) -> wasm_encoder::Function {
        let mut function = wasm_encoder::Function::new_with_locals_types(self.locals.iter().copied());
        for instruction in &self.instructions {
            function.instruction(instruction);
        }
        function.instruction(&Instruction::End);
        function
    }
}
