//! What the tests of execution share.

use tacit_exec::Program;
use tacit_ir::interpret::{Data, Tensor};

/// Binds a leaf.
pub fn set(program: &mut Program, name: &str, tensor: &Tensor<f32>) {
    match &tensor.data {
        Data::Float(x) => program.set_f32(name, x),
        Data::I32(x) => program.set_i32(name, x),
        Data::I8(x) => program.set_i8(name, x),
        Data::Bool(x) => program.set_bool(name, x),
    }
    .expect("the leaf is declared so");
}
