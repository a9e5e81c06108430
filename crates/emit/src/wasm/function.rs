//! A function of loops as a function of WebAssembly.

use super::Options;
use super::code::Code;
use super::lanes::{Lanes, Unrolling, WIDTH};
use super::pointers::{Scope, ScopeKind};
use super::scalars::Helpers;
use crate::loops::{Array, Function};
use tacit_ir::types::DType;
use wasm_encoder::ValType;

/// What a module knows of a function beyond its loops.
pub struct Surroundings {
    /// Whether operands that are written may overlap others.
    pub overlaps: bool,
    /// Where arrays that are no locals begin.
    pub scratch: u32,
}

/// The code of a function whose parameters are the addresses of its operands.
pub fn function(function: &Function, surroundings: &Surroundings, options: &Options, helpers: &mut Helpers) -> Code {
    let unrolling = Unrolling::of(function);
    let mut code = Code::new(function.operands.len());
    let homes = homes(function, &unrolling, surroundings.scratch, options, &mut code);
    let mut emitter = Emitter {
        function,
        is_vectorised: options.simd && !surroundings.overlaps,
        helpers,
        code,
        homes,
        unrolling,
        counters: vec![None; function.counters],
        scalars: vec![None; function.variables.len()],
        vectors: vec![None; function.variables.len()],
        scopes: vec![],
        lanes: None,
    };
    let (body, _) = emitter.scoped(ScopeKind::Function, |emitter| emitter.written(&function.body));
    emitter.code.instructions.extend(body);
    emitter.code
}

/// The bytes of memory that a function's arrays take: those that are no locals.
pub fn scratch_bytes(function: &Function) -> usize {
    let unrolling = Unrolling::of(function);
    let in_memory = function.locals.iter().zip(&unrolling.in_locals).filter(|(_, in_locals)| !**in_locals);
    in_memory.map(|(local, _)| (local.elements * local.dtype.size()).next_multiple_of(16)).sum()
}

/// Where the elements of a small array are.
pub enum Home {
    /// At an address.
    Memory(u32),
    /// Vectors for all groups of four, then single locals for the rest.
    Locals { vectors: Vec<u32>, rest: Vec<u32> },
}

fn homes(function: &Function, unrolling: &Unrolling, scratch: u32, options: &Options, code: &mut Code) -> Vec<Home> {
    let mut address = scratch;
    let mut homes = vec![];
    for (local, in_locals) in function.locals.iter().zip(&unrolling.in_locals) {
        if *in_locals {
            let vectors = if options.simd { local.elements / WIDTH } else { 0 };
            let rest = local.elements - vectors * WIDTH;
            let vectors = (0..vectors).map(|_| code.local(ValType::V128)).collect();
            let rest = (0..rest).map(|_| code.local(scalar_type(local.dtype))).collect();
            homes.push(Home::Locals { vectors, rest });
        } else {
            homes.push(Home::Memory(address));
            address += (local.elements * local.dtype.size()).next_multiple_of(16) as u32;
        }
    }
    homes
}

/// The type of one number: integers and truths are words.
pub fn scalar_type(dtype: DType) -> ValType {
    match dtype {
        DType::F32 => ValType::F32,
        DType::I32 | DType::I8 | DType::Bool => ValType::I32,
    }
}

/// The value of a loop's counter while its body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Constant(i64),
    Local(u32),
}

/// A function while it is written.
pub struct Emitter<'a> {
    pub function: &'a Function,
    pub is_vectorised: bool,
    pub helpers: &'a mut Helpers,
    pub code: Code,
    pub homes: Vec<Home>,
    pub unrolling: Unrolling,
    /// For each counter whose loop is open its value.
    pub counters: Vec<Option<Count>>,
    /// The locals of variables: as one number, and as four.
    pub scalars: Vec<Option<u32>>,
    pub vectors: Vec<Option<u32>>,
    /// The function, and each loop that is open, with its pointers.
    pub scopes: Vec<Scope>,
    /// The loop whose iterations run four at a time.
    pub lanes: Option<Lanes>,
}

impl Emitter<'_> {
    pub fn scalar(&mut self, variable: usize) -> u32 {
        let ty = scalar_type(self.function.variables[variable]);
        *self.scalars[variable].get_or_insert_with(|| self.code.local(ty))
    }

    pub fn vector(&mut self, variable: usize) -> u32 {
        *self.vectors[variable].get_or_insert_with(|| self.code.local(ValType::V128))
    }

    pub fn count(&self, counter: usize) -> Count {
        self.counters[counter].expect("a counter is read inside its loop")
    }

    /// The home of an array in locals.
    pub fn home(&self, array: Array) -> Option<&Home> {
        match array {
            Array::Operand(_) => None,
            Array::Local(local) => Some(&self.homes[local]).filter(|home| matches!(home, Home::Locals { .. })),
        }
    }
}
