//! Which columns of a table are used for what.

use std::collections::HashMap;

use tacit_spec::report::quoted;
use tacit_spec::suggest::nearest;
use tacit_spec::{Code, Columns, Diagnostic, InputKind, OutputKind, Pattern, Specification, SplitMethod};

/// The columns of a source that a specification uses, by their positions.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The columns of each input, in the order of its values.
    pub inputs: Vec<Vec<usize>>,
    /// The columns of each output.
    pub outputs: Vec<Vec<usize>>,
    /// The column that the split goes by.
    pub split: Option<usize>,
    by_name: HashMap<String, usize>,
}

impl Layout {
    /// Finds the columns of inputs, outputs, split and requirements. `name` is the file's, for messages.
    ///
    /// # Errors
    /// Columns that are not there, that are used twice, or that are too few or too many.
    pub fn of(name: &str, columns: &[String], specification: &Specification) -> Result<Layout, Vec<Diagnostic>> {
        let by_name: HashMap<String, usize> = columns.iter().cloned().zip(0..).collect();
        let mut finder = Finder { name, columns, by_name: &by_name, used: HashMap::new(), diagnostics: Vec::new() };
        let inputs: Vec<Vec<usize>> = specification
            .inputs
            .iter()
            .map(|input| {
                let user = format!("the input {}", quoted(&input.name));
                let (found, complete) = finder.find(&input.columns, &user);
                let holds_all = match &input.kind {
                    InputKind::Vector { .. } | InputKind::Image { .. } => {
                        found.len() == 1 || found.len() == input.values()
                    }
                    InputKind::Number { .. }
                    | InputKind::Category { .. }
                    | InputKind::Ordinal { .. }
                    | InputKind::Date { .. } => found.len() == 1,
                };
                if complete && !holds_all {
                    let wanted = format!("{user} takes {} values", input.values());
                    finder.wrong_count(&wanted, &found, &input.columns);
                }
                found
            })
            .collect();
        let outputs = specification
            .outputs
            .iter()
            .map(|output| {
                let user = format!("the output {}", quoted(&output.name));
                let (found, complete) = finder.find(&output.columns, &user);
                let needs_two = matches!(output.kind, OutputKind::Labels { separator: None, .. });
                if complete && needs_two && found.len() < 2 {
                    finder.wrong_count(
                        &format!("{user} takes a column for each of several labels"),
                        &found,
                        &output.columns,
                    );
                }
                found
            })
            .collect();
        let split = match &specification.data.split.method {
            SplitMethod::Grouped { column } | SplitMethod::Time { column } | SplitMethod::Given { column } => {
                finder.one(column)
            }
            SplitMethod::Stratified | SplitMethod::Random => None,
        };
        for requirement in &specification.requirements {
            let of_rows = requirement.rows.iter().flat_map(|rows| rows.columns());
            for column in of_rows.chain(requirement.gap.as_deref()) {
                finder.one(&Pattern { text: column.to_owned(), place: requirement.place.clone() });
            }
        }
        match finder.diagnostics.is_empty() {
            true => Ok(Layout { inputs, outputs, split, by_name }),
            false => Err(finder.diagnostics),
        }
    }

    /// The position of a column that the specification names.
    pub fn position(&self, column: &str) -> usize {
        self.by_name[column]
    }
}

/// How many columns a message lists.
const SHOWN_MAX: usize = 10;

struct Finder<'a> {
    name: &'a str,
    columns: &'a [String],
    by_name: &'a HashMap<String, usize>,
    /// Who uses a column.
    used: HashMap<usize, String>,
    diagnostics: Vec<Diagnostic>,
}

impl Finder<'_> {
    /// The columns that patterns match, and whether all is well with them.
    fn find(&mut self, columns: &Columns, user: &str) -> (Vec<usize>, bool) {
        let (mut all, mut complete) = (Vec::new(), true);
        for pattern in &columns.patterns {
            let found: Vec<usize> = if pattern.text.contains('*') {
                (0..self.columns.len()).filter(|index| pattern.matches(&self.columns[*index])).collect()
            } else {
                self.by_name.get(&pattern.text).copied().into_iter().collect()
            };
            if found.is_empty() {
                complete = false;
                self.diagnostics.push(not_found(self.name, self.columns, pattern));
            }
            if let Some(shared) = found.iter().find(|column| self.used.contains_key(column)) {
                complete = false;
                self.diagnostics.push(shared_column(&self.columns[*shared], &self.used[shared], user, pattern));
            }
            self.used.extend(found.iter().map(|column| (*column, user.to_owned())));
            all.extend(found);
        }
        (all, complete)
    }

    fn one(&mut self, pattern: &Pattern) -> Option<usize> {
        let found = self.by_name.get(&pattern.text).copied();
        if found.is_none() {
            self.diagnostics.push(not_found(self.name, self.columns, pattern));
        }
        found
    }

    fn wrong_count(&mut self, wanted: &str, found: &[usize], columns: &Columns) {
        let message = match found.len() {
            1 => format!("{wanted}, but one column matches"),
            count => format!("{wanted}, but {count} columns match"),
        };
        let names: Vec<String> = found.iter().take(SHOWN_MAX).map(|column| quoted(&self.columns[*column])).collect();
        let more = if found.len() > SHOWN_MAX { ", …" } else { "" };
        let diagnostic = Diagnostic::error(Code::ColumnCount, columns.place.clone(), message)
            .note(format!("the columns are {}{more}", names.join(", ")))
            .help("correct `size`, or the pattern in `columns`");
        self.diagnostics.push(diagnostic);
    }
}

fn not_found(name: &str, columns: &[String], pattern: &Pattern) -> Diagnostic {
    let message = if pattern.text.contains('*') {
        format!("no column of {} matches {}", quoted(name), quoted(&pattern.text))
    } else {
        format!("{} has no column {}", quoted(name), quoted(&pattern.text))
    };
    let help = match nearest(&pattern.text, columns.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {}?", quoted(near)),
        None => {
            let names: Vec<String> = columns.iter().take(SHOWN_MAX).map(|column| quoted(column)).collect();
            let more = if columns.len() > SHOWN_MAX { ", …" } else { "" };
            format!("the columns are {}{more}", names.join(", "))
        }
    };
    Diagnostic::error(Code::ColumnNotFound, pattern.place.clone(), message).help(help)
}

fn shared_column(column: &str, first: &str, second: &str, pattern: &Pattern) -> Diagnostic {
    let users = if first == second { format!("{first} twice") } else { format!("{first} and {second}") };
    let message = format!("the column {} is used for {users}", quoted(column));
    let help = "choose patterns that do not overlap, or name the columns one by one";
    Diagnostic::error(Code::ColumnShared, pattern.place.clone(), message).help(help)
}
