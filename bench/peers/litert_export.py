"""Makes a LiteRT model with the exported values, beside the exported file.

    python bench/peers/litert_export.py WORKLOAD BATCH FILE

The worker runs this as a process of its own, so that its memory does not hold TensorFlow.
"""

import os
import sys
from pathlib import Path

import protocol


def model_of(arguments):
    """The model of a worker's workload."""
    return protocol.exported_model(__file__, ".tflite", arguments)


def main():
    workload, batch, file = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "1"

    import tensorflow as tf
    from safetensors.numpy import load_file

    import litert_networks

    tensors = load_file(file)
    x = tensors.pop("input/x")
    assert len(x) == batch
    layers = litert_networks.Layers(tensors)

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec(x.shape, x.dtype)])
        def __call__(self, x):
            return litert_networks.FORWARD[workload](layers, x)

    module = Module()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.__call__.get_concrete_function()], module)
    # A worker that looks for the model never finds half of it.
    unfinished = file.with_suffix(".tflite.part")
    unfinished.write_bytes(converter.convert())
    unfinished.replace(file.with_suffix(".tflite"))


if __name__ == "__main__":
    main()
