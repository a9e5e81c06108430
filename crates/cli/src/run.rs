//! `tacit run`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::ser::{SerializeMap as _, Serializer};
use tacit_spec::Exit;
use tacit_train::artifact::Interface;
use tacit_train::evaluate::Evaluator;
use tacit_train::metrics::argmax;
use tacit_train::rows::{Format, Row, Rows};
use tacit_train::{Artifact, CodedError, error};

use crate::RunArguments;
use crate::output::{Result, coded_json, exec_options, message, written};

/// Rows that are answered together when they come from a file.
const ROWS: usize = 64;

pub fn run(arguments: &RunArguments) -> Result<Exit> {
    let artifact = Artifact::load(&arguments.program)?;
    let from_stdin = arguments.rows == Path::new("-");
    let (name, reader): (String, Box<dyn BufRead>) = match from_stdin {
        true => ("standard input".to_owned(), Box::new(io::stdin().lock())),
        false => {
            let file = File::open(&arguments.rows)
                .map_err(|e| CodedError::io(error::UNREADABLE, "read", &arguments.rows, &e))?;
            (arguments.rows.display().to_string(), Box::new(BufReader::new(file)))
        }
    };
    let is_json = arguments.json || arguments.rows.extension().is_some_and(|extension| extension == "jsonl");
    let format = if is_json { Format::JsonLines } else { Format::Csv };
    // Who writes rows by hand waits for each answer.
    let batch = if from_stdin { 1 } else { ROWS };
    let mut evaluator = Evaluator::new(&artifact.graph, batch, &exec_options()?)?;
    evaluator.set_weights(&artifact.weights)?;
    let order = order_of_inputs(&artifact.interface, &evaluator);
    let mut rows = Rows::new(&artifact.interface, &name, format, reader)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut faults = 0u64;
    loop {
        let chunk: Vec<Row> = rows.by_ref().take(batch).collect();
        if chunk.is_empty() {
            break;
        }
        let good: Vec<&Vec<Vec<f32>>> = chunk.iter().filter_map(|row| row.inputs.as_ref().ok()).collect();
        let width = evaluator.width();
        let answers = evaluator.answer(good.len(), |input, values| {
            for (row, values) in good.iter().zip(values.chunks_exact_mut(row_width(&good, order[input]))) {
                values.copy_from_slice(&row[order[input]]);
            }
        })?;
        let mut answers = answers.chunks_exact(width);
        for row in &chunk {
            let line = match &row.inputs {
                Ok(_) => {
                    let answer = answers.next().expect("every good row has an answer");
                    answer_line(&artifact.interface, row.line, answer)
                }
                Err(fault) => {
                    faults += 1;
                    message(&fault.to_string());
                    serde_json::json!({ "line": row.line, "error": coded_json(fault) }).to_string()
                }
            };
            written(writeln!(out, "{line}"))?;
        }
        if from_stdin {
            written(out.flush())?;
        }
    }
    written(out.flush())?;
    if faults > 0 {
        message(&format!("{faults} rows have no answer"));
        return Ok(Exit::BadInput);
    }
    Ok(Exit::Ok)
}

/// For each input of the evaluator its place in the interface.
fn order_of_inputs(interface: &Interface, evaluator: &Evaluator) -> Vec<usize> {
    let place = |name: &str| interface.inputs.iter().position(|input| input.name == name);
    evaluator.inputs().iter().map(|(name, _)| place(name).expect("a loaded program has its interface")).collect()
}

fn row_width(rows: &[&Vec<Vec<f32>>], input: usize) -> usize {
    rows.first().map_or(1, |row| row[input].len().max(1))
}

/// One answer as a JSON object: the line of the row, the answer by the output's name, and probabilities by label.
fn answer_line(interface: &Interface, line: u64, answer: &[f32]) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    let written = serializer.serialize_map(None).and_then(|mut map| {
        map.serialize_entry("line", &line)?;
        match &interface.output.classes {
            Some(classes) => {
                map.serialize_entry(&interface.output.name, &classes[argmax(answer)])?;
                map.serialize_entry("probabilities", &Labelled { classes, answer })?;
            }
            None => map.serialize_entry(&interface.output.name, &answer[0])?,
        }
        map.end()
    });
    written.expect("text and numbers are always written to memory");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// Numbers by label, in the order of the labels.
struct Labelled<'a> {
    classes: &'a [String],
    answer: &'a [f32],
}

impl serde::Serialize for Labelled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let pairs = self.classes.iter().zip(self.answer);
        serializer.collect_map(pairs)
    }
}
