"""Taking over trainings of an earlier sweep: the same configuration with the same seeds is not trained twice."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from sweep.metrics import Objective
from sweep.records import SweepRecord
from sweep.store.digests import seal
from sweep.store.lifecycle import chosen_values
from sweep.store.rows import read_epochs, upsert_epochs
from sweep.store.schema import batches, trials

SEEDS = ("seed_weights", "seed_shuffling", "seed_dropout")
SAME = (
    *("owner", "started", "finished", "seconds", "log", "last_epoch"),
    *("diverged_epoch", "diverged_step", "diverged_place", "diverged_kind", "finding"),
)
"""Columns that are taken over as they are."""
KEPT_FILES = ("keep_weights", "checkpoint_every", "record_batches")
"""Keys of `training` that change no figure."""


def take_over(connection: Connection, sweep_id: int, source: SweepRecord, objective: Objective) -> int:
    """Take over what an earlier sweep has trained of the queued trials of a sweep; return how many these are.

    Only trainings that have ended are, of as many planned epochs, whose epochs have the metric of the objective. Kept
    weights stay with the earlier sweep.
    """
    ended = trials.c.status.in_(("completed", "diverged"))
    whole = trials.c.forked_from.is_(None)  # one that forks began with another configuration
    earlier = connection.execute(select(trials).where(trials.c.sweep_id == source.id, ended, whole)).mappings().all()
    by_key = {_key(row): row for row in earlier}
    queued = select(trials).where(trials.c.sweep_id == sweep_id, trials.c.status == "queued", trials.c.attempt == 0)
    taken = 0
    for row in connection.execute(queued.order_by(trials.c.number)).mappings().all():
        same = by_key.get(_key(row))
        if same is not None:
            taken += _take(connection, row["id"], same, source, objective)
    return taken


def _key(row: RowMapping) -> str:
    """Return all that decides the figures of a trial, as text."""
    configuration = dict(row["configuration"])
    if "training" in configuration:
        configuration["training"] = {k: v for k, v in configuration["training"].items() if k not in KEPT_FILES}
    return json.dumps([configuration, [row[name] for name in SEEDS], row["planned_epochs"]], sort_keys=True)


def _take(connection: Connection, trial_id: int, row: RowMapping, source: SweepRecord, objective: Objective) -> bool:
    """Copy a training; return whether it has the metric of the objective."""
    found = read_epochs(connection, row["id"])
    if any(objective.metric not in epoch.metrics for epoch in found):
        return False
    chosen, name = objective.choose(found), f"{source.name}/{row['number']}"
    is_same = chosen and (objective.metric, chosen.number) == (source.objective.metric, row["best_epoch"])
    values: dict[str, Any] = {"status": row["status"], "attempt": 1, "target_epochs": None, "taken_from": name}
    values |= {column: row[column] for column in SAME}
    values |= chosen_values(chosen, objective, row["correct"] if is_same else None)
    connection.execute(update(trials).where(trials.c.id == trial_id).values(values))
    upsert_epochs(connection, trial_id, found)
    losses = connection.execute(select(batches).where(batches.c.trial_id == row["id"])).mappings()
    if copied := [{**loss, "trial_id": trial_id} for loss in losses]:
        connection.execute(insert(batches), copied)
    seal(connection, trial_id)
    return True
