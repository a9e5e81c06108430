//! How a camera was held: the one entry of the Exif metadata that changes the picture.

use super::Picture;

/// Reads the orientation, from 1 (as it is) to 8, from Exif metadata: a TIFF file whose first directory has the entry
/// 0x0112 (Exif 2.32, section 4.6.4). Nothing if it is not there or makes no sense.
pub(super) fn read(exif: &[u8]) -> Option<u8> {
    // Some files keep the mark that JPEG puts before the metadata.
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let little = match exif.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let pair = [*exif.get(at)?, *exif.get(at.checked_add(1)?)?];
        Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let long = |at: usize| {
        let (first, second) = (u32::from(short(at)?), u32::from(short(at + 2)?));
        Some(if little { second << 16 | first } else { first << 16 | second })
    };
    const ORIENTATION: u16 = 0x0112;
    const ENTRY_BYTES: usize = 12;
    let directory = long(4)? as usize;
    let entries = usize::from(short(directory)?);
    let entry = (0..entries)
        .map(|entry| directory.saturating_add(2 + entry * ENTRY_BYTES))
        .find(|entry| short(*entry) == Some(ORIENTATION))?;
    let value = short(entry.checked_add(8)?)?;
    u8::try_from(value).ok().filter(|value| (1..=8).contains(value))
}

/// Whether height and width change places.
pub(super) fn swaps_sides(orientation: u8) -> bool {
    orientation >= 5
}

/// Turns a picture as its orientation says.
pub(super) fn apply(orientation: u8, picture: &mut Picture) {
    if orientation <= 1 {
        return;
    }
    let (height, width, channels) = (picture.height, picture.width, picture.channels);
    let (new_height, new_width) = if swaps_sides(orientation) { (width, height) } else { (height, width) };
    let mut pixels = Vec::with_capacity(picture.pixels.len());
    for row in 0..new_height {
        for column in 0..new_width {
            // Which pixel of the stored picture is seen here.
            let (from_row, from_column) = match orientation {
                2 => (row, width - 1 - column),
                3 => (height - 1 - row, width - 1 - column),
                4 => (height - 1 - row, column),
                5 => (column, row),
                6 => (height - 1 - column, row),
                7 => (height - 1 - column, width - 1 - row),
                8 => (column, width - 1 - row),
                _ => (row, column),
            };
            pixels.extend_from_slice(&picture.pixels[(from_row * width + from_column) * channels..][..channels]);
        }
    }
    *picture = Picture { height: new_height, width: new_width, channels, pixels };
}
