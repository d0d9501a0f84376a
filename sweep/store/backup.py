"""A copy of a database, taken while it may be written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from sweep.errors import StoreError, UsageError
from sweep.store.connection import Database

PAGES = 4096
"""Pages that are copied between two reports of progress."""


def backup(
    database: Database, destination: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Write a copy of a SQLite database, as it is at one moment, by SQLite's own means.

    A plain copy of the file lacks what still stands in the log beside it.

    Args:
        destination: a file that does not exist yet; it appears whole or not at all.
        progress: called with (pages copied, all pages).

    Raises:
        UsageError: when the destination exists, or the database is on a server.
        StoreError: when the copy cannot be written.
    """
    if not database.is_sqlite:
        raise UsageError(f"{database.shown} is on a server; copy it with pg_dump")
    if os.path.lexists(destination):
        raise UsageError(f"{destination} exists already; name a new file")
    draft = destination.with_name(f".{destination.name}.{os.getpid()}")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(database.path)) as source, closing(sqlite3.connect(draft)) as target:
            source.backup(target, pages=PAGES, progress=lambda status, left, total: progress(total - left, total))
        draft.rename(destination)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StoreError(f"the copy {destination} cannot be written: {reason}") from error
    finally:
        for left in (draft, draft.with_name(f"{draft.name}-journal")):
            with suppress(OSError):
                left.unlink()
