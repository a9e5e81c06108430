//! The contract: what was required of a program, what was measured, and whether the one meets the other.

use serde::{Deserialize, Serialize};
use tacit_ir::Graph;
use tacit_ir::passes::cost;
use tacit_ir::passes::plan::plan;
use tacit_spec::expression::parse_expression;
use tacit_spec::{Bound, Metric, OutputKind, Requirement};

use crate::error::{self, CodedError};
use crate::metrics::{Answers, CONFIDENCE, Measurement, measure, usual_metrics};

/// The requirements in the order of the manifest, then the usual figures that nothing was required of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    pub lines: Vec<Line>,
}

/// One figure, and what was required of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The name of a metric.
    pub metric: String,
    /// The class of a recall or a precision.
    pub class: Option<String>,
    /// The expression that selects the rows; none for all.
    pub rows_where: Option<String>,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    /// The confidence of the interval whose unfavourable end decides; none if the figure itself does.
    pub confidence: Option<f64>,
    /// None if the figure is not defined, such as a precision without answers.
    pub value: Option<f64>,
    pub interval: Option<[f64; 2]>,
    /// The rows that were counted; none for a figure that no data decides.
    pub rows: Option<usize>,
    /// Whether the bound is met; none without a bound.
    pub met: Option<bool>,
}

/// What a program costs, whatever its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    pub flops: u64,
    pub parameters: u64,
    pub file_bytes: u64,
    pub peak_memory_bytes: u64,
}

impl Costs {
    /// The costs of a program for one example; the size of its file is set once that is known.
    pub fn of(graph: &Graph) -> Costs {
        let cost = cost(graph);
        Costs {
            flops: cost.float_operations,
            parameters: cost.parameters,
            file_bytes: 0,
            peak_memory_bytes: plan(graph).arena_bytes as u64,
        }
    }

    /// The figure of a metric; none if it is measured on data.
    pub fn figure(&self, metric: Metric) -> Option<u64> {
        match metric {
            Metric::Flops => Some(self.flops),
            Metric::Parameters => Some(self.parameters),
            Metric::FileSize => Some(self.file_bytes),
            Metric::PeakMemory => Some(self.peak_memory_bytes),
            Metric::Accuracy
            | Metric::MacroF1
            | Metric::Recall
            | Metric::Precision
            | Metric::LogLoss
            | Metric::MeanAbsoluteError
            | Metric::RootMeanSquaredError => None,
        }
    }
}

/// Measures every requirement and the usual figures. `slices` says for each requirement which of the answers it is about
/// (none for all); `classes` are the labels in the order of their numbers.
pub fn contract(
    requirements: &[Requirement],
    output: &OutputKind,
    classes: &[String],
    answers: &Answers,
    slices: &[Option<Vec<bool>>],
    costs: &Costs,
) -> Contract {
    let mut lines: Vec<Line> = Vec::new();
    for (requirement, slice) in requirements.iter().zip(slices) {
        let selected = slice.as_ref().map(|slice| {
            let rows: Vec<usize> = (0..slice.len()).filter(|row| slice[*row]).collect();
            answers.select(&rows)
        });
        lines.push(required(requirement, classes, selected.as_ref().unwrap_or(answers), costs));
    }
    let costs_of_all = [Metric::Flops, Metric::Parameters, Metric::FileSize, Metric::PeakMemory];
    for metric in usual_metrics(output).iter().chain(&costs_of_all) {
        let measured = measured(*metric, None, answers, costs, CONFIDENCE);
        lines.push(line(*metric, None, None, None, None, measured));
    }
    Contract { lines }
}

impl Contract {
    /// Whether every requirement is met.
    pub fn is_met(&self) -> bool {
        self.lines.iter().all(|line| line.met != Some(false))
    }

    /// The requirements that the lines repeat, to be measured again.
    ///
    /// # Errors
    /// `E0304` for what no version of the tool writes.
    pub fn requirements(&self) -> Result<Vec<Requirement>, CodedError> {
        self.lines.iter().filter_map(|line| line.requirement().transpose()).collect()
    }

    /// Sets the figure of the file's size and decides its requirements anew.
    pub fn set_file_size(&mut self, bytes: u64) {
        for line in self.lines.iter_mut().filter(|line| line.metric == Metric::FileSize.name()) {
            line.value = Some(bytes as f64);
            line.met = line.bound().map(|bound| bound.is_met_by(bytes as f64));
        }
    }
}

impl Line {
    /// What must hold; none if nothing is required.
    pub fn bound(&self) -> Option<Bound> {
        match (self.at_least, self.at_most) {
            (Some(bound), None) => Some(Bound::AtLeast(bound)),
            (None, Some(bound)) => Some(Bound::AtMost(bound)),
            (None, None) | (Some(_), Some(_)) => None,
        }
    }

    fn requirement(&self) -> Result<Option<Requirement>, CodedError> {
        let broken = |what: String| CodedError::new(error::CONTENTS, format!("the contract {what}"));
        let Some(bound) = self.bound() else {
            return match self.at_least {
                Some(_) => Err(broken(format!("bounds `{}` twice", self.metric))),
                None => Ok(None),
            };
        };
        let metric = Metric::ALL.iter().copied().find(|metric| metric.name() == self.metric);
        let metric = metric.ok_or_else(|| broken(format!("names the metric `{}`", self.metric)))?;
        let rows = match &self.rows_where {
            Some(text) => Some(parse_expression(text).map_err(|e| broken(format!("holds `{text}`: {}", e.message)))?),
            None => None,
        };
        if metric.has_class() != self.class.is_some() {
            return Err(broken(format!("has the wrong class for `{metric}`")));
        }
        if self.confidence.is_some_and(|confidence| !(0.5..1.0).contains(&confidence)) {
            return Err(broken(format!("asks for an impossible confidence of `{metric}`")));
        }
        let place = tacit_spec::Place::Nowhere;
        Ok(Some(Requirement { metric, class: self.class.clone(), rows, bound, confidence: self.confidence, place }))
    }
}

fn required(requirement: &Requirement, classes: &[String], answers: &Answers, costs: &Costs) -> Line {
    let Requirement { metric, class, rows, bound, confidence, place: _ } = requirement;
    let class_number = class.as_ref().and_then(|class| classes.iter().position(|label| label == class));
    let found = measured(*metric, class_number, answers, costs, confidence.unwrap_or(CONFIDENCE));
    let deciding = match (confidence, bound, found.interval) {
        (Some(_), Bound::AtLeast(_), Some([low, _])) => low,
        (Some(_), Bound::AtMost(_), Some([_, high])) => high,
        // Without an interval nothing is known, and not a number meets no bound.
        (Some(_), Bound::AtLeast(_) | Bound::AtMost(_), None) => f64::NAN,
        (None, Bound::AtLeast(_) | Bound::AtMost(_), _) => found.value,
    };
    let rows = rows.as_ref().map(|predicate| predicate.to_string());
    let mut line = line(*metric, class.clone(), rows, Some(*bound), *confidence, found);
    line.met = Some(bound.is_met_by(deciding));
    line
}

fn measured(metric: Metric, class: Option<usize>, answers: &Answers, costs: &Costs, confidence: f64) -> Measurement {
    match costs.figure(metric) {
        Some(figure) => Measurement { value: figure as f64, interval: None, rows: 0 },
        None if metric.has_class() && class.is_none() => Measurement { value: f64::NAN, interval: None, rows: 0 },
        None => measure(metric, class, answers, confidence),
    }
}

fn line(
    metric: Metric,
    class: Option<String>,
    rows_where: Option<String>,
    bound: Option<Bound>,
    confidence: Option<f64>,
    measured: Measurement,
) -> Line {
    let (at_least, at_most) = match bound {
        Some(Bound::AtLeast(bound)) => (Some(bound), None),
        Some(Bound::AtMost(bound)) => (None, Some(bound)),
        None => (None, None),
    };
    let is_cost = metric.definition().kind == tacit_spec::metric::MetricKind::Cost;
    Line {
        metric: metric.name().to_owned(),
        class,
        rows_where,
        at_least,
        at_most,
        confidence,
        value: Some(measured.value).filter(|value| value.is_finite()),
        interval: measured.interval,
        rows: (!is_cost).then_some(measured.rows),
        met: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_spec::Place;

    fn require(metric: Metric, bound: Bound, confidence: Option<f64>) -> Requirement {
        let class = metric.has_class().then(|| "b".to_owned());
        Requirement { metric, class, rows: None, bound, confidence, place: Place::Nowhere }
    }

    /// Nine of ten right, in two classes; class `b` has the first five rows.
    fn nine_of_ten() -> Answers {
        let truth = vec![1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
        let answered = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0];
        let probabilities = answered.into_iter().flat_map(|id| if id == 0 { [0.75, 0.25] } else { [0.25, 0.75] });
        Answers::Category { classes: 2, truth, probabilities: probabilities.collect() }
    }

    fn decide(requirements: &[Requirement], slices: &[Option<Vec<bool>>]) -> Contract {
        let classes = ["a".to_owned(), "b".to_owned()];
        let costs = Costs { flops: 100, parameters: 10, file_bytes: 0, peak_memory_bytes: 64 };
        contract(requirements, &OutputKind::Category { classes: None }, &classes, &nine_of_ten(), slices, &costs)
    }

    #[test]
    fn the_figure_decides_without_and_the_interval_with_a_confidence() {
        let at_least = Bound::AtLeast(0.9);
        let contract = decide(
            &[
                require(Metric::Accuracy, at_least, None),
                require(Metric::Accuracy, at_least, Some(0.95)),
                require(Metric::Accuracy, Bound::AtLeast(0.55), Some(0.95)),
                require(Metric::Recall, Bound::AtLeast(0.8), None),
                require(Metric::LogLoss, Bound::AtMost(0.4), None),
                require(Metric::LogLoss, Bound::AtMost(0.4), Some(0.95)),
            ],
            &[const { None }; 6],
        );
        let met: Vec<Option<bool>> = contract.lines.iter().map(|line| line.met).collect();
        assert_eq!(met[..6], [true, false, true, true, true, false].map(Some));
        assert!(met[6..].iter().all(Option::is_none) && !contract.is_met());
    }

    #[test]
    fn a_slice_is_measured_on_its_rows_only() {
        let first = (0..10).map(|row| row < 5).collect();
        let none = vec![false; 10];
        let accuracy = require(Metric::Accuracy, Bound::AtLeast(0.9), None);
        let contract = decide(&[accuracy.clone(), accuracy], &[Some(first), Some(none)]);
        assert_eq!(
            (contract.lines[0].value, contract.lines[0].rows, contract.lines[0].met),
            (Some(0.8), Some(5), Some(false))
        );
        assert_eq!(
            (contract.lines[1].value, contract.lines[1].rows, contract.lines[1].met),
            (None, Some(0), Some(false))
        );
    }

    #[test]
    fn costs_are_exact_and_the_size_of_the_file_comes_last() {
        let costs = [
            require(Metric::Flops, Bound::AtMost(100.0), None),
            require(Metric::Parameters, Bound::AtMost(9.0), None),
            require(Metric::FileSize, Bound::AtMost(1000.0), None),
        ];
        let mut contract = decide(&costs, &[const { None }; 3]);
        contract.set_file_size(1001);
        let met: Vec<Option<bool>> = contract.lines.iter().map(|line| line.met).collect();
        assert_eq!(met[..3], [true, false, false].map(Some));
        assert_eq!((contract.lines[2].value, contract.lines[2].rows), (Some(1001.0), None));
    }

    #[test]
    fn requirements_come_back_from_the_lines() {
        let mut sliced = require(Metric::Recall, Bound::AtLeast(0.5), Some(0.9));
        sliced.rows = Some(parse_expression("\"a b\" = 'x' and age > 3").unwrap());
        let requirements = vec![sliced, require(Metric::Flops, Bound::AtMost(7.0), None)];
        let contract = decide(&requirements, &[None, None]);
        assert_eq!(contract.requirements().unwrap(), requirements);
        let mut broken = contract;
        broken.lines[0].metric = "speed".into();
        assert_eq!(broken.requirements().unwrap_err().code, error::CONTENTS);
    }
}
