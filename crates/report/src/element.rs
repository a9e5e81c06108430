//! The parts that pages are made of: sections, figures, tables.

use maud::{Markup, Render, html};

use crate::figures::{Estimate, Quantile, Unit};
use crate::format;
use crate::svg::{FULL, MIDDLE, NARROW, Px};

/// A part of the page with a heading, which the navigation leads to.
pub(crate) struct Section {
    /// The anchor, unlike every other.
    pub id: String,
    pub title: String,
    /// What is to be seen here and how to read it.
    pub lead: String,
    pub body: Markup,
}

impl Section {
    pub fn new(id: &str, title: &str, lead: impl Into<String>, body: Markup) -> Section {
        Section { id: id.to_owned(), title: title.to_owned(), lead: lead.into(), body }
    }
}

impl Render for Section {
    fn render(&self) -> Markup {
        html! {
            section id=(self.id) aria-labelledby={ (self.id) "-title" } {
                h2 id={ (self.id) "-title" } { (self.title) }
                @if !self.lead.is_empty() {
                    p class="lead" { (self.lead) }
                }
                (self.body)
            }
        }
    }
}

/// Text that comes from data, kept from changing the direction of what stands around it.
pub(crate) fn data(text: &str) -> Markup {
    html! { bdi { (text) } }
}

/// A drawing with its title and, folded, the numbers behind it.
pub(crate) struct Figure<'a> {
    pub title: &'a str,
    pub note: &'a str,
    pub drawing: Markup,
    /// None where the numbers stand beside the drawing anyway.
    pub table: Option<Table>,
}

impl Render for Figure<'_> {
    fn render(&self) -> Markup {
        html! {
            figure {
                figcaption {
                    span class="figure-title" { bdi { (self.title) } }
                    @if !self.note.is_empty() {
                        span class="figure-note" { (self.note) }
                    }
                }
                (self.drawing)
                @if let Some(table) = &self.table {
                    (folded("Data", html! { (table) }))
                }
            }
        }
    }
}

/// Something to unfold.
pub(crate) fn folded(summary: &str, body: Markup) -> Markup {
    html! {
        details {
            summary { (summary) }
            (body)
        }
    }
}

/// A drawing of the full width and one for phones, of which the page shows the one that fits.
pub(crate) fn responsive(draw: impl Fn(f64) -> Markup) -> Markup {
    html! {
        div class="full" { (draw(FULL)) }
        div class="below-full" { (draw(NARROW)) }
    }
}

/// The same for a drawing that has something beside it.
pub(crate) fn responsive_middle(draw: impl Fn(f64) -> Markup) -> Markup {
    html! {
        div class="middle" { (draw(MIDDLE)) }
        div class="below-middle" { (draw(NARROW)) }
    }
}

/// Quantiles as a row of figures: what is below each value.
pub(crate) fn quantiles(quantiles: &[Quantile], unit: Unit) -> Markup {
    html! {
        dl class="key-figures small" {
            @for Quantile { share, value } in quantiles {
                div {
                    dt { @if *share == 0.5 { "half below" } @else { (format::round_percent(*share)) " below" } }
                    dd class="key-value" { (format::value(*value, unit)) }
                }
            }
        }
    }
}

/// A table with a heading for each column. Its first column heads the rows.
pub(crate) struct Table {
    /// What the table is, for those who do not see what stands around it.
    label: String,
    columns: Vec<Column>,
    rows: Vec<(&'static str, Vec<Markup>)>,
    /// What was left out.
    note: Option<String>,
    /// How its cells lie.
    class: &'static str,
}

struct Column {
    title: String,
    align: &'static str,
}

impl Table {
    pub fn new(label: impl Into<String>) -> Table {
        Table { label: label.into(), columns: vec![], rows: vec![], note: None, class: "plain" }
    }

    /// With the intervals of figures below them, for a table of many columns.
    pub fn stacked(self) -> Table {
        Table { class: "stacked", ..self }
    }

    /// With cells in the middle of their rows, for a table with drawings.
    pub fn centred(self) -> Table {
        Table { class: "centred", ..self }
    }

    /// A column of words or drawings.
    pub fn text(mut self, title: impl Into<String>) -> Table {
        self.columns.push(Column { title: title.into(), align: "text" });
        self
    }

    /// A column of numbers.
    pub fn numbers(mut self, title: impl Into<String>) -> Table {
        self.columns.push(Column { title: title.into(), align: "number" });
        self
    }

    pub fn row(&mut self, cells: Vec<Markup>) {
        self.row_of("", cells);
    }

    /// A row that looks different.
    pub fn row_of(&mut self, class: &'static str, cells: Vec<Markup>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "{}", self.label);
        self.rows.push((class, cells));
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.note = Some(note.into());
    }
}

impl Render for Table {
    fn render(&self) -> Markup {
        html! {
            // What scrolls must be reachable without a mouse.
            div class="scroll" role="region" aria-label=(self.label) tabindex="0" {
                table class=(self.class) {
                    thead {
                        tr {
                            @for column in &self.columns {
                                th scope="col" class=(column.align) { bdi { (column.title) } }
                            }
                        }
                    }
                    tbody {
                        @for (class, cells) in &self.rows {
                            tr class=[Some(class).filter(|class| !class.is_empty())] {
                                @for (k, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
                                    @if k == 0 {
                                        th scope="row" class=(column.align) { (cell) }
                                    } @else {
                                        td class=(column.align) { (cell) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @if let Some(note) = &self.note {
                p class="table-note" { (note) }
            }
        }
    }
}

/// A number as a cell.
pub(crate) fn cell(number: Option<f64>, unit: Unit) -> Markup {
    html! { (format::optional(number, unit)) }
}

/// A whole number as a cell.
pub(crate) fn count_cell(number: Option<u64>) -> Markup {
    html! { (number.map_or_else(|| format::NONE.to_owned(), format::count)) }
}

/// A value and, quieter, its interval.
pub(crate) fn estimate_cell(estimate: &Estimate, unit: Unit) -> Markup {
    html! {
        (format::optional(estimate.value, unit))
        @if let Some(ends) = estimate.interval {
            " " span class="interval" { (format::interval(ends, unit)) }
        }
    }
}

/// A number and a bar beside it as long as its share of the greatest.
pub(crate) fn bar_cell(text: &str, share: f64, class: &str) -> Markup {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    html! {
        span class="bar-cell" {
            span class="bar-number" { (text) }
            svg class={ "cell-bar " (class) } viewBox="0 0 60 8" width="60" height="8" aria-hidden="true" {
                rect class="track" width="60" height="8" rx="2" {}
                rect class="bar" width=(Px(60.0 * share)) height="8" rx="2" {}
            }
        }
    }
}

/// What an interval drawn in a cell shows.
pub(crate) struct IntervalCell {
    pub estimate: Estimate,
    /// A bound or a reference, as a stroke.
    pub mark: Option<f64>,
    /// The range that all cells of a column share.
    pub domain: [f64; 2],
    pub class: &'static str,
}

impl Render for IntervalCell {
    fn render(&self) -> Markup {
        const WIDTH: f64 = 132.0;
        let [low, high] = self.domain;
        let at = |number: f64| 4.0 + (WIDTH - 8.0) * ((number - low) / (high - low)).clamp(0.0, 1.0);
        let IntervalCell { estimate, mark, class, .. } = self;
        html! {
            svg class={ "cell-interval " (class) } viewBox="0 0 132 20" width="132" height="20" aria-hidden="true" {
                line class="track" x1="0" x2="132" y1="10" y2="10" {}
                @if let Some([low, high]) = estimate.interval {
                    line class="reach" x1=(Px(at(low))) x2=(Px(at(high))) y1="10" y2="10" {}
                }
                @if let Some(mark) = mark {
                    line class="bound" x1=(Px(at(*mark))) x2=(Px(at(*mark))) y1="2" y2="18" {}
                }
                @if let Some(value) = estimate.value {
                    circle class="dot" cx=(Px(at(value))) cy="10" r="4" {}
                }
            }
        }
    }
}
