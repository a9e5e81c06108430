//! Products of transformed tiles and windows: at every point, tiles and channels by channels and the lanes of a panel.
//!
//! There are few channels, so a loop over all points is part of the kernel: its sums are ready before a call would be.

use super::super::words::{PANEL_VECTORS, Words};
use super::transforms::POINTS;

/// Some tiles by one panel of windows.
pub struct ProductsCall {
    /// The first tile's numbers at the first point, tile by tile; and the distance to the next point.
    pub input: *const i16,
    pub input_stride: usize,
    /// A multiple of 2.
    pub channels: usize,
    /// A panel at the first point, in pairs of channels; and the distance to the next point.
    pub windows: *const i16,
    pub windows_stride: usize,
    /// Room for the sums, likewise.
    pub sums: *mut i32,
    pub sums_stride: usize,
}

/// Its caller promises that the processor has the features of the kernel set and that all addresses that the call describes are
/// valid for the kernel's tiles and vectors; sums are written by this call alone.
pub type ProductsKernel = unsafe fn(&ProductsCall);

/// `M` tiles by `NV` vectors.
///
/// # Safety
/// See [`ProductsKernel`].
#[inline(always)]
pub unsafe fn products<V: Words, const M: usize, const NV: usize>(call: &ProductsCall) {
    for point in 0..POINTS * POINTS {
        let input = call.input.wrapping_add(point * call.input_stride);
        let mut windows = call.windows.wrapping_add(point * call.windows_stride);
        let sums_at = call.sums.wrapping_add(point * call.sums_stride);
        // SAFETY: the caller promises valid addresses.
        unsafe {
            let mut sums = [[V::splat(0); NV]; M];
            for channel in (0..call.channels).step_by(2) {
                let mut b = [V::splat(0); NV];
                for (j, b) in b.iter_mut().enumerate() {
                    *b = V::load_pairs(windows.wrapping_add(2 * j * V::WIDTH));
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let a = V::splat_pair(input.wrapping_add(i * call.channels + channel));
                    for j in 0..NV {
                        sums[j] = sums[j].add_products(a, b[j]);
                    }
                }
                windows = windows.wrapping_add(2 * PANEL_VECTORS * V::WIDTH);
            }
            for (i, sums) in sums.into_iter().enumerate() {
                for (j, sum) in sums.into_iter().enumerate() {
                    sum.store(sums_at.wrapping_add((i * NV + j) * V::WIDTH));
                }
            }
        }
    }
}
