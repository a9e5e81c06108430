"""Trains the network of examples/fashion in Tacit and in PyTorch eager, one after the other, and times both.

    cargo xtask data fashion
    cargo build --release -p tacit-cli
    python bench/fashion.py target/release/tacit [--epochs N] [--threads N]

Both sides read the same files, keep the same pictures for validation, start from the same weights, take the same pictures
in the same order for each step, and follow the same learning rates: this script repeats Tacit's formulas for them. Only the
choice of what dropout sets to zero differs. PyTorch has what is fast in eager mode: the pictures as one tensor in memory
and fused AdamW. Both times are wall times, from the start of reading to the accuracy on the test pictures. Tacit's holds
the start of its process and the writing of the program; PyTorch's neither holds its import nor the drawing of weights and
orders.
"""

import argparse
import copy
import gzip
import os
import re
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rows import GAMMA, MASK, SHUFFLE, divide, keyed, mix, shuffled

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "fashion"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tacit", type=Path)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    text = (EXAMPLE / "Tacit.toml").read_text()
    if arguments.epochs:
        text = re.sub(r"(?m)^epochs = \d+", f"epochs = {arguments.epochs}", text)
    rows = [with_tacit(arguments.tacit.resolve(), text, arguments.threads)]
    rows.append(with_torch(tomllib.loads(text), arguments.threads))
    print("\n| | seconds | last validation loss | test accuracy |\n|---|---|---|---|")
    for name, seconds, loss, accuracy in rows:
        print(f"| {name} | {seconds:.1f} | {loss:.4f} | {accuracy:.4f} |")


def with_tacit(tacit, text, threads):
    """Builds the manifest's text in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(EXAMPLE / "data", Path(folder) / "data")
        (Path(folder) / "Tacit.toml").write_text(text)
        command = [tacit, "build", folder, "--no-baselines", "--no-report"]
        start = time.perf_counter()
        build = subprocess.Popen(command, env=os.environ | {"TACIT_THREADS": str(threads)}, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = ""
        for line in build.stdout:
            print("Tacit:", line, end="", flush=True)
            said += line
        build.wait()
        seconds = time.perf_counter() - start
    # 1 means that the contract is not met, which a few epochs cannot do.
    if build.returncode not in (0, 1):
        raise SystemExit(f"tacit ended with {build.returncode}")
    losses = re.findall(r"validation loss ([\d.]+)", said)
    accuracy = re.search(r"(?m)^accuracy\s.*?(0\.\d{4})\b", said)
    return "Tacit", seconds, float(losses[-1]), float(accuracy[1])


def with_torch(manifest, threads):
    torch.set_num_threads(threads)
    search, seed = manifest["search"], manifest["program"]["seed"]
    model = network(manifest["skeleton"]["layers"], seed)
    labels = idx("train-labels-idx1-ubyte.gz")
    given = manifest["data"]["split"]
    classes = [np.flatnonzero(labels == label) for label in range(10)]
    training, validation, _ = divide(classes, given["validation"], 0, given["seed"])
    batch, epochs = search["batch"], search["epochs"]
    steps = -(-epochs * len(training) // batch)
    # A batch that an epoch does not fill goes on with the next one, so that one order more is begun.
    orders = np.concatenate([shuffled(training, keyed(seed, SHUFFLE, epoch)) for epoch in range(epochs + 1)])

    start = time.perf_counter()
    images, labels = pictures("train"), torch.from_numpy(idx("train-labels-idx1-ubyte.gz").astype(np.int64))
    mean, deviation = images[training].mean(), images[training].std(correction=0)
    images = (images - mean) / deviation
    weights = [value for name, value in model.named_parameters() if value.dim() > 1]
    others = [value for name, value in model.named_parameters() if value.dim() == 1]
    groups = [{"params": weights, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=search["learning-rate"], fused=True)
    best, losses, done = None, [], 0
    training_loss = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = one_cycle(search["learning-rate"], step, steps)
        rows = torch.from_numpy(orders[step * batch:(step + 1) * batch])
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        loss.backward()
        optimiser.step()
        training_loss.append(loss.item())
        if (step + 1) * batch // len(training) > done:
            done += 1
            losses.append(measure(model, images[validation], labels[validation])[0])
            mean_loss = sum(training_loss) / len(training_loss)
            print(f"PyTorch: epoch {done}/{epochs}: training loss {mean_loss:.4f}, validation loss {losses[-1]:.4f}",
                  flush=True)
            training_loss = []
            if losses[-1] <= min(losses):
                best = copy.deepcopy(model.state_dict())
    model.load_state_dict(best)
    test = (pictures("t10k") - mean) / deviation
    _, accuracy = measure(model, test, torch.from_numpy(idx("t10k-labels-idx1-ubyte.gz").astype(np.int64)))
    return "PyTorch eager", time.perf_counter() - start, losses[-1], accuracy


def measure(model, images, labels):
    """The loss and the accuracy."""
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model(part) for part in images.split(500)])
    model.train()
    accuracy = (scores.argmax(1) == labels).float().mean().item()
    return nn.functional.cross_entropy(scores, labels).item(), accuracy


def idx(name):
    """The bytes of an idx file behind its header, one row an example."""
    data = gzip.open(EXAMPLE / "data" / name).read()
    extents = [int.from_bytes(data[4 + 4 * k:8 + 4 * k], "big") for k in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(extents)


def pictures(part):
    return torch.from_numpy(idx(f"{part}-images-idx3-ubyte.gz").astype(np.float32))[:, None]


# The network, from the manifest's list of layers.

def network(layers, seed):
    """The modules, their weights as Tacit draws them: filters [i, j, c, o] and matrices [in, out], by name and seed."""
    modules, shape, count = [], [28, 28, 1], 0
    for layer in layers:
        kind, *words = layer.split()
        match kind:
            case "conv":
                count += 1
                size, channels = int(words[0].split("x")[0]), int(words[1])
                module = nn.Conv2d(shape[2], channels, size, padding=size // 2)
                fan_in = size * size * shape[2]
                filters = normal(seed, f"conv{count}.weight", size * size * shape[2] * channels, (2 / fan_in) ** 0.5)
                filters = filters.reshape(size, size, shape[2], channels)
                set_weights(module, filters.transpose(3, 2, 0, 1))
                shape[2] = channels
            case "batch-norm":
                count += 1
                module = nn.BatchNorm2d(shape[2])
            case "relu":
                module = nn.ReLU()
            case "pool":
                size = int(words[0].split("x")[0])
                module = nn.MaxPool2d(size)
                shape[:2] = [shape[0] // size, shape[1] // size]
            case "flatten":
                module = nn.Flatten()
            case "dense":
                count += 1
                inner, units = int(np.prod(shape)), int(words[0])
                module = nn.Linear(inner, units)
                matrix = normal(seed, f"dense{count}.weight", inner * units, (2 / inner) ** 0.5)
                set_weights(module, by_channels(matrix.reshape(inner, units), shape))
                shape = [1, 1, units]
            case "dropout":
                module = nn.Dropout(float(words[0]))
            case _:
                raise SystemExit(f"this script does not know the layer `{layer}`")
        modules.append(module)
    head = nn.Linear(shape[2], 10)
    bound = (6 / (shape[2] + 10)) ** 0.5
    matrix = (2 * uniform(seed, "output/label.weight", shape[2] * 10) - 1) * bound
    set_weights(head, matrix.reshape(shape[2], 10).T)
    return nn.Sequential(*modules, head)


def by_channels(matrix, shape):
    """A matrix [in, out] over values in the order height, width, channel, as [out, in] in channel, height, width."""
    height, width, channels = shape
    matrix = matrix.reshape(height, width, channels, -1).transpose(3, 2, 0, 1)
    return matrix.reshape(matrix.shape[0], -1)


def set_weights(module, weights):
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights, dtype=np.float32)))
        module.bias.zero_()


# Tacit's formulas for first weights and learning rates: crates/nn/src/initialise.rs and crates/nn/src/schedule.rs.

def uniform(seed, name, count):
    """Multiples of 2⁻²⁴ in [0, 1) from SplitMix64, for a parameter's name."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & MASK
    start = np.uint64(mix(seed ^ state))
    with np.errstate(over="ignore"):
        z = start + np.uint64(GAMMA) * np.arange(1, count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / (1 << 24)


def normal(seed, name, count, deviation):
    drawn = uniform(seed, name, count + count % 2).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log(1 - drawn[:, 0])) * deviation, 2 * np.pi * drawn[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[:count]


def one_cycle(peak, step, steps):
    def half_cosine(step, first, length, start, end):
        passed = min(max((step - first) / max(length, 1), 0), 1)
        return 0.5 * (start + end) + 0.5 * (start - end) * np.cos(np.pi * passed)

    rise, start = 0.3 * steps, peak / 25
    return half_cosine(step, 0, rise, start, peak) if step < rise else half_cosine(
        step, rise, steps - rise, peak, start / 1e4)


if __name__ == "__main__":
    main()
