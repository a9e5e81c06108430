//! The right answers of rows, one builder an output.

use std::collections::HashMap;

use tacit_spec::report::quoted;
use tacit_spec::{Code, OutputKind};

use super::no_answer;
use crate::convert::{CellFault, Dictionary, number};
use crate::dataset::TargetValues;
use crate::source::Cell;

/// The answers of one output while rows are read.
pub(super) enum TargetBuilder {
    Category {
        dictionary: Dictionary,
        given: bool,
        aliases: HashMap<String, String>,
        ids: Vec<i32>,
    },
    /// Labels that have a column each: (rows, labels).
    Columns {
        values: Vec<bool>,
    },
    Separated {
        dictionary: Dictionary,
        given: bool,
        separator: String,
        sets: Vec<Vec<u32>>,
    },
    Number {
        values: Vec<f32>,
    },
    Anomaly {
        normal: Option<String>,
        values: Vec<bool>,
    },
}

/// What one row says of one output.
pub(super) enum Answer {
    Id(i32),
    Flags(Vec<bool>),
    Set(Vec<u32>),
    Number(f32),
    Anomalous(bool),
    Unknown,
}

impl TargetBuilder {
    pub(super) fn new(output: &tacit_spec::Output) -> TargetBuilder {
        let dictionary = |labels: &Option<Vec<String>>| match labels {
            Some(labels) => (Dictionary::of(labels), true),
            None => (Dictionary::growing(), false),
        };
        match &output.kind {
            OutputKind::Category { classes } => {
                let (dictionary, given) = dictionary(classes);
                let aliases = output.aliases.iter().cloned().collect();
                TargetBuilder::Category { dictionary, given, aliases, ids: Vec::new() }
            }
            OutputKind::Labels { labels, separator: Some(separator) } => {
                let (dictionary, given) = dictionary(labels);
                TargetBuilder::Separated { dictionary, given, separator: separator.clone(), sets: Vec::new() }
            }
            OutputKind::Labels { labels: _, separator: None } => TargetBuilder::Columns { values: Vec::new() },
            OutputKind::Number => TargetBuilder::Number { values: Vec::new() },
            OutputKind::Anomaly { normal, .. } => TargetBuilder::Anomaly { normal: normal.clone(), values: Vec::new() },
        }
    }

    pub(super) fn read(&mut self, cells: &[Cell], columns: &[usize]) -> Result<Answer, CellFault> {
        match self {
            TargetBuilder::Category { dictionary, given: _, aliases, .. } => {
                let column = columns[0];
                let label = cells[column].as_text().ok_or_else(|| no_answer(column))?;
                let label = aliases.get(label.as_ref()).map_or(label.as_ref(), String::as_str);
                match dictionary.position(label) {
                    0 => Err(unknown_label(label, column, "classes")),
                    position => Ok(Answer::Id(position as i32 - 1)),
                }
            }
            TargetBuilder::Columns { .. } => {
                let flag = |column: &usize| {
                    let text = cells[*column].as_text().ok_or_else(|| no_answer(*column))?;
                    flag(&text).ok_or_else(|| CellFault {
                        code: Code::BadNumber,
                        column: *column,
                        found: text.to_string(),
                        message: format!("{} is neither 0 nor 1", quoted(&text)),
                        help: "write 1 where the label holds, and else 0".to_owned(),
                    })
                };
                columns.iter().map(flag).collect::<Result<_, _>>().map(Answer::Flags)
            }
            TargetBuilder::Separated { dictionary, given: _, separator, .. } => {
                let column = columns[0];
                let listed: Vec<String> = match &cells[column] {
                    Cell::Missing => Vec::new(),
                    Cell::Texts(labels) => labels.clone(),
                    cell @ (Cell::Text(_) | Cell::Number(_) | Cell::Numbers(_) | Cell::Image(_)) => {
                        let text = cell.as_text().ok_or_else(|| no_answer(column))?;
                        text.split(separator.as_str()).map(|label| label.trim().to_owned()).collect()
                    }
                };
                let mut set = Vec::new();
                for label in listed.iter().filter(|label| !label.is_empty()) {
                    match dictionary.position(label) {
                        0 => return Err(unknown_label(label, column, "labels")),
                        position => set.push(position as u32 - 1),
                    }
                }
                Ok(Answer::Set(set))
            }
            TargetBuilder::Number { .. } => {
                let column = columns[0];
                let cell = &cells[column];
                if cell.is_missing() {
                    Err(no_answer(column))
                } else {
                    number(cell, column, false, None).map(Answer::Number)
                }
            }
            TargetBuilder::Anomaly { normal: Some(normal), .. } => {
                let column = columns[0];
                let text = cells[column].as_text().ok_or_else(|| no_answer(column))?;
                Ok(Answer::Anomalous(text.as_ref() != normal.as_str()))
            }
            TargetBuilder::Anomaly { normal: None, .. } => Ok(Answer::Unknown),
        }
    }

    pub(super) fn push(&mut self, answer: Answer) {
        match (self, answer) {
            (TargetBuilder::Category { ids, .. }, Answer::Id(id)) => ids.push(id),
            (TargetBuilder::Columns { values }, Answer::Flags(flags)) => values.extend(flags),
            (TargetBuilder::Separated { sets, .. }, Answer::Set(set)) => sets.push(set),
            (TargetBuilder::Number { values }, Answer::Number(value)) => values.push(value),
            (TargetBuilder::Anomaly { values, .. }, Answer::Anomalous(value)) => values.push(value),
            (TargetBuilder::Anomaly { .. }, Answer::Unknown) => {}
            (
                TargetBuilder::Category { .. }
                | TargetBuilder::Columns { .. }
                | TargetBuilder::Separated { .. }
                | TargetBuilder::Number { .. }
                | TargetBuilder::Anomaly { .. },
                _,
            ) => panic!("an output gets the kind of answer that it reads"),
        }
    }

    /// `columns` are the names of labels that have one each.
    pub(super) fn finish(self, columns: &[String]) -> TargetValues {
        match self {
            TargetBuilder::Category { dictionary, given: true, ids, .. } => {
                TargetValues::Category { labels: dictionary.labels().to_vec(), ids }
            }
            TargetBuilder::Category { dictionary, given: false, ids, .. } => {
                let (labels, order) = ordered_used(dictionary.labels(), ids.iter().map(|id| *id as usize));
                TargetValues::Category { labels, ids: ids.into_iter().map(|id| order[id as usize] as i32).collect() }
            }
            TargetBuilder::Columns { values } => TargetValues::Labels { labels: columns.to_vec(), values },
            TargetBuilder::Separated { dictionary, given, sets, .. } => {
                let (labels, order) = match given {
                    true => (dictionary.labels().to_vec(), (0..dictionary.labels().len()).collect()),
                    false => {
                        let used = sets.iter().flatten().map(|label| *label as usize);
                        ordered_used(dictionary.labels(), used)
                    }
                };
                let mut values = vec![false; sets.len() * labels.len()];
                for (row, set) in sets.iter().enumerate() {
                    set.iter().for_each(|label| values[row * labels.len() + order[*label as usize]] = true);
                }
                TargetValues::Labels { labels, values }
            }
            TargetBuilder::Number { values } => TargetValues::Number(values),
            TargetBuilder::Anomaly { normal, values } => TargetValues::Anomaly(normal.map(|_| values)),
        }
    }
}

fn unknown_label(label: &str, column: usize, key: &str) -> CellFault {
    CellFault {
        code: Code::UnknownLabel,
        column,
        found: label.to_owned(),
        message: format!("the label {} is not among the `{key}`", quoted(label)),
        help: format!("add it to `{key}`, or correct the cell"),
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "1" | "1.0" | "true" | "yes" => Some(true),
        "0" | "0.0" | "false" | "no" => Some(false),
        _ => None,
    }
}

/// Labels in order, and the place in it of each by its place before.
pub(super) fn ordered(labels: &[String]) -> (Vec<String>, Vec<usize>) {
    ordered_used(labels, 0..labels.len())
}

/// Those of the labels that something uses, as [`ordered`]: a row that was set aside may have had others.
fn ordered_used(labels: &[String], used: impl Iterator<Item = usize>) -> (Vec<String>, Vec<usize>) {
    let mut is_used = vec![false; labels.len()];
    used.for_each(|label| is_used[label] = true);
    let mut by_order: Vec<usize> = (0..labels.len()).filter(|label| is_used[*label]).collect();
    by_order.sort_by(|a, b| label_order(&labels[*a], &labels[*b]));
    let mut place = vec![0; labels.len()];
    by_order.iter().enumerate().for_each(|(new, old)| place[*old] = new);
    (by_order.into_iter().map(|old| labels[old].clone()).collect(), place)
}

/// Numbers first, by their value; then text by Unicode code points, which also orders numbers of equal value.
pub fn label_order(a: &str, b: &str) -> std::cmp::Ordering {
    let value = |label: &str| label.parse::<f64>().ok().filter(|value| value.is_finite());
    match (value(a), value(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}
