//! Graph to text.

use super::HEADER;
use crate::graph::{Graph, Instruction, Op, ValueId};
use crate::rules;
use crate::types::Literal;
use std::fmt::Write;

/// The whole graph, one line an instruction.
pub fn print(graph: &Graph) -> String {
    let mut text = format!("{HEADER}\n");
    for value in graph.values() {
        writeln!(text, "{}", print_instruction(graph, value)).expect("writing to a string");
    }
    for (name, value) in graph.outputs() {
        writeln!(text, "output \"{name}\" = %{}", value.0).expect("writing to a string");
    }
    for (leaf, next) in graph.updates() {
        writeln!(text, "update %{} = %{}", leaf.0, next.0).expect("writing to a string");
    }
    text
}

/// One line, without its end.
pub fn print_instruction(graph: &Graph, value: ValueId) -> String {
    let instruction = graph.instruction(value);
    let mut line = format!("%{} = {}", value.0, instruction.op.keyword());
    attributes(&mut line, &instruction.op);
    if instruction.op.has_nest() && !is_elementwise(graph, instruction) {
        write!(line, " \"{}\"", instruction.nest).expect("writing to a string");
        for (name, extent) in &instruction.nest.axes {
            write!(line, " {name}={extent}").expect("writing to a string");
        }
    }
    if !instruction.operands.is_empty() {
        let operands: Vec<String> = instruction.operands.iter().map(|v| format!("%{}", v.0)).collect();
        write!(line, " ({})", operands.join(", ")).expect("writing to a string");
    }
    write!(line, " -> {}", instruction.ty).expect("writing to a string");
    line
}

/// True for a map whose accesses are those that [`Graph::map`] gives.
fn is_elementwise(graph: &Graph, instruction: &Instruction) -> bool {
    matches!(instruction.op, Op::Map(_))
        && rules::elementwise_nest(graph, &instruction.operands, &instruction.ty.shape)
            .is_ok_and(|nest| nest == instruction.nest)
}

fn attributes(line: &mut String, op: &Op) {
    match op {
        Op::Input { name } | Op::Param { name } => write!(line, " \"{name}\""),
        Op::State { name, init } => write!(line, " \"{name}\" init={init}"),
        Op::Constant { value: Literal::Splat(value) } => write!(line, " {value}"),
        Op::Constant { value: Literal::Dense(values) } => {
            let values: Vec<String> = values.iter().map(|v| v.to_string()).collect();
            write!(line, " [{}]", values.join(", "))
        }
        Op::Random { stream } => write!(line, " stream={stream}"),
        Op::Extent { dim } => write!(line, " dim={dim}"),
        Op::Map(function) => write!(line, " {}", function.name()),
        Op::Reduce(reduction) => write!(line, " {}", reduction.name()),
        Op::Move { fill } => write!(line, " fill={fill}"),
        Op::Iota | Op::Contract | Op::Gather | Op::Scatter => Ok(()),
    }
    .expect("writing to a string");
}
