//! Whether more data would help: the search is run again on shares of the training rows, and the figure on the validation
//! rows tells how it grows.

use tacit_data::random::{Purpose, SplitMix64};
use tacit_data::{Dataset, Parts};
use tacit_exec::Options;
use tacit_spec::Specification;
use tacit_spec::metric::Better;

use crate::error::Result;
use crate::evaluate::Evaluator;
use crate::metrics::{CONFIDENCE, Measurement, measure};
use crate::prepare::prepare;
use crate::search::{EVALUATION_ROWS, SearchOptions, search};

use super::main_figure;

/// The figure of programs that were trained on shares of the training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningCurve {
    pub figure: tacit_spec::Metric,
    /// With ascending numbers of rows; the last is the program itself.
    pub points: Vec<LearningPoint>,
    /// The answer in a plain sentence.
    pub conclusion: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LearningPoint {
    pub rows: usize,
    pub share: f64,
    /// On the validation rows, which the search saw only to choose.
    pub measured: Measurement,
}

/// The shares that are tried beside the whole.
const SHARES: [f64; 2] = [0.0625, 0.25];
/// Fewer training rows say nothing.
const ROWS_MIN: usize = 40;

/// Runs the searches; `whole` are the answers of the program itself on the validation rows, by the first output.
/// Nothing if there are too few rows.
///
/// # Errors
/// Those of a search.
pub fn learning_curve(
    specification: &Specification,
    dataset: &Dataset,
    parts: &Parts,
    whole: &crate::metrics::Answers,
    exec: &Options,
    observe: &mut dyn FnMut(usize),
) -> Result<Option<LearningCurve>> {
    let figure = main_figure(whole);
    let mut points = Vec::new();
    let mut order = parts.training.clone();
    SplitMix64::keyed(specification.program.seed, Purpose::Subsample, 0).shuffle(&mut order);
    for share in SHARES {
        let count = (share * order.len() as f64) as usize;
        if count < ROWS_MIN {
            continue;
        }
        observe(count);
        let mut training = order[..count].to_vec();
        training.sort_unstable();
        let fewer = Parts { training, ..parts.clone() };
        let mut dataset = dataset.clone();
        let prepared = prepare(specification, &mut dataset, &fewer)?;
        let options = SearchOptions { exec: *exec, keeping: None, start: Vec::new() };
        let found = search(specification, &dataset, &prepared, "", &options, &mut |_| {})?;
        let mut evaluator = Evaluator::new(&found.program, EVALUATION_ROWS, exec)?;
        evaluator.set_weights(&found.weights)?;
        let answers = evaluator.answers(&dataset, &parts.validation, &found.thresholds)?;
        points.push(LearningPoint { rows: count, share, measured: measure(figure, &answers[0], CONFIDENCE) });
    }
    if points.is_empty() {
        return Ok(None);
    }
    let measured = measure(figure, whole, CONFIDENCE);
    points.push(LearningPoint { rows: order.len(), share: 1.0, measured });
    let conclusion = conclusion(figure.metric.definition().better, &points);
    Ok(Some(LearningCurve { figure: figure.metric, points, conclusion }))
}

/// What the last steps say. A quarter of the rows against all of them is two doublings.
fn conclusion(better: Better, points: &[LearningPoint]) -> String {
    let [.., before, last] = points else { return String::new() };
    let gain = match better {
        Better::Higher | Better::Neither => last.measured.value - before.measured.value,
        Better::Lower => before.measured.value - last.measured.value,
    };
    let doublings = (last.rows as f64 / before.rows as f64).log2();
    let noise = last.measured.interval.map_or(0.0, |[low, high]| (high - low) / 4.0);
    let per_doubling = gain / doublings;
    if !per_doubling.is_finite() {
        return "the figure is not defined on some of the shares, so nothing can be said about more data".to_owned();
    }
    if gain > 2.0 * noise {
        format!("More data would very likely help: each doubling of the rows gained about {per_doubling:.3} so far.")
    } else if gain > noise {
        format!(
            "More data would probably help a little: each doubling gained about {per_doubling:.3}, hardly more than chance."
        )
    } else {
        "More of the same data would hardly help: the last doublings gained no more than chance explains. \
         Other inputs or cleaner labels would help more."
            .to_owned()
    }
}
