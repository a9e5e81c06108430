use std::io::Write as _;

use tacit_data::source::image::{self, PictureFault, PictureSize};
use tacit_data::source::{Limits, Picture};
use tacit_spec::Code;

use crate::support::{picture, png, png_of};

fn decode(bytes: &[u8]) -> Result<Picture, PictureFault> {
    image::decode(bytes, &Limits::default())
}

fn good(bytes: &[u8]) -> Picture {
    let found = decode(bytes).unwrap();
    let probed = image::probe_bytes(bytes, &Limits::default()).unwrap();
    assert_eq!(probed, found.size(), "probing tells the size of what decoding gives");
    found
}

fn jpeg(picture: &Picture, progressive: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 100);
    encoder.set_progressive(progressive);
    let colour = if picture.channels == 1 { jpeg_encoder::ColorType::Luma } else { jpeg_encoder::ColorType::Rgb };
    encoder.encode(&picture.pixels, picture.width as u16, picture.height as u16, colour).unwrap();
    bytes
}

fn gif(picture: &Picture) -> Vec<u8> {
    let mut bytes = Vec::new();
    {
        let palette: Vec<u8> = (0..=255).flat_map(|grey| [grey; 3]).collect();
        let (width, height) = (picture.width as u16, picture.height as u16);
        let mut encoder = gif::Encoder::new(&mut bytes, width, height, &palette).unwrap();
        let frame = gif::Frame { width, height, buffer: picture.pixels.clone().into(), ..gif::Frame::default() };
        encoder.write_frame(&frame).unwrap();
    }
    bytes
}

fn webp(picture: &Picture) -> Vec<u8> {
    let mut bytes = Vec::new();
    image_webp::WebPEncoder::new(&mut bytes)
        .encode(&picture.pixels, picture.width as u32, picture.height as u32, image_webp::ColorType::Rgb8)
        .unwrap();
    bytes
}

/// A bitmap of 24 bits a pixel, from the bottom up.
fn bmp(picture: &Picture) -> Vec<u8> {
    let stride = (picture.width * 3).div_ceil(4) * 4;
    let mut bytes = b"BM".to_vec();
    let word = |bytes: &mut Vec<u8>, value: usize| bytes.extend((value as u32).to_le_bytes());
    for value in
        [54 + stride * picture.height, 0, 54, 40, picture.width, picture.height, 1 | 24 << 16, 0, 0, 0, 0, 0, 0]
    {
        word(&mut bytes, value);
    }
    for line in picture.pixels.chunks_exact(picture.width * 3).rev() {
        let mut line: Vec<u8> = line.chunks_exact(3).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
        line.resize(stride, 0);
        bytes.extend(line);
    }
    bytes
}

fn pnm(picture: &Picture) -> Vec<u8> {
    let kind = if picture.channels == 1 { "P5" } else { "P6" };
    let mut bytes = format!("{kind} # a comment\n{} {}\n255\n", picture.width, picture.height).into_bytes();
    bytes.write_all(&picture.pixels).unwrap();
    bytes
}

/// A name, a file, and the pixels that it must give; for JPEG up to a few levels.
fn files() -> Vec<(&'static str, Vec<u8>, Picture, u8)> {
    let (grey, colour) = (picture(7, 5, 1), picture(7, 5, 3));
    let grey_in_colour = Picture { channels: 3, pixels: grey.fit(7, 5, 3), ..grey.clone() };
    vec![
        ("grey png", png(&grey), grey.clone(), 0),
        ("colour png", png(&colour), colour.clone(), 0),
        ("gif", gif(&grey), grey_in_colour, 0),
        ("webp", webp(&colour), colour.clone(), 0),
        ("bmp", bmp(&colour), colour.clone(), 0),
        ("pgm", pnm(&grey), grey.clone(), 0),
        ("ppm", pnm(&colour), colour.clone(), 0),
        ("grey jpeg", jpeg(&grey, false), grey.clone(), 3),
        ("colour jpeg", jpeg(&colour, false), colour.clone(), 8),
        ("progressive jpeg", jpeg(&colour, true), colour, 8),
    ]
}

#[test]
fn every_format_gives_its_pixels() {
    for (name, bytes, expected, tolerance) in files() {
        assert!(image::is_picture(&bytes), "{name}");
        let found = good(&bytes);
        assert_eq!(found.size(), expected.size(), "{name}");
        let off = found.pixels.iter().zip(&expected.pixels).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(tolerance), "{name} is off by {off:?}");
    }
}

#[test]
fn a_file_cut_at_any_length_is_told() {
    for (name, bytes, ..) in files() {
        let whole = decode(&bytes).unwrap();
        for length in 0..bytes.len() {
            match decode(&bytes[..length]) {
                // Only the end mark may be missing.
                Ok(found) => {
                    assert!(found == whole && length + 3 > bytes.len(), "{name} cut at {length} of {}", bytes.len())
                }
                Err(fault) => assert_eq!(fault.code, Code::BadPicture, "{name} cut at {length}"),
            }
            let _ = image::probe_bytes(&bytes[..length], &Limits::default());
        }
    }
}

#[test]
fn garbled_files_give_an_error_or_a_whole_picture() {
    let mut random = tacit_data::random::SplitMix64::new(3);
    for (name, bytes, ..) in files() {
        for _ in 0..400 {
            let mut garbled = bytes.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(garbled.len() as u64) as usize;
                garbled[at] = random.next_u64() as u8;
            }
            let limits = Limits { pixels: 1 << 16, ..Limits::default() };
            if let Ok(found) = image::decode(&garbled, &limits) {
                assert_eq!(found.pixels.len(), found.size().values(), "{name}");
            }
        }
    }
}

#[test]
fn depths_palettes_and_transparency_become_8_bits_on_white() {
    use png::{BitDepth, ColorType};
    let sixteen: Vec<u8> = [0u16, 128, 129, 257, 65535, 32768].iter().flat_map(|value| value.to_be_bytes()).collect();
    let found = good(&png_of(2, 3, ColorType::Grayscale, BitDepth::Sixteen, &sixteen));
    assert_eq!(found.pixels, [0, 0, 1, 1, 255, 128]);
    let found = good(&png_of(1, 8, ColorType::Grayscale, BitDepth::One, &[0b1010_0001]));
    assert_eq!(found.pixels, [255, 0, 255, 0, 0, 0, 0, 255]);
    let found = good(&png_of(1, 2, ColorType::GrayscaleAlpha, BitDepth::Eight, &[10, 255, 100, 51]));
    assert_eq!((found.channels, found.pixels), (1, vec![10, 224]));
    let found = good(&png_of(1, 2, ColorType::Rgba, BitDepth::Eight, &[1, 2, 3, 255, 9, 9, 9, 0]));
    assert_eq!((found.channels, found.pixels), (3, vec![1, 2, 3, 255, 255, 255]));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(vec![7, 8, 9, 200, 100, 50]);
    encoder.write_header().unwrap().write_image_data(&[1, 0]).unwrap();
    assert_eq!(good(&bytes).pixels, [200, 100, 50, 7, 8, 9]);
    assert_eq!(good(b"P2\n2 2\n# depth\n3\n0 1\n2 3\n").pixels, [0, 85, 170, 255]);
    assert_eq!(good(b"P5\n2 1\n65535\n\x80\x00\xff\xff").pixels, [128, 255]);
}

#[test]
fn the_orientation_of_a_camera_is_applied() {
    // Two rows of three grey values, as the camera stored them.
    let stored = Picture { height: 2, width: 3, channels: 1, pixels: vec![0, 40, 80, 120, 160, 200] };
    let expected: [(u8, [usize; 2], [u8; 6]); 9] = [
        (1, [2, 3], [0, 40, 80, 120, 160, 200]),
        (2, [2, 3], [80, 40, 0, 200, 160, 120]),
        (3, [2, 3], [200, 160, 120, 80, 40, 0]),
        (4, [2, 3], [120, 160, 200, 0, 40, 80]),
        (5, [3, 2], [0, 120, 40, 160, 80, 200]),
        (6, [3, 2], [120, 0, 160, 40, 200, 80]),
        (7, [3, 2], [200, 80, 160, 40, 120, 0]),
        (8, [3, 2], [80, 200, 40, 160, 0, 120]),
        (9, [2, 3], [0, 40, 80, 120, 160, 200]),
    ];
    for (orientation, [height, width], pixels) in expected {
        // The number lies in the upper half of a big-endian value, in the lower of a little-endian one.
        let big = [b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0]].concat();
        let little = [b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[orientation, 0, 0, 0]].concat();
        for exif in [big, little] {
            let mut info = png::Info::with_size(3, 2);
            info.color_type = png::ColorType::Grayscale;
            info.bit_depth = png::BitDepth::Eight;
            info.exif_metadata = Some(exif.into());
            let mut bytes = Vec::new();
            let encoder = png::Encoder::with_info(&mut bytes, info).unwrap();
            encoder.write_header().unwrap().write_image_data(&stored.pixels).unwrap();
            let found = good(&bytes);
            assert_eq!((found.height, found.width, &found.pixels[..]), (height, width, &pixels[..]), "{orientation}");
        }
    }
}

#[test]
fn pictures_with_too_many_pixels_are_refused_before_they_are_decoded() {
    let limits = Limits { pixels: 34, ..Limits::default() };
    for (name, bytes, ..) in files() {
        let found = [image::decode(&bytes, &limits).err(), image::probe_bytes(&bytes, &limits).err()];
        assert!(found.iter().all(|found| found.as_ref().unwrap().code == Code::PictureTooLarge), "{name}: {found:?}");
    }
    // A head that claims 2³⁰ × 2³⁰ pixels.
    assert_eq!(decode(b"P5 1073741824 1073741824 255\nabc").unwrap_err().code, Code::PictureTooLarge);
}

#[test]
fn files_are_read_by_their_content_and_what_is_no_picture_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("misnamed.jpg");
    std::fs::write(&path, png(&picture(3, 4, 1))).unwrap();
    let limits = Limits::default();
    assert_eq!(image::decode_file(&path, &limits).unwrap(), picture(3, 4, 1));
    assert_eq!(image::probe(&path, &limits).unwrap(), PictureSize { height: 3, width: 4, channels: 1 });
    std::fs::write(&path, b"hello").unwrap();
    assert_eq!(image::decode_file(&path, &limits).unwrap_err().code, Code::BadPicture);
    assert_eq!(image::decode_file(folder.path(), &limits).unwrap_err().code, Code::BadPicture);
    assert_eq!(image::decode_file(&folder.path().join("no"), &limits).unwrap_err().code, Code::UnreadableFile);
    let small = Limits { row_bytes: 4, ..Limits::default() };
    assert_eq!(image::decode_file(&path, &small).unwrap_err().code, Code::BadPicture);
}
