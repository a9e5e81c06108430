//! Commands of `[baseline]` as small shell scripts: what they may answer, and every way in which they fail.
#![cfg(unix)]

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tacit_baseline::CodedError;
use tacit_baseline::command::{Answers, Command, Output, OutputKind, Run, run, usual_time_limit};

const LIMIT: Duration = Duration::from_secs(60);

fn labels(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

fn category(name: &str, names: &[&str]) -> Output {
    Output { name: name.into(), kind: OutputKind::Category { labels: labels(names) } }
}

fn number(name: &str) -> Output {
    Output { name: name.into(), kind: OutputKind::Number }
}

fn rows(count: usize) -> Vec<Map<String, Value>> {
    let row = |k| json!({"age": k, "name": format!("ä \"{k}\"\n")});
    (0..count).map(row).map(|row| row.as_object().unwrap().clone()).collect()
}

/// Runs a script of `sh` in a new folder on so many rows.
fn shell(script: &str, count: usize, outputs: &[Output]) -> Result<Run, CodedError> {
    within(script, count, outputs, LIMIT)
}

fn within(script: &str, count: usize, outputs: &[Output], time_limit: Duration) -> Result<Run, CodedError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.sh"), script).unwrap();
    let words = ["sh", "rules.sh"].map(String::from);
    run(&Command { words: &words, folder: folder.path(), time_limit }, rows(count), outputs)
}

/// A script that writes these lines, whatever it reads.
fn says(lines: &[Value]) -> String {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    writes(&lines.join("\n"))
}

fn writes(text: &str) -> String {
    format!("cat > /dev/null\ncat <<'END'\n{text}\nEND\n")
}

#[track_caller]
fn fails(result: Result<Run, CodedError>, code: &str, line: Option<u64>, parts: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.code, code, "{error}");
    assert_eq!(error.place.as_ref().and_then(|(_, line)| *line), line, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "`{part}` is not in\n{error}");
    }
}

#[test]
fn the_command_reads_the_rows_in_order_and_answers_each() {
    // The age is between the first colon and the comma behind it.
    let script = r#"exec awk -F'[:,]' '{ print $2 * 2 }'"#;
    let run = shell(script, 1000, &[number("double")]).unwrap();
    assert_eq!(run.answers, [Answers::Number((0..1000).map(|k| 2.0 * k as f32).collect())]);
    assert!(run.seconds > 0.0);
}

#[test]
fn columns_arrive_as_json_fields() {
    let script = r#"read -r line; [ "$line" = '{"age":0,"name":"ä \"0\"\n"}' ] && echo 1 || echo 0"#;
    assert_eq!(shell(script, 1, &[number("equal")]).unwrap().answers, [Answers::Number(vec![1.0])]);
}

#[test]
fn labels_may_be_bare_named_or_under_answer() {
    let output = category("class", &["3", "true", "no"]);
    let lines =
        [json!("no"), json!(3), json!(3.0), json!(true), json!({"answer": "no", "because": 1}), json!({"class": "3"})];
    let run = shell(&says(&lines), 6, &[output]).unwrap();
    assert_eq!(run.answers, [Answers::Category { classes: vec![2, 0, 0, 1, 2, 0], probabilities: None }]);
}

#[test]
fn probabilities_are_kept_and_may_be_the_answer() {
    let output = category("class", &["a", "b"]);
    let lines = [json!({"answer": "a", "probabilities": {"a": 0.25, "b": 0.75}}), json!({"probabilities": {"b": 1.0}})];
    let run = shell(&says(&lines), 2, &[output]).unwrap();
    let probabilities = Some(vec![0.25, 0.75, 0.0, 1.0]);
    assert_eq!(run.answers, [Answers::Category { classes: vec![0, 1], probabilities }]);
}

#[test]
fn several_labels_and_several_outputs_are_told() {
    let kind = OutputKind::Labels { labels: labels(&["a", "b", "c"]) };
    let output = Output { name: "topics".into(), kind };
    let lines = [json!(["c", "a"]), json!({"answer": []}), json!({"topics": {"b": true, "c": false}})];
    let run = shell(&says(&lines), 3, std::slice::from_ref(&output)).unwrap();
    let set = vec![true, false, true, false, false, false, false, true, false];
    assert_eq!(run.answers, [Answers::Labels { set, probabilities: None }]);
    let line = json!({"probabilities": {"a": 0.5, "c": 0.9}});
    let run = shell(&says(&[line]), 1, std::slice::from_ref(&output)).unwrap();
    let probabilities = Some(vec![0.5, 0.0, 0.9]);
    assert_eq!(run.answers, [Answers::Labels { set: vec![true, false, true], probabilities }]);

    let outputs = [output, number("price"), category("class", &["x", "y"])];
    let line = json!({"price": -1.5, "topics": ["b"], "class": "y", "probabilities": {"class": {"y": 1}}});
    let run = shell(&says(&[line]), 1, &outputs).unwrap();
    let expected = [
        Answers::Labels { set: vec![false, true, false], probabilities: None },
        Answers::Number(vec![-1.5]),
        Answers::Category { classes: vec![1], probabilities: Some(vec![0.0, 1.0]) },
    ];
    assert_eq!(run.answers, expected);
}

#[test]
fn no_pipe_blocks_however_much_is_read_before_an_answer_is_written() {
    // Megabytes in each pipe: all is read first, messages come before answers, and answers while rows are still written.
    let reads_first = "exec awk '{ text[NR] = $0 } END { for (k = 1; k <= NR; k++) print length(text[k]) }'";
    let talks = "exec awk '{ print $0 > \"/dev/stderr\"; print length($0) }'";
    for script in [reads_first, talks] {
        let run = shell(script, 100_000, &[number("length")]).unwrap();
        assert!(matches!(&run.answers[..], [Answers::Number(numbers)] if numbers.len() == 100_000));
    }
}

#[test]
fn a_command_need_not_read_its_rows() {
    let run = shell("for k in 1 2 3; do echo $k; done", 3, &[number("k")]).unwrap();
    assert_eq!(run.answers, [Answers::Number(vec![1.0, 2.0, 3.0])]);
    let many = shell("exec <&-\nawk 'BEGIN { for (k = 0; k < 200000; k++) print k }'", 200_000, &[number("k")]);
    assert!(many.is_ok());
    assert_eq!(shell("exit 0", 0, &[number("k")]).unwrap().answers, [Answers::Number(vec![])]);
}

#[test]
fn what_cannot_start_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let start = |words: &[&str], folder: &Path| {
        let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        run(&Command { words: &words, folder, time_limit: LIMIT }, rows(1), &[number("k")])
    };
    fails(start(&["no-such-program-here"], folder.path()), "E0602", None, &["`no-such-program-here`", "on the PATH"]);
    fails(start(&["./rules"], folder.path()), "E0602", None, &["start at the folder of the manifest"]);
    std::fs::write(folder.path().join("rules"), "echo 1").unwrap();
    fails(start(&["./rules"], folder.path()), "E0602", None, &["is it executable"]);
    fails(start(&[], folder.path()), "E0602", None, &["is empty"]);
    fails(start(&["sh"], &folder.path().join("gone")), "E0602", None, &["there is no folder"]);
}

#[test]
fn a_program_is_found_from_the_folder_of_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules");
    std::fs::write(&path, "#!/bin/sh\ncat > /dev/null; echo 7\n").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let words = ["./rules".to_owned()];
    let run = run(&Command { words: &words, folder: folder.path(), time_limit: LIMIT }, rows(1), &[number("k")]);
    assert_eq!(run.unwrap().answers, [Answers::Number(vec![7.0])]);
}

#[test]
fn a_failing_command_shows_the_end_of_its_messages() {
    let script = "echo 1\nfor k in $(seq 1000); do echo message $k >&2; done\nexit 3";
    fails(shell(script, 2, &[number("k")]), "E0603", None, &["exit status: 3", "\n    message 1000"]);
    fails(shell("echo 1; kill -9 $$", 1, &[number("k")]), "E0603", None, &["signal: 9"]);
}

#[test]
fn too_few_and_too_many_lines_are_counted() {
    fails(shell("echo 1; echo 2", 3, &[number("k")]), "E0605", None, &["2 line(s) for 3 rows"]);
    fails(shell("cat > /dev/null", 1, &[number("k")]), "E0605", None, &["0 line(s) for 1 rows"]);
    fails(shell("echo 1; echo 2", 1, &[number("k")]), "E0605", Some(2), &["more lines than the 1 rows"]);
    // Blank lines at the end are no answers, nor is a last line without its end too few.
    assert!(shell("echo 1; echo; echo '  '", 1, &[number("k")]).is_ok());
    assert!(shell("printf 1", 1, &[number("k")]).is_ok());
}

#[test]
fn a_line_that_is_not_json_is_named() {
    for text in ["Loading model ...", "{\"answer\": ", "1 2", "", "'yes'", "NaN"] {
        fails(shell(&writes(&format!("1\n{text}\n3")), 3, &[number("k")]), "E0606", Some(2), &["not JSON", text]);
    }
    fails(shell("printf '\"\\377\"\\n'", 1, &[number("k")]), "E0606", Some(1), &["not JSON"]);
    let error = shell("echo oops; echo why >&2", 1, &[number("k")]).unwrap_err();
    assert!(error.message.contains("`oops`") && error.place.unwrap().0 == "output of `sh rules.sh`");
}

#[test]
fn a_line_without_end_is_refused_before_memory_is_full() {
    fails(shell("exec tr '\\0' 1 < /dev/zero", 1, &[number("k")]), "E0606", Some(1), &["more than 16777216 bytes"]);
}

#[test]
fn answers_that_are_none_are_named() {
    let class = || category("class", &["a", "b"]);
    let labels = || Output { name: "topics".into(), kind: OutputKind::Labels { labels: labels(&["a", "b"]) } };
    let cases: Vec<(Vec<Output>, Value, &str)> = vec![
        (vec![class()], json!("c"), "`c` is not a label"),
        (vec![class()], json!(1), "the labels are `a`, `b`"),
        (vec![class()], json!(null), "`null` is not a label"),
        (vec![class()], json!({"anser": "a"}), "neither `answer` nor `class`, only `anser`"),
        (vec![class()], json!({}), "only no fields"),
        (vec![class()], json!({"answer": "a", "class": "b"}), "both `answer` and `class`"),
        (vec![class()], json!({"answer": "a", "probabilities": [1, 0]}), "`[1,0]`, not an object"),
        (vec![class()], json!({"answer": "a", "probabilities": {"a": 0.5}}), "add up to 0.5"),
        (vec![class()], json!({"answer": "a", "probabilities": {"a": 1.5, "b": -0.5}}), "not a number from 0 to 1"),
        (vec![class()], json!({"answer": "a", "probabilities": {"c": 1}}), "`c` is not a label"),
        (vec![number("k")], json!("1.5"), "is not a finite number"),
        (vec![number("k")], json!(1e300), "is not a finite number"),
        (vec![number("k")], json!([1]), "is not a finite number"),
        (vec![labels()], json!("a"), "is not a list of labels"),
        (vec![labels()], json!(["a", "x"]), "`x` is not a label"),
        (vec![labels()], json!({"answer": {"a": 1}}), "neither true nor false"),
        (vec![class(), number("k")], json!("a"), "no field `class`"),
        (vec![class(), number("k")], json!({"answer": "a", "k": 1}), "no field `class`, only `answer`, `k`"),
    ];
    for (outputs, line, part) in cases {
        fails(shell(&says(&[line]), 1, &outputs), "E0607", Some(1), &[part]);
    }
    let with = json!({"answer": "a", "probabilities": {"a": 1}});
    let mixed = |lines: &[Value]| shell(&says(lines), 2, &[category("class", &["a", "b"])]);
    fails(mixed(&[with.clone(), json!("a")]), "E0607", Some(2), &["has no probabilities"]);
    fails(mixed(&[json!("a"), with]), "E0607", Some(2), &["lines before have none"]);
}

#[test]
fn a_wrong_line_ends_a_command_that_would_go_on() {
    let start = Instant::now();
    fails(shell("echo oops; exec sleep 50", 2, &[number("k")]), "E0606", Some(1), &["oops"]);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_what_it_started() {
    let limit = Duration::from_millis(300);
    let start = Instant::now();
    // One that does not read and fills its input, one that has answered, one whose child holds the output.
    for script in ["exec sleep 50", "echo 1; exec >&-; sleep 50", "echo 1; sleep 50 & wait"] {
        fails(within(script, 30_000, &[number("k")], limit), "E0604", None, &["within 0.3 seconds"]);
    }
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_usual_limit_grows_with_the_rows() {
    assert_eq!(usual_time_limit(0), Duration::from_secs(60));
    assert_eq!(usual_time_limit(1000), Duration::from_secs(160));
    assert!(usual_time_limit(usize::MAX) > Duration::from_secs(1_000_000));
}
