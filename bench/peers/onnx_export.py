"""Makes an ONNX model of the PyTorch module with the exported values, beside the exported file.

    python bench/peers/onnx_export.py WORKLOAD BATCH FILE

Workers run this as a process of its own, so that their memory does not hold PyTorch.
"""

import sys
from pathlib import Path

import protocol


def model_of(arguments):
    """The model of a worker's workload."""
    return protocol.exported_model(__file__, ".onnx", arguments)


def main():
    workload, batch, file = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])

    import torch
    from safetensors.numpy import load_file

    import networks

    tensors = load_file(file)
    net = networks.for_answers(networks.load(networks.network(workload), tensors))
    x = torch.from_numpy(tensors["input/x"])
    assert len(x) == batch
    if networks.has_images(workload):
        x = x.permute(0, 3, 1, 2).contiguous()
    # A worker that looks for the model never finds half of it.
    unfinished = file.with_suffix(".onnx.part")
    torch.onnx.export(net, (x,), unfinished, input_names=["x"], output_names=["y"], external_data=False, dynamo=True)
    unfinished.replace(file.with_suffix(".onnx"))


if __name__ == "__main__":
    main()
