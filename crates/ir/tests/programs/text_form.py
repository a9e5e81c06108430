"""Writes the text form of programs, numbering values and deriving axes and shapes, for generate.py."""

import re


class Value:
    def __init__(self, number, dtype, shape):
        self.number, self.dtype, self.shape = number, dtype, list(shape)


class Program:
    def __init__(self, *about):
        self.lines = ["tacit-ir 1"] + [f"# {line}" for line in about]
        self.count = 0
        self.known = {}

    def note(self, text):
        self.lines.append(f"# {text}")

    def define(self, text, operands, dtype, shape):
        """Adds a line, or finds the value that an equal one defines: graphs share equal instructions."""
        key = (text, tuple(v.number for v in operands), dtype, tuple(shape))
        if key in self.known:
            return self.known[key]
        value = self.known[key] = Value(self.count, dtype, shape)
        named = " (" + ", ".join(f"%{v.number}" for v in operands) + ")" if operands else ""
        extents = ",".join(str(e) for e in value.shape)
        self.lines.append(f"%{self.count} = {text}{named} -> {dtype}[{extents}]")
        self.count += 1
        return value

    def input(self, name, dtype, *shape):
        return self.define(f'input "{name}"', [], dtype, shape)

    def param(self, name, *shape):
        return self.define(f'param "{name}"', [], "f32", shape)

    def state(self, name, init, dtype, *shape):
        return self.define(f'state "{name}" init={init}', [], dtype, shape)

    def constant(self, value, dtype="f32", shape=()):
        return self.define(f"constant {value}", [], dtype, shape)

    def iota(self, extent):
        return self.define("iota", [], "i32", [extent])

    def nested(self, text, words, operands, dtype, given, shape=None):
        axes = derive_axes(words, operands, given)
        if shape is None:
            shape = [product(axes[a] for a in dim) for dim in output_dimensions(words)]
        extents = " ".join(f"{a}={e}" for a, e in axes.items())
        return self.define(" ".join(p for p in [text, f'"{words}"', extents] if p), operands, dtype, shape)

    def contract(self, words, a, b, shape=None, **given):
        return self.nested("contract", words, [a, b], "f32" if a.dtype == "f32" else "i32", given, shape)

    def reduce(self, how, words, a, shape=None, **given):
        return self.nested(f"reduce {how}", words, [a], a.dtype, given, shape)

    def move(self, words, *operands, fill=None, **given):
        fill = fill or {"f32": "0.0", "bool": "false"}.get(operands[0].dtype, "0")
        return self.nested(f"move fill={fill}", words, list(operands), operands[0].dtype, given)

    def gather(self, words, table, index):
        return self.nested("gather", words, [table, index], table.dtype, {})

    def map(self, function, *operands, words=None, dtype=None):
        dtype = dtype or ("bool" if function in ("less", "equal") else operands[-1].dtype)
        if words:
            return self.nested(f"map {function}", words, list(operands), dtype, {})
        shape = max((v.shape for v in operands), key=len)
        return self.define(f"map {function}", operands, dtype, shape)

    def cast(self, value, dtype):
        return self.map("cast", value, dtype=dtype)

    def output(self, name, value):
        self.lines.append(f'output "{name}" = %{value.number}')

    def update(self, leaf, value):
        self.lines.append(f"update %{leaf.number} = %{value.number}")

    def text(self):
        return "\n".join(self.lines) + "\n"


def product(extents):
    result = 1
    for extent in extents:
        result *= extent
    return result


def dimensions(access):
    """`{2h+i}c(gd)*` as ["{2h+i}", "c", "(gd)", "*"]."""
    return re.findall(r"\{[^}]*\}|\([a-z]*\)|[a-z]|\*", access)


def output_dimensions(words):
    dims = dimensions(words.split("->")[1])
    assert not any(d.startswith("{") for d in dims), f"give the shape that {words} writes"
    return [d.strip("()") for d in dims]


def derive_axes(words, operands, given):
    """The output's axes, then the others as they first appear; extents are given or shown by a plain dimension."""
    inputs, output = words.split("->")
    names = list(dict.fromkeys(re.findall("[a-z]", output + inputs)))
    extents = dict(given)
    for access, operand in zip(inputs.split(","), operands, strict=True):
        for dim, extent in zip(dimensions(access), operand.shape, strict=True):
            if re.fullmatch("[a-z]", dim):
                extents.setdefault(dim, extent)
    return {name: extents[name] for name in names}
