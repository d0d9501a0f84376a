"""The trials of a sweep as runs, the form in which trackers of experiments keep them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sweep.errors import Argument, UsageError
from sweep.records import Scalar, TrialRecord

if TYPE_CHECKING:
    from sweep.results.export.base import Table
    from sweep.results.sweep import Sweep


@dataclass(frozen=True, slots=True)
class RunEpoch:
    """What was measured after an epoch of a run."""

    number: int
    """0 is the untrained network."""
    time: float
    """When it ended, in seconds since 1970."""
    metrics: dict[str, float]
    """Those that it has, by name."""


@dataclass(frozen=True, slots=True)
class Run:
    """One trial, for another program."""

    record: TrialRecord
    parameters: dict[str, Scalar]
    """The drawn values, by short name."""
    epochs: list[RunEpoch]

    @property
    def started(self) -> float:
        """When it was started, in seconds since 1970; 0 if it was not."""
        return seconds_of(self.record.started)

    @property
    def ended(self) -> float | None:
        """When it ended; None if it has not."""
        return None if self.record.finished is None else seconds_of(self.record.finished)

    @property
    def tags(self) -> dict[str, str]:
        """What is told of it in words: its status and, where there is such, its divergence, error and finding."""
        record = self.record
        found = {"status": str(record.status), "error": record.error, "finding": record.finding}
        if record.divergence is not None:
            at = record.divergence
            found["divergence"] = f"{at.kind} in {at.place}, epoch {at.epoch}, step {at.step}"
        return {name: text for name, text in found.items() if text}


def read_runs(sweep: Sweep, table: Table) -> list[Run]:
    """Return all trials of a sweep as runs, by number.

    Raises:
        UsageError: when a table is asked for other than that of the trials, since runs hold all.
    """
    from sweep.store.queries import trial_records

    if table != "trials":
        raise UsageError(Argument("table"), f" cannot be {table!r} here, since all of a sweep is written")
    with sweep.store.database.reading() as connection:
        records = trial_records(connection, sweep.record.id)
    short_names = {parameter.name: parameter.short_name for parameter in sweep.parameters}
    drawn = sweep.store.parameters(sweep.record.id)
    rows = dict(_epochs(sweep))
    return [
        Run(
            record,
            {short_names.get(name, name): value for name, value in drawn.get(record.number, {}).items()},
            list(_timed(record, rows.get(record.number, []))),
        )
        for record in records
    ]


def _epochs(sweep: Sweep) -> Iterator[tuple[int, list[dict[Any, Any]]]]:
    """Yield each trial's number with its epochs as rows."""
    for number, rows in sweep.epochs().groupby("trial"):
        yield int(str(number)), rows.drop(columns="trial").to_dict("records")


def _timed(record: TrialRecord, rows: list[dict[Any, Any]]) -> Iterator[RunEpoch]:
    """Yield epochs with the times at which they ended, counted from the start of the trial."""
    time = seconds_of(record.started)
    for row in rows:
        number, seconds = int(row.pop("epoch")), row.pop("seconds")
        time += seconds
        yield RunEpoch(number, time, {name: value for name, value in row.items() if not math.isnan(value)})


def seconds_of(moment: datetime | None) -> float:
    """Return a moment of the database in seconds since 1970; 0 for none."""
    return 0.0 if moment is None else moment.replace(tzinfo=UTC).timestamp()
