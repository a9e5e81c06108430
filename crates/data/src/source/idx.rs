//! idx files, the format of the MNIST digits: a header with the type and the extents, then the numbers, big-endian.
//!
//! The first extent counts the rows. A row of (height, width) or (height, width, 1 or 3) unsigned bytes is a picture in
//! the column `image`; a single number is the column `value`; everything else is a list of numbers, `values`. The labels
//! stand in a second file with one number a row; its column is `label`. Format: Y. LeCun, C. Cortes and C. J. C. Burges,
//! "The MNIST database of handwritten digits".

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Place};

use super::bytes::{self, ByteStream};
use super::fault::Fault;
use super::image::Picture;
use super::row::{Cell, Position, Row, RowPlace};
use super::{Limits, SourceOptions};

pub(super) struct IdxReader {
    values: Array,
    labels: Option<Array>,
    columns: Vec<String>,
    rows: u64,
    next: u64,
}

/// One idx file.
struct Array {
    file: Arc<str>,
    stream: ByteStream,
    element: Element,
    rows: u64,
    /// The extents of one row.
    extents: Vec<usize>,
    /// The bytes of one row.
    buffer: Vec<u8>,
}

/// The type of an array's numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

/// The greatest number of extents.
const RANK_MAX: usize = 8;

impl IdxReader {
    pub(super) fn open(path: &Path, options: &SourceOptions) -> Result<IdxReader, Vec<Diagnostic>> {
        let values = Array::open(path, &options.limits)?;
        let labels = options.labels.clone().or_else(|| labels_beside(path));
        IdxReader::new(values, labels.as_deref(), options)
    }

    /// Reads the values from a stream; the labels, if the options name them, from their file.
    pub(super) fn from_stream(
        file: Arc<str>,
        stream: ByteStream,
        options: &SourceOptions,
    ) -> Result<IdxReader, Vec<Diagnostic>> {
        let values = Array::new(file, stream, None, &options.limits)?;
        IdxReader::new(values, options.labels.as_deref(), options)
    }

    fn new(values: Array, labels: Option<&Path>, options: &SourceOptions) -> Result<IdxReader, Vec<Diagnostic>> {
        let labels = match labels {
            Some(path) => Some(Array::open(path, &options.limits)?),
            None => None,
        };
        let name = match (values.picture(), &values.extents[..]) {
            (Some(_), _) => "image",
            (None, []) => "value",
            (None, _) => "values",
        };
        let mut columns = vec![name.to_owned()];
        if let Some(labels) = &labels {
            if !labels.extents.is_empty() || labels.rows != values.rows {
                let message = format!(
                    "{} holds {} rows of {} values, but {} holds {} rows",
                    quoted(&labels.file),
                    labels.rows,
                    labels.extents.iter().product::<usize>(),
                    quoted(&values.file),
                    values.rows
                );
                let diagnostic = Diagnostic::error(Code::LabelsMismatch, labels.whole(), message);
                return Err(vec![diagnostic.help("give the file that holds one label for each row")]);
            }
            columns.push("label".to_owned());
        }
        Ok(IdxReader { rows: values.rows, values, labels, columns, next: 0 })
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn next(&mut self, row: &mut Row) -> Result<bool, Box<Fault>> {
        row.place = RowPlace { file: self.values.file.clone(), position: Position::Row(self.next + 1) };
        if self.next == self.rows {
            self.values.expect_end(self.next)?;
            if let Some(labels) = &mut self.labels {
                labels.expect_end(self.next)?;
            }
            return Ok(false);
        }
        self.next += 1;
        row.cells.resize_with(self.columns.len(), Cell::default);
        self.values.read_row(self.next)?;
        if let Some(labels) = &mut self.labels {
            labels.read_row(self.next)?;
        }
        self.values.cell(&mut row.cells[0], self.next, &self.columns[0])?;
        if let Some(labels) = &self.labels {
            labels.cell(&mut row.cells[1], self.next, &self.columns[1])?;
        }
        Ok(true)
    }

    /// The hash of the file's bytes, or of the two hashes one after the other if there is a file of labels; and the number
    /// of bytes.
    pub(super) fn finish(self) -> io::Result<(blake3::Hash, u64)> {
        let (values, values_bytes) = self.values.stream.finish()?;
        let Some(labels) = self.labels else { return Ok((values, values_bytes)) };
        let (labels, labels_bytes) = labels.stream.finish()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(values.as_bytes()).update(labels.as_bytes());
        Ok((hasher.finalize(), values_bytes + labels_bytes))
    }
}

/// Whether the bytes can be the begin of an idx file.
pub(super) fn is_idx(head: &[u8]) -> bool {
    matches!(head, [0, 0, kind, rank, ..] if Element::from_byte(*kind).is_some() && (1..=RANK_MAX).contains(&usize::from(*rank)))
}

/// The file of labels that belongs to a file of images by its name, if it exists:
/// `train-images-idx3-ubyte.gz` → `train-labels-idx1-ubyte.gz`, compressed or not.
pub(super) fn labels_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (before, after) = name.split_once("images")?;
    let mut after = after.to_owned();
    for rank in 2..=RANK_MAX {
        after = after.replace(&format!("idx{rank}"), "idx1");
    }
    let named = format!("{before}labels{after}");
    let plain = named.strip_suffix(".gz").unwrap_or(&named).to_owned();
    [named, plain.clone(), format!("{plain}.gz")]
        .iter()
        .map(|name| path.with_file_name(name))
        .find(|path| path.is_file())
}

impl Array {
    fn open(path: &Path, limits: &Limits) -> Result<Array, Vec<Diagnostic>> {
        let file: Arc<str> = path.display().to_string().into();
        let opened = File::open(path).map_err(|error| vec![Diagnostic::io(&file, "read", &error)])?;
        let stored = opened.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        let stream = ByteStream::new(Box::new(opened)).map_err(|error| vec![bytes::diagnostic(&file, &error)])?;
        Array::new(file, stream, stored, limits)
    }

    /// Reads the header; `stored` is the length of the file, if it is known.
    fn new(
        file: Arc<str>,
        mut stream: ByteStream,
        stored: Option<u64>,
        limits: &Limits,
    ) -> Result<Array, Vec<Diagnostic>> {
        let mut head = [0; 4];
        read_head(&file, &mut stream, &mut head)?;
        let [0, 0, kind, rank] = head else {
            return Err(vec![bad_header(&file, "it does not begin with two zero bytes")]);
        };
        let Some(element) = Element::from_byte(kind) else {
            return Err(vec![bad_header(&file, &format!("the type `0x{kind:02x}` does not exist"))]);
        };
        let rank = usize::from(rank);
        if !(1..=RANK_MAX).contains(&rank) {
            return Err(vec![bad_header(&file, &format!("it has {rank} extents, and 1 to {RANK_MAX} are possible"))]);
        }
        let mut extents = Vec::new();
        for _ in 0..rank {
            let mut extent = [0; 4];
            read_head(&file, &mut stream, &mut extent)?;
            extents.push(u32::from_be_bytes(extent));
        }
        let rows = u64::from(extents[0]);
        let extents: Vec<usize> = extents[1..].iter().map(|extent| *extent as usize).collect();
        let row_bytes = extents.iter().try_fold(element.bytes(), |bytes, extent| bytes.checked_mul(*extent));
        let Some(row_bytes) = row_bytes.filter(|bytes| (1..=limits.row_bytes).contains(bytes)) else {
            let message = format!("a row of {extents:?} values holds nothing or more than {} bytes", limits.row_bytes);
            let diagnostic = Diagnostic::error(Code::RowTooLarge, Place::File(file.to_string()), message);
            return Err(vec![diagnostic.help("is it an idx file? look at its header")]);
        };
        let promised = 4 + 4 * rank as u64 + rows * row_bytes as u64;
        if let Some(stored) = stored.filter(|stored| !stream.is_compressed() && *stored != promised) {
            let message = format!("{} has {stored} bytes, but its header promises {promised}", quoted(&file));
            let diagnostic = Diagnostic::error(Code::DamagedFile, Place::File(file.to_string()), message);
            return Err(vec![diagnostic.help("the file is damaged or was cut off: copy or download it again")]);
        }
        Ok(Array { file, stream, element, rows, extents, buffer: vec![0; row_bytes] })
    }

    /// The height, width and channels of a row that is a picture.
    fn picture(&self) -> Option<(usize, usize, usize)> {
        match (self.element, &self.extents[..]) {
            (Element::U8, [height, width]) => Some((*height, *width, 1)),
            (Element::U8, [height, width, channels @ (1 | 3)]) => Some((*height, *width, *channels)),
            (Element::U8 | Element::I8 | Element::I16 | Element::I32 | Element::F32 | Element::F64, _) => None,
        }
    }

    fn read_row(&mut self, number: u64) -> Result<(), Box<Fault>> {
        self.stream.read_exact(&mut self.buffer).map_err(|error| self.damaged(number, &error))
    }

    /// Sets a cell to what `read_row` read.
    fn cell(&self, cell: &mut Cell, number: u64, column: &str) -> Result<(), Box<Fault>> {
        if let Some((height, width, channels)) = self.picture() {
            if let Cell::Image(picture) = cell {
                picture.pixels.clear();
                picture.pixels.extend_from_slice(&self.buffer);
                (picture.height, picture.width, picture.channels) = (height, width, channels);
            } else {
                *cell = Cell::Image(Picture { height, width, channels, pixels: self.buffer.clone() });
            }
            return Ok(());
        }
        let values = self.buffer.chunks_exact(self.element.bytes()).map(|bytes| self.element.value(bytes));
        if let Some(value) = values.clone().find(|value| !(*value as f32).is_finite()) {
            let place = RowPlace { file: self.file.clone(), position: Position::Row(number) };
            let message = format!("`{value}` is not a finite number in 32 bits");
            let fault = Fault::new(Code::NotFinite, place, message, "replace the number, or remove the row");
            return Err(Box::new(fault.column(column).found(value.to_string())));
        }
        if self.extents.is_empty() {
            *cell = Cell::Number(values.sum());
        } else if let Cell::Numbers(numbers) = cell {
            numbers.clear();
            numbers.extend(values.map(|value| value as f32));
        } else {
            *cell = Cell::Numbers(values.map(|value| value as f32).collect());
        }
        Ok(())
    }

    /// Makes sure that nothing follows the last row.
    fn expect_end(&mut self, rows: u64) -> Result<(), Box<Fault>> {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.expect_end(rows),
            Err(error) => Err(self.damaged(rows, &error)),
            Ok(_) => {
                let message = format!("{} goes on behind its last row", quoted(&self.file));
                Err(self.fault(rows, Code::DamagedFile, message))
            }
        }
    }

    fn damaged(&self, number: u64, error: &io::Error) -> Box<Fault> {
        let found = bytes::diagnostic(&self.file, error);
        let message = match error.kind() == io::ErrorKind::UnexpectedEof {
            true => format!("{} ends before its last row", quoted(&self.file)),
            false => found.message,
        };
        self.fault(number, found.code, message)
    }

    fn fault(&self, number: u64, code: Code, message: String) -> Box<Fault> {
        let place = RowPlace { file: self.file.clone(), position: Position::Row(number.max(1)) };
        let help = "the file is damaged or was cut off: copy or download it again";
        Box::new(Fault::new(code, place, message, help).fatal())
    }

    fn whole(&self) -> Place {
        Place::File(self.file.to_string())
    }
}

impl Element {
    fn from_byte(byte: u8) -> Option<Element> {
        Some(match byte {
            0x08 => Element::U8,
            0x09 => Element::I8,
            0x0b => Element::I16,
            0x0c => Element::I32,
            0x0d => Element::F32,
            0x0e => Element::F64,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Element::U8 | Element::I8 => 1,
            Element::I16 => 2,
            Element::I32 | Element::F32 => 4,
            Element::F64 => 8,
        }
    }

    /// The number that the bytes hold; there are as many as the type takes.
    fn value(self, bytes: &[u8]) -> f64 {
        match (self, bytes) {
            (Element::U8, [a]) => f64::from(*a),
            (Element::I8, [a]) => f64::from(*a as i8),
            (Element::I16, [a, b]) => f64::from(i16::from_be_bytes([*a, *b])),
            (Element::I32, [a, b, c, d]) => f64::from(i32::from_be_bytes([*a, *b, *c, *d])),
            (Element::F32, [a, b, c, d]) => f64::from(f32::from_be_bytes([*a, *b, *c, *d])),
            (Element::F64, [a, b, c, d, e, f, g, h]) => f64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
            (Element::U8 | Element::I8 | Element::I16 | Element::I32 | Element::F32 | Element::F64, _) => {
                unreachable!("a number has the bytes of its type")
            }
        }
    }
}

fn read_head(file: &str, stream: &mut ByteStream, out: &mut [u8]) -> Result<(), Vec<Diagnostic>> {
    stream.read_exact(out).map_err(|error| match error.kind() == io::ErrorKind::UnexpectedEof {
        true => vec![bad_header(file, "it ends inside its header")],
        false => vec![bytes::diagnostic(file, &error)],
    })
}

fn bad_header(file: &str, reason: &str) -> Diagnostic {
    let message = format!("{} is not an idx file: {reason}", quoted(file));
    Diagnostic::error(Code::DamagedFile, Place::File(file.to_owned()), message)
        .help("give a file in the format of the MNIST images, such as `train-images-idx3-ubyte`")
}
