//! An f32 program as one of 8-bit integers.
//!
//! Activations are i8 with a scale and a zero point for each tensor, weights are i8 with a scale for each channel, sums are
//! i32, and what leaves a sum is brought to its scale by a fixed-point factor with the two roundings of TensorFlow Lite's
//! reference kernels, whose bits the results have (Jacob et al., arXiv:1712.05877; the TensorFlow Lite 8-bit quantisation
//! specification). The result is a graph like any other.
//!
//! It goes in two parts, since ranges of values have to be seen before they can be divided into steps:
//!
//! 1. [`Quantiser::new`] folds what can be folded into contractions (`fold.rs`), decides which values become integers
//!    (`steps.rs`), and says which of them share a scale.
//! 2. [`Quantiser::observed`] is the f32 program that shows these values; whoever runs it over examples chooses a
//!    [`Quantisation`] for each group. [`Quantiser::quantize`] then writes the program (`emit.rs`), and
//!    [`Quantiser::fake`] the f32 program that rounds as it does, with straight-through gradients (`fake.rs`).

mod affine;
mod channels;
mod emit;
mod fake;
mod fold;
mod steps;
mod weights;

pub use affine::{Multiplier, Quantisation};

use crate::error::{self, GraphError, Result};
use crate::graph::{Graph, Op, ValueId};
use crate::interpret::Tensor;
use crate::passes::plan::settled;
use std::collections::HashMap;
use steps::{Step, Steps, Treatment, steps};

/// A program on its way to integers.
#[derive(Clone, Debug)]
pub struct Quantiser {
    /// The f32 program with factors and terms folded into contractions.
    folded: Graph,
    treatments: Vec<Treatment>,
    /// Values that share one quantisation, each group in ascending order.
    groups: Vec<Vec<ValueId>>,
    /// The group of each value that becomes an integer.
    group_of: Vec<Option<usize>>,
    /// Sentences about layers that stay in f32.
    notes: Vec<String>,
}

/// An int8 program.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantised {
    pub graph: Graph,
    /// The values of its parameters, in the order of the graph: i8 weights, i32 biases, and f32 for what stays.
    pub params: Vec<(String, Tensor<f32>)>,
}

impl Quantiser {
    /// Decides how a finished f32 program becomes integers.
    ///
    /// # Errors
    /// `E1009` if it has no contraction that can be computed in integers, or changes its own parameters or state.
    pub fn new(graph: &Graph) -> Result<Quantiser> {
        let has_state = graph.instructions().iter().any(|i| matches!(i.op, Op::State { .. }));
        if has_state || !graph.updates().is_empty() {
            let message =
                "a program with state or updates cannot be quantised; quantise the finished program of one example";
            return Err(GraphError::new(error::PASS, message));
        }
        let folded = fold::fold(graph)?;
        let settled = settled(&folded);
        let Steps { of: treatments, refused } = steps(&folded, &settled);
        let notes: Vec<String> = refused
            .iter()
            .map(|(value, reason)| format!("`{}` stays in f32: {reason}", layer_of(&folded, *value)))
            .collect();
        if !treatments.iter().any(|t| matches!(t, Treatment::Int8(Step::Contract(..)) | Treatment::Sums(_))) {
            let reasons = match notes.is_empty() {
                true => "it has no layer with weights".to_owned(),
                false => notes.join("; "),
            };
            return Err(GraphError::new(error::PASS, format!("nothing in this program can be quantised: {reasons}")));
        }
        let (groups, group_of) = groups(&folded, &treatments);
        Ok(Quantiser { folded, treatments, groups, group_of, notes })
    }

    /// The f32 program whose ranges count: with what could be folded into its contractions.
    pub fn folded(&self) -> &Graph {
        &self.folded
    }

    /// Values of [`Quantiser::folded`] that share a quantisation, group by group.
    pub fn groups(&self) -> &[Vec<ValueId>] {
        &self.groups
    }

    /// Sentences about layers that stay in f32.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The f32 program with an output for each value of each group, in the order of [`Quantiser::groups`], and no other.
    ///
    /// # Errors
    /// None for a graph that is one.
    pub fn observed(&self) -> Result<Graph> {
        let mut graph = self.folded.clone();
        graph.clear_roots();
        for (k, value) in self.groups.iter().flatten().enumerate() {
            graph.set_output(&observed_name(k), *value)?;
        }
        crate::passes::simplify(&graph)
    }

    /// The int8 program, from the values of the f32 program's parameters and a quantisation for each group.
    ///
    /// # Errors
    /// `E1008` if a parameter has no value of its shape.
    pub fn quantize(&self, params: &HashMap<String, Tensor<f32>>, quantisations: &[Quantisation]) -> Result<Quantised> {
        assert_eq!(quantisations.len(), self.groups.len(), "every group has a quantisation");
        emit::emit(self, params, quantisations)
    }

    /// The f32 program whose weights and values are rounded as those of the int8 program, with the gradients of numbers that
    /// are not: straight through a rounding, zero beyond a range (Bengio, Léonard and Courville, arXiv:1308.3432; Jacob et
    /// al., section 3). Its parameters are those of the f32 program.
    ///
    /// # Errors
    /// None for a graph that is one.
    pub fn fake(&self, quantisations: &[Quantisation]) -> Result<Graph> {
        assert_eq!(quantisations.len(), self.groups.len(), "every group has a quantisation");
        fake::fake(self, quantisations)
    }

    fn quantisation(&self, value: ValueId, quantisations: &[Quantisation]) -> Quantisation {
        quantisations[self.group_of[value.index()].expect("the value is an integer")]
    }
}

/// The name of an output of [`Quantiser::observed`].
pub fn observed_name(place: usize) -> String {
    format!("value{place}")
}

/// What a contraction is called: its weight without what stands behind the last dot.
fn layer_of(graph: &Graph, contraction: ValueId) -> String {
    let weight = first_param(graph, contraction);
    weight.map_or_else(|| format!("%{}", contraction.0), |name| layer_name(name).to_owned())
}

fn layer_name(weight: &str) -> &str {
    weight.rsplit_once('.').map_or(weight, |(layer, _)| layer)
}

/// The first parameter that the operands of a value follow from by settled steps.
fn first_param(graph: &Graph, value: ValueId) -> Option<&str> {
    let settled = settled(graph);
    let mut open: Vec<ValueId> = graph.instruction(value).operands.iter().rev().copied().collect();
    while let Some(next) = open.pop() {
        let instruction = graph.instruction(next);
        if let Op::Param { name } = &instruction.op {
            return Some(name);
        }
        if settled[next.index()] && !matches!(instruction.op, Op::Extent { .. }) {
            open.extend(instruction.operands.iter().rev());
        }
    }
    None
}

/// Divides the values that become integers into groups of one scale: what a pool, a move or a limit reads and gives.
fn groups(graph: &Graph, treatments: &[Treatment]) -> (Vec<Vec<ValueId>>, Vec<Option<usize>>) {
    let mut parents: Vec<usize> = (0..treatments.len()).collect();
    let mut is_integer = vec![false; treatments.len()];
    for value in graph.values() {
        let mut join = |of: ValueId| {
            let (a, b) = (root(&parents, of.index()), root(&parents, value.index()));
            parents[b] = a;
        };
        match &treatments[value.index()] {
            Treatment::Settled | Treatment::Within | Treatment::Float => continue,
            Treatment::Sums(contraction) => {
                is_integer[operand_of(graph, contraction).index()] = true;
                continue;
            }
            Treatment::Int8(Step::Contract(contraction, _)) => {
                is_integer[operand_of(graph, contraction).index()] = true;
            }
            Treatment::Int8(Step::Add(..) | Step::Mean { .. }) => {}
            Treatment::Int8(Step::Average { of, .. } | Step::Greatest(of) | Step::Limit(of, _)) => join(*of),
            Treatment::Int8(Step::Move) => graph.instruction(value).operands.iter().for_each(|of| join(*of)),
        }
        is_integer[value.index()] = true;
    }
    let mut groups: Vec<Vec<ValueId>> = vec![];
    let mut group_of_root = vec![None; treatments.len()];
    let mut group_of = vec![None; treatments.len()];
    for value in graph.values().filter(|v| is_integer[v.index()]) {
        let root = root(&parents, value.index());
        let group = *group_of_root[root].get_or_insert(groups.len());
        if group == groups.len() {
            groups.push(vec![]);
        }
        groups[group].push(value);
        group_of[value.index()] = Some(group);
    }
    (groups, group_of)
}

fn root(parents: &[usize], mut at: usize) -> usize {
    while parents[at] != at {
        at = parents[at];
    }
    at
}

/// The computed operand of a contraction.
fn operand_of(graph: &Graph, contraction: &steps::Contraction) -> ValueId {
    graph.instruction(contraction.value).operands[1 - contraction.weight]
}
