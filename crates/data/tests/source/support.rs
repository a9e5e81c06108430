//! What the tests share: sources made of bytes, and pictures.

use std::io::{Cursor, Read, Write as _};
use std::path::Path;

use tacit_data::source::{
    Cell, Fault, Picture, Position, Row, Source, SourceKind, SourceOptions, SourceSummary, from_reader, open,
};
use tacit_spec::report::{Colour, render};
use tacit_spec::{Diagnostic, Place};

/// All that a source gives.
#[derive(Debug)]
pub struct All {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    /// Line or number of each row.
    pub lines: Vec<u64>,
    pub faults: Vec<Fault>,
    pub summary: SourceSummary,
}

pub fn read(kind: SourceKind, bytes: &[u8], options: &SourceOptions) -> Result<All, Vec<Diagnostic>> {
    from_reader("a file", kind, Box::new(Cursor::new(bytes.to_vec())), options).map(read_all)
}

pub fn read_path(path: &Path, options: &SourceOptions) -> Result<All, Vec<Diagnostic>> {
    open(path, options).map(read_all)
}

/// Reads a source that has no faults.
pub fn good(kind: SourceKind, bytes: &[u8], options: &SourceOptions) -> All {
    let all = read(kind, bytes, options).unwrap_or_else(|found| panic!("{}", render(&found, Colour::Never)));
    assert!(all.faults.is_empty(), "{:?}", all.faults);
    all
}

pub fn read_all(mut source: Source) -> All {
    let columns = source.columns().to_vec();
    let (mut rows, mut lines, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let mut row = Row::default();
    loop {
        match source.next(&mut row) {
            Ok(true) => {
                assert_eq!(row.cells.len(), columns.len(), "one cell a column");
                rows.push(row.cells.clone());
                lines.push(line(row.place.position));
            }
            Ok(false) => break,
            Err(fault) => {
                assert!(!fault.message.is_empty() && !fault.help.is_empty(), "{fault:?}");
                faults.push(*fault);
            }
        }
    }
    assert_eq!(source.next(&mut row), Ok(false), "the end stays the end");
    let summary = source.finish().unwrap_or_else(|found| panic!("{found:?}"));
    assert_eq!((summary.rows, summary.faults), (rows.len() as u64, faults.len() as u64));
    All { columns, rows, lines, faults, summary }
}

pub fn line(position: Position) -> u64 {
    match position {
        Position::Line(line) | Position::Row(line) => line,
        Position::Whole => 0,
    }
}

/// The cells as text; a missing cell is empty.
pub fn texts(rows: &[Vec<Cell>]) -> Vec<Vec<String>> {
    let text = |cell: &Cell| cell.as_text().unwrap_or_default().into_owned();
    rows.iter().map(|row| row.iter().map(text).collect()).collect()
}

pub fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A reader that gives a few bytes at a time.
pub struct Trickle {
    pub bytes: Vec<u8>,
    pub at: usize,
    pub step: usize,
}

impl Read for Trickle {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.step.min(out.len()).min(self.bytes.len() - self.at);
        out[..count].copy_from_slice(&self.bytes[self.at..][..count]);
        self.at += count;
        Ok(count)
    }
}

/// What a diagnostic points at: `file`, `file:line` or `file:line:column`.
pub fn place(diagnostic: &Diagnostic) -> String {
    match &diagnostic.place {
        Place::Row { file, line, column: None } => format!("{file}:{line}"),
        Place::Row { file, line, column: Some(column) } => format!("{file}:{line}:{column}"),
        Place::File(file) => file.clone(),
        Place::Span { .. } | Place::Nowhere => panic!("{diagnostic:?}"),
    }
}

/// A smooth picture without symmetry.
pub fn picture(height: usize, width: usize, channels: usize) -> Picture {
    let value = |index: usize| {
        let (pixel, channel) = (index / channels, index % channels);
        let (row, column) = (pixel / width, pixel % width);
        (20 + 11 * row + 7 * column + 40 * channel).min(250) as u8
    };
    Picture { height, width, channels, pixels: (0..height * width * channels).map(value).collect() }
}

pub fn png(picture: &Picture) -> Vec<u8> {
    let colour = if picture.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb };
    png_of(picture.height, picture.width, colour, png::BitDepth::Eight, &picture.pixels)
}

pub fn png_of(height: usize, width: usize, colour: png::ColorType, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    bytes
}

/// An idx file of a type.
pub fn idx(kind: u8, extents: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, extents.len() as u8];
    extents.iter().for_each(|extent| bytes.extend(extent.to_be_bytes()));
    bytes.extend(data);
    bytes
}
