//! PGM and PPM: a head in text, then the values as bytes (P5, P6) or as text (P2, P3).

use super::decode::check_size;
use super::{Picture, PictureFault, PictureSize};
use crate::source::Limits;

pub(super) fn probe(bytes: &[u8], limits: &Limits) -> Result<PictureSize, PictureFault> {
    head(bytes, limits).map(|(size, _, _)| size)
}

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureFault> {
    let (size, greatest, mut rest) = head(bytes, limits)?;
    let text = matches!(bytes.get(1), Some(b'2' | b'3'));
    let wide = greatest > 255;
    let least = if text { 2 * size.values() - 1 } else { size.values() * if wide { 2 } else { 1 } };
    if rest.len() < least {
        return Err(PictureFault::damaged("it ends before its last pixel"));
    }
    let mut pixels = Vec::with_capacity(size.values());
    for _ in 0..size.values() {
        let value = if text {
            number(&mut rest)?
        } else {
            let (value, behind) = if wide {
                (u32::from(rest[0]) << 8 | u32::from(rest[1]), &rest[2..])
            } else {
                (rest[0].into(), &rest[1..])
            };
            rest = behind;
            value
        };
        if value > greatest {
            return Err(PictureFault::damaged(format!("the value {value} is greater than {greatest}")));
        }
        pixels.push(((value * 255 + greatest / 2) / greatest) as u8);
    }
    Ok(Picture { height: size.height, width: size.width, channels: size.channels, pixels })
}

/// The size, the greatest value, and what follows the head.
fn head<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(PictureSize, u32, &'a [u8]), PictureFault> {
    let channels = if matches!(bytes.get(1), Some(b'3' | b'6')) { 3 } else { 1 };
    let mut rest = bytes.get(2..).unwrap_or_default();
    let (width, height) = (number(&mut rest)?, number(&mut rest)?);
    let greatest = number(&mut rest)?;
    let size = check_size(width as usize, height as usize, channels, limits)?;
    match rest {
        [space, rest @ ..] if space.is_ascii_whitespace() && (1..=65535).contains(&greatest) => {
            Ok((size, greatest, rest))
        }
        _ => Err(PictureFault::damaged("its head is wrong")),
    }
}

/// Reads a number behind white space and comments, which go from `#` to the end of the line.
fn number(rest: &mut &[u8]) -> Result<u32, PictureFault> {
    loop {
        match rest {
            [b'#', ..] => {
                let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                *rest = &rest[end..];
            }
            [space, behind @ ..] if space.is_ascii_whitespace() => *rest = behind,
            _ => break,
        }
    }
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (number, behind) = rest.split_at(digits);
    *rest = behind;
    let number = std::str::from_utf8(number).ok().and_then(|number| number.parse::<u32>().ok());
    number.filter(|number| *number <= 1 << 30).ok_or_else(|| PictureFault::damaged("a number is missing or too large"))
}
