//! The file format of artifacts and checkpoints: safetensors, with one canonical JSON document under one metadata key.
//!
//! The document carries a checksum over itself and all tensors. A file is accepted only if it is, byte for byte, what
//! [`encode`] makes of its contents, so that no bit of it can differ unnoticed.

use std::borrow::Cow;
use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, View};
use serde_json::{Map, Value};
use tacit_ir::DType;

use crate::error::{self, CodedError};

/// The longest header, in bytes. Graphs of large programs take about 200 bytes an instruction.
pub const HEADER_BYTES_MAX: u64 = 64 << 20;

/// The field of the document that holds the checksum.
const CHECKSUM: &str = "checksum";

/// A named array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Values,
}

/// The elements of a [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    F32(Vec<f32>),
    I32(Vec<i32>),
    I8(Vec<i8>),
}

impl Values {
    /// The type of the elements in a graph.
    pub fn dtype(&self) -> DType {
        match self {
            Values::F32(_) => DType::F32,
            Values::I32(_) => DType::I32,
            Values::I8(_) => DType::I8,
        }
    }
}

impl Tensor {
    fn bytes(&self) -> Vec<u8> {
        match &self.values {
            Values::F32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::I32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::I8(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }
}

/// The hash of tensors by names, types, shapes and little-endian bytes; the order of the list does not matter.
pub fn hash_tensors(tensors: &[Tensor]) -> String {
    let mut hasher = blake3::Hasher::new();
    absorb(&mut hasher, tensors);
    hasher.finalize().to_hex().to_string()
}

/// The bytes of a file. The same contents give the same bytes, in whatever order the tensors come.
///
/// # Panics
/// If two tensors share a name.
pub fn encode(key: &str, document: &Map<String, Value>, tensors: &[Tensor]) -> Vec<u8> {
    let mut document = document.clone();
    document.remove(CHECKSUM);
    document.insert(CHECKSUM.to_owned(), Value::String(checksum(key, &document, tensors)));
    let metadata = HashMap::from([(key.to_owned(), Value::Object(document).to_string())]);
    let views = tensors.iter().map(|tensor| (tensor.name.as_str(), Bytes { tensor, bytes: tensor.bytes() }));
    safetensors::serialize(views, Some(metadata)).expect("tensors have unique names and as many bytes as their shape")
}

/// Reads what [`encode`] wrote. Whatever the bytes, nothing is allocated that is larger than a small multiple of them.
///
/// `is_known` looks at the document before the tensors are read: a newer file may hold what is not known here, and should
/// be told by its version.
///
/// # Errors
/// `E0301` if the bytes are no such file, `E0302` if they differ from what was written, and those of `is_known`.
pub fn decode(
    key: &str,
    bytes: &[u8],
    is_known: impl Fn(&Map<String, Value>) -> Result<(), CodedError>,
) -> Result<(Map<String, Value>, Vec<Tensor>), CodedError> {
    let malformed = |what: &str| {
        CodedError::new(error::NOT_A_CONTAINER, format!("the file is not one that Tacit wrote: {what}"))
            .help("check that it is the right file and was copied as a whole")
    };
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return Err(malformed("it has no header")) };
    let length = u64::from_le_bytes(*length);
    if length > HEADER_BYTES_MAX || length > rest.len() as u64 {
        return Err(malformed("its header does not end"));
    }
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| malformed(&e.to_string()))?;
    let text = match metadata.metadata() {
        Some(entries) if entries.len() == 1 => entries.get(key),
        Some(_) | None => None,
    };
    let text = text.ok_or_else(|| malformed(&format!("its metadata is not one entry `{key}`")))?;
    let document: Value =
        serde_json::from_str(text).map_err(|e| malformed(&format!("its document is not JSON, {e}")))?;
    let Value::Object(document) = document else { return Err(malformed("its document is not an object")) };
    is_known(&document)?;
    let views = SafeTensors::deserialize(bytes).map_err(|e| malformed(&e.to_string()))?;
    let mut tensors = Vec::with_capacity(views.len());
    for (name, view) in views.iter() {
        let values = if view.dtype() == Dtype::F32 {
            Values::F32(words(view.data()).map(f32::from_le_bytes).collect())
        } else if view.dtype() == Dtype::I32 {
            Values::I32(words(view.data()).map(i32::from_le_bytes).collect())
        } else if view.dtype() == Dtype::I8 {
            Values::I8(view.data().iter().map(|byte| *byte as i8).collect())
        } else {
            return Err(malformed(&format!("it holds a tensor of type {}", view.dtype())));
        };
        tensors.push(Tensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    if encode(key, &document, &tensors) != bytes {
        let message = "the file's contents do not fit its checksum";
        return Err(CodedError::new(error::DAMAGED, message).help("copy the file again, or build it again"));
    }
    Ok((document, tensors))
}

fn checksum(key: &str, document: &Map<String, Value>, tensors: &[Tensor]) -> String {
    let mut hasher = blake3::Hasher::new();
    let text = Value::Object(document.clone()).to_string();
    for part in [key, &text] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    absorb(&mut hasher, tensors);
    hasher.finalize().to_hex().to_string()
}

/// Every part goes in with its length, so that no two lists of tensors are the same stream of bytes.
fn absorb(hasher: &mut blake3::Hasher, tensors: &[Tensor]) {
    let mut sorted: Vec<&Tensor> = tensors.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    for tensor in sorted {
        for text in [tensor.name.as_str(), tensor.values.dtype().name()] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        hasher.update(&(tensor.shape.len() as u64).to_le_bytes());
        for extent in &tensor.shape {
            hasher.update(&(*extent as u64).to_le_bytes());
        }
        hasher.update(&tensor.bytes());
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> + '_ {
    bytes.as_chunks::<4>().0.iter().copied()
}

/// A tensor with its bytes in the order of the file.
struct Bytes<'t> {
    tensor: &'t Tensor,
    bytes: Vec<u8>,
}

impl View for Bytes<'_> {
    fn dtype(&self) -> Dtype {
        match &self.tensor.values {
            Values::F32(_) => Dtype::F32,
            Values::I32(_) => Dtype::I32,
            Values::I8(_) => Dtype::I8,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.tensor.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> (Map<String, Value>, Vec<Tensor>) {
        let Value::Object(document) = json!({ "b": [1, 2.5, "é\"\n"], "a": { "z": null, "y": true } }) else {
            panic!("the literal is an object");
        };
        let tensors = vec![
            Tensor { name: "w".into(), shape: vec![2, 3], values: Values::F32(vec![0.5, -0.0, 1e-40, 3.0, 4.0, 5.0]) },
            Tensor { name: "step".into(), shape: vec![], values: Values::I32(vec![7]) },
            Tensor { name: "b".into(), shape: vec![3], values: Values::I8(vec![-128, 0, 127]) },
            Tensor { name: "none".into(), shape: vec![0, 4], values: Values::F32(vec![]) },
        ];
        (document, tensors)
    }

    fn any(_: &Map<String, Value>) -> Result<(), CodedError> {
        Ok(())
    }

    #[test]
    fn what_is_written_reads_back_and_the_order_of_tensors_changes_nothing() {
        let (document, mut tensors) = sample();
        let bytes = encode("k", &document, &tensors);
        tensors.reverse();
        assert_eq!(encode("k", &document, &tensors), bytes);
        let (read, back) = decode("k", &bytes, any).unwrap();
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(back, tensors);
        assert_eq!(read.len(), document.len() + 1);
        assert_eq!(decode("other", &bytes, any).unwrap_err().code, error::NOT_A_CONTAINER);
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_told() {
        let (document, tensors) = sample();
        let bytes = encode("k", &document, &tensors);
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(decode("k", &broken, any).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(decode("k", &bytes[..length], any).is_err(), "length {length}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(decode("k", &longer, any).is_err());
    }

    #[test]
    fn hostile_headers_are_refused_before_memory_is_taken() {
        for header in [
            r#"{"__metadata__":{"k":"{}"},"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#,
            r#"{"__metadata__":{"k":"{}"},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
            r#"{"__metadata__":{"k":"{}"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}"#,
            r#"{"__metadata__":{"k":"[1]"}}"#,
            r#"{"__metadata__":{}}"#,
            r#"[]"#,
            "",
        ] {
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(&[0; 4]);
            assert_eq!(decode("k", &bytes, any).unwrap_err().code, error::NOT_A_CONTAINER, "{header}");
        }
        for length in [u64::MAX, u64::MAX - 7, 1 << 63, 1 << 32, HEADER_BYTES_MAX + 1, 9] {
            let mut bytes = length.to_le_bytes().to_vec();
            bytes.extend_from_slice(b"{\"a\":1}");
            assert_eq!(decode("k", &bytes, any).unwrap_err().code, error::NOT_A_CONTAINER, "{length}");
        }
    }
}
