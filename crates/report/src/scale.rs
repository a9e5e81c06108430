//! Scales from numbers to places on a page, and the ticks beside them.

use crate::figures::{Unit, extent};
use crate::format;

/// What one side of a plot measures.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub title: String,
    pub unit: Unit,
    pub domain: [f64; 2],
    pub is_log: bool,
    /// About how many ticks there are.
    pub ticks: usize,
}

impl Axis {
    /// An axis that covers the finite numbers, and some range if there is none among them.
    pub fn over(title: impl Into<String>, numbers: impl IntoIterator<Item = f64>) -> Axis {
        // Ranges of larger numbers would not be finite.
        let domain = match extent(numbers).map(|ends| ends.map(|end| end.clamp(-1e300, 1e300))) {
            Some([low, high]) if low < high => [low, high],
            Some([at, _]) if at.abs() > 1e-300 => [at - at.abs() * 0.1, at + at.abs() * 0.1],
            Some(_) | None => [0.0, 1.0],
        };
        Axis { title: title.into(), unit: Unit::Plain, domain, is_log: false, ticks: 5 }
    }

    pub fn unit(self, unit: Unit) -> Axis {
        Axis { unit, ..self }
    }

    pub fn ticks(self, ticks: usize) -> Axis {
        Axis { ticks, ..self }
    }

    pub fn with_zero(self) -> Axis {
        let [low, high] = self.domain;
        Axis { domain: [low.min(0.0), high.max(0.0)], ..self }
    }

    /// Widens both ends by a share of the range, but not into what cannot be: numbers below zero where there are none, and
    /// shares above one.
    pub fn padded(self, share: f64) -> Axis {
        let [low, high] = self.domain;
        let pad = (high - low) * share;
        let least = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
        let most = if self.unit == Unit::Share && high <= 1.0 { 1.0 } else { f64::INFINITY };
        Axis { domain: [(low - pad).max(least), (high + pad).min(most)], ..self }
    }

    /// Moves both ends outwards to the next tick.
    pub fn nice(self) -> Axis {
        if self.is_log {
            return self;
        }
        let mut domain = self.domain;
        // The wider range may have a longer step, to whose ticks it is widened then.
        for _ in 0..3 {
            let [low, high] = domain;
            let step = step(high - low, self.ticks);
            // A hair of rounding must not cost a whole step.
            domain = [(low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step];
        }
        Axis { domain, ..self }
    }

    /// Logarithmic, if all of the axis is above zero.
    pub fn log(self) -> Axis {
        Axis { is_log: self.domain[0] > 0.0, ..self }
    }

    /// Logarithmic if the numbers reach over two decades or more.
    pub fn log_if_wide(self) -> Axis {
        let [low, high] = self.domain;
        if low > 0.0 && high / low >= 100.0 { self.log() } else { self }
    }

    /// Where a number stands between the ends: 0 at the lower, 1 at the upper.
    pub fn share(&self, number: f64) -> f64 {
        let [low, high] = self.domain;
        match self.is_log {
            true => (libm::log10(number) - libm::log10(low)) / (libm::log10(high) - libm::log10(low)),
            false => (number - low) / (high - low),
        }
    }

    /// The ticks from the lower end to the upper, with their labels.
    pub fn tick_marks(&self) -> Vec<(f64, String)> {
        if self.is_log { self.log_ticks() } else { self.linear_ticks() }
    }

    fn linear_ticks(&self) -> Vec<(f64, String)> {
        let [low, high] = self.domain;
        let mut step = step(high - low, self.ticks);
        if self.unit == Unit::Count {
            step = step.max(1.0);
        }
        // A hair of rounding must not cost the tick at an end.
        let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
        let largest = (first.abs().max(last.abs())) as f64 * step;
        (first..=last)
            .map(|k| {
                let at = k as f64 * step;
                (at, label(at, step, largest, self.unit))
            })
            .collect()
    }

    fn log_ticks(&self) -> Vec<(f64, String)> {
        let [low, high] = self.domain;
        let (first, last) = (libm::floor(libm::log10(low)) as i32, libm::ceil(libm::log10(high)) as i32);
        let decades = (last - first).max(1) as usize;
        // Few decades have ticks between them; of many, some are left out.
        let (factors, stride): (&[f64], usize) = match high / low <= 300.0 {
            true => (&[1.0, 2.0, 5.0], 1),
            false => (&[1.0], decades.div_ceil(self.ticks.max(1) + 1)),
        };
        let marks = (first..=last)
            .step_by(stride)
            .flat_map(|exponent| factors.iter().map(move |factor| factor * power_of_ten(exponent)));
        marks
            .filter(|at| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(at))
            .map(|at| (at, log_label(at, self.unit)))
            .collect()
    }
}

/// The step of ticks: 1, 2 or 5 times a power of ten, so that about `ticks` of them cover a range.
fn step(range: f64, ticks: usize) -> f64 {
    let rough = range / ticks.max(1) as f64;
    let power = power_of_ten(libm::floor(libm::log10(rough)) as i32);
    let factor = match rough / power {
        small if small < 1.5 => 1.0,
        middle if middle < 3.5 => 2.0,
        large if large < 7.5 => 5.0,
        _ => 10.0,
    };
    factor * power
}

/// Exact, as far as the number has an exact form: the reader of numbers rounds it once.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::NAN)
}

/// The label of a tick: as many decimals as the step needs, in the unit of the largest tick.
fn label(at: f64, step: f64, largest: f64, unit: Unit) -> String {
    let scales: &[(f64, &str)] = match unit {
        Unit::Plain | Unit::Count => &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")],
        Unit::Share => &[(0.01, "\u{a0}%")],
        Unit::Bytes => &[(1.0, "\u{a0}B"), (1e3, "\u{a0}kB"), (1e6, "\u{a0}MB"), (1e9, "\u{a0}GB")],
        Unit::Microseconds => &[(1.0, "\u{a0}µs"), (1e3, "\u{a0}ms"), (1e6, "\u{a0}s")],
    };
    // Thousands are still written out.
    let is_reached = |size: f64| match unit {
        Unit::Plain | Unit::Count if size == 1e3 => largest >= 1e4,
        Unit::Plain | Unit::Count | Unit::Share | Unit::Bytes | Unit::Microseconds => largest >= size && size > 1.0,
    };
    let wide = scales.iter().rev().find(|(size, _)| is_reached(*size));
    let (size, suffix) = wide.unwrap_or(&scales[0]);
    let (at, step) = (at / size, step / size);
    if step < 1e-6 || at.abs() >= 1e6 {
        return format::value(at * size, Unit::Plain);
    }
    let decimals = (0..7).find(|decimals| {
        let scaled = step * power_of_ten(*decimals);
        (scaled - scaled.round()).abs() < 1e-6 * scaled
    });
    match at == 0.0 {
        true => "0".to_owned(),
        false => format::fixed(at, decimals.unwrap_or(7) as usize) + suffix,
    }
}

fn log_label(at: f64, unit: Unit) -> String {
    match unit {
        Unit::Plain if (1e-3..1e4).contains(&at) => {
            let text = format!("{at:.6}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Unit::Plain => format!("{at:e}").replace('-', "−"),
        // Thousands in one way, however many there are.
        Unit::Count if at >= 1000.0 => label(at, at, at.max(1e4), unit),
        Unit::Count | Unit::Share | Unit::Bytes | Unit::Microseconds => format::value(at, unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.tick_marks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_reach_both_ends() {
        assert_eq!(labels(&Axis::over("", [0.0, 1.0])), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(
            labels(&Axis::over("", [0.871, 0.893]).nice()),
            ["0.870", "0.875", "0.880", "0.885", "0.890", "0.895"]
        );
        assert_eq!(labels(&Axis::over("", [0.0, 0.137]).ticks(4).nice()), ["0", "0.05", "0.10", "0.15"]);
        assert_eq!(labels(&Axis::over("", [-3.0, 4.0]).ticks(4).nice()), ["−4", "−2", "0", "2", "4"]);
        assert_eq!(labels(&Axis::over("", [0.0, 45_000.0])), ["0", "10k", "20k", "30k", "40k"]);
        assert_eq!(labels(&Axis::over("", [0.0, 1.4e6]).ticks(3)), ["0", "0.5M", "1.0M"]);
        assert_eq!(labels(&Axis::over("", [0.0, 3.0]).unit(Unit::Count).ticks(9)), ["0", "1", "2", "3"]);
        assert_eq!(labels(&Axis::over("", [0.0, 2048.0]).unit(Unit::Bytes).ticks(2)), ["0", "1\u{a0}kB", "2\u{a0}kB"]);
        assert_eq!(labels(&Axis::over("", [0.0, 0.2]).unit(Unit::Share).ticks(2)), ["0", "10\u{a0}%", "20\u{a0}%"]);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_or_between_them() {
        assert_eq!(labels(&Axis::over("", [1e-5, 1.0]).log()), ["1e−5", "1e−4", "0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(&Axis::over("", [0.2, 3.0]).log()), ["0.2", "0.5", "1", "2"]);
        assert!((Axis::over("", [1e-4, 1.0]).log().share(1e-2) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn room_is_not_made_for_what_cannot_be() {
        let padded = |low: f64, high: f64, unit| Axis::over("", [low, high]).unit(unit).padded(0.5).domain;
        assert_eq!(padded(0.25, 1.0, Unit::Plain), [0.0, 1.375]);
        assert_eq!(padded(0.25, 1.0, Unit::Share), [0.0, 1.0]);
        assert_eq!(padded(-1.0, 1.0, Unit::Plain), [-2.0, 2.0]);
    }

    #[test]
    fn an_axis_without_range_gets_one() {
        for numbers in [vec![], vec![f64::NAN], vec![0.0], vec![5.0, 5.0], vec![-2.0]] {
            let axis = Axis::over("", numbers);
            assert!(axis.domain[0] < axis.domain[1], "{:?}", axis.domain);
            assert!(axis.tick_marks().len() >= 2);
        }
    }

    #[test]
    fn extreme_numbers_have_ticks() {
        for domain in [[1e-300, 1e300], [0.0, 1e-300], [-1e308, 1e308], [1e15, 1e15 + 2.0]] {
            let axis = Axis::over("", domain);
            assert!(axis.tick_marks().len() < 30);
            assert!(axis.log().tick_marks().len() < 30);
        }
    }
}
