"""Writes the vectors that the baselines are held against, with scikit-learn as the authority.

    TACIT_DATA=<folder with public data> python crates/baseline/tests/vectors/make.py

Needs numpy, pandas and scikit-learn. Without TACIT_DATA, public.json stays as it is. One thread suffices; set
OMP_NUM_THREADS=1 on a busy machine.
"""

import json
import os
import pathlib

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = pathlib.Path(__file__).parent
CATEGORIES = 4
NEIGHBOURS = [1, 3, 5, 9, 15, 25, 51]


def write(name, content):
    text = json.dumps(content, separators=(",", ":"))
    (HERE / name).write_text(text.replace('],"', '],\n"') + "\n")


# Small data: three numbers and a category, whose values f32 holds exactly.


def small(rows, seed):
    random = np.random.default_rng(seed)
    numbers = np.round(random.normal(size=(rows, 3)) * [1, 20, 0.5] * 64) / 64
    category = random.integers(0, CATEGORIES, size=(rows, 1))
    return np.hstack([numbers, category])


def signal(x, random):
    return x[:, 0] + 0.05 * x[:, 1] - x[:, 2] + 0.7 * (x[:, 3] == 2) + random.normal(size=len(x)) * 0.8


def encoder():
    one_hot = OneHotEncoder(categories=[np.arange(CATEGORIES, dtype=float)], sparse_output=False)
    return make_column_transformer((StandardScaler(), [0, 1, 2]), (one_hot, [3]))


def flat(array):
    return np.asarray(array).ravel().tolist()


def linear_and_neighbours():
    random = np.random.default_rng(7)
    training, test = small(90, 1), small(12, 2)
    number = np.round(signal(training, random) * 64) / 64
    cuts = np.quantile(number, [1 / 3, 2 / 3])
    three = np.digitize(number, cuts)
    two = (number > 0).astype(int)
    encode = encoder().fit(training)
    x, x_test = encode.transform(training), encode.transform(test)

    ridge = Ridge(alpha=1.0, solver="cholesky").fit(x, number)
    strict = dict(C=1.0, tol=1e-12, max_iter=10000, solver="newton-cg")
    binary = LogisticRegression(**strict).fit(x, two)
    several = LogisticRegression(**strict).fit(x, three)
    write("linear.json", {
        "training": flat(training), "test": flat(test), "categories": CATEGORIES,
        "number": number.tolist(), "two": two.tolist(), "three": three.tolist(),
        # (encoded columns + 1, scores), the constants last.
        "ridge": flat(ridge.coef_) + [float(ridge.intercept_)],
        "binary": flat(binary.coef_) + flat(binary.intercept_),
        "several": flat(several.coef_.T) + flat(several.intercept_),
        "ridge_predictions": flat(ridge.predict(x_test)),
        "binary_predictions": flat(binary.predict_proba(x_test)),
        "several_predictions": flat(several.predict_proba(x_test)),
    })

    # Encoded as f32, as the project stores rows.
    finder = NearestNeighbors(algorithm="brute").fit(x.astype(np.float32).astype(float))
    _, of_test = finder.kneighbors(x_test.astype(np.float32).astype(float), n_neighbors=NEIGHBOURS[-1])
    _, of_training = finder.kneighbors(n_neighbors=NEIGHBOURS[-1])
    frequencies = (np.bincount(three, minlength=3) + 1) / (len(three) + 3)

    def smoothed(neighbours):
        votes = np.eye(3)[three[neighbours]].sum(axis=1)
        return (votes + frequencies) / (neighbours.shape[1] + 1)

    losses = []
    for count in NEIGHBOURS:
        predicted = smoothed(of_training[:, :count])
        losses.append(-np.log(predicted[np.arange(len(three)), three]).sum())
    count = NEIGHBOURS[int(np.argmin(losses))]
    mean_losses = [((number[of_training[:, :k]].mean(axis=1) - number) ** 2).sum() for k in NEIGHBOURS]
    number_count = NEIGHBOURS[int(np.argmin(mean_losses))]
    write("neighbours.json", {
        "nearest": flat(of_test),
        "count": count, "predictions": flat(smoothed(of_test[:, :count])),
        "number_count": number_count,
        "number_predictions": flat(number[of_test[:, :number_count]].mean(axis=1)),
    })


def trees():
    training, test = small(240, 3)[:, :3], small(40, 4)[:, :3]
    random = np.random.default_rng(11)
    number = np.round((training[:, 0] * training[:, 1] + random.normal(size=240)) * 64) / 64
    three = np.digitize(number, np.quantile(number, [1 / 3, 2 / 3]))
    # min(20, 240 / 20) rows a leaf. No column has more distinct values than bins.
    settings = dict(max_leaf_nodes=16, min_samples_leaf=12, random_state=0)
    regressor = DecisionTreeRegressor(**settings).fit(training, number)
    classifier = DecisionTreeClassifier(**settings).fit(training, three)
    # Where two splits gain the same, scikit-learn takes one by chance; there must be none.
    for seed in range(1, 30):
        other = DecisionTreeClassifier(**(settings | dict(random_state=seed))).fit(training, three)
        assert (other.predict_proba(test) == classifier.predict_proba(test)).all(), seed
    frequencies = (np.bincount(three, minlength=3) + 1) / (len(three) + 3)
    rows = classifier.tree_.n_node_samples[classifier.apply(test)][:, None]
    write("tree.json", {
        "training": flat(training), "test": flat(test), "number": number.tolist(), "three": three.tolist(),
        "number_predictions": flat(regressor.predict(test)),
        "three_predictions": flat((classifier.predict_proba(test) * rows + frequencies) / (rows + 1)),
    })


# Larger data, which the tests make by the same steps.


class Words:
    """Knuth's 64-bit linear congruential generator; numbers in [0, 1) from its upper 24 bits."""

    def __init__(self, state):
        self.state = state

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 40) / 2**24


def made(rows, seed):
    """Five numbers, of which the last is missing in a fifth of the rows, and one of twelve categories."""
    words = Words(seed)
    values, score = [], []
    for _ in range(rows):
        x = [words.next() for _ in range(5)]
        category = int(words.next() * 12)
        missing = words.next() < 0.2
        noise = words.next() + words.next() + words.next() - 1.5
        score.append(4 * x[0] * x[1] + 8 * (x[2] - 0.5) ** 2 + 2 * x[3] + category * 5 % 12 / 6 + noise
                     + (1.0 if missing else x[4]))
        values.append(x[:4] + [np.nan if missing else x[4], category])
    return np.array(values), np.array(score)


def boosting():
    training, score = made(3000, 1)
    test, test_score = made(3000, 2)
    classes = [np.digitize(s, [4.0, 5.5]) for s in (score, test_score)]
    settings = dict(categorical_features=[5], random_state=0)
    number = HistGradientBoostingRegressor(**settings).fit(training, score)
    binary = HistGradientBoostingClassifier(**settings).fit(training, classes[0] > 0)
    several = HistGradientBoostingClassifier(**settings).fit(training, classes[0])
    write("boosting.json", {
        "r2": r2_score(test_score, number.predict(test)),
        "auroc": roc_auc_score(classes[1] > 0, binary.predict_proba(test)[:, 1]),
        "accuracy": accuracy_score(classes[1], several.predict(test)),
    })


# Public data, divided as in tests/common.


def public(folder):
    tabular = pathlib.Path(folder) / "tabular"

    def adult(file):
        frame = pd.read_csv(tabular / file, header=None, skipinitialspace=True, na_values="?")
        return frame.drop(columns=[2, 14]), frame[14].str.startswith(">").astype(int).to_numpy()

    def fifth(frame, target):
        test = np.arange(len(frame)) % 5 == 0
        target = np.asarray(target)
        return (frame[~test], target[~test]), (frame[test], target[test])

    california = pd.read_csv(tabular / "california-housing.csv.gz")
    red = pd.read_csv(tabular / "winequality-red.csv", header=None)
    white = pd.read_csv(tabular / "winequality-white.csv", header=None)
    titanic = pd.read_csv(tabular / "titanic-train.csv")
    kept = ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"]
    figures = {
        "adult": figure("auroc", adult("adult-train.csv.gz"), adult("adult-test.csv.gz")),
        "california": figure("r2", *fifth(california.drop(columns="median_house_value"), california.median_house_value)),
        "wine-red": figure("r2", *fifth(red.drop(columns=11), red[11])),
        "wine-white": figure("accuracy", *fifth(white.drop(columns=11), white[11])),
        "titanic": figure("auroc", *fifth(titanic[kept], titanic.Survived)),
    }
    write("public.json", figures)


def figure(metric, training, test):
    (x, y), (x_test, y_test) = training, test
    x, x_test = x.copy(), x_test.copy()
    x.columns = x_test.columns = [f"column{k}" for k in range(x.shape[1])]
    categories = [name for name in x if not pd.api.types.is_numeric_dtype(x[name])]
    numbers = [name for name in x if name not in categories]
    for name in categories:
        labels = sorted(x[name].dropna().unique())
        x[name], x_test[name] = pd.Categorical(x[name], labels), pd.Categorical(x_test[name], labels)

    def quality(model):
        model.fit(x, y)
        if metric == "auroc":
            return roc_auc_score(y_test, model.predict_proba(x_test)[:, 1])
        return (r2_score if metric == "r2" else accuracy_score)(y_test, model.predict(x_test))

    def encoded(model):
        scaled = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
        one_hot = OneHotEncoder(handle_unknown="ignore")
        return make_pipeline(make_column_transformer((scaled, numbers), (one_hot, categories)), model)

    is_number = metric == "r2"
    linear = Ridge() if is_number else LogisticRegression(max_iter=2000)
    boosted = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    tree = DecisionTreeRegressor if is_number else DecisionTreeClassifier
    return {
        "metric": metric,
        "linear": quality(encoded(linear)),
        "tree": quality(encoded(tree(max_leaf_nodes=16, min_samples_leaf=20, random_state=0))),
        "boosted-trees": quality(boosted(categorical_features="from_dtype", random_state=0)),
    }


if __name__ == "__main__":
    linear_and_neighbours()
    trees()
    boosting()
    if os.environ.get("TACIT_DATA"):
        public(os.environ["TACIT_DATA"])
