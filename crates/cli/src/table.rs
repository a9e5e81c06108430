//! Contracts and other lists as aligned columns.

use tacit_spec::report::quoted;
use tacit_spec::{Bound, Metric};
use tacit_train::Contract;
use tacit_train::build::bound_text;
use tacit_train::contract::{Gap, GroupFigure, Line};
use tacit_train::metrics::{Answers, value};
use tacit_train::study::{Rival, compared_figures};

/// A contract for people: what was required, what was measured, whether it is met.
pub fn contract(contract: &Contract) -> String {
    let mut rows = vec![["figure", "required", "measured", "interval", "rows", ""].map(str::to_owned).to_vec()];
    let mut details = String::new();
    for line in &contract.lines {
        let subject = subject(line, has_several_outputs(contract));
        if let Some(detail) = detail(line) {
            details += &format!("{subject}: {detail}\n");
        }
        rows.push(vec![
            subject,
            line.bound().map(|bound| required(line, bound)).unwrap_or_default(),
            match line.value {
                Some(value) => number(value),
                None if line.undefined.is_some() => "undefined".to_owned(),
                None => String::new(),
            },
            line.interval.map(|[low, high]| format!("{}–{}", number(low), number(high))).unwrap_or_default(),
            line.rows.map(|rows| rows.to_string()).unwrap_or_default(),
            match line.met {
                Some(true) => "met".to_owned(),
                Some(false) => "NOT MET".to_owned(),
                None if line.is_open() => "open".to_owned(),
                None => String::new(),
            },
        ]);
    }
    format!("{}{details}{}\n", aligned(&rows), verdict(contract))
}

/// How many requirements are met, in a sentence.
fn verdict(contract: &Contract) -> String {
    let count = |holds: fn(&Line) -> bool| contract.lines.iter().filter(|line| holds(line)).count();
    let (required, met, open) =
        (count(|line| line.met.is_some()), count(|line| line.met == Some(true)), count(Line::is_open));
    let verdict = match (required, met, open) {
        (0, _, 0) => return "nothing was required".to_owned(),
        (0, _, _) => "the contract is open".to_owned(),
        (required, met, _) if required == met => format!("the contract is met: {met} of {required} requirements"),
        (required, met, _) => format!("the contract is NOT met: {met} of {required} requirements"),
    };
    match open {
        0 => verdict,
        open => format!("{verdict}, and {open} that a clock decides; `tacit test` asks it"),
    }
}

/// A contract for programs.
pub fn contract_json(contract: &Contract) -> serde_json::Value {
    serde_json::json!({ "lines": contract.lines, "met": contract.is_met() })
}

/// The program and its rivals for people: figures, latency, size.
pub fn rivals(name: &str, own: &Answers, latency_us: Option<f64>, size: u64, rivals: &[Rival]) -> String {
    let figures = compared_figures(own);
    let mut header = vec!["program".to_owned()];
    header.extend(figures.iter().map(|figure| figure.metric.name().to_owned()));
    header.extend(["latency µs", "bytes", ""].map(str::to_owned));
    let row = |name: &str, answers: &Answers, latency: Option<f64>, size: Option<u64>, note: &str| {
        let mut cells = vec![name.to_owned()];
        cells.extend(figures.iter().map(|figure| {
            let value = value(*figure, answers);
            if value.is_finite() { number(value) } else { "–".to_owned() }
        }));
        cells.push(latency.map_or_else(|| "–".to_owned(), |latency| format!("{latency:.1}")));
        cells.push(size.map_or_else(|| "–".to_owned(), |size| size.to_string()));
        cells.push(note.to_owned());
        cells
    };
    let mut rows = vec![header, row(name, own, latency_us, Some(size), "this program")];
    rows.extend(rivals.iter().map(|rival| {
        let mut note = rival.note.clone();
        if let Some(fitted) = rival.fitted_rows {
            let comma = if note.is_empty() { "" } else { ", " };
            note = format!("{note}{comma}fitted on {fitted} rows");
        }
        row(&rival.name, &rival.answers, rival.latency_us, rival.size_bytes, &note)
    }));
    aligned(&rows)
}

/// Rows of cells, each column as wide as its widest cell and two spaces from the next.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A figure with four digits after the point, or none if it is whole and large.
fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() >= 10.0 { format!("{value}") } else { format!("{value:.4}") }
}

fn has_several_outputs(contract: &Contract) -> bool {
    let mut outputs = contract.lines.iter().filter_map(|line| line.output.as_ref());
    let first = outputs.next();
    outputs.any(|output| Some(output) != first)
}

/// What a line is about: `gap of recall of \`8\` over \`sex\` where age > 20`.
pub fn subject(line: &Line, with_output: bool) -> String {
    let output = line.output.as_ref().filter(|_| with_output).map(|output| format!("{output}: "));
    let metric = match line.k {
        Some(k) if line.metric == Metric::TopK.name() => format!("top-{k}"),
        Some(_) | None => line.metric.clone(),
    };
    let class = line.class.as_ref().map(|class| format!(" of {}", quoted(class)));
    let (gap, over) = match &line.gap {
        Some(gap) => ("gap of ", Some(format!(" over {}", quoted(&gap.column)))),
        None => ("", None),
    };
    let rows = line.rows_where.as_ref().map(|rows| format!(" where {rows}"));
    let [output, class, over, rows] = [output, class, over, rows].map(Option::unwrap_or_default);
    format!("{output}{gap}{metric}{class}{over}{rows}")
}

/// What a line says beyond its cells: between which groups a gap is, or why a figure is not defined.
fn detail(line: &Line) -> Option<String> {
    if let Some(why) = &line.undefined {
        return Some(format!("not defined, because {why}"));
    }
    let Some(Gap { between: Some([greatest, least]), .. }) = &line.gap else { return None };
    let group = |figure: &GroupFigure| {
        let name = if figure.group.is_empty() { "the rows without a value".to_owned() } else { quoted(&figure.group) };
        format!("{name} ({} of {} rows)", number(figure.value), figure.rows)
    };
    Some(format!("between {} and {}", group(greatest), group(least)))
}

/// What is required of a line: `≥ 0.98 at 0.95`.
pub fn required(line: &Line, bound: Bound) -> String {
    match line.confidence {
        Some(confidence) => format!("{} at {}", bound_text(bound), confidence),
        None => bound_text(bound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A contract as it stands in a file, of lines whose keys are given.
    fn of_lines(lines: serde_json::Value) -> Contract {
        let mut lines = lines;
        for line in lines.as_array_mut().unwrap() {
            line["rows_where"] = line.get("rows_where").cloned().unwrap_or_default();
        }
        serde_json::from_value(serde_json::json!({ "lines": lines })).unwrap()
    }

    #[test]
    fn a_contract_names_its_rows_groups_and_reasons() {
        let group = |group: &str, value: f64, rows: usize| serde_json::json!({ "group": group, "value": value, "interval": null, "rows": rows });
        let lines = serde_json::json!([
            { "metric": "top-k", "output": "kind", "k": 5, "at_least": 0.9, "value": 0.95, "interval": [0.9, 0.975],
              "rows": 40, "met": true },
            { "metric": "recall", "output": "kind", "class": "8", "rows_where": "age > 3", "at_most": 0.125,
              "gap": { "column": "sex", "between": [group("f", 1.0, 3), group("", 0.5, 2)] }, "confidence": 0.9,
              "value": 0.5, "interval": [0.0, 0.75], "rows": 5, "met": false },
            { "metric": "r2", "output": "age", "at_least": 0.5, "rows": 7, "met": false,
              "undefined": "the right answers are all the same" },
            { "metric": "latency", "at_most": 12.5 },
            { "metric": "flops", "value": 100.0 },
        ]);
        let expected = "\
figure                                          required        measured   interval       rows
kind: top-5                                     ≥ 0.9           0.9500     0.9000–0.9750  40    met
kind: gap of recall of `8` over `sex` where age > 3  ≤ 0.125 at 0.9  0.5000  0.0000–0.7500  5  NOT MET
age: r2  ≥ 0.5  undefined  7  NOT MET
latency  ≤ 12.5  open
flops  100
kind: gap of recall of `8` over `sex` where age > 3: between `f` (1.0000 of 3 rows) and the rows without a value (0.5000 of 2 rows)
age: r2: not defined, because the right answers are all the same
the contract is NOT met: 1 of 3 requirements, and 1 that a clock decides; `tacit test` asks it
";
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&contract(&of_lines(lines))), words(expected));
    }

    #[test]
    fn a_verdict_counts_what_is_required() {
        let of = |lines| verdict(&of_lines(lines));
        let flops = serde_json::json!({ "metric": "flops", "value": 1.0, "at_most": 2.0, "met": true });
        let latency = serde_json::json!({ "metric": "latency", "at_most": 2.0 });
        assert_eq!(of(serde_json::json!([{ "metric": "flops", "value": 1.0 }])), "nothing was required");
        assert_eq!(of(serde_json::json!([flops])), "the contract is met: 1 of 1 requirements");
        let open = "and 1 that a clock decides; `tacit test` asks it";
        assert_eq!(of(serde_json::json!([latency])), format!("the contract is open, {open}"));
        assert_eq!(
            of(serde_json::json!([latency, flops])),
            format!("the contract is met: 1 of 1 requirements, {open}")
        );
    }

    #[test]
    fn columns_are_aligned_and_lines_end_with_their_text() {
        let rows = [["a", "bb", ""], ["cccc", "≥", "d"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), "a     bb\ncccc  ≥   d\n");
    }
}
