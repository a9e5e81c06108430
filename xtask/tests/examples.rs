//! Every example has a manifest that can be read, and a rule program, if it has one, that answers every row.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tacit_spec::Specification;

/// Every folder of the examples that holds a manifest.
fn manifests() -> Vec<PathBuf> {
    fn search(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                search(&path, found);
            } else if path.ends_with("Tacit.toml") {
                found.push(path);
            }
        }
    }
    let mut found = vec![];
    search(&root().join("examples"), &mut found);
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(manifest: &Path) -> Specification {
    let text = std::fs::read_to_string(manifest).unwrap();
    let specification = tacit_spec::parse(&manifest.display().to_string(), &text);
    specification.unwrap_or_else(|errors| panic!("{}: {errors:#?}", manifest.display()))
}

#[test]
fn every_manifest_can_be_read_and_has_a_contract() {
    let manifests = manifests();
    assert!(manifests.len() >= 7, "{manifests:?}");
    for manifest in manifests {
        assert!(!read(&manifest).requirements.is_empty(), "{} requires nothing", manifest.display());
    }
}

#[test]
fn every_example_is_explained() {
    let entries = std::fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    for folder in entries.filter(|path| path.is_dir()) {
        assert!(folder.join("README.md").is_file(), "{} has no README.md", folder.display());
    }
}

/// Rows for the rule program of each example, and what the rules say of them, worked out by hand.
const RULES: [(&str, [(&str, &str); 3]); 5] = [
    (
        "adult",
        [
            (
                r#"{"age": 39, "education_num": 9, "marital_status": "Divorced", "occupation": "Sales", "capital_gain": 8000}"#,
                r#"">50K""#,
            ),
            (
                r#"{"age": 50, "education_num": 13, "marital_status": "Married-civ-spouse", "occupation": "", "capital_gain": 0}"#,
                r#"">50K""#,
            ),
            (
                r#"{"age": 24, "education_num": 13, "marital_status": "Married-civ-spouse", "occupation": "Sales", "capital_gain": 0}"#,
                r#""<=50K""#,
            ),
        ],
    ),
    (
        "california-housing",
        [
            (r#"{"median_income": 2.0, "ocean_proximity": "INLAND"}"#, "110000.0"),
            (r#"{"median_income": 2.0, "ocean_proximity": "NEAR BAY"}"#, "142000.0"),
            (r#"{"median_income": 15.0, "ocean_proximity": "ISLAND"}"#, "500001"),
        ],
    ),
    (
        "titanic",
        [
            (r#"{"Pclass": 1, "Sex": "female", "Age": null, "SibSp": 1, "Parch": 0}"#, "1"),
            (r#"{"Pclass": 3, "Sex": "male", "Age": 4, "SibSp": 3, "Parch": 1}"#, "0"),
            (r#"{"Pclass": 2, "Sex": "male", "Age": 4, "SibSp": 3, "Parch": 1}"#, "1"),
        ],
    ),
    ("wine/red", WINES),
    ("wine/white", WINES),
];

const WINES: [(&str, &str); 3] = [
    (r#"{"alcohol": 10, "volatile_acidity": 0}"#, "6.3"),
    (r#"{"alcohol": 5, "volatile_acidity": 0}"#, "4.8"),
    (r#"{"alcohol": 10, "volatile_acidity": 1}"#, "5.0"),
];

#[test]
fn every_rule_program_answers_every_row_by_its_rules() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `python3`");
        return;
    }
    let mut tried = 0;
    for manifest in manifests() {
        let Some(baseline) = read(&manifest).baseline else { continue };
        let folder = manifest.parent().unwrap();
        let name = folder.strip_prefix(root().join("examples")).unwrap().to_str().unwrap();
        let (_, rows) = RULES.iter().find(|(example, _)| *example == name).unwrap_or_else(|| panic!("rows for {name}"));
        let (program, arguments) = baseline.command.split_first().unwrap();
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        rows.iter().for_each(|(row, _)| writeln!(stdin, "{row}").unwrap());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{name}: {}", output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        let expected: Vec<&str> = rows.iter().map(|(_, answer)| *answer).collect();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{name}");
        tried += 1;
    }
    assert_eq!(tried, RULES.len());
}
