//! Any bytes as a picture: what is decoded has all its pixels and the size that probing tells, and can be brought to another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_data::source::Limits;
use tacit_data::source::image::{decode, probe_bytes};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { pixels: 1 << 16, ..Limits::default() };
    let probed = probe_bytes(bytes, &limits);
    if let Ok(picture) = decode(bytes, &limits) {
        assert_eq!(picture.pixels.len(), picture.size().values());
        assert_eq!(probed, Ok(picture.size()));
        assert_eq!(picture.fit(3, 5, 3).len(), 45);
        assert_eq!(picture.fit(40, 1, 1).len(), 40);
    }
});
