//! The program beside simpler ones on the same rows.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::curves::capitalised;
use crate::element::{Figure, Section, Table, cell, count_cell, data, estimate_cell, responsive};
use crate::figures::{Better, Estimate, Unit};
use crate::format;
use crate::scale::Axis;
use crate::svg::{Plot, Px, drawing, fitted, text_width};

/// One table of programs, all measured on the same rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baselines {
    /// The figures that are compared; the first one is the one that counts most.
    pub figures: Vec<ComparedFigure>,
    pub programs: Vec<Contender>,
}

/// A column of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedFigure {
    pub name: String,
    pub better: Better,
    pub unit: Unit,
}

/// A row of the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contender {
    pub name: String,
    pub kind: ContenderKind,
    /// One for each figure of the table.
    pub figures: Vec<Estimate>,
    /// The time of one answer.
    pub latency_us: Option<f64>,
    pub size_bytes: Option<u64>,
    /// The training rows that it was fitted on; fewer than there are where the data is large.
    pub rows_fitted: Option<u64>,
    /// What else is to know; empty if nothing.
    pub note: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContenderKind {
    /// The program that the report is about.
    This,
    /// The program that a person wrote: the `[baseline]` of the manifest.
    Yours,
    #[default]
    BuiltIn,
}

pub(crate) fn draw(baselines: &Baselines) -> Option<Section> {
    if baselines.programs.is_empty() {
        return None;
    }
    let main = baselines.figures.first();
    let body = html! {
        @if let Some(main) = main.filter(|_| measured(baselines) > 1) {
            @let note = match main.better {
                Better::Higher => "higher is better; an arrow stands for a program too far behind for the scale",
                Better::Lower => "lower is better; an arrow stands for a program too far behind for the scale",
            };
            (Figure {
                title: &capitalised(&main.name),
                note,
                drawing: responsive(|width| chart(baselines, main, width)),
                table: None,
            })
        }
        (table(baselines))
    };
    let lead = "Every program answered the same test rows. Lines are intervals: where two overlap widely, the rows do not \
                tell which program is better.";
    Some(Section::new("baselines", "Beside other programs", lead, body))
}

/// The programs whose main figure is there.
fn measured(baselines: &Baselines) -> usize {
    baselines.programs.iter().filter(|program| main_figure(program).value.is_some()).count()
}

fn main_figure(program: &Contender) -> Estimate {
    program.figures.first().copied().unwrap_or_default()
}

/// Dots and intervals: unlike bars they need not start at zero, which would leave no room for the differences.
fn chart(baselines: &Baselines, main: &ComparedFigure, width: f64) -> Markup {
    const ROW: f64 = 28.0;
    let shown: Vec<&Contender> =
        baselines.programs.iter().filter(|program| main_figure(program).value.is_some()).collect();
    let widest = shown.iter().map(|program| text_width(&program.name, 12.0)).fold(0.0, f64::max);
    let left = (widest + 14.0).min(width * 0.34);
    let values: Vec<f64> = shown.iter().filter_map(|program| main_figure(program).value).collect();
    let near = near(&values, main.better);
    let is_near = |program: &Contender| main_figure(program).value.is_some_and(&near);
    let drawn = shown.iter().filter(|program| is_near(program));
    let x = Axis::over("", drawn.flat_map(|program| main_figure(program).numbers().collect::<Vec<_>>()));
    let x = x.unit(main.unit).ticks(if width < 500.0 { 3 } else { 6 }).padded(0.05);
    let plot = Plot::of_rows(width, left, 70.0, ROW * shown.len() as f64, x);
    let (height, base) = (plot.height, plot.height - plot.bottom);
    let this = shown.iter().find(|program| program.kind == ContenderKind::This).and_then(|p| main_figure(p).value);
    let body = html! {
        (plot.upright_grid())
        @if let Some(this) = this.filter(|this| near(*this)) {
            line class="reference accent" x1=(Px(plot.x(this))) x2=(Px(plot.x(this))) y1=(Px(plot.top)) y2=(Px(base)) {}
        }
        @for (k, program) in shown.iter().enumerate() {
            @let estimate = main_figure(program);
            @let middle = 4.0 + ROW * (k as f64 + 0.5);
            @let class = class(program.kind);
            @let tip = format!("{}\n{} {}", program.name, main.name, format::estimate(&estimate, main.unit));
            text class={ "name " (class) } x=(Px(left - 10.0)) y=(Px(middle + 4.0)) text-anchor="end" {
                (fitted(&program.name, 12.0, left - 10.0))
            }
            @if is_near(program) {
                @if let Some([low, high]) = estimate.interval {
                    line class={ "whisker " (class) } x1=(Px(plot.x(low))) x2=(Px(plot.x(high)))
                        y1=(Px(middle)) y2=(Px(middle)) {}
                }
                @if let Some(value) = estimate.value {
                    circle class={ "dot " (class) } cx=(Px(plot.x(value))) cy=(Px(middle)) r="5" {}
                }
            } @else {
                (beyond(&plot, main.better, middle, class))
            }
            @if let Some(value) = estimate.value {
                text class={ "value " (class) } x=(Px(width)) y=(Px(middle + 4.0)) text-anchor="end" {
                    (format::value(value, main.unit))
                }
            }
            rect class="hit" x="0" width=(Px(width)) y=(Px(middle - ROW / 2.0)) height=(Px(ROW)) data-tip=(tip) {}
        }
    };
    drawing(width, height, &format!("{} of each program with its interval, as in the table below", main.name), body)
}

/// Which values are drawn to scale: a program far worse than most, as the constant one often is, would leave no room for the
/// differences among the others.
fn near(values: &[f64], better: Better) -> impl Fn(f64) -> bool {
    let best = values.iter().copied().reduce(match better {
        Better::Higher => f64::max,
        Better::Lower => f64::min,
    });
    let best = best.unwrap_or(0.0);
    let mut distances: Vec<f64> = values.iter().map(|value| (value - best).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let typical = distances.get(distances.len() / 2).copied().unwrap_or(0.0);
    move |value| (value - best).abs() <= typical * 3.5
}

/// An arrow at the end of the axis, for a program beyond it.
fn beyond(plot: &Plot, better: Better, middle: f64, class: &str) -> Markup {
    let (tip, tail) = match better {
        Better::Higher => (plot.left + 4.0, plot.left + 26.0),
        Better::Lower => (plot.width - plot.right - 4.0, plot.width - plot.right - 26.0),
    };
    let wing = tip + (tail - tip) * 0.3;
    html! {
        line class={ "whisker " (class) } x1=(Px(tip)) x2=(Px(tail)) y1=(Px(middle)) y2=(Px(middle)) {}
        line class={ "whisker " (class) } x1=(Px(tip)) x2=(Px(wing)) y1=(Px(middle)) y2=(Px(middle - 4.5)) {}
        line class={ "whisker " (class) } x1=(Px(tip)) x2=(Px(wing)) y1=(Px(middle)) y2=(Px(middle + 4.5)) {}
    }
}

fn class(kind: ContenderKind) -> &'static str {
    match kind {
        ContenderKind::This => "s1 this",
        ContenderKind::Yours => "s2",
        ContenderKind::BuiltIn => "s6",
    }
}

fn table(baselines: &Baselines) -> Table {
    let mut table = Table::new("The programs and their figures").stacked().text("Program");
    for figure in &baselines.figures {
        table = table.numbers(capitalised(&figure.name));
    }
    // Columns that would be empty are left out.
    let programs = &baselines.programs;
    let has_latency = programs.iter().any(|program| program.latency_us.is_some());
    let has_size = programs.iter().any(|program| program.size_bytes.is_some());
    let has_rows = programs.iter().any(|program| program.rows_fitted.is_some());
    let has_note = programs.iter().any(|program| !program.note.is_empty());
    let optional = [(has_latency, "Latency"), (has_size, "Size"), (has_rows, "Fitted on")];
    for (_, title) in optional.iter().filter(|(is_there, _)| *is_there) {
        table = table.numbers(*title);
    }
    if has_note {
        table = table.text("Note");
    }
    let best: Vec<Option<f64>> = (0..baselines.figures.len()).map(|k| best(baselines, k)).collect();
    for program in &baselines.programs {
        let name = html! {
            (data(&program.name))
            @match program.kind {
                ContenderKind::This => { " " span class="tag accent" { "this program" } }
                ContenderKind::Yours => { " " span class="tag" { "yours" } }
                ContenderKind::BuiltIn => {}
            }
        };
        let mut cells = vec![name];
        for (k, figure) in baselines.figures.iter().enumerate() {
            let estimate = program.figures.get(k).copied().unwrap_or_default();
            let is_best = estimate.value.is_some() && estimate.value == best[k];
            cells.push(html! {
                @if is_best {
                    strong { (estimate_cell(&estimate, figure.unit)) span class="unseen" { " best" } }
                } @else {
                    (estimate_cell(&estimate, figure.unit))
                }
            });
        }
        cells.extend(has_latency.then(|| cell(program.latency_us, Unit::Microseconds)));
        cells.extend(has_size.then(|| cell(program.size_bytes.map(|bytes| bytes as f64), Unit::Bytes)));
        cells.extend(has_rows.then(|| count_cell(program.rows_fitted)));
        cells.extend(has_note.then(|| data(&program.note)));
        let class = if program.kind == ContenderKind::This { "highlight" } else { "" };
        table.row_of(class, cells);
    }
    table.note("The best figure of each column is bold; latency is the time of one answer, and fitted on counts training rows.");
    table
}

/// The best value of a figure.
fn best(baselines: &Baselines, k: usize) -> Option<f64> {
    let values = baselines.programs.iter().filter_map(|program| program.figures.get(k)?.value);
    values.filter(|value| value.is_finite()).reduce(match baselines.figures[k].better {
        Better::Higher => f64::max,
        Better::Lower => f64::min,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_far_behind_does_not_stretch_the_axis() {
        let values = [0.93, 0.83, 0.938, 0.905, 0.872, 0.5];
        let is_near = near(&values, Better::Higher);
        assert_eq!(values.map(is_near), [true, true, true, true, true, false]);
        let is_near = near(&[2.0, 2.0, 2.0], Better::Lower);
        assert!(is_near(2.0));
    }

    #[test]
    fn columns_without_contents_are_left_out() {
        let program = |value| Contender { figures: vec![Estimate::exact(value)], ..Contender::default() };
        let figures = vec![ComparedFigure { name: "accuracy".to_owned(), ..ComparedFigure::default() }];
        let baselines = Baselines { figures, programs: vec![program(0.5), program(0.75)] };
        let text = draw(&baselines).expect("there are programs").body.into_string();
        assert!(text.contains("Accuracy") && !text.contains("Latency<") && !text.contains("Note"), "{text}");
        assert_eq!(text.matches("<strong>").count(), 1, "{text}");
    }
}
