"""Whether the first two differ by more than two trainings of one configuration with other seeds."""

from __future__ import annotations

import math

import pandas as pd

from sweep.analysis.review.base import CERTAINTY, Verdict, unknown
from sweep.analysis.review.tables import SweepTables, selected_jitter
from sweep.analysis.wording import number

NAME = "gap smaller than seed noise"
FINE = "gap larger than seed noise"
BEST = 10
"""Configurations with repeats whose deviations are pooled: noise differs over the space, so only the best count."""
FEWEST = 2
"""Fewest degrees of freedom of the pooled deviation."""
FEWEST_EPOCHS = 10
"""Fewest epochs whose jitter counts: in the first ones a curve bends of itself."""


def judge(tables: SweepTables) -> Verdict:
    """Check whether the gap of the first two exceeds the quantile of differences that seeds make.

    Student's t with the pooled variance of trainings with other seeds: repeats, or trainings in other sweeps. Without
    any, jitter from epoch to epoch is a lower bound of that noise: it may show that the gap is too small, but not that
    it is large enough.
    """
    from scipy.stats import t

    variance, freedom, source = _variance(tables)
    if freedom < FEWEST:
        return _by_jitter(tables)
    noise = float(t.ppf(1 - CERTAINTY, freedom)) * math.sqrt(2 * variance / tables.trainings)
    evidence = f"seeds alone explain {number(noise)} (95 %, from {source})"
    if tables.gap > noise:
        return Verdict(NAME, True, tables.gap, f"{tables.lead}; {evidence}")
    return Verdict(NAME, False, tables.gap, f"{tables.lead}; {evidence}", _advice(tables))


def _advice(tables: SweepTables) -> str:
    if len(tables.again):
        return f"do not choose by this rank, but by the trainings with other seeds: `sweep finalists {tables.name}`"
    return f"do not choose by this rank; train the best again with more seeds: `sweep finalists {tables.name}`"


def _variance(tables: SweepTables) -> tuple[float, int, str]:
    """Return the pooled variance of one training, its degrees of freedom, and where it is from."""
    if tables.trainings > 1:
        rows = tables.ranked[:BEST]
        weights = (rows["completed"] - 1).where(rows["deviation"].notna(), 0).clip(lower=0)
        source = f"{tables.trainings} repeats"
        squares = float((weights * rows["deviation"].fillna(0) ** 2).sum())
        freedom = int(weights.sum())
    else:
        groups = tables.again.groupby("trial")["value"]
        squares = float(((tables.again["value"] - groups.transform("mean")) ** 2).sum())
        freedom = len(tables.again) - len(pd.unique(tables.again["trial"]))
        source = f"{len(tables.again)} trainings with other seeds"
    return (squares / freedom if freedom else 0.0), freedom, source


def _by_jitter(tables: SweepTables) -> Verdict:
    """Return the verdict by jitter alone."""
    from scipy.stats import norm

    bound = float(norm.ppf(1 - CERTAINTY)) * math.sqrt(2) * selected_jitter(tables)
    if tables.gap < bound and tables.best_curves.shape[1] >= FEWEST_EPOCHS:
        evidence = f"{tables.lead}; jitter from epoch to epoch alone, a part of seed noise, explains {number(bound)}"
        return Verdict(NAME, False, tables.gap, evidence, _advice(tables))
    return unknown(
        NAME,
        f"{tables.lead}, and no configuration was trained with other seeds",
        f"train the best again: `sweep finalists {tables.name}`",
    )
