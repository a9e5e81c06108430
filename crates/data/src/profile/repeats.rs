//! Rows that are there more than once, in one file and across two.

use std::path::Path;

use tacit_spec::Diagnostic;

use crate::source::{self, Row, SourceOptions};

use super::distinct::{Distinct, chained, hash_of};
use super::sample::Value;

/// The different rows of a file by what they hold in some columns; [a sample](Distinct) of them if they are many.
#[derive(Clone, Debug)]
pub struct RowHashes {
    rows: Distinct<RowCount>,
}

#[derive(Clone, Copy, Debug)]
struct RowCount {
    count: u64,
    /// The hash of the first row's answers.
    answer: u64,
    /// The rows whose answer is another than the first's.
    contrary: u64,
}

/// How many rows repeat others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// Rows whose inputs are those of an earlier row.
    pub repeated: u64,
    /// Those of them that have another answer than the first row.
    pub contrary: u64,
    /// Whether the numbers are exact.
    pub exact: bool,
}

/// The most rows that are told apart; a row takes some forty bytes.
const ROWS_MAX: usize = 1 << 21;

/// Reads a file and hashes its rows: by the columns `inputs`, with the answers in `targets`.
///
/// # Errors
/// It cannot be opened. Rows with faults do not count.
pub fn repeats(
    path: &Path,
    options: &SourceOptions,
    inputs: &[usize],
    targets: &[usize],
) -> Result<RowHashes, Vec<Diagnostic>> {
    let mut source = source::open(path, options)?;
    let mut rows = Distinct::new(ROWS_MAX);
    let mut row = Row::default();
    loop {
        match source.next(&mut row) {
            Ok(true) => {}
            Ok(false) => return Ok(RowHashes { rows }),
            Err(fault) if fault.fatal => return Ok(RowHashes { rows }),
            Err(_) => continue,
        }
        let hash =
            |columns: &[usize]| columns.iter().fold(0, |state, column| chained(state, cell_hash(&row.cells[*column])));
        let answer = hash(targets);
        let new = || RowCount { count: 0, answer, contrary: 0 };
        if let Some(found) = rows.entry(hash(inputs), new) {
            found.count += 1;
            found.contrary += u64::from(found.answer != answer);
        }
    }
}

impl RowHashes {
    /// How many rows repeat earlier ones.
    pub fn repeats(&self) -> Repeats {
        let sum = |count: fn(&RowCount) -> u64| {
            self.rows.entries().map(|(_, row)| count(row)).sum::<u64>() * self.rows.weight()
        };
        Repeats { repeated: sum(|row| row.count - 1), contrary: sum(|row| row.contrary), exact: self.rows.is_exact() }
    }

    /// How many of these rows, repeated ones counted each time, are among those of another file; and whether the number
    /// is exact.
    pub fn found_in(&self, other: &RowHashes) -> (u64, bool) {
        let weight = self.rows.weight().max(other.rows.weight());
        let shared = self.rows.entries().filter(|(hash, _)| hash.trailing_zeros() >= weight.trailing_zeros());
        let count: u64 = shared.filter(|(hash, _)| other.rows.get(*hash).is_some()).map(|(_, row)| row.count).sum();
        (count * weight, weight == 1)
    }
}

fn cell_hash(cell: &source::Cell) -> u64 {
    match cell {
        source::Cell::Image(picture) => hash_of(&picture.pixels),
        source::Cell::Numbers(numbers) => {
            numbers.iter().fold(1, |state, number| chained(state, u64::from(number.to_bits())))
        }
        source::Cell::Texts(texts) => texts.iter().fold(2, |state, text| chained(state, hash_of(text.as_bytes()))),
        source::Cell::Missing | source::Cell::Text(_) | source::Cell::Number(_) => {
            Value::of(cell, cell.as_number().ok()).key()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn hashes(folder: &Path, name: &str, text: &str) -> RowHashes {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        repeats(&path, &SourceOptions::default(), &[0, 1], &[2]).unwrap()
    }

    #[test]
    fn repeated_rows_and_contrary_answers_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let rows = hashes(folder.path(), "a.csv", "a,b,y,id\n1,x,0,1\n1.0,x,0,2\n1,x,1,3\n2,x,1,4\nbad\n");
        assert_eq!(rows.repeats(), Repeats { repeated: 2, contrary: 1, exact: true });
    }

    #[test]
    fn rows_of_one_file_are_found_in_another() {
        let folder = tempfile::tempdir().unwrap();
        let training = hashes(folder.path(), "a.csv", "a,b,y\n1,x,0\n2,x,0\n3,,1\n");
        let test = hashes(folder.path(), "b.csv", "a,b,y\n1,x,1\n1,x,0\n3,,1\n4,x,0\n");
        assert_eq!(test.found_in(&training), (3, true));
    }
}
