"""Queries of users, which can change nothing, and a list of what they can ask for."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from sweep.errors import Call, StoreError, UsageError
from sweep.store.connection import Database
from sweep.store.schema import metadata, sweeps, wide_views
from sweep.store.view import literal, quoted
from sweep.store.views import fixed_views

if TYPE_CHECKING:
    import pandas as pd

REFUSED = (
    "attempt to write a readonly database",
    "read-only transaction",
    "not authorized",
    "within a transaction",
    "inside a transaction",
)
"""What the databases say of a statement that would write."""
STEPS = 1_000_000
"""Instructions of SQLite after which Python can look for signals, such as Ctrl-C."""
SEVERAL = ("one statement at a time", "multiple commands")
"""What they say of more than one statement."""
READING = ("select", "with", "explain", "values", "show", "table")
"""How statements begin that a server is asked; COPY and CALL write, also in a transaction that can only read."""
UNBOUND = ("bindings supplied", "there is no parameter", "You did not supply a value for binding")
"""What they say of ? or :name in a query."""
TOKENS = re.compile(
    r"""'(?:[^']|'')*' | `(?:[^`]|``)*` | \[[^\]]*\] | --[^\n]* | /\*.*?\*/ | "(?P<name>(?:[^"]|"")*)" """,
    re.DOTALL | re.VERBOSE,
)
"""Parts of a query in which a double quote may stand, of which one is a name."""


class SqlReader:
    """A database that is asked in SQL."""

    database: Database

    def sql(self, query: str) -> pd.DataFrame:
        """Return the rows of a query that can only read; see `run_query`."""
        return run_query(self.database, query)

    def described(self) -> pd.DataFrame:
        """Return the views and tables with their columns, and what they hold; see `listed`."""
        with self.database.reading() as connection:
            return listed(connection)


def run_query(database: Database, query: str) -> pd.DataFrame:
    """Return the rows of a query.

    Raises:
        UsageError: when it is wrong, has several statements, gives no table, or would write; nothing is written.
        StoreError: when the database cannot be read.
    """
    try:
        if database.is_sqlite:
            with database.explained("read"), database.reading():  # it is there, and the one that was opened
                names, rows = _from_file(database, query)
        else:
            names, rows = _from_server(database, query)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _refused(str(error)) from None
    return _frame(names, rows)


def _from_file(database: Database, query: str) -> tuple[list[str], list[Sequence[Any]]]:
    """Return the names of the columns and the rows, by a connection that can only read."""
    fixed = "&immutable=1" if database.is_fixed or database.is_stuck else ""
    with closing(sqlite3.connect(f"file:{quote(str(database.path))}?mode=ro{fixed}", uri=True)) as connection:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        connection.set_authorizer(_authorize)
        connection.set_progress_handler(lambda: 0, STEPS)
        try:
            _check_names(connection, query)
            return _fetched(connection.execute(query))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:  # where a signal has raised within the handler
                raise KeyboardInterrupt from None
            if "no such column: " in str(error):
                raise _no_column(connection, query, str(error)) from None
            raise


def _check_names(connection: sqlite3.Connection, query: str) -> None:
    """Check that each name in double quotes is one, which SQLite otherwise reads as a text.

    Raises:
        sqlite3.OperationalError: when there is no such column; other mistakes are left to be found later.
    """
    strict = TOKENS.sub(_backquoted, query)
    if strict == query:
        return
    try:
        connection.execute(f"EXPLAIN {strict}").close()
    except (sqlite3.Error, sqlite3.Warning) as error:
        if "no such column: " in str(error):
            raise


def _backquoted(token: re.Match[str]) -> str:
    """Return a name in double quotes in those of which SQLite makes no text; all else as it is."""
    if (name := token["name"]) is None:
        return token[0]
    return "`" + name.replace('""', '"').replace("`", "``") + "`"


def _no_column(connection: sqlite3.Connection, query: str, reason: str) -> UsageError:
    """Return one sentence about a column that does not exist, with one that does and is called alike."""
    wanted = reason.partition("no such column: ")[2]
    known: set[str] = set()
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall():
        if name.casefold() in query.casefold():
            known.update(row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (name,)))
    close = get_close_matches(wanted.rpartition(".")[2], sorted(known), n=1)
    said = f"there is no column {wanted}" + (f", did you mean {_named(close[0])}?" if close else "")
    if any(token["name"] == wanted for token in TOKENS.finditer(query)):
        said += f" (a text stands in single quotes: {literal(wanted)})"
    elif not close and re.search(r"\b(curves|epochs)\b", query, re.IGNORECASE):
        said += " (all metrics of your own trainers are rows of the view metrics)"
    return UsageError(f"{said}; what there is to ask for lists: ", Call("sql"))


def _authorize(action: int, *_: str | None) -> int:
    """Allow no statement that would open another file, or end the transaction."""
    forbidden = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_TRANSACTION)
    return sqlite3.SQLITE_DENY if action in forbidden else sqlite3.SQLITE_OK


def _from_server(database: Database, query: str) -> tuple[list[str], list[Sequence[Any]]]:
    """Return the names of the columns and the rows, in a transaction that can only read, and is rolled back."""
    first = re.match(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(\w*)", query, re.DOTALL)
    if first is not None and first[1] and first[1].lower() not in (*READING, *_misspelled(first[1])):
        raise UsageError(
            f"a query can only read, and this one would write (it begins with {first[1]}, not SELECT or WITH)"
        )
    try:
        with database.reading() as connection:
            driver: Any = connection.dialect.loaded_dbapi
            cursor = connection.connection.cursor()
            try:
                cursor.execute(query, binary=True)  # type: ignore[call-arg] # so that it can be one statement only
            except driver.Error as error:
                if not getattr(connection.connection.dbapi_connection, "closed", False):
                    raise _refused(str(error).splitlines()[0]) from None
                connection.invalidate()  # or the pool would try to roll back what is not there any more
                raise StoreError(
                    f"the database {database.shown} cannot be read: its server has ended the connection; try again, "
                    "and look into the server's log where it happens again"
                ) from None
            return _fetched(cursor)
    except DBAPIError as error:
        raise _refused(str(error.orig)) from None


def _misspelled(word: str) -> list[str]:
    """Return a word that is nearly one which begins a statement, of which the server says more."""
    return [word.lower()] if get_close_matches(word.lower(), READING, n=1, cutoff=0.8) else []


def _fetched(cursor: Any) -> tuple[list[str], list[Sequence[Any]]]:
    if cursor.description is None:
        raise UsageError("the query gives no table; write one that begins with SELECT")
    return [column[0] for column in cursor.description], cursor.fetchall()


def _refused(reason: str) -> UsageError:
    """Return one sentence with what the database says."""
    if any(words in reason for words in SEVERAL):
        return UsageError("give one statement at a time, such as: SELECT sweep, trial, value FROM leaderboard")
    if any(words in reason for words in REFUSED):
        return UsageError(f"a query can only read, and this one would write ({reason})")
    if any(words in reason for words in UNBOUND):
        return UsageError("a query takes no parameters; write the values themselves in place of ? or :name")
    reason = reason.rstrip(".")
    return UsageError(f"the database cannot answer the query: {reason}; what there is to ask for lists: ", Call("sql"))


def _frame(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return rows as a frame with unique names of columns; whole numbers stay whole where some are missing."""
    import pandas as pd

    columns = [list(map(_plain, column)) for column in zip(*rows, strict=True)] or [[] for _ in names]
    return pd.DataFrame({name: _series(column) for name, column in zip(_unique(names), columns, strict=True)})


def _unique(names: Sequence[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        free, number = name, 2
        while free in seen:
            free, number = f"{name}_{number}", number + 1
        seen.add(free)
        yield free


def _series(values: list[Any]) -> pd.Series[Any]:
    import pandas as pd

    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {int} and None in values:
        return pd.Series(values, dtype="Int64")
    if kinds and kinds <= {int, float}:
        return pd.Series(values)
    return pd.Series(values, dtype=object)


def _plain(value: Any) -> Any:
    """Return a value as text or a number, alike from each database."""
    match value:
        case bytes() | memoryview():
            return bytes(value).hex()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return moment.isoformat(" ", "microseconds" if moment.microsecond % 1000 else "milliseconds")
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
    return value


def listed(connection: Connection) -> pd.DataFrame:
    """Return what queries can ask for: one row for each column of the views and tables, and for each wide view.

    Columns: name, kind (view | table), column, comment.
    """
    import pandas as pd

    rows = []
    for view in fixed_views(connection.dialect.name):
        rows.append((_named(view.name), "view", "", view.comment))
        rows += [(_named(view.name), "view", _named(name), comment) for name, _, comment in view.columns]
    wide = select(wide_views.c.view, sweeps.c.name).join(sweeps).order_by(sweeps.c.id.desc())
    for name, sweep in connection.execute(wide):
        comment = f"one row for each trial of the sweep {sweep}, a column for each parameter"
        rows.append((_named(name), "view", "", comment))
    for table in metadata.sorted_tables:
        rows.append((_named(table.name), "table", "", table.comment or ""))
        rows += [(_named(table.name), "table", _named(each.name), each.comment or "") for each in table.c]
    return pd.DataFrame(rows, columns=["name", "kind", "column", "comment"])


KEYWORDS = {"values"}
"""Names that must be quoted though they look like others."""


def _named(name: str) -> str:
    """Return a name as it is written in a query."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) and name not in KEYWORDS else quoted(name)
