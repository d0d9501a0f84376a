"""The probability that the best of n trials of one search is better than that of another, with an interval.

The estimate is by the shares of the trials: all n of one search against all m of the other, drawn with replacement.
Its variance is by the jackknife over the trials of either search (Efron and Stein 1981), which is too large rather
than too small where both have drawn the same configurations. The interval is that of Clopper and Pearson for as many
comparisons as would have this variance (Korn and Graubard 1998): it holds near 0 and 1, too. Of fewer than five times
as many trials as are compared it holds too rarely, and there is none.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sweep.analysis.logistic import Array
from sweep.analysis.tuning_curve import LEVEL, TuningCurve

LEAST = 5
"""Trials for each one of those whose best is compared, for an interval."""
PART = 1 / 3
"""Least variance, as a part of that of comparing one block of n trials after the other."""


class Chance(NamedTuple):
    """A probability with its interval."""

    value: float
    low: float
    """NaN, as the other end, where there are too few trials for an interval."""
    high: float

    @property
    def is_known(self) -> bool:
        """Whether it has an interval."""
        return not math.isnan(self.low)

    @property
    def is_decided(self) -> bool:
        """Whether all of the interval is on one side of one half."""
        return self.low > 0.5 or self.high < 0.5


def chance_of_better(first: TuningCurve, second: TuningCurve, n: float, m: float, level: float = LEVEL) -> Chance:
    """Return the probability that the best of n trials of the first is better than that of m of the second.

    Equal ones count half.
    """
    ahead, behind = _beaten(first.scores, second.scores, m), _beaten(second.scores, first.scores, n)
    value = float(_weights(len(ahead), n) @ ahead)
    blocks = min(len(ahead) / n, len(behind) / m)
    if blocks < LEAST:
        return Chance(value, math.nan, math.nan)
    return Chance(value, *_interval(value, _jackknife(ahead, n) + _jackknife(behind, m), blocks, level))


def _beaten(scores: Array, others: Array, m: float) -> Array:
    """Return the probability of each score to beat the best of m of the others."""
    below, up_to = (np.searchsorted(others, scores, side=side) / len(others) for side in ("left", "right"))
    beaten: Array = (below**m + up_to**m) / 2
    return beaten


def _weights(total: int, n: float) -> Array:
    """Return the probability of each of some sorted scores to be the best of n, drawn with replacement."""
    weights: Array = np.diff((np.arange(total + 1) / total) ** n)
    return weights


def _jackknife(beaten: Array, n: float) -> float:
    """Return the variance of the mean of what the best of n has beaten, from leaving out each score in turn."""
    total = len(beaten)
    weights = _weights(total - 1, n)
    before = np.append(0.0, np.cumsum(weights * beaten[:-1]))
    after = np.append(np.cumsum((weights * beaten[1:])[::-1])[::-1], 0.0)  # those above it move down by one
    without = before + after
    return float((total - 1) * without.var())


def _interval(value: float, variance: float, blocks: float, level: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    middle = (blocks * value + 0.5) / (blocks + 1)
    spread = middle * (1 - middle)
    size = spread / max(variance, PART * spread / (blocks + 1))
    won, lost, tail = size * value, size * (1 - value), (1 - level) / 2
    low = float(betaincinv(won, lost + 1, tail)) if won > 1e-9 else 0.0
    high = float(betaincinv(won + 1, lost, 1 - tail)) if lost > 1e-9 else 1.0
    return low, high
