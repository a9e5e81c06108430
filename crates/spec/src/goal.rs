//! `[goal]` and `[search]`.

use crate::codes::Code;
use crate::read::{Interval, Reader, Table};
use crate::report::quoted;
use crate::specification::*;

/// Reads `[goal]`, which must fit the output.
pub(crate) fn goal(reader: &mut Reader, table: &Table, output: Option<&Output>) -> Option<Goal> {
    const WEIGHTS: &[ClassWeights] = &[ClassWeights::Uniform, ClassWeights::Balanced];
    let weights_name = |weights| match weights {
        ClassWeights::Uniform => "uniform",
        ClassWeights::Balanced => "balanced",
    };
    let field = table.require(reader, "minimise")?;
    let name = field.choice(reader, LossName::ALL, LossName::name)?;
    if name != LossName::CrossEntropy {
        let why = format!("it belongs to `cross-entropy`, and the goal is `{}`", name.name());
        table.refuse(reader, "label-smoothing", &why);
        table.refuse(reader, "class-weights", &why);
    }
    if name != LossName::Huber {
        table.refuse(reader, "delta", &format!("it belongs to `huber`, and the goal is `{}`", name.name()));
    }
    if let Some(output) = output {
        let help = match (&output.kind, name == LossName::CrossEntropy) {
            (OutputKind::Category { .. } | OutputKind::Labels { .. }, true)
            | (OutputKind::Number | OutputKind::Anomaly, false) => None,
            (OutputKind::Category { .. } | OutputKind::Labels { .. }, false) => {
                Some("write `minimise = \"cross-entropy\"`")
            }
            (OutputKind::Number | OutputKind::Anomaly, true) => Some("write `minimise = \"squared-error\"`"),
        };
        if let Some(help) = help {
            let message = format!("`{}` does not fit the output {}", name.name(), quoted(&output.name));
            let diagnostic = reader.error(Code::GoalMismatch, &field.span, message).help(help);
            reader.push(diagnostic);
        }
    }
    let smoothing = number_or(reader, table, "label-smoothing", Interval::half_open(0.0, 1.0), 0.0);
    let delta = number_or(reader, table, "delta", Interval::above(0.0), 1.0);
    let class_weights = match table.get("class-weights") {
        Some(field) => field.choice(reader, WEIGHTS, weights_name),
        None => Some(ClassWeights::Uniform),
    };
    let loss = match name {
        LossName::CrossEntropy => Loss::CrossEntropy { label_smoothing: smoothing? },
        LossName::SquaredError => Loss::SquaredError,
        LossName::AbsoluteError => Loss::AbsoluteError,
        LossName::Huber => Loss::Huber { delta: delta? },
    };
    Some(Goal { loss, class_weights: class_weights? })
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
        Some(field) => field.choice(reader, SCHEDULES, schedule_name),
        None => Some(Schedule::Cosine),
    };
    // With an optimiser that is not known, the rest is still checked.
    let (rate_default, decay_default) = match optimiser {
        Some(OptimiserName::AdamW) | None => (0.001, 0.01),
        Some(OptimiserName::Sgd) => (0.05, 0.0),
    };
    if optimiser == Some(OptimiserName::AdamW) {
        table.refuse(reader, "momentum", "it belongs to the optimiser `sgd`");
    }
    if schedule == Some(Schedule::OneCycle) {
        table.refuse(reader, "warmup", "the schedule `one-cycle` begins with a rise of its own");
    }
    let epochs = integer(reader, table, "epochs", 1, EPOCHS_MAX);
    let batch = integer(reader, table, "batch", 1, BATCH_MAX);
    let learning_rate = number_or(reader, table, "learning-rate", Interval::above(0.0), rate_default);
    let weight_decay = number_or(reader, table, "weight-decay", Interval::from(0.0), decay_default);
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
        epochs: epochs?.unwrap_or(100),
        batch: batch?.unwrap_or(32) as usize,
        optimiser,
        learning_rate: learning_rate?,
        weight_decay: weight_decay?,
        schedule: schedule?,
        warmup_steps: warmup_steps?.unwrap_or(0),
        clip: clip?,
        patience_epochs: patience_epochs?,
        average: average?,
    })
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
