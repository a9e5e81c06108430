//! What simpler methods reach on the same rows, so that "better than you" is shown or its absence is.
//!
//! [`fit_all`] fits five methods to the training rows of a [`Problem`] and predicts its test rows with each:
//!
//! | method | what it is |
//! |---|---|
//! | constant | the mean number, or how frequent each class or label is |
//! | linear | ridge or logistic regression over standardised numbers and one-hot categories |
//! | nearest neighbours | the mean of the closest training rows |
//! | tree | one small decision tree that a person can read |
//! | boosted trees | gradient boosting: on tables the opponent to take seriously |
//!
//! Predictions have the same bits on every machine: everything runs on one thread in a fixed order, random choices
//! follow from row numbers, and exp and log come from `libm` in source form. Large data is reduced by the rules in
//! [`limits`]. The program of `[baseline]` in a manifest is run by [`command`], and only if the caller says so.
//!
//! All five methods are the project's own, about as long together as the code that would adapt libraries to columns with
//! missing values and categories. `boosted.rs` and `linear.rs` say which libraries were looked at and why they stay out.

mod bins;
mod boosted;
mod choose;
pub mod command;
mod encode;
mod error;
mod grow;
pub mod limits;
mod linear;
mod neighbours;
mod problem;
mod table;
mod targets;
mod tree;
#[cfg(test)]
mod vectors;

use std::time::Instant;

pub use error::{CODES, CodedError};
pub use problem::{Image, Kind, Matrix, Problem, Task};

use choose::{Choice, choose};
use table::{Columns, Table};
use targets::Targets;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Constant,
    Linear,
    NearestNeighbours,
    Tree,
    BoostedTrees,
}

impl Method {
    /// From the simplest on.
    pub const ALL: [Method; 5] =
        [Method::Constant, Method::Linear, Method::NearestNeighbours, Method::Tree, Method::BoostedTrees];

    pub fn name(self) -> &'static str {
        match self {
            Method::Constant => "constant",
            Method::Linear => "linear",
            Method::NearestNeighbours => "nearest-neighbours",
            Method::Tree => "tree",
            Method::BoostedTrees => "boosted-trees",
        }
    }
}

/// A method fitted to training rows, with what it predicts for the test rows.
#[derive(Clone, Debug)]
pub struct Baseline {
    pub method: Method,
    /// (test rows, [`Task::outputs`]): the probability of each class, which add up to 1, or of each label; or the number.
    pub predictions: Vec<f32>,
    /// Four for every number that predicting takes: weights, thresholds, columns and children of splits, stored rows.
    pub size_bytes: u64,
    /// Training rows that it was fitted to; fewer than there are where data is large.
    pub fitted_rows: usize,
    /// Columns that it was fitted to; fewer than there are where images are large.
    pub fitted_columns: usize,
    /// What was chosen while fitting, such as `9 neighbours`; empty where nothing was.
    pub choice: String,
    /// By the clock; no other figure depends on it.
    pub fit_seconds: f64,
    outputs: usize,
    columns: Columns,
    model: Model,
}

#[derive(Clone, Debug)]
enum Model {
    Constant(Vec<f32>),
    Linear(linear::Linear),
    Neighbours(neighbours::Neighbours),
    Tree(tree::Decision),
    Boosted(boosted::Boosted),
}

/// How columns, categories and outputs are called, for text.
pub struct Names<'a> {
    pub column: &'a dyn Fn(usize) -> String,
    /// Of a column and a category in it.
    pub category: &'a dyn Fn(usize, usize) -> String,
    /// Of a prediction with its numbers.
    pub answer: &'a dyn Fn(&[f32]) -> String,
}

/// Fits every method, in the order of [`Method::ALL`].
///
/// # Errors
/// E0601, see [`Problem::check`].
pub fn fit_all(problem: &Problem) -> Result<Vec<Baseline>, CodedError> {
    fit_each(problem, &Method::ALL)
}

/// Fits some methods, in their order.
///
/// # Errors
/// E0601, see [`Problem::check`].
pub fn fit_each(problem: &Problem, methods: &[Method]) -> Result<Vec<Baseline>, CodedError> {
    problem.check()?;
    let prepared = Prepared::new(problem);
    Ok(methods.iter().map(|method| prepared.fit(problem, *method)).collect())
}

/// Fits one method.
///
/// # Errors
/// E0601, see [`Problem::check`].
pub fn fit(problem: &Problem, method: Method) -> Result<Baseline, CodedError> {
    problem.check()?;
    Ok(Prepared::new(problem).fit(problem, method))
}

impl Baseline {
    /// The prediction for one row of the problem's columns, [`Task::outputs`] numbers.
    ///
    /// # Panics
    /// If the row has another number of columns than the problem.
    pub fn predict_row(&self, row: &[f32]) -> Vec<f32> {
        let kinds = vec![Kind::Numeric; row.len()];
        self.predict(&Matrix { rows: 1, columns: row.len(), values: row, kinds: &kinds })
    }

    /// Predictions for rows of the problem's columns, (rows, [`Task::outputs`]).
    ///
    /// # Panics
    /// If the rows have another number of columns than the problem.
    pub fn predict(&self, matrix: &Matrix) -> Vec<f32> {
        self.model.predict(&self.columns.table(matrix), self.outputs)
    }

    /// The median time to predict a single one of the first test rows by itself, in seconds; NaN if there is none.
    pub fn seconds_per_row(&self, test: &Matrix) -> f64 {
        const ROWS: usize = 101;
        let rows = test.values.chunks_exact(test.columns).take(ROWS);
        let mut seconds: Vec<f64> = rows
            .map(|row| {
                let start = Instant::now();
                std::hint::black_box(self.predict_row(std::hint::black_box(row)));
                start.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_unstable_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// What it has learnt, where that can be read: the tree.
    pub fn text(&self, names: &Names) -> Option<String> {
        match &self.model {
            Model::Tree(tree) => Some(tree.text(&self.columns, names)),
            Model::Constant(_) | Model::Linear(_) | Model::Neighbours(_) | Model::Boosted(_) => None,
        }
    }
}

impl Model {
    fn predict(&self, table: &Table, outputs: usize) -> Vec<f32> {
        let mut predictions = vec![0.0; table.rows * outputs];
        match self {
            Model::Constant(constant) => predictions = constant.repeat(table.rows),
            Model::Linear(linear) => linear.predict(table, &mut predictions),
            Model::Neighbours(neighbours) => neighbours.predict(table, &mut predictions),
            Model::Tree(tree) => tree.predict(table, &mut predictions),
            Model::Boosted(boosted) => boosted.predict(table, &mut predictions),
        }
        predictions
    }

    fn stored_numbers(&self) -> usize {
        match self {
            Model::Constant(constant) => constant.len(),
            Model::Linear(linear) => linear.stored_numbers(),
            Model::Neighbours(neighbours) => neighbours.stored_numbers(),
            Model::Tree(tree) => tree.stored_numbers(),
            Model::Boosted(boosted) => boosted.stored_numbers(),
        }
    }

    fn choice(&self) -> String {
        let counted = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        match self {
            Model::Constant(_) | Model::Linear(_) => String::new(),
            Model::Neighbours(neighbours) => counted(neighbours.count(), "neighbour", "neighbours"),
            Model::Tree(tree) => counted(tree.leaves(), "leaf", "leaves"),
            Model::Boosted(boosted) => counted(boosted.rounds(), "round", "rounds"),
        }
    }
}

/// What all methods share.
struct Prepared {
    columns: Columns,
    training: Table,
    test: Table,
    targets: Targets,
}

impl Prepared {
    fn new(problem: &Problem) -> Prepared {
        let columns = Columns::new(problem);
        let training = columns.table(&problem.training);
        let test = columns.table(&problem.test);
        Prepared { columns, training, test, targets: Targets::new(&problem.task) }
    }

    fn fit(&self, problem: &Problem, method: Method) -> Baseline {
        let start = Instant::now();
        let rows = choose(self.training.rows, limits::rows(method, problem), Choice::Subsample, 0);
        let model = match method {
            // It takes all rows and no column, so none is copied.
            Method::Constant => {
                Model::Constant(self.targets.frequencies().into_iter().map(|frequency| frequency as f32).collect())
            }
            Method::Linear => Model::Linear(linear::fit(&self.training.select(&rows), &self.targets.select(&rows))),
            Method::NearestNeighbours => {
                Model::Neighbours(neighbours::fit(&self.training.select(&rows), self.targets.select(&rows)))
            }
            Method::Tree => Model::Tree(tree::fit(&self.training.select(&rows), &self.targets.select(&rows))),
            Method::BoostedTrees => {
                Model::Boosted(boosted::fit(&self.training.select(&rows), &self.targets.select(&rows)))
            }
        };
        let fit_seconds = start.elapsed().as_secs_f64();
        let outputs = self.targets.outputs();
        Baseline {
            method,
            predictions: model.predict(&self.test, outputs),
            size_bytes: 4 * model.stored_numbers() as u64,
            fitted_rows: rows.len(),
            fitted_columns: self.training.columns(),
            choice: model.choice(),
            fit_seconds,
            outputs,
            columns: self.columns.clone(),
            model,
        }
    }
}
