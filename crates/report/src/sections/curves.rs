//! The search, epoch by epoch.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::element::{Figure, Section, Table, cell, count_cell};
use crate::figures::{Better, Unit};
use crate::format;
use crate::scale::Axis;
use crate::svg::{HALF, Plot, drawing, text_width, thinned};

/// What was measured after each epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curves {
    /// The name of the figure that the validation rows are measured by; empty if it is their loss.
    pub figure: String,
    pub better: Better,
    /// In the order of time.
    pub epochs: Vec<Epoch>,
    /// The number of the epoch whose weights were kept.
    pub best: Option<u64>,
    pub range_test: Option<RangeTest>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: u64,
    /// The training steps until its end.
    pub step: u64,
    /// None where it was not measured or is not finite, as everywhere below.
    pub training_loss: Option<f64>,
    pub validation_loss: Option<f64>,
    pub validation_figure: Option<f64>,
    pub learning_rate: Option<f64>,
}

/// The loss while the learning rate rises step by step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeTest {
    /// Learning rate and loss.
    pub points: Vec<[f64; 2]>,
    /// The rate that was chosen.
    pub chosen: Option<f64>,
}

/// A named line over epochs, and its class.
type Series<'a> = (&'a str, &'a str, fn(&Epoch) -> Option<f64>);

pub(crate) fn draw(curves: &Curves) -> Option<Section> {
    if curves.epochs.is_empty() && curves.range_test.is_none() {
        return None;
    }
    let loss: [Series; 2] =
        [("training", "s1", |epoch| epoch.training_loss), ("validation", "s2", |epoch| epoch.validation_loss)];
    let figure: [Series; 1] = [("", "s2", |epoch| epoch.validation_figure)];
    let rate: [Series; 1] = [("", "s4", |epoch| epoch.learning_rate)];
    let body = html! {
        div class="pair" {
            @if let Some(drawing) = over_epochs(curves, "loss", &loss) {
                (Figure { title: "Loss", note: "per epoch", drawing, table: Some(table(curves)) })
            }
            @if let Some(drawing) = over_epochs(curves, &curves.figure, &figure) {
                @let note = match curves.better {
                    Better::Higher => "of the validation rows; higher is better",
                    Better::Lower => "of the validation rows; lower is better",
                };
                (Figure { title: &capitalised(&curves.figure), note, drawing, table: None })
            }
            @if let Some(drawing) = over_epochs(curves, "learning rate", &rate) {
                (Figure { title: "Learning rate", note: "at the end of each epoch", drawing, table: None })
            }
            @if let Some(test) = curves.range_test.as_ref().filter(|test| !test.points.is_empty()) {
                (Figure {
                    title: "Learning rate range test",
                    note: "loss while the rate rises",
                    drawing: range_test(test),
                    table: Some(range_table(test)),
                })
            }
        }
    };
    let last = curves.epochs.last();
    let lead = match (curves.best, last) {
        (Some(best), Some(last)) => format!(
            "The search ran for {} and kept the weights of epoch {}, the best on the validation rows.",
            format::counted(last.epoch, "epoch", "epochs"),
            format::count(best)
        ),
        _ => "What was measured while the search ran.".to_owned(),
    };
    Some(Section::new("training", "Training", lead, body))
}

/// Lines over epochs; none if there is no number to draw.
fn over_epochs(curves: &Curves, title: &str, series: &[Series]) -> Option<Markup> {
    let epochs = &curves.epochs;
    let numbers: Vec<f64> = epochs.iter().flat_map(|epoch| series.iter().filter_map(|(_, _, of)| of(epoch))).collect();
    if !numbers.iter().any(|number| number.is_finite()) {
        return None;
    }
    let shown: Vec<&Series> =
        series.iter().filter(|(_, _, of)| epochs.iter().any(|epoch| of(epoch).is_some_and(f64::is_finite))).collect();
    let widest = shown.iter().map(|(name, _, _)| text_width(name, 11.5)).fold(0.0, f64::max);
    let right = if widest > 0.0 { widest + 8.0 } else { 8.0 };
    let x = Axis::over("epoch", epochs.iter().map(|epoch| epoch.epoch as f64)).unit(Unit::Count).ticks(6);
    let y = Axis::over("", numbers).ticks(4).log_if_wide();
    let plot = Plot::new(HALF, 240.0, right, x, if y.is_log { y } else { y.padded(0.04).nice() });
    let ends = shown.iter().filter_map(|(name, class, of)| {
        let (_, last) =
            epochs.iter().filter_map(|epoch| Some((epoch.epoch, of(epoch)?))).rfind(|(_, y)| y.is_finite())?;
        Some((plot.y(last), (*name).to_owned(), (*class).to_owned()))
    });
    let best = epochs.iter().find(|epoch| Some(epoch.epoch) == curves.best);
    let tips: Vec<(f64, String)> = thinned(epochs.len(), 150)
        .into_iter()
        .map(|k| (epochs[k].epoch as f64, tip(&epochs[k], title, &shown)))
        .collect();
    let label = format!("{title} over {} epochs, as in the table of the data", epochs.len());
    let body = html! {
        (plot.frame())
        @if let Some(best) = best {
            (plot.mark_x(best.epoch as f64, &format!("kept: epoch {}", best.epoch), "quiet"))
        }
        @for (_, class, of) in &shown {
            (plot.line(epochs.iter().filter_map(|epoch| Some([epoch.epoch as f64, of(epoch)?])), class))
            @for epoch in epochs.iter().filter(|epoch| epochs.len() == 1 || Some(epoch.epoch) == curves.best) {
                @if let Some(y) = of(epoch) { (plot.dot(epoch.epoch as f64, y, 4.0, class, "")) }
            }
        }
        (plot.end_labels(ends.collect()))
        (plot.columns(&tips))
    };
    Some(drawing(plot.width, plot.height, &label, body))
}

fn tip(epoch: &Epoch, title: &str, series: &[&Series]) -> String {
    let mut words = format!("epoch {}", epoch.epoch);
    for (name, _, of) in series {
        let name = if name.is_empty() { title } else { name };
        words.push_str(&format!("\n{name} {}", format::optional(of(epoch), Unit::Plain)));
    }
    words
}

fn table(curves: &Curves) -> Table {
    let figure = if curves.figure.is_empty() { "validation figure" } else { &curves.figure };
    let mut table = Table::new("What was measured after each epoch")
        .numbers("Epoch")
        .numbers("Step")
        .numbers("Training loss")
        .numbers("Validation loss")
        .numbers(capitalised(figure))
        .numbers("Learning rate");
    let kept = thinned(curves.epochs.len(), 200);
    for epoch in kept.iter().map(|k| &curves.epochs[*k]) {
        let class = if Some(epoch.epoch) == curves.best { "highlight" } else { "" };
        table.row_of(
            class,
            vec![
                count_cell(Some(epoch.epoch)),
                count_cell(Some(epoch.step)),
                cell(epoch.training_loss, Unit::Plain),
                cell(epoch.validation_loss, Unit::Plain),
                cell(epoch.validation_figure, Unit::Plain),
                cell(epoch.learning_rate, Unit::Plain),
            ],
        );
    }
    if kept.len() < curves.epochs.len() {
        table.note(format!("{} of {} epochs, evenly spread.", kept.len(), curves.epochs.len()));
    }
    table
}

fn range_test(test: &RangeTest) -> Markup {
    let losses = test.points.iter().map(|[_, loss]| *loss);
    // Where the loss explodes it would hide the part that matters.
    let least = losses.clone().filter(|loss| loss.is_finite()).fold(f64::INFINITY, f64::min);
    let first = losses.clone().find(|loss| loss.is_finite()).unwrap_or(0.0);
    let cap = first.max(least) + (first - least).abs().max(least.abs() * 0.1) * 0.5;
    let x = Axis::over("learning rate", test.points.iter().map(|[rate, _]| *rate)).log();
    let y = Axis::over("", losses.map(|loss| loss.min(cap))).ticks(4).padded(0.04).nice();
    let plot = Plot::new(HALF, 240.0, 8.0, x, y);
    let shown = test.points.iter().take_while(|[_, loss]| *loss <= cap || !loss.is_finite()).copied();
    let body = html! {
        (plot.frame())
        (plot.line(shown, "s4"))
        @if let Some(chosen) = test.chosen {
            (plot.mark_x(chosen, &format!("chosen: {}", format::value(chosen, Unit::Plain)), "strong"))
        }
    };
    drawing(plot.width, plot.height, "Loss against learning rate, as in the table of the data", body)
}

fn range_table(test: &RangeTest) -> Table {
    let mut table = Table::new("The learning rate range test").numbers("Learning rate").numbers("Loss");
    let kept = thinned(test.points.len(), 60);
    for [rate, loss] in kept.iter().map(|k| test.points[*k]) {
        table.row(vec![cell(Some(rate), Unit::Plain), cell(Some(loss), Unit::Plain)]);
    }
    if kept.len() < test.points.len() {
        table.note(format!("{} of {} points, evenly spread.", kept.len(), test.points.len()));
    }
    table
}

/// With a capital letter, unless it starts with a name in capitals or none at all.
pub(crate) fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_without_numbers_are_absent() {
        let epochs = vec![Epoch { epoch: 1, step: 10, training_loss: Some(1.0), ..Epoch::default() }];
        let section = draw(&Curves { epochs, ..Curves::default() }).expect("there is an epoch");
        let text = section.body.into_string();
        assert_eq!(text.matches("<figure>").count(), 1, "{text}");
        assert!(draw(&Curves::default()).is_none());
    }

    #[test]
    fn a_loss_that_is_not_finite_leaves_the_rest_to_be_seen() {
        let epoch = |epoch, loss| Epoch { epoch, training_loss: Some(loss), ..Epoch::default() };
        let epochs = vec![epoch(1, 1.0), epoch(2, f64::INFINITY), epoch(3, 0.5), epoch(4, 0.25)];
        let text = draw(&Curves { epochs, ..Curves::default() }).expect("there are epochs").body.into_string();
        assert!(!text.contains("inf") && !text.contains("NaN"), "{text}");
    }
}
