//! The contract: what was required, what was measured, and which end of the interval decided.

use maud::{Markup, Render, html};
use serde::{Deserialize, Serialize};

use crate::element::{IntervalCell, Section, data};
use crate::figures::{Estimate, Unit, extent};
use crate::format;

/// The requirements in the order of the manifest, then figures that nothing was required of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    pub lines: Vec<Line>,
}

/// One figure, and what was required of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What is measured: `recall of 'yes' where sex = 'Female'`.
    pub subject: String,
    /// What must hold, in words: `at least 0.85 with confidence 0.95`. Empty if nothing was required.
    pub required: String,
    pub bound: Option<Bound>,
    pub unit: Unit,
    pub estimate: Estimate,
    /// What was held against the bound.
    pub deciding: Deciding,
    /// None if nothing was required.
    pub met: Option<bool>,
    /// For a gap between slices: each slice, those that make the gap marked.
    pub groups: Vec<Group>,
}

/// The number that a figure must not be below or above.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// Which number decides whether a requirement is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deciding {
    /// The figure itself.
    #[default]
    Value,
    LowerEnd,
    UpperEnd,
}

/// One of the slices that a gap is taken between.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// `sex = 'Female'`.
    pub name: String,
    pub estimate: Estimate,
    /// Whether the gap is the distance to this one.
    pub is_deciding: bool,
}

impl Contract {
    /// How many requirements are met, and how many there are.
    pub fn met(&self) -> (usize, usize) {
        let required = self.lines.iter().filter_map(|line| line.met);
        (required.clone().filter(|met| *met).count(), required.count())
    }
}

impl Line {
    /// The end of the interval that decides and what it is called; none if the figure itself does.
    pub(crate) fn deciding_number(&self) -> Option<(&'static str, f64)> {
        let [low, high] = self.estimate.interval?;
        match self.deciding {
            Deciding::Value => None,
            Deciding::LowerEnd => Some(("lower end", low)),
            Deciding::UpperEnd => Some(("upper end", high)),
        }
    }
}

pub(crate) fn draw(contract: &Contract) -> Option<Section> {
    if contract.lines.is_empty() {
        return None;
    }
    let (required, measured): (Vec<&Line>, Vec<&Line>) = contract.lines.iter().partition(|line| line.met.is_some());
    let body = html! {
        @if !required.is_empty() { (table("Requirements", "Requirement", &required)) }
        @if !measured.is_empty() {
            h3 { "Also measured" }
            (table("Figures without a requirement", "Figure", &measured))
        }
    };
    let lead = "Each figure is measured on the test part, which the search never saw. The line is the figure's interval, the \
                dot its value, the stroke what was required; where a confidence was asked for, the end of the interval that \
                is named decides.";
    Some(Section::new("contract", "Contract", lead, body))
}

fn table(label: &str, first: &str, lines: &[&Line]) -> Markup {
    let is_required = lines.iter().any(|line| line.met.is_some());
    html! {
        div class="scroll" role="region" aria-label=(label) tabindex="0" {
            table class="contract" {
                thead {
                    tr {
                        th scope="col" { (first) }
                        @if is_required { th scope="col" { "Required" } }
                        th scope="col" class="number" { "Measured" }
                        th scope="col" class="interval-column" { "Interval" }
                        th scope="col" class="number" { "Rows" }
                        @if is_required { th scope="col" { "Verdict" } }
                    }
                }
                tbody {
                    @for line in lines {
                        (row(line))
                        @let deciding = extent(line.groups.iter().flat_map(|group| group.estimate.numbers()));
                        @for group in &line.groups {
                            (group_row(group, line, deciding.unwrap_or([0.0, 1.0])))
                        }
                    }
                }
            }
        }
    }
}

fn row(line: &Line) -> Markup {
    let bound = line.bound.map(|bound| match bound {
        Bound::AtLeast(bound) | Bound::AtMost(bound) => bound,
    });
    let (class, sign, verdict) = match line.met {
        Some(true) => ("met", "✓", "met"),
        Some(false) => ("unmet", "✗", "not met"),
        None => ("none", "", ""),
    };
    html! {
        tr class=(class) {
            th scope="row" { (data(&line.subject)) }
            @if line.met.is_some() { td class="required" { (data(&line.required)) } }
            td class="number measured" { (format::optional(line.estimate.value, line.unit)) }
            td class="interval-column" {
                @if let Some(ends) = line.estimate.interval {
                    @let deciding = line.deciding_number();
                    (IntervalCell { estimate: line.estimate, mark: bound, domain: domain(line, bound), class })
                    span class="interval" {
                        (format::interval(ends, line.unit))
                        @if let Some((end, _)) = deciding { ", " (end) " decides" }
                    }
                } @else {
                    span class="interval" {
                        @if line.estimate.value.is_none() { "not defined" }
                        @else if line.estimate.rows.is_none() { "exact" }
                        @else { (format::NONE) }
                    }
                }
            }
            td class="number rows" { (line.estimate.rows.map_or_else(String::new, format::count)) }
            @if line.met.is_some() {
                td class="verdict-cell" {
                    span class={ "badge " (class) } { span aria-hidden="true" { (sign) " " } (verdict) }
                }
            }
        }
    }
}

/// The range that a line's drawing shows: the interval and the bound with some room around.
fn domain(line: &Line, bound: Option<f64>) -> [f64; 2] {
    let [low, high] = extent(line.estimate.numbers().chain(bound)).unwrap_or([0.0, 1.0]);
    let room = if high > low { (high - low) * 0.25 } else { 1.0 };
    [low - room, high + room]
}

fn group_row(group: &Group, line: &Line, [low, high]: [f64; 2]) -> Markup {
    let room = if high > low { (high - low) * 0.05 } else { 1.0 };
    let class = if group.is_deciding { "group deciding" } else { "group" };
    html! {
        tr class=(class) {
            th scope="row" { (data(&group.name)) }
            @if line.met.is_some() { td class="required" { @if group.is_deciding { "makes the gap" } } }
            td class="number measured" { (format::optional(group.estimate.value, line.unit)) }
            td class="interval-column" {
                @if let Some(ends) = group.estimate.interval {
                    (IntervalCell { estimate: group.estimate, mark: None, domain: [low - room, high + room], class: "none" }.render())
                    span class="interval" { (format::interval(ends, line.unit)) }
                }
            }
            td class="number rows" { (group.estimate.rows.map_or_else(String::new, format::count)) }
            @if line.met.is_some() { td class="verdict-cell" {} }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_without_a_requirement_do_not_count() {
        let line = |met| Line { met, ..Line::default() };
        let contract = Contract { lines: [Some(true), None, Some(false), Some(true)].map(line).to_vec() };
        assert_eq!(contract.met(), (2, 3));
    }

    #[test]
    fn the_end_that_decides_is_named() {
        let estimate = Estimate::measured(0.5, Some([0.4, 0.6]), 10);
        let line = Line { estimate, deciding: Deciding::UpperEnd, met: Some(false), ..Line::default() };
        assert_eq!(line.deciding_number(), Some(("upper end", 0.6)));
        let text = draw(&Contract { lines: vec![line] }).map(|section| section.body.into_string());
        assert!(text.is_some_and(|text| text.contains("upper end decides")));
    }
}
