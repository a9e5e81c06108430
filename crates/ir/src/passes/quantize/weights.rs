//! The integers of a contraction: weights with a scale for each channel, and the bias with the zero point taken in.

use super::affine::{GREATEST, LOWEST, Quantisation};
use super::channels::Channels;
use crate::interpret::{Data, Tensor};
use crate::types::row_major_strides;

/// A contraction's weights and bias as integers.
pub(super) struct Integers {
    /// From −127 to 127, in the shape of the weights.
    pub weights: Tensor<f32>,
    /// The scale of each channel.
    pub scales: Vec<f32>,
    /// i32, along the dimensions of the result in `bias_dims`; none if it is zero everywhere.
    pub bias: Option<Tensor<f32>>,
    pub bias_dims: Vec<usize>,
}

/// The integers for an operand with this quantisation. `bias` has the dimensions `dims` of the result.
///
/// Weights are symmetric: scale = max |w| / 127 of each channel, q = w / scale to nearest, ties away from zero. The bias
/// has the scale of the sums, scale of the operand · scale of the channel. Since Σ w·(q − z) = Σ w·q − z·Σ w, the operand's
/// zero point z is a term of each channel's bias (arXiv:1712.05877, equation 7), and the sums need no other.
pub(super) fn integers(
    weights: &Tensor<f32>,
    channels: &Channels,
    repeats: usize,
    operand: Quantisation,
    bias: Option<(&Tensor<f32>, &[usize])>,
) -> Integers {
    let values = weights.as_floats();
    let dims = bias.map_or(&[][..], |(_, dims)| dims);
    let shared = BiasPlaces::new(channels, bias.map(|(tensor, _)| &tensor.shape[..]), dims);
    let mut greatest = vec![0f32; channels.count()];
    for (value, channel) in values.iter().zip(&channels.of) {
        greatest[*channel] = greatest[*channel].max(value.abs());
    }
    let mut scales: Vec<f32> = greatest.iter().map(|most| most / GREATEST as f32).collect();
    // Where weights are tiny beside the bias, the scale grows until the bias takes up half of an i32.
    let bias_values = bias.map(|(tensor, _)| tensor.as_floats());
    for (position, channel) in shared.channel.iter().enumerate() {
        let most = bias_values.map_or(0.0, |values| values[shared.bias[position]].abs());
        let least = (f64::from(most) / (f64::from(operand.scale) * BIAS_MAX)) as f32;
        scales[*channel] = scales[*channel].max(least);
    }
    for scale in &mut scales {
        *scale = if scale.is_normal() { *scale } else { 1.0 };
    }
    let mut sums = vec![0i32; scales.len()];
    let steps = values.iter().zip(&channels.of).map(|(value, channel)| {
        let step = (value / scales[*channel]).round().clamp(-GREATEST as f32, GREATEST as f32) as i8;
        sums[*channel] += i32::from(step) * repeats as i32;
        step
    });
    let steps = steps.collect();
    let bias: Vec<i32> = shared
        .channel
        .iter()
        .enumerate()
        .map(|(position, channel)| {
            let real = bias_values.map_or(0.0, |values| f64::from(values[shared.bias[position]]));
            let own = (real / (f64::from(operand.scale) * f64::from(scales[*channel]))).round();
            // |own| fits by the choice of the scale, and the rest by the number of terms.
            (own as i32).wrapping_sub(operand.zero_point.wrapping_mul(sums[*channel]))
        })
        .collect();
    let is_zero = bias.iter().all(|one| *one == 0);
    Integers {
        weights: Tensor { shape: weights.shape.clone(), data: Data::I8(steps) },
        scales,
        bias: (!is_zero).then(|| Tensor::integers(&shared.shape, bias)),
        bias_dims: shared.dims,
    }
}

/// The greatest bias, in steps.
const BIAS_MAX: f64 = (1u32 << 30) as f64;

/// Where the elements of an integer bias come from: it has the dimensions of the channels and those of the bias.
struct BiasPlaces {
    dims: Vec<usize>,
    shape: Vec<usize>,
    /// For each element its channel, and its place in the f32 bias.
    channel: Vec<usize>,
    bias: Vec<usize>,
}

impl BiasPlaces {
    fn new(channels: &Channels, bias_shape: Option<&[usize]>, bias_dims: &[usize]) -> BiasPlaces {
        let bias_shape = bias_shape.unwrap_or(&[]);
        let mut dims: Vec<usize> = channels.dims.iter().chain(bias_dims).copied().collect();
        dims.sort_unstable();
        dims.dedup();
        let extent = |dim: &usize| {
            let of_channels = channels.dims.iter().position(|other| other == dim).map(|k| channels.shape[k]);
            of_channels.or_else(|| bias_dims.iter().position(|other| other == dim).map(|k| bias_shape[k]))
        };
        let shape: Vec<usize> = dims.iter().map(|dim| extent(dim).expect("a dimension is of one of them")).collect();
        let strides = row_major_strides(&shape);
        let places = |of: &[usize], of_shape: &[usize]| -> Vec<usize> {
            let own = row_major_strides(of_shape);
            let place = |position: usize| {
                let one = |(k, dim): (usize, &usize)| {
                    let at = dims.iter().position(|other| other == dim).expect("the dimensions were joined");
                    position / strides[at] % shape[at] * own[k]
                };
                of.iter().enumerate().map(one).sum()
            };
            (0..shape.iter().product()).map(place).collect()
        };
        let channel = places(&channels.dims, &channels.shape);
        let bias = places(bias_dims, bias_shape);
        BiasPlaces { dims, shape, channel, bias }
    }
}

/// The limits of an i8 that an activation leaves.
pub(super) fn limits(low: Option<f32>, high: Option<f32>, result: Quantisation) -> [i32; 2] {
    [low.map_or(LOWEST, |low| result.step(low)), high.map_or(GREATEST, |high| result.step(high))]
}
