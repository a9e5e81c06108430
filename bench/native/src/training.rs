//! What the engines that train have in common: the networks, where they start, and AdamW's settings.

use crate::export::{Array, Export, Stored};
use crate::protocol::{Arguments, Prepared};
use std::collections::BTreeSet;

/// AdamW's settings, for all parameters alike.
pub const RATE: f64 = 1e-3;
pub const BETAS: [f64; 2] = [0.9, 0.999];
pub const EPSILON: f64 = 1e-8;
pub const DECAY: f64 = 0.01;

/// Losses that are compared.
const FIRST_STEPS: usize = 5;

/// What an engine makes its network of.
#[derive(Debug)]
pub struct Start {
    /// Each with a relu behind it.
    pub convolutions: Vec<Convolution>,
    /// Whether the greatest of every two by two values goes on behind the convolutions.
    pub pools: bool,
    /// With a relu between them.
    pub dense: Vec<Layer>,
    /// Images by channel, or vectors.
    pub input: Array<f32>,
    pub target: Target,
}

#[derive(Debug)]
pub struct Convolution {
    /// Its weight is [out, in, height, width].
    pub layer: Layer,
    pub stride: usize,
    /// On every side.
    pub padding: usize,
}

/// Weight and bias; the weight of a dense layer is [in, out].
#[derive(Debug)]
pub struct Layer {
    pub weight: Array<f32>,
    pub bias: Array<f32>,
}

#[derive(Debug)]
pub enum Target {
    /// The loss is the mean cross-entropy.
    Classes(Vec<i32>),
    /// The loss is the mean squared error.
    Numbers(Array<f32>),
}

/// The layers of a network by their names, as `bench/peers/networks.py` has them.
struct Layers {
    /// With stride and padding.
    convolutions: &'static [(&'static str, usize, usize)],
    pools: bool,
    dense: &'static [&'static str],
}

impl Layers {
    fn of(workload: &str) -> Option<Layers> {
        let layers = match workload {
            "w1" | "w6" => Layers { convolutions: &[], pools: false, dense: &["fc1", "fc2", "fc3"] },
            "w2" => Layers { convolutions: &[("conv1", 1, 0), ("conv2", 1, 0)], pools: true, dense: &["fc1", "fc2"] },
            "w7" => Layers { convolutions: &[("conv1", 1, 1), ("conv2", 2, 1)], pools: false, dense: &["fc1", "fc2"] },
            _ => return None,
        };
        Some(layers)
    }
}

impl Start {
    /// Reads the network that is to be trained.
    ///
    /// # Errors
    /// If the case is not written for these engines, or the file does not fit the network.
    pub fn read(arguments: &Arguments) -> Result<Start, String> {
        if !arguments.is_training {
            return Err("only training is written for this engine".into());
        }
        let layers = Layers::of(&arguments.workload)
            .ok_or_else(|| format!("{} is not written for this engine", arguments.workload))?;
        let export = Export::read(&arguments.file)?;
        let mut tensors = Tensors { left: export.names()?.into_iter().collect(), export };
        let mut convolutions = vec![];
        for (name, stride, padding) in layers.convolutions {
            let Layer { weight, bias } = tensors.layer(name)?;
            let weight = weight.permuted(&[3, 2, 0, 1]);
            convolutions.push(Convolution { layer: Layer { weight, bias }, stride: *stride, padding: *padding });
        }
        let mut dense = vec![];
        for name in layers.dense {
            dense.push(tensors.layer(name)?);
        }
        if let (Some(last), Some(first)) = (convolutions.last(), dense.first_mut()) {
            first.weight = by_channel(&first.weight, last.layer.weight.shape[0]);
        }
        let input = tensors.numbers("input/x")?.images_by_channel();
        let target = match tensors.take("target")? {
            Stored::Integers(classes) => Target::Classes(classes.values),
            Stored::Numbers(numbers) => Target::Numbers(numbers),
        };
        match tensors.left.first() {
            Some(name) => Err(format!("the network has no place for `{name}`")),
            None => Ok(Start { convolutions, pools: layers.pools, dense, input, target }),
        }
    }
}

/// The weight of a dense layer over a whole image with its rows as the image lies in memory here: channel by channel.
fn by_channel(weight: &Array<f32>, channels: usize) -> Array<f32> {
    let [rows, columns] = weight.shape[..] else { panic!("a dense layer's weight is a matrix: {:?}", weight.shape) };
    let by_pixel = weight.clone().reshaped(&[rows / channels, channels, columns]);
    by_pixel.permuted(&[1, 0, 2]).reshaped(&[rows, columns])
}

/// The tensors of the file, each for one layer.
struct Tensors {
    export: Export,
    /// Those that nothing has taken yet.
    left: BTreeSet<String>,
}

impl Tensors {
    fn take(&mut self, name: &str) -> Result<Stored, String> {
        self.left.remove(name);
        self.export.tensor(name)
    }

    fn numbers(&mut self, name: &str) -> Result<Array<f32>, String> {
        match self.take(name)? {
            Stored::Numbers(array) => Ok(array),
            Stored::Integers(_) => Err(format!("`{name}` holds integers")),
        }
    }

    fn layer(&mut self, name: &str) -> Result<Layer, String> {
        let mut part = |part: &str| self.numbers(&format!("{name}.{part}"));
        Ok(Layer { weight: part("weight")?, bias: part("bias")? })
    }
}

/// A network in training.
pub struct Training<Step> {
    pub version: &'static str,
    /// Forward, backward and AdamW: the loss before the update.
    pub step: Step,
}

impl<Step: FnMut() -> Result<f32, String>> Prepared for Training<Step> {
    fn version(&self) -> String {
        self.version.into()
    }

    fn first(&mut self) -> Result<Vec<f32>, String> {
        (0..FIRST_STEPS).map(|_| (self.step)()).collect()
    }

    fn call(&mut self) {
        (self.step)().expect("the steps before came through");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_dense_layer_follow_the_channels() {
        // Two pixels with three channels each, and one unit.
        let weight = Array { shape: vec![6, 1], values: vec![0.0, 1.0, 2.0, 10.0, 11.0, 12.0] };
        let moved = by_channel(&weight, 3);
        assert_eq!(moved, Array { shape: vec![6, 1], values: vec![0.0, 10.0, 1.0, 11.0, 2.0, 12.0] });
    }

    #[test]
    fn what_is_not_written_is_told() {
        let reason = |workload: &str, is_training| {
            let arguments = Arguments { workload: workload.into(), is_training, file: "nowhere".into(), threads: 1 };
            Start::read(&arguments).expect_err("there is no file")
        };
        assert_eq!(reason("w3", true), "w3 is not written for this engine");
        assert_eq!(reason("w1", false), "only training is written for this engine");
        assert!(reason("w1", true).contains("No such file"));
    }
}
