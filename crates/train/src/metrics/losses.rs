//! Figures that are means of one number a row, and the numbers themselves.

use tacit_ir::math;

use super::answers::{Answers, LABEL_ABOVE, argmax};
use super::{Estimate, Estimated};

/// What each answer costs: −ln of the probability given to what was right for a category, its mean over the labels for
/// several at once, and |y − t| for a number; for an anomaly how far its score lies on the wrong side of the threshold,
/// or nought for all rows if it is not known which side that is.
pub(crate) fn row_losses(answers: &Answers) -> Vec<f64> {
    match answers {
        Answers::Category { classes, truth, probabilities } => {
            truth.iter().zip(probabilities.chunks_exact(*classes)).map(|(t, p)| surprise(p[*t as usize])).collect()
        }
        Answers::Labels { labels, truth, probabilities } => {
            let one = |(truth, p): (&bool, &f32)| surprise(if *truth { *p } else { 1.0 - p });
            let rows = truth.chunks_exact(*labels).zip(probabilities.chunks_exact(*labels));
            rows.map(|(truth, p)| truth.iter().zip(p).map(one).sum::<f64>() / *labels as f64).collect()
        }
        Answers::Number { truth, answers } => errors(truth, answers).map(f64::abs).collect(),
        Answers::Anomaly { truth, scores, threshold } => {
            let over = scores.iter().map(|score| f64::from(*score) - f64::from(*threshold));
            match answers.truth_is_known() {
                true => truth.iter().zip(over).map(|(t, over)| if *t { -over } else { over }.max(0.0)).collect(),
                false => vec![0.0; scores.len()],
            }
        }
    }
}

/// −ln p, and that of the least normal number for less. The project's own logarithm is the same on every machine.
fn surprise(p: f32) -> f64 {
    // Not a number stays one.
    let p = if p < f32::MIN_POSITIVE { f32::MIN_POSITIVE } else { p };
    -f64::from(math::log(p))
}

/// (p − t)² for two classes, its sum over more, and its mean over several labels at once.
pub(super) fn brier(answers: &Answers) -> Vec<f64> {
    let square = |p: f32, t: bool| (f64::from(p) - f64::from(u8::from(t))) * (f64::from(p) - f64::from(u8::from(t)));
    match answers {
        Answers::Category { classes: 2, truth, probabilities } => {
            truth.iter().zip(probabilities.chunks_exact(2)).map(|(t, p)| square(p[1], *t == 1)).collect()
        }
        Answers::Category { classes, truth, probabilities } => {
            let rows = truth.iter().zip(probabilities.chunks_exact(*classes));
            let class = |t: i32, p: &[f32]| (0..).zip(p).map(|(class, p)| square(*p, class == t)).sum();
            rows.map(|(t, p)| class(*t, p)).collect()
        }
        Answers::Labels { labels, truth, probabilities } => {
            let squares: Vec<f64> = truth.iter().zip(probabilities).map(|(t, p)| square(*p, *t)).collect();
            squares.chunks_exact(*labels).map(|row| row.iter().sum::<f64>() / *labels as f64).collect()
        }
        Answers::Number { .. } | Answers::Anomaly { .. } => Vec::new(),
    }
}

pub(super) fn squared_errors(answers: &Answers) -> Vec<f64> {
    match answers {
        Answers::Number { truth, answers } => errors(truth, answers).map(|error| error * error).collect(),
        Answers::Category { .. } | Answers::Labels { .. } | Answers::Anomaly { .. } => Vec::new(),
    }
}

pub(super) fn accuracy(answers: &Answers) -> Estimated {
    match answers {
        Answers::Category { classes, truth, probabilities } => {
            let answered = probabilities.chunks_exact(*classes).map(argmax);
            Estimate::share(truth.iter().zip(answered).map(|(t, y)| *t as usize == y), "there are no rows")
        }
        Answers::Labels { labels, truth, probabilities } => {
            // The decisions about one row have to do with one another, so they are no rows of their own.
            let right: Vec<bool> = truth.iter().zip(probabilities).map(|(t, p)| *t == (*p > LABEL_ABOVE)).collect();
            let share = |row: &[bool]| row.iter().filter(|right| **right).count() as f64 / *labels as f64;
            Ok(mean(right.chunks_exact(*labels).map(share).collect(), |mean| mean))
        }
        Answers::Number { .. } | Answers::Anomaly { .. } => Err("these answers have no classes"),
    }
}

/// Of equal probabilities the first classes count as the greater ones, as for the answer itself.
pub(super) fn top_k(answers: &Answers, k: usize) -> Estimated {
    let Answers::Category { classes, truth, probabilities } = answers else {
        return Err("these answers are not one of several classes");
    };
    let rows = truth.iter().map(|id| *id as usize).zip(probabilities.chunks_exact(*classes));
    let is_among = |(t, p): (usize, &[f32])| {
        let before = p[..t].iter().filter(|other| **other >= p[t]).count();
        before + p[t + 1..].iter().filter(|other| **other > p[t]).count() < k
    };
    Estimate::share(rows.map(is_among), "there are no rows")
}

/// A function of the mean of one number a row.
pub(super) fn mean(mut values: Vec<f64>, outer: fn(f64) -> f64) -> Estimate {
    values.sort_unstable_by(f64::total_cmp);
    let rows = values.len();
    let of = move |weights: &[u8]| outer(weighted_sum(&values, weights) / total(weights));
    Estimate::Statistic { rows, visits: rows, of: Box::new(of) }
}

/// 1 − Σ(y − t)² / Σ(t − t̄)².
pub(super) fn r_squared(answers: &Answers) -> Estimated {
    let ordered = answers.ordered();
    let Answers::Number { truth, answers } = &ordered else { return Err("these answers are no numbers") };
    if truth.iter().all(|t| *t == truth[0]) {
        return Err("the right answers are all the same");
    }
    let rows = truth.len();
    let middle = truth.iter().map(|t| f64::from(*t)).sum::<f64>() / rows as f64;
    let deviations: Vec<f64> = truth.iter().map(|t| f64::from(*t) - middle).collect();
    let squared_deviations: Vec<f64> = deviations.iter().map(|d| d * d).collect();
    let squared_errors: Vec<f64> = errors(truth, answers).map(|e| e * e).collect();
    let of = move |weights: &[u8]| {
        let [sum, squares] = [&deviations, &squared_deviations].map(|values| weighted_sum(values, weights));
        let spread = squares - sum * sum / total(weights);
        // In a resample of equal right answers only rounding errors are left of their spread.
        match spread > 1e-12 * squares {
            true => 1.0 - weighted_sum(&squared_errors, weights) / spread,
            false => f64::NAN,
        }
    };
    Ok(Estimate::Statistic { rows, visits: 3 * rows, of: Box::new(of) })
}

/// y − t.
pub(crate) fn errors(truth: &[f32], answers: &[f32]) -> impl Iterator<Item = f64> {
    truth.iter().zip(answers).map(|(t, y)| f64::from(*y) - f64::from(*t))
}

fn total(weights: &[u8]) -> f64 {
    weights.iter().map(|weight| u64::from(*weight)).sum::<u64>() as f64
}

/// Σ weight·value, in eight interleaved sums that are added up in ascending order.
fn weighted_sum(values: &[f64], weights: &[u8]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (values, weights) = (values.chunks(LANES), weights.chunks(LANES));
    for (values, weights) in values.zip(weights) {
        for ((sum, value), weight) in sums.iter_mut().zip(values).zip(weights) {
            *sum += value * f64::from(*weight);
        }
    }
    sums.iter().sum()
}
