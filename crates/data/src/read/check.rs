//! What can be told of the data only once all rows are read.

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Specification};

use crate::dataset::{Dataset, GROUPS_MAX, TargetValues};

use super::CLASSES_MAX;

/// What can be told only once all rows are read.
pub(super) fn check(specification: &Specification, dataset: &Dataset) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let name = &dataset.files[0].name;
    for (output, target) in specification.outputs.iter().zip(&dataset.targets) {
        let labels = match &target.values {
            TargetValues::Category { labels, .. } | TargetValues::Labels { labels, .. } => labels,
            TargetValues::Number(_) | TargetValues::Anomaly(_) => continue,
        };
        let column = output.column().map_or("", |column| column.text.as_str());
        let place = || output.columns.place.clone();
        if let ([only], TargetValues::Category { .. }) = (&labels[..], &target.values) {
            let message = format!("the column {} holds a single class, {}", quoted(column), quoted(only));
            let help = "choose the column that holds the right answers";
            diagnostics.push(Diagnostic::error(Code::OneClass, place(), message).help(help));
        }
        if labels.is_empty() {
            let message = format!("the column {} holds no label at all", quoted(column));
            let help = "choose the column that holds the right answers";
            diagnostics.push(Diagnostic::error(Code::OneClass, place(), message).help(help));
        }
        if labels.len() > CLASSES_MAX {
            let message =
                format!("the column {} has {} classes, more than {CLASSES_MAX}", quoted(column), labels.len());
            let help = "choose another column, or `type = \"number\"`";
            diagnostics.push(Diagnostic::error(Code::TooManyClasses, place(), message).help(help));
        }
        for requirement in specification.requirements.iter().filter(|requirement| requirement.is_about(output)) {
            if let Some(class) = requirement.class.as_ref().filter(|class| !labels.contains(class)) {
                let message =
                    format!("the column {} of {} has no label {}", quoted(column), quoted(name), quoted(class));
                let help = format!("the labels are {}", some_of(labels));
                diagnostics.push(Diagnostic::error(Code::UnknownClass, requirement.place.clone(), message).help(help));
            }
        }
    }
    for (requirement, rows) in specification.requirements.iter().zip(&dataset.requirement_rows) {
        if rows.selected.as_ref().is_some_and(|selected| !selected.contains(&true)) {
            let message = format!("this requirement's `where` selects no row of {}", quoted(name));
            let help = "write the value as it stands in the data";
            diagnostics.push(Diagnostic::error(Code::SliceEmpty, requirement.place.clone(), message).help(help));
        }
        let (Some(column), Some(groups)) = (&requirement.gap, &rows.groups) else { continue };
        let column = quoted(column);
        let message = match groups.labels.len() {
            1 => format!("the column {column} of {} holds a single value", quoted(name)),
            count if count > GROUPS_MAX => {
                format!("the column {column} of {} holds {count} values, more than {GROUPS_MAX}", quoted(name))
            }
            _ => continue,
        };
        let help = "name a column that divides the rows into a few groups";
        diagnostics.push(Diagnostic::error(Code::GapGroups, requirement.place.clone(), message).help(help));
    }
    diagnostics
}

/// The first few of many labels.
fn some_of(labels: &[String]) -> String {
    const SHOWN_MAX: usize = 10;
    let shown: Vec<String> = labels.iter().take(SHOWN_MAX).map(|label| quoted(label)).collect();
    let more = if labels.len() > SHOWN_MAX { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
