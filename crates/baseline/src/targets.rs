//! The true outputs, and how scores become predictions.
//!
//! Every model but neighbours and the single tree adds up *scores*: real numbers of which a [`Link`] makes
//! probabilities. All links are canonical, so the gradient of the loss by a score is mean − truth whatever the task.

use crate::problem::Task;

/// The true outputs of rows.
#[derive(Clone, Debug)]
pub(crate) enum Targets {
    Classes {
        count: usize,
        ids: Vec<u32>,
    },
    Numbers(Vec<f64>),
    /// (rows, count)
    Labels {
        count: usize,
        set: Vec<bool>,
    },
}

impl Targets {
    pub fn new(task: &Task) -> Targets {
        match *task {
            Task::Category { classes, training } => {
                Targets::Classes { count: classes, ids: training.iter().map(|id| *id as u32).collect() }
            }
            Task::Number { training } => Targets::Numbers(training.iter().map(|number| f64::from(*number)).collect()),
            Task::Labels { labels, training } => Targets::Labels { count: labels, set: training.to_vec() },
        }
    }

    pub fn rows(&self) -> usize {
        match self {
            Targets::Classes { ids, .. } => ids.len(),
            Targets::Numbers(numbers) => numbers.len(),
            Targets::Labels { count, set } => set.len() / count,
        }
    }

    pub fn select(&self, rows: &[u32]) -> Targets {
        let rows = rows.iter().map(|row| *row as usize);
        match self {
            Targets::Classes { count, ids } => {
                Targets::Classes { count: *count, ids: rows.map(|row| ids[row]).collect() }
            }
            Targets::Numbers(numbers) => Targets::Numbers(rows.map(|row| numbers[row]).collect()),
            Targets::Labels { count, set } => {
                let set = rows.flat_map(|row| &set[row * count..][..*count]).copied().collect();
                Targets::Labels { count: *count, set }
            }
        }
    }

    /// Numbers that a prediction has.
    pub fn outputs(&self) -> usize {
        match self {
            Targets::Classes { count, .. } | Targets::Labels { count, .. } => *count,
            Targets::Numbers(_) => 1,
        }
    }

    /// Adds the truth of a row to one number for each output: 1 for its class, for each of its labels, or its number.
    #[inline(always)]
    pub fn add(&self, row: usize, sums: &mut [f64]) {
        match self {
            Targets::Classes { ids, .. } => sums[ids[row] as usize] += 1.0,
            Targets::Numbers(numbers) => sums[0] += numbers[row],
            Targets::Labels { count, set } => {
                for (sum, applies) in sums.iter_mut().zip(&set[row * count..][..*count]) {
                    *sum += f64::from(u8::from(*applies));
                }
            }
        }
    }

    /// The mean number; or how frequent each class or label is by Laplace's rule of succession, (n + 1) / (rows + 2) for
    /// two classes, which is never 0 nor 1: that something has not been seen yet does not make it impossible.
    pub fn frequencies(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.outputs()];
        let rows = self.rows();
        (0..rows).for_each(|row| self.add(row, &mut sums));
        let (extra, cases) = match self {
            Targets::Classes { count, .. } => (1.0, *count as f64),
            Targets::Labels { .. } => (1.0, 2.0),
            Targets::Numbers(_) => (0.0, 0.0),
        };
        sums.iter().map(|sum| (sum + extra) / (rows as f64 + cases)).collect()
    }

    /// What to predict where `rows` similar rows were seen whose truths add up to `sums`: their mean; for classes and
    /// labels one more row counts that has the frequencies of all.
    pub fn smoothed(&self, sums: &[f64], rows: f64, frequencies: &[f64]) -> Vec<f32> {
        let extra = match self {
            Targets::Classes { .. } | Targets::Labels { .. } => 1.0,
            Targets::Numbers(_) => 0.0,
        };
        let one = |(sum, frequency): (&f64, &f64)| ((sum + extra * frequency) / (rows + extra)) as f32;
        sums.iter().zip(frequencies).map(one).collect()
    }

    /// The truth beside every score, (rows, scores).
    pub fn beside_scores(&self) -> Vec<f64> {
        match self {
            Targets::Classes { count: 2, ids } => ids.iter().map(|id| f64::from(*id)).collect(),
            Targets::Classes { .. } | Targets::Numbers(_) | Targets::Labels { .. } => {
                let outputs = self.outputs();
                let mut truth = vec![0.0; self.rows() * outputs];
                truth.chunks_exact_mut(outputs).enumerate().for_each(|(row, line)| self.add(row, line));
                truth
            }
        }
    }
}

/// How scores become means, and means predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// A number is its score; the loss is half the squared error.
    Identity,
    /// One score for two classes: the log odds of the second.
    Binary,
    /// Log odds for every label.
    Labels,
    /// A score for every class; their softmax are the probabilities.
    Softmax,
}

impl Link {
    pub fn new(targets: &Targets) -> Link {
        match targets {
            Targets::Classes { count: 2, .. } => Link::Binary,
            Targets::Classes { .. } => Link::Softmax,
            Targets::Numbers(_) => Link::Identity,
            Targets::Labels { .. } => Link::Labels,
        }
    }

    pub fn scores(self, outputs: usize) -> usize {
        match self {
            Link::Binary => 1,
            Link::Identity | Link::Labels | Link::Softmax => outputs,
        }
    }

    /// The scores whose predictions are these frequencies.
    pub fn scores_of(self, frequencies: &[f64]) -> Vec<f64> {
        let log_odds = |p: &f64| libm::log(p / (1.0 - p));
        match self {
            Link::Identity => frequencies.to_vec(),
            Link::Binary => frequencies[1..].iter().map(log_odds).collect(),
            Link::Labels => frequencies.iter().map(log_odds).collect(),
            Link::Softmax => frequencies.iter().map(|p| libm::log(*p)).collect(),
        }
    }

    /// Replaces the scores of one row by means: the number, or probabilities.
    #[inline(always)]
    pub fn to_means(self, scores: &mut [f64]) {
        match self {
            Link::Identity => {}
            Link::Binary | Link::Labels => scores.iter_mut().for_each(|score| *score = sigmoid(*score)),
            Link::Softmax => {
                let greatest = scores.iter().fold(f64::NEG_INFINITY, |greatest, score| greatest.max(*score));
                scores.iter_mut().for_each(|score| *score = libm::exp(*score - greatest));
                let sum: f64 = scores.iter().sum();
                scores.iter_mut().for_each(|score| *score /= sum);
            }
        }
    }

    /// The second derivative of the loss by one score.
    #[inline(always)]
    pub fn curvature(self, mean: f64) -> f64 {
        match self {
            Link::Identity => 1.0,
            Link::Binary | Link::Labels | Link::Softmax => mean * (1.0 - mean),
        }
    }

    /// Replaces a direction by its product with the matrix of second derivatives of the loss of one row.
    #[inline(always)]
    pub fn curve(self, means: &[f64], direction: &mut [f64]) {
        match self {
            Link::Identity => {}
            Link::Binary | Link::Labels => {
                direction.iter_mut().zip(means).for_each(|(d, mean)| *d *= mean * (1.0 - mean));
            }
            Link::Softmax => {
                let average: f64 = direction.iter().zip(means).map(|(d, mean)| d * mean).sum();
                direction.iter_mut().zip(means).for_each(|(d, mean)| *d = mean * (*d - average));
            }
        }
    }

    /// The loss of one row: half the squared error, or the negative logarithm of the probability of the truth.
    pub fn loss(self, scores: &[f64], truth: &[f64]) -> f64 {
        match self {
            Link::Identity => 0.5 * (scores[0] - truth[0]) * (scores[0] - truth[0]),
            Link::Binary | Link::Labels => {
                // log(1 + eˢ) − t·s, in the form that does not overflow.
                let one = |(s, t): (&f64, &f64)| s.max(0.0) - t * s + libm::log1p(libm::exp(-s.abs()));
                scores.iter().zip(truth).map(one).sum()
            }
            Link::Softmax => {
                let greatest = scores.iter().fold(f64::NEG_INFINITY, |greatest, score| greatest.max(*score));
                let sum: f64 = scores.iter().map(|score| libm::exp(score - greatest)).sum();
                let true_score: f64 = scores.iter().zip(truth).map(|(score, truth)| score * truth).sum();
                libm::log(sum) + greatest - true_score
            }
        }
    }

    /// The prediction for one row from its scores, which are overwritten.
    pub fn predict(self, scores: &mut [f64], prediction: &mut [f32]) {
        self.to_means(scores);
        match self {
            Link::Binary => {
                prediction[0] = (1.0 - scores[0]) as f32;
                prediction[1] = scores[0] as f32;
            }
            Link::Identity | Link::Labels | Link::Softmax => {
                prediction.iter_mut().zip(&*scores).for_each(|(p, mean)| *p = *mean as f32);
            }
        }
    }
}

/// 1 / (1 + e⁻ˢ) in the form that does not overflow.
#[inline(always)]
fn sigmoid(score: f64) -> f64 {
    let e = libm::exp(-score.abs());
    let numerator = if score < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> [Targets; 4] {
        [
            Targets::Numbers(vec![0.5, -2.0]),
            Targets::Classes { count: 2, ids: vec![1, 0] },
            Targets::Classes { count: 3, ids: vec![2, 0] },
            Targets::Labels { count: 2, set: vec![true, false, true, true] },
        ]
    }

    /// Central differences of the loss, and of the gradient.
    #[test]
    fn gradient_and_curvature_are_the_derivatives_of_the_loss() {
        for targets in every_kind() {
            let link = Link::new(&targets);
            let width = link.scores(targets.outputs());
            let scores: Vec<f64> = [0.3, -0.7, 0.4][..width].to_vec();
            let truth = targets.beside_scores();
            let means = |scores: &[f64]| {
                let mut means = scores.to_vec();
                link.to_means(&mut means);
                means
            };
            for row in 0..2 {
                let truth = &truth[row * width..][..width];
                for k in 0..width {
                    let step = 1e-5;
                    let (mut up, mut down) = (scores.clone(), scores.clone());
                    up[k] += step;
                    down[k] -= step;
                    let slope = (link.loss(&up, truth) - link.loss(&down, truth)) / (2.0 * step);
                    assert!((slope - (means(&scores)[k] - truth[k])).abs() < 1e-8, "{targets:?}, score {k}");
                    let mut direction = vec![0.0; width];
                    direction[k] = 1.0;
                    link.curve(&means(&scores), &mut direction);
                    assert!((direction[k] - link.curvature(means(&scores)[k])).abs() < 1e-12);
                    let (up, down) = (means(&up), means(&down));
                    for (other, curved) in direction.iter().enumerate() {
                        let change = (up[other] - down[other]) / (2.0 * step);
                        assert!((change - curved).abs() < 1e-8, "{targets:?}, scores {k}, {other}");
                    }
                }
            }
        }
    }

    #[test]
    fn frequencies_come_back_from_their_scores() {
        for targets in every_kind() {
            let link = Link::new(&targets);
            let frequencies = targets.frequencies();
            let mut prediction = vec![0.0; targets.outputs()];
            link.predict(&mut link.scores_of(&frequencies), &mut prediction);
            for (p, frequency) in prediction.iter().zip(&frequencies) {
                assert!((f64::from(*p) - frequency).abs() < 1e-7, "{targets:?}");
            }
        }
    }

    #[test]
    fn large_scores_neither_overflow_nor_give_nan() {
        for targets in every_kind() {
            let link = Link::new(&targets);
            let width = link.scores(targets.outputs());
            for score in [-1e4, 1e4] {
                let scores = vec![score; width];
                assert!(link.loss(&scores, &targets.beside_scores()[..width]).is_finite());
                let mut means = scores;
                link.to_means(&mut means);
                assert!(means.iter().all(|mean| mean.is_finite()));
            }
        }
    }

    #[test]
    fn what_was_never_seen_is_not_impossible() {
        let targets = Targets::Classes { count: 3, ids: vec![0, 0, 1] };
        let frequencies = targets.frequencies();
        assert_eq!(frequencies, [3.0 / 6.0, 2.0 / 6.0, 1.0 / 6.0]);
        let prediction = targets.smoothed(&[4.0, 0.0, 0.0], 4.0, &frequencies);
        assert_eq!(prediction, [4.5 / 5.0, (2.0 / 6.0) / 5.0, (1.0 / 6.0) / 5.0].map(|p: f64| p as f32));
        let numbers = Targets::Numbers(vec![1.0, 3.0]);
        assert_eq!(numbers.frequencies(), [2.0]);
        assert_eq!(numbers.smoothed(&[9.0], 3.0, &[2.0]), [3.0]);
    }
}
