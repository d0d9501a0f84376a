"""How many epochs each trial of a sweep has had, and how long they took."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sweep.records import ENDED, Status
from sweep.store.schema import epochs, trials


@dataclass(frozen=True, slots=True)
class TrialPace:
    """What tells how fast a trial was trained."""

    number: int
    status: Status
    planned: int
    """Epochs after which it is completed."""
    epochs: int
    """Epochs that it has had."""
    seconds: float
    """Time of these epochs."""
    overhead: float | None
    """Time besides that of its epochs, where it has ended at the first attempt."""
    multiplications: int | None
    """Multiplications of its network for one sample."""
    trial_id: int


def read_paces(connection: Connection, sweep_id: int) -> list[TrialPace]:
    """Return the pace of each trial of a sweep, by number."""
    had = (
        select(epochs.c.trial_id, func.count().label("epochs"), func.sum(epochs.c.seconds).label("seconds"))
        .join(trials, trials.c.id == epochs.c.trial_id)
        .where(trials.c.sweep_id == sweep_id, epochs.c.epoch > 0)
        .group_by(epochs.c.trial_id)
        .subquery()
    )
    columns = (trials.c.id, trials.c.number, trials.c.status, trials.c.planned_epochs, had.c.epochs, had.c.seconds)
    others = (trials.c.seconds, trials.c.attempt, trials.c.multiplications)
    query = select(*columns, *others).outerjoin(had, had.c.trial_id == trials.c.id).where(trials.c.sweep_id == sweep_id)
    found = []
    for trial_id, number, status, planned, count, seconds, whole, attempt, size in connection.execute(
        query.order_by(trials.c.number)
    ):
        is_first = status in ENDED and attempt == 1 and whole is not None and seconds is not None
        overhead = max(0.0, whole - seconds) if is_first else None
        found.append(TrialPace(number, status, planned, count or 0, seconds or 0.0, overhead, size, trial_id))
    return found
