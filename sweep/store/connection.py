"""Connections: the engine, its transactions, and one sentence for each error of the database."""

from __future__ import annotations

import os
import re
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
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

from sweep.errors import Argument, Call, StoreBusy, StoreError, UsageError
from sweep.store.columns import milliseconds
from sweep.store.schema import APPLICATION_ID
from sweep.system.files import is_full, utf_8_path
from sweep.system.urls import without_password

BUSY_SECONDS = 60
"""How long a statement waits for another process to release the database."""
ROOM = 1 << 16
"""Bytes that there must be room for where the question is whether the database can be written."""
PROBE_SECONDS = 2
"""How long it waits where the question is whether the database can be written."""

TRANSIENT = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
"""Errors of SQLite that another try may not meet again."""


class Database:
    """An engine with three kinds of transactions: reading, writing, and durable writing."""

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
            raise StoreError(
                f"{self.shown} needs a database driver that is not installed ({error}); install it and try again"
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

    def _connected(self) -> URL:
        """Return the URL for the driver, which says that a file in a read-only folder does not change.

        SQLite would otherwise write its log beside the file; an existing log must be read.
        """
        if not self.is_fixed:
            return self.url
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
                self._check_room()
                connection.execute(text(f"PRAGMA application_id = {APPLICATION_ID}"))
            else:
                connection.execute(text("CREATE TEMPORARY TABLE probe () ON COMMIT DROP"))

    def _check_room(self) -> None:
        """Check that there is room for new files and longer ones: the log may have some, but nothing else."""
        try:
            with TemporaryFile(dir=self.real_path.parent, buffering=0) as stream:
                stream.write(bytes(ROOM))
        except OSError as error:
            reason = "database or disk is full" if is_full(error) else error.strerror
            raise StoreBusy(f"the database {self.shown} cannot be written: {reason}") from error

    def checkpoint(self) -> None:
        """Move what stands in the log beside a SQLite file into the file, as far as nobody reads the older state.

        So a copy of the file alone holds nearly everything. What is busy is left for the next time.
        """
        if self.is_sqlite:
            with suppress(StoreError), self.explained("written"), self._engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")

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
            kind = StoreBusy if _is_transient(error) else StoreError
            raise kind(f"the database {self.shown} cannot be {verb}: {reason}") from error
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
            connection.connection.cursor().execute("PRAGMA journal_mode = WAL")

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


def _is_transient(error: DBAPIError) -> bool:
    """Tell whether another try may succeed."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in TRANSIENT
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # BEGIN is sent explicitly: Python's driver leaves it out before a SELECT
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _prepare_server(connection: Any, record: Any) -> None:
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")  # it would otherwise wait for ever
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
    """Set an option of SQLite unless the connection has it already: that takes as long as writing a row."""
    if connection.info.get(name) != value:
        connection.exec_driver_sql(f"PRAGMA {name} = {value}")
        connection.info[name] = value
