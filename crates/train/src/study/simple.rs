//! What the simplest methods reach, before anything is searched for: a contract is proposed from it.

use std::path::Path;

use tacit_baseline::Method;
use tacit_data::propose::{BaselineFigure, ProposedRequirement};
use tacit_data::random::SplitMix64;
use tacit_data::{Parts, ReadOptions, data_files, labels_file, read, split};
use tacit_spec::{Specification, SplitMethod};

use crate::error::Result;
use crate::metrics::{Figure, value};
use crate::prepare::prepare;

use super::rivals::rivals_of;

/// Reads the data of a specification whose manifest lies in `folder`, and measures what a constant answer and a linear
/// model reach by the figures of some requirements. The test part stays closed: where the others are few, each fifth of
/// them is answered by models of the rest, else the validation part by models of the training part. Values that memory
/// has no room for are kept at `spool` meanwhile.
///
/// # Errors
/// The diagnostics of the data.
pub fn simple_figures(
    specification: &Specification,
    folder: &Path,
    spool: &Path,
    requirements: &[ProposedRequirement],
) -> Result<Vec<BaselineFigure>> {
    let options = ReadOptions {
        files: data_files(specification, folder),
        labels: labels_file(specification, folder),
        spool: spool.to_owned(),
        rejects: None,
    };
    let mut dataset = read(specification, &options)?;
    let parts = split(&dataset, specification)?;
    let mut prepared = prepare(specification, &mut dataset, &parts)?;
    let mut sums: Vec<Sum> = requirements.iter().map(|_| Sum::default()).collect();
    for (training, measured) in folds(specification, &parts) {
        prepared.training = training;
        let measured = Parts { test: measured, ..parts.clone() };
        let fitted = rivals_of(specification, &dataset, &measured, &prepared, &[Method::Constant, Method::Linear])?;
        for (requirement, sum) in requirements.iter().zip(&mut sums) {
            let is_meant = |rivals: &&super::Rivals| specification.outputs[rivals.output].name == requirement.output;
            let Some([constant, linear]) = fitted.iter().find(is_meant).map(|found| &found.rivals[..]) else {
                continue;
            };
            let of = |rival: &super::Rival| value(Figure::from(requirement.metric), &rival.answers);
            sum.add(of(constant), of(linear), measured.test.len());
        }
    }
    let figure = |(requirement, sum): (&ProposedRequirement, &Sum)| BaselineFigure {
        output: requirement.output.clone(),
        metric: requirement.metric,
        constant: sum.constant / sum.rows as f64,
        linear: sum.linear / sum.rows as f64,
        rows: sum.rows,
    };
    Ok(requirements.iter().zip(&sums).filter(|(_, sum)| sum.rows > 0).map(figure).collect())
}

/// Figures of several folds, weighted by their rows.
#[derive(Default)]
struct Sum {
    constant: f64,
    linear: f64,
    rows: usize,
}

impl Sum {
    /// A fold in which a figure is not defined, because it has rows of one class only, say, does not count.
    fn add(&mut self, constant: f64, linear: f64, rows: usize) {
        if constant.is_finite() && linear.is_finite() {
            self.constant += constant * rows as f64;
            self.linear += linear * rows as f64;
            self.rows += rows;
        }
    }
}

/// Rows to learn from and rows to measure on, some times over.
fn folds(specification: &Specification, parts: &Parts) -> Vec<(Vec<usize>, Vec<usize>)> {
    const FOLDS: usize = 5;
    const ROWS_MAX: usize = 2000;
    let may_mix = matches!(specification.data.split.method, SplitMethod::Stratified | SplitMethod::Random);
    if !may_mix || parts.training.len() + parts.validation.len() > ROWS_MAX {
        return vec![(parts.training.clone(), parts.validation.clone())];
    }
    let mut rows = [parts.training.as_slice(), &parts.validation].concat();
    rows.sort_unstable();
    // A random order, so that no fold follows what the order of the file means.
    SplitMix64::new(specification.data.split.seed).shuffle(&mut rows);
    let fold = |number: usize| {
        let place = |kept: bool| {
            let of = rows.iter().enumerate().filter(move |(place, _)| (place % FOLDS == number) != kept);
            of.map(|(_, row)| *row).collect()
        };
        (place(true), place(false))
    };
    (0..FOLDS).map(fold).collect()
}
