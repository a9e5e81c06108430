"""What all Python workers share: the command line, the cores, the exported file, the clock and the answers.

A worker prepares a workload, writes one line of JSON with the losses of its first steps or with its first outputs, and
then obeys `time SECONDS` and `quit` from its standard input.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

# The settings of AdamW.
RATE, BETAS, EPSILON, DECAY = 1e-3, (0.9, 0.999), 1e-8, 0.01

# A step's losses are compared over so many steps, and so many numbers of an answer.
FIRST_STEPS, FIRST_OUTPUTS = 5, 4096

# Calls shorter than this many nanoseconds are timed in runs of so many, so that the clock does not show.
SHORT, RUN = 50_000, 20

# How long each of several ways to do the same is tried.
TRIAL_SECONDS = 0.5

# Numbers in an answer to `time`.
MOST_TIMES = 2000

# Where the protocol's answers go, once `begin` has opened it.
answers = None


@dataclass
class Arguments:
    """The command line of a worker."""

    variant: str
    workload: str
    mode: str
    batch: int
    file: Path
    threads: int
    choice: str | None

    @property
    def training(self):
        return self.mode == "train"


@dataclass
class Prepared:
    """A workload that is ready to be timed."""

    # One step or one answer.
    call: Callable[[], object]
    # The losses of the first steps, or the outputs, row-major.
    first: list
    variant: str = ""
    # What the call reads and writes, where its library holds only the address.
    buffers: tuple = ()


def begin(*variants):
    """Reads the command line and keeps this process on as many cores as it may have threads.

    A worker calls this before it imports its library, which counts the cores on import. Standard output is left to the
    protocol: what libraries print goes to standard error.
    """
    parser = argparse.ArgumentParser()
    if variants:
        parser.add_argument("variant", choices=variants)
    parser.add_argument("workload")
    parser.add_argument("mode", choices=["train", "infer", "int8"])
    parser.add_argument("batch", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--choice", help="one of the ways that a worker else tries out")
    parsed = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:parsed.threads]
    os.sched_setaffinity(0, cores)
    os.environ["OMP_NUM_THREADS"] = str(parsed.threads)
    global answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(sys.stderr.fileno(), 1)
    return Arguments(**{"variant": "", **vars(parsed)})


def serve(arguments, version, prepare):
    """Prepares the workload by `prepare(tensors)` and obeys commands until `quit` or the end of the input."""
    from safetensors.numpy import load_file

    try:
        prepared = prepare(load_file(arguments.file))
    except Exception as error:
        traceback.print_exc()
        say({"error": f"{type(error).__name__}: {error}", "version": version})
        return
    ready = {"losses" if arguments.training else "outputs": [float(x) for x in prepared.first]}
    say({"ready": ready, "version": version, "variant": prepared.variant})
    for line in sys.stdin:
        match line.split():
            case ["time", seconds]:
                say({"times_ns": timed(float(seconds), prepared.call)})
            case ["quit"]:
                say({"peak_rss_kib": peak_rss_kib()})
                return
            case _:
                raise SystemExit(f"`{line.strip()}` is no command")


def say(message):
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def channels_first(x):
    """Images as [n, channels, height, width]; anything else as it is."""
    return x.transpose(0, 3, 1, 2).copy() if x.ndim == 4 else x


def first_outputs(outputs):
    """The part of an answer that is compared, of an array in Tacit's layout."""
    return outputs.reshape(-1)[:FIRST_OUTPUTS].tolist()


def exported_model(script, suffix, arguments):
    """The model that a script leaves beside the exported file, made if there is none that is younger than that."""
    model = arguments.file.with_suffix(suffix)
    if not model.exists() or model.stat().st_mtime < arguments.file.stat().st_mtime:
        command = [sys.executable, script, arguments.workload, str(arguments.batch), arguments.file]
        subprocess.run(command, check=True)
    return model


def fastest(choices):
    """The choice with the least time of a call.

    Each is tried in a process of its own, so that this one's memory and values stay as they are.
    """
    times = {}
    for choice in choices:
        trial = subprocess.run([sys.executable, *sys.argv, "--choice", choice], text=True, stdout=subprocess.PIPE,
                               input=f"time {TRIAL_SECONDS}\nquit\n")
        for line in trial.stdout.splitlines():
            if found := json.loads(line).get("times_ns"):
                times[choice] = min(found)
    print("least nanoseconds:", times, file=sys.stderr)
    if not times:
        raise RuntimeError(f"none of {', '.join(choices)} works")
    return min(times, key=times.get)


def timed(seconds, call):
    """Nanoseconds of each call, or of the mean call of a short run where one alone would be lost in the clock."""
    start = time.perf_counter_ns()
    call()
    run = RUN if time.perf_counter_ns() - start < SHORT else 1
    end = start + int(seconds * 1e9)
    times = []
    while len(times) < 3 or (time.perf_counter_ns() < end and len(times) < MOST_TIMES):
        begin = time.perf_counter_ns()
        for _ in range(run):
            call()
        times.append((time.perf_counter_ns() - begin) // run)
    return times


def peak_rss_kib():
    """The greatest resident memory of this process so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0
