//! From what was seen of data to a program that could be built from it: types, answers, a skeleton, a split and a
//! contract.
//!
//! The rules are in the open: `columns` says what a column becomes, [`answers`] what a target is,
//! [`proposed_requirements`] what is required. Everything that was decided carries what it was decided by, so that
//! whoever reads the manifest can decide otherwise.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tacit_spec::report::quoted;
use tacit_spec::suggest::nearest;
use tacit_spec::{Code, Diagnostic, InputKind, Missing, OutputKind, Place, Preset};

use crate::dataset::Part;
use crate::profile::{ColumnProfile, Profile, profile, repeats};
use crate::source::sniff::Sniffed;
use crate::source::{Header, SourceKind, SourceOptions};

mod columns;
mod contract;
mod families;
mod findings;
mod names;
mod outputs;
mod table;
mod words;

pub use columns::{LeftOut, Typed};
pub use contract::{BaselineFigure, ProposedRequirement, proposed_requirements};
pub use families::Names;
pub use names::{likely_target, usable_name};
pub use outputs::{Answers, ProposedOutput, answers};
pub use words::{counted, figure, named, percent};

use table::Table;

/// What was seen of the data.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The file that is learnt from, then those of other parts.
    pub files: Vec<(PathBuf, Part)>,
    /// What was found out about the file that is learnt from.
    pub sniffed: Sniffed,
    /// How all files are opened: as that one, its columns named.
    pub options: SourceOptions,
    pub training: Profile,
    /// The others, in their order.
    pub others: Vec<Profile>,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The columns of the answers, each by its name or its number from 1.
    pub targets: Vec<Target>,
    /// The program is to tell unusual rows.
    pub anomaly: bool,
}

/// A column of answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its position in the file.
    pub column: usize,
    /// What the answers are, if that was asked for.
    pub answers: Option<Answers>,
}

/// A program that could be built.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub inputs: Vec<ProposedInput>,
    /// Columns that are not used.
    pub left_out: Vec<LeftOutInput>,
    pub outputs: Vec<ProposedOutput>,
    pub preset: Preset,
    pub split: ProposedSplit,
    /// Whether there are rows that cannot be used.
    pub set_aside: bool,
    /// Tokens for missing values, in order.
    pub missing: Vec<String>,
    pub requirements: Vec<ProposedRequirement>,
    pub findings: Vec<Finding>,
    /// The positions of the columns that are inputs and outputs, for whole rows to be compared.
    used: Vec<usize>,
    answered: Vec<usize>,
}

/// An input of the proposed program.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedInput {
    pub name: String,
    pub kind: InputKind,
    pub missing: Missing,
    pub columns: Names,
    /// What was seen, for a comment.
    pub seen: String,
}

/// A column that is not used, as the input that it would be.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOutInput {
    pub input: ProposedInput,
    pub reason: LeftOut,
    /// Whether the manifest could use it as it is.
    pub usable: bool,
}

/// How the rows are divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposedSplit {
    Random,
    /// Rows that agree in this column stay together.
    Grouped {
        column: String,
        groups: u64,
    },
    /// This column says which part a row is in.
    Given {
        column: String,
    },
}

/// Something that the user should know.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The section of the manifest that it is about.
    pub about: About,
    pub diagnostic: Diagnostic,
    /// Whether rows cannot be used because of it.
    pub sets_aside: bool,
}

/// A section of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Inputs,
    Outputs,
    Data,
}

/// Fewer rows make no program.
const ROWS_MIN: u64 = 10;
/// The share of rows that may be unusable.
const UNUSABLE_MAX: f64 = 0.05;

/// The position of a column that is given by its name, or by its number from 1.
///
/// # Errors
/// There is no such column.
pub fn find_column(file: &str, columns: &[String], wish: &str) -> Result<usize, Diagnostic> {
    if let Some(index) = columns.iter().position(|column| column == wish) {
        return Ok(index);
    }
    if let Some(number) = wish.parse::<usize>().ok().filter(|number| (1..=columns.len()).contains(number)) {
        return Ok(number - 1);
    }
    let message = format!("{} has no column {}", quoted(file), quoted(wish));
    let help = match nearest(wish, columns.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {}?", quoted(near)),
        None => format!("the columns are {}", named(columns.iter().map(String::as_str), COLUMNS_SHOWN)),
    };
    Err(Diagnostic::error(Code::ColumnNotFound, Place::File(file.to_owned()), message).help(help))
}

/// The error that nothing says what a program is to answer.
pub fn no_target(file: &str, columns: &[String]) -> Diagnostic {
    let likely = columns.get(likely_target(columns)).map_or("COLUMN", String::as_str);
    let message = format!("nothing says which column of {} is to be answered", quoted(file));
    Diagnostic::error(Code::NoTarget, Place::File(file.to_owned()), message)
        .note(format!("the columns are {}", named(columns.iter().map(String::as_str), COLUMNS_SHOWN)))
        .help(format!("perhaps `--target {}`; or `--anomaly` to tell unusual rows", shell_word(likely)))
}

const COLUMNS_SHOWN: usize = 30;

/// A word as a shell takes it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Looks at all rows of the files: that which is learnt from comes first, and `sniffed` is what was found out about it.
///
/// # Errors
/// A file cannot be read to its end.
pub fn look(files: Vec<(PathBuf, Part)>, sniffed: Sniffed) -> Result<Seen, Vec<Diagnostic>> {
    // The format of each file is its own.
    let mut options = SourceOptions { kind: None, ..sniffed.options.clone() };
    if options.header == Header::Numbered {
        options.header = Header::Given(sniffed.columns.clone());
    }
    let (first, rest) = files.split_first().expect("there is a file to learn from");
    let training = profile(&first.0, &options)?;
    let others = rest.iter().map(|(path, _)| profile(path, &options)).collect::<Result<_, _>>()?;
    let mut seen = Seen { sniffed, options, training, others, files };
    let more: BTreeSet<String> = seen.profiles().flat_map(|profile| profile.more_missing.clone()).collect();
    // Rows are compared with the same cells missing as when the program is built.
    seen.options.missing.extend(more);
    Ok(seen)
}

/// Proposes a program.
///
/// # Errors
/// The data holds none: too few rows, too many that cannot be read, answers that cannot be learnt, no inputs.
pub fn propose(seen: &Seen, wishes: &Wishes) -> Result<Proposal, Vec<Diagnostic>> {
    let training = &seen.training;
    check_rows(seen)?;
    let mut findings = findings::of_faults(seen);
    let of_pictures = training.columns.iter().any(|column| column.pictures > 0);
    let outputs = outputs(seen, wishes, of_pictures)?;
    let answered: Vec<usize> = wishes.targets.iter().map(|target| target.column).collect();
    for (output, target) in outputs.iter().zip(&wishes.targets) {
        let column = &training.columns[target.column];
        let others = seen.beside(&column.name);
        findings.extend(findings::of_answers(&training.name, output, column, &others));
    }
    let mut taken: BTreeSet<String> = outputs.iter().map(|output| output.name.clone()).collect();
    let mut table = Table::of(seen, &outputs, &answered);
    if training.kind == SourceKind::ImageFolder || of_pictures {
        table.only_pictures();
    }
    let split = table.split();
    let (inputs, used) = table.inputs(&mut taken);
    if inputs.is_empty() {
        return Err(vec![no_inputs(training, &table)]);
    }
    findings.extend(table.findings(&inputs, &used));
    let is_image = inputs.iter().any(|input| matches!(input.kind, InputKind::Image { .. }));
    let is_anomaly = outputs.iter().any(|output| matches!(output.kind, OutputKind::Anomaly { .. }));
    let preset = match (is_anomaly, is_image) {
        (true, _) => Preset::Autoencoder,
        (false, true) => Preset::ConvNet,
        (false, false) => Preset::Mlp,
    };
    let mut missing: BTreeSet<String> = seen.sniffed.options.missing.iter().cloned().collect();
    seen.profiles().for_each(|profile| missing.extend(profile.more_missing.iter().cloned()));
    Ok(Proposal {
        requirements: proposed_requirements(&outputs, None),
        left_out: table.left_out(&mut taken),
        inputs,
        outputs,
        preset,
        split,
        set_aside: findings.iter().any(|finding| finding.sets_aside),
        missing: missing.into_iter().collect(),
        findings,
        used,
        answered,
    })
}

/// Reads the files again and tells which rows are there more than once, in one file or across two.
///
/// # Errors
/// A file cannot be opened any longer.
pub fn find_repeats(proposal: &Proposal, seen: &Seen) -> Result<Vec<Finding>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut training = None;
    for ((path, _), profile) in seen.files.iter().zip(seen.profiles()) {
        let at = |columns: &[usize]| -> Vec<usize> {
            let names = columns.iter().map(|column| &seen.training.columns[*column].name);
            names.filter_map(|name| profile.position(name)).collect()
        };
        let rows = repeats(path, &seen.options, &at(&proposal.used), &at(&proposal.answered))?;
        match &training {
            None => {
                found.extend(findings::of_repeats(profile, rows.repeats(), seen.files.len() == 1));
                training = Some(rows);
            }
            Some(training) => found.extend(findings::of_shared(profile, &seen.training, rows.found_in(training))),
        }
    }
    Ok(found)
}

impl Seen {
    /// What was seen of all files, in their order.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        std::iter::once(&self.training).chain(&self.others)
    }

    /// The columns with this name in the files other than that of training.
    fn beside(&self, name: &str) -> Vec<&ColumnProfile> {
        self.others.iter().filter_map(|profile| Some(&profile.columns[profile.position(name)?])).collect()
    }
}

fn check_rows(seen: &Seen) -> Result<(), Vec<Diagnostic>> {
    for profile in seen.profiles() {
        let all = profile.rows + profile.faults.count();
        if profile.faults.count() as f64 > UNUSABLE_MAX * all as f64 {
            return Err(profile.faults.diagnostics());
        }
    }
    let (rows, name) = (seen.training.rows, &seen.training.name);
    if (1..ROWS_MIN).contains(&rows) {
        let message = format!("{} has {}", quoted(name), counted(rows, "row"));
        let help = format!("give at least {ROWS_MIN}; some hundreds make a useful program");
        return Err(vec![Diagnostic::error(Code::TooFewRows, Place::File(name.clone()), message).help(help)]);
    }
    for profile in seen.profiles() {
        if profile.rows == 0 {
            let message = format!("{} has no rows", quoted(&profile.name));
            let place = Place::File(profile.name.clone());
            return Err(vec![Diagnostic::error(Code::NoRows, place, message).help("give a file with rows")]);
        }
    }
    Ok(())
}

fn outputs(seen: &Seen, wishes: &Wishes, of_pictures: bool) -> Result<Vec<ProposedOutput>, Vec<Diagnostic>> {
    let training = &seen.training;
    let mut outputs = Vec::new();
    let mut diagnostics = Vec::new();
    for target in &wishes.targets {
        let column = &training.columns[target.column];
        for profile in &seen.others {
            let columns: Vec<String> = profile.columns.iter().map(|column| column.name.clone()).collect();
            diagnostics.extend(find_column(&profile.name, &columns, &column.name).err());
        }
        let answers = if wishes.anomaly { Some(Answers::Category) } else { target.answers };
        match outputs::output(&training.name, column, &seen.beside(&column.name), answers, of_pictures) {
            Ok(output) => outputs.push(output),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let names: Vec<String> = outputs.iter().map(|output| output.name.clone()).collect();
    let unique = names::unique_names(names.iter().map(String::as_str), &mut BTreeSet::new());
    outputs.iter_mut().zip(unique).for_each(|(output, name)| output.name = name);
    if wishes.anomaly {
        const SHARE: f64 = 0.01;
        let known = outputs.into_iter().next();
        let normal = known.as_ref().and_then(|output| output.classes.iter().max_by_key(|(_, rows)| *rows));
        let kind = OutputKind::Anomaly { normal: normal.map(|(label, _)| label.clone()), share: SHARE };
        return Ok(vec![match known {
            Some(output) => ProposedOutput { kind, aliases: Vec::new(), ..output },
            None => ProposedOutput {
                name: "anomaly".to_owned(),
                column: None,
                kind,
                aliases: Vec::new(),
                classes: Vec::new(),
                seen: "how unlike the training rows a row is".to_owned(),
                why: String::new(),
            },
        }]);
    }
    match outputs.is_empty() {
        true => {
            let columns: Vec<String> = training.columns.iter().map(|column| column.name.clone()).collect();
            Err(vec![no_target(&training.name, &columns)])
        }
        false => Ok(outputs),
    }
}

fn no_inputs(training: &Profile, table: &Table) -> Diagnostic {
    let mut message = format!("no column of {} is left to learn from", quoted(&training.name));
    if table.columns.len() == table.answered.len() {
        message = format!("{} has no column beside the target", quoted(&training.name));
    }
    let place = Place::File(training.name.clone());
    let mut diagnostic = Diagnostic::error(Code::NoInputs, place, message);
    const SHOWN: usize = 10;
    for (index, reason) in table.reasons.iter().take(SHOWN) {
        diagnostic = diagnostic.note(format!("{}: {}", columns::title(table.columns, *index), reason.reason()));
    }
    diagnostic.help("add columns that say something about the answer")
}
