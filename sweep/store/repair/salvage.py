"""Salvage: a new file of all rows that can be read from a damaged one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from sweep.errors import StoreError
from sweep.store.connection import Database
from sweep.store.creation import create
from sweep.store.schema import metadata
from sweep.store.views import create_views, drop_views
from sweep.system.files import draft_of

BESIDE = ("", "-wal")
"""Endings of the files that a database consists of."""


def back_up(path: Path) -> Path:
    """Copy a database as it is, its log included, to a new name beside it; return the name.

    Raises:
        StoreError: when it cannot be copied; nothing is changed then.
    """
    for number in count(1):
        copy = path.with_name(f"{path.name}.before-repair-{number}")
        if not copy.exists():
            break
    try:
        for ending in BESIDE:
            if Path(f"{path}{ending}").exists():
                shutil.copy2(f"{path}{ending}", f"{copy}{ending}")
    except OSError as error:
        raise StoreError(f"{path} cannot be copied to {copy} ({error.strerror}), so nothing is repaired") from None
    return copy


def rebuild(path: Path) -> None:
    """Replace a damaged file by a new one with every row that can be read.

    Raises:
        StoreError: when nothing can be read; the file is as it was then.
    """
    if _is_sound_after_reindexing(path):
        return
    draft = draft_of(path)
    try:
        create(Database(str(draft)))
        with closing(_opened(path)) as old, closing(sqlite3.connect(draft)) as new:
            for table in metadata.sorted_tables:
                _copy(table, old, new)
            new.commit()
        _create_views(draft)
        with closing(sqlite3.connect(draft)) as new:
            new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        draft.replace(path)
        for ending in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{path}{ending}").unlink()
    except sqlite3.Error as error:
        raise StoreError(f"nothing can be read from {path} ({error}); restore it from a backup") from None
    finally:
        for ending in ("", "-wal", "-shm"):
            with suppress(OSError):
                Path(f"{draft}{ending}").unlink()


def _create_views(path: Path) -> None:
    """Create the views of the sweeps that could be read."""
    database = Database(str(path))
    with database.writing() as connection:
        drop_views(connection)
        create_views(connection)
    database.close()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = lambda text: text.decode(errors="replace")
    return connection


def _is_sound_after_reindexing(path: Path) -> bool:
    """Build all indices again; tell whether nothing else was wrong."""
    with closing(_opened(path)) as connection:
        try:
            connection.execute("REINDEX")
            return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        except sqlite3.Error:
            return False


def _copy(table: Table, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    names = [column.name for column in table.columns]
    places = ", ".join("?" * len(names))
    insert = f"INSERT OR IGNORE INTO {table.name} ({', '.join(names)}) VALUES ({places})"
    for row in _rows(table, names, old):
        with suppress(sqlite3.Error):  # a row that breaks the rules of its table is not kept
            new.execute(insert, row)


def _rows(table: Table, names: list[str], old: sqlite3.Connection) -> Iterator[Any]:
    """Yield the rows from the first one to a page that cannot be read, and from the last one back to it."""
    key = [column.name for column in table.primary_key]
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{name} {direction}" for name in key)
        try:
            yield from old.execute(f"SELECT {', '.join(names)} FROM {table.name} ORDER BY {order}")
            return
        except (sqlite3.Error, OverflowError):
            continue
