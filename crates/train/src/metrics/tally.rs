//! Rows counted by class, and the figures that are means over the classes.

use super::answers::{Answers, LABEL_ABOVE, argmax};
use super::{Estimate, Estimated};

/// The rows that one class is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Of the class, and answered with it.
    pub right: u64,
    /// Of the class.
    pub of_class: u64,
    /// Answered with it.
    pub answered: u64,
}

impl Tally {
    /// Counts rows that are of the class or not, and are answered with it or not.
    pub fn add(&mut self, is_of_class: bool, is_answered: bool, rows: u64) {
        self.right += u64::from(is_of_class && is_answered) * rows;
        self.of_class += u64::from(is_of_class) * rows;
        self.answered += u64::from(is_answered) * rows;
    }

    /// None without rows of the class.
    pub fn recall(&self) -> Option<f64> {
        (self.of_class > 0).then(|| self.right as f64 / self.of_class as f64)
    }

    /// None without rows that are answered with it.
    pub fn precision(&self) -> Option<f64> {
        (self.answered > 0).then(|| self.right as f64 / self.answered as f64)
    }

    /// Nought for a class that has rows and is never answered with, or forgetting a class would pay; none without either.
    pub fn precision_or_nought(&self) -> Option<f64> {
        self.precision().or(self.recall().map(|_| 0.0))
    }

    /// None without either.
    pub fn f1(&self) -> Option<f64> {
        let both = self.of_class + self.answered;
        (both > 0).then(|| 2.0 * self.right as f64 / both as f64)
    }
}

/// The tally of each class or label.
pub(crate) fn tallies(answers: &Answers) -> Vec<Tally> {
    match answers {
        Answers::Category { classes, truth, probabilities } => {
            let cells = Cells::new(*classes, truth, probabilities);
            cells.tallies(&vec![1; truth.len()])
        }
        Answers::Labels { labels, truth, probabilities } => {
            label_tallies(*labels, &decisions(truth, probabilities), &vec![1; answers.rows()])
        }
        Answers::Number { .. } | Answers::Anomaly { .. } => Vec::new(),
    }
}

/// The mean of a figure over the classes that have it.
pub(super) fn mean_over_classes(answers: &Answers, figure: fn(&Tally) -> Option<f64>) -> Estimated {
    let rows = answers.rows();
    match answers {
        Answers::Category { classes, truth, probabilities } => {
            let cells = Cells::new(*classes, truth, probabilities);
            let of = move |weights: &[u8]| mean(figure, &cells.tallies(weights));
            Ok(Estimate::Statistic { rows, visits: rows + classes, of: Box::new(of) })
        }
        Answers::Labels { labels, .. } => {
            let Answers::Labels { truth, probabilities, .. } = answers.ordered() else {
                panic!("answers in another order are of the same kind")
            };
            let (labels, decisions) = (*labels, decisions(&truth, &probabilities));
            let of = move |weights: &[u8]| mean(figure, &label_tallies(labels, &decisions, weights));
            Ok(Estimate::Statistic { rows, visits: rows * labels, of: Box::new(of) })
        }
        Answers::Number { .. } | Answers::Anomaly { .. } => Err("these answers have no classes"),
    }
}

fn mean(figure: fn(&Tally) -> Option<f64>, tallies: &[Tally]) -> f64 {
    let (mut sum, mut count) = (0.0, 0u64);
    for figure in tallies.iter().filter_map(figure) {
        sum += figure;
        count += 1;
    }
    sum / count as f64
}

/// The rows of a category in the order of their cells of the confusion matrix.
struct Cells {
    classes: usize,
    /// The class, the answer, and how many rows have both.
    cells: Vec<(usize, usize, usize)>,
}

impl Cells {
    fn new(classes: usize, truth: &[i32], probabilities: &[f32]) -> Cells {
        let answered = probabilities.chunks_exact(classes).map(argmax);
        let mut pairs: Vec<(usize, usize)> = truth.iter().map(|id| *id as usize).zip(answered).collect();
        pairs.sort_unstable();
        let cells = pairs.chunk_by(|a, b| a == b).map(|cell| (cell[0].0, cell[0].1, cell.len())).collect();
        Cells { classes, cells }
    }

    fn tallies(&self, mut weights: &[u8]) -> Vec<Tally> {
        let mut tallies = vec![Tally::default(); self.classes];
        for (truth, answer, rows) in &self.cells {
            let (cell, rest) = weights.split_at(*rows);
            weights = rest;
            let count: u64 = cell.iter().map(|weight| u64::from(*weight)).sum();
            tallies[*truth].of_class += count;
            tallies[*answer].answered += count;
            tallies[*truth].right += count * u64::from(truth == answer);
        }
        tallies
    }
}

/// For each decision about a label whether it is right to give it (1) and whether it is given (2): (rows, labels).
fn decisions(truth: &[bool], probabilities: &[f32]) -> Vec<u8> {
    let given = probabilities.iter().map(|probability| *probability > LABEL_ABOVE);
    truth.iter().zip(given).map(|(truth, given)| u8::from(*truth) | u8::from(given) << 1).collect()
}

fn label_tallies(labels: usize, decisions: &[u8], weights: &[u8]) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); labels];
    for (row, weight) in decisions.chunks_exact(labels).zip(weights) {
        for (decision, tally) in row.iter().zip(&mut tallies) {
            tally.add(decision & 1 != 0, decision & 2 != 0, u64::from(*weight));
        }
    }
    tallies
}
