"""Which rows Tacit takes: its generator, its division of rows into parts and its orders, for comparisons on the same rows.

The formulas are those of crates/data/src/random.rs, split.rs and stream.rs.
"""

import numpy as np

MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15
SPLIT, SHUFFLE = 1, 2


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def keyed(seed, purpose, index):
    """The state of the generator of one choice among many."""
    state = 0
    for word in (seed, purpose, index):
        state = mix(((state + GAMMA) & MASK) ^ word)
    return state


def shuffled(rows, state):
    """The rows in a random order."""
    rows = list(rows)
    for last in range(len(rows) - 1, 0, -1):
        bound = last + 1
        while True:
            state = (state + GAMMA) & MASK
            product = mix(state) * bound
            if product & MASK >= (1 << 64) % bound:
                break
        chosen = product >> 64
        rows[last], rows[chosen] = rows[chosen], rows[last]
    return np.array(rows)


def divide(strata, validation, test, seed):
    """The rows of the training, the validation and the test part, ascending.

    `strata` are lists of rows: one for each class, or one for all where the target is a number.
    """
    def takes(position, share):
        return int((position + 1) * share + 0.5) > int(position * share + 0.5)

    parts, position, position_rest = ([], [], []), 0, 0
    for index, stratum in enumerate(strata):
        for row in shuffled(stratum, keyed(seed, SPLIT, index)):
            position += 1
            if takes(position - 1, test):
                parts[2].append(row)
                continue
            parts[takes(position_rest, validation / (1 - test))].append(row)
            position_rest += 1
    return tuple(np.sort(np.array(part, np.int64)) for part in parts)
