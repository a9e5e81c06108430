//! Growing one decision tree over binned columns: the leaf whose best split gains most is split next.
//!
//! The same growth serves the single tree and the trees of boosting; they differ in what is counted in a bin and what a
//! split is worth, a [`Criterion`]. Where rows lack a value, both sides are tried for them. Categories are ordered by
//! what was counted of them and then split like numbers, which for one output finds the best of all subsets (Fisher, "On
//! grouping for maximum homogeneity", JASA 1958).

use std::ops::Range;

use crate::bins::{Binning, Codes, MISSING};

/// What is counted of rows, and what a group of rows is worth. A *cell* holds the counts of one group, and its first
/// number is how many rows there are.
pub(crate) trait Criterion {
    /// Numbers in a cell.
    fn width(&self) -> usize;
    fn add(&self, row: usize, cell: &mut [f64]);
    /// How well one prediction fits the group; a split gains what its sides are worth more than both together.
    fn worth(&self, cell: &[f64]) -> f64;
    /// Where a category stands among the others of the group `all`.
    fn rank(&self, cell: &[f64], all: &[f64]) -> f64;
    /// Whether a group is large enough to be a leaf.
    fn suffices(&self, cell: &[f64]) -> bool;
}

/// A tree of splits. A leaf is known by its index.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// Children stand behind their parents. Empty if the only leaf is the root.
    pub splits: Vec<Split>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Split {
    pub column: usize,
    pub test: Test,
    pub missing_left: bool,
    pub left: Child,
    pub right: Child,
}

/// What leads to the left.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// A bin that is not greater.
    AtMost(u8),
    /// One of these bins: bit b of word w stands for bin 64·w + b.
    OneOf([u64; 4]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Child {
    Split(u32),
    Leaf(u32),
}

impl Tree {
    /// The leaf that a row with these bins belongs to.
    pub fn leaf(&self, codes: &[u8]) -> usize {
        let mut at = if self.splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) };
        loop {
            match at {
                Child::Leaf(leaf) => return leaf as usize,
                Child::Split(split) => {
                    let split = &self.splits[split as usize];
                    at = if split.goes_left(codes[split.column]) { split.left } else { split.right };
                }
            }
        }
    }

    /// Numbers that the splits take: the column with the side of missing values, the threshold or eight words for a set
    /// of categories, and both children.
    pub fn stored_numbers(&self) -> usize {
        let one = |split: &Split| match split.test {
            Test::AtMost(_) => 4,
            Test::OneOf(_) => 3 + 8,
        };
        self.splits.iter().map(one).sum()
    }
}

impl Split {
    #[inline(always)]
    pub fn goes_left(&self, code: u8) -> bool {
        match self.test {
            _ if code == MISSING => self.missing_left,
            Test::AtMost(bin) => code <= bin,
            Test::OneOf(bins) => bins[usize::from(code) / 64] >> (code % 64) & 1 == 1,
        }
    }
}

/// A leaf that was grown: its rows are `rows[start..end]` of those that growing returns.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub start: usize,
    pub end: usize,
    pub cell: Vec<f64>,
    /// Where it hangs: a split and whether on its left. None for the root.
    parent: Option<(usize, bool)>,
    best: Option<Candidate>,
    histogram: Histogram,
}

/// A cell for every bin of every column that may be split by, one column after the other.
type Histogram = Vec<f64>;

#[derive(Clone, Debug)]
struct Candidate {
    gain: f64,
    column: usize,
    test: Test,
    missing_left: bool,
}

/// Grows a tree of at most `leaves_max` leaves over all rows, split by some columns. Returns it with its leaves and the
/// rows that each holds.
pub(crate) fn grow(
    binning: &Binning,
    codes: &Codes,
    columns: &[u32],
    criterion: &impl Criterion,
    leaves_max: usize,
) -> (Tree, Vec<Leaf>, Vec<u32>) {
    grow_within(binning, codes, columns, criterion, leaves_max, KEPT_MAX)
}

/// Numbers in the histograms of all leaves, above which they are counted anew instead of being kept: 32 MiB.
const KEPT_MAX: usize = 1 << 22;

fn grow_within(
    binning: &Binning,
    codes: &Codes,
    columns: &[u32],
    criterion: &impl Criterion,
    leaves_max: usize,
    kept_max: usize,
) -> (Tree, Vec<Leaf>, Vec<u32>) {
    let mut places = Vec::with_capacity(columns.len());
    let mut numbers = 0;
    for column in columns {
        let end = numbers + binning.columns()[*column as usize].count() * criterion.width();
        places.push((*column as usize, numbers..end));
        numbers = end;
    }
    let kept = leaves_max * numbers <= kept_max;
    let growth = Growth { binning, codes, criterion, places, numbers };
    let mut rows: Vec<u32> = (0..codes.rows as u32).collect();
    let mut scratch = Vec::with_capacity(codes.rows);
    let mut splits: Vec<Split> = Vec::new();
    let mut leaves = vec![growth.leaf(&rows, 0, codes.rows, None, growth.count(&rows))];
    while leaves.len() < leaves_max {
        let gain = |leaf: &Leaf| leaf.best.as_ref().map_or(0.0, |best| best.gain);
        let chosen = (0..leaves.len()).fold(0, |best, k| if gain(&leaves[k]) > gain(&leaves[best]) { k } else { best });
        let Some(best) = leaves[chosen].best.take() else { break };
        let Leaf { start, end, parent, .. } = leaves[chosen];
        let histogram = std::mem::take(&mut leaves[chosen].histogram);

        let index = splits.len();
        if let Some((parent, left)) = parent {
            let side = if left { &mut splits[parent].left } else { &mut splits[parent].right };
            *side = Child::Split(index as u32);
        }
        let Candidate { column, test, missing_left, .. } = best;
        let (left, right) = (Child::Leaf(chosen as u32), Child::Leaf(leaves.len() as u32));
        let split = Split { column, test, missing_left, left, right };
        let middle = start + divide(&mut rows[start..end], &mut scratch, &split, codes);
        splits.push(split);

        let left_is_smaller = 2 * (middle - start) <= end - start;
        let (smaller, larger) = match left_is_smaller {
            true => (&rows[start..middle], &rows[middle..end]),
            false => (&rows[middle..end], &rows[start..middle]),
        };
        let smaller = growth.count(smaller);
        let larger = if kept { difference(histogram, &smaller) } else { growth.count(larger) };
        let (left, right) = if left_is_smaller { (smaller, larger) } else { (larger, smaller) };
        leaves[chosen] = growth.leaf(&rows, start, middle, Some((index, true)), left);
        leaves.push(growth.leaf(&rows, middle, end, Some((index, false)), right));
        if !kept {
            leaves.iter_mut().for_each(|leaf| leaf.histogram = Vec::new());
        }
    }
    (Tree { splits }, leaves, rows)
}

/// Brings the rows that go left before the others, each in their order. Returns how many they are.
fn divide(rows: &mut [u32], scratch: &mut Vec<u32>, split: &Split, codes: &Codes) -> usize {
    let column = codes.column(split.column);
    scratch.clear();
    let mut left = 0;
    for k in 0..rows.len() {
        let row = rows[k];
        if split.goes_left(column[row as usize]) {
            rows[left] = row;
            left += 1;
        } else {
            scratch.push(row);
        }
    }
    rows[left..].copy_from_slice(scratch);
    left
}

/// What all leaves of a tree share.
struct Growth<'a, C> {
    binning: &'a Binning,
    codes: &'a Codes,
    criterion: &'a C,
    /// The columns that may be split by, and where each stands in a histogram.
    places: Vec<(usize, Range<usize>)>,
    /// Numbers in a histogram.
    numbers: usize,
}

impl<C: Criterion> Growth<'_, C> {
    fn count(&self, rows: &[u32]) -> Histogram {
        let mut histogram = vec![0.0; self.numbers];
        for (column, place) in &self.places {
            count(self.criterion, rows, self.codes.column(*column), &mut histogram[place.clone()]);
        }
        histogram
    }

    /// A leaf over some rows, with its best split.
    fn leaf(
        &self,
        rows: &[u32],
        start: usize,
        end: usize,
        parent: Option<(usize, bool)>,
        histogram: Histogram,
    ) -> Leaf {
        let mut cell = vec![0.0; self.criterion.width()];
        rows[start..end].iter().for_each(|row| self.criterion.add(*row as usize, &mut cell));
        let mut best: Option<Candidate> = None;
        for (column, place) in &self.places {
            let least = best.as_ref().map_or(0.0, |best| best.gain);
            best = self.best_of_column(*column, &histogram[place.clone()], &cell, least).or(best);
        }
        Leaf { start, end, cell, parent, best, histogram }
    }

    /// The best split by a column, if it gains more than `least`.
    fn best_of_column(&self, column: usize, histogram: &[f64], all: &[f64], least: f64) -> Option<Candidate> {
        let bins = &self.binning.columns()[column];
        let width = self.criterion.width();
        let cell = |bin: u8| &histogram[usize::from(bin) * width..][..width];
        let mut order: Vec<u8> = (1..bins.count() as u8).collect();
        if !bins.is_ordered() {
            let rank = |bin: &u8| self.criterion.rank(cell(*bin), all);
            order.retain(|bin| cell(*bin)[0] > 0.0);
            order.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
        }
        let some_missing = cell(MISSING)[0] > 0.0;
        let right_missing = best_place(self.criterion, histogram, &order, all, false, least);
        let least = right_missing.map_or(least, |(gain, ..)| gain);
        let left_missing = match some_missing {
            true => best_place(self.criterion, histogram, &order, all, true, least),
            false => None,
        };
        let missing_is_left = left_missing.is_some();
        let (gain, place, left_rows) = left_missing.or(right_missing)?;

        let test = match bins.is_ordered() {
            true => Test::AtMost(order[place]),
            false => {
                let mut set = [0; 4];
                order[..=place].iter().for_each(|bin| set[usize::from(*bin) / 64] |= 1 << (bin % 64));
                Test::OneOf(set)
            }
        };
        // Where no row lacks a value, a later one that does goes with most rows.
        let missing_left = if some_missing { missing_is_left } else { 2.0 * left_rows >= all[0] };
        Some(Candidate { gain, column, test, missing_left })
    }
}

/// Adds each row to the cell of its bin.
fn count(criterion: &impl Criterion, rows: &[u32], codes: &[u8], histogram: &mut [f64]) {
    let width = criterion.width();
    for row in rows {
        let at = usize::from(codes[*row as usize]) * width;
        criterion.add(*row as usize, &mut histogram[at..at + width]);
    }
}

/// What is left of a histogram when some of its rows are taken away.
fn difference(mut all: Histogram, some: &[f64]) -> Histogram {
    all.iter_mut().zip(some).for_each(|(all, some)| *all -= some);
    all
}

/// The place in the order of bins after which a split gains most, and more than `least`: its gain, the place, and the
/// rows on the left.
fn best_place(
    criterion: &impl Criterion,
    histogram: &[f64],
    order: &[u8],
    all: &[f64],
    missing_left: bool,
    least: f64,
) -> Option<(f64, usize, f64)> {
    let width = criterion.width();
    let all = &all[..width];
    let cell = |bin: u8| &histogram[usize::from(bin) * width..][..width];
    let mut left = if missing_left { cell(MISSING).to_vec() } else { vec![0.0; width] };
    let mut right = vec![0.0; width];
    let (left, right) = (&mut left[..width], &mut right[..width]);
    let together = criterion.worth(all);
    let mut best = None;
    let mut most = least;
    for (place, bin) in order.iter().enumerate() {
        let cell = cell(*bin);
        if cell[0] == 0.0 {
            continue;
        }
        for k in 0..width {
            left[k] += cell[k];
            right[k] = all[k] - left[k];
        }
        if !criterion.suffices(left) || !criterion.suffices(right) {
            continue;
        }
        let apart = criterion.worth(left) + criterion.worth(right);
        // A gain below the second term is rounding.
        let gain = apart - together - 1e-12 * apart.abs();
        if gain > most {
            most = gain;
            best = Some((gain, place, left[0]));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bins::BINS_MAX;
    use crate::problem::Kind;
    use crate::table::Table;

    /// Cells are (rows, rows that are set).
    struct Share(Vec<bool>);

    impl Criterion for Share {
        fn width(&self) -> usize {
            2
        }

        fn add(&self, row: usize, cell: &mut [f64]) {
            cell[0] += 1.0;
            cell[1] += f64::from(u8::from(self.0[row]));
        }

        fn worth(&self, cell: &[f64]) -> f64 {
            cell[1] * cell[1] / cell[0]
        }

        fn rank(&self, cell: &[f64], _: &[f64]) -> f64 {
            cell[1] / cell[0]
        }

        fn suffices(&self, cell: &[f64]) -> bool {
            cell[0] >= 3.0
        }
    }

    /// Three columns, in which numbers are missing and categories have nothing to do with their order.
    fn grown(kept_max: usize) -> (Tree, Vec<Leaf>, Vec<u32>, Table, Binning) {
        let word = |row: usize, column: usize| (row * 37 + 11 * column * row + row * row / 7) % 50;
        let values = |row: usize| {
            let missing = row % 9 == 4;
            [if missing { f32::NAN } else { word(row, 0) as f32 }, (word(row, 1) % 6) as f32, word(row, 2) as f32]
        };
        let table = Table::of(
            vec![Kind::Numeric, Kind::Category { count: 6 }, Kind::Numeric],
            (0..500).flat_map(values).collect(),
        );
        let is_set = |row: usize| {
            let [number, category, other] = values(row);
            (number > 20.0 || number.is_nan()) != (category == 1.0 || category == 4.0) || other > 45.0
        };
        let binning = Binning::new(&table, BINS_MAX);
        let codes = binning.codes(&table);
        let criterion = Share((0..500).map(is_set).collect());
        let (tree, leaves, rows) = grow_within(&binning, &codes, &[0, 1, 2], &criterion, 12, kept_max);
        (tree, leaves, rows, table, binning)
    }

    #[test]
    fn histograms_that_are_kept_give_the_tree_of_those_that_are_not() {
        let (kept, anew) = (grown(usize::MAX), grown(0));
        assert_eq!(kept.0.splits, anew.0.splits);
        assert_eq!(kept.2, anew.2);
        assert!(kept.1.len() > 6);
    }

    #[test]
    fn every_row_is_in_the_leaf_that_it_is_led_to() {
        let (tree, leaves, rows, table, binning) = grown(usize::MAX);
        let mut seen = rows.clone();
        seen.sort_unstable();
        assert!(seen.iter().copied().eq(0..500));
        let mut codes = [0; 3];
        for (index, leaf) in leaves.iter().enumerate() {
            assert_eq!(leaf.cell[0], (leaf.end - leaf.start) as f64);
            for row in &rows[leaf.start..leaf.end] {
                binning.row(table.row(*row as usize), &mut codes);
                assert_eq!(tree.leaf(&codes), index);
            }
        }
    }

    #[test]
    fn what_decides_the_outcome_is_found() {
        let (_, leaves, ..) = grown(usize::MAX);
        let pure = |leaf: &&Leaf| leaf.cell[1] == 0.0 || leaf.cell[1] == leaf.cell[0];
        let rows_in_pure: f64 = leaves.iter().filter(pure).map(|leaf| leaf.cell[0]).sum();
        assert!(rows_in_pure > 450.0, "{rows_in_pure}");
    }
}
