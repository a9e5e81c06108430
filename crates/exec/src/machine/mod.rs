//! Machine code for fused loops.
//!
//! A kernel's scalar operations, which [`crate::block`] can evaluate one after the other over blocks of memory, become one
//! loop whose intermediate values stay in vector registers. What cannot be read in place (edges, transposed reads,
//! narrow types) is laid into a register block by the evaluator first, so that the loop sees rows of words only. The
//! bits are those of the evaluator: the same operations on the same numbers in the same order.
//!
//! The code is for x86-64 with AVX2 and FMA. Elsewhere, and where the system grants no executable memory, the evaluator
//! does everything.

mod assembler;
mod emit;
mod integers;
mod memory;
mod operations;
mod ranges;

pub use memory::Executable;
pub use operations::{Source, Stream, Width};

use crate::block::{Code, Lasts};
use assembler::Assembler;
use operations::Operations;
use std::mem::MaybeUninit;

/// Routines of one program while they are made.
#[derive(Default)]
pub struct Library {
    code: Vec<u8>,
}

/// A loop over rows and columns that reads streams and writes streams.
#[derive(Clone, Debug)]
pub struct Routine {
    /// What it reads, in the order of its arguments.
    pub streams: Vec<Stream>,
    /// How results are written, whose streams follow.
    pub results: Vec<Width>,
    /// What the evaluator has to do for each operation of the block program.
    pub preparations: Vec<Preparation>,
    /// Where its code begins in the library.
    start: usize,
    /// Set when the code can be executed.
    entry: Option<Entry>,
}

/// When the evaluator lays an operation's result into its register, for each block anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    Never,
    /// Where guards do not hold in the whole block.
    AtEdges,
    Always,
}

/// The arguments lie in memory, where the code counts them on.
type Entry = extern "sysv64" fn(*mut u64);

/// Words of arguments at most: rows, whole vectors' columns, columns left over, and two for each stream.
const ARGUMENTS_MAX: usize = 3 + 2 * STREAMS_MAX;
/// Kernels of more streams are left to the evaluator.
pub const STREAMS_MAX: usize = 96;
/// Elements in a vector register.
pub const LANES: usize = 8;

/// Where a stream's first element lies and how many bytes lie from row to row.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    pub start: *mut u8,
    pub row_bytes: i64,
}

impl Library {
    /// A routine for a block program whose columns are dimension `column_dim`; nothing if it has operations that there is no
    /// code for. What memory has as bytes is in place only if it is said how results lie there; then columns have to be a
    /// multiple of [`LANES`].
    pub fn compile(
        &mut self,
        codes: &[Code],
        lasts: &[Lasts],
        results: &[usize],
        column_dim: Option<usize>,
        in_place: Option<&[Width]>,
    ) -> Option<Routine> {
        if !cfg!(target_arch = "x86_64") {
            return None;
        }
        let operations = Operations::record(codes, lasts, results, column_dim, in_place)?;
        if operations.streams.len() + results.len() > STREAMS_MAX {
            return None;
        }
        self.code.resize(self.code.len().next_multiple_of(assembler::ALIGNMENT), 0);
        let start = self.code.len();
        let mut assembler = Assembler::default();
        emit::emit(&operations, &mut assembler);
        self.code.extend(assembler.finish());
        let mut preparations = vec![Preparation::Never; codes.len()];
        for stream in &operations.streams {
            match stream.source {
                Source::InPlace(code) => preparations[code] = Preparation::AtEdges,
                Source::Register(code) => preparations[code] = Preparation::Always,
                Source::Row(_) => {}
            }
        }
        let Operations { streams, widths, .. } = operations;
        Some(Routine { streams, results: widths, preparations, start, entry: None })
    }

    /// Makes all routines executable, if the system allows it.
    pub fn finish(self) -> Option<Executable> {
        Executable::new(&self.code)
    }
}

impl Routine {
    /// Points to the code. The routine must not be run once the memory is gone.
    pub fn bind(&mut self, executable: &Executable) {
        // SAFETY: `start` is where `compile` put a function of this type.
        self.entry = Some(unsafe { std::mem::transmute::<*const u8, Entry>(executable.address(self.start)) });
    }

    /// Runs over `rows` by `columns` elements, both at least one.
    ///
    /// # Safety
    /// The processor has AVX2 and FMA. Every stream's rows are valid to read, those of results to write, for as many words
    /// as its kind says: `columns` next to each other, or one; bytes likewise, whose columns are a multiple of [`LANES`]. Nothing else writes what is read or uses what is written.
    pub unsafe fn run(&self, rows: usize, columns: usize, positions: impl Iterator<Item = Position>) {
        let mut arguments = [const { MaybeUninit::uninit() }; ARGUMENTS_MAX];
        arguments[0].write(rows as u64);
        arguments[1].write((columns / LANES * LANES) as u64);
        arguments[2].write((columns % LANES) as u64);
        let mut count = 0;
        for (pair, position) in arguments[3..].chunks_exact_mut(2).zip(positions) {
            pair[0].write(position.start as u64);
            pair[1].write(position.row_bytes as u64);
            count += 1;
        }
        assert_eq!(count, self.streams.len() + self.results.len(), "one position for each stream and result");
        let entry = self.entry.expect("a routine is bound before it is run");
        entry(arguments.as_mut_ptr().cast());
    }
}
