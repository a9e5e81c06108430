//! The plot of all ratios: for each network, how many times as long as Tacit every peer takes.
//!
//! The drawing brings its own background in light and in dark, because whoever shows it may not have the reader's choice.

use super::case::KINDS;
use super::peers::PEERS;
use super::record::Record;
use super::tables::{Row, rows, threads};
use std::fmt::Write as _;

/// The width of the drawing, that of a column of text.
const WIDTH: f64 = 880.0;
/// Between the edge and everything.
const EDGE: f64 = 16.0;
/// Between two panels side by side.
const GAP: f64 = 22.0;
/// The height of one network, and of what stands around the networks of one kind.
const ROW: f64 = 30.0;
const TITLE: f64 = 60.0;
const AXIS: f64 = 26.0;
const FOOT: f64 = 30.0;

const STYLE: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:#3f4753}\
.title{font-size:15px;font-weight:600;fill:#171b22}.head{font-weight:600}.quiet{fill:#5b6573}\
.page{fill:#ffffff}.band{fill:#f6f7f9}.grid{stroke:#e3e6eb}.one{stroke:#171b22;stroke-width:1.5}\
.p0{fill:#1f6fb8}.p1{fill:#c24e00}.p2{fill:#005f4a}.p3{fill:#9b4a86}.p4{fill:#7f6a00}.p5{fill:#4a5563}.p6{fill:#a3123f}\
.p7{fill:#5540c4}.p8{fill:#7a4a24}\
@media(prefers-color-scheme:dark){text{fill:#c3cad4}.title{fill:#eceff3}.quiet{fill:#98a2b0}\
.page{fill:#14171c}.band{fill:#1c2027}.grid{stroke:#2c323b}.one{stroke:#eceff3}\
.p0{fill:#6cb2f0}.p1{fill:#ff9a5c}.p2{fill:#7be0bd}.p3{fill:#e59fd0}.p4{fill:#e8d24a}.p5{fill:#b4bdc9}.p6{fill:#ff8a9e}\
.p7{fill:#aea0ff}.p8{fill:#d3a47c}}";

/// Where a ratio stands, on a logarithmic scale.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// A scale that holds 1 and all ratios, from one round number to another.
    fn over(ratios: &[f64]) -> Scale {
        let low = ratios.iter().copied().fold(1.0, f64::min);
        let high = ratios.iter().copied().fold(1.0, f64::max);
        let marks = marks();
        let below = marks.iter().copied().rfind(|mark| *mark <= low / 1.05).unwrap_or(marks[0]);
        let above = marks.iter().copied().find(|mark| *mark >= high * 1.05).unwrap_or(marks[marks.len() - 1]);
        Scale { low: below, high: above }
    }

    /// From 0 at the lower end to 1 at the upper.
    fn share(&self, ratio: f64) -> f64 {
        (ratio / self.low).ln() / (self.high / self.low).ln()
    }

    /// The round numbers of the scale whose labels do not touch in so many pixels; 1 is always among them.
    fn ticks(&self, width: f64) -> Vec<(f64, String)> {
        let all: Vec<(f64, String)> = marks()
            .into_iter()
            .filter(|mark| (self.low..=self.high).contains(mark))
            .map(|mark| (mark, mark.to_string()))
            .collect();
        let mut kept: Vec<(f64, String)> = vec![];
        let touch = |a: &(f64, String), b: &(f64, String)| {
            let apart = (self.share(a.0) - self.share(b.0)).abs() * width;
            apart < (text_width(&a.1) + text_width(&b.1)) / 2.0 + 8.0
        };
        let one = all.iter().position(|(mark, _)| *mark == 1.0).unwrap_or(0);
        for tick in all[one..].iter().chain(all[..one].iter().rev()) {
            if !kept.iter().any(|other| touch(other, tick)) {
                kept.push(tick.clone());
            }
        }
        kept
    }
}

/// 1, 2 and 5 times the powers of ten that a ratio can have.
fn marks() -> Vec<f64> {
    let text = |exponent: i32| [1, 2, 5].map(|factor| format!("{factor}e{exponent}"));
    (-4..=5).flat_map(text).filter_map(|text| text.parse().ok()).collect()
}

/// Draws everything that was measured.
pub fn plot(record: &Record) -> String {
    let name_width = all(record).iter().map(|row| text_width(&label(row))).fold(80.0, f64::max);
    let left = EDGE + name_width + 10.0;
    let scale =
        Scale::over(&all(record).iter().flat_map(|row| ratios(row)).map(|(_, ratio)| ratio).collect::<Vec<_>>());
    let mut body = String::new();
    let mut top = EDGE;
    for kind in KINDS {
        let columns: Vec<(usize, Vec<Row>)> =
            threads(record, kind).into_iter().map(|threads| (threads, rows(record, kind, threads))).collect();
        let mut networks: Vec<(&str, String)> = vec![];
        for row in columns.iter().flat_map(|(_, rows)| rows) {
            let network = (row.case.workload.name, label(row));
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
        // Only those that were timed somewhere take room.
        let peers: Vec<usize> = (0..PEERS.len())
            .filter(|peer| columns.iter().flat_map(|(_, rows)| rows).any(|row| row.ratio(PEERS[*peer].name).is_some()))
            .collect();
        if peers.is_empty() {
            continue;
        }
        words(&mut body, EDGE, top + 14.0, "title", "start", &kind.title());
        legend(&mut body, left, top + 14.0, &peers);
        let first = top + TITLE;
        let bottom = first + ROW * networks.len() as f64;
        for (k, (_, name)) in networks.iter().enumerate() {
            words(&mut body, left - 10.0, first + ROW * (k as f64 + 0.5) + 4.0, "", "end", name);
        }
        let count = columns.len() as f64;
        let width = (WIDTH - left - EDGE - GAP * (count - 1.0)) / count;
        for (column, (threads, rows)) in columns.iter().enumerate() {
            let panel = Panel { left: left + column as f64 * (width + GAP), width, top: first, bottom, scale: &scale };
            let place = |row: &Row| networks.iter().position(|(name, _)| *name == row.case.workload.name).unwrap_or(0);
            let placed: Vec<(usize, &Row)> = rows.iter().map(|row| (place(row), row)).collect();
            panel.draw(
                &mut body,
                &format!("{threads} thread{}", if *threads == 1 { "" } else { "s" }),
                &placed,
                &peers,
            );
        }
        top = bottom + AXIS + 14.0;
    }
    words(
        &mut body,
        WIDTH - EDGE,
        top + 8.0,
        "quiet",
        "end",
        "the peer’s least time divided by Tacit’s: right of the line at 1 Tacit is faster, left of it the peer",
    );
    let height = top + FOOT;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"The time of each engine divided by Tacit’s, for each network\">\n\
         <style>{STYLE}</style>\n<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n{body}</svg>\n"
    )
}

/// The networks of one kind with one number of threads.
struct Panel<'a> {
    left: f64,
    width: f64,
    top: f64,
    bottom: f64,
    scale: &'a Scale,
}

impl Panel<'_> {
    fn x(&self, ratio: f64) -> f64 {
        // Marks at the ends must not be cut.
        const INSET: f64 = 8.0;
        self.left + INSET + self.scale.share(ratio) * (self.width - 2.0 * INSET)
    }

    fn draw(&self, body: &mut String, title: &str, rows: &[(usize, &Row)], peers: &[usize]) {
        words(body, self.left, self.top - 10.0, "head", "start", title);
        let count = ((self.bottom - self.top) / ROW).round() as usize;
        for k in (0..count).step_by(2) {
            let (x, y, width) = (px(self.left), px(self.top + ROW * k as f64), px(self.width));
            let _ = writeln!(body, r#"<rect class="band" x="{x}" y="{y}" width="{width}" height="{ROW}"/>"#);
        }
        for (mark, label) in self.scale.ticks(self.width) {
            let x = self.x(mark);
            let class = if mark == 1.0 { "one" } else { "grid" };
            let (at, top, bottom) = (px(x), px(self.top), px(self.bottom));
            let _ = writeln!(body, r#"<line class="{class}" x1="{at}" x2="{at}" y1="{top}" y2="{bottom}"/>"#);
            words(body, x, self.bottom + 16.0, "quiet", "middle", &label);
        }
        for (place, row) in rows {
            for (peer, ratio) in ratios(row) {
                // Every peer has a lane of its own, so that peers of the same speed do not hide each other.
                let lane = peers.iter().position(|other| *other == peer).unwrap_or(0) as f64;
                let y = self.top + ROW * *place as f64 + ROW * (lane + 1.0) / (peers.len() as f64 + 1.0);
                mark(body, self.x(ratio), y, peer, &format!("{}: {ratio:.2}", PEERS[peer].name));
            }
        }
    }
}

/// All cases that were measured.
fn all(record: &Record) -> Vec<Row<'_>> {
    KINDS.iter().flat_map(|kind| threads(record, *kind).into_iter().flat_map(|n| rows(record, *kind, n))).collect()
}

/// The peers of a case by their places in the table, with their ratios.
fn ratios(row: &Row) -> Vec<(usize, f64)> {
    PEERS.iter().enumerate().filter_map(|(k, peer)| Some((k, row.ratio(peer.name)?))).collect()
}

fn label(row: &Row) -> String {
    row.case.workload.what.to_owned()
}

/// The names of peers with their marks, in one line.
fn legend(body: &mut String, left: f64, base: f64, peers: &[usize]) {
    let mut x = left + 8.0;
    for peer in peers {
        let name = PEERS[*peer].name;
        mark(body, x, base - 4.0, *peer, name);
        words(body, x + 9.0, base, "", "start", name);
        x += 9.0 + text_width(name) + 13.0;
    }
}

/// A peer's mark: colour and shape both tell it from the others.
fn mark(body: &mut String, x: f64, y: f64, peer: usize, tip: &str) {
    const SHAPES: [&[[f64; 2]]; PEERS.len()] = [
        // Nothing is a circle; then a square, a diamond, triangles upwards and downwards, crosses upright and aslant, an
        // hourglass, and a triangle to the right.
        &[],
        &[[-3.6, -3.6], [3.6, -3.6], [3.6, 3.6], [-3.6, 3.6]],
        &[[0.0, -5.2], [5.2, 0.0], [0.0, 5.2], [-5.2, 0.0]],
        &[[0.0, -4.8], [4.8, 3.8], [-4.8, 3.8]],
        &[[0.0, 4.8], [4.8, -3.8], [-4.8, -3.8]],
        &[
            [-1.5, -5.0],
            [1.5, -5.0],
            [1.5, -1.5],
            [5.0, -1.5],
            [5.0, 1.5],
            [1.5, 1.5],
            [1.5, 5.0],
            [-1.5, 5.0],
            [-1.5, 1.5],
            [-5.0, 1.5],
            [-5.0, -1.5],
            [-1.5, -1.5],
        ],
        &[
            [-2.4, -4.6],
            [0.0, -2.2],
            [2.4, -4.6],
            [4.6, -2.4],
            [2.2, 0.0],
            [4.6, 2.4],
            [2.4, 4.6],
            [0.0, 2.2],
            [-2.4, 4.6],
            [-4.6, 2.4],
            [-2.2, 0.0],
            [-4.6, -2.4],
        ],
        &[[-4.2, -4.8], [4.2, -4.8], [-4.2, 4.8], [4.2, 4.8]],
        &[[-3.8, -4.8], [4.8, 0.0], [-3.8, 4.8]],
    ];
    let tip = escaped(tip);
    let corners = SHAPES[peer];
    let written = match corners {
        [] => writeln!(
            body,
            r#"<circle class="p{peer}" cx="{}" cy="{}" r="4.2"><title>{tip}</title></circle>"#,
            px(x),
            px(y)
        ),
        _ => {
            let points: Vec<String> = corners.iter().map(|[dx, dy]| format!("{},{}", px(x + dx), px(y + dy))).collect();
            let points = points.join(" ");
            writeln!(body, r#"<polygon class="p{peer}" points="{points}"><title>{tip}</title></polygon>"#)
        }
    };
    written.expect("a string takes all text");
}

fn words(body: &mut String, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
    let (x, y, text) = (px(x), px(y), escaped(text));
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    let _ = writeln!(body, r#"<text{class} x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#);
}

/// A length to a tenth of a pixel.
fn px(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}

/// About how wide a text of 12 pixels is, rather too wide.
fn text_width(text: &str) -> f64 {
    let width = |c: char| match c {
        ' ' | '.' | ',' | '-' | '1' => 5.5,
        c if c.is_uppercase() => 9.0,
        _ => 7.4,
    };
    text.chars().map(width).sum()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tables::tests::small;

    #[test]
    fn every_ratio_has_a_mark_and_a_scale_that_holds_it() {
        let drawing = plot(&small());
        for expected in ["PyTorch eager: 4.00", "torch.compile: 3.00", "PyTorch eager: 0.50", "2 threads", "Training"] {
            assert!(drawing.contains(expected), "{expected} is not in\n{drawing}");
        }
        assert!(!drawing.contains("NaN") && !drawing.contains("Inference"));
    }

    #[test]
    fn every_peer_has_a_colour_in_light_and_in_dark() {
        for (place, peer) in PEERS.iter().enumerate() {
            assert_eq!(STYLE.matches(&format!(".p{place}{{")).count(), 2, "{}", peer.name);
        }
    }

    #[test]
    fn a_scale_goes_from_round_number_to_round_number_and_holds_one() {
        let scale = Scale::over(&[1.5, 7.0]);
        assert_eq!((scale.low, scale.high), (0.5, 10.0));
        assert_eq!(scale.share(scale.low), 0.0);
        assert_eq!(scale.share(scale.high), 1.0);
        let labels = |width: f64| scale.ticks(width).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(400.0), ["1", "2", "5", "10", "0.5"]);
        assert!(labels(30.0).contains(&"1".to_owned()) && labels(30.0).len() < 5);
    }

    #[test]
    fn an_empty_record_is_an_empty_plot() {
        assert!(plot(&Record::default()).ends_with("</svg>\n"));
    }
}
