//! candle: training on the processor.

use crate::protocol::{Arguments, Prepared};
use crate::training::{BETAS, DECAY, EPSILON, Layer, RATE, Start, Target, Training};
use candle_core::{Device, Module, Result, Tensor, Var};
use candle_nn::{AdamW, Conv2d, Conv2dConfig, Optimizer, ParamsAdamW, loss};

const DEVICE: Device = Device::Cpu;

struct Network {
    convolutions: Vec<Conv2d>,
    pools: bool,
    dense: Vec<Dense>,
}

/// A dense layer whose weight is [in, out].
///
/// candle's own layer has it the other way round, and sums the transposed gradient up number by number.
struct Dense {
    weight: Tensor,
    bias: Tensor,
}

/// Makes a network of the exported values.
pub fn prepare(arguments: &Arguments) -> std::result::Result<Box<dyn Prepared>, String> {
    let start = Start::read(arguments)?;
    let mut step = training_step(start).map_err(|error| error.to_string())?;
    let step = move || step().map_err(|error| error.to_string());
    // That of Cargo.toml, which allows no other.
    Ok(Box::new(Training { version: "candle 0.11.1", step }))
}

fn training_step(start: Start) -> Result<impl FnMut() -> Result<f32>> {
    let mut parameters = vec![];
    let mut convolutions = vec![];
    for convolution in start.convolutions {
        let [weight, bias] = trained(convolution.layer, &mut parameters)?;
        let config =
            Conv2dConfig { padding: convolution.padding, stride: convolution.stride, ..Conv2dConfig::default() };
        convolutions.push(Conv2d::new(weight, Some(bias), config));
    }
    let mut dense = vec![];
    for layer in start.dense {
        let [weight, bias] = trained(layer, &mut parameters)?;
        dense.push(Dense { weight, bias });
    }
    let network = Network { convolutions, pools: start.pools, dense };
    let input = Tensor::from_vec(start.input.values, start.input.shape, &DEVICE)?;
    let loss_of = loss_of(start.target)?;
    let [beta1, beta2] = BETAS;
    let settings = ParamsAdamW { lr: RATE, beta1, beta2, eps: EPSILON, weight_decay: DECAY };
    let mut optimiser = AdamW::new(parameters, settings)?;
    Ok(move || {
        let loss = loss_of(&network.forward(&input)?)?;
        optimiser.backward_step(&loss)?;
        loss.to_scalar()
    })
}

/// Weight and bias of a layer, which are also put among the parameters.
fn trained(layer: Layer, parameters: &mut Vec<Var>) -> Result<[Tensor; 2]> {
    let weight = Var::from_vec(layer.weight.values, layer.weight.shape, &DEVICE)?;
    let bias = Var::from_vec(layer.bias.values, layer.bias.shape, &DEVICE)?;
    // A variable and its tensor are the same memory.
    let tensors = [weight.as_tensor().clone(), bias.as_tensor().clone()];
    parameters.extend([weight, bias]);
    Ok(tensors)
}

/// From an answer to its loss.
type Loss = Box<dyn Fn(&Tensor) -> Result<Tensor>>;

fn loss_of(target: Target) -> Result<Loss> {
    Ok(match target {
        Target::Classes(classes) => {
            let count = classes.len();
            let classes: Vec<u32> = classes.into_iter().map(i32::unsigned_abs).collect();
            let classes = Tensor::from_vec(classes, count, &DEVICE)?;
            Box::new(move |answer| loss::cross_entropy(answer, &classes))
        }
        Target::Numbers(numbers) => {
            let numbers = Tensor::from_vec(numbers.values, numbers.shape, &DEVICE)?;
            Box::new(move |answer| loss::mse(answer, &numbers))
        }
    })
}

impl Network {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut x = input.clone();
        for convolution in &self.convolutions {
            x = convolution.forward(&x)?.relu()?;
        }
        if self.pools {
            x = greatest_of_tiles(&x)?;
        }
        x = x.flatten_from(1)?;
        for (k, layer) in self.dense.iter().enumerate() {
            x = layer.forward(&x)?;
            if k + 1 < self.dense.len() {
                x = x.relu()?;
            }
        }
        Ok(x)
    }
}

impl Dense {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight)?.broadcast_add(&self.bias)
    }
}

/// The greatest of every two by two pixels.
///
/// candle's own operation would pass on a quarter of the gradient only, which AdamW hides from the losses.
fn greatest_of_tiles(x: &Tensor) -> Result<Tensor> {
    let (n, channels, height, width) = x.dims4()?;
    x.reshape(vec![n, channels, height / 2, 2, width / 2, 2])?.max(5)?.max(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_passes_on_the_whole_gradient() {
        let x = Var::from_vec(vec![1f32, 4.0, 3.0, 2.0], (1, 1, 2, 2), &DEVICE).expect("a small image");
        let gradient_of = |pooled: Result<Tensor>| {
            let loss = pooled.and_then(|pooled| pooled.sum_all()? * 8.0).expect("a sum");
            let gradients = loss.backward().expect("all of it has a gradient");
            gradients.get(&x).expect("it is a variable").flatten_all().and_then(|all| all.to_vec1::<f32>())
        };
        assert_eq!(gradient_of(greatest_of_tiles(&x)).expect("numbers"), [0.0, 8.0, 0.0, 0.0]);
        // Once this fails, candle's own operation can take the place of the one above.
        assert_eq!(gradient_of(x.max_pool2d(2)).expect("numbers"), [0.0, 2.0, 0.0, 0.0]);
    }
}
