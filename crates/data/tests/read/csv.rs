use tacit_data::source::Position;
use tacit_data::{Dataset, GROUPS_MAX, Location, RequirementRows, TargetValues};

use crate::codes::{grouped, sexes};
use crate::support::*;

fn good(text: &str) -> Dataset {
    all_right(read_text(text, MANIFEST))
}

/// The line of each row.
fn lines(dataset: &Dataset) -> Vec<u64> {
    let line = |place: &Location| match place {
        Location::Inside { file: 0, position: Position::Line(line) } => *line,
        other @ (Location::Inside { .. } | Location::Picture(_)) => panic!("{other:?}"),
    };
    dataset.places.iter().map(line).collect()
}

#[test]
fn values_labels_and_slices_are_read_by_column() {
    let manifest = with("[[require]]\nmetric = \"accuracy\"\nwhere = \"kind = 'cat' and age > 3\"\nat_least = 0.5\n");
    let dataset = all_right(read_text(GOOD, &manifest));
    assert_eq!(dataset.rows, 6);
    assert_eq!(values(&dataset.inputs[0]), [0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 16., 15.]);
    let labels = vec!["cat".to_owned(), "dog".to_owned()];
    assert_eq!(dataset.targets[0].values, TargetValues::Category { labels, ids: vec![0, 1, 0, 1, 0, 1] });
    let selected = Some(vec![false, false, true, false, true, false]);
    assert_eq!(dataset.requirement_rows, [RequirementRows { selected, groups: None }]);
    assert_eq!(lines(&dataset), [2, 3, 4, 5, 6, 7]);
    assert_eq!(dataset.hash(), blake3_of(GOOD));
    assert_eq!((dataset.files.len(), dataset.files[0].rows, dataset.rejected_rows), (1, 6, 0));
}

#[test]
fn a_missing_cell_stands_in_no_relation_to_a_number() {
    let text = GOOD.replace("cat,5", "cat,");
    for (rows, expected) in
        [("age > 3", [false, true, false, true, true, true]), ("age <= 3", [true, false, false, false, false, false])]
    {
        let manifest = with(&format!("[[require]]\nmetric = \"accuracy\"\nwhere = \"{rows}\"\nat_least = 0.5\n"));
        let selected = all_right(read_text(&text, &manifest)).requirement_rows.remove(0).selected;
        assert_eq!(selected.as_deref(), Some(&expected[..]), "{rows}");
    }
}

#[test]
fn the_groups_of_a_gap_are_the_values_of_its_column_and_none_is_one() {
    let manifest = with("[[require]]\nmetric = \"accuracy\"\ngap = \"sex\"\nat_most = 0.5\n");
    let text = sexes().replacen(",m", ",", 1).replacen(",f", ", 10", 1).replacen(",f", ",9 ", 1);
    let groups = all_right(read_text(&text, &manifest)).requirement_rows.remove(0).groups.unwrap();
    assert_eq!(groups.labels, ["9", "10", "", "f", "m"]);
    assert_eq!(groups.ids, [1, 2, 0, 3, 4, 3]);
    let of_groups = |count| read_text(&grouped(count), &manifest.replace("\"sex\"", "\"group\"")).is_ok();
    assert!(of_groups(GROUPS_MAX) && !of_groups(GROUPS_MAX + 1));
}

/// The hash by another road: the library's incremental form.
fn blake3_of(text: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    text.bytes().for_each(|byte| {
        hasher.update(&[byte]);
    });
    hasher.finalize().to_hex().to_string()
}

#[test]
fn marks_line_ends_quotes_spaces_and_blank_lines_do_not_change_what_is_read() {
    let plain = good(GOOD);
    let same = |text: &str| {
        let other = good(text);
        let both = [&plain, &other].map(|dataset| (values(&dataset.inputs[0]), dataset.targets.clone()));
        assert_eq!(both[1], both[0], "{text:?}");
        assert_eq!(other.input_hashes, plain.input_hashes);
        assert_ne!(other.hash(), plain.hash());
        lines(&other)
    };
    assert_eq!(same(&format!("\u{feff}{GOOD}")), lines(&plain));
    assert_eq!(same(&GOOD.replace('\n', "\r\n")), lines(&plain));
    assert_eq!(same(&GOOD.replace('\n', "\r")), lines(&plain));
    assert_eq!(same(&GOOD.replace(',', " ,\t")), lines(&plain));
    assert_eq!(same(GOOD.trim_end()), lines(&plain));
    assert_eq!(same(&GOOD.replace("dog,4", "\"dog\",\"4\n\"")), [2, 3, 5, 6, 7, 8]);
    assert_eq!(same(&GOOD.replace("\n", "\n\n")), [3, 5, 7, 9, 11, 13]);
    assert_eq!(same(&GOOD.replace("\n", "\r\n\r\n")), [3, 5, 7, 9, 11, 13]);
}

#[test]
fn delimiters_names_and_missing_marks_are_those_of_the_manifest() {
    let plain = good(GOOD);
    let read_as = |text: &str, keys: &str| {
        let dataset = all_right(read_text(text, &MANIFEST.replace("split", &format!("{keys}\nsplit"))));
        assert_eq!(values(&dataset.inputs[0]), values(&plain.inputs[0]));
        assert_eq!(dataset.targets, plain.targets);
    };
    for (delimiter, written) in [(";", ";"), ("\t", "\\t"), ("|", "|")] {
        read_as(&GOOD.replace(',', delimiter), &format!("delimiter = \"{written}\""));
    }
    let rows = GOOD.split_once('\n').unwrap().1;
    read_as(rows, "columns = [\"p0\", \"p1\", \"kind\", \"age\"]");
    // What is missing where nothing is used disturbs nobody.
    read_as(&GOOD.replace("cat,5", "cat,?"), "missing = [\"?\"]");
}

#[test]
fn labels_are_ordered_as_numbers_before_text() {
    let text = "p0,p1,kind\n1,1,b\n1,1,10\n1,1,9\n1,1,-1\n1,1,a\n1,1,9.0\n";
    let TargetValues::Category { labels, ids } = good(text).targets.remove(0).values else { panic!() };
    assert_eq!(labels, ["-1", "9", "9.0", "10", "a", "b"]);
    assert_eq!(ids, [5, 3, 1, 0, 4, 2]);
}

#[test]
fn listed_classes_keep_their_order_and_aliases_stand_for_them() {
    let listed = MANIFEST.replace("\"category\"", "\"category\"\nclasses = [\"dog\", \"cat\"]");
    let of = |text: &str, manifest: &str| match all_right(read_text(text, manifest)).targets.remove(0).values {
        TargetValues::Category { labels, ids } => (labels, ids),
        other @ (TargetValues::Labels { .. } | TargetValues::Number(_) | TargetValues::Anomaly(_)) => {
            panic!("{other:?}")
        }
    };
    let expected = (vec!["dog".to_owned(), "cat".to_owned()], vec![1, 0, 1, 0, 1, 0]);
    assert_eq!(of(GOOD, &listed), expected);
    let spelt = GOOD.replace("dog,4", "Hund.,4").replace("cat,5", "Katze,5");
    let aliases = "aliases = { \"Hund.\" = \"dog\", Katze = \"cat\" }\n";
    assert_eq!(of(&spelt, &listed.replace("[data]", &format!("{aliases}[data]"))), expected);
    // Without a list the data's labels are those after the aliases.
    let (labels, ids) = of(&spelt, &MANIFEST.replace("[data]", &format!("{aliases}[data]")));
    assert_eq!((labels, ids), (vec!["cat".to_owned(), "dog".to_owned()], vec![0, 1, 0, 1, 0, 1]));
}

#[test]
fn numbers_are_read_as_targets() {
    let manifest = MANIFEST.replace("[output.kind]\ntype = \"category\"", "[output.age]\ntype = \"number\"");
    let dataset = all_right(read_text(GOOD, &manifest));
    assert_eq!(dataset.targets[0].values, TargetValues::Number(vec![3., 4., 5., 6., 7., 8.]));
}

#[test]
fn equal_inputs_have_equal_hashes() {
    let text = GOOD.replace("8,9,cat", "0,1,cat");
    let hashes = good(&text).input_hashes;
    assert_eq!(hashes[0], hashes[4]);
    assert_eq!(hashes.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
}

#[test]
fn the_digits_example_reads_splits_and_has_its_statistics() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits");
    let specification = tacit_spec::read(&folder.join("Tacit.toml")).unwrap();
    let options = tacit_data::ReadOptions {
        files: tacit_data::data_files(&specification, &folder),
        labels: None,
        spool: folder.join("spool"),
        rejects: None,
    };
    let dataset = all_right(tacit_data::read(&specification, &options));
    let parts = all_right(tacit_data::split(&dataset, &specification));
    let sizes = [parts.training.len(), parts.validation.len(), parts.test.len()];
    assert_eq!(dataset.rows, 1797);
    assert_eq!(sizes, [1258, 180, 359]);
    let TargetValues::Category { labels, ids } = &dataset.targets[0].values else { panic!() };
    assert_eq!(labels, &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    // The counts of the classes in the published set.
    let count = |rows: &[usize], id: i32| rows.iter().filter(|row| ids[**row] == id).count();
    let all: Vec<usize> = (0..dataset.rows).collect();
    let counts: Vec<usize> = (0..10).map(|id| count(&all, id)).collect();
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    for id in 0..10 {
        let expected = counts[id as usize] as f64 * 0.2;
        assert!((count(&parts.test, id) as f64 - expected).abs() < 1.0, "class {id}");
    }
    let statistics = tacit_data::fit::statistics(&dataset.inputs[0], &parts.training).unwrap();
    assert!(statistics.mean.len() == 1 && (statistics.mean[0] - 4.88).abs() < 0.1, "{statistics:?}");
    assert!((statistics.deviation[0] - 6.02).abs() < 0.1, "{statistics:?}");
}
