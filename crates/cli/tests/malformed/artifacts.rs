use crate::support::*;

#[test]
fn malformed_programs_are_refused() {
    assert_all(&cases());
}

/// The commands that load a program, in turn.
const COMMANDS: &[&[&str]] = &[
    &["inspect", "p.tacit"],
    &["run", "p.tacit", "t.csv"],
    &["test", "p.tacit"],
    &["bench", "p.tacit", "--seconds", "0"],
    &["build", "--from", "p.tacit", "--no-report", "--no-baselines"],
];

pub fn cases() -> Vec<Case> {
    let program = program();
    let mut spoilt: Vec<(String, Vec<u8>)> = vec![
        ("empty".into(), vec![]),
        ("zero bytes".into(), vec![0; 200]),
        ("a table".into(), table().into_bytes()),
        ("a manifest".into(), MANIFEST.into()),
        ("a header that claims all bytes".into(), [&u64::MAX.to_le_bytes()[..], b"{}"].concat()),
        ("a header of nothing".into(), [&2u64.to_le_bytes()[..], b"{}"].concat()),
        ("a header that is no JSON".into(), [&4u64.to_le_bytes()[..], b"what"].concat()),
        ("a byte too many".into(), [program, &[0]].concat()),
        ("twice".into(), [program, program].concat()),
    ];
    spoilt.extend(cuts(program.len(), 30).into_iter().map(|at| (format!("cut at {at}"), program[..at].to_vec())));
    spoilt.extend((0..30).map(|seed| (format!("garbled by {seed}"), garbled(program, seed))));
    let case = |(index, (what, bytes)): (usize, (String, Vec<u8>))| {
        let mut files = sound();
        files.push(("p.tacit", bytes));
        Case::new(what, files, COMMANDS[index % COMMANDS.len()])
    };
    let mut cases: Vec<Case> = spoilt.into_iter().enumerate().map(case).collect();
    for command in COMMANDS {
        cases.push(Case::new(format!("{command:?} on nothing"), sound(), command));
        let mut files = sound();
        files.push(("p.tacit/", vec![]));
        cases.push(Case::new(format!("{command:?} on a folder"), files, command));
    }
    cases
}
