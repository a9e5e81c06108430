//! The records of a CSV file: lines taken apart into cells, byte by byte.

use std::io::{self, BufRead as _};

use super::Limits;
use super::bytes::ByteStream;

/// The records of a stream: one at a time, taken apart into its cells.
pub(super) struct Records {
    pub(super) stream: ByteStream,
    delimiter: u8,
    /// The line, from 1, of the next byte.
    line: u64,
    /// The last byte was a CR, so an LF that follows belongs to the same line end.
    after_return: bool,
    /// The line at which the record begins.
    pub(super) begins: u64,
    /// The record as it stands in the file, without its line end.
    pub(super) raw: Vec<u8>,
    /// The cells without their quotes, one after the other.
    pub(super) text: Vec<u8>,
    /// Where in the text each cell ends.
    pub(super) ends: Vec<usize>,
    /// The number of cells, those beyond the limit included.
    pub(super) cells: usize,
    pub(super) flaw: Option<Flaw>,
}

/// What is wrong with the quotes of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Text behind a closing quote, in the cell with this index.
    Stray(usize),
    /// The file ends inside quotes.
    Open,
}

/// Where in a cell the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Only spaces so far.
    Start,
    Bare,
    Quoted,
    /// Just behind a quote in a quoted cell: it closes the cell, or a second one follows.
    Quote,
    /// Behind the closing quote.
    Closed,
}

/// What a call for the next record found.
pub(super) enum Found {
    Record,
    End,
    TooLong,
}

impl Records {
    pub(super) fn new(stream: ByteStream, delimiter: u8) -> Records {
        Records {
            stream,
            delimiter,
            line: 1,
            after_return: false,
            begins: 1,
            raw: Vec::new(),
            text: Vec::new(),
            ends: Vec::new(),
            cells: 0,
            flaw: None,
        }
    }

    /// Reads one record.
    pub(super) fn next(&mut self, limits: &Limits) -> io::Result<Found> {
        self.raw.clear();
        self.text.clear();
        self.ends.clear();
        self.cells = 0;
        self.flaw = None;
        if !self.skip_line_ends()? {
            return Ok(Found::End);
        }
        self.begins = self.line;
        let mut state = State::Start;
        // Where the cell begins in the text.
        let mut start = 0;
        loop {
            let chunk = match self.stream.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                if state == State::Quoted {
                    self.flaw = Some(Flaw::Open);
                }
                end_cell(&self.text, &mut self.ends, &mut self.cells, &mut start, limits);
                return Ok(Found::Record);
            }
            let mut position = 0;
            let mut ended = false;
            while let Some(&byte) = chunk.get(position) {
                if state == State::Quoted {
                    // Everything up to the next quote belongs to the cell.
                    let rest = &chunk[position..];
                    let length = rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len());
                    self.text.extend_from_slice(&rest[..length]);
                    for byte in &rest[..length] {
                        self.line += u64::from(*byte == b'\r' || (*byte == b'\n' && !self.after_return));
                        self.after_return = *byte == b'\r';
                    }
                    position += length;
                    if length < rest.len() {
                        self.after_return = false;
                        state = State::Quote;
                        position += 1;
                    }
                    continue;
                }
                if byte == self.delimiter {
                    end_cell(&self.text, &mut self.ends, &mut self.cells, &mut start, limits);
                    state = State::Start;
                } else if byte == b'\n' || byte == b'\r' {
                    self.line += 1;
                    self.after_return = byte == b'\r';
                    ended = true;
                    break;
                } else {
                    state = match (state, byte) {
                        (State::Start, b'"') => {
                            self.text.truncate(start);
                            State::Quoted
                        }
                        (State::Start, b' ' | b'\t') => {
                            self.text.push(byte);
                            State::Start
                        }
                        (State::Quote, b'"') => {
                            self.text.push(byte);
                            State::Quoted
                        }
                        (State::Quote | State::Closed, b' ' | b'\t') => State::Closed,
                        (State::Quote | State::Closed, _) => {
                            self.flaw.get_or_insert(Flaw::Stray(self.cells));
                            self.text.push(byte);
                            State::Bare
                        }
                        (State::Start | State::Bare | State::Quoted, _) => {
                            self.text.push(byte);
                            State::Bare
                        }
                    };
                }
                position += 1;
            }
            self.raw.extend_from_slice(&chunk[..position]);
            self.stream.consume(position + usize::from(ended));
            if ended {
                end_cell(&self.text, &mut self.ends, &mut self.cells, &mut start, limits);
                return Ok(Found::Record);
            }
            if self.raw.len() > limits.row_bytes {
                return Ok(Found::TooLong);
            }
        }
    }

    /// Passes the line ends in front of a record; false at the end of the stream.
    fn skip_line_ends(&mut self) -> io::Result<bool> {
        loop {
            let chunk = match self.stream.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let Some(&byte) = chunk.first() else { return Ok(false) };
            if byte != b'\n' && byte != b'\r' {
                self.after_return = false;
                return Ok(true);
            }
            self.line += u64::from(byte == b'\r' || !self.after_return);
            self.after_return = byte == b'\r';
            self.stream.consume(1);
        }
    }

    /// A cell's text, trimmed; what is not UTF-8 in it is replaced.
    pub(super) fn cell(&self, index: usize) -> String {
        let start = index.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or_default());
        let end = self.ends.get(index).copied().unwrap_or(start);
        String::from_utf8_lossy(&self.text[start..end]).trim().to_owned()
    }
}

fn end_cell(text: &[u8], ends: &mut Vec<usize>, cells: &mut usize, start: &mut usize, limits: &Limits) {
    *cells += 1;
    *start = text.len();
    if ends.len() < limits.columns {
        ends.push(text.len());
    }
}
