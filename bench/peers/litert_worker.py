"""LiteRT with its XNNPACK delegate.

    python bench/peers/litert_worker.py WORKLOAD infer BATCH FILE --threads N
"""

from importlib.metadata import version

import protocol

arguments = protocol.begin()

from ai_edge_litert.interpreter import Interpreter

import litert_export


def main():
    protocol.serve(arguments, f"LiteRT {version('ai-edge-litert')}", prepare)


def prepare(tensors):
    if arguments.training:
        raise ValueError("only answers are measured")
    # The delegate is the default.
    interpreter = Interpreter(str(litert_export.model_of(arguments)), num_threads=arguments.threads)
    interpreter.allocate_tensors()
    interpreter.tensor(interpreter.get_input_details()[0]["index"])()[:] = tensors["input/x"]
    interpreter.invoke()
    outputs = interpreter.tensor(interpreter.get_output_details()[0]["index"])()
    return protocol.Prepared(interpreter.invoke, protocol.first_outputs(outputs.copy()))


if __name__ == "__main__":
    main()
