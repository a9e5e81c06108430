//! The state of a search between two steps, so that one that was killed goes on to the same bits.
//!
//! The file is like an artifact (see [`crate::container`]) and lies beside the output until the search is done.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::container::{self, Tensor};
use crate::error::{self, CodedError};
use crate::files;

const KEY: &str = "tacit-checkpoint";
const FILE_BYTES_MAX: u64 = 64 << 30;

/// All that the rest of a search depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub progress: Progress,
    /// Parameters and states of the training step.
    pub leaves: Vec<Tensor>,
    /// The weights of the best epoch so far; empty before the first validation.
    pub best: Vec<Tensor>,
}

/// How far a search is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// A hash of all that decides the result: manifest, data, seed, versions.
    pub build: String,
    /// Steps done.
    pub step: u64,
    /// Epochs that were validated.
    pub epoch: u64,
    /// The sum of the losses of the steps since the last validation, and their number.
    pub loss_sum: f64,
    pub loss_count: u64,
    /// The step of the best weights, and their validation loss.
    pub best_step: u64,
    pub best_loss: Option<f64>,
    pub epochs_without_improvement: u64,
    pub history: Vec<Epoch>,
}

/// What one epoch gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    pub epoch: u64,
    pub step: u64,
    pub training_loss: f64,
    pub validation_loss: f64,
    /// The first of the usual figures of the first output, on the validation part: the accuracy for a category.
    pub validation_figure: f64,
    /// That of the epoch's last step.
    pub learning_rate: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    progress: Progress,
    #[serde(default, skip_serializing)]
    #[allow(dead_code)]
    checksum: String,
}

impl Progress {
    /// The start of a search.
    pub fn start(build: String) -> Progress {
        Progress {
            build,
            step: 0,
            epoch: 0,
            loss_sum: 0.0,
            loss_count: 0,
            best_step: 0,
            best_loss: None,
            epochs_without_improvement: 0,
            history: Vec::new(),
        }
    }
}

impl Checkpoint {
    pub fn encode(&self) -> Vec<u8> {
        let document = Document { progress: self.progress.clone(), checksum: String::new() };
        let Ok(Value::Object(document)) = serde_json::to_value(document) else {
            panic!("a document is an object whose keys are text");
        };
        let named = |prefix: &str, tensors: &[Tensor]| {
            let rename = |tensor: &Tensor| Tensor { name: format!("{prefix}{}", tensor.name), ..tensor.clone() };
            tensors.iter().map(rename).collect::<Vec<_>>()
        };
        let tensors = [named(LEAF, &self.leaves), named(BEST, &self.best)].concat();
        container::encode(KEY, &document, &tensors)
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// `E0301`, `E0302`, `E0304`.
    pub fn decode(bytes: &[u8]) -> Result<Checkpoint, CodedError> {
        let (document, tensors) = container::decode(KEY, bytes, |_| Ok(()))?;
        let document: Document = serde_json::from_value(Value::Object(document)).map_err(|e| {
            CodedError::new(error::CONTENTS, format!("the document of the checkpoint does not have its form: {e}"))
        })?;
        let (mut leaves, mut best) = (Vec::new(), Vec::new());
        for tensor in tensors {
            let Tensor { name, shape, values } = tensor;
            match (name.strip_prefix(LEAF), name.strip_prefix(BEST)) {
                (Some(name), _) => leaves.push(Tensor { name: name.to_owned(), shape, values }),
                (None, Some(name)) => best.push(Tensor { name: name.to_owned(), shape, values }),
                (None, None) => {
                    return Err(CodedError::new(error::CONTENTS, "the checkpoint holds a tensor of unknown use"));
                }
            }
        }
        Ok(Checkpoint { progress: document.progress, leaves, best })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// `E0306`.
    pub fn save(&self, path: &Path) -> Result<(), CodedError> {
        files::write_atomic(path, &self.encode())
    }

    /// Reads a file, or gives nothing where there is none.
    ///
    /// # Errors
    /// Those of [`Checkpoint::decode`], with the file's name, `E0307`, and `E0305` for another build's checkpoint.
    pub fn load(path: &Path, build: &str) -> Result<Option<Checkpoint>, CodedError> {
        if !path.exists() {
            return Ok(None);
        }
        let checkpoint =
            Checkpoint::decode(&files::read_limited(path, FILE_BYTES_MAX)?).map_err(|e| e.in_file(path))?;
        if checkpoint.progress.build != build {
            let message = "the checkpoint belongs to another manifest, other data, another seed or another version";
            return Err(CodedError::new(error::OTHER_BUILD, message).in_file(path));
        }
        Ok(Some(checkpoint))
    }
}

const LEAF: &str = "leaf/";
const BEST: &str = "best/";
