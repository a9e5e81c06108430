//! The one graph type: instructions in topological order, named outputs, and updates of parameters and state.

use crate::error::{self, GraphError, Result};
use crate::nest::{Access, AxisName, Index, Nest};
use crate::rules;
use crate::scalar::ScalarFn;
use crate::types::{DType, Literal, Scalar, TensorType};
use std::collections::HashMap;

/// A value of a graph: the position of the instruction that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

impl ValueId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a `reduce` accumulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    Sum,
    Max,
}

impl Reduction {
    pub const ALL: [Reduction; 2] = [Reduction::Sum, Reduction::Max];

    pub fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Max => "max",
        }
    }
}

/// The closed instruction set. docs/ISA.md is generated from [`Op::manual`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Input { name: String },
    Param { name: String },
    State { name: String, init: Scalar },
    Constant { value: Literal },
    Iota,
    Random { stream: u32 },
    Extent { dim: usize },
    Contract,
    Map(ScalarFn),
    Reduce(Reduction),
    Move { fill: Scalar },
    Gather,
    Scatter,
}

/// One instruction. Leaves have an empty nest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instruction {
    pub op: Op,
    pub operands: Vec<ValueId>,
    pub nest: Nest,
    pub ty: TensorType,
}

/// A program. Instructions are added through the methods, which check them and share equal ones.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    instructions: Vec<Instruction>,
    /// Named results, in order.
    outputs: Vec<(String, ValueId)>,
    /// What a parameter or state becomes after the step: (leaf, next value).
    updates: Vec<(ValueId, ValueId)>,
    known: HashMap<Instruction, ValueId>,
}

/// Two graphs are equal if they print the same: names, instructions, outputs and updates.
impl PartialEq for Graph {
    fn eq(&self, other: &Graph) -> bool {
        self.instructions == other.instructions && self.outputs == other.outputs && self.updates == other.updates
    }
}

impl Eq for Graph {}

impl Graph {
    pub fn new() -> Graph {
        Graph::default()
    }

    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Every value in order of definition.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = ValueId> + use<> {
        (0..self.instructions.len() as u32).map(ValueId)
    }

    pub fn instruction(&self, value: ValueId) -> &Instruction {
        &self.instructions[value.index()]
    }

    pub fn ty(&self, value: ValueId) -> &TensorType {
        &self.instructions[value.index()].ty
    }

    pub fn shape(&self, value: ValueId) -> &[usize] {
        &self.ty(value).shape
    }

    pub fn outputs(&self) -> &[(String, ValueId)] {
        &self.outputs
    }

    pub fn updates(&self) -> &[(ValueId, ValueId)] {
        &self.updates
    }

    pub fn output(&self, name: &str) -> Option<ValueId> {
        self.outputs.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The input, parameter or state of this name.
    pub fn leaf(&self, name: &str) -> Option<ValueId> {
        self.values().find(|value| self.instruction(*value).op.leaf_name() == Some(name))
    }

    /// Every parameter with its name, in order of definition.
    pub fn params(&self) -> impl Iterator<Item = (&str, ValueId)> {
        self.values().filter_map(|value| {
            let Op::Param { name } = &self.instruction(value).op else { return None };
            Some((name.as_str(), value))
        })
    }

    /// Adds a checked instruction, or finds the equal one that exists.
    pub fn add(&mut self, instruction: Instruction) -> Result<ValueId> {
        rules::check(self, &instruction)?;
        if let Some(value) = self.known.get(&instruction) {
            return Ok(*value);
        }
        if let Some(name) = instruction.op.leaf_name()
            && self.leaf(name).is_some()
        {
            return Err(GraphError::new(error::STRUCTURE, format!("the name `{name}` is used twice")));
        }
        let value = ValueId(self.instructions.len() as u32);
        self.instructions.push(instruction.clone());
        self.known.insert(instruction, value);
        Ok(value)
    }

    /// Names a result.
    pub fn set_output(&mut self, name: &str, value: ValueId) -> Result<()> {
        rules::check_name(name)?;
        if value.index() >= self.instructions.len() || self.output(name).is_some() {
            return Err(GraphError::new(error::STRUCTURE, format!("output `{name}` is repeated or has no value")));
        }
        self.outputs.push((name.to_string(), value));
        Ok(())
    }

    /// States what a parameter or state becomes after the step.
    pub fn set_update(&mut self, leaf: ValueId, next: ValueId) -> Result<()> {
        rules::check_update(self, leaf, next)?;
        self.updates.push((leaf, next));
        Ok(())
    }

    /// Forgets all outputs and updates, so that others can be set.
    pub fn clear_roots(&mut self) {
        self.outputs.clear();
        self.updates.clear();
    }

    fn leaf_instruction(&mut self, op: Op, ty: TensorType) -> Result<ValueId> {
        let nest = Nest { axes: vec![], operands: vec![], output: vec![] };
        self.add(Instruction { op, operands: vec![], nest, ty })
    }

    pub fn input(&mut self, name: &str, dtype: DType, shape: &[usize]) -> Result<ValueId> {
        self.leaf_instruction(Op::Input { name: name.to_string() }, TensorType::new(dtype, shape))
    }

    pub fn param(&mut self, name: &str, shape: &[usize]) -> Result<ValueId> {
        self.param_of(name, DType::F32, shape)
    }

    /// A parameter of any element type; gradients exist for f32 alone.
    pub fn param_of(&mut self, name: &str, dtype: DType, shape: &[usize]) -> Result<ValueId> {
        self.leaf_instruction(Op::Param { name: name.to_string() }, TensorType::new(dtype, shape))
    }

    pub fn state(&mut self, name: &str, init: Scalar, shape: &[usize]) -> Result<ValueId> {
        self.leaf_instruction(Op::State { name: name.to_string(), init }, TensorType::new(init.dtype(), shape))
    }

    /// A constant of rank 0.
    pub fn scalar(&mut self, value: Scalar) -> Result<ValueId> {
        let ty = TensorType::new(value.dtype(), &[]);
        self.leaf_instruction(Op::Constant { value: Literal::Splat(value) }, ty)
    }

    /// An f32 constant of rank 0.
    pub fn float(&mut self, value: f32) -> Result<ValueId> {
        self.scalar(Scalar::F32(value))
    }

    /// A constant with one element value each, row-major.
    pub fn constant(&mut self, values: Vec<Scalar>, shape: &[usize]) -> Result<ValueId> {
        let Some(first) = values.first() else {
            return Err(GraphError::new(error::SHAPE, "a constant has at least one element"));
        };
        let ty = TensorType::new(first.dtype(), shape);
        self.leaf_instruction(Op::Constant { value: Literal::Dense(values) }, ty)
    }

    /// 0, 1, …, n−1 as i32.
    pub fn iota(&mut self, extent: usize) -> Result<ValueId> {
        self.leaf_instruction(Op::Iota, TensorType::new(DType::I32, &[extent]))
    }

    /// Uniform numbers in [0, 1) from a key of two i32; `stream` tells uses of one key apart.
    pub fn random(&mut self, key: ValueId, stream: u32, shape: &[usize]) -> Result<ValueId> {
        let nest = Nest { axes: vec![], operands: vec![], output: vec![] };
        let ty = TensorType::new(DType::F32, shape);
        self.add(Instruction { op: Op::Random { stream }, operands: vec![key], nest, ty })
    }

    /// The extent of a value's dimension as an i32 of rank 0. It survives a change of the extent.
    pub fn extent(&mut self, value: ValueId, dim: usize) -> Result<ValueId> {
        let nest = Nest { axes: vec![], operands: vec![], output: vec![] };
        let ty = TensorType::new(DType::I32, &[]);
        self.add(Instruction { op: Op::Extent { dim }, operands: vec![value], nest, ty })
    }

    /// Adds an instruction whose axes follow from `words` and the operands' shapes; `given` extents are for axes that
    /// no operand shows. The result's shape follows from the output's access.
    fn nested(&mut self, op: Op, words: &str, operands: &[ValueId], given: &[(AxisName, usize)]) -> Result<ValueId> {
        let nest = {
            let shapes = self.operand_shapes(operands)?;
            Nest::infer(words, &shapes, given)?
        };
        let shape = rules::output_shape(&nest)?;
        self.with_shape(op, nest, operands, &shape)
    }

    fn operand_shapes(&self, operands: &[ValueId]) -> Result<Vec<&[usize]>> {
        if let Some(missing) = operands.iter().find(|v| v.index() >= self.instructions.len()) {
            return Err(GraphError::new(error::STRUCTURE, format!("value %{} is not defined", missing.0)));
        }
        Ok(operands.iter().map(|value| self.shape(*value)).collect())
    }

    /// Adds an instruction with this nest and result shape; the element type follows from the rule.
    pub fn with_shape(&mut self, op: Op, nest: Nest, operands: &[ValueId], shape: &[usize]) -> Result<ValueId> {
        self.operand_shapes(operands)?;
        let types: Vec<DType> = operands.iter().map(|v| self.ty(*v).dtype).collect();
        let dtype = rules::result_type(&op, &types)?;
        self.add(Instruction { op, operands: operands.to_vec(), nest, ty: TensorType::new(dtype, shape) })
    }

    /// out[f] += a[g]·b[h], for example `"{2h+i-1}{2w+j-1}c,ijco->hwo"`.
    pub fn contract(&mut self, words: &str, a: ValueId, b: ValueId, given: &[(AxisName, usize)]) -> Result<ValueId> {
        self.nested(Op::Contract, words, &[a, b], given)
    }

    /// A contraction whose output access is affine, so that its shape must be told.
    pub fn contract_into(
        &mut self,
        words: &str,
        a: ValueId,
        b: ValueId,
        given: &[(AxisName, usize)],
        shape: &[usize],
    ) -> Result<ValueId> {
        let nest = Nest::infer(words, &self.operand_shapes(&[a, b])?, given)?;
        self.with_shape(Op::Contract, nest, &[a, b], shape)
    }

    /// A scalar function with explicit accesses, for example `"ij,j->ij"`.
    pub fn map_nest(&mut self, function: ScalarFn, words: &str, operands: &[ValueId]) -> Result<ValueId> {
        self.nested(Op::Map(function), words, operands, &[])
    }

    /// A scalar function of operands that have one shape or are of rank 0.
    pub fn map(&mut self, function: ScalarFn, operands: &[ValueId]) -> Result<ValueId> {
        self.operand_shapes(operands)?;
        let shape = rules::common_shape(self, operands);
        let nest = rules::elementwise_nest(self, operands, &shape)?;
        self.with_shape(Op::Map(function), nest, operands, &shape)
    }

    /// A reduction, for example `"ij->i"` or, overlapping, `"{2h+i}->h"` with `i` given.
    pub fn reduce(
        &mut self,
        reduction: Reduction,
        words: &str,
        operand: ValueId,
        given: &[(AxisName, usize)],
    ) -> Result<ValueId> {
        self.nested(Op::Reduce(reduction), words, &[operand], given)
    }

    /// The one operand that is in bounds at each index, else the fill.
    pub fn move_nest(
        &mut self,
        fill: Scalar,
        words: &str,
        operands: &[ValueId],
        given: &[(AxisName, usize)],
    ) -> Result<ValueId> {
        self.nested(Op::Move { fill }, words, operands, given)
    }

    /// Rows of a table by index, for example `"*d,i->id"`.
    pub fn gather(&mut self, words: &str, table: ValueId, index: ValueId) -> Result<ValueId> {
        self.nested(Op::Gather, words, &[table, index], &[])
    }

    /// Rows added into zeros by index, for example `"id,i->*d"` into a table of `rows` rows.
    pub fn scatter(&mut self, words: &str, source: ValueId, index: ValueId, shape: &[usize]) -> Result<ValueId> {
        let nest = Nest::infer(words, &self.operand_shapes(&[source, index])?, &[])?;
        self.with_shape(Op::Scatter, nest, &[source, index], shape)
    }
}

impl Op {
    /// The keyword in the text form.
    pub fn keyword(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::Param { .. } => "param",
            Op::State { .. } => "state",
            Op::Constant { .. } => "constant",
            Op::Iota => "iota",
            Op::Random { .. } => "random",
            Op::Extent { .. } => "extent",
            Op::Contract => "contract",
            Op::Map(_) => "map",
            Op::Reduce(_) => "reduce",
            Op::Move { .. } => "move",
            Op::Gather => "gather",
            Op::Scatter => "scatter",
        }
    }

    /// True for instructions whose meaning is a nest.
    pub fn has_nest(&self) -> bool {
        match self {
            Op::Contract | Op::Map(_) | Op::Reduce(_) | Op::Move { .. } | Op::Gather | Op::Scatter => true,
            Op::Input { .. }
            | Op::Param { .. }
            | Op::State { .. }
            | Op::Constant { .. }
            | Op::Iota
            | Op::Random { .. }
            | Op::Extent { .. } => false,
        }
    }

    /// The name by which a leaf is bound from outside.
    pub fn leaf_name(&self) -> Option<&str> {
        match self {
            Op::Input { name } | Op::Param { name } | Op::State { name, .. } => Some(name),
            Op::Constant { .. }
            | Op::Iota
            | Op::Random { .. }
            | Op::Extent { .. }
            | Op::Contract
            | Op::Map(_)
            | Op::Reduce(_)
            | Op::Move { .. }
            | Op::Gather
            | Op::Scatter => None,
        }
    }
}

/// The plain access of the first axes, `ab…`.
pub fn plain_access(axes: &[(AxisName, usize)]) -> Access {
    axes.iter().map(|(name, _)| Index::Axis(*name)).collect()
}
