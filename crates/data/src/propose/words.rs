//! Figures and lists as comments and messages show them.

use tacit_spec::report::quoted;

use crate::profile::Label;

/// A number with four significant digits, a whole one as it is.
pub fn figure(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{}", number + 0.0);
    }
    let scientific = format!("{number:.3e}");
    let exponent: i32 = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    if !(-5..15).contains(&exponent) {
        return scientific;
    }
    let decimals = usize::try_from(3 - exponent).unwrap_or(0);
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A share in per cent: `0.3 %`, `12 %`.
pub fn percent(part: u64, whole: u64) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    match share {
        0.0 => "0 %".to_owned(),
        _ if share < 0.1 => "under 0.1 %".to_owned(),
        _ if share < 9.95 || share > 99.0 && share < 100.0 => {
            format!("{} %", format!("{share:.1}").trim_end_matches(".0"))
        }
        _ => format!("{share:.0} %"),
    }
}

/// `1 row`, `2 rows`.
pub fn counted(count: u64, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ if one.ends_with('s') => format!("{count} {one}es"),
        _ => format!("{count} {one}s"),
    }
}

/// The names in backticks, the first `shown` of them: `a`, `b` and 3 more.
pub fn named<'a>(names: impl ExactSizeIterator<Item = &'a str>, shown: usize) -> String {
    let count = names.len();
    // One more takes no more room than saying so.
    let shown = if count == shown + 1 { count } else { shown };
    let mut quotes: Vec<String> = names.take(shown).map(quoted).collect();
    match (count > shown, quotes.len()) {
        (true, _) => format!("{} and {} more", quotes.join(", "), count - shown),
        (false, 0 | 1) => quotes.pop().unwrap_or_default(),
        (false, _) => {
            let last = quotes.pop().unwrap_or_default();
            format!("{} and {last}", quotes.join(", "))
        }
    }
}

/// The commonest labels with their shares of `rows`: `Private` 70 %, `Self-emp` 8 %, …
pub(crate) fn commonest(labels: &[&Label], rows: u64) -> String {
    const SHOWN: usize = 3;
    let mut labels = labels.to_vec();
    // Equal counts stay in the order of the labels.
    labels.sort_by_key(|label| std::cmp::Reverse(label.count));
    let shown: Vec<String> = labels
        .iter()
        .take(SHOWN)
        .map(|label| format!("{} {}", short(&label.text), percent(label.count, rows)))
        .collect();
    format!("{}{}", shown.join(", "), if labels.len() > SHOWN { ", …" } else { "" })
}

/// A text in backticks, cut so that several fit on a line.
pub(crate) fn short(text: &str) -> String {
    const CHARACTERS_MAX: usize = 24;
    match text.chars().nth(CHARACTERS_MAX) {
        Some(_) => quoted(&format!("{}…", text.chars().take(CHARACTERS_MAX).collect::<String>())),
        None => quoted(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_four_digits() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (17.0, "17"),
            (38.581_646, "38.58"),
            (189_778.366_5, "189778"),
            (0.000_123_456, "0.0001235"),
            (-2.5, "-2.5"),
            (1.0e-9, "1.000e-9"),
            (1.5e20, "1.500e20"),
            (0.999_99, "1"),
        ] {
            assert_eq!(figure(number), text);
        }
    }

    #[test]
    fn shares_are_in_per_cent() {
        let of = |part| percent(part, 10_000);
        assert_eq!(
            [0, 1, 12, 560, 6970, 9990, 10_000].map(of),
            ["0 %", "under 0.1 %", "0.1 %", "5.6 %", "70 %", "99.9 %", "100 %"]
        );
    }

    #[test]
    fn lists_end_in_words() {
        let of = |names: &[&str]| named(names.iter().copied(), 2);
        assert_eq!(of(&["a"]), "`a`");
        assert_eq!(of(&["a", "b"]), "`a` and `b`");
        assert_eq!(of(&["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(of(&["a", "b", "c", "d"]), "`a`, `b` and 2 more");
        assert_eq!((counted(1, "row"), counted(3, "class")), ("1 row".to_owned(), "3 classes".to_owned()));
    }
}
