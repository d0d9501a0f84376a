"""A copy of a database, taken while it may be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from sweep.errors import StoreError, UsageError
from sweep.store.advice import FULL, advice
from sweep.store.connection import Database
from sweep.store.room import why_no_room
from sweep.system.files import draft_of, is_full

PAGES = 4096
"""Pages that are copied between two reports of progress."""

Progress = Callable[[int, int], None]
"""Called with (pages copied, all pages)."""


def _say_nothing(done: int, total: int) -> None:
    pass


def copy_file(path: Path, destination: Path, progress: Progress = _say_nothing, *, is_unchanging: bool = False) -> None:
    """Copy a SQLite file, with what is still in the log beside it, and wait until the copy is on the disk.

    Args:
        path: the file.
        destination: where the copy is written.
        progress: told of the pages.
        is_unchanging: whether nothing can be written beside the file, which then has no log either.

    Raises:
        OSError: when the copy cannot be written.
        sqlite3.Error: when the file cannot be read, or the copy not be written.
    """
    destination.unlink(missing_ok=True)
    destination.touch(mode=0o600)
    source_url = f"file:{quote(str(path.absolute()))}{'?mode=ro&immutable=1' if is_unchanging else '?mode=rw'}"
    with closing(sqlite3.connect(source_url, uri=True)) as source, closing(sqlite3.connect(destination)) as target:
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
    draft = draft_of(destination)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        copy_file(database.path, draft, progress, is_unchanging=database.is_fixed or database.is_stuck)
        draft.rename(destination)
    except (OSError, sqlite3.Error) as error:
        reason = (error.strerror or "") if isinstance(error, OSError) else str(error)
        is_full_now = is_full(error) or is_full(why_no_room(destination.parent))
        reason = FULL if is_full_now else reason
        raise StoreError(f"the copy {destination} cannot be written: {reason}{advice(reason)}") from error
    finally:
        with suppress(OSError):
            draft.unlink()
