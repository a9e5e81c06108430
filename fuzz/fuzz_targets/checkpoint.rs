//! Any bytes as a checkpoint.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_train::Checkpoint;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = Checkpoint::decode(bytes) {
        assert!(checkpoint.encode() == bytes);
    }
});
