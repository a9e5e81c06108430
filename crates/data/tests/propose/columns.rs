use tacit_data::propose::{LeftOut, Names, ProposedSplit};
use tacit_spec::{Code, DateFormat, InputKind, Missing};

use crate::support::*;

#[test]
fn numbers_and_texts_are_told_apart() {
    let text = table("amount,count,flag,truth,name,code,zip_code,y", 200, |row, random| {
        let truth = ["true", "false"][(row % 2) as usize];
        let name = ["ann", "bob", "cat"][(row % 3) as usize];
        format!(
            "{random},{},{},{truth},{name},{},{},{}",
            row % 17,
            row % 2,
            row % 5,
            10_000 + row % 40,
            random * 2.0 + 1.0 / random
        )
    });
    let proposal = of(&text, &["y"]).unwrap();
    let expected = [
        ("amount", "number"),
        ("count", "number"),
        ("flag", "number"),
        ("truth", "category"),
        ("name", "category"),
        ("code", "category"),
        ("zip_code", "category"),
    ];
    assert_eq!(inputs(&proposal), expected.map(|(name, kind)| (name.to_owned(), kind)));
    check_names(&proposal);
}

#[test]
fn missing_cells_get_a_policy_that_fits_the_type() {
    let text = table("a,b,c,y", 60, |row, random| {
        let (a, b) = if row % 10 == 0 { ("", "?") } else { ("1.5", ["x", "z"][(row % 2) as usize]) };
        format!("{a},{b},{random},{}", row / 2 % 2)
    });
    let proposal = of(&text, &["y"]).unwrap();
    let policies: Vec<Missing> = proposal.inputs.iter().map(|input| input.missing).collect();
    assert_eq!(policies, [Missing::Median, Missing::Label, Missing::Refuse]);
    assert_eq!(proposal.missing, ["?"]);
    assert!(proposal.inputs[0].seen.ends_with("10 % missing"), "{}", proposal.inputs[0].seen);
}

#[test]
fn cells_that_are_missing_in_the_test_file_only_count_too() {
    let rows = |missing: &'static str| {
        table("a,b,y", 40, move |row, random| format!("{random},{},{}", if row == 3 { missing } else { "u" }, row % 2))
    };
    let proposal = with_test(&rows("v"), &rows(""), &["y"]).unwrap();
    assert_eq!(proposal.inputs[1].missing, Missing::Label);
}

#[test]
fn only_well_known_orders_are_ordinal() {
    let text = table("size,grade,colour,y", 90, |row, random| {
        let (size, grade) = (["Large", "small", "medium"][(row % 3) as usize], ["b", "a", "c"][(row % 3) as usize]);
        format!("{size},{grade},{},{random}", ["low", "high"][(row % 2) as usize])
    });
    let proposal = of(&text, &["y"]).unwrap();
    let InputKind::Ordinal { levels, .. } = kind(&proposal, "size") else { panic!("{:?}", inputs(&proposal)) };
    assert_eq!(levels, &["small", "medium", "Large"]);
    assert_eq!((kind(&proposal, "grade").name(), kind(&proposal, "colour").name()), ("category", "category"));
}

#[test]
fn dates_need_a_format_that_no_other_contradicts() {
    let text = table("iso,plain,german,us,either,y", 60, |row, random| {
        let (day, month) = (1 + row % 28, 1 + row % 12);
        format!(
            "2026-{month:02}-{day:02},2026{month:02}{day:02},{day}.{month}.2026,{month}/{day}/2026,{}/{month}/2026,{random}",
            1 + row % 11
        )
    });
    let proposal = of(&text, &["y"]).unwrap();
    let format = |column| {
        let InputKind::Date { format } = kind(&proposal, column) else { return None };
        Some(format.clone())
    };
    assert_eq!((format("iso"), format("plain")), (Some(DateFormat::Iso), Some(DateFormat::Iso)));
    assert_eq!(format("german"), Some(DateFormat::Pattern("%d.%m.%Y".into())));
    assert_eq!(format("us"), Some(DateFormat::Pattern("%m/%d/%Y".into())));
    let Some(LeftOut::Unreadable(why)) = reason(&proposal, "either") else { panic!("{:?}", inputs(&proposal)) };
    assert!(why.contains("%d/%m/%Y") && why.contains("%m/%d/%Y"), "{why}");
    assert_eq!(found(&proposal, Code::DatedRows).len(), 1);
}

#[test]
fn what_says_nothing_is_left_out_with_its_reason() {
    let text = table("id,row,key_nr,constant,copy,again,review,ticket,empty,x,y", 120, |row, random| {
        format!(
            "{},{},{},same,{random},{random},it was a {row} fine and long text,T{row}x,{},{},{}",
            7 * row % 121,
            row + 5,
            row * row,
            if row == 50 { "here" } else { "" },
            row % 7,
            row % 2
        )
    });
    let proposal = of(&text, &["y"]).unwrap();
    assert_eq!(inputs(&proposal), [("copy".to_owned(), "number"), ("x".to_owned(), "number")]);
    let of = |column| reason(&proposal, column);
    for column in ["id", "row", "key_nr", "ticket"] {
        assert!(matches!(of(column), Some(LeftOut::Identifier(_))), "{column}: {:?}", of(column));
    }
    assert_eq!(of("constant"), Some(&LeftOut::Constant("always `same`".into())));
    assert_eq!(of("again"), Some(&LeftOut::Copy("copy".into())));
    assert!(matches!(of("review"), Some(LeftOut::FreeText(_))));
    assert!(matches!(of("empty"), Some(LeftOut::MostlyMissing(_))));
    assert!(proposal.left_out.iter().all(|one| one.usable && !one.reason.reason().is_empty()));
    let [told] = found(&proposal, Code::ColumnsLeftOut)[..] else { panic!("they are told together") };
    assert_eq!((told.message.as_str(), told.notes.len()), ("8 columns are left out", 8));
}

#[test]
fn a_column_that_gives_the_answer_away_is_left_out() {
    let text = table("x,end_reason,paid,price,y", 300, |row, random| {
        let y = u64::from(random > 0.5);
        format!("{},{},{},{},{y}", row % 13, ["none", "left"][y as usize], 3.0 * random, random + (row % 5) as f64)
    });
    let proposal = of(&text, &["y"]).unwrap();
    assert!(matches!(reason(&proposal, "end_reason"), Some(LeftOut::Leak { target, .. }) if target == "y"));
    assert!(matches!(reason(&proposal, "paid"), Some(LeftOut::Leak { .. })));
    assert_eq!(inputs(&proposal), [("x".to_owned(), "number"), ("price".to_owned(), "number")]);
    assert_eq!(found(&proposal, Code::ColumnLeaks).len(), 2);
}

#[test]
fn a_column_that_gives_the_answer_away_is_used_if_there_is_no_other() {
    let text = table("id,x,y", 100, |row, random| format!("{row},{random},{}", 2.0 * random + 1.0));
    let proposal = of(&text, &["y"]).unwrap();
    assert_eq!(inputs(&proposal), [("x".to_owned(), "number")]);
    let [told] = found(&proposal, Code::ColumnLeaks)[..] else { panic!("it is told") };
    assert!(told.message.contains("gives `y` away: it rises with it"), "{}", told.message);
    assert!(told.help.as_ref().unwrap().contains("no other column is left"));
}

#[test]
fn numbered_columns_become_a_vector_by_a_pattern_or_by_names() {
    let names: Vec<String> = (1..=9).map(|number| format!("S{number}")).collect();
    let row = |row: u64, random: f64| {
        let cells: Vec<String> =
            (1..=9).map(|number| format!("{}", random * number as f64 + (row % number) as f64)).collect();
        format!("{},{},{}", cells.join(","), row % 5, row % 2)
    };
    let proposal = of(&table(&format!("{},mode,y", names.join(",")), 50, row), &["y"]).unwrap();
    assert_eq!(inputs(&proposal), [("S*".to_owned(), "vector"), ("mode".to_owned(), "number")]);
    assert!(matches!(proposal.inputs[0].kind, InputKind::Vector { length: 9, .. }));

    let proposal = of(&table(&format!("{},Speed,y", names.join(",")), 50, row), &["y"]).unwrap();
    assert_eq!(proposal.inputs[0].columns, Names::List(names.clone()));

    // Seven are too few, and names that were made up mean nothing.
    let few = table("a1,a2,a3,a4,a5,a6,a7,y", 50, |row, random| {
        let cells: Vec<String> = (1..8).map(|number| format!("{}", random.powi(number) + (row % 3) as f64)).collect();
        format!("{},{}", cells.join(","), row % 2)
    });
    assert_eq!(of(&few, &["y"]).unwrap().inputs.len(), 7);
    let nameless = table("", 50, row);
    assert_eq!(of(nameless.trim_start(), &["11"]).unwrap().inputs.len(), 10);
}

#[test]
fn many_columns_of_numbers_become_one_vector() {
    let header: Vec<String> = (0..100)
        .map(|index| format!("g{}", char::from(b'a' + index % 26)) + &"x".repeat(index as usize / 26))
        .collect();
    let text = table(&format!("{},city,y", header.join(",")), 40, |row, random| {
        let cells: Vec<String> =
            (0..100u64).map(|index| format!("{}", (random * 1e6) as u64 * (index + 3) % 1013)).collect();
        format!("{},{},{}", cells.join(","), ["a", "b"][(row % 2) as usize], row % 3)
    });
    let proposal = of(&text, &["y"]).unwrap();
    assert_eq!(inputs(&proposal), [("g*".to_owned(), "vector"), ("city".to_owned(), "category")]);
}

#[test]
fn rows_are_divided_by_whom_they_are_about() {
    let text = |owner: &str, rows_each: u64| {
        table(&format!("{owner},x,y"), 120, move |row, random| format!("c{},{random},{}", row / rows_each, row % 2))
    };
    let split = |text: String| of(&text, &["y"]).unwrap().split;
    let by = |column: &str, groups| ProposedSplit::Grouped { column: column.into(), groups };
    assert_eq!(split(text("customer_id", 4)), by("customer_id", 30));
    assert_eq!(split(text("Patient", 2)), by("Patient", 60));
    assert_eq!(split(text("customer_id", 1)), ProposedSplit::Random);
    // Three groups cannot be divided.
    assert_eq!(split(text("group", 40)), ProposedSplit::Random);
    assert_eq!(split(text("town", 4)), ProposedSplit::Random);
    let proposal = of(&text("session", 3), &["y"]).unwrap();
    assert_eq!(reason(&proposal, "session"), Some(&LeftOut::Group));
}

#[test]
fn a_column_that_names_all_three_parts_divides_the_rows() {
    let text = |parts: [&'static str; 4]| {
        table("x,fold,y", 80, move |row, random| format!("{random},{},{}", parts[(row % 4) as usize], row % 3))
    };
    let split = |parts| of(&text(parts), &["y"]).unwrap().split;
    assert_eq!(split(["train", "train", "Val", "test"]), ProposedSplit::Given { column: "fold".into() });
    assert_eq!(split(["train", "train", "train", "test"]), ProposedSplit::Random);
}
