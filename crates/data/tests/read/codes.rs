use std::collections::BTreeSet;

use tacit_data::split;
use tacit_spec::report::{Colour, render};
use tacit_spec::{Code, Stage};

use crate::support::*;

/// The code, the table in `cats.csv`, the manifest, and the place that the diagnostic points at.
type Case = (Code, String, String, &'static str);

fn table_cases() -> Vec<Case> {
    let plain = MANIFEST.to_owned();
    let bad = |from: &str, to: &str| GOOD.replace(from, to);
    let slice = |rows: &str| with(&format!("[[require]]\nmetric = \"accuracy\"\nwhere = \"{rows}\"\nat_least = 0.5\n"));
    let classes = MANIFEST.replace("\"category\"", "\"category\"\nclasses = [\"cat\", \"cow\"]");
    let three = MANIFEST.replace("\"category\"", "\"category\"\nclasses = [\"cat\", \"dog\", \"cow\"]");
    let recall = with("[[require]]\nmetric = \"recall\"\nclass = \"cow\"\nat_least = 0.5\n");
    let many: String = "p0,p1,kind\n".to_owned() + &(0..=65_536).map(|i| format!("1,1,{i}\n")).collect::<String>();
    let names = |names: &str| MANIFEST.replace("split", &format!("columns = {names}\nsplit"));
    vec![
        (Code::NoHeader, String::new(), plain.clone(), "cats.csv"),
        (Code::NoHeader, "\u{feff}\r\n\r\n".into(), plain.clone(), "cats.csv"),
        (Code::NoRows, "p0,p1,kind\n".into(), plain.clone(), "cats.csv"),
        (Code::NoRows, String::new(), names("[\"p0\", \"p1\", \"kind\"]"), "cats.csv"),
        (Code::ColumnTwice, bad("age", "p0"), plain.clone(), "1:p0"),
        (Code::RaggedRow, bad("2,3,dog,4", "2,3,dog"), plain.clone(), "3:"),
        (Code::RaggedRow, bad("2,3,dog,4", "2,3,dog,4,"), plain.clone(), "3:"),
        (Code::OpenQuote, bad("8,9,cat,7", "8,9,cat,\"7"), plain.clone(), "6:"),
        (Code::StrayQuote, bad("8,9,cat,7", "8,9,\"cat\"s,7"), plain.clone(), "6:kind"),
        (Code::NameCount, "1,2,cat\n".into(), names("[\"p0\", \"p1\"]"), "1:"),
        (Code::BadNumber, bad("4,5,cat", "4,5x,cat"), plain.clone(), "4:p1"),
        (Code::BadNumber, bad("4,5,cat", "4,\"1,5\",cat"), plain.clone(), "4:p1"),
        (Code::BadNumber, bad("cat,5", "cat,old"), slice("age > 3"), "4:age"),
        (Code::NotFinite, bad("4,5,cat", "NaN,5,cat"), plain.clone(), "4:p0"),
        (Code::NotFinite, bad("4,5,cat", "-inf,5,cat"), plain.clone(), "4:p0"),
        (Code::NotFinite, bad("4,5,cat", "1e39,5,cat"), plain.clone(), "4:p0"),
        (Code::MissingCell, bad("4,5,cat", "4, ,cat"), plain.clone(), "4:p1"),
        (Code::MissingCell, bad("4,5,cat", "4,5,"), plain.clone(), "4:kind"),
        (Code::MissingCell, bad("4,5,cat", "4,?,cat"), plain.replace("split", "missing = \"?\"\nsplit"), "4:p1"),
        (Code::ColumnNotFound, bad("p0,p1", "q0,q1"), plain.clone(), "\"p*\""),
        (Code::ColumnNotFound, bad("kind", "kinds"), plain.clone(), "[output.kind]"),
        (Code::ColumnNotFound, bad("age", "years"), slice("age > 3"), "[[require]]"),
        (Code::ColumnNotFound, GOOD.into(), plain.replace("{ validation", "{ by = \"owner\", validation"), "\"owner\""),
        (Code::ColumnCount, bad("age", "page"), plain.replace("\"p*\"", "\"*p*\""), "\"*p*\""),
        (Code::ColumnShared, GOOD.into(), plain.replace("\"p*\"", "[\"p0\", \"*0\"]"), "\"*0\""),
        (Code::ColumnShared, GOOD.into(), plain.replace("\"p*\"", "[\"p0\", \"kind\"]"), "[output.kind]"),
        (Code::UnknownLabel, GOOD.into(), classes, "3:kind"),
        (
            Code::UnknownLabel,
            GOOD.into(),
            plain.replace("{ validation = 0.3, test = 0.3 }", "{ column = \"kind\" }"),
            "2:kind",
        ),
        (Code::UnknownClass, GOOD.into(), recall, "[[require]]"),
        (Code::OneClass, bad("dog", "cat"), plain.clone(), "[output.kind]"),
        (Code::PartTooSmall, GOOD[..35].into(), plain.clone(), "{ validation = 0.3, test = 0.3 }"),
        (Code::PartTooSmall, GOOD.into(), three, "{ validation = 0.3, test = 0.3 }"),
        (Code::OutsideScale, bad("4,5,cat", "4,17,cat"), plain.clone(), "4:p1"),
        (Code::OutsideScale, bad("4,5,cat", "4,-1,cat"), plain.clone(), "4:p1"),
        (Code::SliceEmpty, GOOD.into(), slice("age > 30"), "[[require]]"),
        (Code::BadDate, GOOD.into(), plain.replace("{ validation", "{ time = \"kind\", validation"), "2:kind"),
        (Code::TooManyClasses, many, plain, "[output.kind]"),
    ]
}

fn gap_cases() -> Vec<Case> {
    let gap = |column: &str| with(&format!("[[require]]\nmetric = \"accuracy\"\ngap = \"{column}\"\nat_most = 0.5\n"));
    let sexes = sexes();
    vec![
        (Code::ColumnNotFound, GOOD.into(), gap("sex"), "[[require]]"),
        (Code::GapGroups, sexes.replace(",f", ",m"), gap("sex"), "[[require]]"),
        (Code::GapGroups, sexes.clone(), gap("sex\"\nwhere = \"sex = 'f'"), "[[require]]"),
        (Code::GapGroups, grouped(257), gap("group"), "[[require]]"),
    ]
}

/// The good table with a column of four women and two men.
pub fn sexes() -> String {
    let sexes = [",sex", ",f", ",m", ",f", ",f", ",m", ",f"];
    GOOD.lines().zip(sexes).map(|(line, sex)| format!("{line}{sex}\n")).collect()
}

/// A table of twice as many rows as groups.
pub fn grouped(groups: usize) -> String {
    let row = |row: usize| format!("1,1,{},{}\n", ["cat", "dog"][row % 2], row / 2);
    "p0,p1,kind,group\n".to_owned() + &(0..2 * groups).map(row).collect::<String>()
}

/// A manifest for pictures in a folder.
const PICTURES: &str = r#"
[program]
name = "cats"
[input.image]
type = "image"
size = [2, 2]
[output.label]
type = "category"
[data]
source = "cats"
[skeleton]
preset = "linear"
"#;

/// The code, the files beside the manifest, the manifest, and the place.
type FilesCase = (Code, Vec<(&'static str, Vec<u8>)>, String, &'static str);

fn format_cases() -> Vec<FilesCase> {
    let lines = MANIFEST.replace("cats.csv", "cats.jsonl");
    let object = "{\"p0\": 1, \"p1\": 2, \"kind\": \"cat\"}\n";
    let jsonl = |text: &str| vec![("cats.jsonl", text.as_bytes().to_vec())];
    let idx_manifest = PICTURES.replace("\"cats\"\n[skel", "\"x-images\"\n[skel");
    let grey = |value: u8| [b"P5 1 1 255\n".as_slice(), &[value]].concat();
    let in_folder = |name: &'static str, bytes: &[u8]| {
        vec![("cats/cat/a.pgm", grey(1)), ("cats/dog/b.pgm", grey(2)), (name, bytes.to_vec())]
    };
    vec![
        (Code::UnknownFormat, vec![("cats.csv", b"PK\x03\x04\0\0".to_vec())], MANIFEST.into(), "cats.csv"),
        (Code::DamagedFile, vec![("x-images", vec![0, 0, 8, 1, 0, 0, 0, 9])], idx_manifest.clone(), "x-images"),
        (
            Code::RowTooLarge,
            vec![("x-images", vec![0, 0, 8, 2, 0, 0, 0, 1, 255, 255, 255, 255])],
            idx_manifest.clone(),
            "x-images",
        ),
        (
            Code::LabelsMismatch,
            vec![("x-images", vec![0, 0, 8, 1, 0, 0, 0, 1, 7]), ("x-labels", vec![0, 0, 8, 1, 0, 0, 0, 2, 7, 7])],
            idx_manifest,
            "x-labels",
        ),
        (Code::BadJson, jsonl(&format!("{object}nothing\n")), lines.clone(), "2:"),
        (Code::NestedValue, jsonl(&object.replace("2", "{}")), lines.clone(), "1:p1"),
        (Code::UnknownField, jsonl(&format!("{object}{}", object.replace("kind", "kinds"))), lines.clone(), "2:"),
        (Code::FieldTwice, jsonl(&object.replace("p1", "p0")), lines.clone(), "1:"),
        (Code::NoHeader, jsonl("{}\n"), lines, "1:"),
        (Code::BadPicture, in_folder("cats/dog/c.png", b"no picture"), PICTURES.into(), "cats/dog/c.png"),
        (
            Code::PictureTooLarge,
            in_folder("cats/dog/c.pgm", b"P5 65000 65000 255\n"),
            PICTURES.into(),
            "cats/dog/c.pgm",
        ),
        (Code::StrayFile, in_folder("cats/dog/c.txt", b"notes"), PICTURES.into(), "cats/dog/c.txt"),
        (Code::NoLabelFolder, in_folder("cats/c.pgm", &grey(3)), PICTURES.into(), "cats/c.pgm"),
        (Code::NoRows, vec![("cats/readme.md", Vec::new())], PICTURES.into(), "cats"),
    ]
}

#[test]
fn every_code_of_the_data_is_triggered_and_points_at_its_cause() {
    let mut triggered = BTreeSet::new();
    let tables = [table_cases(), gap_cases()].concat().into_iter();
    let tables =
        tables.map(|(code, text, manifest, place)| (code, vec![("cats.csv", text.into_bytes())], manifest, place));
    for (code, files, manifest, expected) in tables.chain(format_cases()) {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        let folder = Folder::new(&files);
        let specification = specification(&manifest);
        let outcome = folder.read(&specification).and_then(|dataset| split(&dataset, &specification));
        let found = outcome.expect_err(&manifest);
        let shown = render(&found, Colour::Never);
        assert_eq!(found.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), [code], "{manifest}{shown}");
        assert_eq!(folder.place(&found[0]), expected, "{shown}");
        assert!(found[0].help.is_some(), "{shown}");
        triggered.insert(code.number());
    }
    // What depends on the platform or on the features of the build is triggered with the readers.
    let elsewhere = [Code::FeatureMissing, Code::FolderTwice];
    let missing: Vec<&Code> = Code::ALL
        .iter()
        // From E0250 on they are raised where a manifest is proposed.
        .filter(|code| code.stage() == Stage::Data && code.number() < "E0250" && !elsewhere.contains(code))
        .filter(|code| !triggered.contains(code.number()))
        .collect();
    assert!(missing.is_empty(), "{missing:?} are triggered by no case");
}

#[test]
fn a_slice_that_misses_the_test_part_is_told() {
    let manifest = with("[[require]]\nmetric = \"accuracy\"\nwhere = \"age = 3\"\nat_least = 0.5\n");
    // Of six rows two are for the test, so for most rows a slice of one misses it.
    let missed = (3..9).filter(|age| {
        let manifest = manifest.replace("age = 3", &format!("age = {age}"));
        let dataset = read_text(GOOD, &manifest).unwrap();
        split(&dataset, &specification(&manifest)).is_err_and(|found| found[0].code == Code::SliceEmpty)
    });
    assert_eq!(missed.count(), 4);
}

#[test]
fn bad_cells_are_counted_and_the_first_are_listed() {
    let text = "p0,p1,kind\n".to_owned() + &"x,1,cat\n1,y,dog\n".repeat(20);
    let folder = Folder::new(&[("cats.csv", text.as_bytes())]);
    let found = folder.read(&specification(MANIFEST)).unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!((folder.place(&found[0]).as_str(), found[0].message.as_str()), ("2:p0", "`x` is not a number"));
    assert_eq!(found[0].notes.len(), 10);
    assert_eq!(found[0].notes[0], "line 3, column `p1`: `y`");
    assert_eq!(found[0].notes[9], "40 in all");
}

#[test]
fn all_that_is_wrong_with_a_row_is_told() {
    let text = GOOD.replace("4,5,cat,5", "x,,cow,old");
    let manifest = with("[[require]]\nmetric = \"accuracy\"\nwhere = \"age > 3\"\nat_least = 0.5\n");
    let manifest = manifest.replace("\"category\"", "\"category\"\nclasses = [\"cat\", \"dog\"]");
    let folder = Folder::new(&[("cats.csv", text.as_bytes())]);
    let found = folder.read(&specification(&manifest)).unwrap_err();
    let places: Vec<(Code, String)> = found.iter().map(|one| (one.code, folder.place(one))).collect();
    let expected = [(Code::BadNumber, "4:p0"), (Code::MissingCell, "4:p1"), (Code::UnknownLabel, "4:kind")];
    assert_eq!(places, expected.map(|(code, place)| (code, place.to_owned())));
    assert_eq!(found[0].notes, ["line 4, column `age`: `old`", "2 in all"]);
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_line() {
    let bytes = [GOOD.as_bytes(), b"1,2,caf\xe9,3\n"].concat();
    let folder = Folder::new(&[("cats.csv", &bytes)]);
    let found = folder.read(&specification(MANIFEST)).unwrap_err();
    assert_eq!((found[0].code, folder.place(&found[0]).as_str()), (Code::NotUtf8, "8:"));
}

#[test]
fn a_missing_file_is_named_whichever_part_it_is_for() {
    let manifest = MANIFEST.replace("split = { validation = 0.3, test = 0.3 }", "test = \"no/such/dogs.csv\"");
    for (files, name) in [(&[][..], "cats.csv"), (&[("cats.csv", GOOD.as_bytes())], "no/such/dogs.csv")] {
        let folder = Folder::new(files);
        let found = folder.read(&specification(&manifest)).unwrap_err();
        assert_eq!((found[0].code, folder.place(&found[0]).as_str()), (Code::UnreadableFile, name));
        assert!(found[0].help.is_some());
    }
}
