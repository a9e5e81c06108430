//! How the answer changes with each column: partial dependence, or the exact shapes of an additive program.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::element::{Section, Table, cell, count_cell, data, folded};
use crate::figures::{Estimate, Unit, extent};
use crate::format;
use crate::scale::Axis;
use crate::svg::{Plot, Px, SMALL, drawing, fitted};

/// One small drawing for each column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effects {
    /// What the upright axis shows: `probability of >50K`.
    pub answer: String,
    pub unit: Unit,
    pub kind: EffectKind,
    pub columns: Vec<Effect>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// The mean answer over rows of the data whose column is set to a value (Friedman, "Greedy function approximation",
    /// 2001, section 8.2).
    #[default]
    PartialDependence,
    /// The terms of an additive program, whose sum is its answer.
    Exact,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    pub column: String,
    pub shape: Shape,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Of a column of numbers: points in ascending order.
    Numbers(Vec<EffectPoint>),
    /// Of a column of categories. The empty value stands for a missing one.
    Categories(Vec<CategoryEffect>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectPoint {
    pub at: f64,
    pub mean: f64,
    /// Where most answers lie, or where the mean may lie; none for an exact shape.
    pub band: Option<[f64; 2]>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryEffect {
    pub value: String,
    pub estimate: Estimate,
}

/// The columns that are shown at once; the rest is folded.
const SHOWN_MAX: usize = 16;
/// The categories that are drawn; all are in the table.
const CATEGORIES_MAX: usize = 8;
/// The height of each drawing.
const HEIGHT: f64 = 148.0;

/// A section for each set of effects that has columns.
pub(crate) fn draw(all: &[Effects]) -> Option<Section> {
    let shown: Vec<&Effects> = all.iter().filter(|effects| !effects.columns.is_empty()).collect();
    let first = shown.first()?;
    let lead = match first.kind {
        EffectKind::PartialDependence => {
            "The mean answer if a column had the same value in every row and all else stayed as it is; the band is where \
             most rows lie. The scale is the same in all drawings, and the columns with the greatest effect come first."
        }
        EffectKind::Exact => {
            "This program is a sum of one curve for each column, and these are its curves, exactly. The scale is the same in \
             all drawings, and the columns with the greatest effect come first."
        }
    };
    let body = html! {
        @for effects in &shown {
            h3 { (data(&super::curves::capitalised(&effects.answer))) }
            (multiples(effects))
        }
    };
    Some(Section::new("effects", "The effect of each column", lead, body))
}

fn multiples(effects: &Effects) -> Markup {
    let mut columns: Vec<&Effect> = effects.columns.iter().collect();
    columns.sort_by(|a, b| reach(&b.shape).total_cmp(&reach(&a.shape)));
    let y = Axis::over("", columns.iter().flat_map(|effect| numbers(&effect.shape)));
    let y = y.unit(effects.unit).ticks(3).padded(0.05);
    let (shown, rest) = columns.split_at(columns.len().min(SHOWN_MAX));
    let grid = |columns: &[&Effect]| {
        html! {
            div class="multiples" {
                @for effect in columns {
                    figure {
                        figcaption { span class="figure-title" { (data(&effect.column)) } }
                        (draw_one(effect, &y, &effects.answer))
                    }
                }
            }
        }
    };
    html! {
        (grid(shown))
        @if !rest.is_empty() {
            (folded(&format::counted(rest.len() as u64, "more column", "more columns"), grid(rest)))
        }
        (folded("Data", html! { @for effect in &columns { (table(effect, effects.unit)) } }))
    }
}

/// All numbers that a drawing has to show.
fn numbers(shape: &Shape) -> Vec<f64> {
    match shape {
        Shape::Numbers(points) => {
            points.iter().flat_map(|point| [point.mean].into_iter().chain(point.band.into_iter().flatten())).collect()
        }
        Shape::Categories(values) => {
            drawn(values).into_iter().flat_map(|k| values[k].estimate.numbers().collect::<Vec<_>>()).collect()
        }
    }
}

/// The positions of the categories of most rows, in the order in which they are given.
fn drawn(values: &[CategoryEffect]) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..values.len()).collect();
    positions.sort_by_key(|k| std::cmp::Reverse(values[*k].estimate.rows.unwrap_or(0)));
    positions.truncate(CATEGORIES_MAX);
    positions.sort_unstable();
    positions
}

/// How far a column moves the answer.
fn reach(shape: &Shape) -> f64 {
    let means = match shape {
        Shape::Numbers(points) => extent(points.iter().map(|point| point.mean)),
        Shape::Categories(values) => extent(values.iter().filter_map(|value| value.estimate.value)),
    };
    means.map_or(0.0, |[low, high]| high - low)
}

fn draw_one(effect: &Effect, y: &Axis, answer: &str) -> Markup {
    match &effect.shape {
        Shape::Numbers(points) => curve(effect, points, y, answer),
        Shape::Categories(values) => categories(effect, values, y, answer),
    }
}

fn curve(effect: &Effect, points: &[EffectPoint], y: &Axis, answer: &str) -> Markup {
    let x = Axis::over("", points.iter().map(|point| point.at)).ticks(3);
    let plot = Plot::new(SMALL, HEIGHT, 6.0, x, y.clone());
    let band: Vec<[f64; 3]> =
        points.iter().filter_map(|point| point.band.map(|[low, high]| [point.at, low, high])).collect();
    let tip = |point: &EffectPoint| {
        let at = format::value(point.at, Unit::Plain);
        format!("{} {at}\n{}", effect.column, format::value(point.mean, y.unit))
    };
    let tips: Vec<(f64, String)> = points.iter().map(|point| (point.at, tip(point))).collect();
    let body = html! {
        (plot.frame())
        @if !band.is_empty() { (plot.band(&band, "s1")) }
        (plot.line(points.iter().map(|point| [point.at, point.mean]), "s1"))
        (plot.columns(&tips))
    };
    drawing(SMALL, HEIGHT, &format!("{answer} against {}, as in the table of the data", effect.column), body)
}

fn categories(effect: &Effect, values: &[CategoryEffect], y: &Axis, answer: &str) -> Markup {
    const ROW: f64 = 15.0;
    let left = 84.0;
    let rows = drawn(values);
    let plot = Plot::of_rows(SMALL, left, 14.0, HEIGHT - 28.0, y.clone().ticks(2));
    let row_height = ((HEIGHT - 28.0) / rows.len().max(1) as f64).min(ROW);
    let body = html! {
        (plot.upright_grid())
        @for (row, k) in rows.iter().enumerate() {
            @let CategoryEffect { value, estimate } = &values[*k];
            @let value = if value.is_empty() { "missing" } else { value };
            @let middle = plot.top + row_height * (row as f64 + 0.5);
            text class="name tiny" x=(Px(left - 7.0)) y=(Px(middle + 3.6)) text-anchor="end" {
                (fitted(value, 10.5, left - 7.0))
            }
            @if let Some([low, high]) = estimate.interval {
                line class="whisker s1" x1=(Px(plot.x(low))) x2=(Px(plot.x(high))) y1=(Px(middle)) y2=(Px(middle)) {}
            }
            @if let Some(number) = estimate.value {
                circle class="dot s1" cx=(Px(plot.x(number))) cy=(Px(middle)) r="3.5" {}
            }
            @let tip = format!("{} {value}\n{}", effect.column, format::estimate(estimate, y.unit));
            rect class="hit" x="0" width=(Px(SMALL)) y=(Px(middle - row_height / 2.0)) height=(Px(row_height)) data-tip=(tip) {}
        }
    };
    drawing(SMALL, HEIGHT, &format!("{answer} for each value of {}, as in the table of the data", effect.column), body)
}

fn table(effect: &Effect, unit: Unit) -> Table {
    match &effect.shape {
        Shape::Numbers(points) => {
            let mut table = Table::new(format!("The effect of {}", effect.column))
                .numbers(&effect.column)
                .numbers("Mean")
                .numbers("Band");
            for point in points {
                let band = point.band.map_or_else(|| format::NONE.to_owned(), |ends| format::interval(ends, unit));
                table.row(vec![cell(Some(point.at), Unit::Plain), cell(Some(point.mean), unit), html! { (band) }]);
            }
            table
        }
        Shape::Categories(values) => {
            let mut table = Table::new(format!("The effect of {}", effect.column))
                .text(&effect.column)
                .numbers("Mean")
                .numbers("Interval")
                .numbers("Rows");
            for CategoryEffect { value, estimate } in values {
                let interval =
                    estimate.interval.map_or_else(|| format::NONE.to_owned(), |ends| format::interval(ends, unit));
                table.row(vec![
                    data(value),
                    cell(estimate.value, unit),
                    html! { (interval) },
                    count_cell(estimate.rows),
                ]);
            }
            table
        }
    }
}
