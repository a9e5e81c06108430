//! The few statistics that the comparison needs.

/// The least of some times; `None` of none.
pub fn least(times: &[u64]) -> Option<u64> {
    times.iter().copied().min()
}

/// The time in the middle, or between the two in the middle.
pub fn median(times: &[u64]) -> Option<u64> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    match sorted.len() % 2 {
        0 => Some(sorted[sorted.len() / 2 - 1].midpoint(upper)),
        _ => Some(upper),
    }
}

/// How many times as long as Tacit a peer takes: above 1, Tacit is faster.
pub fn ratio(peer_ns: u64, tacit_ns: u64) -> f64 {
    // A time below the clock's resolution must not divide by zero.
    peer_ns.max(1) as f64 / tacit_ns.max(1) as f64
}

/// The geometric mean, which treats twice as fast and half as fast alike; `None` of none.
pub fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    match ratios.len() {
        0 => None,
        count => Some((ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / count as f64).exp()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[5]), Some(5));
        assert_eq!(median(&[9, 1, 4]), Some(4));
        assert_eq!(median(&[9, 1, 4, 6]), Some(5));
        assert_eq!(least(&[9, 1, 4]), Some(1));
        assert_eq!(least(&[]), None);
    }

    #[test]
    fn ratios_that_cancel_out_have_the_mean_one() {
        assert_eq!(geometric_mean(&[]), None);
        assert!((geometric_mean(&[4.0, 0.25]).expect("two ratios") - 1.0).abs() < 1e-12);
        assert!((geometric_mean(&[2.0, 8.0]).expect("two ratios") - 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_ratio_above_one_says_that_tacit_is_faster() {
        assert_eq!(ratio(300, 100), 3.0);
        assert!(ratio(0, 0).is_finite());
    }
}
