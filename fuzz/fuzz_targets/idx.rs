//! Any bytes as an idx file: pictures have their pixels, numbers are finite.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use tacit_data::source::{Cell, Limits, Row, SourceKind, SourceOptions, from_reader};

fuzz_target!(|bytes: &[u8]| {
    let options =
        SourceOptions { limits: Limits { row_bytes: 1 << 16, ..Limits::default() }, ..SourceOptions::default() };
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(mut source) = from_reader("a", SourceKind::Idx, reader, &options) else { return };
    let mut row = Row::default();
    loop {
        match source.next(&mut row) {
            Ok(true) => match &row.cells[..] {
                [Cell::Image(picture)] => assert_eq!(picture.pixels.len(), picture.size().values()),
                [Cell::Number(number)] => assert!(number.is_finite()),
                [Cell::Numbers(numbers)] => assert!(numbers.iter().all(|number| number.is_finite())),
                cells => panic!("{cells:?}"),
            },
            Ok(false) => break,
            Err(fault) => assert!(!fault.message.is_empty()),
        }
    }
});
