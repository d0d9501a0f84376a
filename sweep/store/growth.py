"""Sweeps that grow: trials that are drawn only once others have ended, and why no more are started."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, case, func, select, update

from sweep.records import Trial
from sweep.store.rows import insert_trials, seal_sweep
from sweep.store.schema import sweeps, trials


def add_trials(connection: Connection, sweep_id: int, drawn: Sequence[Trial]) -> bool:
    """Add trials to a sweep, queued; return whether they were added.

    They are not where the sweep has another number of trials than these go on from: another process was quicker.
    """
    longest = max(trial.planned_epochs for trial in drawn)
    counted = select(func.count()).select_from(trials).where(trials.c.sweep_id == sweep_id).scalar_subquery()
    first = drawn[0].number
    this = update(sweeps).where(sweeps.c.id == sweep_id, sweeps.c.trials == first, counted == first)
    values = {"trials": first + len(drawn), "epochs": case((sweeps.c.epochs < longest, longest), else_=sweeps.c.epochs)}
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
