use std::fs;
use std::path::Path;

use tacit_data::source::{Cell, SourceKind, SourceOptions, open, sniff};
use tacit_spec::Code;

use crate::support::{All, picture, place, png, read_path, text};

/// A folder with a picture of another height under each name; other files hold a few letters.
fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (index, name) in names.iter().enumerate() {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let is_picture = name.ends_with(".png") || name.ends_with(".JPG");
        fs::write(path, if is_picture { png(&picture(index + 1, 2, 1)) } else { b"abc".to_vec() }).unwrap();
    }
    folder
}

fn read(folder: &Path) -> All {
    read_path(folder, &SourceOptions::default()).unwrap()
}

/// The rows without their pictures, and the heights of these.
fn shown(all: &All) -> Vec<(usize, Vec<String>)> {
    let row = |row: &Vec<Cell>| {
        let Cell::Image(picture) = &row[0] else { panic!("{row:?}") };
        (picture.height, row[1..].iter().map(|cell| cell.as_text().unwrap().into_owned()).collect())
    };
    all.rows.iter().map(row).collect()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn folders_give_labels_in_the_order_of_bytes() {
    let folder =
        folder(&["dog/b.png", "cat/10.png", "cat/9.JPG", "Zebra/deep/er/x.png", ".git/x", "cat/.hidden", "dog/é.png"]);
    let all = read(folder.path());
    assert_eq!(all.columns, ["image", "label", "file"]);
    let expected = [
        (4, strings(&["Zebra", "Zebra/deep/er/x.png"])),
        (2, strings(&["cat", "cat/10.png"])),
        (3, strings(&["cat", "cat/9.JPG"])),
        (1, strings(&["dog", "dog/b.png"])),
        (7, strings(&["dog", "dog/é.png"])),
    ];
    assert_eq!(shown(&all), expected);
    assert!(all.faults.is_empty());
    let sniffed = sniff::sniff(folder.path()).unwrap();
    assert_eq!((sniffed.kind, sniffed.columns), (SourceKind::ImageFolder, all.columns));
}

#[test]
fn parts_of_a_split_are_known_by_their_names() {
    let split = folder(&["Train/cat/a.png", "val/cat/b.png", "testing/dog/c.png"]);
    let all = read(split.path());
    assert_eq!(all.columns, ["image", "label", "file", "part"]);
    let expected = [
        (1, strings(&["cat", "Train/cat/a.png", "training"])),
        (3, strings(&["dog", "testing/dog/c.png", "test"])),
        (2, strings(&["cat", "val/cat/b.png", "validation"])),
    ];
    assert_eq!(shown(&all), expected);
    let unlabelled = folder(&["train/a.png", "test/b.png"]);
    let all = read(unlabelled.path());
    assert_eq!(all.columns, ["image", "file", "part"]);
    assert_eq!(shown(&all), [(2, strings(&["test/b.png", "test"])), (1, strings(&["train/a.png", "training"]))]);
    // Beside a folder of another name, they are labels.
    let vehicles = folder(&["train/a.png", "car/b.png"]);
    assert_eq!(read(vehicles.path()).columns, ["image", "label", "file"]);
}

#[test]
fn pictures_without_folders_have_no_label() {
    let flat = folder(&["b.png", "a.png"]);
    let all = read(flat.path());
    assert_eq!(
        (all.columns.clone(), shown(&all)),
        (strings(&["image", "file"]), vec![(2, strings(&["a.png"])), (1, strings(&["b.png"]))])
    );
}

#[test]
fn files_that_are_no_examples_are_faults_of_their_own_row() {
    let folder = folder(&["cat/a.png", "cat/notes.txt", "stray.png", "dog/b.png", "README"]);
    fs::write(folder.path().join("dog/broken.png"), b"not a picture").unwrap();
    let all = read(folder.path());
    assert_eq!(shown(&all).len(), 2);
    let name = |path: &str| folder.path().join(path).display().to_string();
    let seen: Vec<(Code, String)> = all.faults.iter().map(|fault| (fault.code, place(&fault.diagnostic()))).collect();
    let expected = [
        (Code::StrayFile, name("README")),
        (Code::StrayFile, name("cat/notes.txt")),
        (Code::BadPicture, name("dog/broken.png")),
        (Code::NoLabelFolder, name("stray.png")),
    ];
    assert_eq!(seen, expected);
    assert!(all.faults.iter().all(|fault| !fault.fatal && fault.raw.is_none()));
}

#[test]
fn the_hash_covers_names_and_bytes_of_all_files_also_if_reading_stops_early() {
    let names = ["cat/a.png", "dog/b.png", "notes"];
    let first = folder(&names);
    let hash = |folder: &Path| open(folder, &SourceOptions::default()).unwrap().finish().unwrap().hash;
    let expected = read(first.path()).summary;
    assert_eq!(hash(first.path()), expected.hash);
    assert_eq!(hash(folder(&names).path()), expected.hash, "the folder's own name is no part of it");
    let mut hasher = blake3::Hasher::new();
    let mut bytes = 0;
    for name in names {
        let content = fs::read(first.path().join(name)).unwrap();
        bytes += content.len() as u64;
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        hasher.update(blake3::hash(&content).as_bytes());
    }
    assert_eq!((expected.hash.as_str(), expected.bytes), (hasher.finalize().to_hex().as_str(), bytes));
    fs::write(first.path().join("notes"), b"abd").unwrap();
    assert_ne!(hash(first.path()), expected.hash);
    assert_ne!(hash(folder(&["cat/a.png", "dog/c.png", "notes"]).path()), expected.hash);
}

#[test]
fn a_folder_without_pictures_and_one_that_is_not_there_are_told() {
    let empty = folder(&["a/notes.txt"]);
    assert_eq!(open(empty.path(), &SourceOptions::default()).err().unwrap()[0].code, Code::NoRows);
    let gone = empty.path().join("gone");
    for kind in [None, Some(SourceKind::ImageFolder)] {
        let options = SourceOptions { kind, ..SourceOptions::default() };
        assert_eq!(open(&gone, &options).err().unwrap()[0].code, Code::UnreadableFile);
    }
}

#[cfg(unix)]
#[test]
fn links_to_files_are_followed_and_links_that_lead_to_a_folder_twice_are_errors() {
    use std::os::unix::fs::symlink;
    let other = folder(&["a.png"]);
    let linked = folder(&["cat/b.png"]);
    symlink(other.path().join("a.png"), linked.path().join("cat/a.png")).unwrap();
    symlink(other.path(), linked.path().join("dog")).unwrap();
    let expected =
        [(1, strings(&["cat", "cat/a.png"])), (1, strings(&["cat", "cat/b.png"])), (1, strings(&["dog", "dog/a.png"]))];
    assert_eq!(shown(&read(linked.path())), expected);
    symlink(linked.path().join("nowhere"), linked.path().join("cat/c.png")).unwrap();
    let all = read(linked.path());
    assert_eq!((all.rows.len(), all.faults[0].code), (3, Code::UnreadableFile));
    for target in [linked.path().to_owned(), linked.path().join("cat"), other.path().to_owned()] {
        let link = linked.path().join("cat/more");
        symlink(target, &link).unwrap();
        let found = open(linked.path(), &SourceOptions::default()).err().unwrap();
        assert_eq!(found[0].code, Code::FolderTwice, "{found:?}");
        fs::remove_file(link).unwrap();
    }
    assert_eq!(text("cat"), read(linked.path()).rows[0][1]);
}
