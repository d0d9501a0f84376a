"""Measures of a classification besides its loss and accuracy, from how often each class is predicted for each class."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import numpy as np

from sweep.metrics import MEASURES
from sweep.nn.layer import Array


def of_counts(name: str) -> Callable[[Array], float]:
    """Return the function of a measure that `sweep.metrics.MEASURES` names, (true, predicted) counts -> value."""
    module, _, function = str(MEASURES[name].of_counts).partition(":")
    found: Callable[[Array], float] = getattr(import_module(module), function)
    return found


def f1(counts: Array) -> float:
    """Return the mean over the classes of 2·hits/(2·hits + false alarms + misses), as scikit-learn's macro average.

    `counts` has shape (true classes, predicted classes); a class that neither occurs nor is predicted is left out.
    """
    hits, total = counts.diagonal(), counts.sum(0) + counts.sum(1)
    seen = total > 0
    return float(np.mean(2 * hits[seen] / total[seen]))


def balanced_accuracy(counts: Array) -> float:
    """Return the mean over the classes that occur of the fraction that is predicted correctly."""
    hits, samples = counts.diagonal(), counts.sum(1)
    seen = samples > 0
    return float(np.mean(hits[seen] / samples[seen]))
