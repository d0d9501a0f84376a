"""The distribution of a metric in several sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweep.errors import UsageError
from sweep.metrics import Direction, Objective
from sweep.results.trials import SweepTrials

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def draw_distributions(
    results: SweepTrials, others: Sequence[str | SweepTrials], by: str | None, direction: Direction | None
) -> Figure:
    """Draw the distribution of a metric in a sweep, by default that of its objective, and in others.

    Args:
        results: the sweep that is drawn first.
        others: sweeps, or names of sweeps in the same database.
        by, direction: as of `SweepTrials.ranked_by`.

    Raises:
        UsageError: a sweep is named twice, or does not have the metric in the same direction.
    """
    from sweep.results import plots

    first = results.ranked_by(by, direction)
    trials, repeats = {}, {}
    for each in [results, *others]:
        found = SweepTrials(results.store, results.store.sweep(each)) if isinstance(each, str) else each
        if found.name in trials:
            raise UsageError("a sweep is named twice; name each sweep once")
        trials[found.name], repeats[found.name] = _trials_by(found, first), found.repeats
    return plots.distribution_chart(trials, first, repeats=repeats)


def _trials_by(results: SweepTrials, first: Objective) -> pd.DataFrame:
    """Return the trials of a sweep with the metric of an objective."""
    if first.metric not in results.metrics():
        raise UsageError(f"{results.name} has no metric {first.metric}, so the sweeps cannot be compared by it")
    is_own = first.metric == results.objective.metric
    own = results.objective if is_own else results.ranked_by(first.metric, first.direction)
    if own.direction != first.direction:
        raise UsageError(f"the direction of {first.metric} is {own.direction} in {results.name}, not {first.direction}")
    return results.trials(first.metric, own.direction)
