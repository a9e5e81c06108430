//! What goes into a program and what comes out, as it stands in the artifact.

use serde::{Deserialize, Serialize};
use tacit_ir::types::DType;
use tacit_ir::{Graph, Op, ValueId};
use tacit_spec::{Columns, DateFormat, Input, InputKind, Missing, Output, OutputKind, Pattern, Place, Specification};

use crate::error::{self, CodedError};
use crate::graphs::extents;
use crate::prepare::{Coverage, mean};

/// What goes into a program and what comes out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    pub inputs: Vec<InputInterface>,
    pub outputs: Vec<OutputInterface>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputInterface {
    /// The name of the graph's input.
    pub name: String,
    #[serde(rename = "type")]
    pub kind: InputType,
    /// The shape of one example; an image is height, width, channels.
    pub shape: Vec<usize>,
    /// The columns of a table that hold the values, row-major; one for pictures and lists.
    pub columns: Vec<String>,
    /// The labels of a category from position 1 on (0 is any other, and the empty one is a missing one), the levels of an
    /// ordinal input from position 0 on.
    pub labels: Vec<String>,
    /// How a date is written; none for ISO 8601.
    pub format: Option<String>,
    /// The raw value of an image's full brightness.
    pub scale: Option<f64>,
    /// Whether a value may be missing.
    pub missing_allowed: bool,
    /// What the training rows cover.
    pub coverage: CoverageRecord,
}

/// The type of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputType {
    Number,
    Category,
    Ordinal,
    Date,
    Vector,
    Image,
}

/// See [`Coverage`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageRecord {
    /// The least and the greatest value of each column; of the mean brightness of an image.
    pub range: Vec<[f32; 2]>,
    /// Whether any value is missing in them.
    pub missing: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputInterface {
    /// The name of the graph's output.
    pub name: String,
    #[serde(rename = "type")]
    pub kind: OutputType,
    /// The classes or labels in the order of the probabilities.
    pub labels: Vec<String>,
    /// The columns of the right answers.
    pub columns: Vec<String>,
    /// The score above which an example is called an anomaly.
    pub threshold: Option<f32>,
}

/// The type of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputType {
    Category,
    Labels,
    Number,
    Anomaly,
}

impl InputInterface {
    /// The interface of an input whose columns, labels and coverage are known.
    pub fn of(input: &Input, columns: &[String], labels: &[String], coverage: &Coverage) -> InputInterface {
        let (kind, labels, format, scale) = match &input.kind {
            InputKind::Number { .. } => (InputType::Number, Vec::new(), None, None),
            InputKind::Category { .. } => (InputType::Category, labels.to_vec(), None, None),
            InputKind::Ordinal { levels, .. } => (InputType::Ordinal, levels.clone(), None, None),
            InputKind::Date { format } => {
                let format = match format {
                    DateFormat::Iso => None,
                    DateFormat::Pattern(pattern) => Some(pattern.clone()),
                };
                (InputType::Date, Vec::new(), format, None)
            }
            InputKind::Vector { .. } => (InputType::Vector, Vec::new(), None, None),
            InputKind::Image { scale, .. } => (InputType::Image, Vec::new(), None, *scale),
        };
        InputInterface {
            name: input.name.clone(),
            kind,
            shape: extents(input.shape()),
            columns: columns.to_vec(),
            labels,
            format,
            scale,
            missing_allowed: input.missing != Missing::Refuse,
            coverage: CoverageRecord { range: coverage.range.clone(), missing: coverage.missing },
        }
    }

    /// As much of the specification's input as reading rows takes.
    pub fn input(&self) -> Input {
        let kind = match (self.kind, &self.shape[..]) {
            (InputType::Number, _) => InputKind::Number { encoding: None },
            (InputType::Category, _) => InputKind::Category { labels: Some(self.labels.clone()), rows_min: 1 },
            (InputType::Ordinal, _) => InputKind::Ordinal { levels: self.labels.clone(), encoding: None },
            (InputType::Date, _) => {
                InputKind::Date { format: self.format.clone().map_or(DateFormat::Iso, DateFormat::Pattern) }
            }
            (InputType::Image, [height, width, channels]) => {
                InputKind::Image { height: *height, width: *width, channels: *channels, scale: self.scale }
            }
            (InputType::Vector | InputType::Image, shape) => {
                InputKind::Vector { length: shape.iter().product(), encoding: None }
            }
        };
        let missing = match (self.missing_allowed, self.kind) {
            (false, _) => Missing::Refuse,
            (true, InputType::Category) => Missing::Label,
            (true, _) => Missing::Mean,
        };
        let pattern = |text: &String| Pattern { text: text.clone(), place: Place::Nowhere };
        let columns = Columns { patterns: self.columns.iter().map(pattern).collect(), place: Place::Nowhere };
        Input { name: self.name.clone(), kind, columns, missing }
    }

    /// The number of values of one example.
    pub fn values(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it is an image in one column.
    pub fn takes_pictures(&self) -> bool {
        self.kind == InputType::Image && self.columns.len() == 1
    }

    /// Whether an example's values lie outside of what the training rows covered: a number beyond their range, a label
    /// that none of them has, a missing value where none was missing, an image darker or brighter than all.
    pub fn is_outside(&self, values: &[f32]) -> bool {
        let beyond = |value: f32, range: &[f32; 2]| match value.is_nan() {
            true => !self.coverage.missing,
            false => value < range[0] || value > range[1],
        };
        match self.kind {
            InputType::Category => values.first().is_some_and(|position| match *position as usize {
                0 => true,
                position => {
                    let is_missing = self.labels.get(position - 1).is_some_and(String::is_empty);
                    is_missing && !self.coverage.missing
                }
            }),
            InputType::Image => self.coverage.range.first().is_some_and(|range| beyond(mean(values), range)),
            InputType::Number | InputType::Ordinal | InputType::Vector => {
                values.iter().zip(&self.coverage.range).any(|(value, range)| beyond(*value, range))
            }
            InputType::Date => {
                values.first().zip(self.coverage.range.first()).is_some_and(|(value, range)| beyond(*value, range))
            }
        }
    }
}

impl OutputInterface {
    /// The interface of an output whose labels are known.
    pub fn of(output: &Output, columns: &[String], labels: &[String], threshold: Option<f32>) -> OutputInterface {
        let kind = match output.kind {
            OutputKind::Category { .. } => OutputType::Category,
            OutputKind::Labels { .. } => OutputType::Labels,
            OutputKind::Number => OutputType::Number,
            OutputKind::Anomaly { .. } => OutputType::Anomaly,
        };
        OutputInterface {
            name: output.name.clone(),
            kind,
            labels: labels.to_vec(),
            columns: columns.to_vec(),
            threshold,
        }
    }

    /// The numbers of one answer.
    pub fn values(&self) -> usize {
        match self.kind {
            OutputType::Category | OutputType::Labels => self.labels.len(),
            OutputType::Number | OutputType::Anomaly => 1,
        }
    }
}

impl Interface {
    /// Lets a specification, read from the same manifest again, mean the same labels in the same order.
    pub fn fix(&self, specification: &mut Specification) {
        for (input, fixed) in specification.inputs.iter_mut().zip(&self.inputs) {
            if let InputKind::Category { labels, .. } = &mut input.kind {
                *labels = Some(fixed.labels.clone());
            }
        }
        for (output, fixed) in specification.outputs.iter_mut().zip(&self.outputs) {
            match &mut output.kind {
                OutputKind::Category { classes } => *classes = Some(fixed.labels.clone()),
                OutputKind::Labels { labels, separator: Some(_) } => *labels = Some(fixed.labels.clone()),
                OutputKind::Labels { separator: None, .. } | OutputKind::Number | OutputKind::Anomaly { .. } => {}
            }
        }
    }

    /// Checks that the interface is that of a program.
    ///
    /// # Errors
    /// `E0304`.
    pub fn check(&self, graph: &Graph) -> Result<(), CodedError> {
        let broken = |what: String| Err(CodedError::new(error::CONTENTS, what));
        for input in &self.inputs {
            let found = graph.leaf(&input.name).filter(|v| {
                let ty = graph.ty(*v);
                matches!(graph.instruction(*v).op, Op::Input { .. })
                    && ty.dtype == DType::F32
                    && ty.shape == input.shape
                    && (ty.elements() == input.columns.len() || input.columns.len() == 1)
            });
            if found.is_none() {
                return broken(format!("the program has no input `{}` of the interface's shape", input.name));
            }
            let fits = match (input.kind, &input.shape[..]) {
                (InputType::Number | InputType::Category | InputType::Ordinal, [1]) => true,
                (InputType::Date, [values]) => *values == tacit_spec::DATE_VALUES,
                (InputType::Vector, [length]) => *length > 0,
                (InputType::Image, [_, _, _]) => input.values() > 0,
                (
                    InputType::Number
                    | InputType::Category
                    | InputType::Ordinal
                    | InputType::Date
                    | InputType::Vector
                    | InputType::Image,
                    _,
                ) => false,
            };
            if !fits || input.columns.is_empty() {
                return broken(format!("the input `{}` does not have the shape of its type", input.name));
            }
        }
        let is_input = |v: &ValueId| matches!(graph.instruction(*v).op, Op::Input { .. });
        if graph.values().filter(is_input).count() != self.inputs.len() {
            return broken("the interface does not name every input of the program once".into());
        }
        if self.outputs.is_empty() || graph.outputs().len() != self.outputs.len() {
            return broken("the interface does not name every output of the program once".into());
        }
        for output in &self.outputs {
            let Some(value) = graph.output(&output.name) else {
                return broken(format!("the program has no output `{}`", output.name));
            };
            let ty = graph.ty(value);
            if ty.dtype != DType::F32 || ty.elements() != output.values() || output.values() == 0 {
                return broken(format!("the output `{}` is {ty}", output.name));
            }
        }
        Ok(())
    }
}
