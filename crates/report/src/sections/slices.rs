//! The rows that the program answers worst, as conditions on their columns.

use maud::html;
use serde::{Deserialize, Serialize};

use crate::element::{IntervalCell, Section, Table, bar_cell, cell, count_cell, data};
use crate::figures::{Better, Estimate, Unit, extent};
use crate::format;

/// The slices in which a figure is worst.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slices {
    /// The name of the figure.
    pub figure: String,
    pub unit: Unit,
    pub better: Better,
    /// The figure over all rows.
    pub whole: Option<f64>,
    /// The worst first.
    pub slices: Vec<Slice>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// `education = 'Doctorate'`.
    pub condition: String,
    pub estimate: Estimate,
    /// Its share of all rows, from 0 to 1.
    pub rows_share: Option<f64>,
    /// Its share of the whole loss, from 0 to 1; more than that of the rows where the program does worse than elsewhere.
    pub loss_share: Option<f64>,
}

pub(crate) fn draw(slices: &Slices) -> Option<Section> {
    let numbers = slices.slices.iter().flat_map(|slice| slice.estimate.numbers().collect::<Vec<_>>());
    let [low, high] = extent(numbers.chain(slices.whole))?;
    if slices.slices.is_empty() {
        return None;
    }
    let room = if high > low { (high - low) * 0.05 } else { 1.0 };
    let largest =
        slices.slices.iter().flat_map(|slice| [slice.rows_share, slice.loss_share]).flatten().fold(0.0, f64::max);
    let bar = |share: Option<f64>, class| match share {
        Some(share) => bar_cell(&format::percent(share), share / largest, class),
        None => html! { (format::NONE) },
    };
    let mut table = Table::new("The worst slices")
        .centred()
        .text("Rows where")
        .numbers(super::curves::capitalised(&slices.figure))
        .text("Interval")
        .numbers("Rows")
        .text("Share of rows")
        .text("Share of loss");
    for slice in &slices.slices {
        let interval = html! {
            (IntervalCell { estimate: slice.estimate, mark: slices.whole, domain: [low - room, high + room], class: "none" })
            @if let Some(ends) = slice.estimate.interval {
                span class="unseen" { (format::interval(ends, slices.unit)) }
            }
        };
        table.row(vec![
            data(&slice.condition),
            cell(slice.estimate.value, slices.unit),
            interval,
            count_cell(slice.estimate.rows),
            bar(slice.rows_share, "s6"),
            bar(slice.loss_share, "s2"),
        ]);
    }
    let direction = match slices.better {
        Better::Higher => "lowest",
        Better::Lower => "highest",
    };
    let whole = slices.whole.map_or_else(String::new, |whole| {
        format!(" The stroke is the figure over all rows, {}.", format::value(whole, slices.unit))
    });
    let lead = format!(
        "Parts of the test rows where {} is {direction}.{whole} A slice that has more of the loss than of the rows is where \
         better data would help most.",
        slices.figure
    );
    Some(Section::new("slices", "Weakest slices", lead, html! { (table) }))
}
