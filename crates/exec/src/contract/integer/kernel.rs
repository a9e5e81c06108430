//! The micro-kernels, written once over vectors of any width and compiled for every kernel set.

use super::super::spec::Row;
use super::requantise::{OfLanes, Requantise};
use super::slots::PairRun;
use super::winograd::products::ProductsKernel;
use super::winograd::transforms::Transforms;
use crate::kernels::KernelSet;

/// The most rows that a tile of any kernel set has.
pub(super) const ROWS_MAX: usize = 14;

/// Vectors of a panel of `b`.
pub(super) const PANEL_VECTORS: usize = 2;

/// Tiles of as many rows each, one below the other, by one panel of lanes.
pub(super) struct BandCall<'a> {
    /// Where the rows' numbers begin, which `rows` are relative to.
    pub a: *const i16,
    /// A multiple of a tile's.
    pub rows: &'a [Row],
    pub runs: &'a [PairRun],
    /// The panel of `b`.
    pub b: *const i16,
    pub results: Results<'a>,
}

/// Some lanes of a depthwise contraction, for rows that find their terms at the same places.
pub(super) struct DepthwiseCall<'a> {
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
pub(super) enum Terms<'a> {
    All(&'a [i32]),
    /// Some of them are none.
    Some(&'a [Option<i32>]),
}

/// Where results go.
#[derive(Clone, Copy)]
pub(super) struct Results<'a> {
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

/// Their caller promises that the processor has the features of the kernel set and that all addresses that the call describes
/// are valid; results are written by this call alone.
pub(super) type BandKernel = unsafe fn(&BandCall<'_>);
pub(super) type DepthwiseKernel = unsafe fn(&DepthwiseCall<'_>);
/// Widens as many numbers as the slice has.
pub(super) type Widen = unsafe fn(&[i8], *mut i16);

/// Kernels by `[one or two vectors][rows - 1]`.
pub(super) type Instances<K> = [[Option<K>; ROWS_MAX]; PANEL_VECTORS];

/// The micro-kernels of one kernel set.
#[derive(Clone, Copy)]
pub(super) struct KernelTable {
    pub rows_max: usize,
    pub panel_lanes: usize,
    pub bands: Instances<BandKernel>,
    pub products: Instances<ProductsKernel>,
    pub depthwise: DepthwiseKernel,
    pub widen: Widen,
    pub transforms: Transforms,
    /// Where depthwise kernels have each lane of a panel.
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

/// A vector of i32 in some instruction set.
///
/// Its functions are only ever inlined into functions compiled for that set.
pub(super) trait Words: Copy {
    const WIDTH: usize;
    unsafe fn splat(value: i32) -> Self;
    unsafe fn load(from: *const i32) -> Self;
    unsafe fn store(self, to: *mut i32);
    /// Stores the lanes saturated to i8.
    unsafe fn store_narrow(self, to: *mut i8);
    /// Those of two vectors, one behind the other.
    unsafe fn store_narrow_pair(pair: [Self; 2], to: *mut i8);
    /// Two i16 in every lane.
    unsafe fn load_pairs(from: *const i16) -> Self;
    /// The same two i16 in all lanes.
    unsafe fn splat_pair(from: *const i16) -> Self;
    /// The numbers of `low` and `high` in pairs, for two vectors of lanes as [`Words::turned`] has them.
    unsafe fn pair_up(low: *const i8, high: *const i8) -> [Self; PANEL_VECTORS];
    /// Two vectors of lanes in the order in which it costs least to make pairs of their numbers, or back in their own:
    /// [`KernelTable::turned_lane`] says where each lane is.
    unsafe fn turned(vectors: [Self; PANEL_VECTORS]) -> [Self; PANEL_VECTORS];
    /// Stores turned lanes in their own order, saturated to i8.
    unsafe fn store_narrow_turned(vectors: [Self; PANEL_VECTORS], to: *mut i8);
    /// Adds both products of every lane's pairs.
    unsafe fn add_products(self, a: Self, b: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    /// The lower halves of the products.
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn shift_left<const PLACES: i32>(self) -> Self;
    /// Copies of the sign come in.
    unsafe fn shift_right<const PLACES: i32>(self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;
    unsafe fn shift_left_by(self, places: Self) -> Self;
    unsafe fn shift_right_by(self, places: Self) -> Self;
    unsafe fn and(self, other: Self) -> Self;
    unsafe fn xor(self, other: Self) -> Self;
    /// −1 or 0.
    unsafe fn equal(self, other: Self) -> Self;
    unsafe fn greater(self, other: Self) -> Self;
    /// Whether every lane is at least `low` and at most `high`.
    unsafe fn are_within(self, low: i32, high: i32) -> bool;
    /// Whatever [`Words::high_of_double_product`] needs of the odd lanes of a factor.
    unsafe fn odd_lanes(self) -> Self;
    /// ⌊(x·factor + 2³⁰) / 2³¹⌋, wrapped.
    unsafe fn high_of_double_product(self, factor: Self, odd_factor: Self) -> Self;
}

/// Tiles of `M` rows by `NV` vectors, one below the other.
///
/// # Safety
/// See [`BandKernel`].
#[inline(always)]
pub(super) unsafe fn band<V: Words, const M: usize, const NV: usize>(call: &BandCall<'_>) {
    // SAFETY: the caller promises valid addresses for all pairs of all rows, and a whole panel of `b`.
    unsafe {
        let maps = call.results.maps::<V, NV>();
        let mut start = [V::splat(0); NV];
        if let Some(maps) = &maps {
            for j in 0..NV {
                start[j] = maps[j].bias;
            }
        }
        for rows in call.rows.as_chunks::<M>().0 {
            let sums = tile::<V, M, NV>(call, rows, start);
            finish(&call.results, &maps, rows, &sums);
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

/// All rows of a depthwise call, one after another.
///
/// # Safety
/// See [`DepthwiseKernel`].
#[inline(always)]
pub(super) unsafe fn depthwise<V: Words>(call: &DepthwiseCall<'_>) {
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
/// Lanes of the widest panel.
const LANES_MAX: usize = 32;

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
const DEPTHWISE_TOGETHER: usize = 2;

/// `WHOLE` says that all lanes of the panel exist.
#[inline(always)]
unsafe fn depthwise_rows<V: Words, P: Place, const WHOLE: bool>(call: &DepthwiseCall<'_>, terms: &[P]) {
    // SAFETY: passed on.
    unsafe {
        let own = call.results.maps::<V, PANEL_VECTORS>();
        let maps = match &own {
            Some([first, second]) => Some(OfLanes::turned([first, second])),
            None => None,
        };
        let maps = Maps { own, turned: maps };
        let (together, rest) = call.rows.as_chunks::<DEPTHWISE_TOGETHER>();
        for rows in together {
            depthwise_tile::<V, P, WHOLE, DEPTHWISE_TOGETHER>(call, terms, &maps, rows);
        }
        for row in rest {
            depthwise_tile::<V, P, WHOLE, 1>(call, terms, &maps, std::array::from_ref(row));
        }
    }
}

/// What is done to sums, by their lanes in their own order and turned.
struct Maps<V: Words> {
    own: Option<[OfLanes<V>; PANEL_VECTORS]>,
    turned: Option<[OfLanes<V>; PANEL_VECTORS]>,
}

#[inline(always)]
unsafe fn depthwise_tile<V: Words, P: Place, const WHOLE: bool, const M: usize>(
    call: &DepthwiseCall<'_>,
    terms: &[P],
    maps: &Maps<V>,
    rows: &[Row; M],
) {
    let Results { c, base, lane, lanes, lane_stride, .. } = call.results;
    // SAFETY: the caller promises valid addresses for all terms of existing lanes, and a whole panel of `b`.
    unsafe {
        let mut first = [V::splat(0); PANEL_VECTORS];
        if let Some(maps) = &maps.turned {
            for j in 0..PANEL_VECTORS {
                first[j] = maps[j].bias;
            }
        }
        let mut sums = [first; M];
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
        if let Some([first, second]) = &maps.turned
            && WHOLE
            && lane_stride == 1
            && first.are_small()
            && second.are_small()
        {
            for (row, sums) in rows.iter().zip(&sums) {
                let to = c.cast::<i8>().wrapping_offset(base + row.c as isize).wrapping_add(lane);
                V::store_narrow_turned([first.apply(sums[0]), second.apply(sums[1])], to);
            }
            return;
        }
        for sums in &mut sums {
            *sums = V::turned(*sums);
        }
        let sums = sums;
        finish(&call.results, &maps.own, rows, &sums);
    }
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
    unsafe fn maps<V: Words, const NV: usize>(&self) -> Option<[OfLanes<V>; NV]> {
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

/// Takes sums on and stores them.
#[inline(always)]
unsafe fn finish<V: Words, const M: usize, const NV: usize>(
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

/// Fills a [`KernelTable`] with instances of `$band::<M, NV>` and `$products::<M, NV>`.
macro_rules! kernel_table {
    (
        $band:ident, $products:ident, $depthwise:ident, $widen:ident, $transforms:expr,
        turned $turned:expr, lanes $width:expr, rows [$($m:literal),+]
    ) => {{
        use $crate::contract::integer::kernel::{Instances, KernelTable, PANEL_VECTORS, ROWS_MAX, BandKernel};
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
        let (depthwise, widen, transforms, turned_lane) = ($depthwise, $widen, $transforms, $turned);
        KernelTable { rows_max, panel_lanes, bands, products, depthwise, widen, transforms, turned_lane }
    }};
}
pub(super) use kernel_table;

/// The micro-kernels in plain Rust.
mod plain {
    use super::super::winograd::products::{ProductsCall, products};
    use super::super::winograd::transforms::{HALVES, Halves, InputCall, OutputCall, input, output};
    use super::*;

    pub(super) fn table() -> KernelTable {
        let transforms = Transforms { input: input_plain, output: output_plain };
        kernel_table!(band_plain, products_plain, depthwise_plain, widen_plain, transforms, turned |lane| lane, lanes 8, rows [1, 2, 3, 4])
    }

    unsafe fn band_plain<const M: usize, const NV: usize>(call: &BandCall<'_>) {
        // SAFETY: the caller keeps the promises of `BandKernel`; plain Rust needs no feature.
        unsafe { band::<Plain, M, NV>(call) }
    }

    unsafe fn products_plain<const M: usize, const NV: usize>(call: &ProductsCall) {
        // SAFETY: the caller keeps the promises of `ProductsKernel`.
        unsafe { products::<Plain, M, NV>(call) }
    }

    unsafe fn depthwise_plain(call: &DepthwiseCall<'_>) {
        // SAFETY: as above.
        unsafe { depthwise::<Plain>(call) }
    }

    unsafe fn widen_plain(from: &[i8], to: *mut i16) {
        // SAFETY: the caller has room for as many numbers.
        unsafe { widen(from, to) }
    }

    unsafe fn input_plain(call: &InputCall<'_>) {
        // SAFETY: the caller keeps the promises of `InputTransform`.
        unsafe { input::<PlainHalves>(call) }
    }

    unsafe fn output_plain(call: &OutputCall<'_>) {
        // SAFETY: the caller keeps the promises of `OutputTransform`.
        unsafe { output::<Plain>(call) }
    }

    #[derive(Clone, Copy)]
    struct PlainHalves([i16; HALVES]);

    // SAFETY (all functions): the caller promises valid addresses.
    impl Halves for PlainHalves {
        const ZERO: PlainHalves = PlainHalves([0; HALVES]);

        unsafe fn load_narrow(from: *const i8) -> PlainHalves {
            PlainHalves(unsafe { from.cast::<[i8; HALVES]>().read_unaligned() }.map(i16::from))
        }

        unsafe fn store(self, to: *mut i16) {
            unsafe { to.cast::<[i16; HALVES]>().write_unaligned(self.0) }
        }

        unsafe fn add(self, other: PlainHalves) -> PlainHalves {
            PlainHalves(std::array::from_fn(|l| self.0[l] + other.0[l]))
        }

        unsafe fn sub(self, other: PlainHalves) -> PlainHalves {
            PlainHalves(std::array::from_fn(|l| self.0[l] - other.0[l]))
        }

        unsafe fn shift_left<const PLACES: i32>(self) -> PlainHalves {
            PlainHalves(self.0.map(|x| x << PLACES))
        }
    }

    /// Eight words; a pair has its first number in the low half.
    #[derive(Clone, Copy)]
    struct Plain([i32; 8]);

    fn halves(pair: i32) -> [i32; 2] {
        [i32::from(pair as i16), pair >> 16]
    }

    fn pair(low: i16, high: i16) -> i32 {
        i32::from(low) & 0xffff | i32::from(high) << 16
    }

    impl Plain {
        #[inline(always)]
        fn zip(self, other: Plain, f: impl Fn(i32, i32) -> i32) -> Plain {
            Plain(std::array::from_fn(|l| f(self.0[l], other.0[l])))
        }
    }

    // SAFETY (all functions): the caller promises valid addresses.
    impl Words for Plain {
        const WIDTH: usize = 8;

        unsafe fn splat(value: i32) -> Plain {
            Plain([value; 8])
        }

        unsafe fn load(from: *const i32) -> Plain {
            Plain(unsafe { from.cast::<[i32; 8]>().read_unaligned() })
        }

        unsafe fn store(self, to: *mut i32) {
            unsafe { to.cast::<[i32; 8]>().write_unaligned(self.0) }
        }

        unsafe fn store_narrow(self, to: *mut i8) {
            unsafe { to.cast::<[i8; 8]>().write_unaligned(self.0.map(|x| x.clamp(-128, 127) as i8)) }
        }

        unsafe fn store_narrow_pair([first, second]: [Plain; 2], to: *mut i8) {
            unsafe {
                first.store_narrow(to);
                second.store_narrow(to.add(Self::WIDTH));
            }
        }

        unsafe fn load_pairs(from: *const i16) -> Plain {
            Plain(std::array::from_fn(|l| unsafe { pair(*from.add(2 * l), *from.add(2 * l + 1)) }))
        }

        unsafe fn splat_pair(from: *const i16) -> Plain {
            Plain([unsafe { pair(*from, *from.add(1)) }; 8])
        }

        unsafe fn pair_up(low: *const i8, high: *const i8) -> [Plain; PANEL_VECTORS] {
            let word = |l: usize| unsafe { pair(i16::from(*low.add(l)), i16::from(*high.add(l))) };
            std::array::from_fn(|j| Plain(std::array::from_fn(|l| word(8 * j + l))))
        }

        unsafe fn turned(vectors: [Plain; PANEL_VECTORS]) -> [Plain; PANEL_VECTORS] {
            vectors
        }

        unsafe fn store_narrow_turned(vectors: [Plain; PANEL_VECTORS], to: *mut i8) {
            unsafe { Plain::store_narrow_pair(vectors, to) }
        }

        unsafe fn add_products(self, a: Plain, b: Plain) -> Plain {
            Plain(std::array::from_fn(|l| {
                let ([a0, a1], [b0, b1]) = (halves(a.0[l]), halves(b.0[l]));
                self.0[l].wrapping_add((a0 * b0).wrapping_add(a1 * b1))
            }))
        }

        unsafe fn add(self, other: Plain) -> Plain {
            self.zip(other, i32::wrapping_add)
        }

        unsafe fn sub(self, other: Plain) -> Plain {
            self.zip(other, i32::wrapping_sub)
        }

        unsafe fn mul(self, other: Plain) -> Plain {
            self.zip(other, i32::wrapping_mul)
        }

        unsafe fn shift_left<const PLACES: i32>(self) -> Plain {
            Plain(self.0.map(|x| x << PLACES))
        }

        unsafe fn shift_right<const PLACES: i32>(self) -> Plain {
            Plain(self.0.map(|x| x >> PLACES))
        }

        unsafe fn max(self, other: Plain) -> Plain {
            self.zip(other, i32::max)
        }

        unsafe fn min(self, other: Plain) -> Plain {
            self.zip(other, i32::min)
        }

        unsafe fn shift_left_by(self, places: Plain) -> Plain {
            self.zip(places, |x, places| x << places)
        }

        unsafe fn shift_right_by(self, places: Plain) -> Plain {
            self.zip(places, |x, places| x >> places)
        }

        unsafe fn and(self, other: Plain) -> Plain {
            self.zip(other, |x, y| x & y)
        }

        unsafe fn xor(self, other: Plain) -> Plain {
            self.zip(other, |x, y| x ^ y)
        }

        unsafe fn equal(self, other: Plain) -> Plain {
            self.zip(other, |x, y| -i32::from(x == y))
        }

        unsafe fn greater(self, other: Plain) -> Plain {
            self.zip(other, |x, y| -i32::from(x > y))
        }

        unsafe fn are_within(self, low: i32, high: i32) -> bool {
            self.0.iter().all(|x| (low..=high).contains(x))
        }

        unsafe fn odd_lanes(self) -> Plain {
            self
        }

        unsafe fn high_of_double_product(self, factor: Plain, _: Plain) -> Plain {
            self.zip(factor, |x, factor| ((i64::from(x) * i64::from(factor) + (1 << 30)) >> 31) as i32)
        }
    }
}

/// # Safety
/// There is room for as many numbers.
#[inline(always)]
pub(super) unsafe fn widen(from: &[i8], to: *mut i16) {
    for (i, x) in from.iter().enumerate() {
        // SAFETY: promised by the caller.
        unsafe { *to.add(i) = i16::from(*x) };
    }
}
