//! Weights and other constants as arrays.

use super::expressions::c_type;
use std::fmt::Write as _;
use tacit_ir::interpret::{Data, Tensor};

/// The width of a line of numbers.
const LINE: usize = 110;

/// The elements between braces, with the array's type in front, so that equal texts are equal arrays.
pub fn elements(tensor: &Tensor<f32>) -> String {
    let (ty, numbers): (&str, Vec<String>) = match &tensor.data {
        // Bits stand for what has no literal.
        Data::Float(x) if x.iter().any(|x| !x.is_finite()) => {
            ("uint32_t", x.iter().map(|x| format!("0x{:08x}u", x.to_bits())).collect())
        }
        Data::Float(x) => (c_type(tensor.data.dtype()), x.iter().map(|x| float(*x)).collect()),
        Data::I32(x) => (c_type(tensor.data.dtype()), x.iter().map(|x| integer(*x)).collect()),
        Data::I8(x) => (c_type(tensor.data.dtype()), x.iter().map(|x| x.to_string()).collect()),
        Data::Bool(x) => (c_type(tensor.data.dtype()), x.iter().map(|x| u8::from(*x).to_string()).collect()),
    };
    let mut text = format!("{ty} {}\n", numbers.len());
    let mut width = 0;
    for number in &numbers {
        if width > 0 && width + number.len() + 2 > LINE {
            text.push('\n');
            width = 0;
        }
        let _ = write!(text, "{}{number},", if width == 0 { "    " } else { " " });
        width += number.len() + 2;
    }
    text
}

pub fn array(name: &str, tensor: &Tensor<f32>, elements: &str) -> String {
    let (head, numbers) = elements.split_once('\n').expect("the type and the number stand in a line of their own");
    let (ty, count) = head.split_once(' ').expect("the type stands before the number");
    let numbers = if tensor.ty().elements() == 0 { "    0," } else { numbers };
    let count = if count == "0" { "1" } else { count };
    format!("static const {ty} {name}[{count}] = {{\n{numbers}\n}};\n\n")
}

/// The shortest decimal number that a compiler reads as these bits.
pub fn float(x: f32) -> String {
    format!("{x:?}f")
}

pub fn integer(x: i32) -> String {
    // The least integer has no literal of its type.
    if x == i32::MIN { "(-2147483647 - 1)".to_owned() } else { x.to_string() }
}
