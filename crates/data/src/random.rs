//! The generator behind splits and shuffles: SplitMix64, written out so that it never changes.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 17).
#[derive(Clone, Debug)]
pub struct SplitMix64 {
    state: u64,
}

/// What a random choice is for, so that equal seeds do not give related choices.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    Split = 1,
    Shuffle = 2,
    Augment = 3,
    Permute = 4,
    Subsample = 5,
}

const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

impl SplitMix64 {
    pub fn new(seed: u64) -> SplitMix64 {
        SplitMix64 { state: seed }
    }

    /// The generator of one choice among many: `index` is the epoch of a shuffle, or the stratum of a split. Each of the
    /// three words is mixed into the state in turn.
    pub fn keyed(seed: u64, purpose: Purpose, index: u64) -> SplitMix64 {
        let state = [seed, purpose as u64, index]
            .into_iter()
            .fold(0, |state: u64, word| mix(state.wrapping_add(GOLDEN_GAMMA) ^ word));
        SplitMix64 { state }
    }

    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// An even choice from 0 to `bound` − 1 (Lemire, "Fast random integer generation in an interval", ACM TOMACS 2019,
    /// algorithm 5). `bound` is at least 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is something to choose from");
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            // Of the 2⁶⁴ values, the first 2⁶⁴ mod bound would make some choices likelier than others.
            if product as u64 >= bound.wrapping_neg() % bound {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number from 0, below 1, in steps of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * STEP
    }

    /// Brings a slice into a random order, each order equally likely (Fisher and Yates, from the end).
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        for last in (1..slice.len()).rev() {
            let chosen = self.below(last as u64 + 1) as usize;
            slice.swap(last, chosen);
        }
    }
}

fn mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut random = SplitMix64::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected.map(|_| random.next_u64()), expected);
    }

    #[test]
    fn choices_below_a_bound_are_even() {
        let mut counts = [0u32; 7];
        let mut random = SplitMix64::keyed(1, Purpose::Shuffle, 0);
        for _ in 0..70_000 {
            counts[random.below(7) as usize] += 1;
        }
        // The standard deviation of a count is 93.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 500), "{counts:?}");
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn other_keys_are_other_generators() {
        let first = |seed, purpose, index| SplitMix64::keyed(seed, purpose, index).next_u64();
        let values = [
            first(1, Purpose::Split, 1),
            first(1, Purpose::Shuffle, 1),
            first(1, Purpose::Split, 2),
            first(2, Purpose::Split, 1),
        ];
        for (index, value) in values.iter().enumerate() {
            assert!(!values[..index].contains(value));
        }
    }

    #[test]
    fn every_order_of_three_comes_up_equally_often() {
        let mut counts = std::collections::BTreeMap::new();
        for index in 0..6000 {
            let mut order = [0, 1, 2];
            SplitMix64::keyed(5, Purpose::Shuffle, index).shuffle(&mut order);
            *counts.entry(order).or_insert(0u32) += 1;
        }
        assert!(counts.len() == 6 && counts.values().all(|count| count.abs_diff(1000) < 150), "{counts:?}");
    }
}
