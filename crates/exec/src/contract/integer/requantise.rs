//! What a contraction of integers does to its sums before it stores them: the maps that a quantised layer ends with.

use super::words::{PANEL_VECTORS, Words};

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
    small: Option<OfSmall<V>>,
    /// Whether the zero point is the least i8 and there are no other bounds, so that it does not matter how negative numbers are
    /// rounded: their results saturate.
    pub is_rectified: bool,
}

/// What is added on the way where nothing overflows.
#[derive(Clone, Copy)]
struct OfSmall<V: Words> {
    /// To the products, as [`Words::wide`].
    addends: [V; 2],
    /// To what is left of them, as crossed lanes.
    before_shift: V,
    right: V,
}

/// With a bias and terms up to these, twice a sum is below 2³¹. With shifts to the right by that many places, so is what
/// comes before a shift: 2³⁰ + 2²⁰·129.
const SMALL_BIAS: i32 = 1 << 28;
const SMALL_TERMS: usize = 1 << 15;
const SMALL_SHIFT: i32 = 20;

impl<V: Words> OfLanes<V> {
    /// For `count` lanes from `lane` on, and sums of so many products.
    ///
    /// # Safety
    /// The numbers of these lanes exist; inlined into a function compiled for the vectors' set.
    #[inline(always)]
    pub unsafe fn new(maps: &Requantise<&[i32]>, terms: usize, lane: usize, count: usize) -> OfLanes<V> {
        // SAFETY: promised by the caller.
        unsafe { OfLanes::of(maps, terms, Multiplier::load(maps, lane, count)) }
    }

    /// For the lanes of a panel as [`Words::turned`] has them.
    ///
    /// # Safety
    /// As for `new`.
    #[inline(always)]
    pub unsafe fn turned(
        maps: &Requantise<&[i32]>,
        terms: usize,
        lane: usize,
        counts: [usize; PANEL_VECTORS],
    ) -> [OfLanes<V>; PANEL_VECTORS] {
        // SAFETY: promised by the caller.
        unsafe {
            let first = Multiplier::load(maps, lane, counts[0]);
            let second = Multiplier::load(maps, lane + V::WIDTH, counts[1]);
            let [first, second] = Multiplier::turned([first, second]);
            [OfLanes::of(maps, terms, first), OfLanes::of(maps, terms, second)]
        }
    }

    #[inline(always)]
    unsafe fn of(maps: &Requantise<&[i32]>, terms: usize, numbers: Multiplier<V>) -> OfLanes<V> {
        let Multiplier { bias, factor, shift } = numbers;
        let is_bounded = maps.low > i32::from(i8::MIN) || maps.high < i32::from(i8::MAX);
        let is_rectified = maps.zero_point == i32::from(i8::MIN) && !is_bounded;
        // SAFETY: inlined into a function compiled for the vectors' set.
        unsafe {
            let (zero, one) = (V::splat(0), V::splat(1));
            // The least number has no opposite; it is clamped before.
            let shift = shift.max(V::splat(-31)).min(V::splat(31));
            let (left, right) = (shift.max(zero), zero.sub(shift).max(zero));
            let mask = one.shift_left_by(right).sub(one);
            let half = mask.shift_right::<1>();
            let zero_point = V::splat(maps.zero_point);
            let odd_factor = factor.odd_lanes();
            let is_small = terms <= SMALL_TERMS
                && (-128..=127).contains(&maps.zero_point)
                && shift.are_within(-SMALL_SHIFT, -2)
                && bias.are_within(-SMALL_BIAS, SMALL_BIAS)
                && factor.are_within(i32::MIN + 1, i32::MAX);
            // The half is rounded up here, and what a multiple of 2^places adds is whole behind the shift.
            let before_shift = mask.sub(half).add(zero_point.shift_left_by(right));
            let small = match is_rectified {
                true => OfSmall {
                    addends: V::wide(1 << 30, before_shift.shift_right::<1>()),
                    before_shift: zero,
                    right: right.sub(one).crossed(),
                },
                false => OfSmall {
                    addends: V::wide(1 << 31, zero),
                    before_shift: before_shift.crossed(),
                    right: right.crossed(),
                },
            };
            OfLanes {
                bias,
                factor,
                odd_factor,
                left,
                right,
                mask,
                half,
                zero_point,
                bounds: if is_bounded { Some([V::splat(maps.low), V::splat(maps.high)]) } else { None },
                small: if is_small { Some(small) } else { None },
                is_rectified,
            }
        }
    }

    pub fn are_small(&self) -> bool {
        self.small.is_some()
    }

    /// What becomes of sums that started from the bias.
    ///
    /// # Safety
    /// Inlined into a function compiled for the vectors' set.
    #[inline(always)]
    pub unsafe fn apply(&self, sums: V) -> V {
        // SAFETY: promised by the caller.
        unsafe { self.bounded(self.mulshift(sums).add(self.zero_point)) }
    }

    /// The same where nothing overflows, as crossed lanes; `RECTIFIED` is [`OfLanes::is_rectified`].
    ///
    /// With f for the factor, s for the places of the shift and z for the zero point, halves round up in both of its roundings
    /// where negative numbers do not matter, and as ⌊(⌊a⌋ + i) / n⌋ = ⌊(a + i) / n⌋ for integers i and n, two become one:
    /// ⌊(⌊(x·f + 2³⁰) / 2³¹⌋ + 2^(s−1) + z·2^s) / 2^s⌋ = ⌊(x·f + 2³⁰ + 2³¹·(2^(s−1) + z·2^s)) / 2^(31+s)⌋.
    ///
    /// # Safety
    /// As for `apply`; the maps [`OfLanes::are_small`].
    #[inline(always)]
    pub unsafe fn apply_small<const RECTIFIED: bool>(&self, sums: V) -> V {
        // SAFETY: promised by the caller.
        unsafe {
            let OfSmall { addends, before_shift, right } = self.small.unwrap_unchecked();
            let high = |x: V| x.high_of_sums(self.factor, self.odd_factor, addends);
            match RECTIFIED {
                true => high(sums).shift_right_by(right),
                false => {
                    let high = high(sums.add(sums));
                    // To nearest, ties away from zero: a negative number rounds down at its half.
                    let rounded = high.add(high.shift_right::<31>()).add(before_shift);
                    self.bounded(rounded.shift_right_by(right))
                }
            }
        }
    }

    /// Stores what becomes of sums that started from the bias; `SMALL` says that the maps [`OfLanes::are_small`].
    ///
    /// # Safety
    /// As for `apply`; there is room for all lanes.
    #[inline(always)]
    pub unsafe fn store<const SMALL: bool, const RECTIFIED: bool>(&self, sums: V, to: *mut i8) {
        // SAFETY: promised by the caller.
        unsafe {
            match SMALL {
                true => self.apply_small::<RECTIFIED>(sums).crossed().store_narrow(to),
                false => self.apply(sums).store_narrow(to),
            }
        }
    }

    #[inline(always)]
    unsafe fn bounded(&self, steps: V) -> V {
        match self.bounds {
            // SAFETY: inlined into a function compiled for the vectors' set.
            Some([low, high]) => unsafe { steps.max(low).min(high) },
            None => steps,
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

/// The numbers of some lanes that the maps follow from.
#[derive(Clone, Copy)]
struct Multiplier<V: Words> {
    bias: V,
    factor: V,
    shift: V,
}

// SAFETY (all functions): the numbers of these lanes exist; inlined into a function compiled for the vectors' set.
impl<V: Words> Multiplier<V> {
    #[inline(always)]
    unsafe fn load(maps: &Requantise<&[i32]>, lane: usize, count: usize) -> Multiplier<V> {
        unsafe {
            Multiplier {
                bias: maps.bias.load(lane, count),
                factor: maps.factor.load(lane, count),
                shift: maps.shift.load(lane, count),
            }
        }
    }

    #[inline(always)]
    unsafe fn turned([first, second]: [Multiplier<V>; PANEL_VECTORS]) -> [Multiplier<V>; PANEL_VECTORS] {
        unsafe {
            let biases = V::turned([first.bias, second.bias]);
            let factors = V::turned([first.factor, second.factor]);
            let shifts = V::turned([first.shift, second.shift]);
            [0, 1].map(|j| Multiplier { bias: biases[j], factor: factors[j], shift: shifts[j] })
        }
    }
}
