//! Networks over sequences.

use super::network::{First, Network};
use tacit_ir::{Result, ScalarFn, ValueId};
use tacit_nn::Initialiser;
use tacit_nn::layers::{Attention, attention, dense, embedding, gelu, sigmoid, tanh};

/// W4.
pub fn transformer(network: &mut Network) -> Result<ValueId> {
    let (places, width, heads) = (128, 256, 4);
    let small = First::Drawn(Initialiser::Normal { deviation: 0.5 });
    let x = network.tokens(places, 512)?;
    let table = network.parameter("embed", &[512, width], small)?;
    let position = network.parameter("position", &[places, width], small)?;
    let x = embedding(&mut network.graph, table, x)?;
    let mut x = network.graph.map_nest(ScalarFn::Add, "ntz,tz->ntz", &[x, position])?;
    for layer in 0..4 {
        let normal = network.layer_norm(&format!("layers.{layer}.ln1"), x)?;
        let mut head = |name: &str| {
            let drawn = Initialiser::GlorotUniform { fan_in: width, fan_out: width };
            let shape = if name == "output" { [heads, width / heads, width] } else { [width, heads, width / heads] };
            network.parameter(&format!("layers.{layer}.{name}"), &shape, First::Drawn(drawn))
        };
        let (query, key, value, output) = (head("query")?, head("key")?, head("value")?, head("output")?);
        let parameters = Attention { query, key, value, output, causal: true, rotary: false };
        let seen = attention(&mut network.graph, normal, parameters)?;
        x = network.add(x, seen)?;
        let normal = network.layer_norm(&format!("layers.{layer}.ln2"), x)?;
        let y = network.dense(&format!("layers.{layer}.ff1"), normal, 4 * width)?;
        let y = gelu(&mut network.graph, y)?;
        let y = network.dense(&format!("layers.{layer}.ff2"), y, width)?;
        x = network.add(x, y)?;
    }
    let x = network.layer_norm("ln", x)?;
    let head = network.weight("head.weight", &[width, 512])?;
    dense(&mut network.graph, x, head, None)
}

/// W5: gated layers with a residual and a skip connection (van den Oord et al., arXiv:1609.03499, section 2.4).
pub fn wavenet(network: &mut Network) -> Result<ValueId> {
    let layers = 20;
    let x = network.tokens(2048, 256)?;
    let table = network.parameter("embed", &[256, 32], First::Drawn(Initialiser::Normal { deviation: 1.0 }))?;
    let mut x = embedding(&mut network.graph, table, x)?;
    let mut skips: Option<ValueId> = None;
    for layer in 0..layers {
        let name = format!("layers.{layer}");
        let dilation = 1 << (layer % 10);
        let filter = causal(network, &format!("{name}.filter"), x, dilation)?;
        let gate = causal(network, &format!("{name}.gate"), x, dilation)?;
        let filter = tanh(&mut network.graph, filter)?;
        let gate = sigmoid(&mut network.graph, gate)?;
        let gated = network.graph.map(ScalarFn::Mul, &[filter, gate])?;
        let skip = network.dense(&format!("{name}.skip"), gated, 64)?;
        skips = Some(match skips {
            Some(sum) => network.add(sum, skip)?,
            None => skip,
        });
        if layer + 1 < layers {
            let residual = network.dense(&format!("{name}.residual"), gated, 32)?;
            x = network.add(x, residual)?;
        }
    }
    let x = network.relu(skips.expect("there are layers"))?;
    let x = network.dense("head1", x, 64)?;
    let x = network.relu(x)?;
    network.dense("head2", x, 256)
}

/// w[0]·x[t − dilation] + w[1]·x[t] + b, from 32 channels to 32.
fn causal(network: &mut Network, name: &str, x: ValueId, dilation: usize) -> Result<ValueId> {
    let weight = network.weight(&format!("{name}.weight"), &[2, 32, 32])?;
    let places = network.graph.shape(x)[1];
    let words = format!("n{{t+{dilation}k-{dilation}}}c,kco->nto");
    let y = network.graph.contract(&words, x, weight, &[('t', places)])?;
    network.add_bias(name, y)
}
