//! A table whose answer is a number, from an additive program: exact shapes.

use tacit_data::random::SplitMix64;
use tacit_report::*;

use crate::{census, draw};

pub fn report() -> Report {
    let mut random = SplitMix64::new(17);
    let truth: Vec<f64> = (0..4128)
        .map(|_| (180_000.0 * libm::exp(0.55 * draw::normal(&mut random))).clamp(15_000.0, 500_001.0))
        .collect();
    let answers: Vec<f64> =
        truth.iter().map(|y| 0.82 * y + 38_000.0 + (18_000.0 + 0.13 * y) * draw::normal(&mut random)).collect();
    let errors: Vec<f64> = truth.iter().zip(&answers).map(|(t, a)| a - t).collect();
    let mut sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let mean_error = sizes.iter().sum::<f64>() / sizes.len() as f64;
    let mae = draw::about(mean_error, 1_020.0, 4128);
    let quantiles =
        [0.5, 0.75, 0.9, 0.95, 0.99].map(|share| Quantile { share, value: sizes[(share * 4127.0) as usize] });
    let residuals = Histogram::between(&errors, -sizes[4100], sizes[4100], 50);
    Report {
        head: Head {
            program: "california-housing".to_owned(),
            description: "The median price of a house in a block of California, 1990".to_owned(),
            figures: vec![
                KeyFigure {
                    name: "Mean absolute error".to_owned(),
                    unit: Unit::Plain,
                    estimate: mae,
                    note: "in US$".to_owned(),
                },
                KeyFigure {
                    name: "R²".to_owned(),
                    unit: Unit::Plain,
                    estimate: draw::about(0.8012, 0.0121, 4128),
                    note: String::new(),
                },
                KeyFigure {
                    name: "File size".to_owned(),
                    unit: Unit::Bytes,
                    estimate: Estimate::exact(38_200.0),
                    note: String::new(),
                },
            ],
            comparisons: vec![Comparison {
                rival: Rival::Baseline("linear".to_owned()),
                figure: "mean absolute error".to_owned(),
                unit: Unit::Plain,
                difference: draw::about(12_402.0, 911.0, 4128),
            }],
            tool_version: "0.1.0".to_owned(),
            seed: Some(4),
            hashes: vec![],
            parts: [("training", 14_448), ("validation", 2_064), ("test", 4_128)]
                .map(|(name, rows)| Part { name: name.to_owned(), file: "housing.csv".to_owned(), rows })
                .to_vec(),
            looks: Some(1),
        },
        contract: Some(Contract {
            lines: vec![
                Line {
                    subject: "mean absolute error".to_owned(),
                    required: "at most 40,000, confidence 0.95".to_owned(),
                    bound: Some(Bound::AtMost(40_000.0)),
                    estimate: mae,
                    deciding: Deciding::UpperEnd,
                    met: Some(true),
                    ..Line::default()
                },
                Line {
                    subject: "R² where ocean_proximity = 'ISLAND'".to_owned(),
                    estimate: draw::about(0.31, 0.6, 5),
                    ..Line::default()
                },
            ],
        }),
        baselines: Some(Baselines {
            figures: vec![ComparedFigure {
                name: "mean absolute error".to_owned(),
                better: Better::Lower,
                unit: Unit::Plain,
            }],
            programs: [
                ("california-housing", ContenderKind::This, mean_error, 1_020.0, 1.4, 38_200),
                ("boosted trees", ContenderKind::BuiltIn, 29_120.0, 940.0, 44.0, 2_400_000),
                ("nearest neighbours", ContenderKind::BuiltIn, 42_402.0, 1_320.0, 1_900.0, 1_100_000),
                ("linear", ContenderKind::BuiltIn, mean_error + 12_402.0, 1_210.0, 0.6, 420),
                ("constant", ContenderKind::BuiltIn, 91_190.0, 1_900.0, 0.1, 40),
            ]
            .map(|(name, kind, value, half, latency, size)| Contender {
                name: name.to_owned(),
                kind,
                figures: vec![draw::about(value, half, 4128)],
                latency_us: Some(latency),
                size_bytes: Some(size),
                rows_fitted: Some(14_448),
                note: String::new(),
            })
            .to_vec(),
        }),
        outputs: vec![
            Output {
                name: "median_house_value".to_owned(),
                answers: Answers::Number(NumberAnswers {
                    measured_in: "US$".to_owned(),
                    scatter: Some(Scatter::of(&truth, &answers)),
                    residuals: Some(residuals),
                    error_quantiles: quantiles.to_vec(),
                }),
            },
            Output {
                name: "rooms".to_owned(),
                answers: Answers::Number(NumberAnswers {
                    scatter: Some(Scatter::of(&truth[..700], &answers[..700])),
                    ..NumberAnswers::default()
                }),
            },
        ],
        effects: vec![shapes()],
        curves: Some(draw::curves("mean absolute error", 120, 57, [2.9, 0.21], [88_000.0, 32_900.0], 9)),
        cost: Some(Cost {
            parameters: Some(9_412),
            flops: Some(18_240),
            file_bytes: Some(38_200),
            peak_memory_bytes: Some(1_024),
            latency: Some(census::latency(1.4)),
        }),
        ..Report::default()
    }
}

fn shapes() -> Effects {
    let columns = [
        "median_income",
        "latitude",
        "longitude",
        "housing_median_age",
        "total_rooms",
        "total_bedrooms",
        "population",
        "households",
    ];
    let shape = |k: usize, t: f64| match k {
        0 => 190_000.0 * (t - 0.35),
        1 => -80_000.0 * libm::sin(3.0 * t) + 40_000.0,
        2 => 60_000.0 * libm::cos(4.0 * t) - 10_000.0,
        3 => 20_000.0 * (t - 0.5),
        _ => 15_000.0 * libm::sin(k as f64 + 2.5 * t) - 4_000.0,
    };
    let ranges = [
        (0.5, 15.0),
        (32.5, 42.0),
        (-124.4, -114.3),
        (1.0, 52.0),
        (2.0, 39_320.0),
        (1.0, 6_445.0),
        (3.0, 35_682.0),
        (1.0, 6_082.0),
    ];
    let mut effects: Vec<Effect> = columns
        .iter()
        .enumerate()
        .map(|(k, column)| {
            let points = (0..40).map(|step| {
                let t = f64::from(step) / 39.0;
                let (from, to) = ranges[k];
                EffectPoint { at: from + (to - from) * t, mean: shape(k, t), band: None }
            });
            Effect { column: (*column).to_owned(), shape: Shape::Numbers(points.collect()) }
        })
        .collect();
    let near = [
        ("<1H OCEAN", 8_000.0),
        ("INLAND", -42_000.0),
        ("NEAR OCEAN", 14_000.0),
        ("NEAR BAY", 11_000.0),
        ("ISLAND", 61_000.0),
    ];
    effects.push(Effect {
        column: "ocean_proximity".to_owned(),
        shape: Shape::Categories(
            near.map(|(value, mean)| CategoryEffect { value: value.to_owned(), estimate: Estimate::exact(mean) })
                .to_vec(),
        ),
    });
    Effects {
        answer: "contribution to the price in US$".to_owned(),
        unit: Unit::Plain,
        kind: EffectKind::Exact,
        columns: effects,
    }
}
