//! A table with two classes, with slices of people: the sections of a category.

use tacit_data::random::SplitMix64;
use tacit_report::*;

use crate::draw;

const COLUMNS: [&str; 14] = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
];

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
        slices: Some(slices(accuracy.value)),
        worst: Some(worst()),
        importance: Some(importance()),
        effects: vec![effects()],
        learning_curve: Some(learning_curve(auroc)),
        curves: Some(draw::curves("AUROC", 38, 229, [0.62, 0.285], [0.81, 0.9265], 3)),
        data: Some(data()),
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

fn slices(whole: Option<f64>) -> Slices {
    let rows = [
        ("education = 'Prof-school'", 171, 258, 0.0264, 0.0561),
        ("occupation = 'Exec-managerial' and age >= 38", 982, 1_301, 0.1332, 0.2405),
        ("marital-status = 'Married-civ-spouse' and sex = 'Female'", 361, 470, 0.0481, 0.0873),
        ("workclass = 'Self-emp-inc'", 262, 331, 0.0339, 0.0570),
        ("hours-per-week >= 50", 1_612, 1_998, 0.2045, 0.2893),
        ("native-country = 'India'", 27, 34, 0.0035, 0.0061),
    ];
    let slice = |(condition, hits, rows, share, loss): (&str, u64, u64, f64, f64)| Slice {
        condition: condition.to_owned(),
        estimate: draw::share(hits, rows),
        rows_share: Some(share),
        loss_share: Some(loss),
    };
    let slices = rows.map(slice).to_vec();
    Slices { figure: "accuracy".to_owned(), unit: Unit::Plain, better: Better::Higher, whole, slices }
}

fn worst() -> WorstExamples {
    let rows: [([&str; 14], &str, &str, f64, f64, u32); 6] = [
        (
            [
                "25",
                "Private",
                "201413",
                "Some-college",
                "10",
                "Never-married",
                "Sales",
                "Own-child",
                "White",
                "Male",
                "0",
                "0",
                "40",
                "United-States",
            ],
            ">50K",
            "<=50K",
            0.9962,
            5.57,
            1204,
        ),
        (
            [
                "63",
                "Self-emp-inc",
                "189253",
                "Doctorate",
                "16",
                "Married-civ-spouse",
                "Exec-managerial",
                "Husband",
                "White",
                "Male",
                "99999",
                "0",
                "60",
                "United-States",
            ],
            "<=50K",
            ">50K",
            0.9951,
            5.32,
            8841,
        ),
        (
            [
                "19",
                "",
                "86150",
                "11th",
                "7",
                "Never-married",
                "",
                "Own-child",
                "Asian-Pac-Islander",
                "Female",
                "0",
                "0",
                "19",
                "Philippines",
            ],
            ">50K",
            "<=50K",
            0.9938,
            5.08,
            331,
        ),
        (
            [
                "44",
                "Private",
                "343591",
                "HS-grad",
                "9",
                "Divorced",
                "Craft-repair",
                "Not-in-family",
                "White",
                "Female",
                "14344",
                "0",
                "40",
                "United-States",
            ],
            "<=50K",
            ">50K",
            0.9911,
            4.72,
            6270,
        ),
        (
            [
                "31",
                "Private",
                "309974",
                "Bachelors",
                "13",
                "Separated",
                "Sales",
                "Own-child",
                "Black",
                "Female",
                "0",
                "0",
                "40",
                "United-States",
            ],
            ">50K",
            "<=50K",
            0.9874,
            4.37,
            4102,
        ),
        (
            [
                "52",
                "Federal-gov",
                "123011",
                "Masters",
                "14",
                "Married-civ-spouse",
                "Prof-specialty",
                "Husband",
                "White",
                "Male",
                "0",
                "1902",
                "45",
                "South",
            ],
            "<=50K",
            ">50K",
            0.9803,
            3.93,
            7755,
        ),
    ];
    let example =
        |(values, truth, answer, probability, error, line): ([&str; 14], &str, &str, f64, f64, u32)| Example {
            cells: COLUMNS
                .iter()
                .zip(values)
                .map(|(column, value)| Cell { column: (*column).to_owned(), value: value.to_owned() })
                .collect(),
            picture: None,
            truth: truth.to_owned(),
            answer: answer.to_owned(),
            probability: Some(probability),
            error: Some(error),
            place: format!("adult-test.csv:{line}"),
        };
    WorstExamples { measure: "loss".to_owned(), examples: rows.map(example).to_vec() }
}

fn importance() -> Importance {
    let drops = [
        0.0182, 0.0041, -0.0002, 0.0031, 0.0212, 0.0487, 0.0216, 0.0133, 0.0006, 0.0022, 0.0551, 0.0118, 0.0097, 0.0011,
    ];
    let inputs = COLUMNS.iter().zip(drops).map(|(input, drop)| InputImportance {
        input: (*input).to_owned(),
        worse_by: draw::about(drop, 0.0006 + drop.abs() * 0.07, 9_769),
    });
    Importance { figure: "AUROC".to_owned(), unit: Unit::Plain, repeats: 5, inputs: inputs.collect() }
}

fn effects() -> Effects {
    let numbers = |column: &str, from: f64, to: f64, shape: &dyn Fn(f64) -> f64| {
        let points = (0..24).map(|k| {
            let t = f64::from(k) / 23.0;
            let mean = shape(t);
            EffectPoint { at: from + (to - from) * t, mean, band: Some([mean * 0.62, (mean * 1.45).min(1.0)]) }
        });
        Effect { column: column.to_owned(), shape: Shape::Numbers(points.collect()) }
    };
    let categories = |column: &str, values: &[(&str, f64, u64)]| {
        let values = values.iter().map(|(value, mean, rows)| CategoryEffect {
            value: (*value).to_owned(),
            estimate: draw::about(*mean, 1.1 / (*rows as f64).sqrt() * 0.5, *rows),
        });
        Effect { column: column.to_owned(), shape: Shape::Categories(values.collect()) }
    };
    Effects {
        answer: "probability of '>50K'".to_owned(),
        unit: Unit::Share,
        kind: EffectKind::PartialDependence,
        columns: vec![
            numbers("age", 17.0, 90.0, &|t| 0.08 + 0.26 * libm::sin(std::f64::consts::PI * t.powf(0.72))),
            numbers("education-num", 1.0, 16.0, &|t| 0.11 + 0.33 * draw::logistic(9.0 * (t - 0.72))),
            numbers("capital-gain", 0.0, 41_310.0, &|t| 0.22 + 0.71 * draw::logistic(30.0 * (t - 0.14))),
            numbers("capital-loss", 0.0, 3_900.0, &|t| 0.23 + 0.22 * draw::logistic(20.0 * (t - 0.46))),
            numbers("hours-per-week", 1.0, 99.0, &|t| 0.14 + 0.17 * draw::logistic(9.0 * (t - 0.42))),
            numbers("fnlwgt", 12_285.0, 1_484_705.0, &|t| 0.238 + 0.01 * t),
            categories(
                "marital-status",
                &[
                    ("Married-civ-spouse", 0.41, 4_480),
                    ("Never-married", 0.11, 3_203),
                    ("Divorced", 0.14, 1_331),
                    ("Separated", 0.12, 306),
                    ("Widowed", 0.15, 298),
                    ("Married-spouse-absent", 0.13, 126),
                    ("Married-AF-spouse", 0.38, 11),
                ],
            ),
            categories(
                "occupation",
                &[
                    ("Prof-specialty", 0.30, 1_242),
                    ("Craft-repair", 0.22, 1_230),
                    ("Exec-managerial", 0.33, 1_220),
                    ("Adm-clerical", 0.22, 1_131),
                    ("Sales", 0.25, 1_095),
                    ("Other-service", 0.14, 989),
                    ("Machine-op-inspct", 0.18, 601),
                    ("Transport-moving", 0.20, 479),
                    ("Handlers-cleaners", 0.15, 411),
                    ("Farming-fishing", 0.13, 298),
                    ("Armed-Forces", 0.21, 3),
                ],
            ),
            categories("sex", &[("Male", 0.25, 6_530), ("Female", 0.22, 3_239)]),
            categories(
                "workclass",
                &[
                    ("Private", 0.24, 6_810),
                    ("Self-emp-not-inc", 0.21, 762),
                    ("Local-gov", 0.23, 628),
                    ("State-gov", 0.23, 390),
                    ("Self-emp-inc", 0.28, 335),
                    ("Federal-gov", 0.29, 288),
                    ("", 0.20, 551),
                ],
            ),
        ],
    }
}

fn learning_curve(auroc: Estimate) -> LearningCurve {
    let end = auroc.value.unwrap_or(0.93);
    let points = [0.05, 0.1, 0.2, 0.4, 0.7, 1.0].map(|share: f64| {
        let rows = (29_305.0 * share) as u64;
        let lost = 0.0032 * (share.powf(-0.75) - 1.0);
        LearningPoint {
            rows,
            share,
            estimate: draw::about(end - lost, 0.0045, 3_256),
            training: Some(end + 0.006 + 0.011 * (1.0 - share)),
        }
    });
    LearningCurve {
        figure: "AUROC".to_owned(),
        unit: Unit::Plain,
        better: Better::Higher,
        points: points.to_vec(),
        extrapolation: vec![[29_305.0, end], [58_610.0, end + 0.0012], [117_220.0, end + 0.0019]],
        conclusion:
            "Hardly: twice the rows would be expected to raise the AUROC by 0.0012, less than its interval is wide. \
                     Other columns would help more than more rows."
                .to_owned(),
    }
}

fn data() -> DataNotes {
    let mut random = SplitMix64::new(21);
    let warning = |kind, columns: &[&str], text: &str, help: &str| Warning {
        kind,
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        text: text.to_owned(),
        help: help.to_owned(),
    };
    let mut numbers = |name: &str, role: &str, distinct, shape: &dyn Fn(f64) -> f64| {
        let mut values: Vec<f64> = (0..4000).map(|_| shape(draw::normal(&mut random)).round()).collect();
        values.sort_by(f64::total_cmp);
        ColumnNotes {
            name: name.to_owned(),
            role: role.to_owned(),
            kind: "number".to_owned(),
            missing_share: Some(0.0),
            distinct: Some(distinct),
            values: ColumnValues::Numbers {
                min: values[0],
                quartiles: [values[1000], values[2000], values[3000]],
                max: values[3999],
                histogram: Some(Histogram::of(&values, 24)),
            },
        }
    };
    let categories = |name: &str, role: &str, missing, distinct, top: &[(&str, u64)], other_rows| ColumnNotes {
        name: name.to_owned(),
        role: role.to_owned(),
        kind: "category".to_owned(),
        missing_share: Some(missing),
        distinct: Some(distinct),
        values: ColumnValues::Categories {
            top: top.iter().map(|(value, rows)| CategoryCount { value: (*value).to_owned(), rows: *rows }).collect(),
            other_rows,
        },
    };
    let columns = vec![
        numbers("age", "input", 73, &|z| (38.0 + 13.0 * z).clamp(17.0, 90.0)),
        categories(
            "workclass",
            "input",
            0.0564,
            8,
            &[("Private", 22_696), ("Self-emp-not-inc", 2_541), ("Local-gov", 2_093), ("State-gov", 1_298)],
            2_097,
        ),
        numbers("fnlwgt", "", 21_648, &|z| 178_000.0 * libm::exp(0.55 * z)),
        categories(
            "education",
            "input",
            0.0,
            16,
            &[("HS-grad", 10_501), ("Some-college", 7_291), ("Bachelors", 5_355), ("Masters", 1_723)],
            7_691,
        ),
        numbers("capital-gain", "input", 119, &|z| if z > 1.4 { 2_000.0 * libm::exp(z) } else { 0.0 }),
        categories("race", "input", 0.0, 5, &[("White", 27_816), ("Black", 3_124), ("Asian-Pac-Islander", 1_039)], 582),
        categories("income", "output", 0.0, 2, &[("<=50K", 24_720), (">50K", 7_841)], 0),
    ];
    DataNotes {
        warnings: vec![
            warning(
                WarningKind::Duplicates,
                &[],
                "5 rows of the test part stand in the training part as well.",
                "Remove them from one part, or name a column to group by.",
            ),
            warning(
                WarningKind::Identifier,
                &["fnlwgt"],
                "has 21,648 different values in 32,561 rows and says next to nothing about the target.",
                "It is not used; name it as an input to use it.",
            ),
            warning(WarningKind::Imbalance, &["income"], "24 % of the rows are '>50K'.", ""),
        ],
        rejects: Some(Rejects { count: 12, file: "adult-train.rejects.csv".to_owned() }),
        columns,
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
