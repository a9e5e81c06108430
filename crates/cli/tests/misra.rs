//! Emitted C deviates from no rule of MISRA C:2012 but those that docs/MISRA.md lists.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{BUILD, digits, run};

/// The source without the numbers of its constants, which would take the checker minutes.
fn without_constants(source: &str) -> String {
    let mut text = String::new();
    let mut rest = source;
    while let Some(begin) = rest.find("] = {") {
        let end = begin + rest[begin..].find("};").expect("a list ends");
        text += &rest[..begin];
        text += "] = { 0 };";
        rest = &rest[end + 2..];
    }
    text + rest
}

/// The rules that a source in a folder breaks.
fn broken(folder: &Path, file: &str) -> BTreeSet<String> {
    let checked = Command::new("cppcheck")
        .current_dir(folder)
        .args(["--addon=misra", "--std=c99", "--enable=warning,performance", "--suppress=missingIncludeSystem"])
        .args(["--template={id} {line} {message}", file])
        .output()
        .expect("cppcheck runs; `cargo xtask setup`");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
    let ids = said.lines().filter_map(|line| line.split(' ').next()).filter(|id| !id.is_empty());
    ids.map(|id| id.trim_start_matches("misra-c2012-").to_owned()).collect()
}

#[test]
fn emitted_c_breaks_no_rule_of_misra_but_the_listed_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/MISRA.md")).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    let listed: BTreeSet<String> = rows.filter(|rule| rule.contains('.')).map(str::to_owned).collect();
    let folder = digits(1);
    let here = folder.path();
    let manifest = fs::read_to_string(here.join("Tacit.toml")).unwrap();
    let mut found = BTreeSet::new();
    for precision in ["f32", "int8"] {
        let with_precision = manifest.replace("[program]", &format!("[program]\nprecision = \"{precision}\""));
        fs::write(here.join("Tacit.toml"), with_precision).unwrap();
        let (code, _, err) = run(here, BUILD);
        assert!(code <= 1, "{err}");
        for lanes in ["4", "16"] {
            let output = format!("{precision}-{lanes}");
            let (code, _, err) = run(here, &["emit", "c", "digits.tacit", "--lanes", lanes, "--output", &output]);
            assert_eq!(code, 0, "{err}");
            let source = here.join(&output).join("digits.c");
            fs::write(&source, without_constants(&fs::read_to_string(&source).unwrap())).unwrap();
            found.extend(broken(&here.join(&output), "digits.c"));
        }
    }
    let others: Vec<&String> = found.difference(&listed).collect();
    assert!(others.is_empty(), "rules that docs/MISRA.md does not list: {others:?}");
    let kept: Vec<&String> = listed.difference(&found).collect();
    assert!(kept.is_empty(), "rules that are kept are listed: {kept:?}");
}
