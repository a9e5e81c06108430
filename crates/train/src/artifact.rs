//! The artifact: a finished program in one file, with its interface, its contract and where it came from.
//!
//! The file is a safetensors file that holds the parameters, and, under the metadata key `tacit`, a canonical JSON
//! document. The same build gives the same bytes. Loading treats the file as hostile.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tacit_ir::{DType, Graph, text};

use crate::container::{self, Tensor, Values};
use crate::contract::{Contract, Costs};
use crate::error::{self, CodedError};
use crate::files;
use crate::interface::Interface;

/// The newest version of the document; the tool reads all up to it. Version 2 has tensors of 8-bit integers; a program
/// without them is written as version 1, which older tools read.
pub const FORMAT_VERSION: u32 = 2;
/// The version of the arithmetic (docs/NUMERICS.md): it changes when any instruction gives other bits.
pub const NUMERICS_VERSION: u32 = 3;
/// The extension of artifacts, without a dot.
pub const EXTENSION: &str = "tacit";

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 8 << 30;
/// The most memory that a loaded program may need for one example.
const MEMORY_BYTES_MAX: usize = 4 << 30;
/// The metadata key of the document.
const KEY: &str = "tacit";

/// A finished program, for one example.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    pub name: String,
    /// Takes raw inputs and gives the outputs of the interface; its parameters are `weights`.
    pub graph: Graph,
    /// One for each parameter, ascending by name.
    pub weights: Vec<Tensor>,
    pub interface: Interface,
    pub contract: Contract,
    pub provenance: Provenance,
}

/// What a build depends on; the same provenance gives the same weights anywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The text of the manifest.
    pub manifest: String,
    pub data: Vec<DataProvenance>,
    /// Rows that were set aside.
    pub rejected_rows: u64,
    /// Rows of each part: training, validation, test.
    pub rows: [u64; 3],
    pub seed: u64,
    /// The greatest learning rate of the schedule.
    pub learning_rate: f64,
    /// The step of the search whose weights these are, and the steps that the search took.
    pub best_step: u64,
    pub steps: u64,
    /// The hash of the weights of another program that the search started from.
    pub from_weights: Option<String>,
    pub tool_version: String,
    pub numerics_version: u32,
    /// BLAKE3 of the weights by names, types, shapes and little-endian bytes.
    pub weights_hash: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataProvenance {
    /// Relative to the folder of the manifest.
    pub file: String,
    /// BLAKE3 of the file.
    pub hash: String,
    /// The part that its rows are for, if it is for one.
    pub part: Option<String>,
}

/// The document as it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format_version: u32,
    name: String,
    graph: String,
    interface: Interface,
    contract: Contract,
    provenance: Provenance,
    /// Of the container, which has checked it by then.
    #[serde(default, skip_serializing)]
    #[allow(dead_code)]
    checksum: String,
}

impl Artifact {
    /// The bytes of the file. The contract's figure of the file's size is set to their number.
    pub fn encode(&mut self) -> Vec<u8> {
        // A size with more digits makes the file no smaller, so the sizes ascend to one that describes itself.
        let mut bytes = self.encode_as_it_is();
        loop {
            self.contract.set_file_size(bytes.len() as u64);
            let next = self.encode_as_it_is();
            if next.len() == bytes.len() {
                return next;
            }
            bytes = next;
        }
    }

    /// Reads a file's bytes; whatever they are, there is a coded error or a program that can run.
    ///
    /// # Errors
    /// `E0301` to `E0304` and `E0309`, and the codes of graphs.
    pub fn decode(bytes: &[u8]) -> Result<Artifact, CodedError> {
        let (document, weights) = container::decode(KEY, bytes, check_version)?;
        let broken = |what: String| CodedError::new(error::CONTENTS, what);
        let document: Document = serde_json::from_value(Value::Object(document))
            .map_err(|e| broken(format!("the document of the artifact does not have its form: {e}")))?;
        let graph = text::parse(&document.graph)?;
        let Document { name, interface, contract, provenance, .. } = document;
        let artifact = Artifact { name, graph, weights, interface, contract, provenance };
        artifact.check()?;
        Ok(artifact)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// `E0306`.
    pub fn save(&mut self, path: &Path) -> Result<(), CodedError> {
        files::write_atomic(path, &self.encode())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Those of [`Artifact::decode`], with the file's name, and `E0307`.
    pub fn load(path: &Path) -> Result<Artifact, CodedError> {
        let bytes = files::read_limited(path, FILE_BYTES_MAX)?;
        Artifact::decode(&bytes).map_err(|e| e.in_file(path))
    }

    /// The costs of the program, the size of its file included.
    pub fn costs(&self) -> Costs {
        let file_bytes = self.encode_as_it_is().len() as u64;
        Costs { file_bytes, ..Costs::of(&self.graph) }
    }

    /// BLAKE3 of the file's bytes.
    pub fn file_hash(&self) -> String {
        blake3::hash(&self.encode_as_it_is()).to_hex().to_string()
    }

    /// The oldest version that has all that the program holds.
    fn format_version(&self) -> u32 {
        let has_bytes = self.weights.iter().any(|tensor| matches!(tensor.values, Values::I8(_)));
        if has_bytes { FORMAT_VERSION } else { 1 }
    }

    fn encode_as_it_is(&self) -> Vec<u8> {
        let document = Document {
            format_version: self.format_version(),
            name: self.name.clone(),
            graph: text::print(&self.graph),
            interface: self.interface.clone(),
            contract: self.contract.clone(),
            provenance: self.provenance.clone(),
            checksum: String::new(),
        };
        let Ok(Value::Object(document)) = serde_json::to_value(document) else {
            panic!("a document is an object whose keys are text");
        };
        container::encode(KEY, &document, &self.weights)
    }

    /// Checks that the parts of the file fit one another.
    fn check(&self) -> Result<(), CodedError> {
        let broken = |what: String| Err(CodedError::new(error::CONTENTS, what));
        check_memory(&self.graph)?;
        let param = |(name, value)| (name, self.graph.ty(value).dtype, self.graph.shape(value));
        let mut expected: Vec<(&str, DType, &[usize])> = self.graph.params().map(param).collect();
        expected.sort_unstable();
        let held: Vec<(&str, DType, &[usize])> =
            self.weights.iter().map(|t| (t.name.as_str(), t.values.dtype(), t.shape.as_slice())).collect();
        if let Some((name, ..)) = expected.iter().find(|entry| !held.contains(entry)) {
            return broken(format!("the parameter `{name}` has no tensor of its type and shape"));
        }
        if let Some((name, ..)) = held.iter().find(|entry| !expected.contains(entry)) {
            return broken(format!("the tensor `{name}` is not a parameter of the program"));
        }
        for tensor in &self.weights {
            match &tensor.values {
                Values::F32(values) if values.iter().all(|x| x.is_finite()) => {}
                Values::F32(_) => return broken(format!("the tensor `{}` holds what is not finite", tensor.name)),
                Values::I32(_) | Values::I8(_) => {}
            }
        }
        if !self.graph.updates().is_empty() {
            return broken("a finished program changes its own parameters".into());
        }
        if container::hash_tensors(&self.weights) != self.provenance.weights_hash {
            return broken("the hash of the weights differs from the provenance".into());
        }
        self.interface.check(&self.graph)?;
        self.contract.requirements().map(|_| ())
    }
}

/// Refuses a program that needs more memory than any that this version builds, before its memory is planned.
fn check_memory(graph: &Graph) -> Result<(), CodedError> {
    let too_large = || {
        let message = format!("the program needs more than {MEMORY_BYTES_MAX} bytes of memory for one example");
        Err(CodedError::new(error::TOO_LARGE, message))
    };
    let mut leaves = 0usize;
    for value in graph.values() {
        let bytes = graph.ty(value).bytes();
        if bytes > MEMORY_BYTES_MAX {
            return too_large();
        }
        if tacit_ir::passes::plan::is_persistent(&graph.instruction(value).op) {
            leaves = leaves.saturating_add(bytes);
        }
    }
    match leaves.saturating_add(tacit_ir::passes::plan::plan(graph).arena_bytes) > MEMORY_BYTES_MAX {
        true => too_large(),
        false => Ok(()),
    }
}

fn check_version(document: &Map<String, Value>) -> Result<(), CodedError> {
    let version = document.get("format_version").and_then(Value::as_u64);
    match version {
        Some(version) if version <= u64::from(FORMAT_VERSION) && version > 0 => Ok(()),
        Some(version) => Err(CodedError::new(
            error::NEWER,
            format!("the file has format version {version}, and this tool knows those up to {FORMAT_VERSION}"),
        )
        .help("install a newer version of Tacit")),
        None => Err(CodedError::new(error::CONTENTS, "the document has no format version")),
    }
}
