"""Notes and tags, which people give to sweeps and trials; they are part of no digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select

from sweep.records import Note
from sweep.store.schema import notes, tags

Tags = dict[int | None, tuple[str, ...]]
"""Number of a trial, None for the sweep itself -> its tags in order."""


def note(connection: Connection, sweep_id: int, number: int | None, text: str, now: datetime) -> None:
    """Add a note to a trial, or to a sweep itself."""
    connection.execute(insert(notes).values(sweep_id=sweep_id, trial_number=number, text=text, written=now))


def read_notes(connection: Connection, sweep_id: int) -> list[Note]:
    """Return the notes on a sweep and on its trials, the oldest first."""
    columns = (notes.c.trial_number, notes.c.text, notes.c.written)
    query = select(*columns).where(notes.c.sweep_id == sweep_id).order_by(notes.c.id)
    return [Note(*row) for row in connection.execute(query)]


def tag(connection: Connection, sweep_id: int, number: int | None, names: Sequence[str]) -> None:
    """Add tags to a trial, or to a sweep itself; those that it has already stay as they are."""
    there = set(connection.execute(select(tags.c.tag).where(_whose(tags, sweep_id, number))).scalars())
    rows = [
        {"sweep_id": sweep_id, "trial_number": number, "tag": name}
        for name in dict.fromkeys(names)
        if name not in there
    ]
    if rows:
        connection.execute(insert(tags), rows)


def untag(connection: Connection, sweep_id: int, number: int | None, names: Sequence[str]) -> list[str]:
    """Remove tags from a trial, or from a sweep itself; return those that it had."""
    these = _whose(tags, sweep_id, number) & tags.c.tag.in_(names)
    return sorted(connection.execute(delete(tags).where(these).returning(tags.c.tag)).scalars())


def read_tags(connection: Connection, sweep_id: int) -> Tags:
    """Return the tags of a sweep and of its trials."""
    found: Tags = {}
    query = select(tags.c.trial_number, tags.c.tag).where(tags.c.sweep_id == sweep_id)
    for number, name in sorted(connection.execute(query), key=lambda row: (-1 if row[0] is None else row[0], row[1])):
        found[number] = (*found.get(number, ()), name)
    return found


def _whose(table: Table, sweep_id: int, number: int | None) -> ColumnElement[bool]:
    """Return the condition that a row is about a trial, or about the sweep itself."""
    return (table.c.sweep_id == sweep_id) & table.c.trial_number.is_not_distinct_from(number)
