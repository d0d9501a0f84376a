"""Migration: which version of the schema a database has, how it is brought to the present one, and the copy before.

A SQLite file states its version as `user_version`: by that it is known without Alembic whether there is anything to do,
and an older sweep refuses a newer file. A server states it in Alembic's table, which a file has as well, for Alembic to
find its way. Servers from before that table are judged by their columns.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Inspector,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
    text,
)

from sweep.errors import Argument, StoreError
from sweep.store.backup import copy_file, sync
from sweep.store.schema import APPLICATION_ID, VERSION
from sweep.store.views import create_views, drop_views

MADE_SINCE = {
    9: ("notes", "id"),
    8: ("trials", "correct"),
    7: ("trials", "finding"),
    6: ("sweeps", "planned_trials"),
    5: ("trials", "ranked_epochs"),
    4: ("sweeps", "objective"),
    3: ("sweeps", "digest"),
    2: ("trials", "weights"),
    1: ("sweeps", "id"),
}
"""Version of the schema -> a table and its column that came with it, the newest first."""

MADE_BY_US = 9
"""Version since which views are no part of revisions."""

revisions = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's table, as it makes it."""


def schema_version(connection: Connection) -> int:
    """Return the version of a database's schema, 0 where it holds no tables of ours.

    Raises:
        StoreError: when it belongs to another application.
    """
    if connection.dialect.name == "sqlite":
        stated: int = connection.execute(text("PRAGMA user_version")).scalar_one()
        if stated > 0:
            return stated
    inspector = inspect(connection)
    revision = connection.execute(select(revisions)).scalar() if inspector.has_table(revisions.name) else None
    if revision is not None and not revision.isdecimal():
        raise StoreError(
            f"the table alembic_version holds the version '{revision}' of another application; give sweep a database "
            "of its own with ",
            Argument("db"),
        )
    return int(revision or _judged(inspector))


def _judged(inspector: Inspector) -> int:
    """Return the version of a schema that does not state it."""
    tables = {name: {column["name"] for column in inspector.get_columns(name)} for name in inspector.get_table_names()}
    return next((version for version, (table, name) in MADE_SINCE.items() if name in tables.get(table, ())), 0)


def mark(connection: Connection) -> None:
    """State that a new database is of the present schema."""
    revisions.create(connection)
    connection.execute(insert(revisions).values(version_num=_revision(VERSION)))
    if connection.dialect.name == "sqlite":
        connection.execute(text(f"PRAGMA application_id = {APPLICATION_ID}"))
        connection.execute(text(f"PRAGMA user_version = {VERSION}"))


def migrate(connection: Connection, version: int) -> None:
    """Bring a database from a version of the schema to the present one, within the transaction of the connection.

    Its views are made anew: databases change no table that a view reads.
    """
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "sweep.store:migrations")
    if version >= MADE_BY_US:
        drop_views(connection)
    command.stamp(config, _revision(version), purge=True)
    command.upgrade(config, _revision(VERSION))
    create_views(connection)
    if connection.dialect.name == "sqlite":
        connection.execute(text(f"PRAGMA user_version = {VERSION}"))


def _revision(version: int) -> str:
    return f"{version:04}"


@contextmanager
def backed_up(path: Path, version: int) -> Iterator[Path]:
    """Copy a SQLite file beside it before something is done to it, and yield the copy's name.

    The file must be locked against other writers. The copy bears its name only once what is done went well.

    Raises:
        StoreError: when the copy cannot be written.
    """
    draft = path.with_name(f".{path.name}.backup")  # one that a killed process has left is written over
    backup = _free_name(path, version)
    try:
        with _explained(path):
            copy_file(path, draft)
        yield backup
        with _explained(path):
            draft.rename(backup)
            sync(path.parent)
    finally:
        with suppress(OSError):
            draft.unlink()


def _free_name(path: Path, version: int) -> Path:
    name = f"{path.name}.schema-{version}.backup"
    numbered = (name if n == 1 else f"{name}.{n}" for n in count(1))
    return next(path.with_name(each) for each in numbered if not os.path.lexists(path.with_name(each)))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StoreError(f"no backup copy of {path} can be written beside it: {reason}") from error
