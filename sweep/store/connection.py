"""Connections: opening, creating and guarding a database, and one sentence for all that can go wrong with it."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from sweep.errors import StoreBusy, StoreError, UsageError
from sweep.store.migration import backed_up, mark, migrate, schema_version
from sweep.store.schema import APPLICATION_ID, LEADERBOARD, VERSION, metadata
from sweep.system.variables import patience as patience_seconds

BUSY_SECONDS = 60
"""How long a statement waits for another process to release the database."""
PROBE_SECONDS = 2
"""How long it waits if it is only to tell whether the database can be written."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 10.0

PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
"""Errors of SQLite that another try may not meet again."""

LOG = logging.getLogger(__name__)
Result = TypeVar("Result")


class Database:
    """An engine with the transactions that we use: readers, writers, and writers that reach the disk."""

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        without_password = self.url.difference_update_query(["password"]).render_as_string()
        self.shown = self.url.database if self.is_sqlite else without_password
        try:
            engine = create_engine(
                self._connected(),
                paramstyle="qmark" if self.is_sqlite else "format",  # each by position, so that rows may be tuples
                pool_pre_ping=not self.is_sqlite,  # a server may have been restarted since a connection was last used
            )
        except (NoSuchModuleError, ImportError, ArgumentError) as error:
            raise StoreError(
                f"{self.shown} needs a database driver that is not installed ({error}); install it and try again"
            ) from None
        if self.is_sqlite:
            event.listen(engine, "connect", _prepare_sqlite)
        else:
            event.listen(engine, "connect", _prepare_server)
        self._engine: Engine = engine
        # A server would else show each statement of a reader a moment of its own.
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = engine if self.is_sqlite else engine.execution_options(**options)
        weakref.finalize(self, engine.dispose)  # whoever forgets to close it leaves no connection open

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def path(self) -> Path:
        """The file of a SQLite database."""
        return Path(self.url.database or "")

    def _connected(self) -> URL:
        """Return what the driver is told: of a file in a folder that cannot be written, that nobody changes it.

        SQLite would else want to write its log beside it; where there is one already, what it holds must be read.
        """
        is_fixed = self.is_sqlite and self._exists and not os.access(self.path.absolute().parent, os.W_OK)
        if not is_fixed or self.path.with_name(f"{self.path.name}-wal").exists():
            return self.url
        name = f"file:{quote(str(self.path.absolute()))}"
        return URL.create("sqlite", database=name, query={"immutable": "1", "uri": "true"})

    @property
    def address(self) -> str:
        """The URL for another process, whatever its working folder; with the password."""
        url = self.url.set(database=str(self.path.absolute())) if self.is_sqlite else self.url
        return url.render_as_string(hide_password=False)

    @property
    def _exists(self) -> bool:
        """Whether there is anything at the path; a name that no file can have is not there."""
        return os.path.lexists(self.path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one moment of the database."""
        with self._transaction("read") as connection:
            yield connection

    @contextmanager
    def writing(self, durable: bool = False) -> Iterator[Connection]:
        """Open a transaction that writes; a durable one survives a power cut once it is committed."""
        with self._transaction("durable" if durable else "write") as connection:
            yield connection

    def probe(self) -> None:
        """Write nothing of weight.

        Raises:
            StoreError: when the database cannot be written now.
        """
        self.check_place()
        with self._transaction("probe") as connection:
            if self.is_sqlite:
                connection.execute(text(f"PRAGMA application_id = {APPLICATION_ID}"))
            else:
                connection.execute(text("CREATE TEMPORARY TABLE probe () ON COMMIT DROP"))

    def check_place(self) -> None:
        """See to it that the database is where it was opened: SQLite goes on writing into a file that was moved.

        Raises:
            StoreError: when it is not.
        """
        if self.is_sqlite and not self._exists:
            raise StoreError(f"the database {self.shown} has been moved away or deleted; put it back")

    def now(self, connection: Connection) -> datetime:
        """Return the time, by the one clock that all who share the database have in common."""
        if self.is_sqlite:
            return datetime.now(UTC)
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment

    @contextmanager
    def _transaction(self, purpose: str) -> Iterator[Connection]:
        engine, verb = (self._reader, "read") if purpose == "read" else (self._engine, "written")
        with self.explained(verb), engine.begin() as connection:
            if self.is_sqlite:
                _begin_sqlite(connection, purpose)
            yield connection

    @contextmanager
    def explained(self, verb: str) -> Iterator[None]:
        """Turn the errors of the database into one sentence."""
        try:
            yield
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
            kind = StoreBusy if _is_passing(error) else StoreError
            raise kind(f"the database {self.shown} cannot be {verb}: {reason}") from error
        except SQLAlchemyError as error:
            raise StoreError(f"the database {self.shown} cannot be {verb}: {error}") from error
        except (ValueError, TypeError, OverflowError) as error:  # a time, a number or JSON that is none
            raise StoreError(
                f"the database {self.shown} holds damaged values ({error}); look into it with: sweep doctor"
            ) from error

    def open(self) -> None:
        """Check that the database is there and ours; bring it to the present schema if an older sweep has made it.

        Raises:
            StoreError: when it is missing, foreign, damaged or of a newer version, or cannot be brought to this one.
        """
        if self.is_sqlite:
            self._check_file()
        if not self._check_version():
            raise StoreError(f"the database {self.shown} holds no sweeps yet; begin one with `sweep run`")

    def create(self) -> None:
        """Make the database where there is none; open it where there is."""
        if self.is_sqlite and self._exists:
            self.open()
        elif self.is_sqlite:
            self._create_file()
        elif not self._check_version():
            self._create_tables()

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def _create_file(self) -> None:
        """Make the whole file beside its place and link it there, so that no one ever sees half of it."""
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            database = Database(str(draft))
            with database.explained("created"), database._engine.connect() as connection:
                # The journal's mode stays with the file; only its creator sets it, since doing so needs it alone.
                connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
            database._create_tables()
            database.close()
            os.link(draft, self.path)
        except (OSError, StoreError) as error:
            if self._exists:  # another process was quicker
                return self.open()
            reason = error.strerror if isinstance(error, OSError) else getattr(error.__cause__, "orig", error)
            if self.path.parent.exists() and not self.path.parent.is_dir():
                reason = f"{self.path.parent} is not a folder"
            raise StoreError(
                f"the database {self.shown} cannot be created: {reason}; name another place with --db"
            ) from None
        finally:
            with suppress(OSError):
                draft.unlink()

    def _create_tables(self) -> None:
        with self.writing() as connection:
            self._lock(connection)
            if schema_version(connection):  # another process was quicker
                return
            metadata.create_all(connection)
            connection.execute(text(LEADERBOARD))
            mark(connection)

    def _lock(self, connection: Connection) -> None:
        """Let one process at a time make or change tables; a file is locked by `writing` already."""
        if not self.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({APPLICATION_ID})"))

    def _check_file(self) -> None:
        if not self._exists:
            raise StoreError(
                f"there is no database {self.shown}; begin a sweep with `sweep run`, or name another with --db"
            )
        if not self.path.is_file() or self.path.stat().st_size == 0:
            raise StoreError(
                f"{self.shown} is empty or no file, so it is no database of sweeps; restore it from a backup, or "
                "move it away to begin a new one"
            )
        with self.reading() as connection:
            application = connection.execute(text("PRAGMA application_id")).scalar()
        if application != APPLICATION_ID:
            raise StoreError(f"{self.shown} is a database, but not one of sweep; name another with --db")

    def _check_version(self) -> bool:
        """Tell whether there are tables; see to it that they are those of the present schema."""
        with self.reading() as connection:
            version = schema_version(connection)
        if version > VERSION:
            raise StoreError(
                f"{self.shown} was written by a newer sweep (schema {version}, this one knows {VERSION}); upgrade sweep"
            )
        if 0 < version < VERSION:
            self._bring_up_to_date(version)
        return version > 0

    def _bring_up_to_date(self, version: int) -> None:
        remedy = "open it once as the role that owns its tables"
        if self.is_sqlite:
            remedy = "make room, or make it and its folder writable, or name a copy elsewhere with --db"
        try:
            self._migrate()
        except StoreError as error:
            raise StoreError(
                f"{error}; before it can be used it has to be brought from schema {version} to {VERSION}: {remedy}"
            ) from error

    def _migrate(self) -> None:
        """Bring the database to the present schema in one transaction; of several processes one does it, once."""
        with self.writing(durable=True) as connection:
            self._lock(connection)
            version = schema_version(connection)
            if version == VERSION:  # another process was quicker
                return
            with backed_up(self.path, version) if self.is_sqlite else nullcontext() as backup:
                migrate(connection, version)
        kept = f"; the file as it was is {backup}" if backup else ""
        LOG.warning("brought %s from schema %d to %d%s", self.shown, version, VERSION, kept)


def parse_url(url: str) -> URL:
    """Return the URL of a database given as one, or as the path of a SQLite file.

    Raises:
        UsageError: when it is neither.
    """
    if "://" not in url:
        return URL.create("sqlite", database=str(Path(url)))
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the port is no number
        raise UsageError("--db takes a file or a URL such as sqlite:///results/sweeps.db") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(f"--db takes SQLite or PostgreSQL, not {parsed.get_backend_name()}")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise UsageError("--db needs a file: a database in memory cannot be shared with the workers")
    return parsed


def patiently(action: Callable[[], Result]) -> Result:
    """Return what `action` returns; while the database is busy, full or away, try again after growing pauses.

    Raises:
        StoreError: at once when another try is no use, and after SWEEP_PATIENCE seconds in any case.
    """
    patience, pause = patience_seconds(), FIRST_PAUSE_SECONDS
    end = time.monotonic() + patience
    while True:
        try:
            return action()
        except StoreBusy as error:
            left = end - time.monotonic()
            if left <= 0:
                raise StoreError(f"{error}; that has not changed for {patience:.0f} s") from error
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _is_passing(error: DBAPIError) -> bool:
    """Tell whether another try may go well."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in PASSING
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: Python's driver leaves it out before a SELECT
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _prepare_server(connection: Any, record: Any) -> None:
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")  # it would else wait for ever
    connection.commit()


def _begin_sqlite(connection: Connection, purpose: str) -> None:
    patience = PROBE_SECONDS if purpose == "probe" else BUSY_SECONDS
    _set_pragma(connection, "busy_timeout", patience * 1000)
    if purpose == "read":
        connection.exec_driver_sql("BEGIN")
        return
    _set_pragma(connection, "synchronous", "FULL" if purpose == "durable" else "NORMAL")
    # IMMEDIATE waits for its turn at once; a transaction that reads first and then writes would fail instead.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _set_pragma(connection: Connection, name: str, value: int | str) -> None:
    """Set an option of SQLite for a connection, unless it is set so already: that takes as long as writing a row."""
    if connection.info.get(name) != value:
        connection.exec_driver_sql(f"PRAGMA {name} = {value}")
        connection.info[name] = value
