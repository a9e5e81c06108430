use proptest::prelude::*;
use tacit_data::random::SplitMix64;
use tacit_spec::AnswerKind;
use tacit_spec::metric::{ClassUse, FigureRange};

use super::*;

fn three_classes() -> Answers {
    let answered = [0, 0, 1, 1, 1, 2, 2, 2];
    let probabilities =
        answered.into_iter().flat_map(|class| (0..3).map(move |c| if c == class { 0.5 } else { 0.25 })).collect();
    Answers::Category { classes: 3, truth: vec![0, 1, 1, 1, 0, 2, 2, 0], probabilities }
}

fn of_class(metric: Metric, class: usize) -> Figure {
    Figure { metric, class: Some(class), k: None }
}

/// Every figure that can be asked of answers.
fn figures(answers: &Answers) -> Vec<Figure> {
    let classes = answers.classes();
    let mut figures = Vec::new();
    for metric in Metric::ALL.iter().copied().filter(|metric| metric.fits(answers.kind())) {
        let k = (metric == Metric::TopK).then_some(2);
        let class_use = metric.class_use(answers.kind());
        if class_use != ClassUse::Required {
            figures.push(Figure { metric, class: None, k });
        }
        if class_use != ClassUse::Never {
            figures.extend((0..classes).map(|class| of_class(metric, class)));
        }
    }
    figures
}

/// Random answers with many ties.
fn random_answers(kind: AnswerKind, rows: usize, seed: u64) -> Answers {
    let mut random = SplitMix64::new(seed);
    let mut below = |bound: u64| random.below(bound) as usize;
    match kind {
        AnswerKind::Category => {
            let classes = 2 + below(3);
            let truth = (0..rows).map(|_| below(classes as u64) as i32).collect();
            let mut probabilities = Vec::new();
            for _ in 0..rows {
                let parts: Vec<usize> = (0..classes).map(|_| 1 + below(6)).collect();
                let sum: usize = parts.iter().sum();
                probabilities.extend(parts.iter().map(|part| *part as f32 / sum as f32));
            }
            Answers::Category { classes, truth, probabilities }
        }
        AnswerKind::Labels => {
            let labels = 1 + below(4);
            let truth = (0..rows * labels).map(|_| below(3) == 0).collect();
            Answers::Labels {
                labels,
                truth,
                probabilities: (0..rows * labels).map(|_| below(9) as f32 / 8.0).collect(),
            }
        }
        AnswerKind::Number => {
            let mut numbers = || (0..rows).map(|_| below(40) as f32 / 8.0 - 2.0).collect();
            Answers::Number { truth: numbers(), answers: numbers() }
        }
        AnswerKind::Anomaly => Answers::Anomaly {
            truth: (0..rows).map(|_| below(4) == 0).collect(),
            scores: (0..rows).map(|_| below(16) as f32 / 4.0).collect(),
            threshold: 2.5,
        },
    }
}

#[test]
fn shares_count_the_rows_they_are_about() {
    let answers = three_classes();
    let counted = |figure: Figure| {
        let measured = measure(figure, &answers, 0.95);
        (measured.value, measured.rows)
    };
    assert_eq!(counted(Metric::Accuracy.into()), (5.0 / 8.0, 8));
    assert_eq!(counted(of_class(Metric::Recall, 0)), (1.0 / 3.0, 3));
    assert_eq!(counted(of_class(Metric::Precision, 0)), (0.5, 2));
    assert_eq!(counted(of_class(Metric::Recall, 2)), (1.0, 2));
    assert_eq!(counted(of_class(Metric::F1, 0)), (2.0 / 5.0, 4));
    assert_eq!(counted(of_class(Metric::SelectionRate, 1)), (3.0 / 8.0, 8));
    assert_eq!(counted(Figure { k: Some(1), ..Metric::TopK.into() }), (5.0 / 8.0, 8));
    assert_eq!(counted(Figure { k: Some(2), ..Metric::TopK.into() }), (1.0, 8));
    let f1 = (2.0 / 5.0 + 4.0 / 6.0 + 4.0 / 5.0) / 3.0;
    assert!((counted(Metric::MacroF1.into()).0 - f1).abs() < 1e-15);
}

#[test]
fn the_probability_that_is_nought_costs_no_more_than_the_least_normal_number() {
    let answers = Answers::Category { classes: 2, truth: vec![0, 1], probabilities: vec![0.0, 1.0, 0.0, 1.0] };
    let loss = value(Metric::LogLoss.into(), &answers);
    assert!((loss - 0.5 * 87.336_544).abs() < 1e-5, "{loss}");
}

#[test]
fn errors_of_numbers_are_in_their_unit() {
    let answers = Answers::Number { truth: vec![1.0, 2.0, 3.0, 4.0], answers: vec![1.0, 4.0, 3.0, 0.0] };
    assert_eq!(value(Metric::MeanAbsoluteError.into(), &answers), 1.5);
    assert_eq!(value(Metric::RootMeanSquaredError.into(), &answers), 5f64.sqrt());
    assert_eq!(value(Metric::RSquared.into(), &answers), -3.0);
    let some = measure(Metric::MeanAbsoluteError.into(), &answers.select(&[1, 3]), 0.95);
    assert_eq!((some.value, some.rows, some.interval.map(|i| i[1])), (3.0, 2, Some(4.0)));
}

#[test]
fn what_is_not_defined_says_why() {
    let answers = three_classes();
    let why = |figure: Figure, answers: &Answers| {
        let measured = measure(figure, answers, 0.95);
        assert!(measured.value.is_nan() && measured.interval.is_none(), "{measured:?}");
        measured.undefined.unwrap()
    };
    assert_eq!(why(of_class(Metric::Recall, 2), &answers.select(&[0, 1])), "no row is of the class");
    assert_eq!(why(of_class(Metric::Precision, 2), &answers.select(&[0, 1])), "no row is answered with the class");
    assert_eq!(why(of_class(Metric::F1, 2), &answers.select(&[0, 1])), "no row is of the class or is answered with it");
    assert_eq!(why(Metric::Auroc.into(), &answers.select(&[0])), "the rows are all of the class, or none is");
    assert_eq!(why(of_class(Metric::Recall, 3), &answers), "the data has no such class");
    assert_eq!(why(Metric::Recall.into(), &answers), "no class is named");
    assert_eq!(why(Metric::TopK.into(), &answers), "no `k` is given");
    assert_eq!(why(Metric::RSquared.into(), &answers), "the metric is not measured on such answers");
    assert_eq!(why(Metric::Latency.into(), &answers), "the metric is not measured on such answers");
    let unknown = Answers::Anomaly { truth: vec![], scores: vec![0.5, 1.5, 2.5], threshold: 1.0 };
    assert_eq!(why(Metric::Auroc.into(), &unknown), "the data does not say which rows are anomalous");
    assert_eq!(value(Metric::SelectionRate.into(), &unknown), 2.0 / 3.0);
    let same = Answers::Number { truth: vec![0.1; 3], answers: vec![0.0, 0.1, 0.2] };
    assert_eq!(why(Metric::RSquared.into(), &same), "the right answers are all the same");
    for kind in AnswerKind::ALL {
        let none = random_answers(*kind, 20, 1).select(&[]);
        figures(&none).into_iter().for_each(|figure| assert_eq!(why(figure, &none), "there are no rows"));
    }
}

#[test]
fn a_single_row_shows_a_share_but_not_how_far_rows_lie_apart() {
    let one = three_classes().select(&[2]);
    assert!(measure(Metric::Accuracy.into(), &one, 0.95).interval.is_some());
    let loss = measure(Metric::LogLoss.into(), &one, 0.95);
    assert!(loss.value.is_finite() && loss.interval.is_none() && loss.undefined.is_none());
}

#[test]
fn an_answer_that_is_not_a_number_makes_its_figures_undefined() {
    let nan = |kind: AnswerKind| match random_answers(kind, 20, 1) {
        Answers::Category { classes, truth, mut probabilities } => {
            probabilities[3..3 + classes].fill(f32::NAN);
            Answers::Category { classes, truth, probabilities }
        }
        Answers::Labels { labels, truth, mut probabilities } => {
            probabilities[3..3 + labels].fill(f32::NAN);
            Answers::Labels { labels, truth, probabilities }
        }
        Answers::Number { truth, mut answers } => {
            answers[3] = f32::NAN;
            Answers::Number { truth, answers }
        }
        Answers::Anomaly { truth, mut scores, threshold } => {
            scores[3] = f32::NAN;
            Answers::Anomaly { truth, scores, threshold }
        }
    };
    let needs_scores = [
        Metric::Auroc,
        Metric::AveragePrecision,
        Metric::LogLoss,
        Metric::Brier,
        Metric::CalibrationError,
        Metric::MeanAbsoluteError,
        Metric::RootMeanSquaredError,
        Metric::RSquared,
    ];
    for kind in AnswerKind::ALL {
        let answers = nan(*kind);
        for figure in figures(&answers).into_iter().filter(|figure| needs_scores.contains(&figure.metric)) {
            assert_eq!(measure(figure, &answers, 0.95).undefined, Some(NOT_FINITE), "{figure:?}");
        }
    }
}

#[test]
fn the_usual_metrics_fit_and_need_no_class() {
    for kind in AnswerKind::ALL {
        let answers = random_answers(*kind, 40, 2);
        for metric in usual_metrics(&answers) {
            assert!(measure(Figure::from(*metric), &answers, 0.95).undefined.is_none(), "{kind:?}: {metric}");
        }
    }
    let unknown = Answers::Anomaly { truth: vec![], scores: vec![0.5, 1.5], threshold: 1.0 };
    for metric in usual_metrics(&unknown) {
        assert!(value(Figure::from(*metric), &unknown).is_finite(), "{metric}");
    }
}

#[test]
fn the_first_of_equals_is_the_greatest() {
    assert_eq!(argmax(&[0.1, 0.4, 0.4, 0.1]), 1);
    assert_eq!(argmax(&[f32::NAN, 1.0]), 0);
}

#[test]
fn intervals_hold_the_true_figure_about_as_often_as_they_say() {
    // Scores of the two classes overlap so that the true AUROC is 7/8: uniform on [0, 1) and on [½, 1½).
    let mut random = SplitMix64::new(3);
    let mut uniform = || (random.next_u64() >> 40) as f32 / (1u32 << 24) as f32;
    let held = (0..200).filter(|_| {
        let truth: Vec<bool> = (0..120).map(|row| row % 3 == 0).collect();
        let scores = truth.iter().map(|anomalous| uniform() + if *anomalous { 0.5 } else { 0.0 }).collect();
        let answers = Answers::Anomaly { truth, scores, threshold: 1.0 };
        let [low, high] = measure(Metric::Auroc.into(), &answers, 0.9).interval.unwrap();
        (low..=high).contains(&0.875)
    });
    // 90 % of 200 are 180, with a standard deviation of 4.2; the bootstrap's intervals are a little narrow.
    let held = held.count();
    assert!((165..=193).contains(&held), "{held} of 200");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_rows_changes_no_bit_of_a_figure_or_its_interval(kind in 0usize..4, rows in 1usize..40, seed in any::<u64>()) {
        let answers = random_answers(AnswerKind::ALL[kind], rows, seed);
        let mut order: Vec<usize> = (0..rows).collect();
        SplitMix64::new(seed ^ 1).shuffle(&mut order);
        let shuffled = answers.select(&order);
        for figure in figures(&answers) {
            let (one, other) = (measure(figure, &answers, 0.95), measure(figure, &shuffled, 0.95));
            prop_assert_eq!(one.value.to_bits(), other.value.to_bits(), "{:?}", figure);
            prop_assert_eq!((one.interval, one.rows, one.undefined), (other.interval, other.rows, other.undefined));
        }
    }

    #[test]
    fn figures_lie_in_their_range_and_in_their_interval(kind in 0usize..4, rows in 1usize..40, seed in any::<u64>()) {
        let answers = random_answers(AnswerKind::ALL[kind], rows, seed);
        for figure in figures(&answers) {
            let measured = measure(figure, &answers, 0.9);
            prop_assert_eq!(measured.value.is_nan(), measured.undefined.is_some(), "{:?} {:?}", figure, measured);
            let Some([low, high]) = measured.interval else { continue };
            prop_assert!(low <= measured.value && measured.value <= high, "{:?} {:?}", figure, measured);
            prop_assert!(measured.rows > 0 && measured.rows <= rows);
            let (least, greatest) = match figure.metric.definition().range {
                FigureRange::Share => (0.0, 1.0),
                FigureRange::FromZero => (0.0, f64::INFINITY),
                FigureRange::ToOne => (f64::NEG_INFINITY, 1.0),
                FigureRange::Count => panic!("counts are not measured on rows"),
            };
            prop_assert!(least <= low && high <= greatest + 1e-15, "{:?} {:?}", figure, measured);
        }
    }

    #[test]
    fn rows_that_are_there_twice_change_no_figure(kind in 0usize..4, rows in 1usize..30, seed in any::<u64>()) {
        let answers = random_answers(AnswerKind::ALL[kind], rows, seed);
        let twice = answers.select(&(0..2 * rows).map(|row| row / 2).collect::<Vec<_>>());
        for figure in figures(&answers) {
            let (one, two) = (value(figure, &answers), value(figure, &twice));
            prop_assert!(one.is_nan() && two.is_nan() || (one - two).abs() < 1e-12 * one.abs().max(1.0), "{:?}", figure);
        }
    }
}
