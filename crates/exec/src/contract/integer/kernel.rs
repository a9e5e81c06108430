//! The micro-kernels, written once over vectors of any width and compiled for every kernel set.

use super::super::spec::Row;
use super::depthwise::DepthwiseKernel;
use super::plain;
use super::requantise::OfLanes;
use super::results::{Finish, Results, finish, starts, with_finish};
use super::sliding::kernel::SlidingKernel;
use super::slots::PairRun;
use super::winograd::products::ProductsKernel;
use super::winograd::transforms::Transforms;
use super::words::{PANEL_VECTORS, Words};
use crate::kernels::KernelSet;

/// The most rows that a tile of any kernel set has.
pub const ROWS_MAX: usize = 14;

/// Tiles of as many rows each, one below the other, by one panel of lanes.
pub struct BandCall<'a> {
    /// Where the rows' numbers begin, which `rows` are relative to.
    pub a: *const i16,
    /// A multiple of a tile's.
    pub rows: &'a [Row],
    pub runs: &'a [PairRun],
    /// The panel of `b`.
    pub b: *const i16,
    pub results: Results<'a>,
}

/// Their caller promises that the processor has the features of the kernel set and that all addresses that the call describes
/// are valid; results are written by this call alone.
pub type BandKernel = unsafe fn(&BandCall<'_>);
/// Widens as many numbers as the slice has.
pub type Widen = unsafe fn(&[i8], *mut i16);

/// Kernels by `[one or two vectors][rows - 1]`.
pub type Instances<K> = [[Option<K>; ROWS_MAX]; PANEL_VECTORS];

/// The micro-kernels of one kernel set.
#[derive(Clone, Copy)]
pub struct KernelTable {
    pub rows_max: usize,
    pub panel_lanes: usize,
    pub bands: Instances<BandKernel>,
    pub products: Instances<ProductsKernel>,
    pub depthwise: DepthwiseKernel,
    pub sliding: SlidingKernel,
    pub widen: Widen,
    pub transforms: Transforms,
    /// Where kernels have each lane of a panel of two vectors.
    pub turned_lane: fn(usize) -> usize,
}

impl KernelTable {
    pub fn of(set: KernelSet) -> KernelTable {
        match set {
            #[cfg(target_arch = "x86_64")]
            KernelSet::Avx512 => super::avx512::table().unwrap_or_else(super::avx2::table),
            #[cfg(target_arch = "x86_64")]
            KernelSet::Avx2 => super::avx2::table(),
            #[cfg(not(target_arch = "x86_64"))]
            KernelSet::Avx512 | KernelSet::Avx2 => plain::table(),
            KernelSet::Baseline => plain::table(),
        }
    }

    /// Lanes of a vector.
    pub fn vector_lanes(&self) -> usize {
        self.panel_lanes / PANEL_VECTORS
    }

    /// The kernel for tiles of so many rows by so many lanes of a panel.
    pub fn band(&self, rows: usize, lanes: usize) -> BandKernel {
        self.instance(&self.bands, rows, lanes)
    }

    /// The kernel for products of so many transformed tiles and so many lanes of a panel.
    pub fn products(&self, tiles: usize, lanes: usize) -> ProductsKernel {
        self.instance(&self.products, tiles, lanes)
    }

    fn instance<K: Copy>(&self, instances: &Instances<K>, rows: usize, lanes: usize) -> K {
        instances[lanes.div_ceil(self.vector_lanes()) - 1][rows - 1].expect("tiles have at most rows_max rows")
    }
}

/// Tiles of `M` rows by `NV` vectors, one below the other.
///
/// # Safety
/// See [`BandKernel`].
#[inline(always)]
pub unsafe fn band<V: Words, const M: usize, const NV: usize>(call: &BandCall<'_>) {
    // SAFETY: passed on.
    unsafe {
        let maps = call.results.maps::<V, NV>();
        with_finish!(&call.results, &maps, tiles[V, M, NV](call, &maps))
    }
}

#[inline(always)]
unsafe fn tiles<V: Words, const M: usize, const NV: usize, const SMALL: bool, const RECTIFIED: bool>(
    call: &BandCall<'_>,
    maps: &Option<[OfLanes<V>; NV]>,
) {
    // SAFETY: the caller promises valid addresses for all pairs of all rows, and a whole panel of `b`.
    unsafe {
        let start = starts(maps);
        for rows in call.rows.as_chunks::<M>().0 {
            // A tile begins with a line of the instruction cache. How well the end of its loop is foreseen depends on addresses,
            // and this way they do not follow from whatever code lies in front: measured, a twentieth of a layer's time.
            #[cfg(target_arch = "x86_64")]
            std::arch::asm!(".p2align 6", options(nomem, nostack, preserves_flags));
            let sums = tile::<V, M, NV>(call, rows, start);
            finish::<V, M, NV, SMALL, RECTIFIED>(&call.results, maps, rows, &sums);
        }
    }
}

/// The sums of one tile.
#[inline(always)]
unsafe fn tile<V: Words, const M: usize, const NV: usize>(
    call: &BandCall<'_>,
    rows: &[Row; M],
    start: [V; NV],
) -> [[V; NV]; M] {
    // SAFETY: see `band`.
    unsafe {
        let mut a = [std::ptr::null::<i16>(); M];
        for i in 0..M {
            a[i] = call.a.wrapping_offset(rows[i].a as isize);
        }
        let mut sums = [start; M];
        let mut b = call.b;
        // One loop over the pairs of all runs: with a loop for each run the compiler moves all sums through memory between
        // runs.
        let mut runs = call.runs.iter();
        if let Some(mut run) = runs.next() {
            let mut left = run.pairs;
            let mut k = run.a as isize;
            loop {
                let mut b_pairs = [V::splat(0); NV];
                for (j, b_pair) in b_pairs.iter_mut().enumerate() {
                    *b_pair = V::load_pairs(b.add(2 * j * V::WIDTH));
                }
                for i in 0..M {
                    let a_pair = V::splat_pair(a[i].wrapping_offset(k));
                    for j in 0..NV {
                        sums[i][j] = sums[i][j].add_products(a_pair, b_pairs[j]);
                    }
                }
                b = b.wrapping_add(2 * PANEL_VECTORS * V::WIDTH);
                k += 2;
                left -= 1;
                if left == 0 {
                    let Some(next) = runs.next() else { break };
                    run = next;
                    left = run.pairs;
                    k = run.a as isize;
                }
            }
        }
        sums
    }
}

/// Fills a [`KernelTable`] with instances of `$band::<M, NV>` and `$products::<M, NV>`.
macro_rules! kernel_table {
    (
        $band:ident, $products:ident, $depthwise:ident, $sliding:ident, $widen:ident, $transforms:expr,
        turned $turned:expr, lanes $width:expr, rows [$($m:literal),+]
    ) => {{
        use $crate::contract::integer::kernel::{BandKernel, Instances, KernelTable, ROWS_MAX};
        use $crate::contract::integer::winograd::products::ProductsKernel;
        use $crate::contract::integer::words::PANEL_VECTORS;
        let mut bands: Instances<BandKernel> = [[None; ROWS_MAX]; PANEL_VECTORS];
        let mut products: Instances<ProductsKernel> = [[None; ROWS_MAX]; PANEL_VECTORS];
        $(
            bands[0][$m - 1] = Some($band::<$m, 1>);
            bands[1][$m - 1] = Some($band::<$m, 2>);
            products[0][$m - 1] = Some($products::<$m, 1>);
            products[1][$m - 1] = Some($products::<$m, 2>);
        )+
        let rows_max = [$($m),+].len();
        let panel_lanes = PANEL_VECTORS * $width;
        let (depthwise, sliding, widen) = ($depthwise, $sliding, $widen);
        let (transforms, turned_lane) = ($transforms, $turned);
        KernelTable { rows_max, panel_lanes, bands, products, depthwise, sliding, widen, transforms, turned_lane }
    }};
}
pub(super) use kernel_table;

/// The kernels over vectors `$vector` as functions compiled for `$features`, which keep their callers' promises.
#[cfg(target_arch = "x86_64")]
macro_rules! compiled_for {
    ($features:literal, $vector:ty, $band:ident, $products:ident, $depthwise:ident, $sliding:ident) => {
        #[target_feature(enable = $features)]
        unsafe fn $band<const M: usize, const NV: usize>(call: &BandCall<'_>) {
            // SAFETY: the caller keeps the promises of `BandKernel`.
            unsafe { band::<$vector, M, NV>(call) }
        }

        #[target_feature(enable = $features)]
        unsafe fn $products<const M: usize, const NV: usize>(call: &ProductsCall) {
            // SAFETY: the caller keeps the promises of `ProductsKernel`.
            unsafe { products::<$vector, M, NV>(call) }
        }

        #[target_feature(enable = $features)]
        unsafe fn $depthwise(call: &DepthwiseCall<'_>) {
            // SAFETY: the caller keeps the promises of `DepthwiseKernel`.
            unsafe { depthwise::<$vector>(call) }
        }

        #[target_feature(enable = $features)]
        unsafe fn $sliding(call: &SlidingCall<'_>) {
            // SAFETY: the caller keeps the promises of `SlidingKernel`.
            unsafe { sliding::<$vector>(call) }
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use compiled_for;

/// # Safety
/// There is room for as many numbers.
#[inline(always)]
pub unsafe fn widen(from: &[i8], to: *mut i16) {
    for (i, x) in from.iter().enumerate() {
        // SAFETY: promised by the caller.
        unsafe { *to.add(i) = i16::from(*x) };
    }
}
