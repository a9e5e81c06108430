//! The contract that a sensible program surely meets: to be better than a constant answer.

use tacit_spec::{Metric, OutputKind};

use super::ProposedOutput;

/// A proposed `[[require]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedRequirement {
    pub metric: Metric,
    pub output: String,
    pub at_least: f64,
    /// Where the bound comes from, for a comment.
    pub why: String,
}

/// What two simple methods reach, measured without the test part.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselineFigure {
    pub output: String,
    pub metric: Metric,
    /// What always giving the same answer reaches.
    pub constant: f64,
    /// What a linear model reaches.
    pub linear: f64,
    /// The rows that it was measured on.
    pub rows: usize,
}

/// Where more of the rows than this have one class, accuracy says little and is not required.
const MAJORITY_MAX: f64 = 0.8;
/// Three times the greatest standard error of a share, for one row.
const CHANCE: f64 = 1.5;

/// Proposes a contract.
///
/// Without `baselines` a bound lies a part of the way from what a constant answer reaches to a perfect figure: a tenth
/// for `accuracy` and `r2`, a fifth for `auroc`. The constant answer's figure follows from the shares of the classes.
///
/// With `baselines` it lies half of the way from the constant answer to the linear model. Where the linear model does
/// not even reach the bound that would be proposed without it, or is better by no more than chance explains (three
/// standard errors of a share, at most 1.5/√rows), the data may hold nothing to be learnt, and nothing is required.
pub fn proposed_requirements(
    outputs: &[ProposedOutput],
    baselines: Option<&[BaselineFigure]>,
) -> Vec<ProposedRequirement> {
    outputs.iter().flat_map(|output| of_output(output, baselines.unwrap_or_default())).collect()
}

fn of_output(output: &ProposedOutput, baselines: &[BaselineFigure]) -> Vec<ProposedRequirement> {
    let require = |metric: Metric, share: f64, by_shares: f64, words: String| {
        let measured = baselines.iter().find(|baseline| baseline.metric == metric && baseline.output == output.name);
        let usual = bound(by_shares, share);
        let (constant, at_least, why) = match measured {
            None => (by_shares, usual, words),
            Some(BaselineFigure { constant, linear, rows, .. }) => {
                let constant = constant.max(by_shares);
                let chance = CHANCE / (*rows as f64).sqrt();
                if !(*linear >= usual && linear - constant > chance) {
                    return None;
                }
                let why = format!("always the same answer reaches {constant:.3}, a linear model {linear:.3}");
                (constant, bound(constant, 0.5 * (linear - constant) / (1.0 - constant)), why)
            }
        };
        let is_possible = at_least > constant && at_least < 1.0;
        is_possible.then(|| ProposedRequirement { metric, output: output.name.clone(), at_least, why })
    };
    let auroc = || require(Metric::Auroc, 0.2, 0.5, "0.5 is chance, 1 is perfect".to_owned());
    match &output.kind {
        OutputKind::Category { .. } => {
            let majority = output.majority();
            let accuracy = || {
                let words = format!("always answering the commonest label reaches {majority:.3}");
                require(Metric::Accuracy, 0.1, majority, words)
            };
            let is_binary = output.classes.len() == 2;
            let mut all = Vec::new();
            all.extend((majority <= MAJORITY_MAX).then(accuracy).flatten());
            all.extend((is_binary || majority > MAJORITY_MAX).then(auroc).flatten());
            all
        }
        OutputKind::Number => {
            let words = "always answering the mean reaches 0, 1 is perfect".to_owned();
            Vec::from_iter(require(Metric::RSquared, 0.1, 0.0, words))
        }
        OutputKind::Labels { .. } | OutputKind::Anomaly { normal: Some(_), .. } => Vec::from_iter(auroc()),
        OutputKind::Anomaly { normal: None, .. } => Vec::new(),
    }
}

/// So much of the way from `constant` to 1, rounded down to as few decimals as leave it above `constant`.
fn bound(constant: f64, share: f64) -> f64 {
    let exact = constant + share * (1.0 - constant);
    [100.0, 1000.0]
        .map(|scale: f64| (exact * scale + 1e-9).floor() / scale)
        .into_iter()
        .find(|rounded| *rounded > constant)
        .unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(kind: OutputKind, counts: &[u64]) -> ProposedOutput {
        ProposedOutput {
            name: "y".into(),
            column: Some("y".into()),
            kind,
            aliases: Vec::new(),
            classes: counts.iter().map(|count| (count.to_string(), *count)).collect(),
            seen: String::new(),
            why: String::new(),
        }
    }

    fn bounds(output: ProposedOutput, baselines: Option<&[BaselineFigure]>) -> Vec<(Metric, f64)> {
        let all = proposed_requirements(&[output], baselines);
        all.into_iter().map(|requirement| (requirement.metric, requirement.at_least)).collect()
    }

    #[test]
    fn a_contract_asks_for_more_than_a_constant_answer() {
        let category = OutputKind::Category { classes: None };
        let of = |counts: &[u64]| bounds(output(category.clone(), counts), None);
        assert_eq!(of(&[60, 40]), [(Metric::Accuracy, 0.64), (Metric::Auroc, 0.6)]);
        assert_eq!(of(&[50, 50, 50]), [(Metric::Accuracy, 0.4)]);
        assert_eq!(of(&[95, 5]), [(Metric::Auroc, 0.6)]);
        assert_eq!(of(&[900, 50, 50]), [(Metric::Auroc, 0.6)]);
        assert_eq!(bounds(output(OutputKind::Number, &[]), None), [(Metric::RSquared, 0.1)]);
        assert_eq!(bounds(output(OutputKind::Anomaly { normal: None, share: 0.01 }, &[]), None), []);
    }

    #[test]
    fn measured_baselines_raise_a_bound_or_leave_it_out() {
        let figure =
            |metric, constant, linear| BaselineFigure { output: "y".into(), metric, constant, linear, rows: 100 };
        let category = || output(OutputKind::Category { classes: None }, &[60, 40]);
        let measured = [figure(Metric::Accuracy, 0.6, 0.9), figure(Metric::Auroc, 0.5, 0.96)];
        assert_eq!(bounds(category(), Some(&measured)), [(Metric::Accuracy, 0.75), (Metric::Auroc, 0.73)]);
        // A linear model that is hardly better than chance promises nothing.
        let measured = [figure(Metric::Accuracy, 0.6, 0.61), figure(Metric::Auroc, 0.5, 0.52)];
        assert_eq!(bounds(category(), Some(&measured)), []);
        // Of a hundred rows a seventh may be chance.
        let chance = [figure(Metric::Accuracy, 0.6, 0.69), figure(Metric::Auroc, 0.52, 0.615)];
        assert_eq!(bounds(category(), Some(&chance)), []);
        let undefined = [figure(Metric::RSquared, f64::NAN, f64::NAN)];
        assert_eq!(bounds(output(OutputKind::Number, &[]), Some(&undefined)), []);
        assert_eq!(
            bounds(output(OutputKind::Number, &[]), Some(&[figure(Metric::RSquared, -0.02, 0.64)])),
            [(Metric::RSquared, 0.32)]
        );
    }

    #[test]
    fn bounds_are_round_and_above_the_constant_answer() {
        assert_eq!([bound(0.333, 0.1), bound(0.991, 0.1), bound(0.5, 0.2)], [0.39, 0.991_9, 0.6]);
    }
}
