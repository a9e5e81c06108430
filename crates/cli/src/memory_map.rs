//! The memory map of a program: which buffers its arena holds, from which kernel to which.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tacit_ir::passes::plan::{Buffer, Kernel, Plan, plan};
use tacit_ir::{Graph, ValueId};

use crate::table;

/// The map for people and for programs.
pub fn memory_map(graph: &Graph) -> (String, Value) {
    let plan = plan(graph);
    let mut rows =
        vec![["", "value", "layer", "instruction", "bytes", "offset", "kernels"].map(str::to_owned).to_vec()];
    let mut buffers = Vec::new();
    for (k, buffer) in plan.buffers.iter().enumerate() {
        let names: Vec<String> = buffer.values.iter().map(|value| format!("%{}", value.0)).collect();
        let kernel = &plan.kernels[writer(&plan, buffer.values[0])];
        let layer = layer(graph, &plan, kernel).unwrap_or_default();
        let keyword = graph.instruction(kernel.anchor.unwrap_or(buffer.values[0])).op.keyword();
        rows.push(vec![
            sign(k).to_string(),
            names.join(", "),
            layer.clone(),
            keyword.to_owned(),
            buffer.bytes.to_string(),
            buffer.offset.to_string(),
            format!("{} to {}", buffer.first, buffer.last),
        ]);
        buffers.push(json!({
            "values": buffer.values.iter().map(|value| value.0).collect::<Vec<_>>(),
            "layer": layer, "instruction": keyword,
            "offset": buffer.offset, "bytes": buffer.bytes, "first": buffer.first, "last": buffer.last,
        }));
    }
    let text = format!("{}\n{}\n{}\n", drawing(&plan), table::aligned(&rows), verdict(&plan));
    let value = json!({
        "arena_bytes": plan.arena_bytes,
        "lower_bound_bytes": plan.lower_bound_bytes,
        "least_bytes": plan.least_bytes,
        "proven_least": plan.arena_bytes == plan.least_bytes,
        "kernels": plan.kernels.len(),
        "buffers": buffers,
    });
    (text, value)
}

/// How large the arena is, and whether it could be smaller.
fn verdict(plan: &Plan) -> String {
    let arena = format!("{} kernels in {} bytes", plan.kernels.len(), plan.arena_bytes);
    let live = format!("the greatest live sum is {} bytes", plan.lower_bound_bytes);
    match plan.arena_bytes - plan.least_bytes {
        0 => format!("{arena}, proven least; {live}"),
        more => format!("{arena}, at most {more} more than the least; {live}"),
    }
}

/// The number of the kernel that writes a stored value.
fn writer(plan: &Plan, value: ValueId) -> usize {
    let writes = |kernel: &Kernel| kernel.root == value || kernel.also_stored.contains(&value);
    plan.kernels.iter().position(writes).expect("a kernel writes each stored value")
}

/// The layer whose parameters a kernel reads: what stands before the last dot of the first one's name.
fn layer(graph: &Graph, plan: &Plan, kernel: &Kernel) -> Option<String> {
    let mut reads = plan.contents(graph, kernel).reads;
    reads.sort();
    let names = reads.into_iter().filter_map(|read| graph.instruction(read).op.leaf_name());
    names.filter_map(|name| Some(name.rsplit_once('.')?.0.to_owned())).next()
}

/// The sign that stands for a buffer in the drawing.
fn sign(buffer: usize) -> char {
    let signs = ('a'..='z').chain('A'..='Z').chain('0'..='9');
    signs.cycle().nth(buffer).expect("the signs go round")
}

/// Columns of the drawing, which share the arena among them.
const COLUMNS: usize = 64;

/// Kernels downwards, bytes across: every buffer is drawn by its sign in the kernels in which it is needed. Of buffers that
/// share a column the smallest is seen.
fn drawing(plan: &Plan) -> String {
    let arena = plan.arena_bytes.max(1);
    let column = |bytes: usize| (bytes as u128 * COLUMNS as u128 / arena as u128) as usize;
    let mut largest: Vec<(usize, &Buffer)> = plan.buffers.iter().enumerate().collect();
    largest.sort_by_key(|(k, buffer)| (std::cmp::Reverse(buffer.bytes), *k));
    let end = plan.arena_bytes.to_string();
    let mut text = format!("kernel  0{}{end}\n", " ".repeat((COLUMNS + 1).saturating_sub(end.len())));
    for kernel in 0..plan.kernels.len() {
        let mut row = vec!['.'; COLUMNS];
        for (k, buffer) in largest.iter().filter(|(_, b)| b.bytes > 0 && b.first <= kernel && kernel <= b.last) {
            let from = column(buffer.offset).min(COLUMNS - 1);
            let to = column(buffer.offset + buffer.bytes).max(from + 1);
            row[from..to].fill(sign(*k));
        }
        let _ = writeln!(text, "{kernel:>6}  |{}|", row.into_iter().collect::<String>());
    }
    text
}
