use proptest::prelude::*;
use tacit_data::split;
use tacit_spec::report::{Colour, render};

use crate::support::*;

/// Reading never panics, and what it gives fits together.
fn harmless(name: &str, bytes: &[u8], manifest: &str) {
    let specification = specification(manifest);
    let folder = Folder::new(&[(name, bytes)]);
    match folder.read(&specification) {
        Ok(dataset) => {
            let of = |input: &tacit_data::InputValues| values(input).len() == input.width() * dataset.rows;
            assert!(dataset.inputs.iter().all(of) && dataset.places.len() == dataset.rows);
            if let Err(found) = split(&dataset, &specification) {
                assert!(!found.is_empty() && !render(&found, Colour::Never).is_empty());
            }
        }
        Err(found) => {
            let shown = render(&found, Colour::Never);
            assert!(!found.is_empty() && !shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        }
    }
}

const TABLE: &str = "[input.a]\ntype = \"number\"\nmissing = \"mean\"\n[input.b]\ntype = \"category\"\nmissing = \"label\"\n\
    [input.c]\ntype = \"date\"\n[output.d]\ntype = \"category\"\n[output.e]\ntype = \"labels\"\n[output.f]\ntype = \"number\"";

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[p01,kind\"\n\r x.é-]{0,80}") {
        for bytes in [bytes, text.clone().into_bytes(), format!("p0,p1,kind\n{text}").into_bytes()] {
            harmless("cats.csv", &bytes, MANIFEST);
        }
    }

    #[test]
    fn no_cells_make_it_panic(
        cells in prop::collection::vec("[0-9.eE+-]{0,6}|[a-c;]{0,4}|[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}|\\PC{0,3}", 0..60),
        set_aside in any::<bool>(),
    ) {
        let data = if set_aside { "bad-rows = \"set-aside\"" } else { "" };
        let rows: String = cells.chunks(6).map(|row| format!("{}\n", row.join(","))).collect();
        harmless("t.csv", format!("a,b,c,d,e,f\n{rows}").as_bytes(), &table(TABLE, data));
    }

    #[test]
    fn no_json_makes_it_panic(values in prop::collection::vec("null|true|-?[0-9]{1,3}|1e[0-9]{1,3}|\"[a-z;]{0,3}\"|\\[[0-9,]{0,5}\\]|\\{\\}", 0..36)) {
        let keys = ["a", "b", "c", "d", "e", "f"];
        let row = |row: &[String]| {
            let fields: Vec<String> = keys.iter().zip(row).map(|(key, value)| format!("\"{key}\":{value}")).collect();
            format!("{{{}}}\n", fields.join(","))
        };
        let rows: String = values.chunks(6).map(row).collect();
        harmless("t.jsonl", rows.as_bytes(), &table(TABLE, "").replace("t.csv", "t.jsonl"));
    }
}
