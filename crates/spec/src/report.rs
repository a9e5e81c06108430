//! Diagnostics and how they are shown: as rustc and cargo do for people, as one JSON object a line for programs.
//!
//! A message is lower case, without a full stop, with literals in backticks. It says what is wrong; only the help says
//! how to fix it. Text from files is quoted by [`quoted`], which keeps control characters off the terminal.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Origin, Padding, Renderer, Snippet};
use serde_json::{Value, json};

use crate::codes::Code;

/// What a command's exit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was asked for was done, and the contract is met.
    Ok = 0,
    /// The command did its work, and the program does not meet its contract.
    ContractNotMet = 1,
    /// Wrong usage or bad input: a diagnostic says which.
    BadInput = 2,
}

/// Whether a diagnostic stops the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// A text file that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The file's name as the user gave it.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

/// Where a diagnostic points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At no file: the command line, say.
    Nowhere,
    /// At a file as a whole.
    File(String),
    /// At bytes of a text whose lines are shown.
    Span { source: Arc<Source>, span: Range<usize> },
    /// At a row of a data file, by its line (from 1), and possibly at the column with this name.
    Row { file: String, line: u64, column: Option<String> },
}

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    pub place: Place,
    /// A few words under the underlined text; shown for [`Place::Span`] only.
    pub label: Option<String>,
    pub notes: Vec<String>,
    pub help: Option<String>,
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Never,
    Always,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            place,
            label: None,
            notes: Vec::new(),
            help: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: Code, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, place, message) }
    }

    /// The error of the operating system about a file.
    pub fn io(file: &str, doing: &str, error: &std::io::Error) -> Diagnostic {
        let message = format!("cannot {doing} {}: {error}", quoted(file));
        Diagnostic::error(Code::UnreadableFile, Place::File(file.to_owned()), message)
    }

    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = Some(label.into());
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

impl Source {
    /// The line and column (both from 1, columns in characters) of a byte offset.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        // Bytes 0x80..0xC0 continue a character.
        let column = 1 + before[start..].iter().filter(|&&byte| !(0x80..0xC0).contains(&byte)).count();
        (line, column)
    }
}

impl Colour {
    /// Colours for stderr: only on a terminal, and not where `NO_COLOR` is set (https://no-color.org) or `TERM=dumb`.
    pub fn for_stderr() -> Colour {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        if refused || dumb || !std::io::stderr().is_terminal() { Colour::Never } else { Colour::Always }
    }
}

/// Diagnostics for people, one after another, each followed by an empty line, with their number at the end.
pub fn render(diagnostics: &[Diagnostic], colour: Colour) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&render_one(diagnostic, colour));
        text.push_str("\n\n");
    }
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    if errors > 0 {
        let summary = format!("{errors} error{}", if errors == 1 { "" } else { "s" });
        let numbers: Vec<&str> = Code::ALL
            .iter()
            .filter(|code| diagnostics.iter().any(|diagnostic| diagnostic.code == **code))
            .map(|code| code.number())
            .collect();
        let _ = writeln!(text, "{summary}; `tacit help {}` explains", numbers[0]);
    }
    text
}

/// Diagnostics for programs: one JSON object a line.
///
/// Fields: `code`, `severity`, `message`, `file`, `line` and `column` (from 1), `span` (bytes from and to), `field` (the
/// data column), `notes`, `help`. What does not apply is null.
pub fn render_json(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| format!("{}\n", to_json(diagnostic))).collect()
}

/// Text from a file in backticks: cut at 60 characters, control characters as escapes.
pub fn quoted(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    let mut out = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == CHARACTERS_MAX {
            out.push('…');
            break;
        }
        if character == '\t' {
            // As manifests and JSON write it, so that it can be copied.
            out.push_str("\\t");
        } else if character.is_control() || is_invisible(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out.push('`');
    out
}

/// Marks that reorder or hide text on a terminal.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn render_one(diagnostic: &Diagnostic, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.number());
    let mut group = match &diagnostic.place {
        Place::Nowhere => title.elements(Vec::<Padding>::new()),
        Place::File(file) => title.element(Origin::path(file.as_str())).element(Padding),
        Place::Span { source, span } => {
            let mut annotation = AnnotationKind::Primary.span(span.clone());
            if let Some(label) = &diagnostic.label {
                annotation = annotation.label(label.as_str());
            }
            let snippet = Snippet::source(source.text.as_str()).path(source.name.as_str()).annotation(annotation);
            title.element(snippet)
        }
        Place::Row { file, line, column } => {
            // The renderer prints a line only together with a character column, which a row does not have.
            let field = column.as_ref().map_or(String::new(), |column| format!(", column {}", quoted(column)));
            title.element(Origin::path(format!("{file}:{line}{field}"))).element(Padding)
        }
    };
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

fn to_json(diagnostic: &Diagnostic) -> Value {
    let mut value = json!({
        "code": diagnostic.code.number(),
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": diagnostic.message,
        "label": diagnostic.label,
        "notes": diagnostic.notes,
        "help": diagnostic.help,
        "file": null,
        "line": null,
        "column": null,
        "span": null,
        "field": null,
    });
    match &diagnostic.place {
        Place::Nowhere => {}
        Place::File(file) => value["file"] = json!(file),
        Place::Span { source, span } => {
            let (line, column) = source.line_and_column(span.start);
            value["file"] = json!(source.name);
            value["line"] = json!(line);
            value["column"] = json!(column);
            value["span"] = json!([span.start, span.end]);
        }
        Place::Row { file, line, column } => {
            value["file"] = json!(file);
            value["line"] = json!(line);
            value["field"] = json!(column);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_span() -> Diagnostic {
        let source = Arc::new(Source { name: "Tacit.toml".into(), text: "[goal]\nminimise = 3\n".into() });
        Diagnostic::error(Code::WrongType, Place::Span { source, span: 18..19 }, "`minimise` must be a string")
            .label("this is an integer")
            .note("a goal is named")
            .help("write `minimise = \"cross-entropy\"`")
    }

    #[test]
    fn a_span_is_shown_as_rustc_does() {
        let shown = render(&[at_span()], Colour::Never);
        let expected = "\
error[E0104]: `minimise` must be a string
 --> Tacit.toml:2:12
  |
2 | minimise = 3
  |            ^ this is an integer
  |
  = note: a goal is named
  = help: write `minimise = \"cross-entropy\"`

1 error; `tacit help E0104` explains
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_row_is_shown_by_line_and_column() {
        let place = Place::Row { file: "digits.csv".into(), line: 17, column: Some("p03".into()) };
        let shown =
            render(&[Diagnostic::error(Code::BadNumber, place, "not a number: `x`").help("mend it")], Colour::Never);
        let expected = "\
error[E0205]: not a number: `x`
--> digits.csv:17, column `p03`
 |
 = help: mend it

1 error; `tacit help E0205` explains
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn colours_are_escapes_and_nothing_else_changes() {
        let plain = render(&[at_span()], Colour::Never);
        let coloured = render(&[at_span()], Colour::Always);
        assert!(!plain.contains('\u{1b}') && coloured.contains('\u{1b}'));
    }

    #[test]
    fn json_is_one_object_a_line_with_the_place_counted_from_one() {
        let text = render_json(&[at_span(), Diagnostic::error(Code::UnreadableFile, Place::Nowhere, "gone")]);
        let values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(values.len(), 2);
        assert_eq!((&values[0]["line"], &values[0]["column"]), (&json!(2), &json!(12)));
        assert_eq!(values[0]["code"], "E0104");
        assert_eq!(values[1]["file"], Value::Null);
    }

    #[test]
    fn quoting_keeps_control_characters_off_the_terminal_and_cuts_long_text() {
        assert_eq!(quoted("a\u{1b}[31m"), "`a\\u{1b}[31m`");
        assert_eq!(quoted(&"x".repeat(1000)).chars().count(), 63);
    }
}
