//! The kernel of sliding windows, written once over vectors of any kernel set.

use super::super::super::spec::Row;
use super::super::convolution::WINDOW;
use super::super::requantise::OfLanes;
use super::super::results::{Finish, Results, finish, starts, with_finish};
use super::super::words::{PANEL_VECTORS, Words};

/// The pairs that a column of pixels is, which [`pairings`] has numbers for.
pub const PAIRINGS: usize = 2;

/// The numbers of a column of a window in pairs: what lies above the last one, and that with nothing.
pub fn pairings([w0, w1, w2]: [i16; WINDOW]) -> [[i16; 2]; PAIRINGS] {
    [[w0, w1], [w2, 0]]
}

/// Some rows of results, for all lanes of a panel.
pub struct SlidingCall<'a> {
    /// The first pixel of the first window.
    pub a: *const i8,
    /// From pixel to pixel, along a row and from row to row.
    pub a_pixel: isize,
    pub a_row: isize,
    /// At least 2.
    pub width: usize,
    /// Where each result goes in `c`, relative to the batch item: row by row.
    pub places: &'a [i32],
    /// The panel's windows: for each column the [`pairings`] of all lanes, as [`Words::turned`] has them.
    pub windows: *const i16,
    /// All lanes of its panel exist.
    pub results: Results<'a>,
}

/// Its caller promises that the processor has the features of the kernel set and that all addresses that the call describes
/// are valid; results are written by this call alone.
pub type SlidingKernel = unsafe fn(&SlidingCall<'_>);

/// The sums of one result.
type Sums<V> = [V; PANEL_VECTORS];

/// All rows of a call.
///
/// # Safety
/// See [`SlidingKernel`].
#[inline(always)]
pub unsafe fn sliding<V: Words>(call: &SlidingCall<'_>) {
    // SAFETY: passed on.
    unsafe {
        let maps = call.results.maps::<V, PANEL_VECTORS>();
        with_finish!(&call.results, &maps, slide[V](call, &maps))
    }
}

/// Slides a window along all rows of results.
#[inline(always)]
unsafe fn slide<V: Words, const SMALL: bool, const RECTIFIED: bool>(
    call: &SlidingCall<'_>,
    maps: &Option<[OfLanes<V>; PANEL_VECTORS]>,
) {
    // SAFETY: passed on.
    unsafe {
        let start = starts(maps);
        for (y, places) in call.places.chunks_exact(call.width).enumerate() {
            let [places @ .., last, end] = places else { return };
            let mut a = call.a.wrapping_offset(y as isize * call.a_row).wrapping_add(call.results.lane);
            // By which of their columns windows meet the next column of pixels.
            let mut sums = [start; WINDOW];
            add::<V, 0, 1>(call, a, &mut sums);
            a = a.wrapping_offset(call.a_pixel);
            sums = [start, sums[0], sums[1]];
            add::<V, 0, 2>(call, a, &mut sums);
            for place in places {
                a = a.wrapping_offset(call.a_pixel);
                sums = [start, sums[0], sums[1]];
                add::<V, 0, 3>(call, a, &mut sums);
                put::<V, SMALL, RECTIFIED>(call, maps, &sums[2], *place);
            }
            // No window begins any more.
            a = a.wrapping_offset(call.a_pixel);
            sums = [start, sums[0], sums[1]];
            add::<V, 1, 3>(call, a, &mut sums);
            put::<V, SMALL, RECTIFIED>(call, maps, &sums[2], *last);
            a = a.wrapping_offset(call.a_pixel);
            sums = [start, sums[0], sums[1]];
            add::<V, 2, 3>(call, a, &mut sums);
            put::<V, SMALL, RECTIFIED>(call, maps, &sums[2], *end);
        }
    }
}

/// Takes the sums of one result on and stores them.
#[inline(always)]
unsafe fn put<V: Words, const SMALL: bool, const RECTIFIED: bool>(
    call: &SlidingCall<'_>,
    maps: &Option<[OfLanes<V>; PANEL_VECTORS]>,
    sums: &Sums<V>,
    place: i32,
) {
    let (rows, sums) = ([Row { a: 0, c: place }], std::array::from_ref(sums));
    // SAFETY: see `sliding`.
    unsafe { finish::<V, 1, PANEL_VECTORS, SMALL, RECTIFIED>(&call.results, maps, &rows, sums) }
}

/// Adds the products of a column of pixels with columns `FROM` to `TO` of the windows.
#[inline(always)]
unsafe fn add<V: Words, const FROM: usize, const TO: usize>(
    call: &SlidingCall<'_>,
    pixel: *const i8,
    sums: &mut [Sums<V>; WINDOW],
) {
    let last = pixel.wrapping_offset(2 * call.a_row);
    // What the last number is in a pair with is multiplied by 0.
    let pairs = [[pixel, pixel.wrapping_offset(call.a_row)], [last, last]];
    for (p, [low, high]) in pairs.into_iter().enumerate() {
        // SAFETY: see `sliding`.
        unsafe {
            let pair = V::pair_up(low, high);
            for (k, sums) in (FROM..TO).zip(&mut sums[FROM..TO]) {
                for (j, sum) in sums.iter_mut().enumerate() {
                    let b = call.windows.wrapping_add(((k * PAIRINGS + p) * PANEL_VECTORS + j) * 2 * V::WIDTH);
                    *sum = sum.add_products(pair[j], V::load_pairs(b));
                }
            }
        }
    }
}
