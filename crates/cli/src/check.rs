//! `tacit check`.

use serde_json::json;
use tacit_ir::passes::cost;
use tacit_spec::{Choices, Exit, Input, InputKind, Layer, Schedule, Specification};
use tacit_train::contract::Costs;
use tacit_train::examples;
use tacit_train::files::folder_of;
use tacit_train::graphs::graphs;

use crate::output::{Result, manifest_path, print};
use crate::{CheckArguments, Format};

pub fn check(arguments: &CheckArguments) -> Result<Exit> {
    let manifest = manifest_path(&arguments.path);
    let specification = tacit_spec::read(&manifest)?;
    let examples = examples(&specification, folder_of(&manifest), &manifest)?;
    let parts = &examples.parts;
    let steps = tacit_train::search::steps(&specification, &examples.prepared);
    let rate = examples.prepared.choices.learning_rate.unwrap_or(1.0);
    let graphs = graphs(&specification, &examples.dataset, &examples.prepared, steps, rate)?;
    let program = Costs::of(&graphs.program);
    let step = cost(&graphs.step);
    let choices = &examples.prepared.choices;
    let layers: Vec<String> = examples.prepared.layers.iter().map(layer_text).collect();
    if arguments.expand {
        return match arguments.format {
            Format::Text => print(&expanded(&specification, choices, &layers)).map(|()| Exit::Ok),
            Format::Json => {
                let value = json!({ "layers": layers, "choices": choices_json(choices) });
                print(&format!("{value}\n")).map(|()| Exit::Ok)
            }
        };
    }
    print(&match arguments.format {
        Format::Text => format!(
            "{} is right\n{} rows: {} for training, {} for validation, {} for test\n\
             the program: {} parameters, {} operations and {} bytes of working memory for one example\n\
             the search: {} steps of {} operations\n",
            manifest.display(),
            examples.dataset.rows,
            parts.training.len(),
            parts.validation.len(),
            parts.test.len(),
            program.parameters,
            program.flops,
            program.peak_memory_bytes,
            steps,
            step.float_operations
        ),
        Format::Json => {
            let report = json!({
                "rows": examples.dataset.rows,
                "training": parts.training.len(),
                "validation": parts.validation.len(),
                "test": parts.test.len(),
                "parameters": program.parameters,
                "flops": program.flops,
                "peak_memory_bytes": program.peak_memory_bytes,
                "steps": steps,
                "step_flops": step.float_operations,
            });
            format!("{report}\n")
        }
    })?;
    Ok(Exit::Ok)
}

/// The skeleton and every choice as they would stand in a manifest.
fn expanded(specification: &Specification, choices: &Choices, layers: &[String]) -> String {
    let mut text = String::from("[skeleton]\nlayers = [\n");
    layers.iter().for_each(|layer| text += &format!("    {layer},\n"));
    text += &format!("]\nmembers = {}\n\n[search]\n", choices.members);
    text += &format!("epochs = {}\nbatch = {}\n", choices.epochs, choices.batch);
    text += &match choices.learning_rate {
        Some(rate) => format!("learning-rate = {rate}\n"),
        None => "learning-rate = \"range-test\"\n".to_owned(),
    };
    text += &format!("weight-decay = {}\nschedule = \"{}\"\n", choices.weight_decay, schedule(choices));
    if choices.schedule != Schedule::OneCycle {
        text += &format!("warmup = {}\n", choices.warmup_steps);
    }
    let optional = [
        choices.clip.map(|clip| format!("clip = {clip}\n")),
        choices.patience_epochs.map(|patience| format!("patience = {patience}\n")),
        choices.average.map(|average| format!("average = {average}\n")),
    ];
    optional.into_iter().flatten().for_each(|line| text += &line);
    let follows = |input: &Input| match &input.kind {
        InputKind::Number { encoding } | InputKind::Ordinal { encoding, .. } | InputKind::Vector { encoding, .. } => {
            encoding.is_none()
        }
        InputKind::Category { .. } | InputKind::Date { .. } | InputKind::Image { .. } => false,
    };
    if choices.bins > 0 && specification.inputs.iter().any(follows) {
        text += "\n# inputs of numbers that set no `encoding` and no `bins` have\n";
        text += &format!("# encoding = \"piecewise\", bins = {}\n", choices.bins);
    }
    text
}

/// A layer as it stands in a list: text, or a table.
fn layer_text(layer: &Layer) -> String {
    let text = layer.to_string();
    if text.starts_with('{') { text } else { format!("\"{text}\"") }
}

fn schedule(choices: &Choices) -> &'static str {
    match choices.schedule {
        Schedule::Constant => "constant",
        Schedule::Cosine => "cosine",
        Schedule::OneCycle => "one-cycle",
    }
}

fn choices_json(choices: &Choices) -> serde_json::Value {
    json!({
        "bins": choices.bins,
        "embedding": choices.embedding,
        "members": choices.members,
        "epochs": choices.epochs,
        "batch": choices.batch,
        "learning_rate": choices.learning_rate,
        "weight_decay": choices.weight_decay,
        "schedule": schedule(choices),
        "warmup": choices.warmup_steps,
        "clip": choices.clip,
        "patience": choices.patience_epochs,
        "average": choices.average,
    })
}
