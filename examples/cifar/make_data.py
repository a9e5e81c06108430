"""Makes the idx files of this example from the PNG sheets of CIFAR-10 that convnetjs holds.

    TACIT_DATA=FOLDER python make_data.py

FOLDER/cifar10 holds `cifar10_batch_0.png` … `cifar10_batch_29.png`, `cifar10_batch_50.png` and `cifar10_labels.js` of
https://github.com/karpathy/convnetjs/tree/master/demo/cifar10; each row of a sheet is one picture of 32×32. Needs numpy and
Pillow.
"""

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image

SHEETS = Path(os.environ["TACIT_DATA"]) / "cifar10"
OUTPUT = Path(__file__).parent / "data"
PARTS = {"train": range(30), "test": [50]}


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(extent.to_bytes(4, "big") for extent in array.shape)
    path.write_bytes(header + array.tobytes())


def main():
    text = (SHEETS / "cifar10_labels.js").read_text()
    labels = np.array(json.loads(text[text.index("[") : text.index("]") + 1]), np.uint8)
    OUTPUT.mkdir(exist_ok=True)
    for part, numbers in PARTS.items():
        sheets = [np.asarray(Image.open(SHEETS / f"cifar10_batch_{k}.png").convert("RGB")) for k in numbers]
        pictures = np.concatenate(sheets).reshape(-1, 32, 32, 3)
        rows = np.concatenate([labels[1000 * k : 1000 * k + 1000] for k in numbers])
        write_idx(OUTPUT / f"{part}-images-idx4-ubyte", pictures)
        write_idx(OUTPUT / f"{part}-labels-idx1-ubyte", rows)


if __name__ == "__main__":
    main()
