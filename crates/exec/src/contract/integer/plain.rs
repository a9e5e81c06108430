//! The micro-kernels in plain Rust.

use super::depthwise::{DepthwiseCall, depthwise};
use super::kernel::{BandCall, KernelTable, band, kernel_table, widen};
use super::sliding::kernel::{SlidingCall, sliding};
use super::winograd::products::{ProductsCall, products};
use super::winograd::transforms::{HALVES, Halves, InputCall, OutputCall, Transforms, input, output};
use super::words::{PANEL_VECTORS, Words};

pub fn table() -> KernelTable {
    let transforms = Transforms { input: input_plain, output: output_plain };
    kernel_table!(band_plain, products_plain, depthwise_plain, sliding_plain, widen_plain, transforms, turned |lane| lane, lanes 8, rows [1, 2, 3, 4])
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

unsafe fn sliding_plain(call: &SlidingCall<'_>) {
    // SAFETY: as above.
    unsafe { sliding::<Plain>(call) }
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

    unsafe fn store_narrow_turned([first, second]: [Plain; PANEL_VECTORS], to: *mut i8) {
        unsafe {
            first.store_narrow(to);
            second.store_narrow(to.add(Self::WIDTH));
        }
    }

    unsafe fn crossed(self) -> Plain {
        self
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

    unsafe fn wide(low: u32, high: Plain) -> [Plain; 2] {
        [0, 1].map(|odd| Plain(std::array::from_fn(|l| if l % 2 == 0 { low as i32 } else { high.0[l - 1 + odd] })))
    }

    unsafe fn high_of_sums(self, factor: Plain, _: Plain, addends: [Plain; 2]) -> Plain {
        Plain(std::array::from_fn(|l| {
            let of_lane = &addends[l % 2].0[l / 2 * 2..];
            let addend = i64::from(of_lane[1]) << 32 | i64::from(of_lane[0] as u32);
            ((i64::from(self.0[l]) * i64::from(factor.0[l]) + addend) >> 32) as i32
        }))
    }
}
