//! What encoders and standardisation know of the data: fitted on the training rows alone, since anything else would tell
//! the search about rows that it must not see.
//!
//! Sums are in f64 with rows in the order given, so the bits are the same everywhere.

use std::io;

use tacit_spec::{Input, InputKind, Missing, Shape};

use crate::dataset::InputValues;
use crate::read::label_order;

/// The mean and standard deviation by column: a value of a vector, or a channel of an image. Missing values do not count.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    pub mean: Vec<f64>,
    /// The root of the mean squared deviation (divided by the count, not one less).
    pub deviation: Vec<f64>,
    /// The least and the greatest value; (0, 0) if there is none.
    pub range: Vec<[f32; 2]>,
    /// How many values are missing.
    pub missing: Vec<u64>,
}

impl Statistics {
    /// What to divide by after the mean is subtracted: the deviation, or 1 where all values are the same.
    pub fn divisor(&self) -> Vec<f64> {
        self.deviation.iter().map(|deviation| if *deviation > 0.0 { *deviation } else { 1.0 }).collect()
    }
}

/// The statistics of an input over some rows.
///
/// # Errors
/// Values that are kept in a file cannot be read.
pub fn statistics(input: &InputValues, rows: &[usize]) -> io::Result<Statistics> {
    let columns = match input.shape {
        Shape::Vector(length) => length,
        Shape::Image { channels, .. } => channels,
    };
    let (mut sum, mut count) = (vec![0.0; columns], vec![0u64; columns]);
    let mut range = vec![[f32::INFINITY, f32::NEG_INFINITY]; columns];
    let mut missing = vec![0u64; columns];
    each_value(
        input,
        rows,
        |column, value| {
            if value.is_nan() {
                missing[column] += 1;
                return;
            }
            sum[column] += f64::from(value);
            count[column] += 1;
            let [low, high] = &mut range[column];
            (*low, *high) = (low.min(value), high.max(value));
        },
        columns,
    )?;
    let mean: Vec<f64> = sum.iter().zip(&count).map(|(sum, count)| sum / (*count).max(1) as f64).collect();
    let mut squares = vec![0.0; columns];
    each_value(
        input,
        rows,
        |column, value| {
            if !value.is_nan() {
                squares[column] += (f64::from(value) - mean[column]) * (f64::from(value) - mean[column]);
            }
        },
        columns,
    )?;
    let deviation = squares.iter().zip(&count).map(|(sum, count)| (sum / (*count).max(1) as f64).sqrt()).collect();
    for ([low, high], count) in range.iter_mut().zip(&count) {
        if *count == 0 {
            (*low, *high) = (0.0, 0.0);
        }
    }
    Ok(Statistics { mean, deviation, range, missing })
}

/// The values of one column that are there, ascending. Of very many rows, every n-th is taken.
///
/// # Errors
/// Values that are kept in a file cannot be read.
pub fn sorted_values(input: &InputValues, rows: &[usize], column: usize) -> io::Result<Vec<f32>> {
    let step = rows.len().div_ceil(SORTED_ROWS_MAX).max(1);
    let mut row_values = vec![0.0; input.width()];
    let mut values = Vec::with_capacity(rows.len() / step);
    for row in rows.iter().step_by(step) {
        input.store.gather(&[*row], &mut row_values)?;
        values.push(row_values[column]);
    }
    values.retain(|value| !value.is_nan());
    values.sort_by(f32::total_cmp);
    Ok(values)
}

/// The value below which a share of sorted values lies: linear between neighbours, as NumPy's default has it.
pub fn quantile(sorted: &[f32], share: f64) -> f32 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let (low, part) = (place as usize, place.fract());
    let [low, high] = [sorted[low], sorted[(low + 1).min(last)]].map(f64::from);
    (low + (high - low) * part) as f32
}

/// The edges of at most `bins` intervals of the sorted values; none if all values are the same. With few different values
/// each is an edge. With more, an interval holds an even share of them all, in which a value that occurs n times weighs
/// √n: by plain quantiles a column in which one value is very common would have hardly any intervals for the others.
pub fn bin_edges(sorted: &[f32], bins: usize) -> Vec<f32> {
    let mut distinct: Vec<(f32, f64)> = Vec::new();
    for run in sorted.chunk_by(|a, b| a == b) {
        distinct.push((run[0], (run.len() as f64).sqrt()));
    }
    if distinct.len() < 2 {
        return Vec::new();
    }
    if distinct.len() <= bins + 1 {
        return distinct.into_iter().map(|(value, _)| value).collect();
    }
    let total: f64 = distinct.iter().map(|(_, weight)| weight).sum();
    let last = distinct.len() - 1;
    let mut edges = vec![distinct[0].0];
    let (mut passed, mut bin) = (0.0, 1);
    for (value, weight) in &distinct[..last] {
        passed += weight;
        // A heavy value ends several shares at once, and is one edge all the same.
        let ended = (passed / total * bins as f64) as usize;
        if ended >= bin && *value > edges[edges.len() - 1] {
            edges.push(*value);
        }
        bin = bin.max(ended + 1);
    }
    edges.push(distinct[last].0);
    edges
}

/// The labels that a program tells apart: those that the manifest lists, or those with enough training rows, in order.
///
/// # Errors
/// Values that are kept in a file cannot be read.
pub fn vocabulary(input: &Input, values: &InputValues, rows: &[usize]) -> io::Result<Vec<String>> {
    let InputKind::Category { labels, rows_min } = &input.kind else { return Ok(Vec::new()) };
    let mut known = match labels {
        Some(labels) => labels.clone(),
        None => {
            let mut counts = vec![0u64; values.labels.len() + 1];
            each_value(values, rows, |_, value| counts[value as usize] += 1, 1)?;
            let common = values.labels.iter().zip(&counts[1..]).filter(|(_, count)| **count >= *rows_min);
            let mut labels: Vec<String> = common.map(|(label, _)| label.clone()).collect();
            labels.sort_by(|a, b| label_order(a, b));
            labels
        }
    };
    // What is missing is a label of its own where the manifest says so, and else does not occur.
    if input.missing == Missing::Label && !known.iter().any(String::is_empty) {
        known.insert(0, String::new());
    }
    Ok(known)
}

/// Lets the stored positions of labels mean those in `vocabulary`, from 1; 0 for labels that are not in it.
pub fn use_vocabulary(values: &mut InputValues, vocabulary: &[String]) {
    let position = |label: &String| vocabulary.iter().position(|known| known == label).map_or(0, |at| at + 1);
    let meaning = std::iter::once(0).chain(values.labels.iter().map(position)).map(|at| at as f32).collect();
    values.store.set_meaning(meaning);
    values.labels = vocabulary.to_vec();
}

/// Enough to place quantiles well.
pub const SORTED_ROWS_MAX: usize = 1 << 18;
/// Rows that are gathered at a time.
const CHUNK_ROWS: usize = 64;

fn each_value(
    input: &InputValues,
    rows: &[usize],
    mut visit: impl FnMut(usize, f32),
    columns: usize,
) -> io::Result<()> {
    let width = input.width();
    let mut values = vec![0.0; width * CHUNK_ROWS];
    for chunk in rows.chunks(CHUNK_ROWS) {
        let values = &mut values[..chunk.len() * width];
        input.store.gather(chunk, values)?;
        for row in values.chunks_exact(width) {
            row.iter().enumerate().for_each(|(index, value)| visit(index % columns, *value));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use tacit_spec::{Columns, Place};

    fn input(shape: Shape, values: Vec<f32>) -> InputValues {
        let store = Store::from_values(shape.values(), values);
        InputValues { name: "x".into(), shape, store, labels: vec![] }
    }

    #[test]
    fn vectors_have_statistics_by_value_only_of_the_rows_asked_for_and_without_what_is_missing() {
        let values = vec![1.0, 5.0, 100.0, 100.0, 3.0, 5.0, f32::NAN, 5.0];
        let found = statistics(&input(Shape::Vector(2), values), &[0, 2, 3]).unwrap();
        assert_eq!((found.mean.clone(), found.deviation.clone()), (vec![2.0, 5.0], vec![1.0, 0.0]));
        assert_eq!((found.range.clone(), found.missing.clone()), (vec![[1.0, 3.0], [5.0, 5.0]], vec![1, 0]));
        assert_eq!(found.divisor(), [1.0, 1.0]);
        let empty = statistics(&input(Shape::Vector(1), vec![f32::NAN]), &[0]).unwrap();
        assert_eq!((empty.mean[0], empty.deviation[0], empty.range[0]), (0.0, 0.0, [0.0, 0.0]));
    }

    #[test]
    fn images_have_statistics_by_channel() {
        let shape = Shape::Image { height: 1, width: 2, channels: 2 };
        let found = statistics(&input(shape, vec![1.0, 10.0, 3.0, 10.0, 1.0, 20.0, 3.0, 20.0]), &[0, 1]).unwrap();
        assert_eq!((found.mean, found.deviation), (vec![2.0, 15.0], vec![1.0, 5.0]));
    }

    #[test]
    fn a_large_offset_does_not_spoil_the_deviation() {
        let values = (0..1000).map(|i| 1e6 + (i % 2) as f32).collect();
        let found = statistics(&input(Shape::Vector(1), values), &(0..1000).collect::<Vec<_>>()).unwrap();
        assert_eq!((found.mean[0], found.deviation[0]), (1e6 + 0.5, 0.5));
    }

    #[test]
    fn quantiles_are_numpys() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        // numpy.quantile of the same numbers.
        assert_eq!([0.0, 0.25, 0.5, 0.9, 1.0].map(|share| quantile(&sorted, share)), [1.0, 1.75, 3.0, 6.8, 8.0]);
    }

    #[test]
    fn bins_hold_even_shares_and_a_common_value_does_not_take_them_all() {
        assert_eq!(bin_edges(&[1.0, 2.0, 4.0], 2), [1.0, 2.0, 4.0]);
        assert_eq!(bin_edges(&[0.0, 0.0, 0.0, 0.0, 1.0], 4), [0.0, 1.0]);
        assert!(bin_edges(&[3.0, 3.0], 4).is_empty() && bin_edges(&[], 4).is_empty());
        let even: Vec<f32> = (0..100).map(|value| value as f32).collect();
        assert_eq!(bin_edges(&even, 4), [0.0, 24.0, 49.0, 74.0, 99.0]);
        // A hundred zeros weigh as ten of the other values, which still have most of the bins.
        let mut skewed = vec![0.0; 100];
        skewed.extend((1..=30).map(|value| value as f32));
        let edges = bin_edges(&skewed, 8);
        assert!(edges.len() >= 7 && edges[0] == 0.0 && edges.windows(2).all(|pair| pair[0] < pair[1]), "{edges:?}");
    }

    #[test]
    fn common_labels_of_the_training_rows_are_told_apart_and_others_are_unknown() {
        let place = Columns { patterns: vec![], place: Place::Nowhere };
        let kind = InputKind::Category { labels: None, rows_min: 2 };
        let specified = Input { name: "x".into(), kind, columns: place, missing: Missing::Label };
        // The labels are c, a, nothing and 10; row 6 is not for training.
        let mut values = input(Shape::Vector(1), vec![1.0, 1.0, 2.0, 2.0, 4.0, 3.0, 4.0]);
        values.labels = ["c", "a", "", "10"].map(String::from).to_vec();
        let known = vocabulary(&specified, &values, &[0, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!(known, ["", "a", "c"]);
        use_vocabulary(&mut values, &known);
        let mut out = [0.0; 7];
        values.store.gather(&[0, 1, 2, 3, 4, 5, 6], &mut out).unwrap();
        assert_eq!(out, [3.0, 3.0, 2.0, 2.0, 0.0, 1.0, 0.0]);
    }
}
