//! A program's answers beside the right ones.

use std::cmp::Ordering;

use tacit_spec::AnswerKind;

/// A program's answers beside the right ones, in the order of the rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    /// One of several classes: `probabilities` is (rows, classes), and the greatest answers.
    Category {
        classes: usize,
        truth: Vec<i32>,
        probabilities: Vec<f32>,
    },
    /// Several labels at once: both are (rows, labels), and a label is given where its probability is above
    /// [`LABEL_ABOVE`].
    Labels {
        labels: usize,
        truth: Vec<bool>,
        probabilities: Vec<f32>,
    },
    Number {
        truth: Vec<f32>,
        answers: Vec<f32>,
    },
    /// Rows are answered as anomalous where their score is above the threshold. `truth` is whether they are, and empty if
    /// the data does not say.
    Anomaly {
        truth: Vec<bool>,
        scores: Vec<f32>,
        threshold: f32,
    },
}

/// A label is given where its probability is above this.
pub const LABEL_ABOVE: f32 = 0.5;

impl Answers {
    pub fn kind(&self) -> AnswerKind {
        match self {
            Answers::Category { .. } => AnswerKind::Category,
            Answers::Labels { .. } => AnswerKind::Labels,
            Answers::Number { .. } => AnswerKind::Number,
            Answers::Anomaly { .. } => AnswerKind::Anomaly,
        }
    }

    pub fn rows(&self) -> usize {
        match self {
            Answers::Category { truth, .. } => truth.len(),
            Answers::Labels { labels, truth, .. } => truth.len().checked_div(*labels).unwrap_or(0),
            Answers::Number { truth, .. } => truth.len(),
            Answers::Anomaly { scores, .. } => scores.len(),
        }
    }

    /// The number of classes or labels; 0 for other answers.
    pub fn classes(&self) -> usize {
        match self {
            Answers::Category { classes, .. } => *classes,
            Answers::Labels { labels, .. } => *labels,
            Answers::Number { .. } | Answers::Anomaly { .. } => 0,
        }
    }

    /// Whether the right answers are known.
    pub fn truth_is_known(&self) -> bool {
        match self {
            Answers::Category { .. } | Answers::Labels { .. } | Answers::Number { .. } => true,
            Answers::Anomaly { truth, scores, .. } => truth.len() == scores.len(),
        }
    }

    /// The answers of some rows only, in their order.
    pub fn select(&self, rows: &[usize]) -> Answers {
        match self {
            Answers::Category { classes, truth, probabilities } => Answers::Category {
                classes: *classes,
                truth: selected(truth, 1, rows),
                probabilities: selected(probabilities, *classes, rows),
            },
            Answers::Labels { labels, truth, probabilities } => Answers::Labels {
                labels: *labels,
                truth: selected(truth, *labels, rows),
                probabilities: selected(probabilities, *labels, rows),
            },
            Answers::Number { truth, answers } => {
                Answers::Number { truth: selected(truth, 1, rows), answers: selected(answers, 1, rows) }
            }
            Answers::Anomaly { truth, scores, threshold } => Answers::Anomaly {
                truth: if self.truth_is_known() { selected(truth, 1, rows) } else { Vec::new() },
                scores: selected(scores, 1, rows),
                threshold: *threshold,
            },
        }
    }

    /// The same answers in an order that follows from themselves, so that sums and resamples over them do not depend on
    /// the order of the file.
    pub(crate) fn ordered(&self) -> Answers {
        let mut rows: Vec<usize> = (0..self.rows()).collect();
        match self {
            Answers::Category { classes, truth, probabilities } => rows.sort_unstable_by(|a, b| {
                truth[*a].cmp(&truth[*b]).then_with(|| lexical(probabilities, *classes, *a, *b))
            }),
            Answers::Labels { labels, truth, probabilities } => rows.sort_unstable_by(|a, b| {
                let of = |row: usize| &truth[row * labels..][..*labels];
                of(*a).cmp(of(*b)).then_with(|| lexical(probabilities, *labels, *a, *b))
            }),
            Answers::Number { truth, answers } => rows.sort_unstable_by(|a, b| {
                truth[*a].total_cmp(&truth[*b]).then_with(|| answers[*a].total_cmp(&answers[*b]))
            }),
            Answers::Anomaly { truth, scores, .. } => rows.sort_unstable_by(|a, b| {
                truth.get(*a).cmp(&truth.get(*b)).then_with(|| scores[*a].total_cmp(&scores[*b]))
            }),
        }
        self.select(&rows)
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

/// The values of some rows of `width` values each.
fn selected<T: Copy>(values: &[T], width: usize, rows: &[usize]) -> Vec<T> {
    rows.iter().flat_map(|row| &values[row * width..][..width]).copied().collect()
}

/// Compares two rows of `width` values each, the first that differ deciding.
fn lexical(values: &[f32], width: usize, a: usize, b: usize) -> Ordering {
    let row = |row: usize| values[row * width..][..width].iter();
    row(a).zip(row(b)).map(|(x, y)| x.total_cmp(y)).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}
