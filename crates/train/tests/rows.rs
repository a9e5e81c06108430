//! Rows that a finished program is run on.

mod common;

use std::path::Path;

use common::{CATEGORY, OPTIONS, built, folder, table};
use tacit_data::source::SourceKind;
use tacit_spec::{Code, Dialect};
use tacit_train::Artifact;
use tacit_train::evaluate::Evaluator;
use tacit_train::interface::Interface;
use tacit_train::rows::{Rows, outside, values_of};
use tempfile::TempDir;

/// Inputs of every type of a table, some with values that may be missing; five known labels, one that is too rare.
const MANIFEST: &str = r#"
[program]
name = "claims"
[input.age]
type = "number"
missing = "median"
[input.height]
type = "number"
[input.region]
type = "category"
missing = "label"
[input.colour]
type = "category"
[input.grade]
type = "ordinal"
levels = ["low", "middle", "high"]
[input.day]
type = "date"
format = "%d.%m.%Y"
[output.cost]
type = "number"
[data]
source = "claims.csv"
missing = ["?"]
[skeleton]
preset = "linear"
[search]
epochs = 1
"#;

fn claims() -> Artifact {
    let mut text = "age,height,region,colour,grade,day,cost\n".to_owned();
    for row in 0..60 {
        let age = if row == 30 { "?".to_owned() } else { (20 + row % 30).to_string() };
        let colour = if row == 7 { "mauve" } else { ["red", "blue"][row % 2] };
        let (region, grade) = (["north", "south"][row % 2], ["low", "middle", "high"][row % 3]);
        text += &format!("{age},{},{region},{colour},{grade},{}.3.2026,{row}\n", 150 + row % 40, 1 + row % 28);
    }
    built(MANIFEST, &folder(&[("claims.csv", text.as_bytes())])).2
}

/// A row's inputs and the names of those outside of what the training rows covered, or the codes of what is wrong.
type Found = Result<(Vec<Vec<f32>>, Vec<String>), Vec<Code>>;

fn all(interface: &Interface, rows: Rows) -> Vec<Found> {
    rows.map(|row| match row.inputs {
        Ok(values) => {
            let outside = outside(interface, &values).into_iter().map(str::to_owned).collect();
            Ok((values, outside))
        }
        Err(faults) => Err(faults.iter().map(|fault| fault.code).collect()),
    })
    .collect()
}

fn read(artifact: &Artifact, name: &str, text: &str) -> Vec<Found> {
    let dialect = artifact.specification().unwrap().data.dialect;
    let folder = folder(&[(name, text.as_bytes())]);
    let rows = Rows::open(&artifact.interface, &dialect, &folder.path().join(name));
    all(&artifact.interface, rows.unwrap_or_else(|found| panic!("{found:#?}")))
}

#[test]
fn cells_become_what_the_program_takes_and_what_lies_outside_is_told() {
    let artifact = claims();
    let labels: Vec<&[String]> = artifact.interface.inputs.iter().map(|input| &input.labels[..]).collect();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!((labels[2], labels[3]), (&names(&["", "north", "south"])[..], &names(&["blue", "red"])[..]));
    let found = read(
        &artifact,
        "rows.csv",
        "day,grade,colour,region,height,age,more\n\
         25.03.2026,high,red,south,160,30,x\n\
         25.03.2026,low,mauve,north,160,?,x\n\
         25.03.2026,low,blue,,160,30,x\n\
         25.03.2027,low,blue,east,1e3,19,x\n",
    );
    // 2026-03-25 is 20,537 days after 1970-01-01.
    let day = vec![20_537.0, 0.0];
    let usual = vec![vec![30.0], vec![160.0], vec![3.0], vec![2.0], vec![2.0], day.clone()];
    assert_eq!(found[0], Ok((usual, vec![])));
    // A label that was too rare is as one that was never seen; a missing age was there while it was learnt.
    let Ok((values, names)) = &found[1] else { panic!() };
    assert!(values[0][0].is_nan() && values[3] == [0.0] && *names == ["colour"], "{values:?} {names:?}");
    // A missing region has a label, but no training row had it.
    assert_eq!(
        found[2],
        Ok((vec![vec![30.0], vec![160.0], vec![1.0], vec![1.0], vec![0.0], day], vec!["region".into()]))
    );
    let Ok((values, names)) = &found[3] else { panic!() };
    assert_eq!(
        (values[2].as_slice(), names.as_slice()),
        (&[0.0][..], &["age", "height", "region", "day"].map(String::from)[..])
    );
}

#[test]
fn rows_that_cannot_be_used_are_told_and_the_next_are_read() {
    let artifact = claims();
    let found = read(
        &artifact,
        "rows.csv",
        "age,height,region,colour,grade,day\n\
         30,,south,red,high,25.03.2026\n\
         old,tall,south,,best,2026-03-25\n\
         30,160,south,red,high\n\
         30,160,south,red,high,25.03.2026\n",
    );
    assert_eq!(found[0], Err(vec![Code::MissingCell]));
    let expected = [Code::BadNumber, Code::BadNumber, Code::MissingCell, Code::UnknownLabel, Code::BadDate];
    assert_eq!(found[1], Err(expected.to_vec()));
    assert_eq!(found[2], Err(vec![Code::RaggedRow]));
    assert!(found[3].is_ok() && found.len() == 4);
}

#[test]
fn json_lines_may_lack_what_may_be_missing_and_hold_other_keys() {
    let artifact = claims();
    let found = read(
        &artifact,
        "rows.jsonl",
        "{\"note\": {\"any\": [1, \"thing\"]}, \"age\": 30, \"height\": 160, \"region\": \"south\", \"colour\": \"red\", \
          \"grade\": \"high\", \"day\": \"25.03.2026\"}\n\
         {\"height\": 160, \"colour\": \"red\", \"grade\": \"high\", \"day\": \"25.03.2026\", \"age\": null}\n\
         {\"age\": 30, \"region\": \"south\", \"colour\": \"red\", \"grade\": \"high\", \"day\": \"25.03.2026\"}\n\
         {\"age\": 30\n",
    );
    let csv = read(&artifact, "a.csv", "age,height,region,colour,grade,day\n30,160,south,red,high,25.03.2026\n");
    assert_eq!(found[0], csv[0]);
    let Ok((values, names)) = &found[1] else { panic!("{found:?}") };
    assert!(values[0][0].is_nan() && values[2] == [1.0] && *names == ["region"]);
    assert_eq!((&found[2], &found[3]), (&Err(vec![Code::MissingCell]), &Err(vec![Code::BadJson])));
}

#[test]
fn a_column_that_is_not_there_is_named_with_the_nearest() {
    let artifact = claims();
    let folder = folder(&[("rows.csv", b"age,hight,region,colour,grade,day\n")]);
    let path = folder.path().join("rows.csv");
    let Err(found) = Rows::open(&artifact.interface, &Dialect::default(), &path) else { panic!() };
    assert_eq!(found[0].code, Code::ColumnNotFound);
    assert!(found[0].help.as_ref().unwrap().contains("`hight`"), "{found:?}");
    assert!(Rows::open(&artifact.interface, &Dialect::default(), &folder.path().join("none.csv")).is_err());
}

#[test]
fn rows_without_a_header_need_no_answers() {
    let artifact = claims();
    let names = ["age", "height", "region", "colour", "grade", "day", "cost"].map(str::to_owned);
    let dialect = Dialect { columns: Some(names.to_vec()), ..Dialect::default() };
    let folder = folder(&[
        ("new.csv", b"30,160,south,red,high,25.03.2026\n"),
        ("old.csv", b"30,160,south,red,high,25.03.2026,7\n"),
        ("cut.csv", b"30,160,south,red,high\n"),
    ]);
    let open = |name: &str| Rows::open(&artifact.interface, &dialect, &folder.path().join(name));
    let rows = |name: &str| open(name).unwrap().map(|row| row.inputs.unwrap()).collect::<Vec<_>>();
    assert_eq!(rows("new.csv"), rows("old.csv"));
    assert_eq!(rows("new.csv")[0][0], [30.0]);
    let Err(found) = open("cut.csv") else { panic!("it lacks a column that is needed") };
    assert_eq!(found[0].message, "7 names are given, but the first row has 5 cells");
}

#[test]
fn a_stream_gives_the_rows_of_a_file() {
    let artifact = claims();
    let text = "age,height,region,colour,grade,day\n30,160,south,red,high,25.03.2026\n";
    let stream = Box::new(text.as_bytes());
    let dialect = artifact.specification().unwrap().data.dialect;
    let rows = Rows::from_reader(&artifact.interface, &dialect, "standard input", SourceKind::Csv, stream).unwrap();
    assert_eq!(all(&artifact.interface, rows), read(&artifact, "rows.csv", text));
}

#[test]
fn an_input_of_several_columns_may_come_as_one_list_by_its_name() {
    let folder = folder(&[("small.csv", table().as_bytes())]);
    let (_, examples, artifact) = built(CATEGORY, &folder);
    let lists = "{\"pair\": [7, 5], \"age\": 21, \"flags\": [1, 2]}\n{\"pair\": [7], \"age\": 21, \"flags\": [1, 2]}\n";
    let columns = "{\"a\": 7, \"b\": 5, \"age\": 21, \"flag0\": 1, \"flag1\": 2}\n";
    let found = read(&artifact, "lists.jsonl", lists);
    assert_eq!(found[0], read(&artifact, "columns.jsonl", columns)[0]);
    assert_eq!(found[1], Err(vec![Code::ColumnCount]));
    // They are the values of the second row of the table, which was read for the search.
    assert_eq!(found[0].as_ref().unwrap().0, values_of(&examples.dataset, 1).unwrap());
    assert_eq!(found[0].as_ref().unwrap().1, Vec::<String>::new());
}

fn grey(pixels: [u8; 4]) -> Vec<u8> {
    [b"P5 2 2 255\n".as_slice(), &pixels].concat()
}

/// Bright and dark pictures in folders.
fn pictures() -> (TempDir, Artifact) {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for index in 0..10u8 {
        files.push((format!("pets/dark/{index}.pgm"), grey([10 + index, 20, 30, 40])));
        files.push((format!("pets/light/{index}.pgm"), grey([210 + index, 220, 230, 240])));
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let folder = folder(&files);
    let manifest = "[program]\nname = \"light\"\n[input.photo]\ntype = \"image\"\ncolumn = \"image\"\nsize = [2, 2]\n\
                    [output.label]\ntype = \"category\"\n[data]\nsource = \"pets\"\n[skeleton]\npreset = \"linear\"\n\
                    [search]\nepochs = 40\nlearning-rate = 0.1\n";
    let artifact = built(manifest, &folder).2;
    (folder, artifact)
}

#[test]
fn pictures_come_from_a_folder_a_file_a_table_or_a_list_and_are_answered_alike() {
    let (folder, artifact) = pictures();
    let here = folder.path();
    std::fs::create_dir(here.join("new")).unwrap();
    std::fs::write(here.join("new/a.pgm"), grey([15, 20, 30, 40])).unwrap();
    std::fs::write(here.join("new/b.pgm"), grey([0, 0, 0, 0])).unwrap();
    std::fs::write(here.join("new.csv"), "image\nnew/a.pgm\nnew/b.pgm\nnew/c.pgm\n").unwrap();
    std::fs::write(here.join("new.jsonl"), "{\"photo\": [[15, 20], [30, 40]]}\n{\"image\": \"new/b.pgm\"}\n").unwrap();
    let open = |path: &Path| {
        let rows = Rows::open(&artifact.interface, &Dialect::default(), path);
        all(&artifact.interface, rows.unwrap_or_else(|found| panic!("{found:#?}")))
    };
    // Neither the darkest nor the brightest that was learnt from.
    let known = Ok((vec![vec![15.0, 20.0, 30.0, 40.0]], vec![]));
    let dark = Ok((vec![vec![0.0; 4]], vec!["photo".to_owned()]));
    assert_eq!(open(&here.join("new")), [known.clone(), dark.clone()]);
    assert_eq!(open(&here.join("new/a.pgm")), std::slice::from_ref(&known));
    assert_eq!(open(&here.join("new.csv")), [known.clone(), dark.clone(), Err(vec![Code::UnreadableFile])]);
    assert_eq!(open(&here.join("new.jsonl")), [known, dark]);
    std::fs::write(here.join("new/c.png"), "no picture").unwrap();
    assert_eq!(open(&here.join("new/c.png")), [Err(vec![Code::BadPicture])]);
}

#[test]
fn a_program_that_was_built_from_a_table_of_pictures_runs_on_a_folder_of_them() {
    let mut text = "file,label\n".to_owned();
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for index in 0..20u8 {
        let (label, base) = if index % 2 == 0 { ("dark", 10) } else { ("light", 200) };
        files.push((format!("p{index}.pgm"), grey([base + index, 0, 0, base])));
        text += &format!("p{index}.pgm,{label}\n");
    }
    files.push(("t.csv".to_owned(), text.into_bytes()));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let folder = folder(&files);
    let manifest = "[program]\nname = \"light\"\n[input.photo]\ntype = \"image\"\ncolumn = \"file\"\nsize = [2, 2]\n\
                    [output.label]\ntype = \"category\"\n[data]\nsource = \"t.csv\"\n[skeleton]\npreset = \"linear\"\n\
                    [search]\nepochs = 1\n";
    let artifact = built(manifest, &folder).2;
    let rows = Rows::open(&artifact.interface, &Dialect::default(), &folder.path().join("p3.pgm")).unwrap();
    assert_eq!(all(&artifact.interface, rows), [Ok((vec![vec![203.0, 0.0, 0.0, 200.0]], vec![]))]);
}

#[test]
fn missing_and_unknown_values_are_answered_with_finite_numbers() {
    let artifact = claims();
    let mut evaluator = Evaluator::new(&artifact.graph, 1, &OPTIONS).unwrap();
    evaluator.set_weights(&artifact.weights).unwrap();
    let names: Vec<String> = evaluator.inputs().iter().map(|(name, _)| name.clone()).collect();
    for text in ["?,160,,mauve,low,25.03.2026", "1e30,-1e30,x,y,high,01.01.1900", "30,160,south,red,high,25.03.2026"] {
        let found = read(&artifact, "rows.csv", &format!("age,height,region,colour,grade,day\n{text}\n"));
        let Ok((values, _)) = &found[0] else { panic!("{found:?}") };
        let fill = |index: usize, out: &mut [f32]| {
            let input = artifact.interface.inputs.iter().position(|input| input.name == names[index]).unwrap();
            out.copy_from_slice(&values[input]);
            Ok(())
        };
        evaluator.answer(1, fill).unwrap();
        assert!(evaluator.output(0, 1).unwrap()[0].is_finite(), "{text}");
    }
}
