//! Public data in the folder that the variable `TACIT_DATA` names.

use std::path::PathBuf;

use tacit_data::Part;
use tacit_data::propose::{LeftOut, Proposal};
use tacit_spec::{Code, InputKind, OutputKind, Preset};

use crate::support::*;

/// What is proposed for a file of the public data; nothing, and a word about it, where there is none.
fn of_public(file: &str, test: Option<&str>, target: &str) -> Option<Proposal> {
    let Some(folder) = std::env::var_os("TACIT_DATA").map(PathBuf::from) else {
        eprintln!("skipped: {file} needs the variable TACIT_DATA");
        return None;
    };
    let test = test.map(|test| folder.join(test));
    let others: Vec<_> = test.iter().map(|test| (test.as_path(), Part::Test)).collect();
    Some(of_files(&folder.join(file), &others, &[target]).unwrap().1)
}

fn types(proposal: &Proposal) -> String {
    inputs(proposal).iter().map(|(_, kind)| &kind[..1]).collect()
}

#[test]
fn adult() {
    let Some(found) = of_public("tabular/adult-train.csv.gz", Some("tabular/adult-test.csv.gz"), "15") else { return };
    assert_eq!(types(&found), "ncncnccccc".to_owned() + "nnnc");
    assert_eq!(found.missing, ["?"]);
    let output = &found.outputs[0];
    assert_eq!(output.aliases.len(), 2);
    assert!(matches!(output.kind, OutputKind::Category { classes: None }) && output.classes.len() == 2);
    assert!(found.left_out.is_empty() && !found.set_aside);
}

#[test]
fn california_housing() {
    let Some(found) = of_public("tabular/california-housing.csv.gz", None, "median_house_value") else { return };
    assert_eq!(types(&found), "nnnnnnnnc");
    assert_eq!((&found.outputs[0].kind, found.left_out.len()), (&OutputKind::Number, 0));
}

#[test]
fn wine_quality() {
    for colour in ["red", "white"] {
        let Some(found) = of_public(&format!("tabular/winequality-{colour}.csv"), None, "12") else { return };
        assert_eq!((types(&found).as_str(), &found.outputs[0].kind), ("nnnnnnnnnnn", &OutputKind::Number));
        assert_eq!(found_count(&found, Code::RepeatedRows), 1);
    }
}

fn found_count(proposal: &Proposal, code: Code) -> usize {
    found(proposal, code).len()
}

#[test]
fn titanic() {
    let Some(found) = of_public("tabular/titanic-train.csv", None, "Survived") else { return };
    assert_eq!(
        inputs(&found).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"]
    );
    assert!(matches!(reason(&found, "PassengerId"), Some(LeftOut::Identifier(_))));
    assert!(matches!(reason(&found, "Name"), Some(LeftOut::FreeText(_))));
    assert!(matches!(found.outputs[0].kind, OutputKind::Category { .. }));
}

#[test]
fn iris() {
    let Some(found) = of_public("tabular/iris.csv", None, "column5") else { return };
    assert_eq!((types(&found).as_str(), found.outputs[0].classes.len()), ("nnnn", 3));
    assert!(found.left_out.is_empty());
}

#[test]
fn robot_wall_following() {
    let Some(found) = of_public("robot-wall-following/sensor_readings_24.csv", None, "OUTPUT") else { return };
    assert_eq!(inputs(&found), [("S*".to_owned(), "vector")]);
    assert_eq!(found.outputs[0].classes.len(), 4);
}

#[test]
fn fashion_mnist() {
    let file = |part: &str| format!("fashion-mnist/{part}-images-idx3-ubyte.gz");
    let Some(found) = of_public(&file("train"), Some(&file("t10k")), "label") else { return };
    assert!(matches!(found.inputs[0].kind, InputKind::Image { height: 28, width: 28, channels: 1, .. }));
    assert_eq!((found.outputs[0].classes.len(), found.preset), (10, Preset::ConvNet));
}
