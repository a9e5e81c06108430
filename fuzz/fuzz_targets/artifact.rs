//! Any bytes as an artifact.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_train::Artifact;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(mut artifact) = Artifact::decode(bytes) {
        assert!(artifact.encode() == bytes);
    }
});
