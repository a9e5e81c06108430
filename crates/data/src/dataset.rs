//! Examples by column: what goes in, what must come out, and which rows the requirements are about.

use std::sync::Arc;

use tacit_spec::Shape;

use crate::source::{Position, RowPlace};
use crate::store::Store;

/// All rows of the data, in the order of the files.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The files, in the order in which they were read.
    pub files: Vec<DataFileSummary>,
    /// The number of rows.
    pub rows: usize,
    /// Where each row comes from.
    pub places: Vec<Location>,
    /// For each row a hash of its inputs: rows with equal inputs have equal hashes.
    pub input_hashes: Vec<u64>,
    /// In the order of the specification.
    pub inputs: Vec<InputValues>,
    /// In the order of the specification.
    pub targets: Vec<Target>,
    /// What the split goes by, beside the classes.
    pub split_keys: SplitKeys,
    /// For each requirement of the specification: which rows it is about.
    pub requirement_rows: Vec<RequirementRows>,
    /// Rows that could not be used and were set aside.
    pub rejected_rows: u64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFileSummary {
    /// Its name for messages.
    pub name: Arc<str>,
    /// The BLAKE3 hash of its bytes, in hexadecimal.
    pub hash: String,
    /// The part that its rows belong to, if it is given.
    pub part: Option<Part>,
    /// All its columns, in its order.
    pub columns: Vec<String>,
    pub rows: usize,
}

/// A part of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Training,
    Validation,
    Test,
}

/// Where a row comes from, in little memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// The file by its position in [`Dataset::files`], and where in it.
    Inside { file: u32, position: Position },
    /// A picture of its own.
    Picture(Arc<str>),
}

/// The raw values of one input, as the program takes them.
#[derive(Clone, Debug)]
pub struct InputValues {
    pub name: String,
    /// The shape of one row's values.
    pub shape: Shape,
    /// (rows, values of the shape), channels last. A missing number is NaN; a label is its position in `labels`.
    pub store: Store,
    /// The labels of a category in the order of their positions, from 1; position 0 is that of all others. The empty label
    /// stands for a missing one.
    pub labels: Vec<String>,
}

/// The right answers of one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub name: String,
    pub values: TargetValues,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TargetValues {
    /// `ids` (rows) count in `labels`: those that the specification lists, or else those of the data, numbers first in
    /// ascending order, then text by Unicode code points.
    Category { labels: Vec<String>, ids: Vec<i32> },
    /// `values` (rows, labels): whether each label holds.
    Labels { labels: Vec<String>, values: Vec<bool> },
    /// (rows).
    Number(Vec<f32>),
    /// (rows): whether each is anomalous; nothing if that is not known.
    Anomaly(Option<Vec<bool>>),
}

/// What a split goes by.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitKeys {
    /// Nothing but chance and the classes.
    None,
    /// (rows): the group that each row belongs to.
    Groups(Vec<u32>),
    /// (rows): when.
    Times(Vec<f64>),
    /// (rows): the part.
    Parts(Vec<Part>),
}

/// The rows that a requirement is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequirementRows {
    /// (rows): whether its `where` holds; none without one, when it is about all rows.
    pub selected: Option<Vec<bool>>,
    /// The groups that its `gap` compares; none without one.
    pub groups: Option<Groups>,
}

/// Rows in groups of equal values of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    /// The values: numbers first in ascending order, then text by Unicode code points. An empty one is that of the rows
    /// without a value.
    pub labels: Vec<String>,
    /// (rows): places in `labels`.
    pub ids: Vec<u32>,
}

/// The greatest number of groups that a `gap` compares.
pub const GROUPS_MAX: usize = 256;

impl Dataset {
    /// One hash of all that was read: of the files' hashes, in their order, and the parts they are for.
    pub fn hash(&self) -> String {
        if let [only] = &self.files[..] {
            return only.hash.clone();
        }
        let mut hasher = blake3::Hasher::new();
        for file in &self.files {
            let part = match file.part {
                None => "",
                Some(part) => part.name(),
            };
            for text in [file.hash.as_str(), part] {
                hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Where a row comes from.
    pub fn place(&self, row: usize) -> RowPlace {
        match &self.places[row] {
            Location::Inside { file, position } => {
                RowPlace { file: self.files[*file as usize].name.clone(), position: *position }
            }
            Location::Picture(file) => RowPlace { file: file.clone(), position: Position::Whole },
        }
    }

    /// The part of the file that a row stands in, if that file is for one part.
    pub fn given_part(&self, row: usize) -> Option<Part> {
        let mut first = 0;
        for file in &self.files {
            if row < first + file.rows {
                return file.part;
            }
            first += file.rows;
        }
        None
    }
}

impl Part {
    pub const ALL: [Part; 3] = [Part::Training, Part::Validation, Part::Test];

    pub fn name(self) -> &'static str {
        match self {
            Part::Training => "training",
            Part::Validation => "validation",
            Part::Test => "test",
        }
    }

    /// The part that a word in data means, in whatever case.
    pub fn from_word(word: &str) -> Option<Part> {
        match word.to_lowercase().as_str() {
            "training" | "train" => Some(Part::Training),
            "validation" | "valid" | "val" | "dev" => Some(Part::Validation),
            "test" | "testing" => Some(Part::Test),
            _ => None,
        }
    }
}

impl InputValues {
    /// The numbers of one row.
    pub fn width(&self) -> usize {
        self.shape.values()
    }
}

impl RequirementRows {
    /// Of some rows only, in their order.
    pub fn select(&self, rows: &[usize]) -> RequirementRows {
        let selected = self.selected.as_ref().map(|selected| rows.iter().map(|row| selected[*row]).collect());
        RequirementRows { selected, groups: self.groups.as_ref().map(|groups| groups.select(rows)) }
    }

    /// The places of the rows that are selected, of so many.
    pub fn places(&self, rows: usize) -> Vec<usize> {
        let is_selected = |row: &usize| self.selected.as_ref().is_none_or(|selected| selected[*row]);
        (0..rows).filter(is_selected).collect()
    }
}

impl Groups {
    /// Of some rows only, in their order. All labels stay.
    pub fn select(&self, rows: &[usize]) -> Groups {
        Groups { labels: self.labels.clone(), ids: rows.iter().map(|row| self.ids[*row]).collect() }
    }

    /// For each label the places of its rows, ascending.
    pub fn rows(&self) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); self.labels.len()];
        self.ids.iter().enumerate().for_each(|(row, id)| rows[*id as usize].push(row));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_requirement_are_selected_with_their_groups() {
        let groups = Groups { labels: vec!["a".into(), "b".into()], ids: vec![0, 1, 1, 0] };
        let all = RequirementRows { selected: Some(vec![true, false, true, true]), groups: Some(groups) };
        assert_eq!(all.places(4), [0, 2, 3]);
        let some = all.select(&[3, 1, 2]);
        assert_eq!(some.selected.as_deref(), Some(&[true, false, true][..]));
        assert_eq!(some.groups.unwrap().rows(), [vec![0], vec![1, 2]]);
        assert_eq!(RequirementRows::default().places(2), [0, 1]);
    }

    #[test]
    fn words_for_parts_are_understood_in_any_case() {
        assert_eq!(
            ["Train", "VAL", "test", "rest"].map(Part::from_word),
            [Some(Part::Training), Some(Part::Validation), Some(Part::Test), None]
        );
    }
}
