"""JAX on the processor.

    python bench/peers/jax_worker.py WORKLOAD train|infer BATCH FILE --threads N
"""

import math
import os

import protocol

arguments = protocol.begin()

# XLA takes a thread for each core that it may use. With one, it needs no pool for its contractions.
os.environ["JAX_PLATFORMS"] = "cpu"
if arguments.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp

import jax_networks

CONVOLUTIONS = {"convolutions": False, "slices and matrix products": True}


def main():
    protocol.serve(arguments, f"JAX {jax.__version__}", prepare)


def prepare(tensors):
    values = jax_networks.joined(tensors)
    x = jnp.asarray(tensors["input/x"])
    if arguments.training:
        target = jnp.asarray(tensors["target"])
        make = lambda by_slices: training_step(values, x, target, by_slices)
    else:
        values = {name: jnp.asarray(value) for name, value in jax_networks.without_statistics(values).items()}
        make = lambda by_slices: answer(values, x, by_slices)
    choice = arguments.choice or ""
    if arguments.workload in jax_networks.IMAGES:
        choice = choice or protocol.fastest(CONVOLUTIONS)
    call = make(CONVOLUTIONS.get(choice, False))
    if arguments.training:
        first = [call().item() for _ in range(protocol.FIRST_STEPS)]
    else:
        first = protocol.first_outputs(call())
    return protocol.Prepared(call, first, choice)


def answer(values, x, by_slices):
    whole = jax.jit(lambda values, x: jax_networks.answer(arguments.workload, values, x, by_slices))
    compiled = whole.lower(values, x).compile()
    return lambda: compiled(values, x).block_until_ready()


def training_step(values, x, target, by_slices):
    statistics = {name: value for name, value in values.items() if name.endswith((".mean", ".variance"))}
    parameters = {name: value for name, value in values.items() if name not in statistics}

    def loss_of(parameters, statistics, x, target):
        y, moved = jax_networks.training_answer(arguments.workload, parameters, statistics, x, by_slices)
        if jnp.issubdtype(target.dtype, jnp.integer):
            chances = jax.nn.log_softmax(y)
            return -jnp.take_along_axis(chances, target[..., None], -1).mean(), moved
        return jnp.square(y - target).mean(), moved

    def whole_step(state, x, target):
        parameters, statistics, first, second, steps = state
        loss_and_gradients = jax.value_and_grad(loss_of, has_aux=True)
        (loss, statistics), gradients = loss_and_gradients(parameters, statistics, x, target)
        steps = steps + 1
        parameters, first, second = adamw(parameters, gradients, first, second, steps)
        return (parameters, statistics, first, second, steps), loss

    # Copies of their own, for every state is given up to the step that takes it.
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state = jax.tree.map(jnp.array, (parameters, statistics, zeros, zeros, jnp.float32(0)))
    compiled = jax.jit(whole_step, donate_argnums=0).lower(state, x, target).compile()

    def call():
        nonlocal state
        state, loss = compiled(state, x, target)
        jax.block_until_ready(state)
        return loss

    return call


def adamw(parameters, gradients, first, second, steps):
    """All parameters after a step, with the means of their gradients and squared gradients."""
    beta1, beta2 = protocol.BETAS
    first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, second, gradients)
    # 1 - beta ** steps would lose most of its digits.
    rate = protocol.RATE / -jnp.expm1(steps * math.log(beta1))
    root = jnp.sqrt(-jnp.expm1(steps * math.log(beta2)))

    def moved(p, m, v):
        return p * (1 - protocol.RATE * protocol.DECAY) - rate * m / (jnp.sqrt(v) / root + protocol.EPSILON)

    return jax.tree.map(moved, parameters, first, second), first, second


if __name__ == "__main__":
    main()
