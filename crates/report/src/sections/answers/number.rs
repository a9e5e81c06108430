//! Answers that are numbers.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::element::{Figure, Table, cell, count_cell, quantiles};
use crate::figures::{Histogram, Quantile, Unit, bin_of, edge, extent, finite};
use crate::format;
use crate::scale::Axis;
use crate::svg::{HALF, Plot, Px, drawing};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberAnswers {
    /// What the number counts, `US$` say; empty if it is not known.
    pub measured_in: String,
    pub scatter: Option<Scatter>,
    /// Of answer minus truth.
    pub residuals: Option<Histogram>,
    /// Of the size of the error.
    pub error_quantiles: Vec<Quantile>,
}

/// Right answers and given ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scatter {
    /// Truth and answer of each row.
    Points(Vec<[f64; 2]>),
    /// Rows counted, where there are too many to be drawn one by one.
    Density(Density),
}

/// Rows counted in rectangles of truth and answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Density {
    /// The least and the greatest truth, and so below for answers.
    pub truth: [f64; 2],
    pub answer: [f64; 2],
    /// (bins of the truth, bins of the answer), both ascending.
    pub counts: Vec<Vec<u64>>,
}

/// Above this number of points single ones cannot be told apart.
const POINTS_MAX: usize = 2000;
/// The bins of a density in each direction.
const BINS: usize = 48;

impl Scatter {
    /// Points, or a density where they are more than 2,000. Rows with a number that is not finite are left out.
    pub fn of(truth: &[f64], answers: &[f64]) -> Scatter {
        let pairs = truth.iter().zip(answers).filter_map(|(truth, answer)| Some([finite(*truth)?, finite(*answer)?]));
        let points: Vec<[f64; 2]> = pairs.collect();
        if points.len() <= POINTS_MAX {
            return Scatter::Points(points);
        }
        let range = |side: usize| match extent(points.iter().map(|point| point[side])) {
            Some([low, high]) if low < high => [low, high],
            Some([at, _]) => [at - 0.5, at + 0.5],
            None => [0.0, 1.0],
        };
        let (truth, answer) = (range(0), range(1));
        let mut counts = vec![vec![0; BINS]; BINS];
        for [x, y] in points {
            counts[bin_of(x, truth[0], truth[1], BINS)][bin_of(y, answer[0], answer[1], BINS)] += 1;
        }
        Scatter::Density(Density { truth, answer, counts })
    }
}

impl Density {
    /// Whether there is a range in both directions, and the counts form a rectangle.
    fn is_sound(&self) -> bool {
        let bins = self.counts.first().map_or(0, Vec::len);
        bins > 0
            && self.counts.iter().all(|row| row.len() == bins)
            && self.truth[0] < self.truth[1]
            && self.answer[0] < self.answer[1]
    }
}

pub(super) fn draw(answers: &NumberAnswers) -> Option<(String, Markup)> {
    let NumberAnswers { measured_in, scatter, residuals, error_quantiles } = answers;
    let scatter = scatter.as_ref().filter(|scatter| match scatter {
        Scatter::Points(points) => !points.is_empty(),
        Scatter::Density(density) => density.is_sound(),
    });
    let residuals = residuals.as_ref().filter(|histogram| histogram.is_sound());
    if scatter.is_none() && residuals.is_none() && error_quantiles.is_empty() {
        return None;
    }
    let unit = if measured_in.is_empty() { String::new() } else { format!(" in {measured_in}") };
    let body = html! {
        div class="pair" {
            @if let Some(scatter) = scatter {
                (Figure {
                    title: "Answer by truth",
                    note: match scatter {
                        Scatter::Points(_) => "each dot is a row; on the line, both are equal",
                        Scatter::Density(_) => "stronger colours are more rows; on the line, both are equal",
                    },
                    drawing: scatter_plot(scatter, measured_in),
                    table: Some(scatter_table(scatter)),
                })
            }
            @if let Some(residuals) = residuals {
                (Figure {
                    title: "Error",
                    note: &format!("answer minus truth{unit}"),
                    drawing: residual_plot(residuals, measured_in),
                    table: Some(histogram_table("The errors", residuals)),
                })
            }
        }
        @if !error_quantiles.is_empty() {
            h3 { (axis_title("Size of the error", measured_in)) }
            (quantiles(error_quantiles, Unit::Plain))
        }
    };
    Some((format!("The program's answers{unit} on the test rows beside the right ones."), body))
}

fn axis_title(what: &str, measured_in: &str) -> String {
    if measured_in.is_empty() { what.to_owned() } else { format!("{what}, {measured_in}") }
}

fn scatter_plot(scatter: &Scatter, measured_in: &str) -> Markup {
    let (xs, ys) = match scatter {
        Scatter::Points(points) => (extent(points.iter().map(|p| p[0])), extent(points.iter().map(|p| p[1]))),
        Scatter::Density(density) => (Some(density.truth), Some(density.answer)),
    };
    // Both axes are the same, so that the line of equals is a diagonal.
    let both = xs.into_iter().chain(ys).flatten();
    let axis = |title: &str| Axis::over(axis_title(title, measured_in), both.clone()).ticks(5).nice();
    let plot = Plot::new(HALF, 380.0, 14.0, axis("truth"), axis("answer"));
    let [low, high] = plot.x.domain;
    let body = html! {
        (plot.frame())
        @match scatter {
            Scatter::Points(points) => (plot.dots(points, if points.len() > 500 { "s1 faint" } else { "s1" })),
            Scatter::Density(density) => (density_cells(&plot, density)),
        }
        (plot.line([[low, low], [high, high]], "reference-line"))
    };
    drawing(plot.width, plot.height, "Answers against truths, as in the table of the data", body)
}

fn density_cells(plot: &Plot, density: &Density) -> Markup {
    let (columns, rows) = (density.counts.len(), density.counts[0].len());
    let most = density.counts.iter().flatten().copied().max().unwrap_or(0).max(1) as f64;
    html! {
        @for (column, counts) in density.counts.iter().enumerate() {
            @let left = plot.x(edge(density.truth[0], density.truth[1], column, columns));
            @let right = plot.x(edge(density.truth[0], density.truth[1], column + 1, columns));
            @for (row, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                @let bottom = plot.y(edge(density.answer[0], density.answer[1], row, rows));
                @let top = plot.y(edge(density.answer[0], density.answer[1], row + 1, rows));
                // The eye sees ratios, so a square root shows the sparse cells as well.
                @let strength = 0.12 + 0.88 * (*count as f64 / most).sqrt();
                rect class="heat s1" x=(Px(left)) y=(Px(top)) width=(Px(right - left)) height=(Px(bottom - top))
                    fill-opacity=(format!("{strength:.2}")) data-tip=(format::counted(*count, "row", "rows")) {}
            }
        }
    }
}

/// How the answers lie in ten groups of ascending truths.
fn scatter_table(scatter: &Scatter) -> Table {
    let mut table =
        Table::new("Answers by truth").numbers("Truth from").numbers("to").numbers("Mean answer").numbers("Rows");
    match scatter {
        Scatter::Points(points) => {
            let mut points = points.clone();
            points.sort_by(|a, b| a[0].total_cmp(&b[0]));
            for group in points.chunks(points.len().div_ceil(10)) {
                let mean = group.iter().map(|point| point[1]).sum::<f64>() / group.len() as f64;
                let (first, last) = (group[0][0], group[group.len() - 1][0]);
                table.row(vec![
                    cell(Some(first), Unit::Plain),
                    cell(Some(last), Unit::Plain),
                    cell(Some(mean), Unit::Plain),
                    count_cell(Some(group.len() as u64)),
                ]);
            }
        }
        Scatter::Density(Density { truth, answer, counts }) => {
            let (columns, rows) = (counts.len(), counts[0].len());
            for (column, counts) in counts.iter().enumerate() {
                let total: u64 = counts.iter().sum();
                let middle = |row: usize| {
                    (edge(answer[0], answer[1], row, rows) + edge(answer[0], answer[1], row + 1, rows)) / 2.0
                };
                let sum: f64 = counts.iter().enumerate().map(|(row, count)| middle(row) * *count as f64).sum();
                if total > 0 {
                    table.row(vec![
                        cell(Some(edge(truth[0], truth[1], column, columns)), Unit::Plain),
                        cell(Some(edge(truth[0], truth[1], column + 1, columns)), Unit::Plain),
                        cell(Some(sum / total as f64), Unit::Plain),
                        count_cell(Some(total)),
                    ]);
                }
            }
        }
    }
    table
}

fn residual_plot(residuals: &Histogram, measured_in: &str) -> Markup {
    let Histogram { edges, counts } = residuals;
    let x = Axis::over(axis_title("answer − truth", measured_in), edges.iter().copied()).ticks(6);
    let y = Axis::over("rows", counts.iter().map(|count| *count as f64)).unit(Unit::Count).ticks(4).with_zero().nice();
    let plot = Plot::new(HALF, 380.0, 10.0, x, y);
    let holds_zero = (plot.x.domain[0]..=plot.x.domain[1]).contains(&0.0);
    let body = html! {
        (plot.frame())
        (plot.bars(edges, counts, "s1", |bin| bin_tip(residuals, bin, Unit::Plain)))
        @if holds_zero { (plot.mark_x(0.0, "", "strong")) }
    };
    drawing(plot.width, plot.height, "How the errors are spread, as in the table of the data", body)
}

/// What a bin of a histogram holds.
pub(crate) fn bin_tip(histogram: &Histogram, bin: usize, unit: Unit) -> String {
    let rows = format::counted(histogram.counts[bin], "row", "rows");
    format!("{}\n{rows}", format::interval([histogram.edges[bin], histogram.edges[bin + 1]], unit))
}

/// A histogram in words.
pub(crate) fn histogram_table(label: &str, histogram: &Histogram) -> Table {
    let mut table = Table::new(label).numbers("From").numbers("to").numbers("Rows");
    for (bin, count) in histogram.counts.iter().enumerate() {
        table.row(vec![
            cell(Some(histogram.edges[bin]), Unit::Plain),
            cell(Some(histogram.edges[bin + 1]), Unit::Plain),
            count_cell(Some(*count)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rows_are_counted_instead_of_drawn() {
        let truth: Vec<f64> = (0..5000).map(f64::from).collect();
        let Scatter::Density(density) = Scatter::of(&truth, &truth) else { panic!("5,000 points are too many") };
        assert_eq!(density.counts.iter().flatten().sum::<u64>(), 5000);
        assert!(density.counts.iter().enumerate().all(|(k, row)| row[k] > 100 && row.iter().sum::<u64>() == row[k]));
        assert_eq!(Scatter::of(&truth[..3], &[1.0, f64::NAN, 2.0]), Scatter::Points(vec![[0.0, 1.0], [2.0, 2.0]]));
    }

    #[test]
    fn a_density_that_is_no_rectangle_is_not_drawn() {
        let density = Density { truth: [0.0, 1.0], answer: [0.0, 1.0], counts: vec![vec![1], vec![]] };
        let answers = NumberAnswers { scatter: Some(Scatter::Density(density)), ..NumberAnswers::default() };
        assert!(draw(&answers).is_none());
    }
}
