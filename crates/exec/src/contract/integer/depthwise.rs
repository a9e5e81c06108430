//! The kernel of depthwise contractions: every lane has its own numbers of `a`.

use super::super::spec::Row;
use super::requantise::OfLanes;
use super::results::{Finish, Results, finish, starts, with_finish};
use super::words::{LANES_MAX, PANEL_VECTORS, Words};

/// Some lanes of a depthwise contraction, for rows that find their terms at the same places.
pub struct DepthwiseCall<'a> {
    /// Where the batch item begins in `a`.
    pub a: *const i8,
    pub rows: &'a [Row],
    pub terms: Terms<'a>,
    /// The panel of `b`.
    pub b: *const i16,
    pub results: Results<'a>,
}

/// The place of each slot's term, for all rows of a depthwise call.
#[derive(Clone, Copy)]
pub enum Terms<'a> {
    All(&'a [i32]),
    /// Some of them are none.
    Some(&'a [Option<i32>]),
}

/// Its caller promises what that of a `BandKernel` does.
pub type DepthwiseKernel = unsafe fn(&DepthwiseCall<'_>);

/// All rows of a depthwise call.
///
/// # Safety
/// See [`DepthwiseKernel`].
#[inline(always)]
pub unsafe fn depthwise<V: Words>(call: &DepthwiseCall<'_>) {
    // SAFETY: passed on.
    unsafe {
        let is_whole = call.results.lanes == PANEL_VECTORS * V::WIDTH;
        match (call.terms, is_whole) {
            (Terms::All(terms), true) => depthwise_rows::<V, i32, true>(call, terms),
            (Terms::All(terms), false) => depthwise_rows::<V, i32, false>(call, terms),
            (Terms::Some(terms), true) => depthwise_rows::<V, Option<i32>, true>(call, terms),
            (Terms::Some(terms), false) => depthwise_rows::<V, Option<i32>, false>(call, terms),
        }
    }
}

/// Zeros for all lanes of a term that is skipped.
static ZEROS: [i8; LANES_MAX] = [0; LANES_MAX];

/// How a row's first lane leads to the lanes of a term.
trait Place: Copy {
    fn of(self, row: *const i8) -> *const i8;
}

impl Place for i32 {
    #[inline(always)]
    fn of(self, row: *const i8) -> *const i8 {
        row.wrapping_offset(self as isize)
    }
}

impl Place for Option<i32> {
    #[inline(always)]
    fn of(self, row: *const i8) -> *const i8 {
        self.map_or(ZEROS.as_ptr(), |place| place.of(row))
    }
}

/// Rows that are computed together, so that places of terms are looked up once for all of them.
const DEPTHWISE_TOGETHER: usize = 4;

/// `WHOLE` says that all lanes of the panel exist.
#[inline(always)]
unsafe fn depthwise_rows<V: Words, P: Place, const WHOLE: bool>(call: &DepthwiseCall<'_>, terms: &[P]) {
    // SAFETY: passed on.
    unsafe {
        let maps = call.results.maps::<V, PANEL_VECTORS>();
        with_finish!(&call.results, &maps, depthwise_tiles[V, P, WHOLE](call, terms, &maps))
    }
}

#[inline(always)]
unsafe fn depthwise_tiles<V: Words, P: Place, const WHOLE: bool, const SMALL: bool, const RECTIFIED: bool>(
    call: &DepthwiseCall<'_>,
    terms: &[P],
    maps: &Option<[OfLanes<V>; PANEL_VECTORS]>,
) {
    let (together, rest) = call.rows.as_chunks::<DEPTHWISE_TOGETHER>();
    // SAFETY: passed on.
    unsafe {
        for rows in together {
            depthwise_tile::<V, P, DEPTHWISE_TOGETHER, WHOLE, SMALL, RECTIFIED>(call, terms, maps, rows);
        }
        for row in rest {
            depthwise_tile::<V, P, 1, WHOLE, SMALL, RECTIFIED>(call, terms, maps, std::array::from_ref(row));
        }
    }
}

#[inline(always)]
unsafe fn depthwise_tile<
    V: Words,
    P: Place,
    const M: usize,
    const WHOLE: bool,
    const SMALL: bool,
    const RECTIFIED: bool,
>(
    call: &DepthwiseCall<'_>,
    terms: &[P],
    maps: &Option<[OfLanes<V>; PANEL_VECTORS]>,
    rows: &[Row; M],
) {
    let Results { lane, lanes, .. } = call.results;
    // SAFETY: the caller promises valid addresses for all terms of existing lanes, and a whole panel of `b`.
    unsafe {
        let mut sums = [starts(maps); M];
        let mut b = call.b;
        for [low, high] in terms.as_chunks::<2>().0 {
            let b_pairs = [V::load_pairs(b), V::load_pairs(b.add(2 * V::WIDTH))];
            for (row, sums) in rows.iter().zip(&mut sums) {
                let start = call.a.wrapping_offset(row.a as isize).wrapping_add(lane);
                let (low, high) = (low.of(start), high.of(start));
                let a = if WHOLE {
                    V::pair_up(low, high)
                } else {
                    let mut copies = [[0i8; LANES_MAX]; 2];
                    std::ptr::copy_nonoverlapping(low, copies[0].as_mut_ptr(), lanes);
                    std::ptr::copy_nonoverlapping(high, copies[1].as_mut_ptr(), lanes);
                    V::pair_up(copies[0].as_ptr(), copies[1].as_ptr())
                };
                for j in 0..PANEL_VECTORS {
                    sums[j] = sums[j].add_products(a[j], b_pairs[j]);
                }
            }
            b = b.wrapping_add(2 * PANEL_VECTORS * V::WIDTH);
        }
        finish::<V, M, PANEL_VECTORS, SMALL, RECTIFIED>(&call.results, maps, rows, &sums);
    }
}
