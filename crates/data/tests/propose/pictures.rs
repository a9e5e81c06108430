use std::path::Path;

use tacit_data::propose::ProposedSplit;
use tacit_spec::{Code, InputKind, OutputKind, Preset};

use crate::support::*;

/// A grey picture, or a coloured one.
fn picture(path: &Path, [height, width, channels]: [usize; 3], value: u8) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut bytes = format!("P{} {width} {height} 255\n", if channels == 1 { 5 } else { 6 }).into_bytes();
    bytes.extend(std::iter::repeat_n(value, height * width * channels));
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_folder_of_pictures_answers_with_its_folders() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..12 {
        for (label, value) in [("dark", 10), ("light", 200)] {
            picture(&folder.path().join(format!("{label}/{number}.pgm")), [9, 12, 1], value + number);
        }
    }
    let (_, proposal) = of_files(folder.path(), &[], &["label"]).unwrap();
    assert!(matches!(proposal.inputs[0].kind, InputKind::Image { height: 9, width: 12, channels: 1, .. }));
    assert!(matches!(proposal.outputs[0].kind, OutputKind::Category { .. }));
    assert_eq!((proposal.preset, proposal.inputs.len(), proposal.left_out.len()), (Preset::ConvNet, 1, 0));
    assert!(found(&proposal, Code::ColumnsLeftOut).is_empty(), "the names of the files are no columns of anybody's");
}

#[test]
fn pictures_of_several_sizes_are_fitted_to_a_usual_one() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..12 {
        let side = 20 + 3 * number;
        picture(&folder.path().join(format!("train/a/{number}.ppm")), [side, side + 7, 3], number as u8);
        picture(&folder.path().join(format!("val/b/{number}.ppm")), [300, 400, 3], number as u8);
        picture(&folder.path().join(format!("test/b/{number}.pgm")), [300, 400, 1], number as u8);
        picture(&folder.path().join(format!("train/b/{number}.ppm")), [300, 400, 3], number as u8);
    }
    let (_, proposal) = of_files(folder.path(), &[], &["label"]).unwrap();
    assert!(matches!(proposal.inputs[0].kind, InputKind::Image { height: 64, width: 64, channels: 3, .. }));
    assert_eq!(proposal.split, ProposedSplit::Given { column: "part".into() });
}

#[test]
fn a_square_of_pixels_in_columns_is_an_image() {
    let names: Vec<String> = (0..16).map(|index| format!("pixel_{}_{}", index / 4, index % 4)).collect();
    let rows = |name: &str, last: &'static str| {
        let header = names.join(",").replace("pixel", name);
        table(&format!("{header}{},digit", if last.is_empty() { "" } else { ",age" }), 100, move |row, random| {
            // The first pixel is always 0, as at the edge of a picture.
            let cells: Vec<String> =
                (0..16u64).map(|index| ((random * 1e9) as u64 / (index + 1) % 17 * index.min(1)).to_string()).collect();
            format!("{}{last},{}", cells.join(","), row % 10)
        })
    };
    let proposal = of(&rows("pixel", ""), &["digit"]).unwrap();
    assert!(matches!(
        proposal.inputs[0].kind,
        InputKind::Image { height: 4, width: 4, channels: 1, scale: Some(16.0) }
    ));
    assert_eq!((inputs(&proposal), proposal.preset), (vec![("pixel_*".to_owned(), "image")], Preset::ConvNet));
    assert_eq!(proposal.inputs[0].name, "image");
    // Under another name, or beside another input, they are a vector.
    assert_eq!(inputs(&of(&rows("sensor", ""), &["digit"]).unwrap())[0].1, "vector");
    assert_eq!(inputs(&of(&rows("pixel", ",3"), &["digit"]).unwrap())[0].1, "image");
    let mut changing = rows("pixel", ",3");
    changing = changing.replacen(",3,", ",4,", 40);
    assert_eq!(inputs(&of(&changing, &["digit"]).unwrap())[0].1, "vector");
}
