//! Skeletons: a list of layers laid out as a graph, with parameters that are named alike in training and inference.

use crate::initialise::Initialiser;
use crate::layers::{self, Window};
use crate::ops::{add, misshapen};
use tacit_ir::{Graph, Result, Scalar, ScalarFn, ValueId};

/// A layer with every choice made. Images are h × w × c, channels last.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// A convolution with bias; the filters see the channels of one group only.
    Conv {
        window: Window,
        channels: usize,
        groups: usize,
    },
    /// A convolution of each channel with a filter of its own, with bias.
    Depthwise {
        window: Window,
    },
    /// With groups, each part of the vector has units of its own.
    Dense {
        units: usize,
        groups: usize,
    },
    Relu,
    /// In its tanh form.
    Gelu,
    Tanh,
    Sigmoid,
    MaxPool {
        window: Window,
    },
    AveragePool {
        window: Window,
    },
    GlobalAveragePool,
    Flatten,
    BatchNorm,
    /// Over the last dimension.
    LayerNorm,
    /// The probability that a value is zero while training.
    Dropout(f32),
    /// What the layers make of x, plus x or what the shortcut makes of it (He et al., arXiv:1512.03385, equations 1 and 2).
    Residual {
        layers: Vec<Layer>,
        shortcut: Vec<Layer>,
    },
}

impl Layer {
    /// x plus what the layers make of x.
    pub fn residual(layers: Vec<Layer>) -> Layer {
        Layer::Residual { layers, shortcut: vec![] }
    }
}

/// What a graph is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Values have a batch in front; batch statistics are taken and dropout draws from `key`, an i32[2].
    Training { key: ValueId },
    /// One example; running statistics are parameters, so that they are one for a whole batch (`passes::batch`).
    Inference,
}

/// A value that a search finds: where it starts and how it is treated.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub shape: Vec<usize>,
    pub initialiser: Initialiser,
    /// Whether weight decay applies: to weights, not to biases, gains and shifts.
    pub decays: bool,
    /// False for running statistics: a training graph holds them as state, an inference graph as parameters.
    pub trained: bool,
}

/// How far one step moves running statistics.
pub const STATISTICS_MOMENTUM: f32 = 0.1;

/// Lays the layers out after `x` ([h, w, c] or [features]; while training with a batch in front) and returns the result
/// and all parameters in order. The k-th layer with parameters names them after itself: `conv1.weight`, `dense2.bias`.
///
/// With more than one of `members`, x [features] is answered by so many networks at once, [members, features]. They share
/// the weights of dense layers, and each has factors of its own for what goes in and what comes out, and its own bias
/// (Gorishniy, Kotelnikov and Babenko, arXiv:2410.24210, section 3.3). The factors of what goes into the first
/// layer start as normal numbers, so that the members differ; all others start as 1.
pub fn forward(
    graph: &mut Graph,
    layers: &[Layer],
    x: ValueId,
    mode: Mode,
    members: usize,
) -> Result<(ValueId, Vec<Parameter>)> {
    let mut layout = Layout { graph, mode, members, parameters: vec![], layers: 0, streams: 0 };
    let x = layout.for_members(x)?;
    let y = layout.all(layers, x)?;
    Ok((y, layout.parameters))
}

/// One dense layer named `name` that makes an output of what [`forward`] gives, flattened: [units], or with members
/// [members, units], each with weights of its own.
pub fn head(
    graph: &mut Graph,
    name: &str,
    units: usize,
    x: ValueId,
    mode: Mode,
    members: usize,
) -> Result<(ValueId, Vec<Parameter>)> {
    let mut layout = Layout { graph, mode, members, parameters: vec![], layers: 0, streams: 0 };
    let x = layout.vector(x)?;
    let y = layout.head(name, units, x)?;
    Ok((y, layout.parameters))
}

/// What laying out keeps while it walks the layers.
struct Layout<'g> {
    graph: &'g mut Graph,
    mode: Mode,
    members: usize,
    parameters: Vec<Parameter>,
    /// Layers with parameters so far.
    layers: usize,
    /// Uses of the random key so far.
    streams: u32,
}

impl Layout<'_> {
    fn all(&mut self, layers: &[Layer], mut x: ValueId) -> Result<ValueId> {
        for (k, layer) in layers.iter().enumerate() {
            // The slope of the next activation decides how wide the weights of this layer start.
            let rectified = matches!(layers.get(k + 1..), Some(rest) if is_rectified(rest));
            x = self.one(layer, x, rectified)?;
        }
        Ok(x)
    }

    fn one(&mut self, layer: &Layer, x: ValueId, rectified: bool) -> Result<ValueId> {
        match layer {
            Layer::Conv { window, channels, groups } => {
                let name = self.name("conv");
                let [i, j] = window.kernel;
                let inner = self.channels(x, &name)? / (*groups).max(1);
                let fans = [i * j * inner, i * j * channels / (*groups).max(1)];
                let weight = self.weight(&name, &[i, j, inner, *channels], fans, rectified)?;
                let y = named(&name, layers::convolution(self.graph, x, weight, *window, *groups))?;
                self.add_bias(&name, y)
            }
            Layer::Depthwise { window } => {
                let name = self.name("depthwise");
                let [i, j] = window.kernel;
                let channels = self.channels(x, &name)?;
                let weight = self.weight(&name, &[i, j, channels], [i * j, i * j], rectified)?;
                let y = named(&name, layers::depthwise_convolution(self.graph, x, weight, *window))?;
                self.add_bias(&name, y)
            }
            Layer::Dense { units, groups } => self.dense(*units, *groups, x, rectified),
            Layer::Relu => layers::relu(self.graph, x),
            Layer::Gelu => layers::gelu_tanh(self.graph, x),
            Layer::Tanh => layers::tanh(self.graph, x),
            Layer::Sigmoid => layers::sigmoid(self.graph, x),
            Layer::MaxPool { window } => named("max pooling", layers::max_pool(self.graph, x, *window)),
            Layer::AveragePool { window } => named("average pooling", layers::average_pool(self.graph, x, *window)),
            Layer::GlobalAveragePool => named("global average pooling", layers::global_average_pool(self.graph, x)),
            Layer::Flatten => self.vector(x),
            Layer::BatchNorm => self.batch_norm(x),
            Layer::LayerNorm => {
                let name = self.name("norm");
                let (gain, shift) = self.gain_and_shift(&name, x)?;
                layers::layer_norm(self.graph, x, gain, shift)
            }
            Layer::Dropout(probability) => match self.mode {
                Mode::Inference => Ok(x),
                Mode::Training { key } => {
                    self.streams += 1;
                    layers::dropout(self.graph, x, *probability, key, self.streams - 1)
                }
            },
            Layer::Residual { layers, shortcut } => {
                let y = self.all(layers, x)?;
                let passed = self.all(shortcut, x)?;
                let (before, after) = (self.graph.shape(passed), self.graph.shape(y));
                if before != after {
                    return misshapen(format!(
                        "a `residual` adds {after:?} to {before:?}; a sum needs one shape, which a shortcut can make"
                    ));
                }
                add(self.graph, passed, y)
            }
        }
    }

    fn dense(&mut self, units: usize, groups: usize, x: ValueId, rectified: bool) -> Result<ValueId> {
        let name = self.name("dense");
        let x = self.vector(x)?;
        let (inner, groups) = (self.features(x), groups.max(1));
        if !inner.is_multiple_of(groups) || !units.is_multiple_of(groups) {
            return misshapen(format!("`{name}`: {groups} groups do not divide {inner} values into {units}"));
        }
        let fans = [inner / groups, units / groups];
        let first = self.layers == 1;
        let x = match self.members {
            1 => x,
            _ => self.factor(
                &format!("{name}.in"),
                x,
                if first { Initialiser::Normal { deviation: 1.0 } } else { Initialiser::Constant(1.0) },
            )?,
        };
        let y = match groups {
            1 => {
                let weight = self.weight(&name, &[inner, units], fans, rectified)?;
                layers::dense(self.graph, x, weight, None)?
            }
            _ => {
                let weight = self.weight(&name, &[groups, fans[0], fans[1]], fans, rectified)?;
                layers::grouped_dense(self.graph, x, weight)?
            }
        };
        match self.members {
            1 => self.add_bias(&name, y),
            _ => {
                let y = self.factor(&format!("{name}.out"), y, Initialiser::Constant(1.0))?;
                self.add_member_bias(&name, y, narrow(fans[0]))
            }
        }
    }

    fn head(&mut self, name: &str, units: usize, x: ValueId) -> Result<ValueId> {
        let inner = self.features(x);
        if self.members == 1 {
            let weight = self.weight(name, &[inner, units], [inner, units], false)?;
            let y = layers::dense(self.graph, x, weight, None)?;
            return self.add_bias(name, y);
        }
        let weight = self.weight(name, &[self.members, inner, units], [inner, units], false)?;
        let words = match self.mode {
            Mode::Training { .. } => "nkm,kmz->nkz",
            Mode::Inference => "km,kmz->kz",
        };
        let y = self.graph.contract(words, x, weight, &[])?;
        self.add_member_bias(name, y, Initialiser::Constant(0.0))
    }

    /// The same features for every member.
    fn for_members(&mut self, x: ValueId) -> Result<ValueId> {
        if self.members == 1 {
            return Ok(x);
        }
        let x = self.vector(x)?;
        let words = match self.mode {
            Mode::Training { .. } => "nz->nkz",
            Mode::Inference => "z->kz",
        };
        crate::ops::expand(self.graph, words, x, &[('k', self.members)])
    }

    /// Each member's features times factors of its own.
    fn factor(&mut self, name: &str, x: ValueId, initialiser: Initialiser) -> Result<ValueId> {
        let factors = self.parameter(name.to_owned(), &[self.members, self.features(x)], initialiser, false)?;
        self.with_members(ScalarFn::Mul, x, factors)
    }

    fn add_member_bias(&mut self, layer: &str, y: ValueId, initialiser: Initialiser) -> Result<ValueId> {
        let shape = [self.members, self.features(y)];
        let bias = self.parameter(format!("{layer}.bias"), &shape, initialiser, false)?;
        self.with_members(ScalarFn::Add, y, bias)
    }

    fn with_members(&mut self, function: ScalarFn, x: ValueId, values: ValueId) -> Result<ValueId> {
        let words = match self.mode {
            Mode::Training { .. } => "nkz,kz->nkz",
            Mode::Inference => "kz,kz->kz",
        };
        self.graph.map_nest(function, words, &[x, values])
    }

    fn batch_norm(&mut self, x: ValueId) -> Result<ValueId> {
        let name = self.name("norm");
        let (gain, shift) = self.gain_and_shift(&name, x)?;
        let mean = self.statistic(format!("{name}.mean"), 0.0, x)?;
        let variance = self.statistic(format!("{name}.variance"), 1.0, x)?;
        match self.mode {
            Mode::Inference => layers::batch_norm(self.graph, x, gain, shift, mean, variance),
            Mode::Training { .. } => {
                let (y, batch_mean, batch_variance) = layers::batch_norm_training(self.graph, x, gain, shift)?;
                let (batch, running) = ([batch_mean, batch_variance], [mean, variance]);
                layers::update_running_statistics(self.graph, x, batch, running, STATISTICS_MOMENTUM)?;
                Ok(y)
            }
        }
    }

    /// The name of the next layer with parameters.
    fn name(&mut self, kind: &str) -> String {
        self.layers += 1;
        format!("{kind}{}", self.layers)
    }

    fn parameter(&mut self, name: String, shape: &[usize], initialiser: Initialiser, decays: bool) -> Result<ValueId> {
        let value = self.graph.param(&name, shape)?;
        self.parameters.push(Parameter { name, shape: shape.to_vec(), initialiser, decays, trained: true });
        Ok(value)
    }

    /// A running statistic [c] of `x`: state while training, a parameter afterwards.
    fn statistic(&mut self, name: String, start: f32, x: ValueId) -> Result<ValueId> {
        let shape = [self.features(x)];
        let value = match self.mode {
            Mode::Training { .. } => self.graph.state(&name, Scalar::F32(start), &shape)?,
            Mode::Inference => self.graph.param(&name, &shape)?,
        };
        let initialiser = Initialiser::Constant(start);
        self.parameters.push(Parameter { name, shape: shape.to_vec(), initialiser, decays: false, trained: false });
        Ok(value)
    }

    fn weight(&mut self, layer: &str, shape: &[usize], fans: [usize; 2], rectified: bool) -> Result<ValueId> {
        let [fan_in, fan_out] = fans;
        let initialiser = match (self.members, rectified) {
            (1, true) => Initialiser::HeNormal { fan_in },
            (1, false) => Initialiser::GlorotUniform { fan_in, fan_out },
            // The factors of the first layer widen what comes in, so the weights start narrower.
            (_, _) => narrow(fan_in),
        };
        self.parameter(format!("{layer}.weight"), shape, initialiser, true)
    }

    fn add_bias(&mut self, layer: &str, y: ValueId) -> Result<ValueId> {
        let shape = [self.features(y)];
        let bias = self.parameter(format!("{layer}.bias"), &shape, Initialiser::Constant(0.0), false)?;
        crate::ops::with_vector(self.graph, ScalarFn::Add, y, bias)
    }

    fn gain_and_shift(&mut self, layer: &str, x: ValueId) -> Result<(ValueId, ValueId)> {
        let shape = [self.features(x)];
        let gain = self.parameter(format!("{layer}.gain"), &shape, Initialiser::Constant(1.0), false)?;
        let shift = self.parameter(format!("{layer}.shift"), &shape, Initialiser::Constant(0.0), false)?;
        Ok((gain, shift))
    }

    /// The extent of the last dimension; 1 for a single number.
    fn features(&self, x: ValueId) -> usize {
        self.graph.shape(x).last().copied().unwrap_or(1)
    }

    /// The channels of an image.
    fn channels(&self, x: ValueId, layer: &str) -> Result<usize> {
        match self.example(x) {
            [_, _, c] => Ok(*c),
            other => misshapen(format!("`{layer}` takes an image of height, width and channels, not {other:?}")),
        }
    }

    /// The shape of one example.
    fn example(&self, x: ValueId) -> &[usize] {
        let shape = self.graph.shape(x);
        match self.mode {
            Mode::Training { .. } => shape.get(1..).unwrap_or(&[]),
            Mode::Inference => shape,
        }
    }

    /// Every example as one vector.
    fn vector(&mut self, x: ValueId) -> Result<ValueId> {
        let batch = match self.mode {
            Mode::Training { .. } => 1,
            Mode::Inference => 0,
        };
        // With members, vectors are all that there is.
        if self.members > 1 && self.graph.shape(x).len() == batch + 2 {
            return Ok(x);
        }
        layers::flatten(self.graph, x, batch)
    }
}

/// Uniform in ±1/√fan-in.
fn narrow(fan_in: usize) -> Initialiser {
    Initialiser::Uniform { bound: 1.0 / (fan_in.max(1) as f32).sqrt() }
}

/// Puts the layer's name in front of what is wrong with it.
fn named<T>(layer: &str, result: Result<T>) -> Result<T> {
    result.map_err(|mut error| {
        error.message = format!("`{layer}`: {}", error.message);
        error
    })
}

/// Whether the first activation of these layers is a relu or like one.
fn is_rectified(layers: &[Layer]) -> bool {
    for layer in layers {
        match layer {
            Layer::Relu | Layer::Gelu => return true,
            Layer::Conv { .. }
            | Layer::Depthwise { .. }
            | Layer::Dense { .. }
            | Layer::Tanh
            | Layer::Sigmoid
            | Layer::Residual { .. } => return false,
            Layer::MaxPool { .. }
            | Layer::AveragePool { .. }
            | Layer::GlobalAveragePool
            | Layer::Flatten
            | Layer::BatchNorm
            | Layer::LayerNorm
            | Layer::Dropout(_) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::initialise;
    use crate::layers::Padding;
    use std::collections::HashMap;
    use tacit_ir::passes::batch;
    use tacit_ir::{DType, Tensor, interpret};

    /// Every layer that treats examples by themselves.
    fn all_layers() -> Vec<Layer> {
        vec![
            Layer::Conv { window: Window::same([3, 3]), channels: 4, groups: 1 },
            Layer::LayerNorm,
            Layer::Gelu,
            Layer::residual(vec![
                Layer::Conv { window: Window::same([1, 1]), channels: 8, groups: 1 },
                Layer::Relu,
                Layer::Depthwise { window: Window { dilation: [2, 2], ..Window::same([3, 3]) } },
                Layer::Conv { window: Window::same([3, 3]), channels: 4, groups: 2 },
            ]),
            Layer::MaxPool { window: Window { stride: [2, 2], ..Window::tiles([3, 3]) } },
            Layer::Tanh,
            Layer::AveragePool { window: Window { padding: Padding::Same, ..Window::same([2, 2]) } },
            Layer::residual(vec![Layer::Sigmoid, Layer::residual(vec![Layer::LayerNorm])]),
            Layer::Residual {
                layers: vec![Layer::Conv {
                    window: Window { stride: [2, 2], ..Window::same([3, 3]) },
                    channels: 6,
                    groups: 1,
                }],
                shortcut: vec![Layer::Conv {
                    window: Window { stride: [2, 2], ..Window::same([1, 1]) },
                    channels: 6,
                    groups: 1,
                }],
            },
            Layer::GlobalAveragePool,
            Layer::Flatten,
            Layer::Dense { units: 3, groups: 1 },
            Layer::LayerNorm,
        ]
    }

    fn laid_out(layers: &[Layer], shape: &[usize], training: bool) -> (Graph, Vec<Parameter>) {
        let mut graph = Graph::new();
        let x = graph.input("x", DType::F32, shape).unwrap();
        let mode = match training {
            true => Mode::Training { key: graph.input("key", DType::I32, &[2]).unwrap() },
            false => Mode::Inference,
        };
        let (y, parameters) = forward(&mut graph, layers, x, mode, 1).unwrap();
        graph.set_output("y", y).unwrap();
        (graph, parameters)
    }

    fn started(parameters: &[Parameter]) -> HashMap<String, Tensor<f32>> {
        let start = |p: &Parameter| {
            let values = initialise(p.initialiser, 1, &p.name, p.shape.iter().product());
            (p.name.clone(), Tensor::floats(&p.shape, values))
        };
        parameters.iter().map(start).collect()
    }

    #[test]
    fn training_one_example_and_a_batch_of_programs_give_the_same_bits() {
        let (training, parameters) = laid_out(&all_layers(), &[2, 7, 8, 2], true);
        let (single, same) = laid_out(&all_layers(), &[7, 8, 2], false);
        assert_eq!(parameters, same);
        let batched = batch(&single, 2).unwrap();
        let mut leaves = started(&parameters);
        let images = initialise(Initialiser::Normal { deviation: 1.0 }, 3, "images", 2 * 112);
        leaves.insert("x".into(), Tensor::floats(&[2, 7, 8, 2], images.clone()));
        let found = interpret(&batched, &leaves).unwrap().outputs.remove("y").unwrap();
        assert_eq!(found.shape, [2, 3]);
        leaves.insert("key".into(), Tensor::integers(&[2], vec![0, 0]));
        assert_eq!(interpret(&training, &leaves).unwrap().outputs["y"], found);
        leaves.remove("key");
        for (image, expected) in images.chunks(112).zip(found.as_floats().chunks(3)) {
            leaves.insert("x".into(), Tensor::floats(&[7, 8, 2], image.to_vec()));
            assert_eq!(interpret(&single, &leaves).unwrap().outputs["y"].as_floats(), expected);
        }
    }

    #[test]
    fn weights_before_a_relu_start_as_he_says_and_others_as_glorot_says() {
        let layers = [
            Layer::Conv { window: Window::same([3, 3]), channels: 4, groups: 2 },
            Layer::BatchNorm,
            Layer::Relu,
            Layer::Dense { units: 5, groups: 1 },
            Layer::Tanh,
            Layer::Dense { units: 3, groups: 1 },
        ];
        let (_, parameters) = laid_out(&layers, &[2, 2, 6], false);
        let weights: Vec<_> =
            parameters.iter().filter(|p| p.decays).map(|p| (p.name.as_str(), p.initialiser)).collect();
        let expected = [
            ("conv1.weight", Initialiser::HeNormal { fan_in: 27 }),
            ("dense3.weight", Initialiser::GlorotUniform { fan_in: 16, fan_out: 5 }),
            ("dense4.weight", Initialiser::GlorotUniform { fan_in: 5, fan_out: 3 }),
        ];
        assert_eq!(weights, expected);
    }
}
