//! What the figures of all sections are made of.
//!
//! Numbers are finite: what is not defined is none, since JSON has no way to write it. A number that is not finite all the
//! same is left out of drawings and shown as a dash.

use serde::{Deserialize, Serialize};

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    #[default]
    Higher,
    Lower,
}

/// What a number counts, which decides how it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// With four significant digits.
    #[default]
    Plain,
    /// From 0 to 1, written in per cent.
    Share,
    /// Whole, with its digits in groups of three.
    Count,
    Bytes,
    Microseconds,
}

/// A measured figure: its value, its interval and the rows that it was measured on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// None if the figure is not defined, such as a precision without answers.
    pub value: Option<f64>,
    /// The lower and the upper end; none for an exact figure.
    pub interval: Option<[f64; 2]>,
    /// None for a figure that no data decides.
    pub rows: Option<u64>,
}

impl Estimate {
    /// A figure measured on rows. A value that is not finite counts as not defined, and so does an interval with such an end.
    pub fn measured(value: f64, interval: Option<[f64; 2]>, rows: u64) -> Estimate {
        let interval = interval.filter(|[low, high]| low.is_finite() && high.is_finite());
        Estimate { value: finite(value), interval, rows: Some(rows) }
    }

    /// A figure without an interval, such as a size.
    pub fn exact(value: f64) -> Estimate {
        Estimate { value: finite(value), interval: None, rows: None }
    }

    /// The value and both ends, as far as they are there.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = f64> {
        self.value.into_iter().chain(self.interval.into_iter().flatten()).filter(|number| number.is_finite())
    }
}

/// The number, or none if it is not finite.
pub fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// Counts of numbers between edges. Bin k holds what is at least `edges[k]` and less than `edges[k + 1]`; the last bin also
/// holds its upper edge.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// Ascending; one more than the counts.
    pub edges: Vec<f64>,
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Counts numbers in `bins` bins of equal width from the least number to the greatest. Numbers that are not finite are
    /// not counted. Without numbers there are no bins.
    pub fn of(numbers: &[f64], bins: usize) -> Histogram {
        match extent(numbers.iter().copied()) {
            Some([low, high]) if low < high => Histogram::between(numbers, low, high, bins),
            Some([low, _]) => {
                let count = numbers.iter().filter(|number| number.is_finite()).count();
                Histogram { edges: vec![low - 0.5, low + 0.5], counts: vec![count as u64] }
            }
            None => Histogram::default(),
        }
    }

    /// Counts the numbers from `low` to `high` in `bins` bins of equal width; others are not counted.
    ///
    /// # Panics
    /// If `low` is not below `high`, or there is no bin.
    pub fn between(numbers: &[f64], low: f64, high: f64, bins: usize) -> Histogram {
        assert!(low < high && bins > 0, "a histogram has a range and bins");
        let edges: Vec<f64> = (0..=bins).map(|bin| edge(low, high, bin, bins)).collect();
        let mut counts = vec![0; bins];
        for number in numbers.iter().filter(|number| (low..=high).contains(number)) {
            counts[bin_of(*number, low, high, bins)] += 1;
        }
        Histogram { edges, counts }
    }

    /// Whether there is one more edge than counts, and something to draw.
    pub(crate) fn is_sound(&self) -> bool {
        !self.counts.is_empty() && self.edges.len() == self.counts.len() + 1 && self.edges.iter().all(|e| e.is_finite())
    }
}

/// The edge below bin `bin` of `bins`.
pub(crate) fn edge(low: f64, high: f64, bin: usize, bins: usize) -> f64 {
    if bin == bins { high } else { low + (high - low) * bin as f64 / bins as f64 }
}

/// The bin of a number from `low` to `high`.
pub(crate) fn bin_of(number: f64, low: f64, high: f64, bins: usize) -> usize {
    // The cast takes what is below 0 to 0.
    (((number - low) / (high - low) * bins as f64) as usize).min(bins - 1)
}

/// The least and the greatest of the finite numbers.
pub(crate) fn extent(numbers: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    numbers.into_iter().filter(|number| number.is_finite()).fold(None, |extent, number| match extent {
        None => Some([number, number]),
        Some([low, high]) => Some([low.min(number), high.max(number)]),
    })
}

/// The value below which a share of the rows lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantile {
    /// From 0 to 1; 0.5 is the median.
    pub share: f64,
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_each_number_once() {
        let histogram = Histogram::of(&[0.0, 1.0, 2.0, 3.0, 4.0, f64::NAN], 4);
        assert_eq!(histogram, Histogram { edges: vec![0.0, 1.0, 2.0, 3.0, 4.0], counts: vec![1, 1, 1, 2] });
    }

    #[test]
    fn a_histogram_of_one_value_has_one_bin_and_of_none_has_none() {
        assert_eq!(Histogram::of(&[7.0, 7.0], 9), Histogram { edges: vec![6.5, 7.5], counts: vec![2] });
        assert_eq!(Histogram::of(&[f64::NAN], 9), Histogram::default());
    }

    #[test]
    fn what_is_not_finite_is_not_defined() {
        let estimate = Estimate::measured(f64::NAN, Some([0.0, f64::INFINITY]), 3);
        assert_eq!(estimate, Estimate { value: None, interval: None, rows: Some(3) });
    }
}
