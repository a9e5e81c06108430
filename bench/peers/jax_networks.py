"""The measured networks as functions of JAX, with images channels-last and the exported tensors as they are."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

EPSILON, MOMENTUM = 1e-5, 0.1


def answer(workload, values, x, by_slices=False):
    """The network's outputs from its values for inference."""
    return FORWARD[workload](Answering(values, by_slices), x)


def training_answer(workload, parameters, statistics, x, by_slices=False):
    """The network's outputs while it trains, and its running statistics thereafter."""
    layers = Training(parameters, by_slices, statistics)
    return FORWARD[workload](layers, x), layers.moved


def joined(tensors):
    """The exported parameters with query, key and value, and filter and gate, in one matrix each."""
    values = {name: value for name, value in tensors.items() if name not in ("input/x", "target")}
    for name in list(values):
        layer, _, leaf = name.rpartition(".")
        if leaf == "query":
            parts = [values.pop(f"{layer}.{part}") for part in ("query", "key", "value")]
            values[f"{layer}.joined.weight"] = np.stack(parts, 1).reshape(len(parts[0]), -1)
        elif leaf == "output":
            values[f"{layer}.output.weight"] = values.pop(name).reshape(-1, values["embed"].shape[1])
        elif name.endswith(".filter.weight"):
            layer = layer.removesuffix(".filter")
            weights = [values.pop(f"{layer}.{part}.weight") for part in ("filter", "gate")]
            values[f"{layer}.joined.weight"] = np.concatenate(weights, 2).reshape(-1, 2 * weights[0].shape[2])
            biases = [values.pop(f"{layer}.{part}.bias") for part in ("filter", "gate")]
            values[f"{layer}.joined.bias"] = np.concatenate(biases)
    return values


def without_statistics(values):
    """What is left of batch norms for inference: a factor and a summand each."""
    values = dict(values)
    for name in [name.removesuffix(".variance") for name in values if name.endswith(".variance")]:
        gain, shift, mean, variance = (values.pop(f"{name}.{leaf}") for leaf in ("gain", "shift", "mean", "variance"))
        values[f"{name}.factor"] = factor = gain / np.sqrt(variance + EPSILON)
        values[f"{name}.summand"] = shift - mean * factor
    return values


class Layers:
    """Layers that look up their own values by name.

    XLA is slow at some convolutions on processors, at gradients and depthwise ones above all. `by_slices` takes a
    convolution apart into slices of the image, one for each place of the filter.
    """

    def __init__(self, values, by_slices):
        self.values = values
        self.by_slices = by_slices

    def with_bias(self, name, x):
        bias = self.values.get(f"{name}.bias")
        return x if bias is None else x + bias

    def dense(self, name, x):
        return self.with_bias(name, x @ self.values[f"{name}.weight"])

    def convolution(self, name, x, stride=1, padding=((1, 1), (1, 1)), groups=1):
        weight = self.values[f"{name}.weight"]
        if self.by_slices:
            x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
            rows, columns = ((size - filter) // stride * stride + 1 for size, filter in zip(x.shape[1:3], weight.shape))
            places = [(i, j) for i in range(weight.shape[0]) for j in range(weight.shape[1])]
            slices = [x[:, i:i + rows:stride, j:j + columns:stride] for i, j in places]
            if groups > 1:
                y = sum(part * weight[place] for part, place in zip(slices, places))
            else:
                y = jnp.concatenate(slices, -1) @ weight.reshape(-1, weight.shape[-1])
        else:
            weight = weight[:, :, None, :] if groups > 1 else weight
            y = lax.conv_general_dilated(x, weight, (stride, stride), padding, feature_group_count=groups,
                                         dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return self.with_bias(name, y)

    def layer_norm(self, name, x):
        mean = x.mean(-1, keepdims=True)
        variance = jnp.square(x - mean).mean(-1, keepdims=True)
        x = (x - mean) * lax.rsqrt(variance + EPSILON)
        return x * self.values[f"{name}.gain"] + self.values[f"{name}.shift"]


class Answering(Layers):
    def batch_norm(self, name, x):
        return x * self.values[f"{name}.factor"] + self.values[f"{name}.summand"]


class Training(Layers):
    def __init__(self, values, by_slices, statistics):
        super().__init__(values, by_slices)
        self.statistics = statistics
        self.moved = {}

    def batch_norm(self, name, x):
        axes = tuple(range(x.ndim - 1))
        mean = x.mean(axes)
        variance = jnp.square(x - mean).mean(axes)
        count = x.size // x.shape[-1]
        for leaf, now in (("mean", mean), ("variance", variance * count / (count - 1))):
            old = self.statistics[f"{name}.{leaf}"]
            self.moved[f"{name}.{leaf}"] = old + MOMENTUM * (lax.stop_gradient(now) - old)
        factor = self.values[f"{name}.gain"] * lax.rsqrt(variance + EPSILON)
        return (x - mean) * factor + self.values[f"{name}.shift"]


NO_PADDING = ((0, 0), (0, 0))


def relu(x):
    return jnp.maximum(x, 0)


def flatten(x):
    return x.reshape(len(x), -1)


def perceptron(layers, x):
    x = relu(layers.dense("fc1", x))
    return layers.dense("fc3", relu(layers.dense("fc2", x)))


def convnet(layers, x):
    x = relu(layers.convolution("conv1", x, padding=NO_PADDING))
    x = relu(layers.convolution("conv2", x, padding=NO_PADDING))
    # The greatest of two by two. Behind a relu equal ones are zeros, whose gradient goes nowhere.
    n, height, width, channels = x.shape
    x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
    return layers.dense("fc2", relu(layers.dense("fc1", flatten(x))))


def digits_convnet(layers, x):
    x = relu(layers.convolution("conv1", x))
    x = relu(layers.convolution("conv2", x, stride=2))
    return layers.dense("fc2", relu(layers.dense("fc1", flatten(x))))


def resnet_8(layers, x):
    x = relu(layers.batch_norm("bn1", layers.convolution("conv1", x)))
    for stack in ("s1", "s2", "s3"):
        stride = 1 if stack == "s1" else 2
        y = relu(layers.batch_norm(f"{stack}.bn1", layers.convolution(f"{stack}.conv1", x, stride=stride)))
        y = layers.batch_norm(f"{stack}.bn2", layers.convolution(f"{stack}.conv2", y))
        if stride > 1:
            x = layers.convolution(f"{stack}.shortcut", x, stride=stride, padding=NO_PADDING)
        x = relu(y + x)
    return layers.dense("fc", x.mean((1, 2)))


def transformer(layers, x):
    places, heads = x.shape[1], 4
    x = layers.values["embed"][x] + layers.values["position"]
    for k in range(4):
        name = f"layers.{k}"
        y = layers.dense(f"{name}.joined", layers.layer_norm(f"{name}.ln1", x))
        query, key, value = y.reshape(len(y), places, 3, heads, -1).transpose(2, 0, 3, 1, 4)
        scores = query @ key.swapaxes(2, 3) * query.shape[-1] ** -0.5
        scores = jnp.where(jnp.tri(places, dtype=bool), scores, -jnp.inf)
        seen = (jax.nn.softmax(scores) @ value).swapaxes(1, 2).reshape(x.shape)
        x = x + layers.dense(f"{name}.output", seen)
        y = jax.nn.gelu(layers.dense(f"{name}.ff1", layers.layer_norm(f"{name}.ln2", x)), approximate=False)
        x = x + layers.dense(f"{name}.ff2", y)
    return layers.dense("head", layers.layer_norm("ln", x))


def wavenet(layers, x):
    x = layers.values["embed"][x]
    sum_of_skips = 0
    for k in range(20):
        name, dilation = f"layers.{k}", 1 << k % 10
        past = jnp.pad(x[:, :-dilation], ((0, 0), (dilation, 0), (0, 0)))
        filtered, gate = jnp.split(layers.dense(f"{name}.joined", jnp.concatenate([past, x], -1)), 2, -1)
        gated = jnp.tanh(filtered) * jax.nn.sigmoid(gate)
        sum_of_skips = sum_of_skips + layers.dense(f"{name}.skip", gated)
        if k < 19:
            x = x + layers.dense(f"{name}.residual", gated)
    return layers.dense("head2", relu(layers.dense("head1", relu(sum_of_skips))))


def keyword_spotter(layers, x):
    x = relu(layers.batch_norm("bn1", layers.convolution("conv1", x, stride=2, padding=((4, 5), (1, 1)))))
    for k in range(1, 5):
        x = layers.convolution(f"b{k}.depthwise", x, groups=x.shape[-1])
        x = relu(layers.batch_norm(f"b{k}.bn1", x))
        x = layers.convolution(f"b{k}.pointwise", x, padding=NO_PADDING)
        x = relu(layers.batch_norm(f"b{k}.bn2", x))
    return layers.dense("fc", x.mean((1, 2)))


def autoencoder(layers, x):
    for k in range(1, 10):
        x = relu(layers.batch_norm(f"bn{k}", layers.dense(f"fc{k}", x)))
    return layers.dense("fc10", x)


def resnet_18(layers, x):
    x = relu(layers.batch_norm("bn1", layers.convolution("conv1", x, stride=2, padding=((3, 3), (3, 3)))))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), ((0, 0), (1, 1), (1, 1), (0, 0)))
    for layer in range(1, 5):
        for block in range(2):
            name, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            y = relu(layers.batch_norm(f"{name}.bn1", layers.convolution(f"{name}.conv1", x, stride=stride)))
            y = layers.batch_norm(f"{name}.bn2", layers.convolution(f"{name}.conv2", y))
            if stride > 1:
                x = layers.convolution(f"{name}.downsample", x, stride=stride, padding=NO_PADDING)
                x = layers.batch_norm(f"{name}.downsample_bn", x)
            x = relu(y + x)
    return layers.dense("fc", x.mean((1, 2)))


IMAGES = ("w2", "w3", "w7", "kws", "resnet18")

FORWARD = {
    "w1": perceptron,
    "w2": convnet,
    "w3": resnet_8,
    "w4": transformer,
    "w5": wavenet,
    "w6": perceptron,
    "w7": digits_convnet,
    "kws": keyword_spotter,
    "autoencoder": autoencoder,
    "resnet18": resnet_18,
}
