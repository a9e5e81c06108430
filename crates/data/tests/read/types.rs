//! Every type of input and of output, from every format.

use tacit_data::{Dataset, TargetValues};
use tacit_spec::{Code, Diagnostic};

use crate::support::*;

const NUMBER: &str = "[output.y]\ntype = \"number\"";

fn codes(found: Result<Dataset, Vec<Diagnostic>>) -> Vec<Code> {
    found.err().unwrap_or_default().iter().map(|diagnostic| diagnostic.code).collect()
}

/// The values of the one input, NaN as nothing.
fn known(dataset: &Dataset) -> Vec<Option<f32>> {
    values(&dataset.inputs[0]).into_iter().map(|value| Some(value).filter(|value| !value.is_nan())).collect()
}

#[test]
fn a_missing_number_is_refused_unless_the_manifest_says_what_holds() {
    let text = "x,y\n1,1\n,2\n?,3\n4,4\n";
    let manifest =
        |missing: &str| table(&format!("[input.x]\ntype = \"number\"\n{missing}\n{NUMBER}"), "missing = [\"?\"]");
    let found = read_table(text, &manifest("")).unwrap_err();
    assert_eq!((found[0].code, found[0].notes.len()), (Code::MissingCell, 2));
    for missing in ["\"mean\"", "\"median\"", "7.5"] {
        let dataset = all_right(read_table(text, &manifest(&format!("missing = {missing}"))));
        assert_eq!(known(&dataset), [Some(1.0), None, None, Some(4.0)]);
    }
    // The right answer cannot be left out, whatever holds for inputs.
    assert_eq!(codes(read_table("x,y\n1,1\n2,\n", &manifest("missing = \"mean\""))), [Code::MissingCell]);
}

#[test]
fn labels_are_learnt_as_they_come_and_missing_may_be_one() {
    let manifest = |missing: &str| table(&format!("[input.x]\ntype = \"category\"\n{missing}\n{NUMBER}"), "");
    let text = "x,y\nnorth,1\nsouth,1\n,1\nnorth,1\n12,1\n";
    assert_eq!(codes(read_table(text, &manifest(""))), [Code::MissingCell]);
    let dataset = all_right(read_table(text, &manifest("missing = \"label\"")));
    assert_eq!(values(&dataset.inputs[0]), [1.0, 2.0, 3.0, 1.0, 4.0]);
    assert_eq!(dataset.inputs[0].labels, ["north", "south", "", "12"]);
}

#[test]
fn levels_are_numbers_in_their_order_and_others_are_refused() {
    let levels = "levels = [\"low\", \"middle\", \"high\"]";
    let manifest = |missing: &str| table(&format!("[input.x]\ntype = \"ordinal\"\n{levels}\n{missing}\n{NUMBER}"), "");
    let text = "x,y\nhigh,1\nlow,1\nmiddle,1\n";
    assert_eq!(values(&all_right(read_table(text, &manifest(""))).inputs[0]), [2.0, 0.0, 1.0]);
    assert_eq!(codes(read_table(&text.replace("middle", "mid"), &manifest(""))), [Code::UnknownLabel]);
    let text = text.replace("middle", "");
    assert_eq!(codes(read_table(&text, &manifest(""))), [Code::MissingCell]);
    assert_eq!(known(&all_right(read_table(&text, &manifest("missing = \"median\"")))), [Some(2.0), Some(0.0), None]);
}

#[test]
fn dates_are_days_and_shares_of_a_day_in_either_way_of_writing() {
    let manifest = |format: &str| table(&format!("[input.x]\ntype = \"date\"\n{format}\n{NUMBER}"), "");
    let dataset = all_right(read_table("x,y\n1970-01-02,1\n2026-11-25T18:00,2\n", &manifest("")));
    // 2026-11-25 is 20,782 days after 1970-01-01.
    assert_eq!(values(&dataset.inputs[0]), [1.0, 0.0, 20_782.0, 0.75]);
    let written = manifest("format = \"%d.%m.%Y %H:%M\"");
    let dataset = all_right(read_table("x,y\n2.1.1970 00:00,1\n25.11.2026 18:00,2\n", &written));
    assert_eq!(values(&dataset.inputs[0]), [1.0, 0.0, 20_782.0, 0.75]);
    assert_eq!(codes(read_table("x,y\n1970-01-02,1\n", &written)), [Code::BadDate]);
    assert_eq!(codes(read_table("x,y\n1970-02-30,1\n", &manifest(""))), [Code::BadDate]);
    let missing = all_right(read_table("x,y\n,1\n1970-01-02,1\n", &manifest("missing = \"mean\"")));
    assert_eq!(known(&missing), [None, None, Some(1.0), Some(0.0)]);
}

#[test]
fn several_labels_have_a_column_each() {
    let manifest =
        table("[input.x]\ntype = \"number\"\n[output.sky]\ntype = \"labels\"\ncolumns = [\"wet\", \"cold\"]", "");
    let text = "cold,x,wet\n1,1,0\nyes,2,True\n0.0,3,no\n";
    let labels = vec!["wet".to_owned(), "cold".to_owned()];
    let expected = TargetValues::Labels { labels, values: vec![false, true, true, true, false, false] };
    assert_eq!(all_right(read_table(text, &manifest)).targets[0].values, expected);
    assert_eq!(codes(read_table("cold,x,wet\n1,1,2\n", &manifest)), [Code::BadNumber]);
    assert_eq!(codes(read_table("cold,x,wet\n1,1,\n", &manifest)), [Code::MissingCell]);
    assert_eq!(codes(read_table("x,wet\n1,1\n", &manifest)), [Code::ColumnNotFound]);
}

#[test]
fn several_labels_stand_in_one_column_with_something_between_them() {
    let manifest =
        |keys: &str| table(&format!("[input.x]\ntype = \"number\"\n[output.tags]\ntype = \"labels\"\n{keys}"), "");
    let text = "x,tags\n1,b; a\n2,\n3,a;;a\n4,10\n";
    let read = |manifest: &str| all_right(read_table(text, manifest)).targets.remove(0).values;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let flags = |rows: [[u8; 3]; 4]| rows.as_flattened().iter().map(|flag| *flag == 1).collect::<Vec<_>>();
    let values = flags([[0, 1, 1], [0, 0, 0], [0, 1, 0], [1, 0, 0]]);
    assert_eq!(read(&manifest("")), TargetValues::Labels { labels: names(&["10", "a", "b"]), values });
    let values = flags([[1, 1, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]]);
    let listed = "labels = [\"b\", \"a\", \"10\"]";
    assert_eq!(read(&manifest(listed)), TargetValues::Labels { labels: names(&["b", "a", "10"]), values });
    let other = text.replace(';', "/");
    let slashed = all_right(read_table(&other, &manifest("separator = \"/\""))).targets.remove(0).values;
    assert_eq!(slashed, read(&manifest("")));
    assert_eq!(codes(read_table(text, &manifest("labels = [\"a\", \"b\"]"))), [Code::UnknownLabel]);
    assert_eq!(codes(read_table("x,tags\n1,\n2,;\n", &manifest(""))), [Code::OneClass]);
}

#[test]
fn a_column_can_tell_which_rows_are_anomalous() {
    let manifest = |keys: &str| {
        table(&format!("[input.x]\ntype = \"number\"\n[output.odd]\ntype = \"anomaly\"\n{keys}"), "")
            .replace("mlp", "autoencoder")
    };
    let text = "x,state\n1,ok\n2,leak\n3,ok\n";
    let told = manifest("column = \"state\"\nnormal = \"ok\"");
    let target = &all_right(read_table(text, &told)).targets[0].values;
    assert_eq!(*target, TargetValues::Anomaly(Some(vec![false, true, false])));
    let target = &all_right(read_table(text, &manifest(""))).targets[0].values;
    assert_eq!(*target, TargetValues::Anomaly(None));
    assert_eq!(codes(read_table("x,state\n1,ok\n2,\n", &told)), [Code::MissingCell]);
}

#[test]
fn json_lines_hold_lists_of_numbers_and_of_labels() {
    let inputs = "[input.x]\ntype = \"vector\"\ncolumns = \"x\"\nsize = 4\n[output.tags]\ntype = \"labels\"";
    let manifest = table(inputs, "").replace("t.csv", "t.jsonl");
    let text = "{\"x\": [1, 2, 3, 4], \"tags\": [\"b\", \"a\"]}\n{\"x\": [[5, 6], [7, 8]], \"tags\": null}\n";
    let read = |text: &str| Folder::new(&[("t.jsonl", text.as_bytes())]).read(&specification(&manifest));
    let dataset = all_right(read(text));
    assert_eq!(values(&dataset.inputs[0]), [1., 2., 3., 4., 5., 6., 7., 8.]);
    let labels = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(dataset.targets[0].values, TargetValues::Labels { labels, values: vec![true, true, false, false] });
    assert_eq!(codes(read(&text.replace("[1, 2, 3, 4]", "[1, 2, 3]"))), [Code::ColumnCount]);
    assert_eq!(codes(read(&text.replace("[1, 2, 3, 4]", "7"))), [Code::BadNumber]);
}

/// An idx file of bytes.
fn idx(extents: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, extents.len() as u8];
    extents.iter().for_each(|extent| bytes.extend(extent.to_be_bytes()));
    bytes.extend(values);
    bytes
}

const PICTURES: &str = "[input.image]\ntype = \"image\"\nsize = [1, 2]\n[output.label]\ntype = \"category\"";

#[test]
fn idx_files_hold_pictures_and_their_labels_lie_beside_them_or_where_the_manifest_says() {
    let pictures = idx(&[3, 1, 2], &[0, 255, 1, 2, 3, 4]);
    let labels = idx(&[3], &[7, 3, 7]);
    let expected = TargetValues::Category { labels: vec!["3".into(), "7".into()], ids: vec![1, 0, 1] };
    let plain = table(PICTURES, "").replace("t.csv", "x-images");
    let beside = Folder::new(&[("x-images", &pictures), ("x-labels", &labels)]);
    let dataset = all_right(beside.read(&specification(&plain)));
    assert_eq!(values(&dataset.inputs[0]), [0., 255., 1., 2., 3., 4.]);
    assert_eq!(dataset.targets[0].values, expected);
    // Paths are relative to the folder of the manifest, and the labels are those of the source alone.
    let manifest =
        table(PICTURES, "labels = \"answers/a\"\ntest = \"more/y-images\"").replace("t.csv", "data/x-images");
    let files: [(&str, &[u8]); 4] = [
        ("data/x-images", &pictures),
        ("answers/a", &labels),
        ("more/y-images", &idx(&[1, 1, 2], &[9, 9])),
        ("more/y-labels", &idx(&[1], &[3])),
    ];
    let dataset = all_right(Folder::new(&files).read(&specification(&manifest)));
    let ids = vec![1, 0, 1, 0];
    assert_eq!(dataset.targets[0].values, TargetValues::Category { labels: vec!["3".into(), "7".into()], ids });
    assert_eq!(values(&dataset.inputs[0])[6..], [9.0, 9.0]);
}

fn grey(pixels: [u8; 2]) -> Vec<u8> {
    [b"P5 2 1 255\n".as_slice(), &pixels].concat()
}

#[test]
fn folders_of_pictures_give_labels_and_parts() {
    let manifest = table(PICTURES, "split = { column = \"part\" }").replace("t.csv", "pets");
    let folder = Folder::new(&[
        ("pets/train/cat/a.pgm", &grey([1, 2])),
        ("pets/train/dog/b.pgm", &grey([3, 4])),
        ("pets/val/cat/c.pgm", &grey([5, 6])),
        ("pets/test/dog/d.pgm", &grey([7, 8])),
    ]);
    let dataset = all_right(folder.read(&specification(&manifest)));
    // In the order of the paths: test, train, val.
    assert_eq!(values(&dataset.inputs[0]), [7., 8., 1., 2., 3., 4., 5., 6.]);
    let labels = vec!["cat".to_owned(), "dog".to_owned()];
    assert_eq!(dataset.targets[0].values, TargetValues::Category { labels, ids: vec![1, 0, 1, 0] });
    let parts = parts(&dataset, &manifest);
    assert_eq!((parts.training, parts.validation, parts.test), (vec![1, 2], vec![3], vec![0]));
}

#[test]
fn a_table_names_pictures_relative_to_its_own_folder_and_they_are_fitted() {
    let manifest =
        table(PICTURES, "test = \"b/t.csv\"").replace("t.csv\"\ntest = \"b/t.csv", "a/t.csv\"\ntest = \"b/t.csv");
    let wide = [b"P5 4 2 255\n".as_slice(), &[10, 10, 20, 20, 10, 10, 20, 20]].concat();
    let folder = Folder::new(&[
        ("a/t.csv", b"image,label\nx.pgm,cat\nmore/y.pgm,dog\n"),
        ("a/x.pgm", &grey([1, 2])),
        ("a/more/y.pgm", &wide),
        ("b/t.csv", b"label,image\ndog,x.pgm\n"),
        ("b/x.pgm", &grey([3, 4])),
    ]);
    let dataset = all_right(folder.read(&specification(&manifest)));
    let found = values(&dataset.inputs[0]);
    assert_eq!((&found[..2], &found[4..]), (&[1.0, 2.0][..], &[3.0, 4.0][..]));
    assert!((10.0..15.0).contains(&found[2]) && (15.0..=20.0).contains(&found[3]), "{found:?}");
    std::fs::remove_file(folder.path().join("a/x.pgm")).unwrap();
    let found = folder.read(&specification(&manifest)).unwrap_err();
    assert_eq!((found[0].code, folder.place(&found[0]).as_str()), (Code::UnreadableFile, "2:image"));
}
