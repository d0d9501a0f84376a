"""A trial's life: queued, claimed, recorded, ended; each function is one transaction's work.

Whoever trains a trial holds a claim on one attempt at it. Every write names that attempt in its own statement, so that
a worker that was thought dead, and has been overtaken, writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, case, delete, func, insert, select, update

from sweep.errors import StaleAttempt, SweepError
from sweep.metrics import Objective
from sweep.records import BatchLosses, Divergence, Epoch, Status, Trial, Weights
from sweep.store.digests import seal, seal_drawn, sweep_digest
from sweep.store.rows import parameter_row, read_epochs, trial_row, upsert_batches, upsert_epochs
from sweep.store.schema import batches, epochs, parameters, sweeps, trials

DEATHS = 3
"""So many times a trial may end its worker process."""

MOST_ATTEMPTS = 1_000_000
"""No trial is started that often: a larger number is a damaged one."""

LEFT_BY_AN_ATTEMPT = (
    *("finished", "seconds", "error", "traceback", "best_value", "best_epoch", "best_loss", "last_epoch", "digest"),
    *("diverged_epoch", "diverged_step", "diverged_place", "diverged_kind"),
)
"""Columns of a trial that the next attempt starts without."""

# The statements of each trial are made once: making one takes longer than its execution.

THIS = and_(trials.c.sweep_id == bindparam("sweep"), trials.c.number == bindparam("trial"))
START = {"status": "running", "attempt": trials.c.attempt + 1} | dict.fromkeys(LEFT_BY_AN_ATTEMPT)
TAKE = update(trials).where(THIS, trials.c.status == "queued").values(START).returning(*trials.c)
TAKEN = select(trials).where(THIS, trials.c.status == "running", trials.c.owner == bindparam("by"))

OWN = and_(trials.c.id == bindparam("this"), trials.c.attempt == bindparam("held"))
CHANGE = update(trials).where(OWN, trials.c.status == "running")
ENDED = select(trials.c.id).where(OWN, trials.c.status == bindparam("ending"))

IsLost = Callable[[str, float], bool]
"""(owner, seconds since it last wrote) -> whether a trial has lost it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write one attempt at one trial, until a later attempt is claimed."""

    trial_id: int
    attempt: int
    number: int
    configuration: dict[str, Any]
    seeds: tuple[int, int, int]
    weights: Weights | None = None
    """The kept weights of an earlier attempt."""
    checkpoint: Weights | None = None
    """The checkpoint of an earlier attempt, if it has not come to its end."""
    epochs: tuple[Epoch, ...] = ()
    """What is recorded up to the file to go on from."""

    @property
    def start(self) -> Weights | None:
        """The file to go on from."""
        return self.checkpoint or self.weights


@dataclass(frozen=True, slots=True)
class Held:
    """By whom a trial is being trained."""

    owner: str
    silent_seconds: float
    """Since its owner was last heard of."""
    seconds: float
    """Since this attempt began."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a trial ended."""

    status: Status
    seconds: float
    weights: Weights | None = None
    divergence: Divergence | None = None
    error: str | None = None
    traceback: str | None = None


def claim(connection: Connection, sweep_id: int, number: int, owner: str, now: datetime) -> Claim | None:
    """Take a queued trial; None where another was quicker.

    What an earlier attempt has left is cleared away, but for the epochs up to that of the file to go on from.
    """
    this = {"sweep": sweep_id, "trial": number}
    row = connection.execute(TAKE, {**this, "owner": owner, "started": now, "heartbeat": now}).mappings().first()
    if row is None:  # it may be granted already, and the answer was lost with the connection
        row = connection.execute(TAKEN, {**this, "by": owner}).mappings().first()
    if row is None:
        return None
    weights, checkpoint = (_weights(row, name) for name in ("weights", "checkpoint"))
    start = checkpoint or weights
    is_first = row["attempt"] == 1
    kept = () if is_first else _clear_after(connection, row["id"], start.epoch if start else -1)
    seeds = (row["seed_weights"], row["seed_shuffling"], row["seed_dropout"])
    return Claim(row["id"], row["attempt"], number, row["configuration"], seeds, weights, checkpoint, kept)


def _weights(row: RowMapping, name: str) -> Weights | None:
    return Weights(row[name], row[f"{name}_epoch"]) if row[name] else None


def _clear_after(connection: Connection, trial_id: int, epoch: int) -> tuple[Epoch, ...]:
    """Delete what is recorded of a trial after an epoch; return what is left, which its row then tells of."""
    for table in (epochs, batches):
        connection.execute(delete(table).where(table.c.trial_id == trial_id, table.c.epoch > epoch))
    kept = read_epochs(connection, trial_id)
    if kept:
        best = Objective().choose(kept)
        connection.execute(update(trials).where(trials.c.id == trial_id).values(**_summary(kept, best)))
    return kept


def beat(connection: Connection, held: Claim, now: datetime) -> bool:
    """Say that a trial is still being trained; return whether it still belongs to this attempt."""
    return _change(connection, held, {"heartbeat": now})


def record(
    connection: Connection,
    held: Claim,
    new: Sequence[Epoch],
    best: Epoch | None,
    losses: Sequence[BatchLosses],
    **values: Any,
) -> None:
    """Store epochs of a running trial, its best one so far, losses of mini-batches, and `values` of its row.

    Raises:
        StaleAttempt: when the trial belongs to a later attempt; nothing is written then.
    """
    if not _change(connection, held, values | _summary(new, best)):
        raise StaleAttempt(f"trial {held.number} has been taken over by a later attempt")
    if new:
        upsert_epochs(connection, held.trial_id, new)
    upsert_batches(connection, held.trial_id, losses)


def finish(
    connection: Connection,
    held: Claim,
    ending: Ending,
    new: Sequence[Epoch],
    best: Epoch | None,
    losses: Sequence[BatchLosses],
    now: datetime,
) -> None:
    """Store the last epochs of a trial and how it ended; see `record`."""
    values: dict[str, Any] = {"status": ending.status, "heartbeat": now, "finished": now, "seconds": ending.seconds}
    values |= {"error": ending.error, "traceback": ending.traceback}
    if ending.weights:
        values |= {"weights": ending.weights.file, "weights_epoch": ending.weights.epoch}
    if ending.divergence:
        values |= {f"diverged_{key}": getattr(ending.divergence, key) for key in ("epoch", "step", "place", "kind")}
    if ending.status != "interrupted":
        values |= {"checkpoint": None, "checkpoint_epoch": None}
    try:
        record(connection, held, new, best, losses, **values)
    except StaleAttempt:
        if _has_ended(connection, held, ending.status):
            return  # it was stored before, and the answer was lost with the connection
        raise
    seal(connection, held.trial_id)


def held(connection: Connection, sweep_id: int, now: datetime) -> dict[int, Held]:
    """Return by whom each running trial is held, by its number."""
    running = and_(trials.c.sweep_id == sweep_id, trials.c.status == "running")
    columns = (trials.c.number, trials.c.owner, trials.c.heartbeat, trials.c.started)
    return {
        row.number: Held(row.owner, seconds_between(row.heartbeat, now), seconds_between(row.started, now))
        for row in connection.execute(select(*columns).where(running))
    }


def requeue(connection: Connection, sweep_id: int, is_lost: IsLost, now: datetime, interrupted: bool = True) -> int:
    """Queue again the trials that run without a living owner, and those interrupted; return how many."""
    statuses = ["running", "interrupted"] if interrupted else ["running"]
    unended = select(trials).where(trials.c.sweep_id == sweep_id, trials.c.status.in_(statuses)).with_for_update()
    back = [
        row["id"]
        for row in connection.execute(unended).mappings().all()
        if row["status"] == "interrupted" or _has_lost_its_owner(row, is_lost, now)
    ]
    for trial_id in back:
        _queue(connection, trial_id)
    return len(back)


def retry(connection: Connection, sweep_id: int) -> int:
    """Queue again what has failed, as if nothing had happened; return how many."""
    failed = and_(trials.c.sweep_id == sweep_id, trials.c.status == "failed")
    back = connection.execute(select(trials.c.id).where(failed).with_for_update()).scalars().all()
    for trial_id in back:
        _queue(connection, trial_id, deaths=0)
    return len(back)


def _queue(connection: Connection, trial_id: int, **values: Any) -> None:
    connection.execute(update(trials).where(trials.c.id == trial_id).values(status="queued", **values))
    seal(connection, trial_id)


def bury(
    connection: Connection,
    sweep_id: int,
    number: int,
    reason: str,
    is_lost: IsLost,
    now: datetime,
    unclaimed: bool = True,
) -> Status | None:
    """Count a death of the worker that had a trial, and queue it again or, the third time, let it fail.

    A trial that waits has died before it was claimed; that counts if `unclaimed` does. Return the trial's status; None
    where it has none of that, because it belongs to a living owner.
    """
    row = _locked(connection, sweep_id, number)
    if row["status"] == "running" and not _has_lost_its_owner(row, is_lost, now):
        return None
    if row["status"] not in ("running", "queued") or (row["status"] == "queued" and not unclaimed):
        return _status(row)
    deaths = row["deaths"] + 1
    _queue(connection, row["id"], deaths=deaths)
    if deaths < DEATHS:
        return "queued"
    times = f"its worker process has died {deaths} times, the last time of this: {reason}"
    _fail(connection, row["id"], times, now)
    return "failed"


def abandon(
    connection: Connection, sweep_id: int, number: int, reason: str, is_lost: IsLost, now: datetime
) -> Status | None:
    """Let a trial fail that its worker had to leave; see `bury`."""
    row = _locked(connection, sweep_id, number)
    if row["status"] == "running" and not _has_lost_its_owner(row, is_lost, now):
        return None
    if row["status"] not in ("running", "interrupted"):
        return _status(row)
    _fail(connection, row["id"], reason, now)
    return "failed"


def _locked(connection: Connection, sweep_id: int, number: int) -> RowMapping:
    this = and_(trials.c.sweep_id == sweep_id, trials.c.number == number)
    return connection.execute(select(trials).where(this).with_for_update()).mappings().one()


def _status(row: RowMapping) -> Status:
    status: Status = row["status"]
    return status


def _fail(connection: Connection, trial_id: int, error: str, now: datetime) -> None:
    values = {"status": "failed", "error": error, "finished": now, "checkpoint": None, "checkpoint_epoch": None}
    connection.execute(update(trials).where(trials.c.id == trial_id).values(values))
    seal(connection, trial_id)


def prolong(connection: Connection, sweep_id: int, number: int, epochs_each: int) -> None:
    """Queue a completed trial again, to go on from its kept weights until it has so many epochs.

    Raises:
        SweepError: when it is no longer completed.
    """
    this = and_(trials.c.sweep_id == sweep_id, trials.c.number == number, trials.c.status == "completed")
    query = select(trials.c.id, trials.c.configuration).where(this).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise SweepError(f"trial {number} is not completed any more; look at it with `sweep show {number}`")
    configuration = dict(row["configuration"])
    configuration["training"] = configuration["training"] | {"epochs": epochs_each}
    drawn = and_(parameters.c.trial_id == row["id"], parameters.c.name == "training.epochs")
    connection.execute(update(parameters).where(drawn).values(number=epochs_each))
    connection.execute(update(trials).where(trials.c.id == row["id"]).values(configuration=configuration))
    seal_drawn(connection, trials.c.id == row["id"])
    _queue(connection, row["id"], deaths=0)


def restart(connection: Connection, trial_id: int) -> None:
    """Queue a trial again as if it had never been trained; nothing that is recorded of it is trusted."""
    for table in (epochs, batches):
        connection.execute(delete(table).where(table.c.trial_id == trial_id))
    files = dict.fromkeys(("weights", "weights_epoch", "checkpoint", "checkpoint_epoch"))
    values: dict[str, Any] = {**dict.fromkeys(LEFT_BY_AN_ATTEMPT), **files, "deaths": 0}
    # A damaged attempt may be no number; it must stay ahead of that of a worker that may still be there.
    attempt = connection.execute(select(func.max(trials.c.attempt)).where(trials.c.attempt < MOST_ATTEMPTS)).scalar()
    values |= {"attempt": attempt, "owner": None, "heartbeat": None, "started": None}
    connection.execute(update(trials).where(trials.c.id == trial_id).values(values))
    _queue(connection, trial_id)


def redraw(connection: Connection, sweep_id: int, drawn: Trial, trial_id: int | None) -> None:
    """Put a trial as it was drawn in the place of a damaged one, or where none is, and queue it."""
    row = trial_row(sweep_id, drawn)
    if trial_id is None:
        trial_id = connection.execute(insert(trials).values(row).returning(trials.c.id)).scalar_one()
    else:
        connection.execute(update(trials).where(trials.c.id == trial_id).values(row))
    connection.execute(delete(parameters).where(parameters.c.trial_id == trial_id))
    rows = [parameter_row(trial_id, name, value) for name, value in drawn.parameters.items()]
    if rows:
        connection.execute(insert(parameters), rows)
    restart(connection, trial_id)
    seal_drawn(connection, trials.c.id == trial_id)
    seal(connection, trial_id)


def lengthen(connection: Connection, sweep_id: int, epochs_each: int) -> None:
    """Note that the trials of a sweep may have so many epochs now."""
    mine = update(sweeps).where(sweeps.c.id == sweep_id)
    # Written in any case, so that the row is locked before its digest is taken.
    longest = case((sweeps.c.epochs < epochs_each, epochs_each), else_=sweeps.c.epochs)
    connection.execute(mine.values(epochs=longest))
    connection.execute(mine.values(digest=sweep_digest(connection, sweep_id)))


def _change(connection: Connection, held: Claim, values: dict[str, Any]) -> bool:
    """Write values of a trial's row; return whether it still belongs to this attempt, since else nothing is written."""
    own = {"this": held.trial_id, "held": held.attempt}
    # The attempt stands in the statement itself, so that a worker that was thought dead cannot write.
    return bool(connection.execute(CHANGE, own | values).rowcount)


def _has_ended(connection: Connection, held: Claim, status: Status) -> bool:
    own = {"this": held.trial_id, "held": held.attempt}
    return connection.execute(ENDED, {**own, "ending": status}).first() is not None


def _has_lost_its_owner(row: RowMapping, is_lost: IsLost, now: datetime) -> bool:
    return row["heartbeat"] is None or is_lost(row["owner"] or "", seconds_between(row["heartbeat"], now))


def seconds_between(stored: datetime, now: datetime) -> float:
    """Return how long ago a stored time was; SQLite's have no zone, but are in UTC."""
    return (now - (stored if stored.tzinfo else stored.replace(tzinfo=UTC))).total_seconds()


def _summary(new: Sequence[Epoch], best: Epoch | None) -> dict[str, Any]:
    """Return what a trial's row says of its epochs."""
    values: dict[str, Any] = {"last_epoch": new[-1].number} if new else {}
    if best:
        value, loss = best.metrics["test_accuracy"], best.metrics["test_loss"]
        values |= {"best_value": value, "best_epoch": best.number, "best_loss": loss}
    return values
