//! JSON lines: one object a line.
//!
//! The columns are the keys of the first object in their order, or those that the options give. A key that is absent and
//! `null` are missing cells. Numbers stay numbers, except integers of 54 to 64 bits: they become text, so that an
//! identifier keeps its digits. Booleans become the text `true` or `false`; lists of numbers (also nested, if they are as
//! regular as an array) and lists of texts are cells. Objects inside objects are faults, as are keys given twice.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::BufRead as _;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Place};

use super::bytes::{self, ByteStream};
use super::fault::Fault;
use super::row::{Cell, Position, Row, RowPlace};
use super::{Header, SourceOptions};

pub(super) struct JsonLinesReader {
    file: Arc<str>,
    columns: Vec<String>,
    by_name: HashMap<String, usize>,
    missing: Vec<String>,
    ignore_other_keys: bool,
    row_bytes: usize,
    stream: ByteStream,
    /// The line that was read last, from 1.
    line: u64,
    /// That line without its line end.
    raw: Vec<u8>,
    /// The first line was read to find the columns, and is still to be given out.
    waiting: bool,
}

impl JsonLinesReader {
    pub(super) fn new(
        file: Arc<str>,
        stream: ByteStream,
        options: &SourceOptions,
    ) -> Result<JsonLinesReader, Vec<Diagnostic>> {
        let mut reader = JsonLinesReader {
            file,
            columns: Vec::new(),
            by_name: HashMap::new(),
            missing: options.missing.clone(),
            ignore_other_keys: options.ignore_other_keys,
            row_bytes: options.limits.row_bytes,
            stream,
            line: 0,
            raw: Vec::new(),
            waiting: false,
        };
        reader.columns = match &options.header {
            Header::Given(names) => names.clone(),
            Header::FirstLine | Header::Numbered => {
                let names = reader.first_keys(options.limits.columns);
                names.map_err(|fault| vec![fault.diagnostic()])?.ok_or_else(|| {
                    let message = format!("{} is empty", quoted(&reader.file));
                    let diagnostic = Diagnostic::error(Code::NoRows, Place::File(reader.file.to_string()), message);
                    vec![diagnostic.help("give a file that holds examples")]
                })?
            }
        };
        reader.by_name = reader.columns.iter().cloned().zip(0..).collect();
        Ok(reader)
    }

    /// The keys of all objects, in the order in which they are first met; what is no object is passed over.
    pub(super) fn all_keys(file: Arc<str>, stream: ByteStream, options: &SourceOptions) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        let options = SourceOptions { header: Header::Given(Vec::new()), ..options.clone() };
        let Ok(mut reader) = JsonLinesReader::new(file, stream, &options) else { return keys };
        loop {
            match reader.read_line() {
                Ok(true) => {}
                Err(fault) if !fault.fatal => continue,
                Ok(false) | Err(_) => return keys,
            }
            for (key, _) in reader.parse().unwrap_or_default() {
                if keys.len() < options.limits.columns && seen.insert(key.clone()) {
                    keys.push(key);
                }
            }
        }
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(super) fn into_stream(self) -> ByteStream {
        self.stream
    }

    pub(super) fn next(&mut self, row: &mut Row) -> Result<bool, Box<Fault>> {
        if !std::mem::take(&mut self.waiting) && !self.read_line()? {
            return Ok(false);
        }
        row.place.file.clone_from(&self.file);
        row.place.position = Position::Line(self.line);
        row.cells.resize_with(self.columns.len(), Cell::default);
        row.cells.fill(Cell::Missing);
        let mut set = vec![false; self.columns.len()];
        for (place, (key, item)) in self.parse()?.into_iter().enumerate() {
            // Most rows have their keys in the same order.
            let column =
                if self.columns.get(place) == Some(&key) { Some(place) } else { self.by_name.get(&key).copied() };
            let Some(column) = column else {
                if self.ignore_other_keys {
                    continue;
                }
                let message = format!("the key {} is not among the columns", quoted(&key));
                let help = "the columns are the keys of the first object, unless the manifest names them: add the key \
                            there, with `null` if it has no value";
                return Err(Box::new(self.fault(Code::UnknownField, message, help).found(key)));
            };
            if std::mem::replace(&mut set[column], true) {
                let message = format!("the key {} is given twice", quoted(&key));
                return Err(Box::new(self.fault(Code::FieldTwice, message, "keep one of them").found(key)));
            }
            self.set(&mut row.cells[column], item).map_err(|fault| Box::new(fault.column(&key)))?;
        }
        Ok(true)
    }

    /// Turns a value into a cell.
    fn set(&self, cell: &mut Cell, item: Item) -> Result<(), Box<Fault>> {
        *cell = match item {
            Item::Null => Cell::Missing,
            Item::Number(number) => Cell::Number(number),
            Item::Text(text) => {
                cell.set_text(&text, &self.missing);
                return Ok(());
            }
            Item::List(list) => return self.set_list(cell, &list),
            Item::Object => {
                let help = "write its fields as keys of the row: `{\"size\": {\"x\": 1}}` becomes `{\"size_x\": 1}`";
                return Err(Box::new(self.fault(Code::NestedValue, "a cell cannot hold an object", help).found("{…}")));
            }
        };
        Ok(())
    }

    fn set_list(&self, cell: &mut Cell, list: &[Item]) -> Result<(), Box<Fault>> {
        if !list.is_empty() && list.iter().all(|item| matches!(item, Item::Text(_))) {
            let text = |item: &Item| match item {
                Item::Text(text) => text.trim().to_owned(),
                Item::Null | Item::Number(_) | Item::List(_) | Item::Object => String::new(),
            };
            *cell = Cell::Texts(list.iter().map(text).collect());
            return Ok(());
        }
        let mut numbers = Vec::new();
        match flatten(list, &mut numbers) {
            Ok(_) => *cell = Cell::Numbers(numbers),
            Err(Unlisted::Irregular) => {
                let help = "nested lists must be as regular as an array";
                let message = "the lists in this list differ in length";
                return Err(Box::new(self.fault(Code::NestedValue, message, help).found("[…]")));
            }
            Err(Unlisted::Mixed) => {
                let message = "a list holds something else than numbers only or texts only";
                let help = "write lists of numbers (no `null` among them), or lists of texts";
                return Err(Box::new(self.fault(Code::NestedValue, message, help).found("[…]")));
            }
            Err(Unlisted::NotFinite(number)) => {
                let message = format!("`{number}` is not a finite number in 32 bits");
                let help = "write a smaller number, or remove the row";
                return Err(Box::new(self.fault(Code::NotFinite, message, help).found(number.to_string())));
            }
        }
        Ok(())
    }

    /// The keys of the first object; nothing if there is no row.
    fn first_keys(&mut self, columns_max: usize) -> Result<Option<Vec<String>>, Box<Fault>> {
        if !self.read_line()? {
            return Ok(None);
        }
        let mut keys: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        for (key, _) in self.parse()? {
            // A key given twice is told when the row is read.
            if seen.insert(key.clone()) {
                keys.push(key);
            }
        }
        if keys.is_empty() {
            let help =
                "the keys of the first object are the columns: give it all keys, with `null` where one has no value";
            return Err(Box::new(self.fault(Code::NoHeader, "the first object has no keys", help)));
        }
        if keys.len() > columns_max {
            let message = format!("{} columns are more than {columns_max}", keys.len());
            return Err(Box::new(self.fault(Code::RowTooLarge, message, "write many numbers as one list")));
        }
        self.waiting = true;
        Ok(Some(keys))
    }

    fn parse(&self) -> Result<Vec<(String, Item)>, Box<Fault>> {
        let text = std::str::from_utf8(&self.raw).map_err(|error| {
            let byte = self.raw[error.valid_up_to()];
            let message = format!("the byte `0x{byte:02x}` is not UTF-8");
            let help = "convert the file: `iconv -f latin1 -t utf-8 old.jsonl > new.jsonl`";
            Box::new(self.fault(Code::NotUtf8, message, help).found(format!("0x{byte:02x}")))
        })?;
        let found: Result<Fields, serde_json::Error> = serde_json::from_str(text);
        found.map(|fields| fields.0).map_err(|error| {
            let found = text.trim();
            // The parser counts lines within what it was given, which is one line.
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            let message = format!("this line is not a JSON object: {reason} at character {}", error.column());
            let help = if found.starts_with('[') || found == "{" {
                "write one object a line: `jq -c '.[]' old.json > new.jsonl`, or `jq -c . old.json` for objects over \
                 several lines"
            } else {
                "write one object a line, such as `{\"age\": 39, \"job\": \"clerk\"}`; what is missing is `null`"
            };
            Box::new(self.fault(Code::BadJson, message, help).found(found.chars().take(80).collect::<String>()))
        })
    }

    /// Reads the next line that is not blank; false at the end.
    fn read_line(&mut self) -> Result<bool, Box<Fault>> {
        loop {
            self.raw.clear();
            self.line += 1;
            let mut too_long = false;
            let mut ended = false;
            let mut any = false;
            while !ended {
                let chunk = match self.stream.fill_buf() {
                    Ok(chunk) => chunk,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(error) => {
                        let found = bytes::diagnostic(&self.file, &error);
                        let fault = Fault::new(found.code, self.place(), found.message, found.help.unwrap_or_default());
                        return Err(Box::new(fault.fatal()));
                    }
                };
                if chunk.is_empty() {
                    break;
                }
                any = true;
                let end = chunk.iter().position(|byte| *byte == b'\n');
                let length = end.unwrap_or(chunk.len());
                too_long |= self.raw.len() + length > self.row_bytes;
                if !too_long {
                    self.raw.extend_from_slice(&chunk[..length]);
                }
                ended = end.is_some();
                self.stream.consume(length + usize::from(ended));
            }
            if too_long {
                self.raw.clear();
                let message = format!("this line is longer than {} bytes", self.row_bytes);
                let help = "write one object a line";
                return Err(Box::new(Fault::new(Code::RowTooLarge, self.place(), message, help)));
            }
            if !any {
                return Ok(false);
            }
            if self.raw.last() == Some(&b'\r') {
                self.raw.pop();
            }
            if !self.raw.iter().all(u8::is_ascii_whitespace) {
                return Ok(true);
            }
        }
    }

    fn fault(&self, code: Code, message: impl Into<String>, help: &str) -> Fault {
        Fault::new(code, self.place(), message, help).raw(&self.raw)
    }

    fn place(&self) -> RowPlace {
        RowPlace { file: self.file.clone(), position: Position::Line(self.line) }
    }
}

/// A line's object: its keys in order, those that are there twice included.
struct Fields(Vec<(String, Item)>);

/// A value as far as a cell can hold it.
enum Item {
    Null,
    Number(f64),
    Text(String),
    List(Vec<Item>),
    Object,
}

/// Why a list is no list of numbers.
enum Unlisted {
    Mixed,
    Irregular,
    NotFinite(f64),
}

/// Appends the numbers of nested lists, and gives the shape of the list, which is the same for all lists in it.
fn flatten(list: &[Item], out: &mut Vec<f32>) -> Result<Vec<usize>, Unlisted> {
    let mut shape: Option<Vec<usize>> = None;
    for item in list {
        let inner = match item {
            Item::Number(number) if (*number as f32).is_finite() => {
                out.push(*number as f32);
                Vec::new()
            }
            Item::Number(number) => return Err(Unlisted::NotFinite(*number)),
            Item::List(inner) => flatten(inner, out)?,
            Item::Null | Item::Text(_) | Item::Object => return Err(Unlisted::Mixed),
        };
        match &shape {
            None => shape = Some(inner),
            Some(first) if *first == inner => {}
            Some(_) => return Err(Unlisted::Irregular),
        }
    }
    let mut whole = vec![list.len()];
    whole.extend(shape.unwrap_or_default());
    Ok(whole)
}

/// The greatest integer up to which every integer is a 64-bit floating-point number.
const EXACT_MAX: u64 = 1 << 53;

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Item, E> {
                Ok(Item::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Item, E> {
                Ok(Item::Text(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Item, E> {
                let exact = value.unsigned_abs() <= EXACT_MAX;
                Ok(if exact { Item::Number(value as f64) } else { Item::Text(value.to_string()) })
            }

            fn visit_u64<E>(self, value: u64) -> Result<Item, E> {
                let exact = value <= EXACT_MAX;
                Ok(if exact { Item::Number(value as f64) } else { Item::Text(value.to_string()) })
            }

            fn visit_f64<E>(self, value: f64) -> Result<Item, E> {
                Ok(Item::Number(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Item, E> {
                Ok(Item::Text(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Item, E> {
                Ok(Item::Text(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Item::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
                while map.next_entry::<String, Item>()?.is_some() {}
                Ok(Item::Object)
            }
        }
        deserializer.deserialize_any(Visit)
    }
}
