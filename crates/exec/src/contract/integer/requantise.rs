//! What a contraction of integers does to its sums before it stores them: the maps that a quantised layer ends with.

use super::kernel::Words;

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
    multiplier: V::Multiplier,
    zero_point: V,
    /// Bounds that are tighter than those of an i8.
    bounds: Option<[V; 2]>,
}

impl<V: Words> OfLanes<V> {
    /// # Safety
    /// The numbers of `count` lanes from `lane` on exist; inlined into a function compiled for the vectors' set.
    #[inline(always)]
    pub unsafe fn new(maps: &Requantise<&[i32]>, lane: usize, count: usize) -> OfLanes<V> {
        let is_bounded = maps.low > i32::from(i8::MIN) || maps.high < i32::from(i8::MAX);
        // SAFETY: promised by the caller.
        unsafe {
            OfLanes {
                bias: maps.bias.load(lane, count),
                multiplier: V::multiplier(maps.factor.load(lane, count), maps.shift.load(lane, count)),
                zero_point: V::splat(maps.zero_point),
                bounds: if is_bounded { Some([V::splat(maps.low), V::splat(maps.high)]) } else { None },
            }
        }
    }

    /// What becomes of sums that started from the bias.
    ///
    /// # Safety
    /// Inlined into a function compiled for the vectors' set.
    #[inline(always)]
    pub unsafe fn apply(&self, sums: V) -> V {
        // SAFETY: promised by the caller.
        unsafe {
            let steps = sums.mulshift(&self.multiplier).add(self.zero_point);
            match self.bounds {
                Some([low, high]) => steps.max(low).min(high),
                None => steps,
            }
        }
    }
}
