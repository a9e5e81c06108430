use proptest::prelude::*;
use tacit_data::source::{Cell, Delimiter, Header, Limits, Row, SourceKind, SourceOptions, from_reader};
use tacit_spec::Code;

use crate::support::{All, Trickle, good, gzip, place, read, read_all, text, texts};

const GOOD: &str = "name,age,city\ncat,3,\"Paris, France\"\ndog,,Rome\n\"a \"\"quoted\"\" one\",5.5, Oslo \n";

fn csv(bytes: &[u8]) -> All {
    good(SourceKind::Csv, bytes, &SourceOptions::default())
}

fn faulty(text: &str) -> All {
    read(SourceKind::Csv, text.as_bytes(), &SourceOptions::default()).unwrap()
}

fn given(names: &[&str]) -> SourceOptions {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    SourceOptions { header: Header::Given(names), ..SourceOptions::default() }
}

#[test]
fn cells_are_read_by_row_and_column() {
    let all = csv(GOOD.as_bytes());
    assert_eq!(all.columns, ["name", "age", "city"]);
    assert_eq!(all.lines, [2, 3, 4]);
    let expected = [
        vec![text("cat"), text("3"), text("Paris, France")],
        vec![text("dog"), Cell::Missing, text("Rome")],
        vec![text("a \"quoted\" one"), text("5.5"), text("Oslo")],
    ];
    assert_eq!(all.rows, expected);
    assert_eq!(all.summary.hash, blake3::hash(GOOD.as_bytes()).to_hex().as_str());
    assert_eq!(all.summary.bytes, GOOD.len() as u64);
}

#[test]
fn marks_line_ends_spaces_blank_lines_and_compression_do_not_change_what_is_read() {
    let plain = csv(GOOD.as_bytes());
    let same = |bytes: &[u8]| {
        let other = csv(bytes);
        assert_eq!((&other.columns, &other.rows), (&plain.columns, &plain.rows), "{bytes:?}");
        other.lines
    };
    assert_eq!(same(format!("\u{feff}{GOOD}").as_bytes()), [2, 3, 4]);
    assert_eq!(same(GOOD.replace('\n', "\r\n").as_bytes()), [2, 3, 4]);
    assert_eq!(same(GOOD.replace('\n', "\r").as_bytes()), [2, 3, 4]);
    assert_eq!(same(GOOD.trim_end().as_bytes()), [2, 3, 4]);
    assert_eq!(same(GOOD.replace("dog,", "\"dog\"  ,  ").as_bytes()), [2, 3, 4]);
    assert_eq!(same(GOOD.replace("dog,", " \t\"dog\",\"\"").as_bytes()), [2, 3, 4]);
    assert_eq!(same(GOOD.replace("dog", "\"dog\n\r\r\n\"").as_bytes()), [2, 3, 7]);
    assert_eq!(same(GOOD.replace('\n', "\n\n").as_bytes()), [3, 5, 7]);
    assert_eq!(same(GOOD.replace('\n', "\r\n\r\n").as_bytes()), [3, 5, 7]);
    assert_eq!(same(GOOD.replace('\n', "\r\r").as_bytes()), [3, 5, 7]);
    assert_eq!(same(format!("\n\r\n\r{GOOD}").as_bytes()), [5, 6, 7]);
    assert_eq!(same(&gzip(GOOD.as_bytes())), [2, 3, 4]);
    // Two compressed files one after the other are one, and marks are seen behind the compression.
    let (first, second) = GOOD.split_at(31);
    assert_eq!(same(&[gzip(format!("\u{feff}{first}").as_bytes()), gzip(second.as_bytes())].concat()), [2, 3, 4]);
}

#[test]
fn the_hash_is_of_the_bytes_as_they_are_stored_also_if_reading_stops_early() {
    let stored = gzip(GOOD.as_bytes());
    let hash = blake3::hash(&stored).to_hex().to_string();
    assert_eq!(csv(&stored).summary.hash, hash);
    let reader = Box::new(std::io::Cursor::new(stored.clone()));
    let source = from_reader("a", SourceKind::Csv, reader, &SourceOptions::default()).unwrap();
    let summary = source.finish().unwrap();
    assert_eq!((summary.hash, summary.bytes, summary.rows), (hash, stored.len() as u64, 0));
}

#[test]
fn every_division_into_reads_gives_the_same_rows() {
    let awkward = "\u{feff}a,b\r\n\r\n\"x\r\ny\"\"\",é\r\"\",\"\"\"\"\n\n1 , \" 2\" \r\n";
    let whole = csv(awkward.as_bytes());
    assert_eq!(texts(&whole.rows), [["x\r\ny\"", "é"], ["", "\""], ["1", "2"]]);
    assert_eq!(whole.lines, [3, 5, 7]);
    for bytes in [awkward.as_bytes().to_vec(), gzip(awkward.as_bytes())] {
        for step in 1..=bytes.len() {
            let reader = Trickle { bytes: bytes.clone(), at: 0, step };
            let source = from_reader("a", SourceKind::Csv, Box::new(reader), &SourceOptions::default()).unwrap();
            let all = read_all(source);
            assert_eq!((&all.rows, &all.lines), (&whole.rows, &whole.lines), "{step} bytes at a time");
        }
    }
}

#[test]
fn a_row_is_given_out_as_soon_as_its_line_ends() {
    /// Gives a line, and fails when it is asked for more.
    struct OneLine(bool);
    impl std::io::Read for OneLine {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            assert!(!self.0, "nothing is asked for before the row is given out");
            self.0 = true;
            out[..4].copy_from_slice(b"7,8\n");
            Ok(4)
        }
    }
    let mut reader = Vec::new();
    reader.extend_from_slice(b"a,b\n");
    let chained = std::io::Read::chain(std::io::Cursor::new(reader), OneLine(false));
    let mut source = from_reader("stdin", SourceKind::Csv, Box::new(chained), &SourceOptions::default()).unwrap();
    let mut row = Row::default();
    assert_eq!(source.next(&mut row), Ok(true));
    assert_eq!(row.cells, [text("7"), text("8")]);
}

#[test]
fn the_delimiter_is_as_the_options_or_the_name_say() {
    let columns = |name: &str, text: &str, delimiter| {
        let options = SourceOptions { delimiter, ..SourceOptions::default() };
        let reader = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        from_reader(name, SourceKind::Csv, reader, &options).unwrap().columns().to_vec()
    };
    for delimiter in Delimiter::ALL {
        let text = String::from_utf8(vec![b'a', delimiter.byte(), b'b', b'\n']).unwrap();
        assert_eq!(columns("x.csv", &text, Some(*delimiter)), ["a", "b"]);
    }
    assert_eq!(columns("x.TSV.gz", "a\tb\n", None), ["a", "b"]);
    assert_eq!(columns("x.csv", "a\tb\n", None), ["a\tb"]);
    // With tabs between cells, a tab is no space before a quote.
    let options = SourceOptions { delimiter: Some(Delimiter::Tab), ..SourceOptions::default() };
    assert_eq!(texts(&good(SourceKind::Csv, b"a\tb\n\t\"x\"\n", &options).rows), [["", "x"]]);
}

#[test]
fn a_file_without_a_header_has_numbered_or_given_names() {
    let numbered = SourceOptions { header: Header::Numbered, ..SourceOptions::default() };
    let all = good(SourceKind::Csv, b"1,2\n3,4\n", &numbered);
    assert_eq!(
        (texts(&all.rows), all.lines),
        (vec![vec!["1".into(), "2".into()], vec!["3".into(), "4".into()]], vec![1, 2])
    );
    assert_eq!(all.columns, ["column1", "column2"]);
    let all = good(SourceKind::Csv, b"\n1,2\n", &given(&["x", " y "]));
    assert_eq!((all.columns, all.lines), (vec!["x".to_owned(), "y".to_owned()], vec![2]));
}

#[test]
fn tokens_stand_for_missing_values_after_trimming() {
    let options = SourceOptions { missing: vec!["?".into(), "NA".into()], ..SourceOptions::default() };
    let all = good(SourceKind::Csv, b"a,b,c\n ?, NA ,\"?\"\nna,??,\n", &options);
    assert_eq!(all.rows[0], [Cell::Missing, Cell::Missing, Cell::Missing]);
    assert_eq!(all.rows[1], [text("na"), text("??"), Cell::Missing]);
    let all = csv(b"a\n?\n");
    assert_eq!(all.rows, [[text("?")]]);
}

#[test]
fn a_header_alone_is_a_source_without_rows() {
    for bytes in ["a,b", "a,b\n", "\u{feff}a,b\r\n\r\n"] {
        let all = csv(bytes.as_bytes());
        assert_eq!((all.columns, all.rows.len()), (vec!["a".to_owned(), "b".to_owned()], 0));
    }
}

#[test]
fn reading_goes_on_behind_a_faulty_row_which_is_kept_as_it_stands() {
    let all = faulty("a,b\n1,2\n1\n3,4\n\"x\"y,5\n1, 2 ,3\r\n5,6\n");
    assert_eq!(texts(&all.rows), [["1", "2"], ["3", "4"], ["5", "6"]]);
    assert_eq!(all.lines, [2, 4, 7]);
    let seen: Vec<(Code, u64, &[u8], &str)> = all
        .faults
        .iter()
        .map(|fault| {
            let place = crate::support::line(fault.place.position);
            (fault.code, place, fault.raw.as_deref().unwrap(), fault.message.as_str())
        })
        .collect();
    let expected: [(Code, u64, &[u8], &str); 3] = [
        (Code::RaggedRow, 3, b"1", "this row has 1 cell, but the file has 2 columns"),
        (Code::StrayQuote, 5, b"\"x\"y,5", "text follows a closing quote"),
        (Code::RaggedRow, 6, b"1, 2 ,3", "this row has 3 cells, but the file has 2 columns"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(all.faults[1].column.as_deref(), Some("a"));
    assert!(all.faults.iter().all(|fault| !fault.fatal));
}

#[test]
fn the_raw_text_of_good_rows_is_at_hand_for_those_who_reject_them() {
    let reader = Box::new(std::io::Cursor::new(b"a,b\r\n\r\n\"1\n2\", x \r\n3,4".to_vec()));
    let mut source = from_reader("a", SourceKind::Csv, reader, &SourceOptions::default()).unwrap();
    let mut row = Row::default();
    assert_eq!(source.next(&mut row), Ok(true));
    assert_eq!(source.raw(), Some(&b"\"1\n2\", x "[..]));
    assert_eq!(source.next(&mut row), Ok(true));
    assert_eq!(source.raw(), Some(&b"3,4"[..]));
}

#[test]
fn an_open_quote_is_told_at_the_row_that_has_it() {
    for (text, line) in [("a,b\n1,2\n3,\"4\n5,6\n", 3), ("a,b\n\"", 2), ("a,b\n1,2\n3,\"\"\"", 3)] {
        let all = faulty(text);
        let fault = all.faults.last().unwrap();
        assert_eq!((fault.code, crate::support::line(fault.place.position)), (Code::OpenQuote, line), "{text:?}");
    }
    // Quotes inside a cell that does not begin with one are ordinary characters.
    assert_eq!(texts(&csv(b"a,b\n5\" pipe,x\"y\"\n").rows), [["5\" pipe", "x\"y\""]]);
}

#[test]
fn bytes_that_are_not_utf8_are_told_by_their_line_and_other_rows_are_read() {
    let all = read(SourceKind::Csv, b"a,b\n1,2\n\"x\ncaf\xe9\",3\n4,5\n", &SourceOptions::default()).unwrap();
    assert_eq!(texts(&all.rows), [["1", "2"], ["4", "5"]]);
    let fault = &all.faults[0];
    assert_eq!((fault.code, crate::support::line(fault.place.position)), (Code::NotUtf8, 4));
    assert_eq!(fault.message, "the byte `0xe9` is not UTF-8");
    assert!(fault.help.contains("iconv"));
    let found = read(SourceKind::Csv, b"a,caf\xe9\n1,2\n", &SourceOptions::default()).unwrap_err();
    assert_eq!((found[0].code, place(&found[0]).as_str()), (Code::NotUtf8, "a file:1"));
    // Half a character in one cell and half in the next are not a character.
    let all = read(SourceKind::Csv, b"a,b\n\xc3,\xa9\n", &SourceOptions::default()).unwrap();
    assert_eq!(all.faults[0].code, Code::NotUtf8);
}

#[test]
fn utf16_is_named_by_its_mark() {
    let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let text = format!("\u{feff}{GOOD}");
    for (bytes, name) in [(wide(&text, u16::to_le_bytes), "little"), (wide(&text, u16::to_be_bytes), "big")] {
        for bytes in [bytes.clone(), gzip(&bytes)] {
            let found = read(SourceKind::Csv, &bytes, &SourceOptions::default()).unwrap_err();
            assert_eq!(found[0].code, Code::NotUtf8);
            assert!(found[0].message.contains(name) && found[0].help.as_ref().unwrap().contains("utf-16"));
        }
    }
}

#[test]
fn rows_beyond_the_limits_end_the_reading_in_little_memory() {
    let limits = Limits { row_bytes: 1000, ..Limits::default() };
    let options = SourceOptions { limits, ..SourceOptions::default() };
    let endless = std::io::Read::chain(&b"a,b\n1,2\n3,\"open"[..], std::io::repeat(b'x'));
    let mut source = from_reader("a", SourceKind::Csv, Box::new(endless), &options).unwrap();
    let mut row = Row::default();
    assert_eq!(source.next(&mut row), Ok(true));
    let fault = source.next(&mut row).unwrap_err();
    assert_eq!((fault.code, fault.fatal, crate::support::line(fault.place.position)), (Code::RowTooLarge, true, 3));
    assert_eq!(source.next(&mut row), Ok(false));
    let limits = Limits { columns: 3, ..Limits::default() };
    let options = SourceOptions { limits, ..SourceOptions::default() };
    let found = read(SourceKind::Csv, b"a,b,c,d\n", &options).unwrap_err();
    assert_eq!((found[0].code, place(&found[0]).as_str()), (Code::RowTooLarge, "a file:1"));
    // A row of very many cells is ragged, and only as many are kept as there may be columns.
    let commas = ",".repeat(500);
    let all = read(SourceKind::Csv, format!("a,b\n{commas}\n1,2\n").as_bytes(), &options).unwrap();
    assert_eq!((all.faults[0].found.as_str(), all.rows.len()), ("501 cells", 1));
}

#[test]
fn names_that_are_there_twice_or_of_another_number_are_told() {
    let found = read(SourceKind::Csv, b"a,b,a,c,b,a\n", &SourceOptions::default()).unwrap_err();
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), ["a file:1:a", "a file:1:b"]);
    assert!(found.iter().all(|found| found.code == Code::ColumnTwice));
    let found = read(SourceKind::Csv, b"1,2\n", &given(&["a", "a"])).unwrap_err();
    assert_eq!((found[0].code, place(&found[0]).as_str()), (Code::ColumnTwice, "a file"));
    let found = read(SourceKind::Csv, b"1,2\n", &given(&["a", "b", "c"])).unwrap_err();
    assert_eq!(found[0].code, Code::NameCount);
    assert_eq!(found[0].message, "3 names are given, but the first row has 2 cells");
}

/// What the `csv` crate reads.
fn by_library(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let record = |record: Result<csv::StringRecord, csv::Error>| {
        record.unwrap().iter().map(|cell| cell.trim().to_owned()).collect()
    };
    reader.records().map(record).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_the_csv_crate_writes_is_read_back(
        cells in prop::collection::vec(prop::collection::vec("[a-c \"',;\t|\r\né]{0,6}|[0-9.]{1,5}", 3), 1..8),
        delimiter in prop::sample::select(Delimiter::ALL),
        crlf in any::<bool>(),
    ) {
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer =
            csv::WriterBuilder::new().delimiter(delimiter.byte()).terminator(terminator).from_writer(Vec::new());
        for row in &cells {
            writer.write_record(row).unwrap();
        }
        let names = ["x".to_owned(), "y".to_owned(), "z".to_owned()];
        let options = SourceOptions {
            delimiter: Some(delimiter),
            header: Header::Given(names.to_vec()),
            ..SourceOptions::default()
        };
        let bytes = writer.into_inner().unwrap();
        let read = texts(&good(SourceKind::Csv, &bytes, &options).rows);
        let expected: Vec<Vec<String>> =
            cells.iter().map(|row| row.iter().map(|cell| cell.trim().to_owned()).collect()).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn rows_without_faults_are_those_of_the_csv_crate(text in "[ab,\"\n\r]{0,40}") {
        let options = SourceOptions { header: Header::Numbered, ..SourceOptions::default() };
        let Ok(all) = read(SourceKind::Csv, text.as_bytes(), &options) else { return Ok(()) };
        if all.faults.is_empty() {
            prop_assert_eq!(texts(&all.rows), by_library(&text, b','));
        }
        let library = by_library(&text, b',').len();
        prop_assert_eq!(all.rows.len() + all.faults.len(), library, "no row is lost");
    }
}
