//! The formats of pictures, each decoded by its library into the same 8-bit samples.

use std::io::Cursor;

use tacit_spec::Code;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Picture, PictureFault, PictureSize, orientation, pnm};
use crate::source::Limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    Bmp,
    Gif,
    WebP,
    Pnm,
}

impl Format {
    /// The format that the first bytes tell.
    pub(super) fn of(head: &[u8]) -> Option<Format> {
        match head {
            [0x89, b'P', b'N', b'G', ..] => Some(Format::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some(Format::Bmp),
            [b'G', b'I', b'F', b'8', ..] => Some(Format::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
            [b'P', b'2' | b'3' | b'5' | b'6', space, ..] if space.is_ascii_whitespace() => Some(Format::Pnm),
            _ => None,
        }
    }
}

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureFault> {
    match format(bytes)? {
        Format::Png => png(bytes, limits),
        Format::Jpeg => jpeg(bytes, limits),
        Format::Bmp => bmp(bytes, limits),
        Format::Gif => gif(bytes, limits),
        Format::WebP => webp(bytes, limits),
        Format::Pnm => pnm::decode(bytes, limits),
    }
}

pub(super) fn probe(bytes: &[u8], limits: &Limits) -> Result<PictureSize, PictureFault> {
    match format(bytes)? {
        Format::Png => png_reader(bytes, limits).map(|(_, size)| size),
        Format::Jpeg => jpeg_decoder(bytes, limits).map(|(_, size)| size),
        Format::Bmp => bmp_decoder(bytes, limits).map(|(_, size)| size),
        Format::Gif => gif_decoder(bytes, limits).map(|(_, size)| size),
        Format::WebP => webp_decoder(bytes, limits).map(|(_, size)| size),
        Format::Pnm => pnm::probe(bytes, limits),
    }
}

/// The orientation that the file notes, from 1 to 8.
pub(super) fn orientation(bytes: &[u8]) -> u8 {
    let limits = Limits::default();
    let exif = match Format::of(bytes) {
        Some(Format::Png) => png_reader(bytes, &limits)
            .ok()
            .and_then(|(reader, _)| reader.info().exif_metadata.as_ref().map(|exif| exif.to_vec())),
        Some(Format::Jpeg) => jpeg_decoder(bytes, &limits).ok().and_then(|(decoder, _)| decoder.exif().cloned()),
        Some(Format::WebP) => {
            webp_decoder(bytes, &limits).ok().and_then(|(mut decoder, _)| decoder.exif_metadata().ok().flatten())
        }
        Some(Format::Bmp | Format::Gif | Format::Pnm) | None => None,
    };
    exif.and_then(|exif| orientation::read(&exif)).unwrap_or(1)
}

/// Makes sure that there is a pixel and that there are not too many of them.
pub(super) fn check_size(
    width: usize,
    height: usize,
    channels: usize,
    limits: &Limits,
) -> Result<PictureSize, PictureFault> {
    match width.checked_mul(height) {
        Some(0) => Err(PictureFault::damaged("it has no pixels")),
        Some(pixels) if pixels <= limits.pixels => Ok(PictureSize { height, width, channels }),
        _ => Err(PictureFault {
            code: Code::PictureTooLarge,
            message: format!("the picture has {width} × {height} pixels, more than {}", limits.pixels),
            help: "make it smaller; programs take small pictures anyway".to_owned(),
        }),
    }
}

fn format(bytes: &[u8]) -> Result<Format, PictureFault> {
    Format::of(bytes).ok_or_else(|| PictureFault {
        code: Code::BadPicture,
        message: "this is not a PNG, JPEG, BMP, GIF, WebP, PGM or PPM picture".to_owned(),
        help: "convert it, or remove it".to_owned(),
    })
}

type PngReader<'a> = png::Reader<Cursor<&'a [u8]>>;

fn png_reader<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(PngReader<'a>, PictureSize), PictureFault> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    decoder.set_limits(png::Limits { bytes: limits.picture_bytes() });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let reader = decoder.read_info().map_err(PictureFault::damaged)?;
    let (width, height) = reader.info().size();
    let channels = match reader.output_color_type().0 {
        png::ColorType::Grayscale | png::ColorType::GrayscaleAlpha => 1,
        png::ColorType::Rgb | png::ColorType::Rgba | png::ColorType::Indexed => 3,
    };
    let size = check_size(width as usize, height as usize, channels, limits)?;
    Ok((reader, size))
}

fn png(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureFault> {
    let (mut reader, size) = png_reader(bytes, limits)?;
    let length = reader.output_buffer_size().ok_or_else(|| PictureFault::damaged("it is too large"))?;
    let mut samples = vec![0; length];
    let info = reader.next_frame(&mut samples).map_err(PictureFault::damaged)?;
    reader.finish().map_err(PictureFault::damaged)?;
    samples.truncate(info.buffer_size());
    if info.bit_depth == png::BitDepth::Sixteen {
        samples = samples.chunks_exact(2).map(|pair| to_8_bits(u16::from_be_bytes([pair[0], pair[1]]))).collect();
    }
    let alpha = matches!(info.color_type, png::ColorType::GrayscaleAlpha | png::ColorType::Rgba);
    Ok(finish(size, alpha, samples))
}

type JpegDecoder<'a> = zune_jpeg::JpegDecoder<ZCursor<&'a [u8]>>;

fn jpeg_decoder<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(JpegDecoder<'a>, PictureSize), PictureFault> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_use_unsafe(false)
        .set_max_width(u16::MAX.into())
        .set_max_height(u16::MAX.into());
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| PictureFault::damaged(one_line(&error)))?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let colour = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(colour));
    let info = decoder.info().ok_or_else(|| PictureFault::damaged("it has no size"))?;
    let channels = if grey { 1 } else { 3 };
    let size = check_size(info.width.into(), info.height.into(), channels, limits)?;
    Ok((decoder, size))
}

fn jpeg(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureFault> {
    let (mut decoder, size) = jpeg_decoder(bytes, limits)?;
    let samples = decoder.decode().map_err(|error| PictureFault::damaged(one_line(&error)))?;
    // The decoder fills up what is cut off.
    if !jpeg_ends(bytes) {
        return Err(PictureFault::damaged("it ends before its end mark"));
    }
    if samples.len() != size.values() {
        return Err(PictureFault::damaged("it holds fewer pixels than its head promises"));
    }
    Ok(finish(size, false, samples))
}

/// Whether the end mark follows the last scan. Segments have a length, except scans: in their data the byte 0xff is always
/// followed by 0 or by the number of a restart (ITU-T Recommendation T.81, annex B).
fn jpeg_ends(bytes: &[u8]) -> bool {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        match rest {
            [0xff, END, ..] => return true,
            [0xff, 0xff, ..] => rest = &rest[1..],
            [0xff, 0x00 | 0x01 | 0xd0..=0xd8, ..] => rest = &rest[2..],
            [0xff, mark, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(2 + length..).unwrap_or_default();
                if *mark == SCAN {
                    let is_mark = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
                    rest = &rest[rest.windows(2).position(is_mark).unwrap_or(rest.len())..];
                }
            }
            [_, behind @ ..] => rest = behind,
            [] => return false,
        }
    }
}

type BmpDecoder<'a> = zune_bmp::BmpDecoder<ZCursor<&'a [u8]>>;

fn bmp_decoder<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(BmpDecoder<'a>, PictureSize), PictureFault> {
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(1 << 30).set_max_height(1 << 30);
    let mut decoder = BmpDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| PictureFault::damaged(one_line(&error)))?;
    let (width, height) = decoder.dimensions().ok_or_else(|| PictureFault::damaged("it has no size"))?;
    let channels = match decoder.colorspace() {
        Some(space) if space.num_components() < 3 => 1,
        _ => 3,
    };
    let size = check_size(width, height, channels, limits)?;
    Ok((decoder, size))
}

fn bmp(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureFault> {
    let (mut decoder, size) = bmp_decoder(bytes, limits)?;
    // The decoder takes zeros for what is not there.
    if bmp_length(bytes, size).is_some_and(|length| bytes.len() < length) {
        return Err(PictureFault::damaged("it ends before its last pixel"));
    }
    let samples = decoder.decode().map_err(|error| PictureFault::damaged(one_line(&error)))?;
    let components = samples.len() / (size.height * size.width);
    if components * size.height * size.width != samples.len() || !matches!(components, 1..=4) {
        return Err(PictureFault::damaged("it holds fewer pixels than its head promises"));
    }
    Ok(finish(size, matches!(components, 2 | 4), samples))
}

/// The length of a bitmap whose pixels are not compressed: rows of whole 32-bit words behind the offset in the head.
fn bmp_length(bytes: &[u8], size: PictureSize) -> Option<usize> {
    let word = |at: usize| bytes.get(at..at + 4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    let offset = word(10)? as usize;
    let bits = usize::from(u16::from_le_bytes([*bytes.get(28)?, *bytes.get(29)?]));
    const NONE: u32 = 0;
    const BIT_FIELDS: u32 = 3;
    matches!(word(30)?, NONE | BIT_FIELDS).then(|| offset + (size.width * bits).div_ceil(32) * 4 * size.height)
}

type GifDecoder<'a> = gif::Decoder<&'a [u8]>;

fn gif_decoder<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(GifDecoder<'a>, PictureSize), PictureFault> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    options.check_frame_consistency(true);
    options.check_lzw_end_code(true);
    let memory = std::num::NonZeroU64::new(limits.picture_bytes() as u64).unwrap_or(std::num::NonZeroU64::MIN);
    options.set_memory_limit(gif::MemoryLimit::Bytes(memory));
    let decoder = options.read_info(bytes).map_err(PictureFault::damaged)?;
    let size = check_size(decoder.width().into(), decoder.height().into(), 3, limits)?;
    Ok((decoder, size))
}

fn gif(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureFault> {
    let (mut decoder, size) = gif_decoder(bytes, limits)?;
    let frame = decoder.read_next_frame().map_err(PictureFault::damaged)?;
    let frame = frame.ok_or_else(|| PictureFault::damaged("it has no frame"))?;
    // What the frame does not cover is transparent.
    let mut samples = vec![0; size.height * size.width * 4];
    let (left, width) = (usize::from(frame.left), usize::from(frame.width));
    let rows = frame.buffer.chunks_exact((width * 4).max(1)).take(frame.height.into());
    for (row, line) in rows.zip(usize::from(frame.top)..) {
        if line < size.height && left < size.width {
            let shown = width.min(size.width - left) * 4;
            samples[(line * size.width + left) * 4..][..shown].copy_from_slice(&row[..shown]);
        }
    }
    // The end mark, or another frame, must follow.
    decoder.next_frame_info().map_err(PictureFault::damaged)?;
    Ok(finish(size, true, samples))
}

type WebPDecoder<'a> = image_webp::WebPDecoder<Cursor<&'a [u8]>>;

fn webp_decoder<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(WebPDecoder<'a>, PictureSize), PictureFault> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(PictureFault::damaged)?;
    decoder.set_memory_limit(limits.picture_bytes());
    let (width, height) = decoder.dimensions();
    let size = check_size(width as usize, height as usize, 3, limits)?;
    Ok((decoder, size))
}

fn webp(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureFault> {
    let (mut decoder, size) = webp_decoder(bytes, limits)?;
    let length = decoder.output_buffer_size().ok_or_else(|| PictureFault::damaged("it is too large"))?;
    let mut samples = vec![0; length];
    decoder.read_image(&mut samples).map_err(PictureFault::damaged)?;
    let alpha = decoder.has_alpha();
    Ok(finish(size, alpha, samples))
}

/// Lays samples with an alpha channel behind the others on white.
fn finish(size: PictureSize, alpha: bool, samples: Vec<u8>) -> Picture {
    let PictureSize { height, width, channels } = size;
    let pixels = match alpha {
        false => samples,
        true => samples
            .chunks_exact(channels + 1)
            .flat_map(|pixel| pixel[..channels].iter().map(|value| over_white(*value, pixel[channels])))
            .collect(),
    };
    assert_eq!(pixels.len(), size.values(), "a picture has all its pixels");
    Picture { height, width, channels, pixels }
}

fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// The nearest value of 8 bits.
pub(super) fn to_8_bits(value: u16) -> u8 {
    ((u32::from(value) * 255 + 32767) / 65535) as u8
}

/// The text of an error whose library breaks it over lines.
fn one_line(error: &impl std::fmt::Debug) -> String {
    format!("{error:?}").split_whitespace().collect::<Vec<_>>().join(" ")
}
