"""Queries that need no pandas: sweeps, how far they are, and which metrics they have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, TableValuedAlias, case, func, select, true

from sweep.metrics import NATIVE_METRICS, Objective, metric
from sweep.records import STATUSES, Progress, RunningTrial, Status, TrialRecord
from sweep.store.lifecycle import seconds_between
from sweep.store.metric_values import metric_value
from sweep.store.rows import objective_of, trial_record
from sweep.store.schema import epochs, is_completed, is_ranked, is_ranked_by_earlier, notes, sweeps, tags, trials

SweepStatus = Literal["running", "completed", "ended", "unfinished", "failed"]
"""How far a sweep is: being trained; all trials ended; no more started because of a budget; trials left that nobody
trains; all trials failed."""
UNENDED: tuple[Status, ...] = ("queued", "running", "paused", "interrupted")
"""Statuses of trials that go on."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The metrics that the epochs of a sweep have."""

    natives: Mapping[str, int]
    """Number of trials that have each metric with a column of its own."""
    others: list[str]
    """Names of the others: those of ours first, then by name."""
    trials: int
    """Number of trials with epochs."""

    def has(self, name: str) -> bool:
        """Tell whether the sweep has a metric with a column; all of them while it has no epochs."""
        return not self.trials or self.natives[name] > 0

    @property
    def names(self) -> list[str]:
        """All names, in the order of tables."""
        return [*(name for name in NATIVE_METRICS if self.natives[name]), *self.others]


def recorded_metrics(connection: Connection, sweep_id: int, number: int | None = None) -> Recorded:
    """Return the metrics of a sweep, or of one trial, by each trial's last epoch and the one before the training.

    All epochs of a trial have the same, but for what is recorded at the start alone.
    """
    mine = trials.c.sweep_id == sweep_id
    if number is not None:
        mine &= trials.c.number == number
    last = epochs.c.epoch == trials.c.last_epoch
    ends = (epochs.c.trial_id == trials.c.id) & (last | (epochs.c.epoch == 0))
    counted = [func.count(case((last, each))) for each in (1, *(epochs.c[name] for name in NATIVE_METRICS))]
    joined = select(*counted, func.count(epochs.c.metrics)).select_from(trials.join(epochs, ends))
    total, *natives, in_json = connection.execute(joined.where(mine)).one()
    names: list[str] = []
    if in_json:
        each = _members(connection.dialect.name)
        query = select(each.c.key).distinct().select_from(trials.join(epochs, ends).join(each, true()))
        names = list(connection.execute(query.where(mine, each.c.key.is_not(None))).scalars())
    others = sorted(names, key=lambda name: (metric(name).part is None, name))
    return Recorded(dict(zip(NATIVE_METRICS, natives, strict=True)), others, total)


def _members(dialect: str) -> TableValuedAlias:
    """Return the members of the JSON of an epoch, each with its `key`; none of the JSON value null."""
    if dialect == "sqlite":
        return func.json_each(epochs.c.metrics).table_valued("key")
    metrics = case((func.json_typeof(epochs.c.metrics) == "object", epochs.c.metrics))
    return func.json_each_text(metrics).table_valued("key")


def sweep_head(connection: Connection, sweep_id: int) -> tuple[Objective, int, bool]:
    """Return a sweep's objective, the trainings of each configuration, and whether a trial ranks by an earlier one."""
    others = [status for status in STATUSES if status != "completed"]  # by which the index finds them
    earlier = select(trials.c.id).where(trials.c.sweep_id == sweep_id, trials.c.status.in_(others))
    has_earlier = earlier.where(is_ranked_by_earlier).exists().label("has_earlier")
    query = select(sweeps, has_earlier).where(sweeps.c.id == sweep_id)
    row = connection.execute(query).mappings().one()
    return objective_of(row), row["repeats"], bool(row["has_earlier"])


def progress(connection: Connection, sweep_id: int) -> Progress:
    """Return how far a sweep has come."""
    head = connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).mappings().one()
    mine = trials.c.sweep_id == sweep_id
    # All trials are counted in the index `ranking` alone; of other columns only those of a few trials are read.
    columns = (trials.c.status, func.count(), func.count(trials.c.ranked_epochs))
    counts = connection.execute(select(*columns).where(mine).group_by(trials.c.status)).all()
    earlier = sum(number for _, _, number in counts)
    objective = objective_of(head)
    running = connection.execute(
        select(
            *(trials.c.number, func.coalesce(trials.c.last_epoch, 0), trials.c.best_value, trials.c.error),
            func.nullif(trials.c.planned_epochs, 0),
        ).where(mine, trials.c.status == "running")
    )
    paused = select(func.sum(trials.c.last_epoch)).where(mine, trials.c.status == "paused")
    return Progress(
        counts={status: count for status, count, _ in counts},
        best=_best_value(connection, sweep_id, objective.is_max, earlier > 0),
        running=tuple(sorted((RunningTrial(*row) for row in running), key=lambda trial: trial.number)),
        epochs=head["epochs"],
        metric=objective.metric,
        ranked_by_earlier=earlier,
        paused_epochs=int(connection.execute(paused).scalar() or 0),
        planned=head["planned_trials"],
        name=head["name"],
        is_max=objective.is_max,
    )


def _best_value(connection: Connection, sweep_id: int, is_max: bool, has_earlier: bool) -> float | None:
    """Return the best value of a sweep, found at the end of an index unless a trial ranks by an earlier training."""
    best = (func.max if is_max else func.min)(trials.c.best_value)
    query = select(best).where(trials.c.sweep_id == sweep_id, is_ranked if has_earlier else is_completed)
    return connection.execute(query).scalar()


def best_trial(connection: Connection, sweep_id: int) -> int | None:
    """Return the number of the best trial of a sweep; None while none is completed."""
    objective = objective_of(connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).mappings().one())
    value = -trials.c.best_value if objective.is_max else trials.c.best_value
    order = (value.nulls_last(), trials.c.tie_value.nulls_last(), trials.c.number)
    ranked = select(trials.c.number).where(trials.c.sweep_id == sweep_id, is_ranked).order_by(*order).limit(1)
    return connection.execute(ranked).scalar()


@dataclass(frozen=True, slots=True)
class Listed:
    """A sweep in the list of all sweeps."""

    name: str
    created: datetime
    trials: int
    counts: dict[Status, int]
    """Number of trials by status; statuses without trials are left out."""
    metric: str
    """Metric of its objective."""
    best: float | None
    """Best value among its completed trials."""
    status: SweepStatus
    tags: tuple[str, ...] = ()
    """Of the sweep itself, in order."""
    notes: int = 0
    """Number of notes on it and on its trials."""


def list_sweeps(connection: Connection, now: datetime) -> list[Listed]:
    """Return all sweeps, newest first."""
    groups = _groups(connection)
    trained = _trained(connection, [sweep_id for sweep_id, each in groups.items() if "running" in each], now)
    tagged: dict[int, list[str]] = {}
    for sweep_id, tag in connection.execute(select(tags.c.sweep_id, tags.c.tag).where(tags.c.trial_number.is_(None))):
        tagged.setdefault(sweep_id, []).append(tag)
    noted: dict[int, int] = dict(
        connection.execute(select(notes.c.sweep_id, func.count()).group_by(notes.c.sweep_id)).all()
    )
    names = ("id", "name", "created", "trials", "objective", "direction", "planned_trials", "ended")
    columns = [*(sweeps.c[name] for name in names), _best_completed().label("best")]
    listed = []
    for row in connection.execute(select(*columns).order_by(sweeps.c.id.desc())).all():
        of_status = groups.get(row.id, {})
        counts = {status: count for status, (count, _) in of_status.items()}
        has_earlier = any(earlier for _, earlier in of_status.values())
        best = _best_value(connection, row.id, row.direction == "max", True) if has_earlier else row.best
        listed.append(
            Listed(
                row.name,
                row.created,
                row.trials,
                counts,
                row.objective,
                best,
                _status(counts, row.id in trained, row.planned_trials or 0, row.ended),
                tuple(sorted(tagged.get(row.id, ()))),
                noted.get(row.id, 0),
            )
        )
    return listed


def _groups(connection: Connection) -> dict[int, dict[Status, tuple[int, int]]]:
    """Return the number of trials of each sweep and status, and of those that rank by an earlier training."""
    grouped = select(trials.c.sweep_id, trials.c.status, func.count(), func.count(trials.c.ranked_epochs))
    groups: dict[int, dict[Status, tuple[int, int]]] = {}
    for sweep_id, status, *figures in connection.execute(grouped.group_by(trials.c.sweep_id, trials.c.status)):
        groups.setdefault(sweep_id, {})[status] = tuple(figures)
    return groups


def _best_completed() -> ColumnElement[float | None]:
    """Return the best value among the completed trials of a sweep, found at the end of an index."""
    completed = (trials.c.sweep_id == sweeps.c.id) & is_completed
    low, high = (select(best(trials.c.best_value)).where(completed) for best in (func.min, func.max))
    return case((sweeps.c.direction == "max", high.scalar_subquery()), else_=low.scalar_subquery())


def _trained(connection: Connection, begun: Collection[int], now: datetime) -> set[int]:
    """Return the ids of those sweeps with running trials of which one is trained by an owner that is not lost."""
    if not begun:
        return set()
    columns = (trials.c.sweep_id, trials.c.owner, trials.c.heartbeat)
    # Of these sweeps alone, since the index begins with them.
    query = select(*columns).where(trials.c.sweep_id.in_(begun), trials.c.status == "running")
    running = connection.execute(query).all()
    from sweep.system.processes import is_lost  # which takes a tenth of the time of the list

    return {
        sweep_id
        for sweep_id, owner, heartbeat in running
        if heartbeat is not None and not is_lost(owner or "", seconds_between(heartbeat, now))
    }


def _status(counts: dict[Status, int], is_trained: bool, planned: int, ended: str | None) -> SweepStatus:
    """Return how far a sweep is, as one word."""
    if is_trained:
        return "running"
    if set(counts) == {"failed"}:
        return "failed"
    if any(status in counts for status in UNENDED) or planned > sum(counts.values()):
        return "ended" if ended else "unfinished"
    return "completed"


def find_trial(connection: Connection, sweep_id: int, number: int) -> tuple[RowMapping | None, int]:
    """Return the row of a trial, or None and the number of trials of the sweep where there is no such trial."""
    mine = trials.c.sweep_id == sweep_id
    row = connection.execute(select(trials).where(mine, trials.c.number == number)).mappings().first()
    if row:
        return row, 0
    return None, connection.execute(select(func.count()).select_from(trials).where(mine)).scalar() or 0


def name_of(connection: Connection, sweep_id: int) -> str:
    """Return the name of a sweep."""
    return str(connection.execute(select(sweeps.c.name).where(sweeps.c.id == sweep_id)).scalar())


def trial_records(connection: Connection, sweep_id: int) -> list[TrialRecord]:
    """Return all trials of a sweep, by number."""
    query = select(trials).where(trials.c.sweep_id == sweep_id).order_by(trials.c.number)
    return [trial_record(row) for row in connection.execute(query).mappings()]


def curves(connection: Connection, trial_id: int, name: str, epoch: int) -> dict[int, list[float]]:
    """Return a metric of the other trials of a trial's sweep that have had an epoch; see `Reader.curves`."""
    value = metric_value(epochs, name)
    sweep = select(trials.c.sweep_id).where(trials.c.id == trial_id).scalar_subquery()
    query = (
        select(trials.c.number, value)
        .join(epochs, epochs.c.trial_id == trials.c.id)
        .where(trials.c.sweep_id == sweep, trials.c.id != trial_id, epochs.c.epoch.between(1, epoch))
        .order_by(trials.c.number, epochs.c.epoch)
    )
    found: dict[int, list[float]] = {}
    for number, each in connection.execute(query):
        found.setdefault(number, []).append(float(each))
    return {number: values for number, values in found.items() if len(values) == epoch}
