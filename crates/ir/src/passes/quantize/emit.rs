//! The int8 program, instruction by instruction.
//!
//! Every formula is that of TensorFlow Lite's reference kernels; docs/NUMERICS.md lists them.

use super::affine::{GREATEST, LOWEST, Multiplier, Quantisation};
use super::channels::Channels;
use super::steps::{Contraction, Limits, Step, Treatment, axes_without};
use super::weights::{Integers, integers, limits};
use super::{Quantised, Quantiser, first_param, layer_name};
use crate::error::{self, GraphError, Result};
use crate::graph::{Graph, Instruction, Op, Reduction, ValueId};
use crate::interpret::{Tensor, compute};
use crate::nest::{Access, Index, Nest};
use crate::scalar::ScalarFn;
use crate::types::{DType, Scalar, TensorType};
use std::collections::HashMap;

/// How far the operands of a sum are shifted left before they are brought to one scale (`kernels/add.cc`).
const SUM_SHIFT: i32 = 20;

/// The names of a value's dimensions in the maps that are written here.
const LETTERS: &str = "abcdefghijkl";

pub(super) fn emit(
    quantiser: &Quantiser,
    params: &HashMap<String, Tensor<f32>>,
    quantisations: &[Quantisation],
) -> Result<Quantised> {
    let graph = &quantiser.folded;
    let count = graph.instructions().len();
    let mut emitter = Emitter {
        quantiser,
        quantisations,
        settled: settled_values(graph, &quantiser.treatments, params)?,
        new: Graph::new(),
        params: vec![],
        floats: vec![None; count],
        integers: vec![None; count],
    };
    let needed = needed_floats(quantiser);
    for value in graph.values() {
        match &quantiser.treatments[value.index()] {
            Treatment::Within => {}
            Treatment::Settled | Treatment::Float => {
                if needed[value.index()] {
                    emitter.copy(value, params)?;
                }
            }
            Treatment::Sums(contraction) => emitter.sums_as_floats(value, contraction)?,
            Treatment::Int8(step) => {
                let new = emitter.step(value, step)?;
                emitter.integers[value.index()] = Some(new);
            }
        }
    }
    for (name, value) in graph.outputs() {
        let new = emitter.float(*value)?;
        emitter.new.set_output(name, new)?;
    }
    Ok(Quantised { graph: emitter.new, params: emitter.params })
}

/// The values that follow from constants and parameters.
fn settled_values(
    graph: &Graph,
    treatments: &[Treatment],
    params: &HashMap<String, Tensor<f32>>,
) -> Result<Vec<Option<Tensor<f32>>>> {
    let mut values: Vec<Option<Tensor<f32>>> = Vec::with_capacity(treatments.len());
    for (value, treatment) in graph.values().zip(treatments) {
        let instruction = graph.instruction(value);
        let found = match (&instruction.op, treatment) {
            (Op::Param { name }, _) => Some(bound(params, name, &instruction.ty)?.clone()),
            (Op::Extent { dim }, _) => {
                let extent = graph.shape(instruction.operands[0])[*dim];
                Some(Tensor::integers(&[], vec![extent as i32]))
            }
            (_, Treatment::Settled) => {
                let operands = instruction.operands.iter().map(|v| values[v.index()].as_ref());
                let operands: Vec<_> = operands.map(|v| v.expect("what settles follows from what is")).collect();
                Some(compute(instruction, &operands))
            }
            (_, Treatment::Within | Treatment::Float | Treatment::Sums(_) | Treatment::Int8(_)) => None,
        };
        values.push(found);
    }
    Ok(values)
}

fn bound<'p>(params: &'p HashMap<String, Tensor<f32>>, name: &str, ty: &TensorType) -> Result<&'p Tensor<f32>> {
    params.get(name).filter(|tensor| tensor.ty() == *ty).ok_or_else(|| {
        GraphError::new(error::BINDING, format!("the parameter `{name}` ({ty}) has no value of its type"))
    })
}

/// The f32 instructions that the int8 program still has: inputs, and what f32 values need of settled ones.
fn needed_floats(quantiser: &Quantiser) -> Vec<bool> {
    let graph = &quantiser.folded;
    let mut needed = vec![false; graph.instructions().len()];
    graph.outputs().iter().for_each(|(_, value)| needed[value.index()] = true);
    for value in graph.values().rev() {
        let instruction = graph.instruction(value);
        let is_kept = match &quantiser.treatments[value.index()] {
            Treatment::Within | Treatment::Sums(_) | Treatment::Int8(_) => false,
            Treatment::Float => true,
            Treatment::Settled => needed[value.index()],
        };
        needed[value.index()] |= is_kept;
        if is_kept && !matches!(instruction.op, Op::Extent { .. }) {
            instruction.operands.iter().for_each(|operand| needed[operand.index()] = true);
        }
    }
    needed
}

struct Emitter<'q> {
    quantiser: &'q Quantiser,
    quantisations: &'q [Quantisation],
    /// The settled values of the f32 program.
    settled: Vec<Option<Tensor<f32>>>,
    new: Graph,
    params: Vec<(String, Tensor<f32>)>,
    /// For values of the f32 program their f32 and i8 values in the new one, as far as they are there.
    floats: Vec<Option<ValueId>>,
    integers: Vec<Option<ValueId>>,
}

impl Emitter<'_> {
    fn old(&self) -> &Graph {
        &self.quantiser.folded
    }

    fn quantisation(&self, value: ValueId) -> Quantisation {
        self.quantiser.quantisation(value, self.quantisations)
    }

    /// Carries an f32 instruction over.
    fn copy(&mut self, value: ValueId, params: &HashMap<String, Tensor<f32>>) -> Result<()> {
        let mut instruction = self.old().instruction(value).clone();
        // The sizes of an int8 program stand in its multipliers, so they can be constants here as well.
        if let Op::Extent { dim } = instruction.op {
            let extent = self.old().shape(instruction.operands[0])[dim];
            self.floats[value.index()] = Some(self.new.scalar(Scalar::I32(extent as i32))?);
            return Ok(());
        }
        for operand in &mut instruction.operands {
            *operand = self.float(*operand)?;
        }
        let new = match &instruction.op {
            Op::Param { name } => {
                let tensor = bound(params, name, &instruction.ty)?.clone();
                self.param(&name.clone(), tensor)?
            }
            Op::Input { .. }
            | Op::State { .. }
            | Op::Constant { .. }
            | Op::Iota
            | Op::Random { .. }
            | Op::Extent { .. }
            | Op::Contract
            | Op::Map(_)
            | Op::Reduce(_)
            | Op::Move { .. }
            | Op::Gather
            | Op::Scatter => self.new.add(instruction)?,
        };
        self.floats[value.index()] = Some(new);
        Ok(())
    }

    /// A parameter of this name, or of one that is like it and free.
    fn param(&mut self, name: &str, tensor: Tensor<f32>) -> Result<ValueId> {
        let ty = tensor.ty();
        let is_taken = |graph: &Graph, name: &str| {
            graph.leaf(name).is_some()
                || self.old().leaf(name).is_some_and(|leaf| matches!(self.old().instruction(leaf).op, Op::Input { .. }))
        };
        let free = (1..).map(|k| if k == 1 { name.to_owned() } else { format!("{name}.{k}") });
        let name = free.into_iter().find(|name| !is_taken(&self.new, name)).expect("there are more names than leaves");
        let value = self.new.param_of(&name, ty.dtype, &ty.shape)?;
        self.params.push((name, tensor));
        Ok(value)
    }

    /// The f32 value: (q − zero point) · scale where it is an integer.
    fn float(&mut self, value: ValueId) -> Result<ValueId> {
        if let Some(known) = self.floats[value.index()] {
            return Ok(known);
        }
        let integer = self.integers[value.index()].expect("operands are emitted before their uses");
        let Quantisation { scale, zero_point } = self.quantisation(value);
        let mut float = self.new.map(ScalarFn::Cast(DType::F32), &[integer])?;
        if zero_point != 0 {
            let zero_point = self.new.float(zero_point as f32)?;
            float = self.new.map(ScalarFn::Sub, &[float, zero_point])?;
        }
        let scale = self.new.float(scale)?;
        float = self.new.map(ScalarFn::Mul, &[float, scale])?;
        self.floats[value.index()] = Some(float);
        Ok(float)
    }

    /// The i8 value: x / scale to the nearest integer, plus the zero point, saturated.
    fn integer(&mut self, value: ValueId) -> Result<ValueId> {
        if let Some(known) = self.integers[value.index()] {
            return Ok(known);
        }
        let float = self.float(value)?;
        let Quantisation { scale, zero_point } = self.quantisation(value);
        let scale = self.new.float(scale)?;
        let steps = self.new.map(ScalarFn::Div, &[float, scale])?;
        let mut steps = self.new.map(ScalarFn::Round, &[steps])?;
        if zero_point != 0 {
            let zero_point = self.new.float(zero_point as f32)?;
            steps = self.new.map(ScalarFn::Add, &[steps, zero_point])?;
        }
        let integer = self.new.map(ScalarFn::Cast(DType::I8), &[steps])?;
        self.integers[value.index()] = Some(integer);
        Ok(integer)
    }

    fn step(&mut self, value: ValueId, step: &Step) -> Result<ValueId> {
        let result = self.quantisation(value);
        match step {
            Step::Contract(contraction, limits) => self.contract(contraction, *limits, result),
            Step::Add(operands, limits) => self.sum(*operands, *limits, result),
            Step::Mean { sum, of, terms } => self.mean(*sum, *of, *terms, result),
            Step::Average { sum, of, divisors, dims } => self.average(*sum, *of, *divisors, dims),
            Step::Greatest(of) => {
                let of = self.integer(*of)?;
                let nest = self.old().instruction(value).nest.clone();
                let shape = self.old().shape(value).to_vec();
                self.new.with_shape(Op::Reduce(Reduction::Max), nest, &[of], &shape)
            }
            Step::Limit(of, Limits { low, high }) => {
                let mut of = self.integer(*of)?;
                for (function, bound) in [(ScalarFn::Max, low), (ScalarFn::Min, high)] {
                    if let Some(bound) = bound {
                        let bound = self.new.scalar(Scalar::I8(result.step(*bound) as i8))?;
                        of = self.new.map(function, &[of, bound])?;
                    }
                }
                Ok(of)
            }
            Step::Move => {
                let Instruction { operands, nest, ty, .. } = self.old().instruction(value).clone();
                let operands = operands.iter().map(|v| self.integer(*v)).collect::<Result<Vec<_>>>()?;
                let fill = Scalar::I8(result.zero_point as i8);
                self.new.with_shape(Op::Move { fill }, nest, &operands, &ty.shape)
            }
        }
    }

    /// Σ w·q + bias, brought to the scale of the result channel by channel.
    fn contract(&mut self, contraction: &Contraction, limits: Limits, result: Quantisation) -> Result<ValueId> {
        let Sums { value, operand, scales, channels } = self.sums(contraction)?;
        let multiplier =
            |scale: &f32| Multiplier::of(f64::from(operand.scale) * f64::from(*scale) / f64::from(result.scale));
        let multipliers: Vec<Multiplier> = scales.iter().map(multiplier).collect();
        self.requantised(value, &multipliers, &channels, limits, result)
    }

    /// The sums as f32 numbers: what f32 values read needs no step of its own.
    fn sums_as_floats(&mut self, value: ValueId, contraction: &Contraction) -> Result<()> {
        let Sums { value: sums, operand, scales, channels } = self.sums(contraction)?;
        let sums = self.new.map(ScalarFn::Cast(DType::F32), &[sums])?;
        let steps = scales.iter().map(|scale| Scalar::F32((f64::from(operand.scale) * f64::from(*scale)) as f32));
        let (steps, dims) = self.by_channel(steps.collect(), &channels.shape, &channels.dims)?;
        let float = self.beside(ScalarFn::Mul, sums, &[(steps, &dims)])?;
        self.floats[value.index()] = Some(float);
        Ok(())
    }

    fn sums(&mut self, contraction: &Contraction) -> Result<Sums> {
        let Instruction { operands, nest, ty, .. } = self.old().instruction(contraction.value).clone();
        let weight = contraction.weight;
        let operand = operands[1 - weight];
        let quantisation = self.quantisation(operand);
        let channels = Channels::new(&nest, &nest.operands[weight], self.old().shape(operands[weight]));
        let of = |emitter: &Self, value: ValueId| emitter.settled[value.index()].clone().expect("weights are settled");
        let weights = of(self, operands[weight]);
        let bias = contraction.bias.as_ref().map(|(value, dims)| (of(self, *value), dims));
        let repeats = axes_without(&nest, weight);
        let bias = bias.as_ref().map(|(tensor, dims)| (tensor, &dims[..]));
        let Integers { weights, scales, bias, bias_dims } = integers(&weights, &channels, repeats, quantisation, bias);

        let (x, access) = self.padded(operand, &nest, &nest.operands[1 - weight], quantisation)?;
        let name = first_param(self.old(), contraction.value).map(str::to_owned);
        let name = name.unwrap_or_else(|| format!("weight{}", contraction.value.0));
        let layer = layer_name(&name).to_owned();
        let weights = self.param(&name, weights)?;
        let mut nest = nest;
        nest.operands[1 - weight] = access;
        let operands = if weight == 0 { [weights, x] } else { [x, weights] };
        let mut sums = self.new.with_shape(Op::Contract, nest, &operands, &ty.shape)?;
        if let Some(bias) = bias {
            let bias = self.param(&format!("{layer}.bias"), bias)?;
            sums = self.beside(ScalarFn::Add, sums, &[(bias, &bias_dims)])?;
        }
        Ok(Sums { value: sums, operand: quantisation, scales, channels })
    }

    /// The operand of a contraction with an access that stays within it. What was skipped is the zero point now, so that every
    /// result has all its terms, as the bias supposes.
    fn padded(
        &mut self,
        operand: ValueId,
        nest: &Nest,
        access: &Access,
        quantisation: Quantisation,
    ) -> Result<(ValueId, Access)> {
        let x = self.integer(operand)?;
        let shape = self.new.shape(x).to_vec();
        if quantisation.zero_point == 0 || nest.stays_inside(access, &shape) {
            return Ok((x, access.clone()));
        }
        let mut inside = access.clone();
        let mut padding = Nest { axes: vec![], operands: vec![vec![]], output: vec![] };
        for ((index, extent), name) in inside.iter_mut().zip(&shape).zip(LETTERS.chars()) {
            let (low, high) = nest.range(index).expect("a contraction has iterations and looks nothing up");
            let before = (-low).max(0);
            let after = (high - (*extent as i64 - 1)).max(0);
            padding.axes.push((name, extent + (before + after) as usize));
            padding.output.push(Index::Axis(name));
            padding.operands[0].push(match (before, after) {
                (0, 0) => Index::Axis(name),
                (before, _) => Index::Affine { terms: vec![(1, name)], constant: -before },
            });
            if let Index::Affine { constant, .. } = index {
                *constant += before;
            }
        }
        let shape: Vec<usize> = padding.axes.iter().map(|(_, extent)| *extent).collect();
        let fill = Scalar::I8(quantisation.zero_point as i8);
        let x = self.new.with_shape(Op::Move { fill }, padding, &[x], &shape)?;
        Ok((x, inside))
    }

    /// i32 numbers brought to the scale of an i8: by the multiplier of their channel, plus the zero point, within the limits.
    fn requantised(
        &mut self,
        value: ValueId,
        multipliers: &[Multiplier],
        channels: &Channels,
        Limits { low, high }: Limits,
        result: Quantisation,
    ) -> Result<ValueId> {
        let factors = multipliers.iter().map(|m| Scalar::I32(m.factor)).collect();
        let shifts = multipliers.iter().map(|m| Scalar::I32(m.shift)).collect();
        let (factors, factor_dims) = self.by_channel(factors, &channels.shape, &channels.dims)?;
        let (shifts, shift_dims) = self.by_channel(shifts, &channels.shape, &channels.dims)?;
        let mut steps = self.beside(ScalarFn::MulShift, value, &[(factors, &factor_dims), (shifts, &shift_dims)])?;
        steps = self.plus(steps, result.zero_point)?;
        let [lowest, greatest] = limits(low, high, result);
        if lowest > LOWEST {
            let lowest = self.new.scalar(Scalar::I32(lowest))?;
            steps = self.new.map(ScalarFn::Max, &[steps, lowest])?;
        }
        if greatest < GREATEST {
            let greatest = self.new.scalar(Scalar::I32(greatest))?;
            steps = self.new.map(ScalarFn::Min, &[steps, greatest])?;
        }
        self.new.map(ScalarFn::Cast(DType::I8), &[steps])
    }

    /// Both operands less their zero points, shifted left and brought to twice the greater scale, then their sum to the scale
    /// of the result.
    fn sum(&mut self, operands: [ValueId; 2], limits: Limits, result: Quantisation) -> Result<ValueId> {
        let quantisations = operands.map(|operand| self.quantisation(operand));
        let twice = 2.0 * f64::from(quantisations[0].scale.max(quantisations[1].scale));
        let mut scaled = vec![];
        for (operand, quantisation) in operands.into_iter().zip(quantisations) {
            let integer = self.integer(operand)?;
            let steps = self.new.map(ScalarFn::Cast(DType::I32), &[integer])?;
            let steps = self.plus(steps, -quantisation.zero_point)?;
            let shift = self.new.scalar(Scalar::I32(SUM_SHIFT))?;
            let steps = self.new.map(ScalarFn::ShiftLeft, &[steps, shift])?;
            scaled.push(self.multiplied(steps, Multiplier::of(f64::from(quantisation.scale) / twice))?);
        }
        let sum = self.new.map(ScalarFn::Add, &scaled)?;
        let multiplier = Multiplier::of(twice / (f64::from(1 << SUM_SHIFT) * f64::from(result.scale)));
        self.requantised(sum, &[multiplier], &Channels::one(), limits, result)
    }

    fn mean(&mut self, sum: ValueId, of: ValueId, terms: usize, result: Quantisation) -> Result<ValueId> {
        let operand = self.quantisation(of);
        let sums = self.summed(sum, of)?;
        let sums = self.plus(sums, -(operand.zero_point * terms as i32))?;
        let multiplier = Multiplier::of_mean(f64::from(operand.scale) / f64::from(result.scale), terms);
        self.requantised(sums, &[multiplier], &Channels::one(), Limits::default(), result)
    }

    /// The sums divided by the number of their terms, to nearest, ties away from zero; the zero point stays where it is.
    fn average(&mut self, sum: ValueId, of: ValueId, divisors: ValueId, dims: &[usize]) -> Result<ValueId> {
        let sums = self.summed(sum, of)?;
        let divisors = self.settled[divisors.index()].clone().expect("divisors are settled");
        let (whole, halves) =
            divisors.as_floats().iter().map(|n| (*n as i32, *n as i32 / 2)).unzip::<i32, i32, Vec<_>, Vec<_>>();
        let scalars = |values: Vec<i32>| values.into_iter().map(Scalar::I32).collect();
        let (whole, whole_dims) = self.by_channel(scalars(whole), &divisors.shape, dims)?;
        let (halves, half_dims) = self.by_channel(scalars(halves), &divisors.shape, dims)?;
        let zero = self.new.scalar(Scalar::I32(0))?;
        let is_positive = self.new.map(ScalarFn::Less, &[zero, sums])?;
        let above = self.beside(ScalarFn::Add, sums, &[(halves, &half_dims)])?;
        let below = self.beside(ScalarFn::Sub, sums, &[(halves, &half_dims)])?;
        let nudged = self.new.map(ScalarFn::Select, &[is_positive, above, below])?;
        let mean = self.beside(ScalarFn::Div, nudged, &[(whole, &whole_dims)])?;
        self.new.map(ScalarFn::Cast(DType::I8), &[mean])
    }

    /// The i32 sums that an f32 `reduce sum` becomes.
    fn summed(&mut self, sum: ValueId, of: ValueId) -> Result<ValueId> {
        let integer = self.integer(of)?;
        let wide = self.new.map(ScalarFn::Cast(DType::I32), &[integer])?;
        let Instruction { nest, ty, .. } = self.old().instruction(sum).clone();
        self.new.with_shape(Op::Reduce(Reduction::Sum), nest, &[wide], &ty.shape)
    }

    /// x · multiplier, on i32.
    fn multiplied(&mut self, x: ValueId, Multiplier { factor, shift }: Multiplier) -> Result<ValueId> {
        let factor = self.new.scalar(Scalar::I32(factor))?;
        let shift = self.new.scalar(Scalar::I32(shift))?;
        self.new.map(ScalarFn::MulShift, &[x, factor, shift])
    }

    fn plus(&mut self, x: ValueId, term: i32) -> Result<ValueId> {
        match term {
            0 => Ok(x),
            _ => {
                let term = self.new.scalar(Scalar::I32(term))?;
                self.new.map(ScalarFn::Add, &[x, term])
            }
        }
    }

    /// A constant along some dimensions; one number where all are the same.
    fn by_channel(&mut self, values: Vec<Scalar>, shape: &[usize], dims: &[usize]) -> Result<(ValueId, Vec<usize>)> {
        match values.iter().all(|value| *value == values[0]) {
            true => Ok((self.new.scalar(values[0])?, vec![])),
            false => Ok((self.new.constant(values, shape)?, dims.to_vec())),
        }
    }

    /// A function of a value and of others that have some of its dimensions.
    fn beside(&mut self, function: ScalarFn, value: ValueId, others: &[(ValueId, &[usize])]) -> Result<ValueId> {
        let all = &LETTERS[..self.new.shape(value).len()];
        let of = |dims: &[usize]| dims.iter().map(|dim| &LETTERS[*dim..dim + 1]).collect::<String>();
        let words: String = others.iter().map(|(_, dims)| format!(",{}", of(dims))).collect();
        let operands: Vec<ValueId> = std::iter::once(value).chain(others.iter().map(|(other, _)| *other)).collect();
        self.new.map_nest(function, &format!("{all}{words}->{all}"), &operands)
    }
}

/// The i32 sums of a contraction, of the scale operand · channel.
struct Sums {
    value: ValueId,
    operand: Quantisation,
    scales: Vec<f32>,
    channels: Channels,
}
