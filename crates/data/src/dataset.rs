//! Examples in memory, by column: what goes in, what must come out, and which rows the requirements are about.

use tacit_spec::Shape;

/// All rows of a data file, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The file's name, for messages.
    pub file: String,
    /// The BLAKE3 hash of the file's bytes, in hexadecimal.
    pub hash: String,
    /// The number of rows.
    pub rows: usize,
    /// The line, from 1, at which each row begins in the file.
    pub lines: Vec<u64>,
    /// In the order of the specification.
    pub inputs: Vec<InputValues>,
    /// In the order of the specification.
    pub targets: Vec<Target>,
    /// For each requirement of the specification: which rows it is about.
    pub requirement_rows: Vec<RequirementRows>,
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

/// The raw values of one input.
#[derive(Clone, Debug, PartialEq)]
pub struct InputValues {
    pub name: String,
    /// The shape of one row's values.
    pub shape: Shape,
    /// (rows, values of the shape), channels last.
    pub values: Vec<f32>,
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
    /// (rows).
    Number(Vec<f32>),
}

/// The greatest number of groups that a `gap` compares.
pub const GROUPS_MAX: usize = 256;

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

/// Copies rows of `width` values each into `out` (rows.len(), width).
pub fn gather<T: Copy>(values: &[T], width: usize, rows: &[usize], out: &mut [T]) {
    assert_eq!(out.len(), rows.len() * width, "room for every value");
    for (row, out) in rows.iter().zip(out.chunks_exact_mut(width)) {
        out.copy_from_slice(&values[row * width..][..width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_requirement_are_selected_with_their_groups() {
        let groups = Groups { labels: vec!["a".into(), "b".into()], ids: vec![0, 1, 1, 0] };
        let all = RequirementRows { selected: Some(vec![true, false, true, true]), groups: Some(groups) };
        let some = all.select(&[3, 2, 1]);
        assert_eq!(some.selected, Some(vec![true, true, false]));
        assert_eq!(some.places(3), [0, 1]);
        assert_eq!(some.groups.unwrap().rows(), [vec![0], vec![1, 2]]);
        assert_eq!(RequirementRows::default().places(2), [0, 1]);
    }

    #[test]
    fn gathering_copies_rows_in_the_order_asked_for() {
        let mut out = [0; 6];
        gather(&[0, 1, 10, 11, 20, 21], 2, &[2, 0, 2], &mut out);
        assert_eq!(out, [20, 21, 0, 1, 20, 21]);
    }
}
