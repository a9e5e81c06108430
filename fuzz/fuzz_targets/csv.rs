//! Any bytes as CSV.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use tacit_data::source::{Delimiter, Header, Row, SourceKind, SourceOptions, from_reader};

fuzz_target!(|input: (u8, &[u8])| {
    let (choice, bytes) = input;
    let delimiter = Delimiter::ALL[usize::from(choice) % Delimiter::ALL.len()];
    let header = match choice >> 6 {
        0 => Header::FirstLine,
        1 => Header::Given(vec!["a".into(), "b".into()]),
        _ => Header::Numbered,
    };
    let options =
        SourceOptions { delimiter: Some(delimiter), header, missing: vec!["?".into()], ..SourceOptions::default() };
    let Ok(mut source) = from_reader("a", SourceKind::Csv, Box::new(Cursor::new(bytes.to_vec())), &options) else {
        return;
    };
    let columns = source.columns().len();
    let mut row = Row::default();
    let (mut rows, mut faults) = (0, 0);
    loop {
        match source.next(&mut row) {
            Ok(true) => {
                assert_eq!(row.cells.len(), columns);
                rows += 1;
            }
            Ok(false) => break,
            Err(fault) => {
                assert!(!fault.message.is_empty());
                faults += 1;
            }
        }
    }
    // What is packed may end in an error that is not there when the rest is only hashed.
    if let Ok(summary) = source.finish() {
        assert_eq!((summary.rows, summary.faults), (rows, faults));
        assert_eq!(summary.hash, blake3::hash(bytes).to_hex().as_str());
    }
});
