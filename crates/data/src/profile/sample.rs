//! Some of the rows, drawn so that each is equally likely to be among them.

use crate::random::SplitMix64;
use crate::source::Cell;

use super::distinct::hash_of;

/// A sample of rows, kept column by column (J. S. Vitter, "Random sampling with a reservoir", ACM TOMS 11, 1985,
/// algorithm R).
#[derive(Clone, Debug)]
pub struct Sample {
    /// (columns, rows)
    columns: Vec<Vec<Value>>,
    capacity: usize,
    seen: u64,
    random: SplitMix64,
}

/// What a sample keeps of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Missing,
    /// A number, or text that is one; finite.
    Number(f64),
    /// The hash of a text.
    Text(u64),
    /// A list or a picture.
    Other,
}

/// The most rows of a sample.
const ROWS_MAX: usize = 20_000;
/// The most values of a sample.
const VALUES_MAX: usize = 4 << 20;
const SEED: u64 = 1;

impl Sample {
    pub(super) fn new(columns: usize) -> Sample {
        Sample {
            columns: vec![Vec::new(); columns],
            capacity: capacity(columns),
            seen: 0,
            random: SplitMix64::new(SEED),
        }
    }

    pub(super) fn add(&mut self, row: &[Value]) {
        let kept = self.rows();
        let place = if kept < self.capacity { kept } else { self.random.below(self.seen + 1) as usize };
        self.seen += 1;
        for (column, value) in self.columns.iter_mut().zip(row) {
            if place == column.len() && place < self.capacity {
                column.push(*value);
            } else if let Some(old) = column.get_mut(place) {
                *old = *value;
            }
        }
    }

    /// The number of rows in the sample.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Whether all rows are in the sample.
    pub fn is_whole(&self) -> bool {
        self.seen == self.rows() as u64
    }

    /// The values of a column, in the same order of rows for all columns.
    pub fn column(&self, index: usize) -> &[Value] {
        &self.columns[index]
    }

    /// The numbers of a column in ascending order.
    pub fn sorted_numbers(&self, index: usize) -> Vec<f64> {
        let mut numbers: Vec<f64> = self.columns[index].iter().filter_map(|value| value.number()).collect();
        numbers.sort_unstable_by(f64::total_cmp);
        numbers
    }
}

/// How many rows of so many columns are kept.
fn capacity(columns: usize) -> usize {
    (VALUES_MAX / columns.max(1)).clamp(1, ROWS_MAX)
}

impl Value {
    /// What is kept of a cell whose text is a number if `number` is there.
    pub(super) fn of(cell: &Cell, number: Option<f64>) -> Value {
        match (cell, number) {
            (_, Some(number)) => Value::Number(number),
            (Cell::Missing, None) => Value::Missing,
            (Cell::Text(text), None) => Value::Text(hash_of(text.as_bytes())),
            (Cell::Number(_) | Cell::Numbers(_) | Cell::Texts(_) | Cell::Image(_), None) => Value::Other,
        }
    }

    pub fn number(self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(number),
            Value::Missing | Value::Text(_) | Value::Other => None,
        }
    }

    /// A key that equal values share.
    pub fn key(self) -> u64 {
        match self {
            Value::Missing => 0,
            Value::Number(number) => hash_of(&(number + 0.0).to_bits().to_le_bytes()),
            Value::Text(hash) => hash,
            Value::Other => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_all_kept_in_order() {
        let mut sample = Sample::new(2);
        for row in 0..100 {
            sample.add(&[Value::Number(f64::from(row)), Value::Missing]);
        }
        assert!(sample.is_whole() && sample.rows() == 100);
        assert_eq!(sample.column(0)[7], Value::Number(7.0));
        assert!(sample.sorted_numbers(1).is_empty());
    }

    #[test]
    fn of_many_rows_each_is_equally_likely() {
        let mut sample = Sample::new(1);
        let rows = 5 * ROWS_MAX;
        for row in 0..rows {
            sample.add(&[Value::Number(row as f64)]);
        }
        assert!(!sample.is_whole() && sample.rows() == ROWS_MAX);
        let numbers = sample.sorted_numbers(0);
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "no row is there twice");
        for fifth in 0..5 {
            let range = (fifth * ROWS_MAX) as f64..((fifth + 1) * ROWS_MAX) as f64;
            let count = numbers.iter().filter(|row| range.contains(row)).count();
            // The standard deviation of a count is 51.
            assert!(count.abs_diff(ROWS_MAX / 5) < 250, "{count}");
        }
    }

    #[test]
    fn wide_tables_keep_fewer_rows() {
        assert_eq!([0, 10, 1 << 12, 1 << 30].map(capacity), [ROWS_MAX, ROWS_MAX, 1 << 10, 1]);
    }
}
