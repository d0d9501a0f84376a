"""What the best of n random trials is, as a function of n, with a band that holds for all n at once.

The best of n independent trials has the distribution function F^n, so its median is where F is 0.5^(1/n): the tuning
curve (Dodge et al. 2019). Bands of F become bands of the whole curve (Lourie, Cho and He 2024, arXiv 2311.09480), where
intervals by bootstrap are known to fail. They hold for any F: ties only make them safer, and trials that diverged count
as a value worse than all others. Nothing but the draws is known of F, so its best end is open: from some n on the
curve has no better end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from sweep.analysis.logistic import Array
from sweep.analysis.order_statistics import Bounds, band

LEVEL = 0.95
RANK = 10
"""The gap between the best trial and that of this rank is the scale of what more trials may bring."""
FEWEST = 20
"""Trials below which that gap says too little."""
SHAPE = -0.25
"""Of the generalized Pareto tail: the density falls with the third power of the distance to the end."""
SIMULATED = 100_000


class Best(NamedTuple):
    """The best of some numbers of trials, each an array."""

    value: Array
    """The estimate: by the shares of the trials."""
    worse: Array
    """Worse end of the band; infinite where it holds diverged trials."""
    better: Array
    """Better end of the band; infinite where it is open."""


@dataclass(frozen=True)
class TuningCurve:
    """The best of n trials, by the values of independent ones."""

    values: Sequence[float] | Array
    """Of the objective; of diverged trials infinite, on the worse side."""
    is_max: bool = True
    """Whether more is better."""
    level: float = LEVEL
    """Probability with which the band holds the whole curve."""

    @cached_property
    def scores(self) -> Array:
        """The values so that more is better, the worst first."""
        return np.sort(np.asarray(self.values, np.float64) * (1 if self.is_max else -1))

    @cached_property
    def bounds(self) -> Bounds:
        """The band of the distribution function at the scores."""
        return band(len(self.scores), self.level)

    def best_of(self, n: float | Sequence[float] | Array, quantile: float = 0.5) -> Best:
        """Return a quantile of the best of n trials, by default its median, for one n or several.

        The band holds for all n and all quantiles at once.

        Raises:
            ValueError: when there are no trials, an n is not above 0, or the quantile is not between 0 and 1.
        """
        counts = np.atleast_1d(np.asarray(n, np.float64))
        if not len(self.scores) or not (counts > 0).all() or not 0 < quantile < 1:
            raise ValueError("a tuning curve needs trials, an n above 0 and a quantile between 0 and 1")
        probability = quantile ** (1 / counts)
        total = len(self.scores)
        shares = np.arange(1, total + 1) / total
        # F reaches a probability at the first draw from which on it is as large; above the last it is unknown.
        found = self.scores[np.minimum(np.searchsorted(shares, probability * (1 - 1e-12)), total - 1)]
        worse = np.append(-np.inf, self.scores)[np.searchsorted(self.bounds.upper, probability)]
        better = np.append(self.scores, np.inf)[np.searchsorted(self.bounds.lower, probability)]
        sign = 1 if self.is_max else -1
        return Best(sign * found, sign * worse, sign * better)

    @property
    def largest(self) -> float:
        """The largest n at which the band of the median has a better end."""
        return math.log(0.5) / math.log(float(self.bounds.lower[-1]))

    def most_gain(self, more: int, level: float = LEVEL) -> float | None:
        """Return by how much further trials better the best at most, with a probability.

        It is a multiple of the gap between the best trial and the tenth, found by simulation of values that thin out
        towards an end (a generalized Pareto tail of shape -0.25). Without such an assumption there is no bound.

        Returns: None with fewer than 20 trials, or where the gap tells nothing: a tie, or trials that diverged.
        """
        if len(self.scores) < FEWEST:
            return None
        gap = float(self.scores[-1] - self.scores[-RANK])
        return gain_factor(len(self.scores), more, level) * gap if 0 < gap < math.inf else None


def chance_of_gain(n: int, more: int) -> float:
    """Return the probability that the best of further trials beats that of the first n; with ties it is less.

    Each of the n + `more` independent trials is as likely as any other to be the best of all.
    """
    return more / (n + more)


@lru_cache(maxsize=64)
def gain_factor(n: int, more: int, level: float) -> float:
    """Return a quantile of (best of `more` further trials - best of n) / (best - tenth of n), at least 0."""
    rng = np.random.default_rng(0)
    # Logarithms of the largest uniform numbers: each is the largest of those that are left below the one before.
    steps = np.log(rng.random((SIMULATED, RANK))) / (n - np.arange(RANK))
    best, tenth = steps[:, 0], steps.sum(axis=1)
    new = np.log(rng.random(SIMULATED)) / more
    best, tenth, new = ((-np.expm1(each)) ** -SHAPE for each in (best, tenth, new))  # the distance to the end
    return float(np.quantile(np.maximum(best - new, 0) / (tenth - best), level))
