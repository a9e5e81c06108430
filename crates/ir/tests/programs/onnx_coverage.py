"""Writes docs/ONNX-COVERAGE.md: which of ONNX's operator tests the instruction set can express.

    TACIT_DATA=<folder that holds onnx-node/> python onnx_coverage.py

The judgement of each operator is kept by hand below; the counts are taken from the tests' models. It needs the `onnx`
package. Nothing is executed: "expressible" is a claim about the set, made by hand, and no test result.
"""

import collections
import io
import os
import pathlib
import tarfile

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

DOCUMENT = pathlib.Path(__file__).parents[4] / "docs" / "ONNX-COVERAGE.md"

YES, RESTRICTED, NO = "yes", "restricted", "no"

# Restrictions and reasons that several operators share.
STATIC = "shape, axes and counts are constants of the graph"
POWERS = "as exp(b·log a), a ≥ 0; constant whole exponents by products"
ROUND = "from `round`, `less` and `select`"
PATCHES = "indices, given as data, are looked up as merged ones: one flat `gather` or `scatter`"
SHAPED = "the result's shape depends on data"
STRINGS = "strings"
SEQUENCES = "sequences and optionals: the set has tensors alone"
LOOP = "loops whose count or end depends on data"
BITS = "bit by bit over an axis of 32: shiftright, map, reduce sum"
POLYNOMIAL = "a polynomial written out in maps; no scalar function, so no stated accuracy"

# Operator → (judgement, restriction or reason or, with "yes", the instructions it becomes).
OPERATORS = {
    "Abs": (YES, "map max(a, −a)"),
    "Acos": (RESTRICTED, POLYNOMIAL),
    "Acosh": (RESTRICTED, "log(a + √(a² − 1)); accuracy falls near 1"),
    "Adagrad": (RESTRICTED, "maps; the step number is a state"),
    "Adam": (RESTRICTED, "maps; the step number is a state"),
    "Add": (YES, "map add"),
    "AffineGrid": (RESTRICTED, STATIC),
    "And": (YES, "map min on bool"),
    "ArgMax": (YES, "reduce max, map equal, reduce max over negated positions (the last: over positions)"),
    "ArgMin": (YES, "as ArgMax of −a"),
    "ArrayFeatureExtractor": (YES, "gather"),
    "Asin": (RESTRICTED, POLYNOMIAL),
    "Asinh": (RESTRICTED, "log(a + √(a² + 1)); accuracy falls near 0"),
    "Atan": (RESTRICTED, POLYNOMIAL),
    "Atanh": (RESTRICTED, "½·log((1 + a)/(1 − a)); accuracy falls near 0"),
    "Attention": (YES, "contract, map, reduce, move (see attention.tacit-ir)"),
    "AveragePool": (YES, "reduce sum over a window, divided by its count"),
    "BatchNormalization": (YES, "maps and reduce; running statistics as states"),
    "Bernoulli": (RESTRICTED, "random and map less; other numbers than those of another runtime"),
    "Binarizer": (YES, "map less"),
    "BitCast": (NO, "no reinterpretation of bits"),
    "BitShift": (RESTRICTED, "shiftleft and shiftright on i32; an unsigned value must stay below 2³¹"),
    "BitwiseAnd": (RESTRICTED, BITS),
    "BitwiseNot": (YES, "−1 − a"),
    "BitwiseOr": (RESTRICTED, BITS),
    "BitwiseXor": (RESTRICTED, BITS),
    "BlackmanWindow": (RESTRICTED, "iota and cos; " + STATIC),
    "Cast": (YES, "map cast"),
    "CastLike": (YES, "map cast"),
    "CausalConvWithState": (YES, "move (queue) and contract"),
    "Ceil": (YES, ROUND),
    "Celu": (YES, "maps"),
    "CenterCropPad": (RESTRICTED, STATIC),
    "Clip": (YES, "map max, map min"),
    "Col2Im": (RESTRICTED, "reduce sum with an affine output; " + STATIC),
    "Compress": (NO, SHAPED),
    "Concat": (YES, "move"),
    "ConcatFromSequence": (NO, SEQUENCES),
    "Constant": (YES, "constant"),
    "ConstantOfShape": (RESTRICTED, STATIC),
    "Conv": (YES, "contract (see conv_*.tacit-ir)"),
    "ConvInteger": (YES, "contract of i8, zero points as in conv_int8.tacit-ir"),
    "ConvTranspose": (YES, "contract with an affine output"),
    "Cos": (YES, "map cos, in the range that docs/NUMERICS.md states"),
    "Cosh": (YES, "½·(exp a + exp −a)"),
    "CumProd": (RESTRICTED, "log₂ n shifted products, associated in another order"),
    "CumSum": (RESTRICTED, "reduce sum over a causal window, n²/2 terms, or log₂ n shifted sums; the axis is constant"),
    "DFT": (RESTRICTED, "contract with cosines and sines made of iota, n² terms; " + STATIC),
    "DeformConv": (RESTRICTED, PATCHES),
    "DepthToSpace": (YES, "move with merged axes"),
    "DequantizeLinear": (YES, "map cast, sub, mul"),
    "Det": (RESTRICTED, "elimination unrolled over the fixed size, pivots by reduce max and gather"),
    "Div": (YES, "map div"),
    "Dropout": (RESTRICTED, "random, less, select; other numbers than those of another runtime; the mode is constant"),
    "DynamicQuantizeLinear": (YES, "reduce max, map"),
    "Einsum": (YES, "contract; a product of three or more as several"),
    "Elu": (YES, "maps"),
    "Equal": (YES, "map equal"),
    "Erf": (YES, "map erf"),
    "Exp": (YES, "map exp"),
    "Expand": (RESTRICTED, "move; " + STATIC),
    "EyeLike": (YES, "iota, map equal"),
    "Flatten": (YES, "move with merged axes"),
    "FlexAttention": (YES, "as Attention; the inner graph is written in place"),
    "Floor": (YES, ROUND),
    "GRU": (RESTRICTED, "unrolled step (see gru_step.tacit-ir); lengths of a batch by select"),
    "Gather": (RESTRICTED, "gather; an index out of range gives 0, and negative ones are wrapped before by select"),
    "GatherElements": (RESTRICTED, PATCHES),
    "GatherND": (RESTRICTED, PATCHES),
    "Gelu": (YES, "maps (see gelu_erf.tacit-ir, gelu_tanh.tacit-ir)"),
    "Gemm": (YES, "contract, map"),
    "GlobalAveragePool": (YES, "reduce sum, map div"),
    "GlobalMaxPool": (YES, "reduce max"),
    "Gradient": (YES, "the pass `gradient`: instructions of the same set"),
    "Greater": (YES, "map less, exchanged"),
    "GreaterOrEqual": (YES, "less or equal"),
    "GridSample": (RESTRICTED, PATCHES),
    "GroupNormalization": (YES, "maps and reduce"),
    "HammingWindow": (RESTRICTED, "iota and cos; " + STATIC),
    "HannWindow": (RESTRICTED, "iota and cos (see log_mel.tacit-ir); " + STATIC),
    "HardSigmoid": (YES, "maps"),
    "HardSwish": (YES, "maps"),
    "Hardmax": (YES, "as ArgMax, then map equal"),
    "Identity": (YES, "the value itself"),
    "If": (RESTRICTED, "both branches and select; their shapes agree, or the condition is constant"),
    "ImageDecoder": (NO, "decoding of files; it belongs to reading data"),
    "InstanceNormalization": (YES, "maps and reduce"),
    "IsInf": (YES, "map equal with ±∞"),
    "IsNaN": (YES, "not equal to itself"),
    "LRN": (RESTRICTED, "reduce sum over a window of channels; " + POWERS),
    "LSTM": (RESTRICTED, "unrolled step (see lstm_step.tacit-ir); lengths of a batch by select"),
    "LabelEncoder": (RESTRICTED, "a comparison with each key, for numbers"),
    "LayerNormalization": (YES, "maps and reduce (see layer_norm.tacit-ir)"),
    "LeakyRelu": (YES, "maps"),
    "Less": (YES, "map less"),
    "LessOrEqual": (YES, "less or equal"),
    "LinearAttention": (RESTRICTED, "unrolled step with state"),
    "Log": (YES, "map log"),
    "LogSoftmax": (YES, "reduce max, map, reduce sum"),
    "Loop": (NO, LOOP),
    "LpNormalization": (YES, "maps and reduce sum"),
    "LpPool": (RESTRICTED, POWERS),
    "MatMul": (YES, "contract"),
    "MatMulInteger": (YES, "contract, zero points as in conv_int8.tacit-ir"),
    "Max": (RESTRICTED, "map max; a NaN in the first operand only is lost"),
    "MaxPool": (YES, "reduce max (see max_pool.tacit-ir); the indices as in ArgMax"),
    "MaxUnpool": (RESTRICTED, PATCHES),
    "Mean": (YES, "maps"),
    "MeanVarianceNormalization": (YES, "maps and reduce"),
    "MelWeightMatrix": (RESTRICTED, STATIC + ": then it is a constant itself"),
    "Min": (RESTRICTED, "map min; a NaN in the first operand only is lost"),
    "Mish": (YES, "maps"),
    "Mod": (RESTRICTED, "a − b·⌊a/b⌋; for floats exact only while a/b is small"),
    "Momentum": (RESTRICTED, "maps; the step number is a state"),
    "Mul": (YES, "map mul"),
    "Neg": (YES, "map neg"),
    "NegativeLogLikelihoodLoss": (YES, "one-hot and contract (see softmax_cross_entropy.tacit-ir)"),
    "NonMaxSuppression": (NO, SHAPED),
    "NonZero": (NO, SHAPED),
    "Not": (YES, "map equal with false"),
    "OneHot": (RESTRICTED, "map equal with iota; the depth is constant"),
    "Optional": (NO, SEQUENCES),
    "OptionalGetElement": (NO, SEQUENCES),
    "OptionalHasElement": (NO, SEQUENCES),
    "Or": (YES, "map max on bool"),
    "PRelu": (YES, "maps"),
    "Pad": (RESTRICTED, "move; reflections by an operand for each side; " + STATIC),
    "Pow": (RESTRICTED, POWERS),
    "QLinearConv": (RESTRICTED, "contract of i8 and mulshift: a fixed-point scale instead of a float one"),
    "QLinearMatMul": (RESTRICTED, "contract of i8 and mulshift: a fixed-point scale instead of a float one"),
    "QuantizeLinear": (YES, "map div, round, clamp, cast"),
    "RMSNormalization": (YES, "maps and reduce (see rms_norm.tacit-ir)"),
    "RNN": (RESTRICTED, "unrolled step; lengths of a batch by select"),
    "RandomUniformLike": (RESTRICTED, "random; other numbers than those of another runtime"),
    "Range": (RESTRICTED, "iota, mul, add; " + STATIC),
    "Reciprocal": (YES, "map div"),
    "ReduceL1": (RESTRICTED, "the axes are constants of the graph"),
    "ReduceL2": (RESTRICTED, "the axes are constants of the graph"),
    "ReduceLogSum": (RESTRICTED, "the axes are constants of the graph"),
    "ReduceLogSumExp": (RESTRICTED, "the axes are constants of the graph"),
    "ReduceMax": (RESTRICTED, "a NaN that another element follows is lost; the axes are constants of the graph"),
    "ReduceMean": (RESTRICTED, "the axes are constants of the graph"),
    "ReduceMin": (RESTRICTED, "−max(−a); a NaN that another element follows is lost; the axes are constants of the graph"),
    "ReduceProd": (RESTRICTED, "log₂ n products of halves, associated in another order; the axes are constants"),
    "ReduceSum": (RESTRICTED, "the axes are constants of the graph"),
    "ReduceSumSquare": (RESTRICTED, "the axes are constants of the graph"),
    "RegexFullMatch": (NO, STRINGS),
    "Relu": (YES, "map max"),
    "Reshape": (RESTRICTED, "move with merged axes; " + STATIC),
    "Resize": (RESTRICTED, "contract with weights made of constants, or gather; sizes and scales are constants"),
    "ReverseSequence": (RESTRICTED, PATCHES),
    "RoiAlign": (RESTRICTED, PATCHES),
    "RotaryEmbedding": (YES, "gather or iota, maps, move (see attention.tacit-ir)"),
    "Round": (YES, "map round"),
    "STFT": (RESTRICTED, "move and contract (see log_mel.tacit-ir); " + STATIC),
    "Scan": (RESTRICTED, "unrolled step with state: the length is static"),
    "Scatter": (RESTRICTED, PATCHES + "; replacement by comparing every place with every index"),
    "ScatterElements": (RESTRICTED, PATCHES + "; all but sums by comparing every place with every index"),
    "ScatterND": (RESTRICTED, PATCHES + "; all but sums by comparing every place with every index"),
    "Selu": (YES, "maps"),
    "SequenceAt": (NO, SEQUENCES),
    "SequenceConstruct": (NO, SEQUENCES),
    "SequenceEmpty": (NO, SEQUENCES),
    "SequenceErase": (NO, SEQUENCES),
    "SequenceInsert": (NO, SEQUENCES),
    "SequenceLength": (NO, SEQUENCES),
    "SequenceMap": (NO, SEQUENCES),
    "Shape": (YES, "extent"),
    "Shrink": (YES, "maps"),
    "Sigmoid": (YES, "map sigmoid"),
    "Sign": (YES, "maps"),
    "Sin": (YES, "map sin, in the range that docs/NUMERICS.md states"),
    "Sinh": (RESTRICTED, "½·(exp a − exp −a); accuracy falls near 0"),
    "Size": (YES, "a product of extents"),
    "Slice": (RESTRICTED, "move; " + STATIC),
    "Softmax": (YES, "reduce max, map, reduce sum"),
    "SoftmaxCrossEntropyLoss": (YES, "see softmax_cross_entropy.tacit-ir"),
    "Softplus": (YES, "max(a, 0) + log(1 + exp(−abs a))"),
    "Softsign": (YES, "maps"),
    "SpaceToDepth": (YES, "move with merged axes"),
    "Split": (RESTRICTED, "moves; " + STATIC),
    "SplitToSequence": (NO, SEQUENCES),
    "Sqrt": (YES, "map sqrt"),
    "Squeeze": (RESTRICTED, "move; the axes are constants of the graph"),
    "StringConcat": (NO, STRINGS),
    "StringNormalizer": (NO, STRINGS),
    "StringSplit": (NO, STRINGS),
    "Sub": (YES, "map sub"),
    "Sum": (YES, "map add"),
    "Swish": (YES, "maps"),
    "Tan": (YES, "sin / cos"),
    "Tanh": (YES, "map tanh"),
    "TensorScatter": (RESTRICTED, PATCHES),
    "TfIdfVectorizer": (RESTRICTED, "comparisons of shifted windows with each n-gram, for numbers"),
    "ThresholdedRelu": (YES, "maps"),
    "Tile": (RESTRICTED, "move with merged axes; " + STATIC),
    "TopK": (RESTRICTED, "k maxima, each masked before the next, or ranks by n² comparisons; k is constant"),
    "Transpose": (YES, "move"),
    "TreeEnsemble": (RESTRICTED, "every node's comparison, then products along the paths: work of the whole tree"),
    "Trilu": (RESTRICTED, "iota, less, select; " + STATIC),
    "Unique": (NO, SHAPED),
    "Unsqueeze": (RESTRICTED, "move; the axes are constants of the graph"),
    "Upsample": (RESTRICTED, "gather or contract; scales are constants"),
    "Where": (YES, "map select"),
    "Xor": (YES, "not equal"),
}

# What a test's inputs and outputs hold, from best to worst; a test counts under the worst.
NATIVE = "f32, i32, i8, bool"
INT64 = "int64, held in i32"
NARROW = "uint8, int16, uint16 and 2- or 4-bit integers, held in i32"
WIDE = "int64, uint32 or uint64 with values outside i32"
HALF = "float16, bfloat16"
DOUBLE = "float64"
SMALL = "float8, float4"
OTHER = "strings, sequences, optionals"
TYPES = [NATIVE, INT64, NARROW, WIDE, HALF, DOUBLE, SMALL, OTHER]
HELD = [NATIVE, INT64, NARROW]

TYPE_OF = {
    **dict.fromkeys(["FLOAT", "INT32", "INT8", "BOOL"], NATIVE),
    **dict.fromkeys(["INT64", "UINT32", "UINT64"], INT64),
    **dict.fromkeys(["UINT8", "INT16", "UINT16", "INT4", "UINT4", "INT2", "UINT2"], NARROW),
    **dict.fromkeys(["FLOAT16", "BFLOAT16"], HALF),
    "DOUBLE": DOUBLE,
    **dict.fromkeys(["FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0", "FLOAT4E2M1"], SMALL),
    **dict.fromkeys(["STRING", "sequence_type", "optional_type"], OTHER),
}


def main():
    tests = [read(*entry) for entry in archives()]
    DOCUMENT.write_text(render(tests))
    print(f"{len(tests)} tests -> {DOCUMENT.name}")


def archives():
    """The model and the data files of every test: (name, model's bytes, bytes of the tensors)."""
    folder = pathlib.Path(os.environ["TACIT_DATA"]) / "onnx-node"
    for archive in sorted(folder.glob("*-node.tar.gz")) + sorted(folder.glob("*-simple.tar.gz")):
        tests = collections.defaultdict(lambda: [None, []])
        with tarfile.open(archive) as files:
            for member in files:
                path = pathlib.PurePosixPath(member.name)
                if path.name == "model.onnx":
                    tests[path.parent][0] = files.extractfile(member).read()
                elif path.suffix == ".pb":
                    tests[path.parent.parent][1].append(files.extractfile(member).read())
        for path, (model, data) in sorted(tests.items()):
            yield path.name, model, data


def read(name, model, data):
    """A test's name, the operators it uses, the judgement of the worst, and the class of its types."""
    graph = onnx.load(io.BytesIO(model)).graph
    operators = set()
    collect(graph, operators)
    unknown = operators - OPERATORS.keys()
    assert not unknown, f"{name} uses {unknown}, which the table does not judge"
    judgement = max((OPERATORS[op][0] for op in operators), key=[YES, RESTRICTED, NO].index)
    kinds = {TYPE_OF[kind(value.type)] for value in [*graph.input, *graph.output]}
    if INT64 in kinds and any(exceeds_i32(tensor) for tensor in data):
        kinds.add(WIDE)
    worst = max(kinds, key=TYPES.index, default=NATIVE)
    return name, operators, judgement, worst


def collect(graph, operators):
    for node in graph.node:
        operators.add(node.op_type)
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                collect(inner, operators)


def kind(type_proto):
    which = type_proto.WhichOneof("value")
    return TensorProto.DataType.Name(type_proto.tensor_type.elem_type) if which == "tensor_type" else which


def exceeds_i32(data):
    tensor = TensorProto.FromString(data)
    if tensor.data_type not in (TensorProto.INT64, TensorProto.UINT32, TensorProto.UINT64):
        return False
    values = numpy_helper.to_array(tensor)
    limits = np.iinfo(np.int32)
    return values.size > 0 and (int(values.min()) < limits.min or int(values.max()) > limits.max)


def render(tests):
    columns = [YES, RESTRICTED, NO]
    counts = collections.Counter((judgement, types) for _, _, judgement, types in tests)
    held = sum(counts[judgement, types] for judgement in (YES, RESTRICTED) for types in HELD)
    native = sum(counts[judgement, NATIVE] for judgement in (YES, RESTRICTED))
    by_type = sum(counts[judgement, types] for judgement in (YES, RESTRICTED) for types in TYPES if types not in HELD)
    lines = [
        "# What of ONNX the instruction set expresses",
        "",
        "Written by `crates/ir/tests/programs/onnx_coverage.py` from the operator tests of ONNX 1.22.0 (`node` and",
        "`simple`) and a judgement of each operator that is kept by hand in that script. It says what the closed set can",
        "express, with static shapes; it is no list of what an importer does, and nothing was executed for it.",
        "",
        f"Of {len(tests)} tests **{held}** ({100 * held // len(tests)} %) are expressible, {native} of them in the set's own",
        f"types. {by_type} more are compositions of the set but for the type of their elements, and",
        f"{sum(counts[NO, types] for types in TYPES)} use an operator that is not expressible.",
        "",
        "A test counts under the worst of its operators (inner graphs and written-out function bodies included) and",
        "the worst of the types of its inputs and outputs; values inside the graph are not looked at. *Restricted*",
        "means expressible under the condition that the table of operators states; most often it is that a shape, an",
        "axis or a count, which the test feeds in as a tensor, is a constant. int64 counts as held in i32 where every",
        "value of the test fits. Unsigned and narrow integers are held in i32, which takes a clamp or a mask where",
        "they saturate or wrap.",
        "",
        "| types | expressible | restricted | not | sum |",
        "|---|---:|---:|---:|---:|",
    ]
    for types in TYPES:
        row = [counts[judgement, types] for judgement in columns]
        lines.append(f"| {types} | {row[0]} | {row[1]} | {row[2]} | {sum(row)} |")
    row = [sum(counts[judgement, types] for types in TYPES) for judgement in columns]
    lines += [f"| all | {row[0]} | {row[1]} | {row[2]} | {len(tests)} |", "", "## Why operators are not expressible", ""]
    blamed = collections.defaultdict(set)
    for name, operators, _, _ in tests:
        for operator in operators:
            judgement, reason = OPERATORS[operator]
            if judgement == NO:
                blamed[reason].add((name, operator))
    lines += ["| reason | tests | operators |", "|---|---:|---|"]
    for reason, pairs in sorted(blamed.items(), key=lambda item: -len({name for name, _ in item[1]})):
        names, operators = {name for name, _ in pairs}, sorted({operator for _, operator in pairs})
        lines.append(f"| {reason} | {len(names)} | {', '.join(operators)} |")
    lines += ["", "A test that uses two such operators counts under both reasons.", "", "## Every operator", ""]
    lines += ["| operator | tests | judgement | as, or why not |", "|---|---:|---|---|"]
    uses = collections.Counter(operator for _, operators, _, _ in tests for operator in operators)
    words = {YES: "expressible", RESTRICTED: "restricted", NO: "not"}
    for operator, (judgement, text) in sorted(OPERATORS.items()):
        assert uses[operator], f"no test uses {operator}"
        lines.append(f"| {operator} | {uses[operator]} | {words[judgement]} | {text} |")
    judged = collections.Counter(judgement for judgement, _ in OPERATORS.values())
    lines += ["", f"Of {len(OPERATORS)} operators {judged[YES]} are expressible, {judged[RESTRICTED]} with a restriction, and "
              f"{judged[NO]} are not.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
