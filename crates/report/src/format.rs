//! Numbers as people read them. A unit stays on the line of its number.

use crate::figures::{Estimate, Unit};

/// What stands where a number would be, if there is none.
pub(crate) const NONE: &str = "–";

/// A number in its unit.
pub(crate) fn value(number: f64, unit: Unit) -> String {
    match unit {
        Unit::Plain => plain(number),
        Unit::Share => percent(number),
        Unit::Count => match number.is_finite() {
            true => signed(number, grouped(&format!("{:.0}", number.abs()))),
            false => NONE.to_owned(),
        },
        Unit::Bytes => scaled(number, &[(1.0, "bytes"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")]),
        Unit::Microseconds => scaled(number, &[(1.0, "µs"), (1e3, "ms"), (1e6, "s")]),
    }
}

/// A number in its unit, or a dash.
pub(crate) fn optional(number: Option<f64>, unit: Unit) -> String {
    number.map_or_else(|| NONE.to_owned(), |number| value(number, unit))
}

/// A difference: a number with its sign, plus included.
pub(crate) fn difference(number: f64, unit: Unit) -> String {
    let text = match unit {
        // Points, since the difference of two percentages is no percentage of anything.
        Unit::Share => format!("{} points", plain(number * 100.0)),
        Unit::Plain | Unit::Count | Unit::Bytes | Unit::Microseconds => value(number, unit),
    };
    if number > 0.0 { format!("+{text}") } else { text }
}

/// Both ends of an interval.
pub(crate) fn interval([low, high]: [f64; 2], unit: Unit) -> String {
    let (low_text, high_text) = (value(low, unit), value(high, unit));
    // A dash beside a minus sign would be hard to read.
    if low < 0.0 || high < 0.0 { format!("{low_text} to {high_text}") } else { format!("{low_text}–{high_text}") }
}

/// A value and its interval: `0.8932 (0.8868–0.8993)`.
pub(crate) fn estimate(estimate: &Estimate, unit: Unit) -> String {
    let text = optional(estimate.value, unit);
    match estimate.interval {
        Some(ends) => format!("{text} ({})", interval(ends, unit)),
        None => text,
    }
}

/// A whole number with its digits in groups of three.
pub(crate) fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// A share from 0 to 1 in per cent.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match percent.abs() {
        exact if exact == 0.0 || exact == 100.0 => 0,
        small if small < 1.0 => 2,
        _ => 1,
    };
    fixed(percent, decimals) + "\u{a0}%"
}

/// A share from 0 to 1 in per cent, with the digits that it has and no more: `50 %`, `99.9 %`.
pub(crate) fn round_percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = (0..4).find(|decimals| {
        let scaled = percent * [1.0, 10.0, 100.0, 1000.0][*decimals];
        (scaled - scaled.round()).abs() < 1e-6
    });
    fixed(percent, decimals.unwrap_or(4)) + "\u{a0}%"
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(number: u64, one: &str, several: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{} {several}", count(number)),
    }
}

/// A number with a fixed number of decimals, a real minus sign and groups of three.
pub(crate) fn fixed(number: f64, decimals: usize) -> String {
    if !number.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{:.decimals$}", number.abs());
    let (whole, rest) = text.split_once('.').map_or((&text[..], None), |(whole, rest)| (whole, Some(rest)));
    let whole = grouped(whole);
    let text = rest.map_or_else(|| whole.clone(), |rest| format!("{whole}.{rest}"));
    // What rounds to zero has no sign.
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    signed(if is_zero { 0.0 } else { number }, text)
}

/// Four significant digits; whole numbers as they are.
fn plain(number: f64) -> String {
    let size = number.abs();
    match size {
        _ if !number.is_finite() => NONE.to_owned(),
        _ if number.fract() == 0.0 && size < 1e9 => fixed(number, 0),
        _ if !(1e-4..1e9).contains(&size) => scientific(number),
        _ if size < 1.0 => fixed(number, 4),
        _ if size < 10.0 => fixed(number, 3),
        _ if size < 100.0 => fixed(number, 2),
        _ if size < 1000.0 => fixed(number, 1),
        _ => fixed(number, 0),
    }
}

fn scientific(number: f64) -> String {
    let text = format!("{:.2e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    signed(number, format!("{mantissa}e{}", exponent.replace('-', "−")))
}

/// A number in the largest unit that leaves at least one before the point.
fn scaled(number: f64, units: &[(f64, &str)]) -> String {
    if !number.is_finite() {
        return NONE.to_owned();
    }
    let (size, name) = units.iter().rev().find(|(size, _)| number.abs() >= *size).unwrap_or(&units[0]);
    let scaled = number / size;
    let decimals = match scaled.abs() {
        whole if whole.fract() == 0.0 => 0,
        small if small < 10.0 => 2,
        middle if middle < 100.0 => 1,
        _ => 0,
    };
    format!("{}\u{a0}{name}", fixed(scaled, decimals))
}

fn signed(number: f64, text: String) -> String {
    if number < 0.0 { format!("−{text}") } else { text }
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_significant_digits() {
        let texts = [0.0, 1.0, 0.89321, -0.00123, 2.34567, 41234.5, 123.456, 2.5e-5, 7.1e12, f64::NAN].map(plain);
        assert_eq!(
            texts,
            ["0", "1", "0.8932", "−0.0012", "2.346", "41,234", "123.5", "2.50e−5", "7.10e12", NONE].map(str::to_owned)
        );
    }

    #[test]
    fn units_are_written_out() {
        assert_eq!(value(1_234_567.0, Unit::Count), "1,234,567");
        assert_eq!(value(512.0, Unit::Bytes), "512\u{a0}bytes");
        assert_eq!(value(75_600.0, Unit::Bytes), "75.6\u{a0}kB");
        assert_eq!(value(8.4, Unit::Microseconds), "8.40\u{a0}µs");
        assert_eq!(value(1500.0, Unit::Microseconds), "1.50\u{a0}ms");
        assert_eq!(value(0.1234, Unit::Share), "12.3\u{a0}%");
        assert_eq!(value(1.0, Unit::Share), "100\u{a0}%");
        assert_eq!([0.5, 0.95, 0.999].map(round_percent), ["50\u{a0}%", "95\u{a0}%", "99.9\u{a0}%"]);
    }

    #[test]
    fn differences_and_intervals_show_their_signs() {
        assert_eq!(difference(0.0121, Unit::Plain), "+0.0121");
        assert_eq!(difference(-0.012, Unit::Share), "−1.200 points");
        assert_eq!(interval([-0.01, 0.02], Unit::Plain), "−0.0100 to 0.0200");
        assert_eq!(interval([0.5, 0.75], Unit::Plain), "0.5000–0.7500");
        assert_eq!(fixed(-0.004, 2), "0.00");
    }
}
