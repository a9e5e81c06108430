//! The data of a specification, read row by row into a [`Dataset`].

mod check;
mod rejects;
mod splits;
mod targets;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tacit_spec::expression::Predicate;
use tacit_spec::report::quoted;
use tacit_spec::{BadRows, Code, Diagnostic, Dialect, Place, Requirement, Specification};

use crate::convert::{CellFault, Converter, Dictionary, missing, number};
use crate::dataset::{DataFileSummary, Dataset, Groups, InputValues, Location, Part, RequirementRows, Target};
use crate::layout::Layout;
use crate::source::{self, Cell, Delimiter, Fault, FaultLog, Header, Position, Row, Source, SourceOptions};
use crate::store::StoreBuilder;

use check::check;
use rejects::Rejects;
use splits::SplitBuilder;
pub use targets::label_order;
use targets::{TargetBuilder, ordered};

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
    let named = |known: &Delimiter| Some(char::from(known.byte())) == dialect.delimiter;
    SourceOptions {
        delimiter: Delimiter::ALL.iter().copied().find(named),
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
    let mut rejects = Rejects::at(options.rejects.as_deref());
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
        let columns = source.columns().to_vec();
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
        files.push(DataFileSummary { name, hash: summary.hash, part: *part, columns, rows: collector.rows - before });
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
            split: SplitBuilder::new(&specification.data.split.method),
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
            split_keys: self.split.finish(),
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

/// A cell without which the row cannot be learnt from.
fn no_answer(column: usize) -> CellFault {
    let help = "fill it, remove the row, or set such rows aside: `bad-rows = \"set-aside\"` in `[data]`".to_owned();
    CellFault { help, ..missing(column) }
}
