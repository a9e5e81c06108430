//! Figures of a program on data: each with its interval and the number of rows it was measured on.

use tacit_ir::math;
use tacit_spec::{Metric, OutputKind};

use crate::interval::{bootstrap, clopper_pearson};

/// The confidence of the interval of a figure where no requirement asks for another.
pub const CONFIDENCE: f64 = 0.95;

/// A program's answers beside the right ones, in the order of the rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    /// `probabilities` is (rows, classes).
    Category {
        classes: usize,
        truth: Vec<i32>,
        probabilities: Vec<f32>,
    },
    Number {
        truth: Vec<f32>,
        answers: Vec<f32>,
    },
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// Not a number if it is not defined: a precision without answers, say.
    pub value: f64,
    /// None for an exact figure, and where the value is not defined.
    pub interval: Option<[f64; 2]>,
    /// The rows that decided: for a recall those of the class, for a precision those answered with it.
    pub rows: usize,
}

impl Answers {
    pub fn rows(&self) -> usize {
        match self {
            Answers::Category { truth, .. } => truth.len(),
            Answers::Number { truth, .. } => truth.len(),
        }
    }

    /// The answers of some rows only.
    pub fn select(&self, rows: &[usize]) -> Answers {
        match self {
            Answers::Category { classes, truth, probabilities } => Answers::Category {
                classes: *classes,
                truth: rows.iter().map(|row| truth[*row]).collect(),
                probabilities: rows
                    .iter()
                    .flat_map(|row| &probabilities[row * classes..][..*classes])
                    .copied()
                    .collect(),
            },
            Answers::Number { truth, answers } => Answers::Number {
                truth: rows.iter().map(|row| truth[*row]).collect(),
                answers: rows.iter().map(|row| answers[*row]).collect(),
            },
        }
    }
}

/// The metrics that every finished program of this kind is measured by, whatever its contract.
pub fn usual_metrics(output: &OutputKind) -> &'static [Metric] {
    match output {
        OutputKind::Category { .. } => &[Metric::Accuracy, Metric::MacroF1, Metric::LogLoss],
        OutputKind::Number => &[Metric::MeanAbsoluteError, Metric::RootMeanSquaredError],
    }
}

/// Measures a metric on answers; `class` is that of a recall or a precision.
///
/// # Panics
/// If the metric does not fit the answers, or is a cost: a checked manifest has no such requirement.
pub fn measure(metric: Metric, class: Option<usize>, answers: &Answers, confidence: f64) -> Measurement {
    match answers {
        Answers::Category { classes, truth, probabilities } => {
            let truth: Vec<usize> = truth.iter().map(|id| *id as usize).collect();
            let answered: Vec<usize> = probabilities.chunks_exact(*classes).map(argmax).collect();
            measure_category(metric, class, *classes, &truth, &answered, probabilities, confidence)
        }
        Answers::Number { truth, answers } => {
            let errors: Vec<f64> = truth.iter().zip(answers).map(|(t, y)| f64::from(*y) - f64::from(*t)).collect();
            match metric {
                Metric::MeanAbsoluteError => {
                    averaged(errors.iter().map(|e| e.abs()).collect(), confidence, |mean| mean)
                }
                Metric::RootMeanSquaredError => averaged(errors.iter().map(|e| e * e).collect(), confidence, f64::sqrt),
                Metric::Accuracy
                | Metric::MacroF1
                | Metric::Recall
                | Metric::Precision
                | Metric::LogLoss
                | Metric::Flops
                | Metric::Parameters
                | Metric::FileSize
                | Metric::PeakMemory => panic!("`{metric}` is not measured on numbers"),
            }
        }
    }
}

/// The position of the greatest number, the first of equals.
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (position, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = position;
        }
    }
    best
}

fn measure_category(
    metric: Metric,
    class: Option<usize>,
    classes: usize,
    truth: &[usize],
    answered: &[usize],
    probabilities: &[f32],
    confidence: f64,
) -> Measurement {
    let pairs = || truth.iter().copied().zip(answered.iter().copied());
    match metric {
        Metric::Accuracy => share(pairs().map(|(t, y)| t == y), confidence),
        Metric::Recall => {
            let class = class.expect("a recall is of a class");
            share(pairs().filter(|(t, _)| *t == class).map(|(_, y)| y == class), confidence)
        }
        Metric::Precision => {
            let class = class.expect("a precision is of a class");
            share(pairs().filter(|(_, y)| *y == class).map(|(t, _)| t == class), confidence)
        }
        Metric::MacroF1 => {
            let all: Vec<usize> = (0..truth.len()).collect();
            let value = macro_f1(classes, truth, answered, &all);
            let interval = match value.is_finite() {
                true => bootstrap(truth.len(), confidence, |rows| macro_f1(classes, truth, answered, rows)),
                false => None,
            };
            Measurement { value, interval, rows: truth.len() }
        }
        Metric::LogLoss => {
            let rows = truth.iter().zip(probabilities.chunks_exact(classes));
            // The project's own logarithm, so that the figure is the same on every machine.
            let losses = rows.map(|(t, p)| -f64::from(math::log(p[*t].max(f32::MIN_POSITIVE)))).collect();
            averaged(losses, confidence, |mean| mean)
        }
        Metric::MeanAbsoluteError
        | Metric::RootMeanSquaredError
        | Metric::Flops
        | Metric::Parameters
        | Metric::FileSize
        | Metric::PeakMemory => panic!("`{metric}` is not measured on categories"),
    }
}

/// The mean over the classes of 2·tp / (rows of the class + answers with it), which is their F1; classes with neither
/// are left out.
fn macro_f1(classes: usize, truth: &[usize], answered: &[usize], rows: &[usize]) -> f64 {
    let (mut right, mut both) = (vec![0usize; classes], vec![0usize; classes]);
    for row in rows {
        let (t, y) = (truth[*row], answered[*row]);
        both[t] += 1;
        both[y] += 1;
        right[t] += usize::from(t == y);
    }
    let present = both.iter().filter(|count| **count > 0).count();
    let sum: f64 = (0..classes).filter(|c| both[*c] > 0).map(|c| 2.0 * right[c] as f64 / both[c] as f64).sum();
    sum / present as f64
}

fn share(right: impl Iterator<Item = bool>, confidence: f64) -> Measurement {
    let (mut successes, mut trials) = (0, 0);
    for right in right {
        successes += usize::from(right);
        trials += 1;
    }
    Measurement {
        value: successes as f64 / trials as f64,
        interval: (trials > 0).then(|| clopper_pearson(successes, trials, confidence)),
        rows: trials,
    }
}

/// A monotone function of the mean of one number a row.
fn averaged(values: Vec<f64>, confidence: f64, outer: impl Fn(f64) -> f64) -> Measurement {
    let of = |sum: f64, count: usize| outer(sum / count as f64);
    let value = of(values.iter().sum(), values.len());
    let interval = match value.is_finite() {
        true => bootstrap(values.len(), confidence, |rows| of(rows.iter().map(|row| values[*row]).sum(), rows.len())),
        false => None,
    };
    Measurement { value, interval, rows: values.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_classes() -> Answers {
        let answered = [0, 0, 1, 1, 1, 2, 2, 2];
        let probabilities =
            answered.into_iter().flat_map(|class| (0..3).map(move |c| if c == class { 0.5 } else { 0.25 })).collect();
        Answers::Category { classes: 3, truth: vec![0, 1, 1, 1, 0, 2, 2, 0], probabilities }
    }

    #[test]
    fn shares_count_the_rows_they_are_about() {
        let answers = three_classes();
        let figure = |metric, class| {
            let m = measure(metric, class, &answers, 0.95);
            (m.value, m.rows)
        };
        assert_eq!(figure(Metric::Accuracy, None), (5.0 / 8.0, 8));
        assert_eq!(figure(Metric::Recall, Some(0)), (1.0 / 3.0, 3));
        assert_eq!(figure(Metric::Precision, Some(0)), (0.5, 2));
        assert_eq!(figure(Metric::Recall, Some(2)), (1.0, 2));
        let f1 = (2.0 / 5.0 + 4.0 / 6.0 + 4.0 / 5.0) / 3.0;
        assert!((figure(Metric::MacroF1, None).0 - f1).abs() < 1e-15);
        let loss = (5.0 * 2f64.ln() + 3.0 * 4f64.ln()) / 8.0;
        assert!((figure(Metric::LogLoss, None).0 - loss).abs() < 1e-6);
    }

    #[test]
    fn every_interval_holds_its_figure() {
        let answers = three_classes();
        for metric in [Metric::Accuracy, Metric::MacroF1, Metric::LogLoss, Metric::Recall, Metric::Precision] {
            let figure = measure(metric, Some(1), &answers, 0.9);
            let [low, high] = figure.interval.unwrap();
            assert!(low <= figure.value && figure.value <= high, "{metric}: {figure:?}");
        }
    }

    #[test]
    fn errors_of_numbers_are_in_their_unit() {
        let answers = Answers::Number { truth: vec![1.0, 2.0, 3.0, 4.0], answers: vec![1.0, 4.0, 3.0, 0.0] };
        assert_eq!(measure(Metric::MeanAbsoluteError, None, &answers, 0.95).value, 1.5);
        assert_eq!(measure(Metric::RootMeanSquaredError, None, &answers, 0.95).value, 5f64.sqrt());
        let some = measure(Metric::MeanAbsoluteError, None, &answers.select(&[1, 3]), 0.95);
        assert_eq!((some.value, some.rows, some.interval.map(|i| i[1])), (3.0, 2, Some(4.0)));
    }

    #[test]
    fn a_figure_on_no_rows_is_not_a_number() {
        let none = three_classes().select(&[]);
        for metric in [Metric::Accuracy, Metric::MacroF1, Metric::LogLoss, Metric::Recall] {
            let figure = measure(metric, Some(0), &none, 0.95);
            assert!(figure.value.is_nan() && figure.interval.is_none() && figure.rows == 0, "{metric}: {figure:?}");
        }
    }

    #[test]
    fn the_first_of_equals_is_the_greatest() {
        assert_eq!(argmax(&[0.1, 0.4, 0.4, 0.1]), 1);
        assert_eq!(argmax(&[f32::NAN, 1.0]), 0);
    }
}
