//! Any bytes as a Parquet file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_data::source::{Limits, Row, SourceKind, SourceOptions, open};

fuzz_target!(|bytes: &[u8]| {
    // The reader goes to and fro in a file, so it must be one.
    let path = std::env::temp_dir().join(format!("tacit-fuzz-{}.parquet", std::process::id()));
    std::fs::write(&path, bytes).expect("the folder for temporary files can be written to");
    let limits = Limits { pixels: 1 << 16, ..Limits::default() };
    let options = SourceOptions { kind: Some(SourceKind::Parquet), limits, ..SourceOptions::default() };
    let Ok(mut source) = open(&path, &options) else { return };
    let columns = source.columns().len();
    let mut row = Row::default();
    // A file can claim any number of rows of nothing.
    for _ in 0..10_000 {
        match source.next(&mut row) {
            Ok(true) => assert_eq!(row.cells.len(), columns),
            Ok(false) => break,
            Err(fault) => assert!(!fault.message.is_empty()),
        }
    }
});
