"""Which array of a diverging training grew first without coming back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

STEPS = 10
"""Steps within which a series must have doubled for good."""
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
    """The largest value before it."""
    last: float
    """The last finite value."""
    last_step: int
    """The step of that."""


def first_growth(frame: pd.DataFrame, series: Sequence[str]) -> Growth | None:
    """Return the series that began first to grow without return; None where no one has.

    A series x₁ … xₙ grows without return from the step s > 1 on if

    1. every value from s on is larger than every value before s, by at least 5 %;
    2. it does not come to rest: for each t ≥ s, every value from t + 10 on is at least twice the largest up to t;
    3. the last value is at least 10 times the largest before s.

    Its growth starts with the least such s. Of several series the one that starts first counts; of those that start in
    the same step, the one that a step computes first. By (1) and (2) single peaks and the noise of mini-batches do not
    count, nor does a slow drift, of less than about 7 % a step.

    Args:
        frame: `step`, and the series; values that are not finite are infinite, and those that a step did not come to
            are NaN.
        series: columns, in the order in which a step computes them.
    """
    steps = frame["step"].to_numpy(dtype=np.int64)
    found = [growth for name in series if (growth := _growth(name, steps, frame[name].to_numpy(dtype=np.float64)))]
    return min(found, key=lambda growth: growth.start, default=None)


def _growth(name: str, steps: NDArray[np.int64], values: NDArray[np.float64]) -> Growth | None:
    known = ~np.isnan(values)
    steps, values = steps[known], values[known]
    start = _start(values)
    if start is None:
        return None
    last = int(np.flatnonzero(np.isfinite(values))[-1])
    return Growth(name, int(steps[start]), float(values[:start].max()), float(values[last]), int(steps[last]))


def _start(values: NDArray[np.float64]) -> int | None:
    """Return the place at which the growth starts; None for none."""
    if len(values) < 2:
        return None
    highest = np.maximum.accumulate(values)  # of all values up to each place
    lowest = np.minimum.accumulate(values[::-1])[::-1]  # of all values from each place on
    is_restless = np.ones(len(values), dtype=bool)
    is_restless[:-STEPS] = lowest[STEPS:] >= 2 * highest[:-STEPS]
    goes_on = np.logical_and.accumulate(is_restless[::-1])[::-1]
    above = (lowest[1:] >= RISE * highest[:-1]) & (values[-1] >= LEAST * highest[:-1])
    places = np.flatnonzero(above & goes_on[1:]) + 1
    return int(places[0]) if len(places) else None
