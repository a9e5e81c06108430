//! A build as a whole: from a checked specification and its data to an artifact with a measured contract.

use tacit_data::{Dataset, Parts, RequirementRows, TargetValues, read_csv_bytes, split};
use tacit_exec::Options;
use tacit_spec::{
    Bound, ClassWeights, Columns, Data, Goal, Input, InputKind, Loss, Optimiser, Output, OutputKind, Pattern, Place,
    Program, Requirement, Schedule, Search, Source, Specification, Split,
};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::artifact::{
    Artifact, InputInterface, Interface, NUMERICS_VERSION, OutputInterface, Provenance, SplitProvenance,
};
use crate::contract::{Contract, OutputAnswers, contract};
use crate::error::{self, CodedError, Failure, Result};
use crate::evaluate::Evaluator;
use crate::files;
use crate::graphs::extents;
use crate::search::Found;

/// The version of the tool, as it stands in artifacts.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");
/// The rows of one batch when the contract is measured.
const ROWS: usize = 64;

/// The examples of a specification, divided.
#[derive(Clone, Debug)]
pub struct Examples {
    pub dataset: Dataset,
    pub parts: Parts,
    /// For each input, the columns that hold its values.
    pub columns: Vec<Vec<String>>,
}

/// Reads the data of a specification whose manifest lies in `folder`, and divides it.
///
/// # Errors
/// The diagnostics of the data.
pub fn examples(specification: &Specification, folder: &Path) -> Result<Examples> {
    let path = data_path(folder, &specification.data.file);
    let (dataset, columns) = read_data(&path, specification)?;
    let parts = split(&dataset, specification)?;
    Ok(Examples { dataset, parts, columns })
}

/// A hash of all that decides the result of a search: a checkpoint of another one is not gone on from.
pub fn build_hash(specification: &Specification, dataset: &Dataset) -> String {
    let mut hasher = blake3::Hasher::new();
    let seed = specification.program.seed.to_string();
    let numerics = NUMERICS_VERSION.to_string();
    for part in [&specification.source.text, &dataset.hash, &seed, TOOL_VERSION, &numerics] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// BLAKE3 of a manifest's text.
pub fn manifest_hash(specification: &Specification) -> String {
    blake3::hash(specification.source.text.as_bytes()).to_hex().to_string()
}

/// Measures the contract of what a search found, on the test part, and puts all together.
///
/// # Errors
/// The codes of execution.
pub fn assemble(
    specification: &Specification,
    examples: &Examples,
    found: Found,
    options: &Options,
) -> Result<Artifact> {
    let Examples { dataset, parts, columns } = examples;
    let output = &specification.outputs[0];
    let classes = match &dataset.targets[0].values {
        TargetValues::Category { labels, .. } => Some(labels.clone()),
        TargetValues::Number(_) => None,
    };
    let weights_hash = found.weights_hash();
    let mut artifact = Artifact {
        name: specification.program.name.clone(),
        interface: Interface {
            inputs: specification
                .inputs
                .iter()
                .zip(columns)
                .map(|(input, columns)| interface(input, columns))
                .collect(),
            output: OutputInterface { name: output.name.clone(), classes, column: output.column.text.clone() },
        },
        contract: Contract::default(),
        provenance: Provenance {
            data_file: specification.data.file.clone(),
            data_hash: dataset.hash.clone(),
            manifest_hash: manifest_hash(specification),
            split: SplitProvenance {
                validation: specification.data.split.validation,
                test: specification.data.split.test,
                seed: specification.data.split.seed,
            },
            seed: specification.program.seed,
            best_step: found.best_step,
            steps: found.steps,
            tool_version: TOOL_VERSION.to_owned(),
            numerics_version: NUMERICS_VERSION,
            weights_hash,
        },
        graph: found.program,
        weights: found.weights,
    };
    artifact.contract = measure_rows(&artifact, &specification.requirements, dataset, &parts.test, options)?;
    // The file's size is among the figures, and is known once the file is written.
    artifact.encode();
    Ok(artifact)
}

/// What [`remeasure`] measured.
#[derive(Clone, Debug)]
pub struct Remeasured {
    pub contract: Contract,
    /// The file, and the rows of it that were counted.
    pub file: PathBuf,
    pub rows: usize,
}

/// Measures an artifact's contract again: on the test part of the data that it was built from, which lies where the
/// provenance says relative to `folder`; or on all rows of the file `data`.
///
/// # Errors
/// `E0308` if the data is no longer what the program was built from, and the diagnostics of the data.
pub fn remeasure(artifact: &Artifact, folder: &Path, data: Option<&Path>, options: &Options) -> Result<Remeasured> {
    let specification = specification_of(artifact)?;
    let file = match data {
        Some(data) => data.to_owned(),
        None => data_path(folder, &specification.data.file),
    };
    let (dataset, _) = read_data(&file, &specification)?;
    let rows = match data {
        Some(_) => (0..dataset.rows).collect(),
        None if dataset.hash != artifact.provenance.data_hash => {
            let message = "the data is not what the program was built from, so its test rows cannot be told";
            let help = "name rows that the search has not seen with `--data`, or build again";
            return Err(CodedError::new(error::DATA_CHANGED, message).in_file(&file).help(help).into());
        }
        None => split(&dataset, &specification)?.test,
    };
    let contract = measure_rows(artifact, &specification.requirements, &dataset, &rows, options)?;
    Ok(Remeasured { contract, file, rows: rows.len() })
}

/// The place of a data file: paths in a manifest are relative to its folder.
fn data_path(folder: &Path, file: &str) -> PathBuf {
    if folder == Path::new(".") { PathBuf::from(file) } else { folder.join(file) }
}

/// The largest data file that is read.
const DATA_BYTES_MAX: u64 = 16 << 30;

fn read_data(path: &Path, specification: &Specification) -> Result<(Dataset, Vec<Vec<String>>)> {
    let name = path.display().to_string();
    let bytes = match std::fs::metadata(path) {
        Ok(found) if found.len() > DATA_BYTES_MAX => files::read_limited(path, DATA_BYTES_MAX)?,
        Ok(_) | Err(_) => std::fs::read(path).map_err(|error| {
            let help = "`source` in `[data]` is relative to the folder of the manifest";
            Failure::from(tacit_spec::Diagnostic::io(&name, "read", &error).help(help))
        })?,
    };
    let dataset = read_csv_bytes(&name, &bytes, specification)?;
    let header = crate::rows::header(&bytes);
    let columns = specification.inputs.iter().map(|input| matching(&input.columns, &header)).collect();
    Ok((dataset, columns))
}

/// The columns of an input in the order in which the reader of the data takes them.
fn matching(columns: &Columns, header: &[String]) -> Vec<String> {
    columns.patterns.iter().flat_map(|pattern| header.iter().filter(|name| pattern.matches(name))).cloned().collect()
}

fn interface(input: &Input, columns: &[String]) -> InputInterface {
    let kind = match input.kind {
        InputKind::Number => "number",
        InputKind::Vector { .. } => "vector",
        InputKind::Image { .. } => "image",
    };
    let (name, kind) = (input.name.clone(), kind.to_owned());
    InputInterface { name, kind, shape: extents(input.shape()), columns: columns.to_vec() }
}

fn measure_rows(
    artifact: &Artifact,
    requirements: &[Requirement],
    dataset: &Dataset,
    rows: &[usize],
    options: &Options,
) -> Result<Contract> {
    let mut evaluator = Evaluator::new(&artifact.graph, ROWS, options)?;
    evaluator.set_weights(&artifact.weights)?;
    let answers = evaluator.answers(dataset, rows)?;
    let requirement_rows: Vec<RequirementRows> =
        dataset.requirement_rows.iter().map(|requirement| requirement.select(rows)).collect();
    let output = &artifact.interface.output;
    let labels = output.classes.as_deref().unwrap_or_default();
    let outputs = [OutputAnswers { name: &output.name, labels, answers: &answers }];
    Ok(contract(requirements, &outputs, &requirement_rows, &artifact.costs()))
}

/// As much of a specification as the reader of data and the split look at.
fn specification_of(artifact: &Artifact) -> Result<Specification> {
    let Artifact { name, interface, contract, provenance, .. } = artifact;
    let place = || Place::Nowhere;
    let pattern = |text: &String| Pattern { text: text.clone(), place: place() };
    let inputs = interface
        .inputs
        .iter()
        .map(|input| {
            let kind = match (input.kind.as_str(), &input.shape[..]) {
                ("number", [1]) => InputKind::Number,
                ("vector", [length]) => InputKind::Vector { length: *length },
                ("image", [height, width, channels]) => {
                    InputKind::Image { height: *height, width: *width, channels: *channels, scale: None }
                }
                (kind, shape) => {
                    let message = format!("the input `{}` is a {kind} of shape {shape:?}", input.name);
                    return Err(CodedError::new(error::CONTENTS, message));
                }
            };
            let columns = Columns { patterns: input.columns.iter().map(pattern).collect(), place: place() };
            Ok(Input { name: input.name.clone(), kind, columns })
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let kind = match &interface.output.classes {
        Some(classes) => OutputKind::Category { classes: Some(classes.clone()) },
        None => OutputKind::Number,
    };
    let SplitProvenance { validation, test, seed } = provenance.split;
    let shares = [validation, test, validation + test];
    if !shares.iter().all(|share| *share > 0.0 && *share < 1.0) {
        return Err(CodedError::new(error::CONTENTS, "the provenance holds an impossible split").into());
    }
    let requirements = contract.requirements()?;
    // The rest of a specification is about searching, which reading and measuring do not do.
    Ok(Specification {
        program: Program { name: name.clone(), seed: provenance.seed },
        inputs,
        outputs: vec![Output { name: interface.output.name.clone(), kind, column: pattern(&interface.output.column) }],
        data: Data {
            file: provenance.data_file.clone(),
            split: Split { validation, test, seed, place: place() },
            place: place(),
        },
        layers: Vec::new(),
        goal: Goal { loss: Loss::SquaredError, class_weights: ClassWeights::Uniform },
        search: Search {
            epochs: 1,
            batch: 1,
            optimiser: Optimiser::Sgd { momentum: 0.0 },
            learning_rate: 0.0,
            weight_decay: 0.0,
            schedule: Schedule::Constant,
            warmup_steps: 0,
            clip: None,
            patience_epochs: None,
            average: None,
        },
        requirements,
        baseline: None,
        source: Arc::new(Source { name: String::new(), text: String::new() }),
    })
}

/// How a bound reads: `≥ 0.98`.
pub fn bound_text(bound: Bound) -> String {
    match bound {
        Bound::AtLeast(bound) => format!("≥ {bound}"),
        Bound::AtMost(bound) => format!("≤ {bound}"),
    }
}
