//! Reads values out of parsed TOML and says precisely what is wrong with those that do not fit.
//!
//! Every accessor returns `None` once it has reported an error (or when an optional key is absent), so reading goes on and
//! all errors are found in one go.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::codes::Code;
use crate::keys;
use crate::report::{Diagnostic, Place, Source, quoted};
use crate::suggest::nearest;

/// The text that is read and the errors found in it so far.
pub(crate) struct Reader {
    pub source: Arc<Source>,
    pub diagnostics: Vec<Diagnostic>,
}

/// A table of the manifest while it is read.
pub(crate) struct Table<'a> {
    pub definition: &'static keys::Table,
    /// How the table is named to the user, such as `[input.image]`.
    pub title: String,
    pub span: Range<usize>,
    entries: &'a DeTable<'a>,
    /// Keys that are there in a wrong spelling, which is reported already.
    misspelt: Vec<&'static str>,
}

/// A value and the name it is known by.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    /// How the value is named to the user: its key, or its place in a list.
    pub name: String,
    pub span: Range<usize>,
    pub value: &'a DeValue<'a>,
}

/// A range of numbers, as it is explained to the user.
#[derive(Clone, Copy)]
pub(crate) struct Interval {
    low: f64,
    low_inclusive: bool,
    high: f64,
    high_inclusive: bool,
}

impl Interval {
    pub const fn closed(low: f64, high: f64) -> Interval {
        Interval { low, low_inclusive: true, high, high_inclusive: true }
    }

    pub const fn open(low: f64, high: f64) -> Interval {
        Interval { low, low_inclusive: false, high, high_inclusive: false }
    }

    /// From `low`, below `high`.
    pub const fn half_open(low: f64, high: f64) -> Interval {
        Interval { low, low_inclusive: true, high, high_inclusive: false }
    }

    /// Above `low`, up to `high`.
    pub const fn half_open_above(low: f64, high: f64) -> Interval {
        Interval { low, low_inclusive: false, high, high_inclusive: true }
    }

    /// Every finite number.
    pub const FINITE: Interval =
        Interval { low: f64::NEG_INFINITY, low_inclusive: false, high: f64::INFINITY, high_inclusive: false };

    /// Anything up to `high`.
    pub const fn to(high: f64) -> Interval {
        Interval { low: f64::NEG_INFINITY, low_inclusive: false, high, high_inclusive: true }
    }

    pub const fn above(low: f64) -> Interval {
        Interval { low, low_inclusive: false, high: f64::INFINITY, high_inclusive: false }
    }

    pub const fn from(low: f64) -> Interval {
        Interval { low, low_inclusive: true, high: f64::INFINITY, high_inclusive: false }
    }

    fn contains(self, value: f64) -> bool {
        let above = if self.low_inclusive { value >= self.low } else { value > self.low };
        let below = if self.high_inclusive { value <= self.high } else { value < self.high };
        value.is_finite() && above && below
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let low = if self.low_inclusive { "at least" } else { "above" };
        let high = if self.high_inclusive { "at most" } else { "below" };
        match (self.low.is_finite(), self.high.is_finite()) {
            (true, true) => write!(f, "{low} {} and {high} {}", self.low, self.high),
            (true, false) => write!(f, "finite and {low} {}", self.low),
            (false, true) => write!(f, "finite and {high} {}", self.high),
            (false, false) => f.write_str("finite"),
        }
    }
}

impl Reader {
    pub fn place(&self, span: &Range<usize>) -> Place {
        Place::Span { source: self.source.clone(), span: span.clone() }
    }

    /// Reports a diagnostic.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// An error at a span, to be completed and pushed.
    pub fn error(&self, code: Code, span: &Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.place(span), message)
    }

    /// The span of a part of a string value, if the string stands in the text as it is (no escapes), else the whole.
    pub fn part(&self, field: &Field, part: Range<usize>) -> Range<usize> {
        let Some(value) = field.value.as_str() else { return field.span.clone() };
        let inside = field.span.start + 1..field.span.end.saturating_sub(1);
        if self.source.text.get(inside.clone()) == Some(value) && part.end <= value.len() {
            inside.start + part.start..inside.start + part.end
        } else {
            field.span.clone()
        }
    }

    fn wrong_type(&mut self, field: &Field, expected: &str, help: String) {
        let message = format!("{} must be {expected}", quoted(&field.name));
        let found = format!("this is {}", type_name(field.value));
        let diagnostic = self.error(Code::WrongType, &field.span, message).label(found).help(help);
        self.push(diagnostic);
    }
}

impl<'a> Table<'a> {
    /// Opens a table and reports the keys it should not have.
    pub fn open(
        reader: &mut Reader,
        definition: &'static keys::Table,
        title: String,
        span: Range<usize>,
        entries: &'a DeTable<'a>,
    ) -> Table<'a> {
        let mut unknown: Vec<&Spanned<_>> = entries
            .iter()
            .map(|(key, _)| key)
            .filter(|key| !definition.keys.iter().any(|known| known.name == key.get_ref().as_ref()))
            .collect();
        unknown.sort_by_key(|key| key.span().start);
        let mut misspelt = Vec::new();
        for key in unknown {
            let names = definition.keys.iter().map(|known| known.name);
            let message = format!("unknown key {} in {}", quoted(key.get_ref()), inside(&title));
            let near = nearest(key.get_ref(), names.clone());
            misspelt.extend(near);
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys here are {}", listed(names)),
            };
            let diagnostic = reader.error(Code::UnknownKey, &key.span(), message).help(help);
            reader.push(diagnostic);
        }
        Table { definition, title, span, entries, misspelt }
    }

    /// The value of a key of this table's definition, if it is there.
    pub fn get(&self, name: &'static str) -> Option<Field<'a>> {
        self.definition(name);
        let value = self.entries.get(name)?;
        Some(Field { name: name.to_owned(), span: value.span(), value: value.get_ref() })
    }

    /// The value of a key; its absence is an error, unless a misspelt key that is reported already was meant for it.
    pub fn require(&self, reader: &mut Reader, name: &'static str) -> Option<Field<'a>> {
        let field = self.get(name);
        if field.is_none() && !self.misspelt.contains(&name) {
            let key = self.definition(name);
            let (missing, help) = if key.value.starts_with('[') && std::ptr::eq(self.definition, &keys::ROOT) {
                (key.value.to_owned(), format!("add a table `{}`", key.value))
            } else {
                (name.to_owned(), format!("add `{name} = …` with {}", key.value))
            };
            let message = format!("{} has no `{missing}`", inside(&self.title));
            let place =
                if self.span.is_empty() { Place::File(reader.source.name.clone()) } else { reader.place(&self.span) };
            reader.push(Diagnostic::error(Code::MissingKey, place, message).help(help));
        }
        field
    }

    /// Reports a key that is there although it means nothing beside what else is written.
    pub fn refuse(&self, reader: &mut Reader, name: &'static str, why: &str) {
        if let Some(field) = self.get(name) {
            let message = format!("`{name}` means nothing here: {why}");
            let diagnostic = reader.error(Code::NotApplicable, &field.span, message).help(format!("remove `{name}`"));
            reader.push(diagnostic);
        }
    }

    fn definition(&self, name: &str) -> &'static keys::Key {
        let found = self.definition.keys.iter().find(|key| key.name == name);
        found.expect("every key that is read is in the table's definition")
    }
}

impl<'a> Field<'a> {
    /// The begin of a line that gives the value.
    fn assigned(&self) -> String {
        quoted(&format!("{} = …", self.name))
    }

    /// A string.
    pub fn string(&self, reader: &mut Reader) -> Option<&'a str> {
        let string = self.value.as_str();
        if string.is_none() {
            reader.wrong_type(self, "a string", format!("write {}", quoted(&format!("{} = \"…\"", self.name))));
        }
        string
    }

    /// A finite number in an interval; integers count as numbers.
    pub fn number(&self, reader: &mut Reader, interval: Interval) -> Option<f64> {
        let number = match self.value {
            // Integers beyond the 64 bits of TOML still have a nearest floating point number.
            DeValue::Integer(integer) => i128::from_str_radix(integer.as_str(), integer.radix()).ok().map(|i| i as f64),
            DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
            DeValue::String(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                reader.wrong_type(self, "a number", format!("write {} with a number {interval}", self.assigned()));
                return None;
            }
        };
        let inside = number.filter(|number| interval.contains(*number));
        if inside.is_none() {
            let message = format!("{} must be {interval}", quoted(&self.name));
            let mut diagnostic = reader.error(Code::OutOfRange, &self.span, message);
            let share = number.is_some_and(|number| number > 1.0 && number <= 100.0 && interval.high == 1.0);
            if let (true, Some(percent)) = (share, number) {
                diagnostic = diagnostic.help(format!("for {percent} % write `{}`", percent / 100.0));
            } else {
                diagnostic = diagnostic.help(format!("choose a value {interval}"));
            }
            reader.push(diagnostic);
        }
        inside
    }

    /// An integer in a range, both ends included.
    pub fn integer(&self, reader: &mut Reader, low: u64, high: u64) -> Option<u64> {
        let DeValue::Integer(integer) = self.value else {
            reader.wrong_type(self, "an integer", format!("write {} with an integer from {low}", self.assigned()));
            return None;
        };
        let value = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let inside = value.and_then(|value| u64::try_from(value).ok()).filter(|value| (low..=high).contains(value));
        if inside.is_none() {
            let message = format!("{} must be from {low} to {high}", quoted(&self.name));
            let help = format!("choose an integer from {low} to {high}");
            let diagnostic = reader.error(Code::OutOfRange, &self.span, message).help(help);
            reader.push(diagnostic);
        }
        inside
    }

    /// `true` or `false`.
    pub fn boolean(&self, reader: &mut Reader) -> Option<bool> {
        let value = self.value.as_bool();
        if value.is_none() {
            reader.wrong_type(self, "a boolean", format!("write `{} = true` or `{} = false`", self.name, self.name));
        }
        value
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, reader: &mut Reader, choices: &[T], name: fn(T) -> &'static str) -> Option<T> {
        let word = self.string(reader)?;
        let found = choices.iter().copied().find(|choice| name(*choice) == word);
        if found.is_none() {
            let names = choices.iter().map(|choice| name(*choice));
            let help = match nearest(word, names.clone()) {
                Some(near) => format!("did you mean {}?", quoted(near)),
                None => format!("choose one of {}", listed(names)),
            };
            let message = format!("{} cannot be {}", quoted(&self.name), quoted(word));
            let diagnostic = reader.error(Code::UnknownValue, &self.span, message).help(help);
            reader.push(diagnostic);
        }
        found
    }

    /// A list, each item named by its place.
    pub fn list(&self, reader: &mut Reader) -> Option<Vec<Field<'a>>> {
        let Some(array) = self.value.as_array() else {
            reader.wrong_type(self, "a list", format!("write `{} = […]`", self.name));
            return None;
        };
        let items = array.iter().enumerate().map(|(index, item)| Field {
            name: format!("{}[{index}]", self.name),
            span: item.span(),
            value: item.get_ref(),
        });
        Some(items.collect())
    }

    /// A table with the keys of a definition.
    pub fn table(&self, reader: &mut Reader, definition: &'static keys::Table, title: String) -> Option<Table<'a>> {
        let Some(entries) = self.value.as_table() else {
            reader.wrong_type(self, "a table", format!("write `{}`", definition.header));
            return None;
        };
        Some(Table::open(reader, definition, title, self.span.clone(), entries))
    }

    /// A table whose keys are names of the user's, in the order of the file.
    pub fn named(&self, reader: &mut Reader, header: &str) -> Option<Vec<Field<'a>>> {
        let Some(entries) = self.value.as_table() else {
            reader.wrong_type(self, "a table", format!("write `{header}`"));
            return None;
        };
        let mut named: Vec<(usize, Field)> = entries
            .iter()
            .map(|(key, value)| {
                let name = key.get_ref().to_string();
                (key.span().start, Field { name, span: value.span(), value: value.get_ref() })
            })
            .collect();
        named.sort_by_key(|(start, _)| *start);
        Some(named.into_iter().map(|(_, field)| field).collect())
    }
}

/// Words as a list for people: `a`, `b`, `c`.
pub(crate) fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(quoted).collect::<Vec<_>>().join(", ")
}

/// A table's title in a sentence: headers in backticks, the manifest as it is.
fn inside(title: &str) -> String {
    if title == keys::ROOT.header { title.to_owned() } else { quoted(title) }
}

fn type_name(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a floating point number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
