//! WebAssembly from loops: a module without imports, whose memory has a fixed size.
//!
//! It exports `memory`, `run`, `reset` if the program keeps something, and for every input and output an i32 global with
//! its address. Nothing allocates or recurs, and no branch depends on data.

mod bytes;
mod code;
mod expressions;
mod function;
mod lanes;
mod layout;
mod module;
mod pointers;
mod scalars;
mod statements;
mod vectors;

pub use layout::Exported;
pub use module::emit;

use crate::loops::{Leaf, Loops};
use std::fmt;
use tacit_ir::interpret::Tensor;

/// A program to emit.
pub struct Program<'a> {
    pub loops: &'a Loops,
    /// The values of parameters and constants.
    pub values: &'a dyn Fn(&Leaf) -> Tensor<f32>,
}

/// How a program is emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Four lanes at a time, with the 128-bit instructions that WebAssembly 2.0 has.
    pub simd: bool,
    pub products: Products,
}

/// How the a·b + c of a contraction is rounded. The functions exp, log and so on have their bits in any case, or, with
/// [`Products::Relaxed`], where contractions have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products {
    /// Twice: product, then sum. docs/NUMERICS.md states how far results are from the interpreter's.
    Rounded,
    /// Once, in software: the interpreter's bits, slowly.
    Fused,
    /// By the relaxed instruction: once where the engine's machine can, and then with the interpreter's bits. It takes an
    /// engine that has relaxed SIMD, of WebAssembly 3.0.
    Relaxed,
}

/// An emitted program.
#[derive(Clone, Debug)]
pub struct Module {
    pub bytes: Vec<u8>,
    pub inputs: Vec<Exported>,
    pub outputs: Vec<Exported>,
    /// Whether there is something to reset.
    pub keeps: bool,
    pub memory_bytes: u64,
}

/// A program that needs more than WebAssembly or engines give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLarge {
    /// The memory that it needs, in bytes.
    Memory { bytes: u64, bytes_max: u64 },
    /// The size of the module, in bytes.
    Module { bytes: u64, bytes_max: u64 },
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            TooLarge::Memory { bytes, bytes_max } => {
                write!(f, "the program needs {bytes} bytes of memory, and WebAssembly has {bytes_max}")
            }
            TooLarge::Module { bytes, bytes_max } => {
                write!(f, "the program takes {bytes} bytes, and engines load modules of up to {bytes_max}")
            }
        }
    }
}
