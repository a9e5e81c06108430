use crate::support::*;

#[test]
fn malformed_tables_are_refused() {
    assert_all(&cases());
}

pub fn cases() -> Vec<Case> {
    [csv_cut(), csv_as_a_whole(), json_cut(), json_as_a_whole(), garbled_tables()].concat()
}

fn csv(what: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Case {
    Case::new(what, vec![("Tacit.toml", MANIFEST.into()), ("t.csv", bytes.into())], &["check"])
}

fn json(what: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Case {
    let manifest = MANIFEST.replace("t.csv", "t.jsonl");
    Case::new(what, vec![("Tacit.toml", manifest.into_bytes()), ("t.jsonl", bytes.into())], &["check"])
}

/// Twenty rows as JSON lines.
fn lines() -> String {
    let row = |row: usize| format!("{{\"x\": {}.5, \"y\": \"{}\"}}\n", row * 7 % 20, ["cat", "dog"][row % 2]);
    (0..20).map(row).collect()
}

/// Cut inside a row: a cell is missing, or a label is not whole.
fn csv_cut() -> Vec<Case> {
    let table = table();
    let at_row = |at: &usize| table[..*at].ends_with('\n') || table[*at..].starts_with('\n');
    let places = cuts(table.len(), 60).into_iter().filter(|at| !at_row(at));
    places.map(|at| csv(format!("cut at {at}"), &table[..at])).collect()
}

fn csv_as_a_whole() -> Vec<Case> {
    let table = table();
    let wide = |bytes: fn(u16) -> [u8; 2]| table.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let latin: Vec<u8> = table.replace("x,", "%,").bytes().map(|b| if b == b'%' { 0xe9 } else { b }).collect();
    let rows = |text: &str| format!("x,y\n{text}\n");
    vec![
        csv("empty", ""),
        csv("line ends alone", "\n\r\n\r"),
        csv("a mark alone", "\u{feff}"),
        csv("a header alone", "x,y\n"),
        csv("one row", rows("1,cat")),
        csv("two rows", rows("1,cat\n2,dog")),
        csv("one class", rows(&"1,cat\n".repeat(20))),
        csv(
            "one column",
            table.lines().map(|line| format!("{}\n", line.split(',').next().unwrap())).collect::<String>(),
        ),
        csv("no header", table.split_once('\n').unwrap().1),
        csv("a header twice", table.replacen("x,y", "x,x", 1)),
        csv("an empty header", table.replacen("x,y", ",", 1)),
        csv("other delimiters", table.replace(',', ";")),
        csv("a cell too many", rows("1,cat,3")),
        csv("text for a number", table.replace("7.5", "seven")),
        csv("decimal commas", table.replace("7.5", "\"7,5\"")),
        csv("not a number", table.replace("7.5", "nan")),
        csv("infinity", table.replace("7.5", "-inf")),
        csv("beyond 32 bits", table.replace("7.5", "1e39")),
        csv("an empty cell", table.replace("7.5", "")),
        csv("an empty label", table.replacen("cat", "", 1)),
        csv("a misspelt label", table.replacen("cat", "Cat", 1)),
        csv("an open quote", table.replacen("cat", "\"cat", 1)),
        csv("text behind a quote", table.replacen("cat", "\"cat\"s", 1)),
        csv("little-endian UTF-16", [&[0xff, 0xfe][..], &wide(u16::to_le_bytes)].concat()),
        csv("big-endian UTF-16", [&[0xfe, 0xff][..], &wide(u16::to_be_bytes)].concat()),
        csv("UTF-16 without a mark", wide(u16::to_le_bytes)),
        csv("Latin-1", latin),
        csv("zero bytes", vec![0; 1000]),
        csv("a zero byte in a label", table.replacen("cat", "ca\0t", 1)),
        csv("an escape sequence", table.replacen("cat", "\u{1b}[31mcat", 1)),
        csv("a workbook", b"PK\x03\x04\x14\0\x06\0".to_vec()),
        csv("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        csv("Parquet", b"PAR1 and no more".to_vec()),
        csv("gzip cut off", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
        csv("gzip garbled", [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0x55; 50]].concat()),
        csv("HTML", "<!doctype html>\n<html>\n<body>404, not found</body>\n"),
        csv("a million columns and more", ",".repeat(1_100_000)),
        csv("a line of 65 MiB", [b"x,y\n".as_slice(), &vec![b'7'; 65 << 20]].concat()),
        csv("a quote that swallows 65 MiB", [b"x,y\n\"".as_slice(), &vec![b'\n'; 65 << 20]].concat()),
        csv("a folder", table.as_bytes()).in_folder("t.csv", "t.csv/inside.csv"),
        csv("nothing there", "").in_folder("t.csv", "u.csv"),
    ]
}

fn json_cut() -> Vec<Case> {
    let lines = lines();
    let at_row = |at: &usize| lines[..*at].ends_with('\n') || lines[*at..].starts_with('\n');
    // Cut at 0 it is empty, which is a case of its own.
    let places = cuts(lines.len(), 40).into_iter().filter(|at| *at > 0 && !at_row(at));
    places.map(|at| json(format!("JSON cut at {at}"), &lines[..at])).collect()
}

fn json_as_a_whole() -> Vec<Case> {
    let lines = lines();
    let first = |from: &str, to: &str| lines.replacen(from, to, 1);
    vec![
        json("no JSON", ""),
        json("one list", format!("[{}]", lines.trim_end().replace('\n', ",\n"))),
        json("one object over lines", first(", ", ",\n")),
        json("numbers alone", "1\n2\n"),
        json("an empty object", "{}\n"),
        json("CSV in it", table()),
        json("a value twice", first("\"y\"", "\"x\"")),
        json("another key", format!("{lines}{{\"x\": 1, \"y\": \"cat\", \"z\": 2}}\n")),
        json("an object in a cell", first("0.5", "{\"a\": 1}")),
        json("a list in a cell", first("0.5", "[1, 2]")),
        json("mixed lists", first("0.5", "[1, \"a\"]")),
        json("a text for a number", first("0.5", "\"half\"")),
        json("a number beyond all", first("0.5", "1e999")),
        json("a number beyond 32 bits", first("0.5", "1e39")),
        json("NaN", first("0.5", "NaN")),
        json("null", first("0.5", "null")),
        json("a label of another type", first("\"cat\"", "true")),
        json("a deep list", first("0.5", &"[".repeat(10_000))),
        json("half a character", [lines.as_bytes(), b"{\"x\": 1, \"y\": \"\xc3\"}\n"].concat()),
        json("half a surrogate", first("cat", "\\ud800")),
        json("a zero in a text", first("cat", "c\\u0000at")),
        json("an escape sequence in a key", first("\"y\"", "\"\\u001b[31my\"")),
        json("a line of 65 MiB", [lines.as_bytes(), &vec![b' '; 65 << 20], b"x"].concat()),
    ]
}

/// A few bytes changed at random may be of no consequence, such as a digit for another.
fn garbled_tables() -> Vec<Case> {
    let csvs = (0..20).map(|seed| csv(format!("garbled by {seed}"), garbled(table().as_bytes(), seed)));
    let jsons = (0..20).map(|seed| json(format!("JSON garbled by {seed}"), garbled(lines().as_bytes(), seed)));
    csvs.chain(jsons).map(|case| case.outcome(Outcome::Either)).collect()
}

impl Case {
    /// One file under another name.
    fn in_folder(mut self, from: &str, to: &str) -> Case {
        self.files.iter_mut().filter(|(name, _)| name == from).for_each(|(name, _)| *name = to.to_owned());
        self
    }
}
