//! Programs in every form that `tacit emit` gives them: over a thousand inputs, edge cases among them, the answers have the bits
//! of the program itself, which are the interpreter's. The other examples are in `every_example.rs`.

mod c;
mod case;
#[path = "../common/mod.rs"]
mod common;
mod inputs;
mod wasm;

use case::{Precision, hold_example};

#[test]
fn digits_in_every_form_gives_its_bits_and_is_certified() {
    hold_example("digits", Precision::F32);
}

#[test]
fn digits_of_integers_in_every_form_gives_its_bits_and_is_certified() {
    hold_example("digits", Precision::Int8);
}

#[test]
fn titanic_in_every_form_gives_its_bits_and_is_certified() {
    hold_example("titanic", Precision::F32);
}

#[test]
fn titanic_of_integers_in_every_form_gives_its_bits_and_is_certified() {
    hold_example("titanic", Precision::Int8);
}
