//! What stands first: the verdict, the figures that matter most, and what they were measured with.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::contract::Contract;
use crate::element::{count_cell, data};
use crate::figures::{Estimate, Unit};
use crate::format;

/// The program, what was found out about it in short, and the data that it was found out on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The name of the program.
    pub program: String,
    /// One line; empty if there is none.
    pub description: String,
    /// The figures that matter most, the first one first; about four.
    pub figures: Vec<KeyFigure>,
    /// The program beside others on the same rows. Empty if none was measured, which the page says.
    pub comparisons: Vec<Comparison>,
    pub tool_version: String,
    pub seed: Option<u64>,
    pub hashes: Vec<Hash>,
    /// Training, validation and test, in the order of use.
    pub parts: Vec<Part>,
    /// How often the test part has been opened so far, this build included.
    pub looks: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFigure {
    pub name: String,
    pub unit: Unit,
    pub estimate: Estimate,
    /// A few words below; empty if there is nothing to say.
    pub note: String,
}

/// The program beside another one. Whether it is better follows from the interval of the difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    pub rival: Rival,
    /// The figure that they are compared by.
    pub figure: String,
    pub unit: Unit,
    /// By how much the program is better: positive in its favour, whichever way the figure is better.
    pub difference: Estimate,
}

/// What a program is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rival {
    /// The program that a person wrote: the `[baseline]` of the manifest.
    Yours,
    /// The best of the built-in baselines, by its name.
    Baseline(String),
}

/// A hash and what it is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hash {
    pub of: String,
    pub hash: String,
}

/// A part of the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// `training`, `validation` or `test`.
    pub name: String,
    /// The names of the files that its rows are from.
    pub file: String,
    pub rows: u64,
}

/// How two programs compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Better,
    Worse,
    /// The interval holds zero.
    Open,
    /// There is no difference to judge by.
    Unmeasured,
}

pub(crate) fn draw(head: &Head, contract: Option<&Contract>) -> Markup {
    html! {
        header class="head" {
            p class="eyebrow" { "Build report" }
            h1 { @if head.program.is_empty() { "A program without a name" } @else { (data(&head.program)) } }
            @if !head.description.is_empty() {
                p class="description" { (data(&head.description)) }
            }
            (verdict(head, contract))
            @if !head.figures.is_empty() {
                dl class="key-figures" {
                    @for figure in &head.figures {
                        div {
                            dt { (data(&figure.name)) }
                            dd class="key-value" { (format::optional(figure.estimate.value, figure.unit)) }
                            @if let Some(ends) = figure.estimate.interval {
                                dd class="key-note" { "interval " (format::interval(ends, figure.unit)) }
                            }
                            @if !figure.note.is_empty() {
                                dd class="key-note" { (data(&figure.note)) }
                            }
                        }
                    }
                }
            }
            (facts(head))
        }
    }
}

fn verdict(head: &Head, contract: Option<&Contract>) -> Markup {
    let (met, required) = contract.map_or((0, 0), Contract::met);
    let rows = head.parts.iter().find(|part| part.name == "test").map(|part| part.rows);
    let on_rows = rows.map_or_else(String::new, |rows| format!(", measured on {} of the test part", of_rows(rows)));
    let (class, sign, title, detail) = match (met, required) {
        (_, 0) => {
            let detail = "The manifest states no requirement, so there is no verdict.".to_owned();
            ("none", "–", "Nothing was required", detail)
        }
        (met, required) if met == required => {
            let all = match required {
                1 => "The one requirement holds".to_owned(),
                required => format!("All {required} requirements hold"),
            };
            ("met", "✓", "Contract met", format!("{all}{on_rows}."))
        }
        (met, required) => {
            let how_many = match required {
                1 => "The one requirement does not hold".to_owned(),
                required => format!("{met} of {required} requirements hold"),
            };
            ("unmet", "✗", "Contract not met", format!("{how_many}{on_rows}."))
        }
    };
    html! {
        div class={ "verdict " (class) } {
            span class="verdict-sign" aria-hidden="true" { (sign) }
            div class="verdict-words" {
                p class="verdict-title" { (title) }
                p { (detail) }
                @if let Some(contract) = contract.filter(|_| met < required) {
                    ul class="failures" {
                        @for line in contract.lines.iter().filter(|line| line.met == Some(false)) {
                            li {
                                a href="#contract" { (data(&line.subject)) }
                                " is " (format::optional(line.estimate.value, line.unit))
                                @if let Some(deciding) = line.deciding_number() {
                                    " (" (deciding.0) " " (format::value(deciding.1, line.unit)) ")"
                                }
                                ", required: " (data(&line.required))
                            }
                        }
                    }
                }
                @for comparison in &head.comparisons {
                    (compared(comparison))
                }
                @if head.comparisons.is_empty() {
                    p class="comparison" {
                        "No other program was measured on these rows, so nothing is said here about being better than one."
                    }
                }
            }
        }
    }
}

fn of_rows(rows: u64) -> String {
    if rows == 1 { "the 1 row".to_owned() } else { format!("the {} rows", format::count(rows)) }
}

fn compared(comparison: &Comparison) -> Markup {
    let Comparison { rival, figure, unit, difference } = comparison;
    let name = match rival {
        Rival::Yours => html! { "your program" },
        Rival::Baseline(name) => html! { "the best baseline, " (data(name)) },
    };
    let (class, words) = match outcome(difference) {
        Outcome::Better => ("good", "Better than "),
        Outcome::Worse => ("bad", "Worse than "),
        Outcome::Open => ("open", "Not shown to be better than "),
        Outcome::Unmeasured => ("open", "Not compared with "),
    };
    let (value, interval) = (difference.value.unwrap_or(0.0), difference.interval);
    let size = |number: f64| format::difference(number, *unit).trim_start_matches('+').to_owned();
    let between = |[low, high]: [f64; 2]| format!("interval {} to {}", size(low), size(high));
    let interval_of = |ends: Option<[f64; 2]>| ends.map_or_else(|| "no interval".to_owned(), between);
    html! {
        p class={ "comparison " (class) } {
            strong { (words) (name) }
            @match outcome(difference) {
                Outcome::Better => {
                    ": " (data(figure)) " better by " (size(value)) " (" (interval_of(interval)) ")"
                }
                Outcome::Worse => {
                    ": " (data(figure)) " worse by " (size(-value))
                    " (" (interval_of(interval.map(|[low, high]| [-high, -low]))) ")"
                }
                Outcome::Open => {
                    @match interval {
                        Some(ends) => {
                            ": " (data(figure)) " better by " (size(value)) ", but the " (between(ends)) " holds zero"
                        }
                        None => { ": no difference in " (data(figure)) }
                    }
                }
                Outcome::Unmeasured => {}
            }
            "."
        }
    }
}

fn outcome(difference: &Estimate) -> Outcome {
    match (difference.value, difference.interval) {
        (None, _) => Outcome::Unmeasured,
        (Some(_), Some([low, _])) if low > 0.0 => Outcome::Better,
        (Some(_), Some([_, high])) if high < 0.0 => Outcome::Worse,
        (Some(_), Some(_)) => Outcome::Open,
        (Some(value), None) if value > 0.0 => Outcome::Better,
        (Some(value), None) if value < 0.0 => Outcome::Worse,
        (Some(_), None) => Outcome::Open,
    }
}

fn facts(head: &Head) -> Markup {
    let Head { parts, looks, seed, tool_version, hashes, .. } = head;
    if parts.is_empty() && looks.is_none() && seed.is_none() && tool_version.is_empty() && hashes.is_empty() {
        return html! {};
    }
    html! {
        div class="facts" {
            @if !parts.is_empty() {
                table class="parts" {
                    caption class="unseen" { "The parts of the data" }
                    thead { tr { th scope="col" { "Part" } th scope="col" { "Data" } th scope="col" class="number" { "Rows" } } }
                    tbody {
                        @for part in parts {
                            tr {
                                th scope="row" { (part.name) }
                                td { (data(&part.file)) }
                                td class="number" { (count_cell(Some(part.rows))) }
                            }
                        }
                    }
                }
            }
            dl class="provenance-facts" {
                @if let Some(looks) = *looks {
                    dt { "Looks at the test part" }
                    dd {
                        (format::count(looks))
                        @if looks > 1 {
                            " " span class="quiet" { "– each further look makes its figures a little less independent" }
                        }
                    }
                }
                @if let Some(seed) = seed {
                    dt { "Seed" }
                    dd { (seed) }
                }
                @if !tool_version.is_empty() {
                    dt { "Tool" }
                    dd { "Tacit " (tool_version) }
                }
                @for hash in hashes {
                    dt { (data(&hash.of)) }
                    dd { code class="hash" title=(hash.hash) { (shortened(&hash.hash)) } }
                }
            }
        }
    }
}

/// The beginning of a hash, which is enough to tell it from others; all of it shows when pointed at.
fn shortened(hash: &str) -> String {
    match hash.char_indices().nth(16) {
        Some((end, _)) => format!("{}…", &hash[..end]),
        None => hash.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(value: f64, interval: Option<[f64; 2]>) -> Outcome {
        outcome(&Estimate::measured(value, interval, 100))
    }

    #[test]
    fn better_is_only_said_where_the_interval_shows_it() {
        assert_eq!(difference(0.02, Some([0.01, 0.03])), Outcome::Better);
        assert_eq!(difference(0.02, Some([-0.01, 0.05])), Outcome::Open);
        assert_eq!(difference(-0.02, Some([-0.03, -0.01])), Outcome::Worse);
        assert_eq!(difference(0.02, None), Outcome::Better);
        assert_eq!(difference(f64::NAN, None), Outcome::Unmeasured);
    }

    #[test]
    fn the_verdict_says_when_nothing_was_required_or_compared() {
        let text = draw(&Head::default(), None).into_string();
        assert!(text.contains("Nothing was required") && text.contains("No other program was measured"), "{text}");
    }
}
