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

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_ir::gradient::differentiate;
    use tacit_ir::{DType, Tensor, interpret};

    #[test]
    fn a_share_is_dropped_the_rest_scaled_and_the_gradient_follows_the_same_mask() {
        let mut graph = Graph::new();
        let x = graph.input("x", DType::F32, &[4000]).unwrap();
        let key = graph.input("key", DType::I32, &[2]).unwrap();
        let y = dropout(&mut graph, x, 0.25, key, 0).unwrap();
        let other = dropout(&mut graph, x, 0.25, key, 1).unwrap();
        let total = crate::ops::sum(&mut graph, y).unwrap();
        let slope = differentiate(&mut graph, total, &[x]).unwrap()[0];
        for (name, value) in [("y", y), ("other", other), ("slope", slope)] {
            graph.set_output(name, value).unwrap();
        }
        let run = |key: i32| {
            let leaves = [
                ("x".to_string(), Tensor::floats(&[4000], vec![3.0f32; 4000])),
                ("key".to_string(), Tensor::integers(&[2], vec![key, 0])),
            ];
            interpret(&graph, &leaves.into()).unwrap().outputs
        };
        let first = run(1);
        let y = first["y"].as_floats();
        let dropped = y.iter().filter(|v| **v == 0.0).count();
        assert!((900..1100).contains(&dropped), "{dropped}");
        let mask = first["slope"].as_floats();
        for (value, slope) in y.iter().zip(mask) {
            assert!((*value == 0.0 && *slope == 0.0) || (*value == 4.0 && (slope - 4.0 / 3.0).abs() < 1e-6));
        }
        assert_ne!(first["y"], first["other"]);
        assert_ne!(first["y"], run(2)["y"]);
        assert_eq!(first["y"], run(1)["y"]);
    }

    #[test]
    fn a_probability_outside_its_range_is_refused() {
        let mut graph = Graph::new();
        let x = graph.input("x", DType::F32, &[4]).unwrap();
        let key = graph.input("key", DType::I32, &[2]).unwrap();
        assert_eq!(dropout(&mut graph, x, 0.0, key, 0), Ok(x));
        for wrong in [1.0, -0.1, f32::NAN] {
            assert!(dropout(&mut graph, x, wrong, key, 0).is_err());
        }
    }
}
