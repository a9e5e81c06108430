"""ONNX Runtime.

    python bench/peers/onnxruntime_worker.py WORKLOAD infer|int8 BATCH FILE --threads N
"""

import protocol

arguments = protocol.begin()

import onnxruntime

import onnx_export
import onnx_quantise


def main():
    protocol.serve(arguments, f"ONNX Runtime {onnxruntime.__version__}", prepare)


def prepare(tensors):
    if arguments.training:
        raise ValueError("only answers are measured")
    x, choice = protocol.channels_first(tensors["input/x"]), ""
    if arguments.mode == "int8":
        choice = arguments.choice or protocol.fastest(onnx_quantise.CHOICES)
        model = onnx_quantise.model_of(arguments, choice, x)
    else:
        model = onnx_export.model_of(arguments)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    x = onnxruntime.OrtValue.ortvalue_from_numpy(x)
    y = onnxruntime.OrtValue.ortvalue_from_shape_and_type(session.get_outputs()[0].shape, "float32", "cpu")
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)

    def call():
        session.run_with_iobinding(binding)

    call()
    return protocol.Prepared(call, protocol.first_outputs(y.numpy()), choice)


if __name__ == "__main__":
    main()
