//! Rows that a finished program is run on: tables, JSON lines, pictures, a stream.

use std::io::Read;
use std::path::Path;

use tacit_data::source::{self, Cell, Fault, Header, Row, RowPlace, Source, SourceKind, SourceOptions, image};
use tacit_data::{Converter, Dataset, source_options};
use tacit_spec::report::quoted;
use tacit_spec::suggest::nearest;
use tacit_spec::{Code, Diagnostic, Dialect, Place};

use crate::interface::{InputInterface, Interface};

/// Rows as they come.
pub struct Rows {
    source: Source,
    inputs: Vec<RowInput>,
    row: Row,
}

/// One row: where it stands, and the values of each input, or all that is wrong with them.
pub struct RunRow {
    pub place: RowPlace,
    pub inputs: Result<Vec<Vec<f32>>, Vec<Fault>>,
}

/// How one input is found in a row.
struct RowInput {
    name: String,
    width: usize,
    /// By its columns.
    columns: Converter,
    /// In JSON lines also by its own name, as one value.
    whole: Option<(usize, Converter)>,
}

impl Rows {
    /// Opens a table, a folder of pictures or a single one. The dialect is that of the data that the program was built
    /// from.
    ///
    /// # Errors
    /// It cannot be read, or lacks a column that the program needs.
    pub fn open(interface: &Interface, dialect: &Dialect, path: &Path) -> Result<Rows, Vec<Diagnostic>> {
        let is_picture = image::is_named_as_picture(path) && path.is_file();
        let kind = if is_picture { SourceKind::ImageFolder } else { source::kind_of(path)? };
        let options = SourceOptions { kind: Some(kind), ..options(interface, dialect) };
        let options = if kind == SourceKind::JsonLines { json_options(interface, options) } else { options };
        let folder = path.parent().unwrap_or(Path::new("."));
        Rows::new(interface, source::open(path, &options)?, folder)
    }

    /// Reads a stream of CSV or JSON lines.
    ///
    /// # Errors
    /// As [`Rows::open`].
    pub fn from_reader(
        interface: &Interface,
        dialect: &Dialect,
        name: &str,
        kind: SourceKind,
        reader: Box<dyn Read + Send>,
    ) -> Result<Rows, Vec<Diagnostic>> {
        let options = options(interface, dialect);
        let options = if kind == SourceKind::JsonLines { json_options(interface, options) } else { options };
        Rows::new(interface, source::from_reader(name, kind, reader, &options)?, Path::new("."))
    }

    fn new(interface: &Interface, source: Source, folder: &Path) -> Result<Rows, Vec<Diagnostic>> {
        let columns = source.columns();
        let position = |name: &str| columns.iter().position(|column| column == name);
        let mut diagnostics = Vec::new();
        let mut inputs = Vec::new();
        for input in &interface.inputs {
            let labels = Some(&input.labels[..]);
            // Pictures from a folder stand in a column of their own, whatever they were called in a table.
            let of_folder = source.kind() == SourceKind::ImageFolder && input.takes_pictures();
            let column = |column: &String| position(if of_folder { IMAGE_COLUMN } else { column });
            let found: Vec<Option<usize>> = input.columns.iter().map(column).collect();
            if let Some(missing) = found.iter().position(Option::is_none) {
                diagnostics.push(no_column(&source, input, &input.columns[missing]));
                continue;
            }
            let found = found.into_iter().flatten().collect();
            let by_name = position(&input.name).filter(|_| source.kind() == SourceKind::JsonLines);
            inputs.push(RowInput {
                name: input.name.clone(),
                width: input.values(),
                columns: Converter::new(&input.input(), found, labels, folder),
                whole: by_name.map(|at| (at, Converter::new(&input.input(), vec![at], labels, folder))),
            });
        }
        match diagnostics.is_empty() {
            true => Ok(Rows { source, inputs, row: Row::default() }),
            false => Err(diagnostics),
        }
    }

    /// The names of the columns, and the cells of the last row.
    pub fn cells(&self) -> (&[String], &[Cell]) {
        (self.source.columns(), &self.row.cells)
    }
}

impl Iterator for Rows {
    type Item = RunRow;

    fn next(&mut self) -> Option<RunRow> {
        match self.source.next(&mut self.row) {
            Ok(false) => None,
            Err(fault) => Some(RunRow { place: fault.place.clone(), inputs: Err(vec![*fault]) }),
            Ok(true) => {
                let columns = self.source.columns();
                let (mut values, mut faults) = (Vec::new(), Vec::new());
                for input in &mut self.inputs {
                    let mut numbers = vec![0.0; input.width];
                    match input.read(&self.row.cells, &mut numbers) {
                        Ok(()) => values.push(numbers),
                        Err(found) => faults.extend(found.into_iter().map(|fault| {
                            Fault::new(fault.code, self.row.place.clone(), fault.message, fault.help)
                                .column(&columns[fault.column])
                                .found(fault.found)
                        })),
                    }
                }
                let inputs = if faults.is_empty() { Ok(values) } else { Err(faults) };
                Some(RunRow { place: self.row.place.clone(), inputs })
            }
        }
    }
}

impl RowInput {
    fn read(&mut self, cells: &[Cell], out: &mut [f32]) -> Result<(), Vec<tacit_data::CellFault>> {
        match &mut self.whole {
            Some((at, whole)) if !cells[*at].is_missing() => whole.convert(cells, out),
            Some(_) | None => self.columns.convert(cells, out),
        }
        .map_err(|mut faults| {
            for fault in faults.iter_mut().filter(|fault| fault.code == Code::MissingCell) {
                fault.message = format!("the row has no value for the input {}", quoted(&self.name));
                fault.help = "add it; `tacit inspect` shows what the program needs".to_owned();
            }
            faults
        })
    }
}

/// The column of a folder that holds its pictures.
const IMAGE_COLUMN: &str = "image";

/// New rows are written as those that the program was built from, with the right answers or without.
fn options(interface: &Interface, dialect: &Dialect) -> SourceOptions {
    let answers = interface.outputs.iter().flat_map(|output| output.columns.iter().cloned()).collect();
    SourceOptions { answers, ..source_options(dialect, None) }
}

/// In JSON lines every column of the interface and every input by its name may be a key; other keys are passed over.
fn json_options(interface: &Interface, options: SourceOptions) -> SourceOptions {
    let mut keys: Vec<String> = Vec::new();
    let columns = interface.inputs.iter().flat_map(|input| input.columns.iter().chain([&input.name]));
    columns.for_each(|name| {
        if !keys.contains(name) {
            keys.push(name.clone());
        }
    });
    SourceOptions { header: Header::Given(keys), ignore_other_keys: true, delimiter: None, ..options }
}

fn no_column(source: &Source, input: &InputInterface, column: &str) -> Diagnostic {
    let message = format!(
        "{} has no column {}, which the input {} needs",
        quoted(source.name()),
        quoted(column),
        quoted(&input.name)
    );
    let help = match nearest(column, source.columns().iter().map(String::as_str)) {
        Some(near) => format!("did you mean {}? the program needs the name as it was in its data", quoted(near)),
        None => "`tacit inspect` shows the columns that the program needs".to_owned(),
    };
    Diagnostic::error(Code::ColumnNotFound, Place::File(source.name().to_owned()), message).help(help)
}

/// The names of the inputs whose values lie outside of what the training rows covered.
pub fn outside<'a>(interface: &'a Interface, values: &[Vec<f32>]) -> Vec<&'a str> {
    let pairs = interface.inputs.iter().zip(values);
    pairs.filter(|(input, values)| input.is_outside(values)).map(|(input, _)| input.name.as_str()).collect()
}

/// The raw values of a row of the data, by input.
///
/// # Errors
/// Values that are kept in a file cannot be read.
pub fn values_of(dataset: &Dataset, row: usize) -> std::io::Result<Vec<Vec<f32>>> {
    dataset
        .inputs
        .iter()
        .map(|input| {
            let mut values = vec![0.0; input.width()];
            input.store.gather(&[row], &mut values).map(|()| values)
        })
        .collect()
}
