//! Dropout.

use crate::ops::{misshapen, scale};
use tacit_ir::{Graph, Result, ScalarFn, ValueId};

/// Zero with this probability, else x / (1 − probability), so that inference needs no scaling (Srivastava et al. 2014,
/// section 10, in its inverted form). `key` is i32[2], fresh for every step; `stream` differs between uses of one key.
pub fn dropout(graph: &mut Graph, x: ValueId, probability: f32, key: ValueId, stream: u32) -> Result<ValueId> {
    if !(0.0..1.0).contains(&probability) {
        return misshapen(format!("a dropout probability is at least 0 and below 1, not {probability}"));
    }
    if probability == 0.0 {
        return Ok(x);
    }
    let shape = graph.shape(x).to_vec();
    let uniform = graph.random(key, stream, &shape)?;
    let threshold = graph.float(probability)?;
    let dropped = graph.map(ScalarFn::Less, &[uniform, threshold])?;
    let zero = graph.float(0.0)?;
    let scaled = scale(graph, x, 1.0 / (1.0 - probability))?;
    graph.map(ScalarFn::Select, &[dropped, zero, scaled])
}
