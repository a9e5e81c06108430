use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tacit_data::source::{Header, Limits, SourceKind, SourceOptions, from_reader, open};
use tacit_spec::report::{Colour, render};
use tacit_spec::{Code, Diagnostic};

use crate::support::{gzip, idx, picture, png, read_all};

/// The codes that only the readers of sources raise.
fn codes() -> impl Iterator<Item = Code> {
    Code::ALL.iter().copied().filter(|code| ("E0230".."E0250").contains(&code.number()))
}

/// What is wrong with a file of this name and content: its faults, or why it cannot be opened.
fn found(folder: &Path, name: &str, bytes: &[u8], options: &SourceOptions) -> Vec<Diagnostic> {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    found_at(&path, options)
}

fn found_at(path: &Path, options: &SourceOptions) -> Vec<Diagnostic> {
    match open(path, options) {
        Err(found) => found,
        Ok(source) => read_all(source).faults.iter().map(|fault| fault.diagnostic()).collect(),
    }
}

#[test]
fn every_code_of_the_sources_is_triggered() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let plain = SourceOptions::default();
    let given = SourceOptions { header: Header::Given(vec!["a".into()]), ..SourceOptions::default() };
    let narrow = SourceOptions { limits: Limits { columns: 1, ..Limits::default() }, ..SourceOptions::default() };
    let few = SourceOptions { limits: Limits { pixels: 3, ..Limits::default() }, ..SourceOptions::default() };
    let labelled = SourceOptions { labels: Some(root.join("labels")), ..SourceOptions::default() };
    fs::write(root.join("labels"), idx(8, &[2], &[0, 1])).unwrap();
    let photo = png(&picture(2, 2, 1));
    let mut all = vec![
        found(root, "a.xlsx", b"PK\x03\x04\0\0", &plain),
        found(root, "a.bin", b"ab\0cd", &plain),
        found(root, "a.png", &photo, &plain),
        found(root, "a.csv.gz", &gzip(b"a,b\n1,2\n")[..20], &plain),
        found(root, "b.csv", b"a,b\n1,2\n", &narrow),
        found(root, "c.csv", b"a,b\n\"1\"x,2\n", &plain),
        found(root, "d.csv", b"1,2\n", &given),
        found(root, "a.jsonl", b"{\"a\":1}\n{\"a\":}\n", &plain),
        found(root, "b.jsonl", b"{\"a\":{}}\n", &plain),
        found(root, "c.jsonl", b"{\"a\":1}\n{\"b\":1}\n", &plain),
        found(root, "d.jsonl", b"{\"a\":1,\"a\":1}\n", &plain),
        found(root, "x-images-ubyte", &idx(8, &[1, 1, 1], &[0]), &labelled),
    ];
    if !cfg!(feature = "parquet") {
        all.push(found(root, "a.parquet", b"PAR1 and so on", &plain));
    }
    let pictures = root.join("pictures");
    let _ = found(&pictures, "cat/a.png", &photo, &plain);
    all.push(found_at(&pictures, &few));
    let _ = found(&pictures, "cat/b.png", b"nothing", &plain);
    let _ = found(&pictures, "c.png", &photo, &plain);
    let _ = found(&pictures, "cat/notes.txt", b"", &plain);
    all.push(found_at(&pictures, &plain));
    if cfg!(unix) {
        #[cfg(unix)]
        std::os::unix::fs::symlink(&pictures, pictures.join("dog")).unwrap();
        all.push(found_at(&pictures, &plain));
    }
    let mut triggered = BTreeSet::new();
    for found in all {
        let shown = render(&found, Colour::Never);
        assert!(!found.is_empty());
        assert!(found.iter().all(|diagnostic| diagnostic.help.is_some()), "{shown}");
        triggered.extend(found.iter().map(|diagnostic| diagnostic.code.number()));
    }
    let unseen: Vec<Code> = codes()
        .filter(|code| !triggered.contains(code.number()))
        .filter(|code| *code != Code::FeatureMissing || !cfg!(feature = "parquet"))
        .filter(|code| *code != Code::FolderTwice || cfg!(unix))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?} are triggered by no case");
}

#[test]
fn the_format_is_told_by_content_then_by_name_then_by_the_first_character() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        open(&path, &SourceOptions::default()).map(|source| source.kind()).map_err(|found| found[0].message.clone())
    };
    let array = idx(8, &[1], &[0]);
    assert_eq!(kind("a.csv", b"a\n{}\n"), Ok(SourceKind::Csv));
    assert_eq!(kind("a.data", b"a\n1\n"), Ok(SourceKind::Csv));
    assert_eq!(kind("b", b"\n {\"a\":1}\n"), Ok(SourceKind::JsonLines));
    assert_eq!(kind("b.txt.gz", &gzip(b"{\"a\":1}\n")), Ok(SourceKind::JsonLines));
    assert_eq!(kind("b.csv", b"{\"a\":1}\n"), Ok(SourceKind::Csv));
    assert_eq!(kind("c.ndjson", b"{\"a\":1}\n"), Ok(SourceKind::JsonLines));
    assert_eq!(kind("d.csv", &array), Ok(SourceKind::Idx));
    assert_eq!(kind("e.gz", &gzip(&array)), Ok(SourceKind::Idx));
    for (bytes, format) in [
        (&b"SQLite format 3\0"[..], "a SQLite database"),
        (b"\x93NUMPY\x01\0", "a NumPy array"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old workbook"),
        (b"\x28\xb5\x2f\xfd..", "compressed with zstd"),
        (b"\x89PNG\r\n", "a single picture"),
        (b"a,b\n\0\x01", "not text"),
    ] {
        assert!(kind("x.csv", bytes).unwrap_err().ends_with(format), "{format}");
    }
}

#[test]
fn text_and_idx_come_from_a_stream() {
    for kind in SourceKind::ALL {
        let found = from_reader("stdin", *kind, Box::new(&b"{\"a\":1}\n"[..]), &SourceOptions::default());
        match (kind, found) {
            (SourceKind::Csv | SourceKind::JsonLines, Ok(source)) => assert_eq!(source.name(), "stdin"),
            (SourceKind::Idx, Err(found)) => assert_eq!(found[0].code, Code::DamagedFile),
            (SourceKind::Parquet | SourceKind::ImageFolder, Err(found)) => {
                assert_eq!(found[0].code, Code::UnknownFormat)
            }
            (kind, found) => panic!("{kind:?} opens: {}", found.is_ok()),
        }
    }
}

#[test]
fn arrays_from_a_stream_have_the_labels_that_the_options_name() {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels");
    fs::write(&labels, idx(8, &[2], &[5, 6])).unwrap();
    let options = SourceOptions { labels: Some(labels), ..SourceOptions::default() };
    let stream = std::io::Cursor::new(gzip(&idx(8, &[2], &[1, 2])));
    let all = read_all(from_reader("stdin", SourceKind::Idx, Box::new(stream), &options).unwrap());
    assert_eq!(crate::support::texts(&all.rows), [["1", "5"], ["2", "6"]]);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().is_ok_and(|status| status.success()));
    let writer = path.clone();
    let writing = std::thread::spawn(move || fs::write(writer, b"a,b\n1,2\n").unwrap());
    let all = read_all(open(&path, &SourceOptions::default()).unwrap());
    writing.join().unwrap();
    assert_eq!(crate::support::texts(&all.rows), [["1", "2"]]);
}
