//! What can go wrong with a baseline.

use std::fmt;

/// A coded error: the message says what is wrong, the help how to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedError {
    pub code: &'static str,
    /// Lower case, no full stop, literals in backticks.
    pub message: String,
    /// What was read, and its line (from 1) where there is one.
    pub place: Option<(String, Option<u64>)>,
    pub help: Option<String>,
}

pub const PROBLEM: &str = "E0601";
pub const NOT_STARTED: &str = "E0602";
pub const FAILED: &str = "E0603";
pub const TIME_LIMIT: &str = "E0604";
pub const LINE_COUNT: &str = "E0605";
pub const LINE_SYNTAX: &str = "E0606";
pub const ANSWER: &str = "E0607";

/// Every code of this crate with its explanation, for `tacit help`.
pub const CODES: &[(&str, &str)] = &[
    (
        PROBLEM,
        "The baselines cannot be fitted to these examples: there are none, there are fewer than two classes, or a value \
         is not one that its column can hold. The message names it.",
    ),
    (
        NOT_STARTED,
        "The operating system could not start the command of `[baseline]`. The first word of `command` is a program on \
         the PATH or a path from the manifest's folder, in which the command runs; the others are its arguments. No \
         shell is involved: pipes and variables need `[\"sh\", \"-c\", \"…\"]`.",
    ),
    (
        FAILED,
        "The command of `[baseline]` ended with an exit code other than 0, or by a signal. The last of what it wrote to \
         its standard error is shown. It reads one JSON object a line from its standard input, with the columns of a \
         row as fields, until the input ends.",
    ),
    (
        TIME_LIMIT,
        "The command of `[baseline]` took longer than it may, so it was ended. Does it wait for something other than its \
         standard input, or does it not stop when its input ends?",
    ),
    (
        LINE_COUNT,
        "The command of `[baseline]` must write exactly one line a row, in the order of the rows. Messages belong on its \
         standard error.",
    ),
    (
        LINE_SYNTAX,
        "A line that the command of `[baseline]` wrote is not one JSON value in UTF-8. An answer is `\"label\"`, `1.5`, or \
         an object such as `{\"answer\": \"label\", \"probabilities\": {\"label\": 0.9, \"other\": 0.1}}`.",
    ),
    (
        ANSWER,
        "A line of the command of `[baseline]` is JSON but no answer for the output: the answer is missing, its label \
         does not occur in the training examples, it is no finite number, or its probabilities are not between 0 and 1 \
         with a sum of 1. With several outputs each has a field of its name. Either all lines have probabilities or none.",
    ),
];

impl CodedError {
    pub fn new(code: &'static str, message: impl Into<String>) -> CodedError {
        debug_assert!(CODES.iter().any(|(known, _)| *known == code), "{code} is not listed");
        CodedError { code, message: message.into(), place: None, help: None }
    }

    pub fn at_line(mut self, place: &str, line: u64) -> CodedError {
        self.place = Some((place.to_owned(), Some(line)));
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> CodedError {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for CodedError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        match &self.place {
            Some((place, Some(line))) => write!(f, "\n--> {place}:{line}")?,
            Some((place, None)) => write!(f, "\n--> {place}")?,
            None => {}
        }
        match &self.help {
            Some(help) => write!(f, "\n  = help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CodedError {}
