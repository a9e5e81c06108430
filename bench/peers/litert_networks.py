"""The networks whose answers are measured, in those operations of TensorFlow that LiteRT has one of its own for."""

import numpy as np
import tensorflow as tf

EPSILON = 1e-5


class Layers:
    """Layers that look up their own values by name. Batch norms are part of the layer before them."""

    def __init__(self, values):
        self.values = values

    def dense(self, name, x, norm=None, activation=tf.identity):
        weight, bias = self.folded(self.values[f"{name}.weight"], name, norm)
        # A fully connected layer takes a matrix.
        y = activation(tf.nn.bias_add(tf.reshape(x, [-1, len(weight)]) @ weight, bias))
        return tf.reshape(y, [*x.shape[:-1], y.shape[-1]])

    def convolution(self, name, x, norm=None, stride=1, padding="SAME", activation=tf.identity):
        weight, bias = self.folded(self.values[f"{name}.weight"], name, norm)
        if padding == "BOTH SIDES":
            # With a stride, `SAME` would put less on one side.
            x, padding = pad(x, weight.shape[0] // 2), "VALID"
        return activation(tf.nn.bias_add(tf.nn.conv2d(x, weight, stride, padding), bias))

    def depthwise(self, name, x, norm, activation):
        weight, bias = self.folded(self.values[f"{name}.weight"], name, norm)
        y = tf.nn.depthwise_conv2d(x, weight[..., None], [1, 1, 1, 1], "SAME")
        return activation(tf.nn.bias_add(y, bias))

    def folded(self, weight, name, norm):
        """Weight and bias, with the batch norm that follows taken into both."""
        bias = self.values.get(f"{name}.bias", np.zeros(weight.shape[-1], np.float32))
        if norm is None:
            return weight, bias
        gain, shift, mean, variance = (self.values[f"{norm}.{leaf}"] for leaf in ("gain", "shift", "mean", "variance"))
        factor = gain / np.sqrt(variance + EPSILON)
        return weight * factor, (bias - mean) * factor + shift

    def layer_norm(self, name, x):
        mean = tf.reduce_mean(x, -1, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), -1, keepdims=True)
        x = (x - mean) * tf.math.rsqrt(variance + EPSILON)
        return x * self.values[f"{name}.gain"] + self.values[f"{name}.shift"]


def pad(x, sides):
    return tf.pad(x, [[0, 0], [sides, sides], [sides, sides], [0, 0]])


def flatten(x):
    return tf.reshape(x, [x.shape[0], -1])


def perceptron(layers, x):
    x = layers.dense("fc2", layers.dense("fc1", x, activation=tf.nn.relu), activation=tf.nn.relu)
    return layers.dense("fc3", x)


def convnet(layers, x):
    x = layers.convolution("conv1", x, padding="VALID", activation=tf.nn.relu)
    x = layers.convolution("conv2", x, padding="VALID", activation=tf.nn.relu)
    x = flatten(tf.nn.max_pool2d(x, 2, 2, "VALID"))
    return layers.dense("fc2", layers.dense("fc1", x, activation=tf.nn.relu))


def resnet_8(layers, x):
    x = layers.convolution("conv1", x, norm="bn1", activation=tf.nn.relu)
    for stack in ("s1", "s2", "s3"):
        stride, padding = (1, "SAME") if stack == "s1" else (2, "BOTH SIDES")
        y = layers.convolution(f"{stack}.conv1", x, f"{stack}.bn1", stride, padding, tf.nn.relu)
        y = layers.convolution(f"{stack}.conv2", y, f"{stack}.bn2")
        if stride > 1:
            x = layers.convolution(f"{stack}.shortcut", x, stride=stride, padding="VALID")
        x = tf.nn.relu(y + x)
    return layers.dense("fc", tf.reduce_mean(x, [1, 2]))


def transformer(layers, x):
    n, places, heads = *x.shape, 4
    future = np.triu(np.full([places, places], -np.inf, np.float32), 1)
    x = tf.gather(layers.values["embed"], x) + layers.values["position"]
    width = x.shape[-1]
    for k in range(4):
        name = f"layers.{k}"
        normal = tf.reshape(layers.layer_norm(f"{name}.ln1", x), [-1, width])

        def of_heads(part):
            y = normal @ layers.values[f"{name}.{part}"].reshape(width, -1)
            return tf.transpose(tf.reshape(y, [n, places, heads, -1]), [0, 2, 1, 3])

        query, key, value = of_heads("query"), of_heads("key"), of_heads("value")
        scores = tf.matmul(query * query.shape[-1] ** -0.5, key, transpose_b=True) + future
        seen = tf.reshape(tf.transpose(tf.nn.softmax(scores) @ value, [0, 2, 1, 3]), [-1, width])
        seen = seen @ layers.values[f"{name}.output"].reshape(-1, width)
        x = x + tf.reshape(seen, x.shape)
        y = layers.dense(f"{name}.ff1", layers.layer_norm(f"{name}.ln2", x), activation=gelu)
        x = x + layers.dense(f"{name}.ff2", y)
    y = tf.reshape(layers.layer_norm("ln", x), [-1, width]) @ layers.values["head.weight"]
    return tf.reshape(y, [n, places, -1])


def gelu(x):
    return tf.nn.gelu(x, approximate=False)


def keyword_spotter(layers, x):
    x = layers.convolution("conv1", x, norm="bn1", stride=2, activation=tf.nn.relu)
    for k in range(1, 5):
        x = layers.depthwise(f"b{k}.depthwise", x, norm=f"b{k}.bn1", activation=tf.nn.relu)
        x = layers.convolution(f"b{k}.pointwise", x, norm=f"b{k}.bn2", activation=tf.nn.relu)
    return layers.dense("fc", tf.reduce_mean(x, [1, 2]))


def autoencoder(layers, x):
    for k in range(1, 10):
        x = layers.dense(f"fc{k}", x, norm=f"bn{k}", activation=tf.nn.relu)
    return layers.dense("fc10", x)


def resnet_18(layers, x):
    x = layers.convolution("conv1", x, "bn1", 2, "BOTH SIDES", tf.nn.relu)
    # Behind a relu zeros are as good as the least numbers.
    x = tf.nn.max_pool2d(pad(x, 1), 3, 2, "VALID")
    for layer in range(1, 5):
        for block in range(2):
            name = f"layer{layer}.{block}"
            stride, padding = (2, "BOTH SIDES") if layer > 1 and block == 0 else (1, "SAME")
            y = layers.convolution(f"{name}.conv1", x, f"{name}.bn1", stride, padding, tf.nn.relu)
            y = layers.convolution(f"{name}.conv2", y, f"{name}.bn2")
            if stride > 1:
                x = layers.convolution(f"{name}.downsample", x, f"{name}.downsample_bn", stride, "VALID")
            x = tf.nn.relu(y + x)
    return layers.dense("fc", tf.reduce_mean(x, [1, 2]))


FORWARD = {
    "w1": perceptron,
    "w2": convnet,
    "w3": resnet_8,
    "w4": transformer,
    "kws": keyword_spotter,
    "autoencoder": autoencoder,
    "resnet18": resnet_18,
}
