"""Measures scikit-learn on the rows of the examples adult, california-housing, titanic and wine, with its default settings.

    cargo xtask data
    python bench/examples.py [adult] [california-housing] [titanic] [wine/red] [wine/white]

It trains on all rows that Tacit does not keep for the test (Tacit itself trains on fewer: it keeps some for validation)
and measures on the test rows.
"""

import sys
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier,
                              RandomForestRegressor)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from rows import divide

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SEED = 0


def main():
    warnings.filterwarnings("ignore")
    for name in sys.argv[1:] or ["adult", "california-housing", "titanic", "wine/red", "wine/white"]:
        manifest = tomllib.loads((EXAMPLES / name / "Tacit.toml").read_text())
        [(entry, output)] = manifest["output"].items()
        target, classify = output.get("column", entry), output["type"] == "category"
        train, test = tables(name, manifest, target, output)
        print(f"{name}: {len(train)} rows for training, {len(test)} for the test", flush=True)
        for method, model in models(train.drop(columns=target), classify):
            model.fit(train.drop(columns=target), train[target])
            answers = model.predict(test.drop(columns=target))
            if classify:
                scores = model.predict_proba(test.drop(columns=target))[:, 1]
                figures = (f"AUROC {roc_auc_score(test[target] == model.classes_[1], scores):.4f}, "
                           f"accuracy {accuracy_score(test[target], answers):.4f}")
            else:
                figures = (f"R² {r2_score(test[target], answers):.4f}, "
                           f"mean absolute error {mean_absolute_error(test[target], answers):.4f}")
            print(f"  {method}: {figures}", flush=True)


def tables(name, manifest, target, output):
    """The rows that are not for the test, and those that are, with the columns that Tacit is given."""
    data = manifest["data"]
    inputs = [column for entry, table in manifest["input"].items()
              for column in table.get("columns", [table.get("column", entry)])]

    def read(file):
        options = {"header": None, "names": data["columns"]} if "columns" in data else {}
        table = pd.read_csv(EXAMPLES / name / file, skipinitialspace=True, na_values=data.get("missing", []), **options)
        table[target] = table[target].replace(output.get("aliases", {}))
        return table[inputs + [target]]

    train = read(data["source"])
    if "test" in data:
        train, test = train, read(data["test"])
    else:
        share = data["split"]
        # Classes are divided one by one, numbers as a whole.
        labels = train[target] if output["type"] == "category" else np.zeros(len(train))
        classes = [np.flatnonzero(labels == label) for label in sorted(set(labels))]
        parts = divide(classes, share["validation"], share["test"], share["seed"])
        train, test = train.iloc[np.sort(np.concatenate(parts[:2]))], train.iloc[parts[2]]
    # Both with the same categories, so that a label that is rare is known in both.
    for column in train.columns.drop(target):
        if not pd.api.types.is_numeric_dtype(train[column]):
            labels = sorted(set(train[column].dropna()) | set(test[column].dropna()))
            train = train.assign(**{column: pd.Categorical(train[column], labels)})
            test = test.assign(**{column: pd.Categorical(test[column], labels)})
    return train, test


def models(inputs, classify):
    numbers = [column for column in inputs if pd.api.types.is_numeric_dtype(inputs[column])]
    labels = [column for column in inputs if column not in numbers]

    def encoded(model, scaled):
        steps = [SimpleImputer(strategy="median")] + ([StandardScaler()] if scaled else [])
        names = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
        return make_pipeline(make_column_transformer((make_pipeline(*steps), numbers), (names, labels)), model)

    linear = LogisticRegression(max_iter=1000) if classify else Ridge()
    forest = (RandomForestClassifier if classify else RandomForestRegressor)(random_state=SEED)
    boosting = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    return [("linear", encoded(linear, True)), ("random forest", encoded(forest, False)),
            ("HistGradientBoosting", boosting(categorical_features="from_dtype", random_state=SEED))]


if __name__ == "__main__":
    main()
