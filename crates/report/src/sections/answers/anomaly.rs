//! Scores of how unusual an input is.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::element::{Figure, Table, cell, count_cell, responsive};
use crate::figures::Unit;
use crate::format;
use crate::scale::Axis;
use crate::svg::{Plot, drawing};

/// Scores counted in bins that all groups share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnomalyAnswers {
    /// Ascending; one more than the counts of a group.
    pub edges: Vec<f64>,
    /// The test rows, or the usual and the unusual ones where it is known which are which.
    pub groups: Vec<ScoreGroup>,
    /// From which score an input counts as unusual.
    pub threshold: Option<f64>,
    /// The share of the test rows above the threshold, from 0 to 1.
    pub flagged_share: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreGroup {
    pub name: String,
    pub counts: Vec<u64>,
}

const COLOURS: [&str; 3] = ["s1", "s2", "s3"];

pub(super) fn draw(answers: &AnomalyAnswers) -> Option<(String, Markup)> {
    let AnomalyAnswers { edges, groups, threshold, flagged_share } = answers;
    let groups: Vec<&ScoreGroup> =
        groups.iter().filter(|group| !group.counts.is_empty() && group.counts.len() + 1 == edges.len()).collect();
    if groups.is_empty() {
        return None;
    }
    let mut table = Table::new("Rows by score").numbers("Score from").numbers("to");
    for group in &groups {
        table = table.numbers(&group.name);
    }
    for bin in 0..edges.len() - 1 {
        let mut cells = vec![cell(Some(edges[bin]), Unit::Plain), cell(Some(edges[bin + 1]), Unit::Plain)];
        cells.extend(groups.iter().map(|group| count_cell(Some(group.counts[bin]))));
        table.row(cells);
    }
    let body = html! {
        (Figure {
            title: "Score",
            note: "share of each group's rows by score",
            drawing: responsive(|width| chart(edges, &groups, *threshold, width)),
            table: Some(table),
        })
    };
    let lead = match (flagged_share, threshold) {
        (Some(share), Some(threshold)) => format!(
            "A high score means that an input is unlike those that the program has learnt. {} of the test rows lie above the \
             threshold of {}.",
            format::percent(*share),
            format::value(*threshold, Unit::Plain)
        ),
        _ => "A high score means that an input is unlike those that the program has learnt.".to_owned(),
    };
    Some((lead, body))
}

fn chart(edges: &[f64], groups: &[&ScoreGroup], threshold: Option<f64>, width: f64) -> Markup {
    let shares: Vec<Vec<f64>> = groups.iter().map(|group| shares(&group.counts)).collect();
    let x = Axis::over("score", edges.iter().copied().chain(threshold)).ticks(if width < 500.0 { 4 } else { 8 });
    let y =
        Axis::over("share of the rows", shares.iter().flatten().copied()).unit(Unit::Share).ticks(4).with_zero().nice();
    let plot = Plot::new(width, 280.0, 10.0, x, y);
    let outline = |shares: &[f64]| {
        let mut points = vec![[edges[0], 0.0, 0.0]];
        for (bin, share) in shares.iter().enumerate() {
            points.extend([[edges[bin], 0.0, *share], [edges[bin + 1], 0.0, *share]]);
        }
        points
    };
    let tip = |bin: usize| {
        let mut words = format!("score {}", format::interval([edges[bin], edges[bin + 1]], Unit::Plain));
        for group in groups {
            words.push_str(&format!("\n{}: {}", group.name, format::counted(group.counts[bin], "row", "rows")));
        }
        words
    };
    let tips: Vec<(f64, String)> =
        (0..edges.len() - 1).map(|bin| ((edges[bin] + edges[bin + 1]) / 2.0, tip(bin))).collect();
    let body = html! {
        (plot.frame())
        @for (shares, class) in shares.iter().zip(COLOURS.iter().cycle()) {
            @let points = outline(shares);
            (plot.band(&points, class))
            (plot.line(points.iter().map(|[x, _, y]| [*x, *y]), class))
        }
        @if let Some(threshold) = threshold {
            (plot.mark_x(threshold, &format!("threshold {}", format::value(threshold, Unit::Plain)), "strong"))
        }
        (plot.columns(&tips))
    };
    html! {
        (drawing(width, plot.height, "Rows of each group by score, as in the table of the data", body))
        @if groups.len() > 1 {
            p class="legend-row" {
                @for (group, class) in groups.iter().zip(COLOURS.iter().cycle()) {
                    span { span class={ "swatch " (class) } {} (group.name) }
                }
            }
        }
    }
}

fn shares(counts: &[u64]) -> Vec<f64> {
    let total = counts.iter().fold(0u64, |sum, count| sum.saturating_add(*count)).max(1) as f64;
    counts.iter().map(|count| *count as f64 / total).collect()
}
