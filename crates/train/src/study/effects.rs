//! How the answer follows one column (partial dependence: Friedman, "Greedy function approximation", 2001, section 8.2):
//! the mean answer over rows of the data in which the column is set to one value after another.

use tacit_data::fit::{quantile, sorted_values};
use tacit_data::{Dataset, Part, Parts};

use crate::error::Result;
use crate::evaluate::Evaluator;
use crate::interface::{InputType, Interface};
use crate::prepare::unreadable_spool;

use super::importance::answers_with;
use super::spread;

/// The effect of one column on one number of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub column: String,
    pub shape: EffectShape,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EffectShape {
    /// The value, the mean answer, and the range in which eight of ten answers lie.
    Numbers(Vec<(f64, f64, [f64; 2])>),
    /// The label or level, the mean answer, and that range.
    Labels(Vec<(String, f64, [f64; 2])>),
}

/// The places at which a column of numbers is looked at, and the most labels.
const POINTS: usize = 24;
/// The rows over which answers are averaged.
const ROWS_MAX: usize = 256;
/// The most columns of one vector that are shown.
const COLUMNS_MAX: usize = 64;

/// For each of `places` the effects of all columns that are no images on the number at this place of an output's answer.
///
/// # Errors
/// Values that are kept in a file cannot be read.
pub fn effects(
    evaluator: &mut Evaluator,
    interface: &Interface,
    dataset: &Dataset,
    parts: &Parts,
    output: usize,
    places: &[usize],
) -> Result<Vec<Vec<Effect>>> {
    let rows = spread(parts.rows(Part::Test), ROWS_MAX);
    let name = &dataset.targets[output].name;
    let position = evaluator.outputs().iter().position(|(output, _)| output == name);
    let position = position.expect("the program has every output");
    let width = evaluator.outputs()[position].1;
    let mut all = vec![Vec::new(); places.len()];
    for (index, input) in interface.inputs.iter().enumerate() {
        let values = &dataset.inputs[index];
        // The mean and the range of the numbers at each of the places.
        let mut answer_at = |column: usize, at: f32| -> Result<Vec<(f64, [f64; 2])>> {
            let given = answers_with(evaluator, dataset, &rows, position, |row, name, out| {
                let values = dataset.inputs.iter().find(|values| values.name == name);
                values.expect("the data has every input").store.gather(&[rows[row]], out)?;
                if name == input.name {
                    out[column] = at;
                }
                Ok(())
            })?;
            let at_place = |place: &usize| {
                let mut answers: Vec<f32> = given.chunks_exact(width).map(|answer| answer[*place]).collect();
                answers.sort_by(f32::total_cmp);
                let mean = answers.iter().map(|answer| f64::from(*answer)).sum::<f64>() / answers.len().max(1) as f64;
                (mean, [0.1, 0.9].map(|share| f64::from(quantile(&answers, share))))
            };
            Ok(places.iter().map(at_place).collect())
        };
        let first = u8::from(input.kind == InputType::Category);
        match input.kind {
            InputType::Image => {}
            InputType::Category | InputType::Ordinal => {
                let mut points = vec![Vec::new(); places.len()];
                for (position, label) in input.labels.iter().enumerate().take(POINTS) {
                    let found = answer_at(0, position as f32 + f32::from(first))?;
                    for (points, (mean, range)) in points.iter_mut().zip(found) {
                        points.push((label.clone(), mean, range));
                    }
                }
                for (all, points) in all.iter_mut().zip(points) {
                    all.push(Effect { column: input.name.clone(), shape: EffectShape::Labels(points) });
                }
            }
            InputType::Number | InputType::Vector | InputType::Date => {
                // A day's share of time alone has no effect that is worth a drawing.
                let columns = if input.kind == InputType::Date { 1 } else { input.values() };
                for column in 0..columns.min(COLUMNS_MAX) {
                    let sorted = sorted_values(values, &parts.training, column).map_err(unreadable_spool)?;
                    let mut looked_at: Vec<f32> =
                        (0..POINTS).map(|k| quantile(&sorted, k as f64 / (POINTS - 1) as f64)).collect();
                    looked_at.dedup();
                    let mut points = vec![Vec::new(); places.len()];
                    for at in looked_at {
                        for (points, (mean, range)) in points.iter_mut().zip(answer_at(column, at)?) {
                            points.push((f64::from(at), mean, range));
                        }
                    }
                    let name = if columns == 1 { &input.name } else { &input.columns[column] };
                    for (all, points) in all.iter_mut().zip(points) {
                        all.push(Effect { column: name.clone(), shape: EffectShape::Numbers(points) });
                    }
                }
            }
        }
    }
    Ok(all)
}
