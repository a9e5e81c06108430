//! `tacit build`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tacit_data::Groups;
use tacit_exec::Options;
use tacit_spec::{Code, Diagnostic, Exit, OutputKind, Place, Specification};
use tacit_train::artifact::{EXTENSION, NUMERICS_VERSION};
use tacit_train::build::{TOOL_VERSION, rejects_path, rows_as_text};
use tacit_train::evaluate::Evaluator;
use tacit_train::files::{folder_of, write_atomic};
use tacit_train::metrics::Answers;
use tacit_train::prepare::unreadable_spool;
use tacit_train::range_test::RangeTest;
use tacit_train::search::EVALUATION_ROWS;
use tacit_train::study::{self, Rival, rivals};
use tacit_train::transfer::start_from;
use tacit_train::worst::{Column, SLICE_ROWS_MIN, row_costs, worst_rows, worst_slices};
use tacit_train::{
    Artifact, Contract, Epoch, Event, Examples, Keeping, SearchOptions, assemble, build_hash, examples, forget, search,
};

use crate::latency::{decided, latencies};
use crate::output::{Result, exec_options, manifest_path, message, print};
use crate::report::{self, Comparison, Findings};
use crate::{BuildArguments, Format, ledger, table};

/// Where checkpoints lie, beside the output.
const CHECKPOINT_FOLDER: &str = ".tacit";

pub fn build(arguments: &BuildArguments) -> Result<Exit> {
    let manifest = manifest_path(&arguments.path);
    let mut specification = tacit_spec::read(&manifest)?;
    if let Some(seed) = arguments.seed {
        specification.program.seed = seed;
    }
    let exec = exec_options()?;
    let folder = folder_of(&manifest);
    let output = arguments.output.clone().unwrap_or_else(|| {
        let file = format!("{}.{EXTENSION}", specification.program.name);
        if folder == Path::new(".") { PathBuf::from(file) } else { folder.join(file) }
    });
    let examples = examples(&specification, folder, &output)?;
    if examples.dataset.rejected_rows > 0 {
        let aside = match examples.dataset.rejected_rows {
            1 => "1 row cannot be used; it is".to_owned(),
            rows => format!("{rows} rows cannot be used; they are"),
        };
        message(&format!("{aside} set aside in {}", rejects_path(&output).display()));
    }
    let start = match &arguments.from {
        Some(other) => Some(start_from(&Artifact::load(other)?, &examples.dataset, &examples.prepared)?),
        None => None,
    };
    let from_weights = start.as_ref().map(|start| start.hash.clone());
    let existing = Artifact::load(&output).ok().filter(|found| {
        is_up_to_date(found, &specification, &examples) && found.provenance.from_weights == from_weights
    });
    if let Some(artifact) = existing.filter(|_| !arguments.force) {
        message(&format!("{} is up to date; `--force` searches again", output.display()));
        let contract = decided(&artifact.contract, &artifact, &exec)?;
        return show(arguments, &contract, None);
    }
    let keeping = keeping(&output, arguments.checkpoint)?;
    if arguments.force {
        forget(&keeping)?;
    }
    let build = build_hash(&specification, &examples.dataset, from_weights.as_deref());
    let start = start.map(|start| start.weights).unwrap_or_default();
    let options = SearchOptions { exec, keeping: Some(keeping.clone()), start };
    let mut progress = Progress::new(&specification, &examples);
    let found = search(&specification, &examples.dataset, &examples.prepared, &build, &options, &mut |event| {
        progress.show(&event)
    })?;
    progress.finish();
    let course =
        Course { history: found.history.clone(), best_step: found.best_step, range_test: found.range_test.clone() };
    let (mut artifact, answers) = assemble(&specification, &examples, found, from_weights, &exec)?;
    artifact.save(&output)?;
    forget(&keeping)?;
    // The folder stays if something else is in it.
    let _ = std::fs::remove_dir(folder_of(&keeping.path));
    message(&format!("wrote {}", output.display()));
    let built =
        Built { specification: &specification, examples: &examples, artifact: &artifact, answers, output: &output };
    let findings = find_out(arguments, built, &course, folder, &exec)?;
    let is_page_shown = !arguments.no_report || matches!(arguments.format, Format::Json);
    let page = is_page_shown.then(|| report::report(&findings));
    if let Some(page) = page.as_ref().filter(|_| !arguments.no_report) {
        let path = output.with_extension("report.html");
        write_atomic(&path, tacit_report::html(page).as_bytes())?;
        message(&format!("wrote {}", path.display()));
    }
    if let Some(logs) = &arguments.tensorboard {
        write_events(logs, &artifact.name, &report::curves(&findings))?;
    }
    show(arguments, &findings.contract, Some((&findings, page.as_ref())))
}

/// How a search went.
struct Course {
    history: Vec<Epoch>,
    best_step: u64,
    range_test: Option<RangeTest>,
}

/// Searches of at most so many operations are repeated on shares of the rows without being asked.
const LEARNING_CURVE_FLOPS: u64 = 1_500_000_000_000;

/// A finished program, with its answers on the test rows by output, and the file that it was written to.
struct Built<'a> {
    specification: &'a Specification,
    examples: &'a Examples,
    artifact: &'a Artifact,
    answers: Vec<Answers>,
    output: &'a Path,
}

/// Everything about a program that a report holds.
fn find_out<'a>(
    arguments: &BuildArguments,
    built: Built<'a>,
    course: &'a Course,
    folder: &Path,
    exec: &Options,
) -> Result<Findings<'a>> {
    let Built { specification, examples, artifact, answers, output } = built;
    let Examples { dataset, parts, prepared } = examples;
    let looks = ledger::look(folder, &dataset.hash());
    let latencies = latencies(artifact, exec, 1, Duration::from_secs(1))?;
    let contract = match artifact.contract.requires_latency() {
        true => artifact.contract.with_latency(latencies.median_us().unwrap_or(f64::NAN)),
        false => artifact.contract.clone(),
    };
    let mut all_rivals: Vec<(usize, Vec<Rival>)> = Vec::new();
    if !arguments.no_baselines {
        message("measuring what simpler methods reach on the same rows");
        let found = rivals(specification, dataset, parts, prepared)?;
        all_rivals.extend(found.into_iter().map(|rivals| (rivals.output, rivals.rivals)));
    }
    if arguments.baseline {
        add_command(specification, examples, folder, &mut all_rivals)?;
    }
    let mut evaluator = Evaluator::new(&artifact.graph, EVALUATION_ROWS, exec)?;
    evaluator.set_weights(&artifact.weights)?;
    let threshold = artifact.interface.outputs[0].threshold;
    let (mut importance, mut effects) = (Vec::new(), Vec::new());
    let is_image = dataset.inputs.iter().any(|input| matches!(input.shape, tacit_spec::Shape::Image { .. }));
    if !arguments.no_report && !is_image {
        importance = study::importance(&mut evaluator, dataset, &parts.test, 0, threshold)?;
        let (places, names): (Vec<usize>, Vec<String>) = shown_answers(artifact).into_iter().unzip();
        let columns = study::effects(&mut evaluator, &artifact.interface, dataset, parts, 0, &places)?;
        effects.extend(names.into_iter().zip(columns));
    }
    let flops = prepared
        .choices
        .epochs
        .saturating_mul(prepared.training.len() as u64)
        .saturating_mul(3 * artifact.costs().flops);
    let mut curve = None;
    let wanted = arguments.learning_curve || (flops <= LEARNING_CURVE_FLOPS && !arguments.no_report);
    if wanted {
        let whole = evaluator.answers(dataset, &parts.validation, &[threshold])?.swap_remove(0);
        curve = study::learning_curve(specification, dataset, parts, &whole, exec, &mut |rows| {
            message(&format!("searching again with {rows} of {} training rows", parts.training.len()));
        })?;
    }
    let costs = row_costs(&answers[0]);
    let slices = worst_slices(&costs, &slice_columns(examples)?, SLICE_ROWS_MIN);
    let worst = worst_rows(&costs, report::WORST);
    let worst_rows: Vec<usize> = worst.iter().map(|place| parts.test[*place]).collect();
    let worst_text = rows_as_text(specification, dataset, folder, &worst_rows)?;
    Ok(Findings {
        specification,
        examples,
        artifact,
        contract,
        history: &course.history,
        best_step: course.best_step,
        range_test: course.range_test.as_ref(),
        comparisons: report::comparisons(&answers, &all_rivals),
        answers,
        rivals: all_rivals,
        importance,
        effects,
        learning_curve: curve,
        latencies,
        looks,
        worst,
        worst_text,
        costs,
        slices,
        rejects: rejects_path(output),
    })
}

/// The numbers of the first output whose effects are shown: those of a category's last class, or of each of a few.
fn shown_answers(artifact: &Artifact) -> Vec<(usize, String)> {
    const SHOWN_MAX: usize = 3;
    let output = &artifact.interface.outputs[0];
    match output.labels.len() {
        0 => vec![(0, output.name.clone())],
        2 => vec![(1, format!("probability of {}", output.labels[1]))],
        _ => output
            .labels
            .iter()
            .enumerate()
            .take(SHOWN_MAX)
            .map(|(place, label)| (place, format!("probability of {label}")))
            .collect(),
    }
}

/// The categories and levels of the test rows, by which slices are looked for.
fn slice_columns(examples: &Examples) -> Result<Vec<Column>> {
    let rows = &examples.parts.test;
    let columns = examples.dataset.inputs.iter().filter(|input| !input.labels.is_empty());
    columns
        .map(|input| {
            let mut values = vec![0.0; rows.len()];
            input.store.gather(rows, &mut values).map_err(unreadable_spool)?;
            let mut labels = vec!["(rare or unknown)".to_owned()];
            labels.extend(input.labels.iter().cloned());
            let ids = values.iter().map(|value| *value as u32).collect();
            Ok(Column { name: input.name.clone(), groups: Groups { labels, ids } })
        })
        .collect()
}

/// Runs the `[baseline]` of the manifest, because it was asked for, and puts it before the other rivals.
fn add_command(
    specification: &Specification,
    examples: &Examples,
    folder: &Path,
    all: &mut Vec<(usize, Vec<Rival>)>,
) -> Result<()> {
    let Examples { dataset, parts, .. } = examples;
    if specification.baseline.is_none() {
        let place = Place::File(specification.source.name.clone());
        let diagnostic = Diagnostic::error(Code::MissingKey, place, "the manifest has no `[baseline]` to run");
        return Err(diagnostic.help("add `[baseline]` with its `command`, or leave `--baseline` out").into());
    }
    let rows = rows_as_text(specification, dataset, folder, &parts.test)?;
    let Some(run) = study::command(specification, dataset, parts, folder, &rows)? else { return Ok(()) };
    for (output, answers) in run.answers.into_iter().enumerate() {
        let Some(answers) = answers else { continue };
        let rival = Rival {
            name: report::YOURS.to_owned(),
            answers,
            size_bytes: None,
            fitted_rows: None,
            latency_us: Some(run.latency_us),
            note: String::new(),
        };
        match all.iter_mut().find(|(known, _)| *known == output) {
            Some((_, rivals)) => rivals.insert(0, rival),
            None => all.push((output, vec![rival])),
        }
    }
    Ok(())
}

/// Writes the curves of a search for TensorBoard.
fn write_events(folder: &Path, name: &str, curves: &tacit_report::Curves) -> Result<()> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder)
        .map_err(|e| tacit_train::CodedError::io(tacit_train::error::UNWRITABLE, "make the folder", &folder, &e))?;
    let path = folder.join(tacit_report::tensorboard::file_name(0.0, name));
    write_atomic(&path, &tacit_report::tensorboard::events(curves, 0.0, 0.0))?;
    message(&format!("wrote {}", path.display()));
    Ok(())
}

/// Shows the contract, what was compared, and what costs most where the contract is not met.
fn show(
    arguments: &BuildArguments,
    contract: &Contract,
    found: Option<(&Findings, Option<&tacit_report::Report>)>,
) -> Result<Exit> {
    let met = contract.is_met();
    let text = match (arguments.format, found) {
        (Format::Text, None) => table::contract(contract),
        (Format::Text, Some((findings, _))) => {
            let mut text = table::contract(contract);
            text += &comparison(findings);
            if !met {
                text += &costliest(findings);
            }
            text
        }
        (Format::Json, None) => format!("{}\n", table::contract_json(contract)),
        (Format::Json, Some((_, page))) => {
            let mut value = table::contract_json(contract);
            value["report"] = serde_json::to_value(page).unwrap_or_default();
            format!("{value}\n")
        }
    };
    print(&text)?;
    Ok(if met { Exit::Ok } else { Exit::ContractNotMet })
}

/// The program beside its rivals, and whether it is better.
fn comparison(findings: &Findings) -> String {
    let mut text = String::new();
    for (output, rivals) in &findings.rivals {
        let answers = &findings.answers[*output];
        let name = &findings.artifact.interface.outputs[*output].name;
        let size = findings.artifact.costs().file_bytes;
        text += &format!("\n{}", table::rivals(name, answers, findings.latencies.median_us(), size, rivals));
        for Comparison { rival, metric, by, .. } in findings.comparisons.iter().filter(|one| one.output == *output) {
            let [low, high] = by.interval.unwrap_or([f64::NAN; 2]);
            let verdict = if low > 0.0 {
                "better than"
            } else if high < 0.0 {
                "WORSE than"
            } else {
                "not clearly better or worse than"
            };
            let (by, metric) = (by.value, metric.name());
            text += &format!("{verdict} {rival}: by {by:+.4} in {metric} (95 %: {low:+.4} to {high:+.4})\n");
        }
    }
    text
}

/// The slices and examples that cost most.
fn costliest(findings: &Findings) -> String {
    const SHOWN_MAX: usize = 5;
    let mut text = String::new();
    if !findings.slices.is_empty() {
        text += "\nthe slices that cost most\n";
        for slice in findings.slices.iter().take(SHOWN_MAX) {
            text += &format!(
                "  {}: mean loss {:.4} over {} rows, where all rows have {:.4}\n",
                report::slice_condition(slice),
                slice.mean_loss,
                slice.rows,
                slice.mean_loss_of_all
            );
        }
    }
    text += "\nthe examples that cost most\n";
    for place in findings.worst.iter().take(SHOWN_MAX) {
        let at = findings.examples.dataset.place(findings.examples.parts.test[*place]);
        let labels = &findings.artifact.interface.outputs[0].labels;
        let (truth, answer, _) = report::told(&findings.answers[0], labels, *place);
        text += &format!("  {}, {}: {answer}, where {truth} is right\n", at.file, at.words());
    }
    text
}

fn is_up_to_date(artifact: &Artifact, specification: &Specification, examples: &Examples) -> bool {
    let found = &artifact.provenance;
    let files = examples.dataset.files.iter().map(|file| &file.hash);
    found.manifest == specification.source.text
        && found.data.iter().map(|file| &file.hash).eq(files)
        && found.seed == specification.program.seed
        && found.tool_version == TOOL_VERSION
        && found.numerics_version == NUMERICS_VERSION
}

/// Where the state of the search for this output is kept; the folder is made.
fn keeping(output: &Path, steps: u64) -> Result<Keeping> {
    let folder = match folder_of(output) {
        here if here == Path::new(".") => PathBuf::from(CHECKPOINT_FOLDER),
        folder => folder.join(CHECKPOINT_FOLDER),
    };
    std::fs::create_dir_all(&folder)
        .map_err(|e| tacit_train::CodedError::io(tacit_train::error::UNWRITABLE, "make the folder", &folder, &e))?;
    let mut name = output.file_stem().unwrap_or_default().to_owned();
    name.push(".checkpoint");
    Ok(Keeping { path: folder.join(name), steps })
}

/// Progress on stderr: a bar on a terminal, plain lines off it.
struct Progress {
    bar: Option<ProgressBar>,
    figure: &'static str,
}

impl Progress {
    fn new(specification: &Specification, examples: &Examples) -> Progress {
        let figure = match specification.outputs[0].kind {
            OutputKind::Category { .. } | OutputKind::Labels { .. } => "accuracy",
            OutputKind::Number => "mae",
            OutputKind::Anomaly { .. } => "selection-rate",
        };
        let parts = &examples.parts;
        message(&format!(
            "searching for {}: {} rows for training, {} for validation, {} for test",
            specification.program.name,
            parts.training.len(),
            parts.validation.len(),
            parts.test.len()
        ));
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} steps, {eta} left  {msg}")
                .expect("the template is well formed");
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Progress { bar, figure }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Ignored(reason) => self.line(&format!("the checkpoint is not used: {reason}")),
            Event::RangeTested(found) => {
                self.line(&format!("the range test finds a learning rate of {:.2e}", found.learning_rate));
            }
            Event::Resumed { step, steps } => self.line(&format!("resuming after step {step} of {steps}")),
            Event::Step { step, steps, epoch: _ } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(*steps);
                    bar.set_position(*step);
                }
            }
            Event::Epoch { epoch, epochs, is_best } => {
                let figure = match epoch.validation_figure.is_finite() {
                    true => format!(", {} {:.4}", self.figure, epoch.validation_figure),
                    false => String::new(),
                };
                let text = format!(
                    "epoch {}/{epochs}: training loss {:.4}, validation loss {:.4}{figure}{}",
                    epoch.epoch,
                    epoch.training_loss,
                    epoch.validation_loss,
                    if *is_best { ", the best so far" } else { "" }
                );
                match &self.bar {
                    Some(bar) => bar.set_message(text),
                    None => message(&text),
                }
            }
            Event::Stopped { epoch } => self.line(&format!("stopping after epoch {epoch}: no better one came")),
            Event::Quantised { notes, loss_before, loss_after } => {
                notes.iter().for_each(|note| self.line(note));
                self.line(&format!(
                    "8-bit integers: validation loss {loss_after:.4}, which was {loss_before:.4} in f32"
                ));
            }
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => message(text),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
