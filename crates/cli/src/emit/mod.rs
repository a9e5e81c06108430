//! `tacit emit`: a finished program as something that needs no Tacit.

mod c;
mod learn;
mod part;
mod wasm;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use tacit_emit::loops::Leaf;
use tacit_ir::interpret::{Tensor, compute};
use tacit_ir::passes::plan::{Buffer, plan_with_outputs_outside};
use tacit_ir::passes::{cost, settle, simplify, terms_last};
use tacit_ir::{Graph, GraphError, ValueId, text};
use tacit_spec::Exit;
use tacit_train::files::write_atomic;
use tacit_train::interface::{Interface, OutputType};
use tacit_train::quantise::param_values;
use tacit_train::{Artifact, CodedError, error};

use crate::output::Result;

#[derive(Subcommand)]
pub enum Target {
    /// C99 without any library: one source and one header, with an example and files that build it.
    C(c::Arguments),
    /// A WebAssembly module, with what loads it in JavaScript and a page that runs it.
    Wasm(wasm::Arguments),
}

pub fn emit(target: &Target) -> Result<Exit> {
    match target {
        Target::C(arguments) => c::emit(arguments),
        Target::Wasm(arguments) => wasm::emit(arguments),
    }
}

/// A program that is ready to be emitted: what follows from its weights is computed.
struct Emitted {
    name: String,
    graph: Graph,
    weights: HashMap<String, Tensor<f32>>,
    interface: Interface,
    /// What each input and output is, by its name.
    notes: Vec<(String, String)>,
    operations: u64,
}

impl Emitted {
    /// # Errors
    /// Those of a program that cannot be read, and `E0304`.
    fn load(path: &Path) -> Result<Emitted> {
        let artifact = Artifact::load(path)?;
        let graph = simplify(&artifact.graph).map_err(|fault| invalid(path, &fault))?;
        let notes = notes(&artifact.interface);
        Emitted::of(artifact.name.clone(), &graph, &artifact, notes).map_err(|fault| invalid(path, &fault).into())
    }

    /// A graph over the parameters of an artifact.
    fn of(
        name: String,
        graph: &Graph,
        artifact: &Artifact,
        notes: Vec<(String, String)>,
    ) -> std::result::Result<Emitted, GraphError> {
        let weights = param_values(&artifact.weights);
        let graph = settle(graph, &weights)?;
        let cost = cost(&graph);
        let operations = cost.float_operations + cost.integer_operations;
        Ok(Emitted { name, graph, weights, interface: artifact.interface.clone(), notes, operations })
    }

    /// The same for processors that multiply several neighbouring bytes at once, or have registers for few sums.
    ///
    /// # Errors
    /// Those of graphs.
    fn with_terms_last(mut self) -> Result<Emitted> {
        self.graph = terms_last(&self.graph, &mut self.weights)?;
        Ok(self)
    }

    /// The elements of a parameter or constant.
    fn value(&self, leaf: &Leaf) -> Tensor<f32> {
        match &leaf.name {
            Some(name) => self.weights[name].clone(),
            None => compute(self.graph.instruction(leaf.value), &[]),
        }
    }

    /// The instruction that defines a value, in the text form.
    fn instruction(&self, value: ValueId) -> String {
        text::print_instruction(&self.graph, value)
    }

    /// The instruction at which most memory is taken.
    fn peak(&self) -> String {
        let plan = plan_with_outputs_outside(&self.graph);
        let is_live = |k: usize, b: &Buffer| b.is_in_arena() && b.first <= k && k <= b.last;
        let live = |k: usize| -> usize { plan.buffers.iter().filter(|b| is_live(k, b)).map(|b| b.bytes).sum() };
        let peak = (0..plan.kernels.len()).max_by_key(|k| live(*k));
        peak.map(|k| self.instruction(plan.kernels[k].anchor.unwrap_or(plan.kernels[k].root))).unwrap_or_default()
    }
}

/// What each input and output is, by its name.
fn notes(interface: &Interface) -> Vec<(String, String)> {
    let inputs = interface.inputs.iter().map(|input| {
        let shape = match &input.shape[..] {
            [] => "one number".to_owned(),
            shape => format!("numbers of shape {shape:?}, the last dimension contiguous"),
        };
        let scale = input.scale.map(|scale| format!(", as they come, up to {scale}")).unwrap_or_default();
        let labels = match &input.labels[..] {
            [] => String::new(),
            labels => format!("; the position of one of {}", labels.join(", ")),
        };
        (input.name.clone(), format!("{shape}{scale}{labels}"))
    });
    let outputs = interface.outputs.iter().map(|output| {
        let note = match output.kind {
            OutputType::Category => format!("the probabilities of {}", output.labels.join(", ")),
            OutputType::Labels => format!("the probability of each of {}", output.labels.join(", ")),
            OutputType::Number => "a number".to_owned(),
            OutputType::Anomaly => {
                format!("a score; an anomaly above {}", output.threshold.unwrap_or(f32::INFINITY))
            }
        };
        (output.name.clone(), note)
    });
    inputs.chain(outputs).collect()
}

fn invalid(path: &Path, fault: &GraphError) -> CodedError {
    CodedError::new(error::CONTENTS, format!("`{}` cannot be laid out: {fault}", path.display()))
}

/// Writes files into a folder, which is made if it is not there.
fn write_files(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).map_err(|fault| CodedError::io(error::UNWRITABLE, "make", folder, &fault))?;
    let mut written = vec![];
    for (name, bytes) in files {
        let path = folder.join(name);
        write_atomic(&path, bytes)?;
        written.push(path);
    }
    Ok(written)
}
