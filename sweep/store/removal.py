"""Removing sweeps: their rows in one transaction, their folders after it, and the space given back to the disk."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, delete, exists, select

from sweep.errors import SweepError
from sweep.store.claims import Lease
from sweep.store.connection import Database
from sweep.store.lifecycle import leases
from sweep.store.moving import changing, move_aside
from sweep.store.schema import sweeps, trials
from sweep.store.views import drop_wide_view
from sweep.system.processes import is_alive, is_lost, process_of

SMALL = 64 << 20
"""Bytes of a file that is always written anew, as that takes a second at most."""
WORTH = 0.1
"""Share of a larger file that must be free for that."""
BUSY_SECONDS = 2.0
"""How long it waits for others who write the file."""


def remove(database: Database, files: Path, ids: Sequence[int]) -> None:
    """Delete sweeps with all that is kept of them, and then their folders.

    Raises:
        SweepError: when one of them is being trained, or was removed meanwhile; nothing is deleted then.
    """
    with changing(database, files) as connection:
        check_idle(connection, ids, database.now(connection))
        for sweep_id in ids:
            move_aside(connection, files, sweep_id)
            drop_wide_view(connection, sweep_id)
        connection.execute(delete(sweeps).where(sweeps.c.id.in_(ids)))


def check_idle(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Check that sweeps are there and that nobody trains them.

    Raises:
        SweepError: when one of them is being trained, or there is none of that id.
    """
    names = dict(connection.execute(select(sweeps.c.id, sweeps.c.name).where(sweeps.c.id.in_(ids))).all())
    for sweep_id in ids:
        if sweep_id not in names:
            raise SweepError("another process has removed the sweep meanwhile; look with `sweep list`")
        # What is locked now cannot be claimed before the end of the transaction.
        connection.execute(select(trials.c.id).where(trials.c.sweep_id == sweep_id).with_for_update()).all()
        owner = next(owners_at_work(connection, sweep_id, leases(connection, sweep_id, now)), None)
        if owner is not None:
            raise SweepError(f"{names[sweep_id]} is being trained {_where(owner)}")


def owners_at_work(connection: Connection, sweep_id: int, held: dict[int, Lease]) -> Iterator[str]:
    """Yield who trains a trial of a sweep, or has just trained one and may claim the next."""
    for lease in held.values():
        if _runs_here(lease.owner) or not is_lost(lease.owner, lease.silent_seconds):
            yield lease.owner
    mine = trials.c.sweep_id == sweep_id
    if connection.execute(select(exists().where(mine, trials.c.status.in_(("queued", "paused"))))).scalar():
        last = select(trials.c.owner).where(mine, trials.c.owner.is_not(None)).distinct()
        for owner in connection.execute(last).scalars():
            if process_of(owner)[1] != os.getpid() and _runs_here(owner):
                yield owner


def _runs_here(owner: str) -> bool:
    """Tell whether an owner is a process of this machine that runs, however long it has been silent."""
    return process_of(owner)[0] == socket.gethostname() and is_alive(owner)


def _where(owner: str) -> str:
    """Return where a sweep is trained, and how that is stopped."""
    host, number = process_of(owner)
    parent = owner.rpartition(":")[2].partition("@")[0]
    process = parent if parent.isdecimal() else str(number)
    if host == socket.gethostname():
        return f"by process {process}; stop it first, with Ctrl-C there or with: kill -INT {process}"
    return f"on {host}, by process {process}; stop it there first, with Ctrl-C"


def give_back(database: Database) -> int:
    """Give the space of deleted rows back to the disk; return by how many bytes a file is smaller.

    A large file of which little is free stays as it is, and so does one that others are writing: what is free in it is
    used again. A server does so by itself.
    """
    if not database.is_sqlite:
        return 0
    before = _size(database.path)
    with suppress(sqlite3.Error, OSError), closing(sqlite3.connect(database.path, BUSY_SECONDS)) as connection:
        free, pages = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
        if free and (before <= SMALL or free >= WORTH * pages):
            connection.execute("VACUUM")  # which fails while others write, or where there is no room for the copy
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return max(0, before - _size(database.path))


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in (path, path.with_name(f"{path.name}-wal")) if each.exists())
