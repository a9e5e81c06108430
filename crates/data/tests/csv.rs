//! Every error of the data is triggered once, with its place; unusual but sound files are read; no bytes panic.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tacit_data::{Dataset, TargetValues, read_csv, read_csv_bytes, split, statistics};
use tacit_spec::report::{Colour, render};
use tacit_spec::{Code, Diagnostic, Place, Specification, Stage, parse};

const MANIFEST: &str = r#"
[program]
name = "cats"
[input.image]
type = "image"
columns = "p*"
size = [1, 2]
scale = 16
[output.kind]
type = "category"
[data]
source = "cats.csv"
split = { validation = 0.3, test = 0.3 }
[skeleton]
preset = "linear"
[goal]
minimise = "cross-entropy"
"#;

const GOOD: &str = "p0,p1,kind,age\n0,1,cat,3\n2,3,dog,4\n4,5,cat,5\n6,7,dog,6\n8,9,cat,7\n16,1.5e1,dog,8\n";

fn specification(manifest: &str) -> Specification {
    parse("Tacit.toml", manifest).unwrap_or_else(|found| panic!("{}", render(&found, Colour::Never)))
}

fn with(extra: &str) -> String {
    format!("{MANIFEST}{extra}")
}

fn read(text: &str, manifest: &str) -> Result<Dataset, Vec<Diagnostic>> {
    read_csv_bytes("cats.csv", text.as_bytes(), &specification(manifest))
}

fn good(text: &str) -> Dataset {
    read(text, MANIFEST).unwrap_or_else(|found| panic!("{}", render(&found, Colour::Never)))
}

/// What a diagnostic points at: `line:column` of the data, or the text of the manifest.
fn place(diagnostic: &Diagnostic) -> String {
    match &diagnostic.place {
        Place::Row { line, column, .. } => format!("{line}:{}", column.as_deref().unwrap_or_default()),
        Place::Span { source, span } => source.text[span.clone()].to_owned(),
        Place::File(file) => file.clone(),
        Place::Nowhere => panic!("{diagnostic:?}"),
    }
}

#[test]
fn every_code_of_the_data_is_triggered_and_points_at_its_cause() {
    let plain = MANIFEST.to_owned();
    let recall = with("[[require]]\nmetric = \"recall\"\nclass = \"cow\"\nat_least = 0.5\n");
    let slice = |rows: &str| with(&format!("[[require]]\nmetric = \"accuracy\"\nwhere = \"{rows}\"\nat_least = 0.5\n"));
    let classes = MANIFEST.replace("\"category\"", "\"category\"\nclasses = [\"cat\", \"cow\"]");
    let three = MANIFEST.replace("\"category\"", "\"category\"\nclasses = [\"cat\", \"dog\", \"cow\"]");
    let many: String = "p0,p1,kind\n".to_owned() + &(0..=65_536).map(|i| format!("1,1,{i}\n")).collect::<String>();
    let cases: Vec<(Code, String, String, &str)> = vec![
        (Code::NoHeader, String::new(), plain.clone(), "cats.csv"),
        (Code::NoHeader, "\u{feff}\r\n\r\n".into(), plain.clone(), "cats.csv"),
        (Code::NoRows, "p0,p1,kind\n".into(), plain.clone(), "cats.csv"),
        (Code::ColumnTwice, GOOD.replace("age", "p0"), plain.clone(), "1:p0"),
        (Code::RaggedRow, GOOD.replace("2,3,dog,4", "2,3,dog"), plain.clone(), "3:"),
        (Code::RaggedRow, GOOD.replace("2,3,dog,4", "2,3,dog,4,"), plain.clone(), "3:"),
        (Code::OpenQuote, GOOD.replace("8,9,cat,7", "8,9,cat,\"7"), plain.clone(), "6:"),
        (Code::BadNumber, GOOD.replace("4,5,cat", "4,5x,cat"), plain.clone(), "4:p1"),
        (Code::BadNumber, GOOD.replace("4,5,cat", "4,\"1,5\",cat"), plain.clone(), "4:p1"),
        (Code::BadNumber, GOOD.replace("cat,5", "cat,old"), slice("age > 3"), "4:age"),
        (Code::NotFinite, GOOD.replace("4,5,cat", "NaN,5,cat"), plain.clone(), "4:p0"),
        (Code::NotFinite, GOOD.replace("4,5,cat", "-inf,5,cat"), plain.clone(), "4:p0"),
        (Code::NotFinite, GOOD.replace("4,5,cat", "1e39,5,cat"), plain.clone(), "4:p0"),
        (Code::MissingCell, GOOD.replace("4,5,cat", "4, ,cat"), plain.clone(), "4:p1"),
        (Code::MissingCell, GOOD.replace("4,5,cat", "4,5,"), plain.clone(), "4:kind"),
        (Code::MissingCell, GOOD.replace("cat,5", "cat,"), slice("age > 3"), "4:age"),
        (Code::ColumnNotFound, GOOD.replace("p0,p1", "q0,q1"), plain.clone(), "\"p*\""),
        (Code::ColumnNotFound, GOOD.replace("kind", "kinds"), plain.clone(), "[output.kind]"),
        (Code::ColumnNotFound, GOOD.replace("age", "years"), slice("age > 3"), "[[require]]"),
        (Code::ColumnCount, GOOD.replace("age", "page"), plain.replace("\"p*\"", "\"*p*\""), "\"*p*\""),
        (Code::ColumnShared, GOOD.into(), plain.replace("\"p*\"", "[\"p0\", \"*0\"]"), "\"*0\""),
        (Code::ColumnShared, GOOD.into(), plain.replace("\"p*\"", "[\"p0\", \"kind\"]"), "[output.kind]"),
        (Code::UnknownLabel, GOOD.into(), classes, "3:kind"),
        (Code::UnknownClass, GOOD.into(), recall, "[[require]]"),
        (Code::OneClass, GOOD.replace("dog", "cat"), plain.clone(), "[output.kind]"),
        (Code::PartTooSmall, GOOD[..35].into(), plain.clone(), "{ validation = 0.3, test = 0.3 }"),
        (Code::PartTooSmall, GOOD.into(), three, "{ validation = 0.3, test = 0.3 }"),
        (Code::OutsideScale, GOOD.replace("4,5,cat", "4,17,cat"), plain.clone(), "4:p1"),
        (Code::OutsideScale, GOOD.replace("4,5,cat", "4,-1,cat"), plain.clone(), "4:p1"),
        (Code::SliceEmpty, GOOD.into(), slice("age > 30"), "[[require]]"),
        (Code::TooManyClasses, many, plain, "2:kind"),
    ];
    let mut triggered = BTreeSet::new();
    for (code, text, manifest, expected) in cases {
        let specification = specification(&manifest);
        let dataset = read_csv_bytes("cats.csv", text.as_bytes(), &specification);
        let found = dataset.and_then(|dataset| split(&dataset, &specification)).unwrap_err();
        let shown = render(&found, Colour::Never);
        assert_eq!(found.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), [code], "{shown}");
        assert_eq!(place(&found[0]), expected, "{shown}");
        assert!(found[0].help.is_some(), "{shown}");
        triggered.insert(code.number());
    }
    // From E0230 on they belong to other readers, whose tests trigger them.
    let raised = |code: &Code| code.stage() == Stage::Data && code.number() < "E0230";
    let missing: Vec<&Code> =
        Code::ALL.iter().filter(|code| raised(code) && !triggered.contains(code.number())).collect();
    assert!(missing.is_empty(), "{missing:?} are triggered by no case");
}

#[test]
fn a_slice_that_misses_the_test_part_is_told() {
    let manifest = with("[[require]]\nmetric = \"accuracy\"\nwhere = \"age = 3\"\nat_least = 0.5\n");
    // Of six rows two are for the test, so for most rows a slice of one misses it.
    let missed = (3..9).filter(|age| {
        let specification = specification(&manifest.replace("age = 3", &format!("age = {age}")));
        let dataset = read_csv_bytes("cats.csv", GOOD.as_bytes(), &specification).unwrap();
        split(&dataset, &specification).is_err_and(|found| found[0].code == Code::SliceEmpty)
    });
    assert_eq!(missed.count(), 4);
}

#[test]
fn bad_cells_are_counted_and_the_first_are_listed() {
    let text = "p0,p1,kind\n".to_owned() + &"x,1,cat\n1,y,dog\n".repeat(20);
    let found = read(&text, MANIFEST).unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!((place(&found[0]).as_str(), found[0].message.as_str()), ("2:p0", "`x` is not a number"));
    assert_eq!(found[0].notes.len(), 10);
    assert_eq!(found[0].notes[0], "line 3, column `p1`: `y`");
    assert_eq!(found[0].notes[9], "40 in all");
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_line() {
    let bytes = [GOOD.as_bytes(), b"1,2,caf\xe9,3\n"].concat();
    let found = read_csv_bytes("cats.csv", &bytes, &specification(MANIFEST)).unwrap_err();
    assert_eq!((found[0].code, place(&found[0]).as_str()), (Code::NotUtf8, "8:"));
}

#[test]
fn a_missing_file_is_named() {
    let path = std::path::Path::new("no/such/cats.csv");
    let found = read_csv(path, &specification(MANIFEST)).unwrap_err();
    assert_eq!((found[0].code, place(&found[0]).as_str()), (Code::UnreadableFile, "no/such/cats.csv"));
}

#[test]
fn values_labels_and_slices_are_read_by_column() {
    let manifest = with("[[require]]\nmetric = \"accuracy\"\nwhere = \"kind = 'cat' and age > 3\"\nat_least = 0.5\n");
    let dataset = read(GOOD, &manifest).unwrap();
    assert_eq!(dataset.rows, 6);
    assert_eq!(dataset.inputs[0].values, [0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 16., 15.]);
    let labels = vec!["cat".to_owned(), "dog".to_owned()];
    assert_eq!(dataset.targets[0].values, TargetValues::Category { labels, ids: vec![0, 1, 0, 1, 0, 1] });
    assert_eq!(dataset.slices, [Some(vec![false, false, true, false, true, false])]);
    assert_eq!(dataset.lines, [2, 3, 4, 5, 6, 7]);
    assert_eq!(dataset.hash, blake3_of(GOOD));
}

/// The hash by another road: the library's incremental form.
fn blake3_of(text: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    text.bytes().for_each(|byte| {
        hasher.update(&[byte]);
    });
    hasher.finalize().to_hex().to_string()
}

#[test]
fn marks_line_ends_quotes_spaces_and_blank_lines_do_not_change_what_is_read() {
    let plain = good(GOOD);
    let same = |text: &str| {
        let other = good(text);
        assert_eq!((&other.inputs, &other.targets), (&plain.inputs, &plain.targets), "{text:?}");
        assert_ne!(other.hash, plain.hash);
        other.lines
    };
    assert_eq!(same(&format!("\u{feff}{GOOD}")), plain.lines);
    assert_eq!(same(&GOOD.replace('\n', "\r\n")), plain.lines);
    assert_eq!(same(&GOOD.replace('\n', "\r")), plain.lines);
    assert_eq!(same(&GOOD.replace(',', " ,\t")), plain.lines);
    assert_eq!(same(GOOD.trim_end()), plain.lines);
    assert_eq!(same(&GOOD.replace("dog,4", "\"dog\",\"4\n\"")), [2, 3, 5, 6, 7, 8]);
    assert_eq!(same(&GOOD.replace("\n", "\n\n")), [3, 5, 7, 9, 11, 13]);
    assert_eq!(same(&GOOD.replace("\n", "\r\n\r\n")), [3, 5, 7, 9, 11, 13]);
}

#[test]
fn labels_are_ordered_as_numbers_before_text() {
    let text = "p0,p1,kind\n1,1,b\n1,1,10\n1,1,9\n1,1,-1\n1,1,a\n1,1,9.0\n";
    let TargetValues::Category { labels, ids } = good(text).targets.remove(0).values else { panic!() };
    assert_eq!(labels, ["-1", "9", "9.0", "10", "a", "b"]);
    assert_eq!(ids, [5, 3, 1, 0, 4, 2]);
}

#[test]
fn listed_classes_keep_their_order() {
    let manifest = MANIFEST.replace("\"category\"", "\"category\"\nclasses = [\"dog\", \"cat\"]");
    let TargetValues::Category { labels, ids } = read(GOOD, &manifest).unwrap().targets.remove(0).values else {
        panic!()
    };
    assert_eq!((labels, ids), (vec!["dog".to_owned(), "cat".to_owned()], vec![1, 0, 1, 0, 1, 0]));
}

#[test]
fn numbers_are_read_as_targets() {
    let manifest = MANIFEST
        .replace("[output.kind]\ntype = \"category\"", "[output.age]\ntype = \"number\"")
        .replace("cross-entropy", "squared-error");
    assert_eq!(read(GOOD, &manifest).unwrap().targets[0].values, TargetValues::Number(vec![3., 4., 5., 6., 7., 8.]));
}

#[test]
fn the_digits_example_reads_splits_and_has_its_statistics() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits");
    let specification = tacit_spec::read(&folder.join("Tacit.toml")).unwrap();
    let dataset = read_csv(&folder.join(&specification.data.file), &specification).unwrap();
    let parts = split(&dataset, &specification).unwrap();
    let sizes = [parts.training.len(), parts.validation.len(), parts.test.len()];
    assert_eq!(dataset.rows, 1797);
    assert_eq!(sizes, [1258, 180, 359]);
    let TargetValues::Category { labels, ids } = &dataset.targets[0].values else { panic!() };
    assert_eq!(labels, &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    // The counts of the classes in the published set.
    let count = |rows: &[usize], id: i32| rows.iter().filter(|row| ids[**row] == id).count();
    let all: Vec<usize> = (0..dataset.rows).collect();
    let counts: Vec<usize> = (0..10).map(|id| count(&all, id)).collect();
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    for id in 0..10 {
        let expected = counts[id as usize] as f64 * 0.2;
        assert!((count(&parts.test, id) as f64 - expected).abs() < 1.0, "class {id}");
    }
    let statistics = statistics(&dataset.inputs[0], &parts.training);
    assert!(statistics.mean.len() == 1 && (statistics.mean[0] - 4.88).abs() < 0.1, "{statistics:?}");
    assert!((statistics.deviation[0] - 6.02).abs() < 0.1, "{statistics:?}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[p01,kind\"\n\r x.é-]{0,80}") {
        let specification = specification(MANIFEST);
        for bytes in [bytes, text.clone().into_bytes(), format!("p0,p1,kind\n{text}").into_bytes()] {
            match read_csv_bytes("cats.csv", &bytes, &specification) {
                Ok(dataset) => {
                    prop_assert_eq!(dataset.inputs[0].values.len(), 2 * dataset.rows);
                    let _ = split(&dataset, &specification);
                }
                Err(found) => prop_assert!(!render(&found, Colour::Never).is_empty()),
            }
        }
    }
}
