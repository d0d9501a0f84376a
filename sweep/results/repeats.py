"""Repeated trainings of the same configuration as one row: their mean, its standard error, and how they ended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sweep.metrics import Objective

OUTCOMES = ("completed", "diverged", "failed")
"""Statuses that are counted for each configuration, each in a column of its name."""


def configurations(
    trials: pd.DataFrame, objective: Objective, repeats: int, metrics: Sequence[str] = ()
) -> pd.DataFrame:
    """Return one row for each configuration of a sweep that trains each several times, in order.

    Args:
        trials: one row for each trial, with `trial`, `status`, `seconds`, the metrics and the parameters; trial n is a
            training of configuration n // `repeats`.
        objective: its metric has a standard error.
        repeats: trainings of each configuration.
        metrics: further columns that are averaged.

    Returns:
        `trial`, the number of the first training; `trials`, all numbers, such as "12–14"; `status`, completed if any
        training is, else diverged if any is, else that of the first; the mean of each metric over the completed
        trainings; `standard_error`, the sample standard deviation of the objective's metric over the square root of
        their number, NaN for fewer than two; `completed`, `diverged` and `failed`, the number of such trainings;
        `seconds`, the mean of the completed ones; and the columns of the parameters.
    """
    ordered = trials.sort_values("trial", ignore_index=True)
    point = (ordered["trial"] // repeats).rename("point")
    groups = ordered.groupby(point, sort=True)
    table = groups.first()  # a group's first value that is not missing: parameters are the same in each
    table["trial"] = groups["trial"].min()
    table.insert(1, "trials", [f"{first}–{first + repeats - 1}" for first in table.index * repeats])
    for status in OUTCOMES:
        table[status] = (ordered["status"] == status).groupby(point).sum().astype("int64")
    table["status"] = np.select(
        [table["completed"] > 0, table["diverged"] > 0], ["completed", "diverged"], table["status"]
    )
    if "tags" in ordered:
        table["tags"] = groups["tags"].agg(_all_tags)
    averaged = [name for name in dict.fromkeys([objective.metric, *metrics, "seconds"]) if name in ordered]
    values = ordered[averaged].astype("float64").where(ordered["status"] == "completed")
    table[averaged] = values.groupby(point).mean()
    table["standard_error"] = values[objective.metric].groupby(point).sem()
    return table.reset_index(drop=True)


def _all_tags(tags: pd.Series[str]) -> str | None:
    """Return the tags of all trainings of a configuration; None where there are none."""
    return ", ".join(sorted({tag for each in tags.dropna() for tag in each.split(", ")})) or None
