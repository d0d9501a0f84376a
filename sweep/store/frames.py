"""Frames: what the database holds, as pandas tables."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, func, select

from sweep.records import METRICS, Metric, higher_is_better
from sweep.store.schema import batches, epochs, parameters, trials

TRIAL_COLUMNS = ["status", "attempt"]
END_COLUMNS = ["seconds", "diverged_epoch", "diverged_step", "diverged_place", "diverged_kind", "error"]


def trials_frame(connection: Connection, sweep_id: int, metric: Metric = "test_accuracy") -> pd.DataFrame:
    """Return one row for each trial, in order.

    Columns: trial, status, attempt; the metrics at the trial's best epoch by `metric`, and that `epoch`; `epochs`, the
    last one recorded; seconds; how it diverged or failed; then each parameter under its full name.
    """
    rows = pd.DataFrame(connection.execute(_trials_query(sweep_id, metric)).mappings().all())
    rows = rows.astype(dict.fromkeys(["epoch", "epochs", "diverged_epoch", "diverged_step"], "Int64"))
    rows = rows.astype(dict.fromkeys(["status", "diverged_place", "diverged_kind", "error"], "str"))
    measured = [name for name in (*METRICS, "seconds") if name in rows]
    rows = rows.astype(dict.fromkeys(measured, "float64"))
    drawn = _parameters_frame(connection, sweep_id)
    return rows.join(drawn, on="trial").reset_index(drop=True)


def _trials_query(sweep_id: int, metric: Metric) -> Select[Any]:
    head = [trials.c.number.label("trial"), *(trials.c[name] for name in TRIAL_COLUMNS)]
    tail = [trials.c.last_epoch.label("epochs"), *(trials.c[name] for name in END_COLUMNS)]
    mine = trials.c.sweep_id == sweep_id
    if metric == "test_accuracy":  # its best epoch stands with the trial, so the epochs need not be read
        best: list[ColumnElement[Any]] = [
            trials.c.best_value.label("test_accuracy"),
            trials.c.best_epoch.label("epoch"),
            trials.c.best_loss.label("test_loss"),
        ]
        return select(*head, *best, *tail).where(mine).order_by(trials.c.number)
    value = epochs.c[metric]
    order = value.desc() if higher_is_better(metric) else value.asc()
    ranked = (
        select(
            epochs, func.row_number().over(partition_by=epochs.c.trial_id, order_by=[order, epochs.c.epoch]).label("n")
        )
        .join(trials, trials.c.id == epochs.c.trial_id)
        .where(mine)
        .subquery()
    )
    join = trials.outerjoin(ranked, (ranked.c.trial_id == trials.c.id) & (ranked.c.n == 1))
    best = [ranked.c[name] for name in (*METRICS, "epoch")]
    return select(*head, *best, *tail).select_from(join).where(mine).order_by(trials.c.number)


def _parameters_frame(connection: Connection, sweep_id: int) -> pd.DataFrame:
    """Return the drawn values: the trials' numbers as index, a column of its own type for each parameter by name."""
    query = (
        select(trials.c.number, parameters.c.name, parameters.c.type, parameters.c.number, parameters.c.text)
        .join(trials, trials.c.id == parameters.c.trial_id)
        .where(trials.c.sweep_id == sweep_id)
    )
    rows = pd.DataFrame(connection.execute(query).all(), columns=["trial", "name", "type", "number", "text"])
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
    columns = [trials.c.number.label("trial"), epochs.c.epoch, *(epochs.c[name] for name in METRICS), epochs.c.seconds]
    query = (
        select(*columns)
        .join(trials, trials.c.id == epochs.c.trial_id)
        .where(trials.c.sweep_id == sweep_id)
        .order_by(trials.c.number, epochs.c.epoch)
    )
    if number is not None:
        query = query.where(trials.c.number == number)
    result = connection.execute(query)
    return pd.DataFrame(result.all(), columns=list(result.keys()))


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
    result = connection.execute(query)
    return pd.DataFrame(result.all(), columns=list(result.keys()))
