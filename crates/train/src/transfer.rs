//! Starting a search from the weights of another program: more data, more classes, a neighbouring task.
//!
//! Parameters of equal name and shape start as they are. Where labels differ, in the layer of an output or in the vectors
//! of a category, what belongs to a label of both programs goes with the label; other labels start at zero. Everything
//! else starts as it would without another program.

use tacit_data::Dataset;

use crate::artifact::Artifact;
use crate::build::labels_of;
use crate::container::{Tensor, Values};
use crate::error::{self, CodedError, Result};
use crate::interface::InputType;
use crate::prepare::Prepared;

/// What a search can take over.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    pub weights: Vec<Tensor>,
    /// The hash of the other program's weights.
    pub hash: String,
}

/// The weights of `old` as far as they mean something for a program of this data.
///
/// # Errors
/// `E0310` if none of them does.
pub fn start_from(old: &Artifact, dataset: &Dataset, prepared: &Prepared) -> Result<Start> {
    let is_learnt = |tensor: &&Tensor| matches!(tensor.values, Values::F32(_));
    let mut weights: Vec<Tensor> = old.weights.iter().filter(is_learnt).cloned().collect();
    if weights.len() < old.weights.len() {
        let message = "the other program computes with 8-bit integers, which are not what was learnt";
        let help = "build the other program with `precision = \"f32\"`, and start from that";
        return Err(CodedError::new(error::NOTHING_TO_START_FROM, message).help(help).into());
    }
    for target in &dataset.targets {
        let Some(before) = old.interface.outputs.iter().find(|output| output.name == target.name) else { continue };
        let places = places(labels_of(target), &before.labels);
        for part in ["weight", "bias"] {
            let name = format!("output/{}.{part}", target.name);
            if let Some(tensor) = weights.iter_mut().find(|tensor| tensor.name == name && !places.is_empty()) {
                *tensor = columns(tensor, &places);
            }
        }
    }
    if let Some(tensor) = weights.iter_mut().find(|tensor| tensor.name == "embedding.weight") {
        *tensor = embedding(tensor, old, dataset, prepared);
    }
    if weights.is_empty() {
        let message = "the other program has no weights to start from";
        return Err(CodedError::new(error::NOTHING_TO_START_FROM, message).help("build without `--from`").into());
    }
    Ok(Start { weights, hash: old.provenance.weights_hash.clone() })
}

/// For each label its place among others.
fn places(labels: &[String], others: &[String]) -> Vec<Option<usize>> {
    labels.iter().map(|label| others.iter().position(|other| other == label)).collect()
}

/// The last dimension of a tensor rearranged; zero where there is no place.
fn columns(tensor: &Tensor, places: &[Option<usize>]) -> Tensor {
    let (Values::F32(values), Some((width, rest))) = (&tensor.values, tensor.shape.split_last()) else {
        return tensor.clone();
    };
    let picked = values
        .chunks_exact((*width).max(1))
        .flat_map(|row| places.iter().map(|place| place.and_then(|place| row.get(place)).copied().unwrap_or(0.0)));
    let shape = rest.iter().copied().chain([places.len()]).collect();
    Tensor { name: tensor.name.clone(), shape, values: Values::F32(picked.collect()) }
}

/// The vectors of all labels: blocks by column, each beginning with the vector of what is unknown.
fn embedding(tensor: &Tensor, old: &Artifact, dataset: &Dataset, prepared: &Prepared) -> Tensor {
    let (Values::F32(values), [_, width]) = (&tensor.values, &tensor.shape[..]) else { return tensor.clone() };
    if *width != prepared.choices.embedding {
        return tensor.clone();
    }
    let is_category = |input: &&crate::interface::InputInterface| input.kind == InputType::Category;
    let mut starts = Vec::new();
    let mut first = 0;
    for input in old.interface.inputs.iter().filter(is_category) {
        starts.push((input, first));
        first += input.labels.len() + 1;
    }
    let mut rows: Vec<f32> = Vec::new();
    let categories = prepared.blocks.iter().flat_map(|block| match block {
        tacit_nn::Block::Categories(categories) => categories.inputs.clone(),
        tacit_nn::Block::Image { .. } | tacit_nn::Block::Numbers(_) | tacit_nn::Block::Dates(_) => Vec::new(),
    });
    for raw in categories {
        let labels = dataset.inputs.iter().find(|input| input.name == raw.name).map_or(&[][..], |input| &input.labels);
        let before = starts.iter().find(|(input, _)| input.name == raw.name);
        let unknown = before.map(|(_, start)| *start);
        let known = labels.iter().map(|label| {
            let (input, start) = before?;
            input.labels.iter().position(|other| other == label).map(|place| start + 1 + place)
        });
        for row in std::iter::once(unknown).chain(known) {
            match row.and_then(|row| values.get(row * width..(row + 1) * width)) {
                Some(vector) => rows.extend_from_slice(vector),
                None => rows.extend(std::iter::repeat_n(0.0, *width)),
            }
        }
    }
    let shape = vec![rows.len() / width, *width];
    Tensor { name: tensor.name.clone(), shape, values: Values::F32(rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_go_with_their_labels() {
        let tensor = Tensor { name: "w".into(), shape: vec![2, 2], values: Values::F32(vec![1.0, 2.0, 3.0, 4.0]) };
        let [old, new] =
            [vec!["a", "b"], vec!["b", "c", "a"]].map(|l| l.into_iter().map(String::from).collect::<Vec<_>>());
        let moved = columns(&tensor, &places(&new, &old));
        assert_eq!((moved.shape, moved.values), (vec![2, 3], Values::F32(vec![2.0, 0.0, 1.0, 4.0, 0.0, 3.0])));
    }
}
