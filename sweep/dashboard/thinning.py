"""Which curves are shown of a sweep with many trials: pages with thousands of curves cannot be used."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sweep.store.histories import Stamp

MOST_CURVES = 200
"""Of sweeps with more trials, about this many curves are shown."""
MANY_TRIALS = 2_000
"""With more trials pages take long even without their curves."""


def shown_curves(stamps: Sequence[Stamp], trials: int) -> set[int]:
    """Return the ids of the trials whose curves are shown: every so many, and all that are being trained.

    Args:
        stamps: the trials.
        trials: number of trials of the sweep in all, by which the choice stays the same while it runs.
    """
    every = spacing(trials)
    return {stamp.id for stamp in stamps if stamp.number % every == 0 or stamp.status == "running"}


def spacing(trials: int) -> int:
    """Return of how many trials one has its curve shown."""
    return max(1, math.ceil(trials / MOST_CURVES))


def remark(trials: int) -> str:
    """Return the sentence that says which curves are shown; the empty text where all are."""
    if (every := spacing(trials)) == 1:
        return ""
    shown = math.ceil(trials / every)
    slow = "; with so many trials a page takes long to appear" if trials > MANY_TRIALS else ""
    return (
        f"of {trials:,} trials the curves of {shown} are shown, those of every {_ordinal(every)} one, and of all that "
        f"are being trained{slow}"
    )


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
