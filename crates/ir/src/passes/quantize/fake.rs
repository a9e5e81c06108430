//! The f32 program that rounds where the int8 program does, for training that takes the rounding into account.

use super::affine::{GREATEST, Quantisation};
use super::channels::{Channels, spread};
use super::steps::{Contraction, Step, Treatment};
use super::{Quantiser, operand_of};
use crate::error::Result;
use crate::graph::{Graph, Op, Reduction, ValueId};
use crate::nest::{Nest, axes_of};
use crate::passes::rebuild::Rebuild;
use crate::scalar::ScalarFn;

/// The least scale of a channel: without it a channel of zeros would divide by zero.
const SCALE_LEAST: f32 = f32::MIN_POSITIVE;

pub(super) fn fake(quantiser: &Quantiser, quantisations: &[Quantisation]) -> Result<Graph> {
    let graph = &quantiser.folded;
    let mut rebuild = Rebuild::new(graph);
    let contractions = contractions(quantiser);
    for value in graph.values() {
        match contractions.iter().find(|contraction| contraction.value == value) {
            None => {
                rebuild.copy(value)?;
            }
            Some(contraction) => {
                let mut instruction = rebuild.translated(value);
                let operand = operand_of(graph, contraction);
                let x = &mut instruction.operands[1 - contraction.weight];
                // Where an integer step gives the operand, it is rounded already.
                if !matches!(quantiser.treatments[operand.index()], Treatment::Int8(_)) {
                    *x = rounded(&mut rebuild.new, *x, quantiser.quantisation(operand, quantisations))?;
                }
                let weight = instruction.operands[contraction.weight];
                instruction.operands[contraction.weight] =
                    rounded_weight(&mut rebuild.new, weight, &instruction.nest, contraction.weight)?;
                let new = rebuild.new.add(instruction)?;
                rebuild.set(value, new);
            }
        }
        let is_rounded = match &quantiser.treatments[value.index()] {
            Treatment::Int8(Step::Contract(..) | Step::Add(..) | Step::Mean { .. } | Step::Average { .. }) => true,
            // These give what they read.
            Treatment::Int8(Step::Greatest(_) | Step::Limit(..) | Step::Move) => false,
            Treatment::Settled | Treatment::Within | Treatment::Float | Treatment::Sums(_) => false,
        };
        if is_rounded {
            let exact = rebuild.get(value);
            let new = rounded(&mut rebuild.new, exact, quantiser.quantisation(value, quantisations))?;
            rebuild.set(value, new);
        }
    }
    rebuild.finish()
}

fn contractions(quantiser: &Quantiser) -> Vec<&Contraction> {
    let treatments = quantiser.treatments.iter();
    let found = treatments.filter_map(|treatment| match treatment {
        Treatment::Int8(Step::Contract(contraction, _)) | Treatment::Sums(contraction) => Some(contraction),
        Treatment::Int8(Step::Add(..) | Step::Mean { .. } | Step::Average { .. } | Step::Greatest(_)) => None,
        Treatment::Int8(Step::Limit(..) | Step::Move) => None,
        Treatment::Settled | Treatment::Within | Treatment::Float => None,
    });
    found.collect()
}

/// The nearest number that an i8 stands for; its gradient is 1 within the range and 0 beyond.
fn rounded(graph: &mut Graph, x: ValueId, quantisation: Quantisation) -> Result<ValueId> {
    let [low, high] = quantisation.range();
    let (low, high, scale) = (graph.float(low)?, graph.float(high)?, graph.float(quantisation.scale)?);
    let x = graph.map(ScalarFn::Max, &[x, low])?;
    let x = graph.map(ScalarFn::Min, &[x, high])?;
    let steps = graph.map(ScalarFn::Div, &[x, scale])?;
    let steps = graph.map(ScalarFn::Round, &[steps])?;
    let nearest = graph.map(ScalarFn::Mul, &[steps, scale])?;
    graph.map(ScalarFn::Straight, &[x, nearest])
}

/// The weights that i8 weights stand for, with the gradient of the weights themselves.
fn rounded_weight(graph: &mut Graph, weight: ValueId, nest: &Nest, place: usize) -> Result<ValueId> {
    let access = &nest.operands[place];
    let channels = Channels::new(nest, access, graph.shape(weight));
    let negative = graph.map(ScalarFn::Neg, &[weight])?;
    let magnitude = graph.map(ScalarFn::Max, &[weight, negative])?;
    let axes = axes_of(access);
    let over_channel = Nest {
        axes: nest.axes.iter().filter(|(axis, _)| axes.contains(axis)).copied().collect(),
        operands: vec![access.clone()],
        output: channels.dims.iter().map(|dim| nest.output[*dim].clone()).collect(),
    };
    let most = graph.with_shape(Op::Reduce(Reduction::Max), over_channel, &[magnitude], &channels.shape)?;
    let greatest = graph.float(GREATEST as f32)?;
    let scale = graph.map(ScalarFn::Div, &[most, greatest])?;
    let least = graph.float(SCALE_LEAST)?;
    let scale = graph.map(ScalarFn::Max, &[scale, least])?;
    let scale = spread(graph, scale, &channels.dims, nest, access)?;
    let steps = graph.map(ScalarFn::Div, &[weight, scale])?;
    let steps = graph.map(ScalarFn::Round, &[steps])?;
    let nearest = graph.map(ScalarFn::Mul, &[steps, scale])?;
    graph.map(ScalarFn::Straight, &[weight, nearest])
}
