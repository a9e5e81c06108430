//! Where sums go, and what becomes of them on the way.

use super::super::spec::Row;
use super::requantise::{OfLanes, Requantise};
use super::words::{LANES_MAX, PANEL_VECTORS, Words};

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

    /// What is done to the sums of each vector; the lanes of two are turned.
    ///
    /// # Safety
    /// Inlined into a function compiled for the vectors' set; the maps have numbers for existing lanes.
    #[inline(always)]
    pub unsafe fn maps<V: Words, const NV: usize>(&self) -> Option<[OfLanes<V>; NV]> {
        // SAFETY: promised by the caller.
        unsafe {
            let mut of_vectors = [self.maps_of(0)?; NV];
            if let Ok(both) = <&mut [OfLanes<V>; PANEL_VECTORS]>::try_from(&mut of_vectors[..]) {
                let counts = [self.count::<V>(0), self.count::<V>(1)];
                *both = OfLanes::turned(self.requantise.as_ref()?, self.terms, self.lane, counts);
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

/// How the sums of a call are taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Nothing overflows, [`OfLanes::is_rectified`] holds, and lanes are whole vectors side by side.
    Rectified,
    /// The same, but how negative numbers are rounded matters, or there are bounds.
    Rounded,
    Any,
}

impl Finish {
    #[inline(always)]
    pub fn of<V: Words, const NV: usize>(results: &Results<'_>, maps: &Option<[OfLanes<V>; NV]>) -> Finish {
        let is_whole = results.lanes == NV * V::WIDTH && results.lane_stride == 1;
        match maps {
            Some(maps) if is_whole && maps.iter().all(OfLanes::are_small) => match maps[0].is_rectified {
                true => Finish::Rectified,
                false => Finish::Rounded,
            },
            Some(_) | None => Finish::Any,
        }
    }
}

/// Calls a function with the constants `SMALL` and `RECTIFIED` that [`finish`] takes, so that how sums are taken on is not told
/// anew for each of them.
macro_rules! with_finish {
    ($results:expr, $maps:expr, $function:ident [$($generic:ident),+] ($($argument:expr),+)) => {
        match Finish::of($results, $maps) {
            Finish::Rectified => $function::<$($generic,)+ true, true>($($argument),+),
            Finish::Rounded => $function::<$($generic,)+ true, false>($($argument),+),
            Finish::Any => $function::<$($generic,)+ false, false>($($argument),+),
        }
    };
}
pub(super) use with_finish;

/// Takes sums on and stores them; the lanes of two vectors are turned. `SMALL` and `RECTIFIED` are what [`Finish`] says.
///
/// # Safety
/// Addresses of existing lanes are valid; inlined into a function compiled for the vectors' set.
#[inline(always)]
pub unsafe fn finish<V: Words, const M: usize, const NV: usize, const SMALL: bool, const RECTIFIED: bool>(
    results: &Results<'_>,
    maps: &Option<[OfLanes<V>; NV]>,
    rows: &[Row; M],
    sums: &[[V; NV]; M],
) {
    // SAFETY: promised by the caller.
    unsafe {
        match maps {
            Some(maps) if SMALL => finish_small::<V, M, NV, RECTIFIED>(results, maps, rows, sums),
            Some(_) | None => finish_any(results, maps, rows, sums),
        }
    }
}

/// Takes any sums on.
#[inline(always)]
unsafe fn finish_any<V: Words, const M: usize, const NV: usize>(
    results: &Results<'_>,
    maps: &Option<[OfLanes<V>; NV]>,
    rows: &[Row; M],
    sums: &[[V; NV]; M],
) {
    let is_whole = results.lanes == NV * V::WIDTH && results.lane_stride == 1;
    let place = |row: &Row| results.base + row.c as isize + results.lane as isize * results.lane_stride;
    // SAFETY: see `finish`.
    unsafe {
        match maps {
            None => {
                let c = results.c.cast::<i32>();
                for (row, sums) in rows.iter().zip(sums) {
                    let mut buffer = [0i32; LANES_MAX];
                    let to = c.wrapping_offset(place(row));
                    let whole = if is_whole { to } else { buffer.as_mut_ptr() };
                    for (j, sum) in in_own_order(*sums).into_iter().enumerate() {
                        sum.store(whole.wrapping_add(j * V::WIDTH));
                    }
                    if !is_whole {
                        scatter(&buffer[..results.lanes], to, results.lane_stride);
                    }
                }
            }
            Some(maps) => {
                let c = results.c.cast::<i8>();
                for (row, sums) in rows.iter().zip(sums) {
                    let mut steps = *sums;
                    for (sum, maps) in steps.iter_mut().zip(maps) {
                        *sum = maps.apply(*sum);
                    }
                    let mut buffer = [0i8; LANES_MAX];
                    let to = c.wrapping_offset(place(row));
                    let whole = if is_whole { to } else { buffer.as_mut_ptr() };
                    for (j, steps) in in_own_order(steps).into_iter().enumerate() {
                        steps.store_narrow(whole.wrapping_add(j * V::WIDTH));
                    }
                    if !is_whole {
                        scatter(&buffer[..results.lanes], to, results.lane_stride);
                    }
                }
            }
        }
    }
}

/// One vector as it is, and two turned back.
#[inline(always)]
unsafe fn in_own_order<V: Words, const NV: usize>(mut vectors: [V; NV]) -> [V; NV] {
    if let Ok(both) = <&mut [V; PANEL_VECTORS]>::try_from(&mut vectors[..]) {
        // SAFETY: inlined into a function compiled for the vectors' set.
        *both = unsafe { V::turned(*both) };
    }
    vectors
}

/// Takes sums on where nothing overflows, and stores whole vectors side by side.
#[inline(always)]
unsafe fn finish_small<V: Words, const M: usize, const NV: usize, const RECTIFIED: bool>(
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
            let mut steps = *sums;
            for (sum, maps) in steps.iter_mut().zip(maps) {
                *sum = maps.apply_small::<RECTIFIED>(*sum);
            }
            match <&[V; PANEL_VECTORS]>::try_from(&steps[..]) {
                Ok(both) => V::store_narrow_turned(*both, to),
                Err(_) => steps[0].crossed().store_narrow(to),
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
