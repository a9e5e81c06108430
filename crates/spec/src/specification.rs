//! What a manifest says once it is checked: everything the rest of the tool needs to know of it.

use std::sync::Arc;

use crate::expression::Predicate;
use crate::layer::Layer;
use crate::metric::Metric;
use crate::report::{Place, Source};
use crate::shape::Shape;
use crate::skeleton::Preset;

/// A checked manifest. Every number is finite and in its range, every name is usable, layers fit their shapes, and the
/// goal and requirements fit the outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Specification {
    pub program: Program,
    /// In the order of the manifest; at least one.
    pub inputs: Vec<Input>,
    /// In the order of the manifest; at least one. An anomaly output stands alone.
    pub outputs: Vec<Output>,
    pub data: Data,
    pub augmentation: Augmentation,
    pub skeleton: Skeleton,
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
    pub convolutions: Convolutions,
    pub precision: Precision,
}

/// The numbers that the finished program computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// As the search does.
    F32,
    /// 8-bit integers, as far as they go (Jacob et al., arXiv:1712.05877).
    Int8 { calibration: Calibration, quantisation: Quantisation },
}

/// How the range of a value is chosen from what it was over training rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calibration {
    /// From the least to the greatest.
    MinMax,
    /// Without the outermost numbers.
    Percentile,
    /// The range with the least mean squared error of rounding and cutting off.
    Mse,
}

/// When a program becomes one of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantisation {
    /// After the search.
    After,
    /// After the search goes on for some steps in which numbers are rounded as the integers will round them.
    Aware,
}

/// How the finished program computes its convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convolutions {
    /// As the search does.
    Direct,
    /// 3×3 convolutions with fewer multiplications, where that is faster (Lavin and Gray, arXiv:1509.09308).
    Winograd,
}

/// An input of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub name: String,
    pub kind: InputKind,
    /// Where its values stand in the data.
    pub columns: Columns,
    pub missing: Missing,
}

/// The type of an input.
#[derive(Clone, Debug, PartialEq)]
pub enum InputKind {
    Number {
        encoding: Option<Encoding>,
    },
    /// One of several labels, learnt as a vector for each.
    Category {
        /// Those that the program tells apart; else those of the training part that are common enough.
        labels: Option<Vec<String>>,
        /// A label with fewer training rows is treated as one that was never seen.
        rows_min: u64,
    },
    /// One of several levels in a known order, learnt as a number.
    Ordinal {
        levels: Vec<String>,
        encoding: Option<Encoding>,
    },
    /// A day, or a moment: its distance, its place in the year, the week and the day.
    Date {
        format: DateFormat,
    },
    Vector {
        length: usize,
        encoding: Option<Encoding>,
    },
    /// Channels last. `scale` is the raw value of full brightness, by which the program divides.
    Image {
        height: usize,
        width: usize,
        channels: usize,
        scale: Option<f64>,
    },
}

/// How the numbers of an input become features; what is left out follows from the skeleton and the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Less the mean, divided by the deviation.
    Standard,
    /// Beside that, how far the number has come through each of several intervals that hold equally many training rows
    /// (Gorishniy, Rubachev and Babenko, arXiv:2203.05556, section 3.2).
    Piecewise { bins: Option<usize> },
}

/// What happens where a value is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Missing {
    /// The row is bad.
    Refuse,
    /// The mean of the training part takes its place, and a feature tells that it was missing.
    Mean,
    /// The median of the training part, likewise.
    Median,
    /// This value, likewise.
    Value(f64),
    /// Missing is a label of its own.
    Label,
}

/// How dates are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateFormat {
    /// `2026-11-25`, `2026-11-25T12:30:00Z`, and so on (ISO 8601).
    Iso,
    /// With the directives %Y %m %d %H %M %S, %y, %b and %j.
    Pattern(String),
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
    /// Where the right answers stand; several columns only for labels that have one each, none only for an anomaly.
    pub columns: Columns,
    /// Spellings of a label and what they stand for.
    pub aliases: Vec<(String, String)>,
    /// The share of this output's loss in the sum that is made small.
    pub weight: f64,
}

/// The type of an output.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputKind {
    /// One of several labels: those listed, or else those that the data holds.
    Category {
        classes: Option<Vec<String>>,
    },
    /// Any number of several labels at once: a column for each that holds 0 or 1, or one column that lists them.
    Labels {
        labels: Option<Vec<String>>,
        separator: Option<String>,
    },
    Number,
    /// How unlike the training rows an example is. A column, if there is one, tells which rows are anomalous.
    Anomaly {
        /// What the column holds for a row that is not.
        normal: Option<String>,
        /// The share of normal validation rows that lie above the threshold.
        share: f64,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The file or folder, relative to the folder of the manifest.
    pub source: DataFile,
    /// Files that hold a part of their own.
    pub validation: Option<DataFile>,
    pub test: Option<DataFile>,
    /// The labels of an idx file of pictures, if they lie under another name than usual.
    pub labels: Option<String>,
    pub dialect: Dialect,
    pub bad_rows: BadRows,
    /// Values beyond so many bytes are kept in a file and read while training.
    pub memory_bytes: u64,
    pub split: Split,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DataFile {
    pub path: String,
    /// Where the file is named in the manifest.
    pub place: Place,
}

/// How a table is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// What stands between cells, if the name of the file does not tell.
    pub delimiter: Option<char>,
    /// The names of the columns of a file that does not name them.
    pub columns: Option<Vec<String>>,
    /// What stands for a missing value, beside an empty cell.
    pub missing: Vec<String>,
}

/// What happens to rows that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRows {
    /// They are told, and nothing is built.
    Stop,
    /// They are written to a file beside the program, counted and told.
    SetAside,
}

/// How rows are divided. Shares are of all rows; what validation and test leave is for training.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    pub method: SplitMethod,
    pub validation: f64,
    pub test: f64,
    pub seed: u64,
    /// Where the split is given in the manifest.
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SplitMethod {
    /// At random, the shares of the classes kept.
    Stratified,
    /// At random.
    Random,
    /// At random, but rows that agree in this column stay together.
    Grouped { column: Pattern },
    /// In the order of this column: the latest for the test, those before for validation.
    Time { column: Pattern },
    /// This column names the part: `training` or `train`, `validation` or `valid`, `test`.
    Given { column: Pattern },
}

/// What is done to images while training, differently each time they are seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// Up to so many pixels up, down, left or right; what comes in is 0.
    pub shift_pixels: usize,
    /// Mirrored left to right every other time.
    pub flip: bool,
    /// A part of at least this share of the area, stretched to the whole.
    pub crop: Option<f64>,
    /// Up to so many degrees to either side.
    pub rotate_degrees: f64,
    /// A square with this side set to 0 (DeVries and Taylor, arXiv:1708.04552).
    pub cutout_pixels: usize,
    /// Two rows and their targets mixed, by a share from a beta distribution with this parameter for both (Zhang et al.,
    /// arXiv:1710.09412); 0 for none.
    pub mixup: f64,
}

/// Which part of program space is searched. The layers that make the outputs are not among its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Skeleton {
    pub body: Body,
    /// Programs that share their weights but for a few and answer together (Gorishniy, Kotelnikov and Babenko,
    /// arXiv:2410.24210); by the preset if it is left out.
    pub members: Option<usize>,
    /// Where `[skeleton]` stands in the manifest.
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Preset(Preset),
    Layers(Vec<Layer>),
}

/// What the search makes small: the sum over the outputs of their losses, weighted.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// One for each output.
    pub losses: Vec<Loss>,
    pub class_weights: ClassWeights,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// −Σ t·ln p, where the target t has 1 − smoothing on the right class and smoothing spread evenly over all classes;
    /// of several labels at once, the mean of −t·ln p − (1 − t)·ln(1 − p).
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

/// How the search goes about it. What is left out follows from the skeleton and the number of rows; see `defaults`.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    pub epochs: Option<u64>,
    /// Rows in one step.
    pub batch: Option<usize>,
    pub optimiser: Optimiser,
    /// The greatest learning rate of the schedule.
    pub learning_rate: LearningRate,
    pub weight_decay: Option<f64>,
    pub schedule: Option<Schedule>,
    /// Steps over which the learning rate rises from zero.
    pub warmup_steps: Option<u64>,
    /// The greatest norm of all gradients together.
    pub clip: Option<f64>,
    /// Epochs without a better validation loss until the run stops.
    pub patience_epochs: Option<u64>,
    /// The decay of a running average of the weights.
    pub average: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LearningRate {
    /// The usual one of the skeleton and the optimiser.
    Usual,
    /// Found by a range test (Smith, arXiv:1506.01186, section 3.3) before the search.
    RangeTest,
    Value(f64),
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
    /// The numbers that one example holds of this input, which is what the program is given.
    pub fn values(&self) -> usize {
        self.shape().values()
    }

    /// The shape of those numbers. A label or a level is its position in a list; a date is a day and a share of a day.
    pub fn shape(&self) -> Shape {
        match self.kind {
            InputKind::Number { .. } | InputKind::Category { .. } | InputKind::Ordinal { .. } => Shape::Vector(1),
            InputKind::Date { .. } => Shape::Vector(DATE_VALUES),
            InputKind::Vector { length, .. } => Shape::Vector(length),
            InputKind::Image { height, width, channels, scale: _ } => Shape::Image { height, width, channels },
        }
    }

    /// The word of the manifest for the type.
    pub fn type_name(&self) -> &'static str {
        self.kind.name()
    }
}

impl InputKind {
    /// The word of the manifest for the type.
    pub fn name(&self) -> &'static str {
        match self {
            InputKind::Number { .. } => "number",
            InputKind::Category { .. } => "category",
            InputKind::Ordinal { .. } => "ordinal",
            InputKind::Date { .. } => "date",
            InputKind::Vector { .. } => "vector",
            InputKind::Image { .. } => "image",
        }
    }
}

/// A date is given as days since 1970-01-01 and the share of the day that has passed.
pub const DATE_VALUES: usize = 2;

impl Output {
    /// The column of an output that has one; the first of those of several labels.
    pub fn column(&self) -> Option<&Pattern> {
        self.columns.patterns.first()
    }
}

impl Specification {
    /// What the first layer gets, as far as it is known before the data is: an image as it is, and else a vector, whose
    /// length follows from the data.
    pub fn input_shape(&self) -> Shape {
        input_shape(&self.inputs)
    }
}

/// Numbers for one feature are at least one, so a vector has at least the length given here.
pub(crate) fn input_shape(inputs: &[Input]) -> Shape {
    match inputs {
        [only] if matches!(only.kind, InputKind::Image { .. }) => only.shape(),
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
