//! What was noticed about the data.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::element::{Section, Table, count_cell, data};
use crate::figures::{Histogram, Unit};
use crate::format;
use crate::svg::Px;

/// The inventory of the columns, and warnings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataNotes {
    /// The gravest first.
    pub warnings: Vec<Warning>,
    pub rejects: Option<Rejects>,
    pub columns: Vec<ColumnNotes>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    pub kind: WarningKind,
    /// The columns that it is about; empty for the data as a whole.
    pub columns: Vec<String>,
    /// What was seen, in a sentence.
    pub text: String,
    /// What to do; empty if there is nothing.
    pub help: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// A column gives the target away.
    Leak,
    /// Rows stand more than once, perhaps in different parts.
    Duplicates,
    /// A column names rows.
    Identifier,
    Constant,
    /// Some classes have few rows.
    Imbalance,
    Missing,
    Outliers,
    Other,
}

/// Rows that could not be used and were set aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejects {
    pub count: u64,
    /// The file that they were written to.
    pub file: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnNotes {
    pub name: String,
    /// `input`, `output`, `group`; empty if it is not used.
    pub role: String,
    /// The type of its values: `number`.
    pub kind: String,
    /// From 0 to 1.
    pub missing_share: Option<f64>,
    /// The number of different values.
    pub distinct: Option<u64>,
    pub values: ColumnValues,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnValues {
    #[default]
    Unknown,
    Numbers {
        min: f64,
        /// The 25 %, 50 % and 75 % quantiles.
        quartiles: [f64; 3],
        max: f64,
        histogram: Option<Histogram>,
    },
    Categories {
        /// The most frequent values with their rows, the most frequent first.
        top: Vec<CategoryCount>,
        /// The rows of all other values.
        other_rows: u64,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryCount {
    pub value: String,
    pub rows: u64,
}

/// The values that the inventory names.
const TOP_MAX: usize = 3;

pub(crate) fn draw(notes: &DataNotes) -> Option<Section> {
    let rejects = notes.rejects.as_ref().filter(|rejects| rejects.count > 0);
    if notes.warnings.is_empty() && notes.columns.is_empty() && rejects.is_none() {
        return None;
    }
    let body = html! {
        @if !notes.warnings.is_empty() || rejects.is_some() {
            ul class="warnings" {
                @for warning in &notes.warnings { (warning_item(warning)) }
                @if let Some(rejects) = rejects {
                    li {
                        p {
                            span class="tag warn" { "Rejects" } " "
                            (format::counted(rejects.count, "row", "rows")) " could not be used"
                            @if !rejects.file.is_empty() { "; see " code { (data(&rejects.file)) } }
                            "."
                        }
                    }
                }
            }
        } @else {
            p { "Nothing was noticed that needs attention." }
        }
        @if !notes.columns.is_empty() {
            h3 { "Columns" }
            (inventory(&notes.columns))
        }
    };
    Some(Section::new("data", "The data", "", body))
}

fn warning_item(warning: &Warning) -> Markup {
    let (name, class) = match warning.kind {
        WarningKind::Leak => ("Leak", "tag bad"),
        WarningKind::Duplicates => ("Duplicates", "tag warn"),
        WarningKind::Identifier => ("Identifier", "tag warn"),
        WarningKind::Constant => ("Constant", "tag warn"),
        WarningKind::Imbalance => ("Imbalance", "tag warn"),
        WarningKind::Missing => ("Missing values", "tag warn"),
        WarningKind::Outliers => ("Outliers", "tag warn"),
        WarningKind::Other => ("Note", "tag warn"),
    };
    html! {
        li {
            p {
                span class=(class) { (name) } " "
                @for column in &warning.columns { code { (data(column)) } " " }
                (data(&warning.text))
            }
            @if !warning.help.is_empty() {
                p class="help" { (data(&warning.help)) }
            }
        }
    }
}

fn inventory(columns: &[ColumnNotes]) -> Table {
    let mut table = Table::new("The columns of the data")
        .centred()
        .text("Column")
        .text("Type")
        .text("Role")
        .numbers("Missing")
        .numbers("Distinct")
        .text("Values");
    for column in columns {
        let missing = match column.missing_share {
            Some(0.0) => "none".to_owned(),
            Some(share) => format::percent(share),
            None => format::NONE.to_owned(),
        };
        table.row(vec![
            data(&column.name),
            html! { (column.kind) },
            html! { @if column.role.is_empty() { span class="quiet together" { "not used" } } @else { (column.role) } },
            html! { (missing) },
            count_cell(column.distinct),
            values(&column.values),
        ]);
    }
    table
}

fn values(values: &ColumnValues) -> Markup {
    match values {
        ColumnValues::Unknown => html! { (format::NONE) },
        ColumnValues::Numbers { min, quartiles, max, histogram } => {
            let number = |number: f64| format::value(number, Unit::Plain);
            html! {
                span class="values" {
                    @if let Some(histogram) = histogram.as_ref().filter(|histogram| histogram.is_sound()) {
                        (small_histogram(histogram))
                    }
                    span class="value-words" title={ "quartiles " (number(quartiles[0])) ", " (number(quartiles[1])) ", "
                        (number(quartiles[2])) } {
                        (number(*min)) " … " strong { (number(quartiles[1])) } " … " (number(*max))
                    }
                }
            }
        }
        ColumnValues::Categories { top, other_rows } => {
            let total = top.iter().map(|value| value.rows).fold(*other_rows, u64::saturating_add).max(1) as f64;
            html! {
                span class="values" {
                    (stacked(top, total))
                    span class="value-words" {
                        @for (k, CategoryCount { value, rows }) in top.iter().take(TOP_MAX).enumerate() {
                            @if k > 0 { ", " }
                            (data(value)) " " span class="quiet" { (format::percent(*rows as f64 / total)) }
                        }
                        @if top.len() > TOP_MAX || *other_rows > 0 { ",\u{a0}…" }
                    }
                }
            }
        }
    }
}

fn small_histogram(histogram: &Histogram) -> Markup {
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let bins = histogram.counts.len() as f64;
    html! {
        svg class="cell-histogram" viewBox="0 0 96 24" width="96" height="24" aria-hidden="true" {
            @for (bin, count) in histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                @let height = (23.0 * *count as f64 / most).max(1.0);
                rect class="bar s1" x=(Px(96.0 * bin as f64 / bins)) width=(Px((96.0 / bins - 0.6).max(0.4)))
                    y=(Px(24.0 - height)) height=(Px(height)) {}
            }
        }
    }
}

/// The shares of the most frequent values side by side.
fn stacked(top: &[CategoryCount], total: f64) -> Markup {
    let mut left = 0.0;
    let parts: Vec<(f64, f64)> = top
        .iter()
        .map(|value| {
            let width = 96.0 * value.rows as f64 / total;
            left += width;
            (left - width, width)
        })
        .collect();
    html! {
        svg class="cell-histogram" viewBox="0 0 96 24" width="96" height="24" aria-hidden="true" {
            rect class="heat-track" x="0" y="7" width="96" height="10" {}
            @for (k, (left, width)) in parts.iter().enumerate().filter(|(_, (_, width))| *width > 0.3) {
                @let strength = 1.0 - 0.8 * (k as f64 / top.len() as f64);
                rect class="heat s1" x=(Px(*left)) y="7" width=(Px((width - 0.8).max(0.3))) height="10"
                    fill-opacity=(format!("{strength:.2}")) {}
            }
        }
    }
}
