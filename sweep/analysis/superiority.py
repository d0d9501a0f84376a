"""Whether one configuration is better than another, given trainings of both with the same fresh seeds.

P(A > B) is the probability that a training of A ends better than one of B, each with a seed of its own. Its estimate is
the share of pairs of trainings in which A is better, a tie counting as half: the Mann–Whitney statistic over m n. The
interval is that of Newcombe's method 5 ("Confidence intervals for an effect size measure based on the Mann–Whitney
statistic, part 2", Statistics in Medicine 25, 2006): all θ with |θ̂ - θ| ≤ z √V(θ), where

    V(θ) = θ (1 - θ) [1 + N (1 - θ)/(2 - θ) + N θ/(1 + θ)] / (m n),    N = (m + n)/2 - 1.

It holds for one pair. Among five equal configurations with five seeds, some pair stands out by it in 46 % of all cases.
So two configurations count as told apart only if, besides, the difference of their means is not 0 by Tukey's test of
all pairs (in the form of Kramer), with the residual variance of common seeds, which is that of differences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from sweep.analysis.effects import Estimate
from sweep.analysis.logistic import Array
from sweep.analysis.shrinkage import LEVEL, noise_of

PROBABLE = 0.75
"""The least P(A > B) that counts as better: three of four trainings (Bouthillier and others, "Accounting for variance
in machine learning benchmarks", MLSys 2021)."""
MOST_SEEDS = 1000
"""More seeds than these nobody trains."""
POWER, ERROR = 0.8, 0.05
"""Probability to find a difference, and to find one where there is none, of one side."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is known of two configurations, each by its index."""

    one: int
    other: int
    difference: Estimate
    """Of the means; the intervals of all pairs hold together. NaN where it cannot be computed."""
    probability: Estimate
    """That a training of the one ends better; the interval holds for this pair alone."""
    is_told: bool
    """Whether the two can be told apart."""


def superiority(one: Array, other: Array, level: float = LEVEL) -> Estimate:
    """Return P(A > B) with its interval; where larger is better, and -inf stands for a training that diverged.

    Args:
        one: values of A, at least one.
        other: values of B, at least one.
        level: of the interval.
    """
    share = float(np.mean(np.where(one[:, None] == other, 0.5, one[:, None] > other)))
    low, high = mann_whitney_interval(share, len(one), len(other), level)
    return Estimate(share, low, high)


def mann_whitney_interval(share: float, m: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Return Newcombe's interval of a share of m n pairs of values."""
    from scipy import optimize, stats

    z = float(stats.norm.ppf((1 + level) / 2))
    more = (m + n) / 2 - 1

    def spread(theta: float) -> float:
        bracket = 1 + more * (1 - theta) / (2 - theta) + more * theta / (1 + theta)
        return z * math.sqrt(max(0.0, theta * (1 - theta) * bracket / (m * n)))

    def low(share: float) -> float:
        if share == 0:
            return 0.0
        end = share - 1e-9  # at a share of 1, the end itself is another root
        return float(optimize.brentq(lambda theta: share - theta - spread(theta), 0.0, end))

    return low(share), 1.0 - low(1.0 - share)


def comparisons(values: Array, level: float = LEVEL) -> list[Comparison]:
    """Return what is known of each pair of configurations that both have values.

    Args:
        values: (configurations, seeds), larger ones better; NaN where there is none, -inf for one that diverged.
        level: of the intervals.
    """
    finite = np.where(np.isfinite(values), values, np.nan)
    noise, counts = noise_of(finite), np.isfinite(values).sum(axis=1)
    factor = math.nan
    if noise is not None and (counts > 0).sum() > 1:
        factor = _tukey(level, int((counts > 0).sum()), noise.freedom)
    rows = [row[~np.isnan(row)] for row in values]
    found = []
    for one, other in combinations([index for index, row in enumerate(rows) if len(row)], 2):
        difference = Estimate(math.nan, math.nan, math.nan)
        if counts[one] and counts[other]:
            means = float(np.nanmean(finite[one])), float(np.nanmean(finite[other]))
            value = 0.0 if math.isclose(*means, rel_tol=1e-12) else means[0] - means[1]
            error = math.sqrt(noise.residual * (1 / counts[one] + 1 / counts[other])) if noise else math.nan
            difference = Estimate(value, value - factor * error, value + factor * error)
        probability = superiority(rows[one], rows[other], level)
        told = _is_told(difference, probability, has_diverged=bool(np.isneginf([*rows[one], *rows[other]]).any()))
        found.append(Comparison(one, other, difference, probability, told))
    return found


@lru_cache(maxsize=256)  # it takes up to a second
def _tukey(level: float, configurations: int, freedom: int) -> float:
    """Return by how many standard errors two of some equal means differ at most, with a probability."""
    from scipy import stats

    return float(stats.studentized_range.ppf(level, configurations, freedom)) / math.sqrt(2)


def _is_told(difference: Estimate, probability: Estimate, *, has_diverged: bool) -> bool:
    """Tell whether two configurations can be told apart; see the module.

    The means know nothing of trainings that diverged, so where one has, P(A > B) alone decides.
    """
    above = probability.value >= PROBABLE and probability.low > 0.5
    below = probability.value <= 1 - PROBABLE and probability.high < 0.5
    if has_diverged:
        return above or below
    return (above and difference.low > 0) or (below and difference.high < 0)


def seeds_needed(gap: float) -> int | None:
    """Return how many seeds each of two configurations needs to be told apart with a probability of 80 %.

    By Student's test of one side at 5 %. None for more than MOST_SEEDS.

    Args:
        gap: difference of the means in standard deviations of one training.

    >>> [seeds_needed(gap) for gap in (3, 2, 1, 0.5)]
    [3, 4, 14, 51]
    """
    if power(gap, MOST_SEEDS) < POWER:
        return None
    low, high = 1, MOST_SEEDS  # too few, and enough
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(gap, middle) >= POWER else (middle, high)
    return high


def power(gap: float, seeds: int) -> float:
    """Return the probability that Student's test of one side tells two configurations apart."""
    from scipy import stats

    freedom = 2 * (seeds - 1)
    return float(stats.nct.sf(stats.t.ppf(1 - ERROR, freedom), freedom, gap * math.sqrt(seeds / 2)))


def told_from(comparisons: Sequence[Comparison], index: int) -> tuple[list[int], list[int]]:
    """Return the configurations that one can be told apart from, and those that it cannot."""
    told: list[int] = []
    same: list[int] = []
    for each in comparisons:
        if index in (each.one, each.other):
            (told if each.is_told else same).append(each.other if each.one == index else each.one)
    return told, same
