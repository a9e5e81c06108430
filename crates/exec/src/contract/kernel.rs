//! The micro-kernel, written once over vectors of any width and compiled for every kernel set.
//!
//! A tile is a block of results, up to `MR` rows by a few vectors, that stays in registers through one chunk of
//! terms.

use super::behind::{Behind, take_on};
use super::depthwise;
use super::spec::Row;
use crate::kernels::KernelSet;

/// The most rows that a tile of any kernel set has.
pub(super) const ROWS_MAX: usize = 14;

/// How many terms ahead `b` and the first row of `a` are asked for: they stream through the first cache, faster than a miss is served.
const PREFETCH_TERMS: isize = 16;

/// Terms with equal steps, at least one, as the micro-kernel reads them. Addresses are in elements, relative to the pointers of
/// the tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TileRun {
    pub a: i32,
    pub b: i32,
    pub len: u32,
    pub a_stride: i32,
    pub b_stride: i32,
}

/// One call of the micro-kernel: tiles of as many rows each, one below the other, over one chunk of terms.
pub(super) struct BandCall<'a> {
    /// Where the batch item begins in `a` and `c`.
    pub a: *const f32,
    pub c: *mut f32,
    /// The rows, a multiple of a tile's.
    pub rows: &'a [Row],
    /// Where lane `lane` of the packed or plain `b` begins.
    pub b: *const f32,
    /// From one panel of lanes of `b` to the next, in elements.
    pub b_panel_stride: usize,
    /// The chunk's terms.
    pub runs: &'a [TileRun],
    /// The first lane.
    pub lane: usize,
    /// The lanes that a tile takes, at most all that it has room for, and how many times so many.
    pub lanes: usize,
    pub blocks: usize,
    /// From lane to lane of `c`, in elements.
    pub c_lane_stride: isize,
    /// Whether the chunk's result replaces `c` instead of being added to it.
    pub first: bool,
    /// Whether `c` is complete afterwards, so that it is flushed.
    pub last: bool,
    /// What is done to complete results before they are stored, if their lanes are adjacent.
    pub behind: Behind<&'a [f32]>,
    /// The address of the batch item in `c`.
    pub c_base: isize,
}

/// A compiled micro-kernel.
///
/// Its caller promises that the processor has the features of the kernel set and that all addresses that the call
/// describes are valid; results are written by this call alone.
pub(super) type TileKernel = unsafe fn(&BandCall<'_>);

/// The micro-kernels of one kernel set.
#[derive(Clone, Copy)]
pub(super) struct KernelTable {
    /// The most rows of a tile.
    pub rows_max: usize,
    /// The lanes of a panel: two vectors.
    pub panel_lanes: usize,
    /// By `[whether all lanes exist][whether a moves with the lanes][one or two vectors][rows - 1]`.
    pub(super) tiles: [[[[Option<TileKernel>; ROWS_MAX]; 2]; 2]; 2],
    /// Kernels over four and over two full panels for tiles of few rows, which would wait for their chains
    /// otherwise, by `[whether a moves with the lanes][four or two][rows - 1]`.
    pub(super) wide: [[[Option<TileKernel>; ROWS_MAX]; 2]; 2],
    /// Kernels for few terms where all operands have the lanes, by `[whether all lanes exist][terms - 1]`.
    pub(super) depthwise: [[TileKernel; depthwise::TERMS_MAX]; 2],
}

impl KernelTable {
    /// The micro-kernels of `set`.
    pub fn of(set: KernelSet) -> KernelTable {
        match set {
            #[cfg(target_arch = "x86_64")]
            KernelSet::Avx512 => super::avx512::table(),
            #[cfg(target_arch = "x86_64")]
            KernelSet::Avx2 => super::avx2::table(),
            #[cfg(not(target_arch = "x86_64"))]
            KernelSet::Avx512 | KernelSet::Avx2 => baseline::table(),
            KernelSet::Baseline => baseline::table(),
        }
    }

    /// The kernel that computes `lanes` lanes of all rows of a band from few terms where all operands have the lanes.
    pub fn choose_depthwise(&self, runs: &[TileRun], lanes: usize) -> TileKernel {
        let terms: usize = runs.iter().map(|run| run.len as usize).sum();
        let full = usize::from(lanes.is_multiple_of(self.panel_lanes / 2));
        self.depthwise[full][terms - 1]
    }

    /// A kernel for tiles of `rows` rows by the first of `lanes` lanes, how many lanes it takes at a time, and how often.
    pub fn choose(&self, a_moves: bool, rows: usize, lanes: usize) -> (TileKernel, usize, usize) {
        let moves = usize::from(a_moves);
        for (level, panels) in [4, 2].into_iter().enumerate() {
            let width = panels * self.panel_lanes;
            if lanes >= width
                && let Some(kernel) = self.wide[moves][level][rows - 1]
            {
                return (kernel, width, lanes / width);
            }
        }
        let blocks = (lanes / self.panel_lanes).max(1);
        let lanes = lanes.min(self.panel_lanes);
        let vectors = usize::from(lanes > self.panel_lanes / 2);
        let full = usize::from(lanes.is_multiple_of(self.panel_lanes / 2));
        let kernel = self.tiles[full][moves][vectors][rows - 1];
        (kernel.expect("tiles have at most rows_max rows"), lanes, blocks)
    }
}

/// A vector of f32 in some instruction set.
///
/// Its functions are only ever inlined into functions compiled for that set.
pub(super) trait Lanes: Copy {
    const WIDTH: usize;
    /// Says which lanes of a vector exist.
    type Mask: Copy;
    /// The first `count` lanes exist, at most all.
    unsafe fn mask(count: usize) -> Self::Mask;
    /// Asks for a cache line that will be loaded soon; any address will do.
    unsafe fn prefetch(from: *const f32);
    unsafe fn zero() -> Self;
    unsafe fn splat(value: f32) -> Self;
    /// Loads the lanes that exist; the others are 0 and not touched in memory.
    unsafe fn load(from: *const f32, mask: Self::Mask) -> Self;
    /// Stores the lanes that exist.
    unsafe fn store(self, to: *mut f32, mask: Self::Mask);
    /// `self · b + c`, rounded once.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// `other < self ? self : other`
    unsafe fn max(self, other: Self) -> Self;
    /// +0 where the magnitude is below `f32::MIN_POSITIVE`.
    unsafe fn flush(self) -> Self;
}

/// The micro-kernel: tiles of `M` rows by `NV` vectors; `A_MOVES` when `a` has the lanes too.
///
/// # Safety
/// See [`TileKernel`].
#[inline(always)]
pub(super) unsafe fn band<V: Lanes, const M: usize, const NV: usize, const A_MOVES: bool>(call: &BandCall<'_>) {
    // SAFETY: the caller promises valid addresses for all terms of all rows and existing lanes, and the masks keep
    // the others from being touched. Pointers are moved with wrapping arithmetic, since a row may begin before
    // its operand as long as its terms do not.
    unsafe {
        let mut masks = [V::mask(0); NV];
        for (j, mask) in masks.iter_mut().enumerate() {
            *mask = V::mask(call.lanes.saturating_sub(j * V::WIDTH).min(V::WIDTH));
        }
        for rows in call.rows.as_chunks::<M>().0 {
            for block in 0..call.blocks {
                let lane = call.lane + block * NV * V::WIDTH;
                let b = call.b.wrapping_add(block * NV.div_ceil(2) * call.b_panel_stride);
                let mut a = [std::ptr::null::<f32>(); M];
                for i in 0..M {
                    a[i] = call.a.wrapping_offset(rows[i].a as isize);
                    if A_MOVES {
                        a[i] = a[i].wrapping_add(lane);
                    }
                }
                tile::<V, M, NV, A_MOVES>(call, rows, lane, &a, b, masks);
            }
        }
    }
}

/// One tile from its first term to its results.
#[inline(always)]
unsafe fn tile<V: Lanes, const M: usize, const NV: usize, const A_MOVES: bool>(
    call: &BandCall<'_>,
    rows: &[Row; M],
    lane: usize,
    a: &[*const f32; M],
    b: *const f32,
    masks: [V::Mask; NV],
) {
    // SAFETY: see `band`.
    unsafe {
        let mut sums = [[V::zero(); NV]; M];
        // One loop over the terms of all runs: with a loop for each run the compiler moves all sums through memory
        // between runs.
        let mut runs = call.runs.iter();
        if let Some(mut run) = runs.next() {
            let mut left = run.len;
            let mut k = run.a as isize;
            let first_b = b;
            let mut b = b.wrapping_offset(run.b as isize);
            loop {
                // Few rows wait for memory itself, and wide ones would ask for too much at a time.
                if M > 3 {
                    V::prefetch(b.wrapping_offset(PREFETCH_TERMS * run.b_stride as isize));
                    V::prefetch(a[0].wrapping_offset(k + PREFETCH_TERMS * run.a_stride as isize));
                }
                one_term::<V, M, NV, A_MOVES>(&mut sums, a, k, b, call.b_panel_stride, masks);
                left -= 1;
                if left == 0 {
                    let Some(next) = runs.next() else { break };
                    run = next;
                    left = run.len;
                    k = run.a as isize;
                    b = first_b.wrapping_offset(run.b as isize);
                } else {
                    k += run.a_stride as isize;
                    b = b.wrapping_offset(run.b_stride as isize);
                }
            }
        }
        if call.c_lane_stride == 1 {
            let place =
                |i: usize, j: usize| call.c.wrapping_offset(rows[i].c as isize).wrapping_add(lane + j * V::WIDTH);
            for (i, row) in sums.iter_mut().enumerate() {
                for (j, sum) in row.iter_mut().enumerate() {
                    let before = if call.first { None } else { Some(V::load(place(i, j), masks[j])) };
                    *sum = finish(*sum, before, call.last);
                }
            }
            if call.last {
                take_on(call, rows, lane, &mut sums, masks);
            }
            for (i, row) in sums.iter().enumerate() {
                for (j, sum) in row.iter().enumerate() {
                    sum.store(place(i, j), masks[j]);
                }
            }
        } else {
            // A copy, since what is stored element by element lives in memory, and the sums above must not.
            let results = sums;
            store_strided::<V, M, NV>(call, rows, lane, &results, masks);
        }
    }
}

/// One term for all results.
#[inline(always)]
unsafe fn one_term<V: Lanes, const M: usize, const NV: usize, const A_MOVES: bool>(
    sums: &mut [[V; NV]; M],
    a: &[*const f32; M],
    k: isize,
    b: *const f32,
    panel_stride: usize,
    masks: [V::Mask; NV],
) {
    // SAFETY: see `tile`.
    unsafe {
        if M <= 3 && NV > 2 && !A_MOVES {
            few_rows::<V, M, NV>(sums, a, k, b, panel_stride, masks);
        } else {
            many_rows::<V, M, NV, A_MOVES>(sums, a, k, b, panel_stride, masks);
        }
    }
}

/// One term for all results, with the vectors of `b` held while the rows pass.
#[inline(always)]
unsafe fn many_rows<V: Lanes, const M: usize, const NV: usize, const A_MOVES: bool>(
    sums: &mut [[V; NV]; M],
    a: &[*const f32; M],
    k: isize,
    b: *const f32,
    panel_stride: usize,
    masks: [V::Mask; NV],
) {
    // SAFETY: see `tile`.
    unsafe {
        let mut b_vectors = [V::zero(); NV];
        for j in 0..NV {
            b_vectors[j] = V::load(vector_of(b, j, panel_stride, V::WIDTH), masks[j]);
        }
        for i in 0..M {
            let from = a[i].wrapping_offset(k);
            if A_MOVES {
                for j in 0..NV {
                    let value = V::load(from.wrapping_add(j * V::WIDTH), masks[j]);
                    sums[i][j] = value.mul_add(b_vectors[j], sums[i][j]);
                }
            } else {
                let value = V::splat(*from);
                for j in 0..NV {
                    sums[i][j] = value.mul_add(b_vectors[j], sums[i][j]);
                }
            }
        }
    }
}

/// One term for all results, with the rows of `a` held while many vectors of `b` pass.
#[inline(always)]
unsafe fn few_rows<V: Lanes, const M: usize, const NV: usize>(
    sums: &mut [[V; NV]; M],
    a: &[*const f32; M],
    k: isize,
    b: *const f32,
    panel_stride: usize,
    masks: [V::Mask; NV],
) {
    // SAFETY: see `tile`.
    unsafe {
        let mut values = [V::zero(); M];
        for i in 0..M {
            values[i] = V::splat(*a[i].wrapping_offset(k));
        }
        for j in 0..NV {
            let vector = V::load(vector_of(b, j, panel_stride, V::WIDTH), masks[j]);
            for i in 0..M {
                sums[i][j] = values[i].mul_add(vector, sums[i][j]);
            }
        }
    }
}

/// Where vector `j` of a block begins: panels have two vectors.
#[inline(always)]
pub(super) fn vector_of(b: *const f32, j: usize, panel_stride: usize, width: usize) -> *const f32 {
    b.wrapping_add((j / 2) * panel_stride + (j % 2) * width)
}

/// A chunk's result added to those before it, and flushed if it is the last.
#[inline(always)]
unsafe fn finish<V: Lanes>(sum: V, before: Option<V>, last: bool) -> V {
    // SAFETY: inlined into a function compiled for the vectors' set.
    unsafe {
        let value = match before {
            Some(before) => before.add(sum),
            None => sum,
        };
        if last { value.flush() } else { value }
    }
}

/// Writes results whose lanes are not next to each other, through a small buffer.
#[inline(always)]
unsafe fn store_strided<V: Lanes, const M: usize, const NV: usize>(
    call: &BandCall<'_>,
    rows: &[Row; M],
    first_lane: usize,
    sums: &[[V; NV]; M],
    masks: [V::Mask; NV],
) {
    // SAFETY: as in `band`; the buffer has room for a whole vector of every set.
    unsafe {
        let mut buffer = [0.0f32; 16];
        debug_assert!(V::WIDTH <= buffer.len());
        for i in 0..M {
            let c = call.c.wrapping_offset(rows[i].c as isize);
            for j in 0..NV {
                let lane = first_lane + j * V::WIDTH;
                let count = call.lanes.saturating_sub(j * V::WIDTH).min(V::WIDTH);
                let at = |l: usize| c.wrapping_offset((lane + l) as isize * call.c_lane_stride);
                let before = if call.first {
                    None
                } else {
                    for (l, value) in buffer[..count].iter_mut().enumerate() {
                        *value = *at(l);
                    }
                    Some(V::load(buffer.as_ptr(), masks[j]))
                };
                finish(sums[i][j], before, call.last).store(buffer.as_mut_ptr(), masks[j]);
                for (l, value) in buffer[..count].iter().enumerate() {
                    *at(l) = *value;
                }
            }
        }
    }
}

/// Fills a [`KernelTable`] with instances of the functions `$tile::<M, NV, A_MOVES, MASKED>` and `$depthwise::<T, MASKED>`,
/// where `MASKED` is `$masked` for tiles all of whose lanes exist.
macro_rules! kernel_table {
    (
        $tile:ident, $depthwise:ident, lanes $width:expr, full tiles masked $masked:literal,
        rows [$($m:literal),+], four [$($four:literal),*], two [$($two:literal),*]
    ) => {{
        use $crate::contract::kernel::{KernelTable, ROWS_MAX, TileKernel};
        let mut tiles = [[[[None; ROWS_MAX]; 2]; 2]; 2];
        let mut wide = [[[None; ROWS_MAX]; 2]; 2];
        $(
            tiles[0][0][0][$m - 1] = Some($tile::<$m, 1, false, true> as TileKernel);
            tiles[0][0][1][$m - 1] = Some($tile::<$m, 2, false, true> as TileKernel);
            tiles[0][1][0][$m - 1] = Some($tile::<$m, 1, true, true> as TileKernel);
            tiles[0][1][1][$m - 1] = Some($tile::<$m, 2, true, true> as TileKernel);
            tiles[1][0][0][$m - 1] = Some($tile::<$m, 1, false, $masked> as TileKernel);
            tiles[1][0][1][$m - 1] = Some($tile::<$m, 2, false, $masked> as TileKernel);
            tiles[1][1][0][$m - 1] = Some($tile::<$m, 1, true, $masked> as TileKernel);
            tiles[1][1][1][$m - 1] = Some($tile::<$m, 2, true, $masked> as TileKernel);
        )+
        $(
            wide[0][0][$four - 1] = Some($tile::<$four, 8, false, $masked> as TileKernel);
            wide[1][0][$four - 1] = Some($tile::<$four, 8, true, $masked> as TileKernel);
        )*
        $(
            wide[0][1][$two - 1] = Some($tile::<$two, 4, false, $masked> as TileKernel);
            wide[1][1][$two - 1] = Some($tile::<$two, 4, true, $masked> as TileKernel);
        )*
        let depthwise = [
            $crate::contract::kernel::by_terms!($depthwise, true),
            $crate::contract::kernel::by_terms!($depthwise, $masked),
        ];
        KernelTable { rows_max: [$($m),+].len(), panel_lanes: 2 * $width, tiles, wide, depthwise }
    }};
}
pub(super) use kernel_table;

/// Instances of `$depthwise::<T, $masked>` for every number of terms.
macro_rules! by_terms {
    ($depthwise:ident, $masked:literal) => {
        $crate::contract::kernel::by_terms!($depthwise, $masked, 1 2 3 4 5 6 7 8 9)
    };
    ($depthwise:ident, $masked:literal, $($t:literal)+) => {
        [$($depthwise::<$t, $masked> as TileKernel),+]
    };
}
pub(super) use by_terms;

/// The micro-kernel in plain Rust. Without the processor's fused multiply-add every term is a library call: slow,
/// with the same bits.
mod baseline {
    use super::{BandCall, KernelTable, Lanes, band};
    use crate::contract::depthwise::depthwise;

    pub(super) fn table() -> KernelTable {
        kernel_table!(tile_plain, depthwise_plain, lanes 8, full tiles masked true, rows [1, 2, 3, 4], four [1], two [1])
    }

    unsafe fn tile_plain<const M: usize, const NV: usize, const A_MOVES: bool, const MASKED: bool>(
        call: &BandCall<'_>,
    ) {
        // SAFETY: the caller keeps the promises of `TileKernel`; plain Rust needs no feature.
        unsafe { band::<Plain, M, NV, A_MOVES>(call) }
    }

    unsafe fn depthwise_plain<const T: usize, const MASKED: bool>(call: &BandCall<'_>) {
        // SAFETY: as above.
        unsafe { depthwise::<Plain, T>(call) }
    }

    #[derive(Clone, Copy)]
    struct Plain([f32; 8]);

    impl Plain {
        #[inline(always)]
        fn map(self, f: impl Fn(f32) -> f32) -> Plain {
            Plain(self.0.map(f))
        }

        #[inline(always)]
        fn lanes(f: impl FnMut(usize) -> f32) -> Plain {
            Plain(std::array::from_fn(f))
        }
    }

    impl Lanes for Plain {
        const WIDTH: usize = 8;
        type Mask = usize;

        #[inline(always)]
        unsafe fn mask(count: usize) -> usize {
            count
        }

        #[inline(always)]
        unsafe fn prefetch(_: *const f32) {}

        #[inline(always)]
        unsafe fn zero() -> Plain {
            Plain([0.0; 8])
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Plain {
            Plain([value; 8])
        }

        #[inline(always)]
        unsafe fn load(from: *const f32, mask: usize) -> Plain {
            // SAFETY: the lanes that exist may be read.
            unsafe {
                if mask == 8 {
                    Plain(from.cast::<[f32; 8]>().read_unaligned())
                } else {
                    Plain::lanes(|l| if l < mask { *from.add(l) } else { 0.0 })
                }
            }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32, mask: usize) {
            // SAFETY: the lanes that exist may be written.
            unsafe { std::ptr::copy_nonoverlapping(self.0.as_ptr(), to, mask) }
        }

        #[inline(always)]
        unsafe fn mul_add(self, b: Plain, c: Plain) -> Plain {
            Plain::lanes(|l| self.0[l].mul_add(b.0[l], c.0[l]))
        }

        #[inline(always)]
        unsafe fn add(self, other: Plain) -> Plain {
            Plain::lanes(|l| self.0[l] + other.0[l])
        }

        #[inline(always)]
        unsafe fn mul(self, other: Plain) -> Plain {
            Plain::lanes(|l| self.0[l] * other.0[l])
        }

        #[inline(always)]
        unsafe fn max(self, other: Plain) -> Plain {
            Plain::lanes(|l| if other.0[l] < self.0[l] { self.0[l] } else { other.0[l] })
        }

        #[inline(always)]
        unsafe fn flush(self) -> Plain {
            self.map(|x| if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x })
        }
    }
}
