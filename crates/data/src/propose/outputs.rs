//! What a program answers, by the column of its answers.

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, OutputKind, Place};

use crate::profile::ColumnProfile;
use crate::read::CLASSES_MAX;

use super::columns::{date_format, is_numeric, label_list, mean};
use super::names;
use super::words::{counted, figure};

/// An output of the proposed program.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedOutput {
    pub name: String,
    /// None for an anomaly without answers.
    pub column: Option<String>,
    pub kind: OutputKind,
    /// Spellings in other files, each with the label of the first file that it stands for.
    pub aliases: Vec<(String, String)>,
    /// The classes of a category that are proposed, with their rows.
    pub classes: Vec<(String, u64)>,
    /// What was seen, for a comment.
    pub seen: String,
    /// Why it is of this type, and how to change that; may be empty.
    pub why: String,
}

/// The type that the answers shall have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    Category,
    Number,
}

/// Classes with fewer rows cannot stand in every part.
pub(crate) const CLASS_ROWS_MIN: u64 = 3;
/// Whole numbers with more different values are amounts unless something says that they are classes.
const CLASSES_OF_NUMBERS_MAX: u64 = 10;
/// The same where a name or pictures say so.
const NAMED_CLASSES_MAX: u64 = 1000;
/// Classes are about equally frequent if the commonest has at most so many times the rows of the rarest.
const EVEN_RATIO: u64 = 3;
/// The share of texts with a `;` from which on a column lists labels.
const LISTS_SHARE: f64 = 0.1;

impl ProposedOutput {
    /// The share of the commonest class.
    pub fn majority(&self) -> f64 {
        let greatest = self.classes.iter().map(|(_, rows)| *rows).max().unwrap_or(0);
        greatest as f64 / self.classes.iter().map(|(_, rows)| rows).sum::<u64>().max(1) as f64
    }
}

/// What type the answers in a column have, and why.
///
/// Text is a category. Numbers with fractions are numbers. Of whole numbers, two different ones are classes; more are
/// classes if the column's name says so or the inputs are pictures, or if there are at most ten and they are about
/// equally frequent; else they are amounts.
pub fn answers(column: &ColumnProfile, of_pictures: bool) -> (Answers, &'static str) {
    let distinct = column.values.count();
    if !is_numeric(column) {
        return (Answers::Category, "");
    }
    if column.integers < column.numbers && distinct > 2 {
        return (Answers::Number, "");
    }
    if distinct <= 2 {
        return (Answers::Category, "");
    }
    if of_pictures && distinct <= NAMED_CLASSES_MAX {
        return (Answers::Category, "");
    }
    if names::is_class(&column.name) && distinct <= NAMED_CLASSES_MAX {
        return (Answers::Category, "taken for classes because of its name; for an amount write `type = \"number\"`");
    }
    if distinct <= CLASSES_OF_NUMBERS_MAX && is_even(column) {
        return (
            Answers::Category,
            "taken for classes: few whole numbers, about equally frequent; for an amount write `type = \"number\"`",
        );
    }
    if distinct <= CLASSES_OF_NUMBERS_MAX * 2 {
        return (Answers::Number, "whole numbers, taken for an amount; for classes write `type = \"category\"`");
    }
    (Answers::Number, "")
}

fn is_even(column: &ColumnProfile) -> bool {
    let Some(labels) = column.labels() else { return false };
    let counts = || labels.iter().map(|label| label.count);
    counts().max().unwrap_or(0) <= EVEN_RATIO * counts().min().unwrap_or(0)
}

/// The output for a column of answers; `others` are the same column in the files of other parts, `test_given` says that
/// the test part is one of them.
///
/// # Errors
/// The column holds nothing that could be answered.
pub(crate) fn output(
    file: &str,
    column: &ColumnProfile,
    others: &[&ColumnProfile],
    wish: Option<Answers>,
    of_pictures: bool,
) -> Result<ProposedOutput, Diagnostic> {
    let name = names::usable_name(&column.name).unwrap_or_else(|| "answer".to_owned());
    let refused = |code: Code, message: String, help: &str| {
        Err(Diagnostic::error(code, Place::File(file.to_owned()), message).help(help))
    };
    let of = quoted(&column.name);
    let choose = "choose the column that holds the right answers with `--target`";
    if column.present() == 0 {
        return refused(Code::UnusableTarget, format!("every cell of {of} is missing"), choose);
    }
    if column.name.is_empty() || column.name.contains('*') {
        let message = format!("the target {of} has a name that the manifest cannot hold");
        return refused(Code::UnusableTarget, message, "give the column a name without `*`");
    }
    if column.pictures > 0 || column.lists > 0 {
        return refused(Code::UnusableTarget, format!("{of} holds pictures or lists, not answers"), choose);
    }
    let proposed = |kind, classes, seen, why: &str| {
        let (column, why) = (Some(column.name.clone()), why.to_owned());
        Ok(ProposedOutput { name: name.clone(), column, kind, aliases: Vec::new(), classes, seen, why })
    };
    if column.texts > 0 && column.with_semicolon as f64 >= LISTS_SHARE * column.present() as f64 && wish.is_none() {
        let kind = OutputKind::Labels { labels: None, separator: Some(";".to_owned()) };
        let seen = "several labels in a cell, with `;` between them".to_owned();
        return proposed(kind, Vec::new(), seen, "");
    }
    let (usual, why) = answers(column, of_pictures);
    let (answers, why) = (wish.unwrap_or(usual), if wish.is_some() { "" } else { why });
    if answers == Answers::Number {
        if column.numbers == 0 {
            let text = column.first_text.as_ref().map_or("", |(_, text)| text.as_str());
            return refused(Code::UnusableTarget, format!("{of} holds no numbers but {}", quoted(text)), choose);
        }
        if column.least == column.greatest {
            return refused(Code::OneClass, format!("{of} is always {}", figure(column.least)), choose);
        }
        let (least, greatest) = (figure(column.least), figure(column.greatest));
        let seen = format!("{least} to {greatest}, {} on average", figure(mean(column)));
        return proposed(OutputKind::Number, Vec::new(), seen, why);
    }
    if date_format(column).is_some() {
        let help =
            "a program answers with labels or numbers: add a column of days until the date, say, and answer that";
        return refused(Code::UnusableTarget, format!("{of} holds dates"), help);
    }
    let Some(labels) = column.labels().filter(|labels| labels.len() <= CLASSES_MAX) else {
        let message = format!("{of} holds some {} different labels", column.values.count());
        return refused(Code::UnusableTarget, message, choose);
    };
    if let [only] = &labels[..] {
        return refused(Code::OneClass, format!("{of} is always {}", quoted(&only.text)), choose);
    }
    let rows = column.present();
    if 2 * labels.len() as u64 > rows && rows >= 2 * CLASSES_OF_NUMBERS_MAX {
        let message = format!("{of} holds {} different labels in {}", labels.len(), counted(rows, "row"));
        return refused(Code::UnusableTarget, message, choose);
    }
    let classes: Vec<(String, u64)> = labels
        .iter()
        .filter(|label| label.count >= CLASS_ROWS_MIN)
        .map(|label| (label.text.clone(), label.count))
        .collect();
    if classes.len() < 2 {
        let message = format!("fewer than two labels of {of} have {CLASS_ROWS_MIN} rows or more");
        return refused(Code::UnusableTarget, message, choose);
    }
    let aliases = aliases(&labels.iter().map(|label| label.text.as_str()).collect::<Vec<_>>(), others);
    let is_foreign = |label: &str| {
        let known = classes.iter().any(|(class, _)| class == label);
        !known && !aliases.iter().any(|(alias, _)| alias == label)
    };
    let foreign = others.iter().any(|other| match other.labels() {
        Some(labels) => labels.iter().any(|label| is_foreign(&label.text)),
        None => true,
    });
    let is_listed = classes.len() < labels.len() || foreign;
    let kind =
        OutputKind::Category { classes: is_listed.then(|| classes.iter().map(|(class, _)| class.clone()).collect()) };
    let mut output = proposed(kind, classes, label_list(column), why)?;
    output.aliases = aliases;
    Ok(output)
}

/// Labels of other files that differ from those of the first only in case, white space and marks at the end.
fn aliases(known: &[&str], others: &[&ColumnProfile]) -> Vec<(String, String)> {
    let mut aliases: Vec<(String, String)> = Vec::new();
    for label in others.iter().filter_map(|other| other.labels()).flatten() {
        if known.contains(&label.text.as_str()) || aliases.iter().any(|(alias, _)| *alias == label.text) {
            continue;
        }
        let mut same = known.iter().filter(|known| plain(known) == plain(&label.text));
        if let (Some(meant), None) = (same.next(), same.next()) {
            aliases.push((label.text.clone(), (*meant).to_owned()));
        }
    }
    aliases
}

fn plain(label: &str) -> String {
    let label = label.trim_end_matches(|last: char| last.is_ascii_punctuation() || last.is_whitespace());
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
