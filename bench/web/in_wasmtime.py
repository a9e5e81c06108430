"""How far an emitted program's answers to rows of numbers are from those of `tacit run`, in wasmtime.

    tacit run NAME.tacit ROWS.csv > said.jsonl
    python bench/web/in_wasmtime.py FOLDER/NAME.wasm ROWS.csv said.jsonl

It is for programs with one input, whose columns come first in each row, and one category. Needs wasmtime and numpy.
"""

import json
import sys
from importlib.metadata import version

import numpy
from wasmtime import Config, Engine, Instance, Module, Store


def main():
    module, rows, said = sys.argv[1:]
    config = Config()
    config.wasm_relaxed_simd = True
    engine = Engine(config)
    module = Module.from_file(engine, module)
    assert not list(module.imports), "a module needs nothing from outside"
    store = Store(engine)
    exports = Instance(store, module, []).exports(store)
    memory = exports["memory"]
    address = {
        kind: next(exports[e.name].value(store) for e in module.exports if e.name.startswith(kind))
        for kind in ("input_", "output_")
    }
    answers = [json.loads(line)["probabilities"] for line in open(said)]
    answers = numpy.array([list(answer.values()) for answer in answers], numpy.float32)
    examples = numpy.loadtxt(rows, delimiter=",", skiprows=1, dtype=numpy.float32)
    # The label is the last column.
    examples = examples[:, : examples.shape[1] - 1]
    found = []
    for example in examples:
        memory.write(store, example.tobytes(), address["input_"])
        exports["run"](store)
        begin = address["output_"]
        found.append(numpy.frombuffer(memory.read(store, begin, begin + 4 * answers.shape[1]), numpy.float32))
    differences = numpy.abs(numpy.array(found) - answers).max(axis=1)
    count = int((differences > 0).sum())
    print(f"wasmtime {version('wasmtime')}: {count} of {len(examples)} rows differ, by {differences.max()} at most")


if __name__ == "__main__":
    main()
