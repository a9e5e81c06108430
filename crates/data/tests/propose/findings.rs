use tacit_data::propose::{LeftOut, find_repeats};
use tacit_spec::{Code, Place};

use crate::support::*;

#[test]
fn cells_that_are_no_numbers_are_told_with_the_first_line() {
    let text = table("a,y", 200, |row, random| {
        format!("{},{}", if row == 70 || row == 90 { "oops".to_owned() } else { random.to_string() }, row % 2)
    });
    let proposal = of(&text, &["y"]).unwrap();
    assert_eq!(inputs(&proposal), [("a".to_owned(), "number")]);
    let [told] = found(&proposal, Code::BadNumber)[..] else { panic!("it is told") };
    assert_eq!(told.message, "2 cells of `a` are no numbers, such as `oops`");
    assert!(
        matches!(&told.place, Place::Row { line: 72, column: Some(column), .. } if column == "a"),
        "{:?}",
        told.place
    );
    assert!(proposal.set_aside);
}

#[test]
fn too_many_of_them_leave_the_column_out() {
    let text = table("a,b,y", 200, |row, random| {
        format!("{},{random},{}", if row % 8 == 0 { format!("n{row}") } else { (random * 2.0).to_string() }, row % 2)
    });
    let proposal = of(&text, &["y"]).unwrap();
    let Some(LeftOut::Unreadable(why)) = reason(&proposal, "a") else { panic!("{:?}", inputs(&proposal)) };
    assert!(why.contains("`n0` in line 2"), "{why}");
    assert!(!proposal.set_aside);
}

#[test]
fn bad_cells_of_many_columns_together_stay_within_the_bound() {
    // Each column has three bad cells in a hundred rows, in rows of its own.
    let header: Vec<String> = (b'a'..=b'j').map(|letter| char::from(letter).to_string()).collect();
    let text = table(&format!("{},y", header.join(",")), 100, |row, random| {
        let cell = |column: u64| {
            if row % 31 == column {
                "bad".to_owned()
            } else {
                (random * (column + 2) as f64 + (row % 7) as f64).to_string()
            }
        };
        format!("{},{}", (0..10).map(cell).collect::<Vec<_>>().join(","), row % 2)
    });
    let proposal = of(&text, &["y"]).unwrap();
    assert_eq!(proposal.inputs.len(), 1);
    assert_eq!(proposal.left_out.len(), 9);
}

#[test]
fn rows_that_cannot_be_read_are_told_unless_they_are_many() {
    let rows = |bad: u64| {
        table("a,y", 100, move |row, random| if row < bad { "1,2,3".into() } else { format!("{random},{}", row % 2) })
    };
    let proposal = of(&rows(2), &["y"]).unwrap();
    assert!(found(&proposal, Code::RaggedRow).len() == 1 && proposal.set_aside);
    assert_eq!(code(of(&rows(20), &["y"])), Code::RaggedRow);
}

#[test]
fn numbers_far_from_the_rest_are_told_with_their_line() {
    let text = table("a,b,y", 100, |row, random| {
        format!(
            "{},{},{}",
            if row == 41 { 9999.0 } else { random },
            if row == 41 { 5.0 } else { random * 2.0 },
            row % 2
        )
    });
    let proposal = of(&text, &["y"]).unwrap();
    let [told] = found(&proposal, Code::UnusualNumbers)[..] else { panic!("it is told") };
    assert_eq!(told.notes.len(), 1);
    assert!(told.notes[0].starts_with("`a`: 9999 in line 43; half of the rows lie from "), "{}", told.notes[0]);
}

#[test]
fn numbers_with_a_decimal_comma_are_left_out_with_what_to_do() {
    let text = table("a;b;y", 60, |row, random| format!("{},{};{random};{}", row % 9, 10 + row % 80, row % 2));
    let proposal = of(&text, &["y"]).unwrap();
    assert!(matches!(reason(&proposal, "a"), Some(LeftOut::Unreadable(why)) if why.contains("decimal comma")));
    assert!(!proposal.left_out[0].usable);
}

#[test]
fn repeated_rows_are_counted_in_one_file_and_across_two() {
    let rows = |shift: u64| {
        table("id,a,y", 100, move |row, _| {
            format!("i{},{},{}", row + 1000 * shift, (row % 80) * 37 + shift % 2, row % 2)
        })
    };
    let proposal = with_test(&rows(0), &rows(2), &["y"]).unwrap();
    let told: Vec<&str> = found(&proposal, Code::RepeatedRows).iter().map(|one| one.message.as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("20 rows (20 %) are equal to an earlier one in all inputs"), "{}", told[0]);
    assert!(told[1].starts_with("100 rows (100 %) have the same inputs as one of "), "{}", told[1]);
    let proposal = with_test(&rows(0), &rows(1), &["y"]).unwrap();
    assert_eq!(found(&proposal, Code::RepeatedRows).len(), 1);
}

#[test]
fn inputs_that_hardly_tell_rows_apart_are_told() {
    let text = table("a,y", 100, |row, _| format!("{},{}", row % 4, row / 4 % 2));
    let proposal = of(&text, &["y"]).unwrap();
    let told = found(&proposal, Code::RepeatedRows);
    assert_eq!(told[0].message, "100 rows hold only 4 different inputs; 48 differ in their answer from an equal one");
}

#[test]
fn a_file_that_vanishes_meanwhile_is_an_error() {
    let folder = folder_with("a.csv", &table("a,y", 40, |row, random| format!("{random},{}", row % 2)));
    let path = folder.path().join("a.csv");
    let (seen, proposal) = of_files(&path, &[], &["y"]).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(find_repeats(&proposal, &seen).unwrap_err()[0].code, Code::UnreadableFile);
}
