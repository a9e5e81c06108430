"""Estimates a block's median house price from its income and its place: one JSON row a line in, one answer a line out."""

import json
import sys

# Dollars of price for each 10,000 dollars of yearly income, inland and nearer to the sea.
INLAND, COAST = 30_000, 46_000
# What a house costs where nobody earns anything.
LAND = 50_000
# The census writes no greater price.
PRICE_MAX = 500_001

for line in sys.stdin:
    row = json.loads(line)
    by_income = INLAND if row["ocean_proximity"] == "INLAND" else COAST
    price = LAND + by_income * float(row["median_income"])
    print(min(price, PRICE_MAX), flush=True)
