//! Networks over vectors.

use super::network::Network;
use tacit_ir::{Result, ValueId};

/// W1.
pub fn digits_mlp(network: &mut Network) -> Result<ValueId> {
    let x = network.numbers(&[784])?;
    perceptron(network, x, &[512, 512, 10])
}

/// W6.
pub fn table_mlp(network: &mut Network) -> Result<ValueId> {
    let x = network.numbers(&[14])?;
    perceptron(network, x, &[64, 64, 1])
}

fn perceptron(network: &mut Network, mut x: ValueId, widths: &[usize]) -> Result<ValueId> {
    for (k, width) in widths.iter().enumerate() {
        x = network.dense(&format!("fc{}", k + 1), x, *width)?;
        if k + 1 < widths.len() {
            x = network.relu(x)?;
        }
    }
    Ok(x)
}

/// The anomaly detector of MLPerf Tiny.
pub fn autoencoder(network: &mut Network) -> Result<ValueId> {
    let mut x = network.numbers(&[640])?;
    for (k, width) in [128, 128, 128, 128, 8, 128, 128, 128, 128].into_iter().enumerate() {
        x = network.dense(&format!("fc{}", k + 1), x, width)?;
        x = network.batch_norm(&format!("bn{}", k + 1), x)?;
        x = network.relu(x)?;
    }
    network.dense("fc10", x, 640)
}
