//! How much each input matters.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::element::{Figure, Section, Table, count_cell, data, estimate_cell, responsive};
use crate::figures::{Estimate, Unit};
use crate::format;
use crate::scale::Axis;
use crate::svg::{Plot, Px, drawing, fitted, text_width};

/// Permutation importance: how much worse a figure becomes when the values of one input are dealt out anew among the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Importance {
    /// The name of the figure.
    pub figure: String,
    pub unit: Unit,
    /// How often each input was dealt out.
    pub repeats: u64,
    pub inputs: Vec<InputImportance>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputImportance {
    pub input: String,
    /// By how much the figure becomes worse: positive where the input helps.
    pub worse_by: Estimate,
}

/// The inputs that are drawn; all are in the table.
const DRAWN_MAX: usize = 25;

pub(crate) fn draw(importance: &Importance) -> Option<Section> {
    if importance.inputs.is_empty() {
        return None;
    }
    let mut inputs: Vec<&InputImportance> = importance.inputs.iter().collect();
    let value = |input: &InputImportance| input.worse_by.value.unwrap_or(f64::NEG_INFINITY);
    inputs.sort_by(|a, b| value(b).total_cmp(&value(a)));
    let drawn = &inputs[..inputs.len().min(DRAWN_MAX)];
    let mut table = Table::new("The importance of each input")
        .text("Input")
        .numbers(format!("{} worse by", super::curves::capitalised(&importance.figure)))
        .numbers("Rows");
    for input in &inputs {
        table.row(vec![
            data(&input.input),
            estimate_cell(&input.worse_by, importance.unit),
            count_cell(input.worse_by.rows),
        ]);
    }
    let note = match inputs.len() > drawn.len() {
        true => format!("the first {} of {}; all are in the table", drawn.len(), inputs.len()),
        false => String::new(),
    };
    let title = format!("{} worse by", super::curves::capitalised(&importance.figure));
    let body = html! {
        (Figure {
            title: &title,
            note: &note,
            drawing: responsive(|width| chart(importance, drawn, width)),
            table: Some(table),
        })
    };
    let lead = format!(
        "How much worse {} becomes when one input's values are dealt out anew among the test rows ({}). Inputs that say \
         nearly the same share their importance, so a short bar does not mean that an input has no effect.",
        importance.figure,
        format::counted(importance.repeats, "time", "times")
    );
    Some(Section::new("importance", "What the answers depend on", lead, body))
}

fn chart(importance: &Importance, inputs: &[&InputImportance], width: f64) -> Markup {
    const ROW: f64 = 22.0;
    let widest = inputs.iter().map(|input| text_width(&input.input, 12.0)).fold(0.0, f64::max);
    let left = (widest + 12.0).min(width * 0.36);
    let x = Axis::over("", inputs.iter().flat_map(|input| input.worse_by.numbers().collect::<Vec<_>>()));
    let x = x.unit(importance.unit).ticks(if width < 500.0 { 3 } else { 6 }).with_zero();
    let plot = Plot::of_rows(width, left, 64.0, ROW * inputs.len() as f64, x);
    let (zero, height) = (plot.x(0.0), plot.height);
    let body = html! {
        (plot.upright_grid())
        @for (k, input) in inputs.iter().enumerate() {
            @let middle = plot.top + ROW * (k as f64 + 0.5);
            text class="name" x=(Px(left - 8.0)) y=(Px(middle + 4.0)) text-anchor="end" {
                (fitted(&input.input, 12.0, left - 8.0))
            }
            @if let Some(value) = input.worse_by.value {
                @let end = plot.x(value);
                rect class="bar s1" x=(Px(zero.min(end))) width=(Px((end - zero).abs().max(1.0))) y=(Px(middle - 6.0))
                    height="12" rx="2" {}
                text class="value" x=(Px(width)) y=(Px(middle + 4.0)) text-anchor="end" {
                    (format::value(value, importance.unit))
                }
            }
            @if let Some([low, high]) = input.worse_by.interval {
                line class="whisker ink" x1=(Px(plot.x(low))) x2=(Px(plot.x(high))) y1=(Px(middle)) y2=(Px(middle)) {}
            }
            @let tip = format!("{}\n{}", input.input, format::estimate(&input.worse_by, importance.unit));
            rect class="hit" x="0" width=(Px(width)) y=(Px(middle - ROW / 2.0)) height=(Px(ROW)) data-tip=(tip) {}
        }
        line class="base" x1=(Px(zero)) x2=(Px(zero)) y1=(Px(plot.top)) y2=(Px(height - plot.bottom)) {}
    };
    drawing(width, height, "Importance of each input with its interval, as in the table of the data", body)
}
