//! Whether workers compute the same: nothing that disagrees is timed.

use super::protocol::Answer;
use crate::workloads::Mode;

/// The greatest relative difference that passes: far above the rounding of float32, or of numbers of 8 bits that are rounded
/// from layer to layer, far below another network's.
pub fn tolerance(mode: Mode) -> f64 {
    match mode {
        Mode::Train | Mode::Infer => 1e-3,
        Mode::Int8 => 0.05,
    }
}

/// The greatest deviation of an answer from the reference.
///
/// A loss deviates relative to the reference's, and an output relative to one plus the greatest output, so that outputs
/// near zero are not held to digits that float32 does not keep.
///
/// # Errors
/// Where the two disagree: in kind, in number or by more than the tolerance.
pub fn deviation(answer: &Answer, reference: &Answer, tolerance: f64) -> Result<f64, String> {
    let (what, ours, theirs) = match (answer, reference) {
        (Answer::Losses(ours), Answer::Losses(theirs)) => ("loss", ours, theirs),
        (Answer::Outputs(ours), Answer::Outputs(theirs)) => ("output", ours, theirs),
        (Answer::Losses(_), Answer::Outputs(_)) | (Answer::Outputs(_), Answer::Losses(_)) => {
            return Err("losses and outputs cannot be compared".into());
        }
    };
    if ours.len() != theirs.len() || ours.is_empty() {
        return Err(format!("{} numbers instead of {}", ours.len(), theirs.len()));
    }
    let greatest = theirs.iter().fold(0.0, |greatest: f64, number| greatest.max(number.abs()));
    let mut worst = 0.0;
    for (k, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let scale = match reference {
            Answer::Losses(_) => b.abs().max(f64::MIN_POSITIVE),
            Answer::Outputs(_) => 1.0 + greatest,
        };
        let deviation = (a - b).abs() / scale;
        // Not a number is never within the tolerance.
        if deviation.is_nan() || deviation > tolerance {
            return Err(format!("{what} {k} is {a} instead of {b}"));
        }
        worst = f64::max(worst, deviation);
    }
    Ok(worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_that_disagree_are_found() {
        let reference = Answer::Losses(vec![2.0, 1.0, 0.001]);
        let worst = deviation(&Answer::Losses(vec![2.001, 1.0, 0.001]), &reference, tolerance(Mode::Infer))
            .expect("they agree");
        assert!((worst - 5e-4).abs() < 1e-9);
        assert!(deviation(&Answer::Losses(vec![2.003, 1.0, 0.001]), &reference, tolerance(Mode::Infer)).is_err());
        assert!(deviation(&Answer::Losses(vec![2.0, 1.0, 0.001_002]), &reference, tolerance(Mode::Infer)).is_err());
        assert!(deviation(&Answer::Losses(vec![2.0, f64::NAN, 0.001]), &reference, tolerance(Mode::Infer)).is_err());
        assert!(deviation(&Answer::Losses(vec![2.0, 1.0]), &reference, tolerance(Mode::Infer)).is_err());
        assert!(deviation(&Answer::Outputs(vec![2.0, 1.0, 0.001]), &reference, tolerance(Mode::Infer)).is_err());
    }

    #[test]
    fn outputs_are_compared_with_the_greatest() {
        let reference = Answer::Outputs(vec![9.0, 0.0]);
        assert!(deviation(&Answer::Outputs(vec![9.0, 0.009]), &reference, tolerance(Mode::Infer)).is_ok());
        assert!(deviation(&Answer::Outputs(vec![9.0, 0.011]), &reference, tolerance(Mode::Infer)).is_err());
        assert!(deviation(&Answer::Outputs(vec![9.0, f64::INFINITY]), &reference, tolerance(Mode::Infer)).is_err());
        assert!(deviation(&Answer::Outputs(vec![]), &Answer::Outputs(vec![]), tolerance(Mode::Infer)).is_err());
        assert!(deviation(&Answer::Outputs(vec![9.0, 0.3]), &reference, tolerance(Mode::Int8)).is_ok());
        assert!(deviation(&Answer::Outputs(vec![9.0, 0.6]), &reference, tolerance(Mode::Int8)).is_err());
    }
}
