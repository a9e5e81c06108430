//! Pictures: decoded, and brought to the size and the channels that a program takes.
//!
//! Every step is integer arithmetic that is written down, so a file gives the same bytes on every machine:
//!
//! - PNG, JPEG, BMP, GIF (the first frame), WebP and PGM/PPM are told apart by their first bytes, not by their names.
//!   Each has its own small decoder, in the versions without processor-specific paths.
//! - 16 bits become 8 by the nearest of v · 255 / 65535. Transparent pixels lie on white. The orientation that a camera
//!   notes is applied. Colour profiles are not.
//! - Grey is (19595 · red + 38470 · green + 7471 · blue + 32768) / 65536: the luma weights 0.299, 0.587, 0.114 of ITU-R
//!   Recommendation BT.601. Colour from grey repeats it.
//! - Size is changed by [`Picture::fit`].

use std::path::Path;

use tacit_spec::Code;
use tacit_spec::report::quoted;

use super::Limits;
use super::fault::Fault;
use super::guard::guarded;
use super::row::RowPlace;

mod decode;
mod orientation;
mod pnm;
mod resize;

/// What the files of pictures are called.
pub const EXTENSIONS: &[&str] = &["png", "jpg", "jpeg", "bmp", "gif", "webp", "pgm", "ppm", "pnm"];

/// A picture of 8 bits a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    pub height: usize,
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// (height, width, channels), from the top left, row by row.
    pub pixels: Vec<u8>,
}

/// The extents of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureSize {
    pub height: usize,
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
}

/// Why a file cannot be used as a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFault {
    pub code: Code,
    pub message: String,
    pub help: String,
}

/// Decodes the file of a picture.
///
/// # Errors
/// It cannot be read, is no picture, is damaged or cut off, or has more pixels than the limit.
pub fn decode_file(path: &Path, limits: &Limits) -> Result<Picture, PictureFault> {
    decode(&read_file(path, limits)?, limits)
}

/// Decodes the bytes of a picture's file.
///
/// # Errors
/// As [`decode_file`].
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureFault> {
    guarded(|| {
        let mut picture = decode::decode(bytes, limits)?;
        orientation::apply(decode::orientation(bytes), &mut picture);
        Ok(picture)
    })
    .unwrap_or_else(|reason| Err(PictureFault::damaged(reason)))
}

/// The size of a file's picture, without decoding it.
///
/// # Errors
/// The file cannot be read or its head is damaged. What lies behind the head is not looked at.
pub fn probe(path: &Path, limits: &Limits) -> Result<PictureSize, PictureFault> {
    probe_bytes(&read_file(path, limits)?, limits)
}

/// The size of a picture, from the bytes of its file, without decoding it.
///
/// # Errors
/// As [`probe`].
pub fn probe_bytes(bytes: &[u8], limits: &Limits) -> Result<PictureSize, PictureFault> {
    guarded(|| {
        let mut size = decode::probe(bytes, limits)?;
        if orientation::swaps_sides(decode::orientation(bytes)) {
            std::mem::swap(&mut size.height, &mut size.width);
        }
        Ok(size)
    })
    .unwrap_or_else(|reason| Err(PictureFault::damaged(reason)))
}

/// Whether a file's name says that it is a picture.
pub fn is_named_as_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Whether the first bytes are those of a picture.
pub fn is_picture(head: &[u8]) -> bool {
    decode::Format::of(head).is_some()
}

impl Picture {
    pub fn size(&self) -> PictureSize {
        PictureSize { height: self.height, width: self.width, channels: self.channels }
    }

    /// The picture in another size and with other channels (1 or 3): (height, width, channels).
    ///
    /// First the channels are changed, then the width, then the height. Along each side a new pixel is a weighted mean of
    /// the old ones under a triangle around its centre, whose half width is one pixel of the coarser of the two sides (so
    /// shrinking averages and enlarging interpolates); the weights are exact integers, and a mean is rounded to the
    /// nearest 1/256 between the two directions and to the nearest integer at the end. Proportions are not kept.
    ///
    /// # Panics
    /// On an extent of zero, and on channels other than 1 and 3.
    pub fn fit(&self, height: usize, width: usize, channels: usize) -> Vec<u8> {
        assert!(height > 0 && width > 0 && matches!(channels, 1 | 3), "{height} × {width} × {channels} is a size");
        let pixels = self.with_channels(channels);
        resize::resize(pixels, self.size().with_channels(channels), height, width)
    }

    /// The pixels as grey or as colour.
    fn with_channels(&self, channels: usize) -> Vec<u8> {
        match (self.channels, channels) {
            (3, 1) => self.pixels.chunks_exact(3).map(|pixel| luma(pixel[0], pixel[1], pixel[2])).collect(),
            (1, 3) => self.pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
            _ => self.pixels.clone(),
        }
    }
}

impl PictureSize {
    pub fn with_channels(self, channels: usize) -> PictureSize {
        PictureSize { channels, ..self }
    }

    /// The number of values.
    pub fn values(self) -> usize {
        self.height * self.width * self.channels
    }
}

impl PictureFault {
    fn damaged(reason: impl std::fmt::Display) -> PictureFault {
        PictureFault {
            code: Code::BadPicture,
            message: format!("the picture cannot be decoded: {reason}"),
            help: "the file is damaged or was cut off: copy it again, or remove it".to_owned(),
        }
    }

    /// The fault at a place.
    pub fn at(self, place: RowPlace) -> Fault {
        let found = self.message.clone();
        Fault::new(self.code, place, self.message, self.help).found(found)
    }
}

fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((19595 * u32::from(red) + 38470 * u32::from(green) + 7471 * u32::from(blue) + 32768) >> 16) as u8
}

fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, PictureFault> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| PictureFault {
        code: Code::UnreadableFile,
        message: format!("cannot read {}: {error}", quoted(&name)),
        help: "paths of pictures are relative to the folder of the file that names them".to_owned(),
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    // A pipe would be waited for, and a huge file is no picture.
    if !metadata.is_file() || metadata.len() > limits.row_bytes as u64 {
        return Err(PictureFault {
            code: Code::BadPicture,
            message: format!("{} is no file of at most {} bytes", quoted(&name), limits.row_bytes),
            help: "give the file of a picture".to_owned(),
        });
    }
    std::fs::read(path).map_err(unreadable)
}

#[cfg(test)]
mod tests;
