"""PyTorch, eager or compiled.

    python bench/peers/torch_worker.py eager|compile WORKLOAD train|infer BATCH FILE --threads N
"""

import protocol

# Before PyTorch, which counts the cores when it is imported.
arguments = protocol.begin("eager", "compile")

import torch
from torch.nn import functional as F

import networks

COMPILED = arguments.variant == "compile"
if COMPILED:
    from torch import _inductor as inductor

CONTIGUOUS, CHANNELS_LAST = "contiguous", "channels last"
FROZEN, UNFROZEN = "frozen weights", "weights as arguments"


def main():
    torch.set_num_threads(arguments.threads)
    torch.set_num_interop_threads(1)
    protocol.serve(arguments, f"PyTorch {torch.__version__.partition('+')[0]}", prepare)


def prepare(tensors):
    choice = arguments.choice or ""
    if networks.has_images(arguments.workload):
        choice = choice or protocol.fastest([CONTIGUOUS, CHANNELS_LAST])
    elif COMPILED and not arguments.training:
        choice = choice or protocol.fastest([FROZEN, UNFROZEN])
    net, x = laid_out(tensors, choice == CHANNELS_LAST)
    if arguments.training:
        call = training_step(net, x, torch.from_numpy(tensors["target"]))
        first = [call().item() for _ in range(protocol.FIRST_STEPS)]
    else:
        call = answer(net, x, frozen=choice != UNFROZEN)
        first = protocol.first_outputs(call())
    return protocol.Prepared(call, first, choice)


def laid_out(tensors, channels_last):
    """The network and its input in an order of memory."""
    net = networks.load(networks.network(arguments.workload, channels_last), tensors)
    x = torch.from_numpy(tensors["input/x"])
    if networks.has_images(arguments.workload):
        order = torch.channels_last if channels_last else torch.contiguous_format
        net = net.to(memory_format=order)
        x = x.permute(0, 3, 1, 2).contiguous(memory_format=order)
    return net, x


def training_step(net, x, target):
    net.train()
    if target.dtype == torch.int32:
        target = target.long().flatten()
        loss_of = lambda y: F.cross_entropy(y.flatten(0, -2), target)
    else:
        loss_of = lambda y: F.mse_loss(y, target)
    optimiser = torch.optim.AdamW(net.parameters(), lr=protocol.RATE, betas=protocol.BETAS, eps=protocol.EPSILON,
                                  weight_decay=protocol.DECAY, fused=True)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(net(x))
        loss.backward()
        optimiser.step()
        return loss.detach()

    # Compiled whole, the optimiser included; only the start of the backward pass breaks the graph in two.
    return torch.compile(step) if COMPILED else step


def answer(net, x, frozen):
    net = networks.for_answers(net)
    if COMPILED:
        # Frozen weights are constants to the compiler, which lays them out as its kernels want them. A wrapper in C++
        # calls the kernels sooner than one in Python.
        inductor.config.freezing = frozen
        inductor.config.cpp_wrapper = True
        net = torch.compile(net)

    @torch.inference_mode()
    def call():
        return net(x)

    return call


if __name__ == "__main__":
    main()
