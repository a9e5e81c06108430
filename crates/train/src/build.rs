//! A build as a whole: from a checked specification and its data to an artifact with a measured contract.

use std::path::{Path, PathBuf};

use tacit_data::layout::Layout;
use tacit_data::{
    Dataset, Part, Parts, ReadOptions, Target, TargetValues, data_files, labels_file, read, source, source_options,
    split,
};
use tacit_exec::Options;
use tacit_spec::{Bound, Code, Diagnostic, Place, Specification};

use crate::artifact::{Artifact, DataProvenance, NUMERICS_VERSION, Provenance};
use crate::contract::{Contract, OutputAnswers, contract};
use crate::error::{self, CodedError, Result};
use crate::evaluate::Evaluator;
use crate::interface::{InputInterface, Interface, OutputInterface};
use crate::metrics::Answers;
use crate::prepare::{Prepared, prepare};
use crate::search::{EVALUATION_ROWS, Found};

/// The version of the tool, as it stands in artifacts.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The examples of a specification, divided and ready to be learnt from.
#[derive(Clone, Debug)]
pub struct Examples {
    pub dataset: Dataset,
    pub parts: Parts,
    pub prepared: Prepared,
}

/// Reads the data of a specification whose manifest lies in `folder`, divides it, and fits the encoders. Rows that are set
/// aside, and values that memory has no room for, go beside the program that `output` names.
///
/// # Errors
/// The diagnostics of the data.
pub fn examples(specification: &Specification, folder: &Path, output: &Path) -> Result<Examples> {
    let options = ReadOptions {
        files: data_files(specification, folder),
        labels: labels_file(specification, folder),
        spool: spool_path(output),
        rejects: Some(rejects_path(output)),
    };
    let mut dataset = read(specification, &options)?;
    let parts = split(&dataset, specification)?;
    let prepared = prepare(specification, &mut dataset, &parts)?;
    Ok(Examples { dataset, parts, prepared })
}

/// Where rows that are set aside are written, beside the program.
pub fn rejects_path(output: &Path) -> PathBuf {
    output.with_extension("rejects.jsonl")
}

/// A hash of all that decides the result of a search: a checkpoint of another one is not gone on from.
pub fn build_hash(specification: &Specification, dataset: &Dataset, from_weights: Option<&str>) -> String {
    let mut hasher = blake3::Hasher::new();
    let seed = specification.program.seed.to_string();
    let numerics = NUMERICS_VERSION.to_string();
    let from = from_weights.unwrap_or_default();
    for part in [&specification.searched(), &dataset.hash(), &seed, TOOL_VERSION, &numerics, from] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Measures the contract of what a search found, on the test part, and puts all together; with the answers on that part,
/// by output.
///
/// # Errors
/// The codes of execution.
pub fn assemble(
    specification: &Specification,
    examples: &Examples,
    found: Found,
    from_weights: Option<String>,
    options: &Options,
) -> Result<(Artifact, Vec<Answers>)> {
    let Examples { dataset, parts, prepared } = examples;
    let weights_hash = found.weights_hash();
    let files = data_names(specification);
    let data = dataset.files.iter().zip(files).map(|(file, name)| DataProvenance {
        file: name,
        hash: file.hash.clone(),
        part: file.part.map(|part| part.name().to_owned()),
    });
    let first = &dataset.files[0];
    let layout = Layout::of(&first.name, &first.columns, specification)?;
    let names = |columns: &[usize]| columns.iter().map(|column| first.columns[*column].clone()).collect::<Vec<_>>();
    let inputs = specification.inputs.iter().enumerate().map(|(index, input)| {
        let labels = &dataset.inputs[index].labels;
        InputInterface::of(input, &names(&layout.inputs[index]), labels, &prepared.coverage[index])
    });
    let outputs = specification.outputs.iter().enumerate().map(|(index, output)| {
        let labels = labels_of(&dataset.targets[index]);
        OutputInterface::of(output, &names(&layout.outputs[index]), labels, found.thresholds[index])
    });
    let mut artifact = Artifact {
        name: specification.program.name.clone(),
        interface: Interface { inputs: inputs.collect(), outputs: outputs.collect() },
        contract: Contract::default(),
        provenance: Provenance {
            manifest: specification.source.text.clone(),
            data: data.collect(),
            rejected_rows: dataset.rejected_rows,
            rows: Part::ALL.map(|part| parts.rows(part).len() as u64),
            seed: specification.program.seed,
            learning_rate: found.learning_rate,
            best_step: found.best_step,
            steps: found.steps,
            from_weights,
            tool_version: TOOL_VERSION.to_owned(),
            numerics_version: NUMERICS_VERSION,
            weights_hash,
        },
        graph: found.program,
        weights: found.weights,
    };
    let answers = artifact.answers(dataset, &parts.test, options)?;
    artifact.contract = measured(&artifact, specification, dataset, &parts.test, &answers);
    // The file's size is among the figures, and is known once the file is written.
    artifact.encode();
    Ok((artifact, answers))
}

/// What [`remeasure`] measured.
#[derive(Clone, Debug)]
pub struct Remeasured {
    pub contract: Contract,
    /// The file, and the rows of it that were counted.
    pub file: PathBuf,
    pub rows: usize,
    /// Rows that could not be used.
    pub rejected_rows: u64,
}

/// Measures an artifact's contract again: on the test part of the data that it was built from, which lies where the
/// manifest says relative to `folder`; or on all rows of the file `data`. Values that memory has no room for go beside
/// `output`.
///
/// # Errors
/// `E0308` if the data is no longer what the program was built from, and the diagnostics of the data.
pub fn remeasure(
    artifact: &Artifact,
    folder: &Path,
    data: Option<&Path>,
    output: &Path,
    options: &Options,
) -> Result<Remeasured> {
    let specification = artifact.specification()?;
    let files = match data {
        Some(data) => vec![(data.to_owned(), None)],
        None => data_files(&specification, folder),
    };
    let labels = labels_file(&specification, folder).filter(|_| data.is_none());
    let file = files.last().map(|(path, _)| path.clone()).unwrap_or_default();
    let reading = ReadOptions { files, labels, spool: spool_path(output), rejects: None };
    let mut dataset = read(&specification, &reading)?;
    for (values, input) in dataset.inputs.iter_mut().zip(&artifact.interface.inputs) {
        if matches!(input.kind, crate::interface::InputType::Category) {
            tacit_data::fit::use_vocabulary(values, &input.labels);
        }
    }
    let tested: Vec<usize> = match data {
        Some(_) => (0..dataset.rows).collect(),
        None => {
            let held = artifact.provenance.data.iter().map(|file| &file.hash);
            if !held.eq(dataset.files.iter().map(|file| &file.hash)) {
                let message = "the data is not what the program was built from, so its test rows cannot be told";
                let help = "name rows that the search has not seen with `--data`, or build again";
                return Err(CodedError::new(error::DATA_CHANGED, message).in_file(&file).help(help).into());
            }
            split(&dataset, &specification)?.test
        }
    };
    let answers = artifact.answers(&dataset, &tested, options)?;
    let contract = measured(artifact, &specification, &dataset, &tested, &answers);
    Ok(Remeasured { contract, file, rows: tested.len(), rejected_rows: dataset.rejected_rows })
}

impl Artifact {
    /// The specification that the program was built from, its labels fixed in the program's order.
    ///
    /// # Errors
    /// `E0304` if the manifest in it is none, or does not fit the interface.
    pub fn specification(&self) -> Result<Specification> {
        let broken = |what: &str| CodedError::new(error::CONTENTS, format!("the manifest in the artifact {what}"));
        let parsed = tacit_spec::parse("Tacit.toml", &self.provenance.manifest);
        let mut specification = parsed.map_err(|_| broken("cannot be read"))?;
        let names = |interface: &Interface| {
            let inputs = interface.inputs.iter().map(|input| input.name.clone());
            let outputs = interface.outputs.iter().map(|output| output.name.clone());
            inputs.chain(outputs).collect::<Vec<_>>()
        };
        let inputs = specification.inputs.iter().map(|input| input.name.clone());
        let outputs = specification.outputs.iter().map(|output| output.name.clone());
        if inputs.chain(outputs).collect::<Vec<_>>() != names(&self.interface) {
            return Err(broken("does not fit its interface").into());
        }
        specification.program.seed = self.provenance.seed;
        self.interface.fix(&mut specification);
        Ok(specification)
    }

    /// The answers of each output for rows of a data set, in whose inputs labels mean their positions in the interface.
    ///
    /// # Errors
    /// The codes of execution.
    pub fn answers(&self, dataset: &Dataset, rows: &[usize], options: &Options) -> Result<Vec<Answers>> {
        let mut evaluator = Evaluator::new(&self.graph, EVALUATION_ROWS, options)?;
        evaluator.set_weights(&self.weights)?;
        let thresholds: Vec<Option<f32>> = self.interface.outputs.iter().map(|output| output.threshold).collect();
        evaluator.answers(dataset, rows, &thresholds)
    }
}

/// The contract of a program on answers to rows of a data set.
pub fn measured(
    artifact: &Artifact,
    specification: &Specification,
    dataset: &Dataset,
    rows: &[usize],
    answers: &[Answers],
) -> Contract {
    let selected: Vec<_> = dataset.requirement_rows.iter().map(|one| one.select(rows)).collect();
    let outputs: Vec<OutputAnswers> = artifact
        .interface
        .outputs
        .iter()
        .zip(answers)
        .map(|(output, answers)| OutputAnswers { name: &output.name, labels: &output.labels, answers })
        .collect();
    contract(&specification.requirements, &outputs, &selected, &artifact.costs())
}

/// The labels of a target that has some.
pub fn labels_of(target: &Target) -> &[String] {
    match &target.values {
        TargetValues::Category { labels, .. } | TargetValues::Labels { labels, .. } => labels,
        TargetValues::Number(_) | TargetValues::Anomaly(_) => &[],
    }
}

/// The files as the manifest names them.
fn data_names(specification: &Specification) -> Vec<String> {
    let data = &specification.data;
    let others = [&data.validation, &data.test].into_iter().flatten();
    std::iter::once(&data.source).chain(others).map(|file| file.path.clone()).collect()
}

/// Where values that memory has no room for are kept.
fn spool_path(output: &Path) -> PathBuf {
    crate::files::folder_of(output).join(".tacit")
}

/// The text that a row holds in some columns, for people; found by reading the files again up to the last of them.
///
/// # Errors
/// The file can no longer be read, or has fewer rows.
pub fn rows_as_text(
    specification: &Specification,
    dataset: &Dataset,
    folder: &Path,
    rows: &[usize],
) -> Result<Vec<Vec<(String, String)>>> {
    let mut wanted: Vec<(usize, usize)> = rows.iter().copied().enumerate().map(|(place, row)| (row, place)).collect();
    wanted.sort_unstable();
    let mut found = vec![Vec::new(); rows.len()];
    let mut wanted = wanted.into_iter().peekable();
    let mut next_row = 0;
    for ((path, _), file) in data_files(specification, folder).into_iter().zip(&dataset.files) {
        let end = next_row + file.rows;
        let labels = labels_file(specification, folder).filter(|_| next_row == 0);
        let options = source_options(&specification.data.dialect, labels);
        let mut opened = source::open(&path, &options)?;
        let mut row = source::Row::default();
        while wanted.peek().is_some_and(|(row, _)| *row < end) {
            let position = match opened.next(&mut row) {
                Ok(true) => row.place.clone(),
                Ok(false) => return Err(shrunk(&path).into()),
                // Rows that were set aside are not among those that count.
                Err(fault) if !fault.fatal => continue,
                Err(fault) => return Err(fault.diagnostic().into()),
            };
            if position != dataset.place(next_row) {
                continue;
            }
            if let Some((_, place)) = wanted.next_if(|(row, _)| *row == next_row) {
                let cell = |(name, cell): (&String, &source::Cell)| (name.clone(), cell.describe().into_owned());
                found[place] = opened.columns().iter().zip(&row.cells).map(cell).collect();
            }
            next_row += 1;
        }
        next_row = end;
    }
    Ok(found)
}

fn shrunk(path: &Path) -> Diagnostic {
    let place = Place::File(path.display().to_string());
    Diagnostic::error(Code::NoRows, place, "the file has fewer rows than when it was read").help("build again")
}

/// How a bound reads: `≥ 0.98`.
pub fn bound_text(bound: Bound) -> String {
    match bound {
        Bound::AtLeast(bound) => format!("≥ {bound}"),
        Bound::AtMost(bound) => format!("≤ {bound}"),
    }
}
