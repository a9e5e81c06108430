//! Every metric held against scikit-learn, on answers with ties, rare and missing classes (`vectors/make_metrics.py`).

use serde_json::Value;
use tacit_spec::Metric;
use tacit_train::metrics::{Answers, CONFIDENCE, Figure, measure};

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/metrics.json")).unwrap()
}

fn answers(value: &Value) -> Answers {
    let numbers = |key: &str| -> Vec<f64> {
        value[key].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let floats = |key: &str| -> Vec<f32> {
        let exact = |number: f64| {
            assert_eq!(f64::from(number as f32), number, "the vectors are exact in 32 bits");
            number as f32
        };
        numbers(key).into_iter().map(exact).collect()
    };
    let truths = || numbers("truth").iter().map(|truth| *truth == 1.0).collect();
    let count = |key: &str| value[key].as_u64().unwrap() as usize;
    match value["kind"].as_str().unwrap() {
        "category" => Answers::Category {
            classes: count("classes"),
            truth: numbers("truth").iter().map(|id| *id as i32).collect(),
            probabilities: floats("probabilities"),
        },
        "labels" => {
            Answers::Labels { labels: count("labels"), truth: truths(), probabilities: floats("probabilities") }
        }
        "number" => Answers::Number { truth: floats("truth"), answers: floats("answers") },
        "anomaly" => Answers::Anomaly {
            truth: truths(),
            scores: floats("scores"),
            threshold: value["threshold"].as_f64().unwrap() as f32,
        },
        kind => panic!("{kind}"),
    }
}

/// How far a figure may lie from scikit-learn's: logarithms are those of 32 bits (docs/NUMERICS.md), everything else is
/// computed in 64.
fn tolerance(metric: Metric) -> f64 {
    if metric == Metric::LogLoss { 2e-7 } else { 1e-9 }
}

#[test]
fn every_metric_is_that_of_scikit_learn() {
    let mut measured = Vec::new();
    for case in vectors()["cases"].as_array().unwrap() {
        let answers = answers(&case["answers"]);
        for entry in case["figures"].as_array().unwrap() {
            let metric = Metric::from_name(entry["metric"].as_str().unwrap()).unwrap();
            let number = |key: &str| entry[key].as_u64().map(|number| number as usize);
            let figure = Figure { metric, class: number("class"), k: number("k") };
            let found = measure(figure, &answers, CONFIDENCE);
            let what = format!("{}: {figure:?}: {found:?}", case["name"]);
            match entry["value"].as_f64() {
                Some(value) => {
                    assert!((found.value - value).abs() <= tolerance(metric) * value.abs().max(1.0), "{what}, {value}");
                    assert!(found.interval.is_some() || found.rows == 1, "{what}");
                    let [low, high] = found.interval.unwrap_or([found.value; 2]);
                    assert!(low <= found.value && found.value <= high && found.undefined.is_none(), "{what}");
                }
                None => {
                    assert!(found.value.is_nan() && found.interval.is_none(), "{what}");
                    assert!(found.undefined.is_some(), "{what}");
                }
            }
            measured.push(metric);
        }
    }
    let missing: Vec<&Metric> =
        Metric::ALL.iter().filter(|metric| metric.is_of_data() && !measured.contains(metric)).collect();
    assert!(missing.is_empty(), "{missing:?} are in no vector");
}

#[test]
fn intervals_are_those_of_five_thousand_resamples_drawn_with_replacement() {
    let vectors = &vectors()["intervals"];
    let (category, number) = (answers(&vectors["category"]), answers(&vectors["number"]));
    for (name, ends) in vectors["ends"].as_object().unwrap() {
        let metric = Metric::from_name(name).unwrap();
        let answers = if metric.fits(category.kind()) { &category } else { &number };
        let interval = measure(metric.into(), answers, CONFIDENCE).interval.unwrap();
        let expected = [ends[0].as_f64().unwrap(), ends[1].as_f64().unwrap()];
        // An end that a thousand resamples show is off by a twentieth of the width, more or less.
        let width = expected[1] - expected[0];
        for (end, expected) in interval.iter().zip(expected) {
            assert!((end - expected).abs() < 0.1 * width, "{name}: {interval:?}, {expected} of {width}");
        }
    }
}
