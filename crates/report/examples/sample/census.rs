//! A table with two classes, with slices of people: the sections of a category.

use tacit_data::random::SplitMix64;
use tacit_report::*;

use crate::{census_details, draw};

pub fn report() -> Report {
    let mut random = SplitMix64::new(7);
    let rows = 9_769;
    // The score of each row, and whether it is positive.
    let scored: Vec<(f64, bool)> = (0..rows)
        .map(|_| {
            let logit = -2.4 + 3.1 * draw::normal(&mut random);
            (draw::logistic(logit), draw::even(&mut random) < draw::logistic(logit * 1.05 + 0.05))
        })
        .collect();
    let truth: Vec<usize> = scored.iter().map(|(_, positive)| usize::from(*positive)).collect();
    let answers: Vec<usize> = scored.iter().map(|(score, _)| usize::from(*score >= 0.5)).collect();
    let sure: Vec<(f64, bool)> = scored.iter().map(|(p, t)| (p.max(1.0 - p), (*p >= 0.5) == *t)).collect();
    let right = truth.iter().zip(&answers).filter(|(t, a)| t == a).count() as u64;
    let accuracy = draw::share(right, rows);
    let roc = draw::roc(">50K", &scored);
    let auroc = roc.area;
    let classes = ["<=50K", ">50K"];
    let per_class = draw::per_class(&classes, &truth, &answers);
    let recall = per_class[1].recall;
    Report {
        head: head(accuracy, auroc, recall),
        contract: Some(contract(accuracy, auroc, recall)),
        baselines: Some(baselines(accuracy, auroc)),
        outputs: vec![Output {
            name: "income".to_owned(),
            answers: Answers::Category(CategoryAnswers {
                classes: classes.map(str::to_owned).to_vec(),
                confusion: Some(Confusion::of(&truth, &answers)),
                per_class,
                reliability: Some(draw::reliability(&sure, 0.5)),
                precision_recall: vec![draw::precision_recall(">50K", &scored)],
                roc: vec![roc],
            }),
        }],
        slices: Some(census_details::slices(accuracy.value)),
        worst: Some(census_details::worst()),
        importance: Some(census_details::importance()),
        effects: vec![census_details::effects()],
        learning_curve: Some(census_details::learning_curve(auroc)),
        curves: Some(draw::curves("AUROC", 38, 229, [0.62, 0.285], [0.81, 0.9265], 3)),
        data: Some(census_details::data()),
        cost: Some(Cost {
            parameters: Some(27_650),
            flops: Some(58_912),
            file_bytes: Some(129_482),
            peak_memory_bytes: Some(3_072),
            latency: Some(latency(7.2)),
        }),
        memory: Some(memory()),
        provenance: Some(Provenance {
            manifest_file: "Tacit.toml".to_owned(),
            manifest: MANIFEST.to_owned(),
            versions: [("Tacit", "0.1.0"), ("numerics", "3"), ("artifact format", "2")]
                .map(|(of, version)| Version { of: of.to_owned(), version: version.to_owned() })
                .to_vec(),
        }),
    }
}

const MANIFEST: &str = r#"[program]
name = "income"
description = "Whether a person's yearly income is above 50,000 US$, from the census of 1994"

[data]
source = "adult-train.csv"
test = "adult-test.csv"
split = { validation = 0.1, seed = 1 }

[input.age]
type = "number"

[input.occupation]
type = "category"

[output.income]
type = "category"
classes = ["<=50K", ">50K"]

[skeleton]
preset = "resnet"

[goal]
minimise = "cross-entropy"

[[require]]
metric = "auroc"
at_least = 0.92
confidence = 0.95

[[require]]
metric = "gap"
of = "recall"
class = ">50K"
between = "sex"
at_most = 0.10
"#;

fn head(accuracy: Estimate, auroc: Estimate, recall: Estimate) -> Head {
    let part = |name: &str, file: &str, rows| Part { name: name.to_owned(), file: file.to_owned(), rows };
    let hash = |of: &str, hash: &str| Hash { of: of.to_owned(), hash: hash.to_owned() };
    let figure = |name: &str, estimate, unit, note: &str| KeyFigure {
        name: name.to_owned(),
        unit,
        estimate,
        note: note.to_owned(),
    };
    Head {
        program: "income".to_owned(),
        description: "Whether a person's yearly income is above 50,000 US$, from the census of 1994".to_owned(),
        figures: vec![
            figure("AUROC", auroc, Unit::Plain, ""),
            figure("Accuracy", accuracy, Unit::Plain, ""),
            figure("Recall of >50K", recall, Unit::Plain, ""),
            figure("Latency", Estimate::exact(7.2), Unit::Microseconds, "median of one answer"),
        ],
        comparisons: vec![
            Comparison {
                rival: Rival::Yours,
                figure: "AUROC".to_owned(),
                unit: Unit::Plain,
                difference: draw::about(0.1083, 0.0062, 9_769),
            },
            Comparison {
                rival: Rival::Baseline("boosted trees".to_owned()),
                figure: "AUROC".to_owned(),
                unit: Unit::Plain,
                difference: draw::about(0.0011, 0.0019, 9_769),
            },
        ],
        tool_version: "0.1.0".to_owned(),
        seed: Some(1),
        hashes: vec![
            hash("Data", "8f1c04d2b7a953e1aa20cc95d3a7f9e2114be8f07c24f1d1ad9e0b6f6f0c2a11"),
            hash("Manifest", "2b0f0a9c51d4e6e9c80f3c29f55d5b1e7de4c3a1d2a9b6f87c6d5e4f3a2b1c0d"),
            hash("Weights", "c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3"),
        ],
        parts: vec![
            part("training", "adult-train.csv", 29_305),
            part("validation", "adult-train.csv", 3_256),
            part("test", "adult-test.csv", 9_769),
        ],
        looks: Some(3),
    }
}

fn contract(accuracy: Estimate, auroc: Estimate, recall: Estimate) -> Contract {
    let gap = draw::about(0.1313, 0.048, 2_420);
    let line = |subject: &str, required: &str, bound: Option<Bound>, estimate: Estimate, deciding| Line {
        subject: subject.to_owned(),
        required: required.to_owned(),
        bound,
        met: bound.map(|bound| is_met(bound, &estimate, deciding)),
        estimate,
        deciding,
        ..Line::default()
    };
    let at_least = |bound| Some(Bound::AtLeast(bound));
    let at_most = |bound| Some(Bound::AtMost(bound));
    let costs = |subject: &str, required: &str, bound, value, unit| Line {
        unit,
        ..line(subject, required, bound, Estimate::exact(value), Deciding::Value)
    };
    let group = |name: &str, hits, rows, is_deciding| Group {
        name: name.to_owned(),
        estimate: draw::share(hits, rows),
        is_deciding,
    };
    Contract {
        lines: vec![
            line("AUROC", "at least 0.92, confidence 0.95", at_least(0.92), auroc, Deciding::LowerEnd),
            line("accuracy", "at least 0.85", at_least(0.85), accuracy, Deciding::Value),
            line("recall of '>50K'", "at least 0.6", at_least(0.6), recall, Deciding::Value),
            Line {
                groups: vec![group("sex = 'Male'", 1_288, 2_031, true), group("sex = 'Female'", 195, 389, true)],
                ..line(
                    "gap of recall of '>50K' between values of sex",
                    "at most 0.1",
                    at_most(0.1),
                    gap,
                    Deciding::Value,
                )
            },
            costs("flops", "at most 200,000", at_most(200_000.0), 58_912.0, Unit::Count),
            costs("file size", "at most 1 MB", at_most(1e6), 129_482.0, Unit::Bytes),
            line("log loss", "", None, draw::about(0.2867, 0.0081, 9_769), Deciding::Value),
            line("expected calibration error", "", None, draw::about(0.0121, 0.0034, 9_769), Deciding::Value),
            line(
                "precision of '>50K' where native-country = 'Laos'",
                "",
                None,
                Estimate::measured(f64::NAN, None, 0),
                Deciding::Value,
            ),
            costs("parameters", "", None, 27_650.0, Unit::Count),
            costs("peak memory", "", None, 3_072.0, Unit::Bytes),
        ],
    }
}

fn is_met(bound: Bound, estimate: &Estimate, deciding: Deciding) -> bool {
    let number = match (deciding, estimate.interval) {
        (Deciding::LowerEnd, Some([low, _])) => low,
        (Deciding::UpperEnd, Some([_, high])) => high,
        (Deciding::Value | Deciding::LowerEnd | Deciding::UpperEnd, _) => estimate.value.unwrap_or(f64::NAN),
    };
    match bound {
        Bound::AtLeast(bound) => number >= bound,
        Bound::AtMost(bound) => number <= bound,
    }
}

fn baselines(accuracy: Estimate, auroc: Estimate) -> Baselines {
    let figure = |name: &str, better| ComparedFigure { name: name.to_owned(), better, unit: Unit::Plain };
    let program =
        |name: &str, kind, figures: [Estimate; 3], latency_us, size_bytes, rows_fitted, note: &str| Contender {
            name: name.to_owned(),
            kind,
            figures: figures.to_vec(),
            latency_us,
            size_bytes,
            rows_fitted,
            note: note.to_owned(),
        };
    let rows = 9_769;
    let figures = |a: f64, b: f64, c: f64| {
        [draw::about(a, 0.0042, rows), draw::about(b, 0.0066, rows), draw::about(c, 0.0081, rows)]
    };
    let end = auroc.value.unwrap_or(0.93);
    let mine = [auroc, accuracy, draw::about(0.2867, 0.0081, rows)];
    Baselines {
        figures: vec![
            figure("AUROC", Better::Higher),
            figure("accuracy", Better::Higher),
            figure("log loss", Better::Lower),
        ],
        programs: vec![
            program("income", ContenderKind::This, mine, Some(7.2), Some(129_482), Some(29_305), ""),
            program(
                "rules.py",
                ContenderKind::Yours,
                [draw::about(end - 0.1083, 0.0061, rows), draw::about(0.8021, 0.0078, rows), Estimate::default()],
                Some(41_000.0),
                Some(1_204),
                None,
                "gives no probabilities",
            ),
            program(
                "boosted trees",
                ContenderKind::BuiltIn,
                figures(end - 0.0011, 0.8701, 0.2811),
                Some(38.0),
                Some(1_820_000),
                Some(29_305),
                "",
            ),
            program(
                "linear",
                ContenderKind::BuiltIn,
                figures(0.9052, 0.8519, 0.3203),
                Some(2.1),
                Some(2_400),
                Some(29_305),
                "",
            ),
            program(
                "nearest neighbours",
                ContenderKind::BuiltIn,
                figures(0.8723, 0.8342, 0.4120),
                Some(5_400.0),
                Some(4_700_000),
                Some(10_000),
                "on a subsample",
            ),
            program(
                "constant",
                ContenderKind::BuiltIn,
                [draw::about(0.5, 0.0, rows), draw::about(0.7522, 0.0086, rows), draw::about(0.56, 0.008, rows)],
                Some(0.1),
                Some(64),
                Some(29_305),
                "always '<=50K'",
            ),
        ],
    }
}

pub fn latency(median: f64) -> Latency {
    let mut random = SplitMix64::new(5);
    let mut times: Vec<f64> = (0..20_000)
        .map(|_| {
            median * libm::exp(0.09 * draw::normal(&mut random))
                + if draw::even(&mut random) < 0.01 { median } else { 0.0 }
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let quantiles = [0.5, 0.9, 0.99, 0.999].map(|share| Quantile { share, value: times[(share * 19_999.0) as usize] });
    let shown = &times[..19_960];
    Latency {
        machine: "2 cores with AVX-512, one thread".to_owned(),
        answers: 20_000,
        quantiles: quantiles.to_vec(),
        histogram: Some(Histogram::of(shown, 60)),
    }
}

fn memory() -> MemoryMap {
    draw::memory(
        &[
            ("encoded numbers", 288),
            ("embeddings", 704),
            ("joined", 992),
            ("hidden 1", 768),
            ("normalised", 768),
            ("hidden 2", 768),
            ("residual 1", 768),
            ("normalised", 768),
            ("hidden 3", 768),
            ("residual 2", 768),
            ("scores", 8),
            ("probabilities", 8),
        ],
        3,
    )
}
