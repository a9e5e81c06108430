//! What can be wrong with a graph, a text form or a request to a pass.

use std::fmt;

/// A coded error: the message names the place, the help says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphError {
    /// `E10xx`, listed in [`CODES`].
    pub code: &'static str,
    /// Lower case, no full stop, literals in backticks.
    pub message: String,
    /// Byte offset in a text form, where there is one.
    pub offset: Option<usize>,
}

impl GraphError {
    pub fn new(code: &'static str, message: impl Into<String>) -> GraphError {
        debug_assert!(CODES.iter().any(|(known, _)| *known == code), "{code} is not listed");
        GraphError { code, message: message.into(), offset: None }
    }

    pub fn at(self, offset: usize) -> GraphError {
        GraphError { offset: Some(offset), ..self }
    }
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match self.offset {
            Some(offset) => write!(f, " (at byte {offset})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for GraphError {}

pub type Result<T> = std::result::Result<T, GraphError>;

pub const SYNTAX: &str = "E1001";
pub const SHAPE: &str = "E1002";
pub const TYPE: &str = "E1003";
pub const ACCESS: &str = "E1004";
pub const SIZE: &str = "E1005";
pub const STRUCTURE: &str = "E1006";
pub const GRADIENT: &str = "E1007";
pub const BINDING: &str = "E1008";
pub const PASS: &str = "E1009";

/// Every code of this crate with its explanation, for `tacit help`.
pub const CODES: &[(&str, &str)] = &[
    (
        SYNTAX,
        "The text form of a graph could not be read. The offset names the first byte that does not fit; \
         docs/ISA.md shows the form of every instruction.",
    ),
    (
        SHAPE,
        "The shapes of an instruction's operands do not fit its accesses: an axis would have two extents, an extent \
         cannot be derived, or a declared result differs from the derived one.",
    ),
    (
        TYPE,
        "The element types of an instruction's operands do not fit: operands of a map agree, only `cast` changes a \
         type, a contraction takes two f32, two i8 or two i32.",
    ),
    (
        ACCESS,
        "An access is not allowed here: it names an unknown axis, has another rank than its tensor, or the \
         instruction's family restricts it (a map reads plain axes, a move writes every element once).",
    ),
    (
        SIZE,
        "A size is out of bounds: a tensor holds at most 2^31 elements, a rank is at most 12, a nest has at most 26 \
         axes, a coefficient is below 2^31.",
    ),
    (
        STRUCTURE,
        "The graph's structure is broken: an operand that is not defined before its use, a repeated name, or an \
         update of something that is neither parameter nor state or of another type.",
    ),
    (
        GRADIENT,
        "A gradient was asked for that does not exist: of a value that is not a single f32, or with respect to a \
         value that is not f32.",
    ),
    (
        BINDING,
        "A program was run with an input, parameter or state missing, unknown, or of another type than declared.",
    ),
    (PASS, "A pass cannot be applied to this graph; the message names the instruction and the reason."),
];
