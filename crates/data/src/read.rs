//! The data of a specification, read row by row into a [`Dataset`].

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tacit_spec::expression::Predicate;
use tacit_spec::report::quoted;
use tacit_spec::{
    BadRows, Code, DateFormat, Diagnostic, Dialect, OutputKind, Place, Requirement, Specification, SplitMethod,
};

use crate::convert::{CellFault, Converter, Dictionary, missing, number};
use crate::dataset::{
    DataFileSummary, Dataset, GROUPS_MAX, Groups, InputValues, Location, Part, RequirementRows, SplitKeys, Target,
    TargetValues,
};
use crate::dates::parse_date;
use crate::layout::Layout;
use crate::source::{self, Cell, Delimiter, Fault, FaultLog, Header, Position, Row, Source, SourceOptions};
use crate::store::StoreBuilder;

/// The greatest number of classes of a category.
pub const CLASSES_MAX: usize = 1 << 16;

/// What is read, and where what does not fit goes.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The files, each with the part that all its rows belong to, if it is given.
    pub files: Vec<(PathBuf, Option<Part>)>,
    /// The labels of the first file, if it is an idx file whose labels lie under another name than usual.
    pub labels: Option<PathBuf>,
    /// Where values beyond the bound of memory are kept while they are needed.
    pub spool: PathBuf,
    /// Where rows that are set aside are written; nowhere without it.
    pub rejects: Option<PathBuf>,
}

/// The files of a specification whose manifest lies in `folder`.
pub fn data_files(specification: &Specification, folder: &Path) -> Vec<(PathBuf, Option<Part>)> {
    let data = &specification.data;
    let part =
        |file: &Option<tacit_spec::DataFile>, part| file.as_ref().map(|file| (at(folder, &file.path), Some(part)));
    let first = (at(folder, &data.source.path), None);
    let others = [part(&data.validation, Part::Validation), part(&data.test, Part::Test)];
    std::iter::once(first).chain(others.into_iter().flatten()).collect()
}

/// The file of labels that a specification names, whose manifest lies in `folder`.
pub fn labels_file(specification: &Specification, folder: &Path) -> Option<PathBuf> {
    specification.data.labels.as_ref().map(|path| at(folder, path))
}

fn at(folder: &Path, path: &str) -> PathBuf {
    if folder == Path::new(".") { PathBuf::from(path) } else { folder.join(path) }
}

/// How sources are opened for a specification.
pub fn source_options(dialect: &Dialect, labels: Option<PathBuf>) -> SourceOptions {
    let delimiter = Delimiter::ALL.iter().copied().find(|known| char::from(known.byte()) == dialect.delimiter);
    SourceOptions {
        // A comma is what is meant if nothing else is said, and a tab by the name of the file.
        delimiter: delimiter.filter(|delimiter| *delimiter != Delimiter::Comma),
        header: match &dialect.columns {
            Some(names) => Header::Given(names.clone()),
            None => Header::FirstLine,
        },
        missing: dialect.missing.clone(),
        labels,
        ..SourceOptions::default()
    }
}

/// Reads all rows of the files as the specification asks.
///
/// # Errors
/// Files that cannot be read, columns that are not there, and unless bad rows are set aside every kind of thing that is
/// wrong with rows, with the first places it is found at and their number.
pub fn read(specification: &Specification, options: &ReadOptions) -> Result<Dataset, Vec<Diagnostic>> {
    let mut collector: Option<Collector> = None;
    let mut files = Vec::new();
    let mut log = FaultLog::default();
    let mut rejects = Rejects { path: options.rejects.as_deref(), file: None, rows: 0 };
    for (path, part) in &options.files {
        let folder = path.parent().unwrap_or(Path::new("."));
        let labels = options.labels.clone().filter(|_| files.is_empty());
        let open = source_options(&specification.data.dialect, labels);
        let mut source = source::open(path, &open).map_err(with_help)?;
        let layout = Layout::of(source.name(), source.columns(), specification)?;
        let collector = match &mut collector {
            Some(collector) => {
                collector.rebind(specification, &layout, folder);
                collector
            }
            none => none.insert(Collector::new(specification, &layout, folder)),
        };
        let name: Arc<str> = Arc::from(source.name());
        let before = collector.rows;
        collector.read_all(
            specification,
            &layout,
            &mut source,
            files.len() as u32,
            &mut log,
            &mut rejects,
            &options.spool,
        )?;
        let summary = source.finish()?;
        files.push(DataFileSummary { name, hash: summary.hash, part: *part, rows: collector.rows - before });
    }
    let unusable = specification.data.bad_rows == BadRows::Stop && !log.is_empty();
    if unusable {
        return Err(log.diagnostics());
    }
    rejects.close().map_err(|error| rejects.failed(&error))?;
    let Some(collector) = collector else { return Err(vec![no_rows("")]) };
    if collector.rows == 0 {
        // With every row set aside, what is wrong with them is the only thing worth saying.
        return Err(if log.is_empty() { vec![no_rows(&files[0].name)] } else { log.diagnostics() });
    }
    let dataset = collector.finish(specification, files, rejects.rows)?;
    let diagnostics = check(specification, &dataset);
    if diagnostics.is_empty() { Ok(dataset) } else { Err(diagnostics) }
}

/// Files that are named in a manifest are easily looked for in the wrong folder.
fn with_help(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let explain = |diagnostic: Diagnostic| match diagnostic.help {
        None => diagnostic.help("check the path: those in `[data]` are relative to the folder of the manifest"),
        Some(_) => diagnostic,
    };
    found.into_iter().map(explain).collect()
}

fn no_rows(name: &str) -> Diagnostic {
    let message = format!("{} has no rows", quoted(name));
    let help = "add at least three rows: one for each part of the split";
    Diagnostic::error(Code::NoRows, Place::File(name.to_owned()), message).help(help)
}

/// Rows that are set aside, written one JSON object a line.
struct Rejects<'a> {
    path: Option<&'a Path>,
    file: Option<io::BufWriter<std::fs::File>>,
    rows: u64,
}

impl Rejects<'_> {
    fn add(&mut self, faults: &[Fault]) -> io::Result<()> {
        self.rows += 1;
        let Some(path) = self.path else { return Ok(()) };
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                self.file.insert(io::BufWriter::new(std::fs::File::create(partial(path))?))
            }
        };
        let raw = faults.iter().find_map(|fault| fault.raw.as_deref());
        let described: Vec<serde_json::Value> = faults
            .iter()
            .map(|fault| {
                serde_json::json!({
                    "code": fault.code.number(), "message": fault.message, "column": fault.column, "found": fault.found,
                })
            })
            .collect();
        let line = serde_json::json!({
            "file": faults[0].place.file.as_ref(),
            "place": faults[0].place.words(),
            "faults": described,
            "row": raw.map(String::from_utf8_lossy),
        });
        writeln!(file, "{line}")
    }

    /// The file gets its name once it is whole; without rejects none stays from an earlier time.
    fn close(&mut self) -> io::Result<()> {
        let Some(path) = self.path else { return Ok(()) };
        match self.file.take() {
            Some(file) => {
                file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                std::fs::rename(partial(path), path)
            }
            None => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }

    fn failed(&self, error: &io::Error) -> Vec<Diagnostic> {
        let name = self.path.map_or(String::new(), |path| path.display().to_string());
        vec![Diagnostic::io(&name, "write", error).help("free space there, or write the program elsewhere")]
    }
}

impl Drop for Rejects<'_> {
    /// A file that did not become whole is of no use to anybody.
    fn drop(&mut self) {
        if let (Some(_), Some(path)) = (self.file.take(), self.path) {
            let _ = std::fs::remove_file(partial(path));
        }
    }
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

/// What is gathered while rows are read.
struct Collector {
    rows: usize,
    places: Vec<Location>,
    input_hashes: Vec<u64>,
    converters: Vec<Converter>,
    stores: Vec<StoreBuilder>,
    /// The numbers of the row that is being read, by input.
    values: Vec<Vec<f32>>,
    targets: Vec<TargetBuilder>,
    split: SplitBuilder,
    requirements: Vec<RequirementBuilder>,
    memory_bytes: u64,
}

enum TargetBuilder {
    Category {
        dictionary: Dictionary,
        given: bool,
        aliases: HashMap<String, String>,
        ids: Vec<i32>,
    },
    /// Labels that have a column each: (rows, labels).
    Columns {
        values: Vec<bool>,
    },
    Separated {
        dictionary: Dictionary,
        given: bool,
        separator: String,
        sets: Vec<Vec<u32>>,
    },
    Number {
        values: Vec<f32>,
    },
    Anomaly {
        normal: Option<String>,
        values: Vec<bool>,
    },
}

/// What one row says of one output.
enum Answer {
    Id(i32),
    Flags(Vec<bool>),
    Set(Vec<u32>),
    Number(f32),
    Anomalous(bool),
    Unknown,
}

enum SplitBuilder {
    None,
    Groups(Dictionary, Vec<u32>),
    Times(Vec<f64>),
    Parts(Vec<Part>),
}

struct RequirementBuilder {
    selected: Option<Vec<bool>>,
    groups: Option<(Dictionary, Vec<u32>)>,
}

/// How often the memory that is taken is looked at.
const ROWS_BETWEEN_LOOKS: usize = 256;

impl Collector {
    fn new(specification: &Specification, layout: &Layout, folder: &Path) -> Collector {
        let converters: Vec<Converter> = specification
            .inputs
            .iter()
            .zip(&layout.inputs)
            .map(|(input, columns)| Converter::new(input, columns.clone(), None, folder))
            .collect();
        let requirement = |requirement: &Requirement| RequirementBuilder {
            selected: requirement.rows.as_ref().map(|_| Vec::new()),
            groups: requirement.gap.as_ref().map(|_| (Dictionary::growing(), Vec::new())),
        };
        Collector {
            rows: 0,
            places: Vec::new(),
            input_hashes: Vec::new(),
            stores: converters.iter().map(|one| StoreBuilder::new(one.width(), one.gives_bytes())).collect(),
            values: converters.iter().map(|one| vec![0.0; one.width()]).collect(),
            converters,
            targets: specification.outputs.iter().map(TargetBuilder::new).collect(),
            split: match &specification.data.split.method {
                SplitMethod::Stratified | SplitMethod::Random => SplitBuilder::None,
                SplitMethod::Grouped { .. } => SplitBuilder::Groups(Dictionary::growing(), Vec::new()),
                SplitMethod::Time { .. } => SplitBuilder::Times(Vec::new()),
                SplitMethod::Given { .. } => SplitBuilder::Parts(Vec::new()),
            },
            requirements: specification.requirements.iter().map(requirement).collect(),
            memory_bytes: specification.data.memory_bytes,
        }
    }

    /// Goes on with a file whose columns may stand elsewhere.
    fn rebind(&mut self, specification: &Specification, layout: &Layout, folder: &Path) {
        for ((converter, input), columns) in self.converters.iter_mut().zip(&specification.inputs).zip(&layout.inputs) {
            converter.rebind(input, columns.clone(), folder);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is another thing that reading touches")]
    fn read_all(
        &mut self,
        specification: &Specification,
        layout: &Layout,
        source: &mut Source,
        file: u32,
        log: &mut FaultLog,
        rejects: &mut Rejects,
        spool: &Path,
    ) -> Result<(), Vec<Diagnostic>> {
        let set_aside = specification.data.bad_rows == BadRows::SetAside;
        let mut row = Row::default();
        loop {
            let faults = match source.next(&mut row) {
                Ok(false) => return Ok(()),
                Ok(true) => {
                    let found =
                        self.take(specification, layout, &row, file).map_err(|error| spool_failed(spool, &error))?;
                    let columns = source.columns();
                    found.into_iter().map(|fault| row_fault(fault, &row, columns, source.raw())).collect()
                }
                Err(fault) => vec![*fault],
            };
            let Some(first) = faults.first() else {
                self.keep_within(spool).map_err(|error| spool_failed(spool, &error))?;
                continue;
            };
            let is_fatal = first.fatal;
            faults.iter().for_each(|fault| log.add(fault));
            if is_fatal {
                return Err(log.diagnostics());
            }
            if set_aside {
                rejects.add(&faults).map_err(|error| rejects.failed(&error))?;
            }
        }
    }

    /// Takes one row, or nothing of it and all that is wrong with it.
    fn take(
        &mut self,
        specification: &Specification,
        layout: &Layout,
        row: &Row,
        file: u32,
    ) -> io::Result<Vec<CellFault>> {
        let cells = &row.cells;
        let mut faults = Vec::new();
        for (converter, values) in self.converters.iter_mut().zip(&mut self.values) {
            if let Err(found) = converter.convert(cells, values) {
                faults.extend(found);
            }
        }
        let mut answers = Vec::with_capacity(self.targets.len());
        for (target, columns) in self.targets.iter_mut().zip(&layout.outputs) {
            match target.read(cells, columns) {
                Ok(answer) => answers.push(answer),
                Err(found) => faults.push(found),
            }
        }
        let split = match self.split.read(cells, layout.split) {
            Ok(key) => key,
            Err(found) => {
                faults.push(found);
                0.0
            }
        };
        let mut selected = Vec::with_capacity(self.requirements.len());
        for requirement in &specification.requirements {
            match requirement.rows.as_ref().map(|rows| holds(rows, cells, layout)) {
                Some(Ok(holds)) => selected.push(holds),
                Some(Err(found)) => faults.push(found),
                None => selected.push(true),
            }
        }
        if !faults.is_empty() {
            return Ok(faults);
        }
        let mut hash = blake3::Hasher::new();
        for (store, values) in self.stores.iter_mut().zip(&self.values) {
            store.push(values)?;
            values.iter().for_each(|value| {
                hash.update(&value.to_bits().to_le_bytes());
            });
        }
        let digest = hash.finalize();
        self.input_hashes.push(u64::from_le_bytes(*digest.as_bytes().first_chunk().expect("a hash has 32 bytes")));
        for (target, answer) in self.targets.iter_mut().zip(answers) {
            target.push(answer);
        }
        self.split.push(split);
        for ((builder, requirement), holds) in
            self.requirements.iter_mut().zip(&specification.requirements).zip(selected)
        {
            if let Some(rows) = &mut builder.selected {
                rows.push(holds);
            }
            if let (Some((labels, ids)), Some(column)) = (&mut builder.groups, &requirement.gap) {
                let label = cells[layout.position(column)].as_text().unwrap_or_default();
                ids.push(labels.position(&label) as u32);
            }
        }
        self.places.push(match row.place.position {
            Position::Whole => Location::Picture(row.place.file.clone()),
            position @ (Position::Line(_) | Position::Row(_)) => Location::Inside { file, position },
        });
        self.rows += 1;
        Ok(faults)
    }

    /// Moves values into files once they take more memory than they may.
    fn keep_within(&mut self, spool: &Path) -> io::Result<()> {
        if !self.rows.is_multiple_of(ROWS_BETWEEN_LOOKS) {
            return Ok(());
        }
        let taken: u64 = self.stores.iter().map(StoreBuilder::memory_bytes).sum();
        if taken > self.memory_bytes {
            for store in &mut self.stores {
                store.spool(spool)?;
            }
        }
        Ok(())
    }

    fn finish(
        self,
        specification: &Specification,
        files: Vec<DataFileSummary>,
        rejected_rows: u64,
    ) -> Result<Dataset, Vec<Diagnostic>> {
        let mut inputs = Vec::new();
        for ((input, converter), store) in specification.inputs.iter().zip(&self.converters).zip(self.stores) {
            let store = store.finish().map_err(|error| spool_failed(Path::new(""), &error))?;
            inputs.push(InputValues {
                name: input.name.clone(),
                shape: input.shape(),
                store,
                labels: converter.labels().to_vec(),
            });
        }
        let targets = specification.outputs.iter().zip(self.targets);
        let targets = targets.map(|(output, target)| Target {
            name: output.name.clone(),
            values: target.finish(&output.columns.patterns.iter().map(|p| p.text.clone()).collect::<Vec<_>>()),
        });
        let split_keys = match self.split {
            SplitBuilder::None => SplitKeys::None,
            SplitBuilder::Groups(_, ids) => SplitKeys::Groups(ids),
            SplitBuilder::Times(times) => SplitKeys::Times(times),
            SplitBuilder::Parts(parts) => SplitKeys::Parts(parts),
        };
        let groups = |(labels, ids): (Dictionary, Vec<u32>)| {
            let (labels, order) = ordered(labels.labels());
            Groups { labels, ids: ids.into_iter().map(|id| order[id as usize - 1] as u32).collect() }
        };
        let requirement_rows = self
            .requirements
            .into_iter()
            .map(|builder| RequirementRows { selected: builder.selected, groups: builder.groups.map(groups) });
        Ok(Dataset {
            files,
            rows: self.rows,
            places: self.places,
            input_hashes: self.input_hashes,
            inputs,
            targets: targets.collect(),
            split_keys,
            requirement_rows: requirement_rows.collect(),
            rejected_rows,
        })
    }
}

fn spool_failed(spool: &Path, error: &io::Error) -> Vec<Diagnostic> {
    let help = "free space there, or raise `memory` in `[data]`";
    vec![Diagnostic::io(&spool.display().to_string(), "keep values in", error).help(help)]
}

fn row_fault(fault: CellFault, row: &Row, columns: &[String], raw: Option<&[u8]>) -> Fault {
    let built = Fault::new(fault.code, row.place.clone(), fault.message, fault.help)
        .column(&columns[fault.column])
        .found(fault.found);
    match raw {
        Some(raw) => built.raw(raw),
        None => built,
    }
}

fn holds(rows: &Predicate, cells: &[Cell], layout: &Layout) -> Result<bool, CellFault> {
    let text = |column: &str| cells[layout.position(column)].as_text().unwrap_or_default();
    rows.holds(&text).map_err(|column| {
        let column = layout.position(column);
        match number(&cells[column], column, false, None) {
            Err(fault) => fault,
            // What is a number was compared with one, so the comparison itself cannot have failed.
            Ok(_) => missing(column),
        }
    })
}

impl TargetBuilder {
    fn new(output: &tacit_spec::Output) -> TargetBuilder {
        let dictionary = |labels: &Option<Vec<String>>| match labels {
            Some(labels) => (Dictionary::of(labels), true),
            None => (Dictionary::growing(), false),
        };
        match &output.kind {
            OutputKind::Category { classes } => {
                let (dictionary, given) = dictionary(classes);
                let aliases = output.aliases.iter().cloned().collect();
                TargetBuilder::Category { dictionary, given, aliases, ids: Vec::new() }
            }
            OutputKind::Labels { labels, separator: Some(separator) } => {
                let (dictionary, given) = dictionary(labels);
                TargetBuilder::Separated { dictionary, given, separator: separator.clone(), sets: Vec::new() }
            }
            OutputKind::Labels { labels: _, separator: None } => TargetBuilder::Columns { values: Vec::new() },
            OutputKind::Number => TargetBuilder::Number { values: Vec::new() },
            OutputKind::Anomaly { normal, .. } => TargetBuilder::Anomaly { normal: normal.clone(), values: Vec::new() },
        }
    }

    fn read(&mut self, cells: &[Cell], columns: &[usize]) -> Result<Answer, CellFault> {
        match self {
            TargetBuilder::Category { dictionary, given: _, aliases, .. } => {
                let column = columns[0];
                let label = cells[column].as_text().ok_or_else(|| no_answer(column))?;
                let label = aliases.get(label.as_ref()).map_or(label.as_ref(), String::as_str);
                match dictionary.position(label) {
                    0 => Err(unknown_label(label, column, "classes")),
                    position => Ok(Answer::Id(position as i32 - 1)),
                }
            }
            TargetBuilder::Columns { .. } => {
                let flag = |column: &usize| {
                    let text = cells[*column].as_text().ok_or_else(|| no_answer(*column))?;
                    flag(&text).ok_or_else(|| CellFault {
                        code: Code::BadNumber,
                        column: *column,
                        found: text.to_string(),
                        message: format!("{} is neither 0 nor 1", quoted(&text)),
                        help: "write 1 where the label holds, and else 0".to_owned(),
                    })
                };
                columns.iter().map(flag).collect::<Result<_, _>>().map(Answer::Flags)
            }
            TargetBuilder::Separated { dictionary, given: _, separator, .. } => {
                let column = columns[0];
                let listed: Vec<String> = match &cells[column] {
                    Cell::Missing => Vec::new(),
                    Cell::Texts(labels) => labels.clone(),
                    cell @ (Cell::Text(_) | Cell::Number(_) | Cell::Numbers(_) | Cell::Image(_)) => {
                        let text = cell.as_text().ok_or_else(|| no_answer(column))?;
                        text.split(separator.as_str()).map(|label| label.trim().to_owned()).collect()
                    }
                };
                let mut set = Vec::new();
                for label in listed.iter().filter(|label| !label.is_empty()) {
                    match dictionary.position(label) {
                        0 => return Err(unknown_label(label, column, "labels")),
                        position => set.push(position as u32 - 1),
                    }
                }
                Ok(Answer::Set(set))
            }
            TargetBuilder::Number { .. } => {
                let column = columns[0];
                let cell = &cells[column];
                if cell.is_missing() {
                    Err(no_answer(column))
                } else {
                    number(cell, column, false, None).map(Answer::Number)
                }
            }
            TargetBuilder::Anomaly { normal: Some(normal), .. } => {
                let column = columns[0];
                let text = cells[column].as_text().ok_or_else(|| no_answer(column))?;
                Ok(Answer::Anomalous(text.as_ref() != normal.as_str()))
            }
            TargetBuilder::Anomaly { normal: None, .. } => Ok(Answer::Unknown),
        }
    }

    fn push(&mut self, answer: Answer) {
        match (self, answer) {
            (TargetBuilder::Category { ids, .. }, Answer::Id(id)) => ids.push(id),
            (TargetBuilder::Columns { values }, Answer::Flags(flags)) => values.extend(flags),
            (TargetBuilder::Separated { sets, .. }, Answer::Set(set)) => sets.push(set),
            (TargetBuilder::Number { values }, Answer::Number(value)) => values.push(value),
            (TargetBuilder::Anomaly { values, .. }, Answer::Anomalous(value)) => values.push(value),
            (TargetBuilder::Anomaly { .. }, Answer::Unknown) => {}
            (
                TargetBuilder::Category { .. }
                | TargetBuilder::Columns { .. }
                | TargetBuilder::Separated { .. }
                | TargetBuilder::Number { .. }
                | TargetBuilder::Anomaly { .. },
                _,
            ) => panic!("an output gets the kind of answer that it reads"),
        }
    }

    /// `columns` are the names of labels that have one each.
    fn finish(self, columns: &[String]) -> TargetValues {
        match self {
            TargetBuilder::Category { dictionary, given: true, ids, .. } => {
                TargetValues::Category { labels: dictionary.labels().to_vec(), ids }
            }
            TargetBuilder::Category { dictionary, given: false, ids, .. } => {
                let (labels, order) = ordered_used(dictionary.labels(), ids.iter().map(|id| *id as usize));
                TargetValues::Category { labels, ids: ids.into_iter().map(|id| order[id as usize] as i32).collect() }
            }
            TargetBuilder::Columns { values } => TargetValues::Labels { labels: columns.to_vec(), values },
            TargetBuilder::Separated { dictionary, given, sets, .. } => {
                let (labels, order) = match given {
                    true => (dictionary.labels().to_vec(), (0..dictionary.labels().len()).collect()),
                    false => {
                        let used = sets.iter().flatten().map(|label| *label as usize);
                        ordered_used(dictionary.labels(), used)
                    }
                };
                let mut values = vec![false; sets.len() * labels.len()];
                for (row, set) in sets.iter().enumerate() {
                    set.iter().for_each(|label| values[row * labels.len() + order[*label as usize]] = true);
                }
                TargetValues::Labels { labels, values }
            }
            TargetBuilder::Number { values } => TargetValues::Number(values),
            TargetBuilder::Anomaly { normal, values } => TargetValues::Anomaly(normal.map(|_| values)),
        }
    }
}

/// A cell without which the row cannot be learnt from.
fn no_answer(column: usize) -> CellFault {
    let help = "fill it, remove the row, or set such rows aside: `bad-rows = \"set-aside\"` in `[data]`".to_owned();
    CellFault { help, ..missing(column) }
}

fn unknown_label(label: &str, column: usize, key: &str) -> CellFault {
    CellFault {
        code: Code::UnknownLabel,
        column,
        found: label.to_owned(),
        message: format!("the label {} is not among the `{key}`", quoted(label)),
        help: format!("add it to `{key}`, or correct the cell"),
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "1" | "1.0" | "true" | "yes" => Some(true),
        "0" | "0.0" | "false" | "no" => Some(false),
        _ => None,
    }
}

impl SplitBuilder {
    /// What a row says, as a number.
    fn read(&mut self, cells: &[Cell], column: Option<usize>) -> Result<f64, CellFault> {
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

    fn push(&mut self, key: f64) {
        match self {
            SplitBuilder::None => {}
            SplitBuilder::Groups(_, ids) => ids.push(key as u32),
            SplitBuilder::Times(times) => times.push(key),
            SplitBuilder::Parts(parts) => parts.push(Part::ALL[key as usize]),
        }
    }
}

/// Labels in order, and the place in it of each by its place before.
fn ordered(labels: &[String]) -> (Vec<String>, Vec<usize>) {
    ordered_used(labels, 0..labels.len())
}

/// Those of the labels that something uses, as [`ordered`]: a row that was set aside may have had others.
fn ordered_used(labels: &[String], used: impl Iterator<Item = usize>) -> (Vec<String>, Vec<usize>) {
    let mut is_used = vec![false; labels.len()];
    used.for_each(|label| is_used[label] = true);
    let mut by_order: Vec<usize> = (0..labels.len()).filter(|label| is_used[*label]).collect();
    by_order.sort_by(|a, b| label_order(&labels[*a], &labels[*b]));
    let mut place = vec![0; labels.len()];
    by_order.iter().enumerate().for_each(|(new, old)| place[*old] = new);
    (by_order.into_iter().map(|old| labels[old].clone()).collect(), place)
}

/// Numbers first, by their value; then text by Unicode code points, which also orders numbers of equal value.
pub fn label_order(a: &str, b: &str) -> std::cmp::Ordering {
    let value = |label: &str| label.parse::<f64>().ok().filter(|value| value.is_finite());
    match (value(a), value(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// What can be told only once all rows are read.
fn check(specification: &Specification, dataset: &Dataset) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let name = &dataset.files[0].name;
    for (output, target) in specification.outputs.iter().zip(&dataset.targets) {
        let labels = match &target.values {
            TargetValues::Category { labels, .. } | TargetValues::Labels { labels, .. } => labels,
            TargetValues::Number(_) | TargetValues::Anomaly(_) => continue,
        };
        let column = output.column().map_or("", |column| column.text.as_str());
        let place = || output.columns.place.clone();
        if let ([only], TargetValues::Category { .. }) = (&labels[..], &target.values) {
            let message = format!("the column {} holds a single class, {}", quoted(column), quoted(only));
            let help = "choose the column that holds the right answers";
            diagnostics.push(Diagnostic::error(Code::OneClass, place(), message).help(help));
        }
        if labels.is_empty() {
            let message = format!("the column {} holds no label at all", quoted(column));
            let help = "choose the column that holds the right answers";
            diagnostics.push(Diagnostic::error(Code::OneClass, place(), message).help(help));
        }
        if labels.len() > CLASSES_MAX {
            let message =
                format!("the column {} has {} classes, more than {CLASSES_MAX}", quoted(column), labels.len());
            let help = "choose another column, or `type = \"number\"`";
            diagnostics.push(Diagnostic::error(Code::TooManyClasses, place(), message).help(help));
        }
        for requirement in specification.requirements.iter().filter(|requirement| requirement.is_about(output)) {
            if let Some(class) = requirement.class.as_ref().filter(|class| !labels.contains(class)) {
                let message =
                    format!("the column {} of {} has no label {}", quoted(column), quoted(name), quoted(class));
                let help = format!("the labels are {}", some_of(labels));
                diagnostics.push(Diagnostic::error(Code::UnknownClass, requirement.place.clone(), message).help(help));
            }
        }
    }
    for (requirement, rows) in specification.requirements.iter().zip(&dataset.requirement_rows) {
        if rows.selected.as_ref().is_some_and(|selected| !selected.contains(&true)) {
            let message = format!("this requirement's `where` selects no row of {}", quoted(name));
            let help = "write the value as it stands in the data";
            diagnostics.push(Diagnostic::error(Code::SliceEmpty, requirement.place.clone(), message).help(help));
        }
        let (Some(column), Some(groups)) = (&requirement.gap, &rows.groups) else { continue };
        let column = quoted(column);
        let message = match groups.labels.len() {
            1 => format!("the column {column} of {} holds a single value", quoted(name)),
            count if count > GROUPS_MAX => {
                format!("the column {column} of {} holds {count} values, more than {GROUPS_MAX}", quoted(name))
            }
            _ => continue,
        };
        let help = "name a column that divides the rows into a few groups";
        diagnostics.push(Diagnostic::error(Code::GapGroups, requirement.place.clone(), message).help(help));
    }
    diagnostics
}

/// The first few of many labels.
fn some_of(labels: &[String]) -> String {
    const SHOWN_MAX: usize = 10;
    let shown: Vec<String> = labels.iter().take(SHOWN_MAX).map(|label| quoted(label)).collect();
    let more = if labels.len() > SHOWN_MAX { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
