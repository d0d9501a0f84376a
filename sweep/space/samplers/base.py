"""Samplers: where in the unit cube a trial lies.

Drawing is order-free: the coordinate of a parameter in trial *i* of seed *s* is a pure function of *s*, *i* and the
parameter's name. So any trial can be drawn alone, in any order and any process; 100 trials are the first 100 of 200;
and a further parameter leaves the other draws as they were.
"""

from __future__ import annotations

import csv
from pathlib import Path
from zlib import crc32

import numpy as np

from sweep.errors import ExperimentError
from sweep.records import Parameter, Seeds
from sweep.space.distributions import Distribution, Pick, Tree

_RESOLUTION = 53  # bits of a float64's significand


def _bits(seed: int, trial: int, name: str, bits: int) -> int:
    """Return an integer of so many random bits, at most 64, that depends on its arguments alone."""
    sequence = np.random.SeedSequence(seed, spawn_key=(trial, crc32(name.encode())))
    return int(sequence.generate_state(1, np.uint64)[0]) >> (64 - bits)


def random_point(seed: int, trial: int, name: str) -> float:
    """Return a uniform coordinate in [0, 1) for one parameter of one trial."""
    return _bits(seed, trial, name, _RESOLUTION) / float(2**_RESOLUTION)


def trial_seeds(seed: int, trial: int) -> Seeds:
    """Return the seeds of one trial's generators, independent of its parameters."""
    return Seeds(*(_bits(seed, trial, f"seed of {use}", 63) for use in ("weights", "shuffling", "dropout")))


def random_pick(seed: int, trial: int) -> Pick:
    """Pick each parameter independently and uniformly in its distribution."""

    def pick(name: str, distribution: Distribution, depth: int) -> Tree:
        return distribution.at(random_point(seed, trial, name + "|option" * depth))

    return pick


def listed_pick(row: dict[str, str], parameters: list[Parameter], place: str) -> Pick:
    """Pick the values that a row of a list of configurations gives; `place` names it in errors."""
    short_names = {parameter.name: parameter.short_name for parameter in parameters}

    def pick(name: str, distribution: Distribution, depth: int) -> Tree:
        column = name if name in row else short_names[name]
        try:
            return distribution.read(row[column].strip())
        except ValueError as error:
            raise ExperimentError(f"{place}: {column} = {row[column]!r} does not fit {name}: {error}") from None

    return pick


def read_list(path: Path, parameters: list[Parameter]) -> list[dict[str, str]]:
    """Read a CSV of configurations: a header, then one trial in each row.

    There must be a column for every searched parameter, under its full or its short name; other columns are left
    unread, so that an exported table of trials can be run again as it is.

    Raises:
        ExperimentError: when the file cannot be read, is empty or lacks a column or a cell.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ExperimentError(f"sampler.file = {str(path)!r} cannot be read as a CSV file: {reason}") from None
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
