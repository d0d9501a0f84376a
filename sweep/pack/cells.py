"""Cells of a pack's tables: each value of a column as text, from which the same value is read again.

A missing value is the empty text. Numbers are written with as many digits as tell them from all others.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Literal

from sqlalchemy import JSON, Column, DateTime, Float, Integer, LargeBinary, Numeric, TypeDecorator

Kind = Literal["integer", "real", "text", "time", "json", "bytes"]

_TYPES: tuple[tuple[type, Kind], ...] = (
    (JSON, "json"),
    (DateTime, "time"),
    (LargeBinary, "bytes"),
    (Integer, "integer"),
    (Float, "real"),
    (Numeric, "real"),
)
"""Types of SQLAlchemy -> the kind of their cells; all others are text."""

WORDS: dict[Kind, str] = {
    "integer": "a whole number",
    "real": "a number",
    "text": "text; if it is empty or begins with a quotation mark, it is written as JSON",
    "time": "a time in UTC as of ISO 8601",
    "json": "JSON",
    "bytes": "bytes in Base64",
}
"""What a cell of each kind holds, in words."""


def kind_of(column: Column[Any]) -> Kind:
    """Return the kind of a column's cells."""
    decorated = column.type
    plain = decorated.impl if isinstance(decorated, TypeDecorator) else decorated
    return next((kind for cls, kind in _TYPES if isinstance(plain, cls)), "text")


def _text_of(value: str) -> str:
    """Return text as it is, unless it could be taken for a missing value or for JSON."""
    return json.dumps(value, ensure_ascii=False) if value == "" or value.startswith('"') else value


def _read_text(cell: str) -> str:
    if not cell.startswith('"'):
        return cell
    value = json.loads(cell)
    if not isinstance(value, str):
        raise ValueError("not text")
    return value


def _read_real(cell: str) -> float:
    value = float(cell)
    if not isfinite(value):
        raise ValueError("not finite")
    return value


def _read_time(cell: str) -> datetime:
    value = datetime.fromisoformat(cell)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _time_of(value: datetime) -> str:
    moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return moment.replace(tzinfo=None).isoformat() + "Z"


_WRITE: dict[Kind, Callable[[Any], str]] = {
    "integer": str,
    "real": lambda value: repr(float(value)),
    "text": _text_of,
    "time": _time_of,
    "json": lambda value: json.dumps(value, ensure_ascii=False),
    "bytes": lambda value: base64.b64encode(value).decode("ascii"),
}
_READ: dict[Kind, Callable[[str], Any]] = {
    "integer": int,
    "real": _read_real,
    "text": _read_text,
    "time": _read_time,
    "json": json.loads,
    "bytes": lambda cell: base64.b64decode(cell, validate=True),
}


def write_cell(kind: Kind, value: Any) -> str:
    """Return a value as the text of a cell."""
    return "" if value is None else _WRITE[kind](value)


def read_cell(kind: Kind, cell: str) -> Any:
    """Return the value that a cell holds, None for an empty one.

    Raises:
        ValueError: when it holds no value of its kind.
    """
    if not cell:
        return None
    try:
        return _READ[kind](cell)
    except (ValueError, OverflowError, RecursionError):
        shown = cell if len(cell) <= 40 else f"{cell[:37]}..."
        raise ValueError(f"{shown!r} is not {WORDS[kind].partition(';')[0]}") from None


def csv_line(cells: list[str]) -> str:
    """Return a line of a CSV file as of RFC 4180, but for its end, which is a line feed alone."""
    return ",".join(map(_quoted, cells)) + "\n"


def _quoted(cell: str) -> str:
    """Return a cell in quotation marks where it needs them; Python's own writer leaves carriage returns bare."""
    if "," in cell or '"' in cell or "\n" in cell or "\r" in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell
