//! The expected calibration error (Guo et al., arXiv:1706.04599): whether answers are right as often as their
//! probabilities say.

use super::answers::{Answers, argmax};
use super::{Estimate, Estimated};

/// The intervals of the probability of an answer, equally wide.
pub(crate) const BINS: usize = 15;

/// The interval that a probability lies in: of ((m − 1)/15, m/15] the m-th.
pub(crate) fn bin(probability: f32) -> usize {
    ((f64::from(probability) * BINS as f64).ceil() as usize).clamp(1, BINS) - 1
}

/// Each decision: its row, the probability of the answer, and whether it is right. A decision about one of several labels
/// answers with the likelier of giving it and not giving it.
pub(crate) fn decisions(answers: &Answers) -> Vec<(usize, f32, bool)> {
    match answers {
        Answers::Category { classes, truth, probabilities } => {
            let rows = truth.iter().zip(probabilities.chunks_exact(*classes)).enumerate();
            rows.map(|(row, (t, p))| (row, p[argmax(p)], argmax(p) == *t as usize)).collect()
        }
        Answers::Labels { labels, truth, probabilities } => {
            let all = truth.iter().zip(probabilities).enumerate();
            let one = |(index, (t, p)): (usize, (&bool, &f32))| {
                let given = *p > super::LABEL_ABOVE;
                (index / labels, if given { *p } else { 1.0 - p }, given == *t)
            };
            all.map(one).collect()
        }
        Answers::Number { .. } | Answers::Anomaly { .. } => Vec::new(),
    }
}

pub(super) fn error(answers: &Answers) -> Estimated {
    let mut decisions = decisions(&answers.ordered());
    if decisions.iter().any(|(_, probability, _)| probability.is_nan()) {
        return Err(super::NOT_FINITE);
    }
    decisions.sort_by_key(|(_, probability, _)| bin(*probability));
    let of_bin = |pair: &(usize, f32, bool), next: &(usize, f32, bool)| bin(pair.1) == bin(next.1);
    // For each bin its rows, and how much better each answer was than its probability said.
    let bins: Vec<Vec<(u32, f64)>> = decisions
        .chunk_by(of_bin)
        .map(|bin| {
            let one = |(row, p, right): &(usize, f32, bool)| (*row as u32, f64::from(u8::from(*right)) - f64::from(*p));
            bin.iter().map(one).collect()
        })
        .collect();
    let (rows, visits) = (answers.rows(), decisions.len());
    let of = move |weights: &[u8]| {
        let (mut sum, mut count) = (0.0, 0u64);
        for bin in &bins {
            let mut surplus = 0.0;
            for (row, better) in bin {
                let weight = weights[*row as usize];
                surplus += f64::from(weight) * better;
                count += u64::from(weight);
            }
            sum += surplus.abs();
        }
        sum / count as f64
    };
    Ok(Estimate::Statistic { rows, visits, of: Box::new(of) })
}
