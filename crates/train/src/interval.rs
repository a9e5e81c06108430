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

/// The percentile bootstrap (Efron 1979) of a statistic of `count` rows: the interval that holds the middle
/// `confidence` of the statistic over resampled rows. Resamples come from a fixed seed.
///
/// Resamples for which the statistic is not finite are left out; if all are, the interval is empty.
pub fn bootstrap(count: usize, confidence: f64, statistic: impl Fn(&[usize]) -> f64) -> Option<[f64; 2]> {
    const RESAMPLES: usize = 1000;
    const SEED: u64 = 0x7461_6369_7400_0001;
    let mut random = SplitMix64::new(SEED);
    let mut rows = vec![0; count];
    let mut values = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        rows.iter_mut().for_each(|row| *row = random.below(count as u64) as usize);
        values.push(statistic(&rows));
    }
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |share: f64| values[(share * last as f64 + 0.5) as usize];
    let alpha = (1.0 - confidence) / 2.0;
    Some([at(alpha), at(1.0 - alpha)])
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

    #[test]
    fn the_bootstrap_of_a_mean_is_near_the_normal_interval() {
        let values: Vec<f64> = (0..400).map(|i| (i % 20) as f64).collect();
        let mean = |rows: &[usize]| rows.iter().map(|row| values[*row]).sum::<f64>() / rows.len() as f64;
        let [low, high] = bootstrap(values.len(), 0.95, mean).unwrap();
        // The deviation is 5.77, so 1.96 standard errors are 0.565.
        assert!((low - (9.5 - 0.565)).abs() < 0.08 && (high - (9.5 + 0.565)).abs() < 0.08, "{low} {high}");
        assert_eq!(bootstrap(5, 0.95, |_| f64::NAN), None);
    }
}
