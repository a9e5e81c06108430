"""The programs of examples/digits and examples/fashion as ONNX, with their weights, for `measure.mjs`.

    python3 bench/web/onnx_model.py PROGRAM.tacit MODEL.onnx

Batch normalisation is folded into the convolutions. Needs the packages onnx and numpy.
"""

import json
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

program, target = sys.argv[1:]
raw = open(program, "rb").read()
(length,) = struct.unpack("<Q", raw[:8])
header = json.loads(raw[8 : 8 + length])
document = json.loads(header.pop("__metadata__")["tacit"])
weights = {}
for name, tensor in header.items():
    begin, end = tensor["data_offsets"]
    weights[name] = np.frombuffer(raw[8 + length + begin : 8 + length + end], np.float32).reshape(tensor["shape"])
image = document["interface"]["inputs"][0]
height, width, channels = image["shape"]
is_digits = document["name"] == "digits"
nodes, constants = [], []


def layers(kind):
    names = [name.rsplit(".", 1)[0] for name in weights if name.startswith(kind)]
    return list(dict.fromkeys(sorted(names)))


def constant(name, value, dtype=np.float32):
    constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype), name))
    return name


def node(kind, operands, result, **attributes):
    nodes.append(helper.make_node(kind, operands, [result], **attributes))
    return result


def convolution(x, layer, norm, stride, pads):
    gain = weights[f"{norm}.gain"] / np.sqrt(weights[f"{norm}.variance"] + np.float32(1e-5))
    kernel = weights[f"{layer}.weight"].transpose(3, 2, 0, 1) * gain[:, None, None, None]
    bias = (weights[f"{layer}.bias"] - weights[f"{norm}.mean"]) * gain + weights[f"{norm}.shift"]
    operands = [x, constant(f"{layer}/kernel", kernel), constant(f"{layer}/bias", bias)]
    y = node("Conv", operands, f"{layer}/sum", kernel_shape=[3, 3], strides=[stride, stride], pads=pads)
    return node("Relu", [y], layer)


def dense(x, layer):
    operands = [x, constant(f"{layer}/w", weights[f"{layer}.weight"]), constant(f"{layer}/b", weights[f"{layer}.bias"])]
    return node("Gemm", operands, layer)


def pooled(x):
    return x if is_digits else node("MaxPool", [x], f"{x}/pooled", kernel_shape=[2, 2], strides=[2, 2])


x = node("Reshape", ["x", constant("shape", [1, channels, height, width], np.int64)], "planes")
x = node("Div", [x, constant("scale", image["scale"] or 255.0)], "scaled")
convolutions, norms = layers("conv"), layers("norm")
x = pooled(convolution(x, convolutions[0], norms[0], 1, [1, 1, 1, 1]))
second = (2, [1, 1, 0, 0]) if is_digits else (1, [1, 1, 1, 1])
x = pooled(convolution(x, convolutions[1], norms[1], *second))
x = node("Flatten", [node("Transpose", [x], "last", perm=[0, 2, 3, 1])], "flat")
x = node("Relu", [dense(x, layers("dense")[0])], "hidden")
node("Softmax", [dense(x, layers("output")[0])], "y", axis=1)
float_type = TensorProto.FLOAT
graph = helper.make_graph(
    nodes,
    document["name"],
    [helper.make_tensor_value_info("x", float_type, [1, height, width, channels])],
    [helper.make_tensor_value_info("y", float_type, [1, len(document["interface"]["outputs"][0]["labels"])])],
    constants,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
onnx.checker.check_model(model)
onnx.save(model, target)
