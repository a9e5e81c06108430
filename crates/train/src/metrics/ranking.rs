//! Rows in the order of a score, and what follows from that order: AUROC and average precision.

use super::binary::Binary;
use super::{Answers, Estimate, Estimated};

/// Rows in falling order of their scores. Those of equal scores count as one step.
pub(crate) struct Ranking {
    /// The place of each row among the weights.
    rows: Vec<u32>,
    is_positive: Vec<bool>,
    /// Whether the next row has a lower score.
    is_last_of_equals: Vec<bool>,
}

impl Ranking {
    /// None of the scores is not a number.
    pub fn new(truth: &[bool], scores: &[f32]) -> Ranking {
        let mut rows: Vec<u32> = (0..scores.len() as u32).collect();
        let score = |row: u32| scores[row as usize];
        rows.sort_by(|a, b| score(*b).total_cmp(&score(*a)));
        let is_last = |place: usize| rows.get(place + 1).is_none_or(|next| score(*next) != score(rows[place]));
        Ranking {
            is_positive: rows.iter().map(|row| truth[*row as usize]).collect(),
            is_last_of_equals: (0..rows.len()).map(is_last).collect(),
            rows,
        }
    }

    /// The share of pairs of a positive and a negative row in which the positive one stands above, those of equal scores
    /// counting half (Hanley and McNeil, Radiology 143, 1982). Not a number without either.
    pub fn auroc(&self, weights: &[u8]) -> f64 {
        let (mut above, mut below, mut twice) = (0u64, 0u64, 0u64);
        self.steps(weights, |positive, negative| {
            let (positive, negative) = (u64::from(positive), u64::from(negative));
            twice += negative * (2 * above + positive);
            above += positive;
            below += negative;
        });
        twice as f64 / (2 * above * below) as f64
    }

    /// Σ (Rₙ − Rₙ₋₁)·Pₙ over the steps, R and P being recall and precision down to there. Not a number without positive
    /// rows.
    pub fn average_precision(&self, weights: &[u8]) -> f64 {
        let (mut right, mut answered, mut sum) = (0u32, 0u32, 0.0);
        self.steps(weights, |positive, negative| {
            right += positive;
            answered += positive + negative;
            // A step that no row of the resample is in adds nothing, and must not divide by nought.
            sum += f64::from(positive) * (f64::from(right) / f64::from(answered.max(1)));
        });
        sum / f64::from(right)
    }

    /// For each step the positive and the negative rows, each counted as often as its weight says.
    #[inline(always)]
    pub fn steps(&self, weights: &[u8], mut step: impl FnMut(u32, u32)) {
        let (mut positive, mut negative) = (0, 0);
        let flags = self.is_positive.iter().zip(&self.is_last_of_equals);
        for (row, (is_positive, is_last)) in self.rows.iter().zip(flags) {
            let weight = u32::from(weights[*row as usize]);
            let counted = weight * u32::from(*is_positive);
            positive += counted;
            negative += weight - counted;
            if *is_last {
                step(positive, negative);
                (positive, negative) = (0, 0);
            }
        }
    }
}

/// A figure of the ranking by the score of a class; without a class of the second of two classes, else the mean over
/// those that have the figure, each against the rest.
pub(super) fn estimate(answers: &Answers, class: Option<usize>, figure: fn(&Ranking, &[u8]) -> f64) -> Estimated {
    let answers = answers.ordered();
    let classes: Vec<Option<usize>> = match (&answers, class) {
        (_, Some(class)) => vec![Some(class)],
        (Answers::Category { classes: 2, .. }, None) => vec![Some(1)],
        (Answers::Category { classes, .. }, None) => (0..*classes).map(Some).collect(),
        (Answers::Labels { labels, .. }, None) => (0..*labels).map(Some).collect(),
        (Answers::Number { .. } | Answers::Anomaly { .. }, None) => vec![None],
    };
    let mut rankings = Vec::new();
    for class in classes {
        let binary = Binary::of(&answers, class)?;
        if binary.scores.iter().any(|score| score.is_nan()) {
            return Err(super::NOT_FINITE);
        }
        let ranking = Ranking::new(&binary.truth, &binary.scores);
        if figure(&ranking, &vec![1; answers.rows()]).is_finite() {
            rankings.push(ranking);
        }
    }
    if let [only] = &mut rankings[..] {
        // Rows of a single ranking can as well be counted in its own order, which is the faster one to read.
        only.rows = (0..answers.rows() as u32).collect();
    }
    if rankings.is_empty() {
        return Err("the rows are all of the class, or none is");
    }
    let (rows, visits) = (answers.rows(), answers.rows() * rankings.len());
    let of = move |weights: &[u8]| {
        let (mut sum, mut count) = (0.0, 0u64);
        for ranking in &rankings {
            let figure = figure(ranking, weights);
            if figure.is_finite() {
                sum += figure;
                count += 1;
            }
        }
        sum / count as f64
    };
    Ok(Estimate::Statistic { rows, visits, of: Box::new(of) })
}
