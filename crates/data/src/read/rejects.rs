//! Rows that are set aside.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tacit_spec::Diagnostic;

use crate::source::Fault;

/// Rows that are set aside, written one JSON object a line.
pub(super) struct Rejects<'a> {
    path: Option<&'a Path>,
    file: Option<io::BufWriter<std::fs::File>>,
    pub(super) rows: u64,
}

impl Rejects<'_> {
    /// None are written without a path.
    pub(super) fn at(path: Option<&Path>) -> Rejects<'_> {
        Rejects { path, file: None, rows: 0 }
    }

    pub(super) fn add(&mut self, faults: &[Fault]) -> io::Result<()> {
        self.rows += 1;
        let Some(path) = self.path else { return Ok(()) };
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                self.file.insert(io::BufWriter::new(std::fs::File::create(partial(path))?))
            }
        };
        let raw = faults.iter().find_map(|fault| fault.raw.as_deref());
        let described: Vec<serde_json::Value> = faults
            .iter()
            .map(|fault| {
                serde_json::json!({
                    "code": fault.code.number(), "message": fault.message, "column": fault.column, "found": fault.found,
                })
            })
            .collect();
        let line = serde_json::json!({
            "file": faults[0].place.file.as_ref(),
            "place": faults[0].place.words(),
            "faults": described,
            "row": raw.map(String::from_utf8_lossy),
        });
        writeln!(file, "{line}")
    }

    /// The file gets its name once it is whole; without rejects none stays from an earlier time.
    pub(super) fn close(&mut self) -> io::Result<()> {
        let Some(path) = self.path else { return Ok(()) };
        match self.file.take() {
            Some(file) => {
                file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                std::fs::rename(partial(path), path)
            }
            None => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }

    pub(super) fn failed(&self, error: &io::Error) -> Vec<Diagnostic> {
        let name = self.path.map_or(String::new(), |path| path.display().to_string());
        vec![Diagnostic::io(&name, "write", error).help("free space there, or write the program elsewhere")]
    }
}

impl Drop for Rejects<'_> {
    /// A file that did not become whole is of no use to anybody.
    fn drop(&mut self) {
        if let (Some(_), Some(path)) = (self.file.take(), self.path) {
            let _ = std::fs::remove_file(partial(path));
        }
    }
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}
