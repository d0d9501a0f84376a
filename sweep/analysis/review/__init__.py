"""Twelve verdicts on a sweep, each with its figure, its evidence and what to do next.

A further one is a module with the names `NAME` and `FINE` and a function of the type `Judge`, and an entry in
`_MODULES`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sweep.analysis.review import (
    boundary,
    casualties,
    categories,
    early_stopping,
    epoch_jitter,
    example_noise,
    good_region,
    improving,
    learning_rate,
    overfitting,
    saturated,
    seed_noise,
)
from sweep.analysis.review.base import Judge, Verdict, unknown
from sweep.analysis.review.tables import SweepTables, examples_of

__all__ = ["FINE", "JUDGES", "MARKS", "Judge", "SweepTables", "Verdict", "examples_of", "frame", "review", "worded"]

_MODULES = (
    boundary,
    good_region,
    overfitting,
    improving,
    saturated,
    epoch_jitter,
    learning_rate,
    casualties,
    seed_noise,
    example_noise,
    categories,
    early_stopping,
)
JUDGES: dict[str, Judge] = {module.NAME: module.judge for module in _MODULES}
"""Name of each verdict, a fault -> what reaches it, in the order in which they are shown."""
FINE: dict[str, str] = {module.NAME: module.FINE for module in _MODULES}
"""Name of each verdict -> what is said where it is passed, that is, where there is no such fault."""
MARKS: dict[bool | None, str] = {True: "✓", False: "!", None: "–"}
"""How a verdict is shown: all is well, something is wrong, it cannot be judged."""
FEWEST = 2
"""Completed configurations without which there is nothing to compare."""


def review(tables: SweepTables) -> list[Verdict]:
    """Return all verdicts on a sweep."""
    completed = len(tables.ranked)
    if completed < FEWEST:
        reason = "only one configuration has completed" if completed else "no configuration has completed yet"
        return [unknown(name, reason) for name in JUDGES]
    return [judge(tables) for judge in JUDGES.values()]


def worded(verdict: Verdict) -> str:
    """Return a verdict in words: the fault, or that there is no such fault."""
    return FINE[verdict.name] if verdict.passed else verdict.name


def frame(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Return verdicts as a table.

    Columns: `verdict` in words, `passed` (missing where it cannot be judged), `figure`, `evidence`, `advice`, and the
    name of the `fault` that was looked for.
    """
    return pd.DataFrame(
        {
            "verdict": [worded(each) for each in verdicts],
            "passed": pd.array([each.passed for each in verdicts], dtype="boolean"),
            "figure": pd.Series([each.figure for each in verdicts], dtype="float64"),
            "evidence": [each.evidence for each in verdicts],
            "advice": [each.advice for each in verdicts],
            "fault": [each.name for each in verdicts],
        }
    )
