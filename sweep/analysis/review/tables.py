"""What verdicts look at: the configurations of a sweep with their ranks, their curves, and further trainings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np
import pandas as pd

from sweep.analysis.wording import number
from sweep.metrics import Objective
from sweep.records import Parameter

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

LARGEST_PART = 10_000_000
"""Most examples that a part of a data set is thought to have."""
LARGEST_DENOMINATOR = 1_000_000
"""Of a fraction that an accuracy is thought to be."""
ROUNDING = 1e-6
"""By how much a number of examples may differ from a whole one."""
BEST = 5
"""How many of the best configurations stand for the best ones."""


@dataclass(frozen=True)
class SweepTables:
    """The tables of one sweep; with repeats a row is a configuration, and its values are means over its trainings."""

    name: str
    """That of the sweep, for commands."""
    objective: Objective
    """By which its trials are ranked."""
    parameters: Sequence[Parameter]
    """What is searched."""
    trials: pd.DataFrame
    """One row for each configuration: `trial` (its number; with repeats that of its first training), `status`, `rank`
    (from 1; NaN unless completed), `value` (the objective's), `planned` (epochs), `diverged` (whether a training did),
    `learned` (False where it never learned or collapsed), `completed` (trainings that were), `deviation` (sample
    standard deviation of their values), where there is one `tie` (of the metric that ranks equal values) and each
    parameter by its full name."""
    curves: pd.DataFrame
    """One row for each epoch from 1 of each configuration: `trial`, `epoch`, `value` and, where there is one, `loss`
    (of the part that the objective is of)."""
    trainings: int = 1
    """Of each configuration."""
    again: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"trial": [], "value": []}))
    """One row for each completed training of a configuration with other seeds, in another sweep: `trial`, `value`."""
    examples: int | None = None
    """In the part that the objective is measured on; None where that is not known."""
    correct: Mapping[int, np.ndarray] = field(default_factory=dict)
    """Trial -> which examples of that part are classified correctly, at the epoch that stands for it."""

    @property
    def sign(self) -> int:
        """1 where more of the objective is better, else -1."""
        return 1 if self.objective.is_max else -1

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The completed configurations, the best first."""
        return self.trials[self.trials["rank"].notna()].sort_values("rank", ignore_index=True)

    @cached_property
    def ended(self) -> pd.DataFrame:
        """The configurations of which it is known whether they diverge."""
        return self.trials[self.trials["rank"].notna() | self.trials["diverged"]].reset_index(drop=True)

    @cached_property
    def gap(self) -> float:
        """By how much the first is better than the second, at least 0."""
        values = self.ranked["value"]
        return max(0.0, self.sign * float(values[0] - values[1]))

    @cached_property
    def lead(self) -> str:
        """How far the first is before the second, as a clause."""
        if self.gap > 0:
            return f"the first leads by {number(self.gap)}"
        differ = "tie" in self.ranked and self.ranked["tie"][0] != self.ranked["tie"][1]
        decides = self.objective.tie_break if differ else "the lower number"
        return f"the first is tied with trial {self.ranked['trial'][1]}, and {decides} decides"

    @cached_property
    def best_curves(self) -> Array:
        """The objective after each epoch of the best, a row each, more being better.

        Those with another number of epochs than the first are left out. Of fewer than ten completed ones it is that
        of the first alone, since the others are not among the best.
        """
        chosen = self.ranked["trial"][: BEST if len(self.ranked) >= 2 * BEST else 1]
        found = [self.curve(trial) for trial in chosen]
        return np.array([each for each in found if len(each) == len(found[0])])

    def curve(self, trial: int, column: str = "value") -> Array:
        """Return the objective of a configuration after each epoch from 1, or its loss; more is better."""
        rows = self.curves[self.curves["trial"] == trial].sort_values("epoch")
        values = rows[column].to_numpy(dtype=float)
        return values if column == "value" and self.sign == 1 else -values


def jitter(curve: Array) -> float:
    """Return the standard deviation of a curve from epoch to epoch, in the second half of the training.

    From second differences, which a straight trend leaves alone: they have six times the variance of the noise.
    0.0 where there are too few epochs.
    """
    bends = np.diff(curve[len(curve) // 2 :], n=2)
    return math.sqrt(float(np.mean(bends**2)) / 6) if len(bends) else 0.0


def typical_jitter(curves: Array) -> float:
    """Return the jitter of some curves, the root of the mean of its squares."""
    return math.sqrt(float(np.mean([jitter(each) ** 2 for each in curves])))


def steady_jitter(curves: Array) -> float:
    """Return the jitter of curves without their few bad epochs.

    Differences beyond four standard deviations are left out. These are estimated by a median, which a few differences
    do not change: |z| of a normal z has 0.6745.

    Args:
        curves: (curves, epochs).
    """
    bends = np.abs(np.diff(curves[:, curves.shape[1] // 2 :], n=2, axis=1)).ravel()
    kept = bends[bends <= 4 / 0.6745 * np.median(bends)] if bends.size else bends
    return math.sqrt(float(np.mean(kept**2)) / 6) if kept.size else 0.0


def selected_jitter(tables: SweepTables) -> float:
    """Return the standard deviation that jitter gives to the value that stands for one of the best trials.

    The best of many epochs varies about half as much as a single one: the standard deviation of the largest of 20 to
    50 normal numbers is 0.53 to 0.46. An epoch that is much worse than those around it is never the best one.
    """
    if tables.objective.epoch != "best":
        return typical_jitter(tables.best_curves)
    return steady_jitter(tables.best_curves) / 2


def positions(parameter: Parameter, values: pd.Series[float]) -> pd.Series[float] | None:
    """Return where in the range of a parameter values lie, from 0 to 1; NaN where a trial does not have it.

    None where there is no range: of categories, of labels and of a parameter that is always the same.
    """
    numbers = [each for each in parameter.options if not isinstance(each, str | bool)]
    low = parameter.low if parameter.low is not None else min(numbers, default=None)
    high = parameter.high if parameter.high is not None else max(numbers, default=None)
    if parameter.categorical or low is None or high is None or low == high:
        return None
    found = pd.to_numeric(values, errors="coerce").astype("float64")
    if parameter.log:
        return pd.Series(np.log(found / low) / math.log(high / low), found.index)
    return (found / 2 - low / 2) / (high / 2 - low / 2)


def examples_of(accuracies: Array) -> int | None:
    """Return the number of examples that accuracies are shares of: the least common denominator of all of them.

    None where they are no such shares, as means over mini-batches, or too few to tell.

    >>> examples_of(np.array([0.5, 0.32, 0.12]))
    50
    """
    left, found = np.unique(accuracies[np.isfinite(accuracies)]), 1
    while True:
        left = left[np.abs(left * found - np.round(left * found)) > ROUNDING]
        if not len(left):
            return found if found > 1 else None
        found = math.lcm(found, Fraction(float(left[0])).limit_denominator(LARGEST_DENOMINATOR).denominator)
        if found > LARGEST_PART:
            return None
