"""Stopping trials that would take too long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sweep.stopping.base import Curve, Others, Rule, Stop


@dataclass(frozen=True, slots=True)
class SecondsPerEpoch(Rule):
    """Stop a trial whose first epoch took longer than allowed.

    The time of the first epoch is kept with it, so a trial that is gone on with later is judged by the same time.
    """

    most: float
    """Seconds of wall time, the evaluation included."""

    noun: ClassVar[str] = "limit"

    def decide(self, curve: Curve, others: Others) -> Stop | None:
        """Compare the time of the first epoch with the limit."""
        if not curve.seconds or curve.seconds[0] <= self.most:
            return None
        first = curve.seconds[0]
        return Stop(first, self.most, f"the first epoch took {first:.4g} s, more than {self.most:.4g} s")
