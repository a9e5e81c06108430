//! What costs most: the rows with the greatest losses, and the groups of rows that are answered worse than the rest.

use serde::Serialize;
use tacit_data::Groups;

use crate::metrics::{Answers, argmax, row_losses};

/// The fewest rows of a slice that are worth telling.
pub const SLICE_ROWS_MIN: usize = 20;

/// What each row costs.
#[derive(Clone, Debug, PartialEq)]
pub struct RowCosts {
    /// −ln of the probability given to the right class, its mean over several labels at once, |y − t| for a number, and
    /// how far the score of an anomaly lies on the wrong side of the threshold. Always finite: an answer that is not a
    /// number costs as much as the worst one that is.
    pub losses: Vec<f64>,
    /// Whether the answer is bad: wrong for a category or an anomaly, among the costliest quarter for others.
    pub is_bad: Vec<bool>,
}

/// A column that may tell good rows from bad ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    /// The rows by their values in it.
    pub groups: Groups,
}

/// Rows with the same value in a column that cost more than the others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    pub column: String,
    /// The value; empty for the rows without one.
    pub value: String,
    pub rows: usize,
    pub bad_rows: usize,
    pub mean_loss: f64,
    /// The mean of all rows, for comparison.
    pub mean_loss_of_all: f64,
    /// Which share of the loss of all rows would go away if these cost as much as the mean of all.
    pub excess: f64,
    /// How often as many rows drawn at random would hold as many bad ones. Below 10⁻²⁵ it is given as 0.
    pub p_value: f64,
}

pub fn row_costs(answers: &Answers) -> RowCosts {
    let mut losses = row_losses(answers);
    let worst = losses.iter().copied().filter(|loss| loss.is_finite()).fold(0.0, f64::max);
    losses.iter_mut().filter(|loss| !loss.is_finite()).for_each(|loss| *loss = worst);
    let is_bad = match answers {
        Answers::Category { classes, truth, probabilities } => {
            truth.iter().zip(probabilities.chunks_exact(*classes)).map(|(t, p)| argmax(p) != *t as usize).collect()
        }
        Answers::Anomaly { truth, scores, threshold } if answers.truth_is_known() => {
            truth.iter().zip(scores).map(|(t, score)| (score > threshold) != *t).collect()
        }
        Answers::Anomaly { scores, .. } => vec![false; scores.len()],
        Answers::Labels { .. } | Answers::Number { .. } => {
            let mut ascending = losses.clone();
            ascending.sort_unstable_by(f64::total_cmp);
            let limit = ascending.get(3 * ascending.len() / 4).copied().unwrap_or(0.0);
            losses.iter().map(|loss| *loss > 0.0 && *loss >= limit).collect()
        }
    };
    RowCosts { losses, is_bad }
}

/// The rows with the greatest losses, the greatest first; of equal ones the first.
pub fn worst_rows(costs: &RowCosts, count: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..costs.losses.len()).collect();
    rows.sort_by(|a, b| costs.losses[*b].total_cmp(&costs.losses[*a]));
    rows.truncate(count);
    rows
}

/// The slices that cost more than chance explains, by their share of the loss of all rows above the average.
///
/// Each group of at least `rows_min` rows of a column is a candidate. Under chance, its rows are drawn from all rows, so
/// that the number of bad ones is hypergeometric; of the candidates those are told that the procedure of Benjamini and
/// Hochberg (Journal of the Royal Statistical Society B 57, 1995) finds at a rate of 5 % false discoveries, and whose
/// mean loss is above the average too.
pub fn worst_slices(costs: &RowCosts, columns: &[Column], rows_min: usize) -> Vec<Slice> {
    const FALSE_DISCOVERIES: f64 = 0.05;
    let RowCosts { losses, is_bad } = costs;
    let bad_of_all = is_bad.iter().filter(|bad| **bad).count();
    let total: f64 = losses.iter().sum();
    let mean_loss_of_all = total / losses.len() as f64;
    let mut candidates = Vec::new();
    for Column { name, groups } in columns {
        for (label, rows) in groups.labels.iter().zip(groups.rows()) {
            // All rows are no slice.
            if rows.len() < rows_min.max(1) || rows.len() == losses.len() {
                continue;
            }
            let mean_loss = rows.iter().map(|row| losses[*row]).sum::<f64>() / rows.len() as f64;
            let bad_rows = rows.iter().filter(|row| is_bad[**row]).count();
            candidates.push(Slice {
                column: name.clone(),
                value: label.clone(),
                rows: rows.len(),
                bad_rows,
                mean_loss,
                mean_loss_of_all,
                excess: rows.len() as f64 * (mean_loss - mean_loss_of_all) / total,
                p_value: hypergeometric_upper_tail(bad_rows, bad_of_all, rows.len(), losses.len()),
            });
        }
    }
    candidates.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    let count = candidates.len() as f64;
    let is_below = |place: &usize| candidates[*place].p_value <= FALSE_DISCOVERIES * (place + 1) as f64 / count;
    let found = (0..candidates.len()).rev().find(is_below).map_or(0, |last| last + 1);
    candidates.truncate(found);
    candidates.retain(|slice| slice.excess > 0.0);
    candidates.sort_by(|a, b| b.excess.total_cmp(&a.excess));
    candidates
}

/// Numbers as at most `most` groups of about as many rows each, so that a column of numbers can be searched for slices.
/// Equal numbers are in one group, and those that are not finite in one of their own. A group is called by its least and
/// greatest number.
pub fn quantile_groups(values: &[f32], most: usize) -> Groups {
    let mut order: Vec<usize> = (0..values.len()).filter(|row| values[*row].is_finite()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut groups: Vec<&[usize]> = order.chunk_by(|a, b| values[*a] == values[*b]).collect();
    let mut ids = vec![0; values.len()];
    let mut labels = Vec::new();
    // If there are few enough different numbers, each is a group.
    let rows_of_group = if groups.len() <= most { 1 } else { order.len().div_ceil(most.max(1)) };
    while !groups.is_empty() {
        let mut rows = 0;
        let taken = groups.iter().take_while(|group| {
            let is_open = rows < rows_of_group;
            rows += group.len();
            is_open
        });
        let (group, rest) = groups.split_at(taken.count());
        let (low, high) = (values[group[0][0]], values[group[group.len() - 1][0]]);
        group.iter().copied().flatten().for_each(|row| ids[*row] = labels.len() as u32);
        labels.push(if low == high { low.to_string() } else { format!("{low} to {high}") });
        groups = rest.to_vec();
    }
    if order.len() < values.len() {
        let rows = (0..values.len()).filter(|row| !values[*row].is_finite());
        rows.for_each(|row| ids[row] = labels.len() as u32);
        labels.push(String::new());
    }
    Groups { labels, ids }
}

/// The chance that of `drawn` out of `total` rows at least `least` are marked, if `marked` of all are.
///
/// Terms are taken relative to the greatest, as for the intervals of proportions, so that neither factorials nor
/// logarithms are needed.
fn hypergeometric_upper_tail(least: usize, marked: usize, drawn: usize, total: usize) -> f64 {
    const NEGLIGIBLE: f64 = 1e-25;
    let (first, last) = ((marked + drawn).saturating_sub(total), marked.min(drawn));
    let mode = ((drawn as f64 + 1.0) * (marked as f64 + 1.0) / (total as f64 + 2.0)) as usize;
    let mode = mode.clamp(first, last);
    // The chance of i + 1 over that of i.
    let ratio = |i: usize| {
        let (i, marked, drawn, total) = (i as f64, marked as f64, drawn as f64, total as f64);
        (marked - i) * (drawn - i) / ((i + 1.0) * (total - marked - drawn + i + 1.0))
    };
    let (mut all, mut tail) = (0.0, 0.0);
    let mut add = |i: usize, term: f64| {
        all += term;
        if i >= least {
            tail += term;
        }
    };
    let mut term = 1.0;
    for i in mode..=last {
        add(i, term);
        term *= ratio(i);
        if term < NEGLIGIBLE {
            break;
        }
    }
    term = 1.0;
    for i in (first..mode).rev() {
        term /= ratio(i);
        if term < NEGLIGIBLE {
            break;
        }
        add(i, term);
    }
    tail / all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tacit_data::random::SplitMix64;

    use super::*;

    #[test]
    fn tails_are_those_of_an_independent_program() {
        for (least, marked, drawn, total, expected) in [
            (3, 10, 20, 100, 0.318_779_936_182),
            (0, 5, 5, 10, 1.0),
            (5, 5, 5, 10, 0.003_968_253_968),
            (30, 200, 60, 1000, 7.064_805_897e-8),
            (4200, 40_000, 10_000, 100_000, 9.214_190_381e-6),
            (5000, 40_000, 10_000, 100_000, 0.0),
        ] {
            let found = hypergeometric_upper_tail(least, marked, drawn, total);
            assert!((found - expected).abs() <= 1e-9 * expected, "{least} {marked} {drawn} {total}: {found}");
        }
    }

    #[test]
    fn rows_cost_what_they_are_wrong_by() {
        let numbers = Answers::Number { truth: vec![1.0; 5], answers: vec![1.0, 2.0, 4.0, f32::NAN, 0.5] };
        let costs = row_costs(&numbers);
        assert_eq!(costs.losses, [0.0, 1.0, 3.0, 3.0, 0.5]);
        assert_eq!(costs.is_bad, [false, false, true, true, false]);
        assert_eq!(worst_rows(&costs, 3), [2, 3, 1]);
        let kinds = Answers::Category { classes: 2, truth: vec![0, 0], probabilities: vec![0.25, 0.75, 1.0, 0.0] };
        let costs = row_costs(&kinds);
        assert!((costs.losses[0] - 4f64.ln()).abs() < 1e-6 && costs.losses[1] == 0.0);
        assert_eq!(costs.is_bad, [true, false]);
        let labels = Answers::Labels { labels: 2, truth: vec![true, false], probabilities: vec![0.5, 0.75] };
        assert!((row_costs(&labels).losses[0] - 8f64.ln() / 2.0).abs() < 1e-6);
        let unlike = |truth| Answers::Anomaly { truth, scores: vec![0.5, 2.0, 3.0], threshold: 1.0 };
        let costs = row_costs(&unlike(vec![true, true, false]));
        assert_eq!((costs.losses, costs.is_bad), (vec![0.5, 0.0, 2.0], vec![true, false, true]));
        assert_eq!(row_costs(&unlike(vec![])).losses, [0.0; 3]);
        let none = Answers::Number { truth: vec![], answers: vec![] };
        assert!(worst_rows(&row_costs(&none), 3).is_empty());
    }

    /// Columns with groups of random rows, of which none has to do with the costs.
    fn noise(rows: usize, columns: usize, random: &mut SplitMix64) -> Vec<Column> {
        let labels: Vec<String> = (0..6).map(|label| label.to_string()).collect();
        let mut ids = || (0..rows).map(|_| random.below(6) as u32).collect();
        let column =
            |index| Column { name: format!("noise{index}"), groups: Groups { labels: labels.clone(), ids: ids() } };
        (0..columns).map(column).collect()
    }

    #[test]
    fn a_slice_that_is_worse_is_found_among_noise() {
        let mut random = SplitMix64::new(4);
        let rows = 2000;
        let is_old: Vec<u32> = (0..rows).map(|_| u32::from(random.below(10) == 0)).collect();
        let is_bad: Vec<bool> = is_old.iter().map(|old| random.below(100) < if *old == 1 { 40 } else { 10 }).collect();
        let losses = is_bad.iter().map(|bad| if *bad { 2.0 } else { 0.1 }).collect();
        let mut columns = noise(rows, 20, &mut random);
        let labels = ["young", "old"].map(str::to_owned).to_vec();
        columns.push(Column { name: "age".into(), groups: Groups { labels, ids: is_old.clone() } });
        let costs = RowCosts { losses, is_bad };
        let found = worst_slices(&costs, &columns, SLICE_ROWS_MIN);
        assert_eq!((found.len(), found[0].column.as_str(), found[0].value.as_str()), (1, "age", "old"), "{found:?}");
        let old = is_old.iter().filter(|old| **old == 1).count();
        assert_eq!((found[0].rows, found[0].p_value < 1e-9), (old, true));
        assert!(found[0].mean_loss > 2.0 * found[0].mean_loss_of_all && found[0].excess > 0.1, "{found:?}");
        assert!(worst_slices(&costs, &columns, old + 1).is_empty(), "it has too few rows");
    }

    #[test]
    fn noise_is_seldom_reported() {
        let reported = (0..200u64).filter(|seed| {
            let mut random = SplitMix64::new(*seed);
            let is_bad: Vec<bool> = (0..500).map(|_| random.below(5) == 0).collect();
            let losses = is_bad.iter().map(|bad| f64::from(u8::from(*bad))).collect();
            !worst_slices(&RowCosts { losses, is_bad }, &noise(500, 10, &mut random), SLICE_ROWS_MIN).is_empty()
        });
        // At most 5 %, and less since counts are whole numbers.
        assert!(reported.count() <= 12);
    }

    #[test]
    fn what_costs_nothing_or_is_everything_is_no_slice() {
        let all = Column { name: "all".into(), groups: Groups { labels: vec!["x".into()], ids: vec![0; 40] } };
        let half = |row| u32::from(row >= 20);
        let halves = Groups { labels: vec!["a".into(), "b".into()], ids: (0..40).map(half).collect() };
        let columns = [all, Column { name: "half".into(), groups: halves }];
        let right = RowCosts { losses: vec![0.0; 40], is_bad: vec![false; 40] };
        assert!(worst_slices(&right, &columns, 1).is_empty());
        let wrong = (0..40).map(|row| row >= 20).collect::<Vec<_>>();
        let losses = wrong.iter().map(|bad| f64::from(u8::from(*bad))).collect();
        let found = worst_slices(&RowCosts { losses, is_bad: wrong }, &columns, 1);
        assert_eq!((found.len(), found[0].value.as_str(), found[0].excess), (1, "b", 0.5));
        assert!(worst_slices(&RowCosts { losses: vec![], is_bad: vec![] }, &[], 1).is_empty());
    }

    #[test]
    fn numbers_are_grouped_by_their_quantiles() {
        let groups = quantile_groups(&[3.0, 1.0, 2.0, f32::NAN, 1.0], 5);
        assert_eq!(
            (groups.labels, groups.ids),
            (vec!["1".into(), "2".into(), "3".into(), String::new()], vec![2, 0, 1, 3, 0])
        );
        let values: Vec<f32> = (0..100).map(|row| row as f32 / 2.0).collect();
        let groups = quantile_groups(&values, 4);
        assert_eq!(groups.labels, ["0 to 12", "12.5 to 24.5", "25 to 37", "37.5 to 49.5"]);
        assert_eq!(groups.rows().iter().map(Vec::len).collect::<Vec<_>>(), [25; 4]);
        assert!(quantile_groups(&[], 4).labels.is_empty());
    }

    proptest! {
        #[test]
        fn every_number_is_in_one_of_the_few_groups_and_equal_ones_in_the_same(
            values in prop::collection::vec(-20i32..20, 0..80),
            most in 1usize..8,
        ) {
            let values: Vec<f32> = values.into_iter().map(|value| value as f32 / 4.0).collect();
            let groups = quantile_groups(&values, most);
            prop_assert!(groups.labels.len() <= most && groups.ids.len() == values.len());
            prop_assert!(groups.rows().iter().all(|rows| !rows.is_empty()));
            for (a, of_a) in values.iter().zip(&groups.ids) {
                for (b, of_b) in values.iter().zip(&groups.ids) {
                    prop_assert!(a != b || of_a == of_b);
                    prop_assert!(a >= b || of_a <= of_b);
                }
            }
        }
    }
}
