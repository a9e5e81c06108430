"""Reads the event file beside this script with TensorBoard's own reader and compares it with what was written.

    pip install tensorboard
    python check.py
"""

import pathlib

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

FILE = pathlib.Path(__file__).with_name("events.out.tfevents.1700000000.sample")

# Tag: (wall time, step, value).
EXPECTED = {
    "loss/training": [(1700000000.0, 100, 0.75), (1700000002.5, 70_000, 0.1)],
    "loss/validation": [(1700000000.0, 100, 0.875)],
    "validation/macro F1": [(1700000000.0, 100, 0.5), (1700000005.0, 5_000_000_000, 0.9375)],
    "learning_rate": [(1700000000.0, 100, 0.001)],
    "range_test/learning_rate": [(1700000000.0, 0, 1e-6), (1700000000.0, 1, 1e-5)],
    "range_test/loss": [(1700000000.0, 0, 1.5), (1700000000.0, 1, 1.25)],
}

events = list(EventFileLoader(str(FILE)).Load())
assert events[0].file_version == "brain.Event:2", events[0]
assert len(events) == 1 + sum(len(points) for points in EXPECTED.values()), len(events)

accumulator = EventAccumulator(str(FILE))
accumulator.Reload()
assert sorted(accumulator.Tags()["scalars"]) == sorted(EXPECTED), accumulator.Tags()["scalars"]
for tag, points in EXPECTED.items():
    read = accumulator.Scalars(tag)
    assert len(read) == len(points), tag
    for event, (wall_time, step, value) in zip(read, points):
        assert (event.wall_time, event.step) == (wall_time, step), (tag, event)
        assert abs(event.value - value) <= 1e-7 * abs(value), (tag, event)
print(f"{FILE.name}: {len(events)} events, as written")
