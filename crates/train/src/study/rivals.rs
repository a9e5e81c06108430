//! What simpler methods, and the program that a person wrote, reach on the same rows.

use std::path::Path;

use serde_json::{Map, Value};
use tacit_baseline::command::{self as baseline_command, Output, OutputKind};
use tacit_baseline::{Image, Kind, Matrix, Method, Problem, Task};
use tacit_data::random::SplitMix64;
use tacit_data::{Dataset, InputValues, Parts, TargetValues};
use tacit_spec::{InputKind, Specification};

use crate::error::Result;
use crate::evaluate::beside_truth;
use crate::metrics::{Answers, Figure, Measurement, value};
use crate::prepare::{Prepared, unreadable_spool};

/// A rival for one output, with its answers on the test rows.
#[derive(Clone, Debug)]
pub struct Rival {
    pub name: String,
    pub answers: Answers,
    pub size_bytes: Option<u64>,
    pub fitted_rows: Option<usize>,
    /// Of one answer, by the clock.
    pub latency_us: Option<f64>,
    /// What else is to know; empty if nothing.
    pub note: String,
}

/// The rivals of one output.
#[derive(Clone, Debug)]
pub struct Rivals {
    pub output: usize,
    pub rivals: Vec<Rival>,
}

/// Fits the built-in baselines to the training rows and answers the test rows with them, for every output that they can
/// be fitted to.
///
/// # Errors
/// Values that are kept in a file cannot be read.
pub fn rivals(
    specification: &Specification,
    dataset: &Dataset,
    parts: &Parts,
    prepared: &Prepared,
) -> Result<Vec<Rivals>> {
    rivals_of(specification, dataset, parts, prepared, &Method::ALL)
}

/// The same for some of the methods.
///
/// # Errors
/// As [`rivals`].
pub fn rivals_of(
    specification: &Specification,
    dataset: &Dataset,
    parts: &Parts,
    prepared: &Prepared,
    methods: &[Method],
) -> Result<Vec<Rivals>> {
    let kinds = kinds(specification, dataset);
    let columns = kinds.len();
    let training = matrix(dataset, &prepared.training, columns)?;
    let test = matrix(dataset, &parts.test, columns)?;
    let images = images(specification);
    let mut all = Vec::new();
    for (output, target) in dataset.targets.iter().enumerate() {
        let (mut ids, mut flags, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        let task = match &target.values {
            TargetValues::Category { labels, ids: all } => {
                ids.extend(prepared.training.iter().map(|row| all[*row]));
                Task::Category { classes: labels.len(), training: &ids }
            }
            TargetValues::Labels { labels, values } => {
                let width = labels.len();
                prepared.training.iter().for_each(|row| flags.extend_from_slice(&values[row * width..][..width]));
                Task::Labels { labels: width, training: &flags }
            }
            TargetValues::Number(values) => {
                numbers.extend(prepared.training.iter().map(|row| values[*row]));
                Task::Number { training: &numbers }
            }
            // Nothing is told apart, so there is nothing to fit.
            TargetValues::Anomaly(_) => continue,
        };
        let rows = |values, rows| Matrix { rows, columns, values, kinds: &kinds };
        let problem = Problem {
            training: rows(&training, prepared.training.len()),
            test: rows(&test, parts.test.len()),
            task,
            images: &images,
        };
        let fitted = tacit_baseline::fit_each(&problem, methods)?;
        let rivals = fitted.into_iter().map(|baseline| Rival {
            name: baseline.method.name().to_owned(),
            answers: beside_truth(&target.values, &parts.test, baseline.predictions.clone(), f32::INFINITY),
            size_bytes: Some(baseline.size_bytes),
            fitted_rows: Some(baseline.fitted_rows),
            latency_us: Some(1e6 * baseline.seconds_per_row(&problem.test)).filter(|latency| latency.is_finite()),
            note: baseline.choice,
        });
        all.push(Rivals { output, rivals: rivals.collect() });
    }
    Ok(all)
}

/// What the command of a manifest gave.
#[derive(Clone, Debug)]
pub struct CommandRun {
    /// For each output its answers; none for outputs that a command cannot give.
    pub answers: Vec<Option<Answers>>,
    /// Of one answer, by the clock, the start of the command included.
    pub latency_us: f64,
}

/// Runs the `[baseline]` of the manifest on the test rows, which are given to it as the columns of the data hold them.
///
/// # Errors
/// The codes of the command.
pub fn command(
    specification: &Specification,
    dataset: &Dataset,
    parts: &Parts,
    folder: &Path,
    rows: &[Vec<(String, String)>],
) -> Result<Option<CommandRun>> {
    let Some(baseline) = &specification.baseline else { return Ok(None) };
    let hidden: Vec<&str> =
        specification.outputs.iter().flat_map(|o| o.columns.patterns.iter().map(|p| p.text.as_str())).collect();
    let row = |cells: &Vec<(String, String)>| -> Map<String, Value> {
        // The right answers are not for the command's eyes.
        let shown = cells.iter().filter(|(name, _)| !hidden.contains(&name.as_str()));
        shown.map(|(name, text)| (name.clone(), json_of(text))).collect()
    };
    let outputs: Vec<(usize, Output)> = dataset
        .targets
        .iter()
        .enumerate()
        .filter_map(|(index, target)| {
            let kind = match &target.values {
                TargetValues::Category { labels, .. } => OutputKind::Category { labels: labels.clone() },
                TargetValues::Labels { labels, .. } => OutputKind::Labels { labels: labels.clone() },
                TargetValues::Number(_) => OutputKind::Number,
                TargetValues::Anomaly(_) => return None,
            };
            Some((index, Output { name: target.name.clone(), kind }))
        })
        .collect();
    let command = baseline_command::Command {
        words: &baseline.command,
        folder,
        time_limit: baseline_command::usual_time_limit(rows.len()),
    };
    let asked: Vec<Output> = outputs.iter().map(|(_, output)| output.clone()).collect();
    let run = baseline_command::run(&command, rows.iter().map(row), &asked)?;
    let mut answers: Vec<Option<Answers>> = vec![None; dataset.targets.len()];
    for ((index, _), given) in outputs.iter().zip(run.answers) {
        let target = &dataset.targets[*index].values;
        let numbers = match (given, target) {
            (baseline_command::Answers::Category { classes, probabilities }, TargetValues::Category { labels, .. }) => {
                probabilities.unwrap_or_else(|| one_hot(&classes, labels.len()))
            }
            (baseline_command::Answers::Labels { set, probabilities }, _) => {
                probabilities.unwrap_or_else(|| set.iter().map(|label| f32::from(u8::from(*label))).collect())
            }
            (baseline_command::Answers::Number(numbers), _) => numbers,
            (baseline_command::Answers::Category { .. }, _) => continue,
        };
        answers[*index] = Some(beside_truth(target, &parts.test, numbers, f32::INFINITY));
    }
    let latency_us = 1e6 * run.seconds / rows.len().max(1) as f64;
    Ok(Some(CommandRun { answers, latency_us }))
}

/// A cell as JSON: a number where it is one, null where nothing stands.
fn json_of(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    match text.parse::<f64>().ok().and_then(serde_json::Number::from_f64) {
        Some(number) => Value::Number(number),
        None => Value::String(text.to_owned()),
    }
}

fn one_hot(classes: &[u32], count: usize) -> Vec<f32> {
    let mut shares = vec![0.0; classes.len() * count];
    classes.iter().enumerate().for_each(|(row, class)| shares[row * count + *class as usize] = 1.0);
    shares
}

/// What each column holds, in the order of the inputs.
fn kinds(specification: &Specification, dataset: &Dataset) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (input, values) in specification.inputs.iter().zip(&dataset.inputs) {
        match input.kind {
            InputKind::Category { .. } => kinds.push(Kind::Category { count: values.labels.len() + 1 }),
            InputKind::Number { .. }
            | InputKind::Ordinal { .. }
            | InputKind::Date { .. }
            | InputKind::Vector { .. }
            | InputKind::Image { .. } => kinds.extend(std::iter::repeat_n(Kind::Numeric, values.width())),
        }
    }
    kinds
}

fn images(specification: &Specification) -> Vec<Image> {
    let mut first = 0;
    let mut images = Vec::new();
    for input in &specification.inputs {
        if let InputKind::Image { height, width, channels, .. } = input.kind {
            images.push(Image { first, height, width, channels });
        }
        first += input.values();
    }
    images
}

/// (rows, columns) of all inputs side by side.
fn matrix(dataset: &Dataset, rows: &[usize], columns: usize) -> Result<Vec<f32>> {
    let mut all = vec![0.0; rows.len() * columns];
    let mut first = 0;
    for input in &dataset.inputs {
        let width = InputValues::width(input);
        let mut values = vec![0.0; width];
        for (place, row) in rows.iter().enumerate() {
            input.store.gather(&[*row], &mut values).map_err(unreadable_spool)?;
            all[place * columns + first..][..width].copy_from_slice(&values);
        }
        first += width;
    }
    Ok(all)
}

/// By how much a program's figure is better than a rival's on the same rows, with the interval of a paired bootstrap:
/// rows are drawn anew, the same ones for both (Efron 1979).
pub fn better_by(figure: Figure, program: &Answers, rival: &Answers, confidence: f64) -> Measurement {
    const RESAMPLES: usize = 200;
    const SEED: u64 = 0x7061_6972_6564;
    let better = |rows: Option<&[usize]>| {
        let of = |answers: &Answers| match rows {
            Some(rows) => value(figure, &answers.select(rows)),
            None => value(figure, answers),
        };
        super::worse_by(figure.metric, of(rival), of(program))
    };
    let count = program.rows();
    let mut random = SplitMix64::new(SEED);
    let mut rows = vec![0; count];
    let mut differences = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        rows.iter_mut().for_each(|row| *row = random.below(count as u64) as usize);
        differences.push(better(Some(&rows)));
    }
    differences.retain(|difference| difference.is_finite());
    differences.sort_by(f64::total_cmp);
    let interval = differences.len().checked_sub(1).map(|last| {
        let at = |share: f64| differences[(share * last as f64 + 0.5) as usize];
        let alpha = (1.0 - confidence) / 2.0;
        [at(alpha), at(1.0 - alpha)]
    });
    Measurement { value: better(None), interval, rows: count, undefined: None }
}
