//! A row as it was read: its place and its cells.

use std::borrow::Cow;
use std::sync::Arc;

use tacit_spec::{Code, Place};

use super::image::Picture;

/// A row of a source; its memory is used again for the next row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub place: RowPlace,
    /// One cell for each column of the source.
    pub cells: Vec<Cell>,
}

/// Where a row comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowPlace {
    /// The file's name; for a folder of images that of the picture.
    pub file: Arc<str>,
    pub position: Position,
}

/// Where in its file a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Position {
    /// It begins at this line, from 1 (CSV, JSON lines).
    Line(u64),
    /// It is the row with this number, from 1 (Parquet, idx).
    Row(u64),
    /// It is the file itself (a folder of images).
    Whole,
}

/// What stands in one column of one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    /// Nothing, or a token that stands for a missing value.
    #[default]
    Missing,
    /// Not empty, without white space at its ends.
    Text(String),
    /// A number of a format that tells numbers from text; never infinite or NaN.
    Number(f64),
    /// A list of numbers, nested lists one after the other.
    Numbers(Vec<f32>),
    /// A list of texts.
    Texts(Vec<String>),
    /// A picture.
    Image(Picture),
}

/// Why a cell cannot be used as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NumberFault {
    Missing,
    /// Something else stands there.
    NotANumber,
    /// Infinite, NaN, or beyond the range of 32-bit floating point.
    NotFinite,
}

impl RowPlace {
    /// The place for a diagnostic, at the column with this name if it is about one. Rows of files that have no lines
    /// give their number as the line.
    pub fn to_place(&self, column: Option<&str>) -> Place {
        let file = self.file.to_string();
        match self.position {
            Position::Line(line) | Position::Row(line) => Place::Row { file, line, column: column.map(str::to_owned) },
            Position::Whole => Place::File(file),
        }
    }

    /// The place within its source in a few words: `line 3`, `row 7`, or the picture's file.
    pub fn words(&self) -> String {
        match self.position {
            Position::Line(_) | Position::Row(_) => self.position.words(),
            Position::Whole => tacit_spec::report::quoted(&self.file),
        }
    }
}

impl Position {
    /// The place within its file: `line 3`, `row 7`, `the file`.
    pub fn words(self) -> String {
        match self {
            Position::Line(line) => format!("line {line}"),
            Position::Row(row) => format!("row {row}"),
            Position::Whole => "the file".to_owned(),
        }
    }
}

impl Default for RowPlace {
    fn default() -> RowPlace {
        RowPlace { file: Arc::from(""), position: Position::Whole }
    }
}

impl From<&RowPlace> for Place {
    fn from(place: &RowPlace) -> Place {
        place.to_place(None)
    }
}

impl Cell {
    pub fn is_missing(&self) -> bool {
        matches!(self, Cell::Missing)
    }

    /// The cell as text: a number in the shortest decimal form that gives it back. Nothing if it is missing, a list or a
    /// picture.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Cell::Text(text) => Some(Cow::Borrowed(text)),
            Cell::Number(number) => Some(Cow::Owned(number.to_string())),
            Cell::Missing | Cell::Numbers(_) | Cell::Texts(_) | Cell::Image(_) => None,
        }
    }

    /// The cell as a number; text by [`parse_number`].
    ///
    /// # Errors
    /// It is missing, something else, or too large for 32-bit floating point.
    pub fn as_number(&self) -> Result<f64, NumberFault> {
        match self {
            Cell::Missing => Err(NumberFault::Missing),
            Cell::Text(text) => parse_number(text),
            Cell::Number(number) if (*number as f32).is_finite() => Ok(*number),
            Cell::Number(_) => Err(NumberFault::NotFinite),
            Cell::Numbers(_) | Cell::Texts(_) | Cell::Image(_) => Err(NumberFault::NotANumber),
        }
    }

    /// What the cell holds in a few words, for messages.
    pub fn describe(&self) -> Cow<'_, str> {
        match self {
            Cell::Missing => Cow::Borrowed(""),
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Number(number) => Cow::Owned(number.to_string()),
            Cell::Numbers(numbers) => Cow::Owned(format!("a list of {} numbers", numbers.len())),
            Cell::Texts(texts) => Cow::Owned(format!("a list of {} texts", texts.len())),
            Cell::Image(picture) => Cow::Owned(format!("a picture of {} × {} pixels", picture.height, picture.width)),
        }
    }

    /// Sets the cell to a text after trimming, or to missing if nothing is left or `missing` holds it.
    pub(super) fn set_text(&mut self, text: &str, missing: &[String]) {
        let text = text.trim();
        if text.is_empty() || missing.iter().any(|token| token == text) {
            *self = Cell::Missing;
        } else if let Cell::Text(old) = self {
            old.clear();
            old.push_str(text);
        } else {
            *self = Cell::Text(text.to_owned());
        }
    }
}

impl NumberFault {
    pub fn code(self) -> Code {
        match self {
            NumberFault::Missing => Code::MissingCell,
            NumberFault::NotANumber => Code::BadNumber,
            NumberFault::NotFinite => Code::NotFinite,
        }
    }
}

/// Reads a number strictly: a decimal point, an exponent if need be; no thousands separators, no units, no white space.
///
/// # Errors
/// As [`Cell::as_number`].
pub fn parse_number(text: &str) -> Result<f64, NumberFault> {
    if text.is_empty() {
        return Err(NumberFault::Missing);
    }
    match text.parse::<f64>() {
        Ok(value) if (value as f32).is_finite() => Ok(value),
        Ok(_) => Err(NumberFault::NotFinite),
        Err(_) => Err(NumberFault::NotANumber),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_strictly() {
        let read = |text: &str| Cell::Text(text.to_owned()).as_number();
        assert_eq!(["12", "-3.5", "6.02e23", "+1", ".5", "1."].map(read), [12., -3.5, 6.02e23, 1., 0.5, 1.].map(Ok));
        for text in ["1,5", "1 000", "5kg", "0x10", "1_000", "٣", "--1", "e5"] {
            assert_eq!(read(text), Err(NumberFault::NotANumber), "{text}");
        }
        for text in ["NaN", "-inf", "infinity", "1e39", "-3.5e38"] {
            assert_eq!(read(text), Err(NumberFault::NotFinite), "{text}");
        }
        assert_eq!(Cell::Missing.as_number(), Err(NumberFault::Missing));
        assert_eq!(Cell::Number(1e39).as_number(), Err(NumberFault::NotFinite));
    }

    #[test]
    fn setting_text_trims_it_and_knows_what_is_missing() {
        let mut cell = Cell::Number(1.0);
        let missing = ["?".to_owned()];
        cell.set_text("\u{a0} a b\t", &missing);
        assert_eq!(cell, Cell::Text("a b".into()));
        cell.set_text(" ? ", &missing);
        assert_eq!(cell, Cell::Missing);
        cell.set_text("??", &missing);
        assert_eq!(cell.as_text().as_deref(), Some("??"));
        cell.set_text("  ", &missing);
        assert!(cell.is_missing());
    }
}
