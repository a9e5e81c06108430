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

/// Parts of a vector, each with a product of its own: x [.., g·in], weight [g, in, out] → [.., g·out].
pub fn grouped_dense(graph: &mut Graph, x: ValueId, weight: ValueId) -> Result<ValueId> {
    let rows = leading(graph, x, 1, "a grouped dense layer")?;
    graph.contract(&format!("{rows}(my),myz->{rows}(mz)"), x, weight, &[])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{check_gradients, value_of};
    use tacit_ir::Tensor;

    #[test]
    fn a_dense_layer_is_a_product_and_a_bias_with_and_without_a_batch() {
        let weight = Tensor::floats(&[2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let bias = Tensor::floats(&[3], vec![0.5, 0.0, -1.0]);
        let layer = |g: &mut Graph, x: &[ValueId]| dense(g, x[0], x[1], Some(x[2]));
        let one = value_of(layer, &[Tensor::floats(&[2], vec![1.0, -1.0]), weight.clone(), bias.clone()]);
        assert_eq!(one, Tensor::floats(&[3], vec![-2.5, -3.0, -4.0]));
        let x = Tensor::floats(&[1, 2, 2], vec![1.0, -1.0, 2.0, 0.0]);
        let many = value_of(layer, &[x, weight, bias]);
        assert_eq!(many, Tensor::floats(&[1, 2, 3], vec![-2.5, -3.0, -4.0, 2.5, 4.0, 5.0]));
        check_gradients(layer, &[&[4, 2], &[2, 3], &[3]], true);
    }

    #[test]
    fn groups_see_only_their_own_part() {
        let weight = Tensor::floats(&[2, 2, 1], vec![1.0, 2.0, 3.0, 4.0]);
        let layer = |g: &mut Graph, x: &[ValueId]| grouped_dense(g, x[0], x[1]);
        let x = Tensor::floats(&[1, 4], vec![1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(value_of(layer, &[x, weight]), Tensor::floats(&[1, 2], vec![21.0, 4300.0]));
        check_gradients(layer, &[&[3, 6], &[2, 3, 2]], true);
    }

    #[test]
    fn flattening_is_row_major_and_keeps_what_is_before_it() {
        let x = Tensor::floats(&[2, 1, 2, 3], (0..12).map(f64::from).collect());
        let flat = value_of(|g, x| flatten(g, x[0], 1), std::slice::from_ref(&x));
        assert_eq!(flat, Tensor::floats(&[2, 6], (0..12).map(f64::from).collect()));
        check_gradients(|g, x| flatten(g, x[0], 1), &[&[2, 1, 2, 3]], true);
        let mut graph = Graph::new();
        let x = graph.input("x", tacit_ir::DType::F32, &[2]).unwrap();
        assert_eq!(flatten(&mut graph, x, 0), Ok(x));
        assert!(flatten(&mut graph, x, 2).is_err());
    }

    #[test]
    fn an_embedding_reads_rows_and_its_gradient_adds_into_them() {
        let rows = |g: &mut Graph, x: &[ValueId]| {
            let index = [2, 0, 2, 5].map(Scalar::I32).to_vec();
            let index = g.constant(index, &[2, 2])?;
            embedding(g, x[0], index)
        };
        let table = Tensor::floats(&[3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let expected = vec![5.0, 6.0, 1.0, 2.0, 5.0, 6.0, 0.0, 0.0];
        assert_eq!(value_of(rows, &[table]), Tensor::floats(&[2, 2, 2], expected));
        check_gradients(rows, &[&[3, 2]], true);
    }
}
