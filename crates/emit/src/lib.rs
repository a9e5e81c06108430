//! Programs that need no Tacit: a planned graph becomes loops over memory, and loops become the text or bytes of a target.

pub mod c;
pub mod loops;
pub mod wasm;

/// The names with a number behind those that are there already.
fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = vec![];
    for name in names {
        let mut candidate = name.clone();
        let mut number = 2;
        while all.contains(&candidate) {
            candidate = format!("{name}_{number}");
            number += 1;
        }
        all.push(candidate);
    }
    all
}
