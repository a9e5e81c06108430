//! Data that `tacit new` cannot make a manifest of.

use crate::support::*;

#[test]
fn malformed_sources_for_a_new_manifest_are_refused() {
    assert_all(&cases());
}

pub fn cases() -> Vec<Case> {
    let table = table();
    let new = |what: &str, bytes: &[u8], arguments: &[&str]| {
        let arguments = [&["new", "t.csv", "--yes"][..], arguments].concat();
        Case::new(what, vec![("t.csv", bytes.to_vec())], &arguments)
    };
    let y = &["--target", "y"][..];
    let utf16: Vec<u8> = table.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut cases = vec![
        new("empty", b"", y),
        new("white space", b"\n \n", y),
        new("a header alone", b"x,y\n", y),
        new("one column", b"y\n1\n2\n", y),
        new("one row", b"x,y\n1,cat\n", y),
        new("one class", format!("x,y\n{}", "1,cat\n".repeat(20)).as_bytes(), y),
        new("a header twice", b"y,y\n1,2\n2,1\n3,4\n4,3\n", y),
        new("an open quote", table.replacen("cat", "\"cat", 1).as_bytes(), y),
        new("UTF-16", &[&[0xff, 0xfe][..], &utf16].concat(), y),
        new("UTF-16 without a mark", &utf16, y),
        new("Latin-1", b"x,y\n1,caf\xe9\n2,dog\n3,caf\xe9\n4,dog\n", y),
        new("zero bytes", &[0; 500], y),
        new("a workbook", b"PK\x03\x04\x14\0", y),
        new("gzip cut off", &[0x1f, 0x8b, 8, 0, 0, 0], y),
        new("a picture", b"\x89PNG\r\n\x1a\n", y),
        new("no such column", table.as_bytes(), &["--target", "z"]),
        new("a column of no such number", table.as_bytes(), &["--target", "99"]),
        new("a target twice", table.as_bytes(), &["--target", "y", "--target", "y"]),
        new("a test file that is not there", table.as_bytes(), &["--target", "y", "--test", "none.csv"]),
        new("a name that cannot be used", table.as_bytes(), &["--target", "y", "--name", "Ä/b"]),
        new("a folder for output", table.as_bytes(), &["--target", "y", "-o", "t.csv/out"]),
        Case::new("no source", vec![], &["new", "none.csv", "--yes"]),
        Case::new("no source named", vec![], &["new", "--yes"]),
        Case::new("an empty folder", vec![("pets/", vec![])], &["new", "pets", "--yes"]),
        Case::new("a manifest that is there", sound(), &["new", "t.csv", "--yes", "--target", "y"]),
    ];
    cases.extend((0..15).map(|seed| {
        let what = format!("garbled by {seed}");
        new(&what, &garbled(table.as_bytes(), seed), y).outcome(Outcome::Either)
    }));
    cases
}
