"""Reading files of tables: rows of values, and one sentence on each value that cannot be."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sweep.errors import SweepError, UsageError, unreadable
from sweep.records import Scalar
from sweep.space.formulas import unprotected
from sweep.store.imports import MOST

TEXTS = frozenset(("status", "error", "finding", "diverged_place", "diverged_kind"))
"""Columns of text."""
LARGEST = 2**63 - 1
"""The largest integer that is stored as one."""
LONGEST = 40
"""Characters of a wrong value that are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table, which says what is wrong in it."""

    path: Path
    values: Mapping[str, Any]
    """By column; None where one is missing."""
    called: str
    """Such as "trial 3"."""

    def wrong(self, column: str, problem: str) -> UsageError:
        """Return the error for a value, given what should stand there."""
        value = self.values.get(column)
        shown = repr(str(value) if isinstance(value, int) else value).strip("'")
        shown = "nothing" if value is None else shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
        return UsageError(f"{self.path}: {self.called} has {shown} in the column '{column}', {problem}; correct it")

    def whole(self, column: str, least: int = 0, most: int = MOST) -> int | None:
        """Return a whole number; None where it is missing.

        Raises:
            UsageError: when it is another value, or beyond the bounds.
        """
        value = self.values.get(column)
        if value is None:
            return None
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not is_whole or not least <= value <= most:
            raise self.wrong(column, f"where a whole number from {least} to {most} must stand")
        return int(value)

    def needed(self, column: str) -> int:
        """Return a whole number that must not be missing.

        Raises:
            UsageError: when it is missing, or another value.
        """
        value = self.whole(column)
        if value is None:
            raise self.wrong(column, f"where a whole number from 0 to {MOST} must stand")
        return value

    def number(self, column: str, least: float = -math.inf) -> float | None:
        """Return a finite number; None where it is missing.

        Raises:
            UsageError: when it is another value, or less than the least.
        """
        value = self.values.get(column)
        if value is None:
            return None
        try:
            found = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        except OverflowError:
            found = math.inf
        if not math.isfinite(found) or found < least:
            of = "" if least == -math.inf else f" of at least {least:g}"
            raise self.wrong(column, f"where a finite number{of} must stand")
        return found

    def one_of(self, column: str, words: Iterable[str]) -> str | None:
        """Return one of some words; None where it is missing.

        Raises:
            UsageError: when it is another value.
        """
        value, words = self.values.get(column), list(words)
        if value is not None and value not in words:
            raise self.wrong(column, f"which is none of {', '.join(words)}")
        return value

    def parameter(self, column: str) -> Scalar | None:
        """Return the value of a parameter; None where it is missing.

        Raises:
            UsageError: when it is a number that cannot be stored.
        """
        value = self.values[column]
        if isinstance(value, int) and abs(value) > LARGEST:
            raise self.wrong(column, f"where integers go up to {LARGEST}; write it as a real number, such as 1e20")
        if isinstance(value, float) and not math.isfinite(value):
            raise self.wrong(column, "where a finite number must stand")
        return value if value is None or isinstance(value, int | float | str) else str(value)


@dataclass(frozen=True, slots=True)
class File:
    """A table in a file."""

    path: Path
    columns: list[str]
    rows: list[dict[str, Any]]

    def unclear(self, columns: Iterable[str]) -> list[str]:
        """Return those of some columns in which texts cannot be told from other values, or from missing ones."""
        is_unclear = {".csv": _is_unclear, ".parquet": _may_be_mixed}.get(self.path.suffix.lower())
        return [name for name in columns if is_unclear and is_unclear([row[name] for row in self.rows])]


def _is_unclear(values: list[Any]) -> bool:
    kinds = {"number" if type(value) in (int, float) else type(value).__name__ for value in values}
    return len(kinds - {"NoneType"}) > 1 or kinds == {"str", "NoneType"}


def _may_be_mixed(values: list[Any]) -> bool:
    """Tell whether some texts look like numbers or truth values, which are texts beside words in Parquet files."""
    return any(isinstance(value, str) and type(_any(value)) is not str for value in values)


def read_file(path: Path) -> File:
    """Return the table in a .csv, .parquet or .json file.

    Raises:
        UsageError: when it cannot be read.
    """
    with _readable(path):
        columns, rows = {".parquet": _parquet, ".json": _json}.get(path.suffix.lower(), _csv)(path)
        if twice := [name for place, name in enumerate(columns) if name in columns[:place]]:
            raise ValueError(f"it has two columns {twice[0]!r}")
        return File(path, columns, rows)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say in one sentence what in a file cannot be read.

    Raises:
        UsageError: in place of what was raised.
    """
    try:
        yield
    except UnicodeError:
        form = "CSV UTF-8" if path.suffix.lower() == ".csv" else "UTF-8"
        raise UsageError(f"{path} is not a text in UTF-8; save it as {form} and import that") from None
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        reason = unreadable(error) if isinstance(error, OSError) else str(error).splitlines()[0]
        raise UsageError(f"{path} cannot be read as a table: {reason}") from None


def _parquet(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    if find_spec("pyarrow") is None:
        raise SweepError("to read .parquet needs pyarrow, so install it with pip install 'sweep-lab[parquet]'")
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(path).read()
    rows = [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in table.to_pylist()
    ]
    return list(table.column_names), rows


def _json(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the columns and rows of a file with a list of objects, whose values have their types."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is no list of objects, one for each row")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for row in rows:
        if nested := [name for name, value in row.items() if isinstance(value, list | dict)]:
            raise ValueError(f"{nested[0]!r} has several values in one row")
    return columns, [{name: row.get(name) for name in columns} for row in rows]


def _csv(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the columns and rows of a file of comma-separated values, each column in the type that its texts have."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, *lines = [*csv.reader(file)] or [[]]
    columns = [unprotected(name) for name in head]
    if any(len(line) != len(columns) for line in lines):
        raise ValueError("its lines have different numbers of values")
    readers = [_reader(name, [line[place] for line in lines]) for place, name in enumerate(columns)]
    rows = [
        {name: read(text) if text else None for name, read, text in zip(columns, readers, line, strict=True)}
        for line in lines
    ]
    return columns, rows


def _reader(column: str, texts: Iterable[str]) -> Callable[[str], Any]:
    """Return how the texts of a column are read."""
    given = [text for text in texts if text]
    if column in TEXTS:
        return unprotected
    for read in (_whole, _real, _truth):
        if all(_can(read, text) for text in given):
            return read
    return _any


def _can(read: Callable[[str], Any], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ValueError(text)
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _any(text: str) -> Any:
    """Return the value of a cell in a column of several types."""
    return next((read(text) for read in (_whole, _real, _truth) if _can(read, text)), unprotected(text))
