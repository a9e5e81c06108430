//! The micro-kernel for AVX2 and FMA: tiles of 6 rows by 16 lanes.

use std::arch::x86_64::*;

use super::depthwise::depthwise;
use super::kernel::{BandCall, KernelTable, Lanes, band, kernel_table};

pub(super) fn table() -> KernelTable {
    kernel_table!(
        tile_avx2,
        depthwise_avx2,
        lanes 8, full tiles masked false,
        rows [1, 2, 3, 4, 5, 6],
        four [1],
        two [1, 2, 3]
    )
}

#[target_feature(enable = "avx2,fma")]
unsafe fn tile_avx2<const M: usize, const NV: usize, const A_MOVES: bool, const MASKED: bool>(call: &BandCall<'_>) {
    // SAFETY: the caller keeps the promises of `TileKernel`.
    unsafe { band::<Ymm<MASKED>, M, NV, A_MOVES>(call) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn depthwise_avx2<const T: usize, const MASKED: bool>(call: &BandCall<'_>) {
    // SAFETY: the caller keeps the promises of `TileKernel`.
    unsafe { depthwise::<Ymm<MASKED>, T>(call) }
}

/// Masks would take registers that a full tile needs for its sums, so those have none.
#[derive(Clone, Copy)]
struct Ymm<const MASKED: bool>(__m256);

/// Eight set lanes, then eight unset ones: a mask of `count` lanes begins `count` entries before the middle.
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

// SAFETY (all functions): inlined into functions that have AVX2 and FMA; masked lanes are not touched in memory.
impl<const MASKED: bool> Lanes for Ymm<MASKED> {
    const WIDTH: usize = 8;
    type Mask = __m256i;

    #[inline(always)]
    unsafe fn mask(count: usize) -> __m256i {
        unsafe { _mm256_loadu_si256(MASKS.as_ptr().add(8 - count).cast()) }
    }

    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn zero() -> Ymm<MASKED> {
        unsafe { Ymm(_mm256_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Ymm<MASKED> {
        unsafe { Ymm(_mm256_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32, mask: __m256i) -> Ymm<MASKED> {
        unsafe { Ymm(if MASKED { _mm256_maskload_ps(from, mask) } else { _mm256_loadu_ps(from) }) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, mask: __m256i) {
        unsafe {
            if MASKED {
                _mm256_maskstore_ps(to, mask, self.0);
            } else {
                _mm256_storeu_ps(to, self.0);
            }
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, b: Ymm<MASKED>, c: Ymm<MASKED>) -> Ymm<MASKED> {
        unsafe { Ymm(_mm256_fmadd_ps(self.0, b.0, c.0)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Ymm<MASKED>) -> Ymm<MASKED> {
        unsafe { Ymm(_mm256_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Ymm<MASKED>) -> Ymm<MASKED> {
        unsafe { Ymm(_mm256_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Ymm<MASKED>) -> Ymm<MASKED> {
        unsafe { Ymm(_mm256_max_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn flush(self) -> Ymm<MASKED> {
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            let least = _mm256_set1_ps(f32::MIN_POSITIVE);
            // Not less, or unordered: NaN stays.
            let keep = _mm256_cmp_ps::<_CMP_NLT_UQ>(_mm256_andnot_ps(sign, self.0), least);
            Ymm(_mm256_and_ps(keep, self.0))
        }
    }
}
