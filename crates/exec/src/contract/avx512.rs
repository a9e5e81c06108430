//! The micro-kernel for AVX-512: tiles of 14 rows by 32 lanes.

use std::arch::x86_64::*;

use super::depthwise::depthwise;
use super::kernel::{BandCall, KernelTable, Lanes, band, kernel_table};

pub(super) fn table() -> KernelTable {
    kernel_table!(
        tile_avx512,
        depthwise_avx512,
        lanes 16, full tiles masked true,
        rows [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
        four [1, 2, 3],
        two [1, 2, 3, 4, 5, 6]
    )
}

/// A mask costs nothing here, so all tiles have one.
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn tile_avx512<const M: usize, const NV: usize, const A_MOVES: bool, const MASKED: bool>(call: &BandCall<'_>) {
    // SAFETY: the caller keeps the promises of `TileKernel`.
    unsafe { band::<Zmm, M, NV, A_MOVES>(call) }
}

#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn depthwise_avx512<const T: usize, const MASKED: bool>(call: &BandCall<'_>) {
    // SAFETY: the caller keeps the promises of `TileKernel`.
    unsafe { depthwise::<Zmm, T>(call) }
}

#[derive(Clone, Copy)]
struct Zmm(__m512);

// SAFETY (all functions): inlined into functions that have AVX-512F; masked lanes are not touched in memory.
impl Lanes for Zmm {
    const WIDTH: usize = 16;
    type Mask = __mmask16;

    #[inline(always)]
    unsafe fn mask(count: usize) -> __mmask16 {
        ((1u32 << count) - 1) as __mmask16
    }

    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn zero() -> Zmm {
        unsafe { Zmm(_mm512_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Zmm {
        unsafe { Zmm(_mm512_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32, mask: __mmask16) -> Zmm {
        unsafe { Zmm(_mm512_maskz_loadu_ps(mask, from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, mask: __mmask16) {
        unsafe { _mm512_mask_storeu_ps(to, mask, self.0) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, b: Zmm, c: Zmm) -> Zmm {
        unsafe { Zmm(_mm512_fmadd_ps(self.0, b.0, c.0)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Zmm) -> Zmm {
        unsafe { Zmm(_mm512_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Zmm) -> Zmm {
        unsafe { Zmm(_mm512_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Zmm) -> Zmm {
        unsafe { Zmm(_mm512_max_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn flush(self) -> Zmm {
        unsafe {
            let least = _mm512_set1_ps(f32::MIN_POSITIVE);
            // Not less, or unordered: NaN stays.
            let keep = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(_mm512_abs_ps(self.0), least);
            Zmm(_mm512_maskz_mov_ps(keep, self.0))
        }
    }
}
