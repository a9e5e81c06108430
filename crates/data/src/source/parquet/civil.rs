//! Dates and times as text.

/// The date that lies some days from 1970-01-01, such as `2024-02-29`.
///
/// By eras of 400 years that begin on 1 March (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
pub(super) fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time of day given in `per_second` parts of a second, such as `09:05:30` or `09:05:30.25`.
pub(super) fn time(value: i64, per_second: i64) -> String {
    let (seconds, rest) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 {
        return whole;
    }
    let digits = per_second.ilog10() as usize;
    let fraction = format!("{rest:0digits$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// A moment given in `per_second` parts of a second from 1970-01-01, such as `2024-02-29T09:05:30`.
pub(super) fn moment(value: i64, per_second: i64) -> String {
    let per_day = 86_400 * per_second;
    format!("{}T{}", date(value.div_euclid(per_day)), time(value.rem_euclid(per_day), per_second))
}

/// A decimal number: the whole number `unscaled` with so many digits behind the point.
pub(super) fn decimal(unscaled: i128, scale: usize) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(19_782), "2024-02-29");
        assert_eq!(date(19_783), "2024-03-01");
        assert_eq!(date(-25_508), "1900-03-01");
        assert_eq!(date(-719_162), "0001-01-01");
        // Every day follows the one before it.
        let mut last = (1600, 1, 1);
        for days in -135_140 + 1..60_000 {
            let text = date(days);
            let part = |range: std::ops::Range<usize>| text[range].parse::<i32>().unwrap();
            let now = (part(0..4), part(5..7), part(8..10));
            let follows = match last {
                (year, 12, 31) => now == (year + 1, 1, 1),
                (year, month, day) => now == (year, month, day + 1) || now == (year, month + 1, 1) && day >= 28,
            };
            assert!(follows, "{now:?} after {last:?}");
            last = now;
        }
    }

    #[test]
    fn times_drop_the_zeros_of_their_fraction() {
        assert_eq!(time(0, 1000), "00:00:00");
        assert_eq!(time(32_730_250_000, 1_000_000), "09:05:30.25");
        assert_eq!(moment(-1, 1_000_000_000), "1969-12-31T23:59:59.999999999");
        assert_eq!(moment(1_709_197_530_007, 1000), "2024-02-29T09:05:30.007");
    }

    #[test]
    fn decimals_have_their_point() {
        assert_eq!(decimal(-1234, 2), "-12.34");
        assert_eq!(decimal(5, 3), "0.005");
        assert_eq!(decimal(-70, 0), "-70");
        assert_eq!(decimal(i128::MIN, 38), "-1.70141183460469231731687303715884105728");
    }
}
