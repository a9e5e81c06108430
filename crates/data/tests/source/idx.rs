use std::fs;
use std::path::Path;

use tacit_data::source::{Cell, Limits, Picture, SourceKind, SourceOptions, open, sniff};
use tacit_spec::Code;

use crate::support::{gzip, idx, place, read_path};

const U8: u8 = 0x08;

fn options(labels: Option<&Path>) -> SourceOptions {
    SourceOptions { kind: Some(SourceKind::Idx), labels: labels.map(Path::to_owned), ..SourceOptions::default() }
}

#[test]
fn images_and_their_labels_are_read_together_compressed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let images = idx(U8, &[3, 2, 2], &(0..12).collect::<Vec<u8>>());
    let labels = idx(U8, &[3], &[7, 0, 9]);
    let image =
        |first: u8| Cell::Image(Picture { height: 2, width: 2, channels: 1, pixels: (first..first + 4).collect() });
    let pairs: [(&str, &str, bool); 4] = [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", false),
        ("b-images.idx3-ubyte", "b-labels.idx1-ubyte", false),
        ("c-images-idx3-ubyte.gz", "c-labels-idx1-ubyte.gz", true),
        ("d-images-idx3-ubyte.gz", "d-labels-idx1-ubyte", true),
    ];
    for (images_name, labels_name, compressed) in pairs {
        let (images_path, labels_path) = (folder.path().join(images_name), folder.path().join(labels_name));
        let stored = if compressed { gzip(&images) } else { images.clone() };
        let stored_labels = if labels_name.ends_with(".gz") { gzip(&labels) } else { labels.clone() };
        fs::write(&images_path, &stored).unwrap();
        fs::write(&labels_path, &stored_labels).unwrap();
        let all = read_path(&images_path, &SourceOptions::default()).unwrap();
        assert_eq!(all.columns, ["image", "label"]);
        let expected = [(0, 7.0), (4, 0.0), (8, 9.0)].map(|(first, label)| vec![image(first), Cell::Number(label)]);
        assert_eq!((&all.rows[..], &all.lines[..], all.faults.len()), (&expected[..], &[1, 2, 3][..], 0));
        let mut hasher = blake3::Hasher::new();
        hasher.update(blake3::hash(&stored).as_bytes()).update(blake3::hash(&stored_labels).as_bytes());
        assert_eq!(all.summary.hash, hasher.finalize().to_hex().as_str());
        assert_eq!(all.summary.bytes, (stored.len() + stored_labels.len()) as u64);
        let sniffed = sniff::sniff(&images_path).unwrap();
        assert_eq!((sniffed.kind, sniffed.columns), (SourceKind::Idx, all.columns));
    }
}

#[test]
fn other_types_and_ranks_are_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.idx");
    let cells = |bytes: Vec<u8>| {
        fs::write(&path, bytes).unwrap();
        let all = read_path(&path, &options(None)).unwrap();
        assert!(all.faults.is_empty());
        (all.columns.join(","), all.rows.into_iter().flatten().collect::<Vec<_>>())
    };
    let number = |value: f64| vec![Cell::Number(value)];
    assert_eq!(cells(idx(U8, &[1], &[200])), ("value".into(), number(200.0)));
    assert_eq!(cells(idx(0x09, &[1], &[200])), ("value".into(), number(-56.0)));
    assert_eq!(cells(idx(0x0b, &[1], &[0xff, 0xfe])), ("value".into(), number(-2.0)));
    assert_eq!(cells(idx(0x0c, &[1], &(-70_000i32).to_be_bytes())), ("value".into(), number(-70_000.0)));
    assert_eq!(cells(idx(0x0e, &[1], &1.25f64.to_be_bytes())), ("value".into(), number(1.25)));
    let floats: Vec<u8> = [1.5f32, -2.0, 3.0, 4.0].iter().flat_map(|value| value.to_be_bytes()).collect();
    let expected = vec![Cell::Numbers(vec![1.5, -2.0]), Cell::Numbers(vec![3.0, 4.0])];
    assert_eq!(cells(idx(0x0d, &[2, 2], &floats)), ("values".into(), expected));
    let expected = vec![Cell::Numbers(vec![1.5, -2.0, 3.0, 4.0])];
    assert_eq!(cells(idx(0x0d, &[1, 2, 2], &floats)), ("values".into(), expected));
    let colour = Picture { height: 1, width: 2, channels: 3, pixels: vec![1, 2, 3, 4, 5, 6] };
    assert_eq!(cells(idx(U8, &[1, 1, 2, 3], &[1, 2, 3, 4, 5, 6])), ("image".into(), vec![Cell::Image(colour)]));
    assert_eq!(
        cells(idx(U8, &[1, 1, 2, 2], &[1, 2, 3, 4])),
        ("values".into(), vec![Cell::Numbers(vec![1., 2., 3., 4.])])
    );
    assert_eq!(cells(idx(U8, &[0, 2, 2], &[])), ("image".into(), vec![]));
}

#[test]
fn numbers_that_are_not_finite_are_faults_of_their_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.idx");
    let floats: Vec<u8> = [1.0, f64::NAN, 3.0, 1e300].iter().flat_map(|value| value.to_be_bytes()).collect();
    fs::write(&path, idx(0x0e, &[4], &floats)).unwrap();
    let all = read_path(&path, &options(None)).unwrap();
    assert_eq!((all.lines, all.faults.len()), (vec![1, 3], 2));
    assert!(all.faults.iter().all(|fault| fault.code == Code::NotFinite && !fault.fatal));
    assert_eq!(all.faults[0].column.as_deref(), Some("value"));
}

#[test]
fn a_file_cut_at_any_length_is_told_and_so_are_bytes_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.idx");
    let whole = idx(U8, &[3, 2, 2], &(0..12).collect::<Vec<u8>>());
    for stored in [whole.clone(), gzip(&whole)] {
        for length in 0..stored.len() {
            fs::write(&path, &stored[..length]).unwrap();
            match read_path(&path, &options(None)) {
                Ok(all) => {
                    let last = all.faults.last().unwrap_or_else(|| panic!("{length} bytes are too few"));
                    assert!(last.fatal && last.code == Code::DamagedFile, "{last:?}");
                }
                Err(found) => assert_eq!(found[0].code, Code::DamagedFile, "{found:?}"),
            }
        }
    }
    let longer = [whole, vec![0]].concat();
    fs::write(&path, &longer).unwrap();
    assert_eq!(open(&path, &options(None)).err().unwrap()[0].code, Code::DamagedFile);
    fs::write(&path, gzip(&longer)).unwrap();
    let all = read_path(&path, &options(None)).unwrap();
    assert_eq!((all.rows.len(), all.faults[0].code), (3, Code::DamagedFile));
}

#[test]
fn headers_that_promise_the_impossible_are_told_before_memory_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.idx");
    let code = |bytes: Vec<u8>| {
        fs::write(&path, bytes).unwrap();
        open(&path, &options(None)).err().unwrap()[0].code
    };
    assert_eq!(code(idx(U8, &[1, u32::MAX, u32::MAX], &[0])), Code::RowTooLarge);
    assert_eq!(code(idx(U8, &[1, u32::MAX, u32::MAX, u32::MAX, u32::MAX], &[0])), Code::RowTooLarge);
    assert_eq!(code(idx(U8, &[1, 0, 5], &[])), Code::RowTooLarge);
    assert_eq!(code(gzip(&idx(0x0e, &[u32::MAX, 1 << 26], &[0]))), Code::RowTooLarge);
    assert_eq!(code(idx(U8, &[u32::MAX, 1 << 20], &[0])), Code::DamagedFile);
    assert_eq!(code(idx(0x0a, &[1], &[0])), Code::DamagedFile);
    assert_eq!(code(vec![0, 0, U8, 0]), Code::DamagedFile);
    assert_eq!(code(idx(U8, &[1; 9], &[0])), Code::DamagedFile);
    assert_eq!(code(vec![1, 0, U8, 1, 0, 0, 0, 0]), Code::DamagedFile);
    let limits = Limits { row_bytes: 3, ..Limits::default() };
    fs::write(&path, idx(U8, &[1, 4], &[0; 4])).unwrap();
    let found = open(&path, &SourceOptions { limits, ..options(None) }).err().unwrap();
    assert_eq!((found[0].code, place(&found[0])), (Code::RowTooLarge, path.display().to_string()));
}

#[test]
fn labels_must_match_and_be_there_if_they_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (images, labels) = (folder.path().join("images"), folder.path().join("given"));
    fs::write(&images, idx(U8, &[2, 1, 1], &[1, 2])).unwrap();
    let code = |bytes: &[u8]| {
        fs::write(&labels, bytes).unwrap();
        open(&images, &options(Some(&labels))).err().map(|found| found[0].code)
    };
    assert_eq!(code(&idx(U8, &[2], &[1, 2])), None);
    assert_eq!(code(&idx(U8, &[3], &[1, 2, 3])), Some(Code::LabelsMismatch));
    assert_eq!(code(&idx(U8, &[2, 1], &[1, 2])), Some(Code::LabelsMismatch));
    assert_eq!(code(b"no"), Some(Code::DamagedFile));
    fs::remove_file(&labels).unwrap();
    assert_eq!(open(&images, &options(Some(&labels))).err().unwrap()[0].code, Code::UnreadableFile);
    let all = read_path(&images, &options(None)).unwrap();
    assert_eq!(all.columns, ["image"]);
}
