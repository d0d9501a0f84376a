"""How many trials the rule of the median would stop after each epoch, if each were compared with all others.

What it has really stopped tells less: its first trials are never compared, and later ones with few others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.stopping.median import Median

MOST = 200
"""Trials that are compared at most, the latest ones; more tell hardly more and cost their square."""
FEWEST = 3
"""Fewest trials of which one is compared with the others."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the rule would do to the trials so far."""

    compared: NDArray[np.float64]
    """Number of trials that it would compare after each epoch, from epoch 0; `(planned + 1,)`."""
    stopped: NDArray[np.float64]
    """Number of those that it would stop there."""


def compare(curves: Sequence[Sequence[float]], rule: Median, planned: int, *, is_max: bool) -> Comparison:
    """Return what the rule would do after each epoch to trials of which these are the values so far.

    Args:
        curves: values of the objective's metric of each trial, from epoch 1 to its last one; all finite.
        rule: the rule.
        planned: epochs of the whole training.
        is_max: whether greater values are better.
    """
    compared, stopped = np.zeros(planned + 1), np.zeros(planned + 1)
    sign = 1.0 if is_max else -1.0
    latest = [sign * np.asarray(curve[:planned], dtype=np.float64) for curve in curves[-MOST:] if len(curve)]
    means = [np.cumsum(curve) / np.arange(1, len(curve) + 1) for curve in latest]
    bests = [np.maximum.accumulate(curve) for curve in latest]
    left = set(range(len(latest)))
    for epoch in range(rule.grace + 1, planned):
        there = [index for index, curve in enumerate(latest) if len(curve) >= epoch]
        if len(there) < FEWEST:
            break
        middles = medians_of_others(np.array([means[index][epoch - 1] for index in there]))
        for index, middle in zip(there, middles, strict=True):
            if index in left:
                compared[epoch] += 1
                if bests[index][epoch - 1] < middle:
                    stopped[epoch] += 1
                    left.remove(index)
    return Comparison(compared, stopped)


def medians_of_others(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each of at least two values the median of all others.

    >>> medians_of_others(np.array([1.0, 2.0, 9.0, 4.0])).tolist()
    [4.0, 4.0, 2.0, 2.0]
    """
    order = np.argsort(values, kind="stable")
    places = np.empty(len(values), dtype=np.intp)
    places[order] = np.arange(len(values))
    ranked = values[order]
    low, high = (len(values) - 2) // 2, (len(values) - 1) // 2  # of the ranks without the value itself
    found: NDArray[np.float64] = (ranked[low + (places <= low)] + ranked[high + (places <= high)]) / 2
    return found
