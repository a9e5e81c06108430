//! The micro-kernel for few terms of operands that all have the lanes, as in a depthwise convolution.
//!
//! A vector of every term of `b`, the filter, stays in registers while the rows pass, so that each multiply-add loads one
//! vector and not two.

use super::behind::take_on;
use super::kernel::{BandCall, Lanes, vector_of};
use super::spec::Row;

/// The most terms whose vectors fit the registers beside [`ROWS`] sums.
pub(super) const TERMS_MAX: usize = 9;

/// Rows at a time: their chains of multiply-adds hide each other's latency.
const ROWS: usize = 4;

/// The results of a band whose one chunk has `T` terms, for all lanes from the call's first on.
///
/// # Safety
/// As for [`super::kernel::TileKernel`]; results have adjacent lanes, and the call is the first and last of them.
#[inline(always)]
pub(super) unsafe fn depthwise<V: Lanes, const T: usize>(call: &BandCall<'_>) {
    let (mut a_terms, mut b_terms) = ([0isize; T], [0isize; T]);
    let terms = call.runs.iter().flat_map(|run| {
        (0..run.len as isize)
            .map(|i| (run.a as isize + i * run.a_stride as isize, run.b as isize + i * run.b_stride as isize))
    });
    for (t, (a, b)) in terms.take(T).enumerate() {
        (a_terms[t], b_terms[t]) = (a, b);
    }
    for vector in 0..call.lanes.div_ceil(V::WIDTH) {
        // SAFETY: the caller promises valid addresses for all terms of all rows and existing lanes, and the mask keeps the
        // others from being touched.
        unsafe {
            let mask = V::mask((call.lanes - vector * V::WIDTH).min(V::WIDTH));
            let b = vector_of(call.b, vector, call.b_panel_stride, V::WIDTH);
            let mut filter = [V::zero(); T];
            for t in 0..T {
                filter[t] = V::load(b.wrapping_offset(b_terms[t]), mask);
            }
            let lane = call.lane + vector * V::WIDTH;
            let (blocks, rest) = call.rows.as_chunks::<ROWS>();
            for rows in blocks {
                results(call, rows, lane, &a_terms, &filter, mask);
            }
            for row in rest {
                results(call, &[*row], lane, &a_terms, &filter, mask);
            }
        }
    }
}

/// One vector of results for each of the rows.
#[inline(always)]
unsafe fn results<V: Lanes, const T: usize, const M: usize>(
    call: &BandCall<'_>,
    rows: &[Row; M],
    lane: usize,
    a_terms: &[isize; T],
    filter: &[V; T],
    mask: V::Mask,
) {
    // SAFETY: see `depthwise`.
    unsafe {
        let mut sums = [[V::zero()]; M];
        let mut a = [std::ptr::null::<f32>(); M];
        for i in 0..M {
            a[i] = call.a.wrapping_offset(rows[i].a as isize).wrapping_add(lane);
        }
        for t in 0..T {
            for i in 0..M {
                let value = V::load(a[i].wrapping_offset(a_terms[t]), mask);
                sums[i][0] = value.mul_add(filter[t], sums[i][0]);
            }
        }
        for sum in &mut sums {
            sum[0] = sum[0].flush();
        }
        take_on(call, rows, lane, &mut sums, [mask]);
        for i in 0..M {
            let c = call.c.wrapping_offset(rows[i].c as isize).wrapping_add(lane);
            sums[i][0].store(c, mask);
        }
    }
}
