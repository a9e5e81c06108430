//! Confidence intervals, computed with the four operations and square roots alone, so that they are the same on every
//! machine.

use tacit_data::random::SplitMix64;

/// The exact interval of a proportion (Clopper and Pearson, Biometrika 26, 1934): the shares p for which neither tail
/// of the binomial distribution at `successes` of `trials` is less likely than (1 − confidence) / 2.
///
/// For 0 of 0 it is [0, 1].
pub fn clopper_pearson(successes: usize, trials: usize, confidence: f64) -> [f64; 2] {
    assert!(successes <= trials && (0.0..1.0).contains(&confidence));
    let alpha = (1.0 - confidence) / 2.0;
    let lower = match successes {
        0 => 0.0,
        // P(X ≥ successes) grows with p.
        _ => boundary(|p| upper_tail(successes, trials, p) < alpha),
    };
    let upper = match successes == trials {
        true => 1.0,
        // P(X ≤ successes) = 1 − P(X ≥ successes + 1) falls with p.
        false => boundary(|p| upper_tail(trials - successes, trials, 1.0 - p) > alpha),
    };
    [lower, upper]
}

/// The bootstrap (Efron, Annals of Statistics 7, 1979) of a statistic of `rows` rows: the interval that holds the middle
/// `confidence` of the statistic over resamples. The statistic is given how often each row counts, and `visits` is how
/// many numbers it looks at for that.
///
/// Each row counts as often as a Poisson variable of mean 1 says, independently of the others (Hanley and MacGibbon,
/// Computer Methods and Programs in Biomedicine 83, 2006), which for many rows is the same as drawing as many rows as
/// there are, and takes no random access. Resamples come from fixed seeds. There are [`resamples`] of them; those for
/// which the statistic is not finite are left out, and if all are, there is no interval. A confidence that so few
/// resamples cannot show, above 0.998 for a thousand, takes the least and the greatest of them.
pub fn bootstrap(rows: usize, visits: usize, confidence: f64, statistic: impl Fn(&[u8]) -> f64) -> Option<[f64; 2]> {
    let mut weights = vec![0; rows];
    let mut values = Vec::new();
    for resample in 0..resamples(visits) {
        poisson_weights(resample as u64, &mut weights);
        values.push(statistic(&weights));
    }
    values.retain(|value: &f64| value.is_finite());
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |share: f64| values[(share * last as f64 + 0.5) as usize];
    let alpha = (1.0 - confidence) / 2.0;
    Some([at(alpha), at(1.0 - alpha)])
}

/// How many resamples a bootstrap takes: a thousand, but where these would look at more than 2²⁸ numbers together as many
/// as do not, and 200 at least. The ends of an interval of 95 % then still have five resamples beyond them.
pub fn resamples(visits: usize) -> usize {
    const VISITS_MAX: usize = 1 << 28;
    (VISITS_MAX / visits.max(1)).clamp(200, 1000)
}

/// The interval of a difference between two figures of independent rows, from the interval of each: Newcombe's hybrid
/// (Statistics in Medicine 17, 1998, method 10) for any figures (Zou and Donner, Statistics in Medicine 27, 2008). The
/// first figure is not the lower one, and the interval is that of the difference's size, which is never below zero.
pub fn difference(greater: (f64, [f64; 2]), lower: (f64, [f64; 2])) -> [f64; 2] {
    let ((a, [a_low, a_high]), (b, [b_low, b_high])) = (greater, lower);
    let size = a - b;
    assert!(size >= 0.0, "the first figure is not the lower one");
    let distance = |x: f64, y: f64| (x * x + y * y).sqrt();
    let low = size - distance(a - a_low, b_high - b);
    let high = size + distance(a_high - a, b - b_low);
    // If the difference may also be the other way round, its size may be nought, or as far as it reaches there.
    [low.max(0.0), high.max(-low)]
}

/// How often each row counts in a resample.
fn poisson_weights(resample: u64, weights: &mut [u8]) {
    const SEED: u64 = 0x7461_6369_7400_0001;
    // 2¹⁶ times the chance of at most 0, 1, 2, … for a mean of 1; the chance of nine and more is below 2⁻¹⁶.
    const AT_MOST: [u16; 8] = [24_109, 48_219, 60_273, 64_291, 65_296, 65_497, 65_530, 65_535];
    const BLOCK: usize = 64;
    // The first number of each sequence is the state of another, so that they have nothing to do with one another.
    let mut random = SplitMix64::new(SplitMix64::new(SEED.wrapping_add(resample)).next_u64());
    // Whole blocks, so that the comparisons become vector instructions.
    for block in weights.chunks_mut(BLOCK) {
        let mut lots = [0u16; BLOCK];
        for four in lots.chunks_exact_mut(4) {
            let bits = random.next_u64();
            four.iter_mut().enumerate().for_each(|(place, lot)| *lot = (bits >> (16 * place)) as u16);
        }
        let mut counts = [0u16; BLOCK];
        for bound in AT_MOST {
            counts.iter_mut().zip(lots).for_each(|(count, lot)| *count += u16::from(lot >= bound));
        }
        block.iter_mut().zip(counts).for_each(|(weight, count)| *weight = count as u8);
    }
}

/// The number in [0, 1] up to which a condition holds, by bisection to the last bit.
fn boundary(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high || high - low < 1e-15 {
            return middle;
        }
        if holds(middle) { low = middle } else { high = middle }
    }
}

/// P(X ≥ k) of a binomial distribution.
///
/// Terms are taken relative to the greatest, from which they fall to both sides by ratios of neighbours; dividing by
/// the sum of all makes the unknown scale vanish, so that neither factorials nor logarithms are needed.
fn upper_tail(k: usize, trials: usize, p: f64) -> f64 {
    // A term so small relative to the greatest adds nothing to a sum in f64.
    const NEGLIGIBLE: f64 = 1e-25;
    if p <= 0.0 || p >= 1.0 {
        return if p >= 1.0 || k == 0 { 1.0 } else { 0.0 };
    }
    let odds = p / (1.0 - p);
    let mode = (((trials + 1) as f64 * p) as usize).min(trials);
    let (mut total, mut tail) = (0.0, 0.0);
    let mut add = |i: usize, term: f64| {
        total += term;
        if i >= k {
            tail += term;
        }
    };
    let mut term = 1.0;
    for i in mode..=trials {
        add(i, term);
        term *= odds * (trials - i) as f64 / (i + 1) as f64;
        if term < NEGLIGIBLE {
            break;
        }
    }
    term = 1.0;
    for i in (0..mode).rev() {
        term *= (i + 1) as f64 / (odds * (trials - i) as f64);
        if term < NEGLIGIBLE {
            break;
        }
        add(i, term);
    }
    tail / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clopper_pearson_gives_the_tabled_intervals() {
        // From the quantiles of the beta distribution, computed by an independent program.
        for (successes, trials, confidence, lower, upper) in [
            (0, 10, 0.95, 0.0, 0.308_497_108),
            (10, 10, 0.95, 0.691_502_892, 1.0),
            (5, 10, 0.95, 0.187_086_028, 0.812_913_972),
            (1, 20, 0.95, 0.001_265_089, 0.248_732_763),
            (353, 360, 0.95, 0.960_349_030, 0.992_147_456),
            (81, 263, 0.95, 0.252_736_746, 0.367_621_923),
            (990, 1000, 0.99, 0.978_723_941, 0.996_273_217),
        ] {
            let [low, high] = clopper_pearson(successes, trials, confidence);
            assert!((low - lower).abs() < 1e-9 && (high - upper).abs() < 1e-9, "{successes}/{trials}: {low} {high}");
        }
        assert_eq!(clopper_pearson(0, 0, 0.95), [0.0, 1.0]);
    }

    #[test]
    fn tails_of_large_counts_neither_overflow_nor_vanish() {
        let [low, high] = clopper_pearson(500_000, 1_000_000, 0.95);
        assert!((low - 0.499_020).abs() < 2e-6 && (high - 0.500_980).abs() < 2e-6, "{low} {high}");
    }

    #[test]
    fn more_confidence_is_a_wider_interval_around_the_share() {
        for (successes, trials) in [(1, 3), (17, 40), (399, 400)] {
            let share = successes as f64 / trials as f64;
            let mut before = [share, share];
            for confidence in [0.5, 0.8, 0.95, 0.999] {
                let interval = clopper_pearson(successes, trials, confidence);
                assert!(interval[0] < before[0] && before[1] < interval[1]);
                before = interval;
            }
        }
    }

    /// The mean of values that count as often as the weights say.
    fn mean(values: &[f64], weights: &[u8]) -> f64 {
        let sum: f64 = values.iter().zip(weights).map(|(value, weight)| value * f64::from(*weight)).sum();
        sum / weights.iter().map(|weight| f64::from(*weight)).sum::<f64>()
    }

    #[test]
    fn the_bootstrap_of_a_mean_is_near_the_normal_interval() {
        let values: Vec<f64> = (0..400).map(|i| (i % 20) as f64).collect();
        let [low, high] = bootstrap(values.len(), values.len(), 0.95, |weights| mean(&values, weights)).unwrap();
        // The deviation is 5.77, so 1.96 standard errors are 0.565.
        assert!((low - (9.5 - 0.565)).abs() < 0.08 && (high - (9.5 + 0.565)).abs() < 0.08, "{low} {high}");
        assert_eq!(bootstrap(5, 5, 0.95, |_| f64::NAN), None);
    }

    #[test]
    fn rows_count_as_often_as_a_poisson_variable_of_mean_one() {
        let mut weights = vec![0; 1 << 20];
        poisson_weights(7, &mut weights);
        let count = weights.len() as f64;
        let moment = |power: i32| weights.iter().map(|weight| f64::from(*weight).powi(power)).sum::<f64>() / count;
        // The standard errors are 0.001 of the mean and 0.004 of the second moment.
        assert!((moment(1) - 1.0).abs() < 0.004 && (moment(2) - 2.0).abs() < 0.016, "{} {}", moment(1), moment(2));
        let mut others = vec![0; 1 << 20];
        poisson_weights(8, &mut others);
        let products = weights.iter().zip(&others).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        assert!((products / count - 1.0).abs() < 0.008, "resamples are independent: {}", products / count);
    }

    #[test]
    fn large_statistics_take_fewer_resamples() {
        assert_eq!([0, 1, 200_000].map(resamples), [1000; 3]);
        assert_eq!([500_000, 1 << 20, 1 << 40].map(resamples), [536, 256, 200]);
    }

    #[test]
    fn the_interval_of_a_difference_is_the_tabled_one_of_two_wilson_intervals() {
        // Newcombe's example 56/70 − 48/80: the Wilson interval of each, and that of method 10 as printed there.
        let found = difference((0.8, [0.691_834, 0.876_953]), (0.6, [0.490_455, 0.700_382]));
        assert!((found[0] - 0.0524).abs() < 1e-4 && (found[1] - 0.3339).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn a_difference_that_may_be_none_has_an_interval_from_zero() {
        let same = (0.5, [0.3, 0.7]);
        let [low, high] = difference(same, same);
        assert!(low == 0.0 && (high - 0.08f64.sqrt()).abs() < 1e-15);
        // The lower figure may be the greater one by more than the other way round.
        let [low, high] = difference((0.5, [0.1, 0.55]), (0.45, [0.4, 0.8]));
        assert!(low == 0.0 && (high - (0.4 * 0.4 + 0.35 * 0.35f64).sqrt() + 0.05).abs() < 1e-15);
    }
}
