"""What the best configurations of a search are worth: their means over fresh seeds, shrunk towards each other.

With x_ij the value of configuration i with seed j, x_ij = m + a_i + b_j + e_ij. All configurations have the same seeds,
so b_j, what a seed (a split of the data, above all) does to all of them, is no part of their differences. The residual
variance s² is that of e; the variance of the seeds, v_s, is the variance within a configuration less s². With k seeds,
the variance of the a_i is v = max(0, var(means) - s²/k), and the estimate of configuration i is

    λ · its own mean + (1 - λ) · the mean of all,    λ = v / (v + s²/k),

the estimator of empirical Bayes (Efron and Morris, "Stein's estimation rule and its competitors", JASA 68, 1973). Its
squared error is estimated by λ s²/k + (1 - λ) s²/(n k) + (1 - λ)² v + v_s/k. The value that a configuration had in the
search, by which it was chosen, enters nowhere. Intervals are Student's, with the degrees of freedom of Satterthwaite
("An approximate distribution of estimates of variance components", Biometrics Bulletin 2, 1946): of few seeds, v_s is
known badly, and intervals that neglect it are too short (they held 82 % instead of 90 % on HPOBench with two seeds).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sweep.analysis.effects import Estimate
from sweep.analysis.logistic import Array

LEVEL = 0.9
"""Of all intervals."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The variance of trainings of some configurations with the same seeds."""

    residual: float
    """Of what is peculiar to one training."""
    seeds: float
    """Of what a seed does to all configurations."""
    freedom: int
    """Degrees of freedom of the residual."""
    seeds_freedom: int
    """Those of the seeds; 0 where the two cannot be told apart, and all is residual."""

    @property
    def within(self) -> float:
        """The variance of one configuration over seeds."""
        return self.residual + self.seeds


def noise_of(values: Array) -> Noise | None:
    """Return the variance of trainings; None where no configuration has two values.

    Args:
        values: (configurations, seeds), NaN where there is none.
    """
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    freedom = int((counts[counts > 0] - 1).sum())
    if freedom <= 0:
        return None
    within = _squares(values, known, seeds=False) / freedom
    used = int(known.any(axis=0).sum())
    left = freedom - (used - 1)
    if left <= 0 or (counts > 0).sum() < 2:
        return Noise(within, 0.0, freedom, 0)
    residual = _squares(values, known, seeds=True) / left
    return Noise(residual, max(0.0, within - residual), left, used - 1)


def _squares(values: Array, known: np.ndarray, *, seeds: bool) -> float:
    """Return the sum of squares that an additive model of configurations, and of seeds, leaves."""
    rows, columns = np.nonzero(known)
    design = np.eye(values.shape[0])[rows]
    if seeds:
        design = np.hstack([design, np.eye(values.shape[1])[columns]])
    centered = values[known] - values[known].mean()
    left = centered - design @ np.linalg.lstsq(design, centered, rcond=None)[0]
    return float(left @ left)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What is known of one configuration from fresh seeds."""

    mean: float
    """Of its values; NaN where it has none."""
    standard_error: float
    """Of the mean: the standard deviation over the square root of their number; NaN for fewer than two."""
    expected: Estimate
    """The shrunk estimate, with its interval; NaN where too little is known."""


def shrunk(values: Array, future: float = math.inf, level: float = LEVEL) -> list[Shrunk]:
    """Return what is known of each configuration.

    Args:
        values: (configurations, seeds), NaN where there is none.
        future: over how many further seeds the mean is predicted; infinitely many for the expected value itself.
        level: of the intervals.
    """
    noise = noise_of(values)
    counts = (~np.isnan(values)).sum(axis=1)
    means = np.array([float(np.nanmean(row)) if count else math.nan for row, count in zip(values, counts, strict=True)])
    center = float(np.nanmean(means)) if counts.any() else math.nan
    found = []
    for row, mean, count in zip(values, means, counts, strict=True):
        error = float(np.nanstd(row, ddof=1)) / math.sqrt(count) if count > 1 else math.nan
        estimate = Estimate(mean, math.nan, math.nan)
        if noise is not None and count:
            estimate = _estimate(float(mean), int(count), center, means[counts > 0], noise, future, level)
        found.append(Shrunk(float(mean), error, estimate))
    return found


def _estimate(
    mean: float, count: int, center: float, means: Array, noise: Noise, future: float, level: float
) -> Estimate:
    """Return the shrunk estimate of one configuration with its interval."""
    from scipy import stats

    own, n = noise.residual / count, len(means)
    between = max(0.0, float(np.var(means, ddof=1)) - own) if n > 1 else math.inf
    weight = 1.0 if math.isinf(between) else between / (between + own) if between + own else 1.0
    value = weight * mean + (1 - weight) * center
    residual = weight * own + (1 - weight) * own / n + noise.residual / future
    shrinking = (1 - weight) ** 2 * between if weight < 1 else 0.0
    seeds = noise.seeds * (1 / count + 1 / future)
    variance = residual + shrinking + seeds
    half = float(stats.t.ppf((1 + level) / 2, _freedom(residual, seeds, n, noise))) * math.sqrt(variance)
    return Estimate(value, value - half, value + half)


def _freedom(residual: float, seeds: float, n: int, noise: Noise) -> float:
    """Return the degrees of freedom of the sum of a part that is residual variance and one that is of the seeds.

    The variance of the seeds is (M - s²)/n, with the mean square M of the seeds, of k - 1 degrees of freedom, and the
    residual variance s².
    """
    if not noise.seeds_freedom or not seeds:
        return noise.freedom
    of_seeds = seeds / noise.seeds * (noise.residual / n + noise.seeds)
    of_residual = max(0.0, residual - seeds / noise.seeds * noise.residual / n)
    total = of_seeds + of_residual
    return max(1.0, total**2 / (of_seeds**2 / noise.seeds_freedom + of_residual**2 / noise.freedom))
