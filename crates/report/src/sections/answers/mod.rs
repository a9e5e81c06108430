//! The program's answers beside the right ones, in the way that fits their kind.

mod anomaly;
mod category;
mod confusion;
mod labels;
mod number;

pub use anomaly::{AnomalyAnswers, ScoreGroup};
pub use category::{CategoryAnswers, ClassFigures, RateCurve, Reliability, ReliabilityBin};
pub use confusion::{Confused, Confusion};
pub use labels::{LabelFigures, LabelsAnswers};
pub use number::{Density, NumberAnswers, Scatter};
pub(crate) use number::{bin_tip, histogram_table};

use serde::{Deserialize, Serialize};

use crate::element::Section;

/// The answers of one output on the test rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The name of the output.
    pub name: String,
    pub answers: Answers,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// One of several classes.
    Category(CategoryAnswers),
    /// A number.
    Number(NumberAnswers),
    /// Any of several labels at once.
    Labels(LabelsAnswers),
    /// A score of how unusual an input is.
    Anomaly(AnomalyAnswers),
}

/// A section for each output; `number` tells the anchors of several apart.
pub(crate) fn draw(output: &Output, number: usize) -> Option<Section> {
    let (lead, body) = match &output.answers {
        Answers::Category(answers) => category::draw(answers)?,
        Answers::Number(answers) => number::draw(answers)?,
        Answers::Labels(answers) => labels::draw(answers)?,
        Answers::Anomaly(answers) => anomaly::draw(answers)?,
    };
    let id = if number == 0 { "answers".to_owned() } else { format!("answers-{}", number + 1) };
    let title = match output.name.is_empty() {
        true => "Answers".to_owned(),
        false => format!("Answers: {}", output.name),
    };
    Some(Section { id, title, lead, body })
}
