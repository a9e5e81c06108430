//! Each command on a small program, and what it says when something is wrong.

mod common;

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use common::{BUILD, digits, run, run_with_stdin, tacit};

#[test]
fn a_program_is_built_run_tested_and_inspected() {
    let folder = digits(2);
    let here = folder.path();

    let (code, out, err) = run(here, &["check"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("Tacit.toml is right\n1797 rows: 1258 for training, 180 for validation, 359 for test\n"));

    // After two epochs the contract is not met, and the program is written all the same.
    let (code, table, err) = run(here, &["build"]);
    assert_eq!(code, 1, "{err}");
    assert!(
        err.starts_with("searching for digits: 1258 rows for training, 180 for validation, 359 for test\nepoch 1/2: ")
    );
    assert!(err.contains("\nwrote digits.tacit\nmeasuring what simpler methods reach on the same rows\n"), "{err}");
    assert!(err.ends_with("wrote digits.report.html\n") && !err.contains('\u{1b}'));
    assert!(!here.join(".tacit").exists(), "nothing of the search is left");

    let (code, again, err) = run(here, &["build"]);
    assert_eq!((code, err.as_str()), (1, "digits.tacit is up to date; `--force` searches again\n"));
    assert!(again.contains("NOT MET\n") && again.lines().last().unwrap().starts_with("the contract is NOT met: "));
    // The contract comes first, then what simpler methods reach, then what costs most.
    let rest = table.strip_prefix(&again).unwrap();
    assert!(rest.starts_with("\nprogram ") && rest.contains("\nboosted-trees "), "{rest}");
    assert!(rest.contains("\nthe examples that cost most\n  digits.csv, line "), "{rest}");

    let (code, tested, err) = run(here, &["test", "digits.tacit"]);
    assert_eq!((code, err.as_str()), (1, "measured on 359 rows of digits.csv\n"));
    assert_eq!(tested, again);

    let (code, json, _) = run(here, &["build", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["met"]), (1, &serde_json::json!(false)));
    assert_eq!(json["lines"][0]["metric"], "accuracy");

    let (code, answers, err) = run(here, &["run", "digits.tacit", "digits.csv"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let answers: Vec<serde_json::Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((answers.len(), &answers[1796]["line"]), (1797, &serde_json::json!(1798)));
    for answer in &answers {
        let probabilities = answer["probabilities"].as_object().unwrap();
        let sum: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
        assert!(probabilities.len() == 10 && (sum - 1.0).abs() < 1e-5);
        let chosen = &probabilities[answer["digit"].as_str().unwrap()];
        assert!(probabilities.values().all(|p| p.as_f64() <= chosen.as_f64()));
    }

    let (code, graph, _) = run(here, &["inspect", "digits.tacit", "--graph"]);
    assert!(code == 0 && graph.starts_with("tacit-ir 1\n") && graph.contains("input \"image\" -> f32[8,8,1]\n"));
    for part in ["--cost", "--memory", "--provenance"] {
        let (code, text, _) = run(here, &["inspect", "digits.tacit", part]);
        let (_, json, _) = run(here, &["inspect", "digits.tacit", part, "--format", "json"]);
        assert!(code == 0 && text.lines().count() > 3);
        assert!(serde_json::from_str::<serde_json::Value>(&json).unwrap().is_object());
    }

    let profile = ["bench", "digits.tacit", "--seconds", "0.05", "--batch", "2", "--profile"];
    let (code, text, _) = run(here, &profile);
    assert!(
        code == 0 && text.contains("\n2 at once\n") && text.contains("contract") && text.contains("\nAt most "),
        "{text}"
    );
    let (_, json, _) = run(here, &[&profile[..], &["--format", "json"]].concat());
    let figures: serde_json::Value = serde_json::from_str(&json).unwrap();
    let kernels = figures["measured"][0]["kernels"].as_array().unwrap();
    assert!(kernels.iter().any(|kernel| kernel["operations"].as_u64() > Some(100_000)), "{json}");
    assert!(kernels.iter().all(|kernel| kernel["seconds"].as_f64() > Some(0.0)), "{json}");
}

#[test]
fn rows_and_json_lines_give_the_same_answers_and_bad_ones_are_named() {
    let folder = digits(1);
    let here = folder.path();
    assert_eq!(run(here, BUILD).0, 1);
    let table = fs::read_to_string(here.join("digits.csv")).unwrap();
    let lines: Vec<&str> = table.lines().take(3).collect();

    let (_, from_table, _) = run_with_stdin(here, &["run", "digits.tacit"], &lines.join("\n"));
    let image = |line: &str| format!("{{\"image\":[{}]}}", line.rsplit_once(',').unwrap().0);
    let objects = format!("\n{}\n{}\n", image(lines[1]), image(lines[2]));
    let (_, from_json, _) = run_with_stdin(here, &["run", "digits.tacit", "--json"], &objects);
    assert_eq!(from_table, from_json);

    let bad = format!("{}\n{}\n{},7\n", lines[0], lines[1].replacen('0', "dark", 1), lines[2]);
    let (code, out, err) = run_with_stdin(here, &["run", "digits.tacit", "-"], &bad);
    assert_eq!((code, out.lines().count()), (2, 2));
    let expected = "\
error[E0205]: `dark` is not a number
--> standard input:2, column `p00`
 |
 = help: correct the cell, or choose other columns

1 error; `tacit help E0205` explains
error[E0204]: this row has 66 cells, but the file has 65 columns
--> standard input:3
 |
 = help: put cells that hold the delimiter in double quotes

1 error; `tacit help E0204` explains
2 rows have no answer
";
    assert_eq!(err, expected);
    let told: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes = told.iter().map(|line| (line["line"].as_u64().unwrap(), line["error"]["code"].as_str().unwrap()));
    assert_eq!(codes.collect::<Vec<_>>(), [(2, "E0205"), (3, "E0204")]);
}

#[test]
fn a_reader_that_leaves_ends_the_run_quietly() {
    let folder = digits(1);
    let here = folder.path();
    assert_eq!(run(here, BUILD).0, 1);
    let mut command = tacit(here, &["run", "digits.tacit", "digits.csv"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn what_is_wrong_is_told_with_its_code_and_exit_code_2() {
    let folder = digits(1);
    let here = folder.path();
    fs::write(here.join("noise.tacit"), [7; 100]).unwrap();
    fs::write(here.join("wrong.toml"), "[program]\nname = 3\n").unwrap();
    for (arguments, code) in [
        (&["run", "noise.tacit"][..], "E0301"),
        (&["test", "noise.tacit"], "E0301"),
        (&["inspect", "missing.tacit"], "E0307"),
        (&["build", "wrong.toml"], "E0104"),
        (&["check", "missing.toml"], "E0001"),
        (&["help", "E9999"], "E0106"),
    ] {
        let (exit, out, err) = run(here, arguments);
        assert!(exit == 2 && out.is_empty() && err.contains(&format!("error[{code}]: ")), "{arguments:?}: {err}");
        assert!(err.contains(&format!("`tacit help {code}` explains")) || code == "E0104", "{arguments:?}: {err}");
    }
    let (exit, _, err) = run(here, &["build", "wrong.toml", "--format", "json"]);
    assert!(exit == 2 && err.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{err}");
    let (exit, _, err) = run(here, &["inspect", "noise.tacit", "--format", "json"]);
    let error: serde_json::Value = serde_json::from_str(&err).unwrap();
    assert_eq!((exit, &error["code"], &error["file"]), (2, &"E0301".into(), &"noise.tacit".into()));
    assert_eq!(run(here, &["build", "--seed", "x"]).0, 2);
    assert_eq!(run(here, &[]).0, 2);
}

#[test]
fn a_latency_decides_where_it_is_asked_and_is_in_no_file() {
    let folder = digits(1);
    let here = folder.path();
    let manifest = fs::read_to_string(here.join("Tacit.toml")).unwrap();
    let (goal_on, _) = manifest.split_once("[[require]]").unwrap();
    let with_latency = |at_most: &str| {
        let gap = "[[require]]\nmetric = \"accuracy\"\ngap = \"p01\"\nat_most = 1\n";
        let require = format!("{goal_on}{gap}[[require]]\nmetric = \"latency\"\nat_most = {at_most}\n");
        fs::write(here.join("Tacit.toml"), require).unwrap();
        run(here, BUILD)
    };
    let (code, table, err) = with_latency("1e9");
    assert_eq!(code, 0, "{err}");
    assert!(table.contains("\nthe contract is met: 2 of 2 requirements\n"), "{table}");
    assert!(table.contains("\ngap of accuracy over `p01`: between "), "{table}");
    let first = fs::read(here.join("digits.tacit")).unwrap();
    let (_, summary, _) = run(here, &["inspect", "digits.tacit"]);
    assert!(summary.contains("\nthe contract is met: 1 of 1 requirements, and 1 that a clock decides;"), "{summary}");
    assert_eq!(run(here, &[BUILD, &["--force"]].concat()).0, 0);
    assert_eq!(fs::read(here.join("digits.tacit")).unwrap(), first, "no time is in the file");

    let (code, table, _) = with_latency("0.001");
    assert!(code == 1 && table.contains("\nthe contract is NOT met: 1 of 2 requirements\n"), "{table}");
    assert_eq!(run(here, &["test", "digits.tacit"]).0, 1);
}

#[test]
fn a_loss_that_is_not_finite_is_an_error() {
    let folder = digits(1);
    let here = folder.path();
    let manifest = fs::read_to_string(here.join("Tacit.toml")).unwrap();
    let wild = manifest.replace("learning-rate = ", "learning-rate = 1e30 # ");
    fs::write(here.join("Tacit.toml"), wild).unwrap();
    let (code, _, err) = run(here, BUILD);
    assert!(code == 2 && err.contains("error[E0501]: the loss is no longer a finite number after step "), "{err}");
    assert!(!here.join("digits.tacit").exists());
}

#[test]
fn changed_data_is_not_tested_on_unless_it_is_named() {
    let folder = digits(1);
    let here = folder.path();
    assert_eq!(run(here, BUILD).0, 1);
    let table = fs::read_to_string(here.join("digits.csv")).unwrap();
    let rows: Vec<&str> = table.lines().take(201).collect();
    fs::write(here.join("digits.csv"), rows.join("\n")).unwrap();
    let (code, _, err) = run(here, &["test", "digits.tacit"]);
    assert!(code == 2 && err.contains("error[E0308]: "), "{err}");
    let (code, out, err) = run(here, &["test", "digits.tacit", "--data", "digits.csv"]);
    assert_eq!((code, err.as_str()), (1, "measured on 200 rows of digits.csv\n"));
    assert!(out.contains("accuracy"));
}

#[test]
fn help_explains_codes_and_commands() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text, _) = run(folder.path(), &["help", "e0302"]);
    assert!(code == 0 && text.starts_with("E0302\n\nThe file's checksum"));
    assert!(run(folder.path(), &["help", "E0104"]).1.starts_with("E0104: a value has the wrong type\n\n"));
    assert!(run(folder.path(), &["help", "E1001"]).1.contains("text form"));
    assert!(run(folder.path(), &["help", "build"]).1.contains("--force"));
    assert!(run(folder.path(), &["help"]).1.contains("inspect"));
}
