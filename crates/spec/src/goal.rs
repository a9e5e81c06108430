//! `[goal]` and `[search]`.

use toml::de::DeValue;

use crate::codes::Code;
use crate::read::{Field, Interval, Reader, Table, listed};
use crate::report::quoted;
use crate::specification::*;
use crate::suggest::nearest;

/// Reads `[goal]`, whose losses must fit the outputs; an empty table gives the usual ones.
pub(crate) fn goal(reader: &mut Reader, table: &Table, outputs: Option<&[Output]>) -> Option<Goal> {
    const WEIGHTS: &[ClassWeights] = &[ClassWeights::Uniform, ClassWeights::Balanced];
    let weights_name = |weights| match weights {
        ClassWeights::Uniform => "uniform",
        ClassWeights::Balanced => "balanced",
    };
    let names = loss_names(reader, table, outputs)?;
    // Of outputs that have errors it is not known which losses they have.
    let has = |loss: LossName| names.is_empty() || names.contains(&loss);
    if !has(LossName::CrossEntropy) {
        table.refuse(reader, "label-smoothing", "it belongs to `cross-entropy`");
        table.refuse(reader, "class-weights", "it belongs to `cross-entropy`");
    }
    if !has(LossName::Huber) {
        table.refuse(reader, "delta", "it belongs to `huber`");
    }
    let smoothing = number_or(reader, table, "label-smoothing", Interval::half_open(0.0, 1.0), 0.0);
    let delta = number_or(reader, table, "delta", Interval::above(0.0), 1.0);
    let class_weights = match table.get("class-weights") {
        Some(field) => field.choice(reader, WEIGHTS, weights_name),
        None => Some(ClassWeights::Uniform),
    };
    let (smoothing, delta) = (smoothing?, delta?);
    let losses = names.into_iter().map(|name| match name {
        LossName::CrossEntropy => Loss::CrossEntropy { label_smoothing: smoothing },
        LossName::SquaredError => Loss::SquaredError,
        LossName::AbsoluteError => Loss::AbsoluteError,
        LossName::Huber => Loss::Huber { delta },
    });
    Some(Goal { losses: losses.collect(), class_weights: class_weights? })
}

/// The loss of every output. `minimise` is one word for all, or a table with a word for each that differs from the usual.
fn loss_names(reader: &mut Reader, table: &Table, outputs: Option<&[Output]>) -> Option<Vec<LossName>> {
    let known = outputs.is_some();
    let outputs = outputs.unwrap_or_default();
    let Some(field) = table.get("minimise") else { return Some(outputs.iter().map(usual_loss).collect()) };
    if !field.value.is_table() {
        let name = field.choice(reader, LossName::ALL, LossName::name)?;
        outputs.iter().for_each(|output| check_fit(reader, &field, name, output, outputs.len()));
        return Some(vec![name; outputs.len().max(1)]);
    }
    let mut names: Vec<LossName> = outputs.iter().map(usual_loss).collect();
    for one in field.named(reader, "minimise = { NAME = \"…\" }")? {
        if !known {
            one.choice(reader, LossName::ALL, LossName::name);
            continue;
        }
        let Some(index) = outputs.iter().position(|output| output.name == one.name) else {
            let message = format!("there is no output {}", quoted(&one.name));
            let help = match nearest(&one.name, outputs.iter().map(|output| output.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the outputs are {}", listed(outputs.iter().map(|output| output.name.as_str()))),
            };
            let diagnostic = reader.error(Code::UnknownKey, &one.span, message).help(help);
            reader.push(diagnostic);
            continue;
        };
        let name = one.choice(reader, LossName::ALL, LossName::name)?;
        check_fit(reader, &one, name, &outputs[index], 1);
        names[index] = name;
    }
    Some(names)
}

fn usual_loss(output: &Output) -> LossName {
    match output.kind {
        OutputKind::Category { .. } | OutputKind::Labels { .. } => LossName::CrossEntropy,
        OutputKind::Number | OutputKind::Anomaly { .. } => LossName::SquaredError,
    }
}

/// `of` says how many outputs the word stands for.
fn check_fit(reader: &mut Reader, field: &Field, name: LossName, output: &Output, of: usize) {
    let usual = usual_loss(output).name();
    if (usual == LossName::CrossEntropy.name()) != (name == LossName::CrossEntropy) {
        let message = format!("`{}` does not fit the output {}", name.name(), quoted(&output.name));
        let help = match of {
            1 => format!("write `{} = \"{usual}\"`, or leave it out", field.name),
            _ => format!("give each output its own: `minimise = {{ {} = \"{usual}\", … }}`", output.name),
        };
        let diagnostic = reader.error(Code::GoalMismatch, &field.span, message).help(help);
        reader.push(diagnostic);
    }
}

/// Reads `[search]`; an empty table gives the defaults.
pub(crate) fn search(reader: &mut Reader, table: &Table) -> Option<Search> {
    const SCHEDULES: &[Schedule] = &[Schedule::Constant, Schedule::Cosine, Schedule::OneCycle];
    const SHARE: Interval = Interval::half_open(0.0, 1.0);
    let schedule_name = |schedule| match schedule {
        Schedule::Constant => "constant",
        Schedule::Cosine => "cosine",
        Schedule::OneCycle => "one-cycle",
    };
    let optimiser = match table.get("optimiser") {
        Some(field) => field.choice(reader, OptimiserName::ALL, OptimiserName::name),
        None => Some(OptimiserName::AdamW),
    };
    let schedule = match table.get("schedule") {
        Some(field) => field.choice(reader, SCHEDULES, schedule_name).map(Some),
        None => Some(None),
    };
    // With an optimiser that is not known, the rest is still checked.
    if optimiser == Some(OptimiserName::AdamW) {
        table.refuse(reader, "momentum", "it belongs to the optimiser `sgd`");
    }
    if schedule == Some(Some(Schedule::OneCycle)) {
        table.refuse(reader, "warmup", "the schedule `one-cycle` begins with a rise of its own");
    }
    let epochs = integer(reader, table, "epochs", 1, EPOCHS_MAX);
    let batch = integer(reader, table, "batch", 1, BATCH_MAX);
    let learning_rate = learning_rate(reader, table);
    let weight_decay = optional(reader, table, "weight-decay", Interval::from(0.0));
    let momentum = number_or(reader, table, "momentum", SHARE, 0.9);
    let warmup_steps = integer(reader, table, "warmup", 0, STEPS_MAX);
    let clip = optional(reader, table, "clip", Interval::above(0.0));
    let patience_epochs = integer(reader, table, "patience", 1, EPOCHS_MAX);
    let average = optional(reader, table, "average", Interval::open(0.0, 1.0));
    let optimiser = match optimiser? {
        OptimiserName::AdamW => Optimiser::AdamW,
        OptimiserName::Sgd => Optimiser::Sgd { momentum: momentum? },
    };
    Some(Search {
        epochs: epochs?,
        batch: batch?.map(|batch| batch as usize),
        optimiser,
        learning_rate: learning_rate?,
        weight_decay: weight_decay?,
        schedule: schedule?,
        warmup_steps: warmup_steps?,
        clip: clip?,
        patience_epochs: patience_epochs?,
        average: average?,
    })
}

/// A number, or the word for a range test.
fn learning_rate(reader: &mut Reader, table: &Table) -> Option<LearningRate> {
    let Some(field) = table.get("learning-rate") else { return Some(LearningRate::Usual) };
    match field.value {
        DeValue::String(_) => field.choice(reader, &[LearningRate::RangeTest], |_| "range-test"),
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => field.number(reader, Interval::above(0.0)).map(LearningRate::Value),
    }
}

const EPOCHS_MAX: u64 = 1 << 20;
const BATCH_MAX: u64 = 1 << 20;
const STEPS_MAX: u64 = 1 << 40;

#[derive(Clone, Copy, PartialEq, Eq)]
enum LossName {
    CrossEntropy,
    SquaredError,
    AbsoluteError,
    Huber,
}

impl LossName {
    const ALL: &[LossName] =
        &[LossName::CrossEntropy, LossName::SquaredError, LossName::AbsoluteError, LossName::Huber];

    fn name(self) -> &'static str {
        match self {
            LossName::CrossEntropy => "cross-entropy",
            LossName::SquaredError => "squared-error",
            LossName::AbsoluteError => "absolute-error",
            LossName::Huber => "huber",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OptimiserName {
    AdamW,
    Sgd,
}

impl OptimiserName {
    const ALL: &[OptimiserName] = &[OptimiserName::AdamW, OptimiserName::Sgd];

    fn name(self) -> &'static str {
        match self {
            OptimiserName::AdamW => "adamw",
            OptimiserName::Sgd => "sgd",
        }
    }
}

fn number_or(reader: &mut Reader, table: &Table, name: &'static str, interval: Interval, default: f64) -> Option<f64> {
    match table.get(name) {
        Some(field) => field.number(reader, interval),
        None => Some(default),
    }
}

/// A number that may be left out: the outer option is an error, the inner one absence.
fn optional(reader: &mut Reader, table: &Table, name: &'static str, interval: Interval) -> Option<Option<f64>> {
    match table.get(name) {
        Some(field) => field.number(reader, interval).map(Some),
        None => Some(None),
    }
}

/// An integer that may be left out, likewise.
fn integer(reader: &mut Reader, table: &Table, name: &'static str, low: u64, high: u64) -> Option<Option<u64>> {
    match table.get(name) {
        Some(field) => field.integer(reader, low, high).map(Some),
        None => Some(None),
    }
}
