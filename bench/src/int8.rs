//! A workload's answers as a program of 8-bit integers, whose ranges are seen over a few drawn inputs.

use crate::workloads::INPUT;
use std::collections::HashMap;
use tacit_exec::{Options, Program};
use tacit_ir::passes::quantize::{Quantisation, Quantised, Quantiser, observed_name};
use tacit_ir::{Graph, Tensor};
use tacit_nn::{Initialiser, initialise};

/// How many inputs are drawn beside the one that is timed.
const EXAMPLES: u64 = 7;

/// The int8 program of a graph, whose leaves have these values.
pub fn quantised(graph: &Graph, leaves: &HashMap<String, Tensor<f32>>) -> Result<Quantised, String> {
    let quantiser = Quantiser::new(graph).map_err(|error| error.to_string())?;
    let observed = quantiser.observed().map_err(|error| error.to_string())?;
    let options = Options::from_environment().map_err(|error| error.to_string())?;
    let mut program = Program::compile(&observed, &options).map_err(|error| error.to_string())?;
    for (name, tensor) in leaves.iter().filter(|(name, _)| observed.leaf(name).is_some()) {
        program.set_f32(name, tensor.as_floats()).map_err(|error| error.to_string())?;
    }
    let input = leaves[INPUT].as_floats().to_vec();
    let more = (0..EXAMPLES).map(|seed| initialise(Initialiser::Uniform { bound: 1.0 }, seed, INPUT, input.len()));
    let mut ranges = vec![[0f32; 2]; quantiser.groups().len()];
    for example in std::iter::once(input.clone()).chain(more) {
        program.set_f32(INPUT, &example).map_err(|error| error.to_string())?;
        program.step();
        let mut places = 0..;
        for (range, group) in ranges.iter_mut().zip(quantiser.groups()) {
            for place in places.by_ref().take(group.len()) {
                let values = program.output_f32(&observed_name(place)).map_err(|error| error.to_string())?;
                *range = values.iter().fold(*range, |[low, high], x| [low.min(*x), high.max(*x)]);
            }
        }
    }
    let quantisations: Vec<Quantisation> =
        ranges.iter().map(|[low, high]| Quantisation::of_range(*low, *high)).collect();
    quantiser.quantize(leaves, &quantisations).map_err(|error| error.to_string())
}
