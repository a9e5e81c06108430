//! The contract: what was required of a program, what was measured, and whether the one meets the other.

use serde::{Deserialize, Serialize};
use tacit_data::{Groups, RequirementRows};
use tacit_ir::passes::cost;
use tacit_ir::passes::plan::plan;
use tacit_ir::{DType, Graph};
use tacit_spec::expression::parse_expression;
use tacit_spec::metric::{ClassUse, MetricKind};
use tacit_spec::{Bound, Metric, Requirement};

use crate::error::{self, CodedError};
use crate::interval::difference;
use crate::metrics::{Answers, CONFIDENCE, Figure, Measurement, measure, usual_metrics, value};

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
    /// The output whose answers were measured; none for what is measured on the whole program.
    pub output: Option<String>,
    /// The class that the metric is about; none for one that is about all of them.
    pub class: Option<String>,
    /// Of a top-k.
    pub k: Option<usize>,
    /// The expression that selects the rows; none for all.
    pub rows_where: Option<String>,
    /// The groups whose greatest difference the figure is; none if it is the metric itself.
    pub gap: Option<Gap>,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    /// The confidence of the interval whose unfavourable end decides; none if the figure itself does.
    pub confidence: Option<f64>,
    /// None if the figure is not defined, such as a precision without answers, and for that of a clock.
    pub value: Option<f64>,
    pub interval: Option<[f64; 2]>,
    /// The rows that were counted; none for a figure that no data decides.
    pub rows: Option<usize>,
    /// Why the figure is not defined.
    pub undefined: Option<String>,
    /// Whether the bound is met; none without a bound, and for a figure of a clock.
    pub met: Option<bool>,
}

/// Between which groups a difference was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// The column whose equal values make a group.
    pub column: String,
    /// The groups with the greatest and with the least figure; none if fewer than two have one.
    pub between: Option<[GroupFigure; 2]>,
}

/// The figure of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupFigure {
    /// The value in the column; empty for the rows without one.
    pub group: String,
    pub value: f64,
    pub interval: Option<[f64; 2]>,
    pub rows: usize,
}

/// What a program costs, whatever its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    pub flops: u64,
    pub parameters: u64,
    pub file_bytes: u64,
    pub peak_memory_bytes: u64,
}

/// The answers of one output beside the right ones.
#[derive(Clone, Copy, Debug)]
pub struct OutputAnswers<'a> {
    /// The output's name.
    pub name: &'a str,
    /// The classes or labels in the order of their numbers; empty for other outputs.
    pub labels: &'a [String],
    pub answers: &'a Answers,
}

impl Costs {
    /// The costs of a program for one example; the size of its file is set once that is known.
    pub fn of(graph: &Graph) -> Costs {
        let cost = cost(graph);
        // In a program of 8-bit integers their operations are those that a requirement is about.
        let is_int8 = graph.params().any(|(_, value)| graph.ty(value).dtype == DType::I8);
        Costs {
            flops: cost.float_operations + if is_int8 { cost.integer_operations } else { 0 },
            parameters: cost.parameters,
            file_bytes: 0,
            peak_memory_bytes: plan(graph).arena_bytes as u64,
        }
    }

    /// The figure of a metric; none if it is measured on data or by a clock.
    pub fn figure(&self, metric: Metric) -> Option<u64> {
        match metric {
            Metric::Flops => Some(self.flops),
            Metric::Parameters => Some(self.parameters),
            Metric::FileSize => Some(self.file_bytes),
            Metric::PeakMemory => Some(self.peak_memory_bytes),
            Metric::Accuracy
            | Metric::TopK
            | Metric::Recall
            | Metric::Precision
            | Metric::F1
            | Metric::MacroRecall
            | Metric::MacroPrecision
            | Metric::MacroF1
            | Metric::Auroc
            | Metric::AveragePrecision
            | Metric::LogLoss
            | Metric::Brier
            | Metric::CalibrationError
            | Metric::SelectionRate
            | Metric::MeanAbsoluteError
            | Metric::RootMeanSquaredError
            | Metric::RSquared
            | Metric::Latency => None,
        }
    }
}

/// Measures every requirement, and the usual figures that no requirement has measured already. `rows` says for each
/// requirement which rows of the answers it is about. A figure of a clock is left open: see [`Contract::with_latency`].
pub fn contract(
    requirements: &[Requirement],
    outputs: &[OutputAnswers],
    rows: &[RequirementRows],
    costs: &Costs,
) -> Contract {
    assert_eq!(requirements.len(), rows.len(), "every requirement has its rows");
    let mut lines: Vec<Line> =
        requirements.iter().zip(rows).map(|(requirement, rows)| required(requirement, outputs, rows, costs)).collect();
    for output in outputs {
        for metric in usual_metrics(output.answers) {
            let mut line = Line::new(*metric, Some(output.name));
            if !lines.iter().any(|earlier| earlier.is_figure_of(&line)) {
                line.set(measure(Figure::from(*metric), output.answers, CONFIDENCE));
                lines.push(line);
            }
        }
    }
    for metric in [Metric::Flops, Metric::Parameters, Metric::FileSize, Metric::PeakMemory] {
        let mut line = Line::new(metric, None);
        if !lines.iter().any(|earlier| earlier.is_figure_of(&line)) {
            line.value = costs.figure(metric).map(|figure| figure as f64);
            lines.push(line);
        }
    }
    Contract { lines }
}

impl Contract {
    /// Whether no requirement is missed. One on a figure of a clock counts only once it is decided.
    pub fn is_met(&self) -> bool {
        self.lines.iter().all(|line| line.met != Some(false))
    }

    /// Whether something is required of the latency, which the file of a program leaves open.
    pub fn requires_latency(&self) -> bool {
        self.lines.iter().any(|line| line.metric == Metric::Latency.name() && line.bound().is_some())
    }

    /// The contract with the requirements on the latency decided by a measured one, to be shown and to set the exit code.
    /// It is not to be stored: a figure of a clock would make the file of a program differ from build to build.
    #[must_use]
    pub fn with_latency(&self, latency_us: f64) -> Contract {
        let mut contract = self.clone();
        for line in contract.lines.iter_mut().filter(|line| line.metric == Metric::Latency.name()) {
            line.value = Some(latency_us).filter(|latency| latency.is_finite());
            line.met = line.bound().map(|bound| bound.is_met_by(latency_us));
        }
        contract
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

    /// Whether something is required of it that is not decided yet: a figure of a clock.
    pub fn is_open(&self) -> bool {
        self.bound().is_some() && self.met.is_none()
    }

    /// A line of a metric that is not measured yet, over all rows and classes.
    fn new(metric: Metric, output: Option<&str>) -> Line {
        Line {
            metric: metric.name().to_owned(),
            output: output.map(str::to_owned),
            class: None,
            k: None,
            rows_where: None,
            gap: None,
            at_least: None,
            at_most: None,
            confidence: None,
            value: None,
            interval: None,
            rows: None,
            undefined: None,
            met: None,
        }
    }

    /// Whether it has the figure that the other asks for, whatever is required of it.
    fn is_figure_of(&self, other: &Line) -> bool {
        self.metric == other.metric
            && self.output == other.output
            && self.class == other.class
            && self.k == other.k
            && self.rows_where == other.rows_where
            && self.gap.is_some() == other.gap.is_some()
    }

    fn set(&mut self, measured: Measurement) {
        self.value = Some(measured.value).filter(|value| value.is_finite());
        self.interval = measured.interval;
        self.rows = Some(measured.rows);
        self.undefined = measured.undefined.map(str::to_owned);
    }

    /// The figure that the bound is held to; not a number, which meets no bound, if there is none.
    fn deciding_figure(&self) -> f64 {
        let end = match (self.confidence, self.bound()) {
            // Without an interval nothing is known.
            (Some(_), Some(Bound::AtLeast(_))) => self.interval.map(|[low, _]| low),
            (Some(_), Some(Bound::AtMost(_))) => self.interval.map(|[_, high]| high),
            (None, _) | (Some(_), None) => self.value,
        };
        end.unwrap_or(f64::NAN)
    }

    fn requirement(&self) -> Result<Option<Requirement>, CodedError> {
        let broken = |what: String| CodedError::new(error::CONTENTS, format!("the contract {what}"));
        let metric = Metric::from_name(&self.metric);
        let metric = metric.ok_or_else(|| broken(format!("names the metric `{}`", self.metric)))?;
        let is_clock = metric.definition().kind == MetricKind::Clock;
        if is_clock && (self.value.is_some() || self.met.is_some()) {
            return Err(broken(format!("holds a figure of a clock, `{metric}`")));
        }
        let Some(bound) = self.bound() else {
            return match self.at_least {
                Some(_) => Err(broken(format!("bounds `{}` twice", self.metric))),
                None => Ok(None),
            };
        };
        let rows = match &self.rows_where {
            Some(text) => Some(parse_expression(text).map_err(|e| broken(format!("holds `{text}`: {}", e.message)))?),
            None => None,
        };
        if metric.definition().class == ClassUse::Never && self.class.is_some() {
            return Err(broken(format!("has a class for `{metric}`")));
        }
        if (metric == Metric::TopK) != self.k.is_some_and(|k| k > 0) {
            return Err(broken(format!("has the wrong `k` for `{metric}`")));
        }
        if self.confidence.is_some_and(|confidence| !(0.5..1.0).contains(&confidence)) {
            return Err(broken(format!("asks for an impossible confidence of `{metric}`")));
        }
        Ok(Some(Requirement {
            metric,
            output: self.output.clone(),
            class: self.class.clone(),
            k: self.k,
            rows,
            gap: self.gap.as_ref().map(|gap| gap.column.clone()),
            bound,
            confidence: self.confidence,
            place: tacit_spec::Place::Nowhere,
        }))
    }
}

fn required(requirement: &Requirement, outputs: &[OutputAnswers], rows: &RequirementRows, costs: &Costs) -> Line {
    let Requirement { metric, output, class, k, rows: predicate, gap, bound, confidence, place: _ } = requirement;
    let mut line = Line::new(*metric, output.as_deref());
    line.class.clone_from(class);
    line.k = *k;
    line.rows_where = predicate.as_ref().map(|predicate| predicate.to_string());
    line.gap = gap.as_ref().map(|column| Gap { column: column.clone(), between: None });
    line.confidence = *confidence;
    match bound {
        Bound::AtLeast(bound) => line.at_least = Some(*bound),
        Bound::AtMost(bound) => line.at_most = Some(*bound),
    }
    match metric.definition().kind {
        MetricKind::Data(_) => measure_on_data(&mut line, requirement, outputs, rows),
        MetricKind::Cost => line.value = costs.figure(*metric).map(|figure| figure as f64),
        MetricKind::Clock => return line,
    }
    line.met = Some(bound.is_met_by(line.deciding_figure()));
    line
}

fn measure_on_data(line: &mut Line, requirement: &Requirement, outputs: &[OutputAnswers], rows: &RequirementRows) {
    // Who has only one output need not name it.
    let output = match &requirement.output {
        Some(name) => outputs.iter().find(|output| output.name == *name),
        None => outputs.iter().find(|output| requirement.metric.fits(output.answers.kind())),
    };
    let Some(output) = output else {
        line.undefined = Some("the program has no such output".to_owned());
        return;
    };
    line.output = Some(output.name.to_owned());
    let class = requirement.class.as_ref().map(|class| output.labels.iter().position(|label| label == class));
    if class == Some(None) {
        line.undefined = Some("the data has no such class".to_owned());
        return;
    }
    let figure = Figure { metric: requirement.metric, class: class.flatten(), k: requirement.k };
    let places = rows.places(output.answers.rows());
    let selected = rows.selected.as_ref().map(|_| output.answers.select(&places));
    let answers = selected.as_ref().unwrap_or(output.answers);
    let confidence = requirement.confidence.unwrap_or(CONFIDENCE);
    match (&mut line.gap, &rows.groups) {
        (Some(gap), Some(groups)) => {
            let (measured, between) = measure_gap(figure, answers, &groups.select(&places), confidence);
            gap.between = between;
            line.set(measured);
        }
        (Some(_), None) => line.undefined = Some("the groups of the rows are not known".to_owned()),
        (None, _) => line.set(measure(figure, answers, confidence)),
    }
}

/// The greatest difference of a figure between two groups, and these: the one with the greatest and the one with the
/// least figure. Groups for which it is not defined are left out.
///
/// The interval is that of the difference between these two, from the interval of each.
fn measure_gap(
    figure: Figure,
    answers: &Answers,
    groups: &Groups,
    confidence: f64,
) -> (Measurement, Option<[GroupFigure; 2]>) {
    let rows = groups.rows();
    let mut figures: Vec<(usize, f64)> =
        rows.iter().map(|rows| value(figure, &answers.select(rows))).enumerate().collect();
    figures.retain(|(_, value)| value.is_finite());
    figures.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let ([(greatest, _), .., (least, _)], counted) =
        (&figures[..], figures.iter().map(|(group, _)| rows[*group].len()))
    else {
        let undefined = Some("fewer than two groups have the figure");
        return (Measurement { value: f64::NAN, interval: None, rows: 0, undefined }, None);
    };
    let [a, b] = [*greatest, *least].map(|group| measure(figure, &answers.select(&rows[group]), confidence));
    let interval = a.interval.zip(b.interval).map(|(of_a, of_b)| difference((a.value, of_a), (b.value, of_b)));
    let measured = Measurement { value: a.value - b.value, interval, rows: counted.sum(), undefined: None };
    let named = |group: usize, measured: Measurement| GroupFigure {
        group: groups.labels[group].clone(),
        value: measured.value,
        interval: measured.interval,
        rows: measured.rows,
    };
    (measured, Some([named(*greatest, a), named(*least, b)]))
}
