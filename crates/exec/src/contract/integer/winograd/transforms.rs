//! The transforms of tiles, written once over vectors of any kernel set.
//!
//! With the points 0, 1, −1, 2, −2 and ∞ (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", section 4.3),
//! a row of four results `y` of the window `g` over six numbers `d` is `Aᵀ·((G·g) ⊙ (Bᵀ·d))`, where `G` has fractions. Here
//! each of its rows is multiplied by 24, and the last one by 12, which the last column of `A` makes up for; so all numbers are
//! integers, and a tile of results comes out 24² = 576 times as large:
//!
//! ```text
//! Bᵀ =  4  0 −5  0  1  0      G =  6  0  0      Aᵀ = 1  1  1  1  1  0
//!       0 −4 −4  1  1  0          −4 −4 −4           0  1 −1  2 −2  0
//!       0  4 −4 −1  1  0          −4  4 −4           0  1  1  4  4  0
//!       0 −2 −1  2  1  0           1  2  4           0  1 −1  8 −8  2
//!       0  2 −1 −2  1  0           1 −2  4
//!       0  4  0 −5  0  1           0  0 12
//! ```
//!
//! Rows of `Bᵀ` have sums of magnitudes up to 10 and rows of `G` up to 12, so tiles of i8 become numbers up to 128·10² = 12,800
//! and windows numbers up to 128·12² = 18,432: both are i16. Sums of products and what becomes of them wrap at 2³².
//! 576 is 9·64: a product with the inverse of 9 modulo 2³² leaves 64 times the sum that is sought, exactly, as long as that is
//! an i32, and a shift to the right leaves the sum.

use super::super::requantise::OfLanes;
use super::super::results::Results;
use super::super::words::Words;

/// Results that a tile is high and wide.
pub const TILE: usize = 4;
/// Numbers that a tile reads in each direction, and those of its transform.
pub const POINTS: usize = 6;
/// Channels in a vector of i16.
pub const HALVES: usize = 16;

/// 9 · 954,437,177 = 2·2³² + 1
const INVERSE_OF_9: i32 = 954_437_177;

/// Where a tile finds its numbers and puts its results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Relative to the batch item in `a`; what is outside of the image is read at its edge, and touches no result.
    pub rows: [i32; POINTS],
    /// Relative to the row.
    pub columns: [i32; POINTS],
    /// Relative to the batch item in `c`, if there is such a result.
    pub results: [[Option<i32>; TILE]; TILE],
}

/// Tiles of one batch item that are transformed.
pub struct InputCall<'a> {
    /// Where the batch item begins.
    pub a: *const i8,
    pub tiles: &'a [Tile],
    /// A multiple of [`HALVES`].
    pub channels: usize,
    /// Room for each point's numbers, tile by tile.
    pub to: *mut i16,
}

/// The sums of one panel's products, which are transformed to results.
pub struct OutputCall<'a> {
    /// Each point's sums, tile by tile, `lanes` of them.
    pub sums: *const i32,
    pub tiles: &'a [Tile],
    pub results: Results<'a>,
}

/// Their caller promises that the processor has the features of the kernel set and that all addresses that the call describes
/// are valid; results are written by this call alone.
pub type InputTransform = unsafe fn(&InputCall<'_>);
pub type OutputTransform = unsafe fn(&OutputCall<'_>);

/// The transforms of one kernel set.
#[derive(Clone, Copy)]
pub struct Transforms {
    pub input: InputTransform,
    pub output: OutputTransform,
}

/// A vector of [`HALVES`] i16 in some instruction set.
///
/// Its functions are only ever inlined into functions compiled for that set.
pub trait Halves: Copy {
    const ZERO: Self;
    /// As many i8.
    unsafe fn load_narrow(from: *const i8) -> Self;
    unsafe fn store(self, to: *mut i16);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn shift_left<const PLACES: i32>(self) -> Self;
}

/// The tiles' transforms.
///
/// # Safety
/// See [`InputTransform`].
#[inline(always)]
pub unsafe fn input<H: Halves>(call: &InputCall<'_>) {
    let point_stride = call.tiles.len() * call.channels;
    for (at, tile) in call.tiles.iter().enumerate() {
        for channel in (0..call.channels).step_by(HALVES) {
            // SAFETY: the caller promises valid addresses.
            unsafe {
                let mut columns = [[H::ZERO; POINTS]; POINTS];
                for (x, column) in tile.columns.iter().enumerate() {
                    let mut d = [H::ZERO; POINTS];
                    for (y, row) in tile.rows.iter().enumerate() {
                        let pixel = call.a.wrapping_offset(*row as isize + *column as isize);
                        d[y] = H::load_narrow(pixel.wrapping_add(channel));
                    }
                    let transformed = input_line(d);
                    for y in 0..POINTS {
                        columns[y][x] = transformed[y];
                    }
                }
                let to = call.to.wrapping_add(at * call.channels + channel);
                for (y, row) in columns.into_iter().enumerate() {
                    for (x, value) in input_line(row).into_iter().enumerate() {
                        value.store(to.wrapping_add((y * POINTS + x) * point_stride));
                    }
                }
            }
        }
    }
}

/// Bᵀ·d
#[inline(always)]
unsafe fn input_line<H: Halves>([d0, d1, d2, d3, d4, d5]: [H; POINTS]) -> [H; POINTS] {
    // SAFETY: inlined into functions of the vectors' set.
    unsafe {
        let even = d4.sub(d2.shift_left::<2>());
        let odd = d3.sub(d1.shift_left::<2>());
        let (near, step) = (d4.sub(d2), d3.sub(d1).shift_left::<1>());
        let first = d0.shift_left::<2>().add(even.sub(d2));
        let last = d5.sub(odd).sub(d3.shift_left::<2>());
        [first, even.add(odd), even.sub(odd), near.add(step), near.sub(step), last]
    }
}

/// The results of tiles, for one panel.
///
/// # Safety
/// See [`OutputTransform`]; all lanes of the panel's vectors exist.
#[inline(always)]
pub unsafe fn output<V: Words>(call: &OutputCall<'_>) {
    for first in (0..call.results.lanes).step_by(V::WIDTH) {
        // SAFETY: passed on.
        unsafe {
            let maps = call.results.maps_of::<V>(first / V::WIDTH);
            match &maps {
                Some(small) if small.are_small() => match small.is_rectified {
                    true => output_vector::<V, true, true>(call, first, &maps),
                    false => output_vector::<V, true, false>(call, first, &maps),
                },
                Some(_) | None => output_vector::<V, false, false>(call, first, &maps),
            }
        }
    }
}

/// The results of tiles for the lanes of one vector. `SMALL` says that nothing overflows on their way, and `RECTIFIED` what
/// [`OfLanes::is_rectified`] does.
#[inline(always)]
unsafe fn output_vector<V: Words, const SMALL: bool, const RECTIFIED: bool>(
    call: &OutputCall<'_>,
    first: usize,
    maps: &Option<OfLanes<V>>,
) {
    let Results { lanes, lane, base, c, .. } = call.results;
    let point_stride = call.tiles.len() * lanes;
    // SAFETY: the caller promises valid addresses, and numbers for all lanes.
    unsafe {
        let inverse = V::splat(INVERSE_OF_9);
        for (at, tile) in call.tiles.iter().enumerate() {
            let from = call.sums.wrapping_add(at * lanes + first);
            let mut columns = [[V::splat(0); TILE]; POINTS];
            for (x, column) in columns.iter_mut().enumerate() {
                let mut sums = [V::splat(0); POINTS];
                for (y, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(from.wrapping_add((y * POINTS + x) * point_stride));
                }
                *column = output_line(sums);
            }
            for (y, places) in tile.results.iter().enumerate() {
                let mut row = [V::splat(0); POINTS];
                for (sum, column) in row.iter_mut().zip(&columns) {
                    *sum = column[y];
                }
                for (scaled, place) in output_line(row).into_iter().zip(places) {
                    let Some(place) = place else { continue };
                    let to = base + *place as isize + (lane + first) as isize;
                    let sum = scaled.mul(inverse).shift_right::<6>();
                    match maps {
                        Some(maps) => {
                            let to = c.cast::<i8>().wrapping_offset(to);
                            maps.store::<SMALL, RECTIFIED>(sum.add(maps.bias), to);
                        }
                        None => sum.store(c.cast::<i32>().wrapping_offset(to)),
                    }
                }
            }
        }
    }
}

/// Aᵀ·m
#[inline(always)]
unsafe fn output_line<V: Words>([m0, m1, m2, m3, m4, m5]: [V; POINTS]) -> [V; TILE] {
    // SAFETY: inlined into functions of the vectors' set.
    unsafe {
        let (near_sum, near) = (m1.add(m2), m1.sub(m2));
        let (far_sum, far) = (m3.add(m4), m3.sub(m4));
        [
            m0.add(near_sum).add(far_sum),
            near.add(far.shift_left::<1>()),
            near_sum.add(far_sum.shift_left::<2>()),
            near.add(far.shift_left::<2>().add(m5).shift_left::<1>()),
        ]
    }
}

/// The transform G·g·Gᵀ of a window's numbers, row by row.
pub fn window(g: [[i8; 3]; 3]) -> [[i16; POINTS]; POINTS] {
    let line = |[g0, g1, g2]: [i32; 3]| {
        [6 * g0, -4 * (g0 + g1 + g2), -4 * (g0 - g1 + g2), g0 + 2 * g1 + 4 * g2, g0 - 2 * g1 + 4 * g2, 12 * g2]
    };
    let rows = g.map(|row| line(row.map(i32::from)));
    let columns: [[i32; POINTS]; POINTS] = std::array::from_fn(|x| line(rows.map(|row| row[x])));
    std::array::from_fn(|y| std::array::from_fn(|x| columns[x][y] as i16))
}
