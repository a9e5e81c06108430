//! Answers that are one of several classes.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::confusion::{self, Confusion, Size};
use crate::element::{Figure, Table, cell, count_cell, data, estimate_cell};
use crate::figures::{Estimate, Unit};
use crate::format;
use crate::scale::Axis;
use crate::svg::{HALF, Plot, Px, drawing, fitted, thinned};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryAnswers {
    /// The labels of the classes, in the order of their positions.
    pub classes: Vec<String>,
    pub confusion: Option<Confusion>,
    /// One for each class, or for those that matter.
    pub per_class: Vec<ClassFigures>,
    pub reliability: Option<Reliability>,
    /// Receiver operating characteristics: false positive rate and true positive rate. One for two classes, else one class
    /// against the rest each.
    pub roc: Vec<RateCurve>,
    /// Recall and precision.
    pub precision_recall: Vec<RateCurve>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassFigures {
    pub class: String,
    pub precision: Estimate,
    pub recall: Estimate,
    pub f1: Estimate,
    /// The test rows of the class.
    pub rows: u64,
}

/// How sure the program was and how often it was right (Niculescu-Mizil and Caruana, "Predicting good probabilities with
/// supervised learning", 2005).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reliability {
    /// With ascending probabilities.
    pub bins: Vec<ReliabilityBin>,
    /// The expected calibration error: the mean distance from the diagonal over rows.
    pub calibration_error: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// The range of probabilities, each from 0 to 1.
    pub low: f64,
    pub high: f64,
    /// The mean probability that the program gave; none without rows.
    pub probability: Option<f64>,
    /// The share of the rows that it was right about, with the rows.
    pub right: Estimate,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateCurve {
    /// The class that counts as positive.
    pub name: String,
    /// Both from 0 to 1, in the order of the threshold.
    pub points: Vec<[f64; 2]>,
    /// The area under the curve: AUROC, or average precision.
    pub area: Estimate,
    /// What guessing gives: the share of positive rows, in a curve of precision and recall.
    pub guess: Option<f64>,
    /// Where the program's own threshold lies.
    pub chosen: Option<[f64; 2]>,
}

/// The curves that have a colour of their own; the others are grey.
const COLOURS: [&str; 5] = ["s1", "s2", "s3", "s4", "s5"];
/// The classes that a page lists.
const CLASSES_MAX: usize = 100;

pub(super) fn draw(answers: &CategoryAnswers) -> Option<(String, Markup)> {
    let CategoryAnswers { classes, confusion, per_class, reliability, roc, precision_recall } = answers;
    let reliability =
        reliability.as_ref().filter(|reliability| reliability.bins.iter().any(|b| b.probability.is_some()));
    let confusion = confusion.as_ref().filter(|confusion| !confusion.pairs.is_empty());
    if confusion.is_none()
        && per_class.is_empty()
        && reliability.is_none()
        && roc.is_empty()
        && precision_recall.is_empty()
    {
        return None;
    }
    let body = html! {
        @match confusion.map(|confusion| (confusion, confusion::size(classes.len()))) {
            Some((confusion, Size::Middle)) => {
                div class="beside" {
                    (confusion_figure(confusion, classes))
                    (mistakes(confusion, classes, 10))
                }
            }
            Some((confusion, Size::Full)) => {
                (confusion_figure(confusion, classes))
                (mistakes(confusion, classes, 20))
            }
            Some((_, Size::Half)) | None => {}
        }
        div class="pair" {
            @if let Some(confusion) = confusion.filter(|_| confusion::size(classes.len()) == Size::Half) {
                (confusion_figure(confusion, classes))
            }
            @if let Some(reliability) = reliability {
                @let note = reliability.calibration_error.map_or_else(String::new, |error| {
                    format!("on the line, as sure as right; expected error {}", format::value(error, Unit::Plain))
                });
                (Figure {
                    title: "Calibration",
                    note: &note,
                    drawing: reliability_diagram(reliability),
                    table: Some(reliability_table(reliability)),
                })
            }
            @if roc.iter().any(|curve| !curve.points.is_empty()) {
                (Figure {
                    title: "ROC",
                    note: curves_note(roc, "the area under the curve is beside its name"),
                    drawing: rate_curves(roc, "false positive rate", "true positive rate", true),
                    table: Some(rate_table(roc, "False positive rate", "True positive rate", "AUROC")),
                })
            }
            @if precision_recall.iter().any(|curve| !curve.points.is_empty()) {
                (Figure {
                    title: "Precision and recall",
                    note: curves_note(precision_recall, "the average precision is beside the name"),
                    drawing: rate_curves(precision_recall, "recall", "precision", false),
                    table: Some(rate_table(precision_recall, "Recall", "Precision", "Average precision")),
                })
            }
        }
        @if let Some(confusion) = confusion.filter(|_| (3..=6).contains(&classes.len())) {
            (mistakes(confusion, classes, 10))
        }
        @if !per_class.is_empty() {
            h3 { "Class by class" }
            (class_table(per_class))
        }
    };
    Some(("The program's answers on the test rows beside the right ones.".to_owned(), body))
}

fn confusion_figure(confusion: &Confusion, classes: &[String]) -> Markup {
    html! {
        @if let Some(matrix) = confusion::matrix(confusion, classes) {
            (Figure {
                title: "Confusion",
                note: "counts of rows; colours are shares of a class",
                drawing: matrix,
                table: Some(confusion::counts(confusion, classes)),
            })
        }
    }
}

fn mistakes(confusion: &Confusion, classes: &[String], most: usize) -> Markup {
    html! {
        @if let Some(pairs) = confusion::worst_pairs(confusion, classes, most) {
            div { h3 { "Commonest mistakes" } (pairs) }
        }
    }
}

fn curves_note<'a>(curves: &[RateCurve], of_one: &'a str) -> &'a str {
    match curves.len() {
        0 | 1 => of_one,
        2..=5 => "each class against the rest",
        _ => "each class against the rest, the weakest in colour",
    }
}

fn class_table(classes: &[ClassFigures]) -> Table {
    let mut table = Table::new("Figures of each class")
        .text("Class")
        .numbers("Precision")
        .numbers("Recall")
        .numbers("F1")
        .numbers("Rows");
    let mut order: Vec<&ClassFigures> = classes.iter().collect();
    if classes.len() > CLASSES_MAX {
        let f1 = |class: &ClassFigures| class.f1.value.unwrap_or(f64::NEG_INFINITY);
        order.sort_by(|a, b| f1(a).total_cmp(&f1(b)));
        order.truncate(CLASSES_MAX);
        table.note(format!("The {CLASSES_MAX} classes of {} with the lowest F1.", classes.len()));
    }
    for class in order {
        table.row(vec![
            data(&class.class),
            estimate_cell(&class.precision, Unit::Plain),
            estimate_cell(&class.recall, Unit::Plain),
            estimate_cell(&class.f1, Unit::Plain),
            count_cell(Some(class.rows)),
        ]);
    }
    table
}

fn reliability_diagram(reliability: &Reliability) -> Markup {
    let bins: Vec<&ReliabilityBin> = reliability.bins.iter().filter(|bin| bin.probability.is_some()).collect();
    let low = bins.iter().map(|bin| bin.low).fold(1.0, f64::min).clamp(0.0, 1.0);
    // With several classes no answer has a low probability, and the diagram starts where there is something.
    let low = (low * 10.0 + 1e-9).floor() / 10.0;
    let x = Axis::over("probability that the program gave", [low, 1.0]).unit(Unit::Share);
    let y = Axis::over("share of rows that were right", [0.0, 1.0]).unit(Unit::Share);
    let plot = Plot::new(HALF, 330.0, 12.0, x, y);
    let most = bins.iter().filter_map(|bin| bin.right.rows).max().unwrap_or(0).max(1) as f64;
    let base = plot.height - plot.bottom;
    let tip = |bin: &ReliabilityBin| {
        format!(
            "probability {}–{}\nright {}\n{}",
            format::percent(bin.low),
            format::percent(bin.high),
            format::estimate(&bin.right, Unit::Share),
            format::counted(bin.right.rows.unwrap_or(0), "row", "rows")
        )
    };
    let points = bins.iter().filter_map(|bin| Some([bin.probability?, bin.right.value?]));
    let body = html! {
        (plot.frame())
        // How many rows each bin holds, as low bars that do not disturb.
        @for bin in &bins {
            @let height = 44.0 * bin.right.rows.unwrap_or(0) as f64 / most;
            @let (left, right) = (plot.x(bin.low.max(low)), plot.x(bin.high));
            rect class="bar ghost" x=(Px(left + 0.5)) width=(Px((right - left - 1.0).max(0.5))) y=(Px(base - height))
                height=(Px(height)) {}
        }
        (plot.line([[low, low], [1.0, 1.0]], "reference-line"))
        (plot.line(points, "s1"))
        @for bin in &bins {
            @if let (Some(probability), Some(right)) = (bin.probability, bin.right.value) {
                @if let Some(ends) = bin.right.interval { (plot.upright(probability, ends, "s1")) }
                (plot.dot(probability, right, 4.5, "s1", &tip(bin)))
            }
        }
    };
    drawing(
        plot.width,
        plot.height,
        "How often the program was right by how sure it was, as in the table of the data",
        body,
    )
}

fn reliability_table(reliability: &Reliability) -> Table {
    let mut table = Table::new("Calibration").numbers("Probability").numbers("Mean").numbers("Right").numbers("Rows");
    for bin in &reliability.bins {
        table.row(vec![
            html! { (format::percent(bin.low)) "–" (format::percent(bin.high)) },
            cell(bin.probability, Unit::Share),
            estimate_cell(&bin.right, Unit::Share),
            count_cell(bin.right.rows),
        ]);
    }
    table
}

fn rate_curves(curves: &[RateCurve], x_title: &str, y_title: &str, is_roc: bool) -> Markup {
    let x = Axis::over(x_title, [0.0, 1.0]);
    let y = Axis::over(y_title, [0.0, 1.0]);
    let plot = Plot::new(HALF, 330.0, 12.0, x, y);
    // Where there are many, those of the smallest area get the colours: they are what one looks for.
    let mut order: Vec<&RateCurve> = curves.iter().filter(|curve| !curve.points.is_empty()).collect();
    order.sort_by(|a, b| a.area.value.unwrap_or(2.0).total_cmp(&b.area.value.unwrap_or(2.0)));
    let coloured = &order[..order.len().min(COLOURS.len())];
    // Below such curves there is room: at the right, or at the left where they fall.
    let legend_top = plot.y(0.0) - 10.0 - 17.0 * (coloured.len() as f64 - 1.0);
    let legend_left = if is_roc { plot.x(0.42) } else { plot.x(0.03) };
    let body = html! {
        (plot.frame())
        @if is_roc { (plot.line([[0.0, 0.0], [1.0, 1.0]], "reference-line")) }
        @for guess in order.iter().filter_map(|curve| curve.guess).take(1).filter(|_| order.len() == 1) {
            (plot.mark_y(guess, "guessing", "quiet"))
        }
        @for curve in order.iter().skip(COLOURS.len()) { (plot.line(kept(curve), "other thin")) }
        @for (curve, class) in coloured.iter().zip(COLOURS).rev() {
            (plot.line(kept(curve), class))
            @if let Some([x, y]) = curve.chosen.filter(|_| order.len() <= 2) {
                (plot.dot(x, y, 5.0, class, &format!("the program's threshold\n{x_title} {x:.3}\n{y_title} {y:.3}")))
            }
        }
        @for (k, (curve, class)) in coloured.iter().zip(COLOURS).enumerate() {
            @let y = legend_top + 17.0 * k as f64;
            @let area = format::optional(curve.area.value, Unit::Plain);
            line class={ "line " (class) } x1=(Px(legend_left)) x2=(Px(legend_left + 14.0)) y1=(Px(y - 4.0)) y2=(Px(y - 4.0)) {}
            text class="legend halo" x=(Px(legend_left + 20.0)) y=(Px(y)) {
                (fitted(&curve.name, 11.5, 130.0)) " " tspan class="legend-value" { (area) }
            }
        }
    };
    let label = format!(
        "{y_title} against {x_title} of {}, as in the table of the data",
        format::counted(order.len() as u64, "curve", "curves")
    );
    drawing(plot.width, plot.height, &label, body)
}

/// As many points as a drawing of this size can show.
fn kept(curve: &RateCurve) -> impl Iterator<Item = [f64; 2]> {
    thinned(curve.points.len(), 300).into_iter().map(|k| curve.points[k])
}

fn rate_table(curves: &[RateCurve], x_title: &str, y_title: &str, area: &str) -> Table {
    if let [curve] = curves {
        let mut table = Table::new(format!("{y_title} by {x_title}")).numbers(x_title).numbers(y_title);
        for [x, y] in thinned(curve.points.len(), 41).into_iter().map(|k| curve.points[k]) {
            table.row(vec![cell(Some(x), Unit::Plain), cell(Some(y), Unit::Plain)]);
        }
        table.note(format!("{area}: {}", format::estimate(&curve.area, Unit::Plain)));
        return table;
    }
    let mut table = Table::new(area).text("Class").numbers(area).numbers("Rows");
    for curve in curves {
        table.row(vec![data(&curve.name), estimate_cell(&curve.area, Unit::Plain), count_cell(curve.area.rows)]);
    }
    table
}
