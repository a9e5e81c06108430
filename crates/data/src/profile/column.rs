//! What is gathered about one column while rows go by.

use std::collections::BTreeMap;

use tacit_spec::DateFormat;

use crate::dates::parse_date;
use crate::read::label_order;
use crate::source::{Cell, Position};

use super::distinct::{Distinct, chained, hash_of};
use super::formats::dates;

/// A column as it was seen.
#[derive(Clone, Debug)]
pub struct ColumnProfile {
    pub name: String,
    /// The rows that were seen.
    pub rows: u64,
    /// Cells of each kind. Text that is a number counts as a number.
    pub missing: u64,
    pub numbers: u64,
    pub texts: u64,
    pub lists: u64,
    pub pictures: u64,
    /// The numbers that are whole.
    pub integers: u64,
    pub least: f64,
    pub greatest: f64,
    pub mean: f64,
    /// The line or row of the first least and the first greatest number.
    pub least_at: Position,
    pub greatest_at: Position,
    /// Every number is one more than that of the row before, and none is missing.
    pub counts_up: bool,
    /// The different texts and numbers, with their counts and the first spelling of each.
    pub values: Distinct<Label>,
    /// Characters and words of all texts together.
    pub characters: u64,
    pub words: u64,
    /// Texts in which a `;` stands between other characters.
    pub with_semicolon: u64,
    /// The first text that is no number, and where it stands.
    pub first_text: Option<(Position, String)>,
    /// The first number, and where it stands.
    pub first_number: Option<(Position, String)>,
    /// How many of the texts each format of [`dates`](super::formats::dates) does not read.
    pub date_failures: Vec<u64>,
    /// The numbers that are days written without dashes, as in 20261125.
    pub day_numbers: u64,
    /// How many pictures have each height, width and number of channels.
    pub sizes: BTreeMap<[usize; 3], u64>,
    /// The least and the greatest length of lists of numbers.
    pub lengths: Option<(usize, usize)>,
    /// A hash of all cells in order: equal columns have equal ones.
    pub hash: u64,
    last: f64,
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub text: String,
    pub count: u64,
}

/// So many sizes of pictures are told apart.
const SIZES_MAX: usize = 1024;
/// So much is kept of a text that is shown.
const SHOWN_CHARACTERS: usize = 200;

impl ColumnProfile {
    pub(super) fn new(name: &str, values_max: usize) -> ColumnProfile {
        ColumnProfile {
            name: name.to_owned(),
            rows: 0,
            missing: 0,
            numbers: 0,
            texts: 0,
            lists: 0,
            pictures: 0,
            integers: 0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            mean: 0.0,
            least_at: Position::Whole,
            greatest_at: Position::Whole,
            counts_up: true,
            values: Distinct::new(values_max),
            characters: 0,
            words: 0,
            with_semicolon: 0,
            first_text: None,
            first_number: None,
            date_failures: vec![0; dates().len()],
            day_numbers: 0,
            sizes: BTreeMap::new(),
            lengths: None,
            hash: 0,
            last: f64::NAN,
        }
    }

    /// Takes a cell; `number` is there if it is a number.
    pub(super) fn add(&mut self, cell: &Cell, number: Option<f64>, at: Position) {
        self.rows += 1;
        let key = match (cell, number) {
            (Cell::Missing, _) => {
                self.missing += 1;
                self.counts_up = false;
                0
            }
            (Cell::Text(text), Some(number)) => {
                self.add_number(number, at, || text.clone());
                self.add_value(hash_of(text.as_bytes()), || text.clone())
            }
            (Cell::Number(_), Some(number)) => {
                self.add_number(number, at, || number.to_string());
                self.add_value(hash_of(&number.to_bits().to_le_bytes()), || number.to_string())
            }
            (Cell::Text(text), None) => {
                self.add_text(text, at);
                self.add_value(hash_of(text.as_bytes()), || text.clone())
            }
            (Cell::Number(number), None) => {
                let text = number.to_string();
                self.add_text(&text, at);
                self.add_value(hash_of(text.as_bytes()), || text)
            }
            (Cell::Numbers(numbers), _) => {
                self.lists += 1;
                let (least, most) = self.lengths.unwrap_or((usize::MAX, 0));
                self.lengths = Some((least.min(numbers.len()), most.max(numbers.len())));
                numbers.iter().fold(1, |state, number| chained(state, u64::from(number.to_bits())))
            }
            (Cell::Texts(texts), _) => {
                self.with_semicolon += 1;
                self.texts += 1;
                let mut state = 2;
                for text in texts {
                    self.characters += text.chars().count() as u64;
                    state = chained(state, self.add_value(hash_of(text.as_bytes()), || text.clone()));
                }
                state
            }
            (Cell::Image(picture), _) => {
                self.pictures += 1;
                let size = [picture.height, picture.width, picture.channels];
                if self.sizes.len() < SIZES_MAX || self.sizes.contains_key(&size) {
                    *self.sizes.entry(size).or_default() += 1;
                }
                hash_of(&picture.pixels)
            }
        };
        self.hash = chained(self.hash, key);
    }

    /// The cells that are not missing.
    pub fn present(&self) -> u64 {
        self.rows - self.missing
    }

    /// The different values in order, with their counts, if all of them are known.
    pub fn labels(&self) -> Option<Vec<&Label>> {
        let mut labels: Vec<&Label> = self.values.entries().map(|(_, label)| label).collect();
        labels.sort_unstable_by(|a, b| label_order(&a.text, &b.text));
        self.values.is_exact().then_some(labels)
    }

    fn add_number(&mut self, number: f64, at: Position, text: impl FnOnce() -> String) {
        self.numbers += 1;
        self.integers += u64::from(number.fract() == 0.0);
        self.mean += (number - self.mean) / self.numbers as f64;
        if number < self.least {
            (self.least, self.least_at) = (number, at);
        }
        if number > self.greatest {
            (self.greatest, self.greatest_at) = (number, at);
        }
        self.counts_up &= self.rows == 1 || number == self.last + 1.0;
        self.last = number;
        self.day_numbers += u64::from(is_day(number));
        if self.first_number.is_none() {
            self.first_number = Some((at, text()));
        }
    }

    fn add_text(&mut self, text: &str, at: Position) {
        self.texts += 1;
        self.counts_up = false;
        self.characters += text.chars().count() as u64;
        self.words += text.split_whitespace().count() as u64;
        self.with_semicolon += u64::from(text.trim_matches(';').contains(';'));
        if self.first_text.is_none() {
            self.first_text = Some((at, text.chars().take(SHOWN_CHARACTERS).collect()));
        }
        for (failures, format) in self.date_failures.iter_mut().zip(dates()) {
            *failures += u64::from(gives_up(*failures, self.texts) || parse_date(format, text).is_none());
        }
    }

    fn add_value(&mut self, hash: u64, text: impl FnOnce() -> String) -> u64 {
        if let Some(label) = self.values.entry(hash, || Label { text: text(), count: 0 }) {
            label.count += 1;
        }
        hash
    }
}

/// Whether a number is a day of the last or this century, written without dashes.
fn is_day(number: f64) -> bool {
    let may_be = (19_000_101.0..=21_001_231.0).contains(&number) && number.fract() == 0.0;
    may_be && parse_date(&DateFormat::Iso, &number.to_string()).is_some()
}

/// Whether a format has failed so often that it is not tried again.
fn gives_up(failures: u64, texts: u64) -> bool {
    failures > 20 && failures * 10 > texts
}
