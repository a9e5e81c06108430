//! Fused loops: a program of scalar operations, evaluated over blocks of a few hundred elements.
//!
//! A kernel's maps and moves become [`Code`]s over *registers* of one block each; every access is affine in the
//! kernel's loop dimensions, so a move costs nothing but its address. Blocks stay in the first cache, and the cost of
//! interpretation is one dispatch per operation and block. Where the processor allows it, machine code takes the place of
//! the interpretation ([`crate::machine`]).

mod behind;
mod boxes;
mod copies;
mod evaluate;
mod lower;
mod pieces;
mod reduce;
mod run;
mod sums;

pub use evaluate::Kept;
pub use lower::{lower_elementwise, lower_reduce, lower_windows};
pub use reduce::{ACCUMULATORS, ReduceLoop};
pub use run::{ElementwiseLoop, Finish};

use crate::machine::{Library, Routine};
use tacit_ir::ScalarFn;
use tacit_ir::types::DType;

/// Elements of one block, a multiple of every vector length.
pub const BLOCK: usize = 512;

/// Σ coefficient·dimension + constant over a kernel's loop dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Affine {
    pub coefficients: Vec<i64>,
    pub constant: i64,
}

/// A condition 0 ≤ value < extent under which a term exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Guard {
    pub value: Affine,
    pub extent: i64,
}

/// True for the types whose elements are stored as registers hold them.
pub fn is_word(dtype: DType) -> bool {
    match dtype {
        DType::F32 | DType::I32 => true,
        DType::I8 | DType::Bool => false,
    }
}

/// Memory that a kernel reads or writes: a position in the program's table of slots.
pub type Slot = usize;

/// A block-wide intermediate. Elements are 4 bytes: f32, i32, i8 as i32, bool as 0 or 1.
pub type Register = usize;

/// One operation over a block.
#[derive(Clone, Debug)]
pub enum Code {
    /// Elements of memory at an affine offset; `fill` where a guard fails.
    Load { slot: Slot, dtype: DType, offset: Affine, guards: Vec<Guard>, fill: u32 },
    /// One value for all elements.
    Splat { bits: u32 },
    /// An affine value of the loop indices, as i32.
    Index { value: Affine },
    /// 1 where all guards hold, else 0.
    Within { guards: Vec<Guard> },
    /// A scalar function; `dtype` is the type of its (last) operands, which are numbers of operations.
    Apply { function: ScalarFn, dtype: DType, operands: [usize; 3] },
    /// a·b + c over f32, rounded once: a term of a contraction.
    MulAdd { operands: [usize; 3] },
}

impl Code {
    /// The numbers of the operations whose results it takes.
    pub fn operands(&self) -> &[usize] {
        match self {
            Code::Load { .. } | Code::Splat { .. } | Code::Index { .. } | Code::Within { .. } => &[],
            Code::Apply { function, operands, .. } => &operands[..function.arity()],
            Code::MulAdd { operands } => operands,
        }
    }
}

/// How long the result of an operation stays right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lasts {
    /// The same for all elements of a run.
    Run,
    /// It depends on the column alone, so it stays while blocks have the same columns.
    Columns,
    Block,
}

/// The operations of a kernel in order. Operands are numbers of operations; operation k writes register `registers[k]`.
#[derive(Clone, Debug, Default)]
pub struct BlockProgram {
    pub codes: Vec<Code>,
    pub registers: Vec<Register>,
    pub register_count: usize,
    /// Operations whose results last are not evaluated again.
    pub lasts: Vec<Lasts>,
    /// The operations that are read at the end.
    pub results: Vec<usize>,
    /// Machine code for all that is not evaluated once.
    pub routine: Option<Routine>,
}

impl BlockProgram {
    /// Assigns registers: one is used again after its value's last use. `columns` is the dimension that blocks hold whole, if
    /// they do.
    pub fn new(codes: Vec<Code>, results: Vec<usize>, columns: Option<usize>) -> BlockProgram {
        let mut last = vec![0; codes.len()];
        for (k, code) in codes.iter().enumerate() {
            for operand in code.operands() {
                last[*operand] = k;
            }
        }
        // Machine code reads what does not follow from other registers all at the same time.
        for (k, code) in codes.iter().enumerate() {
            if matches!(code, Code::Load { .. } | Code::Index { .. } | Code::Within { .. }) {
                last[k] = usize::MAX;
            }
        }
        for result in &results {
            last[*result] = usize::MAX;
        }
        let lasts = lasts(&codes, columns);
        let mut registers = vec![];
        let mut free: Vec<Register> = vec![];
        let mut register_count = 0;
        for k in 0..codes.len() {
            // A result never shares a register with an operand, so that kernels see distinct slices; what outlasts a
            // block keeps a register of its own.
            let reused = if lasts[k] < Lasts::Block { None } else { free.pop() };
            registers.push(reused.unwrap_or_else(|| {
                register_count += 1;
                register_count - 1
            }));
            for earlier in 0..=k {
                let ends = last[earlier] == k || (last[earlier] == 0 && earlier == k);
                if ends && lasts[earlier] == Lasts::Block {
                    free.push(registers[earlier]);
                }
            }
        }
        BlockProgram { codes, registers, register_count, lasts, results, routine: None }
    }

    /// Makes machine code for blocks whose columns are dimension `column_dim`, where there is code for every operation.
    pub fn compile(&mut self, library: &mut Library, column_dim: Option<usize>) {
        self.routine = library.compile(&self.codes, &self.lasts, &self.results, column_dim, None);
    }

    /// The register of a result.
    pub fn result(&self, k: usize) -> Register {
        self.registers[self.results[k]]
    }
}

/// How long the result of each operation lasts; operands are numbers of operations.
fn lasts(codes: &[Code], columns: Option<usize>) -> Vec<Lasts> {
    let of_affine = |affine: &Affine| {
        let mut moving = affine.coefficients.iter().enumerate().filter(|(_, coefficient)| **coefficient != 0);
        match (moving.next(), moving.next()) {
            (None, _) => Lasts::Run,
            (Some((dim, _)), None) if Some(dim) == columns => Lasts::Columns,
            (Some(_), _) => Lasts::Block,
        }
    };
    let mut lasts: Vec<Lasts> = vec![];
    for code in codes {
        lasts.push(match code {
            Code::Splat { .. } => Lasts::Run,
            Code::Load { offset, guards, .. } if guards.is_empty() => of_affine(offset),
            Code::Index { value } => of_affine(value),
            Code::Load { .. } | Code::Within { .. } => Lasts::Block,
            Code::Apply { .. } | Code::MulAdd { .. } => {
                code.operands().iter().map(|operand| lasts[*operand]).max().unwrap_or(Lasts::Run)
            }
        });
    }
    lasts
}

/// A rectangle of loop indices: `rows` steps of one dimension by `columns` of another, at fixed others.
#[derive(Clone, Copy, Debug)]
pub struct Rectangle<'a> {
    /// The index of every loop dimension at the rectangle's corner.
    pub corner: &'a [i64],
    pub row_dim: usize,
    pub column_dim: usize,
    pub rows: usize,
    pub columns: usize,
}

impl Rectangle<'_> {
    pub fn elements(&self) -> usize {
        self.rows * self.columns
    }

    /// The affine's value at the corner, and its steps along rows and columns.
    pub fn steps(&self, affine: &Affine) -> (i64, i64, i64) {
        let corner: i64 = affine.coefficients.iter().zip(self.corner).map(|(c, i)| c * i).sum();
        let row = if self.rows > 1 { affine.coefficients[self.row_dim] } else { 0 };
        let column = if self.columns > 1 { affine.coefficients[self.column_dim] } else { 0 };
        (affine.constant + corner, row, column)
    }
}
