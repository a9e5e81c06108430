//! `tacit inspect`.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tacit_ir::passes::{cost, instruction_cost};
use tacit_ir::text;
use tacit_spec::Exit;
use tacit_train::Artifact;
use tacit_train::artifact::Provenance;
use tacit_train::interface::{Interface, OutputType};

use crate::memory_map::memory_map;
use crate::output::{Result, print};
use crate::{Format, Hashed, InspectArguments, table};

pub fn inspect(arguments: &InspectArguments) -> Result<Exit> {
    let artifact = Artifact::load(&arguments.program)?;
    let (text, value) = if arguments.graph {
        let graph = text::print(&artifact.graph);
        (graph.clone(), json!({ "graph": graph }))
    } else if arguments.cost {
        costs(&artifact)
    } else if arguments.memory {
        memory_map(&artifact.graph)
    } else if arguments.provenance {
        (provenance(&artifact.provenance), json!({ "provenance": artifact.provenance }))
    } else if let Some(hashed) = arguments.hash {
        let hash = match hashed {
            Hashed::Weights => artifact.provenance.weights_hash.clone(),
            Hashed::File => artifact.file_hash(),
        };
        (format!("{hash}\n"), json!({ "hash": hash }))
    } else {
        summary(&artifact)
    };
    print(&match arguments.format {
        Format::Text => text,
        Format::Json => format!("{value}\n"),
    })?;
    Ok(Exit::Ok)
}

fn summary(artifact: &Artifact) -> (String, Value) {
    let text = format!(
        "{}\n\n{}\n{}\n{}",
        artifact.name,
        interface(&artifact.interface),
        table::contract(&artifact.contract),
        provenance(&artifact.provenance)
    );
    let value = json!({
        "name": artifact.name,
        "interface": artifact.interface,
        "contract": table::contract_json(&artifact.contract),
        "provenance": artifact.provenance,
    });
    (text, value)
}

fn interface(interface: &Interface) -> String {
    let mut text = String::new();
    for input in &interface.inputs {
        let columns = match &input.columns[..] {
            [first, .., last] => format!("the {} columns {first} … {last}", input.columns.len()),
            several => format!("the column {}", several.join(", ")),
        };
        let labels = match input.labels.len() {
            0 => String::new(),
            count => format!(", {count} labels"),
        };
        let kind = serde_json::to_value(input.kind).unwrap_or_default();
        let kind = kind.as_str().unwrap_or_default();
        let _ = writeln!(text, "input {}: {kind} {:?}, {columns}{labels}", input.name, input.shape);
    }
    for output in &interface.outputs {
        let labels = output.labels.join(", ");
        let _ = match output.kind {
            OutputType::Category => writeln!(text, "output {}: one of {labels}", output.name),
            OutputType::Labels => writeln!(text, "output {}: any of {labels}", output.name),
            OutputType::Number => writeln!(text, "output {}: a number", output.name),
            OutputType::Anomaly => {
                let threshold = output.threshold.unwrap_or(f32::INFINITY);
                writeln!(text, "output {}: a score, an anomaly above {threshold}", output.name)
            }
        };
    }
    text
}

fn provenance(provenance: &Provenance) -> String {
    let Provenance { data, rows, rejected_rows, seed, learning_rate, best_step, steps, from_weights, .. } = provenance;
    let mut lines: Vec<(&str, String)> = data
        .iter()
        .map(|file| {
            let part = file.part.as_ref().map(|part| format!(", for {part}")).unwrap_or_default();
            ("data", format!("{} {}{part}", file.file, file.hash))
        })
        .collect();
    let [training, validation, test] = rows;
    let aside = if *rejected_rows > 0 { format!("; {rejected_rows} set aside") } else { String::new() };
    lines.push(("rows", format!("{training} for training, {validation} for validation, {test} for test{aside}")));
    lines.push(("seed", seed.to_string()));
    lines.push(("learning rate", learning_rate.to_string()));
    lines.extend(from_weights.as_ref().map(|hash| ("started from", hash.clone())));
    lines.push(("weights", format!("{} after step {best_step} of {steps}", provenance.weights_hash)));
    lines.push(("versions", format!("tool {}, numerics {}", provenance.tool_version, provenance.numerics_version)));
    let rows: Vec<Vec<String>> = lines.into_iter().map(|(name, text)| vec![name.to_owned(), text]).collect();
    table::aligned(&rows)
}

fn costs(artifact: &Artifact) -> (String, Value) {
    let graph = &artifact.graph;
    let mut rows = vec![["value", "operations", "bytes moved", "instruction"].map(str::to_owned).to_vec()];
    let mut instructions = Vec::new();
    for value in graph.values() {
        let one = instruction_cost(graph, value);
        let operations = one.float_operations + one.integer_operations;
        if operations > 0 || one.bytes_moved > 0 {
            let keyword = graph.instruction(value).op.keyword();
            let ty = graph.ty(value).to_string();
            rows.push(vec![
                format!("%{}", value.0),
                operations.to_string(),
                one.bytes_moved.to_string(),
                format!("{keyword} {ty}"),
            ]);
            instructions.push(json!({
                "value": value.0, "instruction": keyword, "type": ty,
                "float_operations": one.float_operations, "integer_operations": one.integer_operations,
                "bytes_moved": one.bytes_moved,
            }));
        }
    }
    let all = cost(graph);
    let text = format!(
        "{}{} floating point operations, {} integer operations, {} parameters for one example\n",
        table::aligned(&rows),
        all.float_operations,
        all.integer_operations,
        all.parameters
    );
    let value = json!({
        "float_operations": all.float_operations,
        "integer_operations": all.integer_operations,
        "bytes_moved": all.bytes_moved,
        "parameters": all.parameters,
        "instructions": instructions,
    });
    (text, value)
}
