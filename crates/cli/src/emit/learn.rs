//! `tacit emit c --learn`: a program that goes on learning where it runs, as a bundle of two with one memory.

use std::path::Path;

use clap::ValueEnum;
use tacit_ir::DType;
use tacit_nn::OptimiserKind;
use tacit_nn::training::TARGET;
use tacit_train::Artifact;
use tacit_train::interface::OutputType;
use tacit_train::learning::{Learning, learner};

use super::{Emitted, invalid, notes};
use crate::output::Result;

#[derive(clap::Args)]
pub struct Learn {
    /// Also write a step of learning over so many examples, by which the program learns where it runs.
    #[arg(long, value_name = "EXAMPLES", value_parser = clap::value_parser!(u64).range(1..=4096))]
    learn: Option<u64>,
    /// The learning rate of the step; 0.01 by default, 0.001 with `adamw`.
    #[arg(long, requires = "learn", value_parser = rate)]
    rate: Option<f32>,
    /// How weights follow their gradients.
    #[arg(long, requires = "learn", value_enum, default_value_t = Optimiser::Sgd)]
    optimiser: Optimiser,
    /// What the names of the parameters that learn begin with, such as `output`; all learn by default. Fewer take less memory.
    #[arg(long, requires = "learn", value_delimiter = ',', value_name = "NAMES")]
    layers: Vec<String>,
}

/// A learning rate.
fn rate(text: &str) -> std::result::Result<f32, String> {
    match text.parse::<f32>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        Ok(_) | Err(_) => Err("a learning rate is a number above 0".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Optimiser {
    /// Against the gradient; keeps nothing beside the weights.
    Sgd,
    /// Keeps two moments for each weight.
    Adamw,
}

impl Learn {
    pub fn is_asked_for(&self) -> bool {
        self.learn.is_some()
    }

    /// The program whose weights may change, and the step that changes them.
    ///
    /// # Errors
    /// `E0806`, and those of a program that cannot be read.
    pub fn load(&self, path: &Path) -> Result<[Emitted; 2]> {
        let artifact = Artifact::load(path)?;
        let batch = self.learn.unwrap_or(1) as usize;
        let (optimiser, rate) = match self.optimiser {
            Optimiser::Sgd => (OptimiserKind::Sgd { momentum: 0.0 }, 0.01),
            Optimiser::Adamw => (OptimiserKind::ADAMW, 0.001),
        };
        let rate = self.rate.unwrap_or(rate);
        let learning = Learning { batch, optimiser, rate, layers: self.layers.clone() };
        let learner = learner(&artifact, &learning)?;
        let mut of_step: Vec<(String, String)> = notes(&artifact.interface)
            .into_iter()
            .filter(|(name, _)| artifact.interface.inputs.iter().any(|input| input.name == *name))
            .map(|(name, note)| (name, format!("{batch} examples, one after the other, each {note}")))
            .collect();
        for (name, dtype) in learner.targets() {
            let output = artifact.interface.outputs.iter().find(|output| output.name == name);
            let labels = output.map(|output| output.labels.join(", ")).unwrap_or_default();
            let note = match (dtype, output.map(|output| output.kind)) {
                (DType::I32, _) => format!("the right answers, {batch} positions in {labels}"),
                (_, Some(OutputType::Labels)) => format!("the right answers, 0 or 1 for each of {labels}"),
                (_, _) => "the right answers".to_owned(),
            };
            of_step.push((format!("{TARGET}{name}"), note));
        }
        of_step.push(("loss".to_owned(), "the mean loss of these examples before the step".to_owned()));
        let emitted = |name: String, graph, notes| {
            Emitted::of(name, graph, &artifact, notes).map_err(|fault| invalid(path, &fault))
        };
        let program = emitted(artifact.name.clone(), &learner.program, notes(&artifact.interface));
        let step = emitted(format!("{}_learn", artifact.name), &learner.step, of_step);
        Ok([program?, step?])
    }
}
