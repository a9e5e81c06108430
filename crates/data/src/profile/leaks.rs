//! Columns that give the answer away by themselves.

use std::collections::HashMap;

use crate::random::SplitMix64;

use super::sample::{Sample, Value};

/// How a column gives the answer away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leak {
    /// Each of its values goes with one answer: this share of rows held out is answered rightly by looking them up.
    Lookup { accuracy: f64 },
    /// One threshold answers this share of rows held out rightly.
    Threshold { accuracy: f64 },
    /// The number rises or falls with the answer: the rank correlation.
    Rank { correlation: f64 },
    /// The mean answer of each of its values explains this share of the variance in rows held out.
    Means { r_squared: f64 },
}

/// Fewer rows than these show nothing.
const ROWS_MIN: usize = 50;
/// The share of answers that a leak gets right.
const ACCURACY: f64 = 0.995;
/// Where one class has more of the rows than this, being right says little.
const MAJORITY_MAX: f64 = 0.98;
/// The rank correlation, in size, and the share of variance of a leak.
const CORRELATION: f64 = 0.999;
const SEED: u64 = 2;

/// Whether a column of a sample gives away the answers of another. `categorical` says that answers are classes, not
/// amounts. Rows without an answer do not count.
pub fn leak(sample: &Sample, column: usize, target: usize, categorical: bool) -> Option<Leak> {
    let rows: Vec<(Value, Value)> = sample
        .column(column)
        .iter()
        .zip(sample.column(target))
        .filter(|(_, answer)| **answer != Value::Missing)
        .map(|(value, answer)| (*value, *answer))
        .collect();
    if rows.len() < ROWS_MIN {
        return None;
    }
    if categorical { of_classes(rows) } else { of_numbers(&rows) }
}

/// Half of the rows in a random order, which are learnt from, and the other half.
fn halves<T>(mut rows: Vec<T>) -> (Vec<T>, Vec<T>) {
    SplitMix64::new(SEED).shuffle(&mut rows);
    let held_out = rows.split_off(rows.len() / 2);
    (rows, held_out)
}

fn of_classes(rows: Vec<(Value, Value)>) -> Option<Leak> {
    let rows: Vec<(Value, u64)> = rows.into_iter().map(|(value, answer)| (value, answer.key())).collect();
    let (known, held_out) = halves(rows);
    let usual = majority(held_out.iter().map(|(_, class)| *class))?;
    let share_of = |right: usize| right as f64 / held_out.len() as f64;
    if share_of(held_out.iter().filter(|(_, class)| *class == usual).count()) > MAJORITY_MAX {
        return None;
    }
    let mut by_value: HashMap<u64, Vec<u64>> = HashMap::new();
    known.iter().for_each(|(value, class)| by_value.entry(value.key()).or_default().push(*class));
    let answers: HashMap<u64, u64> =
        by_value.into_iter().filter_map(|(value, classes)| Some((value, majority(classes.into_iter())?))).collect();
    let found = |value: &Value| answers.get(&value.key()).copied().unwrap_or(usual);
    let accuracy = share_of(held_out.iter().filter(|(value, class)| found(value) == *class).count());
    if accuracy >= ACCURACY {
        return Some(Leak::Lookup { accuracy });
    }
    let stump = Stump::of(&known)?;
    let accuracy = share_of(held_out.iter().filter(|(value, class)| stump.answer(*value) == *class).count());
    (accuracy >= ACCURACY).then_some(Leak::Threshold { accuracy })
}

/// One threshold, with a class on either side and one for what is not a number.
struct Stump {
    threshold: f64,
    below: u64,
    above: u64,
    other: u64,
}

impl Stump {
    /// The threshold that answers most of the rows rightly.
    fn of(rows: &[(Value, u64)]) -> Option<Stump> {
        let other = majority(rows.iter().filter(|(value, _)| value.number().is_none()).map(|(_, class)| *class));
        let mut numbers: Vec<(f64, u64)> =
            rows.iter().filter_map(|(value, class)| Some((value.number()?, *class))).collect();
        numbers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut above = Counts::default();
        numbers.iter().for_each(|(_, class)| above.change(*class, 1));
        let mut below = Counts::default();
        let mut best: Option<(u64, Stump)> = None;
        for (index, (number, class)) in numbers.iter().enumerate() {
            above.change(*class, -1);
            below.change(*class, 1);
            let Some((next, _)) = numbers.get(index + 1).filter(|(next, _)| next > number) else { continue };
            let ((below_class, below_rows), (above_class, above_rows)) = (below.greatest()?, above.greatest()?);
            let right = below_rows + above_rows;
            if best.as_ref().is_none_or(|(most, _)| right > *most) {
                let threshold = number + (next - number) / 2.0;
                let other = other.unwrap_or(below_class);
                best = Some((right, Stump { threshold, below: below_class, above: above_class, other }));
            }
        }
        best.map(|(_, stump)| stump)
    }

    fn answer(&self, value: Value) -> u64 {
        match value {
            Value::Number(number) if number < self.threshold => self.below,
            Value::Number(_) => self.above,
            Value::Missing | Value::Text(_) | Value::Other => self.other,
        }
    }
}

/// How many rows each class has, and which has the most.
#[derive(Default)]
struct Counts {
    rows: HashMap<u64, i64>,
    /// The classes by their rows, so that the greatest is at hand.
    ordered: std::collections::BTreeSet<(i64, u64)>,
}

impl Counts {
    fn change(&mut self, class: u64, by: i64) {
        let rows = self.rows.entry(class).or_default();
        self.ordered.remove(&(*rows, class));
        *rows += by;
        self.ordered.insert((*rows, class));
    }

    fn greatest(&self) -> Option<(u64, u64)> {
        self.ordered.last().map(|(rows, class)| (*class, *rows as u64))
    }
}

/// The class with the most rows; of equal ones the one with the greatest key, so that the order does not matter.
fn majority(classes: impl Iterator<Item = u64>) -> Option<u64> {
    let mut counts: HashMap<u64, u64> = HashMap::new();
    classes.for_each(|class| *counts.entry(class).or_default() += 1);
    counts.into_iter().max_by_key(|(class, count)| (*count, *class)).map(|(class, _)| class)
}

fn of_numbers(rows: &[(Value, Value)]) -> Option<Leak> {
    let pairs: Vec<(f64, f64)> =
        rows.iter().filter_map(|(value, answer)| Some((value.number()?, answer.number()?))).collect();
    if pairs.len() >= ROWS_MIN && pairs.len() * 2 > rows.len() {
        let correlation = rank_correlation(&pairs);
        if correlation.abs() > CORRELATION {
            return Some(Leak::Rank { correlation });
        }
    }
    let rows: Vec<(u64, f64)> =
        rows.iter().filter_map(|(value, answer)| Some((value.key(), answer.number()?))).collect();
    let (known, held_out) = halves(rows);
    let mut sums: HashMap<u64, (f64, f64)> = HashMap::new();
    for (value, answer) in &known {
        let (sum, count) = sums.entry(*value).or_default();
        *sum += answer;
        *count += 1.0;
    }
    let mean = |rows: &[(u64, f64)]| rows.iter().map(|(_, answer)| answer).sum::<f64>() / rows.len() as f64;
    let (usual, centre) = (mean(&known), mean(&held_out));
    let answer_of = |value: &u64| sums.get(value).map_or(usual, |(sum, count)| sum / count);
    let rest: f64 = held_out.iter().map(|(value, answer)| (answer - answer_of(value)).powi(2)).sum();
    let all: f64 = held_out.iter().map(|(_, answer)| (answer - centre).powi(2)).sum();
    let r_squared = 1.0 - rest / all;
    (all > 0.0 && r_squared > CORRELATION).then_some(Leak::Means { r_squared })
}

/// Spearman's: the correlation of the ranks, equal numbers having their mean rank. 0 where one side is constant.
fn rank_correlation(pairs: &[(f64, f64)]) -> f64 {
    let x = ranks(pairs.iter().map(|(x, _)| *x).collect());
    let y = ranks(pairs.iter().map(|(_, y)| *y).collect());
    let centre = (pairs.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - centre) * (b - centre)).sum::<f64>();
    let scale = (product(&x, &x) * product(&y, &y)).sqrt();
    if scale > 0.0 { product(&x, &y) / scale } else { 0.0 }
}

fn ranks(numbers: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_unstable_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut start = 0;
    while start < order.len() {
        let equal = order[start..].iter().take_while(|index| numbers[**index] == numbers[order[start]]).count().max(1);
        let rank = start as f64 + (equal as f64 - 1.0) / 2.0;
        order[start..start + equal].iter().for_each(|index| ranks[*index] = rank);
        start += equal;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::hash_of;

    fn sample(rows: impl Iterator<Item = (Value, Value)>) -> Sample {
        let mut sample = Sample::new(2);
        rows.for_each(|(value, answer)| sample.add(&[value, answer]));
        sample
    }

    fn noise(row: u64) -> f64 {
        SplitMix64::new(row).uniform()
    }

    fn text(text: &str) -> Value {
        Value::Text(hash_of(text.as_bytes()))
    }

    #[test]
    fn another_spelling_of_the_answer_is_a_leak() {
        let rows = sample((0..300).map(|row| match row % 3 {
            0 => (text("rouge"), text("red")),
            1 => (text("vert"), text("green")),
            _ => (Value::Missing, text("blue")),
        }));
        assert_eq!(leak(&rows, 0, 1, true), Some(Leak::Lookup { accuracy: 1.0 }));
    }

    #[test]
    fn a_threshold_that_separates_the_classes_is_a_leak() {
        let rows = |overlap: f64| {
            sample((0..1000).map(move |row| {
                let class = row % 2;
                let value = noise(row) + class as f64 * (1.0 - overlap);
                (Value::Number(value), Value::Number(class as f64))
            }))
        };
        assert!(matches!(leak(&rows(-0.1), 0, 1, true), Some(Leak::Threshold { .. })));
        assert_eq!(leak(&rows(0.2), 0, 1, true), None);
    }

    #[test]
    fn being_right_about_a_very_common_class_is_none() {
        let rows = sample((0..1000).map(|row| (Value::Number(noise(row)), Value::Number(f64::from(row % 100 == 0)))));
        assert_eq!(leak(&rows, 0, 1, true), None);
    }

    #[test]
    fn a_number_that_rises_or_falls_with_the_answer_is_a_leak() {
        let rows = |noisy: f64| {
            sample((0..500).map(move |row| {
                let answer = noise(row);
                (Value::Number(-answer.powi(3) + noisy * noise(row + 1000)), Value::Number(answer))
            }))
        };
        let Some(Leak::Rank { correlation }) = leak(&rows(0.0), 0, 1, false) else { panic!("it falls strictly") };
        assert!((correlation + 1.0).abs() < 1e-9);
        assert_eq!(leak(&rows(0.3), 0, 1, false), None);
    }

    #[test]
    fn labels_with_one_amount_each_are_a_leak() {
        let names = ["a", "b", "c", "d"];
        let amounts = [3.0, -1.0, 8.0, 2.0];
        let rows = sample((0..400).map(|row| (text(names[row % 4]), Value::Number(amounts[row % 4]))));
        assert!(matches!(leak(&rows, 0, 1, false), Some(Leak::Means { r_squared }) if r_squared > 0.999));
    }

    #[test]
    fn identifiers_and_few_rows_show_nothing() {
        let identified = sample((0..500).map(|row| (text(&row.to_string()), Value::Number((row % 2) as f64))));
        assert_eq!(leak(&identified, 0, 1, true), None);
        let few = sample((0..20).map(|row| (Value::Number((row % 2) as f64), Value::Number((row % 2) as f64))));
        assert_eq!(leak(&few, 0, 1, true), None);
    }

    #[test]
    fn equal_numbers_share_their_mean_rank() {
        assert_eq!(ranks(vec![5.0, 1.0, 5.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
        assert_eq!(rank_correlation(&[(1.0, 3.0), (1.0, 4.0)]), 0.0);
    }
}
