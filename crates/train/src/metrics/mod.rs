//! Figures of a program on data: each with its interval and the number of rows it was measured on.
//!
//! What a metric is stands in [`tacit_spec::metric`]. Here each is computed, in one of two ways: a share of rows is
//! counted, and its interval is exact; any other figure is a function of how often each row counts, which gives the
//! figure itself when all count once, and the bootstrap when they count as a resample says. Neither depends on the order
//! of the rows.

mod answers;
mod binary;
mod calibration;
mod losses;
mod ranking;
mod tally;
#[cfg(test)]
mod tests;

use tacit_spec::Metric;

use crate::interval::{bootstrap, clopper_pearson};

pub use answers::{Answers, LABEL_ABOVE, argmax};
pub(crate) use binary::Binary;
pub(crate) use calibration::{BINS, bin, decisions as calibration_decisions};
pub(crate) use losses::{errors, row_losses};
pub(crate) use ranking::Ranking;
pub(crate) use tally::{Tally, tallies};

/// The confidence of the interval of a figure where no requirement asks for another.
pub const CONFIDENCE: f64 = 0.95;

/// What is measured: a metric, and what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    pub metric: Metric,
    /// The number of a class or label; none for a metric of all of them.
    pub class: Option<usize>,
    /// Of a top-k.
    pub k: Option<usize>,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// Not a number if it is not defined: a precision without answers, say.
    pub value: f64,
    /// None for an exact figure, where the value is not defined, and for a mean of a single row, which does not show how
    /// far rows lie from one another.
    pub interval: Option<[f64; 2]>,
    /// The rows that decided: for a recall those of the class, for a precision those answered with it, for an F1 both.
    pub rows: usize,
    /// Why the value is not defined.
    pub undefined: Option<&'static str>,
}

impl From<Metric> for Figure {
    fn from(metric: Metric) -> Figure {
        Figure { metric, class: None, k: None }
    }
}

/// The metrics that every finished program with such answers is measured by, whatever its contract.
pub fn usual_metrics(answers: &Answers) -> &'static [Metric] {
    match answers {
        Answers::Category { .. } => {
            &[Metric::Accuracy, Metric::MacroF1, Metric::LogLoss, Metric::Auroc, Metric::CalibrationError]
        }
        Answers::Labels { .. } => &[Metric::Accuracy, Metric::MacroF1, Metric::LogLoss, Metric::Auroc],
        Answers::Number { .. } => &[Metric::MeanAbsoluteError, Metric::RootMeanSquaredError, Metric::RSquared],
        Answers::Anomaly { .. } if answers.truth_is_known() => {
            &[Metric::Auroc, Metric::AveragePrecision, Metric::Recall, Metric::Precision]
        }
        Answers::Anomaly { .. } => &[Metric::SelectionRate],
    }
}

/// Measures a figure on answers. What cannot be measured on them is undefined, and the measurement says why.
pub fn measure(figure: Figure, answers: &Answers, confidence: f64) -> Measurement {
    let estimate = match estimate(figure, answers) {
        Ok(estimate) => estimate,
        Err(why) => return undefined(0, why),
    };
    let (value, rows) = (estimate.value(), estimate.rows());
    if !value.is_finite() {
        return undefined(rows, NOT_FINITE);
    }
    let interval = match &estimate {
        Estimate::Share { right, rows } => Some(clopper_pearson(*right, *rows, confidence)),
        Estimate::Statistic { rows: 1, .. } => None,
        Estimate::Statistic { rows, visits, of } => {
            // Some figures, such as calibration errors, come out greater for resamples than for the rows themselves.
            let around = |[low, high]: [f64; 2]| [low.min(value), high.max(value)];
            bootstrap(*rows, *visits, confidence, of).map(around)
        }
    };
    Measurement { value, interval, rows, undefined: None }
}

/// The figure without its interval: the value, not a number if it is not defined.
pub fn value(figure: Figure, answers: &Answers) -> f64 {
    estimate(figure, answers).map_or(f64::NAN, |estimate| estimate.value())
}

const NOT_FINITE: &str = "an answer is not a finite number";

fn undefined(rows: usize, why: &'static str) -> Measurement {
    Measurement { value: f64::NAN, interval: None, rows, undefined: Some(why) }
}

/// How a figure follows from answers.
enum Estimate {
    /// So many of so many rows.
    Share { right: usize, rows: usize },
    /// A function of how often each of some rows counts, which looks at `visits` numbers.
    Statistic { rows: usize, visits: usize, of: Box<Weighted> },
}

/// A figure by how often each row counts.
type Weighted = dyn Fn(&[u8]) -> f64;

/// An estimate, or why there is none.
type Estimated = Result<Estimate, &'static str>;

impl Estimate {
    /// The share of rows for which something holds; `empty` says what is missing if there are none.
    fn share(holds: impl Iterator<Item = bool>, empty: &'static str) -> Estimated {
        let (mut right, mut rows) = (0, 0);
        for holds in holds {
            right += usize::from(holds);
            rows += 1;
        }
        if rows == 0 { Err(empty) } else { Ok(Estimate::Share { right, rows }) }
    }

    fn value(&self) -> f64 {
        match self {
            Estimate::Share { right, rows } => *right as f64 / *rows as f64,
            Estimate::Statistic { rows, of, .. } => of(&vec![1; *rows]),
        }
    }

    fn rows(&self) -> usize {
        match self {
            Estimate::Share { rows, .. } | Estimate::Statistic { rows, .. } => *rows,
        }
    }
}

fn estimate(figure: Figure, answers: &Answers) -> Estimated {
    const MISMATCH: &str = "the metric is not measured on such answers";
    if !figure.metric.fits(answers.kind()) {
        return Err(MISMATCH);
    }
    if answers.rows() == 0 {
        return Err("there are no rows");
    }
    match figure.metric {
        Metric::Accuracy => losses::accuracy(answers),
        Metric::TopK => losses::top_k(answers, figure.k.ok_or("no `k` is given")?),
        Metric::Recall => Binary::of(answers, figure.class)?.recall(),
        Metric::Precision => Binary::of(answers, figure.class)?.precision(),
        Metric::F1 => Binary::of(answers, figure.class)?.f1(),
        Metric::SelectionRate => Binary::of_answers(answers, figure.class)?.selection_rate(),
        Metric::MacroRecall => tally::mean_over_classes(answers, Tally::recall),
        Metric::MacroPrecision => tally::mean_over_classes(answers, Tally::precision_or_nought),
        Metric::MacroF1 => tally::mean_over_classes(answers, Tally::f1),
        Metric::Auroc => ranking::estimate(answers, figure.class, Ranking::auroc),
        Metric::AveragePrecision => ranking::estimate(answers, figure.class, Ranking::average_precision),
        Metric::CalibrationError => calibration::error(answers),
        Metric::LogLoss | Metric::MeanAbsoluteError => Ok(losses::mean(row_losses(answers), |mean| mean)),
        Metric::Brier => Ok(losses::mean(losses::brier(answers), |mean| mean)),
        Metric::RootMeanSquaredError => Ok(losses::mean(losses::squared_errors(answers), f64::sqrt)),
        Metric::RSquared => losses::r_squared(answers),
        Metric::Flops | Metric::Parameters | Metric::FileSize | Metric::PeakMemory | Metric::Latency => Err(MISMATCH),
    }
}
