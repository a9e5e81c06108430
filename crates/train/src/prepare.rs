//! Between the data and the graphs: what encoders know is fitted on the training rows, and every choice that the manifest
//! leaves open is made.

use tacit_data::fit::{bin_edges, quantile, sorted_values, statistics, use_vocabulary, vocabulary};
use tacit_data::{Dataset, InputValues, Parts, TargetValues};
use tacit_nn::{Bins, Block, Categories, Dates, Numbers, Raw, encoded_shape};
use tacit_spec::{
    Choices, Encoding, Facts, Input, InputKind, Layer, Missing, OutputKind, Shape, Specification, choices,
};

use crate::error::{self, CodedError, Failure, Result};

/// What follows from a specification and its data before anything is searched.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    pub facts: Facts,
    pub choices: Choices,
    /// The skeleton's layers, without those of the outputs.
    pub layers: Vec<Layer>,
    pub blocks: Vec<Block>,
    /// What the training rows cover, by input.
    pub coverage: Vec<Coverage>,
    /// The rows that are learnt from: the training part without what is known to be anomalous.
    pub training: Vec<usize>,
    /// The rows that choose: the validation part, likewise.
    pub validation: Vec<usize>,
}

/// What the training rows cover of one input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// The least and the greatest value of each column; of the mean brightness of an image.
    pub range: Vec<[f32; 2]>,
    /// Whether any value is missing in them.
    pub missing: bool,
}

/// Fits encoders on the training rows and makes the choices that are open. Labels in the data mean their positions in the
/// vocabulary from then on.
///
/// # Errors
/// A skeleton that does not fit the features, values in a file that cannot be read.
pub fn prepare(specification: &Specification, dataset: &mut Dataset, parts: &Parts) -> Result<Prepared> {
    let (training, validation) = (usual_rows(dataset, &parts.training), usual_rows(dataset, &parts.validation));
    let facts = facts(specification, dataset, training.len());
    let choices = choices(specification, &facts);
    let mut fitted = Fitted::default();
    let mut coverage = Vec::new();
    for (input, values) in specification.inputs.iter().zip(&mut dataset.inputs) {
        coverage.push(fitted.add(input, values, &training, &choices).map_err(unreadable_spool)?);
    }
    let moves = specification.outputs.iter().any(|output| matches!(output.kind, OutputKind::Anomaly { .. }));
    let blocks = fitted.blocks(&choices, !moves);
    let features = match encoded_shape(&blocks, choices.even_columns)[..] {
        [height, width, channels] => Shape::Image { height, width, channels },
        ref vector => Shape::Vector(vector.iter().product()),
    };
    let layers = tacit_spec::defaults::layers(specification, &facts, features)?;
    Ok(Prepared { facts, choices, layers, blocks, coverage, training, validation })
}

/// What values in a file that cannot be read mean for the search.
pub fn unreadable_spool(error: std::io::Error) -> Failure {
    let message = format!("values that are kept in a file cannot be read: {error}");
    CodedError::new(error::UNREADABLE, message).help("free space on the disk, or raise `memory` in `[data]`").into()
}

/// The rows that are not known to be anomalous.
fn usual_rows(dataset: &Dataset, rows: &[usize]) -> Vec<usize> {
    match &dataset.targets[0].values {
        TargetValues::Anomaly(Some(anomalous)) => rows.iter().copied().filter(|row| !anomalous[*row]).collect(),
        TargetValues::Anomaly(None)
        | TargetValues::Category { .. }
        | TargetValues::Labels { .. }
        | TargetValues::Number(_) => rows.to_vec(),
    }
}

fn facts(specification: &Specification, dataset: &Dataset, training_rows: usize) -> Facts {
    let (mut numbers, mut categories) = (0, 0);
    for input in &specification.inputs {
        match input.kind {
            InputKind::Number { .. } | InputKind::Ordinal { .. } | InputKind::Date { .. } => numbers += 1,
            InputKind::Vector { length, .. } => numbers += length,
            InputKind::Category { .. } => categories += 1,
            InputKind::Image { .. } => {}
        }
    }
    let answers = dataset.targets.iter().map(|target| match &target.values {
        TargetValues::Category { labels, .. } | TargetValues::Labels { labels, .. } => labels.len(),
        TargetValues::Number(_) | TargetValues::Anomaly(_) => 1,
    });
    Facts { training_rows, numbers, categories, answers: answers.sum() }
}

/// Blocks while they grow.
#[derive(Default)]
struct Fitted {
    image: Option<Block>,
    /// Columns of numbers by how many bins they have and whether they can be missing.
    numbers: Vec<(usize, bool, NumberColumns)>,
    categories: Vec<(Raw, usize)>,
    dates: Option<Dates>,
}

#[derive(Default)]
struct NumberColumns {
    inputs: Vec<Raw>,
    fill: Vec<f32>,
    mean: Vec<f32>,
    deviation: Vec<f32>,
    low: Vec<f32>,
    scale: Vec<f32>,
}

impl Fitted {
    fn add(
        &mut self,
        input: &Input,
        values: &mut InputValues,
        rows: &[usize],
        choices: &Choices,
    ) -> std::io::Result<Coverage> {
        let raw = Raw { name: input.name.clone(), values: input.values() };
        match &input.kind {
            InputKind::Category { .. } => {
                let known = vocabulary(input, values, rows)?;
                use_vocabulary(values, &known);
                let missing = match known.iter().position(String::is_empty) {
                    Some(place) => has_position(values, rows, place + 1)?,
                    None => false,
                };
                self.categories.push((raw, known.len() + 1));
                Ok(Coverage { range: Vec::new(), missing })
            }
            InputKind::Number { encoding }
            | InputKind::Ordinal { encoding, .. }
            | InputKind::Vector { encoding, .. } => {
                self.add_numbers(raw, *encoding, input.missing, values, rows, choices)
            }
            InputKind::Date { .. } => self.add_date(raw, input.missing, values, rows),
            InputKind::Image { height, width, channels, scale } => {
                let found = statistics(values, rows)?;
                let (mean, divisor) = match scale {
                    Some(scale) => (vec![0.0; *channels], vec![*scale; *channels]),
                    None => (found.mean.clone(), found.divisor()),
                };
                self.image = Some(Block::Image {
                    name: input.name.clone(),
                    shape: [*height, *width, *channels],
                    mean: floats(&mean),
                    deviation: divisor.iter().map(|divisor| usable_divisor(*divisor)).collect(),
                });
                Ok(Coverage { range: vec![brightness(values, rows)?], missing: false })
            }
        }
    }

    fn add_numbers(
        &mut self,
        raw: Raw,
        encoding: Option<Encoding>,
        missing: Missing,
        values: &InputValues,
        rows: &[usize],
        choices: &Choices,
    ) -> std::io::Result<Coverage> {
        let found = statistics(values, rows)?;
        let (mean, deviation) =
            (floats(&found.mean), found.divisor().into_iter().map(usable_divisor).collect::<Vec<_>>());
        let bins_max = match encoding {
            Some(Encoding::Standard) => 0,
            Some(Encoding::Piecewise { bins }) => bins.unwrap_or(choices.bins.max(BINS)),
            None => choices.bins,
        };
        let mut fill = Vec::new();
        let mut edges = Vec::new();
        for (column, mean) in mean.iter().enumerate() {
            let needs_values = bins_max > 0 || missing == Missing::Median;
            let sorted = if needs_values { sorted_values(values, rows, column)? } else { Vec::new() };
            fill.push(match missing {
                Missing::Median => quantile(&sorted, 0.5),
                Missing::Value(value) => value as f32,
                Missing::Refuse | Missing::Mean | Missing::Label => *mean,
            });
            edges.push(if bins_max > 0 { bin_edges(&sorted, bins_max) } else { Vec::new() });
        }
        // One bin would say no more than the number itself.
        let used = edges.iter().map(|edges| edges.len().saturating_sub(1)).max().filter(|bins| *bins > 1).unwrap_or(0);
        let count = if choices.even_columns { bins_max } else { rounded_up(used, bins_max) };
        let may_miss = missing != Missing::Refuse;
        let index = match self.numbers.iter().position(|(bins, misses, _)| (*bins, *misses) == (count, may_miss)) {
            Some(index) => index,
            None => {
                self.numbers.push((count, may_miss, NumberColumns::default()));
                self.numbers.len() - 1
            }
        };
        let columns = &mut self.numbers[index].2;
        for (column, edges) in edges.iter().enumerate() {
            let standard = |edge: f32| (edge - mean[column]) / deviation[column];
            let mut bins: Vec<(f32, f32)> = edges
                .windows(2)
                .take(count)
                .map(|pair| {
                    let (low, high) = (standard(pair[0]), standard(pair[1]));
                    (low, 1.0 / (high - low))
                })
                .filter(|(_, scale)| scale.is_finite())
                .collect();
            bins.resize(count, (0.0, 0.0));
            columns.low.extend(bins.iter().map(|(low, _)| low));
            columns.scale.extend(bins.iter().map(|(_, scale)| scale));
        }
        columns.inputs.push(raw);
        columns.fill.extend(fill);
        columns.mean.extend(mean);
        columns.deviation.extend(deviation);
        Ok(Coverage { range: found.range, missing: found.missing.iter().any(|count| *count > 0) })
    }

    fn add_date(
        &mut self,
        raw: Raw,
        missing: Missing,
        values: &InputValues,
        rows: &[usize],
    ) -> std::io::Result<Coverage> {
        let found = statistics(values, rows)?;
        let fill = match missing {
            Missing::Median => quantile(&sorted_values(values, rows, 0)?, 0.5),
            Missing::Refuse | Missing::Mean | Missing::Label | Missing::Value(_) => found.mean[0] as f32,
        };
        let dates = self.dates.get_or_insert_with(|| Dates {
            inputs: Vec::new(),
            fill: Vec::new(),
            mean: Vec::new(),
            deviation: Vec::new(),
        });
        dates.inputs.push(raw);
        dates.fill.push(fill);
        dates.mean.push(found.mean[0] as f32);
        dates.deviation.push(usable_divisor(found.divisor()[0]));
        Ok(Coverage { range: vec![found.range[0]], missing: found.missing[0] > 0 })
    }

    /// `learnt`: whether the vectors of labels are.
    fn blocks(self, choices: &Choices, learnt: bool) -> Vec<Block> {
        /// Of the labels seen while training, one in two hundred stands for an unknown one.
        const MASKED: f32 = 0.005;
        let mut blocks: Vec<Block> = self.image.into_iter().collect();
        let mut numbers = self.numbers;
        numbers.sort_by_key(|(bins, misses, _)| (*bins, *misses));
        blocks.extend(numbers.into_iter().map(|(count, misses, columns)| {
            Block::Numbers(Numbers {
                inputs: columns.inputs,
                fill: misses.then_some(columns.fill),
                mean: columns.mean,
                deviation: columns.deviation,
                bins: Bins { count, low: columns.low, scale: columns.scale },
            })
        }));
        if !self.categories.is_empty() {
            let (inputs, positions) = self.categories.into_iter().unzip();
            let masked = if learnt { MASKED } else { 0.0 };
            blocks.push(Block::Categories(Categories { inputs, positions, width: choices.embedding, learnt, masked }));
        }
        blocks.extend(self.dates.map(Block::Dates));
        blocks
    }
}

/// The bins of a piecewise encoding that the manifest asks for without saying how many, where no preset does.
const BINS: usize = 16;

/// The next power of two, at most `max`: so that columns fall into few blocks and less than half of a block is unused.
fn rounded_up(bins: usize, max: usize) -> usize {
    if bins == 0 { 0 } else { bins.next_power_of_two().min(max) }
}

fn floats(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

/// A divisor as an f32; 1 where values are so close together that it would vanish.
pub fn usable_divisor(divisor: f64) -> f32 {
    let divisor = divisor as f32;
    if divisor.is_normal() && divisor > 0.0 { divisor } else { 1.0 }
}

/// Whether any of the rows has the label at this position.
fn has_position(values: &InputValues, rows: &[usize], position: usize) -> std::io::Result<bool> {
    let mut value = [0.0];
    for row in rows {
        values.store.gather(&[*row], &mut value)?;
        if value[0] as usize == position {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The least and the greatest mean of an image's values.
fn brightness(values: &InputValues, rows: &[usize]) -> std::io::Result<[f32; 2]> {
    let mut image = vec![0.0; values.width()];
    let mut range = [f32::INFINITY, f32::NEG_INFINITY];
    for row in rows {
        values.store.gather(&[*row], &mut image)?;
        let mean = mean(&image);
        range = [range[0].min(mean), range[1].max(mean)];
    }
    Ok(if rows.is_empty() { [0.0, 0.0] } else { range })
}

/// The mean of an image's values, summed in f64.
pub fn mean(values: &[f32]) -> f32 {
    (values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len().max(1) as f64) as f32
}
