//! Any bytes of which nobody has said how they must be read: what sniffing proposes opens them.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use tacit_data::source::sniff::sniff_text;
use tacit_data::source::{SourceKind, from_reader};

fuzz_target!(|bytes: &[u8]| {
    for kind in [SourceKind::Csv, SourceKind::JsonLines] {
        match sniff_text("a", kind, bytes.to_vec()) {
            Ok(found) => {
                let reader = Box::new(Cursor::new(bytes.to_vec()));
                let source = from_reader("a", kind, reader, &found.options).expect("it opens");
                assert_eq!(source.columns(), found.columns);
            }
            Err(found) => assert!(!found.is_empty()),
        }
    }
});
