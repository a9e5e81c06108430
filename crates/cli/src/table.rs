//! Contracts and other lists as aligned columns.

use tacit_train::Contract;
use tacit_train::build::bound_text;
use tacit_train::contract::Line;

/// A contract for people: what was required, what was measured, whether it is met.
pub fn contract(contract: &Contract) -> String {
    let mut rows = vec![["figure", "required", "measured", "interval", "rows", ""].map(str::to_owned).to_vec()];
    for line in &contract.lines {
        rows.push(vec![
            subject(line),
            line.bound().map(|bound| required(line, bound)).unwrap_or_default(),
            line.value.map_or_else(|| "undefined".to_owned(), number),
            line.interval.map(|[low, high]| format!("{}–{}", number(low), number(high))).unwrap_or_default(),
            line.rows.map(|rows| rows.to_string()).unwrap_or_default(),
            match line.met {
                Some(true) => "met".to_owned(),
                Some(false) => "NOT MET".to_owned(),
                None => String::new(),
            },
        ]);
    }
    let required = contract.lines.iter().filter(|line| line.met.is_some()).count();
    let met = contract.lines.iter().filter(|line| line.met == Some(true)).count();
    let verdict = match (required, met) {
        (0, _) => "nothing was required".to_owned(),
        (required, met) if required == met => format!("the contract is met: {met} of {required} requirements"),
        (required, met) => format!("the contract is NOT met: {met} of {required} requirements"),
    };
    format!("{}{verdict}\n", aligned(&rows))
}

/// A contract for programs.
pub fn contract_json(contract: &Contract) -> serde_json::Value {
    serde_json::json!({ "lines": contract.lines, "met": contract.is_met() })
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

fn subject(line: &Line) -> String {
    let class = line.class.as_ref().map(|class| format!(" of {}", tacit_spec::report::quoted(class)));
    let rows = line.rows_where.as_ref().map(|rows| format!(" where {rows}"));
    format!("{}{}{}", line.metric, class.unwrap_or_default(), rows.unwrap_or_default())
}

fn required(line: &Line, bound: tacit_spec::Bound) -> String {
    match line.confidence {
        Some(confidence) => format!("{} at {}", bound_text(bound), confidence),
        None => bound_text(bound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_with_their_text() {
        let rows = [["a", "bb", ""], ["cccc", "≥", "d"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), "a     bb\ncccc  ≥   d\n");
    }
}
