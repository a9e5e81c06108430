"""OpenVINO.

    python bench/peers/openvino_worker.py WORKLOAD infer BATCH FILE --threads N
"""

import protocol

arguments = protocol.begin()

import numpy
import openvino

import onnx_export


def main():
    protocol.serve(arguments, f"OpenVINO {openvino.__version__.partition('-')[0]}", prepare)


def prepare(tensors):
    if arguments.training:
        raise ValueError("only answers are measured")
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": arguments.threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(onnx_export.model_of(arguments), "CPU", settings)
    request = compiled.create_infer_request()
    x = protocol.channels_first(tensors["input/x"])
    y = numpy.empty(compiled.output(0).shape, numpy.float32)
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
    request.set_output_tensor(openvino.Tensor(y, shared_memory=True))

    def call():
        # Without arguments `infer` copies the outputs that it returns.
        request.infer(share_inputs=True, share_outputs=True)

    call()
    return protocol.Prepared(call, protocol.first_outputs(y), buffers=(x, y))


if __name__ == "__main__":
    main()
