//! What can be learnt about a finished program on its data: which inputs matter and how, what simpler methods reach on
//! the same rows, and whether more data would help.
//!
//! Figures are of the test part. Everything here follows from the program, the data and the seed; only what a rival's
//! clock says does not.

mod effects;
mod importance;
mod learning_curve;
mod rivals;
mod simple;

pub use effects::{Effect, EffectShape, effects};
pub use importance::{Importance, REPEATS, importance};
pub use learning_curve::{LearningCurve, LearningPoint, learning_curve};
pub use rivals::{CommandRun, Rival, Rivals, better_by, command, rivals};
pub use simple::simple_figures;

use tacit_spec::Metric;
use tacit_spec::metric::Better;

use crate::metrics::{Answers, Figure, usual_metrics};

/// The figure that programs of this kind are compared by: what most people would ask for first.
pub fn main_figure(answers: &Answers) -> Figure {
    match answers {
        Answers::Category { classes: 2, .. } | Answers::Anomaly { .. } => Figure::from(Metric::Auroc),
        Answers::Category { .. } => Figure::from(Metric::Accuracy),
        Answers::Labels { .. } => Figure::from(Metric::MacroF1),
        Answers::Number { .. } => Figure::from(Metric::RSquared),
    }
}

/// The figures that a program and its rivals are shown by: the main one first, then the usual ones.
pub fn compared_figures(answers: &Answers) -> Vec<Figure> {
    let main = main_figure(answers);
    let usual = usual_metrics(answers).iter().copied().map(Figure::from).filter(|figure| *figure != main);
    std::iter::once(main).chain(usual).collect()
}

/// By how much a figure is worse than another: positive if it is.
fn worse_by(metric: Metric, figure: f64, than: f64) -> f64 {
    match metric.definition().better {
        Better::Higher | Better::Neither => than - figure,
        Better::Lower => figure - than,
    }
}

/// At most `count` of the rows, spread evenly over all.
fn spread(rows: &[usize], count: usize) -> Vec<usize> {
    let step = rows.len().div_ceil(count.max(1)).max(1);
    rows.iter().copied().step_by(step).collect()
}
