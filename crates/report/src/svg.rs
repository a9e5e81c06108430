//! Plots: a frame of axes, and marks in it.
//!
//! Drawings are made at the size at which they are shown, more or less, so that their text is as large as that around them.
//! Colours are classes, so that one drawing serves light and dark.

use std::fmt::Write as _;

use maud::{Markup, Render, html};

use crate::figures::Unit;
use crate::scale::Axis;
use crate::text::visible;

/// The width of a drawing that fills the column of text.
pub(crate) const FULL: f64 = 880.0;
/// The width of one of two drawings side by side.
pub(crate) const HALF: f64 = 420.0;
/// The width of a drawing with a table beside it.
pub(crate) const MIDDLE: f64 = 520.0;
/// The width of a drawing on a phone.
pub(crate) const NARROW: f64 = 350.0;
/// The width of one of many small drawings.
pub(crate) const SMALL: f64 = 208.0;

/// A length in a drawing, to a tenth of a pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Px(pub f64);

impl Render for Px {
    fn render_to(&self, buffer: &mut String) {
        // What is not finite has no place in a drawing; it is kept out earlier, and here so that no drawing breaks.
        let tenths = if self.0.is_finite() { (self.0 * 10.0).round() } else { 0.0 };
        let written = match tenths % 10.0 == 0.0 {
            true => write!(buffer, "{}", (tenths / 10.0) as i64),
            false => write!(buffer, "{}", tenths / 10.0),
        };
        written.expect("a string takes all text");
    }
}

/// A drawing with a description for those who do not see it.
pub(crate) fn drawing(width: f64, height: f64, label: &str, body: Markup) -> Markup {
    html! {
        svg class="drawing" viewBox={ "0 0 " (Px(width)) " " (Px(height)) } role="img" aria-label=(label)
            style={ "max-width:" (Px(width * 1.2)) "px" } { (body) }
    }
}

/// A part of a page filled by axes and what is drawn between them.
pub(crate) struct Plot {
    pub width: f64,
    pub height: f64,
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    pub x: Axis,
    pub y: Axis,
}

impl Plot {
    /// Axes with room for their ticks at the left and below; `right` is kept free for labels of lines.
    pub fn new(width: f64, height: f64, right: f64, x: Axis, y: Axis) -> Plot {
        let widest = y.tick_marks().iter().map(|(_, label)| text_width(label, 11.0)).fold(0.0, f64::max);
        let bottom = if x.title.is_empty() { 20.0 } else { 38.0 };
        let top = if y.title.is_empty() { 8.0 } else { 24.0 };
        // The label of the last tick is centred, so half of it stands beyond the axis.
        let last = x.tick_marks().last().map_or(0.0, |(_, label)| text_width(label, 11.0) / 2.0);
        Plot { width, height, left: widest + 10.0, right: right.max(last).max(4.0), top, bottom, x, y }
    }

    pub fn inner_width(&self) -> f64 {
        self.width - self.left - self.right
    }

    pub fn inner_height(&self) -> f64 {
        self.height - self.top - self.bottom
    }

    /// Where a number stands on the page, from the left.
    pub fn x(&self, number: f64) -> f64 {
        self.left + self.x.share(number) * self.inner_width()
    }

    /// Where a number stands on the page, from the top.
    pub fn y(&self, number: f64) -> f64 {
        self.height - self.bottom - self.y.share(number) * self.inner_height()
    }

    /// The lines of the grid, the ticks and the titles.
    pub fn frame(&self) -> Markup {
        let (base, right) = (self.height - self.bottom, self.width - self.right);
        html! {
            g class="grid" {
                @for (at, label) in self.y.tick_marks() {
                    line x1=(Px(self.left)) x2=(Px(right)) y1=(Px(self.y(at))) y2=(Px(self.y(at))) {}
                    text class="tick" x=(Px(self.left - 6.0)) y=(Px(self.y(at) + 3.8)) text-anchor="end" { (label) }
                }
                @for (at, label) in self.x_ticks() {
                    line class="mark" x1=(Px(self.x(at))) x2=(Px(self.x(at))) y1=(Px(base)) y2=(Px(base + 4.0)) {}
                    text class="tick" x=(Px(self.x(at))) y=(Px(base + 16.0)) text-anchor="middle" { (label) }
                }
                line class="base" x1=(Px(self.left)) x2=(Px(right)) y1=(Px(base)) y2=(Px(base)) {}
            }
            @if !self.y.title.is_empty() {
                text class="axis" x="0" y="11" { (self.y.title) }
            }
            @if !self.x.title.is_empty() {
                text class="axis" x=(Px(right)) y=(Px(self.height - 4.0)) text-anchor="end" { (self.x.title) }
            }
        }
    }

    /// The ticks below, without those whose labels would touch the one before.
    pub fn x_ticks(&self) -> Vec<(f64, String)> {
        let mut kept: Vec<(f64, String)> = vec![];
        let mut free_from = f64::NEG_INFINITY;
        for (at, label) in self.x.tick_marks() {
            let half = text_width(&label, 11.0) / 2.0;
            if self.x(at) - half >= free_from {
                free_from = self.x(at) + half + 6.0;
                kept.push((at, label));
            }
        }
        kept
    }

    /// A line through points in order; points that are not finite break it.
    pub fn line(&self, points: impl IntoIterator<Item = [f64; 2]>, class: &str) -> Markup {
        let mut path = String::new();
        let mut is_drawing = false;
        for [x, y] in points {
            let (x, y) = (self.x(x), self.y(y));
            if !x.is_finite() || !y.is_finite() {
                is_drawing = false;
                continue;
            }
            path.push(if is_drawing { 'L' } else { 'M' });
            Px(x).render_to(&mut path);
            path.push(' ');
            Px(y).render_to(&mut path);
            is_drawing = true;
        }
        html! { path class={ "line " (class) } d=(path) {} }
    }

    /// The area between a lower and an upper line: points of x, low and high.
    pub fn band(&self, points: &[[f64; 3]], class: &str) -> Markup {
        let there: Vec<&[f64; 3]> =
            points.iter().filter(|point| point.iter().all(|number| number.is_finite())).collect();
        let mut path = String::new();
        let upper = there.iter().map(|[x, _, high]| (x, high));
        let lower = there.iter().rev().map(|[x, low, _]| (x, low));
        for (k, (x, y)) in upper.chain(lower).enumerate() {
            path.push(if k == 0 { 'M' } else { 'L' });
            Px(self.x(*x)).render_to(&mut path);
            path.push(' ');
            Px(self.y(*y)).render_to(&mut path);
        }
        if !path.is_empty() {
            path.push('Z');
        }
        html! { path class={ "band " (class) } d=(path) {} }
    }

    /// Many small dots as one shape.
    pub fn dots(&self, points: &[[f64; 2]], class: &str) -> Markup {
        let mut path = String::with_capacity(points.len() * 12);
        for [x, y] in points.iter().filter(|point| point.iter().all(|number| number.is_finite())) {
            path.push('M');
            Px(self.x(*x)).render_to(&mut path);
            path.push(' ');
            Px(self.y(*y)).render_to(&mut path);
            path.push_str("h0");
        }
        html! { path class={ "dots " (class) } d=(path) {} }
    }

    /// A dot with what it says when pointed at.
    pub fn dot(&self, x: f64, y: f64, radius: f64, class: &str, tip: &str) -> Markup {
        html! {
            @if self.x(x).is_finite() && self.y(y).is_finite() {
                circle class={ "dot " (class) } cx=(Px(self.x(x))) cy=(Px(self.y(y))) r=(Px(radius)) data-tip=(tip) {}
            }
        }
    }

    /// The interval of a dot, upright.
    pub fn upright(&self, x: f64, [low, high]: [f64; 2], class: &str) -> Markup {
        html! {
            line class={ "whisker " (class) } x1=(Px(self.x(x))) x2=(Px(self.x(x)))
                y1=(Px(self.y(low))) y2=(Px(self.y(high))) {}
        }
    }

    /// A line from top to bottom that marks a number, with words beside its upper end.
    pub fn mark_x(&self, at: f64, words: &str, class: &str) -> Markup {
        let x = self.x(at);
        let room = self.width - self.right - x;
        let (text_x, anchor) = match text_width(words, 11.0) + 6.0 > room {
            true => (x - 5.0, "end"),
            false => (x + 5.0, "start"),
        };
        html! {
            line class={ "reference " (class) } x1=(Px(x)) x2=(Px(x)) y1=(Px(self.top)) y2=(Px(self.height - self.bottom)) {}
            text class="note halo" x=(Px(text_x)) y=(Px(self.top + 9.0)) text-anchor=(anchor) { (words) }
        }
    }

    /// A line from left to right that marks a number, with words above its left end.
    pub fn mark_y(&self, at: f64, words: &str, class: &str) -> Markup {
        let (y, right) = (self.y(at), self.width - self.right);
        html! {
            line class={ "reference " (class) } x1=(Px(self.left)) x2=(Px(right)) y1=(Px(y)) y2=(Px(y)) {}
            text class="note halo" x=(Px(self.left + 4.0)) y=(Px(y - 5.0)) { (words) }
        }
    }

    /// The upright lines of the grid and the ticks below, for plots whose rows are placed by hand.
    pub fn upright_grid(&self) -> Markup {
        let base = self.height - self.bottom;
        html! {
            g class="grid" {
                @for (at, label) in self.x_ticks() {
                    line x1=(Px(self.x(at))) x2=(Px(self.x(at))) y1=(Px(self.top)) y2=(Px(base)) {}
                    text class="tick" x=(Px(self.x(at))) y=(Px(base + 15.0)) text-anchor="middle" { (label) }
                }
            }
        }
    }

    /// A plot with rows that are placed by hand between the top and the ticks below.
    pub fn of_rows(width: f64, left: f64, right: f64, rows: f64, x: Axis) -> Plot {
        let y = Axis { title: String::new(), unit: Unit::Plain, domain: [0.0, 1.0], is_log: false, ticks: 1 };
        Plot { width, height: rows + 28.0, left, right, top: 4.0, bottom: 24.0, x, y }
    }

    /// The bars of a histogram; `tip` says what a bin holds.
    pub fn bars(&self, edges: &[f64], counts: &[u64], class: &str, tip: impl Fn(usize) -> String) -> Markup {
        let base = self.height - self.bottom;
        html! {
            @for (bin, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                @let (left, right) = (self.x(edges[bin]), self.x(edges[bin + 1]));
                @let gap = if right - left > 4.0 { 1.0 } else { 0.0 };
                @let top = self.y(*count as f64).min(base - 1.0);
                rect class={ "bar " (class) } x=(Px(left)) width=(Px((right - left - gap).max(0.5))) y=(Px(top))
                    height=(Px(base - top)) data-tip=(tip(bin)) {}
            }
        }
    }

    /// Words at the ends of lines, moved apart until none touches another: place from the top, words, class.
    pub fn end_labels(&self, mut labels: Vec<(f64, String, String)>) -> Markup {
        const APART: f64 = 14.0;
        labels.sort_by(|a, b| a.0.total_cmp(&b.0));
        for k in 1..labels.len() {
            labels[k].0 = labels[k].0.max(labels[k - 1].0 + APART);
        }
        let mut limit = self.height - self.bottom;
        for (at, _, _) in labels.iter_mut().rev() {
            *at = at.min(limit);
            limit = *at - APART;
        }
        html! {
            @for (at, words, class) in labels {
                text class={ "end " (class) } x=(Px(self.width - self.right + 6.0)) y=(Px(at + 4.0)) { (words) }
            }
        }
    }

    /// Invisible columns over the plot that say what stands at each place: the number at the place, and its words.
    pub fn columns(&self, places: &[(f64, String)]) -> Markup {
        let at: Vec<f64> = places.iter().map(|(at, _)| self.x(*at)).collect();
        let between = |a: usize, b: usize| (at[a] + at[b]) / 2.0;
        html! {
            @for (k, (_, words)) in places.iter().enumerate() {
                @let left = if k == 0 { self.left } else { between(k - 1, k) };
                @let right = if k + 1 == places.len() { self.width - self.right } else { between(k, k + 1) };
                @if left.is_finite() && right.is_finite() {
                    rect class="hit" x=(Px(left)) width=(Px((right - left).max(0.0))) y=(Px(self.top))
                        height=(Px(self.inner_height())) data-tip=(words) {}
                }
            }
        }
    }
}

/// About how wide a text is. Fonts differ, so this errs on the wide side.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let width = |c: char| match c {
        ' ' | '\u{a0}' => 0.32,
        '0'..='9' | 'A'..='Z' => 0.64,
        c if c.is_ascii() => 0.56,
        _ => 0.9,
    };
    text.chars().map(width).sum::<f64>() * size
}

/// A text cut so that it fits a width, with an ellipsis where it was cut.
pub(crate) fn fitted(text: &str, size: f64, width: f64) -> String {
    // Characters that are written out take the room of what is written.
    let text = visible(text.to_owned());
    if text_width(&text, size) <= width {
        return text;
    }
    let mut kept = String::new();
    let mut left = width - text_width("…", size);
    for c in text.chars() {
        left -= text_width(c.encode_utf8(&mut [0; 4]), size);
        if left < 0.0 {
            break;
        }
        kept.push(c);
    }
    kept.truncate(kept.trim_end().len());
    kept + "…"
}

/// At most `max` positions of a sequence, evenly spread, the first and the last among them.
pub(crate) fn thinned(length: usize, max: usize) -> Vec<usize> {
    if length <= max {
        return (0..length).collect();
    }
    (0..max).map(|k| k * (length - 1) / (max - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_and_finite() {
        let text = |number: f64| Px(number).render().into_string();
        let texts = [0.0, -0.04, 1.25, 10.0, -3.5, f64::NAN, f64::INFINITY].map(text);
        assert_eq!(texts, ["0", "0", "1.3", "10", "-3.5", "0", "0"]);
    }

    #[test]
    fn texts_are_cut_at_characters_to_what_fits() {
        assert_eq!(fitted("short", 11.0, 100.0), "short");
        let cut = fitted("überaus länglicher Name", 11.0, 80.0);
        assert!(cut.ends_with('…') && text_width(&cut, 11.0) <= 80.0, "{cut}");
        assert_eq!(fitted("\u{202e}abc", 11.0, 45.0), "\\u{20…");
    }

    #[test]
    fn thinning_keeps_both_ends() {
        assert_eq!(thinned(3, 5), [0, 1, 2]);
        assert_eq!(thinned(101, 5), [0, 25, 50, 75, 100]);
    }

    #[test]
    fn labels_at_ends_of_lines_do_not_touch() {
        let plot = Plot::new(200.0, 100.0, 50.0, Axis::over("", [0.0, 1.0]), Axis::over("", [0.0, 1.0]));
        let labels = [79.0, 80.0, 80.0].map(|at| (at, "x".to_owned(), String::new())).to_vec();
        let markup = plot.end_labels(labels).into_string();
        let places: Vec<f64> = markup
            .split(" y=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().and_then(|number| number.parse().ok()).expect("a number"))
            .collect();
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 14.0), "{places:?}");
        assert!(places.iter().all(|at| *at <= 84.0), "{places:?}");
    }

    #[test]
    fn a_line_breaks_where_a_number_is_missing() {
        let plot = Plot::new(200.0, 100.0, 50.0, Axis::over("", [0.0, 3.0]), Axis::over("", [0.0, 1.0]));
        let markup = plot.line([[0.0, 0.0], [1.0, f64::NAN], [2.0, 1.0], [3.0, 1.0]], "s1").into_string();
        assert_eq!(markup.matches('M').count(), 2, "{markup}");
    }
}
