//! What each row says of the part it belongs to.

use tacit_spec::report::quoted;
use tacit_spec::{Code, DateFormat, SplitMethod};

use super::no_answer;
use crate::convert::{CellFault, Dictionary};
use crate::dataset::{Part, SplitKeys};
use crate::dates::parse_date;
use crate::source::Cell;

/// What the rows say, by the method of the split.
pub(super) enum SplitBuilder {
    None,
    Groups(Dictionary, Vec<u32>),
    Times(Vec<f64>),
    Parts(Vec<Part>),
}

impl SplitBuilder {
    pub(super) fn new(method: &SplitMethod) -> SplitBuilder {
        match method {
            SplitMethod::Stratified | SplitMethod::Random => SplitBuilder::None,
            SplitMethod::Grouped { .. } => SplitBuilder::Groups(Dictionary::growing(), Vec::new()),
            SplitMethod::Time { .. } => SplitBuilder::Times(Vec::new()),
            SplitMethod::Given { .. } => SplitBuilder::Parts(Vec::new()),
        }
    }

    /// What a row says, as a number.
    pub(super) fn read(&mut self, cells: &[Cell], column: Option<usize>) -> Result<f64, CellFault> {
        let Some(column) = column else { return Ok(0.0) };
        let cell = &cells[column];
        let text = cell.as_text().ok_or_else(|| no_answer(column))?;
        match self {
            SplitBuilder::None => Ok(0.0),
            SplitBuilder::Groups(labels, _) => Ok(labels.position(&text) as f64),
            SplitBuilder::Times(_) => match cell.as_number() {
                Ok(number) => Ok(number),
                Err(_) => parse_date(&DateFormat::Iso, &text).map(|moment| moment.order()).ok_or_else(|| CellFault {
                    code: Code::BadDate,
                    column,
                    found: text.to_string(),
                    message: format!("{} is neither a number nor a date, so it has no place in time", quoted(&text)),
                    help: "write dates as in `2026-11-25`, or split by another column".to_owned(),
                }),
            },
            SplitBuilder::Parts(_) => match Part::from_word(&text) {
                Some(part) => Ok(Part::ALL.iter().position(|known| *known == part).unwrap_or_default() as f64),
                None => Err(CellFault {
                    code: Code::UnknownLabel,
                    column,
                    found: text.to_string(),
                    message: format!("{} is not a part of the data", quoted(&text)),
                    help: "write `training`, `validation` or `test`".to_owned(),
                }),
            },
        }
    }

    pub(super) fn push(&mut self, key: f64) {
        match self {
            SplitBuilder::None => {}
            SplitBuilder::Groups(_, ids) => ids.push(key as u32),
            SplitBuilder::Times(times) => times.push(key),
            SplitBuilder::Parts(parts) => parts.push(Part::ALL[key as usize]),
        }
    }
    pub(super) fn finish(self) -> SplitKeys {
        match self {
            SplitBuilder::None => SplitKeys::None,
            SplitBuilder::Groups(_, ids) => SplitKeys::Groups(ids),
            SplitBuilder::Times(times) => SplitKeys::Times(times),
            SplitBuilder::Parts(parts) => SplitKeys::Parts(parts),
        }
    }
}
