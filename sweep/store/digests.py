"""Digests, which find changes that SQLite's own check misses: a third of all single flipped bits.

Every trial that is not running has a digest over all that is stored of it. To seal a trial is to write that digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, CursorResult, Select, Table, bindparam, select, update

from sweep.store.schema import batches, decisions, epochs, parameters, sweeps, trials

DRAWN = ("sweep_id", "number", "seed_weights", "seed_shuffling", "seed_dropout", "configuration")
"""Columns of a trial that are fixed when it is drawn."""
SINCE = (
    *("weights_sha256", "checkpoint_sha256", "ranked_epochs"),
    *("round", "target_epochs", "exempt", "told", "redraws", "network_parameters", "multiplications", "taken_from"),
    *("finding", "forked_from", "correct"),
)
"""Columns of a trial that came after the digests; they count only where they hold something, so that old ones stay."""
SWEEPS_SINCE = ("planned_trials", "ended")
"""Such columns of a sweep."""
CHUNK = 1_000
"""Rows that are read at a time."""
KEPT = (parameters, epochs, batches, decisions)
"""What belongs to a trial; the primary key comes first in each table, and the trial's id first in the key."""
TABLES_SINCE = (decisions,)
"""Tables that came after the digests; they count only where they hold something of a trial."""


def sweep_digest(connection: Connection, sweep_id: int) -> str:
    """Return the SHA-256 over the row of a sweep."""
    columns = (*_but_digest(sweeps, SWEEPS_SINCE), *(sweeps.c[name] for name in SWEEPS_SINCE))
    row = connection.execute(select(*columns).where(sweeps.c.id == sweep_id)).one()
    return hashlib.sha256("".join(_head_lines(row, SWEEPS_SINCE)).encode()).hexdigest()


def drawn_digests(connection: Connection, which: ColumnElement[bool]) -> Iterator[tuple[int, str]]:
    """Yield, for `which` trials in the order of their ids, the SHA-256 over what was drawn, parameters included."""
    drawn = _Details(parameters, connection.execute(_details(parameters, which)))
    columns = [trials.c[name] for name in ("id", *DRAWN)]
    for row in connection.execute(select(*columns).where(which).order_by(trials.c.id)):
        yield row.id, _sha256([row[1:], *drawn.of(row.id)])


def trial_digests(connection: Connection, which: ColumnElement[bool]) -> Iterator[tuple[int, str]]:
    """Yield, for `which` trials in the order of their ids, the SHA-256 over all that is kept, epochs included."""
    return _whole_digests(connection, _whole(which), {})


def seal(connection: Connection, trial_id: int) -> None:
    """Write the digest of a trial that is not running."""
    _seal(connection, _whole_digests(connection, _WHOLE_TRIAL, {"this": trial_id}))


def seal_all(connection: Connection, which: ColumnElement[bool]) -> None:
    """Write the digests of `which` trials, none of which is running."""
    _seal(connection, trial_digests(connection, which))


def seal_drawn(connection: Connection, which: ColumnElement[bool]) -> None:
    """Write the digests over what was drawn for `which` trials."""
    sealed = update(trials).where(trials.c.id == bindparam("this")).values(drawn_digest=bindparam("now"))
    if pairs := [{"this": trial_id, "now": each} for trial_id, each in drawn_digests(connection, which)]:
        connection.execute(sealed, pairs)


def seal_new(connection: Connection, which: ColumnElement[bool]) -> None:
    """Write both digests of `which` trials, of which nothing is kept yet but what was drawn; it is read once."""
    drawn = _Details(parameters, connection.execute(_details(parameters, which)))
    columns = [column.name for column in trials.c if column.name not in ("digest", *SINCE)]
    place, of_drawn = columns.index("drawn_digest"), itemgetter(*(columns.index(name) for name in DRAWN))
    pairs = []
    for head in connection.execute(_whole(which)[0]):
        lines = _lines(drawn.of(head.id))
        digest = hashlib.sha256(f"{_lines([of_drawn(head)])}{lines}".encode()).hexdigest()
        sealed = (*head[:place], digest, *head[place + 1 :])
        pairs.append({"this": head.id, "drawn": digest, "now": _whole_digest(sealed, {parameters: lines})})
    if pairs:
        connection.execute(_SEALED_NEW, pairs)


_SEALED_NEW = (
    update(trials)
    .where(trials.c.id == bindparam("this"))
    .values(drawn_digest=bindparam("drawn"), digest=bindparam("now"))
)
_SEALED = update(trials).where(trials.c.id == bindparam("this")).values(digest=bindparam("now"))


def _seal(connection: Connection, digests: Iterable[tuple[int, str]]) -> None:
    if pairs := [{"this": trial_id, "now": each} for trial_id, each in digests]:
        connection.execute(_SEALED, pairs)


def _whole(which: ColumnElement[bool]) -> list[Select[Any]]:
    """Return the queries for `which` trials and for what belongs to them, all in the order of the trials' ids."""
    heads = select(*_but_digest(trials, SINCE), *(trials.c[name] for name in SINCE)).where(which).order_by(trials.c.id)
    return [heads, *(_details(table, which) for table in KEPT)]


def _but_digest(table: Table, since: Sequence[str]) -> list[ColumnElement[Any]]:
    """Return the columns that a digest is over, those that came `since` left out."""
    return [column for column in table.c if column.name not in ("digest", *since)]


def _head_lines(row: Sequence[Any], since: Sequence[str]) -> list[str]:
    """Return the lines of a row whose last columns are those of `since`, which count where they hold something."""
    later = zip(since, row[-len(since) :], strict=True)
    held = ((name, value.hex() if isinstance(value, bytes) else value) for name, value in later if value is not None)
    return [_lines([row[: -len(since)]]), *(_lines([pair]) for pair in held)]


def _details(table: Table, which: ColumnElement[bool]) -> Select[Any]:
    return select(table).join(trials).where(which).order_by(table.c.trial_id)


_WHOLE_TRIAL = _whole(trials.c.id == bindparam("this"))
"""Made once, since making queries takes longer than executing them."""


def _whole_digests(
    connection: Connection, queries: Sequence[Select[Any]], values: Mapping[str, Any]
) -> Iterator[tuple[int, str]]:
    heads, *rows = [connection.execute(query, values) for query in queries]
    details = [(table, _Details(table, each)) for table, each in zip(KEPT, rows, strict=True)]
    for head in heads:
        yield head.id, _whole_digest(head, {table: _lines(each.of(head.id)) for table, each in details})


def _whole_digest(head: Sequence[Any], details: Mapping[Table, str]) -> str:
    """Return the SHA-256 over the row of a trial and the lines of what belongs to it, by table."""
    lines = _head_lines(head, SINCE)
    for table in KEPT:
        of_trial = details.get(table, "")
        if of_trial or table not in TABLES_SINCE:
            lines += [f'["{table.name}"]\n', of_trial]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


class _Details:
    """The rows of a table that belong to trials, returned trial by trial in the order of their ids."""

    def __init__(self, table: Table, rows: CursorResult[Any]) -> None:
        self._key = itemgetter(*range(len(table.primary_key)))
        chunks = rows.partitions(CHUNK)  # several times as fast as row by row
        self._trials = groupby(map(tuple, chain.from_iterable(chunks)), key=itemgetter(0))
        self._next = next(self._trials, None)

    def of(self, trial_id: int) -> list[Sequence[Any]]:
        """Return the rows of a trial, sorted here by their key, since databases order text in ways of their own."""
        if self._next is None or self._next[0] != trial_id:
            return []
        rows: list[Sequence[Any]] = sorted(self._next[1], key=self._key)
        self._next = next(self._trials, None)
        return rows


def _sha256(rows: Sequence[Sequence[Any]]) -> str:
    return hashlib.sha256(_lines(rows).encode()).hexdigest()


_NUMBERS = frozenset({int, float, type(None)})


def _lines(rows: Sequence[Sequence[Any]]) -> str:
    """Return one line of JSON for each row; Python writes a float with as many digits as tell it from all others."""
    if rows and len(rows[0]) > 1 and _NUMBERS.issuperset(map(type, chain.from_iterable(rows))):
        # Most rows by far are epochs and mini-batches. Python writes tuples of finite numbers as JSON has them, but for
        # the brackets and None, and many of them three times as fast.
        text = repr(list(map(tuple, rows)))[2:-2]
        return f"[{text}]\n".replace("), (", "]\n[").replace("None", "null")
    if len(rows) > 1:
        # All at once takes half as long as each by itself, and is the same where no value looks like the end of a row.
        text = _json.encode([tuple(row) for row in rows])
        if text.count("], [") == len(rows) - 1:
            return f"{text[1:-1]}\n".replace("], [", "]\n[")
    return "".join(f"{_json.encode(tuple(row))}\n" for row in rows)


def _plain(value: Any) -> str:
    """Return a time as JSON has it, alike from each database: SQLite's times have no zone, but are in UTC."""
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is not a value of any column")
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


_json = json.JSONEncoder(sort_keys=True, default=_plain)
