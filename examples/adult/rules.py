"""Says who earns more than 50,000 dollars, as a person would: one JSON row a line in, one answer a line out."""

import json
import sys

# Years of school as the census counts them: 13 is a bachelor's degree, 9 the end of high school.
BACHELOR, HIGH_SCHOOL = 13, 9


def answer(row):
    if float(row["capital_gain"]) > 7000:
        return ">50K"
    married = row["marital_status"] == "Married-civ-spouse"
    schooling = float(row["education_num"])
    settled = float(row["age"]) >= 30
    manages = row["occupation"] in ("Exec-managerial", "Prof-specialty") and schooling > HIGH_SCHOOL
    return ">50K" if married and settled and (schooling >= BACHELOR or manages) else "<=50K"


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
