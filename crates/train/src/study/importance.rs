//! Permutation importance (Breiman, "Random forests", 2001, section 10): how much worse the main figure becomes when the
//! values of one input are dealt out anew among the rows, so that they say nothing about the row any longer.

use tacit_data::Dataset;
use tacit_data::random::{Purpose, SplitMix64};

use crate::error::Result;
use crate::evaluate::{Evaluator, beside_truth};
use crate::metrics::value;
use crate::prepare::unreadable_spool;

use super::{main_figure, spread, worse_by};

/// How much one input matters to one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    pub input: String,
    /// The mean over the repeats of how much worse the figure became.
    pub worse_by: f64,
    /// The least and the greatest of the repeats.
    pub range: [f64; 2],
}

/// How often each input is dealt out.
pub const REPEATS: u64 = 5;
/// The rows that are looked at.
const ROWS_MAX: usize = 2000;

/// The importance of every input for the output with this number, the greatest first.
///
/// # Errors
/// Values that are kept in a file cannot be read.
pub fn importance(
    evaluator: &mut Evaluator,
    dataset: &Dataset,
    rows: &[usize],
    output: usize,
    threshold: Option<f32>,
) -> Result<Vec<Importance>> {
    let rows = spread(rows, ROWS_MAX);
    let target = &dataset.targets[output];
    let position = evaluator.outputs().iter().position(|(name, _)| *name == target.name);
    let position = position.expect("the program has every output");
    let figure_of = |given: Vec<f32>| {
        let answers = beside_truth(&target.values, &rows, given, threshold.unwrap_or(f32::INFINITY));
        let figure = main_figure(&answers);
        (figure.metric, value(figure, &answers))
    };
    let whole = evaluator.raw_answers(dataset, &rows)?.swap_remove(position);
    let (metric, whole) = figure_of(whole);
    let mut all = Vec::new();
    for (index, input) in dataset.inputs.iter().enumerate() {
        let mut worse = Vec::new();
        for repeat in 0..REPEATS {
            let mut dealt = rows.clone();
            SplitMix64::keyed(repeat, Purpose::Permute, index as u64).shuffle(&mut dealt);
            let given = answers_with(evaluator, dataset, &rows, position, |place, name, out| {
                let row = if name == input.name { dealt[place] } else { rows[place] };
                let values = dataset.inputs.iter().find(|values| values.name == name);
                values.expect("the data has every input").store.gather(&[row], out)
            })?;
            worse.push(worse_by(metric, figure_of(given).1, whole));
        }
        let mean = worse.iter().sum::<f64>() / worse.len() as f64;
        let range = worse.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], w| [low.min(*w), high.max(*w)]);
        all.push(Importance { input: input.name.clone(), worse_by: mean, range });
    }
    all.retain(|one| one.worse_by.is_finite());
    all.sort_by(|a, b| b.worse_by.total_cmp(&a.worse_by));
    Ok(all)
}

/// The answers of one output for rows whose values `fill` writes: the place of the row, the input's name, room for its
/// values.
pub(super) fn answers_with(
    evaluator: &mut Evaluator,
    dataset: &Dataset,
    rows: &[usize],
    output: usize,
    fill: impl Fn(usize, &str, &mut [f32]) -> std::io::Result<()>,
) -> Result<Vec<f32>> {
    debug_assert!(rows.iter().all(|row| *row < dataset.rows), "the rows are those of the data");
    let inputs: Vec<(String, usize)> = evaluator.inputs().to_vec();
    let mut all = Vec::new();
    let mut first = 0;
    while first < rows.len() {
        let count = evaluator.batch().min(rows.len() - first);
        evaluator.answer(count, |index, out| {
            let (name, width) = &inputs[index];
            for (place, out) in out.chunks_exact_mut(*width).enumerate() {
                fill(first + place, name, out).map_err(unreadable_spool)?;
            }
            Ok(())
        })?;
        all.extend_from_slice(evaluator.output(output, count)?);
        first += count;
    }
    Ok(all)
}
