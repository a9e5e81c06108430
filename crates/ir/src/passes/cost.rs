//! Exact counts of arithmetic, of bytes moved and of parameters, before anything runs.

use crate::graph::{Graph, Instruction, Op, ValueId};
use crate::types::DType;

/// Operations of one run. A multiply-add counts as two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub float_operations: u64,
    pub integer_operations: u64,
    /// Bytes read and written if every instruction reads its operands from memory and writes its result there.
    pub bytes_moved: u64,
    /// Elements of all parameters.
    pub parameters: u64,
}

impl Cost {
    fn plus(self, other: Cost) -> Cost {
        Cost {
            float_operations: self.float_operations + other.float_operations,
            integer_operations: self.integer_operations + other.integer_operations,
            bytes_moved: self.bytes_moved + other.bytes_moved,
            parameters: self.parameters + other.parameters,
        }
    }
}

/// The cost of the whole graph.
pub fn cost(graph: &Graph) -> Cost {
    graph.values().map(|value| instruction_cost(graph, value)).fold(Cost::default(), Cost::plus)
}

/// The cost of one instruction, read off its nest: the iterations times what the body does. Terms that are skipped at
/// borders count, as the nest visits them.
pub fn instruction_cost(graph: &Graph, value: ValueId) -> Cost {
    let Instruction { op, operands, nest, ty } = graph.instruction(value);
    let iterations: u64 = {
        let resolved = nest.resolve();
        let reduction: u64 = resolved.reduction.iter().map(|axis| nest.axes[*axis].1 as u64).product();
        reduction * ty.elements() as u64
    };
    let read: u64 = operands.iter().map(|v| graph.ty(*v).bytes() as u64).sum();
    let bytes_moved = read + ty.bytes() as u64;
    let operations = match op {
        Op::Input { .. } | Op::State { .. } | Op::Constant { .. } | Op::Extent { .. } => return Cost::default(),
        Op::Param { .. } => return Cost { parameters: ty.elements() as u64, ..Cost::default() },
        Op::Iota | Op::Move { .. } | Op::Gather => 0,
        // Ten Philox rounds give four numbers; a round is two wide products and four other operations.
        Op::Random { .. } => {
            return Cost { integer_operations: ty.elements() as u64 * 15, bytes_moved, ..Cost::default() };
        }
        Op::Contract => 2 * iterations,
        Op::Map(_) => ty.elements() as u64,
        Op::Reduce(_) => iterations,
        Op::Scatter => nest.axes.iter().map(|(_, extent)| *extent as u64).product(),
    };
    match ty.dtype {
        DType::F32 => Cost { float_operations: operations, bytes_moved, ..Cost::default() },
        DType::I32 | DType::I8 | DType::Bool => Cost { integer_operations: operations, bytes_moved, ..Cost::default() },
    }
}
