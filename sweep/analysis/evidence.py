"""What the results of a random search tell of its ranges, as exact tests of independent draws.

All tests compare the best rows with the others of the same search: under the hypothesis that a parameter makes no
difference, the best are a random part of all rows. Draws screened by a model are not independent of each other's
parameters, so there the probabilities are only a guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np

from sweep.space.coordinates import Array, Slot, from_uniform
from sweep.space.screening import Model, uniform_draws

POINTS = 2000
"""Uniform points at which a model's shares are computed."""


def span_chance(rows: int, best: int, within: int) -> float:
    """Return the probability that the best rows lie among so many neighbors, if they are a random part of all.

    Of the subsets of `best` of `rows` ranks, those whose first and last rank are r - 1 apart number
    (rows - r + 1) * C(r - 2, best - 2); summed over r up to `within`, by C(rows, best).
    """
    if best < 2:
        return 1.0
    counted = sum((rows - r + 1) * comb(r - 2, best - 2) for r in range(best, within + 1))
    return counted / comb(rows, best)


def absent_chance(rows: int, best: int, having: int) -> float:
    """Return the probability that none of the best rows is one of the `having`: Fisher's one-sided test."""
    return comb(rows - having, best) / comb(rows, best)


def excess_chance(rows: int, best: int, having: int, found: int) -> float:
    """Return the probability that at least `found` of the best rows are of the `having`: the other side of the test."""
    most = min(best, having)
    return sum(comb(having, k) * comb(rows - having, best - k) for k in range(found, most + 1)) / comb(rows, best)


def total_shares(model: Model, places: Sequence[Slot], seed: int) -> list[float]:
    """Return the total Sobol index of each slot in a model: the share of its variance that the slot takes part in.

    By Jansen's estimator: half the mean squared difference between the model at a point and where one coordinate of
    it is another's, over the variance (Saltelli et al. 2010, table 2). All 0 for a model that is constant.
    """
    points = from_uniform(places, uniform_draws(places, seed, 0, "share", range(POINTS)))
    others = from_uniform(places, uniform_draws(places, seed, 1, "share", range(POINTS)))
    values = model.scores(places, points)
    variance = float(values.var())
    if variance == 0:
        return [0.0] * len(places)
    return [_moved(model, places, values, points, others, index) / (2 * variance) for index in range(len(places))]


def _moved(model: Model, places: Sequence[Slot], values: Array, points: Array, others: Array, index: int) -> float:
    changed = points.copy()
    changed[:, index] = others[:, index]
    return float(np.mean((values - model.scores(places, changed)) ** 2))
