//! Matrix products and tables.

use crate::ops::{leading, letters, misshapen, with_vector};
use tacit_ir::{Graph, Result, Scalar, ScalarFn, ValueId};

/// x·W + b: x [.., in], weight [in, out], bias [out] → [.., out].
pub fn dense(graph: &mut Graph, x: ValueId, weight: ValueId, bias: Option<ValueId>) -> Result<ValueId> {
    let rows = leading(graph, x, 1, "a dense layer")?;
    let product = graph.contract(&format!("{rows}m,mz->{rows}z"), x, weight, &[])?;
    match bias {
        Some(bias) => with_vector(graph, ScalarFn::Add, product, bias),
        None => Ok(product),
    }
}

/// Rows of a table: table [rows, d], index i32 [..] → [.., d]. A row outside the table is zero.
pub fn embedding(graph: &mut Graph, table: ValueId, index: ValueId) -> Result<ValueId> {
    let places = letters(graph.shape(index).len())?;
    graph.gather(&format!("*z,{places}->{places}z"), table, index)
}

/// The dimensions from `first` on as one, in row-major order: [n, h, w, c] → [n, h·w·c].
pub fn flatten(graph: &mut Graph, x: ValueId, first: usize) -> Result<ValueId> {
    let rank = graph.shape(x).len();
    let names = letters(rank)?;
    match rank.checked_sub(first) {
        Some(0) | None => misshapen(format!("flattening from dimension {first} of a value of rank {rank}")),
        Some(1) => Ok(x),
        Some(_) => {
            let (kept, merged) = names.split_at(first);
            let fill = Scalar::zero(graph.ty(x).dtype);
            graph.move_nest(fill, &format!("{names}->{kept}({merged})"), &[x], &[])
        }
    }
}
