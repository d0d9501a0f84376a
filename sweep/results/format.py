"""Frames as text, for other programs (CSV, JSON) or for people (Markdown), and single values as tables show them."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sweep.errors import UsageError, suggest
from sweep.metrics import MEASURES

if TYPE_CHECKING:  # lists without a frame are printed without importing it
    import pandas as pd

FORMATS = ("csv", "json", "markdown")


def render(frame: pd.DataFrame, format: str) -> str:
    """Return `frame`, without its index, as text in one of `FORMATS`, ending in a newline.

    csv       numbers in full (the shortest digits that read back as the same float64), nothing where missing
    json      a list of records, one per line; null where missing, or infinite, which JSON cannot write
    markdown  a GitHub table of rounded numbers and local times, for reading

    Times in CSV and JSON are UTC, such as 2026-01-31T23:59:59Z.

    Raises:
        UsageError: the format is unknown.
    """
    from pandas.api.types import is_numeric_dtype

    columns = [[_plain(value) for value in frame.iloc[:, position]] for position in range(frame.shape[1])]
    return render_columns([*map(str, frame.columns)], columns, [*map(is_numeric_dtype, frame.dtypes)], format)


def render_columns(
    names: Sequence[str], columns: Sequence[Sequence[object]], numeric: Sequence[bool], format: str
) -> str:
    """Return a table that is no frame as text; see `render`.

    Args:
        names: of the columns.
        columns: the values of each, as Python has them.
        numeric: whether each holds numbers.
        format: one of `FORMATS`.

    Raises:
        UsageError: the format is unknown.
    """
    if format not in FORMATS:
        raise UsageError(f"there is no format '{format}': {suggest(format, FORMATS)}")
    if format == "markdown":
        return _markdown(names, columns, numeric)
    return (_csv if format == "csv" else _json)(names, columns)


def format_value(column: str, value: object) -> str:
    """Return a value as tables show it: metrics with the decimals of their measure, other numbers with 4 digits.

    Whole numbers are shown in full, true and false as an experiment file spells them, missing values as nothing, times
    as those of this machine's time zone, which is named.

    >>> format_value("test_accuracy", 0.97)
    '0.9700'
    >>> format_value("learning_rate", 0.0123456)
    '0.01235'
    """
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{_in_utc(value).astimezone():%Y-%m-%d %H:%M %Z}"
    if not isinstance(value, float):
        return str(spelled(value))
    if (decimals := _decimals(column)) is not None and abs(value) < 1e3:
        return f"{value:.{decimals}f}"
    # The format g would write what rounds to 10,000 or more with an exponent.
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e15 else f"{value:.4g}"


def is_measured(column: str) -> bool:
    """Return whether a column is named for a measure of ours, such as `test_loss`."""
    return _decimals(column) is not None or column.partition("_")[2] in MEASURES


def _decimals(column: str) -> int | None:
    """Return the decimals of the measure that a column is named for, such as `test_accuracy`; None for four digits."""
    measure = MEASURES.get(column) or MEASURES.get(column.partition("_")[2])
    return measure.decimals if measure else None


def _plain(value: object) -> object:
    """Return a frame's value as a Python scalar, and None for every kind of missing value."""
    pandas = sys.modules.get("pandas")
    if value is None or (pandas and (value is pandas.NA or value is pandas.NaT)):
        return None
    if type(value).__module__ == "numpy":
        value = value.item()  # type: ignore[attr-defined]
    return None if isinstance(value, float) and math.isnan(value) else value


def spelled(value: object) -> object:
    """Return true and false as an experiment file spells them, times in ISO 8601, other values as they are."""
    if isinstance(value, datetime):
        return f"{_in_utc(value):%Y-%m-%dT%H:%M:%SZ}"
    return str(value).lower() if isinstance(value, bool) else value


def _in_utc(moment: datetime) -> datetime:
    """Return a moment with its zone, UTC; a frame's times without a zone are UTC already."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return datetime.fromtimestamp(aware.timestamp(), UTC)


def _csv(names: Sequence[str], columns: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in zip(*columns, strict=True):
        # The csv module leaves a lone carriage return bare, which readers take for the end of the row.
        writer.writerow([re.sub("\r\n?", "\n", v) if isinstance(v, str) else spelled(v) for v in row])
    return text.getvalue()


def _json(names: Sequence[str], columns: Sequence[Sequence[object]]) -> str:
    finite = [[None if value in (math.inf, -math.inf) else value for value in column] for column in columns]
    lines = [
        json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False, default=json_text)
        for row in zip(*finite, strict=True)
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"


def json_text(value: object) -> str:
    """Return what stands in JSON for a value that JSON has no kind of."""
    return str(spelled(value))


def _markdown(names: Sequence[str], columns: Sequence[Sequence[object]], numeric: Sequence[bool]) -> str:
    cells = [
        _markdown_column(name, values, to_the_right=is_numeric)
        for name, values, is_numeric in zip(names, columns, numeric, strict=True)
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in zip(*cells, strict=True))


def _markdown_column(name: str, values: Iterable[object], *, to_the_right: bool) -> list[str]:
    """Return a table's column from its head down, every cell of one width."""
    texts = [_escape(name), *(_escape(format_value(name, value)) for value in values)]
    width = max(3, *map(len, texts))
    head, *body = [text.rjust(width) if to_the_right else text.ljust(width) for text in texts]
    return [head, "-" * (width - 1) + (":" if to_the_right else "-"), *body]


def _escape(text: str) -> str:
    """Return `text` so that it stays in its cell, which ends at a bare | or at the line's end."""
    return re.sub(r"([\\|])", r"\\\1", " ".join(text.splitlines()))
