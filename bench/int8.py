"""What programs of the examples lose by becoming ones of 8-bit integers, over three seeds.

    cargo build --release -p tacit-cli && cargo build --release -p tacit-train --example int8
    TACIT_THREADS=1 nice -n 10 python bench/int8.py digits fashion cifar > int8.log

For each example and seed the f32 program is searched for, then quantised after each calibration, without and with training
that rounds; the accuracies on the test rows are printed. Data has to be there: `cargo xtask data fashion`, and
examples/cifar/make_data.py. What is built lies in target/int8 and is used again.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
RELEASE = ROOT / "target" / "release"
SEEDS = (1, 2, 3)


def manifest(example, seed):
    """The example's manifest as an f32 program with this seed, its data named by their whole paths."""
    folder = ROOT / "examples" / example
    text = (folder / "Tacit.toml").read_text()
    text = re.sub(r"^(precision|calibration|quantisation) = .*\n", "", text, flags=re.M)
    text, count = re.subn(r"^seed = \d+", f"seed = {seed}", text, flags=re.M)
    assert count == 1, f"{example} has no seed of its own"
    return re.sub(r'^(source|test) = "', rf'\g<0>{folder.resolve()}/', text, flags=re.M)


def measure(example, seed):
    folder = ROOT / "target" / "int8" / f"{example}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Tacit.toml").write_text(manifest(example, seed))
    program = folder / f"{example}.tacit"
    build = [RELEASE / "tacit", "build", "--output", program.resolve(), "--no-baselines", "--no-report"]
    with open(folder / "build.log", "w") as log:
        # A contract that is not met is a figure as well.
        subprocess.run(build, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    found = subprocess.run(
        [RELEASE / "examples" / "int8", folder, program], stdout=subprocess.PIPE, text=True, check=True
    )
    for line in found.stdout.splitlines():
        print(f"{example}, seed {seed}: {line}", flush=True)


def main():
    for example in sys.argv[1:]:
        for seed in SEEDS:
            measure(example, seed)


if __name__ == "__main__":
    main()
