"""Tables of the best, the worst and the diverged trials.

Every function takes the frame of a sweep's trials (one row for each: `trial`, `status`, the metrics at the epoch that
stands for the trial, the columns of the divergence, one column for each parameter) and returns a smaller frame, in
order, ready to be shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from sweep.errors import UsageError
from sweep.metrics import Objective, metric
from sweep.records import DecisionRecord, Parameter

DEFAULT = Objective()
"""What sweeps of our own networks without a validation part are ranked by."""


def counterpart(objective: Objective) -> str | None:
    """Return the metric of the test part that is shown beside a metric of the validation part; None for others.

    >>> counterpart(Objective("validation_accuracy", tie_break="validation_loss"))
    'test_accuracy'
    """
    described = metric(objective.metric)
    return f"test_{objective.metric.partition('_')[2]}" if described.part == "validation" else None


def caption(objective: Objective, repeats: int = 1, best_first: bool = True) -> str:
    """Return one or two lines that say what a table is ranked by, and what to keep in mind when reading it."""
    subject = f"the mean {objective.metric} of {repeats} repeats" if repeats > 1 else objective.metric
    first = f"ranked by {subject}, each trial at its {objective.epoch} epoch"
    described = metric(objective.metric)
    if described.part == "validation":
        return f"{first}; {counterpart(objective)} is that of the same epoch"
    if described.part == "test" and best_first:
        return f"{first}\nthe best of many trials is in part the luckiest: expect somewhat worse on new data"
    return first


def best(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    objective: Objective = DEFAULT,
    n: int | None = 10,
    where: str | None = None,
    *,
    repeats: int = 1,
) -> pd.DataFrame:
    """Return the `n` best completed trials (all of them if None), the best one first.

    The order is that of the objective; trials without its metric come last. With repeats the configurations are
    ranked by their mean over the completed trainings, and a configuration without any is not in the table.

    Args:
        trials: one row for each trial; the columns of the metrics hold their values at the trial's chosen epoch.
        parameters: the searched parameters, in the order of their columns.
        objective: the metric to rank by, its direction and its tie-break.
        n: number of rows, at least 1.
        where: a condition that the rows must satisfy; see `sweep.results.filter`. With repeats it is asked of the
            configurations, with the means as the values of the metrics.
        repeats: trainings of each configuration.

    Returns:
        `rank` (from 1), `trial`, the metric, `epoch`, the tie-break, the metric of the test part if the metric is of
        the validation part, the parameters by short name, `seconds`. With repeats `rank`, `trials` such as "12–14",
        the mean of the metric, `standard_error`, the means of the other metrics, the number of trainings that
        `completed`, `diverged` and `failed`, the parameters, and the mean `seconds`.

    Raises:
        UsageError: `n` is below 1, or `where` cannot be used.
    """
    return _ranked(trials, parameters, objective, n, where, repeats, best_first=True)


def worst(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    objective: Objective = DEFAULT,
    n: int | None = 10,
    where: str | None = None,
    *,
    repeats: int = 1,
) -> pd.DataFrame:
    """Return the `n` worst completed trials (all of them if None), the worst one first, with rank 1.

    The order is the reverse of that of `best`, but equal trials stay in the order of their numbers and those without
    the metric come last here as well. `finding` says which of them never learned, in short, if any of them did not.

    Raises:
        UsageError: `n` is below 1, or `where` cannot be used.
    """
    return _ranked(trials, parameters, objective, n, where, repeats, best_first=False)


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
    check_count(n)
    names = {f"diverged_{part}": part for part in ("epoch", "step", "place", "kind")}
    rows = _selected(trials, trials["status"] == "diverged", parameters, where)
    columns = ["trial", *names, *_held(rows, "tags"), *_short_names(parameters)]
    table = rows.sort_values("trial", ignore_index=True)[:n]
    return table.reindex(columns=columns).rename(columns=names)


def pruned(
    trials: pd.DataFrame,
    decisions: Mapping[int, DecisionRecord],
    parameters: Sequence[Parameter],
    objective: Objective = DEFAULT,
    n: int | None = None,
    where: str | None = None,
) -> pd.DataFrame:
    """Return the first `n` trials that were stopped early (all of them if None) by trial number, with why.

    Args:
        decisions: by trial number, as far as they are kept.

    Returns:
        `trial`, `epochs`, the metric at its chosen epoch, `rule`, `threshold` (that the rule compared with), the
        parameters by short name.

    Raises:
        UsageError: `n` is below 1, or `where` cannot be used.
    """
    check_count(n)
    rows = _selected(trials, trials["status"] == "pruned", parameters, where)
    rows = rows.sort_values("trial", ignore_index=True)[:n].copy()
    made = [decisions.get(number) for number in rows["trial"]]
    rows["rule"] = pd.Series([each.rule if each else None for each in made], rows.index, dtype=object)
    rows["threshold"] = pd.Series([each.threshold if each else None for each in made], rows.index, dtype="float64")
    columns = [
        "trial",
        "epochs",
        objective.metric,
        "rule",
        "threshold",
        *_held(rows, "tags"),
        *_short_names(parameters),
    ]
    return rows.reindex(columns=columns)


def _ranked(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    objective: Objective,
    n: int | None,
    where: str | None,
    repeats: int,
    *,
    best_first: bool,
) -> pd.DataFrame:
    check_count(n)
    others = [name for name in (objective.tie_break, counterpart(objective)) if name]
    if repeats > 1:
        from sweep.results.repeats import OUTCOMES, configurations

        trials = configurations(trials, objective, repeats, others)
        shown = ["trials", objective.metric, "standard_error", *others, *OUTCOMES]
    else:
        shown = ["trial", objective.metric, "epoch", *others]
    completed = _selected(trials, trials["status"] == "completed", parameters, where)
    rows = completed.loc[ranking(completed, objective, best_first)[:n]]
    found, shown = _held(rows, "finding"), [*shown, *_held(rows, "tags")]
    columns = [*dict.fromkeys(shown), *_short_names(parameters), "seconds"]
    # Of the worst it says more than any parameter; of the best, what few of them have.
    columns = [*columns, *found] if best_first else [*shown, *found, *columns[len(dict.fromkeys(shown)) :]]
    # A parameter that no trial has yet has no column in `trials`, but it has one here.
    table = rows.reindex(columns=columns).reset_index(drop=True)
    table.insert(0, "rank", range(1, len(table) + 1))
    return table


def ranked_as_completed(trials: pd.DataFrame) -> pd.DataFrame:
    """Return trials of which those count as completed that rank by an earlier, shorter training."""
    has_earlier = trials["ranked_epochs"].notna()
    return trials.assign(status=trials["status"].mask(has_earlier, "completed")) if has_earlier.any() else trials


def ranking(trials: pd.DataFrame, objective: Objective, best_first: bool = True) -> pd.Index[int]:
    """Return the index of a frame of trials in the order of an objective, trials without its metric last."""
    keys = [key for key in objective.sort_keys(best_first) if key.column in trials or key.column != objective.tie_break]
    ascending = {key.column: key.ascending for key in keys}
    # The keys alone are sorted: moving 100,000 whole rows to show ten of them takes longer than the sorting.
    ordered = trials[[*ascending]].sort_values([*ascending], ascending=[*ascending.values()], na_position="last")
    return ordered.index


def _selected(
    trials: pd.DataFrame, rows: pd.Series[bool], parameters: Sequence[Parameter], where: str | None
) -> pd.DataFrame:
    if where is not None:
        from sweep.results.filter import matching

        # Every row is asked, whatever its status, so that a mistake in the condition always shows.
        rows = rows & matching(trials, where, parameters)
    return trials[rows].reset_index(drop=True)


def _held(rows: pd.DataFrame, column: str) -> list[str]:
    """Return a column if any row has a value in it."""
    return [column] if column in rows and rows[column].notna().any() else []


def _short_names(parameters: Sequence[Parameter]) -> list[str]:
    return [parameter.short_name for parameter in parameters]


def check_count(n: int | None) -> None:
    """Raise UsageError for a number of rows below 1."""
    if n is not None and n < 1:
        raise UsageError(f"the number of trials to show must be at least 1, not {n}")
