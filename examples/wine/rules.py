"""Marks a wine by the two measurements that any taster names first: one JSON row a line in, one answer a line out."""

import json
import sys

# Strong wines please, and vinegar does not.
MARK, PER_CENT_ALCOHOL, PER_GRAM_VINEGAR = 3.3, 0.3, -1.3

for line in sys.stdin:
    row = json.loads(line)
    mark = MARK + PER_CENT_ALCOHOL * float(row["alcohol"]) + PER_GRAM_VINEGAR * float(row["volatile_acidity"])
    print(mark, flush=True)
