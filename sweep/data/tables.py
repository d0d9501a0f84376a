"""Text files of separated values: their dialect, header and cells."""

from __future__ import annotations

import csv
import re
import warnings
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sweep.data.sources import one_line
from sweep.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = (",", ";", "\t", "|")
"""Separators that are recognized, the most usual first."""
_LINES = 1000
"""Lines from which the dialect is found."""
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?')
_DECIMAL_COMMA = re.compile(r'"?[+-]?\d+,\d+"?')
_DECIMAL_POINT = re.compile(r'"?[+-]?\d+\.\d+"?')


class Dialect(NamedTuple):
    """How a file writes a table."""

    separator: str | None = None
    """Character between two cells; None to find it."""
    decimal: str | None = None
    """Decimal point of numbers, "." or ","; None to find it."""
    skipped: int = 0
    """Lines before the header."""


class Table(NamedTuple):
    """A table as it was read, and how it was written."""

    frame: pd.DataFrame
    dialect: Dialect


def read_table(path: Path, wanted: Collection[str], text: Collection[str], dialect: Dialect) -> Table:
    """Return a table whose columns have the names of the header, without surrounding blanks, each of its own.

    Only an empty cell is missing: "None" and "NA" may be names of classes.

    Args:
        path: a UTF-8 file with a header row; compressed if its name ends in .gz, .bz2, .zip or .xz.
        wanted: names that the header should have; by them the separator is found.
        text: names of columns whose cells are left as they are written.
        dialect: what of it is known.

    Raises: DataError if it is not a table, or a column has no name or that of another.
    """
    from pandas.errors import EmptyDataError

    try:
        dialect, names, frame = _parse(path, wanted, text, dialect)
    except DataError:
        raise
    except EmptyDataError as error:
        raise DataError(f"{path} is empty: give it a header row and the data.") from error
    except Exception as error:  # whatever pandas, its parser and the decompressors raise on another file
        raise DataError(
            f"{path} cannot be read as comma-separated values ({one_line(error)}): "
            "save it as UTF-8 text with a header row."
        ) from error
    frame = frame.set_axis([name.strip() for name in names], axis=1)
    check_names(str(path), list(frame.columns))
    return Table(frame, dialect)


def _parse(
    path: Path, wanted: Collection[str], text: Collection[str], dialect: Dialect
) -> tuple[Dialect, list[str], pd.DataFrame]:
    """Return the whole dialect, the names of the header as they are written, and the rows."""
    import pandas as pd
    from pandas.errors import ParserWarning

    dialect = _complete(dialect, _first_lines(path), wanted)
    separator, decimal, skipped = dialect
    names = [str(name) for name in _rows(path, separator or ",", skiprows=skipped, header=None, nrows=1).iloc[0]]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ParserWarning)  # of cells that would be left out
            frame = pd.read_csv(
                path,
                sep=separator,
                decimal=decimal or ".",
                skiprows=skipped,
                dtype={name: str for name in names if name.strip() in text},
                keep_default_na=False,
                na_values=[""],
                skipinitialspace=True,
                low_memory=False,
                index_col=False,  # else pandas takes the first of more cells than names for a row number
            )
    except ParserWarning:
        raise DataError(_no_header(path, names)) from None
    return dialect, names, frame


def _rows(path: Path, separator: str, **options: object) -> pd.DataFrame:
    """Return the first rows as text."""
    import pandas as pd

    options = {"dtype": str, "keep_default_na": False, "skipinitialspace": True, **options}
    rows: pd.DataFrame = pd.read_csv(path, sep=separator, **options)  # type: ignore[call-overload]
    return rows


def _first_lines(path: Path) -> list[str]:
    """Return the first lines that are not blank, unpacked if need be."""
    unused = "\x01"  # a separator that no text has, so that a row is a line
    lines = _rows(path, unused, header=None, nrows=_LINES, quoting=csv.QUOTE_NONE, skipinitialspace=False)
    return [str(line) for line in lines.iloc[:, 0]]


def _complete(dialect: Dialect, lines: list[str], wanted: Collection[str]) -> Dialect:
    """Fill in what is not known of a dialect."""
    told = _SEPARATOR_LINE.fullmatch(lines[0].strip("\ufeff \r"))
    skipped = 1 if told and len(lines) > 1 else 0
    found = told[1] if told and skipped else _separator(lines[skipped], wanted)
    separator = dialect.separator or found
    return Dialect(separator, dialect.decimal or _decimal(lines[skipped + 1 :], separator), skipped)


def _separator(header: str, wanted: Collection[str]) -> str:
    """Return the separator that gives most of the wanted names, then most names at all."""

    def score(separator: str) -> tuple[int, int]:
        (cells,) = csv.reader([header.lstrip("\ufeff")], delimiter=separator, skipinitialspace=True)
        return len(set(wanted) & {cell.strip() for cell in cells}), len(cells)

    return max(SEPARATORS, key=score)


def _decimal(lines: Sequence[str], separator: str) -> str:
    """Return the decimal point: a comma if there are such numbers and none with a point."""
    if separator == ",":
        return "."
    cells = [cell.strip() for line in lines for cell in line.split(separator)]
    has_commas = any(map(_DECIMAL_COMMA.fullmatch, cells))
    return "," if has_commas and not any(map(_DECIMAL_POINT.fullmatch, cells)) else "."


def _no_header(path: Path, names: list[str]) -> str:
    if len(names) == 1:
        return (
            f"{path}: the first line {names[0][:60]!r} has one cell but the next has more: remove it if it is not the "
            "header."
        )
    return (
        f"{path} has rows with more cells than its first line, which is taken for the header, has names: name each "
        "column, or remove separators at the ends of the rows."
    )


def check_names(place: str, names: list[str]) -> None:
    """Raise DataError unless each column has a name of its own; `place` is the file, for the error."""
    for position, name in enumerate(names, start=1):
        # A column without a name is nearly always the row number that pandas wrote: as a feature it would give
        # away the order of the rows, and in a sorted file so the labels.
        if not name and len(names) > 1:
            raise DataError(f"{place}: column {position} has no name; name it, or remove it if it numbers the rows.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        places = [str(position) for position, name in enumerate(names, start=1) if name == twice[0]]
        raise DataError(
            f"{place} has more than one column {twice[0]!r} (columns {', '.join(places[:-1])} and {places[-1]}): "
            "give each column a name of its own, or remove those that repeat another."
        )
