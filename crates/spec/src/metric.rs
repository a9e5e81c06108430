//! What a requirement can measure: each metric is defined once, in [`Metric::definition`].

use std::fmt;

use crate::specification::OutputKind;

/// A figure of a finished program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    Accuracy,
    TopK,
    Recall,
    Precision,
    F1,
    MacroRecall,
    MacroPrecision,
    MacroF1,
    Auroc,
    AveragePrecision,
    LogLoss,
    Brier,
    CalibrationError,
    SelectionRate,
    MeanAbsoluteError,
    RootMeanSquaredError,
    RSquared,
    Flops,
    Parameters,
    FileSize,
    PeakMemory,
    Latency,
}

/// What is known about a metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricDefinition {
    pub name: &'static str,
    pub kind: MetricKind,
    pub class: ClassUse,
    pub range: FigureRange,
    pub better: Better,
    /// What it is: its formula, its unit, and where it comes from.
    pub doc: &'static str,
}

/// What a metric is measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// The answers of an output of one of these kinds, over rows of data.
    Data(&'static [AnswerKind]),
    /// The program itself: exact, the same for every input and on every machine.
    Cost,
    /// The program on one machine, by a clock: it stands in no file that a build writes.
    Clock,
}

/// What an output answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// One of several classes.
    Category,
    /// Any of several labels at once.
    Labels,
    Number,
    /// Whether the row is unlike those that were learnt from.
    Anomaly,
}

/// Whether a metric is about one class, or one of several labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassUse {
    Never,
    /// Without a class it is about all of them.
    Optional,
    Required,
}

/// The values that a metric can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureRange {
    /// From 0 to 1.
    Share,
    /// From 0 upwards.
    FromZero,
    /// Up to 1.
    ToOne,
    /// A whole number from 0.
    Count,
}

/// Which way a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
    /// Neither way by itself, so that either side can be bounded.
    Neither,
}

impl Metric {
    /// Every metric.
    pub const ALL: &[Metric] = &[
        Metric::Accuracy,
        Metric::TopK,
        Metric::Recall,
        Metric::Precision,
        Metric::F1,
        Metric::MacroRecall,
        Metric::MacroPrecision,
        Metric::MacroF1,
        Metric::Auroc,
        Metric::AveragePrecision,
        Metric::LogLoss,
        Metric::Brier,
        Metric::CalibrationError,
        Metric::SelectionRate,
        Metric::MeanAbsoluteError,
        Metric::RootMeanSquaredError,
        Metric::RSquared,
        Metric::Flops,
        Metric::Parameters,
        Metric::FileSize,
        Metric::PeakMemory,
        Metric::Latency,
    ];

    pub fn definition(self) -> MetricDefinition {
        use AnswerKind::{Anomaly, Category, Labels, Number};
        use Better::{Higher, Lower, Neither};
        use ClassUse::{Never, Optional, Required};
        use FigureRange::{Count, FromZero, Share, ToOne};
        use MetricKind::{Clock, Cost, Data};
        const CLASSES: MetricKind = Data(&[Category, Labels]);
        const DECISIONS: MetricKind = Data(&[Category, Labels, Anomaly]);
        const NUMBERS: MetricKind = Data(&[Number]);
        let define = |name, kind, class, range, better, doc| MetricDefinition { name, kind, class, range, better, doc };
        match self {
            Metric::Accuracy => define(
                "accuracy",
                CLASSES,
                Never,
                Share,
                Higher,
                "the share of rows answered rightly; for several labels at once, of the single decisions, each label \
                 being given where its probability is above 0.5",
            ),
            Metric::TopK => define(
                "top-k",
                Data(&[Category]),
                Never,
                Share,
                Higher,
                "the share of rows whose class is among the `k` of the greatest probabilities, of equal ones the first",
            ),
            Metric::Recall => define(
                "recall",
                DECISIONS,
                Required,
                Share,
                Higher,
                "tp / (tp + fn): the share of the rows of `class` that are answered with it",
            ),
            Metric::Precision => define(
                "precision",
                DECISIONS,
                Required,
                Share,
                Higher,
                "tp / (tp + fp): the share of the rows answered with `class` that are of it",
            ),
            Metric::F1 => define(
                "f1",
                DECISIONS,
                Required,
                Share,
                Higher,
                "2·tp / (2·tp + fp + fn): the harmonic mean of the precision and the recall of `class` (van \
                 Rijsbergen, Information Retrieval, 1979)",
            ),
            Metric::MacroRecall => define(
                "macro-recall",
                CLASSES,
                Never,
                Share,
                Higher,
                "the mean of the recalls of all classes that have rows; also called balanced accuracy (Brodersen et \
                 al., ICPR 2010)",
            ),
            Metric::MacroPrecision => define(
                "macro-precision",
                CLASSES,
                Never,
                Share,
                Higher,
                "the mean of the precisions of all classes that have rows or are answered with; 0 for a class that is \
                 never answered with",
            ),
            Metric::MacroF1 => define(
                "macro-f1",
                CLASSES,
                Never,
                Share,
                Higher,
                "the mean of the F1 of all classes that have rows or are answered with (Sokolova and Lapalme, \
                 Information Processing & Management 45, 2009)",
            ),
            Metric::Auroc => define(
                "auroc",
                DECISIONS,
                Optional,
                Share,
                Higher,
                "the share of pairs of a row of `class` and another row in which the first has the greater probability \
                 of `class`, equal ones counting half: the area under the ROC curve (Hanley and McNeil, Radiology 143, \
                 1982); without `class` that of the second of two classes, or the mean over the classes, each against \
                 the rest",
            ),
            Metric::AveragePrecision => define(
                "average-precision",
                DECISIONS,
                Optional,
                Share,
                Higher,
                "Σ (Rₙ − Rₙ₋₁)·Pₙ over the thresholds in falling order, P and R being precision and recall there: the \
                 area under the precision-recall curve, nothing interpolated; without `class` as for `auroc`",
            ),
            Metric::LogLoss => define(
                "log-loss",
                CLASSES,
                Never,
                FromZero,
                Lower,
                "the mean of −ln of the probability given to what was right; for several labels at once, over the single \
                 decisions",
            ),
            Metric::Brier => define(
                "brier",
                CLASSES,
                Never,
                FromZero,
                Lower,
                "the mean of (p − t)², p being the probability of a class and t 1 where it is right, else 0 (Brier, \
                 Monthly Weather Review 78, 1950): for two classes that of either, from 0 to 1; for more classes \
                 summed over them, from 0 to 2; for several labels at once the mean over them",
            ),
            Metric::CalibrationError => define(
                "ece",
                CLASSES,
                Never,
                Share,
                Lower,
                "the expected calibration error: the mean of |share of right answers − mean probability of the answer| \
                 over 15 equally wide intervals of that probability, each weighted by its rows (Guo et al., \
                 arXiv:1706.04599)",
            ),
            Metric::SelectionRate => define(
                "selection-rate",
                DECISIONS,
                Required,
                Share,
                Neither,
                "the share of rows that are answered with `class`, whether rightly or not; its `gap` is that of \
                 demographic parity",
            ),
            Metric::MeanAbsoluteError => {
                define("mae", NUMBERS, Never, FromZero, Lower, "the mean of |y − t|, in the unit of the number")
            }
            Metric::RootMeanSquaredError => define(
                "rmse",
                NUMBERS,
                Never,
                FromZero,
                Lower,
                "the root of the mean of (y − t)², in the unit of the number",
            ),
            Metric::RSquared => define(
                "r2",
                NUMBERS,
                Never,
                ToOne,
                Higher,
                "1 − Σ(y − t)² / Σ(t − t̄)²: 1 for right answers, 0 for the mean of all, below 0 for worse",
            ),
            Metric::Flops => define(
                "flops",
                Cost,
                Never,
                Count,
                Lower,
                "floating point operations for one example; a multiply-add counts two, and in a program of 8-bit integers the \
                 operations of integers count as well",
            ),
            Metric::Parameters => define("parameters", Cost, Never, Count, Lower, "numbers that were learnt"),
            Metric::FileSize => define("file-size", Cost, Never, Count, Lower, "bytes of the artifact"),
            Metric::PeakMemory => define(
                "peak-memory",
                Cost,
                Never,
                Count,
                Lower,
                "bytes of working memory for one example, weights not counted",
            ),
            Metric::Latency => define(
                "latency",
                Clock,
                Never,
                FromZero,
                Lower,
                "microseconds of one answer, the median of many, on the machine that asks; no file holds the figure",
            ),
        }
    }

    pub fn name(self) -> &'static str {
        self.definition().name
    }

    pub fn from_name(name: &str) -> Option<Metric> {
        Metric::ALL.iter().copied().find(|metric| metric.name() == name)
    }

    /// Whether it is measured on rows of data, so that rows can be chosen and its figure has an interval.
    pub fn is_of_data(self) -> bool {
        match self.definition().kind {
            MetricKind::Data(_) => true,
            MetricKind::Cost | MetricKind::Clock => false,
        }
    }

    /// Whether it is measured on answers of this kind.
    pub fn fits(self, answers: AnswerKind) -> bool {
        match self.definition().kind {
            MetricKind::Data(kinds) => kinds.contains(&answers),
            MetricKind::Cost | MetricKind::Clock => false,
        }
    }

    /// Whether the metric of such answers is about one class. Anomalies are a class of their own that need not be named.
    pub fn class_use(self, answers: AnswerKind) -> ClassUse {
        match answers {
            AnswerKind::Category | AnswerKind::Labels => self.definition().class,
            AnswerKind::Number | AnswerKind::Anomaly => ClassUse::Never,
        }
    }
}

impl AnswerKind {
    pub const ALL: &[AnswerKind] = &[AnswerKind::Category, AnswerKind::Labels, AnswerKind::Number, AnswerKind::Anomaly];

    /// The `type` of such an output in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            AnswerKind::Category => "category",
            AnswerKind::Labels => "labels",
            AnswerKind::Number => "number",
            AnswerKind::Anomaly => "anomaly",
        }
    }
}

impl OutputKind {
    pub fn answers(&self) -> AnswerKind {
        match self {
            OutputKind::Category { .. } => AnswerKind::Category,
            OutputKind::Labels { .. } => AnswerKind::Labels,
            OutputKind::Number => AnswerKind::Number,
            OutputKind::Anomaly { .. } => AnswerKind::Anomaly,
        }
    }

    /// The classes or labels that the manifest lists.
    pub fn listed(&self) -> Option<&[String]> {
        match self {
            OutputKind::Category { classes } => classes.as_deref(),
            OutputKind::Labels { labels, .. } => labels.as_deref(),
            OutputKind::Number | OutputKind::Anomaly { .. } => None,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_find_their_metric() {
        for metric in Metric::ALL {
            assert_eq!(Metric::from_name(metric.name()), Some(*metric));
        }
        assert_eq!(Metric::from_name("speed"), None);
    }

    #[test]
    fn every_kind_of_answers_has_metrics_and_every_metric_of_data_has_answers() {
        for answers in AnswerKind::ALL {
            assert!(Metric::ALL.iter().any(|metric| metric.fits(*answers)), "{answers:?}");
        }
        for metric in Metric::ALL {
            assert_eq!(metric.is_of_data(), AnswerKind::ALL.iter().any(|answers| metric.fits(*answers)), "{metric}");
        }
    }
}
