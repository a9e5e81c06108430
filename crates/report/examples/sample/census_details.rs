//! The longer sections of the census report.

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

pub fn slices(whole: Option<f64>) -> Slices {
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

/// Values of the columns, truth, answer, probability, loss and line.
type WorstRow = ([&'static str; 14], &'static str, &'static str, f64, f64, u32);

pub fn worst() -> WorstExamples {
    let rows: [WorstRow; 6] = [
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
    let example = |(values, truth, answer, probability, error, line): WorstRow| Example {
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

pub fn importance() -> Importance {
    let drops = [
        0.0182, 0.0041, -0.0002, 0.0031, 0.0212, 0.0487, 0.0216, 0.0133, 0.0006, 0.0022, 0.0551, 0.0118, 0.0097, 0.0011,
    ];
    let inputs = COLUMNS.iter().zip(drops).map(|(input, drop)| InputImportance {
        input: (*input).to_owned(),
        worse_by: draw::about(drop, 0.0006 + drop.abs() * 0.07, 9_769),
    });
    Importance { figure: "AUROC".to_owned(), unit: Unit::Plain, repeats: 5, inputs: inputs.collect() }
}

pub fn effects() -> Effects {
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

pub fn learning_curve(auroc: Estimate) -> LearningCurve {
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

pub fn data() -> DataNotes {
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
