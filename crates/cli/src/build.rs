//! `tacit build`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tacit_spec::{Exit, OutputKind, Specification};
use tacit_train::artifact::{EXTENSION, NUMERICS_VERSION};
use tacit_train::build::{TOOL_VERSION, rejects_path};
use tacit_train::files::folder_of;
use tacit_train::{Artifact, Event, Examples, Keeping, SearchOptions, assemble, build_hash, examples, forget, search};

use crate::latency::decided;
use crate::output::{Result, exec_options, manifest_path, message, print};
use crate::{BuildArguments, Format, table};

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
        message(&format!(
            "{} rows cannot be used; they are set aside in {}",
            examples.dataset.rejected_rows,
            rejects_path(&output).display()
        ));
    }
    let existing = Artifact::load(&output).ok().filter(|found| is_up_to_date(found, &specification, &examples));
    let artifact = match existing.filter(|_| !arguments.force) {
        Some(artifact) => {
            message(&format!("{} is up to date; `--force` searches again", output.display()));
            artifact
        }
        None => {
            let keeping = keeping(&output, arguments.checkpoint)?;
            if arguments.force {
                forget(&keeping)?;
            }
            let build = build_hash(&specification, &examples.dataset, None);
            let options = SearchOptions { exec, keeping: Some(keeping.clone()), start: Vec::new() };
            let mut progress = Progress::new(&specification, &examples);
            let found =
                search(&specification, &examples.dataset, &examples.prepared, &build, &options, &mut |event| {
                    progress.show(&event)
                })?;
            progress.finish();
            let mut artifact = assemble(&specification, &examples, found, None, &exec)?;
            artifact.save(&output)?;
            forget(&keeping)?;
            // The folder stays if something else is in it.
            let _ = std::fs::remove_dir(folder_of(&keeping.path));
            message(&format!("wrote {}", output.display()));
            artifact
        }
    };
    let contract = decided(&artifact.contract, &artifact, &exec)?;
    print(&match arguments.format {
        Format::Text => table::contract(&contract),
        Format::Json => format!("{}\n", table::contract_json(&contract)),
    })?;
    Ok(if contract.is_met() { Exit::Ok } else { Exit::ContractNotMet })
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
