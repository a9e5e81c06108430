//! What a requirement can measure: each metric is defined once, in [`Metric::definition`].

use std::fmt;

/// A figure of a finished program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    Accuracy,
    MacroF1,
    Recall,
    Precision,
    LogLoss,
    MeanAbsoluteError,
    RootMeanSquaredError,
    Flops,
    Parameters,
    FileSize,
    PeakMemory,
}

/// What is known about a metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricDefinition {
    pub name: &'static str,
    pub kind: MetricKind,
    pub better: Better,
    /// What it is, with its unit.
    pub doc: &'static str,
}

/// What a metric is measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// The answers for a category, as a share from 0 to 1.
    CategoryShare,
    /// The probabilities for a category, from 0 upwards.
    CategoryLoss,
    /// The answers for a number, from 0 upwards, in the number's unit.
    NumberError,
    /// The program itself: exact, a whole number, the same for every input.
    Cost,
}

/// Which way a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

impl Metric {
    /// Every metric.
    pub const ALL: &[Metric] = &[
        Metric::Accuracy,
        Metric::MacroF1,
        Metric::Recall,
        Metric::Precision,
        Metric::LogLoss,
        Metric::MeanAbsoluteError,
        Metric::RootMeanSquaredError,
        Metric::Flops,
        Metric::Parameters,
        Metric::FileSize,
        Metric::PeakMemory,
    ];

    pub fn definition(self) -> MetricDefinition {
        use Better::{Higher, Lower};
        use MetricKind::{CategoryLoss, CategoryShare, Cost, NumberError};
        let define = |name, kind, better, doc| MetricDefinition { name, kind, better, doc };
        match self {
            Metric::Accuracy => define("accuracy", CategoryShare, Higher, "the share of rows answered rightly"),
            Metric::MacroF1 => define(
                "macro-f1",
                CategoryShare,
                Higher,
                "the mean over the classes of 2·precision·recall / (precision + recall)",
            ),
            Metric::Recall => {
                define("recall", CategoryShare, Higher, "the share of the rows of a class that are answered with it")
            }
            Metric::Precision => {
                define("precision", CategoryShare, Higher, "the share of the answers with a class that are right")
            }
            Metric::LogLoss => {
                define("log-loss", CategoryLoss, Lower, "the mean of −ln of the probability given to the right class")
            }
            Metric::MeanAbsoluteError => define("mae", NumberError, Lower, "the mean absolute error"),
            Metric::RootMeanSquaredError => define("rmse", NumberError, Lower, "the root of the mean squared error"),
            Metric::Flops => {
                define("flops", Cost, Lower, "floating point operations for one example; a multiply-add counts two")
            }
            Metric::Parameters => define("parameters", Cost, Lower, "numbers that were learnt"),
            Metric::FileSize => define("file-size", Cost, Lower, "bytes of the artifact"),
            Metric::PeakMemory => {
                define("peak-memory", Cost, Lower, "bytes of working memory for one example, weights not counted")
            }
        }
    }

    pub fn name(self) -> &'static str {
        self.definition().name
    }

    /// Whether the metric is about one class.
    pub fn has_class(self) -> bool {
        match self {
            Metric::Recall | Metric::Precision => true,
            Metric::Accuracy
            | Metric::MacroF1
            | Metric::LogLoss
            | Metric::MeanAbsoluteError
            | Metric::RootMeanSquaredError
            | Metric::Flops
            | Metric::Parameters
            | Metric::FileSize
            | Metric::PeakMemory => false,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}
