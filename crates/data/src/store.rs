//! The values of an input, row by row: in memory, or beyond a bound in a file that is read while training.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of equal width.
#[derive(Clone, Debug)]
pub struct Store {
    width: usize,
    rows: usize,
    values: Values,
    /// What each stored value stands for, where what it means is known only after all rows are read.
    meaning: Option<Vec<f32>>,
}

#[derive(Clone, Debug)]
enum Values {
    Floats(Vec<f32>),
    /// Whole numbers from 0 to 255.
    Bytes(Vec<u8>),
    /// A file without a name, which is gone when nobody has it open.
    File {
        file: Arc<File>,
        kind: Kind,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Floats,
    Bytes,
}

/// Takes the rows of one input after another.
#[derive(Debug)]
pub struct StoreBuilder {
    width: usize,
    rows: usize,
    kind: Kind,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Floats(Vec<f32>),
    Bytes(Vec<u8>),
    File(BufWriter<File>),
}

impl Store {
    /// Rows in memory, (rows, width).
    pub fn from_values(width: usize, values: Vec<f32>) -> Store {
        assert!(width > 0 && values.len().is_multiple_of(width), "whole rows");
        Store { width, rows: values.len() / width, values: Values::Floats(values), meaning: None }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether the values are in a file.
    pub fn is_spooled(&self) -> bool {
        matches!(self.values, Values::File { .. })
    }

    /// Gives every stored value a meaning: a value v, a whole number from 0, stands for `meaning[v]` from now on.
    pub fn set_meaning(&mut self, meaning: Vec<f32>) {
        self.meaning = Some(meaning);
    }

    /// Copies rows into `out` (rows.len(), width).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn gather(&self, rows: &[usize], out: &mut [f32]) -> io::Result<()> {
        assert_eq!(out.len(), rows.len() * self.width, "room for every value");
        for (row, out) in rows.iter().zip(out.chunks_exact_mut(self.width)) {
            let start = row * self.width;
            match &self.values {
                Values::Floats(values) => out.copy_from_slice(&values[start..][..self.width]),
                Values::Bytes(values) => {
                    for (out, value) in out.iter_mut().zip(&values[start..][..self.width]) {
                        *out = f32::from(*value);
                    }
                }
                Values::File { file, kind } => read_row(file, *kind, start, out)?,
            }
            if let Some(meaning) = &self.meaning {
                out.iter_mut().for_each(|value| *value = meaning[*value as usize]);
            }
        }
        Ok(())
    }
}

/// Bytes that one read takes into a fixed buffer.
const READ_BYTES: usize = 4096;

fn read_row(file: &File, kind: Kind, start: usize, out: &mut [f32]) -> io::Result<()> {
    let mut buffer = [0u8; READ_BYTES];
    let size = match kind {
        Kind::Floats => 4,
        Kind::Bytes => 1,
    };
    let mut offset = (start * size) as u64;
    for part in out.chunks_mut(READ_BYTES / size) {
        let bytes = &mut buffer[..part.len() * size];
        read_exact_at(file, bytes, offset)?;
        offset += bytes.len() as u64;
        match kind {
            Kind::Floats => {
                for (value, bytes) in part.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *value = f32::from_le_bytes(*bytes);
                }
            }
            Kind::Bytes => {
                for (value, byte) in part.iter_mut().zip(bytes) {
                    *value = f32::from(*byte);
                }
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                bytes = &mut bytes[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

impl StoreBuilder {
    /// `bytes`: whether every value is a whole number from 0 to 255.
    pub fn new(width: usize, bytes: bool) -> StoreBuilder {
        let (kind, target) = match bytes {
            true => (Kind::Bytes, Target::Bytes(Vec::new())),
            false => (Kind::Floats, Target::Floats(Vec::new())),
        };
        StoreBuilder { width, rows: 0, kind, target }
    }

    /// The bytes of memory that the rows take.
    pub fn memory_bytes(&self) -> u64 {
        match &self.target {
            Target::Floats(values) => values.len() as u64 * 4,
            Target::Bytes(values) => values.len() as u64,
            Target::File(_) => 0,
        }
    }

    /// Adds a row of `width` values.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn push(&mut self, values: &[f32]) -> io::Result<()> {
        assert_eq!(values.len(), self.width, "a whole row");
        self.rows += 1;
        match (&mut self.target, self.kind) {
            (Target::Floats(all), _) => all.extend_from_slice(values),
            (Target::Bytes(all), _) => all.extend(values.iter().map(|value| *value as u8)),
            (Target::File(file), Kind::Floats) => {
                for value in values {
                    file.write_all(&value.to_le_bytes())?;
                }
            }
            (Target::File(file), Kind::Bytes) => {
                for value in values {
                    file.write_all(&[*value as u8])?;
                }
            }
        }
        Ok(())
    }

    /// Moves all rows into a file in this folder, which is made if need be, and goes again if nothing else is in it; rows
    /// that follow go there too.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn spool(&mut self, folder: &Path) -> io::Result<()> {
        let mut file = match &self.target {
            Target::File(_) => return Ok(()),
            Target::Floats(_) | Target::Bytes(_) => BufWriter::with_capacity(1 << 20, nameless_file(folder)?),
        };
        match &self.target {
            Target::Floats(values) => values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))?,
            Target::Bytes(values) => file.write_all(values)?,
            Target::File(_) => {}
        }
        self.target = Target::File(file);
        Ok(())
    }

    /// All rows.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> io::Result<Store> {
        let values = match self.target {
            Target::Floats(values) => Values::Floats(values),
            Target::Bytes(values) => Values::Bytes(values),
            Target::File(file) => Values::File {
                file: Arc::new(file.into_inner().map_err(io::IntoInnerError::into_error)?),
                kind: self.kind,
            },
        };
        Ok(Store { width: self.width, rows: self.rows, values, meaning: None })
    }
}

/// A file that can be written and read, and that nobody else can find or leave behind.
fn nameless_file(folder: &Path) -> io::Result<File> {
    std::fs::create_dir_all(folder)?;
    for number in 0u32.. {
        let path: PathBuf = folder.join(format!("spool-{}-{number}", std::process::id()));
        match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => {
                // Where an open file cannot be removed, it stays until the folder is cleaned.
                let _ = std::fs::remove_file(&path).and_then(|()| std::fs::remove_dir(folder));
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(builder: &mut StoreBuilder, rows: std::ops::Range<usize>, width: usize) {
        for row in rows {
            let values: Vec<f32> = (0..width).map(|k| ((row * 7 + k) % 256) as f32).collect();
            builder.push(&values).unwrap();
        }
    }

    fn rows(store: &Store, rows: &[usize]) -> Vec<f32> {
        let mut out = vec![0.0; rows.len() * store.width()];
        store.gather(rows, &mut out).unwrap();
        out
    }

    #[test]
    fn rows_are_the_same_in_memory_in_bytes_and_in_a_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("spool");
        // Wider than one read of the file.
        let width = 1500;
        let mut stores = Vec::new();
        for bytes in [false, true] {
            for spool_at in [None, Some(0), Some(5)] {
                let mut builder = StoreBuilder::new(width, bytes);
                let first = spool_at.unwrap_or(9);
                filled(&mut builder, 0..first, width);
                if spool_at.is_some() {
                    builder.spool(&folder).unwrap();
                    assert_eq!(builder.memory_bytes(), 0);
                }
                filled(&mut builder, first..9, width);
                stores.push(builder.finish().unwrap());
            }
        }
        let asked = [8, 0, 3, 3];
        let expected = rows(&stores[0], &asked);
        assert_eq!(expected[0], 56.0);
        assert!(stores.iter().all(|store| store.rows() == 9 && rows(store, &asked) == expected));
        assert!(!folder.exists(), "nothing is left behind");
    }

    #[test]
    fn stored_values_can_be_given_a_meaning() {
        let mut store = Store::from_values(1, vec![0.0, 2.0, 1.0]);
        store.set_meaning(vec![10.0, 11.0, 12.0]);
        assert_eq!(rows(&store, &[1, 0, 2]), [12.0, 10.0, 11.0]);
    }
}
