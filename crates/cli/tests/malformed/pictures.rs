//! Arrays in idx files, and folders of pictures.

use crate::support::*;

#[test]
fn malformed_arrays_and_pictures_are_refused() {
    assert_all(&cases());
}

pub fn cases() -> Vec<Case> {
    [arrays_cut(), arrays_as_a_whole(), pictures_cut(), folders(), garbled_files()].concat()
}

fn manifest(source: &str, data: &str) -> Vec<u8> {
    format!(
        "[program]\nname = \"tiny\"\n[input.image]\ntype = \"image\"\nsize = [2, 2]\n\
         [output.label]\ntype = \"category\"\n[data]\nsource = \"{source}\"\n{data}\n[skeleton]\npreset = \"linear\"\n"
    )
    .into_bytes()
}

fn idx(extents: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, extents.len() as u8];
    extents.iter().for_each(|extent| bytes.extend(extent.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// Twenty pictures of 2 × 2, and their labels.
fn arrays() -> [Vec<u8>; 2] {
    let pixels: Vec<u8> = (0..80).map(|value| value * 3).collect();
    let labels: Vec<u8> = (0..20).map(|row| row % 2).collect();
    [idx(&[20, 2, 2], &pixels), idx(&[20], &labels)]
}

fn of_arrays(what: impl Into<String>, images: &[u8], labels: &[u8]) -> Case {
    let files =
        vec![("Tacit.toml", manifest("x-images", "")), ("x-images", images.to_vec()), ("x-labels", labels.to_vec())];
    Case::new(what, files, &["check"])
}

fn arrays_cut() -> Vec<Case> {
    let [images, labels] = arrays();
    let images_cut = cuts(images.len(), 25).into_iter();
    let of_images = images_cut.map(|at| of_arrays(format!("images cut at {at}"), &images[..at], &labels));
    let labels_cut = cuts(labels.len(), 10).into_iter();
    of_images.chain(labels_cut.map(|at| of_arrays(format!("labels cut at {at}"), &images, &labels[..at]))).collect()
}

fn arrays_as_a_whole() -> Vec<Case> {
    let [images, labels] = arrays();
    let longer = [images.as_slice(), &[0]].concat();
    let nan = [&[0, 0, 13, 1, 0, 0, 0, 1][..], &f32::NAN.to_be_bytes()].concat();
    let vast = idx(&[u32::MAX, u32::MAX, u32::MAX], &[]);
    let alone = |what: &str, images: &[u8]| {
        Case::new(what, vec![("Tacit.toml", manifest("x-images", "")), ("x-images", images.to_vec())], &["check"])
    };
    let named = |what: &str, labels: &str| {
        let files = vec![
            ("Tacit.toml", manifest("x-images", &format!("labels = \"{labels}\""))),
            ("x-images", images.clone()),
            ("t.csv", table().into_bytes()),
        ];
        Case::new(what, files, &["check"])
    };
    vec![
        of_arrays("a byte too many", &longer, &labels),
        of_arrays("no rows", &idx(&[0, 2, 2], &[]), &idx(&[0], &[])),
        of_arrays("fewer labels", &images, &idx(&[19], &[0; 19])),
        of_arrays("pictures for labels", &images, &images),
        of_arrays("numbers for pictures", &labels, &labels),
        of_arrays("vast extents", &vast, &labels),
        of_arrays("no extents", &[0, 0, 8, 0], &labels),
        of_arrays("many extents", &[0, 0, 8, 255, 0, 0], &labels),
        of_arrays("an unknown type", &[0, 0, 7, 1, 0, 0, 0, 1, 0], &labels),
        of_arrays("a label that is no number", &idx(&[1, 2, 2], &[0; 4]), &nan),
        of_arrays("a width of nothing", &idx(&[20, 0, 2], &[]), &labels),
        alone("no labels", &images),
        named("labels that are not there", "none"),
        named("a table for labels", "t.csv"),
        named("a folder for labels", "."),
    ]
}

/// A picture of 2 × 2 in several formats.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let pgm = [b"P5 2 2 255\n".as_slice(), &[1, 2, 3, 4]].concat();
    let mut bmp =
        vec![b'B', b'M', 70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 24, 0];
    bmp.extend([0; 24]);
    bmp.extend([1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0]);
    let gif = b"GIF89a\x02\0\x02\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x02\0\x02\0\0\x02\x03\x0c\x10\x05\0;".to_vec();
    vec![("pgm", pgm), ("bmp", bmp), ("gif", gif), ("png", png())]
}

/// A PNG of 2 × 2 grey pixels, its data stored as they are.
fn png() -> Vec<u8> {
    let rows = [0, 1, 2, 0, 3, 4];
    let adler = rows.iter().fold((1u32, 0u32), |(a, b), byte| (a + u32::from(*byte), b + a + u32::from(*byte)));
    let mut data = vec![0x78, 1, 1, 6, 0, 0xf9, 0xff];
    data.extend(rows);
    data.extend((adler.1 << 16 | adler.0).to_be_bytes());
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", vec![0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 0]), (b"IDAT", data), (b"IEND", vec![])] {
        png.extend((data.len() as u32).to_be_bytes());
        let chunk = [name.as_slice(), &data].concat();
        png.extend(&chunk);
        png.extend(crc(&chunk).to_be_bytes());
    }
    png
}

/// The check of PNG, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// Two labels with ten pictures each.
fn pets() -> Vec<(String, Vec<u8>)> {
    let picture = |value: u8| [b"P5 2 2 255\n".as_slice(), &[value; 4]].concat();
    let path = |index: u8| format!("pets/{}/{index:02}.pgm", ["cat", "dog"][usize::from(index % 2)]);
    (0..20).map(|index| (path(index), picture(index * 10))).collect()
}

/// The folder with one more file.
fn folder(what: impl Into<String>, name: &str, bytes: &[u8]) -> Case {
    let mut case = Case::new(what, vec![("Tacit.toml", manifest("pets", ""))], &["check"]);
    case.files.extend(pets());
    case.files.push((name.to_owned(), bytes.to_vec()));
    case
}

#[test]
fn the_samples_are_sound_before_they_are_spoilt() {
    let sound = |case: Case| case.outcome(Outcome::Either);
    let mut cases: Vec<Case> =
        samples().iter().map(|(format, bytes)| folder(*format, &format!("pets/cat/more.{format}"), bytes)).collect();
    let [images, labels] = arrays();
    cases.push(of_arrays("arrays", &images, &labels));
    // `check` is content with each, so that what is refused below is refused for what was done to it.
    for case in cases.into_iter().map(sound) {
        assert_eq!(case.exit_code(), 0, "{}", case.what);
    }
}

/// Pictures of which no more than half is left; of some formats the end may be missing without harm.
fn pictures_cut() -> Vec<Case> {
    let cut = |(format, bytes): (&'static str, Vec<u8>)| {
        let places = cuts(bytes.len() / 2 + 1, 8).into_iter();
        places
            .map(move |at| folder(format!("{format} cut at {at}"), &format!("pets/dog/cut.{format}"), &bytes[..at]))
            .collect::<Vec<_>>()
    };
    samples().into_iter().flat_map(cut).collect()
}

fn folders() -> Vec<Case> {
    let of = |what: &str, files: &[(&str, &[u8])]| {
        let mut all = vec![("Tacit.toml", manifest("pets", ""))];
        all.extend(files.iter().map(|(name, bytes)| (*name, bytes.to_vec())));
        Case::new(what, all, &["check"])
    };
    let picture = b"P5 2 2 255\n\x01\x02\x03\x04".as_slice();
    vec![
        of("no folder", &[]),
        of("an empty folder", &[("pets/", b"")]),
        of("a folder of empty folders", &[("pets/cat/", b""), ("pets/dog/", b"")]),
        of("no pictures", &[("pets/cat/notes.txt", b"notes")]),
        of("one picture", &[("pets/cat/a.pgm", picture)]),
        of("one label", &[("pets/cat/a.pgm", picture), ("pets/cat/b.pgm", picture), ("pets/cat/c.pgm", picture)]),
        of("no labels", &[("pets/a.pgm", picture), ("pets/b.pgm", picture)]),
        folder("a picture outside", "pets/a.pgm", picture),
        folder("a text among them", "pets/cat/notes.txt", b"notes"),
        folder("an empty picture", "pets/cat/a.png", b""),
        folder("a text named as a picture", "pets/cat/a.png", b"no picture"),
        folder("a vast picture", "pets/cat/a.pgm", b"P5 60000 60000 255\n"),
        folder("a picture of nothing", "pets/cat/a.pgm", b"P5 0 0 255\n"),
        folder("a picture with a great maximum", "pets/cat/a.pgm", b"P5 2 2 99999\n\0\0\0\0"),
        folder("a picture by its name only", "pets/cat/a.jpg", &[0xff, 0xd8, 0xff, 0xe0, 0, 16]),
        folder("half a web picture", "pets/cat/a.webp", b"RIFF\x24\0\0\0WEBPVP8 "),
    ]
}

fn garbled_files() -> Vec<Case> {
    let [images, labels] = arrays();
    let of_array = |seed| of_arrays(format!("array garbled by {seed}"), &garbled(&images, seed), &labels);
    let arrays = (0..10).map(of_array).collect::<Vec<_>>();
    let of_picture = |(format, bytes): (&'static str, Vec<u8>)| {
        (0..5).map(move |seed| {
            folder(format!("{format} garbled by {seed}"), &format!("pets/dog/g.{format}"), &garbled(&bytes, seed))
        })
    };
    let pictures = samples().into_iter().flat_map(of_picture);
    arrays.into_iter().chain(pictures).map(|case| case.outcome(Outcome::Either)).collect()
}
