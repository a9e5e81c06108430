"""Tables: `tacit new` and `tacit build`, with nothing edited, beside scikit-learn on the same rows.

    TACIT_DATA=/data python bench/tables.py FOLDER [--tacit PATH] [--only red,digits] [--seeds 5]

FOLDER gets one folder for each data set and seed with `train.csv` and `test.csv`, which all methods read, and
`figures.json`; figures that stand there already are not measured again. Without `--tacit` only the peers are measured.

Splits: `numpy.random.RandomState(seed).permutation(n)`, the first 20 % of it are the test rows, seeds 0, 1, …
Adult comes with its own test file. Figures: AUROC for adult, accuracy for other categories, R² for numbers.
"""

import argparse
import json
import os
import re
import subprocess
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier,
                              RandomForestRegressor)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

ADULT = ["age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
         "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"]
WINE_QUALITY = ["fixed_acidity", "volatile_acidity", "citric_acid", "residual_sugar", "chlorides",
                "free_sulfur_dioxide", "total_sulfur_dioxide", "density", "ph", "sulphates", "alcohol", "quality"]
METHODS = ["linear", "forest", "boosting", "mlp"]
SMALL = ["red", "white", "titanic", "iris", "wine", "cancer", "diabetes", "digits", "robot"]


# Each reader gives the whole table, the target and the metric, and where the data has one a table of test rows.

def read_adult(file):
    table = pd.read_csv(data(f"tabular/{file}"), header=None, names=ADULT, skipinitialspace=True, na_values="?")
    table["income"] = table["income"].str.rstrip(".")  # the labels of the test file end with a full stop
    return table.dropna(subset=["income"]).astype({"age": int})


def adult():
    return read_adult("adult-train.csv.gz"), "income", "auroc", read_adult("adult-test.csv.gz")


def california():
    return pd.read_csv(data("tabular/california-housing.csv.gz")), "median_house_value", "r2", None


def wine_quality(colour):
    table = pd.read_csv(data(f"tabular/winequality-{colour}.csv"), header=None, names=WINE_QUALITY)
    return table, "quality", "r2", None


def titanic():
    return pd.read_csv(data("tabular/titanic-train.csv")), "Survived", "accuracy", None


def robot():
    return pd.read_csv(data("robot-wall-following/sensor_readings_24.csv")), "OUTPUT", "accuracy", None


def carried(load, metric):
    """A data set that scikit-learn carries; classes by their names, so that nobody takes them for numbers."""
    found = load(as_frame=True)
    table = found.frame.rename(columns=lambda name: re.sub(r"\W+", "_", name).strip("_"))
    if metric == "accuracy":
        table["target"] = ["class_" + str(found.target_names[label]) for label in table["target"]]
    return table, "target", metric, None


READERS = {
    "adult": adult,
    "california": california,
    "red": lambda: wine_quality("red"),
    "white": lambda: wine_quality("white"),
    "titanic": titanic,
    "iris": lambda: carried(datasets.load_iris, "accuracy"),
    "wine": lambda: carried(datasets.load_wine, "accuracy"),
    "cancer": lambda: carried(datasets.load_breast_cancer, "accuracy"),
    "diabetes": lambda: carried(datasets.load_diabetes, "r2"),
    "digits": lambda: carried(datasets.load_digits, "accuracy"),
    "robot": robot,
}


def data(path):
    return Path(os.environ["TACIT_DATA"]) / path


def write_split(name, seed, folder):
    """Writes train.csv and test.csv; gives the target and the metric."""
    table, target, metric, test = READERS[name]()
    if test is None:
        order = np.random.RandomState(seed).permutation(len(table))
        count = round(0.2 * len(table))
        table, test = table.iloc[order[count:]], table.iloc[order[:count]]
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    return target, metric


# The peers, with the preparation that their manuals recommend and otherwise their defaults.

def prepare(columns, scale):
    numbers = [name for name in columns if pd.api.types.is_numeric_dtype(columns[name])]
    categories = [name for name in columns if name not in numbers]
    for_numbers = [SimpleImputer(strategy="median", add_indicator=True)] + ([StandardScaler()] if scale else [])
    for_categories = [SimpleImputer(strategy="constant", fill_value="missing"),
                      OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2, sparse_output=False)]
    return make_column_transformer((make_pipeline(*for_numbers), numbers), (make_pipeline(*for_categories), categories))


def peer(method, columns, metric, seed):
    number = metric == "r2"
    if method == "boosting":  # it takes missing cells and categories as they are
        kind = HistGradientBoostingRegressor if number else HistGradientBoostingClassifier
        return kind(categorical_features="from_dtype", random_state=seed)
    model = {
        "linear": lambda: RidgeCV(np.logspace(-3, 3, 13)) if number else LogisticRegression(max_iter=2000),
        "forest": lambda: (RandomForestRegressor if number else RandomForestClassifier)(random_state=seed),
        "mlp": lambda: (MLPRegressor if number else MLPClassifier)(max_iter=1000, random_state=seed),
    }[method]()
    return make_pipeline(prepare(columns, scale=method != "forest"), model)


def measure_peer(method, folder, target, metric, seed):
    train, test = pd.read_csv(folder / "train.csv"), pd.read_csv(folder / "test.csv")
    names = [name for name in train if name != target]
    # Columns of text in which nearly every row differs tell a model nothing: the names and tickets of the Titanic.
    names = [name for name in names if name != "PassengerId"
             and (pd.api.types.is_numeric_dtype(train[name]) or train[name].nunique() <= len(train) / 2)]
    x, x_test = train[names].copy(), test[names].copy()
    if method == "boosting":
        for name in names:
            if not pd.api.types.is_numeric_dtype(x[name]):
                labels = pd.CategoricalDtype(sorted(x[name].dropna().unique()))
                x[name], x_test[name] = x[name].astype(labels), x_test[name].astype(labels)
    model = peer(method, x, metric, seed).fit(x, train[target])
    if metric == "auroc":
        return roc_auc_score(test[target], model.predict_proba(x_test)[:, 1])
    return (r2_score if metric == "r2" else accuracy_score)(test[target], model.predict(x_test))


# Tacit, as a person would call it.

def measure_tacit(binary, folder, target, metric):
    manifest = folder / "Tacit.toml"
    manifest.unlink(missing_ok=True)
    command = [binary, "new", "train.csv", "--target", target, "--test", "test.csv", "--yes"]
    subprocess.run(command, cwd=folder, check=True)
    # The peers are measured here, so the build does not measure simpler methods of its own.
    command = [binary, "build", "--force", "--format", "json", "--no-baselines", "--no-report"]
    built = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    # A contract that is not met is exit code 1, and a figure all the same.
    if built.returncode not in (0, 1):
        raise SystemExit(f"`tacit build` failed in {folder}")
    return figure_of(json.loads(built.stdout), metric)


def figure_of(report, metric):
    """The figure of the test rows in what `tacit build --format json` prints."""
    found = [line["value"] for line in report["lines"] if line["metric"] == metric
             and not line.get("class") and not line.get("rows_where")]
    if not found:
        raise SystemExit(f"the contract that `tacit new` proposed has no line for `{metric}`")
    return found[0]


def measure(name, seed, methods, binary, root, figures):
    folder = root / f"{name}-{seed}"
    target, metric = write_split(name, seed, folder)
    known = figures.setdefault(name, {"metric": metric, "figures": {}, "seconds": {}})
    for method in methods:
        if str(seed) in known["figures"].setdefault(method, {}):
            continue
        start = time.perf_counter()
        if method == "tacit":
            figure = measure_tacit(binary, folder, target, metric)
        else:
            figure = measure_peer(method, folder, target, metric, seed)
        known["figures"][method][str(seed)] = figure
        known["seconds"].setdefault(method, {})[str(seed)] = time.perf_counter() - start
        (root / "figures.json").write_text(json.dumps(figures, indent=1))
        print(f"{name} {seed} {method}: {figure:.4f}", flush=True)


# The table.

def ranks(values):
    """Rank 1 is the greatest; equal values share the mean of their ranks."""
    return [1 + sum(other > value for other in values) + (sum(other == value for other in values) - 1) / 2
            for value in values]


def markdown(figures, methods, names):
    lines = ["| data | figure | " + " | ".join(methods) + " |", "|---|---|" + "---:|" * len(methods)]
    counted = []
    for name in names:
        means = [float(np.mean(list(figures[name]["figures"][method].values()))) for method in methods]
        if name in SMALL:
            counted.append(ranks([round(mean, 6) for mean in means]))
        cells = [f"**{mean:.4f}**" if mean == max(means) else f"{mean:.4f}" for mean in means]
        lines.append(f"| {name} | {figures[name]['metric']} | " + " | ".join(cells) + " |")
    if counted:
        means = np.mean(counted, axis=0)
        lines.append(f"| mean rank | {len(counted)} sets | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tacit", help="the binary; without it only the peers are measured")
    parser.add_argument("--only", default=",".join(READERS), help="data sets, with commas between them")
    parser.add_argument("--seeds", type=int, default=5, help="how many splits; adult has one")
    arguments = parser.parse_args()
    methods = METHODS + (["tacit"] if arguments.tacit else [])
    binary = os.path.abspath(arguments.tacit) if arguments.tacit else None
    names = arguments.only.split(",")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    kept = arguments.folder / "figures.json"
    figures = json.loads(kept.read_text()) if kept.exists() else {}
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name in names:
        for seed in range(1 if name == "adult" else arguments.seeds):
            measure(name, seed, methods, binary, arguments.folder, figures)
    print(markdown(figures, methods, names))


if __name__ == "__main__":
    main()
