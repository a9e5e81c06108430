//! `tacit new`: what it writes can be checked, and what it refuses is told with a code.

mod common;

use std::fs;
use std::path::Path;

use common::run;
use tempfile::TempDir;

/// A folder with some tables in it.
fn tables() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let rows =
        |count: u64, row: &dyn Fn(u64) -> String| (0..count).map(|number| row(number) + "\n").collect::<String>();
    let noise = |row: u64| (row * 7919 % 101) as f64 / 10.0;
    let of_house = |row: u64| {
        let rooms = 2 + row * 31 % 7;
        let town = ["Rome", "Oslo", ""][(row % 3) as usize];
        format!("{row},{rooms},{town},{},{}", noise(row), 100 * rooms + row * 13 % 40)
    };
    write("houses.csv", "House Nr,rooms,Town,age,price\n".to_owned() + &rows(150, &of_house));
    let of_flower = |row: u64| format!("{};{};{}", noise(row), row % 3, ["lily", "rose"][usize::from(row % 3 > 1)]);
    write("flowers.csv", rows(90, &of_flower));
    write("flowers-more.csv", rows(30, &|row| of_flower(row + 1).replace("rose", "Rose.")));
    let object = |row: u64| format!("{{\"a\": {}, \"b\": {}, \"ok\": {}}}", noise(row), row % 9, row.is_multiple_of(2));
    write("deep/rows.jsonl", rows(60, &object));
    let of_shop =
        |row: u64, delimiter: &str| [&noise(row).to_string(), ["old", "new"][(row % 2) as usize]].join(delimiter);
    write("commas.tsv", "price,state\n".to_owned() + &rows(60, &|row| of_shop(row, ",")));
    write("tabs.tsv", "price\tstate\n".to_owned() + &rows(60, &|row| of_shop(row, "\t")));
    write("tabs-more.csv", "price\tstate\n".to_owned() + &rows(30, &|row| of_shop(row + 1, "\t")));
    write("sensors.csv", "t1,t2\n".to_owned() + &rows(80, &|row| format!("{},{}", noise(row), noise(row + 5) * 2.0)));
    folder
}

/// Runs `tacit new`, which must succeed, and `tacit check` on what it wrote; gives the manifest.
fn written(here: &Path, arguments: &[&str]) -> String {
    let (code, out, err) = run(here, &[&["new", "--force"], arguments].concat());
    assert_eq!(code, 0, "{arguments:?}: {err}");
    let place = out.lines().next().unwrap().strip_prefix("wrote ").unwrap().split_once(": ").unwrap().0;
    let (code, out, err) = run(here, &["check", place]);
    assert_eq!((code, err.as_str()), (0, ""), "{}", fs::read_to_string(here.join(place)).unwrap());
    assert!(out.starts_with(&format!("{place} is right\n")));
    fs::read_to_string(here.join(place)).unwrap()
}

#[test]
fn what_is_written_can_be_checked() {
    let folder = tables();
    let here = folder.path();
    let houses = written(here, &["houses.csv", "--target", "price"]);
    assert!(houses.contains("name = \"houses\"\n") && houses.contains("source = \"houses.csv\"\n"), "{houses}");
    assert!(houses.contains("town = { type = \"category\", column = \"Town\", missing = \"label\" }"), "{houses}");
    assert!(
        houses.contains("# house-nr = { type = \"number\", column = \"House Nr\" }  # counts the rows\n"),
        "{houses}"
    );
    assert!(houses.contains("metric = \"r2\"\nat_least = ") && houses.contains("a linear model "), "{houses}");

    let flowers = written(here, &["flowers.csv", "--target", "3", "--test", "flowers-more.csv"]);
    assert!(
        flowers.contains("delimiter = \";\"\n")
            && flowers.contains("columns = [\"column1\", \"column2\", \"column3\"]")
    );
    assert!(
        flowers.contains("aliases = { \"Rose.\" = \"rose\" }") && flowers.contains("test = \"flowers-more.csv\"\n")
    );
    assert!(flowers.contains("split = { validation = 0.1, seed = 1 }\n"), "{flowers}");

    written(here, &["deep/rows.jsonl", "--target", "ok", "--target", "a"]).find("[input]").unwrap();
}

#[test]
fn a_delimiter_is_written_where_the_names_of_the_files_promise_another() {
    let folder = tables();
    let here = folder.path();
    assert!(!written(here, &["tabs.tsv", "--target", "state"]).contains("delimiter"));
    assert!(written(here, &["commas.tsv", "--target", "state"]).contains("delimiter = \",\"\n"));
    let both = written(here, &["tabs.tsv", "--target", "state", "--test", "tabs-more.csv"]);
    assert!(both.contains("delimiter = \"\\t\"\n"), "{both}");
}

#[test]
fn every_column_that_is_left_out_can_be_used_by_removing_a_mark() {
    let folder = tables();
    let here = folder.path();
    let manifest = written(here, &["houses.csv", "--target", "price"]);
    fs::write(here.join("Tacit.toml"), manifest.replace("# house-nr", "house-nr")).unwrap();
    let (code, _, err) = run(here, &["check"]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_proposal_meets_its_own_contract() {
    let folder = tables();
    let here = folder.path();
    for arguments in
        [&["houses.csv", "--target", "price"][..], &["flowers.csv", "--target", "3"], &["sensors.csv", "--anomaly"]]
    {
        let manifest = written(here, arguments);
        // A search as short as a test can wait for.
        fs::write(here.join("Tacit.toml"), manifest + "\n[search]\nepochs = 20\nlearning-rate = 0.01\n").unwrap();
        let (code, out, err) = run(here, &["build", "--no-report", "--no-baselines"]);
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    }
}

#[test]
fn paths_are_relative_to_the_manifest_where_they_can_be() {
    let folder = tables();
    let here = folder.path();
    assert!(
        written(here, &["deep/rows.jsonl", "--target", "a", "--output", "deep"]).contains("source = \"rows.jsonl\"\n")
    );
    let manifest = written(here, &["houses.csv", "--target", "price", "--output", "programs/first.toml"]);
    assert!(manifest.contains("source = \"../houses.csv\"\n"), "{manifest}");
    let absolute = here.canonicalize().unwrap().join("sensors.csv");
    let manifest = written(here, &[absolute.to_str().unwrap(), "--anomaly", "--output", "other"]);
    assert!(manifest.contains(&format!("source = \"{}\"\n", absolute.display())), "{manifest}");
    let manifest = written(here, &[absolute.to_str().unwrap(), "--anomaly", "--output", "."]);
    assert!(manifest.contains("source = \"sensors.csv\"\n"), "{manifest}");
}

#[test]
fn pictures_of_single_parts_are_files_of_those_parts() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for number in 0..20u8 {
        for (label, value) in [("dark", 20), ("light", 180)] {
            let part = if number < 14 { "train" } else { "test" };
            let path = here.join(format!("shades/{part}/{label}/{number}.pgm"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, [b"P5 4 4 255\n".as_slice(), &[value + number; 16]].concat()).unwrap();
        }
    }
    let manifest = written(here, &["shades"]);
    assert!(manifest.contains("name = \"shades\"\n") && manifest.contains("source = \"shades/train\"\n"), "{manifest}");
    assert!(manifest.contains("test = \"shades/test\"\n") && manifest.contains("preset = \"convnet\"\n"), "{manifest}");
    assert!(manifest.contains("image = { type = \"image\", size = [4, 4] }"), "{manifest}");
}

#[test]
fn a_manifest_is_not_overwritten_unasked() {
    let folder = tables();
    let here = folder.path();
    fs::write(here.join("Tacit.toml"), "mine").unwrap();
    let (code, out, err) = run(here, &["new", "houses.csv", "--target", "price"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error[E0024]: `Tacit.toml` exists\n"), "{err}");
    assert_eq!(fs::read_to_string(here.join("Tacit.toml")).unwrap(), "mine");
    written(here, &["houses.csv", "--target", "price"]);
}

#[test]
fn what_cannot_be_proposed_is_told_and_nothing_is_written() {
    let folder = tables();
    let here = folder.path();
    fs::write(here.join("one.csv"), "a,y\n1,2\n").unwrap();
    fs::write(here.join("latin.csv"), b"a,y\ncaf\xe9,1\n").unwrap();
    for (arguments, code) in [
        (&["houses.csv"][..], "E0250"),
        (&[], "E0025"),
        (&["houses.csv", "--target", "prize"], "E0208"),
        (&["houses.csv", "--target", "6"], "E0208"),
        (&["houses.csv", "--target", "price", "--target", "5"], "E0210"),
        (&["houses.csv", "--anomaly", "--target", "price", "--target", "age"], "E0120"),
        (&["houses.csv", "--target", "price", "--name", "My House"], "E0107"),
        (&["houses.csv", "--target", "price", "--test", "gone.csv"], "E0001"),
        (&["gone.csv", "--target", "price"], "E0001"),
        (&["one.csv", "--target", "y"], "E0253"),
        (&["latin.csv", "--target", "y"], "E0002"),
        (&["sensors.csv", "--target", "t1", "--output", "houses.csv/deeper"], "E0001"),
    ] {
        let (exit, out, err) = run(here, &[&["new", "--yes"], arguments].concat());
        assert_eq!((exit, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(&format!("error[{code}]: ")) && err.contains("help: "), "{arguments:?}: {err}");
        assert!(!here.join("Tacit.toml").exists());
    }
}

#[test]
fn json_tells_what_was_proposed_and_what_was_found() {
    let folder = tables();
    let (code, out, err) = run(folder.path(), &["new", "houses.csv", "--target", "price", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["manifest"], &report["rows"]), (&"Tacit.toml".into(), &150.into()));
    assert_eq!(report["inputs"].as_array().unwrap().len(), 3);
    assert_eq!(report["left_out"][0]["columns"], "House Nr");
    assert_eq!(report["outputs"][0]["type"], "number");
    let codes: Vec<serde_json::Value> = err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(codes.iter().any(|one| one["code"] == "E0254" && one["severity"] == "warning"), "{err}");
}
