//! Means and deviations of the inputs, for standardisation.

use tacit_spec::Shape;

use crate::dataset::InputValues;

/// The mean and standard deviation of an input: one of each a channel for an image, one a value for a vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    pub mean: Vec<f64>,
    /// The root of the mean squared deviation (divided by the count, not one less).
    pub deviation: Vec<f64>,
}

impl Statistics {
    /// What to divide by after the mean is subtracted: the deviation, or 1 where all values are the same.
    pub fn divisor(&self) -> Vec<f64> {
        self.deviation.iter().map(|deviation| if *deviation > 0.0 { *deviation } else { 1.0 }).collect()
    }
}

/// The statistics of an input over some rows, which must be those of the training part alone: anything else would tell
/// the search about rows it must not see.
///
/// Two passes in f64, rows in the order given and values in the order of the row, so the bits are the same everywhere.
pub fn statistics(input: &InputValues, rows: &[usize]) -> Statistics {
    let width = input.shape.values();
    let columns = match input.shape {
        Shape::Vector(length) => length,
        Shape::Image { channels, .. } => channels,
    };
    let count = (rows.len() * (width / columns)).max(1) as f64;
    let sums = |term: &dyn Fn(usize, f64) -> f64| {
        let mut sums = vec![0.0; columns];
        for row in rows {
            for (index, value) in input.values[row * width..][..width].iter().enumerate() {
                sums[index % columns] += term(index % columns, f64::from(*value));
            }
        }
        sums
    };
    let mean: Vec<f64> = sums(&|_, value| value).into_iter().map(|sum| sum / count).collect();
    let squares = sums(&|column, value| (value - mean[column]) * (value - mean[column]));
    let deviation = squares.into_iter().map(|sum| (sum / count).sqrt()).collect();
    Statistics { mean, deviation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_have_statistics_by_value_and_only_of_the_rows_asked_for() {
        let values = vec![1.0, 5.0, 100.0, 100.0, 3.0, 5.0];
        let input = InputValues { name: "x".into(), shape: Shape::Vector(2), values };
        let statistics = statistics(&input, &[0, 2]);
        assert_eq!(statistics, Statistics { mean: vec![2.0, 5.0], deviation: vec![1.0, 0.0] });
        assert_eq!(statistics.divisor(), [1.0, 1.0]);
    }

    #[test]
    fn images_have_statistics_by_channel() {
        let shape = Shape::Image { height: 1, width: 2, channels: 2 };
        let input = InputValues { name: "x".into(), shape, values: vec![1.0, 10.0, 3.0, 10.0, 1.0, 20.0, 3.0, 20.0] };
        let statistics = statistics(&input, &[0, 1]);
        assert_eq!(statistics, Statistics { mean: vec![2.0, 15.0], deviation: vec![1.0, 5.0] });
    }

    #[test]
    fn a_large_offset_does_not_spoil_the_deviation() {
        let values = (0..1000).map(|i| 1e6 + (i % 2) as f32).collect();
        let input = InputValues { name: "x".into(), shape: Shape::Vector(1), values };
        let statistics = statistics(&input, &(0..1000).collect::<Vec<_>>());
        assert_eq!((statistics.mean[0], statistics.deviation[0]), (1e6 + 0.5, 0.5));
    }
}
