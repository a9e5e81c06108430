//! Which class is taken for which.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::element::{Table, count_cell, data, responsive, responsive_middle};
use crate::format;
use crate::palette;
use crate::svg::{HALF, Px, drawing, fitted, text_width};

/// How often each class was answered for each class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusion {
    /// The pairs that came up, in any order.
    pub pairs: Vec<Confused>,
}

/// The classes of a pair by their positions, and how often it came up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confused {
    pub truth: usize,
    pub answer: usize,
    pub count: u64,
}

impl Confusion {
    /// Counts the pairs of the right classes and the answered ones, row by row.
    pub fn of(truth: &[usize], answers: &[usize]) -> Confusion {
        let mut counts = std::collections::BTreeMap::new();
        for pair in truth.iter().zip(answers) {
            *counts.entry(pair).or_insert(0) += 1;
        }
        let pair =
            |((truth, answer), count): ((&usize, &usize), u64)| Confused { truth: *truth, answer: *answer, count };
        Confusion { pairs: counts.into_iter().map(pair).collect() }
    }

    /// (classes, classes) counts: rows are the right classes.
    fn matrix(&self, classes: usize) -> Vec<Vec<u64>> {
        let mut matrix = vec![vec![0u64; classes]; classes];
        for Confused { truth, answer, count } in &self.pairs {
            if let Some(cell) = matrix.get_mut(*truth).and_then(|row| row.get_mut(*answer)) {
                *cell = cell.saturating_add(*count);
            }
        }
        matrix
    }
}

/// Above this number of classes a matrix cannot be read.
const CLASSES_MAX: usize = 50;

/// The matrix; none with too many classes to be read.
pub(super) fn matrix(confusion: &Confusion, classes: &[String]) -> Option<Markup> {
    if classes.len() > CLASSES_MAX || classes.is_empty() {
        return None;
    }
    let matrix = confusion.matrix(classes.len());
    Some(match size(classes.len()) {
        Size::Half => draw(&matrix, classes, HALF),
        Size::Middle => responsive_middle(|width| draw(&matrix, classes, width)),
        Size::Full => responsive(|width| draw(&matrix, classes, width)),
    })
}

/// The room that a matrix takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Half,
    Middle,
    Full,
}

pub(super) fn size(classes: usize) -> Size {
    match classes {
        0..=6 => Size::Half,
        7..=16 => Size::Middle,
        _ => Size::Full,
    }
}

/// The matrix in words. Each row is shown as shares of its class, since a frequent class would outshine all others.
fn draw(matrix: &[Vec<u64>], classes: &[String], width: f64) -> Markup {
    let names = classes.iter().map(|class| text_width(class, 11.5)).fold(0.0, f64::max) + 12.0;
    let left = names.clamp(40.0, width * 0.26);
    let cell = ((width - left - 4.0) / classes.len() as f64).min(104.0);
    let is_upright = classes.iter().all(|class| text_width(class, 11.5) <= cell - 4.0);
    let head = if is_upright { 42.0 } else { names.clamp(24.0, (width * 0.2).max(96.0)) + 20.0 };
    let side = cell * classes.len() as f64;
    let (full_width, height) = (left + side + 4.0, head + side + 4.0);
    // All counts have one size, at which the longest fits; where that would be too small there are none.
    let longest = matrix.iter().flatten().map(|count| text_width(&format::count(*count), 1.0)).fold(1.0, f64::max);
    let size = (cell * 0.38).min((cell - 2.0) / longest).min(14.0);
    let label_size = (cell * 0.9).min(11.5);
    let body = html! {
        text class="axis" x=(Px(left + side)) y="11" text-anchor="end" { "answer" }
        text class="axis" x=(Px(left - 10.0)) y=(Px(head - 8.0)) text-anchor="end" { "truth" }
        @for (k, class) in classes.iter().enumerate() {
            @let middle = cell * (k as f64 + 0.5);
            text class="name" x=(Px(left - 8.0)) y=(Px(head + middle + label_size * 0.35)) text-anchor="end"
                style={ "font-size:" (Px(label_size)) "px" } { (fitted(class, label_size, left - 10.0)) }
            @if is_upright {
                text class="name" x=(Px(left + middle)) y=(Px(head - 8.0)) text-anchor="middle" { (class) }
            } @else {
                @let (x, y) = (left + middle + label_size * 0.35, head - 6.0);
                text class="name" x=(Px(x)) y=(Px(y)) style={ "font-size:" (Px(label_size)) "px" }
                    transform={ "rotate(-90 " (Px(x)) " " (Px(y)) ")" } { (fitted(class, label_size, head - 26.0)) }
            }
        }
        @for (truth, row) in matrix.iter().enumerate() {
            @let total: u64 = row.iter().fold(0, |sum, count| sum.saturating_add(*count));
            @for (answer, count) in row.iter().enumerate() {
                @let share = if total == 0 { 0.0 } else { *count as f64 / total as f64 };
                @let (x, y) = (left + cell * answer as f64, head + cell * truth as f64);
                @let is_right = truth == answer;
                @let series = if is_right { "s1" } else { "s2" };
                @let gap = if cell > 12.0 { 1.0 } else { 0.4 };
                @let tip = format!(
                    "truth {}, answer {}\n{} ({})",
                    classes[truth], classes[answer], format::counted(*count, "row", "rows"), format::percent(share)
                );
                // Errors are rare, so their colour grows faster than their share.
                @let strength = if is_right { 0.08 + 0.92 * share } else { (share * 2.2).clamp(0.06, 1.0) };
                rect class="heat-track" x=(Px(x)) y=(Px(y)) width=(Px(cell - gap)) height=(Px(cell - gap)) data-tip=(tip) {}
                @if *count > 0 {
                    rect class={ "heat " (series) } x=(Px(x)) y=(Px(y)) width=(Px(cell - gap))
                        height=(Px(cell - gap)) fill-opacity=(format!("{strength:.2}")) {}
                }
                @if *count > 0 && size >= 6.5 {
                    text class="count" x=(Px(x + (cell - gap) / 2.0)) y=(Px(y + (cell - gap) / 2.0 + size * 0.36))
                        text-anchor="middle"
                        style={ "font-size:" (Px(size)) "px;fill:var(--" (palette::ink_over(series, strength)) ")" } {
                        (format::count(*count))
                    }
                }
            }
        }
    };
    let label =
        format!("Confusion matrix of {} classes: how often each was answered for each, as in the table", classes.len());
    drawing(full_width, height, &label, body)
}

/// The wrong pairs that came up most, at most `most` of them.
pub(super) fn worst_pairs(confusion: &Confusion, classes: &[String], most: usize) -> Option<Table> {
    let mut totals = vec![0u64; classes.len()];
    for pair in &confusion.pairs {
        if let Some(total) = totals.get_mut(pair.truth) {
            *total = total.saturating_add(pair.count);
        }
    }
    let is_known = |pair: &&Confused| pair.truth < classes.len() && pair.answer < classes.len();
    let mut wrong: Vec<&Confused> =
        confusion.pairs.iter().filter(is_known).filter(|p| p.truth != p.answer && p.count > 0).collect();
    wrong.sort_by_key(|pair| (std::cmp::Reverse(pair.count), pair.truth, pair.answer));
    if wrong.is_empty() {
        return None;
    }
    let mut table =
        Table::new("The commonest mistakes").text("Truth").text("Answered").numbers("Rows").numbers("Of this truth");
    for Confused { truth, answer, count } in wrong.iter().take(most).copied() {
        let share = *count as f64 / totals[*truth] as f64;
        table.row(vec![
            data(&classes[*truth]),
            data(&classes[*answer]),
            count_cell(Some(*count)),
            html! { (format::percent(share)) },
        ]);
    }
    if wrong.len() > most {
        table.note(format!("The first {most} of {} pairs.", wrong.len()));
    }
    Some(table)
}

/// All counts as a table, for a matrix that is small enough.
pub(super) fn counts(confusion: &Confusion, classes: &[String]) -> Table {
    let mut table = Table::new("Rows by truth and answer").text("Truth \\ answer");
    for class in classes {
        table = table.numbers(class);
    }
    for (class, row) in classes.iter().zip(confusion.matrix(classes.len())) {
        let mut cells = vec![data(class)];
        cells.extend(row.into_iter().map(|count| count_cell(Some(count))));
        table.row(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(count: usize) -> Vec<String> {
        (0..count).map(|k| format!("class {k}")).collect()
    }

    #[test]
    fn pairs_are_counted() {
        let confusion = Confusion::of(&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 0]);
        assert_eq!(confusion.matrix(2), [[1, 1], [1, 2]]);
    }

    #[test]
    fn many_classes_are_shown_as_their_worst_pairs() {
        let truth: Vec<usize> = (0..60).collect();
        let answers: Vec<usize> = (0..60).map(|k| if k < 30 { k } else { 59 }).collect();
        let confusion = Confusion::of(&truth, &answers);
        assert!(matrix(&confusion, &classes(60)).is_none());
        assert!(matrix(&confusion, &classes(50)).is_some());
        let text =
            maud::Render::render(&worst_pairs(&confusion, &classes(60), 20).expect("there are mistakes")).into_string();
        assert!(text.contains("The first 20 of 29 pairs."), "{text}");
    }

    #[test]
    fn pairs_of_unknown_classes_break_nothing() {
        let confusion = Confusion { pairs: vec![Confused { truth: 9, answer: 0, count: 5 }] };
        assert!(worst_pairs(&confusion, &classes(2), 20).is_none());
        assert_eq!(confusion.matrix(2), [[0, 0], [0, 0]]);
    }
}
