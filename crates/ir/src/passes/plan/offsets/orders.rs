//! Which life to place first: by size, by duration, by how full its sections are, and mixtures of these.

use super::sections::Span;

/// How much each property counts. Properties are compared by their logarithms, so that weights are exponents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub bytes: u64,
    pub duration: u64,
    /// The greatest live sum of its sections.
    pub fullness: u64,
    /// The greatest amount that is added by chance.
    pub noise: u64,
    pub seed: u64,
}

impl Order {
    const fn by(bytes: u64, duration: u64, fullness: u64) -> Order {
        Order { bytes, duration, fullness, noise: 0, seed: 0 }
    }

    /// The largest first, which is best for most programs; the longest; the largest area; from the fullest sections, then by
    /// area or duration.
    pub const FIXED: [Order; 6] = [
        Order::by(1, 0, 0),
        Order::by(0, 1, 0),
        Order::by(1, 1, 0),
        Order::by(1, 1, 1 << 16),
        Order::by(0, 1, 1 << 16),
        Order::by(1, 0, 1 << 16),
    ];

    /// Another mixture for each seed.
    pub fn drawn(seed: u64) -> Order {
        let mut random = Random(seed);
        Order {
            bytes: random.below(256),
            duration: random.below(512),
            fullness: random.below(1536),
            noise: random.below(1 << 15),
            seed,
        }
    }

    /// The lives in this order; equals by size, then by start.
    pub fn sorted(&self, spans: &[Span], live_sums: &[usize]) -> Vec<usize> {
        let mut random = Random(self.seed ^ 1 << 63);
        let keys: Vec<u64> = spans
            .iter()
            .map(|span| {
                let fullness = live_sums[span.first..=span.last].iter().copied().max().unwrap_or(0);
                self.bytes * log2(span.bytes)
                    + self.duration * log2(span.duration)
                    + self.fullness * log2(fullness)
                    + random.below(self.noise + 1)
            })
            .collect();
        let mut order: Vec<usize> = (0..spans.len()).collect();
        order.sort_by_key(|k| (std::cmp::Reverse((keys[*k], spans[*k].bytes)), spans[*k].first, *k));
        order
    }
}

/// 256 times the logarithm to base 2, interpolated between powers: whole numbers, so the same on every machine.
fn log2(value: usize) -> u64 {
    let value = value.max(1) as u64;
    let power = value.ilog2();
    let fraction = (value << (63 - power) << 1) >> 56;
    u64::from(power) * 256 + fraction
}

/// The generator SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}
