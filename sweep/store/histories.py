"""Histories: trials with the curve of one metric, as tools read them that follow a sweep while it runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from sweep.metrics import NATIVE_METRICS
from sweep.records import Scalar, Status, SweepRecord
from sweep.store.connection import Database
from sweep.store.rows import drawn_value, sweep_record
from sweep.store.schema import epochs, parameters, sweeps, trials

MOST_NAMED = 500
"""Up to this many trials are asked for by their ids; of more, all of the sweep are read."""
COLUMNS = (
    *("id", "number", "repeat", "status", "attempt", "started", "finished", "seconds", "error", "finding"),
    *("best_value", "best_epoch", "tie_value", "last_epoch"),
    *("diverged_epoch", "diverged_step", "diverged_place", "diverged_kind"),
)


class Stamp(NamedTuple):
    """What tells whether a trial has changed since it was read."""

    id: int
    number: int
    status: Status
    attempt: int
    last_epoch: int | None


@dataclass(frozen=True, slots=True)
class History:
    """A trial with its drawn values and the curve of a metric."""

    id: int
    """Its row in the database, unique among all sweeps."""
    number: int
    repeat: int
    status: Status
    attempt: int
    started: datetime | None
    """UTC without a zone."""
    finished: datetime | None
    seconds: float | None
    error: str | None
    finding: str | None
    best_value: float | None
    """Value of the sweep's objective at the epoch that stands for it."""
    best_epoch: int | None
    tie_value: float | None
    last_epoch: int | None
    diverged_epoch: int | None
    diverged_step: int | None
    diverged_place: str | None
    diverged_kind: str | None
    parameters: Mapping[str, Scalar]
    """Drawn values by full name."""
    curve: Mapping[int, float]
    """Value of the metric by epoch; empty where it was not asked for."""


def read_sweeps(database: Database, sweep_id: int | None = None) -> list[SweepRecord]:
    """Return all sweeps, newest first, or only that of an id, if there is one."""
    query = select(sweeps).order_by(sweeps.c.id.desc())
    with database.reading() as connection:
        rows = connection.execute(query if sweep_id is None else query.where(sweeps.c.id == sweep_id)).mappings()
        return [sweep_record(row) for row in rows]


def sweep_of(database: Database, trial_id: int) -> int | None:
    """Return the id of the sweep that a trial belongs to; None where there is no such trial."""
    with database.reading() as connection:
        return connection.execute(select(trials.c.sweep_id).where(trials.c.id == trial_id)).scalar()


def read_stamps(database: Database, sweep_id: int) -> list[Stamp]:
    """Return a stamp of each trial of a sweep, by number."""
    columns = [trials.c[name] for name in Stamp._fields]
    query = select(*columns).where(trials.c.sweep_id == sweep_id).order_by(trials.c.number)
    with database.reading() as connection:
        return [Stamp(*row) for row in connection.execute(query)]


def read_histories(
    database: Database, sweep_id: int, metric: str, ids: Collection[int], with_curve: Collection[int]
) -> list[History]:
    """Return some trials of a sweep by number, with the curves of those of them that are asked for.

    Args:
        database: where the sweep is.
        sweep_id: the sweep.
        metric: that of the curves.
        ids: of the trials.
        with_curve: ids of those with curves.
    """
    with database.reading() as connection:
        drawn = _drawn(connection, sweep_id, ids)
        curves = read_curves(connection, sweep_id, metric, with_curve) if with_curve else {}
        query = select(*(trials.c[name] for name in COLUMNS)).where(_which(sweep_id, ids)).order_by(trials.c.number)
        rows = [tuple(row) for row in connection.execute(query)]
    wanted = set(ids)
    return [History(*(*row, drawn.get(row[0], {}), curves.get(row[0], {}))) for row in rows if row[0] in wanted]


def _drawn(connection: Connection, sweep_id: int, ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return the drawn values by full name, by the ids of the trials."""
    drawn: dict[int, dict[str, Any]] = {}
    names = (parameters.c.trial_id, parameters.c.name, parameters.c.type, parameters.c.number, parameters.c.text)
    for trial_id, name, *value in connection.execute(
        select(*names).join(trials, trials.c.id == parameters.c.trial_id).where(_which(sweep_id, ids))
    ):
        drawn.setdefault(trial_id, {})[name] = drawn_value(*value)
    return drawn


def _which(sweep_id: int, ids: Collection[int]) -> ColumnElement[bool]:
    mine = trials.c.sweep_id == sweep_id
    return mine & trials.c.id.in_(ids) if len(ids) <= MOST_NAMED else mine


def read_curves(
    connection: Connection, sweep_id: int, metric: str, ids: Collection[int]
) -> dict[int, dict[int, float]]:
    """Return the values of a metric by epoch, by the ids of the trials.

    A metric without a column is taken from its JSON here, since SQLite does not find names that JSON has escaped.
    """
    is_native = metric in NATIVE_METRICS
    value = epochs.c[metric] if is_native else epochs.c.metrics
    query = select(epochs.c.trial_id, epochs.c.epoch, value).join(trials, trials.c.id == epochs.c.trial_id)
    found: dict[int, dict[int, float]] = {}
    for trial_id, epoch, each in connection.execute(query.where(_which(sweep_id, ids)).order_by(epochs.c.epoch)):
        measured = each if is_native else (each or {}).get(metric)
        if measured is not None:
            found.setdefault(trial_id, {})[epoch] = float(measured)
    wanted = set(ids)
    return {trial_id: curve for trial_id, curve in found.items() if trial_id in wanted}
