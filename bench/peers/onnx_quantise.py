"""Makes int8 models of an exported ONNX model, in each of the ways that ONNX Runtime offers.

Ranges are seen over the timed input and a few others; weights have a scale for each channel and no zero point.
"""

import numpy
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import onnx_export

# What it takes: the format, the type of activations, and whether weights have 7 bits, so that its AVX2 kernels, which add
# products of u8 and i8 in 16 bits, never saturate.
CHOICES = {
    "qdq-u8s8": (QuantFormat.QDQ, QuantType.QUInt8, False),
    "qdq-u8s8-7bit": (QuantFormat.QDQ, QuantType.QUInt8, True),
    "qdq-s8s8": (QuantFormat.QDQ, QuantType.QInt8, False),
    "qoperator-u8s8": (QuantFormat.QOperator, QuantType.QUInt8, False),
    "qoperator-u8s8-7bit": (QuantFormat.QOperator, QuantType.QUInt8, True),
}

EXAMPLES = 7


class Examples(CalibrationDataReader):
    def __init__(self, x):
        random = numpy.random.default_rng(1)
        more = [random.uniform(-1, 1, x.shape).astype("f4") for _ in range(EXAMPLES)]
        self.left = iter([x, *more])

    def get_next(self):
        x = next(self.left, None)
        return None if x is None else {"x": x}


def model_of(arguments, choice, x):
    """The int8 model of a worker's workload for the input `x`, made by one of the choices."""
    form, activations, reduced = CHOICES[choice]
    exported = onnx_export.model_of(arguments)
    prepared = exported.with_suffix(f".{choice}.prepared.onnx")
    model = exported.with_suffix(f".{choice}.onnx")
    quant_pre_process(exported, prepared)
    quantize_static(prepared, model, Examples(x), quant_format=form, per_channel=True, activation_type=activations,
                    weight_type=QuantType.QInt8, reduce_range=reduced, extra_options={"WeightSymmetric": True})
    return model
