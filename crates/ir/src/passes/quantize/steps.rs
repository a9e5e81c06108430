//! Which values of a program become integers, and by which step.
//!
//! Contractions of a computed value by settled weights are what an int8 program is for. Sums of two values, pools, means,
//! limits and moves join them where they stand between contractions, or give a result of the program. All else stays in f32.

use super::channels::{Channels, is_plain};
use super::fold::{Beside, contraction, uses};
use crate::graph::{Graph, Instruction, Op, Reduction, ValueId};
use crate::interpret::{Tensor, compute};
use crate::nest::{Index, Nest};
use crate::scalar::ScalarFn;
use crate::types::{DType, Literal, Scalar, TensorType};

/// How a value comes about in the int8 program.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Treatment {
    /// From constants and parameters, before any example.
    Settled,
    /// Within the step of a later value.
    Within,
    /// In f32, by its own instruction.
    Float,
    /// In f32, from the i32 sums of an int8 contraction.
    Sums(Contraction),
    /// As an i8.
    Int8(Step),
}

/// A step from i8 values to one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Sums in i32, brought to the scale of the result.
    Contract(Contraction, Limits),
    /// Two values, each brought to a common scale.
    Add([ValueId; 2], Limits),
    /// The mean over whole axes: the instruction that sums, and the number of its terms.
    Mean { sum: ValueId, of: ValueId, terms: usize },
    /// The mean over windows, at the scale of what it reads; the divisors are settled, along these dimensions of the result.
    Average { sum: ValueId, of: ValueId, divisors: ValueId, dims: Vec<usize> },
    /// The greatest of a window, at the scale of what it reads.
    Greatest(ValueId),
    /// Limits at the scale of what is limited.
    Limit(ValueId, Limits),
    /// The same elements in other places.
    Move,
}

/// A contraction that is computed in integers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Contraction {
    pub value: ValueId,
    /// The place of the weight among the operands.
    pub weight: usize,
    /// What is added to the result: the settled value, and the dimensions of the result that it has.
    pub bias: Option<(ValueId, Vec<usize>)>,
}

/// The limits of an activation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Limits {
    pub low: Option<f32>,
    pub high: Option<f32>,
}

impl Limits {
    /// The limits with one more after them.
    fn then(self, function: ScalarFn, bound: f32) -> Limits {
        let above = |limit: f32| if limit < bound { bound } else { limit };
        let below = |limit: f32| if bound < limit { bound } else { limit };
        match function == ScalarFn::Max {
            true => Limits { low: Some(self.low.map_or(bound, above)), high: self.high.map(above) },
            false => Limits { low: self.low.map(below), high: Some(self.high.map_or(bound, below)) },
        }
    }
}

/// The treatment of every value, by its number.
pub(super) struct Steps {
    pub of: Vec<Treatment>,
    /// Contractions that stay in f32: the value and why.
    pub refused: Vec<(ValueId, &'static str)>,
}

/// A step that could be taken, and the values within it.
struct Candidate {
    step: Step,
    within: Vec<ValueId>,
}

pub(super) fn steps(graph: &Graph, settled: &[bool]) -> Steps {
    let consumers = consumers(graph);
    let uses = uses(graph);
    let count = graph.instructions().len();
    let mut refused = vec![];
    let mut candidates: Vec<Option<Candidate>> = (0..count).map(|_| None).collect();
    let mut is_taken = vec![false; count];
    let view = View { graph, settled, consumers: &consumers, uses: &uses };
    for value in graph.values() {
        if is_taken[value.index()] {
            continue;
        }
        let is_integer = |v: ValueId| candidates[v.index()].is_some();
        let found = match (contraction(graph, settled, value), reason(graph, settled, value)) {
            (Some(weight), None) => Some(view.contract(value, weight)),
            (_, Some(reason)) => {
                refused.push((value, reason));
                None
            }
            (None, None) => view.other(value, is_integer),
        };
        if let Some((end, candidate)) = found {
            for inner in candidate.within.iter().chain([&end]) {
                is_taken[inner.index()] = true;
            }
            candidates[end.index()] = Some(candidate);
        }
    }
    let of = treatments(&view, candidates);
    Steps { of, refused }
}

/// Keeps the steps that lead to a contraction or a result, from the last to the first.
fn treatments(view: &View, candidates: Vec<Option<Candidate>>) -> Vec<Treatment> {
    let View { graph, settled, consumers, .. } = view;
    let start = |v: ValueId| if settled[v.index()] { Treatment::Settled } else { Treatment::Float };
    let mut of: Vec<Treatment> = graph.values().map(start).collect();
    // The first instructions of steps that are taken.
    let mut reads_integers = vec![false; candidates.len()];
    for (value, candidate) in graph.values().rev().zip(candidates.into_iter().rev()) {
        let Some(Candidate { step, within }) = candidate else { continue };
        let first = within.first().copied().unwrap_or(value);
        let is_result = graph.outputs().iter().any(|(_, result)| *result == value);
        let is_contraction = matches!(step, Step::Contract(..));
        let is_read = consumers[value.index()].iter().any(|consumer| reads_integers[consumer.index()]);
        reads_integers[first.index()] = is_contraction || is_read || is_result;
        match step {
            step if is_read || is_result && !is_contraction => {
                within.iter().for_each(|inner| of[inner.index()] = Treatment::Within);
                of[value.index()] = Treatment::Int8(step);
            }
            // The sums are f32 numbers at once; limits behind them stay as they are.
            Step::Contract(contraction, _) => {
                let end = match contraction.bias {
                    Some(_) => consumers[contraction.value.index()][0],
                    None => contraction.value,
                };
                of[contraction.value.index()] = Treatment::Within;
                of[end.index()] = Treatment::Sums(contraction);
            }
            Step::Add(..)
            | Step::Mean { .. }
            | Step::Average { .. }
            | Step::Greatest(_)
            | Step::Limit(..)
            | Step::Move => {}
        }
    }
    of
}

/// The instructions that read each value.
fn consumers(graph: &Graph) -> Vec<Vec<ValueId>> {
    let mut consumers = vec![vec![]; graph.instructions().len()];
    for value in graph.values() {
        for operand in &graph.instruction(value).operands {
            consumers[operand.index()].push(value);
        }
    }
    consumers
}

/// Why an f32 contraction that an example passes through cannot be computed in integers.
fn reason(graph: &Graph, settled: &[bool], value: ValueId) -> Option<&'static str> {
    let Instruction { op, operands, nest, ty } = graph.instruction(value);
    if !matches!(op, Op::Contract) || ty.dtype != DType::F32 || settled[value.index()] {
        return None;
    }
    let Some(weight) = contraction(graph, settled, value) else { return Some("it multiplies two computed values") };
    if !nest.resolve().is_plain() {
        return Some("its results do not stand at plain places");
    }
    if !is_plain(&nest.operands[weight]) {
        return Some("its weights do not stand at plain places");
    }
    if graph.ty(operands[weight]).elements() == 0 || ty.elements() == 0 {
        return Some("it is empty");
    }
    let channels = Channels::new(nest, &nest.operands[weight], graph.shape(operands[weight]));
    // |q| ≤ 255 beside its zero point, |w| ≤ 127, and the bias takes half of the i32.
    let terms = graph.ty(operands[weight]).elements() / channels.count();
    let repeats = axes_without(nest, weight);
    match terms.saturating_mul(repeats) > (1 << 30) / (255 * 127) {
        true => Some("it adds more terms than an i32 has room for"),
        false => None,
    }
}

/// How often each weight is a term of one result: the extents of reduced axes that the weight lacks.
pub(super) fn axes_without(nest: &Nest, weight: usize) -> usize {
    let plain = Nest::plain_axes(&nest.operands[weight]);
    let reduced = nest.resolve().reduction;
    reduced.into_iter().map(|axis| nest.axes[axis]).filter(|(axis, _)| !plain.contains(axis)).map(|(_, e)| e).product()
}

/// What finding steps looks at.
struct View<'g> {
    graph: &'g Graph,
    settled: &'g [bool],
    consumers: &'g [Vec<ValueId>],
    uses: &'g [usize],
}

impl View<'_> {
    /// The one instruction that reads a value, if nothing else does.
    fn only_consumer(&self, value: ValueId) -> Option<ValueId> {
        match (self.uses[value.index()], &self.consumers[value.index()][..]) {
            (1, [only]) => Some(*only),
            _ => None,
        }
    }

    /// A contraction with the bias and the limits behind it.
    fn contract(&self, value: ValueId, weight: usize) -> (ValueId, Candidate) {
        let bias = self.only_consumer(value).and_then(|map| {
            let is_sum = self.graph.instruction(map).op == Op::Map(ScalarFn::Add);
            let beside = Beside::of(self.graph, self.settled, map).filter(|_| is_sum)?;
            Some((map, (beside.operand, beside.dims)))
        });
        let (end, mut within) = match &bias {
            Some((map, _)) => (*map, vec![value]),
            None => (value, vec![]),
        };
        let bias = bias.map(|(_, bias)| bias);
        let (end, limits) = self.limits_behind(end, &mut within);
        (end, Candidate { step: Step::Contract(Contraction { value, weight, bias }, limits), within })
    }

    /// Maxima and minima by a constant that alone read a value, one after another.
    fn limits_behind(&self, mut end: ValueId, within: &mut Vec<ValueId>) -> (ValueId, Limits) {
        let mut limits = Limits::default();
        while let Some((map, function, bound)) = self.only_consumer(end).and_then(|map| {
            let (_, function, bound) = self.limit(map)?;
            Some((map, function, bound))
        }) {
            within.push(end);
            limits = limits.then(function, bound);
            end = map;
        }
        (end, limits)
    }

    /// A maximum or minimum of a value by one constant.
    fn limit(&self, map: ValueId) -> Option<(ValueId, ScalarFn, f32)> {
        let Op::Map(function) = self.graph.instruction(map).op else { return None };
        let beside = Beside::of(self.graph, self.settled, map)?;
        let limits = function == ScalarFn::Max || function == ScalarFn::Min;
        let Op::Constant { value: Literal::Splat(Scalar::F32(bound)) } = self.graph.instruction(beside.operand).op
        else {
            return None;
        };
        (limits && !bound.is_nan()).then_some((beside.value, function, bound))
    }

    /// Any other step whose operands are integers.
    fn other(&self, value: ValueId, is_integer: impl Fn(ValueId) -> bool) -> Option<(ValueId, Candidate)> {
        let Instruction { op, operands, nest, ty } = self.graph.instruction(value);
        if ty.dtype != DType::F32 || self.settled[value.index()] || ty.elements() == 0 {
            return None;
        }
        let alone = |step| Some((value, Candidate { step, within: vec![] }));
        match op {
            Op::Map(ScalarFn::Add) => {
                let [a, b] = operands[..] else { return None };
                let same_place = nest.operands.iter().all(|access| *access == nest.output);
                if !(same_place && is_integer(a) && is_integer(b)) {
                    return None;
                }
                let mut within = vec![];
                let (end, limits) = self.limits_behind(value, &mut within);
                Some((end, Candidate { step: Step::Add([a, b], limits), within }))
            }
            Op::Map(ScalarFn::Max | ScalarFn::Min) => {
                let (of, function, bound) = self.limit(value)?;
                is_integer(of).then_some(())?;
                alone(Step::Limit(of, Limits::default().then(function, bound)))
            }
            Op::Map(_) => None,
            Op::Reduce(Reduction::Max) if is_integer(operands[0]) => alone(Step::Greatest(operands[0])),
            Op::Reduce(Reduction::Sum) if is_integer(operands[0]) => self.mean(value),
            Op::Move { fill: Scalar::F32(0.0) } if operands.iter().all(|v| is_integer(*v)) => alone(Step::Move),
            Op::Reduce(_) | Op::Move { .. } => None,
            Op::Input { .. }
            | Op::Param { .. }
            | Op::State { .. }
            | Op::Constant { .. }
            | Op::Iota
            | Op::Random { .. }
            | Op::Extent { .. }
            | Op::Contract
            | Op::Gather
            | Op::Scatter => None,
        }
    }

    /// A sum that alone is divided by the number of its terms.
    fn mean(&self, sum: ValueId) -> Option<(ValueId, Candidate)> {
        let Instruction { operands, nest, ty, .. } = self.graph.instruction(sum);
        let map = self.only_consumer(sum)?;
        let beside = Beside::of(self.graph, self.settled, map)?;
        if self.graph.instruction(map).op != Op::Map(ScalarFn::Div) || beside.first || !nest.resolve().is_plain() {
            return None;
        }
        let counts = terms(self.graph, sum);
        let divisors = self.settled_value(beside.operand)?;
        let strides = crate::types::row_major_strides(&ty.shape);
        let own = crate::types::row_major_strides(&divisors.shape);
        let divisor = |position: usize| {
            let place = |(k, dim): (usize, &usize)| position / strides[*dim] % ty.shape[*dim] * own[k];
            divisors.as_floats()[beside.dims.iter().enumerate().map(place).sum::<usize>()]
        };
        if !counts.iter().enumerate().all(|(position, count)| divisor(position) == *count) {
            return None;
        }
        let of = operands[0];
        let is_whole = nest.operands[0].iter().all(|index| !matches!(index, Index::Affine { .. }));
        let step = match is_whole {
            true => Step::Mean { sum, of, terms: *counts.first()? as usize },
            false => Step::Average { sum, of, divisors: beside.operand, dims: beside.dims },
        };
        Some((map, Candidate { step, within: vec![sum] }))
    }

    /// A value that follows from constants and sizes alone.
    fn settled_value(&self, value: ValueId) -> Option<Tensor<f32>> {
        let instruction = self.graph.instruction(value);
        match &instruction.op {
            Op::Input { .. } | Op::Param { .. } | Op::State { .. } | Op::Random { .. } => None,
            // Only the shape of what is measured counts.
            Op::Extent { dim } => {
                let extent = self.graph.shape(instruction.operands[0])[*dim];
                Some(Tensor::integers(&[], vec![extent as i32]))
            }
            Op::Constant { .. }
            | Op::Iota
            | Op::Contract
            | Op::Map(_)
            | Op::Reduce(_)
            | Op::Move { .. }
            | Op::Gather
            | Op::Scatter => {
                let operands: Option<Vec<_>> = instruction.operands.iter().map(|v| self.settled_value(*v)).collect();
                Some(compute(instruction, &operands?.iter().collect::<Vec<_>>()))
            }
        }
    }
}

/// The number of terms of each result of a sum.
fn terms(graph: &Graph, sum: ValueId) -> Vec<f32> {
    let instruction = graph.instruction(sum);
    let ones =
        Tensor::<f32>::filled(&TensorType::new(DType::F32, graph.shape(instruction.operands[0])), Scalar::F32(1.0));
    compute(instruction, &[&ones]).as_floats().to_vec()
}
