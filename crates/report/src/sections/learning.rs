//! Would more data help?

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::curves::capitalised;
use crate::element::{Figure, Section, Table, cell, count_cell, data, estimate_cell, responsive};
use crate::figures::{Better, Estimate, Unit};
use crate::format;
use crate::scale::Axis;
use crate::svg::{Plot, drawing};

/// The figure of programs that were trained on shares of the training rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningCurve {
    /// The name of the figure.
    pub figure: String,
    pub unit: Unit,
    pub better: Better,
    /// With ascending numbers of rows.
    pub points: Vec<LearningPoint>,
    /// Training rows and the figure that is expected for them, where the curve is drawn on; usually from the last point.
    pub extrapolation: Vec<[f64; 2]>,
    /// The answer in a plain sentence; empty if there is none.
    pub conclusion: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningPoint {
    /// The training rows.
    pub rows: u64,
    /// Their share of all training rows, from 0 to 1.
    pub share: f64,
    /// The figure on rows that were not trained on.
    pub estimate: Estimate,
    /// The figure on the training rows themselves.
    pub training: Option<f64>,
}

pub(crate) fn draw(curve: &LearningCurve) -> Option<Section> {
    if curve.points.is_empty() {
        return None;
    }
    let mut table = Table::new("The learning curve")
        .numbers("Training rows")
        .numbers("Share")
        .numbers(capitalised(&curve.figure))
        .numbers("On the training rows");
    for point in &curve.points {
        table.row(vec![
            count_cell(Some(point.rows)),
            html! { (format::percent(point.share)) },
            estimate_cell(&point.estimate, curve.unit),
            cell(point.training, curve.unit),
        ]);
    }
    let note = match curve.better {
        Better::Higher => "by the number of training rows; higher is better",
        Better::Lower => "by the number of training rows; lower is better",
    };
    let body = html! {
        @if !curve.conclusion.is_empty() {
            p class="conclusion" { (data(&curve.conclusion)) }
        }
        (Figure {
            title: &capitalised(&curve.figure),
            note,
            drawing: responsive(|width| chart(curve, width)),
            table: Some(table),
        })
    };
    Some(Section::new("learning-curve", "Would more data help?", "", body))
}

fn chart(curve: &LearningCurve, width: f64) -> Markup {
    let height = if width < 500.0 { 230.0 } else { 280.0 };
    let rows =
        curve.points.iter().map(|point| point.rows as f64).chain(curve.extrapolation.iter().map(|[rows, _]| *rows));
    let numbers =
        curve.points.iter().flat_map(|point| point.estimate.numbers().chain(point.training).collect::<Vec<_>>());
    let numbers = numbers.chain(curve.extrapolation.iter().map(|[_, figure]| *figure));
    let x = Axis::over("training rows", rows).unit(Unit::Count).ticks(if width < 500.0 { 4 } else { 7 });
    let x = if x.domain[1] > 8.0 * x.domain[0] { x.log() } else { x };
    let y = Axis::over("", numbers).unit(curve.unit).ticks(4).padded(0.06).nice();
    let plot = Plot::new(width, height, 96.0, x, y);
    let last = curve.points.last();
    let mut ends = vec![];
    if let Some(value) = last.and_then(|point| point.estimate.value) {
        let end = curve.extrapolation.last().map_or(value, |[_, figure]| *figure);
        ends.push((plot.y(end), "unseen rows".to_owned(), "s1".to_owned()));
    }
    if let Some(training) = last.and_then(|point| point.training) {
        ends.push((plot.y(training), "training rows".to_owned(), "s6".to_owned()));
    }
    let value_line = curve.points.iter().filter_map(|point| Some([point.rows as f64, point.estimate.value?]));
    let training_line = curve.points.iter().filter_map(|point| Some([point.rows as f64, point.training?]));
    let tip = |point: &LearningPoint| {
        let rows = format::counted(point.rows, "row", "rows");
        format!(
            "{rows} ({})\n{} {}",
            format::percent(point.share),
            curve.figure,
            format::estimate(&point.estimate, curve.unit)
        )
    };
    let tips: Vec<(f64, String)> = curve.points.iter().map(|point| (point.rows as f64, tip(point))).collect();
    let body = html! {
        (plot.frame())
        (plot.line(training_line, "s6 thin"))
        @if !curve.extrapolation.is_empty() { (plot.line(curve.extrapolation.iter().copied(), "s1 dashed")) }
        (plot.line(value_line, "s1"))
        @for point in &curve.points {
            @if let Some(ends) = point.estimate.interval { (plot.upright(point.rows as f64, ends, "s1")) }
            @if let Some(value) = point.estimate.value { (plot.dot(point.rows as f64, value, 4.0, "s1", "")) }
        }
        (plot.end_labels(ends))
        (plot.columns(&tips))
    };
    drawing(width, height, &format!("{} against training rows, as in the table of the data", curve.figure), body)
}
