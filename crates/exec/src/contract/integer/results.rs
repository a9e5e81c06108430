//! Where sums go, and what becomes of them on the way.

use super::super::spec::Row;
use super::requantise::{OfLanes, Requantise};
use super::words::Words;

/// Where results go.
#[derive(Clone, Copy)]
pub struct Results<'a> {
    /// The start of `c`, and the batch item's address there.
    pub c: *mut u8,
    pub base: isize,
    pub lane_stride: isize,
    /// The first lane of the panel, and how many of its lanes exist.
    pub lane: usize,
    pub lanes: usize,
    /// The most products that a sum has.
    pub terms: usize,
    /// With it results are i8, else i32.
    pub requantise: Option<Requantise<&'a [i32]>>,
}

impl Results<'_> {
    /// The lanes of vector `j` that exist.
    #[inline(always)]
    fn count<V: Words>(&self, j: usize) -> usize {
        self.lanes.saturating_sub(j * V::WIDTH).min(V::WIDTH)
    }

    /// What is done to the sums of each vector.
    ///
    /// # Safety
    /// Inlined into a function compiled for the vectors' set; the maps have numbers for existing lanes.
    #[inline(always)]
    pub unsafe fn maps<V: Words, const NV: usize>(&self) -> Option<[OfLanes<V>; NV]> {
        // No closure: what is compiled for a set of features is inlined into functions only.
        // SAFETY: promised by the caller.
        unsafe {
            let mut of_vectors = [self.maps_of(0)?; NV];
            for (j, of_vector) in of_vectors.iter_mut().enumerate().skip(1) {
                *of_vector = self.maps_of(j)?;
            }
            Some(of_vectors)
        }
    }

    /// What is done to the sums of vector `j` of the panel.
    ///
    /// # Safety
    /// As for `maps`.
    #[inline(always)]
    pub unsafe fn maps_of<V: Words>(&self, j: usize) -> Option<OfLanes<V>> {
        let maps = self.requantise.as_ref()?;
        // SAFETY: promised by the caller.
        unsafe { Some(OfLanes::new(maps, self.terms, self.lane + j * V::WIDTH, self.count::<V>(j))) }
    }
}

/// What the sums of each vector start from.
///
/// # Safety
/// Inlined into a function compiled for the vectors' set.
#[inline(always)]
pub unsafe fn starts<V: Words, const NV: usize>(maps: &Option<[OfLanes<V>; NV]>) -> [V; NV] {
    // SAFETY: promised by the caller.
    let mut starts = [unsafe { V::splat(0) }; NV];
    if let Some(maps) = maps {
        for (start, of_vector) in starts.iter_mut().zip(maps) {
            *start = of_vector.bias;
        }
    }
    starts
}

/// Takes sums on and stores them.
#[inline(always)]
pub unsafe fn finish<V: Words, const M: usize, const NV: usize>(
    results: &Results<'_>,
    maps: &Option<[OfLanes<V>; NV]>,
    rows: &[Row; M],
    sums: &[[V; NV]; M],
) {
    // SAFETY: the caller promises valid addresses for existing lanes.
    unsafe {
        if let Some(maps) = maps
            && results.lanes == NV * V::WIDTH
            && results.lane_stride == 1
            && maps.iter().all(OfLanes::are_small)
        {
            return finish_small(results, maps, rows, sums);
        }
        for j in 0..NV {
            let lane = results.lane + j * V::WIDTH;
            let count = results.count::<V>(j);
            if count == 0 {
                return;
            }
            let place = |i: usize| results.base + rows[i].c as isize + lane as isize * results.lane_stride;
            let is_whole = count == V::WIDTH && results.lane_stride == 1;
            match maps {
                None => {
                    let c = results.c.cast::<i32>();
                    for (i, row) in sums.iter().enumerate() {
                        match is_whole {
                            true => row[j].store(c.wrapping_offset(place(i))),
                            false => {
                                let mut buffer = [0i32; 16];
                                row[j].store(buffer.as_mut_ptr());
                                scatter(&buffer[..count], c.wrapping_offset(place(i)), results.lane_stride);
                            }
                        }
                    }
                }
                Some(maps) => {
                    let c = results.c.cast::<i8>();
                    for (i, row) in sums.iter().enumerate() {
                        let narrow = maps[j].apply(row[j]);
                        match is_whole {
                            true => narrow.store_narrow(c.wrapping_offset(place(i))),
                            false => {
                                let mut buffer = [0i8; 16];
                                narrow.store_narrow(buffer.as_mut_ptr());
                                scatter(&buffer[..count], c.wrapping_offset(place(i)), results.lane_stride);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Takes sums on where nothing overflows, and stores whole vectors side by side.
#[inline(always)]
unsafe fn finish_small<V: Words, const M: usize, const NV: usize>(
    results: &Results<'_>,
    maps: &[OfLanes<V>; NV],
    rows: &[Row; M],
    sums: &[[V; NV]; M],
) {
    let c = results.c.cast::<i8>().wrapping_offset(results.base).wrapping_add(results.lane);
    // SAFETY: see `finish`.
    unsafe {
        for (row, sums) in rows.iter().zip(sums) {
            let to = c.wrapping_offset(row.c as isize);
            let (pairs, rest) = sums.as_chunks::<2>();
            for (k, [first, second]) in pairs.iter().enumerate() {
                let pair = [maps[2 * k].apply(*first), maps[2 * k + 1].apply(*second)];
                V::store_narrow_pair(pair, to.wrapping_add(2 * k * V::WIDTH));
            }
            for sum in rest {
                maps[NV - 1].apply(*sum).store_narrow(to.wrapping_add((NV - 1) * V::WIDTH));
            }
        }
    }
}

/// Writes numbers that are not a whole vector side by side.
unsafe fn scatter<T: Copy>(from: &[T], to: *mut T, stride: isize) {
    for (l, value) in from.iter().enumerate() {
        // SAFETY: the caller promises valid addresses for existing lanes.
        unsafe { *to.wrapping_offset(l as isize * stride) = *value };
    }
}
