"""Sweeps that grow: trials that are drawn only once others have ended, and why no more are started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select, update

from sweep.records import Scalar, Trial
from sweep.store.rows import drawn_value, insert_trials, seal_sweep
from sweep.store.schema import parameters, sweeps, trials


def add_trials(
    connection: Connection, sweep_id: int, drawn: Sequence[Trial], datasets: Sequence[Mapping[str, Any]]
) -> bool:
    """Add trials to a sweep, queued, and set its data sets; return whether they were added.

    They are not where the sweep has another number of trials than these go on from: another process was quicker.
    """
    longest = max(trial.planned_epochs for trial in drawn)
    counted = select(func.count()).select_from(trials).where(trials.c.sweep_id == sweep_id).scalar_subquery()
    first = drawn[0].number
    this = update(sweeps).where(sweeps.c.id == sweep_id, sweeps.c.trials == first, counted == first)
    values = {"trials": first + len(drawn), "datasets": list(datasets)}
    values["epochs"] = case((sweeps.c.epochs < longest, longest), else_=sweeps.c.epochs)
    if not connection.execute(this.values(values)).rowcount:
        return False
    insert_trials(connection, sweep_id, drawn)
    seal_sweep(connection, sweep_id)
    return True


def plan_trials(connection: Connection, sweep_id: int, total: int | None) -> None:
    """Record how many trials a sweep has in all, once all are drawn."""
    connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(planned_trials=total))
    seal_sweep(connection, sweep_id)


def record_end(connection: Connection, sweep_id: int, reason: str | None) -> None:
    """Record why no more trials were started; None where some may be."""
    connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(ended=reason))
    seal_sweep(connection, sweep_id)


def read_parameters(connection: Connection, sweep_id: int, first: int) -> dict[int, dict[str, Scalar]]:
    """Return the drawn values of each trial from a number on, by number and full name; none of a trial without any."""
    columns = (trials.c.number, parameters.c.name, parameters.c.type, parameters.c.number, parameters.c.text)
    query = select(*columns).outerjoin(parameters, trials.c.id == parameters.c.trial_id)
    found: dict[int, dict[str, Any]] = {}
    for number, name, *value in connection.execute(
        query.where(trials.c.sweep_id == sweep_id, trials.c.number >= first)
    ):
        own = found.setdefault(number, {})
        if name is not None:
            own[name] = drawn_value(*value)
    return found


def epochs_begun(connection: Connection, sweep_id: int) -> int:
    """Return the epochs of all trials of a sweep that are trained, and that those being trained are to have."""
    to_have = func.coalesce(trials.c.target_epochs, trials.c.planned_epochs)
    each = case((trials.c.status == "running", to_have), else_=func.coalesce(trials.c.last_epoch, 0))
    return int(connection.execute(select(func.sum(each)).where(trials.c.sweep_id == sweep_id)).scalar() or 0)
