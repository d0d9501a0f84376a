"""The digests of schemas 3 and 4, for revisions: they must not change when `sweep.store.digests` does.

Trials are read in the order of their ids, many at a time, since a query for each takes most of the time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import JSON, Connection, DateTime, Select, TableClause, column, select, table
from sqlalchemy.types import TypeEngine

TYPES: dict[str, TypeEngine[Any]] = {
    **dict.fromkeys(["created", "heartbeat", "started", "finished"], DateTime(timezone=True)),
    **dict.fromkeys(["overrides", "datasets", "environment", "configuration", "metrics"], JSON()),
}
"""Types of the columns whose values a driver returns as text."""
CHUNK = 500
"""Trials that are read at a time."""
DAMAGED = (ValueError, TypeError, OverflowError)
"""What reading a damaged time, number or JSON raises; `sweep doctor` reports such rows."""


def _table(name: str, columns: str) -> TableClause:
    return table(name, *(column(each, TYPES.get(each)) for each in columns.split()))


@dataclass(frozen=True)
class Tables:
    """The tables of a schema, each with the columns that a digest is computed over, in order."""

    sweeps: TableClause
    trials: TableClause


SCHEMA_3 = Tables(
    _table(
        "sweeps",
        "id name description created trials epochs seed experiment overrides fingerprint datasets data_folder "
        "experiment_folder environment",
    ),
    _table(
        "trials",
        "id sweep_id number status attempt deaths owner heartbeat started finished seconds error traceback "
        "diverged_epoch diverged_step diverged_place diverged_kind seed_weights seed_shuffling seed_dropout "
        "configuration best_value best_epoch best_loss last_epoch drawn_digest weights weights_epoch checkpoint "
        "checkpoint_epoch",
    ),
)
SCHEMA_4 = Tables(
    _table(
        "sweeps",
        "id name description created trials repeats epochs seed experiment format overrides fingerprint objective "
        "direction objective_epoch tie_break datasets data_folder experiment_folder environment",
    ),
    _table(
        "trials",
        "id sweep_id number repeat status attempt crashes owner heartbeat started finished seconds error traceback "
        "log diverged_epoch diverged_step diverged_place diverged_kind seed_weights seed_shuffling seed_dropout "
        "configuration planned_epochs best_value best_epoch tie_value last_epoch drawn_digest weights weights_epoch "
        "checkpoint checkpoint_epoch",
    ),
)
DETAILS = (
    (_table("parameters", "trial_id name type number text"), 2),
    (_table("epochs", "trial_id epoch train_loss train_accuracy test_loss test_accuracy seconds metrics"), 2),
    (_table("batches", "trial_id epoch step loss"), 3),
)
"""Tables of what belongs to a trial, alike in both schemas, each with the number of columns of its primary key."""


def sweep_digest(connection: Connection, tables: Tables, sweep_id: int) -> str | None:
    """Return the SHA-256 over the row of a sweep; None where it cannot be read."""
    try:
        return _sha256([connection.execute(select(tables.sweeps).where(tables.sweeps.c.id == sweep_id)).one()])
    except DAMAGED:
        return None


def trial_digests(connection: Connection, tables: Tables, ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Yield the SHA-256 over all that is kept of each trial; those that cannot be read are left out.

    `ids` are the ids of all trials, in order.
    """
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        try:
            yield from _digests(connection, tables, chunk[0], chunk[-1])
        except DAMAGED:
            yield from _one_by_one(connection, tables, chunk)


def _one_by_one(connection: Connection, tables: Tables, ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    for trial_id in ids:
        try:
            yield from _digests(connection, tables, trial_id, trial_id)
        except DAMAGED:
            continue


def _digests(connection: Connection, tables: Tables, first: int, last: int) -> list[tuple[int, str]]:
    trials = tables.trials
    heads = connection.execute(select(trials).where(trials.c.id.between(first, last)).order_by(trials.c.id)).all()
    details = [(each.name, _details(connection, each, key, first, last)) for each, key in DETAILS]
    found = []
    for head in heads:
        lines: list[Iterable[Any]] = [head]
        for name, rows in details:
            lines += [[name], *rows.get(head.id, ())]
        found.append((head.id, _sha256(lines)))
    return found


def _details(connection: Connection, kept: TableClause, key: int, first: int, last: int) -> dict[int, list[Any]]:
    """Return the rows of trials, sorted here by their key, since databases order text in ways of their own."""
    query: Select[Any] = select(kept).where(kept.c.trial_id.between(first, last)).order_by(kept.c.trial_id)
    of_trials = groupby(map(tuple, connection.execute(query)), key=itemgetter(0))
    return {trial_id: sorted(rows, key=itemgetter(*range(key))) for trial_id, rows in of_trials}


def _sha256(rows: Iterable[Iterable[Any]]) -> str:
    return hashlib.sha256("".join(f"{_json.encode(tuple(row))}\n" for row in rows).encode()).hexdigest()


def _plain(value: Any) -> str:
    """Return a time as JSON has it; SQLite's times have no zone, but are in UTC."""
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is not a value of any column")
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


_json = json.JSONEncoder(sort_keys=True, default=_plain)
