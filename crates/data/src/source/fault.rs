//! Rows that cannot be used, and how many of them are told.

use std::collections::BTreeMap;

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic};

use super::row::RowPlace;

/// How many faults of the same kind are shown.
pub const SHOWN_MAX: usize = 10;

/// One thing that is wrong with one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub code: Code,
    pub place: RowPlace,
    /// The column, if it is about one.
    pub column: Option<String>,
    /// What stands there, unquoted; empty if the place says it all.
    pub found: String,
    pub message: String,
    pub help: String,
    /// The row as it stands in the file, without its line end; formats that are not text have none.
    pub raw: Option<Vec<u8>>,
    /// Nothing behind it can be read.
    pub fatal: bool,
}

/// Faults counted by code; of each code the first few are kept to be shown. It takes little memory however many there are.
#[derive(Clone, Debug, Default)]
pub struct FaultLog {
    kinds: BTreeMap<&'static str, Kind>,
    count: u64,
}

#[derive(Clone, Debug)]
struct Kind {
    first: Diagnostic,
    notes: Vec<String>,
    count: u64,
}

impl Fault {
    pub fn new(code: Code, place: RowPlace, message: impl Into<String>, help: impl Into<String>) -> Fault {
        let (message, help) = (message.into(), help.into());
        Fault { code, place, column: None, found: String::new(), message, help, raw: None, fatal: false }
    }

    pub fn column(mut self, column: &str) -> Fault {
        self.column = Some(column.to_owned());
        self
    }

    pub fn found(mut self, found: impl Into<String>) -> Fault {
        self.found = found.into();
        self
    }

    pub fn raw(mut self, raw: &[u8]) -> Fault {
        self.raw = Some(raw.to_owned());
        self
    }

    pub fn fatal(mut self) -> Fault {
        self.fatal = true;
        self
    }

    /// The fault alone as a diagnostic.
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error(self.code, self.place.to_place(self.column.as_deref()), &self.message).help(&self.help)
    }
}

impl FaultLog {
    pub fn add(&mut self, fault: &Fault) {
        self.count += 1;
        let Some(kind) = self.kinds.get_mut(fault.code.number()) else {
            let kind = Kind { first: fault.diagnostic(), notes: Vec::new(), count: 1 };
            self.kinds.insert(fault.code.number(), kind);
            return;
        };
        kind.count += 1;
        if kind.count <= SHOWN_MAX as u64 {
            let column = fault.column.as_ref().map_or(String::new(), |name| format!(", column {}", quoted(name)));
            let found = if fault.found.is_empty() { String::new() } else { format!(": {}", quoted(&fault.found)) };
            kind.notes.push(format!("{}{column}{found}", fault.place.words()));
        }
    }

    /// The number of faults of all kinds.
    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One diagnostic for each code, in the order of their numbers: the first fault, notes on the next few, and how many
    /// there are.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let diagnostic = |kind: &Kind| {
            let mut diagnostic = kind.first.clone();
            diagnostic.notes.extend(kind.notes.iter().cloned());
            match kind.count {
                1 => diagnostic,
                count => diagnostic.note(format!("{count} in all")),
            }
        };
        self.kinds.values().map(diagnostic).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::row::Position;

    #[test]
    fn of_many_faults_the_first_are_told_and_all_are_counted() {
        let mut log = FaultLog::default();
        for line in 2..22 {
            let place = RowPlace { file: Arc::from("a.csv"), position: Position::Line(line) };
            log.add(&Fault::new(Code::BadNumber, place, "`x` is not a number", "mend it").column("p0").found("x"));
        }
        let place = RowPlace { file: Arc::from("a.csv"), position: Position::Line(9) };
        log.add(&Fault::new(Code::RaggedRow, place, "this row has 3 cells", "mend it"));
        let found = log.diagnostics();
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::RaggedRow, Code::BadNumber]);
        assert_eq!((log.count(), found[0].notes.len(), found[1].notes.len()), (21, 0, 10));
        assert_eq!(found[1].notes[0], "line 3, column `p0`: `x`");
        assert_eq!(found[1].notes[9], "20 in all");
    }
}
