//! What goes to stdout and stderr, and what happens when nobody reads it.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use tacit_exec::ExecError;
use tacit_spec::report::{Colour, render, render_json};
use tacit_train::{CodedError, Failure};

use crate::Format;

/// Why a command ends early.
pub enum Outcome {
    /// Nobody reads stdout any longer.
    PipeClosed,
    Failed(Failure),
}

pub type Result<T> = std::result::Result<T, Outcome>;

impl<E: Into<Failure>> From<E> for Outcome {
    fn from(error: E) -> Outcome {
        Outcome::Failed(error.into())
    }
}

/// Writes text to stdout.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// What a failure to write to stdout means.
pub fn written(result: io::Result<()>) -> Result<()> {
    result.map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Outcome::PipeClosed;
        }
        let stdout = Path::new("standard output");
        Outcome::Failed(CodedError::io(tacit_train::error::UNWRITABLE, "write", stdout, &error).into())
    })
}

/// Writes a message to stderr. That it cannot be written changes nothing for the command.
pub fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Shows a failure on stderr.
pub fn report(failure: &Failure, format: Format) {
    match (failure, format) {
        (Failure::Diagnostics(diagnostics), Format::Text) => {
            message(render(diagnostics, Colour::for_stderr()).trim_end());
        }
        (Failure::Diagnostics(diagnostics), Format::Json) => message(render_json(diagnostics).trim_end()),
        (Failure::Coded(error), Format::Text) => {
            message(&format!("{error}\n\n1 error; `tacit help {}` explains", error.code));
        }
        (Failure::Coded(error), Format::Json) => message(&coded_json(error).to_string()),
    }
}

/// A coded error with the fields of a diagnostic.
pub fn coded_json(error: &CodedError) -> serde_json::Value {
    let (file, line) = match &error.place {
        Some((file, line)) => (Some(file), *line),
        None => (None, None),
    };
    json!({
        "code": error.code,
        "severity": "error",
        "message": error.message,
        "file": file,
        "line": line,
        "help": error.help,
    })
}

/// How programs run on this machine: `TACIT_THREADS` and `TACIT_KERNELS`, else the best there is.
pub fn exec_options() -> std::result::Result<tacit_exec::Options, ExecError> {
    tacit_exec::Options::from_environment()
}

/// The manifest that a path means: itself, or the `Tacit.toml` in it.
pub fn manifest_path(path: &Path) -> PathBuf {
    match path.is_dir() {
        true if path == Path::new(".") => PathBuf::from("Tacit.toml"),
        true => path.join("Tacit.toml"),
        false => path.to_owned(),
    }
}
