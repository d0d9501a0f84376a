"""Whether the best had learned all long before their training ended."""

from __future__ import annotations

import math

from sweep.analysis.review.base import Verdict, unknown
from sweep.analysis.review.overfitting import moving_means
from sweep.analysis.review.tables import SweepTables, typical_jitter
from sweep.analysis.wording import number

NAME = "saturated long before the end"
FINE = "still learning past the middle"
FEWEST = 10
"""Fewest epochs, so that a tenth of them is one at least."""
TOLERANCE = 0.02
"""Share of the whole gain since the first epoch that may still be missing."""
ERRORS = 2.0
"""Standard errors of a mean that may be missing, too."""
LONG = 0.5
"""Share of the epochs before which all was learned; the other half was spent for nothing."""


def judge(tables: SweepTables) -> Verdict:
    """Check whether the mean of the best has come close to its best level in the first half of the epochs."""
    curves = tables.best_curves
    number_of, epochs = curves.shape
    if epochs < FEWEST:
        return unknown(NAME, f"takes {FEWEST} epochs, the best have {epochs}")
    width, mean = epochs // 10, curves.mean(axis=0)
    means = moving_means(mean, width)
    level = float(means.max())
    error = typical_jitter(curves) / math.sqrt(number_of * width)
    missing = max(TOLERANCE * (level - float(mean[0])), ERRORS * error)
    reached = int((means >= level - missing).argmax()) + (width + 1) // 2
    share = reached / epochs
    who = f"the best {number_of} were" if number_of > 1 else "the best was"
    level_of = f"their best {tables.objective.metric}" if number_of > 1 else f"its best {tables.objective.metric}"
    evidence = f"{who} within {number(missing)} of {level_of} from epoch {reached} of {epochs} on"
    if share > LONG:
        return Verdict(NAME, True, share, evidence)
    enough = math.ceil(reached * 1.2)
    advice = f"train the next sweep for fewer epochs, as with `--set epochs={enough}`, and more trials"
    return Verdict(NAME, False, share, evidence, advice)
