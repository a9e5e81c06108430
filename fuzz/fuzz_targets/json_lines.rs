//! Any bytes as JSON lines.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use tacit_data::source::{Cell, Header, Row, SourceKind, SourceOptions, from_reader};

fuzz_target!(|bytes: &[u8]| {
    for header in [Header::FirstLine, Header::Given(vec!["a".into(), "b".into()])] {
        let options = SourceOptions { header, ..SourceOptions::default() };
        let reader = Box::new(Cursor::new(bytes.to_vec()));
        let Ok(mut source) = from_reader("a", SourceKind::JsonLines, reader, &options) else { continue };
        let columns = source.columns().len();
        let mut row = Row::default();
        loop {
            match source.next(&mut row) {
                Ok(true) => {
                    assert_eq!(row.cells.len(), columns);
                    for cell in &row.cells {
                        match cell {
                            Cell::Number(number) => assert!(number.is_finite()),
                            Cell::Numbers(numbers) => assert!(numbers.iter().all(|number| number.is_finite())),
                            Cell::Text(text) => assert!(!text.is_empty() && text.trim() == text),
                            Cell::Missing | Cell::Texts(_) => {}
                            Cell::Image(_) => panic!("JSON has no pictures"),
                        }
                    }
                }
                Ok(false) => break,
                Err(fault) => assert!(!fault.message.is_empty()),
            }
        }
    }
});
