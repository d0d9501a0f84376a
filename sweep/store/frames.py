"""Frames: what the database holds, as pandas tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, FromClause, Integer, Select, select

from sweep.metrics import NATIVE_METRICS
from sweep.metrics import metric as described
from sweep.records import Status
from sweep.store.schema import batches, epochs, parameters, trials

MOST_NAMED = 1_000
"""So many trials are asked for by their numbers; of more, all of their status are read."""
TRIAL_COLUMNS = ["status", "attempt"]
END_COLUMNS = ["seconds", "diverged_epoch", "diverged_step", "diverged_place", "diverged_kind", "error"]


@dataclass(frozen=True, slots=True)
class Which:
    """Some of a sweep's trials."""

    status: Status
    n: int | None = None
    """Only so many of them, the first ones by the metric; None for all."""
    best_first: bool = True


def trials_frame(
    connection: Connection, sweep_id: int, metric: str = "test_accuracy", which: Which | None = None
) -> pd.DataFrame:
    """Return one row for each trial by number, or for `which` of them by rank.

    Columns: trial, status, attempt; the metrics at the trial's best epoch by `metric`, and that `epoch`; `epochs`, the
    last one recorded; seconds; how it diverged or failed; then each parameter under its full name.
    """
    rows = _frame(connection, _trials_query(sweep_id, metric, which))
    rows = rows.astype(dict.fromkeys(["epoch", "epochs", "diverged_epoch", "diverged_step"], "Int64"))
    rows = rows.astype(dict.fromkeys(["status", "diverged_place", "diverged_kind", "error"], "str"))
    measured = [name for name in (*NATIVE_METRICS, "seconds") if name in rows]
    rows = rows.astype(dict.fromkeys(measured, "float64"))
    drawn = _parameters_frame(connection, _drawn_for(sweep_id, which, rows["trial"].tolist()))
    return rows.join(drawn, on="trial").reset_index(drop=True)


def _trials_query(sweep_id: int, metric: str, which: Which | None) -> Select[Any]:
    best, source = _best_epochs(metric)
    head = [trials.c.number.label("trial"), *(trials.c[name] for name in TRIAL_COLUMNS)]
    tail = [trials.c.last_epoch.label("epochs"), *(trials.c[name] for name in END_COLUMNS)]
    query = select(*head, *best.values(), *tail).select_from(source).where(trials.c.sweep_id == sweep_id)
    if which is None:
        return query.order_by(trials.c.number)
    down = which.best_first is (described(metric).direction == "max")
    value, loss = best[metric], best["test_loss"]
    order = [
        value.desc().nulls_last() if down else value.asc().nulls_last(),
        loss.asc().nulls_last() if which.best_first else loss.desc().nulls_last(),
    ]
    return query.where(trials.c.status == which.status).order_by(*order, trials.c.number).limit(which.n)


def _best_epochs(metric: str) -> tuple[dict[str, ColumnElement[Any]], FromClause]:
    """Return the columns of each trial's best epoch, and where they are to be had."""
    if metric == "test_accuracy":  # its best epoch stands with the trial, so the epochs need not be read
        columns = {"test_accuracy": trials.c.best_value, "epoch": trials.c.best_epoch, "test_loss": trials.c.best_loss}
        return {name: column.label(name) for name, column in columns.items()}, trials
    other = epochs.alias()
    value = other.c[metric]
    order = value.desc() if (described(metric).direction == "max") else value.asc()
    # Asked trial by trial, along the primary key: planners that know nothing of the rows find no better way than
    # comparing each trial with each when they are given one list of all best epochs.
    of_trial = select(other.c.epoch).where(other.c.trial_id == trials.c.id).order_by(order, other.c.epoch).limit(1)
    source = trials.outerjoin(
        epochs, (epochs.c.trial_id == trials.c.id) & (epochs.c.epoch == of_trial.scalar_subquery())
    )
    return {name: epochs.c[name] for name in (*NATIVE_METRICS, "epoch")}, source


def _drawn_for(sweep_id: int, which: Which | None, numbers: list[int]) -> ColumnElement[bool]:
    """Return the condition that tells of whose parameters there is need."""
    wanted = trials.c.sweep_id == sweep_id
    if which:
        wanted &= trials.c.number.in_(numbers) if len(numbers) <= MOST_NAMED else trials.c.status == which.status
    return wanted


def _parameters_frame(connection: Connection, wanted: ColumnElement[bool]) -> pd.DataFrame:
    """Return the drawn values: the trials' numbers as index, a column of its own type for each parameter by name."""
    columns_read = (parameters.c.name, parameters.c.type, parameters.c.number, parameters.c.text)
    query = select(trials.c.number.label("trial"), *columns_read).join(trials, trials.c.id == parameters.c.trial_id)
    rows = _frame(connection, query.where(wanted))
    columns: dict[Any, pd.Series[Any]] = {}
    for name, values in rows.set_index("trial").groupby("name"):
        types = set(values["type"])
        if types == {"int"}:
            columns[name] = values["number"].astype("Int64")
        elif types <= {"int", "float"}:
            columns[name] = values["number"].astype("float64")
        elif types == {"bool"}:
            columns[name] = values["number"].astype("boolean")
        else:  # a choice between values of several types
            columns[name] = values["text"].where(values["type"] == "str", values["number"]).astype(object)
    return pd.DataFrame(columns)


def epochs_frame(connection: Connection, sweep_id: int, number: int | None = None) -> pd.DataFrame:
    """Return one row for each epoch of all trials, or of one: trial, epoch, the metrics, seconds."""
    columns = [
        trials.c.number.label("trial"),
        epochs.c.epoch,
        *(epochs.c[name] for name in NATIVE_METRICS),
        epochs.c.seconds,
    ]
    query = (
        select(*columns)
        .join(trials, trials.c.id == epochs.c.trial_id)
        .where(trials.c.sweep_id == sweep_id)
        .order_by(trials.c.number, epochs.c.epoch)
    )
    if number is not None:
        query = query.where(trials.c.number == number)
    return _numbers_frame(connection, query)


def batches_frame(connection: Connection, sweep_id: int, number: int | None = None) -> pd.DataFrame:
    """Return one row for each recorded mini-batch of all trials, or of one: trial, epoch, step, loss."""
    columns = [trials.c.number.label("trial"), batches.c.epoch, batches.c.step, batches.c.loss]
    query = (
        select(*columns)
        .join(trials, trials.c.id == batches.c.trial_id)
        .where(trials.c.sweep_id == sweep_id)
        .order_by(trials.c.number, batches.c.epoch, batches.c.step)
    )
    if number is not None:
        query = query.where(trials.c.number == number)
    return _numbers_frame(connection, query)


def _numbers_frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    """Return the rows of a query for numbers, none of which is missing; of millions of rows, none is kept twice."""
    kinds = [(column.name, int if isinstance(column.type, Integer) else float) for column in query.selected_columns]
    rows = np.fromiter(map(tuple, connection.execute(query)), kinds)
    return pd.DataFrame({name: rows[name] for name, _ in kinds}, copy=False)


def _frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    """Return the rows of a query; missing numbers are NaN."""
    result = connection.execute(query)
    # As tuples, since pandas takes three times as long to look into rows that are none.
    return pd.DataFrame.from_records(map(tuple, result), columns=list(result.keys()), coerce_float=True)
