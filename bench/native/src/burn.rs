//! Burn: training with its backend for processors, Flex.

use crate::protocol::{Arguments, Prepared};
use crate::training::{BETAS, Convolution, DECAY, EPSILON, Layer, RATE, Start, Target, Training};
use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::loss::{CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, PaddingConfig2d};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};

#[derive(Module, Debug)]
struct Network {
    convolutions: Vec<Conv2d>,
    pool: Option<MaxPool2d>,
    dense: Vec<Linear>,
}

/// Makes a network of the exported values.
pub fn prepare(arguments: &Arguments) -> Result<Box<dyn Prepared>, String> {
    let start = Start::read(arguments)?;
    let mut step = training_step(start);
    // The version is that of Cargo.toml, which allows no other.
    Ok(Box::new(Training { version: "Burn 0.22.1", step: move || Ok(step()) }))
}

fn training_step(start: Start) -> impl FnMut() -> f32 {
    let device = Device::flex().autodiff();
    let network = Network {
        convolutions: start.convolutions.into_iter().map(|layer| convolution(layer, &device)).collect(),
        pool: start.pools.then(|| MaxPool2dConfig::new([2, 2]).init()),
        dense: start.dense.into_iter().map(|layer| dense(layer, &device)).collect(),
    };
    // A vector is an image of one pixel: its numbers lie in the same order.
    let mut shape = start.input.shape;
    shape.resize(4, 1);
    let input = Tensor::<4>::from_data(TensorData::new(start.input.values, shape), &device);
    let loss_of = loss_of(start.target, &device);
    let mut optimiser = AdamWConfig::new()
        .with_beta_1(BETAS[0] as f32)
        .with_beta_2(BETAS[1] as f32)
        .with_epsilon(EPSILON as f32)
        .with_weight_decay(DECAY as f32)
        .init();
    let mut network = Some(network);
    move || {
        let before = network.take().expect("every step leaves a network");
        let loss = loss_of(before.forward(input.clone()));
        let gradients = GradientsParams::from_grads(loss.backward(), &before);
        let loss = loss.into_scalar();
        network = Some(optimiser.step(RATE, before, gradients));
        loss
    }
}

fn convolution(convolution: Convolution, device: &Device) -> Conv2d {
    let Convolution { layer: Layer { weight, bias }, stride, padding } = convolution;
    let kernel_size = [weight.shape[2], weight.shape[3]];
    Conv2d {
        weight: Param::from_data(TensorData::new(weight.values, weight.shape), device),
        bias: Some(Param::from_data(TensorData::new(bias.values, bias.shape), device)),
        stride: [stride; 2],
        kernel_size,
        dilation: [1; 2],
        groups: 1,
        padding: PaddingConfig2d::Explicit(padding, padding, padding, padding),
    }
}

fn dense(layer: Layer, device: &Device) -> Linear {
    let Layer { weight, bias } = layer;
    Linear {
        weight: Param::from_data(TensorData::new(weight.values, weight.shape), device),
        bias: Some(Param::from_data(TensorData::new(bias.values, bias.shape), device)),
    }
}

/// The loss of an answer.
fn loss_of(target: Target, device: &Device) -> Box<dyn Fn(Tensor<2>) -> Tensor<1>> {
    match target {
        Target::Classes(classes) => {
            let count = classes.len();
            let classes = Tensor::<1, Int>::from_data(TensorData::new(classes, [count]), device);
            let cross_entropy = CrossEntropyLossConfig::new().init(device);
            Box::new(move |answer| cross_entropy.forward(answer, classes.clone()))
        }
        Target::Numbers(numbers) => {
            let numbers = Tensor::<2>::from_data(TensorData::new(numbers.values, numbers.shape), device);
            Box::new(move |answer| MseLoss::new().forward(answer, numbers.clone(), Reduction::Mean))
        }
    }
}

impl Network {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let mut images = input;
        for convolution in &self.convolutions {
            images = relu(convolution.forward(images));
        }
        if let Some(pool) = &self.pool {
            images = pool.forward(images);
        }
        let mut x = images.flatten(1, 3);
        for (k, layer) in self.dense.iter().enumerate() {
            x = layer.forward(x);
            if k + 1 < self.dense.len() {
                x = relu(x);
            }
        }
        x
    }
}
