use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tacit_data::source::{Cell, Header, Limits, Row, SourceKind, SourceOptions, from_reader};
use tacit_spec::Code;

use crate::support::{All, Trickle, good, gzip, line, place, read, read_all, text};

fn lines(text: &str) -> All {
    good(SourceKind::JsonLines, text.as_bytes(), &SourceOptions::default())
}

/// The only fault of a second line.
fn fault(line: &str) -> (Code, Option<String>) {
    let first = "{\"a\":1,\"b\":2}";
    let options = SourceOptions::default();
    let all = read(SourceKind::JsonLines, format!("{first}\n{line}\n{first}\n").as_bytes(), &options).unwrap();
    assert_eq!((all.rows.len(), all.faults.len()), (2, 1), "{line}");
    let fault = &all.faults[0];
    assert_eq!((crate::support::line(fault.place.position), fault.fatal), (2, false));
    assert_eq!(fault.raw.as_deref(), Some(line.as_bytes()));
    (fault.code, fault.column.clone())
}

#[test]
fn values_become_cells() {
    let all = lines(concat!(
        "{\"id\":9007199254740993,\"x\":1.5,\"s\":\" a \",\"t\":true,\"v\":[1,[2.5],[-3e2]],\"w\":[\"p\",\" q\"],\"n\":null}\r\n",
        "\n  \n{\"x\":9007199254740992,\"s\":\"\",\"v\":[],\"w\":[[1,2],[3,4]],\"id\":-9007199254740993}"
    )
    .replace("[1,[2.5],[-3e2]]", "[[1],[2.5],[-3e2]]")
    .as_str());
    assert_eq!(all.columns, ["id", "x", "s", "t", "v", "w", "n"]);
    assert_eq!(all.lines, [1, 4]);
    let first = [
        text("9007199254740993"),
        Cell::Number(1.5),
        text("a"),
        text("true"),
        Cell::Numbers(vec![1.0, 2.5, -300.0]),
        Cell::Texts(vec!["p".into(), "q".into()]),
        Cell::Missing,
    ];
    assert_eq!(all.rows[0], first);
    let second = [
        text("-9007199254740993"),
        Cell::Number(9_007_199_254_740_992.0),
        Cell::Missing,
        Cell::Missing,
        Cell::Numbers(vec![]),
        Cell::Numbers(vec![1.0, 2.0, 3.0, 4.0]),
        Cell::Missing,
    ];
    assert_eq!(all.rows[1], second);
}

#[test]
fn what_is_no_row_is_a_fault_with_its_line() {
    assert_eq!(fault("{\"a\":1"), (Code::BadJson, None));
    assert_eq!(fault("[1,2]"), (Code::BadJson, None));
    assert_eq!(fault("7"), (Code::BadJson, None));
    assert_eq!(fault("{\"a\":NaN}"), (Code::BadJson, None));
    assert_eq!(fault("{\"a\":1} {\"a\":2}"), (Code::BadJson, None));
    assert_eq!(fault("{'a':1}"), (Code::BadJson, None));
    assert_eq!(fault("{\"a\":\"\\ud800\"}"), (Code::BadJson, None));
    assert_eq!(fault("{\"a\":1e999}"), (Code::BadJson, None));
    assert_eq!(fault(&format!("{{\"a\":{}1{}}}", "[".repeat(5000), "]".repeat(5000))), (Code::BadJson, None));
    assert_eq!(fault("{\"a\":{\"x\":1}}"), (Code::NestedValue, Some("a".into())));
    assert_eq!(fault("{\"b\":[{\"x\":1}]}"), (Code::NestedValue, Some("b".into())));
    assert_eq!(fault("{\"a\":[1,\"x\"]}"), (Code::NestedValue, Some("a".into())));
    assert_eq!(fault("{\"a\":[1,null]}"), (Code::NestedValue, Some("a".into())));
    assert_eq!(fault("{\"a\":[[1,2],[3]]}"), (Code::NestedValue, Some("a".into())));
    assert_eq!(fault("{\"a\":[1,[2]]}"), (Code::NestedValue, Some("a".into())));
    assert_eq!(fault("{\"a\":[1,1e39]}"), (Code::NotFinite, Some("a".into())));
    assert_eq!(fault("{\"a\":1,\"c\":2}"), (Code::UnknownField, None));
    assert_eq!(fault("{\"a\":1,\"a\":2}"), (Code::FieldTwice, None));
}

#[test]
fn messages_name_the_character_and_the_help_knows_long_lists() {
    let all = read(SourceKind::JsonLines, b"{\"a\":1}\n{\"a\":1,}\n", &SourceOptions::default()).unwrap();
    assert_eq!(all.faults[0].message, "this line is not a JSON object: trailing comma at character 8");
    for text in ["[{\"a\":1},\n{\"a\":2}]", "{\n\"a\":1\n}"] {
        let found = read(SourceKind::JsonLines, text.as_bytes(), &SourceOptions::default()).unwrap_err();
        assert_eq!((found[0].code, place(&found[0]).as_str()), (Code::BadJson, "a file:1"));
        assert!(found[0].help.as_ref().unwrap().contains("jq -c"), "{found:?}");
    }
}

#[test]
fn given_keys_replace_those_of_the_first_object() {
    let names = vec!["b".to_owned(), "c".to_owned()];
    let options = SourceOptions { header: Header::Given(names), ignore_other_keys: true, ..SourceOptions::default() };
    let all = good(SourceKind::JsonLines, b"{\"a\":1,\"b\":2}\n{\"c\":3}\n", &options);
    assert_eq!(all.rows, [[Cell::Number(2.0), Cell::Missing], [Cell::Missing, Cell::Number(3.0)]]);
    let strict = SourceOptions { ignore_other_keys: false, ..options };
    let all = read(SourceKind::JsonLines, b"{\"a\":1,\"b\":2}\n{\"c\":3}\n", &strict).unwrap();
    assert_eq!((all.faults[0].code, all.faults[0].found.as_str(), all.rows.len()), (Code::UnknownField, "a", 1));
}

#[test]
fn missing_tokens_marks_and_compression_are_as_in_csv() {
    let options = SourceOptions { missing: vec!["NA".into()], ..SourceOptions::default() };
    let plain = "{\"a\":\"NA\",\"b\":\" NA \"}\n{\"a\":\"x\"}\n";
    for bytes in [plain.into(), format!("\u{feff}{plain}").into_bytes(), gzip(plain.as_bytes())] {
        let all = good(SourceKind::JsonLines, &bytes, &options);
        assert_eq!(all.rows, [[Cell::Missing, Cell::Missing], [text("x"), Cell::Missing]]);
    }
}

#[test]
fn lines_beyond_the_limit_and_bytes_that_are_not_utf8_are_faults_of_their_row() {
    let limits = Limits { row_bytes: 30, ..Limits::default() };
    let options = SourceOptions { limits, ..SourceOptions::default() };
    let long = "x".repeat(40);
    let bytes = format!("{{\"a\":1}}\n{{\"a\":\"{long}\"}}\n{{\"a\":2}}\n");
    for step in [1, 7, 1000] {
        let reader = Trickle { bytes: bytes.clone().into_bytes(), at: 0, step };
        let all = read_all(from_reader("a", SourceKind::JsonLines, Box::new(reader), &options).unwrap());
        assert_eq!((all.rows.len(), all.lines[1]), (2, 3));
        assert_eq!((all.faults[0].code, line(all.faults[0].place.position)), (Code::RowTooLarge, 2));
    }
    let all = read(SourceKind::JsonLines, b"{\"a\":1}\n{\"a\":\"caf\xe9\"}\n", &SourceOptions::default()).unwrap();
    assert_eq!((all.faults[0].code, line(all.faults[0].place.position)), (Code::NotUtf8, 2));
}

#[test]
fn a_source_without_objects_has_no_rows_and_one_without_keys_no_columns() {
    for (text, code) in [("", Code::NoRows), ("\n \r\n", Code::NoRows), ("{}\n{\"a\":1}", Code::NoHeader)] {
        let found = read(SourceKind::JsonLines, text.as_bytes(), &SourceOptions::default()).unwrap_err();
        assert_eq!(found[0].code, code, "{text:?}");
    }
}

#[test]
fn a_key_given_twice_in_the_first_object_is_told_when_it_is_read() {
    let reader = Box::new(std::io::Cursor::new(b"{\"a\":1,\"b\":2,\"a\":3}\n{\"a\":1}".to_vec()));
    let mut source = from_reader("a", SourceKind::JsonLines, reader, &SourceOptions::default()).unwrap();
    assert_eq!(source.columns(), ["a", "b"]);
    let mut row = Row::default();
    assert_eq!(source.next(&mut row).unwrap_err().code, Code::FieldTwice);
    assert_eq!(source.next(&mut row), Ok(true));
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f32>().prop_map(|number| json!(number)),
        any::<i32>().prop_map(|number| json!(number)),
        "[a-zé\"\\\\\n ]{0,6}".prop_map(|text| json!(text)),
        prop::collection::vec(-1e6f32..1e6, 0..4).prop_map(|numbers| json!(numbers)),
        any::<bool>().prop_map(|truth| json!(truth)),
        Just(Value::Null),
    ]
}

proptest! {
    #[test]
    fn what_serde_writes_is_read_back(rows in prop::collection::vec(prop::collection::vec(value(), 3), 1..6)) {
        let names = ["x", "y", "z"];
        let mut bytes = String::new();
        for row in &rows {
            let object: Map<String, Value> = names.iter().map(|name| name.to_string()).zip(row.iter().cloned()).collect();
            bytes.push_str(&format!("{}\n", Value::Object(object)));
        }
        let all = lines(&bytes);
        prop_assert_eq!(all.columns, names);
        for (cells, values) in all.rows.iter().zip(&rows) {
            for (cell, value) in cells.iter().zip(values) {
                let expected = match value {
                    Value::Null => Cell::Missing,
                    Value::Bool(truth) => text(&truth.to_string()),
                    Value::Number(number) => Cell::Number(number.as_f64().unwrap()),
                    Value::String(string) if string.trim().is_empty() => Cell::Missing,
                    Value::String(string) => text(string.trim()),
                    Value::Array(list) => Cell::Numbers(list.iter().map(|item| item.as_f64().unwrap() as f32).collect()),
                    Value::Object(_) => unreachable!(),
                };
                prop_assert_eq!(cell, &expected);
            }
        }
    }
}
