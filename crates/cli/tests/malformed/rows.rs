//! Rows that a finished program cannot answer.

use crate::support::*;

#[test]
fn malformed_rows_are_told() {
    assert_all(&cases());
}

pub fn cases() -> Vec<Case> {
    let run = |what: &str, name: &str, bytes: &[u8]| {
        let files = vec![("p.tacit", program().to_vec()), (name, bytes.to_vec())];
        Case::new(what, files, &["run", "p.tacit", name])
    };
    let streamed = |what: &str, bytes: &[u8], flags: &[&str]| {
        let arguments = [&["run", "p.tacit"][..], flags].concat();
        Case::new(what, vec![("p.tacit", program().to_vec())], &arguments).stdin(bytes)
    };
    let wide: Vec<u8> = table().encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        run("empty", "r.csv", b""),
        run("another column", "r.csv", b"z\n1\n"),
        run("a text", "r.csv", b"x\n1\ntwo\n3\n"),
        run("an empty cell", "r.csv", b"x,z\n,1\n"),
        run("a row too long", "r.csv", b"x\n1,2\n"),
        run("an open quote", "r.csv", b"x\n\"1\n2\n"),
        run("bytes that are not UTF-8", "r.csv", b"x\n\xff\n"),
        run("UTF-16", "r.csv", &[&[0xff, 0xfe][..], &wide].concat()),
        run("infinity", "r.csv", b"x\ninf\n"),
        run("no JSON", "r.jsonl", b"{\"x\": 1}\n{\"x\": }\n"),
        run("JSON without the input", "r.jsonl", b"{\"z\": 1}\n"),
        run("a list", "r.jsonl", b"{\"x\": [1, 2]}\n"),
        run("a picture", "r.png", b"\x89PNG\r\n\x1a\n"),
        run("a workbook", "r.xlsx", b"PK\x03\x04"),
        run("gzip cut off", "r.csv.gz", &[0x1f, 0x8b, 8, 0, 0, 0]),
        run("an empty folder", "r/", b""),
        streamed("an empty stream", b"", &[]),
        streamed("a stream of JSON that is none", b"what\n", &["--json"]),
        streamed("a stream of another table", b"a,b\n1,2\n", &["-"]),
        streamed("a stream of zero bytes", &[0; 100], &[]),
        streamed("rows that are not there", b"", &["none.csv"]),
        streamed("a program for rows", b"", &["p.tacit"]),
    ]
}
