"""Connections: the engine, its transactions, and one sentence for each error of the database."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
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
from sqlalchemy.pool import NullPool

from sweep.errors import Argument, Call, StoreBusy, StoreError, StoreFull, UsageError
from sweep.store.advice import FULL, advice
from sweep.store.columns import milliseconds
from sweep.store.room import is_stuck, why_no_room
from sweep.store.schema import APPLICATION_ID
from sweep.system.files import is_full, utf_8_path
from sweep.system.urls import without_password

BUSY_SECONDS = 60
"""How long a statement waits for another process to release the database."""
PROBE_SECONDS = 2
"""How long it waits where the question is whether the database can be written, or before it says that it waits."""

TRANSIENT = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
"""Errors of SQLite that another try may not meet again."""
OF_THE_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
"""Those that it may have where the disk is full."""
LOG = logging.getLogger(__name__)


class Database:
    """An engine with three kinds of transactions: reading, writing, and durable writing."""

    trains = False
    """Whether trials are trained, which wait for a database that is busy; else somebody waits for a command."""

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        if self.is_sqlite:
            self.shown = self.url.database
            # A program may change its current folder.
            self.url = self.url.set(database=utf_8_path(Path(self.url.database or "")))
        else:
            self.shown = without_password(self.url.render_as_string())
        try:
            engine = create_engine(
                self._connected(),
                paramstyle="qmark" if self.is_sqlite else "format",  # each by position, so that rows may be tuples
                pool_pre_ping=not self.is_sqlite,  # a server may have been restarted since a connection was last used
            )
        except (NoSuchModuleError, ImportError, ArgumentError) as error:
            remedy = "write postgresql+psycopg:// at its beginning, and "
            raise StoreError(
                f"{self.shown} needs a database driver that is not installed ({error}); "
                f"{'' if self.is_sqlite else remedy}install it with: pip install 'sweep-lab[postgres]'"
            ) from None
        self._opened: list[tuple[int, int]] = []
        """Device and inode of the file that was opened; a list, so that the engine need not refer to this object."""
        if self.is_sqlite:
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "connect", partial(_remember_file, self.path, self._opened))
        else:
            event.listen(engine, "connect", _prepare_server)
        self._engine: Engine = engine
        # Without it each statement of a reader would see another state of the database.
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = engine if self.is_sqlite else engine.execution_options(**options)
        weakref.finalize(self, engine.dispose)  # closes the connections of a database that nobody has closed

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def path(self) -> Path:
        """The file of a SQLite database."""
        return Path(self.url.database or "")

    @property
    def files_name(self) -> str:
        """Name of the folder for files of its sweeps: that of no other database, and of no file that SQLite makes."""
        name = self.real_path.name if self.is_sqlite else re.sub(r"[^\w.-]", "_", self.url.database or "")
        return f"{name}-files"

    @property
    def real_path(self) -> Path:
        """The file of a SQLite database, where the path is a symbolic link to it."""
        return self.path.resolve() if self.path.is_symlink() else self.path

    @property
    def is_fixed(self) -> bool:
        """Whether it is a file that does not change, being alone in a read-only folder."""
        if not self.is_sqlite or not self.exists or os.access(self.path.parent, os.W_OK):
            return False
        return not self.path.with_name(f"{self.path.name}-wal").exists()

    @property
    def is_stuck(self) -> bool:
        """Whether it is a file that nobody has open, on a disk without room for what SQLite makes to read it."""
        return self.is_sqlite and is_stuck(self.real_path)

    def _connected(self) -> URL:
        """Return the URL for the driver, which says that a file in a read-only folder does not change.

        SQLite would otherwise write its log beside the file; an existing log must be read.
        """
        return self._unchanging() if self.is_fixed else self.url

    def _unchanging(self) -> URL:
        name = f"file:{quote(str(self.path))}"
        return URL.create("sqlite", database=name, query={"immutable": "1", "uri": "true"})

    @property
    def address(self) -> str:
        """The path or URL for another process; it includes the password.

        As a URL, a path with ? or # would be read as another one.
        """
        if not self.is_sqlite:
            return self.url.render_as_string(hide_password=False)
        return self.url.render_as_string() if self.url.query else str(self.path)

    @property
    def exists(self) -> bool:
        """Whether there is anything at the path; False for a name that no file can have."""
        return os.path.lexists(self.path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database."""
        with self._transaction("read") as connection:
            yield connection

    @contextmanager
    def writing(self, durable: bool = False) -> Iterator[Connection]:
        """Open a transaction that writes; a durable one survives a power cut once it is committed."""
        with self._transaction("durable" if durable else "write") as connection:
            yield connection

    def probe(self) -> None:
        """Check that the database can be written.

        Raises:
            StoreError: when the database cannot be written now.
        """
        with self._transaction("probe") as connection:
            if self.is_sqlite:
                if (error := why_no_room(self.real_path.parent)) is not None:  # the log may have some, but nothing else
                    reason = FULL if is_full(error) else error.strerror
                    raise StoreFull(f"the database {self.shown} cannot be written: {reason}") from error
                connection.execute(text(f"PRAGMA application_id = {APPLICATION_ID}"))
            else:
                connection.execute(text("CREATE TEMPORARY TABLE probe () ON COMMIT DROP"))

    def checkpoint(self) -> None:
        """Move what stands in the log beside a SQLite file into the file, as far as nobody reads the older state.

        So a copy of the file alone holds nearly everything. What is busy is left for the next time.
        """
        if self.is_sqlite:
            with suppress(StoreError), self.explained("written"), self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def check_place(self) -> None:
        """Check that the file is the one that was opened, since SQLite goes on writing into one that was moved.

        Raises:
            StoreBusy: when there is no file.
            StoreError: when there is another one.
        """
        if not self._opened:
            return
        if (found := _identity(self.path)) is None:
            raise StoreBusy(f"the database {self.shown} has been moved away or deleted; put it back")
        if found != self._opened[0]:
            raise StoreError(
                f"the database {self.shown} has been replaced by another file since it was opened; what is written to "
                "the old one would be lost. Put the right one there, and go on with: ",
                Call("resume"),
            )

    def now(self, connection: Connection) -> datetime:
        """Return the time in whole milliseconds, by the clock of the server or, for a file, of this machine."""
        if self.is_sqlite:
            return milliseconds(datetime.now(UTC))
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return milliseconds(moment)

    @contextmanager
    def _transaction(self, purpose: str) -> Iterator[Connection]:
        engine, verb = (self._reader, "read") if purpose == "read" else (self._engine, "written")
        self.check_place()
        if purpose == "read" and self.is_stuck:
            engine = create_engine(self._unchanging(), paramstyle="qmark", poolclass=NullPool)
        with self.explained(verb, is_advised=purpose != "probe"), engine.connect() as connection:
            if self.is_sqlite:
                _begin_sqlite(connection, purpose, self)
            yield connection
            (connection.rollback if purpose == "read" else connection.commit)()  # a function may have written

    @contextmanager
    def explained(self, verb: str, is_advised: bool = True) -> Iterator[None]:
        """Turn the errors of the database into one sentence, with what to do about it."""
        try:
            yield
        except DBAPIError as error:
            raise _sentence(error, self, verb, is_advised) from error
        except SQLAlchemyError as error:
            raise StoreError(f"the database {self.shown} cannot be {verb}: {error}") from error
        except (ValueError, TypeError, OverflowError) as error:  # a damaged time, number or JSON
            raise StoreError(
                f"the database {self.shown} holds damaged values ({error}); look into it with: ",
                Call("doctor"),
            ) from error

    def use_write_ahead_log(self) -> None:
        """Set the journal's mode, which stays with the file; only its creator does so, since it needs the file alone.

        Raises:
            StoreError: when the file cannot be written.
        """
        with self.explained("created"), self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


SCHEMES = {"postgres": "postgresql"}
"""Scheme of addresses as libpq has it, too -> the one that SQLAlchemy knows."""


def parse_url(url: str) -> URL:
    """Return the URL of a database given as one, or as the path of a SQLite file.

    Raises:
        UsageError: when it is neither.
    """
    scheme, has_scheme, rest = url.strip().partition("://")
    if not has_scheme:
        return URL.create("sqlite", database=str(Path(url)))
    try:
        parsed = make_url(f"{SCHEMES.get(scheme.lower(), scheme.lower())}://{rest}")
    except (ArgumentError, ValueError):  # the port is not a number
        raise UsageError(Argument("db"), " takes a file or a URL such as sqlite:///results/sweeps.db") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(Argument("db"), f" takes SQLite or PostgreSQL, not {parsed.get_backend_name()}")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise UsageError(Argument("db"), " needs a file: a database in memory cannot be shared with the workers")
    return parsed


def _identity(path: Path) -> tuple[int, int] | None:
    """Return the device and the inode of a file, None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remember_file(path: Path, opened: list[tuple[int, int]], connection: Any, record: Any) -> None:
    """Remember which file was opened first."""
    if not opened and (found := _identity(path)):
        opened.append(found)


def _sentence(error: DBAPIError, database: Database, verb: str, is_advised: bool) -> StoreError:
    """Return one sentence for an error of the driver, and what to do about it as another part."""
    reason = without_password(str(error.orig).strip().splitlines()[0] if error.orig else str(error))
    kind = StoreBusy if _is_transient(error) else StoreError
    if _code(error) in OF_THE_DISK:
        is_full_now = _code(error) == sqlite3.SQLITE_FULL or is_full(why_no_room(database.real_path.parent))
        reason = FULL if is_full_now else reason
        kind = StoreFull if is_full_now or kind is StoreBusy else kind
    what = [advice(reason)] if is_advised else []
    return kind(f"the database {database.shown} cannot be {verb}: {reason}", *what)


def _code(error: DBAPIError) -> int:
    """Return the primary code of an error of SQLite; 0 for those of a server."""
    return int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF


def _is_transient(error: DBAPIError) -> bool:
    """Tell whether another try may succeed."""
    if isinstance(error.orig, sqlite3.Error):
        return _code(error) in TRANSIENT
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # BEGIN is sent explicitly: Python's driver leaves it out before a SELECT
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _prepare_server(connection: Any, record: Any) -> None:
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")  # it would otherwise wait for ever
    connection.commit()


def _begin_sqlite(connection: Connection, purpose: str, database: Database) -> None:
    """Begin a transaction, and say so where it has to wait for another program."""
    is_told = not database.trains and purpose != "probe"
    first = BUSY_SECONDS if database.trains and purpose != "probe" else PROBE_SECONDS
    _set_pragma(connection, "busy_timeout", round(first * 1000))
    if purpose != "read":
        _set_pragma(connection, "synchronous", "FULL" if purpose == "durable" else "NORMAL")
    try:
        _begin(connection, purpose)
    except OperationalError as error:
        if not is_told or _code(error) != sqlite3.SQLITE_BUSY:
            raise
        LOG.warning("another program is writing to %s; waiting", database.shown)
        if purpose == "read":
            connection.exec_driver_sql("ROLLBACK")
        _set_pragma(connection, "busy_timeout", round((BUSY_SECONDS - PROBE_SECONDS) * 1000))
        _begin(connection, purpose)


def _begin(connection: Connection, purpose: str) -> None:
    """Send the statement that begins a transaction."""
    if purpose == "read":
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")  # sees the present state from now on
    else:
        # IMMEDIATE waits for its turn at once; a transaction that reads first and then writes would fail instead.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _set_pragma(connection: Connection, name: str, value: int | str) -> None:
    """Set an option of SQLite unless the connection has it already: that takes as long as writing a row."""
    if connection.info.get(name) != value:
        connection.exec_driver_sql(f"PRAGMA {name} = {value}")
        connection.info[name] = value
