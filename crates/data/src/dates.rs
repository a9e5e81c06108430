//! Moments in text: a day as its distance from 1970-01-01, and the share of the day that has passed.

use tacit_spec::DateFormat;

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Days since 1970-01-01 in the proleptic Gregorian calendar.
    pub days: i32,
    /// Seconds since midnight.
    pub seconds: f64,
}

impl Moment {
    /// The numbers that a program is given.
    pub fn values(self) -> [f32; 2] {
        [self.days as f32, (self.seconds / 86_400.0) as f32]
    }

    /// One number that orders moments: days with their share.
    pub fn order(self) -> f64 {
        f64::from(self.days) + self.seconds / 86_400.0
    }
}

/// Reads a moment; nothing if the text is not one of this format, or the day does not exist.
pub fn parse_date(format: &DateFormat, text: &str) -> Option<Moment> {
    match format {
        DateFormat::Iso => iso(text),
        DateFormat::Pattern(pattern) => by_pattern(pattern, text),
    }
}

/// Three letters of each month's English name.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// What has been read of a moment.
#[derive(Default)]
struct Parts {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    hour: u32,
    minute: u32,
    second: f64,
}

impl Parts {
    fn moment(&self) -> Option<Moment> {
        let year = self.year?;
        let days = match (self.month, self.day, self.day_of_year) {
            (Some(month), Some(day), _) => {
                if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
                    return None;
                }
                days_since_epoch(year, month, day)
            }
            (_, _, Some(day)) if day >= 1 && day <= 365 + u32::from(is_leap(year)) => {
                days_since_epoch(year, 1, 1) + day as i32 - 1
            }
            _ => return None,
        };
        // A leap second is the last moment of its day.
        let in_range = self.hour < 24 && self.minute < 60 && self.second < 61.0;
        let seconds = f64::from(self.hour * 3600 + self.minute * 60) + self.second.min(59.999);
        in_range.then_some(Moment { days, seconds })
    }
}

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_epoch(year: i32, month: u32, day: u32) -> i32 {
    let before = |year: i32| {
        let last = year - 1;
        365 * last + last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400)
    };
    let in_year: u32 = (1..month).map(|month| days_in_month(year, month)).sum::<u32>() + day - 1;
    before(year) - before(1970) + in_year as i32
}

/// Digits taken from the front.
struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = (count >= least).then(|| self.rest.split_at(count))?;
        self.rest = rest;
        digits.parse().ok()
    }

    fn take(&mut self, character: char) -> bool {
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Digits after a decimal point, as a share of one.
    fn fraction(&mut self) -> f64 {
        if !(self.rest.starts_with(['.', ',']) && self.rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            return 0.0;
        }
        let count = self.rest[1..].bytes().take_while(u8::is_ascii_digit).count();
        let text = format!("0.{}", &self.rest[1..][..count.min(9)]);
        self.rest = &self.rest[1 + count..];
        text.parse().unwrap_or(0.0)
    }
}

/// `2026-11-25`, `20261125`, `2026-11-25 12:30`, `2026-11-25T12:30:00.5Z`, `2026-11-25T12:30+01:00`. A moment with an
/// offset is that of UTC.
fn iso(text: &str) -> Option<Moment> {
    let mut cursor = Cursor { rest: text };
    let mut parts = Parts { year: Some(cursor.digits(4, 4)? as i32), ..Parts::default() };
    let dashed = cursor.take('-');
    parts.month = Some(cursor.digits(2, 2)?);
    if dashed && !cursor.take('-') {
        return None;
    }
    parts.day = Some(cursor.digits(2, 2)?);
    let mut offset_minutes = 0;
    if !cursor.rest.is_empty() {
        if !(cursor.take('T') || cursor.take('t') || cursor.take(' ')) {
            return None;
        }
        parts.hour = cursor.digits(2, 2)?;
        let colon = cursor.take(':');
        parts.minute = cursor.digits(2, 2)?;
        if (colon && cursor.take(':')) || (!colon && cursor.rest.starts_with(|c: char| c.is_ascii_digit())) {
            parts.second = f64::from(cursor.digits(2, 2)?) + cursor.fraction();
        }
        cursor.rest = cursor.rest.trim_start();
        let sign = if cursor.take('+') {
            1
        } else if cursor.take('-') || cursor.take('−') {
            -1
        } else {
            0
        };
        if sign != 0 {
            let hours = cursor.digits(2, 2)?;
            let _ = cursor.take(':');
            let minutes = if cursor.rest.is_empty() { 0 } else { cursor.digits(2, 2)? };
            offset_minutes = sign * (hours * 60 + minutes) as i32;
        } else {
            let _ = cursor.take('Z') || cursor.take('z');
        }
        if !cursor.rest.is_empty() {
            return None;
        }
    }
    let moment = parts.moment()?;
    let seconds = moment.seconds - f64::from(offset_minutes * 60);
    let days = (seconds / 86_400.0).floor();
    Some(Moment { days: moment.days + days as i32, seconds: seconds - days * 86_400.0 })
}

fn by_pattern(pattern: &str, text: &str) -> Option<Moment> {
    /// Two-digit years below are of this century, as in POSIX.
    const CENTURY_TURNS_AT: u32 = 69;
    let mut cursor = Cursor { rest: text };
    let mut parts = Parts::default();
    let mut directives = pattern.chars();
    while let Some(character) = directives.next() {
        if character != '%' {
            cursor.take(character).then_some(())?;
            continue;
        }
        match directives.next()? {
            'Y' => parts.year = Some(cursor.digits(4, 4)? as i32),
            'y' => {
                let year = cursor.digits(2, 2)?;
                parts.year = Some((year + if year < CENTURY_TURNS_AT { 2000 } else { 1900 }) as i32);
            }
            'm' => parts.month = Some(cursor.digits(1, 2)?),
            'b' => {
                let name = cursor.rest.get(..3)?.to_ascii_lowercase();
                parts.month = Some(MONTHS.iter().position(|month| *month == name)? as u32 + 1);
                cursor.rest = &cursor.rest[3..];
            }
            'd' => parts.day = Some(cursor.digits(1, 2)?),
            'j' => parts.day_of_year = Some(cursor.digits(1, 3)?),
            'H' => parts.hour = cursor.digits(1, 2)?,
            'M' => parts.minute = cursor.digits(1, 2)?,
            'S' => parts.second = f64::from(cursor.digits(1, 2)?) + cursor.fraction(),
            '%' => cursor.take('%').then_some(())?,
            _ => return None,
        }
    }
    cursor.rest.is_empty().then(|| parts.moment()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<(i32, f64)> {
        parse_date(&DateFormat::Iso, text).map(|moment| (moment.days, moment.seconds))
    }

    #[test]
    fn iso_dates_and_times_are_read_and_brought_to_utc() {
        // Computed with Python's datetime.
        for (text, days, seconds) in [
            ("1970-01-01", 0, 0.0),
            ("2026-11-25", 20_782, 0.0),
            ("20261125", 20_782, 0.0),
            ("1969-12-31", -1, 0.0),
            ("2000-02-29T23:59:59.5Z", 11_016, 86_399.5),
            ("2026-11-25 12:30", 20_782, 45_000.0),
            ("2026-11-25T00:30+01:00", 20_781, 84_600.0),
            ("2026-11-25T23:30-0100", 20_783, 1_800.0),
            ("0001-01-01", -719_162, 0.0),
            ("9999-12-31", 2_932_896, 0.0),
        ] {
            assert_eq!(day(text), Some((days, seconds)), "{text}");
        }
        for text in
            ["", "2026", "2026-13-01", "2026-02-29", "2026-1-1", "26-11-25", "2026-11-25x", "2026-11-25T25:00", "é"]
        {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn patterns_read_what_people_write() {
        let read = |pattern: &str, text: &str| {
            parse_date(&DateFormat::Pattern(pattern.into()), text).map(|moment| (moment.days, moment.seconds))
        };
        assert_eq!(read("%d.%m.%Y", "25.11.2026"), Some((20_782, 0.0)));
        assert_eq!(read("%m/%d/%y %H:%M", "11/25/26 6:05"), Some((20_782, 21_900.0)));
        assert_eq!(read("%d-%b-%Y", "25-Nov-2026"), Some((20_782, 0.0)));
        assert_eq!(read("%Y/%j", "1999/365"), Some((10_956, 0.0)));
        assert_eq!(read("%y%m%d", "700102"), Some((1, 0.0)));
        for (pattern, text) in [("%d.%m.%Y", "31.04.2026"), ("%d.%m.%Y", "25.11.2026 "), ("%d-%b-%Y", "25-Mai-2026")] {
            assert_eq!(read(pattern, text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut expected = days_since_epoch(1801, 1, 1);
        for year in 1801..=2200 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    let text = format!("{year:04}-{month:02}-{day:02}");
                    assert_eq!(super::iso(&text).map(|moment| moment.days), Some(expected), "{text}");
                    expected += 1;
                }
            }
        }
    }
}
