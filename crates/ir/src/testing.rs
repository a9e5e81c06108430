//! Random programs over the whole instruction set, for tests that hold two ways of running or writing a graph against
//! each other.
//!
//! A program is a function of its seed and [`Options`]; a failing seed is all that a test needs to report. Whatever the
//! rules refuse is drawn again, so every graph is legal, and a test of this crate asserts that every instruction and
//! every scalar function occurs.

mod draw;
mod nests;

pub use draw::Draw;

use crate::gradient::pull_back;
use crate::graph::{Graph, Op, Reduction, ValueId};
use crate::interpret::{Data, Tensor};
use crate::scalar::ScalarFn;
use crate::types::{DType, Literal, Scalar, TensorType};
use std::collections::HashMap;

/// Numbers the instruction families from one list, so that a family cannot be left out of their count: a new
/// instruction is a compile error here, and from then on every test that counts up to `FAMILIES` waits for it.
macro_rules! families {
    ($($pattern:pat,)*) => {
        /// How many families there are.
        pub const FAMILIES: usize = [$(stringify!($pattern),)*].len();

        /// The place of an instruction in a table of families.
        pub fn family(op: &Op) -> usize {
            let name = match op {
                $($pattern => stringify!($pattern),)*
            };
            [$(stringify!($pattern),)*].iter().position(|known| *known == name).expect("the list holds every arm")
        }
    };
}

families! {
    Op::Input { .. },
    Op::Param { .. },
    Op::State { .. },
    Op::Constant { .. },
    Op::Iota,
    Op::Random { .. },
    Op::Extent { .. },
    Op::Contract,
    Op::Map(_),
    Op::Reduce(Reduction::Sum),
    Op::Reduce(Reduction::Max),
    Op::Move { .. },
    Op::Gather,
    Op::Scatter,
}

/// What kind of program to draw.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Instructions aimed at, leaves not counted. Fewer result where draws are refused or shared.
    pub instructions: usize,
    /// The greatest extent of a leaf's dimension.
    pub extent_max: usize,
    /// The greatest number of elements of a value and, independently, of terms of one output element.
    pub elements_max: usize,
    /// Whether `random` occurs: `batch` and `unroll` give it a meaning of its own.
    pub random: bool,
    /// Whether parameters get updates: a program with them cannot be unrolled or batched.
    pub param_updates: bool,
    /// Whether constants and leaf values include NaN, infinities, −0, subnormal and huge numbers.
    pub specials: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            instructions: 12,
            extent_max: 6,
            elements_max: 400,
            random: true,
            param_updates: true,
            specials: true,
        }
    }
}

/// A random program with one to four outputs.
pub fn random_graph(seed: u64, options: &Options) -> Graph {
    let mut draw = Draw::new(seed);
    let mut graph = Graph::new();
    for dtype in [DType::F32, DType::F32, DType::I32] {
        leaf(&mut graph, &mut draw, options, dtype);
    }
    for dtype in [DType::I8, DType::Bool] {
        if draw.chance(40) {
            leaf(&mut graph, &mut draw, options, dtype);
        }
    }
    for _ in 0..options.instructions {
        // Twenty refusals in a row leave the program shorter.
        for _ in 0..20 {
            let before = graph.instructions().len();
            step(&mut graph, &mut draw, options);
            if graph.instructions().len() > before {
                break;
            }
        }
    }
    roots(&mut graph, &mut draw, options);
    graph
}

/// Values for every input, parameter and state of a program.
pub fn random_leaves(graph: &Graph, seed: u64, options: &Options) -> HashMap<String, Tensor<f32>> {
    let mut draw = Draw::new(seed);
    let mut leaves = HashMap::new();
    for value in graph.values() {
        let instruction = graph.instruction(value);
        if let Some(name) = instruction.op.leaf_name() {
            leaves.insert(name.to_string(), random_tensor(&mut draw, &instruction.ty, options));
        }
    }
    leaves
}

/// A tensor of this type with random elements.
pub fn random_tensor(draw: &mut Draw, ty: &TensorType, options: &Options) -> Tensor<f32> {
    let count = ty.elements();
    let data = match ty.dtype {
        DType::F32 => Data::Float((0..count).map(|_| draw.float(options.specials)).collect()),
        DType::I32 => Data::I32((0..count).map(|_| draw.integer(options.specials)).collect()),
        DType::I8 => Data::I8((0..count).map(|_| draw.below(256) as u8 as i8).collect()),
        DType::Bool => Data::Bool((0..count).map(|_| draw.chance(50)).collect()),
    };
    Tensor { shape: ty.shape.clone(), data }
}

/// The first element in which two tensors differ in their bits; all NaNs are one value. Tensors of different types
/// differ in element 0.
pub fn first_difference(a: &Tensor<f32>, b: &Tensor<f32>) -> Option<usize> {
    if a.ty() != b.ty() {
        return Some(0);
    }
    match (&a.data, &b.data) {
        (Data::Float(a), Data::Float(b)) => {
            a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan()))
        }
        (Data::I32(a), Data::I32(b)) => a.iter().zip(b).position(|(a, b)| a != b),
        (Data::I8(a), Data::I8(b)) => a.iter().zip(b).position(|(a, b)| a != b),
        (Data::Bool(a), Data::Bool(b)) => a.iter().zip(b).position(|(a, b)| a != b),
        _ => unreachable!("the types agree"),
    }
}

/// The program with the gradient of every f32 output with respect to every f32 leaf as outputs. Each result weighs itself:
/// Σ output² / 2.
pub fn with_gradients(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let is_float = |v: &ValueId| graph.ty(*v).dtype == DType::F32;
    let is_leaf = |v: &ValueId| graph.instruction(*v).op.leaf_name().is_some();
    let leaves: Vec<ValueId> = graph.values().filter(is_leaf).filter(is_float).collect();
    let outputs: Vec<(usize, ValueId)> =
        graph.outputs().iter().map(|(_, v)| *v).enumerate().filter(|(_, v)| is_float(v)).collect();
    for (k, of) in outputs {
        let gradients = pull_back(&mut graph, of, of, &leaves).expect("f32 values have gradients");
        for (j, gradient) in gradients.into_iter().enumerate() {
            graph.set_output(&format!("gradient.{k}.{j}"), gradient).expect("the name is new");
        }
    }
    graph
}

/// A program for every function on every element type that it is defined on: the output `y` of so many elements. The name is
/// the function's and the type's.
pub fn function_programs(elements: usize) -> Vec<(String, Graph)> {
    let mut programs = vec![];
    for function in ScalarFn::ALL {
        for dtype in DType::ALL {
            let mut operands = vec![dtype; function.arity()];
            if function == ScalarFn::Select {
                operands[0] = DType::Bool;
            }
            if function.result_type(&operands).is_err() {
                continue;
            }
            let mut graph = Graph::new();
            let mut input = |(k, dtype): (usize, &DType)| graph.input(&format!("x{k}"), *dtype, &[elements]);
            let operands: Result<Vec<ValueId>, _> = operands.iter().enumerate().map(&mut input).collect();
            let y = graph.map(function, &operands.expect("inputs of any type are legal")).expect("the types fit");
            graph.set_output("y", y).expect("the name is new");
            let to = if let ScalarFn::Cast(to) = function { to.name() } else { "" };
            programs.push((format!("{}{to}_{}", function.name(), dtype.name()), graph));
        }
    }
    programs
}

/// Adds one instruction, or nothing where the draw does not fit.
fn step(graph: &mut Graph, draw: &mut Draw, options: &Options) {
    match draw.below(20) {
        0 => {
            let dtype = draw.pick(&DType::ALL);
            leaf(graph, draw, options, dtype);
        }
        1 => constant(graph, draw, options),
        2 if options.random => random(graph, draw, options),
        2 | 3 => {
            let value = any(graph, draw);
            if !graph.shape(value).is_empty() {
                let dim = draw.below(graph.shape(value).len());
                accept(graph.extent(value, dim));
            }
        }
        4..=9 => map(graph, draw, options),
        10..=12 => nests::contract(graph, draw, options),
        13 => nests::reduce(graph, draw, options, Reduction::Sum),
        14 => nests::reduce(graph, draw, options, Reduction::Max),
        15 | 16 => nests::move_one(graph, draw, options),
        17 => nests::concatenate(graph, draw, options),
        18 => nests::gather(graph, draw, options),
        _ => nests::scatter(graph, draw, options),
    }
}

/// A refused draw leaves the graph as it was.
fn accept(result: crate::Result<ValueId>) {
    // The rules are what decides; the reason does not matter here.
    drop(result);
}

/// A value of the graph, the later ones more often, so that programs get deep.
fn any(graph: &Graph, draw: &mut Draw) -> ValueId {
    let count = graph.instructions().len();
    let at = draw.below(count).max(draw.below(count));
    ValueId(at as u32)
}

/// A value of this element type, if the draw finds one.
fn any_of(graph: &Graph, draw: &mut Draw, dtype: DType) -> Option<ValueId> {
    let fitting: Vec<ValueId> = graph.values().filter(|v| graph.ty(*v).dtype == dtype).collect();
    match fitting.len() {
        0 => None,
        count => Some(fitting[draw.below(count).max(draw.below(count))]),
    }
}

fn random_shape(draw: &mut Draw, options: &Options) -> Vec<usize> {
    let rank = draw.below(4);
    let mut shape: Vec<usize> = vec![];
    for _ in 0..rank {
        let extent = match draw.below(40) {
            0 => 0,
            1..=4 => 1,
            _ => 1 + draw.below(options.extent_max),
        };
        if shape.iter().product::<usize>() * extent <= options.elements_max {
            shape.push(extent);
        }
    }
    shape
}

fn leaf(graph: &mut Graph, draw: &mut Draw, options: &Options, dtype: DType) {
    let shape = random_shape(draw, options);
    let name = format!("leaf{}", graph.instructions().len());
    accept(match (dtype, draw.below(4)) {
        (dtype, 0 | 1) => graph.param_of(&name, dtype, &shape),
        (_, 2) => {
            let init = scalar(draw, dtype, options);
            graph.state(&name, init, &shape)
        }
        (dtype, _) => graph.input(&name, dtype, &shape),
    });
}

fn scalar(draw: &mut Draw, dtype: DType, options: &Options) -> Scalar {
    match dtype {
        DType::F32 => Scalar::F32(draw.float(options.specials)),
        DType::I32 => Scalar::I32(draw.integer(options.specials)),
        DType::I8 => Scalar::I8(draw.below(256) as u8 as i8),
        DType::Bool => Scalar::Bool(draw.chance(50)),
    }
}

fn constant(graph: &mut Graph, draw: &mut Draw, options: &Options) {
    let dtype = draw.pick(&DType::ALL);
    let shape = random_shape(draw, options);
    let count: usize = shape.iter().product();
    match draw.below(4) {
        0 => accept(graph.iota(1 + draw.below(options.extent_max))),
        1 if count > 0 => {
            let values = (0..count).map(|_| scalar(draw, dtype, options)).collect();
            accept(graph.constant(values, &shape));
        }
        _ => accept(splat(graph, draw, dtype, &shape, options)),
    }
}

fn splat(
    graph: &mut Graph,
    draw: &mut Draw,
    dtype: DType,
    shape: &[usize],
    options: &Options,
) -> crate::Result<ValueId> {
    let op = Op::Constant { value: Literal::Splat(scalar(draw, dtype, options)) };
    nests::leaf_of(graph, op, TensorType::new(dtype, shape))
}

fn random(graph: &mut Graph, draw: &mut Draw, options: &Options) {
    let key = (0..2).map(|_| Scalar::I32(draw.integer(true))).collect();
    let shape = random_shape(draw, options);
    let stream = draw.below(3) as u32;
    accept(graph.constant(key, &[2]).and_then(|key| graph.random(key, stream, &shape)));
}

/// A scalar function; operands have the shape of the first one, or fewer of its axes in any order.
fn map(graph: &mut Graph, draw: &mut Draw, options: &Options) {
    let function = draw.pick(&ScalarFn::ALL);
    let dtype = draw.pick(&DType::ALL);
    let mut types = vec![dtype; function.arity()];
    if function == ScalarFn::Select {
        types[0] = DType::Bool;
    }
    if function.result_type(&types).is_err() {
        return;
    }
    let operands: Option<Vec<ValueId>> = types.iter().map(|dtype| any_of(graph, draw, *dtype)).collect();
    if let Some(operands) = operands {
        nests::map(graph, draw, options, function, &operands);
    }
}

/// Outputs, and updates of states and parameters by values of their type.
fn roots(graph: &mut Graph, draw: &mut Draw, options: &Options) {
    let last = graph.values().next_back().expect("a program starts with leaves");
    let mut results = vec![last];
    for _ in 0..draw.below(4) {
        results.push(any(graph, draw));
    }
    for (k, value) in results.into_iter().enumerate() {
        graph.set_output(&format!("y{k}"), value).expect("the value exists and its name is new");
    }
    for leaf in graph.values() {
        let updated = match graph.instruction(leaf).op {
            Op::State { .. } => true,
            Op::Param { .. } => options.param_updates,
            Op::Input { .. }
            | Op::Constant { .. }
            | Op::Iota
            | Op::Random { .. }
            | Op::Extent { .. }
            | Op::Contract
            | Op::Map(_)
            | Op::Reduce(_)
            | Op::Move { .. }
            | Op::Gather
            | Op::Scatter => false,
        };
        let fitting: Vec<ValueId> = graph.values().filter(|next| graph.ty(*next) == graph.ty(leaf)).collect();
        if updated && draw.chance(70) {
            graph.set_update(leaf, draw.pick(&fitting)).expect("the types agree");
        }
    }
}
