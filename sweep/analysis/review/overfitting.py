"""Whether the best configuration overfits."""

from __future__ import annotations

import math

import numpy as np

from sweep.analysis.review.base import Verdict, unknown
from sweep.analysis.review.tables import Array, SweepTables, jitter
from sweep.analysis.wording import number
from sweep.metrics import metric

NAME = "best overfits"
FINE = "best does not overfit"
FEWEST = 10
"""Fewest epochs, so that means over a tenth of them are of one at least."""
WORSE = 0.1
"""Share of what was gained since the first epoch of which the loss is overfitting."""
ERRORS = 3.0
"""Standard errors that it must exceed, of means of a tenth of the epochs: the best of all such means is two of them
above the rest by chance."""


def judge(tables: SweepTables) -> Verdict:
    """Check whether the best one ends worse than it was, by the loss of the objective's part if there is one."""
    trial = int(tables.ranked["trial"][0])
    has_loss = "loss" in tables.curves and np.isfinite(tables.curve(trial, "loss")).all()
    curve = tables.curve(trial, "loss" if has_loss else "value")
    if len(curve) < FEWEST:
        return unknown(NAME, f"takes {FEWEST} epochs, trial {trial} has {len(curve)}")
    part = metric(tables.objective.metric).part
    watched = f"{part}_loss" if has_loss and part else tables.objective.metric
    width = len(curve) // 10
    means = moving_means(curve, width)
    peak, last = int(means.argmax()), float(means[-1])
    fell, rose = float(means[peak]) - last, float(means[peak] - curve[0])
    error = jitter(curve) * math.sqrt(2 / width)
    share = fell / rose if rose > 0 else 0.0
    epoch = peak + (width + 1) // 2
    evidence = (
        f"{watched} of trial {trial} ends {number(fell)} worse than around epoch {epoch}, "
        f"{number(100 * share)} % of what it had gained"
    )
    if share <= WORSE or fell <= ERRORS * error:
        return Verdict(NAME, True, share, evidence if fell else f"{watched} of trial {trial} is best at the end")
    advice = (
        f"stop near epoch {epoch}, as with `--set epochs={epoch}` or `--stop patience`, or search weight "
        "decay and dropout"
    )
    return Verdict(NAME, False, share, evidence, advice)


def moving_means(curve: Array, width: int) -> Array:
    """Return the means of all runs of `width` epochs in a row."""
    found: Array = np.convolve(curve, np.full(width, 1 / width), "valid")
    return found
