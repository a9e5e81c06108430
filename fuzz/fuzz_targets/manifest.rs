//! Any text as a manifest.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_spec::report::{Colour, render, render_json};

fuzz_target!(|text: &str| {
    if let Err(found) = tacit_spec::parse("Tacit.toml", text) {
        assert!(!found.is_empty(), "what is refused is told");
        assert!(render(&found, Colour::Never).contains("error["));
        assert!(render_json(&found).lines().count() == found.len());
    }
});
