use serde_json::{Value, json};
use tacit_data::TargetValues;
use tacit_spec::Code;

use crate::support::*;

fn set_aside() -> String {
    MANIFEST.replace("split", "bad-rows = \"set-aside\"\nsplit")
}

fn lines(folder: &Folder) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.rejects()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn rows_that_cannot_be_used_are_written_to_a_file_with_all_that_is_wrong_with_them() {
    let text = GOOD.replace("2,3,dog,4", "2,\"x\ny\",,4").replace("8,9,cat,7", "8,9,cat").into_bytes();
    let text = [text, b"1,2,caf\xe9,3\n".to_vec()].concat();
    let folder = Folder::new(&[("cats.csv", &text)]);
    let dataset = all_right(folder.read(&specification(&set_aside())));
    assert_eq!((dataset.rows, dataset.rejected_rows, dataset.files[0].rows), (4, 3, 4));
    assert_eq!(values(&dataset.inputs[0]), [0., 1., 4., 5., 6., 7., 16., 15.]);
    let file = folder.path().join("cats.csv").display().to_string();
    let found = lines(&folder);
    let fault = |code, message: &str, column: Value, found: &str| json!({ "code": code, "message": message, "column": column, "found": found });
    assert_eq!(found.len(), 3);
    assert_eq!(
        found[0],
        json!({
            "file": file,
            "place": "line 3",
            "faults": [
                fault("E0205", "`x\\u{a}y` is not a number", json!("p1"), "x\ny"),
                fault("E0207", "this cell is empty", json!("kind"), ""),
            ],
            "row": "2,\"x\ny\",,4",
        })
    );
    let ragged = "this row has 3 cells, but the file has 4 columns";
    assert_eq!(found[1]["faults"], json!([fault("E0204", ragged, Value::Null, "3 cells")]));
    assert_eq!((&found[1]["place"], &found[1]["row"]), (&json!("line 7"), &json!("8,9,cat")));
    assert_eq!((&found[2]["faults"][0]["code"], &found[2]["row"]), (&json!("E0002"), &json!("1,2,caf\u{fffd},3")));
    assert_eq!(std::fs::read_dir(folder.rejects().parent().unwrap()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn a_label_that_only_rejected_rows_have_is_no_class() {
    let text = GOOD.replace("4,5,cat,5", "x,5,cow,5");
    let dataset = all_right(Folder::new(&[("cats.csv", text.as_bytes())]).read(&specification(&set_aside())));
    let labels = vec!["cat".to_owned(), "dog".to_owned()];
    assert_eq!(dataset.targets[0].values, TargetValues::Category { labels, ids: vec![0, 1, 1, 0, 1] });
}

#[test]
fn without_rejects_none_stay_from_an_earlier_time() {
    let folder = Folder::new(&[("cats.csv", GOOD.as_bytes())]);
    std::fs::create_dir_all(folder.rejects().parent().unwrap()).unwrap();
    std::fs::write(folder.rejects(), "of an earlier time").unwrap();
    let dataset = all_right(folder.read(&specification(&set_aside())));
    assert_eq!((dataset.rows, dataset.rejected_rows, folder.rejects().exists()), (6, 0, false));
}

#[test]
fn when_no_row_can_be_used_what_is_wrong_with_them_is_told() {
    let text = "p0,p1,kind\n1,x,cat\n1,y,dog\n";
    let folder = Folder::new(&[("cats.csv", text.as_bytes())]);
    let found = folder.read(&specification(&set_aside())).unwrap_err();
    assert_eq!(
        (found[0].code, found[0].notes.as_slice()),
        (Code::BadNumber, &["line 3, column `p1`: `y`".to_owned(), "2 in all".to_owned()][..])
    );
    assert_eq!(lines(&folder).len(), 2);
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_stops_the_build_and_leaves_no_half_of_the_rejects() {
    // The first row is bad, and the file ends inside its last picture.
    let bytes = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[1, 2, 3, 4]].concat();
    let labels = [&[0, 0, 13, 1, 0, 0, 0, 2][..], &f32::NAN.to_be_bytes(), &[0; 4]].concat();
    let manifest = set_aside()
        .replace("columns = \"p*\"\n", "")
        .replace("scale = 16\n", "")
        .replace("[output.kind]", "[output.label]")
        .replace("cats.csv", "x-images.gz");
    let whole = Folder::new(&[("x-images.gz", &bytes), ("x-labels", &labels)]);
    let dataset = whole.read(&specification(&manifest)).unwrap_err();
    assert_eq!(dataset[0].code, Code::OneClass, "one row is left: {dataset:?}");
    // Packed, the length of the file says nothing of that of its contents.
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packer, &bytes[..bytes.len() - 1]).unwrap();
    let cut = Folder::new(&[("x-images.gz", &packer.finish().unwrap()), ("x-labels", &labels)]);
    let found = cut.read(&specification(&manifest)).unwrap_err();
    assert!(found.iter().any(|diagnostic| diagnostic.code == Code::DamagedFile), "{found:?}");
    assert_eq!(std::fs::read_dir(cut.rejects().parent().unwrap()).unwrap().count(), 0);
}
