"""The folder of a sweep's charts and weights, while the sweep is renamed or removed.

The rows of a sweep and its folder cannot change in one step, so the folder waits, under the id and the time of the
sweep, until the rows are committed. Then it gets the name that its sweep has now, or is deleted where there is no such
sweep any more. After a crash whoever opens the database next does so.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select, text

from sweep.errors import StoreError
from sweep.store.connection import Database
from sweep.store.schema import APPLICATION_ID, sweeps

WAITING = ".moved"
"""Folder beside those of the sweeps, in which they wait; no sweep has such a name."""


@contextmanager
def changing(database: Database, files: Path) -> Iterator[Connection]:
    """Open a durable transaction in which folders may be moved aside, and give them their names after it.

    One process at a time is in such a transaction.
    """
    try:
        with database.writing(durable=True) as connection:
            _lock(database, connection)
            yield connection
    finally:
        settle(database, files)


def _lock(database: Database, connection: Connection) -> None:
    if not database.is_sqlite:  # a file is locked as a whole
        connection.execute(text(f"SELECT pg_advisory_xact_lock({APPLICATION_ID})"))


def own_folder(files: Path, name: str) -> Path | None:
    """Return the folder of a sweep; None for a name that a damaged database has and that is no name of a folder."""
    return None if name in ("", ".", "..", WAITING) or Path(name).name != name else files / name


def move_aside(connection: Connection, files: Path, sweep_id: int) -> None:
    """Let the folder of a sweep wait for the end of the transaction, if there is one.

    Raises:
        StoreError: when it cannot be moved.
    """
    name, created = connection.execute(select(sweeps.c.name, sweeps.c.created).where(sweeps.c.id == sweep_id)).one()
    folder = own_folder(files, name)
    if folder is None or not folder.is_dir():
        return
    try:
        (files / WAITING).mkdir(exist_ok=True)
        folder.rename(files / WAITING / _key(sweep_id, created))
    except OSError as error:
        raise StoreError(f"the folder {folder} cannot be moved: {error.strerror}") from error


def settle(database: Database, files: Path) -> None:
    """Give each folder that waits the name of its sweep, and delete those that have none; leave what cannot be moved.

    A reader who may not write leaves it to others.
    """
    waiting = files / WAITING
    if not waiting.is_dir():
        return
    with suppress(OSError, StoreError):
        for folder in sorted(waiting.iterdir()):
            with database.writing() as connection:  # waits for whoever moves it
                _lock(database, connection)
                name = _names(connection).get(folder.name)
                target = None if name is None else own_folder(files, name)
                if target is not None and folder.is_dir():
                    _merge(folder, target)
            if name is None:  # there will never be such a sweep again, as no other is of the same time
                _delete(folder)
        waiting.rmdir()


def _key(sweep_id: int, created: datetime) -> str:
    return f"{sweep_id}-{created:%Y%m%d%H%M%S%f}"


def _names(connection: Connection) -> dict[str, str]:
    """Return the names of all sweeps by the names under which their folders wait."""
    found = connection.execute(select(sweeps.c.id, sweeps.c.created, sweeps.c.name))
    return {_key(sweep_id, created): name for sweep_id, created, name in found}


def _merge(folder: Path, target: Path) -> None:
    """Move a folder to its place; files of a chart that was drawn meanwhile give way to those of the same name."""
    if not target.is_dir():
        folder.rename(target)
        return
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            _merge(entry, target / entry.name)
        else:
            entry.replace(target / entry.name)
    folder.rmdir()


def _delete(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)
