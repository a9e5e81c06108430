//! CSV, read strictly.
//!
//! The first line names the columns, unless the options say otherwise. Cells and names lose the white space around them;
//! a byte order mark, lines that end in LF, CR LF or CR, cells in double quotes (also over several lines, and with spaces
//! outside the quotes) are understood; lines without any character hold no row. A quote inside a cell that does not begin
//! with one is an ordinary character. Everything else that is unusual is a fault.
//!
//! Libraries for CSV read on over text behind a closing quote and over a quote that is never closed, each in its own way,
//! and hold a record in memory however long it is. Here the first two are faults and a record has a limit, so the rows
//! are taken apart by hand; the tests compare the result with the `csv` crate's on files that both accept.

use std::collections::BTreeSet;
use std::sync::Arc;

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Place};

use super::bytes::{self, ByteStream};
use super::fault::{Fault, SHOWN_MAX};
use super::records::{Flaw, Found, Records};
use super::row::{Cell, Position, Row, RowPlace};
use super::{Delimiter, Header, Limits, SourceOptions};

pub(super) struct CsvReader {
    file: Arc<str>,
    columns: Vec<String>,
    missing: Vec<String>,
    limits: Limits,
    records: Records,
    /// The first row of a file without a header was read to count the columns, and is still to be given out.
    waiting: bool,
}

impl CsvReader {
    pub(super) fn new(
        file: Arc<str>,
        stream: ByteStream,
        options: &SourceOptions,
    ) -> Result<CsvReader, Vec<Diagnostic>> {
        let delimiter = options.delimiter.unwrap_or_else(|| Delimiter::by_name(&file));
        let mut reader = CsvReader {
            file,
            columns: Vec::new(),
            missing: options.missing.clone(),
            limits: options.limits.clone(),
            records: Records::new(stream, delimiter.byte()),
            waiting: false,
        };
        let place = match &options.header {
            Header::FirstLine => reader.read_header()?,
            Header::Numbered => {
                let count = reader.read_first_row()?;
                reader.columns = (1..=count).map(|number| format!("column{number}")).collect();
                reader.whole()
            }
            Header::Given(names) => {
                let count = reader.read_first_row()?;
                reader.columns = names.iter().map(|name| name.trim().to_owned()).collect();
                if count != names.len() {
                    reader.columns.retain(|name| !options.answers.contains(name));
                }
                if count != reader.columns.len() {
                    return Err(vec![reader.name_count(names.len(), count)]);
                }
                reader.whole()
            }
        };
        check_names(&place, &reader.columns)?;
        Ok(reader)
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn raw(&self) -> &[u8] {
        &self.records.raw
    }

    pub(super) fn into_stream(self) -> ByteStream {
        self.records.stream
    }

    pub(super) fn next(&mut self, row: &mut Row) -> Result<bool, Box<Fault>> {
        if !std::mem::take(&mut self.waiting) && !self.read()? {
            return Ok(false);
        }
        row.place.file.clone_from(&self.file);
        row.place.position = Position::Line(self.records.begins);
        self.check_quotes()?;
        if self.records.cells != self.columns.len() {
            let count = self.records.cells;
            let found = if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
            let expected = self.columns.len();
            let message = match expected {
                1 => format!("this row has {found}, but the file has 1 column"),
                _ => format!("this row has {found}, but the file has {expected} columns"),
            };
            let help = "put cells that hold the delimiter in double quotes";
            return Err(Box::new(self.fault(Code::RaggedRow, message, help).found(found)));
        }
        row.cells.resize_with(self.columns.len(), Cell::default);
        let mut start = 0;
        for (cell, end) in row.cells.iter_mut().zip(&self.records.ends) {
            match std::str::from_utf8(&self.records.text[start..*end]) {
                Ok(text) => cell.set_text(text, &self.missing),
                Err(_) => return Err(self.not_utf8()),
            }
            start = *end;
        }
        Ok(true)
    }

    /// Reads the next record; false at the end.
    fn read(&mut self) -> Result<bool, Box<Fault>> {
        match self.records.next(&self.limits) {
            Ok(Found::Record) => Ok(true),
            Ok(Found::End) => Ok(false),
            Ok(Found::TooLong) => {
                let message = format!("this row is longer than {} bytes", self.limits.row_bytes);
                let help = "a quote that is never closed swallows the rows behind it: close it, or shorten the row";
                let fault = Fault::new(Code::RowTooLarge, self.place(), message, help);
                Err(Box::new(fault.fatal()))
            }
            Err(error) => {
                let diagnostic = bytes::diagnostic(&self.file, &error);
                let help = diagnostic.help.unwrap_or_default();
                Err(Box::new(Fault::new(diagnostic.code, self.place(), diagnostic.message, help).fatal()))
            }
        }
    }

    /// Reads the line that names the columns, and gives its place.
    fn read_header(&mut self) -> Result<Place, Vec<Diagnostic>> {
        let found = self.read().map_err(|fault| vec![fault.diagnostic()])?;
        self.check_quotes().map_err(|fault| vec![fault.diagnostic()])?;
        self.check_width()?;
        let mut start = 0;
        for end in &self.records.ends {
            match std::str::from_utf8(&self.records.text[start..*end]) {
                Ok(name) => self.columns.push(name.trim().to_owned()),
                Err(_) => return Err(vec![self.not_utf8().diagnostic()]),
            }
            start = *end;
        }
        if !found || self.columns.iter().all(String::is_empty) {
            let message = format!("{} has no header", quoted(&self.file));
            let diagnostic = Diagnostic::error(Code::NoHeader, self.whole(), message);
            return Err(vec![diagnostic.help("name the columns in the first line")]);
        }
        Ok(self.place().to_place(None))
    }

    /// Reads the first row of a file without a header, which is given out later, and counts its cells.
    fn read_first_row(&mut self) -> Result<usize, Vec<Diagnostic>> {
        match self.read() {
            Ok(true) => {}
            Ok(false) => {
                let message = format!("{} is empty", quoted(&self.file));
                let diagnostic = Diagnostic::error(Code::NoRows, self.whole(), message);
                return Err(vec![diagnostic.help("give a file that holds examples")]);
            }
            Err(fault) => return Err(vec![fault.diagnostic()]),
        }
        self.check_width()?;
        self.waiting = true;
        Ok(self.records.cells)
    }

    fn check_width(&self) -> Result<(), Vec<Diagnostic>> {
        if self.records.cells <= self.limits.columns {
            return Ok(());
        }
        let message = format!("{} columns are more than {}", self.records.cells, self.limits.columns);
        let diagnostic = Diagnostic::error(Code::RowTooLarge, self.place().to_place(None), message);
        Err(vec![diagnostic.help("is it the right delimiter? leave out columns that are not needed")])
    }

    fn check_quotes(&self) -> Result<(), Box<Fault>> {
        let fault = match self.records.flaw {
            None => return Ok(()),
            Some(Flaw::Open) => {
                let message = "a quote in this row is never closed";
                self.fault(Code::OpenQuote, message, "close it, or remove it").found("an open quote")
            }
            Some(Flaw::Stray(cell)) => {
                let help = "double the quotes inside a quoted cell, and quote a cell as a whole or not at all";
                let fault = self.fault(Code::StrayQuote, "text follows a closing quote", help);
                match self.columns.get(cell) {
                    Some(column) => fault.column(column).found(self.records.cell(cell)),
                    None => fault.found(self.records.cell(cell)),
                }
            }
        };
        Err(Box::new(fault))
    }

    fn name_count(&self, names: usize, count: usize) -> Diagnostic {
        let message = format!("{names} names are given, but the first row has {count} cells");
        Diagnostic::error(Code::NameCount, self.place().to_place(None), message)
            .help("give one name for each column of the file")
    }

    /// The fault of bytes that are not UTF-8, at the line of the first of them.
    fn not_utf8(&self) -> Box<Fault> {
        let raw = &self.records.raw;
        let valid = std::str::from_utf8(raw).err().map_or(0, |error| error.valid_up_to());
        let byte = raw.get(valid).copied().unwrap_or_default();
        let message = format!("the byte `0x{byte:02x}` is not UTF-8");
        let help = "convert the file: `iconv -f latin1 -t utf-8 old.csv > new.csv`";
        let mut fault = self.fault(Code::NotUtf8, message, help).found(format!("0x{byte:02x}"));
        fault.place.position = Position::Line(self.records.begins + line_ends(&raw[..valid]));
        Box::new(fault)
    }

    fn fault(&self, code: Code, message: impl Into<String>, help: &str) -> Fault {
        Fault::new(code, self.place(), message, help).raw(&self.records.raw)
    }

    fn place(&self) -> RowPlace {
        RowPlace { file: self.file.clone(), position: Position::Line(self.records.begins) }
    }

    fn whole(&self) -> Place {
        Place::File(self.file.to_string())
    }
}

/// Columns are found by their names, so each must be there once.
pub(super) fn check_names(place: &Place, columns: &[String]) -> Result<(), Vec<Diagnostic>> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<&str> = columns.iter().map(String::as_str).filter(|column| !seen.insert(*column)).collect();
    if twice.is_empty() {
        return Ok(());
    }
    let diagnostic = |column: &&str| {
        let place = match place {
            Place::Row { file, line, .. } => {
                Place::Row { file: file.clone(), line: *line, column: Some((*column).to_owned()) }
            }
            Place::Nowhere | Place::File(_) | Place::Span { .. } => place.clone(),
        };
        let message = format!("the header names the column {} twice", quoted(column));
        Diagnostic::error(Code::ColumnTwice, place, message).help("rename one of them")
    };
    Err(twice.iter().take(SHOWN_MAX).map(diagnostic).collect())
}

/// The number of line ends: LF, CR LF, or CR alone.
pub(super) fn line_ends(bytes: &[u8]) -> u64 {
    let ends = |index: usize| match bytes[index] {
        b'\n' => true,
        b'\r' => bytes.get(index + 1) != Some(&b'\n'),
        _ => false,
    };
    (0..bytes.len()).filter(|index| ends(*index)).count() as u64
}
