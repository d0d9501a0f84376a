"""Databases of other programs: the URLs by which they are named, and whose tables are in them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from sweep.errors import SweepError, UsageError
from sweep.store.advice import advice
from sweep.system.files import LOGS, draft_of, reason
from sweep.system.urls import without_password

OUR_TABLES = {"sweeps", "epochs", "decisions"}
"""Tables by which a database of sweeps is known."""


def checked_url(address: str, example: str) -> URL:
    """Return the URL of a database that can be opened, and that keeps what is written to it.

    Raises:
        UsageError: when it is none, its driver is missing, or it would be a database in memory.
    """
    given = without_password(address)
    if not address:
        raise UsageError(f"the URL of the database is empty; give one such as {example}")
    try:
        parsed = make_url(address)
        create_engine(parsed).dispose()
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        reason = without_password(str(error).splitlines()[0])
        raise UsageError(
            f"{given!r} names no database that can be opened ({reason}); give one such as {example}"
        ) from None
    if parsed.get_backend_name() == "sqlite" and _is_in_memory(parsed):
        raise UsageError(f"{given!r} names no file; give one such as {example}")
    return parsed


def _is_in_memory(url: URL) -> bool:
    name = url.database or ""
    return name in ("", ":memory:", "file:") or name.startswith("file::memory:") or url.query.get("mode") == "memory"


def file_of(url: URL) -> Path | None:
    """Return the file of a database of SQLite; None for one on a server."""
    if url.get_backend_name() != "sqlite":
        return None
    return Path(str(url.database).removeprefix("file:") if url.query.get("uri") else str(url.database))


def tables_at(url: URL) -> set[str]:
    """Return the names of the tables of a database; of a file that does not exist there are none, and none is made.

    Raises:
        SweepError: when it cannot be opened.
    """
    file = file_of(url)
    if file is not None and not file.exists() and file.parent.is_dir():
        return set()
    engine = create_engine(url)
    try:
        return set(inspect(engine).get_table_names())
    except SQLAlchemyError as error:
        reason = reason_of(error)
        raise SweepError(f"{shown(url)} cannot be opened: {reason}{advice(reason)}") from None
    finally:
        engine.dispose()


def with_password(url: URL) -> str:
    """Return a URL as it is opened."""
    return url.render_as_string(hide_password=False)


def shown(url: URL) -> str:
    """Return a URL without its password."""
    return without_password(url.render_as_string())


def reason_of(error: BaseException) -> str:
    """Return why a database could not be used, in one line without a password."""
    return without_password(next(iter(str(getattr(error, "orig", None) or error).strip().splitlines()), ""))


@contextmanager
def made_whole(url: URL) -> Iterator[URL]:
    """Yield the URL at which to make a database, which has its own name only once it is complete.

    A file of SQLite that is not there yet is made under another name, so that an export that is killed leaves no
    database that the next one cannot use. A file that is there, and a database on a server, keep their URL.

    Raises:
        SweepError: when no file can be made there.
    """
    file = file_of(url)
    if file is None or file.exists() or url.query.get("uri"):
        yield url
        return
    draft = draft_of(file)
    try:
        draft.touch()
    except OSError as error:
        raise SweepError(f"cannot write '{file}': {reason(error, file)}") from None
    try:
        yield url.set(database=str(draft))
        draft.replace(file)
    finally:
        _delete(draft)


@contextmanager
def nothing_left(place: Path) -> Iterator[None]:
    """Delete the folder that was made in this context if an error ends it; name one that was there before.

    Raises:
        SweepError: in place of an error where a part of what was to be written may be left.
    """
    was_there = place.exists()
    try:
        yield
    except BaseException as error:
        if not was_there:
            shutil.rmtree(place, ignore_errors=True)
        elif _is_part(place, error):
            raise SweepError(*error.args, f"; what {place} holds of it is not complete") from error
        raise


def _is_part(place: Path, error: BaseException) -> bool:
    return isinstance(error, SweepError) and place.is_dir() and error.exit_code != UsageError.exit_code


def _delete(file: Path) -> None:
    for ending in ("", *LOGS):
        with suppress(OSError):
            file.with_name(f"{file.name}{ending}").unlink()
