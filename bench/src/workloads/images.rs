//! Networks over images, channels last.

use super::network::Network;
use tacit_ir::{Result, ValueId};
use tacit_nn::layers::{Padding, Window, depthwise_convolution, flatten, global_average_pool, max_pool};

const THREE: Window = Window::same([3, 3]);
const ONE: Window = Window::same([1, 1]);

fn stride(window: Window, stride: usize) -> Window {
    Window { stride: [stride; 2], ..window }
}

/// W2.
pub fn convnet(network: &mut Network) -> Result<ValueId> {
    let valid = Window { padding: Padding::Valid, ..THREE };
    let x = network.numbers(&[28, 28, 1])?;
    let x = network.convolution("conv1", x, valid, 32)?;
    let x = network.relu(x)?;
    let x = network.convolution("conv2", x, valid, 64)?;
    let x = network.relu(x)?;
    let x = max_pool(&mut network.graph, x, Window::tiles([2, 2]))?;
    dense_behind_image(network, x, 128)
}

/// W7.
pub fn digits_convnet(network: &mut Network) -> Result<ValueId> {
    let x = network.numbers(&[8, 8, 1])?;
    let x = network.convolution("conv1", x, THREE, 16)?;
    let x = network.relu(x)?;
    let x = network.convolution("conv2", x, stride(THREE, 2), 32)?;
    let x = network.relu(x)?;
    dense_behind_image(network, x, 64)
}

fn dense_behind_image(network: &mut Network, x: ValueId, hidden: usize) -> Result<ValueId> {
    let x = flatten(&mut network.graph, x, 1)?;
    let x = network.dense("fc1", x, hidden)?;
    let x = network.relu(x)?;
    network.dense("fc2", x, 10)
}

/// W3: the image classifier of MLPerf Tiny, but with the padding on both sides alike.
pub fn resnet_8(network: &mut Network) -> Result<ValueId> {
    let x = network.numbers(&[32, 32, 3])?;
    let x = network.convolution("conv1", x, THREE, 16)?;
    let x = network.batch_norm("bn1", x)?;
    let mut x = network.relu(x)?;
    for (stack, channels) in [("s1", 16), ("s2", 32), ("s3", 64)] {
        let step = if stack == "s1" { 1 } else { 2 };
        let y = network.convolution(&format!("{stack}.conv1"), x, stride(THREE, step), channels)?;
        let y = network.batch_norm(&format!("{stack}.bn1"), y)?;
        let y = network.relu(y)?;
        let y = network.convolution(&format!("{stack}.conv2"), y, THREE, channels)?;
        let y = network.batch_norm(&format!("{stack}.bn2"), y)?;
        if step > 1 {
            x = network.convolution(&format!("{stack}.shortcut"), x, stride(ONE, step), channels)?;
        }
        x = network.add(y, x)?;
        x = network.relu(x)?;
    }
    classify(network, x, 10)
}

fn classify(network: &mut Network, x: ValueId, classes: usize) -> Result<ValueId> {
    let x = global_average_pool(&mut network.graph, x)?;
    network.dense("fc", x, classes)
}

/// The keyword spotter of MLPerf Tiny.
pub fn keyword_spotting(network: &mut Network) -> Result<ValueId> {
    let x = network.numbers(&[49, 10, 1])?;
    let x = network.convolution("conv1", x, stride(Window::same([10, 4]), 2), 64)?;
    let x = network.batch_norm("bn1", x)?;
    let mut x = network.relu(x)?;
    for block in 1..=4 {
        let weight = network.weight(&format!("b{block}.depthwise.weight"), &[3, 3, 64])?;
        x = depthwise_convolution(&mut network.graph, x, weight, THREE)?;
        x = network.add_bias(&format!("b{block}.depthwise"), x)?;
        x = network.batch_norm(&format!("b{block}.bn1"), x)?;
        x = network.relu(x)?;
        x = network.convolution(&format!("b{block}.pointwise"), x, ONE, 64)?;
        x = network.batch_norm(&format!("b{block}.bn2"), x)?;
        x = network.relu(x)?;
    }
    classify(network, x, 12)
}

/// ResNet-18 (He, Zhang, Ren and Sun, arXiv:1512.03385, table 1).
pub fn resnet_18(network: &mut Network) -> Result<ValueId> {
    let x = network.numbers(&[224, 224, 3])?;
    let x = network.filters("conv1.weight", x, stride(Window::same([7, 7]), 2), 64)?;
    let x = network.batch_norm("bn1", x)?;
    let x = network.relu(x)?;
    let mut x = max_pool(&mut network.graph, x, stride(THREE, 2))?;
    for (layer, channels) in [(1, 64), (2, 128), (3, 256), (4, 512)] {
        for block in 0..2 {
            let name = format!("layer{layer}.{block}");
            let step = if layer > 1 && block == 0 { 2 } else { 1 };
            let y = network.filters(&format!("{name}.conv1.weight"), x, stride(THREE, step), channels)?;
            let y = network.batch_norm(&format!("{name}.bn1"), y)?;
            let y = network.relu(y)?;
            let y = network.filters(&format!("{name}.conv2.weight"), y, THREE, channels)?;
            let y = network.batch_norm(&format!("{name}.bn2"), y)?;
            if step > 1 {
                x = network.filters(&format!("{name}.downsample.weight"), x, stride(ONE, step), channels)?;
                x = network.batch_norm(&format!("{name}.downsample_bn"), x)?;
            }
            x = network.add(y, x)?;
            x = network.relu(x)?;
        }
    }
    classify(network, x, 1000)
}
