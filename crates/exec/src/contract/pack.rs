//! Copies operands, read through their access, into the order in which the micro-kernel reads them.

/// Consecutive terms to copy, addresses in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackRun {
    /// Address of the first term.
    pub from: i32,
    /// Step from term to term.
    pub stride: i32,
    /// The number of terms.
    pub len: u32,
    /// Where the first term goes, counted in terms.
    pub at: u32,
}

/// Lanes to be interleaved: where each begins.
pub(super) struct PackLanes<'a> {
    pub starts: &'a [*const f32],
    /// Whether each lane begins one element after the one before, so that a term of all lanes is one copy.
    pub adjacent: bool,
    /// Whether AVX2 may be used.
    pub avx2: bool,
}

/// The most lanes that are packed side by side.
pub(super) const PACK_LANES_MAX: usize = 32;

/// Writes term `i` of lane `l` to `to[i · pitch + l]`.
///
/// # Safety
/// All terms of all lanes are valid to read, and all places to write are valid and written by this call alone.
/// `lanes.avx2` only where the processor has AVX2.
pub(super) unsafe fn pack(
    lanes: &PackLanes<'_>,
    first: isize,
    stride: isize,
    count: usize,
    to: *mut f32,
    pitch: usize,
) {
    // SAFETY: promised by the caller.
    unsafe {
        if lanes.adjacent {
            copy_terms(lanes.starts, first, stride, count, to, pitch);
        } else if stride == 1 && lanes.avx2 {
            transpose(lanes.starts, first, count, to, pitch);
        } else {
            copy_elements(lanes.starts, first, stride, 0..count, to, pitch);
        }
    }
}

/// Copies term by term: the lanes of a term are next to each other.
unsafe fn copy_terms(starts: &[*const f32], first: isize, stride: isize, count: usize, to: *mut f32, pitch: usize) {
    // SAFETY: see `pack`. A full panel has its length known to the compiler, which makes it vector moves.
    unsafe {
        let mut from = starts[0].wrapping_offset(first);
        let mut to = to;
        for _ in 0..count {
            match starts.len() {
                32 => std::ptr::copy_nonoverlapping(from, to, 32),
                16 => std::ptr::copy_nonoverlapping(from, to, 16),
                lanes => std::ptr::copy_nonoverlapping(from, to, lanes),
            }
            from = from.wrapping_offset(stride);
            to = to.wrapping_add(pitch);
        }
    }
}

/// Copies element by element, in blocks of terms that keep the written panel in cache.
unsafe fn copy_elements(
    starts: &[*const f32],
    first: isize,
    stride: isize,
    terms: std::ops::Range<usize>,
    to: *mut f32,
    pitch: usize,
) {
    // SAFETY: see `pack`.
    unsafe {
        let mut block = terms.start;
        while block < terms.end {
            let end = terms.end.min(block + 16);
            for (l, start) in starts.iter().enumerate() {
                for i in block..end {
                    *to.add(i * pitch + l) = *start.wrapping_offset(first + i as isize * stride);
                }
            }
            block = end;
        }
    }
}

/// Transposes blocks of 8 by 8 in registers: the terms of a lane are next to each other.
unsafe fn transpose(starts: &[*const f32], first: isize, count: usize, to: *mut f32, pitch: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: see `pack`.
    unsafe {
        let (lane_blocks, whole) = (starts.len() / 8, count / 8 * 8);
        for i in (0..whole).step_by(8) {
            for block in 0..lane_blocks {
                let rows = std::array::from_fn(|r| starts[block * 8 + r].wrapping_offset(first + i as isize));
                transpose_8x8(rows, to.add(i * pitch + block * 8), pitch);
            }
        }
        let rest = lane_blocks * 8;
        copy_elements(&starts[rest..], first, 1, 0..whole, to.wrapping_add(rest), pitch);
        copy_elements(starts, first, 1, whole..count, to, pitch);
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: see `pack`.
    unsafe {
        copy_elements(starts, first, 1, 0..count, to, pitch);
    }
}

/// `to[j · pitch + i] = rows[i][j]` for an 8 by 8 block.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn transpose_8x8(rows: [*const f32; 8], to: *mut f32, pitch: usize) {
    use std::arch::x86_64::*;
    // SAFETY: see `pack`.
    unsafe {
        let r: [__m256; 8] = std::array::from_fn(|i| _mm256_loadu_ps(rows[i]));
        let mut pairs = [_mm256_setzero_ps(); 8];
        for i in 0..4 {
            pairs[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            pairs[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        let mut fours = [_mm256_setzero_ps(); 8];
        for half in 0..2 {
            for i in 0..2 {
                let (x, y) = (pairs[4 * half + i], pairs[4 * half + i + 2]);
                fours[4 * half + 2 * i] = _mm256_shuffle_ps::<0b01_00_01_00>(x, y);
                fours[4 * half + 2 * i + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(x, y);
            }
        }
        for i in 0..4 {
            let (x, y) = (fours[i], fours[4 + i]);
            _mm256_storeu_ps(to.add(i * pitch), _mm256_permute2f128_ps::<0x20>(x, y));
            _mm256_storeu_ps(to.add((i + 4) * pitch), _mm256_permute2f128_ps::<0x31>(x, y));
        }
    }
}
