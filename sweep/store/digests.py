"""Digests: a third of all single flipped bits pass SQLite's own check, but none of them passes these.

Every trial that is not being trained just now has one over all that is kept of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, select, update

from sweep.store.schema import batches, epochs, parameters, sweeps, trials

DRAWN = ("sweep_id", "number", "seed_weights", "seed_shuffling", "seed_dropout", "configuration")
"""Columns of a trial that are fixed when it is drawn."""


def sweep_digest(connection: Connection, sweep_id: int) -> str:
    """Return the SHA-256 over the row of a sweep."""
    row = connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).mappings().one()
    return _sha256([[value for name, value in row.items() if name != "digest"]])


def drawn_digests(connection: Connection, which: ColumnElement[bool]) -> Iterator[tuple[int, str]]:
    """Yield, for `which` trials in the order of their ids, the SHA-256 over what was drawn, parameters included."""
    drawn = _Details(connection, parameters, which)
    columns = [trials.c[name] for name in ("id", *DRAWN)]
    for row in connection.execute(select(*columns).where(which).order_by(trials.c.id)):
        yield row.id, _sha256([row[1:], *drawn.of(row.id)])


def trial_digests(connection: Connection, which: ColumnElement[bool]) -> Iterator[tuple[int, str]]:
    """Yield, for `which` trials in the order of their ids, the SHA-256 over all that is kept, epochs included."""
    details = [(table.name, _Details(connection, table, which)) for table in (parameters, epochs, batches)]
    for row in connection.execute(select(trials).where(which).order_by(trials.c.id)).mappings():
        lines: list[Any] = [[value for name, value in row.items() if name != "digest"]]
        for name, rows in details:
            lines += [[name], *rows.of(row["id"])]
        yield row["id"], _sha256(lines)


def seal(connection: Connection, which: ColumnElement[bool]) -> None:
    """Write the digests of `which` trials, none of which is being trained."""
    sealed = update(trials).where(trials.c.id == bindparam("this")).values(digest=bindparam("now"))
    if pairs := [{"this": trial_id, "now": each} for trial_id, each in trial_digests(connection, which)]:
        connection.execute(sealed, pairs)


def seal_drawn(connection: Connection, which: ColumnElement[bool]) -> None:
    """Write the digests over what was drawn for `which` trials."""
    sealed = update(trials).where(trials.c.id == bindparam("this")).values(drawn_digest=bindparam("now"))
    if pairs := [{"this": trial_id, "now": each} for trial_id, each in drawn_digests(connection, which)]:
        connection.execute(sealed, pairs)


class _Details:
    """The rows of a table that belong to trials, handed out trial by trial in the order of their ids."""

    def __init__(self, connection: Connection, table: Table, which: ColumnElement[bool]) -> None:
        self._key = [column.name for column in table.primary_key]
        query = select(table).join(trials).where(which).order_by(table.c.trial_id)
        self._rows = iter(connection.execute(query))
        self._next = next(self._rows, None)

    def of(self, trial_id: int) -> list[Any]:
        """Return the rows of a trial, sorted here by their key, since databases order text in ways of their own."""
        found = []
        while self._next is not None and self._next.trial_id == trial_id:
            found.append(self._next)
            self._next = next(self._rows, None)
        return sorted(found, key=lambda row: tuple(row._mapping[name] for name in self._key))


_json = json.JSONEncoder(sort_keys=True)


def _sha256(rows: Iterable[Iterable[Any]]) -> str:
    result = hashlib.sha256()
    for row in rows:
        # Python writes a float with as many digits as tell it from every other one.
        result.update(_json.encode([_plain(value) for value in row]).encode())
        result.update(b"\n")
    return result.hexdigest()


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, alike from each database: SQLite's times have no zone, but are in UTC."""
    if isinstance(value, datetime):
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        return value.astimezone(UTC).isoformat()
    return value
