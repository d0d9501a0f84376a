"""Which trials were best, which were worst, and which diverged.

Everything here takes the frame of a sweep's trials (one row per trial: `trial`, `status`, the metrics at the
best epoch, the divergence columns and one column per searched parameter) and gives a smaller frame, in order,
ready to be shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sweep.errors import UsageError, suggest
from sweep.metrics import NATIVE_METRICS, Objective
from sweep.records import Parameter, Status
from sweep.results.filter import matching


def best(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    metric: str = "test_accuracy",
    n: int | None = 10,
    where: str | None = None,
) -> pd.DataFrame:
    """Return the `n` best completed trials (all of them if None), the best one first.

    Equal metrics are told apart by the lower test loss, and then by the lower trial number; trials without
    the metric come last.

    Args:
        trials: one row per trial; its column `metric` holds each trial's best value.
        parameters: the searched parameters, in the order of their columns.
        metric: one of `metrics.NATIVE_METRICS`; the highest accuracy or the lowest loss is the best.
        n: how many trials, at least 1.
        where: a condition that the trials must satisfy; see `sweep.results.filter`.

    Returns:
        `rank` (from 1), `trial`, the metric, `epoch`, `test_loss`, the parameters by short name, `seconds`.

    Raises:
        UsageError: `metric` is unknown, `n` is below 1, or `where` cannot be used.
    """
    return _ranked(trials, parameters, metric, n, where, best_first=True)


def worst(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    metric: str = "test_accuracy",
    n: int | None = 10,
    where: str | None = None,
) -> pd.DataFrame:
    """Return the `n` worst completed trials (all of them if None), the worst one first, with rank 1.

    The mirror of `best`: equal metrics are told apart by the higher test loss. What is equal in that too
    stays in the order of the trial numbers, and trials without the metric come last here as well: nothing is
    known against them.

    Raises:
        UsageError: `metric` is unknown, `n` is below 1, or `where` cannot be used.
    """
    return _ranked(trials, parameters, metric, n, where, best_first=False)


def diverged(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    n: int | None = None,
    where: str | None = None,
) -> pd.DataFrame:
    """Return the first `n` diverged trials (all of them if None) by trial number, with where each diverged.

    Returns:
        `trial`, `epoch`, `step` (mini-batch within the epoch), `place`, `kind`, the parameters by short name.

    Raises:
        UsageError: `n` is below 1, or `where` cannot be used.
    """
    _check_count(n)
    names = {f"diverged_{part}": part for part in ("epoch", "step", "place", "kind")}
    columns = ["trial", *names, *_short_names(parameters)]
    table = _selected(trials, parameters, "diverged", where).sort_values("trial", ignore_index=True)[:n]
    return table.reindex(columns=columns).rename(columns=names)


def _ranked(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    metric: str,
    n: int | None,
    where: str | None,
    *,
    best_first: bool,
) -> pd.DataFrame:
    _check_count(n)
    if metric not in NATIVE_METRICS:
        raise UsageError(f"there is no metric '{metric}': {suggest(metric, NATIVE_METRICS)}")
    ascending = dict(Objective().by(metric).sort_keys(best_first))
    columns = [*dict.fromkeys(["trial", metric, "epoch", "test_loss"]), *_short_names(parameters), "seconds"]
    completed = _selected(trials, parameters, "completed", where)
    # The keys alone are sorted: moving 100,000 whole rows to show ten of them takes longer than the sorting.
    order = completed[[*ascending]].sort_values([*ascending], ascending=[*ascending.values()], na_position="last")
    # A parameter that no trial has yet has no column in `trials`, but it has one here.
    table = completed.loc[order.index[:n]].reindex(columns=columns).reset_index(drop=True)
    table.insert(0, "rank", range(1, len(table) + 1))
    return table


def _selected(trials: pd.DataFrame, parameters: Sequence[Parameter], status: Status, where: str | None) -> pd.DataFrame:
    rows = trials["status"] == status
    if where is not None:
        # Every trial is asked, whatever its status, so that a mistake in the condition always shows.
        rows &= matching(trials, where, parameters)
    return trials[rows].reset_index(drop=True)


def _short_names(parameters: Sequence[Parameter]) -> list[str]:
    return [parameter.short_name for parameter in parameters]


def _check_count(n: int | None) -> None:
    if n is not None and n < 1:
        raise UsageError(f"the number of trials to show must be at least 1, not {n}")
