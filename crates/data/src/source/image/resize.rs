//! Another size by weighted means, in exact integers.

use super::PictureSize;

/// The old pixels under the triangle of one new pixel.
struct Window {
    /// The first of them.
    first: usize,
    weights: Vec<u64>,
    total: u64,
}

/// Fractional bits between the two directions.
const FRACTION_BITS: u32 = 8;

/// Brings `pixels` of a size to another height and width; see [`Picture::fit`](super::Picture::fit).
pub(super) fn resize(pixels: Vec<u8>, size: PictureSize, height: usize, width: usize) -> Vec<u8> {
    if (size.height, size.width) == (height, width) {
        return pixels;
    }
    let channels = size.channels;
    let columns = windows(size.width, width);
    // (size.height, width, channels), in 1/256.
    let mut wide = Vec::with_capacity(size.height * width * channels);
    for line in pixels.chunks_exact(size.width * channels) {
        for window in &columns {
            for channel in 0..channels {
                let values = line[window.first * channels + channel..].iter().step_by(channels);
                let sum: u64 =
                    window.weights.iter().zip(values).map(|(weight, value)| weight * u64::from(*value)).sum();
                wide.push((((sum << FRACTION_BITS) + window.total / 2) / window.total) as u32);
            }
        }
    }
    let mut out = Vec::with_capacity(height * width * channels);
    let stride = width * channels;
    let mut sums = vec![0u64; stride];
    for window in windows(size.height, height) {
        sums.fill(0);
        for (weight, line) in window.weights.iter().zip(wide[window.first * stride..].chunks_exact(stride)) {
            for (sum, value) in sums.iter_mut().zip(line) {
                *sum += weight * u64::from(*value);
            }
        }
        let whole = window.total << FRACTION_BITS;
        out.extend(sums.iter().map(|sum| ((sum + whole / 2) / whole) as u8));
    }
    out
}

/// The windows of a side that goes from `from` to `to` pixels.
///
/// The centre of pixel j of the old side lies at (j + ½) / from, that of pixel i of the new one at (i + ½) / to. In units
/// of 1 / (2 · from · to) their distance is the integer |(2j + 1) · to − (2i + 1) · from|, and the half width of the
/// triangle, one pixel of the coarser side, is 2 · max(from, to).
fn windows(from: usize, to: usize) -> Vec<Window> {
    let half = 2 * from.max(to) as u64;
    let weight = |i: usize, j: usize| {
        let distance = ((2 * j + 1) as u64 * to as u64).abs_diff((2 * i + 1) as u64 * from as u64);
        half.saturating_sub(distance)
    };
    (0..to)
        .map(|i| {
            // The old pixel whose area holds the centre is always under the triangle.
            let nearest = (2 * i + 1) * from / (2 * to);
            let first = (0..nearest).rev().take_while(|j| weight(i, *j) > 0).last().unwrap_or(nearest);
            let weights: Vec<u64> = (first..from).map(|j| weight(i, j)).take_while(|weight| *weight > 0).collect();
            Window { first, total: weights.iter().sum(), weights }
        })
        .collect()
}
