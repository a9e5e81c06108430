//! What the data holds: an inventory of its columns, and warnings.

use std::collections::{HashMap, HashSet};
use std::io;

use tacit_data::fit::{quantile, sorted_values};
use tacit_data::{InputValues, TargetValues};
use tacit_report as page;
use tacit_spec::InputKind;
use tacit_train::Examples;

use super::Findings;

/// More columns than these make no table that anyone reads.
const COLUMNS_MAX: usize = 200;
/// The labels of a category that are named.
const LABELS_MAX: usize = 5;
const BINS: usize = 24;

pub(super) fn data(findings: &Findings) -> page::DataNotes {
    let rejected = findings.examples.dataset.rejected_rows;
    let mut warnings = Vec::new();
    let repeated = repeated_test_rows(findings.examples);
    if repeated > 0 {
        warnings.push(page::Warning {
            kind: page::WarningKind::Duplicates,
            columns: Vec::new(),
            text: format!("{repeated} test rows have exactly the inputs of a training row."),
            help:
                "If they describe the same thing, figures are better than they should be: remove them, or split by a \
                   column that tells what belongs together."
                    .to_owned(),
        });
    }
    let rejects = (rejected > 0).then(|| page::Rejects {
        count: rejected,
        file: findings.rejects.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    });
    page::DataNotes { warnings, rejects, columns: columns(findings) }
}

/// Test rows whose inputs a training row has too.
fn repeated_test_rows(examples: &Examples) -> usize {
    let hashes = &examples.dataset.input_hashes;
    let training: HashSet<u64> = examples.parts.training.iter().map(|row| hashes[*row]).collect();
    examples.parts.test.iter().filter(|row| training.contains(&hashes[**row])).count()
}

/// Every column of the inputs and outputs over all rows that are used, or none where there are very many.
fn columns(findings: &Findings) -> Vec<page::ColumnNotes> {
    let dataset = &findings.examples.dataset;
    let rows: Vec<usize> = (0..dataset.rows).collect();
    let interface = &findings.artifact.interface;
    let mut notes = Vec::new();
    for ((input, values), shown) in findings.specification.inputs.iter().zip(&dataset.inputs).zip(&interface.inputs) {
        for (column, name) in shown.columns.iter().enumerate() {
            let note = page::ColumnNotes {
                name: name.clone(),
                role: "input".to_owned(),
                kind: input.kind.name().to_owned(),
                ..page::ColumnNotes::default()
            };
            // A column whose values cannot be read again has its name all the same.
            notes.push(described(&input.kind, values, &rows, column, note.clone()).unwrap_or(note));
        }
    }
    for ((target, output), shown) in dataset.targets.iter().zip(&findings.specification.outputs).zip(&interface.outputs)
    {
        let note = |name: &str| page::ColumnNotes {
            name: name.to_owned(),
            role: "output".to_owned(),
            kind: output.kind.answers().name().to_owned(),
            missing_share: Some(0.0),
            ..page::ColumnNotes::default()
        };
        let own = shown.columns.first().map_or("", String::as_str);
        match &target.values {
            TargetValues::Category { labels, ids } => {
                let named = ids.iter().map(|id| labels[*id as usize].as_str());
                notes.push(categories(note(own), named));
            }
            TargetValues::Number(numbers) => {
                let mut sorted = numbers.clone();
                sorted.sort_by(f32::total_cmp);
                notes.push(numbers_of(note(own), &sorted, numbers.len()));
            }
            TargetValues::Labels { labels, values } => {
                for (label, name) in labels.iter().enumerate() {
                    let holds = values.iter().skip(label).step_by(labels.len().max(1));
                    notes.push(categories(note(name), holds.map(|holds| if *holds { "yes" } else { "no" })));
                }
            }
            TargetValues::Anomaly(Some(odd)) => {
                let word = |odd: &bool| if *odd { "anomalous" } else { "normal" };
                notes.push(categories(note(own), odd.iter().map(word)));
            }
            TargetValues::Anomaly(None) => {}
        }
    }
    if notes.len() > COLUMNS_MAX { Vec::new() } else { notes }
}

/// What one column of an input holds.
fn described(
    kind: &InputKind,
    values: &InputValues,
    rows: &[usize],
    column: usize,
    note: page::ColumnNotes,
) -> io::Result<page::ColumnNotes> {
    match kind {
        InputKind::Number { .. } | InputKind::Vector { .. } if column < values.width() => {
            Ok(numbers_of(note, &sorted_values(values, rows, column)?, rows.len()))
        }
        InputKind::Category { .. } | InputKind::Ordinal { .. } => {
            // Positions of a category count from 1, and 0 is any other; levels count from 0.
            let first = if let InputKind::Category { .. } = kind { 1 } else { 0 };
            let mut positions = vec![0.0; rows.len()];
            values.store.gather(rows, &mut positions)?;
            let missing = |position: &f32| position.is_nan() || label_at(values, *position, first) == Some("");
            let count = positions.iter().filter(|position| missing(position)).count();
            let named = positions.iter().filter(|position| !missing(position));
            let named = named.map(|position| label_at(values, *position, first).unwrap_or("any other"));
            let share = Some(count as f64 / rows.len().max(1) as f64);
            Ok(page::ColumnNotes { missing_share: share, ..categories(note, named) })
        }
        InputKind::Number { .. } | InputKind::Vector { .. } | InputKind::Date { .. } | InputKind::Image { .. } => {
            Ok(note)
        }
    }
}

fn label_at(values: &InputValues, position: f32, first: usize) -> Option<&str> {
    let place = (position as usize).checked_sub(first)?;
    values.labels.get(place).map(String::as_str)
}

/// Sorted values that are there, of so many rows; where there are very many rows, of a part of them.
fn numbers_of(note: page::ColumnNotes, sorted: &[f32], rows: usize) -> page::ColumnNotes {
    let [Some(least), Some(greatest)] = [sorted.first(), sorted.last()] else {
        return page::ColumnNotes { missing_share: Some(1.0), ..note };
    };
    let is_whole = rows <= tacit_data::fit::SORTED_ROWS_MAX;
    let numbers: Vec<f64> = sorted.iter().map(|value| f64::from(*value)).collect();
    page::ColumnNotes {
        missing_share: is_whole.then(|| (rows - sorted.len()) as f64 / rows as f64),
        distinct: is_whole.then(|| sorted.chunk_by(|a, b| a == b).count() as u64),
        values: page::ColumnValues::Numbers {
            min: f64::from(*least),
            quartiles: [0.25, 0.5, 0.75].map(|share| f64::from(quantile(sorted, share))),
            max: f64::from(*greatest),
            histogram: Some(page::Histogram::of(&numbers, BINS)),
        },
        ..note
    }
}

fn categories<'a>(note: page::ColumnNotes, labels: impl Iterator<Item = &'a str>) -> page::ColumnNotes {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    labels.for_each(|label| *counts.entry(label).or_default() += 1);
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by(|(a, more), (b, fewer)| fewer.cmp(more).then_with(|| a.cmp(b)));
    let (named, others) = counts.split_at(counts.len().min(LABELS_MAX));
    let named = named.iter().map(|(value, rows)| page::CategoryCount { value: (*value).to_owned(), rows: *rows });
    page::ColumnNotes {
        distinct: Some(counts.len() as u64),
        values: page::ColumnValues::Categories {
            top: named.collect(),
            other_rows: others.iter().map(|(_, rows)| rows).sum(),
        },
        ..note
    }
}
