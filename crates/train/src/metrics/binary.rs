//! One class against the rest: what was right, what was answered, and how sure the answer was.

use super::answers::{Answers, LABEL_ABOVE, argmax};
use super::tally::Tally;
use super::{Estimate, Estimated};

/// The rows as those of one class and the others.
pub(crate) struct Binary {
    /// Whether a row is of the class; empty if that is not known.
    pub truth: Vec<bool>,
    /// Whether it is answered with the class.
    pub answered: Vec<bool>,
    /// The probability of the class, or the score of an anomaly.
    pub scores: Vec<f32>,
}

impl Binary {
    /// The answers about one class: the number of a class or label, or the anomalous rows, which have no number.
    ///
    /// # Errors
    /// Why there are none.
    pub fn of(answers: &Answers, class: Option<usize>) -> Result<Binary, &'static str> {
        if !answers.truth_is_known() {
            return Err("the data does not say which rows are anomalous");
        }
        Binary::of_answers(answers, class)
    }

    /// The same where it does not matter what is right: without its truth if that is not known.
    pub fn of_answers(answers: &Answers, class: Option<usize>) -> Result<Binary, &'static str> {
        if let Answers::Anomaly { truth, scores, threshold } = answers {
            let answered = scores.iter().map(|score| score > threshold).collect();
            return Ok(Binary { truth: truth.clone(), answered, scores: scores.clone() });
        }
        let class = class.ok_or("no class is named")?;
        if class >= answers.classes() {
            return Err("the data has no such class");
        }
        match answers {
            Answers::Category { classes, truth, probabilities } => {
                let rows = probabilities.chunks_exact(*classes);
                Ok(Binary {
                    truth: truth.iter().map(|id| *id as usize == class).collect(),
                    answered: rows.clone().map(|row| argmax(row) == class).collect(),
                    scores: rows.map(|row| row[class]).collect(),
                })
            }
            Answers::Labels { labels, truth, probabilities } => {
                let scores: Vec<f32> = probabilities.chunks_exact(*labels).map(|row| row[class]).collect();
                Ok(Binary {
                    truth: truth.chunks_exact(*labels).map(|row| row[class]).collect(),
                    answered: scores.iter().map(|probability| *probability > LABEL_ABOVE).collect(),
                    scores,
                })
            }
            Answers::Number { .. } | Answers::Anomaly { .. } => Err("these answers have no classes"),
        }
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.truth.iter().zip(&self.answered).for_each(|(truth, answered)| tally.add(*truth, *answered, 1));
        tally
    }

    pub(super) fn recall(&self) -> Estimated {
        let of_class = self.truth.iter().zip(&self.answered).filter(|(truth, _)| **truth);
        Estimate::share(of_class.map(|(_, answered)| *answered), "no row is of the class")
    }

    pub(super) fn precision(&self) -> Estimated {
        let answered = self.truth.iter().zip(&self.answered).filter(|(_, answered)| **answered);
        Estimate::share(answered.map(|(truth, _)| *truth), "no row is answered with the class")
    }

    pub(super) fn selection_rate(&self) -> Estimated {
        Estimate::share(self.answered.iter().copied(), "there are no rows")
    }

    pub(super) fn f1(&self) -> Estimated {
        // Rows that neither are of the class nor are answered with it change nothing, and nor does the order of the rest.
        let Tally { right, of_class, answered } = self.tally();
        let [right, of_class, answered] = [right, of_class, answered].map(|count| count as usize);
        let rows = of_class + answered - right;
        if rows == 0 {
            return Err("no row is of the class or is answered with it");
        }
        let of = move |weights: &[u8]| {
            let sum = |weights: &[u8]| weights.iter().map(|weight| u64::from(*weight)).sum::<u64>();
            let (both, one) = (sum(&weights[..right]), sum(&weights[right..]));
            2.0 * both as f64 / (2 * both + one) as f64
        };
        Ok(Estimate::Statistic { rows, visits: rows, of: Box::new(of) })
    }
}
