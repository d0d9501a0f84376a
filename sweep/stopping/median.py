"""Stopping trials that do worse than half of the others."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median
from typing import Annotated

from annotated_types import Ge

from sweep.errors import counted
from sweep.stopping.base import Curve, Others, Rule, Stop


@dataclass(frozen=True, slots=True)
class Median(Rule):
    """Stop a trial whose best value is worse than the median of the others' running means at the same epoch.

    This is the rule of Golovin et al., "Google Vizier" (2017), section 3.2.
    """

    grace: Annotated[int, Ge(0)] = 3
    """Epochs after which a trial is first compared."""
    trials: Annotated[int, Ge(1)] = 5
    """Fewest other trials to compare with."""

    def decide(self, curve: Curve, others: Others) -> Stop | None:
        """Compare the best value so far with the median of the means of the others up to this epoch."""
        if curve.epoch <= self.grace:
            return None
        means = [fmean(values) for values in others(curve.epoch).values()]
        if len(means) < self.trials:
            return None
        best, middle = (max if curve.objective.is_max else min)(curve.values), median(means)
        if not curve.objective.is_better(middle, best):
            return None
        others_counted = counted(len(means), "other trial")
        reason = f"its best {curve.objective.metric}, {best:.4g}, is worse than the median of {others_counted}"
        return Stop(best, middle, f"{reason}, {middle:.4g}")
