//! Bytes of all kinds, cut and garbled: an answer or a coded error, never a panic, never a row lost in silence.

use proptest::prelude::*;
use tacit_data::random::SplitMix64;
use tacit_data::source::sniff::sniff_text;
use tacit_data::source::{Delimiter, Header, Limits, SourceKind, SourceOptions};
use tacit_spec::Code;
use tacit_spec::report::{Colour, render};

use crate::support::{good, gzip, read};

const CSV: &str = "name,age\n\"a, \"\"b\"\"\",1\r\n\u{e9}t\u{e9},2.5\n,\n";
const JSON: &str = "{\"a\":1,\"b\":\"x\"}\n{\"b\":[1,[2]],\"a\":null}\n{\"a\":{\"b\":[]}}\n{\"a\":\"\\u00e9\"}\n";

const TEXTS: [(SourceKind, &str); 2] = [(SourceKind::Csv, CSV), (SourceKind::JsonLines, JSON)];

/// Reads bytes in every way that options offer.
fn try_all(kind: SourceKind, bytes: &[u8]) {
    let headers = [Header::FirstLine, Header::Numbered, Header::Given(vec!["a".into(), "b".into()])];
    for header in headers {
        for delimiter in [None, Some(Delimiter::Pipe)] {
            for row_bytes in [20, 1 << 20] {
                let limits = Limits { row_bytes, ..Limits::default() };
                let options = SourceOptions { header: header.clone(), delimiter, limits, ..SourceOptions::default() };
                match read(kind, bytes, &options) {
                    Ok(all) => {
                        let found: Vec<_> = all.faults.iter().map(|fault| fault.diagnostic()).collect();
                        let _ = render(&found, Colour::Never);
                    }
                    Err(found) => assert!(!found.is_empty() && found.iter().all(|found| found.help.is_some())),
                }
            }
        }
    }
    if let Err(found) = sniff_text("a file", kind, bytes.to_vec()) {
        assert!(!found.is_empty());
    }
}

#[test]
fn text_cut_at_any_length_gives_the_rows_before_the_cut() {
    for (kind, text) in TEXTS {
        let options = SourceOptions::default();
        let whole = read(kind, text.as_bytes(), &options).unwrap();
        for length in 0..=text.len() {
            try_all(kind, &text.as_bytes()[..length]);
            let Ok(cut) = read(kind, &text.as_bytes()[..length], &options) else { continue };
            if cut.columns == whole.columns && !cut.rows.is_empty() {
                // The last row may have lost its end.
                let kept = cut.rows.len() - 1;
                assert_eq!(cut.rows[..kept], whole.rows[..kept]);
            }
        }
    }
}

#[test]
fn compressed_text_cut_at_any_length_is_told() {
    for (kind, text) in TEXTS {
        let stored = gzip(text.as_bytes());
        for length in 2..stored.len() {
            match read(kind, &stored[..length], &SourceOptions::default()) {
                Ok(all) => {
                    let last = all.faults.last().unwrap_or_else(|| panic!("{length} of {} bytes", stored.len()));
                    assert!(last.fatal && last.code == Code::DamagedFile, "{last:?}");
                }
                Err(found) => assert!(
                    [Code::DamagedFile, Code::NotUtf8, Code::BadJson, Code::NoHeader].contains(&found[0].code),
                    "{length}: {found:?}"
                ),
            }
        }
    }
}

#[test]
fn garbled_compression_is_told() {
    let stored = gzip(CSV.repeat(20).as_bytes());
    let mut random = SplitMix64::new(1);
    let whole = good(SourceKind::Csv, &stored, &SourceOptions::default()).rows;
    for at in 10..stored.len() {
        let mut garbled = stored.clone();
        garbled[at] ^= 1 << random.below(8);
        match read(SourceKind::Csv, &garbled, &SourceOptions::default()) {
            // Some bits are never looked at.
            Ok(all) => assert!(all.faults.iter().any(|fault| fault.code == Code::DamagedFile) || all.rows == whole),
            Err(found) => assert!(found[0].help.is_some()),
        }
    }
}

#[test]
fn a_file_that_unfolds_without_end_is_read_in_bounded_memory() {
    // 50 MB of one row in 50 kB.
    let stored = gzip(&[b"a,b\n1,".to_vec(), vec![b'0'; 50 << 20]].concat());
    assert!(stored.len() < 1 << 18);
    let limits = Limits { row_bytes: 1 << 16, ..Limits::default() };
    let options = SourceOptions { limits, ..SourceOptions::default() };
    let all = read(SourceKind::Csv, &stored, &options).unwrap();
    assert_eq!((all.rows.len(), all.faults[0].code, all.faults[0].fatal), (0, Code::RowTooLarge, true));
    assert_eq!(all.summary.hash, blake3::hash(&stored).to_hex().as_str());
}

#[test]
fn seeded_garbling_of_text_never_panics() {
    let mut random = SplitMix64::new(2);
    for (kind, text) in TEXTS {
        for _ in 0..600 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..=random.below(5) {
                let at = random.below(bytes.len() as u64) as usize;
                match random.below(3) {
                    0 => bytes[at] = random.next_u64() as u8,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b"\"\n\r,{}[]\\\0\xff:"[random.below(12) as usize]),
                }
            }
            try_all(kind, &bytes);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[ab1,|\"\n\r{}:\\[\\] x.é?-]{0,80}") {
        for kind in [SourceKind::Csv, SourceKind::JsonLines] {
            try_all(kind, &bytes);
            try_all(kind, text.as_bytes());
        }
    }
}
