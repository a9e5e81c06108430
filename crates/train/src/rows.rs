//! Rows that a finished program is run on: a table in CSV, or one JSON object a line.

use std::io::{BufRead, Read};

use serde_json::Value;
use tacit_spec::report::quoted;

use crate::artifact::{InputInterface, Interface};
use crate::error::{self, CodedError};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header that names columns, then one row a line.
    Csv,
    /// One JSON object a line, with a field for each input (a number, or lists of numbers) or for each of its columns.
    JsonLines,
}

/// The longest line of JSON, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// Rows as they come.
pub struct Rows<'a> {
    interface: &'a Interface,
    file: String,
    source: Source<'a>,
}

enum Source<'a> {
    Csv { reader: csv::Reader<Box<dyn Read + 'a>>, columns: Vec<Vec<usize>>, width: usize },
    JsonLines { reader: Box<dyn BufRead + 'a>, line: u64 },
    Finished,
}

/// One row: the line at which it begins, from 1, and the values of each input, or what is wrong with them.
pub struct Row {
    pub line: u64,
    pub inputs: Result<Vec<Vec<f32>>, CodedError>,
}

impl<'a> Rows<'a> {
    /// Rows of a file; `name` is for messages.
    ///
    /// # Errors
    /// `E0401` if a table lacks a column that the program needs, `E0403` if it has no header.
    pub fn new(
        interface: &'a Interface,
        name: &str,
        format: Format,
        reader: Box<dyn BufRead + 'a>,
    ) -> Result<Rows<'a>, CodedError> {
        let source = match format {
            Format::Csv => {
                let reader: Box<dyn Read + 'a> = Box::new(reader);
                let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(reader);
                let mut record = csv::StringRecord::new();
                let found = reader.read_record(&mut record).map_err(|e| {
                    CodedError::new(error::ROW_SYNTAX, format!("the header cannot be read: {e}")).at_line(name, 1)
                })?;
                if !found {
                    let message = "the table has no header";
                    let help = "name the columns in the first line, or pass `--json` for JSON lines";
                    return Err(CodedError::new(error::ROW_SYNTAX, message).at_line(name, 1).help(help));
                }
                let header = names(&record);
                let columns = interface.inputs.iter().map(|i| positions(i, &header, name)).collect::<Result<_, _>>()?;
                Source::Csv { reader, columns, width: header.len() }
            }
            Format::JsonLines => Source::JsonLines { reader, line: 0 },
        };
        Ok(Rows { interface, file: name.to_owned(), source })
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        match &mut self.source {
            Source::Finished => None,
            Source::Csv { reader, columns, width } => {
                let mut record = csv::StringRecord::new();
                let line = reader.position().line();
                let inputs = match reader.read_record(&mut record) {
                    Ok(false) => return None,
                    Ok(true) => table_row(&record, self.interface, columns, *width),
                    Err(e) => {
                        if matches!(e.kind(), csv::ErrorKind::Io(_)) {
                            self.source = Source::Finished;
                        }
                        Err(CodedError::new(error::ROW_SYNTAX, format!("the row cannot be read: {e}")))
                    }
                };
                let line = record.position().map_or(line, csv::Position::line);
                Some(Row { line, inputs: inputs.map_err(|e| e.at_line(&self.file, line)) })
            }
            Source::JsonLines { reader, line } => loop {
                let mut bytes = Vec::new();
                *line += 1;
                let at = *line;
                let read = reader.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut bytes);
                let fault = match read {
                    Ok(0) => return None,
                    Ok(_) if bytes.trim_ascii().is_empty() => continue,
                    Ok(count) if count as u64 > LINE_BYTES_MAX => Some(CodedError::new(
                        error::TOO_LARGE,
                        format!("the line is longer than {LINE_BYTES_MAX} bytes"),
                    )),
                    Ok(_) => None,
                    Err(e) => Some(CodedError::new(error::UNREADABLE, format!("the line cannot be read: {e}"))),
                };
                let inputs = match fault {
                    Some(fault) => {
                        // What follows is in the middle of nowhere.
                        self.source = Source::Finished;
                        Err(fault)
                    }
                    None => json_row(&bytes, self.interface),
                };
                return Some(Row { line: at, inputs: inputs.map_err(|e| e.at_line(&self.file, at)) });
            },
        }
    }
}

/// The names in the first line of a CSV file; none if it cannot be read.
pub fn header(bytes: &[u8]) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(bytes);
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => names(&record),
        Ok(false) | Err(_) => Vec::new(),
    }
}

fn names(record: &csv::StringRecord) -> Vec<String> {
    record.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect()
}

fn positions(input: &InputInterface, header: &[String], file: &str) -> Result<Vec<usize>, CodedError> {
    let position = |column: &String| {
        header.iter().position(|name| name == column).ok_or_else(|| {
            let message = format!("the table has no column {}, which the input `{}` needs", quoted(column), input.name);
            CodedError::new(error::FIELD_MISSING, message)
                .at_line(file, 1)
                .help("`tacit inspect` shows the columns of the interface")
        })
    };
    input.columns.iter().map(position).collect()
}

fn table_row(
    record: &csv::StringRecord,
    interface: &Interface,
    columns: &[Vec<usize>],
    width: usize,
) -> Result<Vec<Vec<f32>>, CodedError> {
    if record.len() != width {
        let message = format!("the row has {} cells, and the header {width}", record.len());
        return Err(CodedError::new(error::ROW_SYNTAX, message));
    }
    let cell = |input: &InputInterface, k: usize, at: usize| {
        let text = record[at].trim();
        let number = text.parse::<f32>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| not_a_number(&input.columns[k], &quoted(text)))
    };
    let inputs = interface.inputs.iter().zip(columns);
    inputs.map(|(input, at)| at.iter().enumerate().map(|(k, at)| cell(input, k, *at)).collect()).collect()
}

fn json_row(bytes: &[u8], interface: &Interface) -> Result<Vec<Vec<f32>>, CodedError> {
    let row: Value = serde_json::from_slice(bytes)
        .map_err(|e| CodedError::new(error::ROW_SYNTAX, format!("the line is not JSON: {e}")))?;
    let Value::Object(row) = row else {
        return Err(CodedError::new(error::ROW_SYNTAX, "the line is not a JSON object")
            .help("write one object a line, with a field for each input"));
    };
    let input = |input: &InputInterface| {
        let mut values = Vec::with_capacity(input.columns.len());
        match row.get(&input.name) {
            Some(value) => flatten(value, &input.name, &mut values)?,
            None => {
                for column in &input.columns {
                    let value = row.get(column).ok_or_else(|| {
                        let message = format!("the row has neither `{}` nor {}", input.name, quoted(column));
                        CodedError::new(error::FIELD_MISSING, message).help(format!(
                            "add `{}` with its {} values",
                            input.name,
                            input.columns.len()
                        ))
                    })?;
                    values.push(number(value, column)?);
                }
            }
        }
        if values.len() != input.columns.len() {
            let message = format!("`{}` has {} values, not {}", input.name, values.len(), input.columns.len());
            return Err(CodedError::new(error::FIELD_VALUE, message));
        }
        Ok(values)
    };
    interface.inputs.iter().map(input).collect()
}

/// The numbers of nested lists, in order. JSON has been read with a limit of depth.
fn flatten(value: &Value, name: &str, out: &mut Vec<f32>) -> Result<(), CodedError> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| flatten(item, name, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            out.push(number(value, name)?);
            Ok(())
        }
    }
}

fn number(value: &Value, name: &str) -> Result<f32, CodedError> {
    let number = value.as_f64().map(|number| number as f32).filter(|number| number.is_finite());
    number.ok_or_else(|| not_a_number(name, &quoted(&value.to_string())))
}

fn not_a_number(name: &str, value: &str) -> CodedError {
    CodedError::new(error::FIELD_VALUE, format!("{} is not a finite number: {value}", quoted(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::OutputInterface;

    fn interface() -> Interface {
        let input = |name: &str, kind: &str, columns: &[&str]| InputInterface {
            name: name.into(),
            kind: kind.into(),
            shape: vec![columns.len()],
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        };
        Interface {
            inputs: vec![input("pair", "vector", &["a", "b"]), input("age", "number", &["years"])],
            output: OutputInterface { name: "y".into(), classes: None, column: "y".into() },
        }
    }

    /// The line of a row, and its inputs or the code of what is wrong with them.
    type Read = (u64, Result<Vec<Vec<f32>>, &'static str>);

    fn read(format: Format, text: &str) -> Vec<Read> {
        let interface = interface();
        let rows = match Rows::new(&interface, "rows", format, Box::new(text.as_bytes())) {
            Ok(rows) => rows,
            Err(e) => return vec![(0, Err(e.code))],
        };
        rows.map(|row| (row.line, row.inputs.map_err(|e| e.code))).collect()
    }

    #[test]
    fn tables_are_read_by_the_names_of_their_columns() {
        let good = |a, b, years| Ok(vec![vec![a, b], vec![years]]);
        assert_eq!(
            read(Format::Csv, "\u{feff}years, b,other,a\n30,2,x,1\n31,nan,x,1\n32,2,x\n33,4,,3\n"),
            [
                (2, good(1.0, 2.0, 30.0)),
                (3, Err(error::FIELD_VALUE)),
                (4, Err(error::ROW_SYNTAX)),
                (5, good(3.0, 4.0, 33.0))
            ]
        );
        assert_eq!(read(Format::Csv, "a,b\n1,2\n"), [(0, Err(error::FIELD_MISSING))]);
        assert_eq!(read(Format::Csv, ""), [(0, Err(error::ROW_SYNTAX))]);
    }

    #[test]
    fn json_lines_hold_inputs_or_their_columns() {
        let good = |a, b, years| Ok(vec![vec![a, b], vec![years]]);
        let text = "{\"pair\":[[1],[2]],\"age\":30}\n\n{\"a\":3,\"b\":4,\"years\":[5]}\n{\"a\":3,\"b\":4,\"years\":5}\n\
                    [1]\n{\"pair\":[1,2,3],\"age\":1}\n{\"pair\":[1,2]}\n{\"pair\":[1,\"x\"],\"age\":1}\nnonsense\n\
                    {\"pair\":[1,1e99],\"age\":1}";
        assert_eq!(
            read(Format::JsonLines, text),
            [
                (1, good(1.0, 2.0, 30.0)),
                (3, Err(error::FIELD_VALUE)),
                (4, good(3.0, 4.0, 5.0)),
                (5, Err(error::ROW_SYNTAX)),
                (6, Err(error::FIELD_VALUE)),
                (7, Err(error::FIELD_MISSING)),
                (8, Err(error::FIELD_VALUE)),
                (9, Err(error::ROW_SYNTAX)),
                (10, Err(error::FIELD_VALUE)),
            ]
        );
    }
}
