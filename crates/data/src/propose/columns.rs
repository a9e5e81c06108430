//! What a column of a table becomes: an input of some type, or one that is left out, with the reason.

use tacit_spec::report::quoted;
use tacit_spec::{DateFormat, InputKind, Missing};

use crate::dates::parse_date;
use crate::profile::{ColumnProfile, Leak, dates};

use super::names;
use super::words::{commonest, counted, figure, percent};

/// An input that a column can be.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    pub kind: InputKind,
    pub missing: Missing,
    /// What was seen, for a comment.
    pub seen: String,
    /// The cells that such an input cannot use, beside missing ones.
    pub unusable: u64,
}

/// Why a column is not used.
#[derive(Clone, Debug, PartialEq)]
pub enum LeftOut {
    /// It counts the rows or names each of them.
    Identifier(String),
    Constant(String),
    /// It is equal to this column.
    Copy(String),
    FreeText(String),
    MostlyMissing(String),
    /// It tells whom rows are about, which the split goes by.
    Group,
    /// It tells which part of the data a row is in.
    Part,
    /// Nothing can stand beside an image.
    Beside,
    /// It cannot be read as it is written.
    Unreadable(String),
    /// It gives this output's answer away.
    Leak {
        target: String,
        how: Leak,
    },
}

/// A column with fewer rows than this is not judged by how many different values it has.
const ROWS_JUDGED_MIN: u64 = 20;
/// The share of numbers from which on other texts in a column are mistakes.
const NUMBERS_SHARE: f64 = 0.95;
/// The share of missing cells above which a column says too little.
const MISSING_MAX: f64 = 0.95;
/// The most different whole numbers that can be codes.
const CODES_MAX: u64 = 1000;

/// Well-known orders of levels, each in ascending order.
const ORDERS: &[&[&str]] = &[
    &["very low", "low", "medium", "high", "very high"],
    &["very low", "low", "moderate", "high", "very high"],
    &["low", "normal", "high"],
    &["low", "med", "high", "vhigh"],
    &["small", "medium", "large"],
    &["small", "med", "big"],
    &["xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl"],
    &["very poor", "poor", "fair", "good", "very good", "excellent"],
    &["poor", "average", "good", "very good", "excellent"],
    &["po", "fa", "ta", "gd", "ex"],
    &["bad", "ok", "good"],
    &["unacc", "acc", "good", "vgood"],
    &["never", "rarely", "sometimes", "often", "always"],
    &["strongly disagree", "disagree", "neutral", "agree", "strongly agree"],
    &["mild", "moderate", "severe"],
    &["bronze", "silver", "gold", "platinum"],
];

/// What a column is when it is used. `others` are the same column in the files of other parts.
pub(crate) fn typed(column: &ColumnProfile, others: &[&ColumnProfile]) -> Typed {
    let all = || std::iter::once(column).chain(others.iter().copied());
    let has_missing = all().any(|column| column.missing > 0);
    let number_missing = if has_missing { Missing::Median } else { Missing::Refuse };
    let label_missing = if has_missing { Missing::Label } else { Missing::Refuse };
    if let Some(format) = date_format(column) {
        let index = dates().iter().position(|known| *known == format).unwrap_or_default();
        let unusable = all().map(|column| column.date_failures[index] + column.numbers - column.day_numbers).sum();
        let seen = described(column, format!("such as {}", quoted(&an_example(column))));
        return Typed { kind: InputKind::Date { format }, missing: number_missing, seen, unusable };
    }
    if is_numeric(column) && !is_coded(column) {
        let unusable = all().map(|column| column.texts + column.lists + column.pictures).sum();
        let seen = described(column, number_range(column));
        return Typed { kind: InputKind::Number { encoding: None }, missing: number_missing, seen, unusable };
    }
    if let Some((levels, seen)) = levels(column, others) {
        let kind = InputKind::Ordinal { levels, encoding: None };
        return Typed { kind, missing: number_missing, seen: described(column, seen), unusable: 0 };
    }
    let unusable = all().map(|column| column.lists + column.pictures).sum();
    let kind = InputKind::Category { labels: None, rows_min: ROWS_MIN_OF_LABEL };
    Typed { kind, missing: label_missing, seen: described(column, label_list(column)), unusable }
}

/// The manifest's default.
const ROWS_MIN_OF_LABEL: u64 = 5;

/// Why a column says nothing, or nothing that can be learnt from; by itself, not by the answers.
pub(crate) fn useless(column: &ColumnProfile, unreadable: Option<&str>) -> Option<LeftOut> {
    let present = column.present();
    if present == 0 {
        return Some(LeftOut::MostlyMissing("every cell is missing".to_owned()));
    }
    if let Some(reason) = unreadable {
        return Some(LeftOut::Unreadable(reason.to_owned()));
    }
    if column.missing as f64 > MISSING_MAX * column.rows as f64 {
        return Some(LeftOut::MostlyMissing(format!("{} missing", percent(column.missing, column.rows))));
    }
    if column.lists + column.pictures > 0 {
        let reason = "lists and pictures cannot stand beside other columns";
        return Some(LeftOut::Unreadable(reason.to_owned()));
    }
    if column.values.is_exact() && column.values.count() == 1 && column.missing == 0 {
        return Some(LeftOut::Constant(format!("always {}", quoted(&an_example(column)))));
    }
    if column.rows < ROWS_JUDGED_MIN {
        return None;
    }
    if column.counts_up {
        return Some(LeftOut::Identifier("counts the rows".to_owned()));
    }
    let distinct = column.values.count().min(present);
    let differs = || format!("{} different in {}", about(column), counted(present, "row"));
    let is_whole = column.integers == present;
    if names::is_identifier(&column.name) && (is_whole || column.texts > 0) && 2 * distinct > present {
        return Some(LeftOut::Identifier(format!("an identifier: {}", differs())));
    }
    if date_format(column).is_some() || is_numeric(column) {
        return None;
    }
    if let Some(reason) = ambiguous_date(column) {
        return Some(LeftOut::Unreadable(reason));
    }
    // With fewer numbers they are names that happen to be numbers.
    const MIXED_SHARE: f64 = 0.8;
    let is_mixed = column.numbers as f64 >= MIXED_SHARE * present as f64 && 2 * distinct > present;
    if let (Some((at, text)), true) = (&column.first_text, is_mixed) {
        return Some(LeftOut::Unreadable(format!(
            "numbers and texts mixed, such as {} in {}",
            quoted(text),
            at.words()
        )));
    }
    const LONG_WORDS: f64 = 4.0;
    const LONG_CHARACTERS: f64 = 60.0;
    let texts = column.texts.max(1) as f64;
    let (words, characters) = (column.words as f64 / texts, column.characters as f64 / texts);
    if (2 * distinct > present && words >= LONG_WORDS) || (distinct > 100 && characters > LONG_CHARACTERS) {
        return Some(LeftOut::FreeText(format!(
            "free text, {} words on average",
            figure((words * 10.0).round() / 10.0)
        )));
    }
    if 2 * distinct > present {
        return Some(LeftOut::Identifier(format!("names rows: {}", differs())));
    }
    None
}

/// Whether nearly all cells that are there are numbers.
pub(crate) fn is_numeric(column: &ColumnProfile) -> bool {
    column.numbers > 0 && column.numbers as f64 >= NUMBERS_SHARE * column.present() as f64
}

/// Whether the numbers stand for kinds of things.
fn is_coded(column: &ColumnProfile) -> bool {
    let few = column.values.is_exact() && column.values.count() <= CODES_MAX.min(column.present() / 2);
    names::is_code(&column.name) && column.integers == column.present() && few
}

/// The one format that reads nearly all cells; none if several do and disagree.
pub(crate) fn date_format(column: &ColumnProfile) -> Option<DateFormat> {
    if column.numbers > 0 {
        let all_days = column.day_numbers == column.present() && column.values.count() > 2;
        return all_days.then_some(DateFormat::Iso);
    }
    match &reading(column)[..] {
        [] => None,
        [only] => Some((*only).clone()),
        [first, others @ ..] => {
            let agrees = |other: &&DateFormat| {
                column
                    .values
                    .entries()
                    .all(|(_, label)| parse_date(first, &label.text) == parse_date(other, &label.text))
            };
            others.iter().all(agrees).then(|| (*first).clone())
        }
    }
}

/// The formats that read nearly all texts of a column.
fn reading(column: &ColumnProfile) -> Vec<&'static DateFormat> {
    if column.texts == 0 || column.texts < column.present() {
        return Vec::new();
    }
    let fails_rarely = |failures: u64| failures as f64 <= (1.0 - NUMBERS_SHARE) * column.texts as f64;
    let formats = dates().iter().zip(&column.date_failures);
    let fewest = column.date_failures.iter().min().copied().unwrap_or_default();
    formats.filter(|(_, failures)| fails_rarely(**failures) && **failures == fewest).map(|(format, _)| format).collect()
}

fn ambiguous_date(column: &ColumnProfile) -> Option<String> {
    let formats = reading(column);
    let [first, second, ..] = &formats[..] else { return None };
    let text = |format: &DateFormat| match format {
        DateFormat::Iso => "iso".to_owned(),
        DateFormat::Pattern(pattern) => pattern.clone(),
    };
    Some(format!("dates that may be `{}` or `{}`", text(first), text(second)))
}

/// The levels of a column in ascending order, if they are of a well-known order; and what was seen.
fn levels(column: &ColumnProfile, others: &[&ColumnProfile]) -> Option<(Vec<String>, String)> {
    const LEVELS_MIN: usize = 3;
    let plain = |label: &str| label.to_lowercase().replace(['-', '_'], " ");
    let mut found: Vec<String> = Vec::new();
    for column in std::iter::once(column).chain(others.iter().copied()) {
        for label in column.labels()? {
            if !found.contains(&label.text) {
                found.push(label.text.clone());
            }
        }
        if found.len() > ORDERS.iter().map(|order| order.len()).max().unwrap_or(0) {
            return None;
        }
    }
    let in_order = |order: &&[&str]| {
        let mut placed: Vec<(usize, &String)> = Vec::new();
        for label in &found {
            placed.push((order.iter().position(|level| *level == plain(label))?, label));
        }
        placed.sort();
        let differs = placed.windows(2).all(|pair| pair[0].0 != pair[1].0);
        (differs && placed.len() >= LEVELS_MIN).then(|| placed.into_iter().map(|(_, label)| label.clone()).collect())
    };
    let levels: Vec<String> = ORDERS.iter().find_map(in_order)?;
    Some((levels, label_list(column)))
}

fn number_range(column: &ColumnProfile) -> String {
    match column.least == column.greatest {
        true => format!("always {}", figure(column.least)),
        false => {
            format!("{} to {}, {} on average", figure(column.least), figure(column.greatest), figure(mean(column)))
        }
    }
}

/// The mean, 0 where only rounding keeps it from 0.
pub(crate) fn mean(column: &ColumnProfile) -> f64 {
    let reach = column.greatest.abs().max(column.least.abs());
    if column.mean.abs() < 1e-9 * reach { 0.0 } else { column.mean }
}

/// A column by its name; by its number where it has none.
pub(crate) fn title(columns: &[ColumnProfile], index: usize) -> String {
    match columns[index].name.as_str() {
        "" => format!("column {}", index + 1),
        name => quoted(name),
    }
}

pub(crate) fn label_list(column: &ColumnProfile) -> String {
    match column.labels() {
        Some(labels) => {
            let count = counted(labels.len() as u64, "label");
            format!("{count}: {}", commonest(&labels, column.rows))
        }
        None => format!("{} labels", about(column)),
    }
}

/// What was seen, with the share of missing cells.
fn described(column: &ColumnProfile, seen: String) -> String {
    match column.missing {
        0 => seen,
        missing => format!("{seen}; {} missing", percent(missing, column.rows)),
    }
}

/// The number of different values, and whether it is an estimate.
fn about(column: &ColumnProfile) -> String {
    let count = column.values.count().min(column.present());
    if column.values.is_exact() { count.to_string() } else { format!("about {count}") }
}

fn an_example(column: &ColumnProfile) -> String {
    let first = column.first_text.as_ref().or(column.first_number.as_ref());
    first.map_or(String::new(), |(_, text)| text.clone())
}

impl LeftOut {
    /// The reason in a few words.
    pub fn reason(&self) -> String {
        match self {
            LeftOut::Identifier(reason)
            | LeftOut::Constant(reason)
            | LeftOut::FreeText(reason)
            | LeftOut::MostlyMissing(reason)
            | LeftOut::Unreadable(reason) => reason.clone(),
            LeftOut::Copy(of) => format!("equal to {}", quoted(of)),
            LeftOut::Group => "rows are divided by it".to_owned(),
            LeftOut::Beside => "nothing can stand beside an image".to_owned(),
            LeftOut::Part => "says which part a row is in".to_owned(),
            LeftOut::Leak { target, how } => {
                let target = quoted(target);
                match how {
                    Leak::Lookup { accuracy } | Leak::Threshold { accuracy } => {
                        let share = percent((accuracy * 1000.0).round() as u64, 1000);
                        format!("gives {target} away: {share} right by it alone")
                    }
                    Leak::Rank { correlation } => {
                        let way = if *correlation > 0.0 { "rises" } else { "falls" };
                        format!("gives {target} away: it {way} with it")
                    }
                    Leak::Means { .. } => format!("gives {target} away: each of its values goes with one number"),
                }
            }
        }
    }
}
