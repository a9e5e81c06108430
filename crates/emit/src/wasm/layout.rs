//! Where everything lies in the module's memory, and the names under which it is exported.

use super::pointers::BEFORE_MAX;
use super::{Program, TooLarge};
use crate::distinct;
use crate::loops::{ALIGNMENT, Loops, Place, bytes_of};
use tacit_ir::types::DType;

/// Where the data begins: behind room for pointers before the first array.
pub const DATA_BEGINS: u64 = BEFORE_MAX as u64 * size_of::<f32>() as u64;
/// The bytes of a page of memory, which the specification fixes.
pub const PAGE: u64 = 1 << 16;
/// The most pages that a 32-bit memory has.
const PAGES_MAX: u64 = 1 << 16;

/// Addresses in bytes from the memory's beginning.
pub struct Layout {
    constants: Vec<u64>,
    inputs: Vec<u64>,
    outputs: Vec<u64>,
    pub kept: u64,
    pub kept_bytes: usize,
    kept_offsets: Vec<u64>,
    arena: u64,
    /// Where functions put small arrays that are no locals.
    pub scratch: u64,
    pub pages: u64,
    /// Parameters and constants, from [`DATA_BEGINS`] on.
    pub data: Vec<u8>,
    /// What is kept, before the first run.
    pub kept_data: Vec<u8>,
}

impl Layout {
    pub fn new(program: &Program, scratch_bytes: usize) -> Result<Layout, TooLarge> {
        let loops = program.loops;
        let mut data = vec![];
        let constants = loops.constants.iter().map(|leaf| {
            data.resize(data.len().next_multiple_of(ALIGNMENT), 0);
            let address = DATA_BEGINS + data.len() as u64;
            data.extend(bytes_of(&(program.values)(leaf)));
            address
        });
        let constants = constants.collect();
        let mut end = DATA_BEGINS + data.len() as u64;
        let mut place = |bytes: usize| {
            let address = end.next_multiple_of(ALIGNMENT as u64);
            end = address + bytes as u64;
            address
        };
        let inputs = loops.inputs.iter().map(|leaf| place(leaf.elements * leaf.dtype.size())).collect();
        let outputs = loops.outputs.iter().enumerate().map(|(k, output)| {
            let is_apart = output.place == Place::Output(k);
            place(if is_apart { output.elements * output.dtype.size() } else { 0 })
        });
        let outputs = outputs.collect();
        let kept_data = kept_data(program);
        let kept = place(kept_data.len());
        let kept_offsets = loops.kept.iter().map(|kept| kept.offset as u64).collect();
        let arena = place(loops.arena_bytes);
        let scratch = place(scratch_bytes);
        let pages = end.div_ceil(PAGE).max(1);
        if pages > PAGES_MAX {
            return Err(TooLarge::Memory { bytes: end, bytes_max: PAGES_MAX * PAGE });
        }
        let kept_bytes = kept_data.len();
        Ok(Layout {
            constants,
            inputs,
            outputs,
            kept,
            kept_bytes,
            kept_offsets,
            arena,
            scratch,
            pages,
            data,
            kept_data,
        })
    }

    pub fn address(&self, place: Place) -> u32 {
        let address = match place {
            Place::Input(input) => self.inputs[input],
            Place::Output(output) => self.outputs[output],
            Place::Constant(constant) => self.constants[constant],
            Place::Kept(kept) => self.kept + self.kept_offsets[kept],
            Place::Arena(offset) => self.arena + offset as u64,
        };
        u32::try_from(address).expect("the memory has at most 2^32 bytes")
    }
}

fn kept_data(program: &Program) -> Vec<u8> {
    let mut bytes = vec![];
    for kept in &program.loops.kept {
        bytes.resize(kept.offset, 0);
        bytes.extend(bytes_of(&kept.first(program.values)));
    }
    bytes
}

/// A tensor that a caller writes or reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The name in the graph.
    pub name: String,
    /// The name of the global that holds its address.
    pub global: String,
    pub dtype: DType,
    pub elements: usize,
    pub address: u32,
}

/// The inputs and outputs under names that are letters, digits and underscores.
pub fn exported(loops: &Loops, layout: &Layout) -> (Vec<Exported>, Vec<Exported>) {
    let inputs = loops.inputs.iter().enumerate().map(|(k, leaf)| {
        let name = leaf.name.clone().expect("an input has a name");
        (name, leaf.dtype, leaf.elements, layout.address(Place::Input(k)))
    });
    let outputs = loops
        .outputs
        .iter()
        .map(|output| (output.name.clone(), output.dtype, output.elements, layout.address(output.place)));
    (with_globals("input", inputs), with_globals("output", outputs))
}

fn with_globals(prefix: &str, tensors: impl Iterator<Item = (String, DType, usize, u32)>) -> Vec<Exported> {
    let plain = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let tensors: Vec<_> = tensors.collect();
    let globals = distinct(tensors.iter().map(|(name, ..)| format!("{prefix}_{}", plain(name))));
    let exported = |((name, dtype, elements, address), global)| Exported { name, global, dtype, elements, address };
    tensors.into_iter().zip(globals).map(exported).collect()
}
