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
    /// For each requirement of the specification: which rows it is about, or nothing if about all.
    pub slices: Vec<Option<Vec<bool>>>,
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
    fn gathering_copies_rows_in_the_order_asked_for() {
        let mut out = [0; 6];
        gather(&[0, 1, 10, 11, 20, 21], 2, &[2, 0, 2], &mut out);
        assert_eq!(out, [20, 21, 0, 1, 20, 21]);
    }
}
