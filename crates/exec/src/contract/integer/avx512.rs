//! The micro-kernels for AVX-512, with its instructions for sums of products where the processor has them: tiles of 14 rows by
//! 32 lanes.

use std::arch::x86_64::*;

use super::avx2::input_avx2;
use super::depthwise::{DepthwiseCall, depthwise};
use super::kernel::{BandCall, KernelTable, band, compiled_for, kernel_table, widen};
use super::sliding::kernel::{SlidingCall, sliding};
use super::winograd::products::{ProductsCall, products};
use super::winograd::transforms::{OutputCall, Transforms, output};
use super::words::{PANEL_VECTORS, Words};

/// Nothing where the processor lacks vectors of i16 (AVX-512BW).
pub(super) fn table() -> Option<KernelTable> {
    if !is_x86_feature_detected!("avx512bw") {
        return None;
    }
    let transforms = Transforms { input: input_avx2, output: output_avx512 };
    Some(match is_x86_feature_detected!("avx512vnni") {
        true => kernel_table!(
            band_vnni, products_vnni, depthwise_vnni, sliding_vnni, widen_avx512, transforms, turned |lane| lane, lanes 16, rows [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
        ),
        false => kernel_table!(
            band_avx512, products_avx512, depthwise_avx512, sliding_avx512, widen_avx512, transforms, turned |lane| lane, lanes 16, rows [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
        ),
    })
}

compiled_for!("avx512f,avx512bw,avx2", Zmm<false>, band_avx512, products_avx512, depthwise_avx512, sliding_avx512);
compiled_for!("avx512f,avx512bw,avx512vnni,avx2", Zmm<true>, band_vnni, products_vnni, depthwise_vnni, sliding_vnni);

#[target_feature(enable = "avx512f,avx512bw,avx2")]
unsafe fn widen_avx512(from: &[i8], to: *mut i16) {
    // SAFETY: the caller has room for as many numbers.
    unsafe { widen(from, to) }
}

#[target_feature(enable = "avx512f,avx512bw,avx2")]
unsafe fn output_avx512(call: &OutputCall<'_>) {
    // SAFETY: the caller keeps the promises of `OutputTransform`.
    unsafe { output::<Zmm<false>>(call) }
}

/// `VNNI` says whether one instruction multiplies and adds.
#[derive(Clone, Copy)]
struct Zmm<const VNNI: bool>(__m512i);

/// The products of 64 bits of the even lanes, with their signs.
///
/// The intrinsic is a product of numbers that the compiler widens. Where it does so for the factors once, before a loop, it
/// forgets that they are narrow, and makes a product of 64 by 64 bits of it, which are ten instructions.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn products_of_even(a: __m512i, b: __m512i) -> __m512i {
    let products: __m512i;
    // SAFETY: inlined into functions that have the instruction, which does nothing else.
    unsafe {
        std::arch::asm!(
            "vpmuldq {products}, {a}, {b}",
            products = lateout(zmm_reg) products,
            a = in(zmm_reg) a,
            b = in(zmm_reg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    products
}

// SAFETY (all functions): inlined into functions that have AVX-512F and BW, and VNNI where it is said; the caller promises
// valid addresses.
impl<const VNNI: bool> Words for Zmm<VNNI> {
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn splat(value: i32) -> Self {
        unsafe { Zmm(_mm512_set1_epi32(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        unsafe { Zmm(_mm512_loadu_si512(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn store_narrow(self, to: *mut i8) {
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtsepi32_epi8(self.0)) }
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const i16) -> Self {
        unsafe { Zmm(_mm512_loadu_si512(from.cast())) }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const i16) -> Self {
        unsafe { Zmm(_mm512_set1_epi32(from.cast::<i32>().read_unaligned())) }
    }

    #[inline(always)]
    unsafe fn pair_up(low: *const i8, high: *const i8) -> [Self; PANEL_VECTORS] {
        unsafe {
            let (low_0, low_1) = (_mm_loadu_si128(low.cast()), _mm_loadu_si128(low.add(16).cast()));
            let (high_0, high_1) = (_mm_loadu_si128(high.cast()), _mm_loadu_si128(high.add(16).cast()));
            let first = _mm256_set_m128i(_mm_unpackhi_epi8(low_0, high_0), _mm_unpacklo_epi8(low_0, high_0));
            let second = _mm256_set_m128i(_mm_unpackhi_epi8(low_1, high_1), _mm_unpacklo_epi8(low_1, high_1));
            [Zmm(_mm512_cvtepi8_epi16(first)), Zmm(_mm512_cvtepi8_epi16(second))]
        }
    }

    #[inline(always)]
    unsafe fn turned(vectors: [Self; PANEL_VECTORS]) -> [Self; PANEL_VECTORS] {
        vectors
    }

    #[inline(always)]
    unsafe fn store_narrow_turned([first, second]: [Self; PANEL_VECTORS], to: *mut i8) {
        unsafe {
            first.store_narrow(to);
            second.store_narrow(to.add(Self::WIDTH));
        }
    }

    #[inline(always)]
    unsafe fn crossed(self) -> Self {
        self
    }

    #[inline(always)]
    unsafe fn add_products(self, a: Self, b: Self) -> Self {
        unsafe {
            Zmm(match VNNI {
                true => _mm512_dpwssd_epi32(self.0, a.0, b.0),
                false => _mm512_add_epi32(self.0, _mm512_madd_epi16(a.0, b.0)),
            })
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Zmm(_mm512_add_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Zmm(_mm512_sub_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { Zmm(_mm512_mullo_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn shift_left<const PLACES: i32>(self) -> Self {
        unsafe { Zmm(_mm512_sllv_epi32(self.0, _mm512_set1_epi32(PLACES))) }
    }

    #[inline(always)]
    unsafe fn shift_right<const PLACES: i32>(self) -> Self {
        unsafe { Zmm(_mm512_srav_epi32(self.0, _mm512_set1_epi32(PLACES))) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { Zmm(_mm512_max_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        unsafe { Zmm(_mm512_min_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn shift_left_by(self, places: Self) -> Self {
        unsafe { Zmm(_mm512_sllv_epi32(self.0, places.0)) }
    }

    #[inline(always)]
    unsafe fn shift_right_by(self, places: Self) -> Self {
        unsafe { Zmm(_mm512_srav_epi32(self.0, places.0)) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        unsafe { Zmm(_mm512_and_si512(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        unsafe { Zmm(_mm512_xor_si512(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn equal(self, other: Self) -> Self {
        unsafe { Zmm(_mm512_maskz_set1_epi32(_mm512_cmpeq_epi32_mask(self.0, other.0), -1)) }
    }

    #[inline(always)]
    unsafe fn greater(self, other: Self) -> Self {
        unsafe { Zmm(_mm512_maskz_set1_epi32(_mm512_cmpgt_epi32_mask(self.0, other.0), -1)) }
    }

    #[inline(always)]
    unsafe fn are_within(self, low: i32, high: i32) -> bool {
        unsafe {
            let below = _mm512_cmplt_epi32_mask(self.0, _mm512_set1_epi32(low));
            let above = _mm512_cmpgt_epi32_mask(self.0, _mm512_set1_epi32(high));
            below | above == 0
        }
    }

    #[inline(always)]
    unsafe fn odd_lanes(self) -> Self {
        unsafe { Zmm(_mm512_srli_epi64::<32>(self.0)) }
    }

    #[inline(always)]
    unsafe fn high_of_double_product(self, factor: Self, odd_factor: Self) -> Self {
        unsafe {
            let nudge = _mm512_set1_epi64(1 << 30);
            let even = _mm512_add_epi64(products_of_even(self.0, factor.0), nudge);
            let odd = _mm512_add_epi64(products_of_even(self.odd_lanes().0, odd_factor.0), nudge);
            let (even, odd) = (_mm512_srli_epi64::<31>(even), _mm512_add_epi64(odd, odd));
            Zmm(_mm512_mask_blend_epi32(0b1010_1010_1010_1010, even, odd))
        }
    }

    #[inline(always)]
    unsafe fn wide(low: u32, high: Self) -> [Self; 2] {
        unsafe {
            let low = _mm512_set1_epi32(low as i32);
            let even = _mm512_mask_blend_epi32(0b1010_1010_1010_1010, low, _mm512_slli_epi64::<32>(high.0));
            [Zmm(even), Zmm(_mm512_mask_blend_epi32(0b1010_1010_1010_1010, low, high.0))]
        }
    }

    #[inline(always)]
    unsafe fn high_of_sums(self, factor: Self, odd_factor: Self, addends: [Self; 2]) -> Self {
        unsafe {
            let even = _mm512_add_epi64(products_of_even(self.0, factor.0), addends[0].0);
            let odd = _mm512_add_epi64(products_of_even(self.odd_lanes().0, odd_factor.0), addends[1].0);
            Zmm(_mm512_mask_blend_epi32(0b1010_1010_1010_1010, _mm512_srli_epi64::<32>(even), odd))
        }
    }
}
