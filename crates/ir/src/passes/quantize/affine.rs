//! How integers stand for real numbers, and how a real factor is applied to integers.
//!
//! The scheme is that of Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
//! inference" (arXiv:1712.05877, section 2), with the choices of TensorFlow Lite's 8-bit quantisation specification.

/// A step of an i8: the greatest and the lowest.
pub(super) const GREATEST: i32 = i8::MAX as i32;
pub(super) const LOWEST: i32 = i8::MIN as i32;

/// real = scale · (q − zero point), q being an i8. Zero is always exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantisation {
    /// Positive and finite.
    pub scale: f32,
    /// From −128 to 127.
    pub zero_point: i32,
}

impl Quantisation {
    /// The 256 steps spread over a range, which is widened to hold zero; the zero point is moved onto a step
    /// (arXiv:1712.05877, section 3.1). A range of zero alone, or one that is not finite, gets the scale 1.
    pub fn of_range(low: f32, high: f32) -> Quantisation {
        let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
        let scale = ((high - low) / 255.0) as f32;
        if !scale.is_normal() {
            return Quantisation { scale: 1.0, zero_point: 0 };
        }
        let steps = f64::from(scale);
        // Of the two ends the one nearer to zero gives the place of zero with the smaller error.
        let from_low = f64::from(LOWEST) - low / steps;
        let from_high = f64::from(GREATEST) - high / steps;
        let of_low = f64::from(LOWEST).abs() + (low / steps).abs();
        let of_high = f64::from(GREATEST).abs() + (high / steps).abs();
        let place = if of_low < of_high { from_low } else { from_high };
        Quantisation { scale, zero_point: place.round().clamp(f64::from(LOWEST), f64::from(GREATEST)) as i32 }
    }

    /// The real numbers of the lowest and the greatest i8.
    pub fn range(&self) -> [f32; 2] {
        [LOWEST, GREATEST].map(|q| (q - self.zero_point) as f32 * self.scale)
    }

    /// The i8 of a bound, as wide as an i32: rounded to nearest, ties away from zero.
    pub(super) fn step(&self, real: f32) -> i32 {
        let step = f64::from(self.zero_point) + (f64::from(real) / f64::from(self.scale)).round();
        step.clamp(f64::from(LOWEST), f64::from(GREATEST)) as i32
    }
}

/// A positive factor as the operands of `mulshift`: x · factor · 2^(shift − 31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    /// 0, or from 2³⁰ to 2³¹ − 1.
    pub factor: i32,
    pub shift: i32,
}

impl Multiplier {
    /// The factor with 31 bits of its fraction, rounded to nearest, ties away from zero: `QuantizeMultiplier` of TensorFlow
    /// Lite. What is below 2⁻³² is 0.
    pub fn of(real: f64) -> Multiplier {
        let (fraction, mut shift) = libm::frexp(real);
        let mut factor = (fraction * (1u64 << 31) as f64).round() as i64;
        if factor == 1 << 31 {
            factor /= 2;
            shift += 1;
        }
        match shift < -31 {
            true => Multiplier { factor: 0, shift: 0 },
            // Factors from 2³¹ on are those of a scale that stands for nothing; the greatest one says so.
            false if shift > 30 => Multiplier { factor: i32::MAX, shift: 30 },
            false => Multiplier { factor: factor as i32, shift },
        }
    }

    /// `QuantizeMultiplier` once more, over a sum of so many terms whose mean is wanted: the division joins the factor, as in
    /// `QuantizedMeanOrSum` of TensorFlow Lite.
    pub fn of_mean(real: f64, terms: usize) -> Multiplier {
        let Multiplier { factor, shift } = Multiplier::of(real);
        let terms = terms.max(1) as i64;
        let room = (terms.ilog2() as i32).min(32).min(31 + shift);
        Multiplier { factor: ((i64::from(factor) << room) / terms) as i32, shift: shift - room }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::mulshift;

    #[test]
    fn ranges_hold_zero_exactly_and_end_where_they_should() {
        let cases = [
            ((0.0, 6.0), 6.0 / 255.0, -128),
            ((-1.0, 1.0), 2.0 / 255.0, 0),
            ((-3.0, -1.0), 3.0 / 255.0, 127),
            ((2.0, 5.1), 5.1 / 255.0, -128),
            ((0.0, 0.0), 1.0, 0),
            ((f32::NEG_INFINITY, 1.0), 1.0, 0),
        ];
        for ((low, high), scale, zero_point) in cases {
            let found = Quantisation::of_range(low, high);
            assert!((found.scale - scale).abs() < 1e-7, "{low} {high}: {found:?}");
            // −1 … 1 has its zero between two steps.
            assert!((found.zero_point - zero_point).abs() <= i32::from(low == -1.0), "{low} {high}: {found:?}");
        }
    }

    #[test]
    fn every_number_of_the_range_is_half_a_step_from_one_that_an_integer_stands_for() {
        for (low, high) in [(-0.3f32, 2.9f32), (-7.0, 0.01), (-1e-3, 1e3)] {
            let found = Quantisation::of_range(low, high);
            for k in 0..=1000 {
                let x = low + (high - low) * k as f32 / 1000.0;
                let back = (found.step(x) - found.zero_point) as f32 * found.scale;
                assert!((back - x).abs() <= 0.501 * found.scale, "{x} comes back as {back}");
            }
        }
    }

    #[test]
    fn a_multiplier_is_its_factor_to_31_bits() {
        for real in [1.0, 0.5, 0.999_999_999_9, 1e-3, 3.7e-5, 0.25 + 1e-9, 12.5, 1e-9] {
            let Multiplier { factor, shift } = Multiplier::of(real);
            let back = f64::from(factor) * 2f64.powi(shift - 31);
            assert!((back / real - 1.0).abs() < 2f64.powi(-30), "{real}: {back}");
        }
        assert_eq!(Multiplier::of(1e-12), Multiplier { factor: 0, shift: 0 });
        assert_eq!(Multiplier::of(0.0), Multiplier { factor: 0, shift: 0 });
        assert_eq!(Multiplier::of(1e30).factor, i32::MAX);
    }

    #[test]
    fn a_mean_divides_within_the_multiplier() {
        for terms in [1, 2, 7, 49, 64, 100] {
            let Multiplier { factor, shift } = Multiplier::of_mean(0.8, terms);
            let found = mulshift(1000 * terms as i32, factor, shift);
            assert!((found - 800).abs() <= 1, "{terms}: {found}");
        }
    }
}
