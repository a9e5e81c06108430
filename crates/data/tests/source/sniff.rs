use std::fs;
use std::path::Path;

use tacit_data::source::sniff::{Sniffed, sniff, sniff_text};
use tacit_data::source::{Delimiter, Header, SourceKind, SourceOptions, open};
use tacit_spec::Code;

use crate::support::{gzip, read_all, texts};

fn csv(text: &str) -> Sniffed {
    sniff_text("a.csv", SourceKind::Csv, text.as_bytes().to_vec()).unwrap()
}

fn tokens(found: &Sniffed) -> Vec<(&str, usize)> {
    found.missing.iter().map(|missing| (missing.token.as_str(), missing.count)).collect()
}

fn has_header(text: &str) -> bool {
    csv(text).options.header == Header::FirstLine
}

// Rows in the manner of well-known public sets.
const ADULT: &str =
    "39, State-gov, 77516, Bachelors, <=50K\n50, ?, 83311, HS-grad, >50K\n28, Private, 338409, ?, <=50K\n\n";
const TITANIC: &str =
    "PassengerId,Survived,Name,Age,Cabin\n1,0,\"Braund, Mr. Owen\",22.0,\n2,1,\"Cumings, Mrs. John\",,C85\n";
const WINE: &str = "7.4,0.7,0,1.9,5\n7.8,0.88,0,2.6,5\n7.8,0.76,0.04,2.3,6\n";
const IRIS: &str = "5.1,3.5,1.4,0.2,Iris-setosa\n4.9,3.0,1.4,0.2,Iris-setosa\n";
const ROBOT: &str = "S1,S2,OUTPUT\n0.438,0.498,Move-Forward\n0.438,0.503,Slight-Right-Turn\n";

#[test]
fn well_known_tables_are_understood() {
    let adult = csv(ADULT);
    assert_eq!((&adult.options.header, adult.options.delimiter), (&Header::Numbered, Some(Delimiter::Comma)));
    assert_eq!((tokens(&adult), adult.rows), (vec![("?", 2)], Some(3)));
    assert_eq!(adult.missing[0].columns, ["column2", "column4"]);
    assert_eq!(adult.options.missing, ["?"]);
    assert_eq!(adult.columns.len(), 5);
    let titanic = csv(TITANIC);
    assert_eq!((&titanic.options.header, titanic.columns.len(), tokens(&titanic)), (&Header::FirstLine, 5, vec![]));
    assert_eq!((csv(WINE).options.header, csv(IRIS).options.header), (Header::Numbered, Header::Numbered));
    assert_eq!(
        (csv(ROBOT).options.header, csv(ROBOT).columns),
        (Header::FirstLine, vec!["S1".into(), "S2".into(), "OUTPUT".into()])
    );
}

#[test]
fn the_delimiter_divides_the_most_lines_alike() {
    let delimiter = |text: &str| csv(text).options.delimiter.unwrap();
    assert_eq!(delimiter("a;b;c\n1,5;2,3;4\n1,6;2,4;5\n"), Delimiter::Semicolon);
    assert_eq!(delimiter("1,5;2,3;4\n1,6;2,4;5\n"), Delimiter::Semicolon);
    assert_eq!(delimiter("name;city\nx;Paris, France\ny;Rome\n"), Delimiter::Semicolon);
    assert_eq!(delimiter("a\tb\n1\t2, or 3\n"), Delimiter::Tab);
    assert_eq!(delimiter("a|b|c\n1|2|3\n"), Delimiter::Pipe);
    assert_eq!(delimiter("a,b\n\"1;2;3\",4\n\"1;2;3\",5\n"), Delimiter::Comma);
    assert_eq!(delimiter("a,b\n1,2\n1,2,3\n4,5\n"), Delimiter::Comma);
    let one = csv("height\n1.5\n1.75\n");
    assert_eq!((one.columns, one.options.header), (vec!["height".to_owned()], Header::FirstLine));
    assert!(one.reasons[0].starts_with("there is one column"));
    let named = sniff_text("a.tsv", SourceKind::Csv, b"x\n1\n".to_vec()).unwrap();
    assert_eq!(named.options.delimiter, Some(Delimiter::Tab));
}

#[test]
fn the_header_is_told_from_a_row() {
    assert!(has_header("a,b\n1,x\n"));
    assert!(has_header("a,b\n?,x\n2,y\n"));
    assert!(has_header("id,when\nx1,\nx2,\n"));
    assert!(has_header("country,2019,2020,2021\nFrance,5,6,7\n"));
    assert!(has_header(",0,1,2\n0,5.1,3.5,1.4\n"));
    assert!(has_header("preis;menge\n1,5;2\n2,5;3\n"));
    assert!(has_header("label,text\nspam,buy now\nham,see you\nspam,hello\n"));
    assert!(has_header("a,b\n"));
    assert!(!has_header("1,2\n3,4\n"));
    assert!(!has_header("1,5,3\n2,4,4\n"));
    assert!(!has_header("x,?\ny,3\n"));
    assert!(!has_header("p,x,s\ne,x,s\np,x,y\n"));
    assert!(!has_header("a,a\nb,c\n"));
    assert!(!has_header("1,5;x\n2,5;y\n"));
}

#[test]
fn tokens_are_missing_values_and_ambiguous_ones_only_among_numbers() {
    let found = csv("a,b,c\n1,-,x\nNA,2,-\n3,none,none\n4,5,?\n");
    assert_eq!(tokens(&found), [("-", 1), ("?", 1), ("NA", 1), ("none", 1)]);
    assert_eq!(found.missing[0].columns, ["b"]);
    let found = csv("a,b\nx,-\ny,none\n");
    assert_eq!(tokens(&found), []);
    // Too much else stands in the column.
    let found = csv("a,b\n1,-\nx,2\ny,z\n");
    assert_eq!(tokens(&found), []);
}

#[test]
fn decimal_commas_and_thousands_are_suspected() {
    let found = csv("a;b;c;d\n1,5;1,234;x,5;2\n-2,25;12,500,000.5;y;3\n");
    assert_eq!((found.decimal_comma, found.thousands_comma), (vec!["a".to_owned()], vec!["b".to_owned()]));
}

#[test]
fn what_was_sniffed_opens_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let all =
        [("adult.txt", ADULT, 3), ("titanic.csv", TITANIC, 2), ("wine.data", WINE, 3), ("robot.csv.gz", ROBOT, 2)];
    for (name, text, rows) in all {
        let path = folder.path().join(name);
        fs::write(&path, if name.ends_with(".gz") { gzip(text.as_bytes()) } else { text.into() }).unwrap();
        let found = sniff(&path).unwrap();
        let all = read_all(open(&path, &found.options).unwrap());
        assert_eq!((all.columns, all.rows.len(), all.faults.len()), (found.columns, rows, 0), "{name}");
        assert!(texts(&all.rows).iter().flatten().all(|cell| cell != "?"));
    }
}

#[test]
fn json_lines_have_the_keys_of_all_rows() {
    let text = b"{\"a\":1,\"b\":\"?\"}\n{\"c\":[1],\"a\":2}\nbroken\n{\"d\":\"-\",\"b\":\"x\"}\n{\"d\":5}\n";
    let found = sniff_text("a.jsonl", SourceKind::JsonLines, text.to_vec()).unwrap();
    assert_eq!(found.columns, ["a", "b", "c", "d"]);
    assert_eq!(found.options.header, Header::Given(found.columns.clone()));
    assert_eq!((tokens(&found), found.rows), (vec![("-", 1), ("?", 1)], Some(4)));
    assert!(found.reasons[0].contains("`c`, `d`"));
    let found = sniff_text("a.jsonl", SourceKind::JsonLines, b"{\"a\":1}\n{\"a\":2}\n".to_vec()).unwrap();
    assert_eq!((found.options.header, found.reasons.len()), (Header::FirstLine, 0));
}

#[test]
fn rows_with_ever_new_keys_are_looked_at_in_bounded_work() {
    let text: String = (0..20_000).map(|key| format!("{{\"key{key}\":1}}\n")).collect();
    let found = sniff_text("a.jsonl", SourceKind::JsonLines, text.into_bytes()).unwrap();
    // Of 20,000 rows with a cell for each of 20,000 keys, so many are looked at as bound the work.
    assert_eq!((found.columns.len(), found.rows), (20_000, Some((1 << 24) / 20_000 + 1)));
}

#[test]
fn encodings_and_empty_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let code = |bytes: &[u8]| {
        let path = folder.path().join("a.csv");
        fs::write(&path, bytes).unwrap();
        sniff(&path).unwrap_err()[0].code
    };
    assert_eq!(code(b"a,b\n1,caf\xe9\n"), Code::NotUtf8);
    assert_eq!(code(b"\xff\xfea\0,\0b\0\n\0"), Code::NotUtf8);
    assert_eq!(code(b"a\0,\0b\0\n\0"), Code::UnknownFormat);
    assert_eq!(code(b""), Code::NoHeader);
    assert_eq!(code(b"\n\n"), Code::NoHeader);
    assert_eq!(code(b"a,a\n1,2\n"), Code::ColumnTwice);
    assert_eq!(sniff(&folder.path().join("no")).unwrap_err()[0].code, Code::UnreadableFile);
}

#[test]
fn public_sets_are_sniffed_rightly_where_they_are_at_hand() {
    let Some(data) = std::env::var_os("TACIT_DATA") else {
        eprintln!("skipped: TACIT_DATA is not set");
        return;
    };
    let all: [(&str, bool, usize, usize, &[&str]); 9] = [
        ("tabular/adult-train.csv.gz", false, 15, 32_561, &["?"]),
        ("tabular/adult-test.csv.gz", false, 15, 16_281, &["?"]),
        ("tabular/winequality-red.csv", false, 12, 1_599, &[]),
        ("tabular/winequality-white.csv", false, 12, 4_898, &[]),
        ("tabular/titanic-train.csv", true, 12, 891, &[]),
        ("tabular/titanic-test.csv", true, 11, 418, &[]),
        ("tabular/california-housing.csv.gz", true, 10, 20_640, &[]),
        ("tabular/iris.csv", false, 5, 150, &[]),
        ("robot-wall-following/sensor_readings_24.csv", true, 25, 5_456, &[]),
    ];
    for (name, header, columns, rows, missing) in all {
        let path = Path::new(&data).join(name);
        let found = sniff(&path).unwrap_or_else(|found| panic!("{name}: {found:?}"));
        assert_eq!(found.options.delimiter, Some(Delimiter::Comma), "{name}");
        assert_eq!(found.options.header == Header::FirstLine, header, "{name}: {:?}", found.reasons);
        assert_eq!(
            (found.columns.len(), &found.options.missing[..]),
            (columns, missing.iter().map(|t| t.to_string()).collect::<Vec<_>>().as_slice())
        );
        assert!(found.decimal_comma.is_empty() && found.thousands_comma.is_empty());
        let all = read_all(open(&path, &found.options).unwrap());
        assert_eq!((all.rows.len(), all.faults.len()), (rows, 0), "{name}");
    }
    let images = Path::new(&data).join("fashion-mnist/t10k-images-idx3-ubyte.gz");
    let source = open(&images, &SourceOptions::default()).unwrap();
    assert_eq!(source.columns(), ["image", "label"]);
    assert_eq!(source.finish().unwrap().rows, 0);
}
