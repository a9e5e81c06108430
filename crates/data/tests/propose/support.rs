//! What the tests of proposals share: tables made row by row, and what is proposed for them.

use std::path::Path;

use tacit_data::Part;
use tacit_data::propose::{LeftOut, Names, Proposal, Seen, Target, Wishes, find_column, find_repeats, look, propose};
use tacit_data::random::SplitMix64;
use tacit_data::source::sniff::sniff;
use tacit_spec::{Code, Diagnostic, InputKind};
use tempfile::TempDir;

/// A folder with one file.
pub fn folder_with(name: &str, text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), text).unwrap();
    folder
}

/// A table with a header and `rows` rows, each made by a function of its number and a random number below 1.
pub fn table(header: &str, rows: u64, row: impl Fn(u64, f64) -> String) -> String {
    let line = |number| row(number, SplitMix64::new(number).uniform()) + "\n";
    format!("{header}\n") + &(0..rows).map(line).collect::<String>()
}

/// What is proposed for a file or folder, and for others of other parts.
pub fn of_files(
    training: &Path,
    others: &[(&Path, Part)],
    wishes: &[&str],
) -> Result<(Seen, Proposal), Vec<Diagnostic>> {
    let sniffed = sniff(training)?;
    let mut targets = Vec::new();
    for wish in wishes.iter().filter(|wish| **wish != "--anomaly") {
        let column = find_column("the file", &sniffed.columns, wish).map_err(|diagnostic| vec![diagnostic])?;
        targets.push(Target { column, answers: None });
    }
    let mut files = vec![(training.to_owned(), Part::Training)];
    files.extend(others.iter().map(|(path, part)| (path.to_path_buf(), *part)));
    let seen = look(files, sniffed)?;
    let mut proposal = propose(&seen, &Wishes { targets, anomaly: wishes.contains(&"--anomaly") })?;
    proposal.findings.extend(find_repeats(&proposal, &seen)?);
    Ok((seen, proposal))
}

/// What is proposed for a table.
pub fn of(text: &str, wishes: &[&str]) -> Result<Proposal, Vec<Diagnostic>> {
    let folder = folder_with("table.csv", text);
    of_files(&folder.path().join("table.csv"), &[], wishes).map(|(_, proposal)| proposal)
}

/// What is proposed for a table and one of test rows.
pub fn with_test(text: &str, test: &str, wishes: &[&str]) -> Result<Proposal, Vec<Diagnostic>> {
    let folder = folder_with("table.csv", text);
    let other = folder.path().join("test.csv");
    std::fs::write(&other, test).unwrap();
    of_files(&folder.path().join("table.csv"), &[(&other, Part::Test)], wishes).map(|(_, proposal)| proposal)
}

/// The columns that are inputs, with the words for their types.
pub fn inputs(proposal: &Proposal) -> Vec<(String, &'static str)> {
    let column = |names: &Names| match names {
        Names::One(name) => name.clone(),
        Names::Pattern(pattern) => pattern.clone(),
        Names::List(names) => names.join(" "),
    };
    proposal.inputs.iter().map(|input| (column(&input.columns), input.kind.name())).collect()
}

/// The type of the input of one column.
pub fn kind<'a>(proposal: &'a Proposal, column: &str) -> &'a InputKind {
    let input = proposal.inputs.iter().find(|input| input.columns == Names::One(column.to_owned()));
    &input.unwrap_or_else(|| panic!("{column} is no input but {:?}", reason(proposal, column))).kind
}

/// Why a column is left out.
pub fn reason<'a>(proposal: &'a Proposal, column: &str) -> Option<&'a LeftOut> {
    let left_out = proposal.left_out.iter().find(|one| one.input.columns == Names::One(column.to_owned()));
    left_out.map(|one| &one.reason)
}

/// What is found, by code.
pub fn found(proposal: &Proposal, code: Code) -> Vec<&Diagnostic> {
    let all = proposal.findings.iter().map(|finding| &finding.diagnostic);
    all.filter(|diagnostic| diagnostic.code == code).collect()
}

/// The code of the only error.
pub fn code(outcome: Result<Proposal, Vec<Diagnostic>>) -> Code {
    let found = outcome.map(|proposal| inputs(&proposal)).unwrap_err();
    let [only] = &found[..] else { panic!("{found:?}") };
    assert!(only.help.is_some(), "{only:?}");
    only.code
}

/// Names are usable for the manifest and differ.
pub fn check_names(proposal: &Proposal) {
    let names = proposal.inputs.iter().map(|input| &input.name).chain(proposal.outputs.iter().map(|one| &one.name));
    let mut names: Vec<&String> = names.chain(proposal.left_out.iter().map(|one| &one.input.name)).collect();
    let is_usable = |name: &String| name.starts_with(|first: char| first.is_ascii_lowercase()) && name.len() <= 64;
    assert!(names.iter().all(|name| is_usable(name)), "{names:?}");
    names.sort();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}
