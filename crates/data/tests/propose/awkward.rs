use proptest::prelude::*;
use tacit_spec::Code;

use crate::support::*;

#[test]
fn data_that_holds_no_program_is_refused_with_a_reason() {
    assert_eq!(code(of("a,y\n1,2\n", &["y"])), Code::TooFewRows);
    assert_eq!(code(of("a,y\n", &["y"])), Code::NoRows);
    assert_eq!(code(of("", &["y"])), Code::NoHeader);
    assert_eq!(code(of(&table("y", 40, |row, _| (row % 2).to_string()), &["y"])), Code::NoInputs);
    assert_eq!(code(of(&table("id,y", 40, |row, _| format!("{row},{}", row % 2)), &["y"])), Code::NoInputs);
    assert_eq!(code(of(&table("a,b,y", 40, |row, _| format!(",,{}", row % 2)), &["y"])), Code::NoInputs);
    assert_eq!(code(of(&table("a,y", 40, |_, _| ",".to_owned()), &["y"])), Code::UnusableTarget);
}

#[test]
fn a_test_file_must_have_the_target_and_what_it_lacks_is_left_out() {
    let all = table("a,b,y", 40, |row, random| format!("{random},{},{}", row % 5, row % 2));
    let without_target = table("a,b", 40, |row, random| format!("{random},{}", row % 5));
    let without_input = table("a,y", 40, |row, random| format!("{random},{}", row % 2));
    assert_eq!(code(with_test(&all, &without_target, &["y"])), Code::ColumnNotFound);
    let proposal = with_test(&all, &without_input, &["y"]).unwrap();
    assert_eq!(inputs(&proposal), [("a".to_owned(), "number")]);
    assert_eq!(code(with_test(&all, "a,b,y\n", &["y"])), Code::NoRows);
}

#[test]
fn names_of_any_kind_become_usable_ones() {
    let text = table("\"my \"\"col\"\"\",größe (cm),A B,a-b,年齢,a*b,,y", 40, |row, random| {
        format!("{random},{},{},{},{},{},{},{}", row % 7, row % 5, row % 3, row % 11, row % 4, row % 6, row % 2)
    });
    let proposal = of(&text, &["y"]).unwrap();
    check_names(&proposal);
    let names: Vec<&str> = proposal.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names, ["my-col", "groesse-cm", "a-b", "a-b-2", "x5"]);
    assert_eq!(proposal.left_out.iter().filter(|one| !one.usable).count(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_table_gets_a_proposal_or_errors_with_help(
        header in prop::collection::vec("[a-zA-Z0-9_ *é.]{0,6}", 1..6),
        cells in prop::collection::vec(
            prop_oneof!["[0-9]{1,4}", "-?[0-9]\\.[0-9]{1,3}", "[a-c]", "", "NA", "2026-0[1-9]-1[0-9]", "[ -~]{0,12}"],
            0..200,
        ),
        target in 0..6usize,
    ) {
        let width = header.len();
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let line = |cells: &[String]| cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
        let text = line(&header) + &cells.chunks_exact(width).map(line).collect::<String>();
        match of(&text, &[&(target + 1).to_string()]) {
            Ok(proposal) => {
                check_names(&proposal);
                prop_assert!(!proposal.inputs.is_empty() && !proposal.outputs.is_empty());
            }
            Err(found) => prop_assert!(found.iter().all(|one| one.help.is_some()), "{found:?}"),
        }
    }
}
