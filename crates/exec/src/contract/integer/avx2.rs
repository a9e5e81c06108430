//! The micro-kernels for AVX2, with AVX-VNNI's instruction for sums of products where the processor has it: tiles of 6 rows by 16
//! lanes.

use std::arch::x86_64::*;

use super::depthwise::{DepthwiseCall, depthwise};
use super::kernel::{BandCall, KernelTable, band, compiled_for, kernel_table, widen};
use super::sliding::kernel::{SlidingCall, sliding};
use super::winograd::products::{ProductsCall, products};
use super::winograd::transforms::{Halves, InputCall, OutputCall, Transforms, input, output};
use super::words::{PANEL_VECTORS, Words};

pub(super) fn table() -> KernelTable {
    let transforms = Transforms { input: input_avx2, output: output_avx2 };
    match is_x86_feature_detected!("avxvnni") {
        true => kernel_table!(
            band_vnni, products_vnni, depthwise_vnni, sliding_vnni, widen_avx2, transforms,
            turned turned_lane, lanes 8, rows [1, 2, 3, 4, 5, 6]
        ),
        false => kernel_table!(
            band_avx2, products_avx2, depthwise_avx2, sliding_avx2, widen_avx2, transforms,
            turned turned_lane, lanes 8, rows [1, 2, 3, 4, 5, 6]
        ),
    }
}

compiled_for!("avx2", Ymm<false>, band_avx2, products_avx2, depthwise_avx2, sliding_avx2);
compiled_for!("avx2,avxvnni", Ymm<true>, band_vnni, products_vnni, depthwise_vnni, sliding_vnni);

#[target_feature(enable = "avx2")]
unsafe fn widen_avx2(from: &[i8], to: *mut i16) {
    // SAFETY: the caller has room for as many numbers.
    unsafe { widen(from, to) }
}

#[target_feature(enable = "avx2")]
pub(super) unsafe fn input_avx2(call: &InputCall<'_>) {
    // SAFETY: the caller keeps the promises of `InputTransform`.
    unsafe { input::<YmmHalves>(call) }
}

#[target_feature(enable = "avx2")]
unsafe fn output_avx2(call: &OutputCall<'_>) {
    // SAFETY: the caller keeps the promises of `OutputTransform`.
    unsafe { output::<Ymm<false>>(call) }
}

/// Lanes 0 to 3 and 8 to 11, then the others.
fn turned_lane(lane: usize) -> usize {
    let (quarter, within) = (lane / 4, lane % 4);
    [0, 2, 1, 3][quarter] * 4 + within
}

#[derive(Clone, Copy)]
struct YmmHalves(__m256i);

// SAFETY (all functions): inlined into functions that have AVX2; the caller promises valid addresses.
impl Halves for YmmHalves {
    // SAFETY: numbers of any bits are a vector.
    const ZERO: YmmHalves = YmmHalves(unsafe { std::mem::zeroed() });

    #[inline(always)]
    unsafe fn load_narrow(from: *const i8) -> YmmHalves {
        unsafe { YmmHalves(_mm256_cvtepi8_epi16(_mm_loadu_si128(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: YmmHalves) -> YmmHalves {
        unsafe { YmmHalves(_mm256_add_epi16(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: YmmHalves) -> YmmHalves {
        unsafe { YmmHalves(_mm256_sub_epi16(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn shift_left<const PLACES: i32>(self) -> YmmHalves {
        unsafe { YmmHalves(_mm256_slli_epi16::<PLACES>(self.0)) }
    }
}

/// `VNNI` says whether one instruction multiplies and adds.
#[derive(Clone, Copy)]
struct Ymm<const VNNI: bool>(__m256i);

/// The products of 64 bits of the even lanes, with their signs.
///
/// The intrinsic is a product of numbers that the compiler widens. Where it does so for the factors once, before a loop, it
/// forgets that they are narrow, and makes a product of 64 by 64 bits of it, which are ten instructions.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn products_of_even(a: __m256i, b: __m256i) -> __m256i {
    let products: __m256i;
    // SAFETY: inlined into functions that have the instruction, which does nothing else.
    unsafe {
        std::arch::asm!(
            "vpmuldq {products}, {a}, {b}",
            products = lateout(ymm_reg) products,
            a = in(ymm_reg) a,
            b = in(ymm_reg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    products
}

// SAFETY (all functions): inlined into functions that have AVX2; the caller promises valid addresses.
impl<const VNNI: bool> Words for Ymm<VNNI> {
    const WIDTH: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: i32) -> Self {
        unsafe { Ymm(_mm256_set1_epi32(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        unsafe { Ymm(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn store_narrow(self, to: *mut i8) {
        unsafe {
            let words = _mm_packs_epi32(_mm256_castsi256_si128(self.0), _mm256_extracti128_si256::<1>(self.0));
            _mm_storel_epi64(to.cast(), _mm_packs_epi16(words, words));
        }
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const i16) -> Self {
        unsafe { Ymm(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const i16) -> Self {
        unsafe { Ymm(_mm256_set1_epi32(from.cast::<i32>().read_unaligned())) }
    }

    #[inline(always)]
    unsafe fn pair_up(low: *const i8, high: *const i8) -> [Self; PANEL_VECTORS] {
        unsafe {
            let (low, high) = (YmmHalves::load_narrow(low).0, YmmHalves::load_narrow(high).0);
            // Within each half of the vectors.
            [Ymm(_mm256_unpacklo_epi16(low, high)), Ymm(_mm256_unpackhi_epi16(low, high))]
        }
    }

    #[inline(always)]
    unsafe fn turned([first, second]: [Self; PANEL_VECTORS]) -> [Self; PANEL_VECTORS] {
        unsafe {
            [
                Ymm(_mm256_permute2x128_si256::<0x20>(first.0, second.0)),
                Ymm(_mm256_permute2x128_si256::<0x31>(first.0, second.0)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_narrow_turned([first, second]: [Self; PANEL_VECTORS], to: *mut i8) {
        unsafe {
            // Halves of both come in turns again, and what is left is what crossing did to each four.
            let halves = _mm256_packs_epi32(first.0, second.0);
            let bytes = _mm_packs_epi16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves));
            let order = _mm_set_epi8(15, 13, 14, 12, 11, 9, 10, 8, 7, 5, 6, 4, 3, 1, 2, 0);
            _mm_storeu_si128(to.cast(), _mm_shuffle_epi8(bytes, order));
        }
    }

    #[inline(always)]
    unsafe fn crossed(self) -> Self {
        unsafe { Ymm(_mm256_shuffle_epi32::<0b11_01_10_00>(self.0)) }
    }

    #[inline(always)]
    unsafe fn add_products(self, a: Self, b: Self) -> Self {
        unsafe {
            Ymm(match VNNI {
                true => _mm256_dpwssd_avx_epi32(self.0, a.0, b.0),
                false => _mm256_add_epi32(self.0, _mm256_madd_epi16(a.0, b.0)),
            })
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Ymm(_mm256_add_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Ymm(_mm256_sub_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { Ymm(_mm256_mullo_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn shift_left<const PLACES: i32>(self) -> Self {
        unsafe { Ymm(_mm256_slli_epi32::<PLACES>(self.0)) }
    }

    #[inline(always)]
    unsafe fn shift_right<const PLACES: i32>(self) -> Self {
        unsafe { Ymm(_mm256_srai_epi32::<PLACES>(self.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { Ymm(_mm256_max_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        unsafe { Ymm(_mm256_min_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn shift_left_by(self, places: Self) -> Self {
        unsafe { Ymm(_mm256_sllv_epi32(self.0, places.0)) }
    }

    #[inline(always)]
    unsafe fn shift_right_by(self, places: Self) -> Self {
        unsafe { Ymm(_mm256_srav_epi32(self.0, places.0)) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        unsafe { Ymm(_mm256_and_si256(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        unsafe { Ymm(_mm256_xor_si256(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn equal(self, other: Self) -> Self {
        unsafe { Ymm(_mm256_cmpeq_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn greater(self, other: Self) -> Self {
        unsafe { Ymm(_mm256_cmpgt_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn are_within(self, low: i32, high: i32) -> bool {
        unsafe {
            let (below, above) = (Self::splat(low).greater(self), self.greater(Self::splat(high)));
            let outside = _mm256_or_si256(below.0, above.0);
            _mm256_testz_si256(outside, outside) == 1
        }
    }

    #[inline(always)]
    unsafe fn odd_lanes(self) -> Self {
        unsafe { Ymm(_mm256_srli_epi64::<32>(self.0)) }
    }

    #[inline(always)]
    unsafe fn high_of_double_product(self, factor: Self, odd_factor: Self) -> Self {
        unsafe {
            let nudge = _mm256_set1_epi64x(1 << 30);
            let even = _mm256_add_epi64(products_of_even(self.0, factor.0), nudge);
            let odd = _mm256_add_epi64(products_of_even(self.odd_lanes().0, odd_factor.0), nudge);
            let (even, odd) = (_mm256_srli_epi64::<31>(even), _mm256_add_epi64(odd, odd));
            Ymm(_mm256_blend_epi32::<0b1010_1010>(even, odd))
        }
    }

    #[inline(always)]
    unsafe fn wide(low: u32, high: Self) -> [Self; 2] {
        unsafe {
            let low = _mm256_set1_epi32(low as i32);
            let even = _mm256_blend_epi32::<0b1010_1010>(low, _mm256_slli_epi64::<32>(high.0));
            [Ymm(even), Ymm(_mm256_blend_epi32::<0b1010_1010>(low, high.0))]
        }
    }

    #[inline(always)]
    unsafe fn high_of_sums(self, factor: Self, odd_factor: Self, addends: [Self; 2]) -> Self {
        unsafe {
            let even = _mm256_add_epi64(products_of_even(self.0, factor.0), addends[0].0);
            let odd = _mm256_add_epi64(products_of_even(self.odd_lanes().0, odd_factor.0), addends[1].0);
            let (even, odd) = (_mm256_castsi256_ps(even), _mm256_castsi256_ps(odd));
            Ymm(_mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(even, odd)))
        }
    }
}
