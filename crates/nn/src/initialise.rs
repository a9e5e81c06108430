//! First values of parameters: the same bits everywhere, from a seed and the parameter's name alone.

use tacit_ir::math;

/// A distribution of first values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initialiser {
    Constant(f32),
    /// Normal with variance 2 / fan-in, for layers before a relu (He, Zhang, Ren and Sun, arXiv:1502.01852, section 2.2).
    HeNormal {
        fan_in: usize,
    },
    /// Uniform in ±√(6 / (fan-in + fan-out)) (Glorot and Bengio 2010, equation 16).
    GlorotUniform {
        fan_in: usize,
        fan_out: usize,
    },
    Normal {
        deviation: f32,
    },
    /// Uniform in ±bound.
    Uniform {
        bound: f32,
    },
}

/// `count` values. Parameters of other names get independent numbers, so that adding a layer changes no other.
pub fn initialise(initialiser: Initialiser, seed: u64, name: &str, count: usize) -> Vec<f32> {
    let mut generator = Generator { state: mix(seed ^ name_hash(name)) };
    match initialiser {
        Initialiser::Constant(value) => vec![value; count],
        Initialiser::HeNormal { fan_in } => normal(&mut generator, (2.0 / fan_in.max(1) as f32).sqrt(), count),
        Initialiser::GlorotUniform { fan_in, fan_out } => {
            let bound = (6.0 / (fan_in + fan_out).max(1) as f32).sqrt();
            (0..count).map(|_| (2.0 * generator.uniform() - 1.0) * bound).collect()
        }
        Initialiser::Normal { deviation } => normal(&mut generator, deviation, count),
        Initialiser::Uniform { bound } => (0..count).map(|_| (2.0 * generator.uniform() - 1.0) * bound).collect(),
    }
}

/// Pairs of normal numbers from pairs of uniform ones (Box and Muller 1958), by the project's own scalar functions.
fn normal(generator: &mut Generator, deviation: f32, count: usize) -> Vec<f32> {
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        // 1 − u is in (0, 1], so that its logarithm is finite.
        let radius = (-2.0 * math::log(1.0 - generator.uniform())).sqrt() * deviation;
        let angle = std::f32::consts::TAU * generator.uniform();
        values.extend([radius * math::cos(angle), radius * math::sin(angle)]);
    }
    values.truncate(count);
    values
}

/// SplitMix64 (Steele, Lea and Flood 2014, figure 15).
struct Generator {
    state: u64,
}

impl Generator {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// One of the 2²⁴ multiples of 2⁻²⁴ in [0, 1).
    fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }
}

fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a of 64 bits.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let mut generator = Generator { state: 1234567 };
        assert_eq!(generator.next(), 6457827717110365317);
        assert_eq!(generator.next(), 3203168211198807973);
    }

    #[test]
    fn names_and_seeds_give_other_numbers_and_the_same_again() {
        let he = Initialiser::HeNormal { fan_in: 9 };
        let first = initialise(he, 1, "conv1.weight", 5);
        assert_eq!(first, initialise(he, 1, "conv1.weight", 5));
        assert_ne!(first, initialise(he, 2, "conv1.weight", 5));
        assert_ne!(first, initialise(he, 1, "conv2.weight", 5));
        assert_eq!(first[..3], initialise(he, 1, "conv1.weight", 3));
    }

    #[test]
    fn moments_are_those_of_the_papers() {
        let moments = |initialiser| {
            let values = initialise(initialiser, 7, "w", 20_000);
            let mean = values.iter().map(|v| *v as f64).sum::<f64>() / values.len() as f64;
            (mean, values.iter().map(|v| (*v as f64 - mean).powi(2)).sum::<f64>() / values.len() as f64)
        };
        let (mean, variance) = moments(Initialiser::HeNormal { fan_in: 8 });
        assert!(mean.abs() < 0.02 && (variance - 0.25).abs() < 0.01, "{mean} {variance}");
        // A uniform number in ±b has the variance b²/3 = 2 / (fan-in + fan-out).
        let (mean, variance) = moments(Initialiser::GlorotUniform { fan_in: 3, fan_out: 5 });
        assert!(mean.abs() < 0.02 && (variance - 0.25).abs() < 0.01, "{mean} {variance}");
        let values = initialise(Initialiser::GlorotUniform { fan_in: 3, fan_out: 3 }, 7, "w", 1000);
        assert!(values.iter().all(|v| v.abs() <= 1.0));
    }
}
