//! How a file must be read that nobody has described yet.
//!
//! For text, a first piece of the file decides:
//!
//! - **Delimiter**: of `,` `;` tab and `|`, the one that takes the most of the first lines apart into the same number of
//!   cells, at least two; among equals the one that leaves the most cells as plain numbers, then the one with the most
//!   cells, then the first of this list. If none does, there is one column.
//! - **Header**: a number in the first line says that there is none, unless all numbers in it count up by one, three of them
//!   at least, as names such as `0`, `1`, `2` do. Otherwise a text above a column of numbers says that
//!   there is one. Where all columns are text, a first line that repeats a text, or holds a missing token or a text that
//!   its column holds again, is a row; else it is the header.
//! - **Missing values**: tokens such as `?` and `NA` wherever they stand; ambiguous ones, such as `-` and `none`, only in
//!   columns that hold numbers otherwise.
//! - **Numbers**: columns whose numbers have a decimal comma or thousands separators are named; they cannot be read as
//!   numbers as they are.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::Path;

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Place};

use super::bytes::{self, ByteStream};
use super::csv::line_ends;
use super::json_lines::JsonLinesReader;
use super::records::{Found, Records};
use super::row::{Cell, Row, parse_number};
use super::{Delimiter, Header, Limits, Source, SourceKind, SourceOptions, from_reader, kind, open};

/// What was found out about a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Sniffed {
    pub kind: SourceKind,
    /// The options with which to open the file.
    pub options: SourceOptions,
    /// The columns that it then has.
    pub columns: Vec<String>,
    /// What stands for missing values, beside empty cells; `options` has it too.
    pub missing: Vec<MissingToken>,
    /// The columns whose numbers are written with a decimal comma.
    pub decimal_comma: Vec<String>,
    /// The columns whose numbers are written with a comma between thousands.
    pub thousands_comma: Vec<String>,
    /// How many rows were looked at; nothing for formats that describe themselves.
    pub rows: Option<usize>,
    /// Why the options are what they are, in sentences without a full stop.
    pub reasons: Vec<String>,
}

/// A token that stands for a missing value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingToken {
    pub token: String,
    /// The columns in which it was seen.
    pub columns: Vec<String>,
    /// How often it was seen.
    pub count: usize,
}

/// Tokens that mean a missing value wherever they stand.
pub const MISSING: &[&str] = &["?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "Null", "\\N"];

/// Tokens that mean a missing value in a column of numbers.
pub const MISSING_AMONG_NUMBERS: &[&str] =
    &["-", "--", ".", "..", "*", "na", "None", "none", "NONE", "nil", "missing", "unknown", "Unknown"];

/// How many bytes of a file are looked at.
const PIECE_BYTES: usize = 4 << 20;

/// How many bytes decide the delimiter.
const DELIMITER_BYTES: usize = 1 << 16;

/// How many cells are looked at.
const CELLS_MAX: usize = 1 << 24;

/// The share of a column's cells that must be numbers for it to be a column of numbers.
const NUMBERS_SHARE: f64 = 0.9;

/// Looks at a file or folder.
///
/// # Errors
/// As [`open`]; and text that is not UTF-8.
pub fn sniff(path: &Path) -> Result<Sniffed, Vec<Diagnostic>> {
    let one = |diagnostic| vec![diagnostic];
    let name = path.display().to_string();
    let kind = kind::detect(path)?;
    if matches!(kind, SourceKind::Parquet | SourceKind::Idx | SourceKind::ImageFolder) {
        let mut found = Sniffed::of(kind);
        found.columns = open(path, &found.options)?.columns().to_vec();
        return Ok(found);
    }
    let file = File::open(path).map_err(|error| one(Diagnostic::io(&name, "read", &error)))?;
    let mut stream = ByteStream::new(Box::new(file)).map_err(|error| one(bytes::diagnostic(&name, &error)))?;
    if let Some(encoding) = stream.utf16() {
        return Err(one(super::utf16(&name, encoding)));
    }
    let mut piece = Vec::new();
    let read = stream.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece);
    read.map_err(|error| one(bytes::diagnostic(&name, &error)))?;
    sniff_text(&name, kind, piece)
}

/// Looks at the first bytes of CSV or JSON lines, which are not compressed.
///
/// # Errors
/// As [`sniff`].
pub fn sniff_text(name: &str, kind: SourceKind, mut piece: Vec<u8>) -> Result<Sniffed, Vec<Diagnostic>> {
    if piece.len() >= PIECE_BYTES {
        // The last line was cut.
        let whole = piece.iter().rposition(|byte| *byte == b'\n').map_or(piece.len(), |end| end + 1);
        piece.truncate(whole);
    }
    match kind {
        SourceKind::JsonLines => sniff_json_lines(name, piece),
        SourceKind::Csv | SourceKind::Parquet | SourceKind::Idx | SourceKind::ImageFolder => sniff_csv(name, piece),
    }
}

fn sniff_csv(name: &str, piece: Vec<u8>) -> Result<Sniffed, Vec<Diagnostic>> {
    check_utf8(name, &piece)?;
    let lines = first_lines(&piece);
    let (delimiter, reason) = delimiter(name, lines);
    let mut found = Sniffed::of(SourceKind::Csv);
    found.reasons.push(reason);
    found.options.delimiter = Some(delimiter);
    if let Some((first, rows)) = table(lines, delimiter).split_first() {
        let (is_header, reason) = header(first, rows);
        found.options.header = if is_header { Header::FirstLine } else { Header::Numbered };
        found.reasons.push(reason);
    }
    found.look_at(&mut open_piece(name, &piece, &found.options)?);
    Ok(found)
}

fn sniff_json_lines(name: &str, piece: Vec<u8>) -> Result<Sniffed, Vec<Diagnostic>> {
    let mut found = Sniffed::of(SourceKind::JsonLines);
    let keys_of_first = open_piece(name, &piece, &found.options)?.columns().len();
    let stream = ByteStream::new(Box::new(Cursor::new(piece.clone())));
    let stream = stream.map_err(|error| vec![bytes::diagnostic(name, &error)])?;
    let keys = JsonLinesReader::all_keys(name.into(), stream, &found.options);
    if let Some(later @ [_, ..]) = keys.get(keys_of_first..) {
        let later: Vec<String> = later.iter().map(|name| quoted(name)).collect();
        let later = later.join(", ");
        found
            .reasons
            .push(format!("the columns are named because later rows have keys that the first has not: {later}"));
        found.options.header = Header::Given(keys);
    }
    found.look_at(&mut open_piece(name, &piece, &found.options)?);
    Ok(found)
}

fn open_piece(name: &str, piece: &[u8], options: &SourceOptions) -> Result<Source, Vec<Diagnostic>> {
    from_reader(name, options.kind.unwrap_or(SourceKind::Csv), Box::new(Cursor::new(piece.to_vec())), options)
}

impl Sniffed {
    fn of(kind: SourceKind) -> Sniffed {
        Sniffed {
            kind,
            options: SourceOptions { kind: Some(kind), ..SourceOptions::default() },
            columns: Vec::new(),
            missing: Vec::new(),
            decimal_comma: Vec::new(),
            thousands_comma: Vec::new(),
            rows: None,
            reasons: Vec::new(),
        }
    }

    /// Reads a source, to its end unless it is very wide, and finds missing tokens and unusual numbers in its columns.
    fn look_at(&mut self, source: &mut Source) {
        self.columns = source.columns().to_vec();
        let mut counts: Vec<ColumnCount> = self.columns.iter().map(|_| ColumnCount::default()).collect();
        let mut rows = 0;
        let mut row = Row::default();
        loop {
            match source.next(&mut row) {
                // Rows with ever new keys have a cell for each key of all rows.
                Ok(true) if rows * row.cells.len() > CELLS_MAX => break,
                Ok(true) => {
                    rows += 1;
                    for (count, cell) in counts.iter_mut().zip(&row.cells) {
                        match cell {
                            Cell::Text(text) => count.add(text),
                            Cell::Number(_) => count.numbers += 1,
                            Cell::Missing | Cell::Numbers(_) | Cell::Texts(_) | Cell::Image(_) => {}
                        }
                    }
                }
                Ok(false) => break,
                // It is told when the file is read.
                Err(_) => {}
            }
        }
        self.rows = Some(rows);
        let mut tokens: BTreeMap<&str, (Vec<String>, usize)> = BTreeMap::new();
        for (name, column) in self.columns.iter().zip(&counts) {
            let numbers = column.holds_numbers();
            for (token, count) in &column.tokens {
                if MISSING.contains(token) || numbers {
                    let entry = tokens.entry(token).or_default();
                    entry.0.push(name.clone());
                    entry.1 += count;
                }
            }
            if numbers && column.decimal_comma > 0 {
                self.decimal_comma.push(name.clone());
            } else if numbers && column.thousands_comma > 0 {
                self.thousands_comma.push(name.clone());
            }
        }
        let missing = |(token, (columns, count)): (&str, (Vec<String>, usize))| {
            let token = token.to_owned();
            MissingToken { token, columns, count }
        };
        self.missing = tokens.into_iter().map(missing).collect();
        self.options.missing = self.missing.iter().map(|missing| missing.token.clone()).collect();
    }
}

/// What the cells of a column are.
#[derive(Default)]
struct ColumnCount {
    numbers: usize,
    /// Such as `1,25`, which is no number here.
    decimal_comma: usize,
    /// Such as `1,250`.
    thousands_comma: usize,
    texts: usize,
    tokens: BTreeMap<&'static str, usize>,
}

impl ColumnCount {
    fn add(&mut self, cell: &str) {
        if cell.is_empty() {
            return;
        }
        let same = |token: &&&'static str| **token == cell;
        if parse_number(cell).is_ok() {
            self.numbers += 1;
        } else if let Some(token) = MISSING.iter().chain(MISSING_AMONG_NUMBERS).find(same) {
            *self.tokens.entry(token).or_default() += 1;
        } else if has_thousands_comma(cell) {
            self.thousands_comma += 1;
        } else if has_decimal_comma(cell) {
            self.decimal_comma += 1;
        } else {
            self.texts += 1;
        }
    }

    /// Nearly all cells that are not missing are numbers, however they are written.
    fn holds_numbers(&self) -> bool {
        let numbers = self.numbers + self.decimal_comma + self.thousands_comma;
        numbers > 0 && numbers as f64 >= NUMBERS_SHARE * (numbers + self.texts) as f64
    }
}

/// The cells of a piece's records, trimmed.
fn table(piece: &[u8], delimiter: Delimiter) -> Vec<Vec<String>> {
    let limits = Limits::default();
    let mut rows = Vec::new();
    let Ok(stream) = ByteStream::new(Box::new(Cursor::new(piece.to_vec()))) else { return rows };
    let mut records = Records::new(stream, delimiter.byte());
    while let Ok(Found::Record) = records.next(&limits) {
        rows.push((0..records.ends.len()).map(|cell| records.cell(cell)).collect());
    }
    rows
}

/// As much of a piece as decides delimiter and header: whole lines, where it is cut.
fn first_lines(piece: &[u8]) -> &[u8] {
    match piece.get(..DELIMITER_BYTES) {
        None => piece,
        Some(cut) => &cut[..cut.iter().rposition(|byte| *byte == b'\n').map_or(cut.len(), |end| end + 1)],
    }
}

fn delimiter(name: &str, lines: &[u8]) -> (Delimiter, String) {
    // (lines of the usual number of cells, cells that are numbers, the usual number of cells, all lines)
    let score = |delimiter: Delimiter| {
        let rows = table(lines, delimiter);
        let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
        rows.iter().for_each(|row| *lengths.entry(row.len()).or_default() += 1);
        let (width, usual) =
            lengths.into_iter().filter(|(width, _)| *width > 1).max_by_key(|(_, lines)| *lines).unwrap_or_default();
        let is_number = |cell: &&String| parse_number(cell).is_ok() || has_decimal_comma(cell);
        let numbers: usize = rows.iter().map(|row| row.iter().filter(is_number).count()).sum();
        (usual, numbers, width, rows.len())
    };
    let best =
        Delimiter::ALL.iter().rev().map(|delimiter| (score(*delimiter), *delimiter)).max_by_key(|(score, _)| *score);
    match best {
        Some(((usual @ 1.., _, width, all), delimiter)) => {
            let words = delimiter.words();
            (delimiter, format!("the delimiter is {words}: it takes {usual} of {all} lines apart into {width} cells"))
        }
        Some(_) | None => {
            (Delimiter::by_name(name), "there is one column: no delimiter stands in the lines".to_owned())
        }
    }
}

/// Whether the first line names the columns, and why.
fn header(first: &[String], rows: &[Vec<String>]) -> (bool, String) {
    let is_number = |cell: &str| parse_number(cell).is_ok() || has_decimal_comma(cell) || has_thousands_comma(cell);
    if counts_up(first) {
        return (true, "the first line is the header: its numbers count up by one".into());
    }
    if let Some(number) = first.iter().find(|cell| is_number(cell)) {
        return (false, format!("there is no header: the first line holds the number {}", quoted(number)));
    }
    if let Some(token) = first.iter().find(|cell| MISSING.contains(&cell.as_str())) {
        return (
            false,
            format!("there is no header: the first line holds {}, which stands for a missing value", quoted(token)),
        );
    }
    let column = |index: usize| rows.iter().filter_map(move |row| row.get(index)).map(String::as_str);
    for (index, name) in first.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let mut count = ColumnCount::default();
        column(index).for_each(|cell| count.add(cell));
        if count.holds_numbers() {
            return (true, format!("the first line is the header: {} stands above numbers", quoted(name)));
        }
    }
    let mut seen = HashSet::new();
    if let Some(twice) = first.iter().find(|name| !seen.insert(name.as_str())) {
        return (false, format!("there is no header: the first line holds {} twice", quoted(twice)));
    }
    for (index, name) in first.iter().enumerate() {
        if !name.is_empty() && column(index).any(|cell| cell == name) {
            return (false, format!("there is no header: {} stands again further down", quoted(name)));
        }
    }
    (true, "the first line is taken for the header: its texts differ, and none stands again below it".into())
}

/// The numbers among the cells are at least three, and each is one more than the last.
fn counts_up(cells: &[String]) -> bool {
    let numbers: Vec<f64> = cells.iter().filter_map(|cell| parse_number(cell).ok()).collect();
    numbers.len() >= 3 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1.0)
}

/// Digits, a comma, digits.
fn has_decimal_comma(cell: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let cell = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    cell.split_once(',').is_some_and(|(whole, fraction)| digits(&whole.replace('.', "")) && digits(fraction))
}

/// Groups of three digits behind commas, and perhaps a decimal point.
fn has_thousands_comma(cell: &str) -> bool {
    let cell = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, "0"));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    whole.contains(',')
        && (1..=3).contains(&first.len())
        && digits(first)
        && digits(fraction)
        && groups.all(|group| group.len() == 3 && digits(group))
}

fn check_utf8(name: &str, piece: &[u8]) -> Result<(), Vec<Diagnostic>> {
    let Err(error) = std::str::from_utf8(piece) else { return Ok(()) };
    // A character may have been cut at the end.
    if error.error_len().is_none() && piece.len() >= PIECE_BYTES - 4 {
        return Ok(());
    }
    let valid = error.valid_up_to();
    let line = 1 + line_ends(&piece[..valid]);
    let place = Place::Row { file: name.to_owned(), line, column: None };
    let message = format!("the byte `0x{:02x}` is not UTF-8", piece[valid]);
    let help = "convert the file: `iconv -f latin1 -t utf-8 old.csv > new.csv`";
    Err(vec![Diagnostic::error(Code::NotUtf8, place, message).help(help)])
}
