//! Vectors that `tests/vectors/make.py` wrote, for unit tests.

use serde_json::Value;

use crate::problem::Kind;
use crate::table::Table;

pub(crate) struct Vectors(Value);

impl Vectors {
    pub fn read(text: &str) -> Vectors {
        Vectors(serde_json::from_str(text).expect("the vectors are JSON"))
    }
}

/// A list of numbers, or a single one.
pub(crate) fn numbers(vectors: &Vectors, name: &str) -> Vec<f64> {
    let number = |value: &Value| value.as_f64().expect("the vectors are numbers");
    let value = &vectors.0[name];
    value.as_array().map_or_else(|| vec![number(value)], |values| values.iter().map(number).collect())
}

/// Rows of three numbers and a category.
pub(crate) fn small_table(vectors: &Vectors, name: &str) -> Table {
    let count = numbers(vectors, "categories")[0] as usize;
    let kinds = [vec![Kind::Numeric; 3], vec![Kind::Category { count }]].concat();
    Table::of(kinds, numbers(vectors, name).iter().map(|value| *value as f32).collect())
}
