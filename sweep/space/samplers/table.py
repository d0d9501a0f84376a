"""The rows of a CSV file, one configuration each."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sweep.errors import ExperimentError
from sweep.records import Parameter
from sweep.space.distributions import Distribution, Tree
from sweep.space.samplers.base import Point, Sampler, Space


@dataclass(frozen=True, slots=True)
class Table(Sampler):
    """The rows of a CSV file, in order."""

    file: str
    """Its path, relative to the folder of the experiment file."""

    needs_trials: ClassVar[bool] = False
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
        try:
            return distribution.read(row[column].strip())
        except ValueError as error:
            raise ExperimentError(f"{place}: {column} = {row[column]!r} does not fit {name}: {error}") from None

    return pick


def read_table(path: Path, parameters: list[Parameter]) -> list[dict[str, str]]:
    """Return the rows of a CSV file with a header, as text by column.

    There must be a column for every parameter, under its full or its short name. Other columns are not used, so an
    exported table of trials can be run again as it is.

    Raises:
        ExperimentError: when the file cannot be read, is empty or lacks a column or a cell.
    """
    rows = _read_csv(path)
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


def _read_csv(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return (line number, row) for each row of a CSV file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            return [(reader.line_num, row) for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ExperimentError(f"sampler.file = {str(path)!r} cannot be read as a CSV file: {reason}") from None
