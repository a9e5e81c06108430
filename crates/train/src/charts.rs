//! What a report draws of the answers of one output: confusions, calibration, curves over the threshold, and how errors
//! are spread. Nothing here decides anything.

use serde::Serialize;

use crate::interval::clopper_pearson;
use crate::metrics::{
    Answers, BINS, Binary, CONFIDENCE, Figure, Ranking, Tally, argmax, bin, calibration_decisions, errors, tallies,
    value,
};
use tacit_spec::Metric;

/// All that is drawn of some answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Charts {
    Category {
        classes: Vec<ClassFigures>,
        confusion: Confusion,
        calibration: Vec<CalibrationBin>,
        curves: Vec<Curve>,
    },
    Labels {
        labels: Vec<ClassFigures>,
        calibration: Vec<CalibrationBin>,
        curves: Vec<Curve>,
    },
    Number {
        errors: Histogram,
        quantiles: Vec<Quantile>,
        points: Vec<[f32; 2]>,
    },
    /// `usual` and `anomalous` have the same edges; without known truth all rows are in `usual`, and nothing is in the
    /// others.
    Anomaly {
        threshold: f32,
        usual: Histogram,
        anomalous: Histogram,
        class: Option<ClassFigures>,
        curve: Option<Curve>,
    },
}

/// The figures of one class or label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassFigures {
    pub label: String,
    /// Rows of the class, rows answered with it, and rows of which both hold.
    pub rows: u64,
    pub answered: u64,
    pub right: u64,
    /// None where a figure is not defined.
    pub recall: Option<f64>,
    pub precision: Option<f64>,
    pub f1: Option<f64>,
}

/// How often each class is answered with each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// (classes, classes): a row for each class, a column for each answer; none above [`MATRIX_CLASSES_MAX`].
    pub matrix: Option<Vec<Vec<u64>>>,
    /// The most frequent mistakes, the most frequent first.
    pub mistakes: Vec<Mistake>,
}

/// A class that is answered with another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mistake {
    pub class: String,
    pub answer: String,
    pub rows: u64,
}

/// The answers whose probability lies in (low, high].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CalibrationBin {
    pub low: f64,
    pub high: f64,
    /// Decisions: one a row, or one for each label.
    pub decisions: usize,
    /// Their mean probability, and the share that is right with its interval; none without decisions.
    pub probability: Option<f64>,
    pub right: Option<f64>,
    /// None for several labels at once, whose decisions have to do with one another.
    pub interval: Option<[f64; 2]>,
}

/// One class against the rest at every threshold: the ROC curve is recall over false positive rate, the precision-recall
/// curve precision over recall.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    pub label: String,
    /// Rows of the class.
    pub rows: u64,
    pub auroc: f64,
    pub average_precision: f64,
    /// In falling order of the threshold; the first is above all scores.
    pub points: Vec<CurvePoint>,
}

/// What holds if rows are answered with the class from a threshold on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// The least score that is still answered with the class; none where no row is.
    pub threshold: Option<f32>,
    pub recall: f64,
    pub false_positive_rate: f64,
    /// None where no row is answered with the class.
    pub precision: Option<f64>,
}

/// Counts of numbers in equally wide bins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// One more than bins. The first and the last bin count also what lies beyond them.
    pub edges: Vec<f64>,
    pub counts: Vec<u64>,
    /// Numbers that are not finite.
    pub not_finite: u64,
}

/// The number that a share of all does not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantile {
    pub share: f64,
    pub value: f64,
}

/// The most classes whose confusion is a matrix; with more only the mistakes are listed.
pub const MATRIX_CLASSES_MAX: usize = 50;
/// The most mistakes that are listed.
pub const MISTAKES_MAX: usize = 50;
/// The most classes that have a curve: those with the most rows.
pub const CURVES_MAX: usize = 20;
/// The most points of a curve, and of answers beside the right numbers.
pub const POINTS_MAX: usize = 200;

/// Everything that is drawn of some answers; `labels` are the names of the classes or labels.
pub fn charts(answers: &Answers, labels: &[String]) -> Charts {
    match answers {
        Answers::Category { .. } => Charts::Category {
            classes: class_figures(answers, labels),
            confusion: confusion(answers, labels),
            calibration: calibration(answers),
            curves: curves(answers, labels),
        },
        Answers::Labels { .. } => Charts::Labels {
            labels: class_figures(answers, labels),
            calibration: calibration(answers),
            curves: curves(answers, labels),
        },
        Answers::Number { truth, answers: answered } => {
            let errors: Vec<f64> = errors(truth, answered).collect();
            Charts::Number {
                errors: histogram(&errors, &edges(&errors)),
                quantiles: quantiles(&errors),
                points: points(truth, answered),
            }
        }
        Answers::Anomaly { truth, scores, threshold } => {
            let all: Vec<f64> = scores.iter().copied().map(f64::from).collect();
            let edges = edges(&all);
            let of = |anomalous: bool| -> Vec<f64> {
                let is_so = |row: &usize| truth.get(*row).copied().unwrap_or(false) == anomalous;
                (0..all.len()).filter(is_so).map(|row| all[row]).collect()
            };
            Charts::Anomaly {
                threshold: *threshold,
                usual: histogram(&of(false), &edges),
                anomalous: histogram(&of(true), &edges),
                class: Binary::of(answers, None).ok().map(|binary| figures_of("anomalous", binary.tally())),
                curve: curve(answers, None, "anomalous"),
            }
        }
    }
}

/// The figures of every class or label.
pub fn class_figures(answers: &Answers, labels: &[String]) -> Vec<ClassFigures> {
    labels.iter().zip(tallies(answers)).map(|(label, tally)| figures_of(label, tally)).collect()
}

/// How often each class is answered with each; empty for answers that are not of one of several classes.
pub fn confusion(answers: &Answers, labels: &[String]) -> Confusion {
    let Answers::Category { classes, truth, probabilities } = answers else {
        return Confusion { matrix: None, mistakes: Vec::new() };
    };
    let answered = probabilities.chunks_exact(*classes).map(argmax);
    let mut pairs: Vec<(usize, usize)> = truth.iter().map(|id| *id as usize).zip(answered).collect();
    pairs.sort_unstable();
    let mut cells: Vec<(usize, usize, u64)> =
        pairs.chunk_by(|a, b| a == b).map(|cell| (cell[0].0, cell[0].1, cell.len() as u64)).collect();
    let matrix = (*classes <= MATRIX_CLASSES_MAX).then(|| {
        let mut matrix = vec![vec![0; *classes]; *classes];
        cells.iter().for_each(|(class, answer, rows)| matrix[*class][*answer] = *rows);
        matrix
    });
    cells.retain(|(class, answer, _)| class != answer);
    cells.sort_by_key(|(_, _, rows)| std::cmp::Reverse(*rows));
    cells.truncate(MISTAKES_MAX);
    let name = |class: usize| labels.get(class).cloned().unwrap_or_default();
    let mistake = |(class, answer, rows)| Mistake { class: name(class), answer: name(answer), rows };
    Confusion { matrix, mistakes: cells.into_iter().map(mistake).collect() }
}

/// The bins of the expected calibration error, which is the sum over them of |right − probability|, weighted by their
/// decisions.
pub fn calibration(answers: &Answers) -> Vec<CalibrationBin> {
    let mut bins = vec![(0usize, 0usize, 0.0); BINS];
    for (_, probability, right) in calibration_decisions(answers) {
        if !probability.is_nan() {
            let (decisions, rights, sum) = &mut bins[bin(probability)];
            *decisions += 1;
            *rights += usize::from(right);
            *sum += f64::from(probability);
        }
    }
    let is_one_a_row = matches!(answers, Answers::Category { .. });
    let of_bin = |(index, (decisions, rights, sum)): (usize, (usize, usize, f64))| {
        let is_some = decisions > 0;
        CalibrationBin {
            low: index as f64 / BINS as f64,
            high: (index + 1) as f64 / BINS as f64,
            decisions,
            probability: is_some.then(|| sum / decisions as f64),
            right: is_some.then(|| rights as f64 / decisions as f64),
            interval: (is_some && is_one_a_row).then(|| clopper_pearson(rights, decisions, CONFIDENCE)),
        }
    };
    bins.into_iter().enumerate().map(of_bin).collect()
}

/// The curves of the classes with the most rows, in the order of the classes: of the second class alone if there are two.
pub fn curves(answers: &Answers, labels: &[String]) -> Vec<Curve> {
    let is_two = matches!(answers, Answers::Category { classes: 2, .. });
    let mut classes: Vec<(usize, u64)> = tallies(answers).iter().map(|tally| tally.of_class).enumerate().collect();
    classes.retain(|(class, _)| !is_two || *class == 1);
    classes.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    classes.truncate(CURVES_MAX);
    classes.sort_unstable();
    let label = |class: usize| labels.get(class).map_or("", String::as_str);
    classes.into_iter().filter_map(|(class, _)| curve(answers, Some(class), label(class))).collect()
}

/// The curve of one class or label, or of the anomalous rows, in at most [`POINTS_MAX`] points; none if the rows are all
/// of the class or none is, or a score is not a number.
pub fn curve(answers: &Answers, class: Option<usize>, label: &str) -> Option<Curve> {
    let binary = Binary::of(answers, class).ok()?;
    if binary.scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let [auroc, average_precision] =
        [Metric::Auroc, Metric::AveragePrecision].map(|metric| value(Figure { metric, class, k: None }, answers));
    if !auroc.is_finite() {
        return None;
    }
    let rows = binary.truth.iter().filter(|truth| **truth).count() as u64;
    let others = binary.truth.len() as u64 - rows;
    let mut thresholds = binary.scores.clone();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup_by(|a, b| a == b);
    let nothing = CurvePoint { threshold: None, recall: 0.0, false_positive_rate: 0.0, precision: None };
    let mut points = vec![nothing];
    let (mut right, mut wrong) = (0u64, 0u64);
    let mut thresholds = thresholds.into_iter();
    Ranking::new(&binary.truth, &binary.scores).steps(&vec![1; binary.truth.len()], |positive, negative| {
        right += u64::from(positive);
        wrong += u64::from(negative);
        points.push(CurvePoint {
            threshold: thresholds.next(),
            recall: right as f64 / rows as f64,
            false_positive_rate: wrong as f64 / others as f64,
            precision: Some(right as f64 / (right + wrong) as f64),
        });
    });
    Some(Curve { label: label.to_owned(), rows, auroc, average_precision, points: thinned(&points) })
}

fn figures_of(label: &str, tally: Tally) -> ClassFigures {
    let Tally { right, of_class, answered } = tally;
    let (recall, precision, f1) = (tally.recall(), tally.precision(), tally.f1());
    ClassFigures { label: label.to_owned(), rows: of_class, answered, right, recall, precision, f1 }
}

/// At most [`POINTS_MAX`] of the points of a curve, the ends among them, about equally far from one another along it.
fn thinned(points: &[CurvePoint]) -> Vec<CurvePoint> {
    if points.len() <= POINTS_MAX {
        return points.to_vec();
    }
    // How far each point is along both curves.
    let mut along = vec![0.0];
    for pair in points.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let step = b.recall - a.recall + b.false_positive_rate - a.false_positive_rate;
        let precision = a.precision.zip(b.precision).map_or(0.0, |(a, b)| (b - a).abs());
        along.push(along[along.len() - 1] + step + precision);
    }
    let whole = along[along.len() - 1];
    let mut kept = Vec::new();
    let mut reached = 0;
    for (index, (point, along)) in points.iter().zip(&along).enumerate() {
        // The last place is kept for the last point.
        let step = (along / whole * (POINTS_MAX - 1) as f64) as usize;
        if index == 0 || index == points.len() - 1 || (step > reached && kept.len() < POINTS_MAX - 1) {
            reached = step;
            kept.push(*point);
        }
    }
    kept
}

/// The edges of at most forty equally wide bins over the middle 99 % of the numbers; one bin if they are all the same.
fn edges(values: &[f64]) -> Vec<f64> {
    const BINS_MAX: usize = 40;
    let finite = ascending(values);
    let Some(last) = finite.len().checked_sub(1) else { return vec![0.0, 1.0] };
    let at = |share: f64| finite[(share * last as f64 + 0.5) as usize];
    let (low, high) = (at(0.005), at(0.995));
    if low == high {
        return vec![low - 0.5, high + 0.5];
    }
    let bins = BINS_MAX.min(finite.len());
    (0..=bins).map(|edge| low + (high - low) * edge as f64 / bins as f64).collect()
}

fn histogram(values: &[f64], edges: &[f64]) -> Histogram {
    let bins = edges.len() - 1;
    let (low, width) = (edges[0], (edges[bins] - edges[0]) / bins as f64);
    let mut histogram = Histogram { edges: edges.to_vec(), counts: vec![0; bins], not_finite: 0 };
    for value in values {
        match value.is_finite() {
            // What lies below the first edge is in the first bin: a negative number becomes 0.
            true => histogram.counts[(((value - low) / width) as usize).min(bins - 1)] += 1,
            false => histogram.not_finite += 1,
        }
    }
    histogram
}

/// The usual quantiles of the finite numbers, each the number at its place in ascending order.
fn quantiles(values: &[f64]) -> Vec<Quantile> {
    const SHARES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];
    let finite = ascending(values);
    let Some(last) = finite.len().checked_sub(1) else { return Vec::new() };
    SHARES.map(|share| Quantile { share, value: finite[(share * last as f64 + 0.5) as usize] }).to_vec()
}

/// At most [`POINTS_MAX`] right numbers with their answers, evenly taken in ascending order of the right ones.
fn points(truth: &[f32], answers: &[f32]) -> Vec<[f32; 2]> {
    let mut points: Vec<[f32; 2]> = truth.iter().zip(answers).map(|(t, y)| [*t, *y]).collect();
    points.retain(|[_, answer]| answer.is_finite());
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let kept = points.len().min(POINTS_MAX);
    (0..kept).map(|place| points[place * points.len() / kept]).collect()
}

fn ascending(values: &[f64]) -> Vec<f64> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    finite.sort_unstable_by(f64::total_cmp);
    finite
}

#[cfg(test)]
mod tests {
    use tacit_data::random::SplitMix64;

    use super::*;
    use crate::metrics::measure;

    fn labels(count: usize) -> Vec<String> {
        (0..count).map(|label| label.to_string()).collect()
    }

    fn category(rows: usize, classes: usize, seed: u64) -> Answers {
        let mut random = SplitMix64::new(seed);
        let truth: Vec<i32> = (0..rows).map(|_| random.below(classes as u64) as i32).collect();
        let mut probabilities = Vec::new();
        for t in &truth {
            let mut row: Vec<f32> = (0..classes).map(|_| 1.0 + random.below(1000) as f32).collect();
            row[*t as usize] += 700.0;
            let sum: f32 = row.iter().sum();
            probabilities.extend(row.iter().map(|part| part / sum));
        }
        Answers::Category { classes, truth, probabilities }
    }

    #[test]
    fn a_confusion_counts_every_row_and_lists_the_most_frequent_mistakes() {
        let probabilities =
            [0, 1, 1, 2, 0, 0].map(|answer| [0, 1, 2].map(|class| if class == answer { 0.5 } else { 0.25 }));
        let answers =
            Answers::Category { classes: 3, truth: vec![0, 0, 0, 2, 2, 0], probabilities: probabilities.concat() };
        let Confusion { matrix, mistakes } = confusion(&answers, &labels(3));
        assert_eq!(matrix.unwrap(), [[2, 2, 0], [0, 0, 0], [1, 0, 1]]);
        let first = Mistake { class: "0".into(), answer: "1".into(), rows: 2 };
        assert_eq!(mistakes, [first, Mistake { class: "2".into(), answer: "0".into(), rows: 1 }]);
        let figures = class_figures(&answers, &labels(3));
        assert_eq!((figures[0].recall, figures[0].precision, figures[0].rows), (Some(0.5), Some(2.0 / 3.0), 4));
        assert_eq!((figures[1].recall, figures[1].precision, figures[1].f1), (None, Some(0.0), Some(0.0)));
        let many = confusion(&category(500, MATRIX_CLASSES_MAX + 1, 1), &labels(MATRIX_CLASSES_MAX + 1));
        assert!(many.matrix.is_none() && many.mistakes.len() == MISTAKES_MAX);
    }

    #[test]
    fn the_bins_of_calibration_add_up_to_its_error() {
        for answers in [category(500, 4, 2), {
            let truth = (0..600).map(|row| row % 3 == 0).collect();
            Answers::Labels { labels: 2, truth, probabilities: (0..600).map(|row| (row % 17) as f32 / 16.0).collect() }
        }] {
            let bins = calibration(&answers);
            let decisions: usize = bins.iter().map(|bin| bin.decisions).sum();
            let error =
                |bin: &CalibrationBin| (bin.right.unwrap() - bin.probability.unwrap()).abs() * bin.decisions as f64;
            let sum: f64 = bins.iter().filter(|bin| bin.decisions > 0).map(error).sum();
            let ece = value(Metric::CalibrationError.into(), &answers);
            assert!((sum / decisions as f64 - ece).abs() < 1e-12, "{sum} {ece}");
            for bin in bins.iter().filter(|bin| bin.decisions > 0) {
                assert!(bin.low < bin.probability.unwrap() && bin.probability.unwrap() <= bin.high, "{bin:?}");
            }
        }
    }

    #[test]
    fn a_curve_rises_from_nothing_to_everything_and_its_areas_are_the_metrics() {
        for (rows, thin) in [(150, false), (3000, true)] {
            let answers = category(rows, 3, 3);
            let curve = curve(&answers, Some(2), "2").unwrap();
            let points = &curve.points;
            assert!(points.len() <= POINTS_MAX && (points.len() > 151) == thin, "{}", points.len());
            assert_eq!((points[0].threshold, points[0].recall, points[0].precision), (None, 0.0, None));
            let last = points[points.len() - 1];
            assert_eq!((last.recall, last.false_positive_rate), (1.0, 1.0));
            assert!(points.windows(2).all(|pair| {
                pair[0].recall <= pair[1].recall
                    && pair[0].false_positive_rate <= pair[1].false_positive_rate
                    && pair[0].threshold.is_none_or(|threshold| Some(threshold) > pair[1].threshold)
            }));
            let trapezoid = |pair: &[CurvePoint]| {
                (pair[1].false_positive_rate - pair[0].false_positive_rate) * (pair[0].recall + pair[1].recall) / 2.0
            };
            let area: f64 = points.windows(2).map(trapezoid).sum();
            assert!((area - curve.auroc).abs() < if thin { 0.003 } else { 1e-12 }, "{area} {}", curve.auroc);
            let step = |pair: &[CurvePoint]| (pair[1].recall - pair[0].recall) * pair[1].precision.unwrap();
            let area: f64 = points.windows(2).map(step).sum();
            let tolerance = if thin { 0.01 } else { 1e-12 };
            assert!((area - curve.average_precision).abs() < tolerance, "{area} {}", curve.average_precision);
        }
    }

    #[test]
    fn what_a_threshold_says_is_what_holds_from_there_on() {
        let answers = Answers::Anomaly {
            truth: vec![true, false, true, false],
            scores: vec![3.0, 2.0, 2.0, 1.0],
            threshold: 1.5,
        };
        let Charts::Anomaly { curve: Some(curve), class: Some(class), usual, anomalous, .. } = charts(&answers, &[])
        else {
            panic!()
        };
        let points: Vec<_> = curve.points.iter().map(|p| (p.threshold, p.recall, p.false_positive_rate)).collect();
        assert_eq!(points, [(None, 0.0, 0.0), (Some(3.0), 0.5, 0.0), (Some(2.0), 1.0, 0.5), (Some(1.0), 1.0, 1.0)]);
        assert_eq!((class.right, class.answered, class.recall), (2, 3, Some(1.0)));
        assert_eq!((usual.counts.iter().sum::<u64>(), anomalous.counts.iter().sum::<u64>()), (2, 2));
        let unknown = Answers::Anomaly { truth: vec![], scores: vec![3.0, 2.0], threshold: 1.5 };
        let Charts::Anomaly { curve: None, class: None, usual, anomalous, .. } = charts(&unknown, &[]) else {
            panic!()
        };
        assert_eq!((usual.counts.iter().sum::<u64>(), anomalous.counts.iter().sum::<u64>()), (2, 0));
    }

    #[test]
    fn two_classes_have_the_curve_of_the_second_and_many_those_with_the_most_rows() {
        let two = curves(&category(200, 2, 4), &labels(2));
        assert_eq!((two.len(), two[0].label.as_str()), (1, "1"));
        assert_eq!(two[0].auroc, measure(Metric::Auroc.into(), &category(200, 2, 4), 0.95).value);
        let many = category(2000, 30, 5);
        let found = curves(&many, &labels(30));
        let least = found.iter().map(|curve| curve.rows).min().unwrap();
        let rest =
            class_figures(&many, &labels(30)).into_iter().filter(|class| found.iter().all(|c| c.label != class.label));
        assert!(found.len() == CURVES_MAX && rest.map(|class| class.rows).max().unwrap() <= least);
    }

    #[test]
    fn errors_of_numbers_are_counted_once_each_and_outliers_in_the_outer_bins() {
        let truth = vec![0.0; 1000];
        let mut answers: Vec<f32> = (0..1000).map(|row| (row % 100) as f32 / 10.0 - 5.0).collect();
        (answers[0], answers[1]) = (1e9, f32::NAN);
        let Charts::Number { errors, quantiles, points } = charts(&Answers::Number { truth, answers }, &[]) else {
            panic!()
        };
        assert_eq!((errors.counts.iter().sum::<u64>(), errors.not_finite), (999, 1));
        assert!(errors.edges.len() == 41 && errors.edges[40] < 6.0, "{:?}", errors.edges);
        assert!(errors.counts.iter().all(|count| (15..=40).contains(count)), "{:?}", errors.counts);
        let middle = quantiles[4];
        assert!(middle.share == 0.5 && (middle.value + 0.1).abs() < 0.11 && quantiles[8].value == 1e9);
        assert_eq!(points.len(), POINTS_MAX);
    }

    #[test]
    fn few_answers_and_none_are_drawn_too() {
        for count in [0, 1] {
            let number = Answers::Number { truth: vec![1.0; count], answers: vec![2.0; count] };
            let Charts::Number { errors, quantiles, points } = charts(&number, &[]) else { panic!() };
            assert_eq!((errors.counts, quantiles.len(), points.len()), (vec![count as u64], 9 * count, count));
            let kinds =
                Answers::Category { classes: 2, truth: vec![1; count], probabilities: [0.25, 0.75].repeat(count) };
            let Charts::Category { confusion, curves, .. } = charts(&kinds, &labels(2)) else { panic!() };
            assert!(confusion.matrix.unwrap()[1][1] == count as u64 && curves.is_empty());
            let labels_ = Answers::Labels { labels: 1, truth: vec![true; count], probabilities: vec![0.5; count] };
            let json = serde_json::to_value(charts(&labels_, &labels(1))).unwrap();
            assert_eq!(json["type"], "labels");
        }
    }
}
