//! What a search found as a program of 8-bit integers: the ranges of values over training rows, and the program.

use tacit_data::Dataset;
use tacit_exec::Options;
use tacit_ir::Graph;
use tacit_ir::interpret::{self, Data};
use tacit_ir::passes::quantize::{Quantisation, Quantiser};
use tacit_ir::passes::{simplify, verify};
use tacit_spec::Calibration;

use crate::container::{Tensor, Values};
use crate::error::Result;
use crate::evaluate::Evaluator;
use crate::prepare::unreadable_spool;
use crate::search::EVALUATION_ROWS;

/// Training rows that ranges are taken from, at most.
pub const CALIBRATION_ROWS: usize = 1024;

/// The places that a range is divided into for choosing a narrower one; eight for each step of an i8.
const BINS: usize = 2048;
/// The share of values on each side that `percentile` leaves out.
const CUT_SHARE: f64 = 0.0001;
/// The ends that `mse` tries on each side: so many parts of the whole, from the widest down to half.
const TRIED_ENDS: usize = 32;

/// The values of an f32 program's parameters for the passes of `tacit_ir`.
pub fn param_values(weights: &[Tensor]) -> std::collections::HashMap<String, interpret::Tensor<f32>> {
    let value = |tensor: &Tensor| {
        let data = match &tensor.values {
            Values::F32(values) => Data::Float(values.clone()),
            Values::I32(values) => Data::I32(values.clone()),
            Values::I8(values) => Data::I8(values.clone()),
        };
        (tensor.name.clone(), interpret::Tensor { shape: tensor.shape.clone(), data })
    };
    weights.iter().map(value).collect()
}

/// The int8 program and its parameters, ascending by name.
///
/// # Errors
/// The codes of passes.
pub fn quantised(
    quantiser: &Quantiser,
    weights: &[Tensor],
    quantisations: &[Quantisation],
) -> Result<(Graph, Vec<Tensor>)> {
    let found = quantiser.quantize(&param_values(weights), quantisations)?;
    let graph = simplify(&found.graph)?;
    if cfg!(debug_assertions) {
        verify(&graph)?;
    }
    let tensor = |(name, tensor): (String, interpret::Tensor<f32>)| {
        let values = match tensor.data {
            Data::Float(values) => Values::F32(values),
            Data::I32(values) => Values::I32(values),
            Data::I8(values) => Values::I8(values),
            Data::Bool(_) => panic!("an int8 program has no bool parameters"),
        };
        Tensor { name, shape: tensor.shape, values }
    };
    let mut tensors: Vec<Tensor> = found.params.into_iter().map(tensor).collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((graph, tensors))
}

/// Runs the f32 program over some of the training rows and chooses a quantisation for each group of values.
///
/// # Errors
/// The codes of execution; values in a file that cannot be read.
pub fn calibrate(
    quantiser: &Quantiser,
    weights: &[Tensor],
    dataset: &Dataset,
    training: &[usize],
    calibration: Calibration,
    options: &Options,
) -> Result<Vec<Quantisation>> {
    let rows = spread_rows(training, CALIBRATION_ROWS);
    let mut observer = Evaluator::new(&quantiser.observed()?, EVALUATION_ROWS, options)?;
    observer.set_weights(weights)?;
    // The group of each output.
    let groups: Vec<usize> =
        quantiser.groups().iter().enumerate().flat_map(|(group, values)| vec![group; values.len()]).collect();
    let mut ranges = vec![[0f32; 2]; quantiser.groups().len()];
    observe(&mut observer, dataset, &rows, |output, values| {
        let [low, high] = &mut ranges[groups[output]];
        for value in values {
            *low = low.min(*value);
            *high = high.max(*value);
        }
    })?;
    if calibration == Calibration::MinMax {
        return Ok(ranges.iter().map(|[low, high]| Quantisation::of_range(*low, *high)).collect());
    }
    let mut histograms: Vec<Histogram> = ranges.into_iter().map(Histogram::new).collect();
    observe(&mut observer, dataset, &rows, |output, values| histograms[groups[output]].count(values))?;
    let narrowed = |histogram: &Histogram| match calibration {
        Calibration::MinMax => histogram.range,
        Calibration::Percentile => histogram.without_outermost(CUT_SHARE),
        Calibration::Mse => histogram.least_error(),
    };
    Ok(histograms.iter().map(narrowed).map(|[low, high]| Quantisation::of_range(low, high)).collect())
}

/// So many rows at most, evenly taken from all.
fn spread_rows(rows: &[usize], most: usize) -> Vec<usize> {
    let count = rows.len().min(most);
    (0..count).map(|k| rows[k * rows.len() / count]).collect()
}

/// Shows the values of every output of a program for some rows.
fn observe(
    observer: &mut Evaluator,
    dataset: &Dataset,
    rows: &[usize],
    mut show: impl FnMut(usize, &[f32]),
) -> Result<()> {
    let inputs: Vec<String> = observer.inputs().iter().map(|(name, _)| name.clone()).collect();
    let of = |name: &String| dataset.inputs.iter().position(|input| input.name == *name);
    let order: Vec<usize> = inputs.iter().map(|name| of(name).expect("the data has every input")).collect();
    for chunk in rows.chunks(observer.batch()) {
        observer.answer(chunk.len(), |index, out| {
            dataset.inputs[order[index]].store.gather(chunk, out).map_err(unreadable_spool)
        })?;
        for output in 0..observer.outputs().len() {
            show(output, observer.output(output, chunk.len())?);
        }
    }
    Ok(())
}

/// How often values fall into each of equal parts of a range.
struct Histogram {
    range: [f32; 2],
    counts: Vec<u64>,
}

impl Histogram {
    fn new(range: [f32; 2]) -> Histogram {
        Histogram { range, counts: vec![0; BINS] }
    }

    fn width(&self) -> f64 {
        (f64::from(self.range[1]) - f64::from(self.range[0])) / BINS as f64
    }

    fn count(&mut self, values: &[f32]) {
        let (low, width) = (f64::from(self.range[0]), self.width());
        // A range of one number has no parts.
        if width <= 0.0 {
            return;
        }
        for value in values {
            let bin = ((f64::from(*value) - low) / width) as usize;
            self.counts[bin.min(BINS - 1)] += 1;
        }
    }

    /// The range without this share of the values on each side; zero stays in it.
    fn without_outermost(&self, share: f64) -> [f32; 2] {
        let cut = self.counts.iter().sum::<u64>() as f64 * share;
        let bins_until = |counts: &mut dyn Iterator<Item = &u64>| {
            let mut sum = 0.0;
            counts
                .take_while(|count| {
                    sum += **count as f64;
                    sum <= cut
                })
                .count()
        };
        let below = bins_until(&mut self.counts.iter());
        let above = bins_until(&mut self.counts.iter().rev());
        let [low, high] = self.range.map(f64::from);
        let low = (low + below as f64 * self.width()).min(0.0);
        let high = (high - above as f64 * self.width()).max(0.0);
        [low as f32, high as f32]
    }

    /// Of ranges within the whole one that with the least sum of squared errors, rounding and cutting off together.
    fn least_error(&self) -> [f32; 2] {
        let end = |end: f32, k: usize| end * (1.0 - k as f32 / (2 * TRIED_ENDS) as f32);
        let mut best = (self.error(self.range), self.range);
        let tries = |end: f32| if end == 0.0 { 1 } else { TRIED_ENDS };
        for a in 0..tries(self.range[0]) {
            for b in 0..tries(self.range[1]) {
                let range = [end(self.range[0], a), end(self.range[1], b)];
                let error = self.error(range);
                if error < best.0 {
                    best = (error, range);
                }
            }
        }
        best.1
    }

    fn error(&self, [low, high]: [f32; 2]) -> f64 {
        let quantisation = Quantisation::of_range(low, high);
        let [lowest, greatest] = quantisation.range().map(f64::from);
        let scale = f64::from(quantisation.scale);
        let (start, width) = (f64::from(self.range[0]), self.width());
        let of_bin = |(bin, count): (usize, &u64)| {
            let value = start + (bin as f64 + 0.5) * width;
            let nearest = ((value / scale).round() * scale).clamp(lowest, greatest);
            *count as f64 * (value - nearest).powi(2)
        };
        self.counts.iter().enumerate().map(of_bin).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand numbers evenly in −1 … 1, and one far out.
    fn with_outlier() -> Histogram {
        let mut values: Vec<f32> = (0..20_000).map(|k| k as f32 / 10_000.0 - 1.0).collect();
        values.push(40.0);
        let mut histogram = Histogram::new([-1.0, 40.0]);
        histogram.count(&values);
        histogram
    }

    #[test]
    fn an_outlier_is_left_out_by_shares_and_weighed_by_errors() {
        let histogram = with_outlier();
        let [low, high] = histogram.without_outermost(0.001);
        assert!((-1.0..-0.9).contains(&low) && (0.9..1.1).contains(&high), "{low} {high}");
        let [low, high] = histogram.least_error();
        // One number cut off by 0.6 costs less than all others rounded more coarsely.
        assert!(histogram.error([low, high]) < histogram.error([-1.0, 40.0]));
        assert!(high < 40.0 && low <= -0.5, "{low} {high}");
    }

    #[test]
    fn numbers_without_outliers_keep_their_range() {
        let values: Vec<f32> = (0..=10_000).map(|k| k as f32 / 1000.0).collect();
        let mut histogram = Histogram::new([0.0, 10.0]);
        histogram.count(&values);
        let [low, high] = histogram.least_error();
        assert!(low == 0.0 && high > 9.5, "{low} {high}");
        let nothing = Histogram::new([0.0, 0.0]);
        assert_eq!(nothing.least_error(), [0.0, 0.0]);
        assert_eq!(nothing.without_outermost(0.1), [0.0, 0.0]);
    }

    #[test]
    fn calibration_rows_come_from_all_parts_of_the_training_rows() {
        let rows: Vec<usize> = (0..1000).collect();
        assert_eq!(spread_rows(&rows, 4), [0, 250, 500, 750]);
        assert_eq!(spread_rows(&rows[..3], 4), [0, 1, 2]);
        assert!(spread_rows(&[], 4).is_empty());
    }
}
