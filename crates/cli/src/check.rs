//! `tacit check`.

use serde_json::json;
use tacit_ir::passes::cost;
use tacit_spec::Exit;
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
