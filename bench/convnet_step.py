"""Times a training step of two small ConvNets in PyTorch eager, for comparison with

    cargo run --release -p tacit-exec --example step_time -- w7

The networks are those of that example: 3x3 convolutions, relu, dense layers, cross-entropy, AdamW (fused).
Usage: python bench/convnet_step.py w7|w2 THREADS STEPS
"""

import sys
import time

import torch
from torch import nn


def network(which):
    if which == "w7":
        return 32, 8, nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10))
    return 64, 28, nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))


def main():
    which, threads, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    batch, size, model = network(which)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    images, labels = torch.rand(batch, 1, size, size) - 0.5, torch.randint(0, 10, (batch,))
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimiser.step()
        seconds.append(time.perf_counter() - start)
    seconds.sort()
    print(f"{which}, {threads} threads: min {seconds[0] * 1e6:.1f} µs, median {seconds[steps // 2] * 1e6:.1f} µs")


if __name__ == "__main__":
    main()
