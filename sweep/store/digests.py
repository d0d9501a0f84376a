"""Digests: what a third of all single flipped bits cannot be hidden from, SQLite's own check notwithstanding."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from sweep.store.schema import batches, epochs, parameters, sweeps, trials

DRAWN = ("number", "seed_weights", "seed_shuffling", "seed_dropout", "configuration")
"""Columns of a trial that are fixed when it is drawn."""


def sweep_digest(connection: Connection, sweep_id: int) -> str:
    """Return the SHA-256 over the row of a sweep."""
    row = connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).mappings().one()
    return _sha256([[value for name, value in row.items() if name != "digest"]])


def drawn_digests(connection: Connection, which: ColumnElement[bool]) -> dict[int, str]:
    """Return, for `which` trials by their id, the SHA-256 over number, seeds, configuration and parameters."""
    drawn: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(select(parameters).join(trials).where(which)):
        drawn[row.trial_id].append(row)
    columns = [trials.c[name] for name in ("id", "sweep_id", *DRAWN)]
    return {
        row.id: _sha256([row[1:], *_in_order(parameters, drawn[row.id])])
        for row in connection.execute(select(*columns).where(which))
    }


def trial_digest(connection: Connection, trial_id: int) -> str:
    """Return the SHA-256 over all that is kept of a trial: its row, parameters, epochs and mini-batches."""
    row = connection.execute(select(trials).where(trials.c.id == trial_id)).mappings().one()
    lines: list[Any] = [[value for name, value in row.items() if name != "digest"]]
    for table in (parameters, epochs, batches):
        rows = connection.execute(select(table).where(table.c.trial_id == trial_id))
        lines += [[table.name], *_in_order(table, rows)]
    return _sha256(lines)


def _in_order(table: Table, rows: Iterable[Any]) -> list[Any]:
    """Sort rows by their primary key here, since databases order text in ways of their own."""
    key = [column.name for column in table.primary_key]
    return sorted(rows, key=lambda row: tuple(row._mapping[name] for name in key))


def _sha256(rows: Iterable[Iterable[Any]]) -> str:
    result = hashlib.sha256()
    for row in rows:
        # Python writes a float with as many digits as tell it from every other one.
        result.update(json.dumps([_plain(value) for value in row], sort_keys=True).encode())
        result.update(b"\n")
    return result.hexdigest()


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, alike from each database: SQLite's times have no zone, but are in UTC."""
    if isinstance(value, datetime):
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        return value.astimezone(UTC).isoformat()
    return value
