//! What a manifest says once it is checked: everything the rest of the tool needs to know of it.

use std::sync::Arc;

use crate::expression::Predicate;
use crate::layer::Layer;
use crate::metric::Metric;
use crate::report::{Place, Source};
use crate::shape::Shape;

/// A checked manifest. Every number is finite and in its range, every name is usable, layers fit their shapes, and the
/// goal and requirements fit the output.
#[derive(Clone, Debug, PartialEq)]
pub struct Specification {
    pub program: Program,
    /// In the order of the manifest; at least one.
    pub inputs: Vec<Input>,
    /// In the order of the manifest; at least one.
    pub outputs: Vec<Output>,
    pub data: Data,
    /// The layers between inputs and output, presets spelt out. The layer that makes the output is not among them.
    pub layers: Vec<Layer>,
    pub goal: Goal,
    pub search: Search,
    pub requirements: Vec<Requirement>,
    pub baseline: Option<Baseline>,
    /// The text that was read, for diagnostics of later stages that point into it.
    pub source: Arc<Source>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    pub name: String,
    pub seed: u64,
}

/// An input of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub name: String,
    pub kind: InputKind,
    /// Where its values stand in the data.
    pub columns: Columns,
}

/// The type of an input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InputKind {
    Number,
    Vector {
        length: usize,
    },
    /// Channels last. `scale` is the raw value of full brightness, by which the program divides.
    Image {
        height: usize,
        width: usize,
        channels: usize,
        scale: Option<f64>,
    },
}

/// The columns of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// Each pattern takes the columns it matches, in the order of the file.
    pub patterns: Vec<Pattern>,
    /// Where the columns are given in the manifest.
    pub place: Place,
}

/// A column's name, or a pattern in which `*` stands for any text.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pub text: String,
    pub place: Place,
}

/// An output of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub name: String,
    pub kind: OutputKind,
    /// The column of the right answers.
    pub column: Pattern,
}

/// The type of an output.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputKind {
    /// One of several labels: those listed, or else those that the data holds.
    Category {
        classes: Option<Vec<String>>,
    },
    /// Any of several labels at once: those listed, or else those that the data holds.
    Labels {
        labels: Option<Vec<String>>,
    },
    Number,
    /// How unlike a row is to those that were learnt from.
    Anomaly,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The file, relative to the folder of the manifest.
    pub file: String,
    pub split: Split,
    /// Where the file is named in the manifest.
    pub place: Place,
}

/// Shares of the rows; what validation and test leave is for training.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    pub validation: f64,
    pub test: f64,
    pub seed: u64,
    /// Where the split is given in the manifest.
    pub place: Place,
}

/// What the search makes small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    pub loss: Loss,
    pub class_weights: ClassWeights,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// −Σ t·ln p, where the target t has 1 − smoothing on the right class and smoothing spread evenly over all classes.
    CrossEntropy { label_smoothing: f64 },
    /// (y − t)².
    SquaredError,
    /// |y − t|.
    AbsoluteError,
    /// e²/2 for |e| ≤ delta, else delta·(|e| − delta/2) (Huber 1964).
    Huber { delta: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassWeights {
    /// Every row weighs 1.
    Uniform,
    /// A row of a class with n of N training rows among C classes weighs N / (C·n).
    Balanced,
}

/// How the search goes about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    pub epochs: u64,
    /// Rows in one step.
    pub batch: usize,
    pub optimiser: Optimiser,
    /// The greatest learning rate of the schedule.
    pub learning_rate: f64,
    pub weight_decay: f64,
    pub schedule: Schedule,
    /// Steps over which the learning rate rises from zero.
    pub warmup_steps: u64,
    /// The greatest norm of all gradients together.
    pub clip: Option<f64>,
    /// Epochs without a better validation loss until the run stops.
    pub patience_epochs: Option<u64>,
    /// The decay of a running average of the weights.
    pub average: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimiser {
    /// Loshchilov and Hutter, arXiv:1711.05101.
    AdamW,
    /// Gradient descent with momentum (0 for none).
    Sgd { momentum: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    Constant,
    /// Half a cosine from the learning rate down to 0.
    Cosine,
    /// Up and then down again over the whole run (Smith and Topin, arXiv:1708.07120).
    OneCycle,
}

/// One line of the contract.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    pub metric: Metric,
    /// The name of the output whose answers are measured; none for what is measured on the whole program.
    pub output: Option<String>,
    /// The class that the metric is about; none for one that is about all of them.
    pub class: Option<String>,
    /// How many of the likeliest classes count as answers of a top-k; none for other metrics.
    pub k: Option<usize>,
    /// Only the rows for which this holds.
    pub rows: Option<Predicate>,
    /// The column between whose groups of equal values the greatest difference of the metric is bounded; none if the
    /// metric itself is.
    pub gap: Option<String>,
    pub bound: Bound,
    /// The confidence of the interval whose unfavourable end decides.
    pub confidence: Option<f64>,
    /// Where the requirement stands in the manifest.
    pub place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// The program and its arguments; at least the program.
    pub command: Vec<String>,
}

impl Input {
    /// The number of values, which is the number of columns in a table.
    pub fn values(&self) -> usize {
        self.shape().values()
    }

    /// What the first layer gets of this input; a number is a vector of one.
    pub fn shape(&self) -> Shape {
        match self.kind {
            InputKind::Number => Shape::Vector(1),
            InputKind::Vector { length } => Shape::Vector(length),
            InputKind::Image { height, width, channels, scale: _ } => Shape::Image { height, width, channels },
        }
    }
}

impl Specification {
    /// What the first layer gets: the only input, or else all inputs, one after another, as a vector.
    pub fn input_shape(&self) -> Shape {
        input_shape(&self.inputs)
    }
}

pub(crate) fn input_shape(inputs: &[Input]) -> Shape {
    match inputs {
        [only] => only.shape(),
        several => Shape::Vector(several.iter().map(Input::values).sum()),
    }
}

impl Pattern {
    /// Whether a column's name matches; `*` stands for any text, and there is no other special character.
    pub fn matches(&self, name: &str) -> bool {
        let mut pieces = self.text.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        // Each piece at its first place leaves the most for those behind it.
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl Requirement {
    /// Whether it is measured on the answers of this output.
    pub fn is_about(&self, output: &Output) -> bool {
        self.output.as_ref() == Some(&output.name)
    }
}

impl Bound {
    /// Whether a figure meets the bound; NaN meets none.
    pub fn is_met_by(self, figure: f64) -> bool {
        match self {
            Bound::AtLeast(bound) => figure >= bound,
            Bound::AtMost(bound) => figure <= bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        let matches = |text: &str, name| Pattern { text: text.into(), place: Place::Nowhere }.matches(name);
        for (pattern, name, expected) in [
            ("p*", "p00", true),
            ("p*", "p", true),
            ("p*", "q0", false),
            ("p", "p", true),
            ("p", "pp", false),
            ("*", "", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("*x*", "axb", true),
            ("a.c", "abc", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn no_bound_is_met_by_nan() {
        assert!(Bound::AtLeast(0.5).is_met_by(0.5) && Bound::AtMost(0.5).is_met_by(0.5));
        assert!(!Bound::AtLeast(0.5).is_met_by(f64::NAN) && !Bound::AtMost(0.5).is_met_by(f64::NAN));
    }
}
