//! What `emitted` holds, for the examples whose data `cargo xtask data` brings. It takes minutes, so it is run by its name alone:
//!
//!     cargo test --release -p tacit-cli --test every_example -- --nocapture --test-threads 1

#[path = "emitted/c.rs"]
mod c;
#[path = "emitted/case.rs"]
mod case;
mod common;
#[path = "emitted/inputs.rs"]
mod inputs;
#[path = "emitted/wasm.rs"]
mod wasm;

use case::{Precision, hold_example};

fn hold(example: &str) {
    for precision in [Precision::F32, Precision::Int8] {
        hold_example(example, precision);
    }
}

#[test]
fn red_wine_in_every_form_gives_its_bits() {
    hold("wine/red");
}

#[test]
fn white_wine_in_every_form_gives_its_bits() {
    hold("wine/white");
}

#[test]
fn californian_houses_in_every_form_give_their_bits() {
    hold("california-housing");
}

#[test]
fn adults_in_every_form_give_their_bits() {
    hold("adult");
}

#[test]
fn clothes_in_every_form_give_their_bits() {
    hold("fashion");
}

#[test]
fn coloured_pictures_in_every_form_give_their_bits() {
    hold("cifar");
}
