//! Columns cut into at most 255 bins, so that a tree looks at so many places of a column however many rows there are.

use crate::problem::Kind;
use crate::table::Table;

/// Bins that a column can have: that of missing values and those of values.
pub(crate) const BINS_MAX: usize = 255;

/// The bin of missing values, of unknown categories and of the less frequent ones if there are too many.
pub(crate) const MISSING: u8 = 0;

/// How the values of each column fall into bins.
#[derive(Clone, Debug)]
pub(crate) struct Binning {
    columns: Vec<ColumnBins>,
}

#[derive(Clone, Debug)]
pub(crate) enum ColumnBins {
    /// A number is in the bin whose index is 1 more than how many of these it is greater than. Ascending.
    Numbers(Vec<f32>),
    /// The bin of each category.
    Categories(Vec<u8>),
}

/// The bins of rows: (columns, rows), column by column.
#[derive(Clone, Debug)]
pub(crate) struct Codes {
    pub rows: usize,
    codes: Vec<u8>,
}

impl Codes {
    pub fn column(&self, column: usize) -> &[u8] {
        &self.codes[column * self.rows..][..self.rows]
    }
}

impl Binning {
    /// With at most `bins_max` bins a column, which is at most [`BINS_MAX`].
    pub fn new(table: &Table, bins_max: usize) -> Binning {
        let values_max = bins_max.min(BINS_MAX) - 1;
        let column = |(column, kind): (usize, &Kind)| match *kind {
            Kind::Numeric => {
                let values = table.column(column).filter(|value| !value.is_nan()).collect();
                ColumnBins::Numbers(edges(values, values_max))
            }
            Kind::Category { count } => ColumnBins::Categories(most_frequent(table, column, count, values_max)),
        };
        Binning { columns: table.kinds.iter().enumerate().map(column).collect() }
    }

    pub fn columns(&self) -> &[ColumnBins] {
        &self.columns
    }

    pub fn codes(&self, table: &Table) -> Codes {
        let code = |column: usize| table.column(column).map(move |value| self.columns[column].code(value));
        Codes { rows: table.rows, codes: (0..self.columns.len()).flat_map(code).collect() }
    }

    /// The bins of one row.
    pub fn row(&self, row: &[f32], codes: &mut [u8]) {
        for ((code, bins), value) in codes.iter_mut().zip(&self.columns).zip(row) {
            *code = bins.code(*value);
        }
    }

    /// Numbers that telling the bins of one column takes; four bins of categories make one.
    pub fn stored_numbers(&self, column: usize) -> usize {
        match &self.columns[column] {
            ColumnBins::Numbers(edges) => edges.len(),
            ColumnBins::Categories(bins) => bins.len().div_ceil(4),
        }
    }
}

impl ColumnBins {
    pub fn code(&self, value: f32) -> u8 {
        match self {
            _ if value.is_nan() => MISSING,
            ColumnBins::Numbers(edges) => 1 + edges.partition_point(|edge| *edge < value) as u8,
            ColumnBins::Categories(bins) => bins.get(value as usize).copied().unwrap_or(MISSING),
        }
    }

    /// Bins with that of missing values.
    pub fn count(&self) -> usize {
        match self {
            ColumnBins::Numbers(edges) => edges.len() + 2,
            ColumnBins::Categories(bins) => 1 + bins.iter().filter(|bin| **bin != MISSING).count(),
        }
    }

    pub fn is_ordered(&self) -> bool {
        matches!(self, ColumnBins::Numbers(_))
    }
}

/// The places between bins: half-way between neighbouring values if these are few, else so that the bins have about
/// equally many rows.
fn edges(mut values: Vec<f32>, bins: usize) -> Vec<f32> {
    // The total order has −0 before +0, which are one value.
    values.iter_mut().for_each(|value| *value += 0.0);
    values.sort_unstable_by(f32::total_cmp);
    let mut distinct = values.clone();
    distinct.dedup();
    if distinct.len() <= bins {
        return distinct.windows(2).map(|pair| between(pair[0], pair[1])).collect();
    }
    let mut edges: Vec<f32> = Vec::with_capacity(bins);
    for bin in 1..bins {
        let value = values[bin * values.len() / bins];
        // Below the first row of its value, so that rows of one value share a bin.
        let first = distinct.partition_point(|other| *other < value);
        if first > 0 {
            let edge = between(distinct[first - 1], value);
            if edges.last().is_none_or(|last| *last < edge) {
                edges.push(edge);
            }
        }
    }
    edges
}

/// A number e with low ≤ e < high, half-way if there is one.
fn between(low: f32, high: f32) -> f32 {
    let middle = ((f64::from(low) + f64::from(high)) / 2.0) as f32;
    if middle < high { middle } else { low }
}

/// Bins for the categories with the most rows; of equally frequent ones the first.
fn most_frequent(table: &Table, column: usize, count: usize, bins_max: usize) -> Vec<u8> {
    let kind = table.kinds[column];
    let mut rows = vec![0u32; count];
    table.column(column).filter_map(|value| kind.category(value)).for_each(|category| rows[category] += 1);
    let mut order: Vec<usize> = (0..count).filter(|category| rows[*category] > 0).collect();
    order.sort_by_key(|category| std::cmp::Reverse(rows[*category]));
    let mut bins = vec![MISSING; count];
    for (bin, category) in order.into_iter().take(bins_max).enumerate() {
        bins[category] = 1 + bin as u8;
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(kind: Kind, values: &[f32]) -> Table {
        Table::of(vec![kind], values.to_vec())
    }

    #[test]
    fn few_values_have_a_bin_each_with_edges_half_way() {
        let binning = Binning::new(&table(Kind::Numeric, &[2.0, 1.0, -0.0, 0.0, f32::NAN, 1.0]), BINS_MAX);
        let ColumnBins::Numbers(edges) = &binning.columns[0] else { panic!("numbers have edges") };
        assert_eq!(edges[..], [0.5, 1.5]);
        let codes = binning.codes(&table(Kind::Numeric, &[-9.0, 0.5, 0.6, 1.5, 1.6, 99.0, f32::NAN]));
        assert_eq!(codes.column(0), [1, 1, 2, 2, 3, 3, MISSING]);
    }

    #[test]
    fn many_values_have_bins_of_about_as_many_rows() {
        let values: Vec<f32> = (0..50_000).map(|k| (k as f32) * (k as f32)).collect();
        let table = table(Kind::Numeric, &values);
        let binning = Binning::new(&table, BINS_MAX);
        let mut rows = [0usize; 256];
        binning.codes(&table).column(0).iter().for_each(|code| rows[usize::from(*code)] += 1);
        assert_eq!(binning.columns[0].count(), BINS_MAX);
        assert!(rows[1..BINS_MAX].iter().all(|rows| rows.abs_diff(50_000 / 254) <= 2), "{rows:?}");
        assert_eq!(Binning::new(&table, 10).columns[0].count(), 10);
    }

    #[test]
    fn a_value_that_many_rows_have_is_one_bin() {
        let values: Vec<f32> = (0..10_000).map(|k| if k % 2 == 0 { 7.0 } else { k as f32 / 100.0 }).collect();
        let binning = Binning::new(&table(Kind::Numeric, &values), BINS_MAX);
        let code = |value| binning.columns[0].code(value);
        assert!(code(6.99) < code(7.0) && code(7.0) < code(8.0));
    }

    #[test]
    fn neighbouring_floats_are_told_apart() {
        let next = f32::from_bits(1.0f32.to_bits() + 1);
        let binning = Binning::new(&table(Kind::Numeric, &[1.0, next]), BINS_MAX);
        assert_eq!([binning.columns[0].code(1.0), binning.columns[0].code(next)], [1, 2]);
    }

    #[test]
    fn rare_and_unknown_categories_count_as_missing() {
        // Category k has k rows, so of 300 the first 46 are beyond the 254 most frequent; 0 never occurs.
        let values: Vec<f32> = (0..300).flat_map(|k| vec![k as f32; k]).collect();
        let binning = Binning::new(&table(Kind::Category { count: 300 }, &values), BINS_MAX);
        let bins = &binning.columns[0];
        assert_eq!([bins.code(299.0), bins.code(46.0), bins.code(45.0)], [1, 254, MISSING]);
        assert_eq!([bins.code(0.0), bins.code(f32::NAN), bins.code(300.0)], [MISSING; 3]);
        assert_eq!(bins.count(), 255);
    }
}
