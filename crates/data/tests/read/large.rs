//! Data that is larger than the memory it may take.

use tacit_data::fit::{bin_edges, sorted_values, statistics, use_vocabulary, vocabulary};
use tacit_data::{Dataset, split};
use tacit_spec::Specification;

use crate::support::*;

const ROWS: usize = 9000;

/// Thirty-six numbers a row, which take 36 bytes as text and 144 as values: together more than a MiB.
fn text() -> String {
    let names: String = (0..35).map(|column| format!("v{column},")).collect();
    let row = |row: usize| {
        let digits: String = (0..35).map(|column| format!("{},", (row * (column + 3) / 7) % 10)).collect();
        format!("{digits}c{},{},{}\n", row % 40, row % 17, ["cat", "dog"][row % 2])
    };
    format!("{names}colour,age,kind\n{}", (0..ROWS).map(row).collect::<String>())
}

fn specified(memory: u32) -> Specification {
    let io = "[input.v]\ntype = \"vector\"\ncolumns = \"v*\"\nsize = 35\n[input.colour]\ntype = \"category\"\n\
              [input.age]\ntype = \"number\"\n[output.kind]\ntype = \"category\"";
    specification(&table(io, &format!("memory = {memory}")))
}

#[test]
fn values_beyond_the_bound_are_kept_in_a_file_and_are_the_same() {
    let folder = Folder::new(&[("t.csv", text().as_bytes())]);
    let [mut small, mut large] = [1, 2048].map(|memory| all_right(folder.read(&specified(memory))));
    assert!(small.inputs.iter().all(|input| input.store.is_spooled()));
    assert!(large.inputs.iter().all(|input| !input.store.is_spooled()));
    assert!(!folder.spool().exists(), "nothing is left behind, even while the values are in use");
    assert!(!folder.rejects().exists());
    assert_eq!(small.rows, ROWS);
    let parts = all_right(split(&small, &specified(1)));
    assert_eq!(parts, all_right(split(&large, &specified(2048))));
    for (kept, held) in small.inputs.iter().zip(&large.inputs) {
        assert_eq!((values(kept), &kept.labels, kept.shape), (values(held), &held.labels, held.shape));
        assert_eq!(statistics(kept, &parts.training).unwrap(), statistics(held, &parts.training).unwrap());
        let edges = |input| bin_edges(&sorted_values(input, &parts.training, 0).unwrap(), 8);
        assert_eq!(edges(kept), edges(held));
    }
    assert_eq!(
        (&small.targets, &small.input_hashes, &small.places),
        (&large.targets, &large.input_hashes, &large.places)
    );
    // Labels get their meaning after all rows are read, and keep it in a file.
    let known = |dataset: &mut Dataset| {
        let input = &specified(1).inputs[1];
        let known = vocabulary(input, &dataset.inputs[1], &parts.training).unwrap();
        use_vocabulary(&mut dataset.inputs[1], &known);
        (known, values(&dataset.inputs[1]))
    };
    let (names, positions) = known(&mut small);
    assert_eq!((&names, &positions), (&known(&mut large).0, &values(&large.inputs[1])));
    assert_eq!((names.len(), positions[0] as usize), (40, 1 + names.iter().position(|name| name == "c0").unwrap()));
}

#[test]
fn rows_in_any_order_are_gathered_from_the_file() {
    let folder = Folder::new(&[("t.csv", text().as_bytes())]);
    let [small, large] = [1, 2048].map(|memory| all_right(folder.read(&specified(memory))));
    let asked: Vec<usize> = (0..500).map(|k| k * 7919 % ROWS).collect();
    for (kept, held) in small.inputs.iter().zip(&large.inputs) {
        let gathered = [kept, held].map(|input| {
            let mut out = vec![0.0; asked.len() * input.width()];
            input.store.gather(&asked, &mut out).unwrap();
            out
        });
        assert_eq!(gathered[0], gathered[1]);
    }
}

#[test]
fn a_place_that_cannot_hold_the_values_is_named() {
    let folder = Folder::new(&[("t.csv", text().as_bytes()), ("spool", b"a file where the folder should be")]);
    let found = folder.read(&specified(1)).unwrap_err();
    assert_eq!((found[0].code.number(), folder.place(&found[0]).as_str()), ("E0001", "spool"));
    assert!(found[0].help.as_ref().unwrap().contains("`memory`"), "{found:?}");
}
