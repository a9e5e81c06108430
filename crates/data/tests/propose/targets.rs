use tacit_data::propose::{Answers, Proposal};
use tacit_spec::{Code, Metric, OutputKind, Preset};

use crate::support::*;

/// What is proposed for answers that are made by a function, under a name.
fn answering(name: &str, answer: impl Fn(u64, f64) -> String) -> Proposal {
    let text =
        table(&format!("x,{name}"), 240, |row, random| format!("{},{}", (row * 7919) % 101, answer(row, random)));
    of(&text, &[name]).unwrap()
}

fn answers_of(proposal: &Proposal) -> Answers {
    match proposal.outputs[0].kind {
        OutputKind::Category { .. } => Answers::Category,
        OutputKind::Number => Answers::Number,
        OutputKind::Labels { .. } | OutputKind::Anomaly { .. } => panic!("{:?}", proposal.outputs[0]),
    }
}

#[test]
fn the_answers_are_classes_or_amounts_by_the_rule() {
    let even = |count: u64| move |row: u64, _: f64| (row % count).to_string();
    // The fifth value comes once in sixty rows.
    let uneven = |row: u64, _: f64| (if row.is_multiple_of(60) { 8 } else { 3 + row % 4 }).to_string();
    assert_eq!(answers_of(&answering("y", |row, _| ["yes", "no"][(row % 2) as usize].to_owned())), Answers::Category);
    assert_eq!(answers_of(&answering("y", even(2))), Answers::Category);
    assert_eq!(answers_of(&answering("y", even(10))), Answers::Category);
    assert_eq!(answers_of(&answering("y", even(11))), Answers::Number);
    assert_eq!(answers_of(&answering("quality", uneven)), Answers::Number);
    assert_eq!(answers_of(&answering("cover_type", uneven)), Answers::Category);
    assert_eq!(answers_of(&answering("price", |_, random| random.to_string())), Answers::Number);
    // What could be otherwise says so.
    assert!(answering("quality", uneven).outputs[0].why.contains("type = \"category\""));
    assert!(answering("y", even(10)).outputs[0].why.contains("type = \"number\""));
    assert!(answering("price", |_, random| random.to_string()).outputs[0].why.is_empty());
}

#[test]
fn lists_of_labels_are_several_labels_at_once() {
    let lists = ["rain;fog", "rain", "", "fog;snow"];
    let proposal = answering("tags", |row, _| lists[(row % 4) as usize].to_owned());
    assert!(matches!(&proposal.outputs[0].kind, OutputKind::Labels { separator: Some(mark), .. } if mark == ";"));
    assert!(!proposal.set_aside, "a row without a label has none");
}

#[test]
fn several_targets_are_several_outputs() {
    let text = table("x,price,sold", 90, |row, random| format!("{},{random},{}", row % 7, row % 2));
    let proposal = of(&text, &["sold", "2"]).unwrap();
    let outputs: Vec<&str> = proposal.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(outputs, ["sold", "price"]);
    assert_eq!(proposal.preset, Preset::Mlp);
    assert_eq!(proposal.requirements.iter().filter(|one| one.output == "price").count(), 1);
    assert_eq!(inputs(&proposal).len(), 1);
}

#[test]
fn without_answers_there_are_anomalies_and_with_them_they_are_measured() {
    let text = table("a,b,state", 90, |row, random| {
        format!("{random},{},{}", row % 8, if row % 15 == 0 { "bad" } else { "ok" })
    });
    let blind = of(&text, &["--anomaly"]).unwrap();
    assert!(
        matches!(blind.outputs[0].kind, OutputKind::Anomaly { normal: None, .. }) && blind.outputs[0].column.is_none()
    );
    assert_eq!((blind.preset, blind.requirements.len(), blind.inputs.len()), (Preset::Autoencoder, 0, 3));
    let measured = of(&text, &["--anomaly", "state"]).unwrap();
    assert!(matches!(&measured.outputs[0].kind, OutputKind::Anomaly { normal: Some(normal), .. } if normal == "ok"));
    assert_eq!((measured.requirements[0].metric, measured.inputs.len()), (Metric::Auroc, 2));
}

#[test]
fn labels_of_the_test_file_that_are_only_spelt_otherwise_are_aliases() {
    let rows = |labels: [&'static str; 3]| {
        table("x,y", 90, move |row, random| format!("{random},{}", labels[(row % 3) as usize]))
    };
    let proposal = with_test(&rows([">50K", "<=50K", "none"]), &rows([">50K.", "<=50k ", "none"]), &["y"]).unwrap();
    let aliases: Vec<(&str, &str)> =
        proposal.outputs[0].aliases.iter().map(|(alias, label)| (alias.as_str(), label.as_str())).collect();
    assert_eq!(aliases, [("<=50k", "<=50K"), (">50K.", ">50K")]);
    assert!(!proposal.set_aside);
}

#[test]
fn labels_that_only_the_test_file_has_are_set_aside() {
    let rows = |labels: [&'static str; 3]| {
        table("x,y", 90, move |row, random| format!("{random},{}", labels[(row % 3) as usize]))
    };
    let proposal = with_test(&rows(["a", "b", "a"]), &rows(["a", "b", "c"]), &["y"]).unwrap();
    assert!(
        matches!(&proposal.outputs[0].kind, OutputKind::Category { classes: Some(classes) } if classes == &["a", "b"])
    );
    let [told] = found(&proposal, Code::UnknownLabel)[..] else { panic!("it is told") };
    assert!(told.message.contains("`c`") && proposal.set_aside);
}

#[test]
fn classes_of_one_or_two_rows_are_not_answered_and_few_are_told() {
    let label = |row: u64| match row {
        0 => "once",
        1 | 2 => "twice",
        3..12 => "seldom",
        _ => "often",
    };
    let proposal = answering("y", |row, _| label(row).to_owned());
    let OutputKind::Category { classes: Some(classes) } = &proposal.outputs[0].kind else { panic!("they are listed") };
    assert_eq!(classes, &["often", "seldom"]);
    assert!(proposal.set_aside);
    let told: Vec<&str> = found(&proposal, Code::RareClasses).iter().map(|one| one.message.as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("`once` and `twice`") && told[1].contains("`seldom (9)`"));
}

#[test]
fn uneven_classes_are_told() {
    let proposal = answering("y", |row, _| (if row % 12 == 0 { "rare" } else { "common" }).to_owned());
    assert!(found(&proposal, Code::RareClasses).is_empty());
    let text = table("x,y", 2000, |row, random| format!("{random},{}", if row % 50 == 0 { "rare" } else { "common" }));
    assert_eq!(found(&of(&text, &["y"]).unwrap(), Code::RareClasses).len(), 1);
}

#[test]
fn rows_without_an_answer_are_set_aside() {
    let proposal = answering("y", |row, random| if row % 20 == 0 { String::new() } else { random.to_string() });
    let [told] = found(&proposal, Code::MissingCell)[..] else { panic!("it is told") };
    assert!(told.message.contains("12 rows (5 %)") && proposal.set_aside, "{}", told.message);
}

#[test]
fn the_target_is_named_or_numbered_and_misspelt_names_are_corrected() {
    let text = table("x,Price", 30, |row, random| format!("{},{random}", row % 7));
    assert_eq!(of(&text, &["2"]).unwrap().outputs[0].name, "price");
    let found = of(&text, &["Pricé"]).unwrap_err();
    assert_eq!((found[0].code, found[0].help.as_deref()), (Code::ColumnNotFound, Some("did you mean `Price`?")));
    assert_eq!(code(of(&text, &["3"])), Code::ColumnNotFound);
    assert_eq!(code(of(&text, &["0"])), Code::ColumnNotFound);
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let refused = |name: &str, answer: &dyn Fn(u64) -> String| {
        let text = table(&format!("x,{name}"), 60, |row, random| format!("{random},{}", answer(row)));
        code(of(&text, &["2"]))
    };
    assert_eq!(refused("y", &|_| "same".to_owned()), Code::OneClass);
    assert_eq!(refused("y", &|_| "3".to_owned()), Code::OneClass);
    assert_eq!(refused("y", &|_| String::new()), Code::UnusableTarget);
    assert_eq!(refused("y", &|row| format!("name{row}")), Code::UnusableTarget);
    assert_eq!(refused("y", &|row| format!("2026-01-{:02}", 1 + row % 30)), Code::UnusableTarget);
    assert_eq!(refused("a*", &|row| (row % 2).to_string()), Code::UnusableTarget);
    assert_eq!(code(of(&table("x,y", 60, |row, _| format!("{row},1")), &[])), Code::NoTarget);
}
