"""A copy of a database, taken while it may be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from sweep.errors import StoreError, UsageError
from sweep.store.connection import Database

PAGES = 4096
"""Pages that are copied between two reports of progress."""

Progress = Callable[[int, int], None]
"""Called with (pages copied, all pages)."""


def _say_nothing(done: int, total: int) -> None:
    pass


def copy_file(path: Path, destination: Path, progress: Progress = _say_nothing) -> None:
    """Copy a SQLite file, with what is still in the log beside it, and wait until the copy is on the disk.

    Raises:
        OSError: when the copy cannot be written.
        sqlite3.Error: when the file cannot be read, or the copy not be written.
    """
    destination.unlink(missing_ok=True)
    destination.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(destination)) as target:
        target.execute("PRAGMA journal_mode = OFF")
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master")  # from here on it sees one state, however much is written
        source.backup(target, pages=PAGES, progress=lambda status, left, total: progress(total - left, total))
    shutil.copymode(path, destination)
    sync(destination)


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def backup(database: Database, destination: Path, progress: Progress = _say_nothing) -> None:
    """Write a copy of a SQLite database, as it is at one moment, by SQLite's own means.

    A plain copy of the file lacks what still stands in the log beside it.

    Args:
        destination: a file that does not exist yet; it appears whole or not at all.

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
        copy_file(database.path, draft, progress)
        draft.rename(destination)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StoreError(f"the copy {destination} cannot be written: {reason}") from error
    finally:
        with suppress(OSError):
            draft.unlink()
