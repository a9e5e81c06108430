//! Looking at data that nobody has described yet: one pass over the rows of a file, in bounded memory.
//!
//! Counts, extremes and means are those of all rows. Where something cannot be exact in bounded memory it says so: the
//! different values of a column are [a sample](Distinct) once there are many, and what takes whole rows is asked of [a
//! random sample of them](Sample).

use std::path::Path;

use tacit_spec::Diagnostic;

use crate::source::sniff::MISSING;
use crate::source::{self, Cell, FaultLog, Row, SourceKind, SourceOptions};

mod column;
mod distinct;
mod formats;
mod leaks;
mod repeats;
mod sample;

pub use column::{ColumnProfile, Label};
pub use distinct::{Distinct, chained, hash_of};
pub use formats::dates;
pub use leaks::{Leak, leak};
pub use repeats::{Repeats, RowHashes, repeats};
pub use sample::{Sample, Value};

/// What was seen of a file.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The file's name for messages.
    pub name: String,
    pub kind: SourceKind,
    /// The rows that could be read.
    pub rows: u64,
    /// What is wrong with the others.
    pub faults: FaultLog,
    pub columns: Vec<ColumnProfile>,
    pub sample: Sample,
    /// Tokens that stand for a missing value and are not among the options, in order.
    pub more_missing: Vec<String>,
}

/// The most different values that are kept of all columns together.
const VALUES_MAX: usize = 1 << 20;
/// The most that are kept of one column.
const COLUMN_VALUES_MAX: usize = 4096;
const COLUMN_VALUES_MIN: usize = 32;

/// Looks at all rows of a file or folder.
///
/// # Errors
/// It cannot be opened, or not be read to its end.
pub fn profile(path: &Path, options: &SourceOptions) -> Result<Profile, Vec<Diagnostic>> {
    let mut source = source::open(path, options)?;
    let names = source.columns();
    let values_max = (VALUES_MAX / names.len().max(1)).clamp(COLUMN_VALUES_MIN, COLUMN_VALUES_MAX);
    let mut profile = Profile {
        name: source.name().to_owned(),
        kind: source.kind(),
        rows: 0,
        faults: FaultLog::default(),
        columns: names.iter().map(|name| ColumnProfile::new(name, values_max)).collect(),
        sample: Sample::new(names.len()),
        more_missing: Vec::new(),
    };
    let mut row = Row::default();
    let mut values = Vec::with_capacity(profile.columns.len());
    loop {
        match source.next(&mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(fault) => {
                profile.faults.add(&fault);
                if fault.fatal {
                    return Err(profile.faults.diagnostics());
                }
                continue;
            }
        }
        profile.rows += 1;
        values.clear();
        for (cell, column) in row.cells.iter_mut().zip(&mut profile.columns) {
            let number = cell.as_number().ok();
            if number.is_none()
                && let Cell::Text(text) = &*cell
                && MISSING.contains(&text.as_str())
            {
                // The first piece of the file did not show it.
                profile.more_missing.push(text.clone());
                profile.more_missing.sort_unstable();
                profile.more_missing.dedup();
                *cell = Cell::Missing;
            }
            column.add(cell, number, row.place.position);
            values.push(Value::of(cell, number));
        }
        profile.sample.add(&values);
    }
    Ok(profile)
}

impl Profile {
    /// The position of the column with this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::source::Position;

    fn of(text: &str) -> Profile {
        let mut file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        profile(file.path(), &SourceOptions::default()).unwrap()
    }

    #[test]
    fn counts_extremes_and_means_are_those_of_all_rows() {
        let found = of("a,b\n1,x\n-2.5,y\n,x\n4,x\n");
        let [a, b] = &found.columns[..] else { panic!("there are two columns") };
        assert_eq!((found.rows, a.numbers, a.missing, a.integers, a.texts), (4, 3, 1, 2, 0));
        assert_eq!((a.least, a.greatest), (-2.5, 4.0));
        assert!((a.mean - 2.5 / 3.0).abs() < 1e-12);
        assert_eq!((a.least_at, a.greatest_at), (Position::Line(3), Position::Line(5)));
        let labels: Vec<(&str, u64)> =
            b.labels().unwrap().into_iter().map(|label| (label.text.as_str(), label.count)).collect();
        assert_eq!(labels, [("x", 3), ("y", 1)]);
        assert_eq!(b.first_text, Some((Position::Line(2), "x".to_owned())));
    }

    #[test]
    fn faults_are_counted_and_the_rest_is_read() {
        let found = of("a,b\n1,2\n3\n4,5\n");
        assert_eq!((found.rows, found.faults.count(), found.columns[1].numbers), (2, 1, 2));
    }

    #[test]
    fn equal_columns_have_equal_hashes_and_others_have_not() {
        let found = of("a,b,c,d\n1,1,1,x\n,,,\n2,2,3,y\n");
        let [a, b, c, d] = &found.columns[..] else { panic!("there are four columns") };
        assert!(a.hash == b.hash && a.hash != c.hash && a.hash != d.hash);
    }

    #[test]
    fn rows_that_are_numbered_are_seen() {
        let found = of("a,b,c\n3,1,1\n4,2,3\n5,3,2\n");
        assert_eq!(found.columns.iter().map(|column| column.counts_up).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn missing_tokens_that_the_options_do_not_know_are_found() {
        let found = of("a\n1\nNA\n2\n");
        assert_eq!((found.columns[0].missing, found.more_missing), (1, vec!["NA".to_owned()]));
    }

    #[test]
    fn dates_are_told_by_what_fails() {
        let found = of("a,b,c\n2026-11-25,31.12.2026,20261125\n2026-11-26,1.2.2027,20261126\n");
        let reads = |column: usize| -> Vec<usize> {
            let failures = &found.columns[column].date_failures;
            (0..failures.len()).filter(|index| failures[*index] == 0).collect()
        };
        assert_eq!(reads(0), [0]);
        assert_eq!(reads(1).len(), 1);
        assert_eq!(found.columns[2].day_numbers, 2);
    }
}
