"""Stopping trials that no longer improve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from sweep.errors import counted
from sweep.stopping.base import Curve, Others, Rule, Stop


@dataclass(frozen=True, slots=True)
class Patience(Rule):
    """Stop a trial of whose last epochs none was better than the best before them."""

    epochs: Annotated[int, Ge(1)] = 10
    """Epochs without a gain after which it is stopped."""
    grace: Annotated[int, Ge(0)] = 10
    """Epochs after which it may be stopped first."""

    def decide(self, curve: Curve, others: Others) -> Stop | None:
        """Compare the best of the last epochs with the best of those before."""
        if curve.epoch <= max(self.grace, self.epochs):
            return None
        best = max if curve.objective.is_max else min
        before, lately = best(curve.values[: -self.epochs]), best(curve.values[-self.epochs :])
        if curve.objective.is_better(lately, before):
            return None
        lasted = counted(self.epochs, "epoch")
        reason = f"its {curve.objective.metric} has not been better than {before:.4g} for {lasted}"
        return Stop(lately, before, reason)
