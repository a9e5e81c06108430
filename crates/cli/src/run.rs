//! `tacit run`.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use serde::ser::{SerializeMap as _, Serializer};
use tacit_data::source::{RowPlace, SourceKind};
use tacit_spec::{Dialect, Exit};
use tacit_train::Artifact;
use tacit_train::evaluate::Evaluator;
use tacit_train::interface::{Interface, OutputType};
use tacit_train::metrics::{LABEL_ABOVE, argmax};
use tacit_train::rows::{Rows, RunRow, outside};

use crate::RunArguments;
use crate::output::{Result, exec_options, message, written};

/// Rows that are answered together when they come from a file.
const ROWS: usize = 64;

pub fn run(arguments: &RunArguments) -> Result<Exit> {
    let artifact = Artifact::load(&arguments.program)?;
    let dialect = artifact.specification()?.data.dialect;
    let stdin = Path::new("-");
    let sources: Vec<PathBuf> = match arguments.rows.is_empty() {
        true => vec![stdin.to_owned()],
        false => arguments.rows.clone(),
    };
    // Who writes rows by hand waits for each answer.
    let batch = if sources.iter().any(|source| source == stdin) || sources.len() > 1 { 1 } else { ROWS };
    let mut evaluator = Evaluator::new(&artifact.graph, batch, &exec_options()?)?;
    evaluator.set_weights(&artifact.weights)?;
    let mut runner = Runner {
        interface: &artifact.interface,
        order: order_of_inputs(&artifact.interface, &evaluator),
        evaluator,
        out: BufWriter::new(io::stdout().lock()),
        names_files: sources.len() > 1,
        faults: 0,
    };
    for source in &sources {
        let rows = match source == stdin {
            true => stdin_rows(&artifact.interface, &dialect, arguments.json)?,
            false => Rows::open(&artifact.interface, &dialect, source)?,
        };
        runner.answer_all(rows, batch)?;
    }
    written(runner.out.flush())?;
    if runner.faults > 0 {
        let (rows, have) = if runner.faults == 1 { ("row", "has") } else { ("rows", "have") };
        message(&format!("{} {rows} {have} no answer", runner.faults));
        return Ok(Exit::BadInput);
    }
    Ok(Exit::Ok)
}

fn stdin_rows(interface: &Interface, dialect: &Dialect, is_json: bool) -> Result<Rows> {
    if io::stdin().is_terminal() {
        message("reading rows from the terminal; end with ctrl-D");
    }
    let kind = if is_json { SourceKind::JsonLines } else { SourceKind::Csv };
    Ok(Rows::from_reader(interface, dialect, "standard input", kind, Box::new(io::stdin()))?)
}

struct Runner<'a> {
    interface: &'a Interface,
    evaluator: Evaluator,
    /// For each input of the evaluator its place in the interface.
    order: Vec<usize>,
    out: BufWriter<io::StdoutLock<'static>>,
    /// Whether answers tell the file that their row comes from.
    names_files: bool,
    faults: u64,
}

impl Runner<'_> {
    fn answer_all(&mut self, mut rows: Rows, batch: usize) -> Result<()> {
        loop {
            let chunk: Vec<RunRow> = rows.by_ref().take(batch).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            self.answer(&chunk)?;
            if batch == 1 {
                written(self.out.flush())?;
            }
        }
    }

    fn answer(&mut self, chunk: &[RunRow]) -> Result<()> {
        let good: Vec<&Vec<Vec<f32>>> = chunk.iter().filter_map(|row| row.inputs.as_ref().ok()).collect();
        let Runner { evaluator, order, .. } = self;
        evaluator.answer(good.len(), |input, values| {
            let width = values.len() / good.len().max(1);
            for (row, values) in good.iter().zip(values.chunks_exact_mut(width.max(1))) {
                values.copy_from_slice(&row[order[input]]);
            }
            Ok(())
        })?;
        let mut place = 0;
        for row in chunk {
            let line = match &row.inputs {
                Ok(inputs) => {
                    let answers = self.answers_of(place, good.len())?;
                    place += 1;
                    answer_line(self.interface, &row.place, self.names_files, inputs, &answers)
                }
                Err(faults) => {
                    self.faults += 1;
                    let diagnostics: Vec<_> = faults.iter().map(|fault| fault.diagnostic()).collect();
                    message(
                        tacit_spec::report::render(&diagnostics, tacit_spec::report::Colour::for_stderr()).trim_end(),
                    );
                    error_line(&row.place, self.names_files, &diagnostics)
                }
            };
            written(writeln!(self.out, "{line}"))?;
        }
        Ok(())
    }

    /// The answers of one row by the outputs of the interface.
    fn answers_of(&self, place: usize, rows: usize) -> Result<Vec<Vec<f32>>> {
        let outputs = self.evaluator.outputs();
        let one = |output: &tacit_train::interface::OutputInterface| {
            let index = outputs.iter().position(|(name, _)| *name == output.name);
            let index = index.expect("a loaded program has its interface");
            let width = outputs[index].1;
            Ok(self.evaluator.output(index, rows)?[place * width..][..width].to_vec())
        };
        self.interface.outputs.iter().map(one).collect()
    }
}

/// For each input of the evaluator its place in the interface.
fn order_of_inputs(interface: &Interface, evaluator: &Evaluator) -> Vec<usize> {
    let place = |name: &str| interface.inputs.iter().position(|input| input.name == name);
    evaluator.inputs().iter().map(|(name, _)| place(name).expect("a loaded program has its interface")).collect()
}

/// One answer as a JSON object: where the row stands, each output's answer by its name, probabilities by label, and the
/// inputs that lie outside of what the training rows covered.
fn answer_line(
    interface: &Interface,
    place: &RowPlace,
    names_file: bool,
    inputs: &[Vec<f32>],
    answers: &[Vec<f32>],
) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    let written = serializer.serialize_map(None).and_then(|mut map| {
        write_place(&mut map, place, names_file)?;
        for (output, answer) in interface.outputs.iter().zip(answers) {
            match output.kind {
                OutputType::Category => map.serialize_entry(&output.name, &output.labels[argmax(answer)])?,
                OutputType::Labels => {
                    let given = output.labels.iter().zip(answer).filter(|(_, p)| **p > LABEL_ABOVE);
                    map.serialize_entry(&output.name, &given.map(|(label, _)| label).collect::<Vec<_>>())?;
                }
                OutputType::Number => map.serialize_entry(&output.name, &answer[0])?,
                OutputType::Anomaly => {
                    let is_anomaly = output.threshold.is_some_and(|threshold| answer[0] > threshold);
                    map.serialize_entry(&output.name, &is_anomaly)?;
                    map.serialize_entry(&named(interface, output, "score"), &answer[0])?;
                }
            }
            if matches!(output.kind, OutputType::Category | OutputType::Labels) {
                let labelled = Labelled { labels: &output.labels, answer };
                map.serialize_entry(&named(interface, output, "probabilities"), &labelled)?;
            }
        }
        let outside = outside(interface, inputs);
        if !outside.is_empty() {
            map.serialize_entry("outside", &outside)?;
        }
        map.end()
    });
    written.expect("text and numbers are always written to memory");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// A key beside an output's answer: by itself where there is one output, else with the output's name.
fn named(interface: &Interface, output: &tacit_train::interface::OutputInterface, key: &str) -> String {
    match interface.outputs.len() {
        1 => key.to_owned(),
        _ => format!("{}-{key}", output.name),
    }
}

fn error_line(place: &RowPlace, names_file: bool, diagnostics: &[tacit_spec::Diagnostic]) -> String {
    let first = &diagnostics[0];
    let mut line = serde_json::Map::new();
    if names_file || matches!(place.position, tacit_data::source::Position::Whole) {
        line.insert("file".into(), place.file.as_ref().into());
    }
    if let Some(number) = number_of(place) {
        line.insert("line".into(), number.into());
    }
    let error = serde_json::json!({ "code": first.code.number(), "message": first.message, "help": first.help });
    line.insert("error".into(), error);
    serde_json::Value::Object(line).to_string()
}

fn write_place<M: serde::ser::SerializeMap>(
    map: &mut M,
    place: &RowPlace,
    names_file: bool,
) -> std::result::Result<(), M::Error> {
    if names_file || number_of(place).is_none() {
        map.serialize_entry("file", place.file.as_ref())?;
    }
    match number_of(place) {
        Some(number) => map.serialize_entry("line", &number),
        None => Ok(()),
    }
}

fn number_of(place: &RowPlace) -> Option<u64> {
    match place.position {
        tacit_data::source::Position::Line(number) | tacit_data::source::Position::Row(number) => Some(number),
        tacit_data::source::Position::Whole => None,
    }
}

/// Numbers by label, in the order of the labels.
struct Labelled<'a> {
    labels: &'a [String],
    answer: &'a [f32],
}

impl serde::Serialize for Labelled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.labels.iter().zip(self.answer))
    }
}
