//! A folder of pictures, one row each; or a single one.
//!
//! The first level of folders gives the labels: `cats/a.png` is a row with the label `cats`. Where all folders of the first
//! level are named as parts of a split (`train`, `val`, `test`, …) these are the column `part`, and the level below gives
//! the labels. Pictures that lie in no folder have no label, and if none has one there is no such column. Rows are ordered
//! by the bytes of their path within the folder. Names that begin with a dot are passed over; every other file that is not
//! a picture is a fault of its own row. Links to files are followed; a folder that links lead to a second time is an error.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Place};

use super::fault::Fault;
use super::image;
use super::row::{Cell, Position, Row, RowPlace};
use super::{Limits, SourceOptions};

pub(super) struct ImageFolderReader {
    layout: Layout,
    columns: Vec<String>,
    limits: Limits,
    /// Every file below the folder, in order.
    files: Vec<Found>,
    next: usize,
    /// Boxed because it is large.
    hasher: Box<blake3::Hasher>,
    bytes: u64,
}

/// A file below the folder.
struct Found {
    /// The path within the folder, with `/` between its parts; what is not UTF-8 in it is replaced.
    name: String,
    path: PathBuf,
}

/// What the levels of folders mean.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Layout {
    parts: bool,
    labels: bool,
}

/// The parts of a split, by the names that folders have for them.
const PARTS: &[(&str, &[&str])] = &[
    ("training", &["train", "training"]),
    ("validation", &["val", "valid", "validation"]),
    ("test", &["test", "testing"]),
];

impl ImageFolderReader {
    pub(super) fn open(root: &Path, options: &SourceOptions) -> Result<ImageFolderReader, Vec<Diagnostic>> {
        let mut files = Vec::new();
        let mut seen = BTreeSet::new();
        if root.is_file() {
            let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push(Found { name, path: root.to_owned() });
        } else {
            walk(root, "", &mut seen, &mut files)?;
        }
        files.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()).then_with(|| a.path.cmp(&b.path)));
        let pictures = || files.iter().filter(|file| image::is_named_as_picture(&file.path));
        if pictures().next().is_none() {
            let name = root.display().to_string();
            let message = format!("there is no picture in {}", quoted(&name));
            let help = format!("put pictures there, one folder a label; known are {}", image::EXTENSIONS.join(", "));
            return Err(vec![Diagnostic::error(Code::NoRows, Place::File(name), message).help(help)]);
        }
        let parts = pictures().all(|file| file.name.split_once('/').is_some_and(|(first, _)| part(first).is_some()));
        let labels = pictures().any(|file| file.name.matches('/').count() > usize::from(parts));
        let layout = Layout { parts, labels };
        let mut columns = vec!["image"];
        columns.extend(labels.then_some("label"));
        columns.push("file");
        columns.extend(parts.then_some("part"));
        Ok(ImageFolderReader {
            layout,
            columns: columns.into_iter().map(str::to_owned).collect(),
            limits: options.limits.clone(),
            files,
            next: 0,
            hasher: Box::new(blake3::Hasher::new()),
            bytes: 0,
        })
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn next(&mut self, row: &mut Row) -> Result<bool, Box<Fault>> {
        let Some(file) = self.files.get(self.next) else { return Ok(false) };
        self.next += 1;
        let file_name = file.path.display().to_string();
        row.place = RowPlace { file: Arc::from(file_name.as_str()), position: Position::Whole };
        let fault = |code, message: String, help: &str| Box::new(Fault::new(code, row.place.clone(), message, help));
        if !image::is_named_as_picture(&file.path) {
            hash_file(&mut self.hasher, &mut self.bytes, file);
            let message = format!("{} is not named as a picture", quoted(&file_name));
            let help = "remove it, or let its name begin with a dot";
            return Err(fault(Code::StrayFile, message, help));
        }
        let parts: Vec<&str> = file.name.split('/').collect();
        let (split, parts) = match (self.layout.parts, &parts[..]) {
            (true, [first, parts @ ..]) => (part(first), parts),
            (_, parts) => (None, parts),
        };
        let label = match parts {
            [label, _, ..] => Some(*label),
            [_] | [] => None,
        };
        if self.layout.labels && label.is_none() {
            hash_file(&mut self.hasher, &mut self.bytes, file);
            let message = format!("{} lies outside the folders that give the labels", quoted(&file_name));
            return Err(fault(Code::NoLabelFolder, message, "move it into the folder of its label"));
        }
        let bytes = hash_file(&mut self.hasher, &mut self.bytes, file);
        // The file was read to be hashed; what may have failed then fails again, with its reason.
        let picture = match bytes {
            Some(bytes) if bytes.len() <= self.limits.row_bytes => image::decode(&bytes, &self.limits),
            Some(_) | None => image::decode_file(&file.path, &self.limits),
        };
        let picture = picture.map_err(|found| Box::new(found.at(row.place.clone())))?;
        row.cells.clear();
        row.cells.push(Cell::Image(picture));
        if self.layout.labels {
            row.cells.extend(label.map(|label| Cell::Text(label.to_owned())));
        }
        row.cells.push(Cell::Text(file.name.clone()));
        row.cells.extend(split.map(|split| Cell::Text(split.to_owned())));
        Ok(true)
    }

    /// The hash over the names and the hashes of all files, in order; and the number of their bytes.
    pub(super) fn finish(mut self) -> (blake3::Hash, u64) {
        for file in &self.files[self.next..] {
            hash_file(&mut self.hasher, &mut self.bytes, file);
        }
        (self.hasher.finalize(), self.bytes)
    }
}

/// Adds a file to the hash: the length of its name, the name, and the hash of its bytes. Gives the bytes, or nothing if it
/// cannot be read, which is hashed as no bytes.
fn hash_file(hasher: &mut blake3::Hasher, total: &mut u64, file: &Found) -> Option<Vec<u8>> {
    // A pipe would be waited for.
    let bytes = fs::metadata(&file.path).ok().filter(fs::Metadata::is_file).and_then(|_| fs::read(&file.path).ok());
    let hash = blake3::hash(bytes.as_deref().unwrap_or_default());
    hasher.update(&(file.name.len() as u64).to_le_bytes()).update(file.name.as_bytes()).update(hash.as_bytes());
    *total += bytes.as_ref().map_or(0, Vec::len) as u64;
    bytes
}

/// The part of a split that a folder's name stands for.
fn part(folder: &str) -> Option<&'static str> {
    let folder = folder.to_lowercase();
    PARTS.iter().find(|(_, names)| names.contains(&folder.as_str())).map(|(part, _)| *part)
}

/// Collects the files below a folder. `seen` holds the folders that were entered, by their real paths.
fn walk(
    folder: &Path,
    prefix: &str,
    seen: &mut BTreeSet<PathBuf>,
    files: &mut Vec<Found>,
) -> Result<(), Vec<Diagnostic>> {
    let name = folder.display().to_string();
    let unreadable = |error: std::io::Error| vec![Diagnostic::io(&name, "read", &error)];
    if !seen.insert(folder.canonicalize().map_err(unreadable)?) {
        let message = format!("links lead to the folder {} twice", quoted(&name));
        let help = "remove the link: its pictures would be counted twice, or without end";
        return Err(vec![Diagnostic::error(Code::FolderTwice, Place::File(name), message).help(help)]);
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?);
    }
    // The order decides which of two ways to the same folder is told.
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let entry_name = entry.file_name().to_string_lossy().into_owned();
        if entry_name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        // Metadata of what a link leads to; a link that leads nowhere is told as a row that cannot be read.
        if fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            walk(&path, &format!("{prefix}{entry_name}/"), seen, files)?;
        } else {
            files.push(Found { name: format!("{prefix}{entry_name}"), path });
        }
    }
    Ok(())
}
