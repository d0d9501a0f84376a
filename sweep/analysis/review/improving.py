"""Whether the best were still improving when their training ended."""

from __future__ import annotations

import math

from sweep.analysis.review.base import Verdict, unknown
from sweep.analysis.review.tables import SweepTables, typical_jitter
from sweep.analysis.wording import number

NAME = "still improving at the end"
FINE = "no longer improving at the end"
FEWEST = 10
"""Fewest epochs, so that a fifth of them are two at least."""
GAINED = 0.02
"""Share of the whole gain since the first epoch that the last fifth of the epochs adds: an exponential approach adds
that with a time constant of a fifth of the training."""
ERRORS = 3.0
"""Standard errors that the gain must exceed, so that jitter is no gain (0.1 % false alarms)."""


def judge(tables: SweepTables) -> Verdict:
    """Check whether the last fifth of the epochs is better than the one before, in the mean of the best."""
    curves = tables.best_curves
    number_of, epochs = curves.shape
    if epochs < FEWEST:
        return unknown(NAME, f"takes {FEWEST} epochs, the best have {epochs}")
    width, mean = epochs // 5, curves.mean(axis=0)
    last = float(mean[-width:].mean())
    gain, whole = last - float(mean[-2 * width : -width].mean()), last - float(mean[0])
    error = typical_jitter(curves) / math.sqrt(number_of) * math.sqrt(2 / width)
    share = gain / whole if whole > 0 else 0.0
    who = f"the best {number_of}" if number_of > 1 else "the best"
    change = f"gained {number(gain)}" if gain > 0 else "gained nothing"
    evidence = f"{who} {change} of {tables.objective.metric} in the last {width} of {epochs} epochs"
    if share < GAINED or gain <= ERRORS * error:
        return Verdict(NAME, True, share, evidence)
    shown = f"{evidence}, {number(100 * share)} % of all since the first"
    advice = f"train them for longer: `sweep continue {tables.name} --best {number_of} --epochs {2 * epochs}`"
    return Verdict(NAME, False, share, shown, advice)
