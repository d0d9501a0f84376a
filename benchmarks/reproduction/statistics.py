"""Intervals, and whether a published figure is alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

LEVEL = 0.95
RESAMPLES = 4_000
"""Resamples of an interval by the bootstrap."""


def share_interval(successes: int, number: int) -> tuple[float, float]:
    """Return the interval of Jeffreys for a share: the quantiles of Beta(successes + ½, failures + ½).

    Its ends are 0 where nothing succeeded and 1 where all did: Brown, Cai and DasGupta (2001).
    """
    tail = (1 - LEVEL) / 2
    posterior = stats.beta(successes + 0.5, number - successes + 0.5)
    low = 0.0 if successes == 0 else float(posterior.ppf(tail))
    high = 1.0 if successes == number else float(posterior.ppf(1 - tail))
    return low, high


def mean_interval(values: ArrayLike) -> tuple[float, float]:
    """Return the interval of Student for the mean of at least two values."""
    sample = np.asarray(values, dtype=float)
    half = stats.t.ppf((1 + LEVEL) / 2, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample))
    return float(sample.mean() - half), float(sample.mean() + half)


SHARES, POSITIVE = (0.0, 1.0), (0.0, np.inf)
"""Ends of what can be measured: of an accuracy, and of a loss."""


def next_interval(values: ArrayLike, ends: tuple[float, float] = (-np.inf, np.inf)) -> tuple[float, float]:
    """Return the interval in which one more value of the same kind is expected, from at least two of them.

    Args:
        values: those that are known.
        ends: beyond which there are no such values.
    """
    sample = np.asarray(values, dtype=float)
    spread = sample.std(ddof=1) * np.sqrt(1 + 1 / len(sample))
    half = stats.t.ppf((1 + LEVEL) / 2, len(sample) - 1) * spread
    return max(ends[0], float(sample.mean() - half)), min(ends[1], float(sample.mean() + half))


def bootstrap_interval(
    statistic: Callable[[NDArray[np.intp]], float], groups: Sequence[ArrayLike], seed: int = 0
) -> tuple[float, float]:
    """Return the percentile interval of a statistic over resampled groups.

    Args:
        statistic: of the row numbers that were drawn.
        groups: the row numbers of each group, such as the trainings of one configuration.
        seed: of the resampling.
    """
    generator = np.random.default_rng(seed)
    rows = [np.asarray(group, dtype=np.intp) for group in groups]
    found = [
        statistic(np.concatenate([rows[place] for place in generator.integers(len(rows), size=len(rows))]))
        for _ in range(RESAMPLES)
    ]
    low, high = np.nanquantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def rank_correlation(x: ArrayLike, y: ArrayLike, seed: int = 0) -> tuple[float, float, float]:
    """Return the rank correlation of Spearman with its interval by the bootstrap over pairs."""
    pair = np.array([x, y], dtype=float)
    rows = np.random.default_rng(seed).integers(pair.shape[1], size=(RESAMPLES, pair.shape[1]))
    drawn = stats.rankdata(pair[:, rows], axis=-1)
    drawn -= drawn.mean(-1, keepdims=True)
    products = (drawn[0] * drawn[1]).sum(-1) / np.sqrt((drawn**2).sum(-1).prod(0))
    low, high = np.quantile(products, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(stats.spearmanr(*pair).statistic), float(low), float(high)


@dataclass(frozen=True, slots=True)
class Beside:
    """A published figure beside ours."""

    what: str
    published: float
    mean: float
    spread: float
    """Standard deviation of one training."""
    low: float
    """Lower end of the interval in which one more training is expected."""
    high: float
    number: int
    """Trainings."""

    @property
    def is_alike(self) -> bool:
        """Whether the published figure is within the interval."""
        return self.low <= self.published <= self.high


def beside(what: str, published: float, values: ArrayLike, ends: tuple[float, float]) -> Beside:
    """Put a published figure beside those of at least two trainings; see `next_interval`."""
    sample = np.asarray(values, dtype=float)
    low, high = next_interval(sample, ends)
    return Beside(what, published, float(sample.mean()), float(sample.std(ddof=1)), low, high, len(sample))


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two means with its interval."""

    value: float
    low: float
    high: float

    @property
    def is_told(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def welch(first: ArrayLike, second: ArrayLike) -> Difference:
    """Return the mean of the second sample less that of the first, with Welch's interval; both of at least two."""
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    interval = stats.ttest_ind(other, one, equal_var=False).confidence_interval(LEVEL)
    return Difference(float(other.mean() - one.mean()), float(interval.low), float(interval.high))


def paired(first: ArrayLike, second: ArrayLike) -> Difference:
    """Return the mean of the second values less the first ones, with Student's interval of at least two pairs."""
    differences = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    return Difference(float(differences.mean()), *mean_interval(differences))


def holm(chances: ArrayLike) -> NDArray[np.float64]:
    """Return the p-values of several tests with Holm's correction (S. Holm, Scand. J. Statist. 6, 1979)."""
    raw = np.asarray(chances, dtype=float)
    order = np.argsort(raw)
    raised = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    found = np.empty(len(raw))
    found[order] = np.minimum(raised, 1.0)
    return found


def permutation_chance(labels: ArrayLike, statistic: Callable[[NDArray[Any]], float], seed: int = 0) -> float:
    """Return how often labels that are dealt out anew give a statistic at least as large, the true deal included.

    It is exact but for the number of deals where the labels were drawn at random, whatever else decides the outcome.
    """
    own = np.asarray(labels)
    generator = np.random.default_rng(seed)
    limit = statistic(own) - 1e-9
    found = sum(statistic(generator.permutation(own)) >= limit for _ in range(RESAMPLES))
    return (1 + found) / (1 + RESAMPLES)


def mcnemar(first: ArrayLike, second: ArrayLike) -> float:
    """Return the exact p-value of McNemar's test that an event is as frequent in one of two paired trainings."""
    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    alone = int((one & ~other).sum()), int((other & ~one).sum())
    return float(stats.binomtest(alone[0], sum(alone)).pvalue) if sum(alone) else 1.0
