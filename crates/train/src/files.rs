//! Reading with a limit, and writing that leaves either the old file or the whole new one.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{self, CodedError};

/// Reads a file of at most `bytes_max` bytes.
///
/// # Errors
/// `E0307` if the system refuses, `E0309` if the file is larger.
pub fn read_limited(path: &Path, bytes_max: u64) -> Result<Vec<u8>, CodedError> {
    let unreadable = |e: std::io::Error| CodedError::io(error::UNREADABLE, "read", path, &e);
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(bytes_max + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > bytes_max {
        return Err(
            CodedError::new(error::TOO_LARGE, format!("the file is larger than {bytes_max} bytes")).in_file(path)
        );
    }
    Ok(bytes)
}

/// Writes a file so that a crash at any moment leaves either what was there or all of `bytes`: a temporary file in the
/// same folder is written and synced, then renamed, then the folder is synced.
///
/// # Errors
/// `E0306` if the system refuses; the temporary file is removed.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), CodedError> {
    let temporary = temporary_path(path);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_folder(path)
    });
    written.map_err(|e| {
        // What is left of a failed attempt is of no use; that it cannot be removed either adds nothing to the report.
        let _ = fs::remove_file(&temporary);
        CodedError::io(error::UNWRITABLE, "write", path, &e)
    })
}

/// Removes a file that need not exist.
///
/// # Errors
/// `E0306` if the file exists and the system refuses.
pub fn remove_if_present(path: &Path) -> Result<(), CodedError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(CodedError::io(error::UNWRITABLE, "remove", path, &e))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The folder of a path, `.` for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

/// One name for each target, so that what a killed process left is overwritten by the next.
fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Elsewhere folders cannot be opened for syncing; the rename is atomic all the same.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
