//! Documents that are written from the code, so that they cannot disagree with it.

use std::path::Path;

/// Writes every generated document.
///
/// # Errors
/// If a file cannot be written.
pub fn write(root: &Path) -> Result<(), String> {
    for (path, text) in DOCUMENTS {
        std::fs::write(root.join(path), text()).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(())
}

/// Checks that every generated document is what the code says now.
///
/// # Errors
/// Names the documents that are not.
pub fn check(root: &Path) -> Result<(), String> {
    let stale: Vec<&str> = DOCUMENTS
        .iter()
        .filter(|(path, text)| std::fs::read_to_string(root.join(path)).ok() != Some(text()))
        .map(|(path, _)| *path)
        .collect();
    match stale.is_empty() {
        true => Ok(()),
        false => Err(format!("not what the code says: {}\nhelp: run `cargo xtask docs` and commit", stale.join(", "))),
    }
}

/// A document's path from the root, and what writes it.
type Document = (&'static str, fn() -> String);

const DOCUMENTS: [Document; 4] = [
    ("docs/ISA.md", tacit_ir::manual::manual),
    ("docs/TACIT-TOML.md", tacit_spec::manual::manifest),
    ("docs/ERRORS.md", tacit_spec::manual::errors),
    ("docs/tacit.schema.json", tacit_spec::schema::text),
];
