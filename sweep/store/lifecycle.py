"""The life of a trial: claimed, recorded, ended, queued again; each function is the work of one transaction.

A worker has a claim on one attempt at a trial. Every write names that attempt in its own statement, so that a worker
whose trial was claimed again writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, case, delete, select, update

from sweep.errors import Call, StaleAttempt, SweepError
from sweep.metrics import Objective
from sweep.records import BatchLosses, Epoch, Status
from sweep.store.claims import Claim, Ending, IsLost, Lease
from sweep.store.decisions import insert_decision
from sweep.store.digests import seal, seal_drawn, sweep_digest
from sweep.store.rows import file_columns, kept_file, objective_of, read_epochs, seeds_of, upsert_batches, upsert_epochs
from sweep.store.schema import batches, epochs, parameters, sweeps, trials

MOST_CRASHES = 3
"""A trial fails when this many of its worker processes have crashed."""

LEFT_BY_AN_ATTEMPT = (
    *("finished", "seconds", "error", "traceback", "log"),
    *("diverged_epoch", "diverged_step", "diverged_place", "diverged_kind", "finding", "digest"),
)
"""Columns of a trial that are empty when the next attempt begins."""
SUMMARY = ("best_value", "best_epoch", "tie_value", "last_epoch", "correct")
"""Columns that summarize the epochs of a trial."""

# The statements of each trial are made once: making one takes longer than its execution.

THIS = and_(trials.c.sweep_id == bindparam("sweep"), trials.c.number == bindparam("trial"))
OBJECTIVE = [
    select(sweeps.c[name]).where(sweeps.c.id == bindparam("sweep")).scalar_subquery().label(name)
    for name in ("objective", "direction", "objective_epoch", "tie_break")
]
START = {"status": "running", "attempt": trials.c.attempt + 1} | dict.fromkeys(LEFT_BY_AN_ATTEMPT)
TAKE = update(trials).where(THIS, trials.c.status == "queued").values(START).returning(*trials.c, *OBJECTIVE)
TAKEN = select(*trials.c, *OBJECTIVE).where(THIS, trials.c.status == "running", trials.c.owner == bindparam("by"))

OWN = and_(trials.c.id == bindparam("this"), trials.c.attempt == bindparam("claimed"))
CHANGE = update(trials).where(OWN, trials.c.status == "running")
ENDED = select(trials.c.id).where(OWN, trials.c.status == bindparam("ending"))


def claim(connection: Connection, sweep_id: int, number: int, owner: str, now: datetime) -> Claim | None:
    """Claim a queued trial; None where another worker has claimed it.

    What an earlier attempt wrote is deleted, except for the epochs up to that of the file to start from, and those by
    which the trial ranks.
    """
    this = {"sweep": sweep_id, "trial": number}
    row = connection.execute(TAKE, {**this, "owner": owner, "started": now, "heartbeat": now}).mappings().first()
    if row is None:  # it may be granted already, and the answer was lost with the connection
        row = connection.execute(TAKEN, {**this, "by": owner}).mappings().first()
    if row is None:
        return None
    weights, checkpoint = (kept_file(row, name) for name in ("weights", "checkpoint"))
    start = checkpoint or weights
    claim = Claim(
        trial_id=row["id"],
        attempt=row["attempt"],
        number=number,
        configuration=row["configuration"],
        seeds=seeds_of(row),
        repeat=row["repeat"],
        planned_epochs=row["planned_epochs"],
        objective=objective_of(row),
        weights=weights,
        checkpoint=checkpoint,
        ranked_epochs=row["ranked_epochs"] or 0,
        target_epochs=row["target_epochs"],
        is_exempt=row["exempt"] is not None,
        forked_from=row["forked_from"],
    )
    return claim if row["attempt"] == 1 else _cleared(connection, claim, row, start.epoch if start else -1)


def _cleared(connection: Connection, claim: Claim, row: RowMapping, epoch: int) -> Claim:
    """Delete what is stored of a trial after an epoch, summarize what is left, and return the claim with the rest.

    The correctness in its row is of the epoch that stood for it, and is kept where that still does.
    """
    _delete_after(connection, claim.trial_id, max(epoch, claim.ranked_epochs or -1))
    kept = read_epochs(connection, claim.trial_id)
    before = tuple(each for each in kept if each.number <= epoch)
    ranked = [each for each in kept if not 0 < claim.ranked_epochs < each.number]
    chosen, start = claim.objective.choose(ranked), claim.objective.choose(before)
    known = {row["best_epoch"]: row["correct"]}
    summary: dict[str, Any] = dict.fromkeys(SUMMARY)
    if chosen:
        summary["last_epoch"] = kept[-1].number
        summary |= chosen_values(chosen, claim.objective, known.get(chosen.number))
    connection.execute(update(trials).where(trials.c.id == claim.trial_id).values(**summary))
    return replace(claim, epochs=before, correct=known.get(start.number) if start else None)


def _delete_after(connection: Connection, trial_id: int, epoch: int) -> None:
    for table in (epochs, batches):
        connection.execute(delete(table).where(table.c.trial_id == trial_id, table.c.epoch > epoch))


def clear_epochs(connection: Connection, claim: Claim) -> None:
    """Delete the epochs of a running trial; see `Store.clear_epochs`."""
    left = {"last_epoch": claim.ranked_epochs} if claim.ranked_epochs else dict.fromkeys(SUMMARY)
    if not _change(connection, claim, left):
        raise StaleAttempt(f"trial {claim.number} has been taken over by a later attempt")
    _delete_after(connection, claim.trial_id, claim.ranked_epochs or -1)


def heartbeat(connection: Connection, claim: Claim, now: datetime, **values: Any) -> bool:
    """Record that a trial is still being trained; return whether it still belongs to this attempt."""
    return _change(connection, claim, {"heartbeat": now, **values})


def record(
    connection: Connection,
    claim: Claim,
    new: Sequence[Epoch],
    chosen: Epoch | None,
    losses: Sequence[BatchLosses],
    correct: bytes | None,
    **values: Any,
) -> None:
    """Store epochs of a running trial, the epoch that stands for it, mini-batch losses, and `values` of its row.

    Args:
        correct: which examples are right at the epoch that stands for it; see `sweep.store.correctness`.

    Raises:
        StaleAttempt: when the trial belongs to a later attempt; nothing is written then.
    """
    if not _change(connection, claim, _summary(claim, new, chosen, correct, values.get("status")) | values):
        raise StaleAttempt(f"trial {claim.number} has been taken over by a later attempt")
    if new:
        upsert_epochs(connection, claim.trial_id, new)
    upsert_batches(connection, claim.trial_id, losses)


def finish(
    connection: Connection,
    claim: Claim,
    ending: Ending,
    new: Sequence[Epoch],
    chosen: Epoch | None,
    losses: Sequence[BatchLosses],
    correct: bytes | None,
    now: datetime,
) -> None:
    """Store the last epochs of a trial and how it ended; see `record`."""
    try:
        record(connection, claim, new, chosen, losses, correct, heartbeat=now, finished=now, **_ending_values(ending))
    except StaleAttempt:
        if _has_ended(connection, claim, ending.status):
            return  # it was stored before, and the answer was lost with the connection
        raise
    if ending.decision:
        insert_decision(connection, claim.trial_id, ending.decision)
    seal(connection, claim.trial_id)


def _ending_values(ending: Ending) -> dict[str, Any]:
    """Return the columns of a trial that tell how it ended."""
    values: dict[str, Any] = {"status": ending.status, "seconds": ending.seconds}
    values |= {"error": ending.error, "traceback": ending.traceback, "finding": ending.finding}
    if ending.log is not None:
        values["log"] = ending.log
    if ending.weights:
        values |= file_columns("weights", ending.weights)
    if ending.divergence:
        values |= {f"diverged_{key}": getattr(ending.divergence, key) for key in ("epoch", "step", "place", "kind")}
    if ending.status == "completed":
        values["ranked_epochs"] = None
    if ending.status == "paused":
        values |= file_columns("checkpoint", ending.checkpoint)
    elif ending.status != "interrupted":
        values |= file_columns("checkpoint", None)
    return values


def leases(connection: Connection, sweep_id: int, now: datetime) -> dict[int, Lease]:
    """Return who trains each running trial, by its number."""
    running = and_(trials.c.sweep_id == sweep_id, trials.c.status == "running")
    columns = (trials.c.number, trials.c.owner, trials.c.heartbeat, trials.c.started)
    return {
        row.number: Lease(row.owner, seconds_between(row.heartbeat, now), seconds_between(row.started, now))
        for row in connection.execute(select(*columns).where(running))
    }


def requeue(connection: Connection, sweep_id: int, is_lost: IsLost, now: datetime, interrupted: bool = True) -> int:
    """Queue the trials again that run without a living owner, and those interrupted; return their number."""
    statuses = ["running", "interrupted"] if interrupted else ["running"]
    unended = select(trials).where(trials.c.sweep_id == sweep_id, trials.c.status.in_(statuses)).with_for_update()
    back = [
        row["id"]
        for row in connection.execute(unended).mappings().all()
        if row["status"] == "interrupted" or _has_lost_its_owner(row, is_lost, now)
    ]
    for trial_id in back:
        queue(connection, trial_id)
    return len(back)


def retry(connection: Connection, sweep_id: int) -> int:
    """Queue the trials again that failed, with no crashes counted; return their number."""
    failed = and_(trials.c.sweep_id == sweep_id, trials.c.status == "failed")
    back = connection.execute(select(trials.c.id).where(failed).with_for_update()).scalars().all()
    for trial_id in back:
        queue(connection, trial_id, crashes=0)
    return len(back)


def queue(connection: Connection, trial_id: int, **values: Any) -> None:
    """Queue a trial again, with `values` in its row, and write its digest."""
    connection.execute(update(trials).where(trials.c.id == trial_id).values(status="queued", **values))
    seal(connection, trial_id)


def record_crash(
    connection: Connection,
    sweep_id: int,
    number: int,
    reason: str,
    is_lost: IsLost,
    now: datetime,
    unclaimed: bool = True,
) -> Status | None:
    """Record a worker crash: requeue the trial, or fail it after three; see `Store.record_crash`."""
    row = _locked(connection, sweep_id, number)
    if row["status"] == "running" and not _has_lost_its_owner(row, is_lost, now):
        return None
    if row["status"] not in ("running", "queued") or (row["status"] == "queued" and not unclaimed):
        return _status(row)
    crashes = row["crashes"] + 1
    queue(connection, row["id"], crashes=crashes)
    if crashes < MOST_CRASHES:
        return "queued"
    error = f"its worker process has died {crashes} times, the last time of this: {reason}"
    _fail(connection, row["id"], error, now)
    return "failed"


def fail(
    connection: Connection, sweep_id: int, number: int, reason: str, is_lost: IsLost, now: datetime
) -> Status | None:
    """Fail a trial whose worker was stopped; see `Store.fail`."""
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
    values = {"status": "failed", "error": error, "finished": now} | file_columns("checkpoint", None)
    connection.execute(update(trials).where(trials.c.id == trial_id).values(values))
    seal(connection, trial_id)


def extend(connection: Connection, sweep_id: int, number: int, epochs_each: int | None) -> None:
    """Queue a completed or pruned trial again, to be trained on until it has `epochs_each` epochs.

    Until it has them, a completed one ranks by those that it has now. No stopping rule ends it any more.

    Args:
        epochs_each: None for those that are planned.

    Raises:
        SweepError: when it is neither completed nor pruned.
    """
    extensible = trials.c.status.in_(("completed", "pruned"))
    this = and_(trials.c.sweep_id == sweep_id, trials.c.number == number, extensible)
    query = select(trials.c.id, trials.c.status, trials.c.configuration, trials.c.last_epoch).where(this)
    row = connection.execute(query.with_for_update()).mappings().first()
    if row is None:
        look = Call("show", trial=str(number))
        raise SweepError(f"trial {number} is not completed any more; look at it with `", look, "`")
    if epochs_each is not None:
        _lengthen_trial(connection, row, epochs_each)
    ranked = row["last_epoch"] if row["status"] == "completed" else None
    queue(connection, row["id"], crashes=0, ranked_epochs=ranked, exempt="continued", target_epochs=None)


def _lengthen_trial(connection: Connection, row: RowMapping, epochs_each: int) -> None:
    """Plan another number of epochs for a trial."""
    configuration = dict(row["configuration"])
    if "training" in configuration:
        configuration["training"] = configuration["training"] | {"epochs": epochs_each}
    drawn = and_(parameters.c.trial_id == row["id"], parameters.c.name == "training.epochs")
    connection.execute(update(parameters).where(drawn).values(number=epochs_each))
    values = {"configuration": configuration, "planned_epochs": epochs_each}
    connection.execute(update(trials).where(trials.c.id == row["id"]).values(values))
    seal_drawn(connection, trials.c.id == row["id"])


def lengthen(connection: Connection, sweep_id: int, epochs_each: int) -> None:
    """Record that trials of a sweep may have `epochs_each` epochs."""
    mine = update(sweeps).where(sweeps.c.id == sweep_id)
    # Written in any case, so that the row is locked before its digest is taken.
    longest = case((sweeps.c.epochs < epochs_each, epochs_each), else_=sweeps.c.epochs)
    connection.execute(mine.values(epochs=longest))
    connection.execute(mine.values(digest=sweep_digest(connection, sweep_id)))


def _change(connection: Connection, claim: Claim, values: dict[str, Any]) -> bool:
    """Write values of a trial's row if it belongs to this attempt; return whether it does."""
    own = {"this": claim.trial_id, "claimed": claim.attempt}
    # The attempt stands in the statement itself, so that an overtaken worker cannot write.
    return bool(connection.execute(CHANGE, own | values).rowcount)


def _has_ended(connection: Connection, claim: Claim, status: Status) -> bool:
    own = {"this": claim.trial_id, "claimed": claim.attempt}
    return connection.execute(ENDED, {**own, "ending": status}).first() is not None


def _has_lost_its_owner(row: RowMapping, is_lost: IsLost, now: datetime) -> bool:
    return row["heartbeat"] is None or is_lost(row["owner"] or "", seconds_between(row["heartbeat"], now))


def seconds_between(stored: datetime, now: datetime) -> float:
    """Return the seconds since a stored time; SQLite's times have no zone, but are in UTC."""
    return (now - (stored if stored.tzinfo else stored.replace(tzinfo=UTC))).total_seconds()


def _summary(
    claim: Claim, new: Sequence[Epoch], chosen: Epoch | None, correct: bytes | None, status: Status | None
) -> dict[str, Any]:
    """Return the columns of a trial that summarize its epochs, once these are stored as well."""
    values = {"last_epoch": max(new[-1].number, claim.ranked_epochs)} if new else {}
    is_ranked_by_earlier = claim.ranked_epochs and status != "completed"
    return values if is_ranked_by_earlier else values | chosen_values(chosen, claim.objective, correct)


def chosen_values(chosen: Epoch | None, objective: Objective, correct: bytes | None) -> dict[str, Any]:
    """Return the columns of a trial that hold its figures at the epoch that stands for it, and what is right then."""
    if chosen is None:
        return {}
    tie = chosen.metrics.get(objective.tie_break) if objective.tie_break else None
    value = chosen.metrics[objective.metric]
    return {"best_value": value, "best_epoch": chosen.number, "tie_value": tie, "correct": correct}
