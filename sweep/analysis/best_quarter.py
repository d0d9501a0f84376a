"""Which parameters decide whether a configuration is among the best quarter.

Where a parameter does not matter for that, its values among the best rows are spread as among all. How much they are
not is Pearson's divergence between the two, as in PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023): the integral of
(p_best / p − 1)² p. It is computed here from the first moments instead of densities: with functions that are
orthonormal over all n rows, polynomials up to degree 3, it is the sum of the squares of their means over the k best
rows, less the variance of these means. A mean of k of n rows without replacement has the variance of one row times
1/k − 1/n. The share of a parameter is its part of the sum over all parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from sweep.analysis.additive import orthonormal, terms
from sweep.analysis.effects import Estimate
from sweep.analysis.forest import LEVEL
from sweep.analysis.survivors import Survivors
from sweep.space.coordinates import Array

PART = 0.25
SAMPLES = 1000
"""Draws of the means from their normal distribution, for the intervals."""


def best_quarter(survivors: Survivors) -> dict[int, Estimate]:
    """Return the share of each varied slot in the divergence of the best quarter; none where there is no divergence."""
    rows, best = survivors.rows, ceil(PART * survivors.rows)
    chosen = np.argsort(-survivors.goodness, kind="stable")[:best]
    blocks = [orthonormal(terms(survivors, index)) * np.sqrt(rows) for index in survivors.varied]
    basis = np.hstack([np.empty((rows, 0)), *blocks])
    means = basis[chosen].mean(axis=0)
    if best < 2 or not len(means):
        return {}
    covariance = np.atleast_2d(np.cov(basis[chosen].T)) * (1 / best - 1 / rows)
    ends = np.cumsum([block.shape[1] for block in blocks])[:-1]
    noise = np.array([part.sum() for part in np.split(np.diag(covariance), ends)])
    found = _sizes(means[None], ends)[0] - noise
    if not (found > 0).any():
        return {}
    rng = np.random.default_rng(0)
    drawn = means + rng.multivariate_normal(np.zeros(len(means)), covariance, SAMPLES, method="svd")
    # A draw has the variance twice, once from the rows and once from drawing.
    drawn_shares = _shares(_sizes(drawn, ends) - 2 * noise)
    tail = (1 - LEVEL) / 2
    lows, highs = np.quantile(drawn_shares, [tail, 1 - tail], axis=0)
    return {
        index: Estimate(float(value), float(min(low, value)), float(max(high, value)))
        for index, value, low, high in zip(survivors.varied, _shares(found[None])[0], lows, highs, strict=True)
    }


def _sizes(means: Array, ends: Sequence[int] | Array) -> Array:
    """Return the sum of the squares of each parameter's means, (draws, parameters)."""
    return np.stack([(part**2).sum(axis=1) for part in np.split(means, np.asarray(ends, np.int64), axis=1)], axis=1)


def _shares(sizes: Array) -> Array:
    """Return the parts of the sum in each row; equal parts where nothing is positive."""
    kept = np.maximum(sizes, 0)
    total = kept.sum(axis=1, keepdims=True)
    found: Array = np.where(total > 0, kept / np.where(total > 0, total, 1), 1 / kept.shape[1])
    return found
