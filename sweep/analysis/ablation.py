"""The effect of one step of an ablation path, over pairs of trainings with the same seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from sweep.analysis.shrinkage import LEVEL

ROUNDING = 1e-12
"""Share of a value below which a difference is one of rounding."""

Verdict = Literal["better", "worse", "not certain", "nothing", ""]


@dataclass(frozen=True, slots=True)
class Effect:
    """By how much a step changes a metric."""

    value: float
    """The mean of the differences; NaN where no seed has both."""
    standard_error: float
    """NaN for fewer than two differences."""
    low: float
    high: float
    verdict: Verdict
    """Whether it makes the metric better or worse: `not certain` where the interval holds 0, `nothing` where all
    differences are 0, empty where it is unknown."""


def effect(before: Mapping[int, float], after: Mapping[int, float], *, is_max: bool, level: float = LEVEL) -> Effect:
    """Return the effect of a step, with Student's interval of the paired differences.

    Args:
        before: values without the step by the number of their seed.
        after: values with it.
        is_max: whether more is better.
        level: of the interval.
    """
    seeds = sorted(before.keys() & after.keys())
    differences = [_difference(after[seed], before[seed]) for seed in seeds]
    if not differences:
        return Effect(math.nan, math.nan, math.nan, math.nan, "")
    value = fmean(differences)
    if len(differences) == 1:
        return Effect(value, math.nan, math.nan, math.nan, "")
    from scipy import stats

    error = stdev(differences) / math.sqrt(len(differences))
    if error <= ROUNDING * max(abs(after[seed]) for seed in seeds):
        error = 0.0
    half = float(stats.t.ppf((1 + level) / 2, len(differences) - 1)) * error
    low, high = value - half, value + half
    if value == 0 == error:
        return Effect(value, error, low, high, "nothing")
    if low <= 0 <= high:
        return Effect(value, error, low, high, "not certain")
    return Effect(value, error, low, high, "better" if (value > 0) == is_max else "worse")


def _difference(one: float, other: float) -> float:
    return 0.0 if math.isclose(one, other, rel_tol=ROUNDING) else one - other
