"""Whether the best differ by more than a trial does from epoch to epoch."""

from __future__ import annotations

import math

from sweep.analysis.review.base import Verdict, unknown
from sweep.analysis.review.tables import BEST, SweepTables, selected_jitter
from sweep.analysis.wording import number

NAME = "jitter larger than the gaps"
FINE = "gaps larger than jitter"
FEWEST = 10
"""Fewest epochs, of which the second half gives three differences of differences."""
ERRORS = 2.0
"""Standard deviations of a difference of two trials by which the first and the fifth are to differ."""


def judge(tables: SweepTables) -> Verdict:
    """Check whether the first and the fifth differ by more than jitter makes of two equal ones.

    The difference of two values has the square root of two times the standard deviation of one.
    """
    values, epochs = tables.ranked["value"], tables.best_curves.shape[1]
    if len(values) < 2 * BEST:
        return unknown(NAME, f"takes {2 * BEST} completed configurations, there are {len(values)}")
    if epochs < FEWEST:
        return unknown(NAME, f"takes {FEWEST} epochs, the best have {epochs}")
    spread = tables.sign * float(values[0] - values[BEST - 1])
    limit = ERRORS * math.sqrt(2) * selected_jitter(tables)
    ahead = f"the first leads number {BEST} by {number(spread)}"
    if spread > limit:
        return Verdict(NAME, True, spread, f"{ahead}, more than the {number(limit)} that jitter explains")
    advice = (
        "let the learning rate fall to the end by a schedule, or rank by the mean of seeds: "
        f"`sweep finalists {tables.name}`"
    )
    return Verdict(NAME, False, spread, f"{ahead}; jitter from epoch to epoch alone explains {number(limit)}", advice)
