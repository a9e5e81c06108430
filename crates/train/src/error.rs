//! What can go wrong after the manifest and the data were read: files that the tool writes, the search, and rows that a
//! finished program is run on.

use std::fmt;
use std::path::Path;

use tacit_exec::ExecError;
use tacit_ir::GraphError;
use tacit_spec::Diagnostic;
use tacit_spec::report::quoted;

/// Why a command of the tool cannot go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The manifest or the data is wrong.
    Diagnostics(Vec<Diagnostic>),
    /// Anything else.
    Coded(CodedError),
}

pub type Result<T> = std::result::Result<T, Failure>;

/// A coded error: the message says what is wrong, the help how to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedError {
    pub code: &'static str,
    /// Lower case, no full stop, literals in backticks.
    pub message: String,
    /// The file, and its line (from 1) where there is one.
    pub place: Option<(String, Option<u64>)>,
    pub help: Option<String>,
}

pub const NOT_A_CONTAINER: &str = "E0301";
pub const DAMAGED: &str = "E0302";
pub const NEWER: &str = "E0303";
pub const CONTENTS: &str = "E0304";
pub const OTHER_BUILD: &str = "E0305";
pub const UNWRITABLE: &str = "E0306";
pub const UNREADABLE: &str = "E0307";
pub const DATA_CHANGED: &str = "E0308";
pub const TOO_LARGE: &str = "E0309";
pub const NOTHING_TO_START_FROM: &str = "E0310";
pub const DIVERGED: &str = "E0501";
pub const UNSUPPORTED: &str = "E0502";
pub const TOOL_MISSING: &str = "E0801";
pub const NOT_CERTIFIED: &str = "E0802";
pub const FORBIDDEN: &str = "E0803";
pub const DOES_NOT_FIT: &str = "E0804";
pub const SAME_NAME: &str = "E0805";
pub const CANNOT_LEARN: &str = "E0806";

/// Every code of this crate with its explanation, for `tacit help`.
pub const CODES: &[(&str, &str)] = &[
    (
        NOT_A_CONTAINER,
        "The file is not a safetensors file that Tacit wrote: its header is missing, too long, or describes tensors \
         that the file does not hold. Is it the right file, and was it copied as a whole?",
    ),
    (
        DAMAGED,
        "The file's checksum (BLAKE3 over everything in it) does not fit its contents, so at least one bit differs from \
         what was written. Copy the file again, or build it again: the same build gives the same bytes.",
    ),
    (
        NEWER,
        "The file has a format version that this version of the tool does not know. Files of all earlier versions can \
         be read; for later ones install a newer tool.",
    ),
    (
        CONTENTS,
        "The parts of the file contradict one another: its graph does not pass the verifier, its tensors are not the \
         parameters and states that its graph declares, or its interface names what the graph does not have.",
    ),
    (
        OTHER_BUILD,
        "The checkpoint belongs to another search: other data, another seed, another version of the tool, or a manifest \
         that differs in more than its contract and its baseline. Going on from it would give a program that no build \
         can repeat. The search starts anew; the checkpoint is replaced.",
    ),
    (UNWRITABLE, "The operating system refused to write the file. The message holds its reason."),
    (UNREADABLE, "The operating system refused to open or read the file. The message holds its reason."),
    (
        DATA_CHANGED,
        "The data file is not the one that the program was built from, so which of its rows the search has not seen \
         cannot be told. Name rows that it has not seen with `--data`, or build again.",
    ),
    (
        TOO_LARGE,
        "The file or the program in it needs more memory than any program that this version would build. The limits \
         keep a hostile file from taking the machine down.",
    ),
    (
        NOTHING_TO_START_FROM,
        "`--from` names a program that has no parameters, so there is nothing that a search could start from. Name a \
         program with a skeleton like that of the manifest, or build without it.",
    ),
    (
        DIVERGED,
        "The loss became infinite or not a number. A smaller `learning-rate`, `clip`, or some `warmup` in `[search]` \
         are the usual remedies.",
    ),
    (UNSUPPORTED, "The manifest asks for what this version cannot build yet. The message names it."),
    (
        TOOL_MISSING,
        "A check runs another program, such as a C compiler or valgrind, and this machine has none by that name. Install \
         it, or name another with the command's options.",
    ),
    (
        NOT_CERTIFIED,
        "What a certificate says of an emitted program could not be shown: a symbol from outside, a branch or an address \
         that depends on data, a number of instructions that differs between inputs, a frame of no fixed size, or a source \
         that is not the certified one. The message names the place.",
    ),
    (
        FORBIDDEN,
        "The program has an instruction that the options of `tacit emit` forbid, such as a lookup whose address depends on \
         data. Allow it, or build a program without it: an input of type category with few labels needs none.",
    ),
    (
        SAME_NAME,
        "Two programs of a bundle would have functions of one name. A program's name is that of its manifest; emit them \
         apart, or build one under another name.",
    ),
    (
        CANNOT_LEARN,
        "`--learn` asks for a step of learning that the program has not: its weights are 8-bit integers, which have no \
         gradients, or no parameter has the name that `--layers` gives. Running statistics of batch normalisation do not learn.",
    ),
    (
        DOES_NOT_FIT,
        "The emitted program needs more flash, memory or stack than the part that `--target` names has. The message says \
         by how much. Fewer channels, a smaller input or `precision = \"int8\"` make a program smaller.",
    ),
];

impl CodedError {
    pub fn new(code: &'static str, message: impl Into<String>) -> CodedError {
        debug_assert!(CODES.iter().any(|(known, _)| *known == code), "{code} is not listed");
        CodedError { code, message: message.into(), place: None, help: None }
    }

    pub fn in_file(mut self, path: &Path) -> CodedError {
        self.place = Some((path.display().to_string(), None));
        self
    }

    pub fn at_line(mut self, file: &str, line: u64) -> CodedError {
        self.place = Some((file.to_owned(), Some(line)));
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> CodedError {
        self.help = Some(help.into());
        self
    }

    /// The error of the operating system about a file.
    pub fn io(code: &'static str, doing: &str, path: &Path, error: &std::io::Error) -> CodedError {
        CodedError::new(code, format!("cannot {doing} {}: {error}", quoted(&path.display().to_string())))
    }
}

impl fmt::Display for CodedError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        match &self.place {
            Some((file, Some(line))) => write!(f, "\n--> {file}:{line}")?,
            Some((file, None)) => write!(f, "\n--> {file}")?,
            None => {}
        }
        match &self.help {
            Some(help) => write!(f, "\n  = help: {help}"),
            None => Ok(()),
        }
    }
}

impl From<CodedError> for Failure {
    fn from(error: CodedError) -> Failure {
        Failure::Coded(error)
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Failure {
        Failure::Diagnostics(diagnostics)
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Failure {
        Failure::Diagnostics(vec![diagnostic])
    }
}

impl From<GraphError> for CodedError {
    fn from(error: GraphError) -> CodedError {
        CodedError { code: error.code, message: error.message, place: None, help: None }
    }
}

impl From<ExecError> for CodedError {
    fn from(error: ExecError) -> CodedError {
        CodedError { code: error.code, message: error.message, place: None, help: None }
    }
}

impl From<tacit_baseline::CodedError> for CodedError {
    fn from(error: tacit_baseline::CodedError) -> CodedError {
        CodedError { code: error.code, message: error.message, place: error.place, help: error.help }
    }
}

impl From<tacit_baseline::CodedError> for Failure {
    fn from(error: tacit_baseline::CodedError) -> Failure {
        Failure::Coded(error.into())
    }
}

impl From<GraphError> for Failure {
    fn from(error: GraphError) -> Failure {
        Failure::Coded(error.into())
    }
}

impl From<ExecError> for Failure {
    fn from(error: ExecError) -> Failure {
        Failure::Coded(error.into())
    }
}
