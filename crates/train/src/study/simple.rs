//! What the simplest methods reach, before anything is searched for: a contract is proposed from it.

use std::path::Path;

use tacit_baseline::Method;
use tacit_data::propose::{BaselineFigure, ProposedRequirement};
use tacit_data::{Parts, ReadOptions, data_files, labels_file, read, split};
use tacit_spec::Specification;

use crate::error::Result;
use crate::metrics::{Figure, value};
use crate::prepare::prepare;

use super::rivals::rivals_of;

/// Reads the data of a specification whose manifest lies in `folder`, and measures what a constant answer and a linear model
/// reach on its validation part, by the figures of some requirements. The test part stays closed. Values that memory has
/// no room for are kept at `spool` meanwhile.
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
    let prepared = prepare(specification, &mut dataset, &parts)?;
    let measured = Parts { test: parts.validation.clone(), ..parts };
    let fitted = rivals_of(specification, &dataset, &measured, &prepared, &[Method::Constant, Method::Linear])?;
    let mut figures = Vec::new();
    for rivals in &fitted {
        let [constant, linear] = &rivals.rivals[..] else { continue };
        let output = &specification.outputs[rivals.output].name;
        for requirement in requirements.iter().filter(|requirement| requirement.output == *output) {
            let of = |rival: &super::Rival| value(Figure::from(requirement.metric), &rival.answers);
            figures.push(BaselineFigure {
                output: output.clone(),
                metric: requirement.metric,
                constant: of(constant),
                linear: of(linear),
            });
        }
    }
    Ok(figures)
}
