//! Pictures inside a page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A picture as its pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    pub height: u32,
    pub width: u32,
    /// 1 for grey, 2 for grey and opacity, 3 for red, green and blue, 4 for these and opacity.
    pub channels: u32,
    /// (height, width, channels), row by row from the top; in JSON, the bytes in base64.
    #[serde(serialize_with = "write_base64", deserialize_with = "read_base64")]
    pub pixels: Vec<u8>,
}

/// The longer side of a picture in a page, at most; larger ones are made smaller.
const SIDE_MAX: u32 = 192;

/// The picture inside the page, or a note if its sizes do not fit its bytes.
pub(crate) fn image(picture: &Picture, description: &str) -> Markup {
    let class = if picture.height.max(picture.width) <= 64 { "picture pixels" } else { "picture" };
    html! {
        @match encode(picture) {
            Some(bytes) => {
                img class=(class) alt=(description) width=(picture.width) height=(picture.height)
                    src={ "data:image/png;base64," (STANDARD.encode(bytes)) };
            }
            None => {
                span class="picture missing" role="img" aria-label=(description) { "no picture" }
            }
        }
    }
}

/// The picture as a PNG file; none if its sizes do not fit its bytes.
fn encode(picture: &Picture) -> Option<Vec<u8>> {
    let Picture { height, width, channels, .. } = *picture;
    let color = match channels {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        4 => png::ColorType::Rgba,
        _ => return None,
    };
    let bytes = u64::from(height).checked_mul(u64::from(width))?.checked_mul(u64::from(channels))?;
    if bytes == 0 || bytes != picture.pixels.len() as u64 {
        return None;
    }
    let factor = height.max(width).div_ceil(SIDE_MAX);
    let (height, width, pixels) = match factor {
        1 => (height, width, picture.pixels.clone()),
        factor => shrunk(picture, factor),
    };
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(file)
}

/// Each square of `factor` × `factor` pixels as its mean; squares at the far edges may be smaller.
fn shrunk(picture: &Picture, factor: u32) -> (u32, u32, Vec<u8>) {
    let Picture { height, width, channels, ref pixels } = *picture;
    let (rows, columns) = (height.div_ceil(factor), width.div_ceil(factor));
    let mut means = Vec::with_capacity((rows * columns * channels) as usize);
    for row in 0..rows {
        for column in 0..columns {
            for channel in 0..channels {
                let (mut sum, mut count) = (0u64, 0u64);
                for y in row * factor..((row + 1) * factor).min(height) {
                    for x in column * factor..((column + 1) * factor).min(width) {
                        let at = (u64::from(y) * u64::from(width) + u64::from(x)) * u64::from(channels);
                        sum += u64::from(pixels[at as usize + channel as usize]);
                        count += 1;
                    }
                }
                means.push(((sum + count / 2) / count) as u8);
            }
        }
    }
    (rows, columns, means)
}

fn write_base64<S: Serializer>(pixels: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(pixels))
}

fn read_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG file");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
        let info = reader.next_frame(&mut pixels).expect("a frame");
        (info.height, info.width, pixels)
    }

    #[test]
    fn a_picture_reads_back_as_it_was() {
        for channels in 1..=4 {
            let pixels: Vec<u8> = (0..2 * 3 * channels).map(|k| (k * 11) as u8).collect();
            let picture = Picture { height: 2, width: 3, channels, pixels: pixels.clone() };
            assert_eq!(decoded(&encode(&picture).expect("the sizes fit")), (2, 3, pixels));
        }
    }

    #[test]
    fn a_large_picture_is_made_smaller_by_means() {
        let pixels = (0..400).flat_map(|row: u32| (0..200).map(move |_| if row < 2 { 30 } else { 60 })).collect();
        let picture = Picture { height: 400, width: 200, channels: 1, pixels };
        let (height, width, pixels) = decoded(&encode(&picture).expect("the sizes fit"));
        assert_eq!((height, width), (134, 67));
        // The first squares hold two rows of 30 and one of 60; the last ones a single row.
        assert_eq!((pixels[0], pixels[67], pixels[133 * 67]), (40, 60, 60));
    }

    #[test]
    fn sizes_that_do_not_fit_give_a_note() {
        let odd = [(2, 2, 1, 3), (0, 0, 1, 0), (1, 1, 5, 5), (u32::MAX, u32::MAX, 4, 4)];
        for (height, width, channels, bytes) in odd {
            let picture = Picture { height, width, channels, pixels: vec![0; bytes] };
            assert!(image(&picture, "a").into_string().contains("no picture"));
        }
    }
}
