"""What matters among the configurations that completed: four answers for each parameter, with 90 % intervals.

Share of variance: how much of what was reached differs with the parameter alone (see `sweep.analysis.forest`).
Best quarter: its part in whether a configuration is among the best quarter (see `sweep.analysis.best_quarter`).
Worth tuning: by how much the best value is better than the middle of the range, all other parameters averaged.
Dangerous to mistune: by how much the worst value is worse than that. Of a choice without an order the mean of the
options stands for the middle. Where trials diverge is another question (see `sweep.analysis.divergence`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweep.analysis.best_quarter import best_quarter
from sweep.analysis.effects import Estimate
from sweep.analysis.forest import LEVEL, Forest, estimate, fit_forest
from sweep.analysis.interactions import Interactions, find_interactions
from sweep.analysis.survivors import Groups, Survivors, groups, value_of
from sweep.records import Scalar
from sweep.space.coordinates import Array

FEWEST = 20
"""Completed configurations from which it is asked what matters."""
LEAST_EXPLAINED = 0.1
"""The share of the variance of left-out rows that the forest must explain for its figures to be printed."""


@dataclass(frozen=True, slots=True)
class Matter:
    """How much one parameter matters."""

    index: int
    """Of its slot."""
    share: Estimate
    """Of the variance."""
    best_quarter: Estimate | None
    """Its part in whether a configuration is among the best quarter; None where no parameter has any."""
    worth: Estimate
    """Gain of the best value over the middle of the range."""
    danger: Estimate
    """Loss of the worst value against the middle of the range."""
    best: Scalar
    """The best value, or the middle of the tenth of the range that is best."""
    worst: Scalar


@dataclass(frozen=True)
class Importance:
    """What matters among some configurations."""

    survivors: Survivors
    forest: Forest | None
    """None where there are too few rows, or all are alike."""
    matters: Sequence[Matter]
    """The largest share first; none where the forest explains too little."""
    interactions: Interactions

    @property
    def has_figures(self) -> bool:
        """Whether the model explains enough for its figures to mean something."""
        return bool(self.matters)

    def names(self, indices: Sequence[int]) -> list[str]:
        """Return what slots are called."""
        return [self.survivors.names[index] for index in indices]


def importance(survivors: Survivors) -> Importance:
    """Return what matters among some configurations, as far as that can be told."""
    if survivors.rows < FEWEST or not survivors.varied or survivors.are_equal or survivors.are_huge:
        return Importance(survivors, None, [], Interactions([]))
    forest = fit_forest(survivors)
    if forest.explained <= LEAST_EXPLAINED:
        return Importance(survivors, forest, [], Interactions([]))
    parts = best_quarter(survivors)
    found = [_matter(forest, index, parts.get(index)) for index in survivors.varied]
    found.sort(key=lambda each: -each.share.value)
    return Importance(survivors, forest, found, find_interactions(survivors))


def _matter(forest: Forest, index: int, part: Estimate | None) -> Matter:
    slot, group = forest.survivors.places[index], groups(forest.survivors, index)
    curves = forest.curves(group) * (1 if forest.survivors.is_max else -1)
    worth, best = gain(curves, group)
    danger, worst = gain(-curves, group)
    values = [value_of(slot, float(group.centers[place])) for place in (best, worst)]
    return Matter(index, estimate(forest.shares(group)), part, worth, danger, values[0], values[1])


def gain(curves: Array, group: Groups) -> tuple[Estimate, int]:
    """Return by how much the best group is better than the middle, at least 0, and which it is.

    The best by the mean of the trees is too good by little but seen at the ends of a range as too flat; the best of
    each tree is too good by much. The estimate is the mean of both, the interval reaches from the 5th percentile of the
    one to the 95th of the other.

    Args:
        curves: (trees, groups), more is better.
        group: the groups.
    """
    over = curves - (curves @ group.middle)[:, None]
    best = int(np.argmax(over.mean(axis=0)))
    chosen, most = over[:, best], over.max(axis=1)
    tail = (1 - LEVEL) / 2
    value = float(chosen.mean() + most.mean()) / 2
    low, high = float(np.quantile(chosen, tail)), float(np.quantile(most, 1 - tail))
    return Estimate(max(value, 0.0), max(min(low, value), 0.0), max(high, value, 0.0)), best
