"""Trials that begin where another one was: its epochs are theirs, and a checkpoint is where they go on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from sweep.metrics import Objective
from sweep.records import BatchLosses, Epoch, SweepRecord, Trial, Weights
from sweep.store.digests import seal
from sweep.store.growth import add_trials
from sweep.store.lifecycle import chosen_values
from sweep.store.rows import file_columns, insert_sweep, upsert_batches, upsert_epochs
from sweep.store.schema import sweeps, trials


@dataclass(frozen=True, slots=True)
class Start:
    """Where a trial goes on from, before it was ever claimed."""

    checkpoint: Weights
    epochs: Sequence[Epoch]
    """Up to that of the checkpoint."""
    losses: Sequence[BatchLosses] = ()
    """Of their mini-batches, as far as they are recorded."""
    correct: bytes | None = None
    """Which examples are right at that of the epochs which stands for it, where that is known."""


def add_twins(
    connection: Connection,
    record: SweepRecord,
    drawn: Sequence[Trial],
    starts: Mapping[int, Start],
    datasets: Sequence[Mapping[str, Any]],
) -> bool:
    """Add trials to a sweep, queued, with the epochs that some of them have already; make the sweep if it is new.

    Returns whether they were added; they are not where another process was quicker.

    Args:
        record: the sweep; its id is 0 where it is new.
        drawn: the trials, whose numbers follow those that it has.
        starts: by number, of those that do not begin at the beginning.
        datasets: all data sets of the sweep.
    """
    taken = connection.execute(select(sweeps.c.id).where(sweeps.c.name == record.name)).scalar()
    if (taken or 0) != record.id:
        return False
    if record.id == 0:
        sweep_id = insert_sweep(connection, record, drawn)
    elif add_trials(connection, record.id, drawn, datasets):
        sweep_id = record.id
    else:
        return False
    for number, start in starts.items():
        _begin(connection, sweep_id, number, start, record.objective)
    return True


def _begin(connection: Connection, sweep_id: int, number: int, start: Start, objective: Objective) -> None:
    """Store what a queued trial has before its first attempt, which so counts as its second."""
    values = {"attempt": 1, "last_epoch": start.epochs[-1].number} | file_columns("checkpoint", start.checkpoint)
    values |= chosen_values(objective.choose(start.epochs), objective, start.correct)
    this = update(trials).where(trials.c.sweep_id == sweep_id, trials.c.number == number)
    trial_id: int = connection.execute(this.values(values).returning(trials.c.id)).scalar_one()
    upsert_epochs(connection, trial_id, start.epochs)
    upsert_batches(connection, trial_id, start.losses)
    seal(connection, trial_id)
