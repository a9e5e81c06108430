//! What a contraction of integers does to its sums before it stores them: the maps that a quantised layer ends with.

use super::words::Words;

/// `max(mulshift(sum + bias, factor, shift) + zero_point, low)`, then the least of that and `high`, saturated to an i8. Sums
/// wrap. Operands are slots while a program is planned, and slices when it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Requantise<M> {
    pub bias: Lanewise<M>,
    pub factor: Lanewise<M>,
    pub shift: Lanewise<M>,
    pub zero_point: i32,
    pub low: i32,
    pub high: i32,
}

/// A number for every lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lanewise<M> {
    /// The same for all.
    Same(i32),
    /// One each.
    Each(M),
}

impl<M> Requantise<M> {
    /// The same maps with their operands in other memory.
    pub fn with_memory<N>(self, memory: impl Fn(M) -> N) -> Requantise<N> {
        let moved = |numbers: Lanewise<M>| match numbers {
            Lanewise::Same(number) => Lanewise::Same(number),
            Lanewise::Each(each) => Lanewise::Each(memory(each)),
        };
        let Requantise { bias, factor, shift, zero_point, low, high } = self;
        Requantise { bias: moved(bias), factor: moved(factor), shift: moved(shift), zero_point, low, high }
    }
}

impl Requantise<&[i32]> {
    /// Whether there are numbers for so many lanes.
    pub fn covers(&self, lanes: usize) -> bool {
        [self.bias, self.factor, self.shift].iter().all(|numbers| match numbers {
            Lanewise::Same(_) => true,
            Lanewise::Each(each) => each.len() >= lanes,
        })
    }
}

impl Lanewise<&[i32]> {
    /// The numbers of `count` lanes from `lane` on; the others are anything.
    ///
    /// # Safety
    /// The numbers of these lanes exist.
    #[inline(always)]
    unsafe fn load<V: Words>(&self, lane: usize, count: usize) -> V {
        // SAFETY: promised by the caller.
        unsafe {
            match self {
                Lanewise::Same(number) => V::splat(*number),
                Lanewise::Each(each) => {
                    let from = each.as_ptr().wrapping_add(lane);
                    if count >= V::WIDTH {
                        return V::load(from);
                    }
                    let mut whole = [0i32; 16];
                    std::ptr::copy_nonoverlapping(from, whole.as_mut_ptr(), count);
                    V::load(whole.as_ptr())
                }
            }
        }
    }
}

/// The maps for one vector of lanes.
#[derive(Clone, Copy)]
pub(super) struct OfLanes<V: Words> {
    /// What sums start from.
    pub bias: V,
    factor: V,
    /// The factors of the odd lanes, in the even ones.
    odd_factor: V,
    left: V,
    right: V,
    /// What the shift to the right loses, and half of it.
    mask: V,
    half: V,
    zero_point: V,
    /// Bounds that are tighter than those of an i8.
    bounds: Option<[V; 2]>,
    /// Where sums are so small that nothing overflows: what is added before the shift to the right.
    before_shift: Option<V>,
    /// Whether results are no less than the zero point, so that it does not matter how negative numbers are rounded.
    is_rectified: bool,
}

/// With a bias and terms up to these, and shifts to the right up to that, what is added before a shift keeps below 2³¹:
/// 2²⁹ + 2²⁹ + 2²⁰·129.
const SMALL_BIAS: i32 = 1 << 29;
const SMALL_TERMS: usize = 1 << 15;
const SMALL_SHIFT: i32 = 20;

impl<V: Words> OfLanes<V> {
    /// For sums of so many products.
    ///
    /// # Safety
    /// The numbers of `count` lanes from `lane` on exist; inlined into a function compiled for the vectors' set.
    #[inline(always)]
    pub unsafe fn new(maps: &Requantise<&[i32]>, terms: usize, lane: usize, count: usize) -> OfLanes<V> {
        let is_bounded = maps.low > i32::from(i8::MIN) || maps.high < i32::from(i8::MAX);
        // SAFETY: promised by the caller.
        unsafe {
            let (zero, one) = (V::splat(0), V::splat(1));
            let bias = maps.bias.load::<V>(lane, count);
            let factor = maps.factor.load::<V>(lane, count);
            // The least number has no opposite; it is clamped before.
            let shift = maps.shift.load::<V>(lane, count).max(V::splat(-31)).min(V::splat(31));
            let (left, right) = (shift.max(zero), zero.sub(shift).max(zero));
            let mask = one.shift_left_by(right).sub(one);
            let half = mask.shift_right::<1>();
            let zero_point = V::splat(maps.zero_point);
            let is_small = terms <= SMALL_TERMS
                && (-128..=127).contains(&maps.zero_point)
                && shift.are_within(-SMALL_SHIFT, -1)
                && bias.are_within(-SMALL_BIAS, SMALL_BIAS)
                && factor.are_within(i32::MIN + 1, i32::MAX);
            OfLanes {
                bias,
                factor,
                odd_factor: factor.odd_lanes(),
                left,
                right,
                mask,
                half,
                zero_point,
                is_rectified: maps.low.max(i32::from(i8::MIN)) >= maps.zero_point,
                bounds: if is_bounded { Some([V::splat(maps.low), V::splat(maps.high)]) } else { None },
                // The half is rounded up here, and what a multiple of 2^places adds is whole behind the shift.
                before_shift: if is_small { Some(mask.sub(half).add(zero_point.shift_left_by(right))) } else { None },
            }
        }
    }

    /// The maps of two vectors for lanes as [`Words::turned`] has them.
    ///
    /// # Safety
    /// Inlined into a function compiled for the vectors' set.
    #[inline(always)]
    pub unsafe fn turned([first, second]: [&OfLanes<V>; 2]) -> [OfLanes<V>; 2] {
        let mut maps = [*first, *second];
        macro_rules! turn {
            ($($field:ident),+) => {
                // SAFETY: promised by the caller.
                $([maps[0].$field, maps[1].$field] = unsafe { V::turned([first.$field, second.$field]) };)+
            };
        }
        turn!(bias, factor, left, right, mask, half);
        for of_vector in &mut maps {
            // SAFETY: promised by the caller.
            of_vector.odd_factor = unsafe { of_vector.factor.odd_lanes() };
        }
        if let (Some(one), Some(other)) = (first.before_shift, second.before_shift) {
            // SAFETY: promised by the caller.
            let [one, other] = unsafe { V::turned([one, other]) };
            (maps[0].before_shift, maps[1].before_shift) = (Some(one), Some(other));
        }
        maps
    }

    pub fn are_small(&self) -> bool {
        self.before_shift.is_some()
    }

    /// What becomes of sums that started from the bias.
    ///
    /// # Safety
    /// Inlined into a function compiled for the vectors' set.
    #[inline(always)]
    pub unsafe fn apply(&self, sums: V) -> V {
        // SAFETY: promised by the caller.
        unsafe {
            let steps = match self.before_shift {
                Some(before_shift) => {
                    // To nearest, ties away from zero: a negative number rounds down at its half.
                    let high = sums.high_of_double_product(self.factor, self.odd_factor);
                    let high = if self.is_rectified { high } else { high.add(high.shift_right::<31>()) };
                    high.add(before_shift).shift_right_by(self.right)
                }
                None => self.mulshift(sums).add(self.zero_point),
            };
            match self.bounds {
                Some([low, high]) => steps.max(low).min(high),
                None => steps,
            }
        }
    }

    /// [`tacit_ir::math::mulshift`] of every lane.
    #[inline(always)]
    unsafe fn mulshift(&self, x: V) -> V {
        // SAFETY: promised by the caller.
        unsafe {
            let high = x.shift_left_by(self.left).high_of_double_product(self.factor, self.odd_factor);
            // Only the one product that overflows gives the least number.
            let high = high.xor(high.equal(V::splat(i32::MIN)));
            // Divided by a power of two, ties away from zero.
            let threshold = self.half.sub(high.shift_right::<31>());
            let up = high.and(self.mask).greater(threshold);
            high.shift_right_by(self.right).sub(up)
        }
    }
}
