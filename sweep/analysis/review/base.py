"""A verdict, and how one is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sweep.analysis.review.tables import SweepTables

CERTAINTY = 0.05
"""Probability up to which something is not thought to be chance, over all that a verdict looks at."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one look at a sweep has found."""

    name: str
    """What may be wrong, in a few words."""
    passed: bool | None
    """Whether it is not wrong; None where that cannot be judged."""
    figure: float | None
    """The number that decided; None where there is none."""
    evidence: str
    """What was seen, or why it cannot be judged, in one clause."""
    advice: str = ""
    """What to do next, with commands in backquotes; nothing where all is well."""


Judge = Callable[[SweepTables], Verdict]
"""Reaches one verdict; it is asked only of sweeps with at least two completed configurations."""


def unknown(name: str, reason: str, advice: str = "") -> Verdict:
    """Return that something cannot be judged, with the reason."""
    return Verdict(name, None, None, reason, advice)
