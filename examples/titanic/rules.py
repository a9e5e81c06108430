"""Says who survived, as a person would: one JSON row a line in, one answer a line out."""

import json
import sys

CHILD_YEARS, LARGE_FAMILY = 10, 5


def answer(row):
    spared = row["Sex"] == "female" or (row["Age"] is not None and row["Age"] < CHILD_YEARS)
    family = row["SibSp"] + row["Parch"] + 1
    # Women and children went first, but large families below deck stayed together.
    return 1 if spared and not (row["Pclass"] == 3 and family >= LARGE_FAMILY) else 0


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
