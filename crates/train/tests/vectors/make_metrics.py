"""Writes metrics.json: random answers with the figures that scikit-learn gives them.

    python make_metrics.py          # with scikit-learn 1.7 or later

Probabilities and scores are multiples of 1/64 (or of a smaller power of two), so that they are exact in 32 bits, and
so that ties are frequent. A figure of null is one that is not defined. What scikit-learn does not have (top-k with
ties, the calibration error) or defines otherwise is written out here from its definition.
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics as sk

warnings.filterwarnings("ignore")
random = np.random.default_rng(20250101)
BINS = 15


def figure(metric, value, of_class=None, k=None):
    value = None if value is None or not np.isfinite(value) else float(value)
    return {"metric": metric, "class": of_class, "k": k, "value": value}


def auroc(truth, scores):
    return None if truth.min() == truth.max() else sk.roc_auc_score(truth, scores)


def average_precision(truth, scores):
    return sk.average_precision_score(truth, scores) if truth.any() else None


def mean_of_defined(values):
    values = [value for value in values if value is not None]
    return np.mean(values) if values else None


def binary(truth, answered, scores, of_class):
    """The figures of one class against the rest."""
    truth, answered = truth.astype(int), answered.astype(int)
    nan = float("nan")
    return [
        figure("recall", sk.recall_score(truth, answered, zero_division=nan), of_class),
        figure("precision", sk.precision_score(truth, answered, zero_division=nan), of_class),
        figure("f1", sk.f1_score(truth, answered, zero_division=nan), of_class),
        figure("selection-rate", answered.mean(), of_class),
        figure("auroc", auroc(truth, scores), of_class),
        figure("average-precision", average_precision(truth, scores), of_class),
    ]


def calibration_error(confidence, right):
    bins = np.clip(np.ceil(confidence * BINS).astype(int), 1, BINS) - 1
    parts = [(bins == b) for b in range(BINS) if (bins == b).any()]
    return sum(p.sum() * abs(right[p].mean() - confidence[p].mean()) for p in parts) / len(confidence)


def category(name, truth, probabilities):
    classes = probabilities.shape[1]
    answered = probabilities.argmax(axis=1)
    seen = sorted(set(truth) | set(answered))
    macro = {"labels": seen, "average": "macro", "zero_division": 0}
    right = answered == truth
    figures = [
        figure("accuracy", sk.accuracy_score(truth, answered)),
        figure("macro-recall", sk.balanced_accuracy_score(truth, answered)),
        figure("macro-precision", sk.precision_score(truth, answered, **macro)),
        figure("macro-f1", sk.f1_score(truth, answered, **macro)),
        figure("log-loss", sk.log_loss(truth, probabilities, labels=range(classes))),
        figure("brier", sk.brier_score_loss(truth, probabilities, labels=range(classes), scale_by_half="auto")),
        figure("ece", calibration_error(probabilities.max(axis=1), right)),
    ]
    for k in range(1, classes + 1):
        order = np.argsort(-probabilities, axis=1, kind="stable")
        figures.append(figure("top-k", np.mean([t in row[:k] for t, row in zip(truth, order)]), k=k))
    of_classes = [(truth == c, answered == c, probabilities[:, c], c) for c in range(classes)]
    for one in of_classes:
        figures += binary(*one)
    for metric, of in (("auroc", auroc), ("average-precision", average_precision)):
        scores = [of(t.astype(int), p) for t, _, p, _ in of_classes]
        figures.append(figure(metric, scores[1] if classes == 2 else mean_of_defined(scores)))
    if classes > 2 and len(set(truth)) == classes:
        together = sk.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro")
        assert abs(together - [f["value"] for f in figures if f["metric"] == "auroc"][-1]) < 1e-12
    answers = {"kind": "category", "classes": classes, "truth": truth.tolist(), "probabilities": probabilities.ravel().tolist()}
    return {"name": name, "answers": answers, "figures": figures}


def labels(name, truth, probabilities):
    rows, count = truth.shape
    answered = probabilities > 0.5
    seen = [c for c in range(count) if truth[:, c].any() or answered[:, c].any()]
    macro = {"labels": seen, "average": "macro", "zero_division": 0}
    recalls = [sk.recall_score(truth[:, c], answered[:, c]) for c in range(count) if truth[:, c].any()]
    flat, p = truth.ravel().astype(int), probabilities.ravel()
    right = (answered == truth).ravel()
    figures = [
        figure("accuracy", 1 - sk.hamming_loss(truth, answered)),
        figure("macro-recall", np.mean(recalls) if recalls else None),
        figure("macro-precision", sk.precision_score(truth, answered, **macro) if seen else None),
        figure("macro-f1", sk.f1_score(truth, answered, **macro) if seen else None),
        figure("log-loss", sk.log_loss(flat, p, labels=[0, 1])),
        figure("brier", sk.brier_score_loss(flat, p, labels=[0, 1])),
        figure("ece", calibration_error(np.maximum(p, 1 - p), right)),
    ]
    for c in range(count):
        figures += binary(truth[:, c], answered[:, c], probabilities[:, c], c)
    for metric, of in (("auroc", auroc), ("average-precision", average_precision)):
        figures.append(figure(metric, mean_of_defined([of(truth[:, c].astype(int), probabilities[:, c]) for c in range(count)])))
    answers = {"kind": "labels", "labels": count, "truth": flat.tolist(), "probabilities": p.tolist()}
    return {"name": name, "answers": answers, "figures": figures}


def number(name, truth, answered):
    is_divided = truth.min() < truth.max()
    figures = [
        figure("mae", sk.mean_absolute_error(truth, answered)),
        figure("rmse", sk.root_mean_squared_error(truth, answered)),
        figure("r2", sk.r2_score(truth, answered) if is_divided else None),
    ]
    answers = {"kind": "number", "truth": truth.tolist(), "answers": answered.tolist()}
    return {"name": name, "answers": answers, "figures": figures}


def anomaly(name, truth, scores, threshold):
    figures = binary(truth, scores > threshold, scores, None)
    answers = {"kind": "anomaly", "truth": truth.astype(int).tolist(), "scores": scores.tolist(), "threshold": threshold}
    return {"name": name, "answers": answers, "figures": figures}


def simplex(rows, classes, parts):
    """Probabilities in multiples of 1/parts, none of them 0, that sum to 1."""
    counts = 1 + random.multinomial(parts - classes, random.dirichlet(np.ones(classes), size=rows))
    return counts / parts


def multiples(shape, parts):
    """Numbers strictly between 0 and 1."""
    return random.integers(1, parts, size=shape) / parts


def drawn(weights, rows):
    return random.choice(len(weights), size=rows, p=weights)


def towards(truth, probabilities):
    """Probabilities whose greatest is that of the truth in about half of the rows."""
    p = probabilities.copy()
    for row, t in enumerate(truth):
        if random.random() < 0.5:
            best = p[row].argmax()
            p[row, [best, t]] = p[row, [t, best]]
    return p


def intervals():
    """A figure's 95 % interval by 5,000 resamples drawn with replacement, for answers of 250 rows."""
    rows = 250
    truth = drawn([0.7, 0.3], rows)
    p = np.clip(np.round((0.35 * truth + 0.65 * random.random(rows)) * 1024), 1, 1023) / 1024
    probabilities = np.stack([1 - p, p], axis=1)
    y = np.round(random.normal(size=rows) * 64) / 64
    t = y + np.round(random.standard_t(3, size=rows) * 32) / 64
    of = {
        "auroc": lambda i: sk.roc_auc_score(truth[i], p[i]),
        "average-precision": lambda i: sk.average_precision_score(truth[i], p[i]),
        "macro-f1": lambda i: sk.f1_score(truth[i], p[i] > 0.5, average="macro"),
        "log-loss": lambda i: sk.log_loss(truth[i], probabilities[i], labels=[0, 1]),
        "mae": lambda i: np.abs(t[i] - y[i]).mean(),
        "rmse": lambda i: np.sqrt(((t[i] - y[i]) ** 2).mean()),
        "r2": lambda i: sk.r2_score(t[i], y[i]),
    }
    draws = [random.integers(0, rows, size=rows) for _ in range(5000)]
    ends = {metric: np.quantile([value(i) for i in draws], [0.025, 0.975]).tolist() for metric, value in of.items()}
    return {
        "category": {"kind": "category", "classes": 2, "truth": truth.tolist(), "probabilities": probabilities.ravel().tolist()},
        "number": {"kind": "number", "truth": t.tolist(), "answers": y.tolist()},
        "ends": ends,
    }


def cases():
    two = drawn([0.8, 0.2], 40)
    three = drawn([0.7, 0.25, 0.05], 60)
    five = drawn([0.4, 0.3, 0.3, 0.0, 0.0], 30)
    absent = simplex(30, 5, 64)
    absent[:, 1] = np.minimum(absent[:, 1], 1 / 64)
    absent[:, 0] += 1 - absent.sum(axis=1)
    yield category("two classes, many ties", two, towards(two, simplex(40, 2, 8)))
    yield category("two classes, few ties", two, towards(two, simplex(40, 2, 1024)))
    yield category("three unequal classes", three, towards(three, simplex(60, 3, 64)))
    yield category("a class that no row has and one that no answer has", five, absent)
    yield category("one class only", np.zeros(9, int), simplex(9, 2, 64))
    yield category("all answers are the same", two, np.tile([0.75, 0.25], (40, 1)))
    yield category("all right", three, np.eye(3)[three] * (61 / 64) + 1 / 64)
    yield category("one row", np.array([1]), np.array([[0.25, 0.5, 0.25]]))
    truth = multiples((40, 4), 64) < np.array([0.1, 0.5, 0.9, 0.3])
    truth[:, 3] = False
    yield labels("several labels, one that no row has", truth, multiples((40, 4), 16))
    truth[:, 3] = True
    yield labels("several labels, one that all rows have", truth, multiples((40, 4), 64))
    yield labels("labels that are neither there nor given", np.zeros((5, 2), bool), multiples((5, 2), 64) / 4)
    yield number("numbers", np.round(random.normal(size=50) * 640) / 64, np.round(random.normal(size=50) * 640) / 64)
    close = np.round(random.normal(size=50) * 64) / 64 + 4096
    yield number("numbers far from nought", close, close + multiples(50, 64))
    yield number("a constant", np.full(7, 3.5), multiples(7, 64))
    yield number("one number", np.array([1.5]), np.array([2.0]))
    unlike = drawn([0.9, 0.1], 60) == 1
    yield anomaly("anomalies", unlike, multiples(60, 32) + 0.25 * unlike, 0.75)
    yield anomaly("no anomalies", np.zeros(10, bool), multiples(10, 32), 0.5)
    yield anomaly("nothing found", unlike, multiples(60, 32), 1.0)


written = {"scikit-learn": sklearn.__version__, "cases": list(cases()), "intervals": intervals()}
path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text(json.dumps(written, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
print(path.stat().st_size, "bytes")
