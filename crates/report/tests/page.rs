//! What holds for every page, whatever stands in the report.

#[path = "../examples/sample/census.rs"]
mod census;
#[path = "../examples/sample/census_details.rs"]
mod census_details;
mod common;
#[path = "../examples/sample/draw.rs"]
mod draw;
#[path = "../examples/sample/garments.rs"]
mod garments;
#[path = "../examples/sample/housing.rs"]
mod housing;
#[path = "../examples/sample/small.rs"]
mod small;

use common::{check, elements};
use serde_json::Value;
use tacit_data::random::SplitMix64;
use tacit_report::*;

fn samples() -> Vec<Report> {
    vec![
        census::report(),
        housing::report(),
        garments::report(),
        small::labels(),
        small::anomaly(),
        small::many_classes(),
        Report::default(),
    ]
}

#[test]
fn every_page_is_sound_and_loads_nothing() {
    for report in samples() {
        check(&html(&report));
    }
}

#[test]
fn every_section_of_a_full_report_is_there_and_the_navigation_leads_to_it() {
    let page = html(&census::report());
    let ids: Vec<String> = elements(&page)
        .iter()
        .filter(|element| element.name == "section")
        .filter_map(|element| element.attribute("id").map(str::to_owned))
        .collect();
    let expected = [
        "contract",
        "baselines",
        "answers",
        "slices",
        "worst",
        "importance",
        "effects",
        "learning-curve",
        "training",
        "data",
        "cost",
        "memory",
        "provenance",
    ];
    assert_eq!(ids, expected);
    for id in ids {
        assert!(page.contains(&format!("<a href=\"#{id}\">")), "{id}");
    }
}

#[test]
fn what_a_report_does_not_have_is_absent() {
    let report = Report { contract: Some(Contract::default()), ..Report::default() };
    let page = html(&report);
    assert!(!page.contains("<section"), "an empty contract is no section");
    let json = serde_json::to_string(&Report::default()).expect("a report is JSON");
    assert!(json.starts_with("{\"head\":{") && !json.contains("contract"), "{json}");
}

#[test]
fn a_report_reads_back_from_json_and_gives_the_same_page() {
    for report in samples() {
        let json = serde_json::to_string(&report).expect("a report is JSON");
        let read: Report = serde_json::from_str(&json).expect("its JSON is a report");
        assert!(read == report);
        assert_eq!(html(&read), html(&report));
    }
    assert!(serde_json::from_str::<Report>("{\"head\":{},\"surprise\":1}").is_err());
}

/// Every text replaced, except the names of enums and pictures.
fn with_texts(value: &mut Value, text: &str) {
    const NAMES: [&str; 19] = [
        "plain",
        "share",
        "count",
        "bytes",
        "microseconds",
        "higher",
        "lower",
        "value",
        "lower_end",
        "upper_end",
        "yours",
        "this",
        "built_in",
        "partial_dependence",
        "exact",
        "duplicates",
        "identifier",
        "imbalance",
        "unknown",
    ];
    match value {
        Value::String(old) if !NAMES.contains(&&old[..]) => *old = text.to_owned(),
        Value::Array(values) => values.iter_mut().for_each(|value| with_texts(value, text)),
        Value::Object(entries) => {
            entries.iter_mut().filter(|(key, _)| *key != "pixels").for_each(|(_, value)| with_texts(value, text));
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn no_text_from_data_becomes_markup_or_hides() {
    let hostile = [
        "</script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "]]><!--</style></title>&lt;&#x3c;",
        "\u{202e}gnp.exe\u{2066}\u{0}\u{8}\u{1b}[31m\r",
        "javascript:alert(1)",
        "שלום עולם \u{200f}\u{feff}",
        "",
        "\u{2028}\u{85}",
        "x\u{0301}\u{0302}\u{0303} 👩‍🔬 ﷽",
    ];
    for report in samples() {
        let plain = elements(&html(&report));
        for text in hostile {
            let mut value = serde_json::to_value(&report).expect("a report is JSON");
            with_texts(&mut value, text);
            let report: Report = serde_json::from_value(value).expect("texts are free");
            let found = check(&html(&report));
            // What the text says changes no structure but that of what is left out or shown for empty texts.
            let count = |elements: &[common::Element], name: &str| elements.iter().filter(|e| e.name == name).count();
            for name in ["script", "img", "style", "iframe", "object", "section", "h2"] {
                assert_eq!(count(&found, name), count(&plain, name), "{name} with {text:?}");
            }
        }
    }
}

/// Some numbers replaced by extreme ones of their kind.
fn with_numbers(value: &mut Value, random: &mut SplitMix64) {
    const FLOATS: [f64; 9] = [0.0, -0.0, 1e308, -1e308, 5e-324, 1.0, -1.0, 1e-9, 1e16];
    const WHOLES: [u64; 4] = [0, 1, 7, u32::MAX as u64];
    match value {
        Value::Number(number) if random.below(4) == 0 => {
            *value = match number.is_f64() {
                true => FLOATS[random.below(9) as usize].into(),
                false => WHOLES[random.below(4) as usize].into(),
            };
        }
        Value::Array(values) => values.iter_mut().for_each(|value| with_numbers(value, random)),
        Value::Object(entries) => entries.iter_mut().for_each(|(_, value)| with_numbers(value, random)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn no_number_breaks_a_page() {
    let mut random = SplitMix64::new(1);
    for report in samples() {
        let value = serde_json::to_value(&report).expect("a report is JSON");
        for _ in 0..12 {
            let mut changed = value.clone();
            with_numbers(&mut changed, &mut random);
            let report: Report = serde_json::from_value(changed).expect("numbers are free");
            check(&html(&report));
        }
    }
}

/// Some lists emptied or cut short.
fn with_lists(value: &mut Value, random: &mut SplitMix64) {
    match value {
        Value::Array(values) => {
            if values.len() != 2 && values.len() != 3 && random.below(4) == 0 {
                values.truncate(random.below(3) as usize);
            }
            values.iter_mut().for_each(|value| with_lists(value, random));
        }
        Value::Object(entries) => {
            entries.iter_mut().filter(|(key, _)| *key != "quartiles").for_each(|(_, value)| with_lists(value, random));
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn lists_of_any_length_can_be_drawn() {
    let mut random = SplitMix64::new(2);
    for report in samples() {
        let value = serde_json::to_value(&report).expect("a report is JSON");
        for _ in 0..20 {
            let mut changed = value.clone();
            with_lists(&mut changed, &mut random);
            let report: Report = serde_json::from_value(changed).expect("lists are free");
            check(&html(&report));
        }
    }
}

#[test]
fn a_page_with_fifty_columns_stays_below_two_megabytes() {
    let mut report = census::report();
    let one = report.effects[0].columns[0].clone();
    let names = (0..50).map(|k| format!("a column with a name of usual length {k}"));
    report.effects[0].columns = names.map(|column| Effect { column, ..one.clone() }).collect();
    let notes = report.data.as_mut().expect("the sample has notes");
    notes.columns = notes.columns.iter().cycle().take(50).cloned().collect();
    let page = html(&report);
    check(&page);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn a_matrix_of_fifty_classes_and_pictures_of_any_size_stay_small() {
    let classes: Vec<String> = (0..50).map(|k| format!("class {k}")).collect();
    let truth: Vec<usize> = (0..25_000).map(|row| row % 50).collect();
    let answers: Vec<usize> = (0..25_000).map(|row| (row * row / 7) % 50).collect();
    let confusion = Some(Confusion::of(&truth, &answers));
    let mut report = garments::report();
    report.outputs = vec![Output {
        name: "many".to_owned(),
        answers: Answers::Category(CategoryAnswers { classes, confusion, ..CategoryAnswers::default() }),
    }];
    let mut random = SplitMix64::new(3);
    for example in &mut report.worst.as_mut().expect("the sample has examples").examples {
        let pixels = (0..1024 * 768 * 3).map(|_| random.next_u64() as u8).collect();
        example.picture = Some(Picture { height: 768, width: 1024, channels: 3, pixels });
    }
    let page = html(&report);
    check(&page);
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
}

/// A report with a little of everything, small enough to read its page.
fn small_report() -> Report {
    let estimate = Estimate::measured(0.75, Some([0.7, 0.8]), 400);
    Report {
        head: Head {
            program: "tea & <coffee>".to_owned(),
            description: "Which of the two a person drinks".to_owned(),
            figures: vec![KeyFigure { name: "Accuracy".to_owned(), estimate, ..KeyFigure::default() }],
            comparisons: vec![Comparison {
                rival: Rival::Yours,
                figure: "accuracy".to_owned(),
                unit: Unit::Plain,
                difference: Estimate::measured(0.125, Some([0.0625, 0.1875]), 400),
            }],
            tool_version: "0.1.0".to_owned(),
            seed: Some(1),
            hashes: vec![Hash { of: "Data".to_owned(), hash: "00112233445566778899aabbccddeeff".to_owned() }],
            parts: vec![Part { name: "test".to_owned(), file: "drinks.csv".to_owned(), rows: 400 }],
            looks: Some(1),
        },
        contract: Some(Contract {
            lines: vec![Line {
                subject: "accuracy".to_owned(),
                required: "at least 0.72, confidence 0.95".to_owned(),
                bound: Some(Bound::AtLeast(0.72)),
                estimate,
                deciding: Deciding::LowerEnd,
                met: Some(false),
                ..Line::default()
            }],
        }),
        curves: Some(Curves {
            figure: "accuracy".to_owned(),
            epochs: (1..=3)
                .map(|epoch| Epoch {
                    epoch,
                    step: epoch * 10,
                    training_loss: Some(1.0 / epoch as f64),
                    validation_figure: Some(0.5 + 0.0625 * epoch as f64),
                    ..Epoch::default()
                })
                .collect(),
            best: Some(3),
            ..Curves::default()
        }),
        provenance: Some(Provenance {
            manifest_file: "Tacit.toml".to_owned(),
            manifest: "[program]\nname = \"tea & <coffee>\"\n".to_owned(),
            versions: vec![],
        }),
        ..Report::default()
    }
}

/// Run with `TACIT_UPDATE_SNAPSHOTS=1` to write the snapshot anew.
#[test]
fn the_page_of_a_small_report_is_what_was_last_looked_at() {
    let page = html(&small_report());
    let main = page.split_once("<main").and_then(|(_, rest)| rest.split_once("</main>")).expect("a main part").0;
    let lines = format!("<main{main}</main>").replace("><", ">\n<") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/small.html");
    if std::env::var_os("TACIT_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &lines).expect("the snapshot can be written");
    }
    let known = std::fs::read_to_string(path).expect("there is a snapshot");
    let changed = known.lines().zip(lines.lines()).find(|(known, now)| known != now);
    assert_eq!(changed, None, "TACIT_UPDATE_SNAPSHOTS=1 writes it anew");
    assert_eq!(known.len(), lines.len());
}
