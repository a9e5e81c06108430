//! What one answer costs.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::answers::{bin_tip, histogram_table};
use crate::element::{Figure, Section, data, quantiles, responsive};
use crate::figures::{Histogram, Quantile, Unit};
use crate::format;
use crate::scale::Axis;
use crate::svg::{Plot, drawing};

/// The cost of one answer, the same whatever the input; only the latency is measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    pub parameters: Option<u64>,
    pub flops: Option<u64>,
    pub file_bytes: Option<u64>,
    /// Of the arena; the weights come on top.
    pub peak_memory_bytes: Option<u64>,
    pub latency: Option<Latency>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// What it was measured on, in words.
    pub machine: String,
    /// How many answers were timed.
    pub answers: u64,
    /// In microseconds.
    pub quantiles: Vec<Quantile>,
    /// In microseconds.
    pub histogram: Option<Histogram>,
}

pub(crate) fn draw(cost: &Cost) -> Option<Section> {
    let Cost { parameters, flops, file_bytes, peak_memory_bytes, latency } = cost;
    let facts: Vec<(&str, String, &str)> = [
        ("Parameters", *parameters, Unit::Count, ""),
        ("Operations", *flops, Unit::Count, "floating point, for one answer"),
        ("File", *file_bytes, Unit::Bytes, "the artifact"),
        ("Peak memory", *peak_memory_bytes, Unit::Bytes, "of the arena, beside the weights"),
    ]
    .into_iter()
    .filter_map(|(name, number, unit, note)| Some((name, format::value(number? as f64, unit), note)))
    .collect();
    let latency = latency.as_ref().filter(|latency| !latency.quantiles.is_empty() || latency.histogram.is_some());
    if facts.is_empty() && latency.is_none() {
        return None;
    }
    let body = html! {
        @if !facts.is_empty() {
            dl class="key-figures small" {
                @for (name, value, note) in &facts {
                    div {
                        dt { (name) }
                        dd class="key-value" { (value) }
                        @if !note.is_empty() { dd class="key-note" { (note) } }
                    }
                }
            }
        }
        @if let Some(latency) = latency { (timed(latency)) }
    };
    let lead = "Operations and memory are the same for every input and were known before the search began. Latency is \
                measured, so it differs from machine to machine.";
    Some(Section::new("cost", "Cost", lead, body))
}

fn timed(latency: &Latency) -> Markup {
    let note = format!("of {}", format::counted(latency.answers, "answer", "answers"));
    let note = if latency.machine.is_empty() { note } else { format!("{note} on {}", latency.machine) };
    html! {
        @if let Some(histogram) = latency.histogram.as_ref().filter(|histogram| histogram.is_sound()) {
            (Figure {
                title: "Latency",
                note: &note,
                drawing: responsive(|width| chart(latency, histogram, width)),
                table: Some(histogram_table("Answers by latency in microseconds", histogram)),
            })
        } @else {
            h3 { "Latency" }
            p class="lead" { (data(&note)) }
        }
        @if !latency.quantiles.is_empty() { (quantiles(&latency.quantiles, Unit::Microseconds)) }
    }
}

fn chart(latency: &Latency, histogram: &Histogram, width: f64) -> Markup {
    let Histogram { edges, counts } = histogram;
    let x =
        Axis::over("latency", edges.iter().copied()).unit(Unit::Microseconds).ticks(if width < 500.0 { 4 } else { 8 });
    let y =
        Axis::over("answers", counts.iter().map(|count| *count as f64)).unit(Unit::Count).ticks(3).with_zero().nice();
    let plot = Plot::new(width, 200.0, 12.0, x, y);
    let median = latency.quantiles.iter().find(|quantile| quantile.share == 0.5).map(|quantile| quantile.value);
    let body = html! {
        (plot.frame())
        (plot.bars(edges, counts, "s1", |bin| bin_tip(histogram, bin, Unit::Microseconds)))
        @if let Some(median) = median.filter(|median| (edges[0]..=edges[counts.len()]).contains(median)) {
            (plot.mark_x(median, &format!("median {}", format::value(median, Unit::Microseconds)), "strong"))
        }
    };
    drawing(width, plot.height, "How the latencies are spread, as in the table of the data", body)
}
