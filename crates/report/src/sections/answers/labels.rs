//! Answers that are any of several labels at once.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::element::{Table, cell, count_cell, data, estimate_cell};
use crate::figures::{Estimate, Unit};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsAnswers {
    pub labels: Vec<LabelFigures>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelFigures {
    pub label: String,
    /// The test rows that have the label.
    pub rows: u64,
    pub precision: Estimate,
    pub recall: Estimate,
    pub f1: Estimate,
    pub average_precision: Option<Estimate>,
    /// The probability from which the label is given.
    pub threshold: Option<f64>,
}

pub(super) fn draw(answers: &LabelsAnswers) -> Option<(String, Markup)> {
    if answers.labels.is_empty() {
        return None;
    }
    let mut table = Table::new("Figures of each label")
        .text("Label")
        .numbers("Precision")
        .numbers("Recall")
        .numbers("F1")
        .numbers("Average precision")
        .numbers("Given from")
        .numbers("Rows");
    for label in &answers.labels {
        table.row(vec![
            data(&label.label),
            estimate_cell(&label.precision, Unit::Plain),
            estimate_cell(&label.recall, Unit::Plain),
            estimate_cell(&label.f1, Unit::Plain),
            estimate_cell(&label.average_precision.unwrap_or_default(), Unit::Plain),
            cell(label.threshold, Unit::Plain),
            count_cell(Some(label.rows)),
        ]);
    }
    table.note(
        "Rows are the test rows that have the label; it is given where its probability is at least the one named.",
    );
    Some(("Each label is a question of its own, answered yes or no.".to_owned(), html! { (table) }))
}
