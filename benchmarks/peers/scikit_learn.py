"""scikit-learn: MLPClassifier; and as a command, a search by several processes: FILE of the work to do."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import load
from benchmarks.measurement import Tasks


def epoch_tasks(learning_rate: float, hidden: list[int], batch_size: int, samples: int | None) -> Tasks:
    """Return an epoch in two parts; `partial_fit` is one pass over the data."""
    from sklearn.neural_network import MLPClassifier

    dataset = load("mnist", samples)
    x_train, x_test = (np.asarray(x, np.float32) / np.float32(255) for x in (dataset.train.x, dataset.test.x))
    model = MLPClassifier(
        tuple(hidden),
        solver="sgd",
        momentum=0,
        alpha=0,
        batch_size=batch_size,
        learning_rate_init=learning_rate,
        random_state=0,
    )

    def train() -> None:
        model.partial_fit(x_train, dataset.train.t, classes=range(10))

    def test_accuracy() -> float:
        evaluate(model, x_train, dataset.train.t)
        return evaluate(model, x_test, dataset.test.t)[1]

    return {"train": train, "evaluate": test_accuracy}


def evaluate(model: Any, x: Any, t: Any) -> tuple[float, float]:
    """Return the mean loss and the accuracy."""
    probabilities = model.predict_proba(x)
    own = np.maximum(probabilities[np.arange(len(t)), t], np.finfo(np.float32).tiny)
    return float(-np.log(own).mean()), float((probabilities.argmax(1) == t).mean())


def main(file: str) -> None:
    """Do the work of a file; print how many trials were completed, and the best accuracy."""
    from sklearn.model_selection import PredefinedSplit, RandomizedSearchCV
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")  # that so few epochs have not converged
    work = json.loads(Path(file).read_text())
    dataset = load("mnist", work["samples"])
    x = np.concatenate([dataset.train.x, dataset.test.x]).astype(np.float32) / np.float32(255)
    t = np.concatenate([dataset.train.t, dataset.test.t])
    is_test = np.repeat([-1, 0], [len(dataset.train.x), len(dataset.test.x)])
    # Lists of single values are drawn without replacement: each configuration is trained once.
    configurations = [
        {
            "hidden_layer_sizes": [(each["hidden[0]"], each["hidden[1]"])],
            "batch_size": [each["batch_size"]],
            "learning_rate_init": [each["learning_rate"]],
        }
        for each in work["configurations"]
    ]
    found = RandomizedSearchCV(
        MLPClassifier(solver="sgd", momentum=0, alpha=0, max_iter=work["epochs"]),
        configurations,
        n_iter=len(configurations),
        n_jobs=work["processes"],
        cv=PredefinedSplit(is_test),
        refit=False,
        return_train_score=True,
    ).fit(x, t)
    scores = found.cv_results_["mean_test_score"]
    print(json.dumps([int(np.isfinite(scores).sum()), float(np.nanmax(scores))]))


if __name__ == "__main__":
    main(sys.argv[1])
