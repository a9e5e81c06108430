//! Where randomness comes from: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
//! OOPSLA 2014).

/// A stream of random choices that is a function of its seed.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in 0..n; n is above 0. The bias of the remainder is below 2⁻³² for the small n used here.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for k in (1..items.len()).rev() {
            items.swap(k, self.below(k + 1));
        }
    }

    /// Mostly from (−2, 2); with `specials` one in twelve is a value at which arithmetic has corners.
    pub fn float(&mut self, specials: bool) -> f32 {
        const SPECIALS: [f32; 10] = [
            0.0,
            -0.0,
            1.0,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MIN_POSITIVE,
            f32::MIN_POSITIVE / 8.0,
            -f32::MIN_POSITIVE / 3.0,
            -3e38,
        ];
        match specials && self.below(12) == 0 {
            true => self.pick(&SPECIALS),
            false => (self.below(1 << 24) as f32 / (1 << 22) as f32) - 2.0,
        }
    }

    /// Mostly from −2..8, so that it serves as an index; with `specials` one in twelve is extreme.
    pub fn integer(&mut self, specials: bool) -> i32 {
        match specials && self.below(12) == 0 {
            true => self.pick(&[i32::MIN, i32::MAX, -1, 1 << 30, 31]),
            false => self.below(10) as i32 - 2,
        }
    }
}
