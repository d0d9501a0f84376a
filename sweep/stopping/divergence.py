"""Stopping trials that are about to diverge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le

from sweep.stopping.base import Curve, Others, Rule, Stop

LEAST_FALL = 0.05
"""Part of its first value by which a loss must have fallen before a rise is held for one."""


@dataclass(frozen=True, slots=True)
class Divergence(Rule):
    """Stop a trial whose training loss has risen back through most of its fall.

    Where the loss of the training part is not measured, the objective's metric stands for it if less of it is better;
    of any other metric, nothing is stopped. Not every loss that rises ends in NaN: with a learning rate that rises at
    first and falls later, the loss may do the opposite and return. So this rule trades epochs of trials that are lost
    against trials that would have recovered.
    """

    share: Annotated[float, Gt(0), Le(1)] = 0.5
    """Part of its largest fall so far that the loss must have risen again."""
    epochs: Annotated[int, Ge(1)] = 1
    """Epochs in a row after which it must stand so high."""

    def decide(self, curve: Curve, others: Others) -> Stop | None:
        """Compare the last losses with the first and the lowest one."""
        name, losses = _losses(curve)
        if len(losses) <= self.epochs:
            return None
        lowest, last = min(losses), min(losses[-self.epochs :])
        fall = losses[0] - lowest
        threshold = lowest + self.share * fall
        if fall < LEAST_FALL * abs(losses[0]) or fall <= 0 or last < threshold:
            return None
        reason = f"its {name}, {losses[-1]:.4g}, has risen again from {lowest:.4g} towards {losses[0]:.4g}, the first"
        return Stop(last, threshold, reason)


def _losses(curve: Curve) -> tuple[str, Sequence[float]]:
    """Return the name and the values of what is held for the loss; no values where nothing is."""
    if curve.losses:
        return "train_loss", curve.losses
    return curve.objective.metric, () if curve.objective.is_max else curve.values
