//! From what was seen of data to a program that could be built from it: types, answers, a skeleton, a split and a contract.
//!
//! The rules are in the open: [`columns`] says what a column becomes, [`answers`] what a target is, [`proposed_requirements`]
//! what is required. Everything that was decided carries what it was decided by, so that whoever reads the manifest can
//! decide otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tacit_spec::report::quoted;
use tacit_spec::suggest::nearest;
use tacit_spec::{Code, Diagnostic, InputKind, Missing, OutputKind, Place, Preset};

use crate::dataset::Part;
use crate::profile::{ColumnProfile, Profile, leak, repeats};
use crate::source::sniff::Sniffed;
use crate::source::{SourceKind, SourceOptions};

mod columns;
mod contract;
mod families;
mod findings;
mod names;
mod outputs;
mod words;

pub use columns::{LeftOut, Typed};
pub use contract::{BaselineFigure, ProposedRequirement, proposed_requirements};
pub use families::Names;
pub use names::{likely_target, usable_name};
pub use outputs::{Answers, ProposedOutput, answers};
pub use words::{counted, figure, named, percent};

/// What was seen of the data.
#[derive(Clone, Debug)]
pub struct Seen {
    pub sniffed: Sniffed,
    /// The file that is learnt from.
    pub training: Profile,
    pub validation: Option<Profile>,
    pub test: Option<Profile>,
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
/// More inputs of numbers than this become one vector.
const NUMBERS_MAX: usize = 64;
/// The side of an image whose pictures differ in size.
const SIDE: usize = 64;
/// The greatest side that is proposed.
const SIDE_MAX: usize = 128;

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
        let others = seen.others(&column.name);
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
    seen.files().for_each(|profile| missing.extend(profile.more_missing.iter().cloned()));
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
pub fn find_repeats(
    proposal: &Proposal,
    seen: &Seen,
    options: &SourceOptions,
    files: &[(PathBuf, Part)],
) -> Result<Vec<Finding>, Vec<Diagnostic>> {
    let hashes = |path: &Path, profile: &Profile| {
        let at = |columns: &[usize]| -> Vec<usize> {
            let names = columns.iter().map(|column| &seen.training.columns[*column].name);
            names.filter_map(|name| profile.position(name)).collect()
        };
        repeats(path, options, &at(&proposal.used), &at(&proposal.answered))
    };
    let mut found = Vec::new();
    let mut training = None;
    for (path, part) in files {
        let profile = match part {
            Part::Training => Some(&seen.training),
            Part::Validation => seen.validation.as_ref(),
            Part::Test => seen.test.as_ref(),
        };
        let Some(profile) = profile else { continue };
        let rows = hashes(path, profile)?;
        match &training {
            None => {
                found.extend(findings::of_repeats(profile, rows.repeats(), files.len() == 1));
                training = Some(rows);
            }
            Some(training) => found.extend(findings::of_shared(profile, &seen.training, rows.found_in(training))),
        }
    }
    Ok(found)
}

impl Seen {
    /// All files, that of training first.
    pub fn files(&self) -> impl Iterator<Item = &Profile> {
        [Some(&self.training), self.validation.as_ref(), self.test.as_ref()].into_iter().flatten()
    }

    /// The columns with this name in the files other than that of training.
    fn others(&self, name: &str) -> Vec<&ColumnProfile> {
        self.files().skip(1).filter_map(|profile| Some(&profile.columns[profile.position(name)?])).collect()
    }
}

fn check_rows(seen: &Seen) -> Result<(), Vec<Diagnostic>> {
    for profile in seen.files() {
        let all = profile.rows + profile.faults.count();
        if profile.faults.count() as f64 > UNUSABLE_MAX * all as f64 {
            return Err(profile.faults.diagnostics());
        }
    }
    let (rows, name) = (seen.training.rows, &seen.training.name);
    if rows < ROWS_MIN {
        let message = format!("{} has {}", quoted(name), counted(rows, "row"));
        let help = format!("give at least {ROWS_MIN}; some hundreds make a useful program");
        return Err(vec![Diagnostic::error(Code::TooFewRows, Place::File(name.clone()), message).help(help)]);
    }
    for profile in seen.files().skip(1) {
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
        for profile in seen.files().skip(1) {
            let columns: Vec<String> = profile.columns.iter().map(|column| column.name.clone()).collect();
            diagnostics.extend(find_column(&profile.name, &columns, &column.name).err());
        }
        let answers = if wishes.anomaly { Some(Answers::Category) } else { target.answers };
        match outputs::output(&training.name, column, &seen.others(&column.name), answers, of_pictures) {
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
        diagnostic = diagnostic.note(format!("{}: {}", quoted(&table.columns[*index].name), reason.reason()));
    }
    diagnostic.help("add columns that say something about the answer")
}

/// What becomes of the columns of a table.
struct Table<'a> {
    seen: &'a Seen,
    columns: &'a [ColumnProfile],
    answered: &'a [usize],
    typed: BTreeMap<usize, Typed>,
    reasons: BTreeMap<usize, LeftOut>,
    group: Option<usize>,
    part: Option<usize>,
    /// Cells that cannot be used.
    unusable: u64,
}

impl<'a> Table<'a> {
    fn of(seen: &'a Seen, outputs: &[ProposedOutput], answered: &'a [usize]) -> Table<'a> {
        let columns = &seen.training.columns[..];
        let mut table = Table {
            seen,
            columns,
            answered,
            typed: BTreeMap::new(),
            reasons: BTreeMap::new(),
            group: None,
            part: None,
            unusable: 0,
        };
        let mut by_hash: BTreeMap<u64, usize> = BTreeMap::new();
        let inputs = (0..columns.len()).filter(|index| !answered.contains(index));
        for index in inputs {
            let column = &columns[index];
            table.typed.insert(index, columns::typed(column, &seen.others(&column.name)));
            let first = *by_hash.entry(column.hash).or_insert(index);
            let reason = columns::useless(column, table.unreadable(column))
                .or_else(|| (first != index).then(|| LeftOut::Copy(columns[first].name.clone())));
            let reason = reason.or_else(|| table.leak(index, outputs)).or_else(|| table.spoilt(index));
            table.unusable += if reason.is_none() { table.typed[&index].unusable } else { 0 };
            table.reasons.extend(reason.map(|reason| (index, reason)));
        }
        table.find_part();
        table.find_group();
        table
    }

    /// Why the manifest cannot use a column as it is.
    fn unreadable(&self, column: &ColumnProfile) -> Option<&'static str> {
        let sniffed = &self.seen.sniffed;
        let is_in_all = self.seen.files().all(|profile| profile.position(&column.name).is_some());
        if column.name.is_empty() {
            Some("it has no name")
        } else if column.name.contains('*') {
            Some("its name holds a `*`, which stands for any text in the manifest: rename it")
        } else if sniffed.decimal_comma.contains(&column.name) {
            Some("numbers with a decimal comma: write them with a point")
        } else if sniffed.thousands_comma.contains(&column.name) {
            Some("numbers with commas between thousands: write them without")
        } else if !is_in_all {
            Some("not every file has it")
        } else {
            None
        }
    }

    fn leak(&self, index: usize, outputs: &[ProposedOutput]) -> Option<LeftOut> {
        let found = outputs.iter().zip(self.answered).find_map(|(output, target)| {
            let categorical = match &output.kind {
                OutputKind::Category { .. } | OutputKind::Anomaly { .. } => true,
                OutputKind::Number => false,
                OutputKind::Labels { .. } => return None,
            };
            Some((*target, leak(&self.seen.training.sample, index, *target, categorical)?))
        });
        found.map(|(target, how)| LeftOut::Leak { target: self.columns[target].name.clone(), how })
    }

    /// A column in which too many cells cannot be used would take too many rows with it.
    fn spoilt(&self, index: usize) -> Option<LeftOut> {
        let unusable = self.typed[&index].unusable;
        let rows: u64 = self.seen.files().map(|profile| profile.rows).sum();
        let first = self.columns[index].first_text.as_ref();
        ((self.unusable + unusable) as f64 > UNUSABLE_MAX * rows as f64).then(|| {
            let example =
                first.map_or(String::new(), |(at, text)| format!(", such as {} in {}", quoted(text), at.words()));
            LeftOut::Unreadable(format!("{} that do not fit{example}", counted(unusable, "cell")))
        })
    }

    /// A column whose cells all name a part of the data, and that names each.
    fn find_part(&mut self) {
        if self.seen.files().count() > 1 {
            return;
        }
        let names_parts = |column: &ColumnProfile| {
            let labels = column.labels().unwrap_or_default();
            let parts: Option<BTreeSet<&str>> =
                labels.iter().map(|label| Part::from_word(&label.text).map(Part::name)).collect();
            column.missing == 0 && column.texts > 0 && parts.is_some_and(|parts| parts.len() == Part::ALL.len())
        };
        self.part = self.typed.keys().copied().find(|index| names_parts(&self.columns[*index]));
        self.reasons.extend(self.part.map(|index| (index, LeftOut::Part)));
    }

    /// A column that says whom or what several rows are about.
    fn find_group(&mut self) {
        const GROUPS_MIN: u64 = 10;
        let is_group = |index: &usize| {
            let column = &self.columns[*index];
            let groups = column.values.count();
            let repeats = groups >= GROUPS_MIN && 2 * groups <= column.rows;
            let is_whole = column.texts + column.integers == column.rows;
            let is_usable = !matches!(self.reasons.get(index), Some(LeftOut::Unreadable(_)));
            names::is_owner(&column.name) && repeats && is_whole && is_usable
        };
        if self.part.is_none() {
            self.group = self.typed.keys().copied().find(is_group);
            self.reasons.extend(self.group.map(|index| (index, LeftOut::Group)));
        }
    }

    /// Beside a picture nothing else can be an input.
    fn only_pictures(&mut self) {
        let picture = self.typed.keys().copied().find(|index| self.columns[*index].pictures > 0);
        for index in self.typed.keys().copied().filter(|index| Some(*index) != picture) {
            let reason = || LeftOut::Unreadable("nothing can stand beside a picture".to_owned());
            self.reasons.entry(index).or_insert_with(reason);
        }
        if let Some(index) = picture {
            let (kind, seen) = picture_size(&self.columns[index]);
            self.typed.insert(index, Typed { kind, missing: Missing::Refuse, seen, unusable: 0 });
            self.reasons.remove(&index);
            self.unusable = 0;
        }
    }

    fn split(&self) -> ProposedSplit {
        let name = |index: usize| self.columns[index].name.clone();
        match (self.part, self.group) {
            (Some(index), _) => ProposedSplit::Given { column: name(index) },
            (None, Some(index)) => {
                ProposedSplit::Grouped { column: name(index), groups: self.columns[index].values.count() }
            }
            (None, None) => ProposedSplit::Random,
        }
    }

    /// The inputs, and the columns that they use; columns that belong together become one.
    fn inputs(&mut self, taken: &mut BTreeSet<String>) -> (Vec<ProposedInput>, Vec<usize>) {
        let is_used = |table: &Table, index: &usize| !table.reasons.contains_key(index);
        let is_number = |typed: &Typed| matches!(typed.kind, InputKind::Number { .. });
        // A constant pixel and one that equals another still have their place in the image.
        let may_join = |table: &Table, index: &usize| match table.reasons.get(index) {
            None | Some(LeftOut::Constant(_) | LeftOut::Copy(_)) => is_number(&table.typed[index]),
            Some(
                LeftOut::Identifier(_)
                | LeftOut::FreeText(_)
                | LeftOut::MostlyMissing(_)
                | LeftOut::Group
                | LeftOut::Part
                | LeftOut::Unreadable(_)
                | LeftOut::Leak { .. },
            ) => false,
        };
        let candidates: Vec<usize> = self.typed.keys().copied().filter(|index| may_join(self, index)).collect();
        let has_names = self.seen.sniffed.options.header != crate::source::Header::Numbered;
        // (the first column, its stem, the columns)
        let mut joined: Vec<(Option<String>, Vec<usize>)> = Vec::new();
        let mut image = None;
        if has_names {
            for family in families::families(self.columns, &candidates) {
                let is_alone = self.typed.keys().all(|index| family.members.contains(index) || !is_used(self, index));
                image = image.or_else(|| families::image(self.columns, &family).filter(|_| is_alone));
                joined.push((Some(family.stem), family.members));
            }
        }
        let in_family = |joined: &[(Option<String>, Vec<usize>)], index: &usize| {
            joined.iter().any(|(_, members)| members.contains(index))
        };
        let single: Vec<usize> =
            candidates.iter().copied().filter(|index| is_used(self, index) && !in_family(&joined, index)).collect();
        if single.len() > NUMBERS_MAX {
            joined.push((None, single));
        }
        let mut parts: Vec<(usize, Option<usize>)> = joined
            .iter()
            .enumerate()
            .map(|(place, (_, members))| (members[0], Some(place)))
            .chain(
                self.typed
                    .keys()
                    .filter(|index| is_used(self, index) && !in_family(&joined, index))
                    .map(|index| (*index, None)),
            )
            .collect();
        parts.sort_unstable();
        joined.iter().flat_map(|(_, members)| members).for_each(|index| {
            self.reasons.remove(index);
        });
        let titles: Vec<String> = parts
            .iter()
            .map(|(index, place)| match place {
                Some(place) => joined[*place].0.clone().unwrap_or_else(|| "numbers".to_owned()),
                None => self.columns[*index].name.clone(),
            })
            .collect();
        let names = names::unique_names(titles.iter().map(String::as_str), taken);
        let mut used = Vec::new();
        let mut inputs = Vec::new();
        for ((index, place), name) in parts.into_iter().zip(names) {
            let Some(place) = place else {
                used.push(index);
                inputs.push(self.single(index, name));
                continue;
            };
            let (stem, members) = &joined[place];
            used.extend(members);
            let has_missing = members.iter().any(|index| self.typed[index].missing != Missing::Refuse);
            inputs.push(ProposedInput {
                name,
                kind: image.clone().unwrap_or(InputKind::Vector { length: members.len(), encoding: None }),
                missing: if has_missing { Missing::Median } else { Missing::Refuse },
                columns: families::names(self.columns, stem.as_deref(), members),
                seen: families::seen(self.columns, members),
            });
        }
        (inputs, used)
    }

    fn single(&self, index: usize, name: String) -> ProposedInput {
        let Typed { kind, missing, seen, unusable: _ } = self.typed[&index].clone();
        let columns = Names::One(self.columns[index].name.clone());
        ProposedInput { name, kind, missing, columns, seen }
    }

    fn left_out(&self, taken: &mut BTreeSet<String>) -> Vec<LeftOutInput> {
        let names = self.reasons.keys().map(|index| self.columns[*index].name.as_str());
        let names = names::unique_names(names.collect::<Vec<_>>().into_iter(), taken);
        let left_out = self.reasons.iter().zip(names).map(|((index, reason), name)| LeftOutInput {
            input: self.single(*index, name),
            reason: reason.clone(),
            usable: self.columns[*index].lists + self.columns[*index].pictures == 0
                && self.columns[*index].present() > 0
                && self.unreadable(&self.columns[*index]).is_none(),
        });
        left_out.collect()
    }

    fn findings(&self, inputs: &[ProposedInput], used: &[usize]) -> Vec<Finding> {
        let single: Vec<usize> = self
            .typed
            .keys()
            .copied()
            .filter(|index| {
                let name = Names::One(self.columns[*index].name.clone());
                inputs.iter().any(|input| input.columns == name)
            })
            .collect();
        let mut found = findings::of_left_out(&self.seen.training.name, self.columns, &self.reasons);
        found.extend(findings::of_numbers(&self.seen.training, &single, &self.typed));
        found.extend(findings::of_cells(&self.seen.training, used, &self.typed));
        found.extend(findings::of_dates(&self.seen.training.name, self.columns, &single, &self.typed));
        found
    }
}

/// The size of images for pictures: theirs if they agree, else a usual one.
fn picture_size(column: &ColumnProfile) -> (InputKind, String) {
    let channels = column.sizes.keys().map(|size| size[2]).max().unwrap_or(1);
    let channels = if channels == 1 { 1 } else { 3 };
    let sides: BTreeSet<[usize; 2]> = column.sizes.keys().map(|[height, width, _]| [*height, *width]).collect();
    let count = counted(column.pictures, "picture");
    let image = |[height, width]: [usize; 2]| InputKind::Image { height, width, channels, scale: Some(255.0) };
    match sides.first() {
        Some(side @ [height, width]) if sides.len() == 1 && *height.max(width) <= SIDE_MAX => {
            (image(*side), format!("{count} of {height} × {width}"))
        }
        Some(_) | None => {
            let least = column.sizes.keys().map(|[height, width, _]| height.min(width)).min();
            let side = least.map_or(SIDE, |least| (*least).clamp(8, SIDE));
            let most = column.sizes.keys().map(|[height, width, _]| height.max(width)).max().copied().unwrap_or(side);
            let least = least.copied().unwrap_or(side);
            (image([side, side]), format!("{count}, sides of {least} to {most} pixels; they are fitted"))
        }
    }
}
