use tacit_spec::keys::TABLES;

use crate::support::*;

#[test]
fn malformed_manifests_are_refused() {
    assert_all(&cases());
}

pub fn cases() -> Vec<Case> {
    [cut(), without_marks(), of_wrong_types(), absurd(), encoded(), at_odds(), built()].concat()
}

fn check(what: String, manifest: impl Into<Vec<u8>>) -> Case {
    Case::new(what, vec![("Tacit.toml", manifest.into()), ("t.csv", table().into_bytes())], &["check"])
}

/// Every part of the manifest is needed, so that none of its beginnings is one.
fn cut() -> Vec<Case> {
    let length = MANIFEST.trim_end().len();
    cuts(length, 60).into_iter().map(|at| check(format!("cut at {at}"), &MANIFEST[..at])).collect()
}

/// Without any of the marks that TOML is made of.
fn without_marks() -> Vec<Case> {
    let marks = MANIFEST.char_indices().filter(|(_, mark)| "[]=\".".contains(*mark)).map(|(at, _)| at);
    let inside_a_text = |at: &usize| MANIFEST[..*at].ends_with("t") && MANIFEST[*at..].starts_with(".csv");
    marks
        .filter(|at| !inside_a_text(at))
        .map(|at| check(format!("without the mark at {at}"), format!("{}{}", &MANIFEST[..at], &MANIFEST[at + 1..])))
        .collect()
}

/// The manifest with one key set to a value, wherever it stands.
fn with(header: &str, key: &str, value: &str) -> String {
    let line = format!("{key} = {value}");
    let header = match header {
        "the manifest" => return format!("{line}\n{MANIFEST}"),
        "split" => return with("[data]", "split", &format!("{{ {line} }}")),
        "[input.NAME]" => "[input.x]",
        "[output.NAME]" => "[output.y]",
        other => other,
    };
    if !MANIFEST.contains(header) {
        return format!("{MANIFEST}{header}\n{line}\n");
    }
    let (before, after) = MANIFEST.split_once(header).unwrap();
    let (table, rest) = after.split_at(after.find("\n[").map_or(after.len(), |at| at + 1));
    let others = table.lines().filter(|other| !other.starts_with(&format!("{key} ="))).collect::<Vec<_>>();
    format!("{before}{header}{}\n{line}\n{rest}", others.join("\n"))
}

/// No key takes a date, and none a number beyond all numbers.
fn of_wrong_types() -> Vec<Case> {
    let keys = TABLES.iter().flat_map(|table| table.keys.iter().map(|key| (table.header, key.name)));
    let one = |(header, key): (&str, &str)| {
        ["1979-05-27", "-9e999"].map(|value| check(format!("{header}: {key} = {value}"), with(header, key, value)))
    };
    keys.flat_map(one).collect()
}

/// Numbers that are in their range, and far beyond what anybody means: the program may be too large, and then it is told.
fn absurd() -> Vec<Case> {
    let number =
        MANIFEST.replace("type = \"category\"\nclasses = [\"cat\", \"dog\"]", "type = \"number\"\ncolumn = \"x2\"");
    let data: String = "x,x2\n".to_owned() + &(0..20).map(|row| format!("{row},{row}\n")).collect::<String>();
    let search = |key: &str, value: &str| with("[search]", key, value);
    let layers = |layers: &str| MANIFEST.replace("preset = \"linear\"", &format!("layers = [{layers}]"));
    let residual = |depth: usize| format!("{}\"relu\"{}", "{ residual = [".repeat(depth), "] }".repeat(depth));
    let manifests = [
        search("epochs", "1048576"),
        search("batch", "1048576"),
        search("epochs", "1048576").replace("[search]", "[search]\nbatch = 1"),
        search("learning-rate", "1e308"),
        search("learning-rate", "5e-324"),
        search("weight-decay", "1e308"),
        search("warmup", "1099511627776"),
        search("clip", "5e-324"),
        search("patience", "1048576"),
        search("average", "0.9999999999999999"),
        with("[program]", "seed", "9223372036854775807"),
        with("[data]", "memory", "16777216"),
        with("split", "validation", "1e-300"),
        with("split", "test", "0.9999999999"),
        with("split", "seed", "9223372036854775807"),
        with("[input.NAME]", "bins", "1024"),
        with("[input.NAME]", "missing", "1e308"),
        with("[output.NAME]", "weight", "1e308"),
        with("[output.NAME]", "weight", "5e-324"),
        with("[skeleton]", "members", "1024"),
        layers("\"dense 1048576\""),
        layers("\"dense 1048576\", \"dense 1048576\""),
        layers("\"dense 1048576 groups 1048576\""),
        layers("\"dropout 0.9999999999999999\""),
        layers(&vec!["\"relu\""; 1000].join(", ")),
        layers(&vec!["\"dense 4\""; 1000].join(", ")),
        layers(&residual(8)),
    ];
    let mut cases: Vec<Case> =
        manifests.into_iter().map(|text| check(text.clone(), text).outcome(Outcome::Either)).collect();
    for (key, value) in [("minimise", "\"huber\"\ndelta = 5e-324"), ("minimise", "\"huber\"\ndelta = 1e308")] {
        let text = format!("{number}[goal]\n{key} = {value}\n");
        let files = vec![("Tacit.toml", text.clone().into_bytes()), ("t.csv", data.clone().into_bytes())];
        cases.push(Case::new(text, files, &["check"]).outcome(Outcome::Either));
    }
    cases
}

fn encoded() -> Vec<Case> {
    let wide = |bytes: fn(u16) -> [u8; 2]| MANIFEST.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let latin: Vec<u8> = MANIFEST.replace("tiny", "t%y").bytes().map(|b| if b == b'%' { 0xe9 } else { b }).collect();
    vec![
        check("empty".into(), ""),
        check("white space".into(), " \n\t\n"),
        check("a mark alone".into(), "\u{feff}"),
        check("little-endian UTF-16".into(), [&[0xff, 0xfe][..], &wide(u16::to_le_bytes)].concat()),
        check("big-endian UTF-16".into(), [&[0xfe, 0xff][..], &wide(u16::to_be_bytes)].concat()),
        check("UTF-16 without a mark".into(), wide(u16::to_le_bytes)),
        check("Latin-1".into(), latin),
        check("a zero byte".into(), MANIFEST.replace("tiny", "ti\0ny")),
        check("an escape sequence".into(), MANIFEST.replace("tiny", "ti\u{1b}[31mny")),
        check("an escaped escape sequence".into(), MANIFEST.replace("tiny", "ti\\u001b[31mny")),
        check("an escape sequence in a key".into(), MANIFEST.replace("name", "\"na\\u001b[31mme\"")),
        check("text turned around".into(), MANIFEST.replace("tiny", "\u{202e}tiny")),
        check("brackets".into(), "[".repeat(20_000)),
        check("a deep list".into(), format!("a = {}", "[".repeat(20_000))),
        check("dots".into(), "a.".repeat(20_000)),
        check("many tables".into(), (0..20_000).map(|k| format!("[input.a{k}]\n")).collect::<String>()),
        check("many keys".into(), (0..50_000).map(|k| format!("k{k} = 1\n")).collect::<String>()),
        check("a picture".into(), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        check("two megabytes".into(), "# long\n".repeat(300_000)),
    ]
}

/// Each key is right by itself, and they do not go together.
fn at_odds() -> Vec<Case> {
    let more = |text: &str| format!("{MANIFEST}{text}\n");
    let texts = [
        MANIFEST.replace("[output.y]", "[output.x]"),
        MANIFEST.replace("source = \"t.csv\"", "source = \"none.csv\""),
        MANIFEST.replace("source = \"t.csv\"", "source = \".\""),
        MANIFEST.replace("source = \"t.csv\"", "source = \"Tacit.toml\""),
        MANIFEST.replace("source = \"t.csv\"", "source = \"t.csv\"\ntest = \"t.xlsx\""),
        MANIFEST.replace("source = \"t.csv\"", "source = \"t.csv\"\ncolumns = [\"a\", \"b\", \"c\"]"),
        MANIFEST.replace("source = \"t.csv\"", "source = \"t.csv\"\ndelimiter = \";\""),
        MANIFEST.replace("source = \"t.csv\"", "source = \"t.csv\"\nsplit = { time = \"y\" }"),
        MANIFEST.replace("source = \"t.csv\"", "source = \"t.csv\"\nsplit = { column = \"y\" }"),
        MANIFEST.replace("source = \"t.csv\"", "source = \"t.csv\"\nsplit = { by = \"z\" }"),
        MANIFEST.replace("[\"cat\", \"dog\"]", "[\"cat\", \"cow\"]"),
        MANIFEST.replace("[\"cat\", \"dog\"]", "[\"cat\", \"dog\", \"cow\"]"),
        MANIFEST.replace("\"linear\"", "\"convnet\""),
        MANIFEST.replace("\"linear\"", "\"autoencoder\""),
        MANIFEST.replace("type = \"number\"", "type = \"date\""),
        MANIFEST.replace("type = \"number\"", "type = \"ordinal\"\nlevels = [\"a\", \"b\"]"),
        MANIFEST.replace("type = \"number\"", "type = \"vector\"\ncolumns = \"x*\"\nsize = 2"),
        MANIFEST.replace("type = \"number\"", "type = \"vector\"\ncolumns = \"*\"\nsize = 2"),
        MANIFEST.replace("type = \"number\"", "type = \"image\"\nsize = [1, 1]"),
        MANIFEST.replace("type = \"number\"", "type = \"image\"\ncolumns = \"x\"\nsize = [1, 1]\nscale = 5"),
        more("[goal]\nminimise = \"huber\""),
        more("[augment]\nflip = true"),
        more("[[require]]\nmetric = \"accuracy\"\nat_least = 0.9\nwhere = \"z = 1\""),
        more("[[require]]\nmetric = \"accuracy\"\nat_least = 0.9\nwhere = \"x > 1000\""),
        more("[[require]]\nmetric = \"accuracy\"\nat_least = 0.9\nwhere = \"y > 1\""),
        more("[[require]]\nmetric = \"accuracy\"\nat_most = 0.1\ngap = \"z\""),
        more("[[require]]\nmetric = \"recall\"\nclass = \"cow\"\nat_least = 0.9"),
        more("[[require]]\nmetric = \"mae\"\nat_most = 0.9"),
        more("[require]\nmetric = \"accuracy\"\nat_least = 0.9"),
    ];
    texts.into_iter().map(|text| check(text.clone(), text)).collect()
}

/// What only a search finds out.
fn built() -> Vec<Case> {
    let build = |text: String| {
        let files = vec![("Tacit.toml", text.clone().into_bytes()), ("t.csv", table().into_bytes())];
        Case::new(text, files, &["build", "--no-report", "--no-baselines"])
    };
    let search = |keys: &str| format!("{MANIFEST}[search]\n{keys}\n");
    vec![
        build(search("epochs = 2\nlearning-rate = 1e30\nclip = 1e30")),
        build(search("epochs = 2\nlearning-rate = 1e308")),
        build(search("epochs = 1048576\nbatch = 1048576").replace("preset = \"linear\"", "layers = [\"dense 65536\"]")),
        build(search("epochs = 1\nweight-decay = 1e308")),
        build(format!("{MANIFEST}[baseline]\ncommand = [\"no-such-program\"]\n[search]\nepochs = 1\n"))
            .with_flag("--baseline"),
        build(search("epochs = 1")).with_flag("--baseline"),
    ]
}

impl Case {
    fn with_flag(mut self, flag: &str) -> Case {
        self.arguments.push(flag.to_owned());
        self
    }
}
