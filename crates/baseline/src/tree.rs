//! One small decision tree that a person can read (Breiman, Friedman, Olshen and Stone, Classification and Regression
//! Trees, 1984): the split that lowers the impurity most, leaf by leaf, up to [`LEAVES_MAX`] leaves.
//!
//! The impurity of a group of rows is the sum of the variances of its outputs. For a number that is the squared error,
//! for classes the Gini impurity, and for several labels the sum of theirs, so one tree serves all labels. The growth is
//! that of boosting's trees (`grow.rs`); a library would do the same at the same length.

use std::fmt::Write as _;

use crate::Names;
use crate::bins::{BINS_MAX, Binning, ColumnBins};
use crate::grow::{Child, Criterion, Split, Test, Tree, grow};
use crate::table::{Columns, Table};
use crate::targets::Targets;

/// As many as fit on half a page.
pub(crate) const LEAVES_MAX: usize = 16;

/// Rows that a leaf has at least, of many.
const LEAF_ROWS_MIN: usize = 20;

#[derive(Clone, Debug)]
pub(crate) struct Decision {
    binning: Binning,
    columns: usize,
    tree: Tree,
    leaves: Vec<Answer>,
}

#[derive(Clone, Debug)]
struct Answer {
    /// Training rows that it stands for.
    rows: usize,
    prediction: Vec<f32>,
}

pub(crate) fn fit(table: &Table, targets: &Targets) -> Decision {
    let binning = Binning::new(table, BINS_MAX);
    let codes = binning.codes(table);
    let leaf_rows_min = LEAF_ROWS_MIN.min(table.rows / 20).max(1) as f64;
    let columns: Vec<u32> = (0..table.columns() as u32).collect();
    let (tree, leaves, _) = grow(&binning, &codes, &columns, &Impurity { targets, leaf_rows_min }, LEAVES_MAX);
    let frequencies = targets.frequencies();
    let answer = |cell: &[f64]| Answer {
        rows: cell[0] as usize,
        prediction: targets.smoothed(&cell[1..], cell[0], &frequencies),
    };
    let leaves = leaves.iter().map(|leaf| answer(&leaf.cell)).collect();
    Decision { binning, columns: table.columns(), tree, leaves }
}

impl Decision {
    pub fn predict(&self, table: &Table, predictions: &mut [f32]) {
        let outputs = self.leaves[0].prediction.len();
        let mut codes = vec![0; self.columns];
        for (row, prediction) in predictions.chunks_exact_mut(outputs).enumerate() {
            self.binning.row(table.row(row), &mut codes);
            prediction.copy_from_slice(&self.leaves[self.tree.leaf(&codes)].prediction);
        }
    }

    pub fn leaves(&self) -> usize {
        self.leaves.len()
    }

    /// The splits with their thresholds in them, and the predictions.
    pub fn stored_numbers(&self) -> usize {
        self.tree.stored_numbers() + self.leaves.iter().map(|leaf| leaf.prediction.len()).sum::<usize>()
    }

    /// The tree as indented text, a line for each test and answer.
    pub fn text(&self, columns: &Columns, names: &Names) -> String {
        let mut text = String::new();
        let root = if self.tree.splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) };
        self.write(root, 0, columns, names, &mut text);
        text
    }

    fn write(&self, at: Child, depth: usize, columns: &Columns, names: &Names, text: &mut String) {
        let indent = "  ".repeat(depth);
        match at {
            Child::Leaf(leaf) => {
                let Answer { rows, prediction } = &self.leaves[leaf as usize];
                let _ = writeln!(text, "{indent}{}  ({rows} rows)", (names.answer)(prediction));
            }
            Child::Split(split) => {
                let split = &self.tree.splits[split as usize];
                let _ = writeln!(text, "{indent}if {}:", self.test(split, columns, names));
                self.write(split.left, depth + 1, columns, names, text);
                let _ = writeln!(text, "{indent}else:");
                self.write(split.right, depth + 1, columns, names, text);
            }
        }
    }

    fn test(&self, split: &Split, columns: &Columns, names: &Names) -> String {
        let name = match columns.source(split.column) {
            Some(column) => (names.column)(column),
            None => format!("block {}", split.column),
        };
        let missing = if split.missing_left { " or missing" } else { "" };
        match (&split.test, &self.binning.columns()[split.column]) {
            (Test::AtMost(bin), ColumnBins::Numbers(edges)) => match edges.get(usize::from(*bin) - 1) {
                Some(edge) => format!("{name} ≤ {edge}{missing}"),
                // All values are at most the last bin's, so only missing ones go right.
                None => format!("{name} is given"),
            },
            (Test::OneOf(set), ColumnBins::Categories(bins)) => {
                let is_left = |bin: u8| set[usize::from(bin) / 64] >> (bin % 64) & 1 == 1;
                let source = columns.source(split.column).unwrap_or(split.column);
                let left = (0..bins.len()).filter(|category| is_left(bins[*category]));
                let left: Vec<String> = left.map(|category| (names.category)(source, category)).collect();
                format!("{name} in {{{}}}{missing}", left.join(", "))
            }
            (Test::AtMost(_), ColumnBins::Categories(_)) | (Test::OneOf(_), ColumnBins::Numbers(_)) => {
                unreachable!("numbers are split by a threshold and categories by a set")
            }
        }
    }
}

/// Cells are (rows, sum of every output). The worth of a group is the squared length of its sums over its rows: what the
/// variances lack of the sum of squares.
struct Impurity<'a> {
    targets: &'a Targets,
    leaf_rows_min: f64,
}

impl Criterion for Impurity<'_> {
    fn width(&self) -> usize {
        1 + self.targets.outputs()
    }

    #[inline(always)]
    fn add(&self, row: usize, cell: &mut [f64]) {
        cell[0] += 1.0;
        self.targets.add(row, &mut cell[1..]);
    }

    fn worth(&self, cell: &[f64]) -> f64 {
        cell[1..].iter().map(|sum| sum * sum).sum::<f64>() / cell[0]
    }

    /// By the mean of the output whose sum is greatest in the group: its commonest class or label, or its number.
    fn rank(&self, cell: &[f64], all: &[f64]) -> f64 {
        let greatest = (1..all.len()).fold(1, |best, k| if all[k] > all[best] { k } else { best });
        cell[greatest] / cell[0]
    }

    fn suffices(&self, cell: &[f64]) -> bool {
        cell[0] >= self.leaf_rows_min
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Kind, Task};
    use crate::vectors::{Vectors, numbers};

    #[test]
    fn predictions_are_those_of_scikit_learn() {
        let vectors = Vectors::read(include_str!("../tests/vectors/tree.json"));
        let table = |name: &str| {
            let values = numbers(&vectors, name).iter().map(|value| *value as f32).collect();
            Table::of(vec![Kind::Numeric; 3], values)
        };
        let number: Vec<f32> = numbers(&vectors, "number").iter().map(|number| *number as f32).collect();
        let three: Vec<i32> = numbers(&vectors, "three").iter().map(|id| *id as i32).collect();
        let tasks = [
            (Task::Number { training: &number }, "number_predictions"),
            (Task::Category { classes: 3, training: &three }, "three_predictions"),
        ];
        for (task, expected) in tasks {
            let fitted = fit(&table("training"), &Targets::new(&task));
            let test = table("test");
            let mut predictions = vec![0.0; test.rows * task.outputs()];
            fitted.predict(&test, &mut predictions);
            for (predicted, expected) in predictions.iter().zip(numbers(&vectors, expected)) {
                assert!((f64::from(*predicted) - expected).abs() <= 1e-6, "{predicted} for {expected}");
            }
        }
    }
}
