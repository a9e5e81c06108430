use std::collections::BTreeSet;

use tacit_data::{Dataset, Part, TargetValues, split};
use tacit_spec::Code;

use crate::support::*;

const IO: &str = "[input.x]\ntype = \"number\"\n[output.y]\ntype = \"number\"";

/// The values of `x` of some rows.
fn of(dataset: &Dataset, rows: &[usize]) -> Vec<f32> {
    let all = values(&dataset.inputs[0]);
    rows.iter().map(|row| all[*row]).collect()
}

#[test]
fn rows_of_a_group_stay_together() {
    let rows = |row: u32| format!("{row},{row},owner {}\n", row % 12);
    let text = "x,y,owner\n".to_owned() + &(0..120).map(rows).collect::<String>();
    let manifest = table(IO, "split = { by = \"owner\", validation = 0.2, test = 0.3, seed = 5 }");
    let dataset = all_right(read_table(&text, &manifest));
    let parts = parts(&dataset, &manifest);
    let owners = |rows: &[usize]| rows.iter().map(|row| row % 12).collect::<BTreeSet<_>>();
    let [training, validation, test] = Part::ALL.map(|part| owners(parts.rows(part)));
    assert!(training.is_disjoint(&validation) && training.is_disjoint(&test) && validation.is_disjoint(&test));
    // Ten rows a group: 36 and 24 rows were asked for.
    assert!([30, 40].contains(&parts.test.len()) && [20, 30].contains(&parts.validation.len()), "{parts:?}");
    assert_eq!(parts.training.len() + parts.validation.len() + parts.test.len(), 120);
    let other = manifest.replace("seed = 5", "seed = 6");
    assert_ne!(crate::support::parts(&dataset, &other), parts);
}

#[test]
fn the_latest_rows_are_for_the_test() {
    let days = ["2026-03-05", "2026-01-09", "2026-02-01", "2026-01-01", "2025-12-31", "2026-03-04T10:00"];
    let rows: String = days.iter().enumerate().map(|(row, day)| format!("{row},{row},{day}\n")).collect();
    let manifest = table(IO, "split = { time = \"day\", validation = 0.2, test = 0.3 }");
    let dataset = all_right(read_table(&format!("x,y,day\n{rows}"), &manifest));
    let parts = parts(&dataset, &manifest);
    assert_eq!(of(&dataset, &parts.test), [0.0, 5.0]);
    assert_eq!(of(&dataset, &parts.validation), [2.0]);
    assert_eq!(of(&dataset, &parts.training), [1.0, 3.0, 4.0]);
    // Numbers are times too.
    let numbers = all_right(read_table("x,y,day\n1,1,30\n2,2,4\n3,3,1e2\n", &manifest));
    assert_eq!(of(&numbers, &crate::support::parts(&numbers, &manifest).test), [3.0]);
}

#[test]
fn a_column_can_say_the_part_of_each_row() {
    let text = "x,y,part\n1,1,Train\n2,2,test\n3,3,valid\n4,4,training\n";
    let manifest = table(IO, "split = { column = \"part\" }");
    let dataset = all_right(read_table(text, &manifest));
    let parts = parts(&dataset, &manifest);
    assert_eq!((parts.training, parts.validation, parts.test), (vec![0, 3], vec![2], vec![1]));
}

#[test]
fn classes_keep_their_shares_unless_the_manifest_says_otherwise() {
    let text: String = (0..100).map(|row| format!("{row},{}\n", if row < 10 { "rare" } else { "common" })).collect();
    let io = "[input.x]\ntype = \"number\"\n[output.y]\ntype = \"category\"";
    let rare = |keys: &str, seed: u64| {
        let manifest = table(io, &format!("split = {{ validation = 0.2, test = 0.3, seed = {seed}{keys} }}"));
        let dataset = all_right(read_table(&format!("x,y\n{text}"), &manifest));
        parts(&dataset, &manifest).test.iter().filter(|row| **row < 10).count()
    };
    assert!((0..10).all(|seed| rare("", seed) == 3));
    let counts: BTreeSet<usize> = (0..10).map(|seed| rare(", stratify = false", seed)).collect();
    assert!(counts.len() > 2, "{counts:?}");
}

#[test]
fn files_can_hold_the_validation_and_the_test_part() {
    let manifest = table(IO, "validation = \"v.csv\"\ntest = \"sub/t.jsonl\"");
    let folder = Folder::new(&[
        ("t.csv", b"x,y\n1,1\n2,2\n3,3\n"),
        // Columns are found by their names, wherever they stand.
        ("v.csv", b"y,z,x\n40,0,4\n50,0,5\n"),
        ("sub/t.jsonl", b"{\"y\": 60, \"x\": 6}\n"),
    ]);
    let dataset = all_right(folder.read(&specification(&manifest)));
    let parts = parts(&dataset, &manifest);
    assert_eq!(of(&dataset, &parts.training), [1.0, 2.0, 3.0]);
    assert_eq!(of(&dataset, &parts.validation), [4.0, 5.0]);
    assert_eq!(of(&dataset, &parts.test), [6.0]);
    assert_eq!(dataset.targets[0].values, TargetValues::Number(vec![1., 2., 3., 40., 50., 60.]));
    let files: Vec<(Option<Part>, usize)> = dataset.files.iter().map(|file| (file.part, file.rows)).collect();
    assert_eq!(files, [(None, 3), (Some(Part::Validation), 2), (Some(Part::Test), 1)]);
    // A file for the test alone leaves the validation part to be divided off.
    let manifest = table(IO, "test = \"v.csv\"\nsplit = { validation = 0.34 }");
    let dataset = all_right(folder.read(&specification(&manifest)));
    let parts = crate::support::parts(&dataset, &manifest);
    assert_eq!((parts.training.len(), parts.validation.len(), parts.test), (2, 1, vec![3, 4]));
}

#[test]
fn the_hash_of_several_files_tells_their_contents_and_their_parts() {
    let files: [(&str, &[u8]); 2] = [("t.csv", b"x,y\n1,1\n"), ("u.csv", b"x,y\n2,2\n")];
    let hash = |files: &[(&str, &[u8])], data: &str| {
        all_right(Folder::new(files).read(&specification(&table(IO, data)))).hash()
    };
    let usual = hash(&files, "test = \"u.csv\"");
    assert_eq!(usual, hash(&files, "test = \"u.csv\""));
    assert_ne!(usual, hash(&files, "validation = \"u.csv\""));
    assert_ne!(usual, hash(&[files[0], ("u.csv", b"x,y\n2,3\n")], "test = \"u.csv\""));
}

#[test]
fn a_part_that_lacks_what_it_needs_is_told() {
    let anomalies = table(
        "[input.x]\ntype = \"number\"\n[output.y]\ntype = \"anomaly\"\ncolumn = \"y\"\nnormal = \"ok\"",
        "split = { column = \"part\" }",
    )
    .replace("mlp", "autoencoder");
    let one_day = table(IO, "split = { time = \"day\" }");
    for (text, manifest) in [
        ("x,y,part\n1,1,train\n2,2,test\n", table(IO, "split = { column = \"part\" }")),
        ("x,y,part\n1,odd,train\n2,ok,valid\n3,ok,test\n", anomalies),
        ("x,y,day\n1,1,3\n2,2,3\n3,3,3\n4,4,3\n", one_day),
        ("x,y\n1,1\n2,2\n", table(IO, "")),
    ] {
        let dataset = all_right(read_table(text, &manifest));
        let found = split(&dataset, &specification(&manifest)).unwrap_err();
        assert!(found.iter().all(|one| one.code == Code::PartTooSmall && one.help.is_some()), "{found:?}");
    }
}
