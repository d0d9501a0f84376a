"""scikit-learn: MLPClassifier."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.measurement import Tasks
from benchmarks.training import load


def epoch_tasks(learning_rate: float, hidden: list[int], batch_size: int, samples: int | None) -> Tasks:
    """Return an epoch in two parts; `partial_fit` is one pass over the data."""
    from sklearn.neural_network import MLPClassifier

    dataset = load("mnist", samples)
    x_train, x_test = (np.asarray(x, np.float32) / np.float32(255) for x in (dataset.x_train, dataset.x_test))
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
        model.partial_fit(x_train, dataset.t_train, classes=range(10))

    def test_accuracy() -> float:
        evaluate(model, x_train, dataset.t_train)
        return evaluate(model, x_test, dataset.t_test)[1]

    return {"train": train, "evaluate": test_accuracy}


def evaluate(model: Any, x: Any, t: Any) -> tuple[float, float]:
    """Return the mean loss and the accuracy."""
    probabilities = model.predict_proba(x)
    own = np.maximum(probabilities[np.arange(len(t)), t], np.finfo(np.float32).tiny)
    return float(-np.log(own).mean()), float((probabilities.argmax(1) == t).mean())
