//! The document beside an emitted source that says what was shown of it.

use serde::{Deserialize, Serialize};
use tacit_ir::types::DType;

/// The version of the document that this tool writes; it reads all up to it.
pub const VERSION: u32 = 1;
/// The document's file.
pub const FILE: &str = "certificate.json";

/// What was shown of the programs in one source file. Nothing in it comes from a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    pub version: u32,
    /// The name of the source and the header, without an extension.
    pub name: String,
    /// BLAKE3 of the source and the header, one after the other.
    pub source: String,
    pub programs: Vec<Subject>,
    pub evidence: Evidence,
}

/// A program of the source: what a caller has to know to run it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The prefix of its functions.
    pub prefix: String,
    pub arena_bytes: u64,
    /// The function that prepares what it keeps from run to run, if it keeps anything.
    pub reset: Option<String>,
    pub inputs: Vec<Memory>,
    pub outputs: Vec<Memory>,
    /// The functions that look elements up by an index, which is an address that depends on data.
    pub lookups: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    pub elements: u64,
    #[serde(rename = "type")]
    pub dtype: Element,
}

/// The element types of C memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    F32,
    I32,
    I8,
    Bool,
}

impl Element {
    pub fn of(dtype: DType) -> Element {
        match dtype {
            DType::F32 => Element::F32,
            DType::I32 => Element::I32,
            DType::I8 => Element::I8,
            DType::Bool => Element::Bool,
        }
    }

    pub fn c_type(self) -> &'static str {
        match self {
            Element::F32 => "float",
            Element::I32 => "int32_t",
            Element::I8 => "int8_t",
            Element::Bool => "uint8_t",
        }
    }
}

/// What the tools of this machine showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The first line that the compiler says of itself.
    pub compiler: String,
    pub flags: Vec<String>,
    pub valgrind: String,
    /// Symbols that the object does not define.
    pub undefined_symbols: Vec<String>,
    pub programs: Vec<Measured>,
}

/// What was measured of one program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    pub prefix: String,
    /// A bound: the run's frame, the largest kernel's, and those of all helpers.
    pub stack_bytes: u64,
    /// Branches and addresses that memcheck found to depend on the inputs, outside of the lookups.
    pub data_dependent: u64,
    /// Addresses that depend on the inputs in the lookups.
    pub lookups: u64,
    /// Instructions of two runs under callgrind, the same for every kind of input.
    pub instructions: u64,
    /// The kinds of input.
    pub inputs: Vec<String>,
}
