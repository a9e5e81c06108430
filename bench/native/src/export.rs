//! The file that all sides start from: weights by their names, and data.

use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// Numbers row by row: the last index runs fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    pub shape: Vec<usize>,
    pub values: Vec<T>,
}

/// A tensor of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    Numbers(Array<f32>),
    Integers(Array<i32>),
}

/// The file as it was read. A tensor is made only when it is asked for: the memory of a worker is measured.
pub struct Export(Vec<u8>);

impl Export {
    /// # Errors
    /// If the file cannot be read.
    pub fn read(file: &Path) -> Result<Export, String> {
        std::fs::read(file).map(Export).map_err(|error| error.to_string())
    }

    /// The names of all tensors.
    ///
    /// # Errors
    /// If the file is none of tensors.
    pub fn names(&self) -> Result<Vec<String>, String> {
        Ok(self.tensors()?.names().into_iter().map(String::from).collect())
    }

    /// # Errors
    /// If there is no such tensor, or it holds numbers of another type.
    pub fn tensor(&self, name: &str) -> Result<Stored, String> {
        let view = self.tensors()?.tensor(name).map_err(|error| error.to_string())?;
        let shape = view.shape().to_vec();
        let words = view.data().chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
        match view.dtype() {
            Dtype::F32 => Ok(Stored::Numbers(Array { shape, values: words.map(f32::from_le_bytes).collect() })),
            Dtype::I32 => Ok(Stored::Integers(Array { shape, values: words.map(i32::from_le_bytes).collect() })),
            other => Err(format!("`{name}` is of type {other:?}")),
        }
    }

    fn tensors(&self) -> Result<SafeTensors<'_>, String> {
        SafeTensors::deserialize(&self.0).map_err(|error| error.to_string())
    }
}

impl<T: Copy> Array<T> {
    /// The same numbers in the same order, counted by other indices.
    pub fn reshaped(self, shape: &[usize]) -> Array<T> {
        assert_eq!(self.values.len(), shape.iter().product::<usize>(), "{:?} as {shape:?}", self.shape);
        Array { shape: shape.to_vec(), values: self.values }
    }

    /// The array with its axes in another order.
    pub fn permuted(&self, axes: &[usize]) -> Array<T> {
        let mut strides = vec![1; self.shape.len()];
        for axis in (1..self.shape.len()).rev() {
            strides[axis - 1] = strides[axis] * self.shape[axis];
        }
        let shape: Vec<usize> = axes.iter().map(|axis| self.shape[*axis]).collect();
        let steps: Vec<usize> = axes.iter().map(|axis| strides[*axis]).collect();
        let value = |place: usize| {
            let (mut at, mut rest) = (0, place);
            for (length, step) in shape.iter().zip(&steps).rev() {
                at += rest % length * step;
                rest /= length;
            }
            self.values[at]
        };
        let values = (0..self.values.len()).map(value).collect();
        Array { shape, values }
    }

    /// Images as [n, channels, height, width], which is what the engines here have; anything else as it is.
    pub fn images_by_channel(self) -> Array<T> {
        if self.shape.len() == 4 { self.permuted(&[0, 3, 1, 2]) } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_change_their_order() {
        let array = Array { shape: vec![2, 3], values: vec![1, 2, 3, 4, 5, 6] };
        let transposed = array.permuted(&[1, 0]);
        assert_eq!(transposed, Array { shape: vec![3, 2], values: vec![1, 4, 2, 5, 3, 6] });
        assert_eq!(transposed.permuted(&[1, 0]), array);
    }

    #[test]
    fn images_have_their_channels_first() {
        let vectors = Array { shape: vec![1, 4], values: vec![1, 2, 3, 4] };
        assert_eq!(vectors.clone().images_by_channel(), vectors);
        let image = vectors.reshaped(&[1, 1, 2, 2]).images_by_channel();
        assert_eq!(image, Array { shape: vec![1, 2, 1, 2], values: vec![1, 3, 2, 4] });
    }
}
