"""How often one configuration diverges with other seeds, and how sharp the boundary of divergence is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sweep.analysis.divergence import Law, clopper_pearson
from sweep.analysis.effects import Estimate

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["trial", "status", "expected", "seeds", "diverged", "probability", "low", "high"]
LARGEST = 100.0
"""Factor above which the upper end of its interval says nothing."""
NINE_TO_ONE = math.log(9)
"""Logarithm of the odds of 90 %."""


def nearest(numbers: Sequence[int], configurations: Sequence[int], probabilities: Sequence[float], n: int) -> list[int]:
    """Return the trials whose probability is nearest to one half, one of each configuration, by number.

    Args:
        numbers: of the trials.
        configurations: a number that the trainings of one configuration share, for each trial.
        probabilities: of each trial to diverge.
        n: how many trials at most.
    """
    chosen: dict[int, int] = {}
    for place in np.argsort(np.abs(np.asarray(probabilities) - 0.5), kind="stable"):
        if len(chosen) < n:
            chosen.setdefault(configurations[place], numbers[place])
    return sorted(chosen.values())


def flakiness(trainings: pd.DataFrame, expected: Mapping[int, float]) -> pd.DataFrame:
    """Return how often each configuration diverged with other seeds.

    The first training of a configuration does not count, since it may be why the configuration was looked at.

    Args:
        trainings: `trial` (whose configuration it has), `first` (the status of that trial) and `status`, a row for each
            training with another seed.
        expected: probability of a trial to diverge by a law that knows none of these trainings, where there is one.

    Returns:
        One row for each trial: `trial`, its own `status`, the `expected` probability, the number of other `seeds` whose
        trainings have ended, how many of these `diverged`, the `probability`, and its exact interval of 95 %, `low` to
        `high`; missing values where none has ended.
    """
    import pandas as pd

    rows = []
    for trial in sorted(set(trainings["trial"])):
        group = trainings[trainings["trial"] == trial]
        ended = group[group["status"].isin(("completed", "diverged"))]
        diverged = int((ended["status"] == "diverged").sum())
        share = clopper_pearson(diverged, len(ended)) if len(ended) else Estimate(*[math.nan] * 3)
        own = (trial, group["first"].iloc[0], expected.get(trial, math.nan))
        rows.append((*own, len(ended), diverged, share.value, share.low, share.high))
    return pd.DataFrame(rows, columns=COLUMNS)


def width(law: Law) -> tuple[str, Estimate] | None:
    """Return the number that leads the law, and the factor by which it changes from 10 % to 90 % of divergences.

    With the weight k of its logarithm, that is exp(2 ln 9 / |k|). None where the law has no boundary, or the leading
    number no logarithm.
    """
    if law.boundary is None or law.boundary.lead.scale != "log":
        return None
    lead = law.boundary.lead
    weight = next(each.weight for each in law.effects if each.predictor is lead)
    low, high = sorted((abs(weight.low), abs(weight.high)))
    factors = [math.exp(min(2 * NINE_TO_ONE / each, 700.0)) for each in (abs(weight.value), high, low)]
    return lead.parameter.short_name, Estimate(*factors)


def sentences(table: pd.DataFrame, law: Law | None) -> list[str]:
    """Return what the table says, and how sharp the boundary of a law is that knows all trainings."""
    seeds, diverged = int(table["seeds"].sum()), int(table["diverged"].sum())
    all_diverged = table["diverged"] + (table["status"] == "diverged")
    mixed = int(((all_diverged > 0) & (all_diverged < table["seeds"] + 1)).sum())
    found = [f"{diverged} of {seeds} trainings with other seeds diverged"]
    if mixed:
        words = "with some seeds they diverge, with others not"
        found.append(f"the seed decided about {mixed} of {len(table)} configurations: {words}")
    elif seeds:
        found.append(f"the seed decided about none of {len(table)} configurations: each ended alike with all seeds")
    if law is not None and (found_width := width(law)) is not None:
        name, factor = found_width
        if factor.high > LARGEST:
            size = f"at least {factor.low:.2g} (95 %)"
        else:
            size = f"{factor.value:.2g} (95 %: {factor.low:.2g} to {factor.high:.2g})"
        found.append(f"from 10 % to 90 % of divergences {name} changes by a factor of {size}, all trainings together")
    return found
