//! Hundreds of inputs that somebody got wrong, through the command itself: each is answered with a code, a way out and exit
//! code 2, soon and without a panic.

mod artifacts;
mod command_lines;
mod manifests;
mod pictures;
mod rows;
mod sources;
mod support;
mod tables;

/// The inputs are made by programs, so their number could shrink unseen.
#[test]
fn there_are_enough_of_them() {
    let counts = [
        ("manifests", manifests::cases().len(), 200),
        ("tables", tables::cases().len(), 80),
        ("pictures and arrays", pictures::cases().len(), 80),
        ("sources for `new`", sources::cases().len(), 20),
        ("artifacts", artifacts::cases().len(), 60),
        ("rows", rows::cases().len(), 15),
        ("command lines", command_lines::cases().len(), 40),
    ];
    for (what, count, least) in counts {
        assert!(count >= least, "{count} {what}");
    }
    assert!(counts.iter().map(|(_, count, _)| count).sum::<usize>() >= 500);
}
