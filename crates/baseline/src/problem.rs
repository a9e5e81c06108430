//! What a baseline is fitted to: matrices of numbers and categories, and what is to be told from them.

use crate::error::{CodedError, PROBLEM};

/// Examples to fit a baseline to, and rows whose outputs it predicts.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    pub training: Matrix<'a>,
    /// Rows with the columns of `training`. What is true of them stays with the caller.
    pub test: Matrix<'a>,
    pub task: Task<'a>,
    /// The columns that are pixels. Large images are averaged in blocks; see [`crate::limits`].
    pub images: &'a [Image],
}

/// Rows of columns. A missing value is NaN, and so is a category that the training rows do not name.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    pub rows: usize,
    pub columns: usize,
    /// (rows, columns), row-major.
    pub values: &'a [f32],
    /// What each column holds.
    pub kinds: &'a [Kind],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Numeric,
    /// The integers 0 to `count` − 1 name categories without an order.
    Category {
        count: usize,
    },
}

/// The columns `first..first + height * width * channels` are an image, channels-last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    pub first: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

/// The output and its true values in the training rows.
#[derive(Clone, Copy, Debug)]
pub enum Task<'a> {
    /// One of `classes`, at least two: the number of its class for every row.
    Category {
        classes: usize,
        training: &'a [i32],
    },
    Number {
        training: &'a [f32],
    },
    /// Several labels at once: for every row and label whether it applies, (rows, labels). Each label is a problem of
    /// two classes.
    Labels {
        labels: usize,
        training: &'a [bool],
    },
}

impl Task<'_> {
    /// Numbers that a prediction has: a probability for each class or label, or the one number.
    pub fn outputs(&self) -> usize {
        match self {
            Task::Category { classes, .. } => *classes,
            Task::Number { .. } => 1,
            Task::Labels { labels, .. } => *labels,
        }
    }
}

impl Problem<'_> {
    /// # Errors
    /// E0601: no training rows, sizes that do not fit together, values that their columns cannot hold.
    pub fn check(&self) -> Result<(), CodedError> {
        let error = |message: String| Err(CodedError::new(PROBLEM, message));
        if self.training.rows == 0 {
            return error("there are no training rows to fit a baseline to".into());
        }
        self.training.check("training")?;
        self.test.check("test")?;
        if self.training.kinds != self.test.kinds {
            return error("the columns of the training and the test rows differ".into());
        }
        let mut pixels = vec![false; self.training.columns];
        for image in self.images {
            let count = [image.width, image.channels].iter().try_fold(image.height, |n, side| n.checked_mul(*side));
            let range = count.and_then(|count| Some(image.first..image.first.checked_add(count)?));
            let Some(columns) = range.and_then(|range| pixels.get_mut(range)) else {
                return error(format!("the image from column {} on has more pixels than columns remain", image.first));
            };
            if columns.is_empty() || columns.iter().any(|taken| *taken) {
                return error(format!("the image from column {} on is empty or overlaps another", image.first));
            }
            columns.fill(true);
        }
        let categories = |(kind, pixel): (&Kind, &bool)| *pixel && *kind != Kind::Numeric;
        if let Some(column) = self.training.kinds.iter().zip(&pixels).position(categories) {
            return error(format!("column {column} is a pixel, but holds categories"));
        }
        self.check_task()
    }

    fn check_task(&self) -> Result<(), CodedError> {
        let rows = self.training.rows;
        let error = |message: String| Err(CodedError::new(PROBLEM, message));
        let (values, expected) = match self.task {
            Task::Category { training, .. } => (training.len(), Some(rows)),
            Task::Number { training } => (training.len(), Some(rows)),
            Task::Labels { labels, training } => (training.len(), rows.checked_mul(labels)),
        };
        if Some(values) != expected {
            return error(format!("there are {values} outputs for {rows} training rows"));
        }
        match self.task {
            Task::Category { classes, .. } if classes < 2 => {
                error(format!("the output has {classes} class(es), so there is nothing to tell apart"))
            }
            Task::Category { classes, training } => {
                match training.iter().position(|class| usize::try_from(*class).map_or(true, |class| class >= classes)) {
                    Some(row) => error(format!("row {row} has the class {}, of {classes} classes", training[row])),
                    None => Ok(()),
                }
            }
            Task::Number { training } => match training.iter().position(|number| !number.is_finite()) {
                Some(row) => error(format!("the output of row {row} is {}, not a finite number", training[row])),
                None => Ok(()),
            },
            Task::Labels { labels: 0, .. } => error("the output has no labels".into()),
            Task::Labels { .. } => Ok(()),
        }
    }
}

impl Matrix<'_> {
    fn check(&self, name: &str) -> Result<(), CodedError> {
        let error = |message: String| Err(CodedError::new(PROBLEM, message));
        let Matrix { rows, columns, values, kinds } = *self;
        if kinds.len() != columns || rows.checked_mul(columns) != Some(values.len()) {
            return error(format!("the {name} matrix of {rows} × {columns} has {} values", values.len()));
        }
        if columns == 0 {
            return error("there are no columns to predict from".into());
        }
        if rows > u32::MAX as usize {
            return error(format!("{rows} {name} rows are more than a baseline can number"));
        }
        for (row, line) in values.chunks_exact(columns).enumerate() {
            for (column, (value, kind)) in line.iter().zip(kinds).enumerate() {
                if !value.is_nan() && !kind.holds(*value) {
                    let what = match kind {
                        Kind::Numeric => "not a finite number".into(),
                        Kind::Category { count } => format!("none of its {count} categories"),
                    };
                    return error(format!("{name} row {row}, column {column}: {value} is {what}"));
                }
            }
        }
        Ok(())
    }
}

impl Kind {
    fn holds(self, value: f32) -> bool {
        match self {
            Kind::Numeric => value.is_finite(),
            // From 2²⁴ on f32 does not hold every integer, so no category can be told by it.
            Kind::Category { count } => value >= 0.0 && value.fract() == 0.0 && (value as usize) < count.min(1 << 24),
        }
    }

    /// The category that a value names; none if it is missing or unknown. Of numbers there is none.
    pub(crate) fn category(self, value: f32) -> Option<usize> {
        match self {
            Kind::Numeric => None,
            Kind::Category { .. } => self.holds(value).then_some(value as usize),
        }
    }
}
