"""The rows of a CSV file, one configuration each."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sweep.errors import ExperimentError, unreadable
from sweep.records import Parameter
from sweep.space.distributions import Distribution, Tree
from sweep.space.formulas import unprotected
from sweep.space.samplers.base import Point, Sampler, Space

_SEPARATORS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?')
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Table(Sampler):
    """The rows of a CSV file, in order."""

    file: str
    """Its path, relative to the folder of the experiment file."""

    needs_trials: ClassVar[bool] = False
    can_redraw: ClassVar[bool] = False
    fingerprint_kind: ClassVar[str | None] = "list"  # its name in the first edition

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Yield one point for each row.

        Raises:
            ExperimentError: when the file cannot be read, or lacks a column or a cell.
        """
        rows = self._rows(space)
        places = (f"{self.file}, row {number}" for number in range(1, len(rows) + 1))
        return (table_pick(row, space.parameters, place) for row, place in zip(rows, places, strict=True))

    def external(self, space: Space) -> Mapping[str, Any]:
        """Return the rows."""
        return {"rows": self._rows(space)}

    def _rows(self, space: Space) -> list[dict[str, str]]:
        return read_table(space.folder / self.file, space.parameters)


def table_pick(row: Mapping[str, str], parameters: list[Parameter], place: str) -> Point:
    """Return the point that a row stands for; `place` names the row in errors."""
    short_names = {parameter.name: parameter.short_name for parameter in parameters}

    def pick(name: str, distribution: Distribution, depth: int) -> Tree:
        column = name if name in row else short_names[name]
        text = row[column].strip()
        try:
            return distribution.read(unprotected(text))
        except ValueError as error:
            if text != unprotected(text):  # it may be written without protection
                with suppress(ValueError):
                    return distribution.read(text)
            raise ExperimentError(f"{place}: {column} = {row[column]!r} does not fit {name}: {error}") from None

    return pick


def read_table(path: Path, parameters: list[Parameter]) -> list[dict[str, str]]:
    """Return the rows of a CSV file with a header, as text by column.

    There must be a column for every parameter, under its full or its short name. Other columns are not used, so an
    exported table of trials can be run again as it is.

    Raises:
        ExperimentError: when the file cannot be read, is empty or lacks a column or a cell.
    """
    wanted = {name for parameter in parameters for name in (parameter.name, parameter.short_name)}
    rows = _read_csv(path, wanted)
    if not rows:
        raise ExperimentError(f"{path} lists no configurations; give a header and at least one row")
    for parameter in parameters:
        if not {parameter.name, parameter.short_name} & rows[0][1].keys():
            raise ExperimentError(
                f"{path} has no column '{parameter.short_name}'; add one, or fix {parameter.name} in the experiment"
            )
    for line, row in rows:
        if None in row or None in row.values():
            raise ExperimentError(f"{path}, line {line} does not have as many cells as the header")
    return [row for _, row in rows]


def _read_csv(path: Path, wanted: Set[str]) -> list[tuple[int, dict[str, str]]]:
    """Return (line number, row) for each row of a CSV file, whose separator gives most of the wanted names."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(file)
        told = _SEPARATOR_LINE.fullmatch(lines[0].strip()) if lines else None
        skipped = 1 if told else 0
        separator = told[1] if told else _separator(lines, wanted)
        quoted_after_blank = any(f'{separator} "' in line for line in lines)
        reader = csv.DictReader(lines[skipped:], delimiter=separator, skipinitialspace=quoted_after_blank)
        reader.fieldnames = _columns(path, reader.fieldnames or [], wanted)
        return [(reader.line_num + skipped, _with_points(row, separator)) for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        reason = unreadable(error) if isinstance(error, OSError) else error
        raise ExperimentError(f"sampler.file = {str(path)!r} cannot be read as a CSV file: {reason}") from None


def _separator(lines: list[str], wanted: Set[str]) -> str:
    """Return the separator of a header, the comma if no other gives more of the wanted names."""

    def score(separator: str) -> int:
        header = next(csv.reader(lines, delimiter=separator, skipinitialspace=True), [])
        return len(wanted & {name.strip() for name in header})

    return max(_SEPARATORS, key=score)


def _columns(path: Path, names: Sequence[str], wanted: Set[str]) -> list[str]:
    """Return the names of the columns, those of parameters without blanks around them.

    Raises:
        ExperimentError: when two columns have the name of one parameter.
    """
    columns = [plain if (plain := unprotected(name.strip())) in wanted else name for name in names]
    for name in columns:
        places = [str(place) for place, other in enumerate(columns, start=1) if other == name]
        if name in wanted and len(places) > 1:
            raise ExperimentError(
                f"{path} has more than one column {name!r} (columns {', '.join(places[:-1])} and {places[-1]}); "
                "keep one of them"
            )
    return columns


def _with_points(row: dict[str, str], separator: str) -> dict[str, str]:
    """Return a row with decimal points for decimal commas, which files have that are separated by semicolons."""
    if separator != ";":
        return row
    # Cells beyond the header are a list, and cells that are missing None; `read_table` refuses both.
    return {
        name: cell.replace(",", ".") if isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()) else cell
        for name, cell in row.items()
    }
