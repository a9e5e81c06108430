//! Layers as functions of values: parameters are passed in, so that they can be shared, frozen or computed.

mod activations;
mod attention;
mod convolution;
mod dense;
mod dropout;
mod normalisation;
mod pooling;
mod recurrent;
mod softmax;

pub use activations::{elu, gelu, gelu_tanh, leaky_relu, relu, sigmoid, silu, softplus, tanh};
pub use attention::{Attention, attention, rotary};
pub use convolution::{Padding, Window, convolution, depthwise_convolution, transposed_convolution};
pub use dense::{dense, embedding, flatten, grouped_dense};
pub use dropout::dropout;
pub use normalisation::{
    EPSILON, batch_norm, batch_norm_training, layer_norm, rms_norm, standardise, update_running_statistics,
};
pub use pooling::{average_pool, global_average_pool, max_pool};
pub use recurrent::{Gates, gru_step, lstm_step};
pub use softmax::{log_softmax, softmax};
