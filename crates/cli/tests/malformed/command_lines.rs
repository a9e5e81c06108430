use crate::support::*;

#[test]
fn malformed_command_lines_are_refused() {
    assert_all(&cases());
}

pub fn cases() -> Vec<Case> {
    [usage(), named_files(), environments()].concat()
}

/// What the parser of arguments refuses, before anything is read.
fn usage() -> Vec<Case> {
    let lines: &[&[&str]] = &[
        &[],
        &["--unknown"],
        &["biuld"],
        &["build", "--unknown"],
        &["build", "one", "two"],
        &["build", "--seed"],
        &["build", "--seed", "x"],
        &["build", "--seed", "-1"],
        &["build", "--seed", "1.5"],
        &["build", "--seed", "9223372036854775808"],
        &["build", "--seed", "99999999999999999999999"],
        &["build", "--seed", "1", "--seed", "2"],
        &["build", "--checkpoint", "0"],
        &["build", "--format", "yaml"],
        &["build", "--output"],
        &["build", "--force=yes"],
        &["check", "--seed", "1"],
        &["check", "a", "b"],
        &["run"],
        &["run", "--json"],
        &["test"],
        &["test", "p.tacit", "--data"],
        &["inspect"],
        &["inspect", "p.tacit", "--graph", "--cost"],
        &["inspect", "p.tacit", "--hash"],
        &["inspect", "p.tacit", "--hash", "soul"],
        &["bench"],
        &["bench", "p.tacit", "--batch", "0"],
        &["bench", "p.tacit", "--batch", "1,x"],
        &["bench", "p.tacit", "--batch", "65537"],
        &["bench", "p.tacit", "--seconds", "-1"],
        &["bench", "p.tacit", "--seconds", "nan"],
        &["bench", "p.tacit", "--seconds", "1e9"],
        &["completions"],
        &["completions", "dos"],
        &["new", "a", "b"],
        &["new", "--target"],
        &["help", "a", "b"],
    ];
    lines
        .iter()
        .map(|line| Case::new(format!("{line:?}"), vec![], line).outcome(Outcome::Usage))
        // Without any argument the help is shown, which is no error message.
        .map(|case| if case.arguments.is_empty() { case.outcome(Outcome::Help) } else { case })
        .collect()
}

/// Files that are not there, or are not what was meant.
fn named_files() -> Vec<Case> {
    let lines: &[&[&str]] = &[
        &["check", "none.toml"],
        &["check", "none"],
        &["check", "t.csv"],
        &["check", "empty"],
        &["check", "folder.toml"],
        &["build", "none.toml"],
        &["build", "empty"],
        &["build", "--from", "none.tacit", "--no-report", "--no-baselines"],
        &["build", "-o", "empty", "--no-report", "--no-baselines"],
        &["build", "-o", "t.csv/p.tacit", "--no-report", "--no-baselines"],
        &["run", "none.tacit", "t.csv"],
        &["run", "t.csv", "t.csv"],
        &["run", "empty", "t.csv"],
        &["run", "p.tacit", "none.csv"],
        &["run", "p.tacit", "empty"],
        &["run", "p.tacit", "p.tacit"],
        &["test", "none.tacit"],
        &["test", "Tacit.toml"],
        &["test", "p.tacit", "--data", "none.csv"],
        &["test", "p.tacit", "--data", "empty"],
        &["test", "p.tacit", "--data", "Tacit.toml"],
        &["inspect", "none.tacit"],
        &["inspect", "t.csv", "--graph"],
        &["inspect", "empty", "--hash", "file"],
        &["bench", "none.tacit"],
        &["help", "E9999"],
        &["help", "biuld"],
        &["help", "\u{1b}[31m"],
    ];
    let case = |line: &&[&str]| {
        let mut files = sound();
        files.push(("p.tacit", program().to_vec()));
        files.push(("empty/", vec![]));
        files.push(("folder.toml/", vec![]));
        Case::new(format!("{line:?}"), files, line)
    };
    lines.iter().map(case).collect()
}

fn environments() -> Vec<Case> {
    let variables = [
        ("TACIT_THREADS", "many"),
        ("TACIT_THREADS", "0"),
        ("TACIT_THREADS", "-1"),
        ("TACIT_THREADS", "99999999999999999999"),
        ("TACIT_KERNELS", "fast"),
        ("TACIT_KERNELS", ""),
    ];
    let case = |variable: (&'static str, &'static str)| {
        let mut case = Case::new(format!("{variable:?}"), sound(), &["build", "--no-report", "--no-baselines"]);
        case.environment.push(variable);
        case
    };
    variables.into_iter().map(case).collect()
}
