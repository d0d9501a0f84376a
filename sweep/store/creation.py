"""Opening a database, creating one, and bringing one of an older schema to the present one."""

from __future__ import annotations

import logging
from contextlib import nullcontext, suppress
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, text

from sweep.errors import Argument, Call, StoreError
from sweep.store.advice import advice
from sweep.store.connection import Database
from sweep.store.migration import backed_up, mark, migrate, schema_version
from sweep.store.schema import APPLICATION_ID, VERSION, metadata
from sweep.store.views import create_views, drop_views, lacks_views
from sweep.system.files import LOGS, draft_of, locked

LOG = logging.getLogger(__name__)


def open_existing(database: Database) -> None:
    """Check that a database is there and ours; migrate it to the present schema if an older sweep has made it.

    Raises:
        StoreError: when it is missing, foreign, damaged or of a newer version, or cannot be migrated.
    """
    if database.is_sqlite:
        _check_file(database)
    if not _check_version(database):
        raise StoreError(f"the database {database.shown} holds no sweeps yet; begin one with `", Call("run"), "`")


def create(database: Database) -> None:
    """Create a database that does not exist; open one that does.

    Raises:
        StoreError: when it cannot be created or opened.
    """
    if database.is_sqlite and database.exists:
        open_existing(database)
    elif database.is_sqlite:
        _create_file(database)
    elif not _check_version(database):
        _create_tables(database)


def _create_file(database: Database) -> None:
    """Write the whole file beside its place and link it there, so that no process ever sees half of it."""
    path = database.path
    draft = draft_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = Database(str(draft))
        new.use_write_ahead_log()
        _create_tables(new)
        new.close()
        with locked(path.parent):
            if not database.exists:
                _move_logs_aside(path)
                draft.rename(path)
                return
    except (OSError, StoreError) as error:
        if not database.exists:
            raise _not_created(database, error) from None
    finally:
        with suppress(OSError):
            draft.unlink()
    open_existing(database)  # another process was quicker


def _not_created(database: Database, error: OSError | StoreError) -> StoreError:
    """Return the sentence that says why a file could not be created."""
    folder = database.path.parent
    reason: object = f"{folder} is not a folder"
    if not folder.exists() or folder.is_dir():
        reason = error.strerror if isinstance(error, OSError) else getattr(error.__cause__, "orig", error)
    return StoreError(
        f"the database {database.shown} cannot be created: {reason}; name another place with ", Argument("db")
    )


def _move_logs_aside(path: Path) -> None:
    """Rename the logs that a deleted database of this name has left: SQLite would play them into the new one."""
    for log in (path.with_name(path.name + ending) for ending in LOGS):
        if log.exists():
            aside = next(each for n in count() if not (each := log.with_name(f"{log.name}.old-{n}")).exists())
            log.rename(aside)
            LOG.warning("%s was left by a deleted database, so it was renamed to %s", log, aside.name)


def _create_tables(database: Database) -> None:
    with database.writing() as connection:
        _lock(database, connection)
        if schema_version(connection):  # another process was quicker
            return
        metadata.create_all(connection)
        create_views(connection)
        mark(connection)


def _lock(database: Database, connection: Connection) -> None:
    """Let one process at a time make or change tables; `writing` has locked a file already."""
    if not database.is_sqlite:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({APPLICATION_ID})"))


def _check_file(database: Database) -> None:
    if not database.exists:
        raise StoreError(
            f"there is no database {database.shown}; begin a sweep with `",
            Call("run"),
            "`, or name another with ",
            Argument("db"),
        )
    if not database.path.is_file() or database.path.stat().st_size == 0:
        raise StoreError(
            f"{database.shown} is empty or no file, so it is no database of sweeps; restore it from a backup, or "
            "move it away to begin a new one"
        )
    with database.reading() as connection:
        application = connection.execute(text("PRAGMA application_id")).scalar()
    if application != APPLICATION_ID:
        raise StoreError(f"{database.shown} is a database, but not one of sweep; name another with ", Argument("db"))


def _check_version(database: Database) -> bool:
    """Check that the tables are those of the present schema, or migrate them; return whether there are any."""
    with database.reading() as connection:
        version = schema_version(connection)
        is_older = version == VERSION and lacks_views(connection)
    if version > VERSION:
        raise StoreError(
            f"{database.shown} was written by a newer sweep (schema {version}, this one knows {VERSION}); upgrade sweep"
        )
    if 0 < version < VERSION:
        _migrate_or_explain(database, version)
    elif is_older:
        _renew_views(database)
    return version > 0


def _renew_views(database: Database) -> None:
    """Make all views anew where one is missing; one who may not goes on without, as only queries of users need it."""
    with suppress(StoreError), database.writing() as connection:
        _lock(database, connection)
        if lacks_views(connection):  # no other process was quicker
            drop_views(connection)
            create_views(connection)


def _migrate_or_explain(database: Database, version: int) -> None:
    remedy: tuple[str | Argument, ...] = ("open it once as the role that owns its tables",)
    if database.is_sqlite:
        remedy = ("make room, or make it and its folder writable, or name a copy elsewhere with ", Argument("db"))
    try:
        _migrate(database)
    except StoreError as error:
        said = [part for part in error.args if part != advice(str(error.args[0]))]  # the remedy says more
        raise StoreError(
            *said, f"; before it can be used it has to be brought from schema {version} to {VERSION}: ", *remedy
        ) from error


def _migrate(database: Database) -> None:
    """Migrate a database in one transaction; of several processes one does it, once."""
    with database.writing(durable=True) as connection:
        _lock(database, connection)
        version = schema_version(connection)
        if version == VERSION:  # another process was quicker
            return
        with backed_up(database.path, version) if database.is_sqlite else nullcontext() as backup:
            migrate(connection, version)
    kept = f"; the file as it was is {backup}" if backup else ""
    LOG.warning("brought %s from schema %d to %d%s", database.shown, version, VERSION, kept)
