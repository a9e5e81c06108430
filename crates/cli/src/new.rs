//! `tacit new`: from data to a manifest that can be built.

use std::io::{self, IsTerminal as _};
use std::path::{Component, Path, PathBuf};

use serde_json::json;
use tacit_data::Part;
use tacit_data::propose::{
    Answers, Names, Proposal, ProposedSplit, Seen, Target, Wishes, answers, counted, find_column, find_repeats,
    likely_target, look, no_target, propose, proposed_requirements, usable_name,
};
use tacit_data::source::sniff::{Sniffed, sniff};
use tacit_data::source::{Header, SourceKind};
use tacit_spec::report::{Colour, quoted, render, render_json};
use tacit_spec::{Code, Diagnostic, Exit, OutputKind, Place};
use tacit_train::Failure;
use tacit_train::files::{folder_of, write_atomic};
use tacit_train::study::simple_figures;

use crate::output::{Result, message, print};
use crate::{Format, NewArguments};

mod ask;
mod manifest;

use ask::{Console, ask, confirm, say};
use manifest::{Frame, manifest};

pub fn new(arguments: &NewArguments) -> Result<Exit> {
    let interactive =
        !arguments.yes && arguments.format == Format::Text && io::stdin().is_terminal() && io::stderr().is_terminal();
    let (mut answers, mut questions) = (io::stdin().lock(), io::stderr());
    let mut console = Console { answers: &mut answers, questions: &mut questions };
    new_with(arguments, interactive.then_some(&mut console))
}

/// The same, with questions asked on a console if there is one.
fn new_with(arguments: &NewArguments, mut console: Option<&mut Console>) -> Result<Exit> {
    let output = output_path(arguments.output.as_deref());
    if output.exists() && !arguments.force {
        return Err(manifest_exists(&output).into());
    }
    let source = source(arguments, console.as_deref_mut())?;
    let files = Files::of(source, arguments)?;
    files.check_existence()?;
    let sniffed = sniff(&files.training)?;
    let targets = targets(arguments, &files, &sniffed, console.as_deref_mut())?;
    let seen = look(files.parts(), sniffed)?;
    let wishes = Wishes { targets: with_answers(targets, &seen, console.as_deref_mut())?, anomaly: arguments.anomaly };
    let mut proposal = propose(&seen, &wishes)?;
    let repeats = find_repeats(&proposal, &seen)?;
    proposal.findings.extend(repeats);

    let name = program_name(arguments, &files.training)?;
    let folder = folder_of(&output);
    let named = |path: &Option<PathBuf>| path.as_ref().map(|path| relative(path, folder));
    let (validation, test) = (named(&files.validation), named(&files.test));
    let frame = Frame {
        name: &name,
        source: &relative(&files.training, folder),
        validation: validation.as_deref(),
        test: test.as_deref(),
        options: &seen.options,
        kind: seen.training.kind,
        made_up: seen.sniffed.options.header == Header::Numbered && seen.training.kind == SourceKind::Csv,
        rows: seen.training.rows,
        measured: false,
    };
    let text = manifest(&proposal, &frame);
    // What is written can be read; a file that the manifest cannot name is told here.
    let specification = tacit_spec::parse(&output.display().to_string(), &text)?;
    if let Err(error) = std::fs::create_dir_all(folder) {
        let diagnostic = Diagnostic::io(&folder.display().to_string(), "make", &error);
        return Err(diagnostic.help("choose another place with `--output`").into());
    }
    // What does not fit a build is told once the manifest is there to be changed.
    let mut unfit: Option<Failure> = None;
    let text = match (arguments.no_baselines, &proposal.requirements[..]) {
        (true, _) | (false, []) => text,
        (false, requirements) => {
            match simple_figures(&specification, folder, &folder.join(".tacit"), requirements) {
                Ok(figures) => proposal.requirements = proposed_requirements(&proposal.outputs, Some(&figures)),
                Err(failure) => unfit = Some(failure),
            }
            manifest(&proposal, &Frame { measured: unfit.is_none(), ..frame })
        }
    };
    show_findings(&proposal, arguments.format);
    if let Some(console) = console {
        say(console, &format!("{}\n", summary(&proposal)))?;
        if !confirm(console, &format!("write {}?", output.display()))? {
            message("nothing was written");
            return Ok(Exit::Ok);
        }
    }
    write_atomic(&output, text.as_bytes())?;
    if let Some(failure) = unfit {
        message(&format!("wrote {}, which cannot be built yet", output.display()));
        return Err(failure.into());
    }
    print(&match arguments.format {
        Format::Text => {
            let place = if folder == Path::new(".") { String::new() } else { format!(" {}", folder.display()) };
            format!("wrote {}: {}\nnext: `tacit build{place}`\n", output.display(), summary(&proposal))
        }
        Format::Json => format!("{}\n", report(&proposal, &output, &seen)),
    })?;
    Ok(Exit::Ok)
}

/// The files that are looked at.
struct Files {
    training: PathBuf,
    validation: Option<PathBuf>,
    test: Option<PathBuf>,
}

impl Files {
    /// The files that are named, and those that a folder of pictures holds for single parts.
    fn of(source: PathBuf, arguments: &NewArguments) -> Result<Files> {
        let mut files =
            Files { training: source, validation: arguments.validation.clone(), test: arguments.test.clone() };
        if !files.training.is_dir() {
            return Ok(files);
        }
        let sniffed = sniff(&files.training)?;
        if !sniffed.columns.iter().any(|column| column == "part") {
            return Ok(files);
        }
        let part = |wanted: Part| -> Option<PathBuf> {
            let mut found: Vec<PathBuf> = std::fs::read_dir(&files.training)
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.is_dir())
                .filter(|path| {
                    path.file_name().and_then(|name| name.to_str()).and_then(Part::from_word) == Some(wanted)
                })
                .collect();
            found.sort();
            // Two folders for one part are left to the column `part`.
            if found.len() == 1 { found.pop() } else { None }
        };
        let [training, validation, test] = Part::ALL.map(part);
        // With all three parts the pictures say themselves which they are of.
        if let (Some(training), true) = (training, validation.is_none() || test.is_none()) {
            files.validation = files.validation.or(validation);
            files.test = files.test.or(test);
            files.training = training;
        }
        Ok(files)
    }

    fn check_existence(&self) -> Result<()> {
        let unreadable = |path: &Path| {
            let error = std::fs::metadata(path).err()?;
            let diagnostic = Diagnostic::io(&path.display().to_string(), "read", &error);
            Some(diagnostic.help("paths on the command line are relative to the current folder"))
        };
        let found: Vec<Diagnostic> = self.parts().iter().filter_map(|(path, _)| unreadable(path)).collect();
        if found.is_empty() { Ok(()) } else { Err(found.into()) }
    }

    fn parts(&self) -> Vec<(PathBuf, Part)> {
        let one = |path: &Option<PathBuf>, part| path.clone().map(|path| (path, part));
        let training = Some((self.training.clone(), Part::Training));
        [training, one(&self.validation, Part::Validation), one(&self.test, Part::Test)].into_iter().flatten().collect()
    }
}

fn output_path(given: Option<&Path>) -> PathBuf {
    match given {
        None => PathBuf::from("Tacit.toml"),
        Some(path) if path.is_dir() || path.extension().is_none_or(|extension| extension != "toml") => {
            path.join("Tacit.toml")
        }
        Some(path) => path.to_owned(),
    }
}

fn manifest_exists(output: &Path) -> Diagnostic {
    let name = output.display().to_string();
    Diagnostic::error(Code::ManifestExists, Place::File(name.clone()), format!("{} exists", quoted(&name)))
        .help("write it elsewhere with `--output`, or replace it with `--force`")
}

fn source(arguments: &NewArguments, console: Option<&mut Console>) -> Result<PathBuf> {
    match (&arguments.source, console) {
        (Some(source), _) => Ok(source.clone()),
        (None, Some(console)) => {
            ask(console, "which file or folder holds the examples?", None, |answer| match Path::new(answer) {
                path if !answer.is_empty() && path.exists() => Ok(path.to_owned()),
                _ => Err(format!("there is no {}", quoted(answer))),
            })
        }
        (None, None) => {
            let message = "nothing says where the examples are";
            let diagnostic = Diagnostic::error(Code::Unanswered, Place::Nowhere, message);
            Err(diagnostic.help("give a file or a folder: `tacit new data.csv --target price`").into())
        }
    }
}

/// The columns that are to be answered.
fn targets(
    arguments: &NewArguments,
    files: &Files,
    sniffed: &Sniffed,
    console: Option<&mut Console>,
) -> Result<Vec<usize>> {
    let (file, columns) = (files.training.display().to_string(), &sniffed.columns);
    if !arguments.target.is_empty() {
        let mut found = Vec::new();
        for wish in &arguments.target {
            let index = find_column(&file, columns, wish)?;
            if found.contains(&index) {
                let message = format!("the column {} is asked for twice", quoted(&columns[index]));
                let diagnostic = Diagnostic::error(Code::ColumnShared, Place::File(file), message);
                return Err(diagnostic.help("give each target once").into());
            }
            found.push(index);
        }
        if let (true, [_, second, ..]) = (arguments.anomaly, &found[..]) {
            let message = format!("{} cannot be answered beside an anomaly", quoted(&columns[*second]));
            let diagnostic = Diagnostic::error(Code::NotAvailable, Place::File(file), message);
            return Err(diagnostic.help("give one `--target` that says which rows are unusual, or none").into());
        }
        return Ok(found);
    }
    if arguments.anomaly {
        return Ok(Vec::new());
    }
    let label = columns.iter().position(|column| column == "label");
    match (sniffed.kind, label, console) {
        (SourceKind::ImageFolder | SourceKind::Idx, Some(label), _) => Ok(vec![label]),
        (_, _, Some(console)) => {
            let list: Vec<String> = columns
                .iter()
                .enumerate()
                .map(|(index, column)| format!("{:>4}  {}", index + 1, plain(column)))
                .collect();
            say(console, &format!("the columns of {file}:\n{}\n", list.join("\n")))?;
            let likely = columns.get(likely_target(columns)).map(String::as_str);
            let accept = |answer: &str| {
                let found = find_column(&file, columns, answer);
                found.map_err(|diagnostic| diagnostic.help.unwrap_or(diagnostic.message))
            };
            Ok(vec![ask(console, "which column is to be answered?", likely, accept)?])
        }
        (_, _, None) => Err(no_target(&file, columns).into()),
    }
}

/// Text without what would move the cursor of a terminal.
fn plain(text: &str) -> String {
    quoted(text).trim_matches('`').to_owned()
}

/// Asks whether whole numbers are classes or an amount, where that is not plain.
fn with_answers(targets: Vec<usize>, seen: &Seen, console: Option<&mut Console>) -> Result<Vec<Target>> {
    let of_pictures = seen.training.columns.iter().any(|column| column.pictures > 0);
    let mut found = Vec::new();
    let mut console = console;
    for index in targets {
        let column = &seen.training.columns[index];
        let (usual, why) = answers(column, of_pictures);
        let mut target = Target { column: index, answers: None };
        if let (Some(console), false) = (console.as_deref_mut(), why.is_empty()) {
            let word = |answers| match answers {
                Answers::Category => "category",
                Answers::Number => "number",
            };
            let question = format!("is {} a category or a number?", quoted(&column.name));
            target.answers = Some(ask(console, &question, Some(word(usual)), |answer| match answer {
                "category" | "c" => Ok(Answers::Category),
                "number" | "n" => Ok(Answers::Number),
                _ => Err("answer `category` or `number`".to_owned()),
            })?);
        }
        found.push(target);
    }
    Ok(found)
}

fn program_name(arguments: &NewArguments, source: &Path) -> Result<String> {
    if let Some(name) = &arguments.name {
        return match usable_name(name) {
            Some(usable) if usable == *name => Ok(usable),
            usable => {
                let message = format!("the name {} cannot be used", quoted(name));
                let help = usable.map_or("choose lower-case letters, digits, `-` and `_`".to_owned(), |usable| {
                    format!("`--name {usable}` could")
                });
                Err(Diagnostic::error(Code::BadName, Place::Nowhere, message).help(help).into())
            }
        };
    }
    let absolute = source.canonicalize().unwrap_or_else(|_| source.to_owned());
    let of = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = match (of(&absolute), absolute.is_dir()) {
        // A folder for one part is called after what it is a part of.
        (name, true) if Part::from_word(&name).is_some() => absolute.parent().map(of).unwrap_or_default(),
        (name, true) => name,
        (name, false) => name.split('.').next().unwrap_or_default().to_owned(),
    };
    let name = usable_name(&stem).unwrap_or_else(|| "program".to_owned());
    // `adult-train.csv` holds examples for `adult`.
    let of_part = name.rsplit_once(['-', '_']).filter(|(_, part)| Part::from_word(part) == Some(Part::Training));
    Ok(of_part.map_or(name.clone(), |(whole, _)| whole.to_owned()))
}

/// The path as a manifest in `folder` names it: relative if the user gave a relative one or it lies in the folder.
fn relative(path: &Path, folder: &Path) -> String {
    let text = |path: &Path| {
        let parts: Vec<String> =
            path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        parts.join("/").replace("//", "/")
    };
    if folder == Path::new(".") && path.is_relative() {
        return text(path);
    }
    let whole = |path: &Path| std::path::absolute(path).and_then(|path| path.canonicalize().or(Ok(path)));
    let (Ok(target), Ok(from)) = (whole(path), whole(folder)) else { return text(path) };
    let shared = target.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().count() - shared;
    let is_near = up == 0 || path.is_relative();
    let has_shared_root =
        shared > 0 && matches!(target.components().next(), Some(Component::RootDir | Component::Prefix(_)));
    if !is_near || !has_shared_root {
        return text(&target);
    }
    let down: PathBuf = target.components().skip(shared).collect();
    text(&std::iter::repeat_n(PathBuf::from(".."), up).chain([down]).collect::<PathBuf>())
}

fn show_findings(proposal: &Proposal, format: Format) {
    let found: Vec<Diagnostic> = proposal.findings.iter().map(|finding| finding.diagnostic.clone()).collect();
    if !found.is_empty() {
        let text = match format {
            Format::Text => render(&found, Colour::for_stderr()),
            Format::Json => render_json(&found),
        };
        message(text.trim_end());
    }
}

/// What is proposed, in a line.
fn summary(proposal: &Proposal) -> String {
    let outputs: Vec<String> = proposal
        .outputs
        .iter()
        .map(|output| {
            let what = match &output.kind {
                OutputKind::Category { .. } => format!("one of {} labels", output.classes.len()),
                OutputKind::Labels { .. } => "several labels".to_owned(),
                OutputKind::Number => "a number".to_owned(),
                OutputKind::Anomaly { .. } => "how unusual a row is".to_owned(),
            };
            format!("{} ({what})", quoted(&output.name))
        })
        .collect();
    let left_out = match proposal.left_out.len() {
        0 => String::new(),
        1 => ", 1 column left out".to_owned(),
        count => format!(", {count} columns left out"),
    };
    let split = match &proposal.split {
        ProposedSplit::Random => String::new(),
        ProposedSplit::Grouped { column, groups: _ } => format!(", rows of one {} kept together", quoted(column)),
        ProposedSplit::Given { column } => format!(", divided as {} says", quoted(column)),
    };
    let inputs = counted(proposal.inputs.len() as u64, "input");
    format!("{} from {inputs}{left_out}{split}", outputs.join(", "))
}

fn report(proposal: &Proposal, output: &Path, seen: &Seen) -> serde_json::Value {
    let columns = |names: &Names| match names {
        Names::One(name) => json!(name),
        Names::Pattern(pattern) => json!(pattern),
        Names::List(names) => json!(names),
    };
    json!({
        "manifest": output.display().to_string(),
        "rows": seen.training.rows,
        "inputs": proposal.inputs.iter().map(|input| {
            let type_name = input.kind.name();
            json!({ "name": input.name, "type": type_name, "columns": columns(&input.columns), "seen": input.seen })
        }).collect::<Vec<_>>(),
        "left_out": proposal.left_out.iter().map(|left_out| {
            json!({ "columns": columns(&left_out.input.columns), "reason": left_out.reason.reason() })
        }).collect::<Vec<_>>(),
        "outputs": proposal.outputs.iter().map(|output| {
            let type_name = output.kind.answers().name();
            json!({ "name": output.name, "type": type_name, "column": output.column, "seen": output.seen })
        }).collect::<Vec<_>>(),
        "preset": proposal.preset.name(),
        "requirements": proposal.requirements.iter().map(|one| {
            json!({ "metric": one.metric.name(), "output": one.output, "at_least": one.at_least })
        }).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Outcome;

    /// What becomes of a table of wines when the answers are typed: the outcome, the questions and the manifest.
    fn typed(source_given: bool, answers: &str) -> (Result<Exit>, String, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("wines.csv");
        let quality = [5, 5, 5, 5, 6, 6, 6, 7, 7, 4, 5, 6];
        let row = |row: usize| format!("{},{},{}\n", row * 37 % 11, row % 7, quality[row % 12]);
        let rows: String = (0..60).map(row).collect();
        std::fs::write(&source, format!("sugar,acid,quality\n{rows}")).unwrap();
        let arguments = NewArguments {
            source: source_given.then(|| source.clone()),
            target: Vec::new(),
            anomaly: false,
            test: None,
            validation: None,
            name: None,
            output: Some(folder.path().to_owned()),
            yes: false,
            force: false,
            no_baselines: true,
            format: Format::Text,
        };
        let answers = answers.replace("SOURCE", &source.display().to_string());
        let mut questions = Vec::new();
        let mut answers = answers.as_bytes();
        let mut console = Console { answers: &mut answers, questions: &mut questions };
        let outcome = new_with(&arguments, Some(&mut console));
        let manifest = std::fs::read_to_string(folder.path().join("Tacit.toml")).ok();
        (outcome, String::from_utf8(questions).unwrap(), manifest)
    }

    #[test]
    fn empty_answers_take_what_is_proposed() {
        let (outcome, questions, manifest) = typed(true, "\n\n\n");
        assert!(matches!(outcome, Ok(Exit::Ok)));
        assert!(
            questions.contains("   3  quality\n") && questions.contains("which column is to be answered? [quality] ")
        );
        assert!(questions.contains("is `quality` a category or a number? [number] "), "{questions}");
        assert!(manifest.unwrap().contains("quality = { type = \"number\" }"));
    }

    #[test]
    fn other_answers_are_taken_and_wrong_ones_asked_again() {
        let (outcome, questions, manifest) = typed(false, "nowhere.csv\nSOURCE\nqualty\n3\nwine\ncategory\ny\n");
        assert!(matches!(outcome, Ok(Exit::Ok)), "{questions}");
        assert!(questions.contains("there is no `nowhere.csv`\n") && questions.contains("did you mean `quality`?\n"));
        assert!(questions.contains("answer `category` or `number`\n"), "{questions}");
        assert!(manifest.unwrap().contains("quality = { type = \"category\" }"));
    }

    #[test]
    fn nothing_is_written_without_a_yes() {
        let (outcome, _, manifest) = typed(true, "\n\nno\n");
        assert!(matches!((outcome, manifest), (Ok(Exit::Ok), None)));
        let (outcome, _, manifest) = typed(true, "\n");
        let Err(Outcome::Failed(Failure::Diagnostics(found))) = outcome else { panic!("the answers end") };
        assert_eq!((found[0].code, manifest), (Code::Unanswered, None));
    }
}
