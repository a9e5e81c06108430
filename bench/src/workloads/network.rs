//! A network while it is laid out: its graph, its parameters, and layers that make their own parameters.

use super::{INPUT, Mode};
use tacit_ir::{DType, Graph, Result, ScalarFn, ValueId};
use tacit_nn::Initialiser;
use tacit_nn::layers::{
    EPSILON, Window, batch_norm, batch_norm_training, convolution, dense, layer_norm, relu, update_running_statistics,
};

/// A tensor that an export holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub shape: Vec<usize>,
    pub first: First,
    /// Running statistics are not.
    pub trained: bool,
}

/// First values of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum First {
    Drawn(Initialiser),
    /// Uniform around a centre, so that nothing multiplies by one or adds zero.
    Around {
        centre: f32,
        bound: f32,
    },
}

pub struct Network {
    pub graph: Graph,
    pub parameters: Vec<Parameter>,
    pub input_below: Option<i32>,
    pub mode: Mode,
    /// The rows of the batch.
    pub n: usize,
}

impl Network {
    pub fn new(mode: Mode, n: usize) -> Network {
        Network { graph: Graph::new(), parameters: vec![], input_below: None, mode, n }
    }

    /// Numbers, [n, shape..].
    pub fn numbers(&mut self, shape: &[usize]) -> Result<ValueId> {
        let whole: Vec<usize> = std::iter::once(self.n).chain(shape.iter().copied()).collect();
        self.graph.input(INPUT, DType::F32, &whole)
    }

    /// Tokens below `below`, [n, places].
    pub fn tokens(&mut self, places: usize, below: i32) -> Result<ValueId> {
        self.input_below = Some(below);
        self.graph.input(INPUT, DType::I32, &[self.n, places])
    }

    pub fn parameter(&mut self, name: &str, shape: &[usize], first: First) -> Result<ValueId> {
        self.parameters.push(Parameter { name: name.to_owned(), shape: shape.to_vec(), first, trained: true });
        self.graph.param(name, shape)
    }

    /// A matrix or filter whose last dimension is its output.
    pub fn weight(&mut self, name: &str, shape: &[usize]) -> Result<ValueId> {
        let fan_in = shape[..shape.len() - 1].iter().product();
        self.parameter(name, shape, First::Drawn(Initialiser::HeNormal { fan_in }))
    }

    pub fn bias(&mut self, name: &str, units: usize) -> Result<ValueId> {
        self.parameter(name, &[units], First::Around { centre: 0.0, bound: 0.1 })
    }

    pub fn relu(&mut self, x: ValueId) -> Result<ValueId> {
        relu(&mut self.graph, x)
    }

    pub fn add(&mut self, a: ValueId, b: ValueId) -> Result<ValueId> {
        self.graph.map(ScalarFn::Add, &[a, b])
    }

    /// `name.weight` and `name.bias` over the last dimension.
    pub fn dense(&mut self, name: &str, x: ValueId, units: usize) -> Result<ValueId> {
        let width = *self.graph.shape(x).last().expect("a dense layer takes vectors");
        let weight = self.weight(&format!("{name}.weight"), &[width, units])?;
        let bias = self.bias(&format!("{name}.bias"), units)?;
        dense(&mut self.graph, x, weight, Some(bias))
    }

    /// `name` itself is the filter.
    pub fn filters(&mut self, name: &str, x: ValueId, window: Window, channels: usize) -> Result<ValueId> {
        let inner = *self.graph.shape(x).last().expect("an image has channels");
        let [i, j] = window.kernel;
        let weight = self.weight(name, &[i, j, inner, channels])?;
        convolution(&mut self.graph, x, weight, window, 1)
    }

    /// `name.weight` and `name.bias`.
    pub fn convolution(&mut self, name: &str, x: ValueId, window: Window, channels: usize) -> Result<ValueId> {
        let y = self.filters(&format!("{name}.weight"), x, window, channels)?;
        self.add_bias(name, y)
    }

    /// `name.bias` over the last dimension.
    pub fn add_bias(&mut self, name: &str, x: ValueId) -> Result<ValueId> {
        let units = *self.graph.shape(x).last().expect("a bias is for channels");
        let bias = self.bias(&format!("{name}.bias"), units)?;
        let rows = &"abcdefgh"[..self.graph.shape(x).len() - 1];
        self.graph.map_nest(ScalarFn::Add, &format!("{rows}z,z->{rows}z"), &[x, bias])
    }

    /// `name.gain`, `.shift`, and the running `.mean` and `.variance`, which a step moves by a tenth.
    pub fn batch_norm(&mut self, name: &str, x: ValueId) -> Result<ValueId> {
        let channels = *self.graph.shape(x).last().expect("an image has channels");
        let (gain, shift) = self.gain_and_shift(name, channels)?;
        let around = |centre, bound| First::Around { centre, bound };
        let mean = self.parameter(&format!("{name}.mean"), &[channels], around(0.0, 0.1))?;
        let variance = self.parameter(&format!("{name}.variance"), &[channels], around(1.0, 0.5))?;
        for statistic in self.parameters.iter_mut().rev().take(2) {
            statistic.trained = false;
        }
        match self.mode {
            Mode::Infer | Mode::Int8 => batch_norm(&mut self.graph, x, gain, shift, mean, variance),
            Mode::Train => {
                let (y, batch_mean, batch_variance) = batch_norm_training(&mut self.graph, x, gain, shift)?;
                let batch = [batch_mean, batch_variance];
                update_running_statistics(&mut self.graph, x, batch, [mean, variance], 0.1)?;
                Ok(y)
            }
        }
    }

    /// `name.gain` and `.shift`, over the last dimension.
    pub fn layer_norm(&mut self, name: &str, x: ValueId) -> Result<ValueId> {
        let width = *self.graph.shape(x).last().expect("a layer norm takes vectors");
        let (gain, shift) = self.gain_and_shift(name, width)?;
        layer_norm(&mut self.graph, x, gain, shift)
    }

    fn gain_and_shift(&mut self, name: &str, width: usize) -> Result<(ValueId, ValueId)> {
        let gain = self.parameter(&format!("{name}.gain"), &[width], First::Around { centre: 1.0, bound: 0.1 })?;
        let shift = self.parameter(&format!("{name}.shift"), &[width], First::Around { centre: 0.0, bound: 0.1 })?;
        Ok((gain, shift))
    }
}

/// The peers are told to add the same.
const _: () = assert!(EPSILON == 1e-5);
