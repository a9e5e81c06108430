//! Apache Parquet, read by row groups, some rows of every column at a time.
//!
//! Integers and floating-point numbers are numbers, except integers beyond 53 bits, which become text so that they keep
//! their digits; decimals, dates, times and timestamps become text (ISO 8601, without a zone); bytes are a picture if they
//! begin as one, else text. Lists of numbers or texts are cells; structures and maps are errors. A floating-point NaN is
//! missing if the token `NaN` is, else a fault. Tools differ in what they do with structures, so none is guessed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::reader::ColumnReader;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Place};

use super::fault::Fault;
use super::guard::guarded;
use super::row::{Cell, Position, Row, RowPlace};
use super::{SourceOptions, bytes};
use leaf::{Leaf, Unreadable};

mod civil;
mod leaf;

pub(super) struct ParquetReader {
    file: Arc<str>,
    path: PathBuf,
    options: SourceOptions,
    reader: SerializedFileReader<File>,
    columns: Vec<String>,
    leaves: Vec<Leaf>,
    /// The row group that is read next.
    group: usize,
    /// The columns of the row group that is being read.
    readers: Vec<ColumnReader>,
    /// The rows of that row group that are still to be read.
    left: usize,
    /// Some rows by column.
    batch: Vec<Vec<Result<Cell, Unreadable>>>,
    /// The rows of the batch, and how many of them have been given out.
    batch_rows: usize,
    given: usize,
    /// The number of rows that have been given out.
    row: u64,
}

/// How many rows are decoded at a time.
const BATCH_ROWS: usize = 256;

impl ParquetReader {
    pub(super) fn open(path: &Path, options: &SourceOptions) -> Result<ParquetReader, Vec<Diagnostic>> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| vec![Diagnostic::io(&name, "read", &error)])?;
        let error = |code, message: String, help: &str| {
            vec![Diagnostic::error(code, Place::File(name.clone()), message).help(help)]
        };
        let opened = guarded(|| SerializedFileReader::new(file).map_err(|found| found.to_string()));
        let reader = opened.flatten().map_err(|reason| {
            let message = format!("{} cannot be read as Parquet: {reason}", quoted(&name));
            error(Code::DamagedFile, message, "the file is damaged, was cut off, or is no Parquet: copy it again")
        })?;
        let groups = reader.metadata().row_groups();
        let mut compressions =
            groups.iter().flat_map(|group| group.columns().iter().map(|column| column.compression()));
        if let Some(method) = compressions.find_map(left_out) {
            let message = format!("{} is compressed with {method}, which is left out", quoted(&name));
            let help = "write it with snappy: `df.write_parquet(\"new.parquet\", compression=\"snappy\")` in polars, \
                        `df.to_parquet(\"new.parquet\")` in pandas";
            return Err(error(Code::UnknownFormat, message, help));
        }
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let (mut columns, mut leaves) = (Vec::new(), Vec::new());
        for field in schema.root_schema().get_fields() {
            columns.push(field.name().trim().to_owned());
        }
        if columns.is_empty() || columns.len() > options.limits.columns {
            let message = format!("{} columns are none or more than {}", columns.len(), options.limits.columns);
            return Err(error(Code::RowTooLarge, message, "leave out columns that are not needed"));
        }
        super::csv::check_names(&Place::File(name.clone()), &columns)?;
        let mut next = 0;
        for (root, field) in schema.root_schema().get_fields().iter().enumerate() {
            let of_field = (next..schema.num_columns()).take_while(|leaf| schema.get_column_root_idx(*leaf) == root);
            let count = of_field.count();
            let leaf = if count == 1 { Leaf::of(field, &schema.column(next)) } else { None };
            let Some(leaf) = leaf else {
                let message = format!("the column {} holds structures", quoted(field.name()));
                let help = "write their fields as columns of their own, or leave the column out";
                return Err(error(Code::NestedValue, message, help));
            };
            leaves.push(leaf);
            next += count;
        }
        Ok(ParquetReader {
            file: Arc::from(name.as_str()),
            path: path.to_owned(),
            options: options.clone(),
            reader,
            columns,
            leaves,
            group: 0,
            readers: Vec::new(),
            left: 0,
            batch: Vec::new(),
            batch_rows: 0,
            given: 0,
            row: 0,
        })
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn next(&mut self, row: &mut Row) -> Result<bool, Box<Fault>> {
        row.place = RowPlace { file: self.file.clone(), position: Position::Row(self.row + 1) };
        if self.given == self.batch_rows {
            let filled = guarded(|| self.fill()).flatten();
            if !filled.map_err(|reason| self.damaged(&reason))? {
                return Ok(false);
            }
        }
        let index = self.given;
        self.given += 1;
        self.row += 1;
        row.cells.clear();
        for (column, cells) in self.columns.iter().zip(&mut self.batch) {
            match std::mem::replace(&mut cells[index], Ok(Cell::Missing)) {
                Ok(cell) => row.cells.push(cell),
                Err(found) => {
                    let fault = Fault::new(found.code, row.place.clone(), found.message, found.help);
                    return Err(Box::new(fault.column(column).found(found.found)));
                }
            }
        }
        Ok(true)
    }

    /// Hashes the file from begin to end.
    pub(super) fn finish(self) -> io::Result<(blake3::Hash, u64)> {
        bytes::hash(File::open(self.path)?)
    }

    /// Decodes the next rows; false at the end.
    fn fill(&mut self) -> Result<bool, String> {
        while self.left == 0 {
            if self.group == self.reader.num_row_groups() {
                return Ok(false);
            }
            let group = self.reader.get_row_group(self.group).map_err(|error| error.to_string())?;
            self.group += 1;
            let rows = group.metadata().num_rows();
            self.left = usize::try_from(rows).map_err(|_| format!("a row group of {rows} rows"))?;
            let readers = (0..group.num_columns()).map(|column| group.get_column_reader(column));
            self.readers = readers.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
            if self.readers.len() != self.leaves.len() {
                return Err(format!("a row group of {} columns", self.readers.len()));
            }
        }
        let rows = self.left.min(BATCH_ROWS);
        self.batch.clear();
        for (reader, leaf) in self.readers.iter_mut().zip(&self.leaves) {
            let cells = leaf.read(reader, rows, &self.options).map_err(|error| error.to_string())?;
            if cells.len() != rows {
                return Err(format!("a column ends {} rows too early", rows - cells.len().min(rows)));
            }
            self.batch.push(cells);
        }
        self.left -= rows;
        self.batch_rows = rows;
        self.given = 0;
        Ok(true)
    }

    fn damaged(&self, reason: &str) -> Box<Fault> {
        let place = RowPlace { file: self.file.clone(), position: Position::Row(self.row + 1) };
        let message = format!("{} cannot be read further: {reason}", quoted(&self.file));
        let help = "the file is damaged or was cut off: copy or write it again";
        Box::new(Fault::new(Code::DamagedFile, place, message, help).fatal())
    }
}

/// The name of a compression that cannot be undone: its library is in C, or large and rarely needed.
fn left_out(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::UNCOMPRESSED
        | Compression::SNAPPY
        | Compression::GZIP(_)
        | Compression::LZ4
        | Compression::LZ4_RAW => None,
        Compression::ZSTD(_) => Some("zstd"),
        Compression::BROTLI(_) => Some("brotli"),
        Compression::LZO => Some("lzo"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressions_that_are_left_out_are_named() {
        assert_eq!(left_out(Compression::ZSTD(Default::default())), Some("zstd"));
        assert_eq!(left_out(Compression::BROTLI(Default::default())), Some("brotli"));
        assert_eq!((left_out(Compression::SNAPPY), left_out(Compression::LZO)), (None, Some("lzo")));
    }
}
