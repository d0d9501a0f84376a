"""Which array of a diverging training grew first without coming back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CALM = 10
"""Steps before a growth above which it rises."""
STEPS = 4
"""Steps within which a series must double for good."""
LEAST = 10.0
"""The factor by which it must have grown in all."""
RISE = 1.05
"""The factor by which its growth begins at least."""


@dataclass(frozen=True)
class Growth:
    """A series that grew without return."""

    series: str
    """Its column, such as `output/u`."""
    start: int
    """The first step of the growth."""
    before: float
    """The largest value in the `CALM` steps before it."""
    last: float
    """The last finite value."""
    last_step: int
    """The step of that."""
    is_from_first: bool = False
    """Whether only one step before it is known, so that it may have started earlier."""
    also: tuple[str, ...] = ()
    """Other series that started in the same step or in the next one, in the order in which a step computes them."""


def first_growth(frame: pd.DataFrame, series: Sequence[str]) -> Growth | None:
    """Return the series that began first to grow without return; None where no one has.

    A series x₁ … xₙ grows without return from the step s > 1 on if

    1. every value from s on is larger, by at least 5 %, than each of the 10 before s;
    2. it doubles for good within 4 steps: for each t ≥ s, every value from t + 4 on is at least twice that of t;
    3. the last value is at least 10 times the largest of the 10 before s.

    Its growth starts with the least such s. Of several series the one that starts first counts; of those that start in
    the same step, the one that a step computes first. By (1) and (2) single peaks and the noise of mini-batches do not
    count, nor does a slow drift, of less than about 19 % a step. Nothing depends on more than the 10 steps before s.

    Args:
        frame: `step`, and the series; values that are not finite are infinite, and those that a step did not come to
            are NaN.
        series: columns, in the order in which a step computes them.
    """
    steps = frame["step"].to_numpy(dtype=np.int64)
    found = [growth for name in series if (growth := _growth(name, steps, frame[name].to_numpy(dtype=np.float64)))]
    if not found:
        return None
    first = min(found, key=lambda growth: growth.start)
    also = tuple(each.series for each in found if each is not first and each.start <= first.start + 1)
    return replace(first, also=also)


def _growth(name: str, steps: NDArray[np.int64], values: NDArray[np.float64]) -> Growth | None:
    known = ~np.isnan(values)
    steps, values = steps[known], values[known]
    start = _start(values)
    if start is None:
        return None
    last = int(np.flatnonzero(np.isfinite(values))[-1])
    before = _before(values, start)
    return Growth(name, int(steps[start]), before, float(values[last]), int(steps[last]), start == 1)


def _before(values: NDArray[np.float64], start: int) -> float:
    return float(values[max(0, start - CALM) : start].max())


def _start(values: NDArray[np.float64]) -> int | None:
    """Return the place at which the growth starts; None for none."""
    if len(values) < 2:
        return None
    lowest = np.minimum.accumulate(values[::-1])[::-1]  # of all values from each place on
    doubles = np.ones(len(values), dtype=bool)
    doubles[:-STEPS] = lowest[STEPS:] >= 2 * values[:-STEPS]
    goes_on = np.logical_and.accumulate(doubles[::-1])[::-1]
    for start in (np.flatnonzero(goes_on[1:]) + 1).tolist():
        before = _before(values, start)
        if lowest[start] >= RISE * before and 0 < before < np.inf and values[-1] >= LEAST * before:
            return int(start)
    return None
