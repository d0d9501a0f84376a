"""Storing a sweep whose trials have ended elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from sweep.metrics import Objective
from sweep.records import Divergence, Epoch, Status, SweepRecord, Trial
from sweep.store.digests import seal_all
from sweep.store.lifecycle import chosen_values
from sweep.store.rows import insert_sweep, upsert_epochs
from sweep.store.schema import trials

MOST = 2**31 - 1
"""The largest number of a trial, an epoch or a step that every database can store."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a trial has ended, and what was measured."""

    status: Status
    epochs: Sequence[Epoch] = ()
    """In order."""
    chosen: Epoch | None = None
    """The epoch that stands for it; None for that which the objective chooses."""
    started: datetime | None = None
    """UTC without a zone."""
    finished: datetime | None = None
    seconds: float | None = None
    error: str | None = None
    finding: str | None = None
    divergence: Divergence | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Further columns of its row."""


def add_ended(connection: Connection, record: SweepRecord, drawn: Sequence[Trial], ended: Sequence[Ended]) -> int:
    """Insert a sweep with trials that have ended; return its id."""
    sweep_id = insert_sweep(connection, record, drawn)
    query = select(trials.c.id).where(trials.c.sweep_id == sweep_id).order_by(trials.c.number)
    ids = connection.execute(query).scalars().all()
    for trial_id, each in zip(ids, ended, strict=True):
        connection.execute(update(trials).where(trials.c.id == trial_id).values(_values(each, record.objective)))
        upsert_epochs(connection, trial_id, each.epochs)
    seal_all(connection, trials.c.sweep_id == sweep_id)
    return sweep_id


def _values(ended: Ended, objective: Objective) -> dict[str, Any]:
    """Return the columns of the row of an ended trial."""
    chosen = ended.chosen or objective.choose(each for each in ended.epochs if objective.metric in each.metrics)
    same = ("status", "started", "finished", "seconds", "error", "finding")
    values = {name: getattr(ended, name) for name in same} | {"attempt": 1, **ended.columns}
    values |= chosen_values(chosen, objective, None)
    last = max((epoch.number for epoch in ended.epochs), default=None)
    values["last_epoch"] = last
    if ended.divergence:
        values |= {f"diverged_{key}": getattr(ended.divergence, key) for key in ("epoch", "step", "place", "kind")}
    return values
