"""Decisions of stopping rules: how far the trials of a group are, and what was decided about those that have paused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from sweep.records import DecisionRecord, Exemption, Status
from sweep.stopping import sentence
from sweep.store.digests import seal
from sweep.store.metric_values import metric_value
from sweep.store.schema import decisions, epochs, trials

NEXT_STATUS: dict[str, Status] = {"go on": "queued", "audit": "queued", "stop": "pruned"}
"""What becomes of a paused trial by a decision."""


@dataclass(frozen=True, slots=True)
class Competitor:
    """A trial as stopping rules see it."""

    number: int
    status: Status
    round: int
    planned_epochs: int
    last_epoch: int
    """The last epoch that is stored; 0 where none is."""
    promotions: int
    """How often a rule has let it go on."""
    exempt: Exemption | None
    best_value: float | None
    """Value of the objective at the epoch that stands for it."""
    finished: datetime | None
    told: list[int] | None
    """Configurations whose results the sampler was told just before it drew this one."""
    finding: str | None = None
    """What is wrong with how it learned; None where nothing is, or it is not known yet."""


def competitors(connection: Connection, sweep_id: int) -> list[Competitor]:
    """Return all trials of a sweep by number."""
    promoted = (
        select(decisions.c.trial_id, func.count().label("promotions"))
        .join(trials, trials.c.id == decisions.c.trial_id)
        .where(trials.c.sweep_id == sweep_id, decisions.c.decision == "go on")
        .group_by(decisions.c.trial_id)
        .subquery()
    )
    columns = (
        *(trials.c[name] for name in ("number", "status")),
        *(func.coalesce(trials.c[name], 0) for name in ("round", "planned_epochs", "last_epoch")),
        func.coalesce(promoted.c.promotions, 0),
        *(trials.c[name] for name in ("exempt", "best_value", "finished", "told", "finding")),
    )
    source = trials.outerjoin(promoted, promoted.c.trial_id == trials.c.id)
    query = select(*columns).select_from(source).where(trials.c.sweep_id == sweep_id).order_by(trials.c.number)
    return [Competitor(*row) for row in connection.execute(query)]


def values_after(connection: Connection, sweep_id: int, number: int, metric: str, epoch: int) -> list[float]:
    """Return the values of a metric of a trial in the epochs after one, the untrained network left out."""
    value = metric_value(epochs, metric)
    this = and_(trials.c.sweep_id == sweep_id, trials.c.number == number)
    query = select(value).join(trials, trials.c.id == epochs.c.trial_id).where(this, epochs.c.epoch > max(epoch, 0))
    return [float(each) for each in connection.execute(query.order_by(epochs.c.epoch)).scalars()]


def decide(connection: Connection, sweep_id: int, made: Sequence[DecisionRecord], now: datetime) -> list[int]:
    """Store decisions about paused trials and carry them out; return the numbers of those that are queued again.

    A decision after epoch 0 is about a queued trial that has no epochs. One about a trial that does not wait after that
    epoch is left out: another process was quicker.
    """
    queued = []
    for each in made:
        this = and_(trials.c.sweep_id == sweep_id, trials.c.number == each.trial)
        waiting = and_(trials.c.status == "paused", trials.c.last_epoch == each.epoch)
        if each.epoch == 0:
            waiting = and_(trials.c.status == "queued", trials.c.last_epoch.is_(None))
        status = NEXT_STATUS[each.decision]
        values: dict[str, Any] = {"status": status, "target_epochs": each.target_epochs}
        if each.decision == "audit":
            values["exempt"] = "audit"
        if status == "pruned":
            values |= {"error": sentence("rule", each.rule, each.epoch, each.reason), "finished": now}
        trial_id = connection.execute(
            update(trials).where(this, waiting).values(values).returning(trials.c.id)
        ).scalar()
        if trial_id is not None:
            insert_decision(connection, trial_id, each)
            seal(connection, trial_id)
            queued += [each.trial] if status == "queued" else []
    return queued


def insert_decision(connection: Connection, trial_id: int, made: DecisionRecord) -> None:
    """Insert the row of a decision, in place of that of an earlier training that was not sound."""
    same = (decisions.c.trial_id == trial_id, decisions.c.epoch == made.epoch, decisions.c.rule == made.rule)
    connection.execute(delete(decisions).where(*same))
    names = ("epoch", "rule", "decision", "value", "threshold", "target_epochs", "reason")
    row = {name: getattr(made, name) for name in names}
    connection.execute(insert(decisions).values(trial_id=trial_id, **row))


def read_decisions(connection: Connection, sweep_id: int, number: int | None = None) -> list[DecisionRecord]:
    """Return the decisions about all trials of a sweep, or about one, by trial and epoch."""
    names = ("epoch", "rule", "decision", "value", "threshold", "target_epochs", "reason")
    query = (
        select(trials.c.number, *(decisions.c[name] for name in names))
        .join(trials, trials.c.id == decisions.c.trial_id)
        .where(trials.c.sweep_id == sweep_id)
        .order_by(trials.c.number, decisions.c.epoch, decisions.c.rule)
    )
    rows = connection.execute(query if number is None else query.where(trials.c.number == number))
    return [DecisionRecord(*row) for row in rows]
