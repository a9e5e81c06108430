//! The reference interpreter: every instruction by its definition, element by element, in f32 (which defines the bits)
//! or f64 (the oracle for gradients and error). docs/NUMERICS.md states the orders that it follows.

use crate::error::{self, GraphError, Result};
use crate::graph::{Graph, Instruction, Op, Reduction};
use crate::math;
use crate::nest::{Access, Determined, Index, Nest, Resolved};
use crate::scalar::{Real, ScalarFn, Value};
use crate::types::{DType, Scalar, TensorType, row_major_strides};
use std::collections::HashMap;

/// The positions of a contraction's reduction box that one chain of fused multiply-adds runs over.
pub const CHUNK: usize = 512;
/// The interleaved partial results of a plain sum or maximum.
pub const LANES: usize = 16;

/// Positions of the box after which a reduction in lanes begins anew, so that pieces can be computed side by side.
pub const PIECE: usize = 2048;

/// A tensor's elements in row-major order; floats in the interpreter's precision.
#[derive(Clone, Debug, PartialEq)]
pub enum Data<R> {
    Float(Vec<R>),
    I32(Vec<i32>),
    I8(Vec<i8>),
    Bool(Vec<bool>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<R> {
    pub shape: Vec<usize>,
    pub data: Data<R>,
}

/// What a run leaves: results by name, and the next values of parameters and states by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<R> {
    pub outputs: HashMap<String, Tensor<R>>,
    pub updates: HashMap<String, Tensor<R>>,
}

impl<R: Real> Tensor<R> {
    pub fn floats(shape: &[usize], values: Vec<R>) -> Tensor<R> {
        assert_eq!(shape.iter().product::<usize>(), values.len());
        Tensor { shape: shape.to_vec(), data: Data::Float(values) }
    }

    pub fn integers(shape: &[usize], values: Vec<i32>) -> Tensor<R> {
        assert_eq!(shape.iter().product::<usize>(), values.len());
        Tensor { shape: shape.to_vec(), data: Data::I32(values) }
    }

    pub fn filled(ty: &TensorType, value: Scalar) -> Tensor<R> {
        Tensor::from_fn(ty, |_| Value::from_scalar(value))
    }

    fn from_fn(ty: &TensorType, mut element: impl FnMut(usize) -> Value<R>) -> Tensor<R> {
        let mut tensor = Tensor { shape: ty.shape.clone(), data: Data::with_capacity(ty.dtype, ty.elements()) };
        for position in 0..ty.elements() {
            tensor.data.push(element(position));
        }
        tensor
    }

    pub fn ty(&self) -> TensorType {
        TensorType::new(self.data.dtype(), &self.shape)
    }

    pub fn at(&self, position: usize) -> Value<R> {
        match &self.data {
            Data::Float(values) => Value::Float(values[position]),
            Data::I32(values) => Value::I32(values[position]),
            Data::I8(values) => Value::I8(values[position]),
            Data::Bool(values) => Value::Bool(values[position]),
        }
    }

    /// The elements of a float tensor.
    pub fn as_floats(&self) -> &[R] {
        match &self.data {
            Data::Float(values) => values,
            Data::I32(_) | Data::I8(_) | Data::Bool(_) => panic!("the tensor holds {:?}", self.data.dtype()),
        }
    }

    pub fn as_integers(&self) -> &[i32] {
        match &self.data {
            Data::I32(values) => values,
            Data::Float(_) | Data::I8(_) | Data::Bool(_) => panic!("the tensor holds {:?}", self.data.dtype()),
        }
    }
}

impl<R: Real> Data<R> {
    fn with_capacity(dtype: DType, capacity: usize) -> Data<R> {
        match dtype {
            DType::F32 => Data::Float(Vec::with_capacity(capacity)),
            DType::I32 => Data::I32(Vec::with_capacity(capacity)),
            DType::I8 => Data::I8(Vec::with_capacity(capacity)),
            DType::Bool => Data::Bool(Vec::with_capacity(capacity)),
        }
    }

    pub fn dtype(&self) -> DType {
        match self {
            Data::Float(_) => DType::F32,
            Data::I32(_) => DType::I32,
            Data::I8(_) => DType::I8,
            Data::Bool(_) => DType::Bool,
        }
    }

    fn push(&mut self, value: Value<R>) {
        match (self, value) {
            (Data::Float(values), Value::Float(x)) => values.push(x),
            (Data::I32(values), Value::I32(x)) => values.push(x),
            (Data::I8(values), Value::I8(x)) => values.push(x),
            (Data::Bool(values), Value::Bool(x)) => values.push(x),
            _ => panic!("a verified instruction gives elements of its type"),
        }
    }
}

/// Runs a graph. `leaves` binds inputs, parameters and (optionally; else their initial value) states by name.
pub fn interpret<R: Real>(graph: &Graph, leaves: &HashMap<String, Tensor<R>>) -> Result<Outcome<R>> {
    let values = evaluate(graph, leaves)?;
    let outputs = graph.outputs().iter().map(|(name, value)| (name.clone(), values[value.index()].clone())).collect();
    let updates = graph
        .updates()
        .iter()
        .map(|(leaf, next)| {
            let name = graph.instruction(*leaf).op.leaf_name().expect("an updated value is a leaf");
            (name.to_string(), values[next.index()].clone())
        })
        .collect();
    Ok(Outcome { outputs, updates })
}

/// Every value of the graph, in order of definition.
pub fn evaluate<R: Real>(graph: &Graph, leaves: &HashMap<String, Tensor<R>>) -> Result<Vec<Tensor<R>>> {
    if let Some(unknown) = leaves.keys().find(|name| graph.leaf(name).is_none()) {
        return Err(GraphError::new(error::BINDING, format!("the program has no leaf `{unknown}`")));
    }
    let mut values: Vec<Tensor<R>> = Vec::with_capacity(graph.instructions().len());
    for value in graph.values() {
        let instruction = graph.instruction(value);
        let result = match instruction.op.leaf_name() {
            Some(name) => bind(instruction, name, leaves)?,
            None => {
                let operands: Vec<&Tensor<R>> = instruction.operands.iter().map(|v| &values[v.index()]).collect();
                compute(instruction, &operands)
            }
        };
        values.push(result);
    }
    Ok(values)
}

fn bind<R: Real>(instruction: &Instruction, name: &str, leaves: &HashMap<String, Tensor<R>>) -> Result<Tensor<R>> {
    match (leaves.get(name), &instruction.op) {
        (Some(tensor), _) if tensor.ty() == instruction.ty => Ok(tensor.clone()),
        (Some(tensor), _) => Err(GraphError::new(
            error::BINDING,
            format!("`{name}` is declared {} but bound to {}", instruction.ty, tensor.ty()),
        )),
        (None, Op::State { init, .. }) => Ok(Tensor::filled(&instruction.ty, *init)),
        (None, _) => Err(GraphError::new(error::BINDING, format!("`{name}` ({}) is not bound", instruction.ty))),
    }
}

/// The result of one instruction that is not bound from outside.
pub fn compute<R: Real>(instruction: &Instruction, operands: &[&Tensor<R>]) -> Tensor<R> {
    let Instruction { op, nest, ty, .. } = instruction;
    match op {
        Op::Input { .. } | Op::Param { .. } | Op::State { .. } => panic!("a leaf is bound, not computed"),
        Op::Constant { value } => Tensor::from_fn(ty, |position| Value::from_scalar(value.at(position))),
        Op::Iota => Tensor::from_fn(ty, |position| Value::I32(position as i32)),
        Op::Random { stream } => random(ty, *stream, operands[0].as_integers()),
        Op::Extent { dim } => Tensor::from_fn(ty, |_| Value::I32(operands[0].shape[*dim] as i32)),
        Op::Contract => match (&operands[0].data, &operands[1].data) {
            (Data::Float(a), Data::Float(b)) => Data::Float(contract_floats(nest, ty, operands, a, b)).shaped(ty),
            (Data::I8(a), Data::I8(b)) => {
                Data::I32(contract_integers(nest, ty, operands, |p, q| a[p] as i32 * b[q] as i32)).shaped(ty)
            }
            (Data::I32(a), Data::I32(b)) => {
                Data::I32(contract_integers(nest, ty, operands, |p, q| a[p].wrapping_mul(b[q]))).shaped(ty)
            }
            _ => panic!("the verifier refuses these operands of `contract`"),
        },
        Op::Map(function) => map(*function, nest, ty, operands),
        Op::Reduce(reduction) => reduce(*reduction, nest, ty, operands),
        Op::Move { fill } => {
            let walk = Walk::new(nest, ty, operands);
            Tensor::from_fn(ty, |position| {
                let axes = walk.axes_of_output(position);
                let inside = (0..operands.len()).find_map(|k| Some((k, walk.offset(k, &axes, None)?)));
                inside.map_or(Value::from_scalar(*fill), |(k, offset)| operands[k].at(offset))
            })
        }
        Op::Gather => {
            let walk = Walk::new(nest, ty, operands);
            let zero = Value::from_scalar(Scalar::zero(ty.dtype));
            Tensor::from_fn(ty, |position| {
                let axes = walk.axes_of_output(position);
                let row = walk.offset(1, &axes, None).map(|offset| operands[1].as_integers()[offset] as i64);
                row.and_then(|row| walk.offset(0, &axes, Some(row))).map_or(zero, |offset| operands[0].at(offset))
            })
        }
        Op::Scatter => scatter(nest, ty, operands),
    }
}

impl<R: Real> Data<R> {
    fn shaped(self, ty: &TensorType) -> Tensor<R> {
        Tensor { shape: ty.shape.clone(), data: self }
    }
}

/// Element e is word e mod 4 of the Philox block e div 4, scaled to [0, 1) with 24 bits.
fn random<R: Real>(ty: &TensorType, stream: u32, key: &[i32]) -> Tensor<R> {
    let mut uniform = vec![0.0f32; ty.elements()];
    math::philox_fill_uniform(&mut uniform, 0, stream, [key[0] as u32, key[1] as u32]);
    Data::Float(uniform.into_iter().map(R::from_f32).collect()).shaped(ty)
}

fn map<R: Real>(function: ScalarFn, nest: &Nest, ty: &TensorType, operands: &[&Tensor<R>]) -> Tensor<R> {
    let walk = Walk::new(nest, ty, operands);
    let mut arguments = Vec::with_capacity(3);
    Tensor::from_fn(ty, |position| {
        let axes = walk.axes_of_output(position);
        arguments.clear();
        for (k, operand) in operands.iter().enumerate() {
            arguments.push(operand.at(walk.offset(k, &axes, None).expect("a map stays inside its operands")));
        }
        function.apply(&arguments)
    })
}

fn contract_floats<R: Real>(nest: &Nest, ty: &TensorType, operands: &[&Tensor<R>], a: &[R], b: &[R]) -> Vec<R> {
    let walk = Walk::new(nest, ty, operands);
    let zero = R::from_i32(0);
    let element = |position| {
        let mut total = zero;
        let mut chain = zero;
        walk.terms(position, |place, axes| {
            if place % CHUNK == 0 && place > 0 {
                total = total.add(chain);
                chain = zero;
            }
            if let Some(axes) = axes
                && let (Some(p), Some(q)) = (walk.offset(0, axes, None), walk.offset(1, axes, None))
            {
                chain = R::fma(a[p], b[q], chain);
            }
        });
        total.add(chain).flush()
    };
    (0..ty.elements()).map(element).collect()
}

fn contract_integers<R: Real>(
    nest: &Nest,
    ty: &TensorType,
    operands: &[&Tensor<R>],
    product: impl Fn(usize, usize) -> i32,
) -> Vec<i32> {
    let walk = Walk::new(nest, ty, operands);
    let element = |position| {
        let mut total = 0i32;
        walk.terms(position, |_, axes| {
            if let Some(axes) = axes
                && let (Some(p), Some(q)) = (walk.offset(0, axes, None), walk.offset(1, axes, None))
            {
                total = total.wrapping_add(product(p, q));
            }
        });
        total
    };
    (0..ty.elements()).map(element).collect()
}

/// True if a reduction has no term that could be skipped and an output that determines plain axes: then its order is
/// the tree of interleaved lanes, otherwise its terms are taken one by one.
pub fn reduces_in_lanes(nest: &Nest, operand_shape: &[usize]) -> bool {
    nest.resolve().is_plain() && nest.stays_inside(&nest.operands[0], operand_shape)
}

fn reduce<R: Real>(reduction: Reduction, nest: &Nest, ty: &TensorType, operands: &[&Tensor<R>]) -> Tensor<R> {
    let walk = Walk::new(nest, ty, operands);
    let (start, function) = match reduction {
        Reduction::Sum => (Scalar::zero(ty.dtype), ScalarFn::Add),
        Reduction::Max => (Scalar::lowest(ty.dtype), ScalarFn::Max),
    };
    let start = Value::from_scalar(start);
    let in_lanes = reduces_in_lanes(nest, &operands[0].shape);
    Tensor::from_fn(ty, |position| {
        let mut lanes = [start; LANES];
        let mut terms = 0_usize;
        let mut total = None;
        // A piece's result is its lanes', joined in halves; a lane that got no term takes no part.
        let end_piece = |total: Option<Value<R>>, lanes: &mut [Value<R>; LANES], terms: usize| {
            let mut width = LANES / 2;
            while in_lanes && width > 0 {
                for lane in 0..width.min(terms.saturating_sub(width)) {
                    lanes[lane] = function.apply(&[lanes[lane], lanes[lane + width]]);
                }
                width /= 2;
            }
            let result = std::mem::replace(lanes, [start; LANES])[0];
            total.map_or(result, |total| function.apply(&[total, result]))
        };
        walk.terms(position, |place, axes| {
            if in_lanes && terms == PIECE {
                total = Some(end_piece(total, &mut lanes, terms));
                terms = 0;
            }
            terms += 1;
            let lane = if in_lanes { place % LANES } else { 0 };
            if let Some(offset) = axes.and_then(|axes| walk.offset(0, axes, None)) {
                lanes[lane] = function.apply(&[lanes[lane], operands[0].at(offset)]);
            }
        });
        let result = end_piece(total, &mut lanes, terms);
        finish(reduction, result)
    })
}

/// A sum of floats is flushed; a maximum passes its element on.
fn finish<R: Real>(reduction: Reduction, value: Value<R>) -> Value<R> {
    match (reduction, value) {
        (Reduction::Sum, Value::Float(x)) => Value::Float(x.flush()),
        (Reduction::Sum | Reduction::Max, value) => value,
    }
}

/// Rows are added one by one in the declared order of the axes.
fn scatter<R: Real>(nest: &Nest, ty: &TensorType, operands: &[&Tensor<R>]) -> Tensor<R> {
    let walk = Walk::new(nest, ty, operands);
    let mut sums = vec![Value::from_scalar(Scalar::zero(ty.dtype)); ty.elements()];
    let iterations = nest.axes.iter().map(|(_, extent)| *extent).product();
    for iteration in 0..iterations {
        let axes = digits(iteration, nest.axes.iter().map(|(_, extent)| *extent));
        let Some(source) = walk.offset(0, &axes, None) else { continue };
        let Some(index) = walk.offset(1, &axes, None) else { continue };
        let row = operands[1].as_integers()[index] as i64;
        if let Some(target) = offset(&walk.output, &walk.output_shape, &axes, Some(row)) {
            sums[target] = ScalarFn::Add.apply(&[sums[target], operands[0].at(source)]);
        }
    }
    Tensor::from_fn(ty, |position| finish(Reduction::Sum, sums[position]))
}

/// The digits of a number in mixed radix, most significant first.
fn digits(mut number: usize, extents: impl DoubleEndedIterator<Item = usize> + ExactSizeIterator) -> Vec<i64> {
    let mut digits = vec![0; extents.len()];
    for (digit, extent) in digits.iter_mut().zip(extents).rev() {
        *digit = (number % extent) as i64;
        number /= extent;
    }
    digits
}

/// One dimension of an access: Σ coefficient·axis + constant, or the looked-up row.
enum Line {
    Affine(Vec<(i64, usize)>, i64),
    Row,
}

/// The row-major offset of an access, or `None` where it is out of range.
fn offset(lines: &[Line], shape: &[usize], axes: &[i64], row: Option<i64>) -> Option<usize> {
    let mut offset = 0;
    for (line, extent) in lines.iter().zip(shape) {
        let index = match line {
            Line::Affine(terms, constant) => constant + terms.iter().map(|(c, axis)| c * axes[*axis]).sum::<i64>(),
            Line::Row => row.expect("the caller looked the row up"),
        };
        if index < 0 || index >= *extent as i64 {
            return None;
        }
        offset = offset * extent + index as usize;
    }
    Some(offset)
}

/// A nest prepared for walking: which terms an output element has, in order.
struct Walk {
    resolved: Resolved,
    extents: Vec<usize>,
    output_shape: Vec<usize>,
    output_strides: Vec<usize>,
    output: Vec<Line>,
    operands: Vec<(Vec<Line>, Vec<usize>)>,
}

impl Walk {
    fn new<R: Real>(nest: &Nest, ty: &TensorType, operands: &[&Tensor<R>]) -> Walk {
        let lines = |access: &Access| -> Vec<Line> {
            let line = |index: &Index| match index {
                Index::Lookup => Line::Row,
                Index::Axis(_) | Index::Radix(_) | Index::Affine { .. } => {
                    let (terms, constant) = nest.affine(index);
                    Line::Affine(terms, constant)
                }
            };
            access.iter().map(line).collect()
        };
        Walk {
            resolved: nest.resolve(),
            extents: nest.axes.iter().map(|(_, extent)| *extent).collect(),
            output_shape: ty.shape.clone(),
            output_strides: row_major_strides(&ty.shape),
            output: lines(&nest.output),
            operands: nest.operands.iter().zip(operands).map(|(a, t)| (lines(a), t.shape.clone())).collect(),
        }
    }

    fn offset(&self, operand: usize, axes: &[i64], row: Option<i64>) -> Option<usize> {
        let (lines, shape) = &self.operands[operand];
        offset(lines, shape, axes, row)
    }

    fn index_of_output(&self, position: usize, dim: usize) -> i64 {
        (position / self.output_strides[dim] % self.output_shape[dim]) as i64
    }

    /// Sets the axes that plain dimensions of the output determine; the others are 0.
    fn axes_of_output(&self, position: usize) -> Vec<i64> {
        let mut axes = vec![0; self.extents.len()];
        for (dim, determined) in self.resolved.output.iter().enumerate() {
            if let Determined::Digits(merged) = determined {
                let index = self.index_of_output(position, dim) as usize;
                let parts = digits(index, merged.iter().map(|axis| self.extents[*axis]));
                for (axis, digit) in merged.iter().zip(parts) {
                    axes[*axis] = digit;
                }
            }
        }
        axes
    }

    /// Visits every position of the reduction box of one output element, in order: the place in the box, and the
    /// axes unless the output's access skips the term.
    fn terms(&self, position: usize, mut visit: impl FnMut(usize, Option<&[i64]>)) {
        let mut axes = self.axes_of_output(position);
        let places = self.resolved.reduction.iter().map(|axis| self.extents[*axis]).product();
        for place in 0..places {
            let free = digits(place, self.resolved.reduction.iter().map(|axis| self.extents[*axis]));
            for (axis, digit) in self.resolved.reduction.iter().zip(free) {
                axes[*axis] = digit;
            }
            let reached = self.solve(position, &mut axes);
            visit(place, reached.then_some(&axes[..]));
        }
    }

    /// Solves the affine dimensions of the output for their axes; false if the term does not reach the element.
    fn solve(&self, position: usize, axes: &mut [i64]) -> bool {
        for (dim, determined) in self.resolved.output.iter().enumerate() {
            match determined {
                Determined::Digits(_) => {}
                Determined::Solved { axis, coefficient, others, constant } => {
                    let rest: i64 = others.iter().map(|(c, other)| c * axes[*other]).sum();
                    let multiple = self.index_of_output(position, dim) - constant - rest;
                    if multiple % coefficient != 0 {
                        return false;
                    }
                    let digit = multiple / coefficient;
                    if digit < 0 || digit >= self.extents[*axis] as i64 {
                        return false;
                    }
                    axes[*axis] = digit;
                }
                Determined::Checked { .. } | Determined::Lookup => {}
            }
        }
        self.resolved.output.iter().enumerate().all(|(dim, determined)| match determined {
            Determined::Checked { terms, constant } => {
                let sum: i64 = terms.iter().map(|(c, axis)| c * axes[*axis]).sum();
                sum + constant == self.index_of_output(position, dim)
            }
            Determined::Digits(_) | Determined::Solved { .. } => true,
            Determined::Lookup => panic!("only `scatter` looks its output up"),
        })
    }
}
