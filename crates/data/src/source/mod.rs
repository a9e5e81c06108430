//! Data sources: files and streams opened by their format and read row by row in bounded memory.
//!
//! [`open`] looks at the name and the first bytes and gives a [`Source`]: the names of the columns, then one [`Row`] after
//! another. CSV files, JSON lines and idx files may be compressed with gzip, which is recognised by its first bytes. What
//! cannot be read is a [`Fault`] that names its place and carries the row's raw text; whether to stop at it or to set the
//! row aside is the caller's choice. [`sniff`](sniff::sniff) finds out how a file must be read that nobody has described yet.
//!
//! Text means the same in every format: it loses the white space around it, and text that is empty or one of the
//! [`missing`](SourceOptions::missing) tokens is a missing cell.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Place};

pub mod image;
pub mod sniff;

mod bytes;
mod csv;
mod fault;
mod guard;
mod idx;
mod image_folder;
mod json_lines;
mod kind;
#[cfg(feature = "parquet")]
mod parquet;
mod records;
mod row;

pub use fault::{Fault, FaultLog, SHOWN_MAX};
pub use image::Picture;
pub use kind::SourceKind;
pub use row::{Cell, NumberFault, Position, Row, RowPlace, parse_number};

use bytes::ByteStream;
use csv::CsvReader;
use idx::IdxReader;
use image_folder::ImageFolderReader;
use json_lines::JsonLinesReader;

/// A data source that has been opened.
///
/// Reading holds one row and some fixed buffers, never the whole file.
pub struct Source {
    name: Arc<str>,
    kind: SourceKind,
    columns: Vec<String>,
    reader: Reader,
    rows: u64,
    faults: u64,
    /// Nothing more can be read, because all is read or because of a fatal fault.
    ended: bool,
}

/// What the reader must be told because the file cannot say it itself. The default reads a CSV file with a header, comma
/// separated, in which only the empty cell is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceOptions {
    /// The format; if it is left open, the name and the first bytes decide.
    pub kind: Option<SourceKind>,
    /// CSV: what stands between the cells; if it is left open, a tab in files named `.tsv` or `.tab`, else a comma.
    pub delimiter: Option<Delimiter>,
    /// CSV and JSON lines: how the columns get their names.
    pub header: Header,
    /// CSV: of the columns of [`Header::Given`], those that a file may lack, all of them at once: right answers, which new
    /// rows do not have.
    pub answers: Vec<String>,
    /// Text that stands for a missing value, beside the empty cell; compared exactly, after trimming.
    pub missing: Vec<String>,
    /// JSON lines: pass over keys that are not among the columns. Otherwise they are faults.
    pub ignore_other_keys: bool,
    /// idx: the file of labels; if it is left open, the one whose name belongs to that of the images, if it exists.
    pub labels: Option<PathBuf>,
    /// What a hostile or damaged file may cost.
    pub limits: Limits,
}

/// How the columns of a CSV file or of JSON lines get their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// The first line of a CSV file names them; of JSON lines, the keys of the first object in their order do.
    #[default]
    FirstLine,
    /// A CSV file has rows only; the columns are `column1`, `column2`, … JSON lines are read as by `FirstLine`.
    Numbered,
    /// A CSV file has rows only, and these are the names of all its columns; objects have these keys or some of them.
    Given(Vec<String>),
}

/// What stands between the cells of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delimiter {
    Comma,
    Semicolon,
    Tab,
    Pipe,
}

/// Bounds on what one row may hold. A row beyond them is an error, not a reason to take all memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one row as it stands in the file, or of the file of one picture.
    pub row_bytes: usize,
    /// The number of columns.
    pub columns: usize,
    /// The number of pixels of one picture.
    pub pixels: usize,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSummary {
    /// The BLAKE3 hash, in hexadecimal, of the file's bytes as they are stored (before any decompression). For idx files
    /// with labels: of the hashes of the two files, one after the other. For a folder of pictures: of each file's name
    /// (its length in 8 bytes, little-endian, then its bytes) and hash, in the order of the rows.
    pub hash: String,
    /// The rows that were read without a fault.
    pub rows: u64,
    /// The rows that had a fault.
    pub faults: u64,
    /// The number of bytes that were hashed.
    pub bytes: u64,
}

enum Reader {
    Csv(CsvReader),
    JsonLines(JsonLinesReader),
    Idx(IdxReader),
    ImageFolder(ImageFolderReader),
    #[cfg(feature = "parquet")]
    Parquet(Box<parquet::ParquetReader>),
}

/// Opens a file or folder.
///
/// # Errors
/// It cannot be read, its format is not known, or its head is wrong: no header, a column named twice, a damaged file.
pub fn open(path: &Path, options: &SourceOptions) -> Result<Source, Vec<Diagnostic>> {
    let kind = match options.kind {
        Some(kind) => kind,
        None => kind::detect(path)?,
    };
    let name = path.display().to_string();
    match kind {
        SourceKind::Csv | SourceKind::JsonLines => {
            let file = File::open(path).map_err(|error| vec![Diagnostic::io(&name, "read", &error)])?;
            from_reader(&name, kind, Box::new(file), options)
        }
        SourceKind::Idx => {
            let reader = IdxReader::open(path, options)?;
            Ok(Source::new(&name, kind, reader.columns().to_vec(), Reader::Idx(reader)))
        }
        SourceKind::ImageFolder => {
            let reader = ImageFolderReader::open(path, options)?;
            Ok(Source::new(&name, kind, reader.columns().to_vec(), Reader::ImageFolder(reader)))
        }
        #[cfg(feature = "parquet")]
        SourceKind::Parquet => {
            let reader = parquet::ParquetReader::open(path, options)?;
            Ok(Source::new(&name, kind, reader.columns().to_vec(), Reader::Parquet(Box::new(reader))))
        }
        #[cfg(not(feature = "parquet"))]
        SourceKind::Parquet => Err(vec![kind::no_parquet(&name)]),
    }
}

/// The format that a file or folder has by its name and first bytes.
///
/// # Errors
/// It cannot be read, or its format is not known.
pub fn kind_of(path: &Path) -> Result<SourceKind, Vec<Diagnostic>> {
    kind::detect(path)
}

/// Opens a stream of CSV, JSON lines or idx; `name` is its name for messages, such as `stdin`.
///
/// # Errors
/// As [`open`]; the other formats cannot be read from a stream.
pub fn from_reader(
    name: &str,
    kind: SourceKind,
    reader: Box<dyn Read + Send>,
    options: &SourceOptions,
) -> Result<Source, Vec<Diagnostic>> {
    let stream = ByteStream::new(reader).map_err(|error| vec![bytes::diagnostic(name, &error)])?;
    let is_text = matches!(kind, SourceKind::Csv | SourceKind::JsonLines);
    if let Some(encoding) = stream.utf16().filter(|_| is_text) {
        return Err(vec![utf16(name, encoding)]);
    }
    match kind {
        SourceKind::Csv => {
            let reader = CsvReader::new(Arc::from(name), stream, options)?;
            Ok(Source::new(name, kind, reader.columns().to_vec(), Reader::Csv(reader)))
        }
        SourceKind::JsonLines => {
            let reader = JsonLinesReader::new(Arc::from(name), stream, options)?;
            Ok(Source::new(name, kind, reader.columns().to_vec(), Reader::JsonLines(reader)))
        }
        SourceKind::Idx => {
            let reader = IdxReader::from_stream(Arc::from(name), stream, options)?;
            Ok(Source::new(name, kind, reader.columns().to_vec(), Reader::Idx(reader)))
        }
        SourceKind::Parquet | SourceKind::ImageFolder => {
            let message = format!("{} cannot be read from the stream {}", kind.words(), quoted(name));
            let diagnostic = Diagnostic::error(Code::UnknownFormat, Place::File(name.to_owned()), message);
            Err(vec![diagnostic.help("give a file, or a stream of CSV, JSON lines or idx")])
        }
    }
}

impl Source {
    fn new(name: &str, kind: SourceKind, columns: Vec<String>, reader: Reader) -> Source {
        Source { name: Arc::from(name), kind, columns, reader, rows: 0, faults: 0, ended: false }
    }

    /// The name for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// The names of the columns, each there once. Every row has as many cells.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Reads the next row into `row`, whose memory is used again. False at the end.
    ///
    /// # Errors
    /// This row cannot be used. If the fault is [fatal](Fault::fatal) there is nothing more to read; else the next call
    /// gives the row behind it. What `row` holds after a fault has no meaning.
    pub fn next(&mut self, row: &mut Row) -> Result<bool, Box<Fault>> {
        if self.ended {
            return Ok(false);
        }
        let found = match &mut self.reader {
            Reader::Csv(reader) => reader.next(row),
            Reader::JsonLines(reader) => reader.next(row),
            Reader::Idx(reader) => reader.next(row),
            Reader::ImageFolder(reader) => reader.next(row),
            #[cfg(feature = "parquet")]
            Reader::Parquet(reader) => reader.next(row),
        };
        match &found {
            Ok(true) => self.rows += 1,
            Ok(false) => self.ended = true,
            Err(fault) => {
                self.faults += 1;
                self.ended = fault.fatal;
            }
        }
        found
    }

    /// The text of the last row that was read, as it stands in the file, without its line end: for a file of rejects.
    /// Formats that are not text have none.
    pub fn raw(&self) -> Option<&[u8]> {
        match &self.reader {
            Reader::Csv(reader) => Some(reader.raw()),
            Reader::JsonLines(reader) => Some(reader.raw()),
            Reader::Idx(_) | Reader::ImageFolder(_) => None,
            #[cfg(feature = "parquet")]
            Reader::Parquet(_) => None,
        }
    }

    /// Reads what is left and says what was read.
    ///
    /// # Errors
    /// The rest of the file cannot be read.
    pub fn finish(self) -> Result<SourceSummary, Vec<Diagnostic>> {
        let (hash, bytes) = match self.reader {
            Reader::Csv(reader) => reader.into_stream().finish(),
            Reader::JsonLines(reader) => reader.into_stream().finish(),
            Reader::Idx(reader) => reader.finish(),
            Reader::ImageFolder(reader) => Ok(reader.finish()),
            #[cfg(feature = "parquet")]
            Reader::Parquet(reader) => reader.finish(),
        }
        .map_err(|error| vec![bytes::diagnostic(&self.name, &error)])?;
        Ok(SourceSummary { hash: hash.to_hex().to_string(), rows: self.rows, faults: self.faults, bytes })
    }
}

impl Delimiter {
    pub const ALL: &[Delimiter] = &[Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab, Delimiter::Pipe];

    /// What a file's name promises: a tab in `.tsv` and `.tab`, else a comma.
    pub fn by_name(name: &str) -> Delimiter {
        let name = name.to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        if name.ends_with(".tsv") || name.ends_with(".tab") { Delimiter::Tab } else { Delimiter::Comma }
    }

    pub fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Pipe => b'|',
        }
    }

    /// The delimiter for messages.
    pub fn words(self) -> &'static str {
        match self {
            Delimiter::Comma => "`,`",
            Delimiter::Semicolon => "`;`",
            Delimiter::Tab => "a tab",
            Delimiter::Pipe => "`|`",
        }
    }
}

impl Limits {
    /// What decoding one picture may take: eight bytes a pixel, and some for tables.
    fn picture_bytes(&self) -> usize {
        self.pixels.saturating_mul(8).saturating_add(1 << 20)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { row_bytes: 64 << 20, columns: 1 << 20, pixels: 1 << 26 }
    }
}

fn utf16(name: &str, encoding: &str) -> Diagnostic {
    let message = format!("{} is {encoding}, not UTF-8", quoted(name));
    Diagnostic::error(Code::NotUtf8, Place::File(name.to_owned()), message)
        .help("convert the file: `iconv -f utf-16 -t utf-8 old.csv > new.csv`")
}
