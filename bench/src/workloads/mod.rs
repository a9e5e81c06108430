//! The networks that are measured, as graphs: a training step with AdamW, or the answers to a batch.

mod images;
mod network;
mod sequences;
mod vectors;

use network::Network;
pub use network::{First, Parameter};
use tacit_ir::gradient::differentiate;
use tacit_ir::passes::plan::settled;
use tacit_ir::passes::winograd;
use tacit_ir::{DType, Graph, Op, Result, ValueId};
use tacit_nn::optimise::{Gradient, optimise};
use tacit_nn::{Goal, Optimiser, OptimiserKind, Schedule};

/// What a worker does with its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Forward, backward and AdamW.
    Train,
    /// Answers alone.
    Infer,
    /// The answers of the same network in 8-bit integers.
    Int8,
}

/// A network by its name.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub name: &'static str,
    pub what: &'static str,
    /// The batch of a training step, where one is measured.
    pub training_batch: Option<usize>,
    /// Whether answers are measured.
    pub answers: bool,
    /// Whether answers in 8-bit integers are, too.
    pub integers: bool,
    /// From a network without parameters to the value of its answer.
    lay_out: fn(&mut Network) -> Result<ValueId>,
    /// What the answer is compared with while training.
    target: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// One of so many classes, for each row of the answer.
    Class(i32),
    /// A number for each element of the answer.
    Number,
}

pub const WORKLOADS: [Workload; 10] = [
    Workload {
        name: "w1",
        what: "MLP 784-512-512-10",
        training_batch: Some(128),
        answers: true,
        integers: false,
        lay_out: vectors::digits_mlp,
        target: Target::Class(10),
    },
    Workload {
        name: "w2",
        what: "ConvNet 28×28×1",
        training_batch: Some(64),
        answers: true,
        integers: false,
        lay_out: images::convnet,
        target: Target::Class(10),
    },
    Workload {
        name: "w3",
        what: "ResNet-8 32×32×3",
        training_batch: Some(32),
        answers: true,
        integers: true,
        lay_out: images::resnet_8,
        target: Target::Class(10),
    },
    Workload {
        name: "w4",
        what: "decoder transformer, 4 layers of 256",
        training_batch: Some(8),
        answers: true,
        integers: false,
        lay_out: sequences::transformer,
        target: Target::Class(512),
    },
    Workload {
        name: "w5",
        what: "WaveNet stack, 20 layers",
        training_batch: Some(2),
        answers: false,
        integers: false,
        lay_out: sequences::wavenet,
        target: Target::Class(256),
    },
    Workload {
        name: "w6",
        what: "MLP 14-64-64-1",
        training_batch: Some(256),
        answers: false,
        integers: false,
        lay_out: vectors::table_mlp,
        target: Target::Number,
    },
    Workload {
        name: "w7",
        what: "digits ConvNet 8×8×1",
        training_batch: Some(32),
        answers: false,
        integers: false,
        lay_out: images::digits_convnet,
        target: Target::Class(10),
    },
    Workload {
        name: "kws",
        what: "DS-CNN 49×10",
        training_batch: None,
        answers: true,
        integers: true,
        lay_out: images::keyword_spotting,
        target: Target::Class(12),
    },
    Workload {
        name: "autoencoder",
        what: "autoencoder 640-128×4-8-128×4-640",
        training_batch: None,
        answers: true,
        integers: false,
        lay_out: vectors::autoencoder,
        target: Target::Number,
    },
    Workload {
        name: "resnet18",
        what: "ResNet-18 224×224×3",
        training_batch: None,
        answers: true,
        integers: false,
        lay_out: images::resnet_18,
        target: Target::Class(1000),
    },
];

/// The names of the tensors beside the parameters.
pub const INPUT: &str = "input/x";
pub const TARGET: &str = "target";

/// A workload's graph for a batch, with what it must be given.
pub struct Laid {
    pub graph: Graph,
    pub parameters: Vec<Parameter>,
    /// One more than the greatest value of the input, where it holds numbers of things.
    pub input_below: Option<i32>,
    /// The same of the target.
    pub target_below: Option<i32>,
}

impl Workload {
    pub fn find(name: &str) -> Option<&'static Workload> {
        WORKLOADS.iter().find(|workload| workload.name == name)
    }

    /// What is measured: the step, or the answers as a finished program with fewer multiplications gives them; what becomes
    /// integers is still f32 here.
    pub fn measured(&self, mode: Mode, n: usize) -> Result<Laid> {
        let laid = self.graph(mode, n)?;
        match mode {
            Mode::Infer => Ok(Laid { graph: winograd(&laid.graph)?, ..laid }),
            Mode::Train | Mode::Int8 => Ok(laid),
        }
    }

    /// The step or the answers to `n` rows. A step has the output `loss`, answers the output `y`.
    pub fn graph(&self, mode: Mode, n: usize) -> Result<Laid> {
        let mut network = Network::new(mode, n);
        let answer = (self.lay_out)(&mut network)?;
        let Network { mut graph, parameters, input_below, .. } = network;
        let target_below = match self.target {
            Target::Class(count) => Some(count),
            Target::Number => None,
        };
        match mode {
            Mode::Infer | Mode::Int8 => graph.set_output("y", answer)?,
            Mode::Train => train(&mut graph, answer, self.target, &parameters)?,
        }
        Ok(Laid { graph, parameters, input_below, target_below })
    }
}

/// Makes a training step of a forward pass: the rate and the constants are those of [`OptimiserKind::ADAMW`].
fn train(graph: &mut Graph, answer: ValueId, target: Target, parameters: &[Parameter]) -> Result<()> {
    let shape = graph.shape(answer).to_vec();
    let (goal, target) = match target {
        Target::Class(_) => (
            Goal::CrossEntropy { class_weights: None, label_smoothing: 0.0 },
            graph.input(TARGET, DType::I32, &shape[..shape.len() - 1])?,
        ),
        Target::Number => (Goal::Squared, graph.input(TARGET, DType::F32, &shape)?),
    };
    let loss = goal.loss(graph, answer, target)?;
    let trained: Vec<&Parameter> = parameters.iter().filter(|parameter| parameter.trained).collect();
    let leaves: Vec<ValueId> = trained.iter().filter_map(|parameter| graph.leaf(&parameter.name)).collect();
    let values = differentiate(graph, loss, &leaves)?;
    let gradients: Vec<Gradient> = trained
        .iter()
        .zip(leaves.iter().zip(&values))
        .map(|(p, (leaf, value))| Gradient { name: &p.name, parameter: *leaf, gradient: *value, decays: true })
        .collect();
    let optimiser = Optimiser {
        kind: OptimiserKind::ADAMW,
        schedule: Schedule::Constant { rate: 1e-3 },
        weight_decay: 0.01,
        clip: None,
        average: None,
    };
    optimise(graph, &optimiser, &gradients)?;
    graph.set_output("loss", loss)
}

/// The floating-point operations of all contractions in a step or answer, a multiply-add being two; what is skipped at edges
/// counts, and what follows from weights alone is computed before.
pub fn contraction_flops(graph: &Graph) -> u64 {
    let settled = settled(graph);
    let instructions = graph.values().filter(|value| !settled[value.index()]).map(|value| graph.instruction(value));
    let contractions = instructions.filter(|instruction| matches!(instruction.op, Op::Contract));
    contractions.map(|i| 2 * i.nest.axes.iter().map(|(_, extent)| *extent as u64).product::<u64>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_a_legal_graph_with_the_operations_of_its_network() {
        for workload in WORKLOADS {
            let answers = workload.graph(Mode::Infer, 2).unwrap();
            assert!(answers.graph.output("y").is_some(), "{}", workload.name);
            let flops = contraction_flops(&answers.graph);
            if let Some(batch) = workload.training_batch {
                let step = workload.graph(Mode::Train, batch.min(4)).unwrap();
                let rows = batch.min(4) as u64;
                let more = contraction_flops(&step.graph) as f64 / (flops * rows / 2) as f64;
                // Three times the forward pass, less the first layer's input gradient.
                assert!((2.0..=3.0).contains(&more), "{}: {more}", workload.name);
            }
        }
        // 12.5 M multiply-adds, of which padding skips a few (Banbury et al., MLPerf Tiny, arXiv:2106.07597).
        let resnet_8 = Workload::find("w3").unwrap().graph(Mode::Infer, 1).unwrap();
        assert_eq!(contraction_flops(&resnet_8.graph) / 2, 12_501_632);
        // 1.81 G multiply-adds (He et al., arXiv:1512.03385, table 1).
        let resnet_18 = Workload::find("resnet18").unwrap().graph(Mode::Infer, 1).unwrap();
        assert_eq!(contraction_flops(&resnet_18.graph) / 2_000_000, 1814);
        // Less than 0.6 of it with the transforms of the measured program.
        let measured = Workload::find("resnet18").unwrap().measured(Mode::Infer, 1).unwrap();
        assert!(contraction_flops(&measured.graph) / 2_000_000 < 1088);
    }
}
