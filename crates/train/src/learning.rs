//! A finished program that goes on learning where it runs: the program with weights that may change, and a step of learning.

use tacit_ir::passes::simplify;
use tacit_ir::{DType, Graph, Op};
use tacit_nn::training::TARGET;
use tacit_nn::{Answer, Optimiser, OptimiserKind, Schedule, fine_tuning_step};

use crate::artifact::Artifact;
use crate::error::{self, CodedError, Result};
use crate::interface::OutputType;

/// How a program goes on learning.
#[derive(Clone, Debug, PartialEq)]
pub struct Learning {
    /// The examples of a step.
    pub batch: usize,
    pub optimiser: OptimiserKind,
    pub rate: f32,
    /// What the names of parameters that learn begin with; all learn if there is none.
    pub layers: Vec<String>,
}

/// The two programs, which keep the same parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Learner {
    /// The program itself. Parameters that learn have an update, to what they are, so that nothing takes them for settled.
    pub program: Graph,
    /// One step: see [`fine_tuning_step`].
    pub step: Graph,
}

/// The program of an artifact and the step of learning that belongs to it.
///
/// # Errors
/// `E0806` for programs of integers, and for layers that it does not have; the codes of graphs.
pub fn learner(artifact: &Artifact, learning: &Learning) -> Result<Learner> {
    let trained = trained(artifact, learning)?;
    let answers: Vec<(String, Answer)> = artifact
        .interface
        .outputs
        .iter()
        .map(|output| {
            let answer = match output.kind {
                OutputType::Category => Answer::Probabilities,
                OutputType::Labels => Answer::Labels,
                OutputType::Number => Answer::Numbers,
                OutputType::Anomaly => Answer::Score,
            };
            (output.name.clone(), answer)
        })
        .collect();
    let optimiser = Optimiser {
        kind: learning.optimiser,
        schedule: Schedule::Constant { rate: learning.rate },
        weight_decay: 0.0,
        clip: None,
        average: None,
    };
    let mut program = simplify(&artifact.graph)?;
    let step = simplify(&fine_tuning_step(&program, &answers, &trained, learning.batch, &optimiser)?)?;
    for name in &trained {
        if let Some(leaf) = program.leaf(name) {
            program.set_update(leaf, leaf)?;
        }
    }
    Ok(Learner { program, step })
}

/// The names of the parameters that learn.
fn trained(artifact: &Artifact, learning: &Learning) -> Result<Vec<String>> {
    let parameters: Vec<(&str, DType)> =
        artifact.graph.params().map(|(name, value)| (name, artifact.graph.ty(value).dtype)).collect();
    if parameters.iter().any(|(_, dtype)| *dtype != DType::F32) {
        let message = format!("`{}` computes with 8-bit integers, which have no gradients", artifact.name);
        let help = "build it with `precision = \"f32\"`";
        return Err(CodedError::new(error::CANNOT_LEARN, message).help(help).into());
    }
    // A score of an autoencoder would fall with what its own features are made of.
    let has_score = artifact.interface.outputs.iter().any(|output| output.kind == OutputType::Anomaly);
    let stays = |name: &str| is_statistic(name) || has_score && name.starts_with("embedding");
    let able: Vec<&str> = parameters.iter().map(|(name, _)| *name).filter(|name| !stays(name)).collect();
    if let Some(layer) = learning.layers.iter().find(|layer| !able.iter().any(|name| name.starts_with(layer.as_str())))
    {
        let message = format!("no parameter of `{}` that can learn begins with `{layer}`", artifact.name);
        return Err(CodedError::new(error::CANNOT_LEARN, message)
            .help(format!("there are {}", able.join(", ")))
            .into());
    }
    let is_chosen = |name: &&&str| {
        learning.layers.is_empty() || learning.layers.iter().any(|layer| name.starts_with(layer.as_str()))
    };
    Ok(able.iter().filter(is_chosen).map(|name| (*name).to_owned()).collect())
}

/// Running statistics of batch normalisation, which follow from rows and not from gradients.
fn is_statistic(name: &str) -> bool {
    name.starts_with("norm") && (name.ends_with(".mean") || name.ends_with(".variance"))
}

impl Learner {
    /// The outputs that have right answers, with the element types of the step's inputs that hold these.
    pub fn targets(&self) -> Vec<(String, DType)> {
        let target = |value| {
            let instruction = self.step.instruction(value);
            let name = instruction.op.leaf_name().filter(|_| matches!(instruction.op, Op::Input { .. }))?;
            Some((name.strip_prefix(TARGET)?.to_owned(), instruction.ty.dtype))
        };
        self.step.values().filter_map(target).collect()
    }
}
