//! Pictures of ten classes.

use tacit_data::random::SplitMix64;
use tacit_report::*;

use crate::{census, draw};

const CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

pub fn report() -> Report {
    let mut random = SplitMix64::new(23);
    let alike: [&[usize]; 10] = [&[6, 3], &[3], &[4, 6], &[4, 6, 0], &[2, 6], &[7], &[0, 2, 4], &[9, 5], &[8], &[7]];
    let errors = [0.14, 0.015, 0.11, 0.08, 0.12, 0.018, 0.24, 0.03, 0.012, 0.04];
    let truth: Vec<usize> = (0..10_000).map(|row| row % 10).collect();
    let answers: Vec<usize> = truth
        .iter()
        .map(|class| match draw::even(&mut random) < errors[*class] {
            true if draw::even(&mut random) < 0.06 => random.below(10) as usize,
            true => alike[*class][random.below(alike[*class].len() as u64) as usize],
            false => *class,
        })
        .collect();
    let right = truth.iter().zip(&answers).filter(|(t, a)| t == a).count() as u64;
    let accuracy = draw::share(right, 10_000);
    let sure: Vec<(f64, bool)> = (0..10_000)
        .map(|_| {
            let p = 1.0 - 0.75 * draw::even(&mut random).powi(5);
            (p, draw::even(&mut random) < p * 1.03 - 0.045)
        })
        .collect();
    let roc = |class: usize, random: &mut SplitMix64| {
        let scored: Vec<(f64, bool)> = truth
            .iter()
            .map(|t| {
                let apart = 4.5 - 12.0 * errors[class];
                let z = draw::normal(random) + if *t == class { apart } else { 0.0 };
                (draw::logistic(z - apart / 2.0), *t == class)
            })
            .collect();
        draw::roc(CLASSES[class], &scored)
    };
    let roc: Vec<RateCurve> = (0..10).map(|class| roc(class, &mut random)).collect();
    Report {
        head: Head {
            program: "garments".to_owned(),
            description: "Which of ten kinds of garment a picture of 28 × 28 grey pixels shows".to_owned(),
            figures: vec![
                KeyFigure { name: "Accuracy".to_owned(), unit: Unit::Plain, estimate: accuracy, note: String::new() },
                KeyFigure {
                    name: "Latency".to_owned(),
                    unit: Unit::Microseconds,
                    estimate: Estimate::exact(412.0),
                    note: String::new(),
                },
                KeyFigure {
                    name: "File size".to_owned(),
                    unit: Unit::Bytes,
                    estimate: Estimate::exact(1_112_904.0),
                    note: String::new(),
                },
            ],
            comparisons: vec![],
            tool_version: "0.1.0".to_owned(),
            seed: Some(1),
            hashes: vec![],
            parts: [
                ("training", "train-images-idx3-ubyte.gz", 54_000),
                ("validation", "train-images-idx3-ubyte.gz", 6_000),
                ("test", "t10k-images-idx3-ubyte.gz", 10_000),
            ]
            .map(|(name, file, rows)| Part { name: name.to_owned(), file: file.to_owned(), rows })
            .to_vec(),
            looks: Some(1),
        },
        contract: Some(Contract {
            lines: vec![Line {
                subject: "accuracy".to_owned(),
                required: "at least 0.9, confidence 0.95".to_owned(),
                bound: Some(Bound::AtLeast(0.9)),
                estimate: accuracy,
                deciding: Deciding::LowerEnd,
                met: Some(true),
                ..Line::default()
            }],
        }),
        outputs: vec![Output {
            name: "kind".to_owned(),
            answers: Answers::Category(CategoryAnswers {
                classes: CLASSES.map(str::to_owned).to_vec(),
                confusion: Some(Confusion::of(&truth, &answers)),
                per_class: draw::per_class(&CLASSES, &truth, &answers),
                reliability: Some(draw::reliability(&sure, 0.2)),
                roc,
                precision_recall: vec![],
            }),
        }],
        worst: Some(WorstExamples {
            measure: "loss".to_owned(),
            examples: (0..16).map(|k| example(k, &mut random)).collect(),
        }),
        curves: Some(draw::curves("accuracy", 20, 422, [0.9, 0.19], [0.71, 0.928], 2)),
        cost: Some(Cost {
            parameters: Some(276_138),
            flops: Some(11_402_240),
            file_bytes: Some(1_112_904),
            peak_memory_bytes: Some(225_792),
            latency: Some(census::latency(412.0)),
        }),
        memory: Some(memory()),
        ..Report::default()
    }
}

fn example(k: usize, random: &mut SplitMix64) -> Example {
    let kind = k % 4;
    let answers = [("Shirt", "T-shirt/top"), ("Dress", "Trouser"), ("Sneaker", "Ankle boot"), ("T-shirt/top", "Bag")];
    let (truth, answer) = answers[kind];
    Example {
        cells: vec![],
        picture: Some(garment(kind, random)),
        truth: truth.to_owned(),
        answer: answer.to_owned(),
        probability: Some(0.999 - 0.004 * k as f64),
        error: Some(8.4 - 0.21 * k as f64),
        place: format!("t10k:{}", 17 + 611 * k),
    }
}

/// The outline of a garment in grey.
fn garment(kind: usize, random: &mut SplitMix64) -> Picture {
    let (tone, stripe) = (110.0 + 120.0 * draw::even(random), 2 + random.below(4));
    let slack = draw::even(random) * 2.0;
    let mut pixels = Vec::with_capacity(28 * 28);
    for row in 0..28u64 {
        for column in 0..28u64 {
            let (x, y) = ((column as f64 - 13.5).abs(), row as f64);
            let is_inside = match kind {
                0 => (4.0..24.0).contains(&y) && (x < 6.5 + slack || (y < 11.0 && x < 12.5)) && !(y < 6.0 && x < 3.0),
                1 => (2.0..26.0).contains(&y) && x < 6.5 && !(y > 8.0 && x < 0.4 + y * 0.06),
                2 => y > 13.0 + (13.5 - column as f64) * 0.3 && (8.0..23.0).contains(&y),
                _ => {
                    (9.0..25.0).contains(&y) && x < 11.5
                        || ((4.0..9.0).contains(&y) && (5.0..7.0).contains(&x))
                        || (y > 3.0 && y < 5.5 && x < 7.0)
                }
            };
            let shade = tone + if (row / stripe) % 2 == 0 { 18.0 } else { -12.0 } + 9.0 * draw::normal(random);
            pixels.push(if is_inside { shade.clamp(1.0, 255.0) as u8 } else { 0 });
        }
    }
    Picture { height: 28, width: 28, channels: 1, pixels }
}

fn memory() -> MemoryMap {
    let blocks = [
        (100_352, "conv 3x3 32"),
        (100_352, "norm, relu"),
        (100_352, "conv 3x3 32"),
        (100_352, "residual"),
        (50_176, "conv 3x3 64"),
        (50_176, "norm, relu"),
        (50_176, "conv 3x3 64"),
        (50_176, "residual"),
        (25_088, "conv 3x3 128"),
        (25_088, "norm, relu"),
        (25_088, "residual"),
        (512, "pooled"),
        (40, "scores"),
    ];
    let sizes: Vec<(&str, u64)> = blocks.iter().map(|(bytes, label)| (*label, *bytes)).collect();
    draw::memory(&sizes, 2)
}
