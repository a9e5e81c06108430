//! The examples that the program answers worst, as they are.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::element::{Section, data, folded};
use crate::figures::Unit;
use crate::format;
use crate::picture::{self, Picture};

/// The examples with the greatest error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorstExamples {
    /// What `error` is: `loss`, say.
    pub measure: String,
    /// The worst first.
    pub examples: Vec<Example>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The columns of a row with what stands in them; empty for a picture alone.
    pub cells: Vec<Cell>,
    pub picture: Option<Picture>,
    /// The right answer.
    pub truth: String,
    /// The program's answer.
    pub answer: String,
    /// The probability that the program gave its answer, from 0 to 1.
    pub probability: Option<f64>,
    pub error: Option<f64>,
    /// Where it stands: `adult-test.csv:1204`. Empty if nowhere.
    pub place: String,
}

/// A column and what stands in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    pub column: String,
    pub value: String,
}

/// The columns of a row that are shown at once; the rest is folded.
const CELLS_MAX: usize = 8;

pub(crate) fn draw(worst: &WorstExamples) -> Option<Section> {
    if worst.examples.is_empty() {
        return None;
    }
    let are_pictures = worst.examples.iter().all(|example| example.picture.is_some() && example.cells.is_empty());
    let class = if are_pictures { "examples pictures" } else { "examples" };
    let body = html! {
        ol class=(class) {
            @for example in &worst.examples {
                li { (card(example, &worst.measure)) }
            }
        }
    };
    let lead = "The test examples with the greatest error. Some are hard, some are strange, and often some are labelled \
                wrongly: it pays to look at each.";
    Some(Section::new("worst", "Worst examples", lead, body))
}

fn card(example: &Example, measure: &str) -> Markup {
    html! {
        @if let Some(picture) = &example.picture {
            (picture::image(picture, &format!("truth {}, answer {}", example.truth, example.answer)))
        }
        div class="example-words" {
            p class="answers" {
                span class="answer-name" { "Truth" } " " strong class="truth" { (data(&example.truth)) }
                br;
                span class="answer-name" { "Answer" } " " strong class="answer" { (data(&example.answer)) }
                @if let Some(probability) = example.probability {
                    " " span class="quiet" { (format::percent(probability)) }
                }
            }
            @if !example.cells.is_empty() {
                (cells(&example.cells[..example.cells.len().min(CELLS_MAX)]))
                @if example.cells.len() > CELLS_MAX {
                    @let rest = &example.cells[CELLS_MAX..];
                    (folded(&format::counted(rest.len() as u64, "more column", "more columns"), cells(rest)))
                }
            }
            p class="place" {
                @if let Some(error) = example.error { (data(measure)) " " (format::value(error, Unit::Plain)) }
                @if example.error.is_some() && !example.place.is_empty() { " · " }
                @if !example.place.is_empty() { (data(&example.place)) }
            }
        }
    }
}

fn cells(cells: &[Cell]) -> Markup {
    html! {
        dl class="cells" {
            @for cell in cells {
                div {
                    dt { (data(&cell.column)) }
                    @if cell.value.is_empty() {
                        dd class="quiet" { "missing" }
                    } @else {
                        dd { (data(&cell.value)) }
                    }
                }
            }
        }
    }
}
