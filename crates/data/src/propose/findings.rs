//! What the user should know about the data, beside what it becomes.

use std::collections::{BTreeMap, BTreeSet};

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, InputKind, OutputKind, Place, Severity};

use crate::profile::{ColumnProfile, Profile, Repeats};

use super::columns::{LeftOut, Typed, title};
use super::outputs::{CLASS_ROWS_MIN, ProposedOutput};
use super::words::{counted, figure, named, percent};
use super::{About, Finding, Seen};

/// So many columns are named.
const SHOWN: usize = 6;

fn warning(about: About, code: Code, place: Place, message: String, help: &str) -> Finding {
    Finding { about, diagnostic: Diagnostic::warning(code, place, message).help(help), sets_aside: false }
}

/// The same, where rows are set aside because of it.
fn unusable(about: About, code: Code, place: Place, message: String, help: &str) -> Finding {
    Finding { sets_aside: true, ..warning(about, code, place, message, help) }
}

fn at(file: &str) -> Place {
    Place::File(file.to_owned())
}

/// Rows that could not be read.
pub(super) fn of_faults(seen: &Seen) -> Vec<Finding> {
    let diagnostics = seen.profiles().flat_map(|profile| profile.faults.diagnostics());
    diagnostics
        .map(|mut diagnostic| {
            diagnostic.severity = Severity::Warning;
            Finding { about: About::Data, diagnostic: diagnostic.note("such rows are set aside"), sets_aside: true }
        })
        .collect()
}

/// Answers that are missing, that are no numbers, or that are rare.
pub(super) fn of_answers(
    file: &str,
    output: &ProposedOutput,
    column: &ColumnProfile,
    others: &[&ColumnProfile],
) -> Vec<Finding> {
    let of = quoted(&column.name);
    let mut found = Vec::new();
    let missing: u64 = column.missing + others.iter().map(|other| other.missing).sum::<u64>();
    let is_listed = matches!(output.kind, OutputKind::Labels { .. });
    if missing > 0 && !is_listed {
        let rows = column.rows + others.iter().map(|other| other.rows).sum::<u64>();
        let message = format!("{of} is missing in {} ({})", counted(missing, "row"), percent(missing, rows));
        found.push(unusable(
            About::Data,
            Code::MissingCell,
            at(file),
            message,
            "such rows are set aside; fill them or remove them",
        ));
    }
    let is_number = matches!(output.kind, OutputKind::Number);
    let texts: u64 = column.texts + others.iter().map(|other| other.texts).sum::<u64>();
    if let (true, true, Some((_, text))) = (is_number, texts > 0, &column.first_text) {
        let message = format!("{}, such as {}", not_fitting(texts, &of, "number"), quoted(text));
        let help =
            "such rows are set aside; correct them, or add what stands for a missing value to `missing` in `[data]`";
        found.push(unusable(About::Data, Code::BadNumber, place_of_text(file, column), message, help));
    }
    found.extend(of_classes(file, output, column, others));
    found
}

/// Classes that are left out, that only other files have, that are few or uneven.
fn of_classes(file: &str, output: &ProposedOutput, column: &ColumnProfile, others: &[&ColumnProfile]) -> Vec<Finding> {
    /// Classes with fewer rows are told.
    const FEW: u64 = 20;
    /// So many times the rows of the rarest class make the commonest one told.
    const UNEVEN: u64 = 20;
    let mut found = Vec::new();
    let of = quoted(&column.name);
    let unite = "collect more rows of them, or unite labels";
    let list = |labels: &[String]| named(labels.iter().map(String::as_str), SHOWN);
    let is_class = |label: &str| output.classes.iter().any(|(class, _)| class == label);
    if let OutputKind::Category { classes: Some(_) } = &output.kind {
        let own = column.labels().unwrap_or_default();
        let rare: Vec<String> =
            own.into_iter().filter(|label| !is_class(&label.text)).map(|label| label.text.clone()).collect();
        if !rare.is_empty() {
            let message =
                format!("labels of {of} with fewer than {CLASS_ROWS_MIN} rows are not answered: {}", list(&rare));
            found.push(unusable(About::Outputs, Code::RareClasses, at(file), message, unite));
        }
        let is_known = |label: &String| {
            is_class(label) || rare.contains(label) || output.aliases.iter().any(|(alias, _)| alias == label)
        };
        let labels = others.iter().filter_map(|other| other.labels()).flatten();
        let foreign: BTreeSet<String> =
            labels.map(|label| label.text.clone()).filter(|label| !is_known(label)).collect();
        if !foreign.is_empty() {
            let foreign: Vec<String> = foreign.into_iter().collect();
            let message = format!("labels of {of} that the training file does not have: {}", list(&foreign));
            let help = "their rows are set aside; add rows of them to the training file";
            found.push(unusable(About::Outputs, Code::UnknownLabel, at(file), message, help));
        }
    }
    let few: Vec<String> = output
        .classes
        .iter()
        .filter(|(_, rows)| *rows < FEW)
        .map(|(class, rows)| format!("{class} ({rows})"))
        .collect();
    let rows = || output.classes.iter().map(|(_, rows)| *rows);
    let (greatest, least) = (rows().max().unwrap_or(0), rows().min().unwrap_or(0));
    if !few.is_empty() {
        let message = format!("labels of {of} with fewer than {FEW} rows: {}", list(&few));
        found.push(warning(About::Outputs, Code::RareClasses, at(file), message, unite));
    } else if greatest > UNEVEN * least {
        let message = format!("the labels of {of} are uneven: the commonest has {greatest} rows, the rarest {least}");
        let help = "if the rare ones matter more, write `class-weights = \"balanced\"` in `[goal]`";
        found.push(warning(About::Outputs, Code::RareClasses, at(file), message, help));
    }
    found
}

/// Columns that give an answer away and are used.
pub(super) fn of_used_leaks(file: &str, columns: &[ColumnProfile], leaks: &BTreeMap<usize, LeftOut>) -> Vec<Finding> {
    let finding = |(index, reason): (&usize, &LeftOut)| {
        let message = format!("the column {} {}", title(columns, *index), reason.reason());
        let help = "it is used because no other column is left; see that it is known before the answer is";
        warning(About::Inputs, Code::ColumnLeaks, at(file), message, help)
    };
    leaks.iter().map(finding).collect()
}

/// Columns that are left out: leaks one by one, the others together.
pub(super) fn of_left_out<'a>(
    file: &str,
    columns: &[ColumnProfile],
    reasons: impl Iterator<Item = (&'a usize, &'a LeftOut)>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut others = Vec::new();
    for (index, reason) in reasons {
        let name = title(columns, *index);
        match reason {
            LeftOut::Leak { .. } => {
                let message = format!("the column {name} {}", reason.reason());
                let help =
                    "it is left out; if it is known before the answer is, remove the `#` before it in the manifest";
                found.push(warning(About::Inputs, Code::ColumnLeaks, at(file), message, help));
            }
            LeftOut::Group | LeftOut::Part => {}
            LeftOut::Identifier(_)
            | LeftOut::Constant(_)
            | LeftOut::Copy(_)
            | LeftOut::FreeText(_)
            | LeftOut::MostlyMissing(_)
            | LeftOut::Beside
            | LeftOut::Unreadable(_) => others.push(format!("{name}: {}", reason.reason())),
        }
    }
    if !others.is_empty() {
        let message = format!(
            "{} left out",
            if others.len() == 1 { "1 column is".to_owned() } else { format!("{} columns are", others.len()) }
        );
        let help = "those that could be used stand in the manifest behind a `#`; remove it to use one";
        let mut finding = warning(About::Inputs, Code::ColumnsLeftOut, at(file), message, help);
        finding.diagnostic.notes.extend(others.iter().take(2 * SHOWN).cloned());
        if others.len() > 2 * SHOWN {
            finding.diagnostic.notes.push(format!("and {} more", others.len() - 2 * SHOWN));
        }
        found.push(finding);
    }
    found
}

/// Numbers far from the rest of their column.
pub(super) fn of_numbers(training: &Profile, used: &[usize], typed: &BTreeMap<usize, Typed>) -> Vec<Finding> {
    const RANGES: f64 = 10.0;
    const ROWS_MIN: usize = 20;
    let mut far = Vec::new();
    for index in used.iter().filter(|index| matches!(typed[*index].kind, InputKind::Number { .. })) {
        let column = &training.columns[*index];
        let numbers = training.sample.sorted_numbers(*index);
        if numbers.len() < ROWS_MIN {
            continue;
        }
        let (low, high) = (numbers[numbers.len() / 4], numbers[numbers.len() * 3 / 4]);
        let reach = RANGES * (high - low);
        let (value, place) = if column.greatest > high + reach {
            (column.greatest, column.greatest_at)
        } else if column.least < low - reach {
            (column.least, column.least_at)
        } else {
            continue;
        };
        if reach > 0.0 {
            let middle = format!("half of the rows lie from {} to {}", figure(low), figure(high));
            far.push(format!("{}: {} in {}; {middle}", quoted(&column.name), figure(value), place.words()));
        }
    }
    if far.is_empty() {
        return Vec::new();
    }
    let message = format!("{} with numbers far from the rest", counted(far.len() as u64, "column"));
    let help = "if such a number stands for a missing value, add it to `missing` in `[data]`";
    let mut finding = warning(About::Inputs, Code::UnusualNumbers, at(&training.name), message, help);
    finding.diagnostic.notes.extend(far.iter().take(SHOWN).cloned());
    if far.len() > SHOWN {
        finding.diagnostic.notes.push(format!("and {} more", far.len() - SHOWN));
    }
    vec![finding]
}

/// Cells that do not fit the type of their column.
pub(super) fn of_cells(training: &Profile, used: &[usize], typed: &BTreeMap<usize, Typed>) -> Vec<Finding> {
    let spoilt = used.iter().filter(|index| typed[*index].unusable > 0);
    let finding = |index: &usize| {
        let column = &training.columns[*index];
        let (code, what) = match &typed[index].kind {
            InputKind::Date { .. } => (Code::BadDate, "date"),
            InputKind::Number { .. }
            | InputKind::Category { .. }
            | InputKind::Ordinal { .. }
            | InputKind::Vector { .. }
            | InputKind::Image { .. } => (Code::BadNumber, "number"),
        };
        let example = match (&column.first_text, code) {
            (Some((_, text)), Code::BadNumber) => format!(", such as {}", quoted(text)),
            _ => String::new(),
        };
        let cells = not_fitting(typed[index].unusable, &quoted(&column.name), what);
        let message = format!("{cells}{example}");
        let help =
            "such rows are set aside; correct them, or add what stands for a missing value to `missing` in `[data]`";
        unusable(About::Data, code, place_of_text(&training.name, column), message, help)
    };
    spoilt.map(finding).collect()
}

/// Columns of dates, by which the rows could be divided.
pub(super) fn of_dates(
    file: &str,
    columns: &[ColumnProfile],
    used: &[usize],
    typed: &BTreeMap<usize, Typed>,
) -> Vec<Finding> {
    let dates: Vec<&str> = used
        .iter()
        .filter(|index| matches!(typed[*index].kind, InputKind::Date { .. }))
        .map(|index| columns[*index].name.as_str())
        .collect();
    if dates.is_empty() {
        return Vec::new();
    }
    let message = format!("the rows have dates: {}", named(dates.iter().copied(), SHOWN));
    let help = "if the program is to answer about later days, divide by time: `split = { time = \"…\" }`";
    vec![warning(About::Data, Code::DatedRows, at(file), message, help)]
}

/// Rows of one file that repeat others.
pub(super) fn of_repeats(profile: &Profile, repeats: Repeats, is_divided: bool) -> Option<Finding> {
    if repeats.repeated == 0 {
        return None;
    }
    let about = if repeats.exact { "" } else { "about " };
    let share = percent(repeats.repeated, profile.rows);
    let contrary = match repeats.contrary {
        0 => String::new(),
        count => format!(", {count} of them with another answer"),
    };
    let different = profile.rows.saturating_sub(repeats.repeated);
    if repeats.repeated > different {
        let rows = counted(profile.rows, "row");
        let mut message = format!("{rows} hold only {about}{different} different inputs");
        if repeats.contrary > 0 {
            message = format!("{message}; {} differ in their answer from an equal one", repeats.contrary);
        }
        let help = "more columns would tell the rows apart";
        return Some(warning(About::Data, Code::RepeatedRows, at(&profile.name), message, help));
    }
    let rows = counted(repeats.repeated, "row");
    let message = format!("{about}{rows} ({share}) are equal to an earlier one in all inputs{contrary}");
    let help = match is_divided {
        true => "if they were repeated by mistake, remove them: a row that is learnt from must not be tested",
        false => "if they were repeated by mistake, remove them",
    };
    Some(warning(About::Data, Code::RepeatedRows, at(&profile.name), message, help))
}

/// Rows of one file that stand in that of training as well.
pub(super) fn of_shared(profile: &Profile, training: &Profile, (count, exact): (u64, bool)) -> Option<Finding> {
    if count == 0 {
        return None;
    }
    let about = if exact { "" } else { "about " };
    let share = percent(count, profile.rows);
    let message =
        format!("{about}{} ({share}) have the same inputs as one of {}", counted(count, "row"), quoted(&training.name));
    let help = "a row that is learnt from says nothing in a test: remove them from one of the files";
    Some(warning(About::Data, Code::RepeatedRows, at(&profile.name), message, help))
}

/// `1 cell of … is no number`, `2 cells of … are no numbers`.
fn not_fitting(count: u64, of: &str, what: &str) -> String {
    match count {
        1 => format!("1 cell of {of} is no {what}"),
        _ => format!("{count} cells of {of} are no {what}s"),
    }
}

fn place_of_text(file: &str, column: &ColumnProfile) -> Place {
    use crate::source::Position;
    match &column.first_text {
        Some((Position::Line(line) | Position::Row(line), _)) => {
            Place::Row { file: file.to_owned(), line: *line, column: Some(column.name.clone()) }
        }
        Some((Position::Whole, _)) | None => at(file),
    }
}
