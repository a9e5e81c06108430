"""Writes NAME.tacit-ir and NAME.json: programs in f32, and what LiteRT's reference kernels answer for the int8 models that
TensorFlow makes of them.

    python crates/ir/tests/litert/make_vectors.py

Needs tensorflow and ai-edge-litert; their versions stand in every file. A file holds the program's parameters, the
quantisations that the converter chose for the values (in the order in which the program defines them,
those that share one once), inputs and answers as int8 numbers.
"""

import json
import math
import os
import re
import zlib
from importlib.metadata import version
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType

FOLDER = Path(__file__).parent
EXAMPLES = 3


def convolution(x, w, b, stride=1, padding="SAME", dilation=1, activation=tf.identity):
    return activation(tf.nn.bias_add(tf.nn.conv2d(x, w, stride, padding, dilations=dilation), b))


def depthwise(x, w, b, stride=1, padding="SAME", activation=tf.identity):
    return activation(tf.nn.bias_add(tf.nn.depthwise_conv2d(x, w[..., None], [1, stride, stride, 1], padding), b))


def dense(x, w, b, activation=tf.identity):
    return activation(tf.nn.bias_add(x @ w, b))


# Name: shapes of the inputs, shapes of the parameters, the function, the program, and by which tensors of the model its
# groups are quantised: inputs by their names, results of operators by their positions.
CASES = {}


def case(name, inputs, parameters, function, program, groups):
    CASES[name] = (inputs, parameters, function, program, groups)


# The last line of a program is a move, so that what stands before it is an i8 as in the model.
def conv_program(x, w, words, given, shape, limits=""):
    lines = [
        f'%0 = input "x" -> f32[{x}]',
        f'%1 = param "w.weight" -> f32[{w}]',
        f'%2 = param "w.bias" -> f32[{shape[-1]}]',
        f'%3 = contract "{words}" {given} (%0, %1) -> f32[{",".join(map(str, shape))}]',
    ]
    extents = " ".join(f"{a}={e}" for a, e in zip("hwo"[-len(shape) :], shape))
    letters = "hwo"[-len(shape) :]
    lines.append(f'%4 = map add "{letters},o->{letters}" {extents} (%3, %2) -> f32[{",".join(map(str, shape))}]')
    last = 4
    for function, bound in limits:
        lines.append(f"%{last + 1} = constant {bound} -> f32[]")
        lines.append(f"%{last + 2} = map {function} (%{last}, %{last + 1}) -> f32[{','.join(map(str, shape))}]")
        last += 2
    places = f"1,{shape[0]}" if letters == "o" else math.prod(shape)
    moved, extents = ("ao", f"a=1 {extents}") if letters == "o" else (f"({letters})", extents)
    lines.append(f'%{last + 1} = move fill=0.0 "{letters}->{moved}" {extents} (%{last}) -> f32[{places}]')
    lines.append(f'output "y" = %{last + 1}')
    return "\n".join(["tacit-ir 1", *lines]) + "\n"


RELU = [("max", "0.0")]
RELU6 = [("max", "0.0"), ("min", "6.0")]

case(
    "conv_padding",
    {"x": [7, 6, 3]},
    {"w.weight": [3, 3, 3, 5], "w.bias": [5]},
    lambda x, p: convolution(x, p["w.weight"], p["w.bias"]),
    conv_program("7,6,3", "3,3,3,5", "{h+i-1}{w+j-1}c,ijco->hwo", "h=7 w=6 o=5 i=3 j=3 c=3", [7, 6, 5]),
    ["x", 0],
)
case(
    "conv_stride_relu",
    {"x": [9, 8, 4]},
    {"w.weight": [3, 3, 4, 6], "w.bias": [6]},
    lambda x, p: convolution(x, p["w.weight"], p["w.bias"], stride=2, activation=tf.nn.relu),
    conv_program("9,8,4", "3,3,4,6", "{2h+i-1}{2w+j}c,ijco->hwo", "h=5 w=4 o=6 i=3 j=3 c=4", [5, 4, 6], RELU),
    ["x", 0],
)
case(
    "conv_valid_relu6",
    {"x": [6, 6, 2]},
    {"w.weight": [5, 3, 2, 4], "w.bias": [4]},
    lambda x, p: convolution(x, p["w.weight"], p["w.bias"], padding="VALID", activation=tf.nn.relu6),
    conv_program("6,6,2", "5,3,2,4", "{h+i}{w+j}c,ijco->hwo", "h=2 w=4 o=4 i=5 j=3 c=2", [2, 4, 4], RELU6),
    ["x", 0],
)
case(
    "depthwise",
    {"x": [6, 7, 5]},
    {"w.weight": [3, 3, 5], "w.bias": [5]},
    lambda x, p: depthwise(x, p["w.weight"], p["w.bias"], activation=tf.nn.relu),
    conv_program("6,7,5", "3,3,5", "{h+i-1}{w+j-1}o,ijo->hwo", "h=6 w=7 o=5 i=3 j=3", [6, 7, 5], RELU),
    ["x", 0],
)
case(
    "depthwise_stride",
    {"x": [8, 8, 3]},
    {"w.weight": [3, 3, 3], "w.bias": [3]},
    lambda x, p: depthwise(x, p["w.weight"], p["w.bias"], stride=2),
    conv_program("8,8,3", "3,3,3", "{2h+i}{2w+j}o,ijo->hwo", "h=4 w=4 o=3 i=3 j=3", [4, 4, 3]),
    ["x", 0],
)
case(
    "fully_connected",
    {"x": [20]},
    {"w.weight": [20, 7], "w.bias": [7]},
    lambda x, p: dense(x, p["w.weight"], p["w.bias"], tf.nn.relu),
    conv_program("20", "20,7", "m,mo->o", "o=7 m=20", [7], RELU),
    ["x", 0],
)

# A sum, pools and so on become integers between contractions; each case has a convolution of one place before it.
BEFORE = """tacit-ir 1
%0 = input "x" -> f32[6,6,4]
%1 = param "a.weight" -> f32[4,4]
%2 = param "a.bias" -> f32[4]
%3 = contract "hwc,co->hwo" h=6 w=6 o=4 c=4 (%0, %1) -> f32[6,6,4]
%4 = map add "hwo,o->hwo" h=6 w=6 o=4 (%3, %2) -> f32[6,6,4]
"""
SHAPES = {"a.weight": [4, 4], "a.bias": [4]}
TWO = {**SHAPES, "b.weight": [4, 4], "b.bias": [4]}


def before(x, p, layer="a"):
    return convolution(x, p[f"{layer}.weight"][None, None], p[f"{layer}.bias"])


BOTH = (
    BEFORE
    + """%5 = param "b.weight" -> f32[4,4]
%6 = param "b.bias" -> f32[4]
%7 = contract "hwc,co->hwo" h=6 w=6 o=4 c=4 (%0, %5) -> f32[6,6,4]
%8 = map add "hwo,o->hwo" h=6 w=6 o=4 (%7, %6) -> f32[6,6,4]
"""
)

case(
    "add",
    {"x": [6, 6, 4]},
    TWO,
    lambda x, p: before(x, p) + before(x, p, "b"),
    BOTH + '%9 = map add (%4, %8) -> f32[6,6,4]\noutput "y" = %9\n',
    ["x", 0, 1, 2],
)
case(
    "add_relu",
    {"x": [6, 6, 4]},
    TWO,
    lambda x, p: tf.nn.relu(before(x, p) + before(x, p, "b")),
    BOTH
    + '%9 = map add (%4, %8) -> f32[6,6,4]\n%10 = constant 0.0 -> f32[]\n%11 = map max (%9, %10) -> f32[6,6,4]\noutput "y" = %11\n',
    ["x", 0, 1, 2],
)
case(
    "concat",
    {"x": [6, 6, 4]},
    TWO,
    lambda x, p: tf.concat([before(x, p), before(x, p, "b")], -1),
    BOTH + '%9 = move fill=0.0 "hw{c},hw{c-4}->hwc" h=6 w=6 c=8 (%4, %8) -> f32[6,6,8]\noutput "y" = %9\n',
    ["x", 0],
)
case(
    "max_pool",
    {"x": [6, 6, 4]},
    SHAPES,
    lambda x, p: tf.nn.max_pool2d(before(x, p), 3, 2, "SAME"),
    BEFORE + '%5 = reduce max "{2h+i}{2w+j}c->hwc" h=3 w=3 c=4 i=3 j=3 (%4) -> f32[3,3,4]\noutput "y" = %5\n',
    ["x", 0],
)
case(
    "average_pool",
    {"x": [6, 6, 4]},
    SHAPES,
    lambda x, p: tf.nn.avg_pool2d(before(x, p), 2, 2, "VALID"),
    BEFORE
    + '%5 = reduce sum "{2h+i}{2w+j}c->hwc" h=3 w=3 c=4 i=2 j=2 (%4) -> f32[3,3,4]\n'
    + '%6 = constant 4.0 -> f32[]\n%7 = map div (%5, %6) -> f32[3,3,4]\noutput "y" = %7\n',
    ["x", 0],
)
case(
    "average_pool_same",
    {"x": [6, 6, 4]},
    SHAPES,
    lambda x, p: tf.nn.avg_pool2d(before(x, p), 3, 1, "SAME"),
    BEFORE
    + """%5 = constant 1.0 -> f32[6,6]
%6 = reduce sum "{h+i-1}{w+j-1}->hw" h=6 w=6 i=3 j=3 (%5) -> f32[6,6]
%7 = reduce sum "{h+i-1}{w+j-1}c->hwc" h=6 w=6 c=4 i=3 j=3 (%4) -> f32[6,6,4]
%8 = map div "hwc,hw->hwc" h=6 w=6 c=4 (%7, %6) -> f32[6,6,4]
output "y" = %8
""",
    ["x", 0],
)
case(
    "mean",
    {"x": [6, 6, 4]},
    SHAPES,
    lambda x, p: tf.reduce_mean(before(x, p), [1, 2]),
    BEFORE
    + '%5 = reduce sum "hwc->c" h=6 w=6 c=4 (%4) -> f32[4]\n'
    + '%6 = constant 36.0 -> f32[]\n%7 = map div (%5, %6) -> f32[4]\noutput "y" = %7\n',
    ["x", 0, 1],
)


def network(x, p):
    x = convolution(x, p["conv1.weight"], p["conv1.bias"], activation=tf.nn.relu)
    y = depthwise(x, p["conv2.weight"], p["conv2.bias"], activation=tf.nn.relu6)
    y = convolution(y, p["conv3.weight"], p["conv3.bias"])
    x = tf.nn.max_pool2d(tf.nn.relu(x + y), 2, 2, "VALID")
    x = convolution(x, p["conv4.weight"], p["conv4.bias"], stride=2, activation=tf.nn.relu)
    return dense(tf.reduce_mean(x, [1, 2]), p["dense5.weight"], p["dense5.bias"])


case(
    "network",
    {"x": [8, 8, 3]},
    {
        "conv1.weight": [3, 3, 3, 6],
        "conv1.bias": [6],
        "conv2.weight": [3, 3, 6],
        "conv2.bias": [6],
        "conv3.weight": [1, 1, 6, 6],
        "conv3.bias": [6],
        "conv4.weight": [3, 3, 6, 8],
        "conv4.bias": [8],
        "dense5.weight": [8, 5],
        "dense5.bias": [5],
    },
    network,
    """tacit-ir 1
%0 = input "x" -> f32[8,8,3]
%1 = param "conv1.weight" -> f32[3,3,3,6]
%2 = param "conv1.bias" -> f32[6]
%3 = contract "{h+i-1}{w+j-1}c,ijco->hwo" h=8 w=8 o=6 i=3 j=3 c=3 (%0, %1) -> f32[8,8,6]
%4 = map add "hwo,o->hwo" h=8 w=8 o=6 (%3, %2) -> f32[8,8,6]
%5 = constant 0.0 -> f32[]
%6 = map max (%4, %5) -> f32[8,8,6]
%7 = param "conv2.weight" -> f32[3,3,6]
%8 = param "conv2.bias" -> f32[6]
%9 = contract "{h+i-1}{w+j-1}c,ijc->hwc" h=8 w=8 c=6 i=3 j=3 (%6, %7) -> f32[8,8,6]
%10 = map add "hwc,c->hwc" h=8 w=8 c=6 (%9, %8) -> f32[8,8,6]
%11 = map max (%10, %5) -> f32[8,8,6]
%12 = constant 6.0 -> f32[]
%13 = map min (%11, %12) -> f32[8,8,6]
%14 = param "conv3.weight" -> f32[1,1,6,6]
%15 = param "conv3.bias" -> f32[6]
%16 = contract "{h+i}{w+j}c,ijco->hwo" h=8 w=8 o=6 i=1 j=1 c=6 (%13, %14) -> f32[8,8,6]
%17 = map add "hwo,o->hwo" h=8 w=8 o=6 (%16, %15) -> f32[8,8,6]
%18 = map add (%6, %17) -> f32[8,8,6]
%19 = map max (%18, %5) -> f32[8,8,6]
%20 = reduce max "{2h+i}{2w+j}c->hwc" h=4 w=4 c=6 i=2 j=2 (%19) -> f32[4,4,6]
%21 = param "conv4.weight" -> f32[3,3,6,8]
%22 = param "conv4.bias" -> f32[8]
%23 = contract "{2h+i}{2w+j}c,ijco->hwo" h=2 w=2 o=8 i=3 j=3 c=6 (%20, %21) -> f32[2,2,8]
%24 = map add "hwo,o->hwo" h=2 w=2 o=8 (%23, %22) -> f32[2,2,8]
%25 = map max (%24, %5) -> f32[2,2,8]
%26 = reduce sum "hwc->c" h=2 w=2 c=8 (%25) -> f32[8]
%27 = constant 4.0 -> f32[]
%28 = map div (%26, %27) -> f32[8]
%29 = param "dense5.weight" -> f32[8,5]
%30 = param "dense5.bias" -> f32[5]
%31 = contract "c,co->o" o=5 c=8 (%28, %29) -> f32[5]
%32 = map add (%31, %30) -> f32[5]
%33 = move fill=0.0 "o->ao" a=1 o=5 (%32) -> f32[1,5]
output "y" = %33
""",
    ["x", 0, 1, 2, 3, 5, 6, 7],
)


def model(name, inputs, parameters, function, examples):
    """The int8 model that the converter makes with these examples for its ranges."""
    (shape,) = inputs.values()

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, *shape], tf.float32)])
        def __call__(self, x):
            return function(x, parameters)

    module = Module()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.__call__.get_concrete_function()], module)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x] for x in examples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def tensor(array):
    names = {"float32": "f32", "int8": "i8"}
    return {"type": names[str(array.dtype)], "shape": list(array.shape), "data": array.reshape(-1).tolist()}


def vectors(name):
    inputs, shapes, function, _, groups = CASES[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    parameters = {key: rng.normal(size=shape).astype(np.float32) for key, shape in shapes.items()}
    (shape,) = inputs.values()
    # Numbers that are not centred, so that no zero point is 0.
    examples = [(rng.normal(size=[1, *shape]) + 0.4).astype(np.float32) for _ in range(16)]
    content = model(name, inputs, parameters, function, examples)
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
    )
    interpreter.allocate_tensors()
    details = {one["index"]: one for one in interpreter.get_tensor_details()}
    (given,), (answered,) = interpreter.get_input_details(), interpreter.get_output_details()
    operators = interpreter._get_ops_details()

    def quantisation(of):
        index = given["index"] if of == "x" else operators[of]["outputs"][0]
        found = details[index]["quantization_parameters"]
        (scale,), (zero_point,) = found["scales"], found["zero_points"]
        return {"scale": float(scale), "zero_point": int(zero_point)}

    steps = []
    for _ in range(EXAMPLES):
        x = rng.integers(-128, 128, size=[1, *shape]).astype(np.int8)
        interpreter.set_tensor(given["index"], x)
        interpreter.invoke()
        steps.append({"x": tensor(x[0]), "y": tensor(interpreter.get_tensor(answered["index"])[0])})
    found = {
        "made by": f"tensorflow {tf.__version__}, ai-edge-litert {version('ai-edge-litert')}, reference kernels",
        "operators": [one["op_name"] for one in operators],
        "params": {key: tensor(value) for key, value in parameters.items()},
        "quantisations": [quantisation(of) for of in groups],
        "steps": steps,
    }
    print(name, found["operators"])
    return found


def main():
    for name in CASES:
        text = json.dumps(vectors(name), indent=1)
        (FOLDER / f"{name}.json").write_text(compact(text) + "\n")
        (FOLDER / f"{name}.tacit-ir").write_text(CASES[name][3])


def compact(text):
    """Lists of numbers on one line."""
    return re.sub(r"\[[-\d.,e\s]*\]", lambda found: re.sub(r"\s+", "", found[0]), text)


if __name__ == "__main__":
    main()
