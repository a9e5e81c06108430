//! The cells of a row as the numbers that a program takes: the same while a program is built and when it is run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tacit_spec::report::quoted;
use tacit_spec::{Code, DateFormat, Input, InputKind, Missing, Shape};

use crate::dates::parse_date;
use crate::source::{Cell, Limits, NumberFault, Picture, image};

/// Reads one input out of rows.
#[derive(Clone, Debug)]
pub struct Converter {
    /// The columns that hold it, by their positions in a row.
    columns: Vec<usize>,
    kind: Kind,
    shape: Shape,
    missing_allowed: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    Numbers {
        scale: Option<f64>,
    },
    Category(Dictionary),
    Ordinal(HashMap<String, usize>),
    Date(DateFormat),
    /// Pictures in the row or in files beside the data.
    Picture {
        folder: PathBuf,
    },
}

/// Labels and their positions, from 1; 0 is for labels that are not in it.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    labels: Vec<String>,
    positions: HashMap<String, usize>,
    /// Whether labels that are new are added.
    grows: bool,
}

/// What is wrong with a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CellFault {
    pub code: Code,
    /// The position of its column in the row.
    pub column: usize,
    pub found: String,
    pub message: String,
    pub help: String,
}

impl Dictionary {
    /// One that learns labels as they come.
    pub fn growing() -> Dictionary {
        Dictionary { grows: true, ..Dictionary::default() }
    }

    /// One that knows these labels, in this order.
    pub fn of(labels: &[String]) -> Dictionary {
        let positions = labels.iter().cloned().zip(1..).collect();
        Dictionary { labels: labels.to_vec(), positions, grows: false }
    }

    /// In the order of their positions, from 1.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The position of a label; the empty one stands for a missing one.
    pub fn position(&mut self, label: &str) -> usize {
        if let Some(position) = self.positions.get(label) {
            return *position;
        }
        if !self.grows {
            return 0;
        }
        self.labels.push(label.to_owned());
        self.positions.insert(label.to_owned(), self.labels.len());
        self.labels.len()
    }
}

impl Converter {
    /// Reads an input of the specification. Labels of a category are those of `labels`, or are learnt as they come.
    /// Pictures that are named by files lie in `folder`.
    pub fn new(input: &Input, columns: Vec<usize>, labels: Option<&[String]>, folder: &Path) -> Converter {
        let one_column = columns.len() == 1;
        let kind = match &input.kind {
            InputKind::Number { .. } | InputKind::Vector { .. } => Kind::Numbers { scale: None },
            InputKind::Image { scale, .. } if one_column && *scale == Some(SCALE_OF_PICTURES) => {
                Kind::Picture { folder: folder.to_owned() }
            }
            InputKind::Image { scale, .. } => Kind::Numbers { scale: *scale },
            InputKind::Category { .. } => Kind::Category(labels.map_or_else(Dictionary::growing, Dictionary::of)),
            InputKind::Ordinal { levels, .. } => Kind::Ordinal(levels.iter().cloned().zip(0..).collect()),
            InputKind::Date { format } => Kind::Date(format.clone()),
        };
        Converter { columns, kind, shape: input.shape(), missing_allowed: input.missing != Missing::Refuse }
    }

    /// Goes on with rows of another file, whose columns may stand elsewhere and whose pictures lie in `folder`.
    pub fn rebind(&mut self, input: &Input, columns: Vec<usize>, folder: &Path) {
        let labels = match &mut self.kind {
            Kind::Category(dictionary) => Some(std::mem::take(dictionary)),
            Kind::Numbers { .. } | Kind::Ordinal(_) | Kind::Date(_) | Kind::Picture { .. } => None,
        };
        *self = Converter::new(input, columns, None, folder);
        if let Some(labels) = labels {
            self.kind = Kind::Category(labels);
        }
    }

    /// The positions of its columns in a row.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The numbers of one row.
    pub fn width(&self) -> usize {
        self.shape.values()
    }

    /// Whether all numbers are whole and from 0 to 255.
    pub fn gives_bytes(&self) -> bool {
        matches!(self.kind, Kind::Picture { .. })
    }

    /// The labels of a category that were met so far.
    pub fn labels(&self) -> &[String] {
        match &self.kind {
            Kind::Category(dictionary) => dictionary.labels(),
            Kind::Numbers { .. } | Kind::Ordinal(_) | Kind::Date(_) | Kind::Picture { .. } => &[],
        }
    }

    /// Writes the numbers of a row into `out`, of its width. A missing number is NaN.
    ///
    /// # Errors
    /// Every cell that cannot be used; `out` then means nothing.
    pub fn convert(&mut self, cells: &[Cell], out: &mut [f32]) -> Result<(), Vec<CellFault>> {
        let mut faults = Vec::new();
        let first = self.columns[0];
        match &mut self.kind {
            Kind::Numbers { scale } => {
                let scale = *scale;
                match (&self.columns[..], &cells[first]) {
                    ([_], Cell::Numbers(list)) => numbers_of_list(list, first, scale, out, &mut faults),
                    ([_], cell) if out.len() > 1 && !cell.is_missing() => {
                        let message =
                            format!("{} numbers are needed, and this is {}", out.len(), quoted(&cell.describe()));
                        let help = "give a list of numbers, or name a column for each";
                        faults.push(fault(Code::BadNumber, first, cell, message, help));
                    }
                    ([_], _) if out.len() > 1 => match self.missing_allowed {
                        true => out.fill(f32::NAN),
                        false => faults.push(missing(first)),
                    },
                    (columns, _) => {
                        for (column, out) in columns.iter().zip(out) {
                            match number(&cells[*column], *column, self.missing_allowed, scale) {
                                Ok(value) => *out = value,
                                Err(found) => faults.push(found),
                            }
                        }
                    }
                }
            }
            Kind::Category(dictionary) => match text_of(&cells[first]) {
                Some(label) => out[0] = dictionary.position(&label) as f32,
                None if !cells[first].is_missing() => faults.push(not_a_label(first, &cells[first])),
                None if self.missing_allowed => out[0] = dictionary.position("") as f32,
                None => faults.push(missing(first)),
            },
            Kind::Ordinal(levels) => match text_of(&cells[first]) {
                Some(label) => match levels.get(label.as_ref()) {
                    Some(position) => out[0] = *position as f32,
                    None => {
                        let message = format!("{} is not among the `levels`", quoted(&label));
                        let help = "add it to `levels` in its place, or correct the cell";
                        faults.push(fault(Code::UnknownLabel, first, &cells[first], message, help));
                    }
                },
                None if !cells[first].is_missing() => faults.push(not_a_label(first, &cells[first])),
                None if self.missing_allowed => out[0] = f32::NAN,
                None => faults.push(missing(first)),
            },
            Kind::Date(format) => match text_of(&cells[first]) {
                Some(text) => match parse_date(format, &text) {
                    Some(moment) => out.copy_from_slice(&moment.values()),
                    None => faults.push(not_a_date(format, first, &cells[first])),
                },
                None if !cells[first].is_missing() => faults.push(not_a_date(format, first, &cells[first])),
                None if self.missing_allowed => out.fill(f32::NAN),
                None => faults.push(missing(first)),
            },
            Kind::Picture { folder } => match picture(&cells[first], first, folder, self.shape, out) {
                Ok(()) => {}
                Err(found) => faults.push(*found),
            },
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// The text of a cell; a number as it would be written.
fn text_of(cell: &Cell) -> Option<std::borrow::Cow<'_, str>> {
    cell.as_text()
}

/// The raw value of full brightness of pictures, which have 8 bits a channel.
const SCALE_OF_PICTURES: f64 = 255.0;

fn numbers_of_list(list: &[f32], column: usize, scale: Option<f64>, out: &mut [f32], faults: &mut Vec<CellFault>) {
    if list.len() != out.len() {
        let found = format!("a list of {} numbers", list.len());
        let message = format!("this list has {} numbers, not {}", list.len(), out.len());
        let help = "correct the list, or `size` in the manifest".to_owned();
        faults.push(CellFault { code: Code::ColumnCount, column, found, message, help });
        return;
    }
    out.copy_from_slice(list);
    if let Some(value) = list.iter().find(|value| is_outside(scale, f64::from(**value))) {
        faults.push(outside_scale(column, value.to_string()));
    }
}

fn is_outside(scale: Option<f64>, value: f64) -> bool {
    scale.is_some_and(|scale| !(0.0..=scale).contains(&value))
}

fn outside_scale(column: usize, found: String) -> CellFault {
    let message = format!("{} lies outside 0 to `scale`", quoted(&found));
    let help = "correct the value, or `scale` in the manifest".to_owned();
    CellFault { code: Code::OutsideScale, column, found, message, help }
}

/// A number in a cell; NaN for a missing one.
pub(crate) fn number(cell: &Cell, column: usize, missing_allowed: bool, scale: Option<f64>) -> Result<f32, CellFault> {
    let value = match cell.as_number() {
        Ok(value) => value,
        Err(NumberFault::Missing) if missing_allowed => return Ok(f32::NAN),
        Err(NumberFault::Missing) => return Err(missing(column)),
        Err(NumberFault::NotANumber) => {
            let message = format!("{} is not a number", quoted(&cell.describe()));
            let help = "correct the cell, or choose other columns";
            return Err(fault(Code::BadNumber, column, cell, message, help));
        }
        Err(NumberFault::NotFinite) => {
            let message = format!("{} is not a finite number", quoted(&cell.describe()));
            let help = "write a finite number, or leave the cell empty and say what holds for `missing` values";
            return Err(fault(Code::NotFinite, column, cell, message, help));
        }
    };
    if is_outside(scale, value) {
        return Err(outside_scale(column, cell.describe().into_owned()));
    }
    Ok(value as f32)
}

fn picture(cell: &Cell, column: usize, folder: &Path, shape: Shape, out: &mut [f32]) -> Result<(), Box<CellFault>> {
    let Shape::Image { height, width, channels } = shape else { return Ok(()) };
    let read;
    let picture: &Picture = match cell {
        Cell::Image(picture) => picture,
        Cell::Missing => return Err(Box::new(missing(column))),
        Cell::Text(file) => {
            read = image::decode_file(&folder.join(file), &Limits::default())
                .map_err(|found| Box::new(fault(found.code, column, cell, found.message, &found.help)))?;
            &read
        }
        Cell::Numbers(list) if list.len() == out.len() => {
            if let Some(value) = list.iter().find(|value| !(0.0..=255.0).contains(*value) || value.fract() != 0.0) {
                let message = format!("`{value}` is not a whole number from 0 to 255");
                return Err(Box::new(fault(
                    Code::OutsideScale,
                    column,
                    cell,
                    message,
                    "give the values of 8-bit pixels",
                )));
            }
            out.copy_from_slice(list);
            return Ok(());
        }
        Cell::Number(_) | Cell::Numbers(_) | Cell::Texts(_) => {
            let message = format!("{} is not a picture of {shape}", quoted(&cell.describe()));
            return Err(Box::new(fault(Code::ColumnCount, column, cell, message, "name a column of pictures")));
        }
    };
    let pixels = picture.fit(height, width, channels);
    for (out, pixel) in out.iter_mut().zip(pixels) {
        *out = f32::from(pixel);
    }
    Ok(())
}

fn fault(code: Code, column: usize, cell: &Cell, message: String, help: &str) -> CellFault {
    CellFault { code, column, found: cell.describe().into_owned(), message, help: help.to_owned() }
}

pub(crate) fn missing(column: usize) -> CellFault {
    let help = "fill it, remove the row, or say in the manifest what holds for `missing` values".to_owned();
    CellFault { code: Code::MissingCell, column, found: String::new(), message: "this cell is empty".to_owned(), help }
}

fn not_a_label(column: usize, cell: &Cell) -> CellFault {
    let message = format!("{} is not a label", quoted(&cell.describe()));
    fault(Code::UnknownLabel, column, cell, message, "choose a column of text or numbers")
}

fn not_a_date(format: &DateFormat, column: usize, cell: &Cell) -> CellFault {
    let (format, help) = match format {
        DateFormat::Iso => ("ISO 8601".to_owned(), "write `2026-11-25`, or give the `format` of the dates"),
        DateFormat::Pattern(pattern) => (quoted(pattern), "correct the cell, or `format` in the manifest"),
    };
    let message = format!("{} is not a date written as {format}", quoted(&cell.describe()));
    fault(Code::BadDate, column, cell, message, help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_spec::{Columns, Place};

    fn converter(kind: InputKind, missing: Missing, columns: usize) -> Converter {
        let place = Columns { patterns: vec![], place: Place::Nowhere };
        let input = Input { name: "x".into(), kind, columns: place, missing };
        Converter::new(&input, (0..columns).collect(), None, Path::new("."))
    }

    fn text(text: &str) -> Cell {
        if text.is_empty() { Cell::Missing } else { Cell::Text(text.into()) }
    }

    fn converted(converter: &mut Converter, cells: &[Cell]) -> Result<Vec<f32>, Code> {
        let mut out = vec![-1.0; converter.width()];
        converter.convert(cells, &mut out).map(|()| out).map_err(|faults| faults[0].code)
    }

    #[test]
    fn numbers_come_from_cells_or_from_a_list_and_missing_ones_are_nan_if_they_may_be() {
        let kind = InputKind::Vector { length: 2, encoding: None };
        let mut strict = converter(kind.clone(), Missing::Refuse, 2);
        assert_eq!(converted(&mut strict, &[text("1"), text("-2.5")]), Ok(vec![1.0, -2.5]));
        assert_eq!(converted(&mut strict, &[text("1"), text("x")]), Err(Code::BadNumber));
        assert_eq!(converted(&mut strict, &[text("1"), text("")]), Err(Code::MissingCell));
        assert_eq!(converted(&mut strict, &[text("1"), text("1e39")]), Err(Code::NotFinite));
        let mut listed = converter(kind, Missing::Mean, 1);
        assert_eq!(converted(&mut listed, &[Cell::Numbers(vec![3.0, 4.0])]), Ok(vec![3.0, 4.0]));
        assert_eq!(converted(&mut listed, &[Cell::Numbers(vec![3.0])]), Err(Code::ColumnCount));
        assert_eq!(converted(&mut listed, &[text("3 4")]), Err(Code::BadNumber));
        assert!(converted(&mut listed, &[text("")]).unwrap().iter().all(|value| value.is_nan()));
    }

    #[test]
    fn labels_count_from_one_in_the_order_they_come_and_unknown_ones_are_zero() {
        let kind = InputKind::Category { labels: None, rows_min: 1 };
        let mut growing = converter(kind, Missing::Label, 1);
        let positions = ["b", "a", "", "b"].map(|label| converted(&mut growing, &[text(label)]).unwrap()[0]);
        assert_eq!((positions, growing.labels()), ([1.0, 2.0, 3.0, 1.0], &["b".into(), "a".into(), String::new()][..]));
        let mut fixed = Dictionary::of(&["a".into()]);
        assert_eq!(["a", "z", ""].map(|label| fixed.position(label)), [1, 0, 0]);
    }

    #[test]
    fn levels_are_numbers_in_their_order() {
        let levels = ["low", "high"].map(String::from).to_vec();
        let mut ordinal = converter(InputKind::Ordinal { levels, encoding: None }, Missing::Median, 1);
        assert_eq!(converted(&mut ordinal, &[text("high")]), Ok(vec![1.0]));
        assert_eq!(converted(&mut ordinal, &[text("middle")]), Err(Code::UnknownLabel));
        assert!(converted(&mut ordinal, &[text("")]).unwrap()[0].is_nan());
    }

    #[test]
    fn dates_are_days_and_shares_of_a_day() {
        let mut date = converter(InputKind::Date { format: DateFormat::Iso }, Missing::Refuse, 1);
        assert_eq!(converted(&mut date, &[text("1970-01-03T06:00")]), Ok(vec![2.0, 0.25]));
        assert_eq!(converted(&mut date, &[text("3.1.1970")]), Err(Code::BadDate));
        assert_eq!(converted(&mut date, &[text("")]), Err(Code::MissingCell));
    }

    #[test]
    fn pictures_are_fitted_to_the_size() {
        let kind = InputKind::Image { height: 1, width: 2, channels: 1, scale: Some(255.0) };
        let mut image = converter(kind, Missing::Refuse, 1);
        let picture = Picture { height: 1, width: 2, channels: 1, pixels: vec![7, 255] };
        assert_eq!(converted(&mut image, &[Cell::Image(picture)]), Ok(vec![7.0, 255.0]));
        assert_eq!(converted(&mut image, &[Cell::Numbers(vec![1.0, 2.0])]), Ok(vec![1.0, 2.0]));
        assert_eq!(converted(&mut image, &[Cell::Numbers(vec![1.0, 256.0])]), Err(Code::OutsideScale));
        assert_eq!(converted(&mut image, &[Cell::Number(3.0)]), Err(Code::ColumnCount));
        assert!(converted(&mut image, &[text("nowhere.png")]).is_err());
        // With a scale of its own an image is numbers, whether they stand in a list or in a column each.
        let kind = InputKind::Image { height: 1, width: 2, channels: 1, scale: Some(1.0) };
        let mut numbers = converter(kind, Missing::Refuse, 1);
        assert_eq!(converted(&mut numbers, &[Cell::Numbers(vec![0.0, 0.5])]), Ok(vec![0.0, 0.5]));
        assert_eq!(converted(&mut numbers, &[Cell::Numbers(vec![0.0, 1.5])]), Err(Code::OutsideScale));
    }
}
